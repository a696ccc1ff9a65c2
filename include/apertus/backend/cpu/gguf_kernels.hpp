// SPDX-License-Identifier: Apache-2.0
//
// Fast unpacking of the blocks of GGUF files, one text for the instruction sets that have quants16: overloads of the
// general `unpack_blocks` (backend/cpu/unpack_kernels.hpp, which is included after this file), found by the format. Every
// weight has the bits that the format's own `unpack` gives it. Included by backend/cpu/kernel_tables.hpp inside target
// regions (hence no #pragma once; included alone it is empty).
// Tried and dropped (cycles for 32 weights, see there): fifth bits through mask registers (Q5_K 17.4 instead of 12.7), group
// scales multiplied from sixteen single stores, which one load cannot be forwarded from (Q4_K 14.1 instead of 10.1).
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// Scales (and offsets after them) of up to sixteen blocks as floats: converted together, because a conversion for each
/// costs as much as four weights.
template <class Q, std::size_t Count> struct block_scales {
    alignas(64) float value[Count][16];

    template <std::size_t BlockBytes>
    APERTUS_ALWAYS_INLINE void read(const std::byte* first_scale, std::size_t blocks) noexcept {
        alignas(64) f16 half[Count][16];
        if (blocks == 16) { // straight code
            APERTUS_UNROLL
            for (std::size_t b = 0; b < 16; ++b) copy(half, b, first_scale + b * BlockBytes);
        } else {
            for (std::size_t b = 0; b < blocks; ++b) copy(half, b, first_scale + b * BlockBytes);
        }
        APERTUS_UNROLL
        for (std::size_t i = 0; i < Count; ++i) Q::vec::load(half[i]).store(value[i]);
    }

private:
    APERTUS_ALWAYS_INLINE static void copy(f16 (&half)[Count][16], std::size_t b, const std::byte* from) noexcept {
        APERTUS_UNROLL
        for (std::size_t i = 0; i < Count; ++i) {
            std::memcpy(static_cast<void*>(&half[i][b]), from + i * sizeof(f16), sizeof(f16));
        }
    }
};

/// each(block, scales, its number within them, out) for blocks of 32 weights that begin with `Count` numbers. Straight code
/// for sixteen of them: counting and addresses are a third of the instructions otherwise (Q8_0 12.7 cycles, not 11.1).
template <class Q, class Block, std::size_t Count, class Each>
APERTUS_ALWAYS_INLINE void for_blocks(const std::byte* in, std::size_t blocks, float* out, const Each& each) noexcept {
    static_assert(offsetof(Block, scale) == 0);
    block_scales<Q, Count> scales;
    for (; blocks >= 16; blocks -= 16, in += 16 * sizeof(Block), out += 16 * std::size_t{32}) {
        scales.template read<sizeof(Block)>(in, 16);
        APERTUS_UNROLL
        for (std::size_t b = 0; b < 16; ++b) each(in + b * sizeof(Block), scales, b, out + 32 * b);
    }
    if (blocks == 0) return;
    scales.template read<sizeof(Block)>(in, blocks);
    for (std::size_t b = 0; b < blocks; ++b) each(in + b * sizeof(Block), scales, b, out + 32 * b);
}

template <class Q> inline void unpack_blocks(gguf_q8_0, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using vec = typename Q::vec;
    using block = gguf_q8_0::block;
    for_blocks<Q, block, 1>(in, blocks, out, [](const std::byte* p, const auto& scales, std::size_t b, float* to) {
        const std::byte* quants = p + offsetof(block, quants);
        const vec scale = vec::splat(scales.value[0][b]);
        mul(Q::signed_bytes(quants), scale).store(to);
        mul(Q::signed_bytes(quants + 16), scale).store(to + 16);
    });
}

template <class Q> inline void unpack_blocks(gguf_q4_0, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q4_0::block;
    for_blocks<Q, block, 1>(in, blocks, out, [](const std::byte* p, const auto& scales, std::size_t b, float* to) {
        const auto q = Q::load(p + offsetof(block, quants));
        const auto values = Q::linear4(scales.value[0][b], 8);
        Q::linear_value(values, q).store(to);
        Q::linear_value(values, Q::high_nibbles(q)).store(to + 16);
    });
}

template <class Q> inline void unpack_blocks(gguf_q4_1, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q4_1::block;
    for_blocks<Q, block, 2>(in, blocks, out, [](const std::byte* p, const auto& scales, std::size_t b, float* to) {
        const auto q = Q::load(p + offsetof(block, quants));
        const auto values = Q::affine4(scales.value[0][b], scales.value[1][b]);
        Q::affine_value(values, q).store(to);
        Q::affine_value(values, Q::high_nibbles(q)).store(to + 16);
    });
}

template <class Q> inline void unpack_blocks(gguf_q5_0, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q5_0::block;
    for_blocks<Q, block, 1>(in, blocks, out, [](const std::byte* p, const auto& scales, std::size_t b, float* to) {
        const auto q = Q::load(p + offsetof(block, quants));
        const std::byte* bits = p + offsetof(block, fifth_bits);
        const auto values = Q::linear5(scales.value[0][b], 16);
        Q::linear_value(values, q, Q::fifth_bits(bits, 0)).store(to);
        Q::linear_value(values, Q::high_nibbles(q), Q::fifth_bits(bits, 1)).store(to + 16);
    });
}

template <class Q> inline void unpack_blocks(gguf_q5_1, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q5_1::block;
    for_blocks<Q, block, 2>(in, blocks, out, [](const std::byte* p, const auto& scales, std::size_t b, float* to) {
        const auto q = Q::load(p + offsetof(block, quants));
        const std::byte* bits = p + offsetof(block, fifth_bits);
        const auto values = Q::affine5(scales.value[0][b], scales.value[1][b]);
        Q::affine_value(values, q, Q::fifth_bits(bits, 0)).store(to);
        Q::affine_value(values, Q::high_nibbles(q), Q::fifth_bits(bits, 1)).store(to + 16);
    });
}

/// Scales and (negated: they are added) offsets of the eight groups of a Q4_K or Q5_K block.
template <class Q, class Block> struct group_scales {
    alignas(64) float scale[16];  ///< the first eight are meant
    alignas(64) float offset[16]; ///< the last eight are meant

    APERTUS_ALWAYS_INLINE explicit group_scales(const std::byte* p) noexcept {
        static_assert(std::endian::native == std::endian::little);
        std::uint32_t packed[3] = {};
        std::memcpy(packed, p + offsetof(Block, levels), sizeof packed);
        constexpr std::uint32_t six = 0x3f3f3f3f;
        constexpr std::uint32_t four = 0x0f0f0f0f;
        constexpr std::uint32_t two = 0x30303030;
        const auto both = [](std::uint32_t low, std::uint32_t high) { return low | std::uint64_t{high} << 32; };
        const auto level = Q::signed_bytes(both(packed[0] & six, (packed[2] & four) | (packed[0] >> 2 & two)),
                                           both(packed[1] & six, (packed[2] >> 4 & four) | (packed[1] >> 2 & two)));
        mul(level, Q::vec::splat(Q::half(p + offsetof(Block, scale)))).store(scale);
        mul(level, Q::vec::splat(-Q::half(p + offsetof(Block, offset)))).store(offset);
    }
};

template <class Q> inline void unpack_blocks(gguf_q4_k, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q4_k::block;
    for (std::size_t b = 0; b < blocks; ++b, in += sizeof(block)) {
        const group_scales<Q, block> group(in);
        const std::byte* quants = in + offsetof(block, quants);
        for (std::size_t g = 0; g < 8; g += 2, quants += 32, out += 64) {
            const auto low = Q::affine4(group.scale[g], group.offset[8 + g]);
            const auto high = Q::affine4(group.scale[g + 1], group.offset[9 + g]);
            APERTUS_UNROLL
            for (std::size_t i = 0; i < 32; i += 16) {
                const auto q = Q::load(quants + i);
                Q::affine_value(low, q).store(out + i);
                Q::affine_value(high, Q::high_nibbles(q)).store(out + 32 + i);
            }
        }
    }
}

template <class Q> inline void unpack_blocks(gguf_q5_k, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using block = gguf_q5_k::block;
    for (std::size_t b = 0; b < blocks; ++b, in += sizeof(block)) {
        const group_scales<Q, block> group(in);
        const std::byte* quants = in + offsetof(block, quants);
        const typename Q::codes bits[2] = {Q::load(in + offsetof(block, fifth_bits)),
                                           Q::load(in + offsetof(block, fifth_bits) + 16)};
        APERTUS_UNROLL
        for (int g = 0; g < 8; g += 2, quants += 32, out += 64) {
            const auto low = Q::affine5(group.scale[g], group.offset[8 + g]);
            const auto high = Q::affine5(group.scale[g + 1], group.offset[9 + g]);
            APERTUS_UNROLL
            for (std::size_t i = 0; i < 2; ++i) {
                const auto q = Q::load(quants + 16 * i);
                Q::affine_value(low, q, Q::fifth_bits(bits[i], g)).store(out + 16 * i);
                Q::affine_value(high, Q::high_nibbles(q), Q::fifth_bits(bits[i], g + 1)).store(out + 32 + 16 * i);
            }
        }
    }
}

template <class Q> inline void unpack_blocks(gguf_q6_k, const std::byte* in, std::size_t blocks, float* out) noexcept {
    using vec = typename Q::vec;
    using block = gguf_q6_k::block;
    for (std::size_t b = 0; b < blocks; ++b, in += sizeof(block)) {
        alignas(64) float scale[16];
        const float unit = Q::half(in + offsetof(block, scale));
        mul(Q::signed_bytes(in + offsetof(block, levels)), vec::splat(unit)).store(scale);
        APERTUS_UNROLL
        for (std::size_t h = 0; h < 2; ++h, out += 128) {
            const std::byte* low = in + offsetof(block, low) + 64 * h;
            const std::byte* high = in + offsetof(block, high) + 32 * h;
            APERTUS_UNROLL
            for (std::size_t i = 0; i < 2; ++i) { // weights 16 i to 16 i + 15 of four groups of 32
                const auto first = Q::load(low + 16 * i);
                const auto second = Q::load(low + 32 + 16 * i);
                const auto two = Q::load(high + 16 * i);
                const auto put = [&](std::size_t k, const vec& q) {
                    mul(q, vec::splat(scale[8 * h + 2 * k + i])).store(out + 32 * k + 16 * i);
                };
                put(0, Q::six(first, two, 0));
                put(1, Q::six(second, two, 1));
                put(2, Q::six(Q::high_nibbles(first), two, 2));
                put(3, Q::six(Q::high_nibbles(second), two, 3));
            }
        }
    }
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
