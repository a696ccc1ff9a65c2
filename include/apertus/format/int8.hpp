// SPDX-License-Identifier: Apache-2.0
//
// int8: symmetric eight-bit weights with a float scale for every 128 inputs of a row: 8.25 bits per weight.
// w = scale * code, code in -127 .. 127, stored with 128 added.
//
// Products turn the sums of 128 inputs into floats anyway, because that is how far a scale of the activations reaches; so
// the second scale for 256 inputs costs 1.5 % of the bytes and no time that could be measured. The layers of SmolLM2-135M,
// KL divergence from fp32 in 1e-3 nats (3,547 positions): one scale for 256 inputs 2.52, for 128 1.94, 64 1.56, 32 1.22.
//
// A block is 16 rows x 256 columns. Its 64 lines of 64 bytes hold four inputs of sixteen rows each, which is at once what a
// VNNI dot product takes against four broadcast activations and a row of an AMX tile (sixteen lines make a tile): one
// layout for matrix-vector products and tiles, and no horizontal sums in either.
#pragma once

#include <apertus/core/weight_format.hpp>
#include <apertus/format/block_columns.hpp>
#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct int8 {
    struct block {
        std::uint8_t code[64][16][4]; ///< [column / 4][row][column % 4], 128 added
        float scale[2][16];           ///< [column / 128][row]
    };
    static constexpr std::string_view name = "int8";
    static constexpr std::size_t block_rows = 16;
    static constexpr std::size_t block_size = 256;
    static constexpr std::size_t group = 128;

    /// Rounds to the nearest code of scale = max |w| / 127. A row with an infinity or a NaN becomes NaN.
    static void pack(const float* in, block& out) noexcept { detail::run_widest<packer>(in, out); }

    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t r = 0; r < block_rows; ++r) {
            for (std::size_t k = 0; k < block_size; ++k) {
                const std::uint8_t(&quad)[4] = in.code[k / 4][r];
                out[r * block_size + k] = in.scale[k / group][r] * static_cast<float>(quad[k % 4] - 128);
            }
        }
    }

    /// What `pack` runs on the instruction set of this machine. Lanes are rows, so that the codes of four columns make
    /// the 32-bit words of a line. (Row by row, with the codes of a row stored four at a time, took 1.8 us a block on
    /// AVX-512 and 6.4 on AVX2; this way 0.9 and 1.7.)
    struct packer {
        template <std::size_t Lanes> APERTUS_ALWAYS_INLINE static void run(const float* in, block& out) noexcept {
            for (std::size_t r = 0; r < block_rows; r += Lanes) pack_lanes<Lanes>(in + r * block_size, r, out);
        }

    private:
        template <std::size_t Lanes>
        APERTUS_ALWAYS_INLINE static void pack_lanes(const float* in, std::size_t row, block& out) noexcept {
            using columns = detail::block_columns<Lanes, block_size>;
            using floats = typename columns::floats;
            using ints = typename columns::ints;
            columns x;
            floats magnitude[block_size / group];
            x.load(in, magnitude);
            for (std::size_t g = 0; g < block_size / group; ++g) {
                const floats zero = {};
                const floats most = magnitude[g];
                const floats inverse = most > 1e-35F ? 127.0F / most : zero;
                const floats scale = most > 1e-35F ? most / 127.0F : zero;
                for (std::size_t line = g * (group / 4); line < (g + 1) * (group / 4); ++line) {
                    ints word = {};
                    APERTUS_UNROLL
                    for (std::size_t i = 0; i < 4; ++i) {
                        floats w;
                        x.get(4 * line + i, w);
                        const floats above = w * inverse + 128.5F; // positive: rounds half up
                        const ints code = __builtin_convertvector(above, ints);
                        word = word | code << static_cast<int>(8 * i);
                    }
                    std::memcpy(out.code[line][row], &word, sizeof word);
                }
                x.store_scale(scale, out.scale[g] + row);
            }
        }
    };
};
static_assert(weight_format<int8> && sizeof(int8::block) == 66 * 64);

APERTUS_END_NAMESPACE
