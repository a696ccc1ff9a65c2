// SPDX-License-Identifier: Apache-2.0
//
// vec16 for AVX2 with FMA and F16C: sixteen float lanes in two registers. Same lanes, same operations and same reduction
// tree as on AVX-512, hence the same bits. See simd/vec16.hpp for what the words mean.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/target.hpp>

#if APERTUS_X86
#include <cstddef>
#include <cstdint>

#define APERTUS_TARGET_AVX2 "avx2,fma,f16c"

APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
namespace detail::avx2 {

struct vec16 {
    __m256 lo;
    __m256 hi;

    static constexpr std::size_t register_lanes = 8;
    /// Sixteen registers: twelve hold accumulators.
    static constexpr int matvec_rows = 6;
    static constexpr int tile_rows = 3;
    static constexpr int tile_tokens = 2;
    static constexpr int panel_rows = 4;
    static constexpr int panel_vectors = 1;

    APERTUS_ALWAYS_INLINE static vec16 zero() noexcept { return {_mm256_setzero_ps(), _mm256_setzero_ps()}; }
    APERTUS_ALWAYS_INLINE static vec16 splat(float x) noexcept { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    APERTUS_ALWAYS_INLINE static vec16 load(const float* p) noexcept {
        return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
    }
    APERTUS_ALWAYS_INLINE static vec16 load(const bf16* p) noexcept { return {widen(p), widen(p + 8)}; }
    APERTUS_ALWAYS_INLINE static vec16 load(const f16* p) noexcept {
        return {_mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p))),
                _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 8)))};
    }

    APERTUS_ALWAYS_INLINE void store(float* p) const noexcept {
        _mm256_storeu_ps(p, lo);
        _mm256_storeu_ps(p + 8, hi);
    }
    APERTUS_ALWAYS_INLINE void store(f16* p) const noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p), _mm256_cvtps_ph(lo, _MM_FROUND_TO_NEAREST_INT));
        _mm_storeu_si128(reinterpret_cast<__m128i*>(p + 8), _mm256_cvtps_ph(hi, _MM_FROUND_TO_NEAREST_INT));
    }
    APERTUS_ALWAYS_INLINE void store(bf16* p) const noexcept {
        const __m256i packed = _mm256_packus_epi32(narrow(lo), narrow(hi)); // works within halves: 0 2 1 3
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm256_permute4x64_epi64(packed, 0xd8));
    }

    APERTUS_ALWAYS_INLINE friend vec16 fma(vec16 a, vec16 b, vec16 c) noexcept {
        return {_mm256_fmadd_ps(a.lo, b.lo, c.lo), _mm256_fmadd_ps(a.hi, b.hi, c.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 fnma(vec16 a, vec16 b, vec16 c) noexcept {
        return {_mm256_fnmadd_ps(a.lo, b.lo, c.lo), _mm256_fnmadd_ps(a.hi, b.hi, c.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 add(vec16 a, vec16 b) noexcept {
        return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 sub(vec16 a, vec16 b) noexcept {
        return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 mul(vec16 a, vec16 b) noexcept {
        return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 div(vec16 a, vec16 b) noexcept {
        return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 max(vec16 a, vec16 b) noexcept {
        return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 scale_exponent(vec16 a, vec16 n_plus_magic) noexcept {
        return {scaled(a.lo, n_plus_magic.lo), scaled(a.hi, n_plus_magic.hi)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 zero_where_less(vec16 a, vec16 x, vec16 limit) noexcept {
        return {_mm256_and_ps(_mm256_cmp_ps(x.lo, limit.lo, _CMP_NLT_UQ), a.lo),
                _mm256_and_ps(_mm256_cmp_ps(x.hi, limit.hi, _CMP_NLT_UQ), a.hi)};
    }
    APERTUS_ALWAYS_INLINE friend float reduce_add(vec16 a) noexcept {
        const __m256 eight = _mm256_add_ps(a.lo, a.hi);
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    }
    APERTUS_ALWAYS_INLINE friend float reduce_max(vec16 a) noexcept {
        const __m256 eight = _mm256_max_ps(a.lo, a.hi);
        __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
    }

private:
    APERTUS_ALWAYS_INLINE static __m256 widen(const bf16* p) noexcept {
        const __m128i half = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
        return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
    }
    APERTUS_ALWAYS_INLINE static __m256i narrow(__m256 x) noexcept {
        const __m256i bits = _mm256_castps_si256(x);
        const __m256i high = _mm256_srli_epi32(bits, 16);
        const __m256i odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
        const __m256i rounded =
            _mm256_srli_epi32(_mm256_add_epi32(bits, _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff))), 16);
        const __m256i nan = _mm256_castps_si256(_mm256_cmp_ps(x, x, _CMP_UNORD_Q));
        return _mm256_blendv_epi8(rounded, _mm256_or_si256(high, _mm256_set1_epi32(0x40)), nan);
    }
    APERTUS_ALWAYS_INLINE static __m256 scaled(__m256 a, __m256 n_plus_magic) noexcept {
        const __m256i shift = _mm256_slli_epi32(_mm256_castps_si256(n_plus_magic), 23);
        return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(a), shift));
    }
};

} // namespace detail::avx2
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
