// SPDX-License-Identifier: Apache-2.0
//
// The K formats of GGUF files, 256 weights per block: Q4_K and Q5_K (8 groups of 32 weights, each with a scale and an
// offset of 6 bits), Q6_K (16 groups of 16 weights, each with a scale of 8 bits). Layout and `unpack` agree with ggml
// bit for bit (block_q*_K in ggml/src/ggml-common.h, dequantize_row_q*_K in ggml/src/ggml-quants.c of
// https://github.com/ggml-org/llama.cpp); `pack` searches on its own (gguf_search.hpp).
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/core/weight_format.hpp>
#include <apertus/format/gguf_search.hpp>
#include <apertus/simd/pack_lanes.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::size_t k_block = 256;

/// Scales and offsets of the 8 groups of a Q4_K or Q5_K block, 6 bits each.
struct k_levels {
    std::array<std::uint8_t, 8> scale{};
    std::array<std::uint8_t, 8> offset{};
};

/// The 12 bytes: scales 0 to 3, offsets 0 to 3 (their upper two bits hold those of groups 4 to 7), then the lower four
/// bits of scale and offset of groups 4 to 7.
[[nodiscard]] inline k_levels unpack_levels(const std::array<std::uint8_t, 12>& in) noexcept {
    k_levels out;
    for (std::size_t g = 0; g < 4; ++g) {
        out.scale[g] = in[g] & 63u;
        out.offset[g] = in[g + 4] & 63u;
        out.scale[g + 4] = static_cast<std::uint8_t>((in[g + 8] & 15) | in[g] >> 6 << 4);
        out.offset[g + 4] = static_cast<std::uint8_t>(in[g + 8] >> 4 | in[g + 4] >> 6 << 4);
    }
    return out;
}
[[nodiscard]] inline std::array<std::uint8_t, 12> pack_levels(const k_levels& in) noexcept {
    std::array<std::uint8_t, 12> out{};
    for (std::size_t g = 0; g < 4; ++g) {
        out[g] = static_cast<std::uint8_t>(in.scale[g] | in.scale[g + 4] >> 4 << 6);
        out[g + 4] = static_cast<std::uint8_t>(in.offset[g] | in.offset[g + 4] >> 4 << 6);
        out[g + 8] = static_cast<std::uint8_t>((in.scale[g + 4] & 15u) | (in.offset[g + 4] & 15u) << 4);
    }
    return out;
}

/// What Q4_K and Q5_K have in common once their quants are bytes.
struct k_affine {
    f16 scale{0.0F};
    f16 offset{0.0F};
    k_levels levels{};
    std::array<std::uint8_t, k_block> quants{};
};

/// A number that binary16 can hold; the largest one of its sign for what it cannot.
[[nodiscard]] inline f16 f16_within(float x) noexcept {
    constexpr float most = 65504.0F;
    return f16(x < most ? (x > -most ? x : -most) : most);
}

/// Quantizes 256 weights: scale * levels.scale * q - offset * levels.offset, q from 0 to `Most`.
template <int Most> struct k_affine_packer {
    using search = affine_search<floats8, ints8, 32>;

    APERTUS_ALWAYS_INLINE static void run(const float* in, k_affine& out) noexcept {
        constexpr auto most = static_cast<float>(Most);
        alignas(32) typename search::matrix x;
        search::transpose(in, x);
        typename search::fit fit, levels, best;
        search::search(x, most, fit);
        out.scale = f16_within(search::largest(fit.scale) / 63.0F);
        out.offset = f16_within(search::largest(fit.offset) / 63.0F);
        search::search_levels(x, most, to_float(out.scale), to_float(out.offset), fit, levels, best);
        for (std::size_t g = 0; g < search::lanes; ++g) {
            out.levels.scale[g] = static_cast<std::uint8_t>(levels.scale[g]);
            out.levels.offset[g] = static_cast<std::uint8_t>(levels.offset[g]);
        }
        floats8 to_code;
        search::inverse(best.scale, to_code);
        for (std::size_t k = 0; k < 32; ++k) {
            floats8 w, q;
            search::load(x[k], w);
            search::code(w, best, to_code, most, q);
            for (std::size_t g = 0; g < search::lanes; ++g) out.quants[32 * g + k] = static_cast<std::uint8_t>(q[g]);
        }
    }
};
template <int Most> [[nodiscard]] inline k_affine quantize_affine(const float* in) noexcept {
    k_affine out;
    run_widest<k_affine_packer<Most>>(in, out);
    return out;
}

inline void unpack_affine(f16 scale, f16 offset, const std::array<std::uint8_t, 12>& packed,
                          const std::array<std::uint8_t, k_block>& quants, float* out) noexcept {
    const k_levels levels = unpack_levels(packed);
    const float d = to_float(scale), m = to_float(offset);
    for (std::size_t g = 0; g < 8; ++g) {
        const float s = d * static_cast<float>(levels.scale[g]), o = m * static_cast<float>(levels.offset[g]);
        for (std::size_t i = 0; i < 32; ++i) out[32 * g + i] = s * static_cast<float>(quants[32 * g + i]) - o;
    }
}

/// Quants of 4 bits, 64 weights in 32 bytes: the first 32 in the low halves, the next 32 in the high halves.
inline void pack_k_nibbles(const std::array<std::uint8_t, k_block>& q, std::array<std::uint8_t, 128>& out) noexcept {
    for (std::size_t c = 0; c < 4; ++c) {
        for (std::size_t i = 0; i < 32; ++i) {
            out[32 * c + i] = static_cast<std::uint8_t>((q[64 * c + i] & 15u) | (q[64 * c + 32 + i] & 15u) << 4);
        }
    }
}
[[nodiscard]] inline std::array<std::uint8_t, k_block>
unpack_k_nibbles(const std::array<std::uint8_t, 128>& in) noexcept {
    std::array<std::uint8_t, k_block> q{};
    for (std::size_t c = 0; c < 4; ++c) {
        for (std::size_t i = 0; i < 32; ++i) q[64 * c + i] = in[32 * c + i] & 15u;
        for (std::size_t i = 0; i < 32; ++i) q[64 * c + 32 + i] = static_cast<std::uint8_t>(in[32 * c + i] >> 4);
    }
    return q;
}

} // namespace detail

/// weight = scale * level * q - offset * level', q from 0 to 15. 4.5 bits per weight.
struct gguf_q4_k {
    struct block {
        f16 scale;
        f16 offset;
        std::array<std::uint8_t, 12> levels; ///< see detail::unpack_levels
        std::array<std::uint8_t, 128> quants;
    };
    static_assert(sizeof(block) == 144);
    static constexpr std::string_view name = "Q4_K";
    static constexpr std::size_t block_size = detail::k_block;

    static void pack(const float* in, block& out) noexcept {
        const detail::k_affine q = detail::quantize_affine<15>(in);
        out.scale = q.scale;
        out.offset = q.offset;
        out.levels = detail::pack_levels(q.levels);
        detail::pack_k_nibbles(q.quants, out.quants);
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto quants = detail::unpack_k_nibbles(in.quants);
        detail::unpack_affine(in.scale, in.offset, in.levels, quants, out);
    }
};

/// weight = scale * level * q - offset * level', q from 0 to 31. 5.5 bits per weight.
struct gguf_q5_k {
    struct block {
        f16 scale;
        f16 offset;
        std::array<std::uint8_t, 12> levels;
        std::array<std::uint8_t, 32> fifth_bits; ///< of weight 32 g + i: bit g of byte i
        std::array<std::uint8_t, 128> quants;    ///< the low four bits, as in Q4_K
    };
    static_assert(sizeof(block) == 176);
    static constexpr std::string_view name = "Q5_K";
    static constexpr std::size_t block_size = detail::k_block;

    static void pack(const float* in, block& out) noexcept {
        const detail::k_affine q = detail::quantize_affine<31>(in);
        out.scale = q.scale;
        out.offset = q.offset;
        out.levels = detail::pack_levels(q.levels);
        detail::pack_k_nibbles(q.quants, out.quants);
        for (std::size_t i = 0; i < 32; ++i) {
            unsigned bits = 0;
            for (std::size_t g = 0; g < 8; ++g) bits |= (q.quants[32 * g + i] >> 4 & 1u) << g;
            out.fifth_bits[i] = static_cast<std::uint8_t>(bits);
        }
    }
    static void unpack(const block& in, float* out) noexcept {
        auto quants = detail::unpack_k_nibbles(in.quants);
        const auto bits = in.fifth_bits;
        for (std::size_t g = 0; g < 8; ++g) {
            for (std::size_t i = 0; i < 32; ++i) {
                quants[32 * g + i] = static_cast<std::uint8_t>(quants[32 * g + i] | (bits[i] >> g & 1u) << 4);
            }
        }
        detail::unpack_affine(in.scale, in.offset, in.levels, quants, out);
    }
};

/// weight = scale * level * q, level from -128 to 127, q from -32 to 31. 6.5625 bits per weight.
struct gguf_q6_k {
    struct block {
        std::array<std::uint8_t, 128> low;  ///< four bits of q + 32; of 128 weights in 64 bytes: see unpack
        std::array<std::uint8_t, 64> high;  ///< two bits of q + 32; of 128 weights in 32 bytes
        std::array<std::int8_t, 16> levels; ///< of each group of 16 weights
        f16 scale;
    };
    static_assert(sizeof(block) == 210);
    static constexpr std::string_view name = "Q6_K";
    static constexpr std::size_t block_size = detail::k_block;

    static void pack(const float* in, block& out) noexcept {
        std::array<std::uint8_t, block_size> q{};
        detail::run_widest<packer>(in, out, q);
        for (std::size_t h = 0; h < 2; ++h) {
            const std::uint8_t* const from = q.data() + 128 * h;
            for (std::size_t i = 0; i < 64; ++i) {
                out.low[64 * h + i] = static_cast<std::uint8_t>((from[i] & 15u) | (from[i + 64] & 15u) << 4);
            }
            for (std::size_t i = 0; i < 32; ++i) {
                out.high[32 * h + i] = static_cast<std::uint8_t>(from[i] >> 4 | from[i + 32] >> 4 << 2 |
                                                                 from[i + 64] >> 4 << 4 | from[i + 96] >> 4 << 6);
            }
        }
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto low = in.low;
        const auto high = in.high;
        const auto levels = in.levels;
        const float scale = to_float(in.scale);
        std::array<std::int8_t, block_size> q{};
        for (std::size_t h = 0; h < 2; ++h) {
            for (std::size_t k = 0; k < 4; ++k) { // weights 32 k to 32 k + 31 of the half block
                const unsigned low_shift = k < 2 ? 0 : 4, high_shift = static_cast<unsigned>(2 * k);
                for (std::size_t i = 0; i < 32; ++i) {
                    const unsigned four = low[64 * h + k % 2 * 32 + i] >> low_shift & 15u;
                    const unsigned two = high[32 * h + i] >> high_shift & 3u;
                    q[128 * h + 32 * k + i] = static_cast<std::int8_t>(static_cast<int>(four | two << 4) - 32);
                }
            }
        }
        for (std::size_t g = 0; g < 16; ++g) {
            const float d = scale * static_cast<float>(levels[g]);
            for (std::size_t i = 0; i < 16; ++i) out[16 * g + i] = d * static_cast<float>(q[16 * g + i]);
        }
    }

private:
    /// Scale and levels, and every q + 32 as a byte.
    struct packer {
        using search = detail::symmetric_search<detail::floats16, detail::ints16, 16>;

        APERTUS_ALWAYS_INLINE static void run(const float* in, block& out,
                                              std::array<std::uint8_t, block_size>& q) noexcept {
            constexpr float half = 32.0F;
            alignas(64) typename search::matrix x;
            search::transpose(in, x);
            detail::floats16 fit, levels, to_code;
            search::search(x, half, fit);
            float extreme = 0.0F;
            for (std::size_t g = 0; g < search::lanes; ++g) {
                if (std::fabs(fit[g]) > std::fabs(extreme)) extreme = fit[g];
            }
            out.scale = detail::f16_within(extreme / -128.0F); // the largest group gets the level without an opposite
            const float scale = to_float(out.scale);
            search::search_levels(x, half, scale, fit, levels);
            search::inverse(levels * scale, to_code);
            for (std::size_t g = 0; g < search::lanes; ++g) out.levels[g] = static_cast<std::int8_t>(levels[g]);
            for (std::size_t k = 0; k < 16; ++k) {
                detail::floats16 w, code;
                search::load(x[k], w);
                search::nearest(w * to_code, -half, half - 1.0F, code);
                for (std::size_t g = 0; g < search::lanes; ++g) {
                    q[16 * g + k] = static_cast<std::uint8_t>(code[g] + half);
                }
            }
        }
    };
};

static_assert(weight_format<gguf_q4_k> && weight_format<gguf_q5_k> && weight_format<gguf_q6_k>);

APERTUS_END_NAMESPACE
