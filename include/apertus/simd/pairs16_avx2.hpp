// SPDX-License-Identifier: Apache-2.0
//
// pairs16 for AVX2: two registers. See simd/pairs16.hpp for what the words mean.
#pragma once

#include <apertus/simd/vec16_avx2.hpp>

#if APERTUS_X86
APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
namespace detail::avx2 {

struct pairs16 {
    __m256i lo;
    __m256i hi;

    APERTUS_ALWAYS_INLINE static pairs16 zero() noexcept { return {_mm256_setzero_si256(), _mm256_setzero_si256()}; }
    APERTUS_ALWAYS_INLINE static pairs16 splat(std::int32_t pair) noexcept {
        return {_mm256_set1_epi32(pair), _mm256_set1_epi32(pair)};
    }
    APERTUS_ALWAYS_INLINE static pairs16 load(const std::int32_t* p) noexcept {
        return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)),
                _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 8))};
    }
    APERTUS_ALWAYS_INLINE static pairs16 widen(const std::int8_t* p) noexcept {
        return {_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16)))};
    }
    APERTUS_ALWAYS_INLINE void store(std::int32_t* p) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), lo);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 8), hi);
    }
    APERTUS_ALWAYS_INLINE friend pairs16 multiply_add(pairs16 a, pairs16 b, pairs16 sum) noexcept {
        return {_mm256_add_epi32(sum.lo, _mm256_madd_epi16(a.lo, b.lo)),
                _mm256_add_epi32(sum.hi, _mm256_madd_epi16(a.hi, b.hi))};
    }
    APERTUS_ALWAYS_INLINE friend vec16 to_float(pairs16 sums) noexcept {
        return {_mm256_cvtepi32_ps(sums.lo), _mm256_cvtepi32_ps(sums.hi)};
    }
    APERTUS_ALWAYS_INLINE static void store_rounded(vec16 x, std::int16_t* p) noexcept {
        const __m256i packed = _mm256_packs_epi32(_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi)); // 0 2 1 3
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
    }
    APERTUS_ALWAYS_INLINE static vec16 widen_first(const bf16* p) noexcept {
        const auto* words = reinterpret_cast<const __m256i*>(p);
        return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256(words), 16)),
                _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_loadu_si256(words + 1), 16))};
    }
    APERTUS_ALWAYS_INLINE static vec16 widen_second(const bf16* p) noexcept {
        const auto* words = reinterpret_cast<const __m256i*>(p);
        const __m256i upper = _mm256_set1_epi32(static_cast<int>(0xffff0000U));
        return {_mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(words), upper)),
                _mm256_castsi256_ps(_mm256_and_si256(_mm256_loadu_si256(words + 1), upper))};
    }
};

/// The pairs16 that goes with a vec16.
template <class V> using pairs_of = pairs16;

} // namespace detail::avx2
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
