// SPDX-License-Identifier: Apache-2.0
//
// int8: symmetric eight-bit weights with a float scale for every 256 inputs of a row: 8.125 bits per weight.
// w = scale * code, code in -127 .. 127, stored with 128 added.
//
// A block is 16 rows x 256 columns. Its 64 lines of 64 bytes hold four inputs of sixteen rows each, which is at once what a
// VNNI dot product takes against four broadcast activations and a row of an AMX tile (sixteen lines make a tile): one
// layout for matrix-vector products and tiles, and no horizontal sums in either.
#pragma once

#include <apertus/core/weight_format.hpp>
#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct int8 {
    struct block {
        std::uint8_t code[64][16][4]; ///< [column / 4][row][column % 4], 128 added
        float scale[16];              ///< of a row
    };
    static constexpr std::string_view name = "int8";
    static constexpr std::size_t block_rows = 16;
    static constexpr std::size_t block_size = 256;

    /// Rounds to the nearest code of scale = max |w| / 127. A row with an infinity or a NaN becomes NaN.
    static void pack(const float* in, block& out) noexcept { detail::run_widest<packer>(in, out); }

    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t r = 0; r < block_rows; ++r) {
            for (std::size_t k = 0; k < block_size; ++k) {
                const std::uint8_t(&quad)[4] = in.code[k / 4][r];
                out[r * block_size + k] = in.scale[r] * static_cast<float>(quad[k % 4] - 128);
            }
        }
    }

private:
    struct packer {
        APERTUS_ALWAYS_INLINE static void run(const float* in, block& out) noexcept {
            using detail::floats16;
            using detail::ints16;
            for (std::size_t r = 0; r < block_rows; ++r, in += block_size) {
                ints16 greatest = {};
                for (std::size_t k = 0; k < block_size; k += 16) {
                    ints16 magnitude;
                    detail::load_bits16(in + k, magnitude);
                    magnitude = magnitude & 0x7fffffff; // orders as the floats do
                    greatest = magnitude > greatest ? magnitude : greatest;
                }
                std::int32_t bits = 0;
                for (int i = 0; i < 16; ++i) bits = greatest[i] > bits ? greatest[i] : bits;
                const float most = detail::float_of_bits(bits);
                const bool finite = bits < 0x7f800000;
                const float inverse = finite && most > 1e-35F ? 127.0F / most : 0.0F;
                out.scale[r] = finite ? (inverse == 0.0F ? 0.0F : most / 127.0F) : detail::float_of_bits(0x7fc00000);
                for (std::size_t k = 0; k < block_size; k += 16) {
                    ints16 code = {};
                    code = code + 128;
                    if (inverse != 0.0F) {
                        floats16 x;
                        detail::load16(in + k, x);
                        code = __builtin_convertvector(x * inverse + 128.5F, ints16); // positive: rounds half up
                    }
                    bytes16 narrow = __builtin_convertvector(code, bytes16);
                    for (std::size_t i = 0; i < 16; i += 4) { // four columns of a row lie together
                        std::memcpy(out.code[(k + i) / 4][r], reinterpret_cast<const std::uint8_t*>(&narrow) + i, 4);
                    }
                }
            }
        }

    private:
        using bytes16 = std::uint8_t __attribute__((vector_size(16)));
    };
};
static_assert(weight_format<int8> && sizeof(int8::block) == 65 * 64);

APERTUS_END_NAMESPACE
