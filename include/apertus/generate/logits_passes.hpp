// SPDX-License-Identifier: Apache-2.0
//
// The passes of generate/logits_math.hpp, set by set: as plain loops, and the words of AVX2 and AVX-512 from which
// logits_kernels.hpp makes them.
#pragma once

#include <apertus/generate/logits_words.hpp>
#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/target.hpp>

#include <cstddef>
#include <cstdint>

APERTUS_BEGIN_NAMESPACE

namespace detail {

namespace plain_logits { // with the instructions that the program is compiled for

[[gnu::noinline]] inline logits_scan scan(const float* x, std::size_t size, float* block_max) noexcept {
    logits_scan out;
    const std::size_t whole = size / scan_block;
    unsigned nan[scan_lanes] = {};
    for (std::size_t b = 0; b < whole; ++b) {
        const float* const block = x + b * scan_block;
        float lane[scan_lanes];
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] = minus_infinity;
        for (std::size_t j = 0; j < scan_block; j += scan_lanes) {
            for (std::size_t l = 0; l < scan_lanes; ++l) {
                const float v = block[j + l];
                lane[l] = v > lane[l] ? v : lane[l];
                nan[l] |= v != v ? 1u : 0u;
            }
        }
        for (std::size_t l = 0; l < 8; ++l) lane[l] = lane[l + 8] > lane[l] ? lane[l + 8] : lane[l];
        for (std::size_t l = 0; l < 4; ++l) lane[l] = lane[l + 4] > lane[l] ? lane[l + 4] : lane[l];
        const float a = lane[2] > lane[0] ? lane[2] : lane[0];
        const float c = lane[3] > lane[1] ? lane[3] : lane[1];
        block_max[b] = c > a ? c : a;
        out.max = block_max[b] > out.max ? block_max[b] : out.max;
    }
    if (whole * scan_block < size) {
        float tail = minus_infinity;
        for (std::size_t i = whole * scan_block; i < size; ++i) {
            tail = x[i] > tail ? x[i] : tail;
            nan[0] |= x[i] != x[i] ? 1u : 0u;
        }
        block_max[whole] = tail;
        out.max = tail > out.max ? tail : out.max;
    }
    for (const unsigned n : nan) out.has_nan = out.has_nan || n != 0;
    return out;
}

APERTUS_ALWAYS_INLINE double lanes_total(const double* lane) noexcept {
    double half[8];
    for (std::size_t l = 0; l < 8; ++l) half[l] = lane[l] + lane[l + 8];
    for (std::size_t l = 0; l < 4; ++l) half[l] += half[l + 4];
    return (half[0] + half[2]) + (half[1] + half[3]);
}

/// Store: whether out[i] gets the exponential of x[i] / divisor - top. Returns the sum; block_sum may be null.
template <bool Divide, bool Store>
APERTUS_ALWAYS_INLINE double exponentials_of(const float* x, std::size_t size, float divisor, float top, float* out,
                                             double* block_sum) noexcept {
    const std::size_t whole = size / scan_block;
    double total = 0.0;
    for (std::size_t b = 0; b < whole; ++b) {
        double lane[scan_lanes] = {};
        for (std::size_t j = b * scan_block; j < (b + 1) * scan_block; j += scan_lanes) {
            float e[scan_lanes]; // a copy, because out might overlap x for all that the compiler knows
            for (std::size_t l = 0; l < scan_lanes; ++l) {
                e[l] = exp_nonpositive((Divide ? x[j + l] / divisor : x[j + l]) - top);
            }
            if (Store) {
                for (std::size_t l = 0; l < scan_lanes; ++l) out[j + l] = e[l];
            }
            for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] += static_cast<double>(e[l]);
        }
        const double sum = lanes_total(lane);
        if (block_sum != nullptr) block_sum[b] = sum;
        total += sum;
    }
    if (whole * scan_block < size) {
        double sum = 0.0;
        for (std::size_t i = whole * scan_block; i < size; ++i) {
            const float e = exp_nonpositive((Divide ? x[i] / divisor : x[i]) - top);
            if (Store) out[i] = e;
            sum += static_cast<double>(e);
        }
        if (block_sum != nullptr) block_sum[whole] = sum;
        total += sum;
    }
    return total;
}

[[gnu::noinline]] inline double exponentials(const float* x, std::size_t size, float divisor, float top, float* out,
                                             double* block_sum) noexcept {
    if (divisor == 1.0f) {
        return out != nullptr ? plain_logits::exponentials_of<false, true>(x, size, divisor, top, out, block_sum)
                              : plain_logits::exponentials_of<false, false>(x, size, divisor, top, out, block_sum);
    }
    return out != nullptr ? plain_logits::exponentials_of<true, true>(x, size, divisor, top, out, block_sum)
                          : plain_logits::exponentials_of<true, false>(x, size, divisor, top, out, block_sum);
}

/// x[i] /= divisor; returns the sum of the quotients.
[[gnu::noinline]] inline double divide(float* x, std::size_t size, float divisor) noexcept {
    double lane[scan_lanes] = {};
    std::size_t i = 0;
    for (; i + scan_lanes <= size; i += scan_lanes) {
        for (std::size_t l = 0; l < scan_lanes; ++l) x[i + l] /= divisor;
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] += static_cast<double>(x[i + l]);
    }
    double rest = 0.0;
    for (; i < size; ++i) rest += static_cast<double>(x[i] /= divisor);
    return lanes_total(lane) + rest;
}

[[gnu::noinline]] inline double entropy(const float* x, std::size_t size, float divisor, float top,
                                        float log_sum) noexcept {
    const auto term = [=](float logit) {
        const float surprise = (top - logit / divisor) + log_sum;
        const float share = exp_nonpositive(-surprise);
        return share > 0.0f ? surprise * share : 0.0f;
    };
    double lane[scan_lanes] = {};
    std::size_t i = 0;
    for (; i + scan_lanes <= size; i += scan_lanes) {
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] += static_cast<double>(term(x[i + l]));
    }
    double rest = 0.0;
    for (; i < size; ++i) rest += static_cast<double>(term(x[i]));
    return lanes_total(lane) + rest;
}

inline constexpr logits_passes passes{scan, exponentials, divide, entropy};

} // namespace plain_logits

#if APERTUS_X86
APERTUS_TARGET_BEGIN("avx2") // without fma, so that nothing can be fused
namespace avx2_logits {

struct integers {
    __m256i lo, hi;
};
struct lanes {
    __m256 lo, hi;
    APERTUS_ALWAYS_INLINE static lanes splat(float x) noexcept { return {_mm256_set1_ps(x), _mm256_set1_ps(x)}; }
    APERTUS_ALWAYS_INLINE static lanes load(const float* p) noexcept {
        return {_mm256_loadu_ps(p), _mm256_loadu_ps(p + 8)};
    }
    APERTUS_ALWAYS_INLINE void store(float* p) const noexcept {
        _mm256_storeu_ps(p, lo);
        _mm256_storeu_ps(p + 8, hi);
    }
};
APERTUS_ALWAYS_INLINE lanes add(lanes a, lanes b) noexcept {
    return {_mm256_add_ps(a.lo, b.lo), _mm256_add_ps(a.hi, b.hi)};
}
APERTUS_ALWAYS_INLINE lanes sub(lanes a, lanes b) noexcept {
    return {_mm256_sub_ps(a.lo, b.lo), _mm256_sub_ps(a.hi, b.hi)};
}
APERTUS_ALWAYS_INLINE lanes mul(lanes a, lanes b) noexcept {
    return {_mm256_mul_ps(a.lo, b.lo), _mm256_mul_ps(a.hi, b.hi)};
}
APERTUS_ALWAYS_INLINE lanes div(lanes a, lanes b) noexcept {
    return {_mm256_div_ps(a.lo, b.lo), _mm256_div_ps(a.hi, b.hi)};
}
APERTUS_ALWAYS_INLINE lanes max(lanes a, lanes b) noexcept { // a > b ? a : b
    return {_mm256_max_ps(a.lo, b.lo), _mm256_max_ps(a.hi, b.hi)};
}
APERTUS_ALWAYS_INLINE float reduce_max(lanes a) noexcept {
    const __m256 eight = _mm256_max_ps(a.lo, a.hi);
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
APERTUS_ALWAYS_INLINE integers clear_sign(lanes x) noexcept {
    const __m256i mask = _mm256_set1_epi32(0x7fffffff);
    return {_mm256_and_si256(_mm256_castps_si256(x.lo), mask), _mm256_and_si256(_mm256_castps_si256(x.hi), mask)};
}
/// -min(magnitude, limit); the bits of floats above 0 are in the order of the floats.
APERTUS_ALWAYS_INLINE lanes negative_within(integers magnitude, float limit) noexcept {
    const __m256i most = _mm256_castps_si256(_mm256_set1_ps(limit));
    const __m256 sign = _mm256_set1_ps(-0.0f);
    return {_mm256_or_ps(_mm256_castsi256_ps(_mm256_min_epi32(magnitude.lo, most)), sign),
            _mm256_or_ps(_mm256_castsi256_ps(_mm256_min_epi32(magnitude.hi, most)), sign)};
}
APERTUS_ALWAYS_INLINE lanes zero_beyond(lanes x, integers magnitude, float limit) noexcept {
    const __m256i most = _mm256_castps_si256(_mm256_set1_ps(limit));
    return {_mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(magnitude.lo, most)), x.lo),
            _mm256_andnot_ps(_mm256_castsi256_ps(_mm256_cmpgt_epi32(magnitude.hi, most)), x.hi)};
}
APERTUS_ALWAYS_INLINE integers truncated(lanes x) noexcept {
    return {_mm256_cvttps_epi32(x.lo), _mm256_cvttps_epi32(x.hi)};
}
APERTUS_ALWAYS_INLINE lanes to_floats(integers n) noexcept {
    return {_mm256_cvtepi32_ps(n.lo), _mm256_cvtepi32_ps(n.hi)};
}
APERTUS_ALWAYS_INLINE lanes power_of_two(integers n) noexcept {
    const __m256i bias = _mm256_set1_epi32(127);
    return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n.lo, bias), 23)),
            _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_add_epi32(n.hi, bias), 23))};
}
struct not_numbers {
    __m256 any;
    APERTUS_ALWAYS_INLINE static not_numbers none() noexcept { return {_mm256_setzero_ps()}; }
    APERTUS_ALWAYS_INLINE void look(lanes a, lanes b) noexcept {
        any = _mm256_or_ps(any, _mm256_or_ps(_mm256_cmp_ps(a.lo, b.lo, _CMP_UNORD_Q), // of two at once
                                             _mm256_cmp_ps(a.hi, b.hi, _CMP_UNORD_Q)));
    }
    [[nodiscard]] APERTUS_ALWAYS_INLINE bool seen() const noexcept { return _mm256_movemask_ps(any) != 0; }
};
struct double_lanes {
    __m256d v[4];
    APERTUS_ALWAYS_INLINE static double_lanes zero() noexcept {
        const __m256d z = _mm256_setzero_pd();
        return {{z, z, z, z}};
    }
    APERTUS_ALWAYS_INLINE void add(lanes x) noexcept {
        v[0] = _mm256_add_pd(v[0], _mm256_cvtps_pd(_mm256_castps256_ps128(x.lo)));
        v[1] = _mm256_add_pd(v[1], _mm256_cvtps_pd(_mm256_extractf128_ps(x.lo, 1)));
        v[2] = _mm256_add_pd(v[2], _mm256_cvtps_pd(_mm256_castps256_ps128(x.hi)));
        v[3] = _mm256_add_pd(v[3], _mm256_cvtps_pd(_mm256_extractf128_ps(x.hi, 1)));
    }
    [[nodiscard]] APERTUS_ALWAYS_INLINE double total() const noexcept {
        const __m256d four = _mm256_add_pd(_mm256_add_pd(v[0], v[2]), _mm256_add_pd(v[1], v[3]));
        const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
        return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
};

} // namespace avx2_logits
#define APERTUS_LOGITS_NAMESPACE avx2_logits
#include <apertus/generate/logits_kernels.hpp>
#undef APERTUS_LOGITS_NAMESPACE
APERTUS_TARGET_END

// AVX-512 contains fused multiply-add. The masked forms (with a full mask: plain instructions) keep g++ from using it,
// which takes the unmasked ones for arithmetic that it may rewrite.
APERTUS_TARGET_BEGIN("avx512f,avx512dq,avx2")
namespace avx512_logits {

using integers = __m512i;
inline constexpr __mmask16 full = 0xffff;
struct lanes {
    __m512 v;
    APERTUS_ALWAYS_INLINE static lanes splat(float x) noexcept { return {_mm512_set1_ps(x)}; }
    APERTUS_ALWAYS_INLINE static lanes load(const float* p) noexcept { return {_mm512_loadu_ps(p)}; }
    APERTUS_ALWAYS_INLINE void store(float* p) const noexcept { _mm512_storeu_ps(p, v); }
};
APERTUS_ALWAYS_INLINE lanes add(lanes a, lanes b) noexcept { return {_mm512_maskz_add_ps(full, a.v, b.v)}; }
APERTUS_ALWAYS_INLINE lanes sub(lanes a, lanes b) noexcept { return {_mm512_maskz_sub_ps(full, a.v, b.v)}; }
APERTUS_ALWAYS_INLINE lanes mul(lanes a, lanes b) noexcept { return {_mm512_maskz_mul_ps(full, a.v, b.v)}; }
APERTUS_ALWAYS_INLINE lanes div(lanes a, lanes b) noexcept { return {_mm512_maskz_div_ps(full, a.v, b.v)}; }
APERTUS_ALWAYS_INLINE lanes max(lanes a, lanes b) noexcept { return {_mm512_maskz_max_ps(full, a.v, b.v)}; }
APERTUS_ALWAYS_INLINE float reduce_max(lanes a) noexcept {
    const __m256 eight =
        _mm256_max_ps(_mm512_maskz_extractf32x8_ps(0xff, a.v, 0), _mm512_maskz_extractf32x8_ps(0xff, a.v, 1));
    __m128 four = _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    four = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(four, _mm_movehdup_ps(four)));
}
APERTUS_ALWAYS_INLINE integers clear_sign(lanes x) noexcept {
    return _mm512_and_si512(_mm512_castps_si512(x.v), _mm512_set1_epi32(0x7fffffff));
}
APERTUS_ALWAYS_INLINE lanes negative_within(integers magnitude, float limit) noexcept {
    const __m512i most = _mm512_castps_si512(_mm512_set1_ps(limit));
    const __m512i sign = _mm512_castps_si512(_mm512_set1_ps(-0.0f));
    return {_mm512_castsi512_ps(_mm512_or_si512(_mm512_maskz_min_epi32(full, magnitude, most), sign))};
}
APERTUS_ALWAYS_INLINE lanes zero_beyond(lanes x, integers magnitude, float limit) noexcept {
    const __m512i most = _mm512_castps_si512(_mm512_set1_ps(limit));
    return {_mm512_maskz_mov_ps(_mm512_cmple_epi32_mask(magnitude, most), x.v)};
}
APERTUS_ALWAYS_INLINE integers truncated(lanes x) noexcept { return _mm512_maskz_cvttps_epi32(full, x.v); }
APERTUS_ALWAYS_INLINE lanes to_floats(integers n) noexcept { return {_mm512_maskz_cvtepi32_ps(full, n)}; }
APERTUS_ALWAYS_INLINE lanes power_of_two(integers n) noexcept {
    return {_mm512_castsi512_ps(_mm512_maskz_slli_epi32(full, _mm512_add_epi32(n, _mm512_set1_epi32(127)), 23))};
}
struct not_numbers {
    unsigned any;
    APERTUS_ALWAYS_INLINE static not_numbers none() noexcept { return {0}; }
    APERTUS_ALWAYS_INLINE void look(lanes a, lanes b) noexcept { any |= _mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q); }
    [[nodiscard]] APERTUS_ALWAYS_INLINE bool seen() const noexcept { return any != 0; }
};
struct double_lanes {
    __m512d lo, hi;
    APERTUS_ALWAYS_INLINE static double_lanes zero() noexcept { return {_mm512_setzero_pd(), _mm512_setzero_pd()}; }
    APERTUS_ALWAYS_INLINE void add(lanes x) noexcept {
        lo = _mm512_add_pd(lo, _mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, x.v, 0)));
        hi = _mm512_add_pd(hi, _mm512_maskz_cvtps_pd(0xff, _mm512_maskz_extractf32x8_ps(0xff, x.v, 1)));
    }
    [[nodiscard]] APERTUS_ALWAYS_INLINE double total() const noexcept {
        const __m512d eight = _mm512_add_pd(lo, hi);
        const __m256d four =
            _mm256_add_pd(_mm512_maskz_extractf64x4_pd(0xf, eight, 0), _mm512_maskz_extractf64x4_pd(0xf, eight, 1));
        const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
        return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
    }
};

} // namespace avx512_logits
#define APERTUS_LOGITS_NAMESPACE avx512_logits
#include <apertus/generate/logits_kernels.hpp>
#undef APERTUS_LOGITS_NAMESPACE
APERTUS_TARGET_END
#endif

} // namespace detail

APERTUS_END_NAMESPACE
