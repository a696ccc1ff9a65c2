// SPDX-License-Identifier: Apache-2.0
//
// vec16 for AVX-512: sixteen float lanes in one register. See simd/vec16.hpp for what the words mean.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/target.hpp>

#if APERTUS_X86
#include <cstddef>
#include <cstdint>

#define APERTUS_TARGET_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"

APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
namespace detail::avx512 {

// The maskz forms with a full mask compile to the plain instruction; the plain forms pass an "undefined" operand that
// g++ 12 warns about.
struct vec16 {
    __m512 v;

    static constexpr std::size_t register_lanes = 16;
    /// Registers that a tile may fill with accumulators: rows of a matrix-vector product, rows x tokens of a tile.
    static constexpr int matvec_rows = 6;
    static constexpr int tile_rows = 4;
    static constexpr int tile_tokens = 6;
    /// Rows and vectors of tokens of a tile of panels.
    static constexpr int panel_rows = 8;
    static constexpr int panel_vectors = 3;

    APERTUS_ALWAYS_INLINE static vec16 zero() noexcept { return {_mm512_setzero_ps()}; }
    APERTUS_ALWAYS_INLINE static vec16 splat(float x) noexcept { return {_mm512_set1_ps(x)}; }
    APERTUS_ALWAYS_INLINE static vec16 load(const float* p) noexcept { return {_mm512_loadu_ps(p)}; }
    APERTUS_ALWAYS_INLINE static vec16 load(const bf16* p) noexcept {
        const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
        return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(0xffff, _mm512_maskz_cvtepu16_epi32(0xffff, half), 16))};
    }
    APERTUS_ALWAYS_INLINE static vec16 load(const f16* p) noexcept {
        return {_mm512_maskz_cvtph_ps(0xffff, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)))};
    }

    APERTUS_ALWAYS_INLINE void store(float* p) const noexcept { _mm512_storeu_ps(p, v); }
    APERTUS_ALWAYS_INLINE void store(f16* p) const noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtps_ph(0xffff, v, _MM_FROUND_TO_NEAREST_INT));
    }
    APERTUS_ALWAYS_INLINE void store(bf16* p) const noexcept {
        const __m512i bits = _mm512_castps_si512(v);
        const __m512i high = _mm512_maskz_srli_epi32(0xffff, bits, 16);
        const __m512i odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
        const __m512i rounded = _mm512_maskz_srli_epi32(
            0xffff, _mm512_add_epi32(bits, _mm512_add_epi32(odd, _mm512_set1_epi32(0x7fff))), 16);
        const __mmask16 nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
        const __m512i out = _mm512_mask_or_epi32(rounded, nan, high, _mm512_set1_epi32(0x40));
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), _mm512_maskz_cvtepi32_epi16(0xffff, out));
    }

    /// a * b + c, rounded once.
    APERTUS_ALWAYS_INLINE friend vec16 fma(vec16 a, vec16 b, vec16 c) noexcept {
        return {_mm512_fmadd_ps(a.v, b.v, c.v)};
    }
    /// c - a * b, rounded once.
    APERTUS_ALWAYS_INLINE friend vec16 fnma(vec16 a, vec16 b, vec16 c) noexcept {
        return {_mm512_fnmadd_ps(a.v, b.v, c.v)};
    }
    APERTUS_ALWAYS_INLINE friend vec16 add(vec16 a, vec16 b) noexcept { return {_mm512_add_ps(a.v, b.v)}; }
    APERTUS_ALWAYS_INLINE friend vec16 sub(vec16 a, vec16 b) noexcept { return {_mm512_sub_ps(a.v, b.v)}; }
    APERTUS_ALWAYS_INLINE friend vec16 mul(vec16 a, vec16 b) noexcept { return {_mm512_mul_ps(a.v, b.v)}; }
    APERTUS_ALWAYS_INLINE friend vec16 div(vec16 a, vec16 b) noexcept { return {_mm512_div_ps(a.v, b.v)}; }
    APERTUS_ALWAYS_INLINE friend vec16 max(vec16 a, vec16 b) noexcept {
        return {_mm512_maskz_max_ps(0xffff, a.v, b.v)};
    }
    /// a * 2^n where the low bits of the float `n_plus_magic` hold n.
    APERTUS_ALWAYS_INLINE friend vec16 scale_exponent(vec16 a, vec16 n_plus_magic) noexcept {
        const __m512i shift = _mm512_maskz_slli_epi32(0xffff, _mm512_castps_si512(n_plus_magic.v), 23);
        return {_mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(a.v), shift))};
    }
    /// x < limit ? 0 : a.
    APERTUS_ALWAYS_INLINE friend vec16 zero_where_less(vec16 a, vec16 x, vec16 limit) noexcept {
        return {_mm512_maskz_mov_ps(_mm512_cmp_ps_mask(x.v, limit.v, _CMP_NLT_UQ), a.v)};
    }
    APERTUS_ALWAYS_INLINE friend float reduce_add(vec16 a) noexcept {
        const __m256 eight =
            _mm256_add_ps(_mm512_maskz_extractf32x8_ps(0xff, a.v, 0), _mm512_maskz_extractf32x8_ps(0xff, a.v, 1));
        __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_add_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_add_ss(four, _mm_movehdup_ps(four)));
    }
    APERTUS_ALWAYS_INLINE friend float reduce_max(vec16 a) noexcept {
        const __m256 eight =
            _mm256_max_ps(_mm512_maskz_extractf32x8_ps(0xff, a.v, 0), _mm512_maskz_extractf32x8_ps(0xff, a.v, 1));
        __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
        four = _mm_max_ps(four, _mm_movehl_ps(four, four));
        return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
    }
};

} // namespace detail::avx512
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
