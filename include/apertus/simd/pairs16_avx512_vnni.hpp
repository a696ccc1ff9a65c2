// SPDX-License-Identifier: Apache-2.0
//
// pairs16 for AVX-512 with dot products (AVX512-VNNI): multiply and add are one instruction. See simd/pairs16.hpp.
#pragma once

#include <apertus/simd/pairs16_avx512.hpp>

#if APERTUS_X86
#define APERTUS_TARGET_AVX512_VNNI "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"

APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512_VNNI)
namespace detail::avx512_vnni {

struct pairs16 : avx512::pairs16 {
    using base = avx512::pairs16;

    pairs16() = default;
    APERTUS_ALWAYS_INLINE pairs16(base b) noexcept : base(b) {} // NOLINT(google-explicit-constructor)
    APERTUS_ALWAYS_INLINE static pairs16 zero() noexcept { return base::zero(); }
    APERTUS_ALWAYS_INLINE static pairs16 splat(std::int32_t pair) noexcept { return base::splat(pair); }
    APERTUS_ALWAYS_INLINE static pairs16 load(const std::int32_t* p) noexcept { return base::load(p); }
    APERTUS_ALWAYS_INLINE static pairs16 widen(const std::int8_t* p) noexcept { return base::widen(p); }
    APERTUS_ALWAYS_INLINE friend pairs16 multiply_add(pairs16 a, pairs16 b, pairs16 sum) noexcept {
        // not _mm512_dpwssd_epi32: g++ 12 copies every sum twice around it where its loop ends in other arithmetic
        __asm__("vpdpwssd %2, %1, %0" : "+v"(sum.v) : "v"(a.v), "v"(b.v));
        return sum;
    }
    APERTUS_ALWAYS_INLINE friend avx512::vec16 to_float(pairs16 sums) noexcept {
        return to_float(static_cast<base>(sums));
    }
};

/// The pairs16 that goes with a vec16.
template <class V> using pairs_of = pairs16;

} // namespace detail::avx512_vnni
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
