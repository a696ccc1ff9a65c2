// SPDX-License-Identifier: Apache-2.0
//
// quants16: sixteen codes of a block format on their way to floats, and the words in which the blocks of GGUF files are
// unpacked (backend/cpu/gguf_kernels.hpp). One per instruction set:
//   detail::avx512::quants16   a code in each 32-bit lane; values of codes of 4 and 5 bits come out of a table in registers
//   detail::avx2::quants16     codes in bytes; values are computed
// Elsewhere blocks are unpacked by the format's own `unpack`. All words round exactly where that does.
//
//   load(p)                       sixteen bytes    high_nibbles(q): the upper four bits of each
//   linear4(s, less), affine4(s, o)   the values s * (q - less) and s * q + o of q = 0 .. 15; value(v, q) picks by the low
//                                 four bits of q, whatever lies above them
//   linear5, affine5              the same for q = 0 .. 31; value(v, q, fifth) takes the fifth bits from
//   fifth_bits(p, half), fifth_bits(q, bit)   bits 16 half to 16 half + 15 of the four bytes at p, or that bit of every code
//   six(low, high, k)             (low & 15) + 16 * (bits 2 k and 2 k + 1 of high) - 32
//   signed_bytes(p), signed_bytes(low, high)   sixteen signed bytes
//   half(p)                       a binary16
#pragma once

#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/target.hpp>
#include <apertus/simd/vec16.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

#if APERTUS_X86
APERTUS_BEGIN_NAMESPACE

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
namespace detail::avx2 {

struct quants16 {
    using vec = vec16;
    struct codes {
        __m128i v;
    };
    struct values4 {
        vec scale;
        vec offset;
        __m128i less;
    };
    using values5 = values4;

    APERTUS_ALWAYS_INLINE static codes load(const std::byte* p) noexcept {
        return {_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))};
    }
    APERTUS_ALWAYS_INLINE static codes high_nibbles(codes q) noexcept { return {_mm_srli_epi16(q.v, 4)}; }

    APERTUS_ALWAYS_INLINE static values4 linear4(float scale, int less) noexcept {
        return {vec::splat(scale), vec::zero(), _mm_set1_epi8(static_cast<char>(less))};
    }
    APERTUS_ALWAYS_INLINE static vec linear_value(const values4& v, codes q) noexcept {
        return mul(floats(_mm_sub_epi8(nibbles(q), v.less)), v.scale);
    }
    APERTUS_ALWAYS_INLINE static values4 affine4(float scale, float offset) noexcept {
        return {vec::splat(scale), vec::splat(offset), _mm_setzero_si128()};
    }
    APERTUS_ALWAYS_INLINE static vec affine_value(const values4& v, codes q) noexcept {
        return fma(floats(nibbles(q)), v.scale, v.offset);
    }

    APERTUS_ALWAYS_INLINE static values5 linear5(float scale, int less) noexcept { return linear4(scale, less); }
    APERTUS_ALWAYS_INLINE static values5 affine5(float scale, float offset) noexcept { return affine4(scale, offset); }
    APERTUS_ALWAYS_INLINE static vec linear_value(const values5& v, codes q, codes fifth) noexcept {
        return mul(floats(_mm_sub_epi8(_mm_or_si128(nibbles(q), fifth.v), v.less)), v.scale);
    }
    APERTUS_ALWAYS_INLINE static vec affine_value(const values5& v, codes q, codes fifth) noexcept {
        return fma(floats(_mm_or_si128(nibbles(q), fifth.v)), v.scale, v.offset);
    }
    APERTUS_ALWAYS_INLINE static codes fifth_bits(const std::byte* p, int half) noexcept {
        std::uint16_t mask = 0;
        std::memcpy(&mask, p + 2 * half, sizeof mask);
        const __m128i bit = _mm_set1_epi64x(static_cast<long long>(0x8040201008040201U));
        const __m128i both = _mm_shuffle_epi8(_mm_cvtsi32_si128(mask), _mm_set_epi64x(0x0101010101010101, 0));
        return sixteen_where(both, bit);
    }
    APERTUS_ALWAYS_INLINE static codes fifth_bits(codes q, int bit) noexcept {
        return sixteen_where(q.v, _mm_set1_epi8(static_cast<char>(1 << bit)));
    }

    APERTUS_ALWAYS_INLINE static vec six(codes low, codes high, int k) noexcept {
        const __m128i two = k < 2 ? _mm_slli_epi16(high.v, 4 - 2 * k) : _mm_srli_epi16(high.v, 2 * k - 4);
        const __m128i q = _mm_or_si128(nibbles(low), _mm_and_si128(two, _mm_set1_epi8(0x30)));
        return floats(_mm_sub_epi8(q, _mm_set1_epi8(32)));
    }
    APERTUS_ALWAYS_INLINE static vec signed_bytes(const std::byte* p) noexcept { return floats(load(p).v); }
    APERTUS_ALWAYS_INLINE static vec signed_bytes(std::uint64_t low, std::uint64_t high) noexcept {
        return floats(_mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low)));
    }
    APERTUS_ALWAYS_INLINE static float half(const std::byte* p) noexcept {
        std::uint16_t bits = 0;
        std::memcpy(&bits, p, sizeof bits);
        return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(bits)));
    }

private:
    APERTUS_ALWAYS_INLINE static __m128i nibbles(codes q) noexcept { return _mm_and_si128(q.v, _mm_set1_epi8(15)); }
    APERTUS_ALWAYS_INLINE static vec floats(__m128i q) noexcept {
        return {_mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(q)),
                _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(_mm_unpackhi_epi64(q, q)))};
    }
    APERTUS_ALWAYS_INLINE static codes sixteen_where(__m128i q, __m128i bit) noexcept {
        return {_mm_and_si128(_mm_cmpeq_epi8(_mm_and_si128(q, bit), bit), _mm_set1_epi8(16))};
    }
};

} // namespace detail::avx2
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
namespace detail::avx512 {

struct quants16 {
    using vec = vec16;
    struct codes {
        __m512i v;
    };
    struct values4 {
        __m512 table;
    };
    struct values5 {
        __m512 low;
        __m512 high;
    };

    APERTUS_ALWAYS_INLINE static codes load(const std::byte* p) noexcept {
        return {_mm512_maskz_cvtepu8_epi32(0xffff, _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)))};
    }
    APERTUS_ALWAYS_INLINE static codes high_nibbles(codes q) noexcept {
        return {_mm512_maskz_srli_epi32(0xffff, q.v, 4)};
    }

    APERTUS_ALWAYS_INLINE static values4 linear4(float scale, int less) noexcept {
        return {_mm512_mul_ps(from(-less), _mm512_set1_ps(scale))};
    }
    APERTUS_ALWAYS_INLINE static values4 affine4(float scale, float offset) noexcept {
        return {_mm512_fmadd_ps(from(0), _mm512_set1_ps(scale), _mm512_set1_ps(offset))};
    }
    APERTUS_ALWAYS_INLINE static vec linear_value(const values4& v, codes q) noexcept {
        return {_mm512_maskz_permutexvar_ps(0xffff, q.v, v.table)};
    }
    APERTUS_ALWAYS_INLINE static vec affine_value(const values4& v, codes q) noexcept { return linear_value(v, q); }

    APERTUS_ALWAYS_INLINE static values5 linear5(float scale, int less) noexcept {
        return {linear4(scale, less).table, linear4(scale, less - 16).table};
    }
    APERTUS_ALWAYS_INLINE static values5 affine5(float scale, float offset) noexcept {
        const __m512 s = _mm512_set1_ps(scale);
        return {affine4(scale, offset).table, _mm512_fmadd_ps(from(16), s, _mm512_set1_ps(offset))};
    }
    /// The lookup takes five bits and ignores what lies above them.
    APERTUS_ALWAYS_INLINE static vec linear_value(const values5& v, codes q, codes fifth) noexcept {
        return {_mm512_permutex2var_ps(v.low, low_from(q.v, fifth.v), v.high)};
    }
    APERTUS_ALWAYS_INLINE static vec affine_value(const values5& v, codes q, codes fifth) noexcept {
        return linear_value(v, q, fifth);
    }
    /// Bit 16 half + i comes to the fifth place of lane i.
    APERTUS_ALWAYS_INLINE static codes fifth_bits(const std::byte* p, int half) noexcept {
        std::int32_t bits = 0;
        std::memcpy(&bits, p, sizeof bits);
        const __m512i left = _mm512_sub_epi32(_mm512_set1_epi32(36 - 16 * half),
                                              _mm512_set_epi32(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0));
        return {_mm512_maskz_rolv_epi32(0xffff, _mm512_set1_epi32(bits), left)};
    }
    APERTUS_ALWAYS_INLINE static codes fifth_bits(codes q, int bit) noexcept {
        return {bit < 4 ? _mm512_maskz_slli_epi32(0xffff, q.v, static_cast<unsigned>(4 - bit))
                        : _mm512_maskz_srli_epi32(0xffff, q.v, static_cast<unsigned>(bit - 4))};
    }

    APERTUS_ALWAYS_INLINE static vec six(codes low, codes high, int k) noexcept {
        const __m512i two = k < 2 ? _mm512_maskz_slli_epi32(0xffff, high.v, static_cast<unsigned>(4 - 2 * k))
                                  : _mm512_maskz_srli_epi32(0xffff, high.v, static_cast<unsigned>(2 * k - 4));
        // 2^23 + q as bits, minus 2^23 + 32
        const __m512i q = _mm512_maskz_ternarylogic_epi32(0xffff, low_from(low.v, two), _mm512_set1_epi32(63),
                                                          _mm512_set1_epi32(0x4b000000), 0xea);
        return {_mm512_sub_ps(_mm512_castsi512_ps(q), _mm512_set1_ps(8388640.0F))};
    }
    APERTUS_ALWAYS_INLINE static vec signed_bytes(const std::byte* p) noexcept {
        const __m128i q = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return {_mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepi8_epi32(0xffff, q))};
    }
    APERTUS_ALWAYS_INLINE static vec signed_bytes(std::uint64_t low, std::uint64_t high) noexcept {
        const __m128i q = _mm_set_epi64x(static_cast<long long>(high), static_cast<long long>(low));
        return {_mm512_maskz_cvtepi32_ps(0xffff, _mm512_maskz_cvtepi8_epi32(0xffff, q))};
    }
    APERTUS_ALWAYS_INLINE static float half(const std::byte* p) noexcept { return avx2::quants16::half(p); }

private:
    /// Bits 0 to 3 of `low`, the others of `rest`.
    APERTUS_ALWAYS_INLINE static __m512i low_from(__m512i low, __m512i rest) noexcept {
        return _mm512_maskz_ternarylogic_epi32(0xffff, _mm512_set1_epi32(15), low, rest, 0xca);
    }
    /// first, first + 1, ... first + 15.
    APERTUS_ALWAYS_INLINE static __m512 from(int first) noexcept {
        const auto f = static_cast<float>(first);
        return _mm512_set_ps(f + 15, f + 14, f + 13, f + 12, f + 11, f + 10, f + 9, f + 8, f + 7, f + 6, f + 5, f + 4,
                             f + 3, f + 2, f + 1, f);
    }
};

} // namespace detail::avx512
APERTUS_TARGET_END

APERTUS_END_NAMESPACE
#endif
