// SPDX-License-Identifier: Apache-2.0
//
// The formats of GGUF files with 32 weights per block: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1. Each block has a scale of its own,
// the _1 formats an offset too. Layout, `unpack` and `pack` agree with ggml bit for bit (quantize_row_*_ref and
// dequantize_row_* in ggml/src/ggml-quants.c of https://github.com/ggml-org/llama.cpp); what ggml leaves undefined
// (weights that are not finite) packs into some block here.
// `unpack` copies a block into locals first: stores of float may alias its bytes, locals let the loops vectorize.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/core/weight_format.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::size_t gguf_block = 32;

/// The integer part of `x`, between 0 and `most`; `most` for NaN.
[[nodiscard]] inline std::uint8_t truncated(float x, float most) noexcept {
    return static_cast<std::uint8_t>(x < most ? (x > 0.0f ? x : 0.0f) : most);
}

/// 1 / d, 0 for 0.
[[nodiscard]] inline float inverse(float d) noexcept { return d != 0.0f ? 1.0f / d : 0.0f; }

/// The first weight of the largest magnitude, with its sign.
[[nodiscard]] inline float largest_weight(const float* in) noexcept {
    float most = 0.0f, value = 0.0f;
    for (std::size_t i = 0; i < gguf_block; ++i) {
        if (most < std::fabs(in[i])) {
            most = std::fabs(in[i]);
            value = in[i];
        }
    }
    return value;
}

/// The smallest and the largest weight.
struct weight_range {
    float least = std::numeric_limits<float>::max();
    float most = std::numeric_limits<float>::lowest();
};
[[nodiscard]] inline weight_range range_of(const float* in) noexcept {
    weight_range r;
    for (std::size_t i = 0; i < gguf_block; ++i) {
        if (in[i] < r.least) r.least = in[i];
        if (in[i] > r.most) r.most = in[i];
    }
    return r;
}

/// Quants of a block as bytes: numbers of 4 bits, the first half of the block in the low halves of the bytes.
inline void pack_nibbles(const std::array<std::uint8_t, gguf_block>& q, std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i < gguf_block / 2; ++i) {
        out[i] = static_cast<std::uint8_t>((q[i] & 15u) | (q[i + gguf_block / 2] & 15u) << 4);
    }
}
/// The fifth bits of a block, one bit of a little-endian number per weight.
inline void pack_fifth_bits(const std::array<std::uint8_t, gguf_block>& q, std::uint8_t* out) noexcept {
    for (std::size_t i = 0; i < gguf_block / 8; ++i) {
        unsigned bits = 0;
        for (std::size_t j = 0; j < 8; ++j) bits |= (q[8 * i + j] >> 4 & 1u) << j;
        out[i] = static_cast<std::uint8_t>(bits);
    }
}

/// The quants of 4 bits of a block.
[[nodiscard]] inline std::array<std::uint8_t, gguf_block> unpack_nibbles(const std::uint8_t* in) noexcept {
    std::array<std::uint8_t, gguf_block> q{};
    for (std::size_t i = 0; i < gguf_block / 2; ++i) {
        q[i] = in[i] & 15u;
        q[i + gguf_block / 2] = static_cast<std::uint8_t>(in[i] >> 4);
    }
    return q;
}
/// The quants of 5 bits of a block.
[[nodiscard]] inline std::array<std::uint8_t, gguf_block> unpack_five_bits(const std::uint8_t* low,
                                                                           const std::uint8_t* high) noexcept {
    std::array<std::uint8_t, gguf_block> q = unpack_nibbles(low);
    std::array<std::uint8_t, gguf_block> fifth{};
    for (std::size_t b = 0; b < gguf_block / 8; ++b) {
        // Eight copies of a byte, of which each keeps its own bit; whatever is left of it carries into 0x80.
        const std::uint64_t bits = high[b] * 0x0101010101010101u & 0x8040201008040201u;
        const std::uint64_t sixteens = ((bits + 0x7f7f7f7f7f7f7f7fu) & 0x8080808080808080u) >> 3;
        if constexpr (std::endian::native == std::endian::little) {
            std::memcpy(fifth.data() + 8 * b, &sixteens, sizeof sixteens);
        } else {
            for (std::size_t i = 0; i < 8; ++i) fifth[8 * b + i] = static_cast<std::uint8_t>(sixteens >> (8 * i));
        }
    }
    for (std::size_t i = 0; i < gguf_block; ++i) q[i] = static_cast<std::uint8_t>(q[i] | fifth[i]);
    return q;
}

} // namespace detail

/// 8 bits: weight = scale * q, q from -127 to 127. 8.5 bits per weight.
struct gguf_q8_0 {
    struct block {
        f16 scale;
        std::array<std::int8_t, 32> quants;
    };
    static_assert(sizeof(block) == 34);
    static constexpr std::string_view name = "Q8_0";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        const float scale = std::fabs(detail::largest_weight(in)) / 127.0f;
        const float to_quant = detail::inverse(scale);
        out.scale = f16(scale);
        for (std::size_t i = 0; i < block_size; ++i) {
            const float q = std::round(in[i] * to_quant); // half away from zero
            out.quants[i] = static_cast<std::int8_t>(q < 127.0f ? (q > -127.0f ? q : -127.0f) : 127.0f);
        }
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto quants = in.quants;
        const float scale = to_float(in.scale);
        for (std::size_t i = 0; i < block_size; ++i) out[i] = static_cast<float>(quants[i]) * scale;
    }
};

/// 4 bits: weight = scale * (q - 8), q from 0 to 15. 4.5 bits per weight.
struct gguf_q4_0 {
    struct block {
        f16 scale;
        std::array<std::uint8_t, 16> quants; ///< weight i in the low half of byte i, weight 16 + i in the high half
    };
    static_assert(sizeof(block) == 18);
    static constexpr std::string_view name = "Q4_0";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        const float scale = detail::largest_weight(in) / -8.0f;
        const float to_quant = detail::inverse(scale);
        std::array<std::uint8_t, block_size> q{};
        for (std::size_t i = 0; i < block_size; ++i) q[i] = detail::truncated(in[i] * to_quant + 8.5f, 15.0f);
        out.scale = f16(scale);
        detail::pack_nibbles(q, out.quants.data());
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto q = detail::unpack_nibbles(in.quants.data());
        const float scale = to_float(in.scale);
        for (std::size_t i = 0; i < block_size; ++i) out[i] = static_cast<float>(q[i] - 8) * scale;
    }
};

/// 4 bits: weight = scale * q + offset, q from 0 to 15. 5 bits per weight.
struct gguf_q4_1 {
    struct block {
        f16 scale;
        f16 offset;
        std::array<std::uint8_t, 16> quants; ///< as in Q4_0
    };
    static_assert(sizeof(block) == 20);
    static constexpr std::string_view name = "Q4_1";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        const detail::weight_range r = detail::range_of(in);
        const float scale = (r.most - r.least) / 15.0f;
        const float to_quant = detail::inverse(scale);
        std::array<std::uint8_t, block_size> q{};
        for (std::size_t i = 0; i < block_size; ++i)
            q[i] = detail::truncated((in[i] - r.least) * to_quant + 0.5f, 15.0f);
        out.scale = f16(scale);
        out.offset = f16(r.least);
        detail::pack_nibbles(q, out.quants.data());
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto q = detail::unpack_nibbles(in.quants.data());
        const float scale = to_float(in.scale), offset = to_float(in.offset);
        for (std::size_t i = 0; i < block_size; ++i) out[i] = static_cast<float>(q[i]) * scale + offset;
    }
};

/// 5 bits: weight = scale * (q - 16), q from 0 to 31. 5.5 bits per weight.
struct gguf_q5_0 {
    struct block {
        f16 scale;
        std::array<std::uint8_t, 4> fifth_bits; ///< of weight i: bit i of the little-endian number
        std::array<std::uint8_t, 16> quants;    ///< the low four bits, as in Q4_0
    };
    static_assert(sizeof(block) == 22);
    static constexpr std::string_view name = "Q5_0";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        const float scale = detail::largest_weight(in) / -16.0f;
        const float to_quant = detail::inverse(scale);
        std::array<std::uint8_t, block_size> q{};
        for (std::size_t i = 0; i < block_size; ++i) q[i] = detail::truncated(in[i] * to_quant + 16.5f, 31.0f);
        out.scale = f16(scale);
        detail::pack_nibbles(q, out.quants.data());
        detail::pack_fifth_bits(q, out.fifth_bits.data());
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto q = detail::unpack_five_bits(in.quants.data(), in.fifth_bits.data());
        const float scale = to_float(in.scale);
        for (std::size_t i = 0; i < block_size; ++i) out[i] = static_cast<float>(q[i] - 16) * scale;
    }
};

/// 5 bits: weight = scale * q + offset, q from 0 to 31. 6 bits per weight.
struct gguf_q5_1 {
    struct block {
        f16 scale;
        f16 offset;
        std::array<std::uint8_t, 4> fifth_bits; ///< as in Q5_0
        std::array<std::uint8_t, 16> quants;    ///< as in Q5_0
    };
    static_assert(sizeof(block) == 24);
    static constexpr std::string_view name = "Q5_1";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        const detail::weight_range r = detail::range_of(in);
        const float scale = (r.most - r.least) / 31.0f;
        const float to_quant = detail::inverse(scale);
        std::array<std::uint8_t, block_size> q{};
        for (std::size_t i = 0; i < block_size; ++i)
            q[i] = detail::truncated((in[i] - r.least) * to_quant + 0.5f, 31.0f);
        out.scale = f16(scale);
        out.offset = f16(r.least);
        detail::pack_nibbles(q, out.quants.data());
        detail::pack_fifth_bits(q, out.fifth_bits.data());
    }
    static void unpack(const block& in, float* out) noexcept {
        const auto q = detail::unpack_five_bits(in.quants.data(), in.fifth_bits.data());
        const float scale = to_float(in.scale), offset = to_float(in.offset);
        for (std::size_t i = 0; i < block_size; ++i) out[i] = static_cast<float>(q[i]) * scale + offset;
    }
};

static_assert(weight_format<gguf_q8_0> && weight_format<gguf_q4_0> && weight_format<gguf_q4_1> &&
              weight_format<gguf_q5_0> && weight_format<gguf_q5_1>);

APERTUS_END_NAMESPACE
