// SPDX-License-Identifier: Apache-2.0
//
// pairs16 for AVX-512. See simd/pairs16.hpp for what the words mean.
#pragma once

#include <apertus/simd/vec16_avx512.hpp>

#if APERTUS_X86
APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
namespace detail::avx512 {

struct pairs16 {
    __m512i v;

    APERTUS_ALWAYS_INLINE static pairs16 zero() noexcept { return {_mm512_setzero_si512()}; }
    APERTUS_ALWAYS_INLINE static pairs16 splat(std::int32_t pair) noexcept { return {_mm512_set1_epi32(pair)}; }
    APERTUS_ALWAYS_INLINE static pairs16 load(const std::int32_t* p) noexcept { return {_mm512_loadu_si512(p)}; }
    APERTUS_ALWAYS_INLINE static pairs16 widen(const std::int8_t* p) noexcept {
        const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return {_mm512_maskz_cvtepi8_epi16(0xffffffff, bytes)};
    }
    APERTUS_ALWAYS_INLINE void store(std::int32_t* p) const noexcept { _mm512_storeu_si512(p, v); }
    APERTUS_ALWAYS_INLINE friend pairs16 multiply_add(pairs16 a, pairs16 b, pairs16 sum) noexcept {
        return {_mm512_add_epi32(sum.v, _mm512_madd_epi16(a.v, b.v))};
    }
    APERTUS_ALWAYS_INLINE friend vec16 to_float(pairs16 sums) noexcept {
        return {_mm512_maskz_cvtepi32_ps(0xffff, sums.v)};
    }
    APERTUS_ALWAYS_INLINE static void store_rounded(vec16 x, std::int16_t* p) noexcept {
        const __m512i whole = _mm512_maskz_cvtps_epi32(0xffff, x.v);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(0xffff, whole));
    }
    APERTUS_ALWAYS_INLINE static vec16 widen_first(const bf16* p) noexcept {
        return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_loadu_si512(p), 16))};
    }
    APERTUS_ALWAYS_INLINE static vec16 widen_second(const bf16* p) noexcept {
        const __m512i upper = _mm512_set1_epi32(static_cast<int>(0xffff0000U));
        return {_mm512_castsi512_ps(_mm512_and_si512(_mm512_loadu_si512(p), upper))};
    }
};

/// The pairs16 that goes with a vec16.
template <class V> using pairs_of = pairs16;

} // namespace detail::avx512
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
