// SPDX-License-Identifier: Apache-2.0
//
// Sixteen lanes for packing weights: the compiler's own vectors, so that one text without intrinsics is compiled for
// every instruction set and runs on the widest one of the machine. (Kernels that multiply have vec16, whose every
// rounding is fixed; here a compiler may contract a multiplication and an addition, so that a code that lies within a
// rounding error of a half may differ between instruction sets.)
#pragma once

#include <apertus/simd/isa.hpp>
#include <apertus/simd/target.hpp>

#include <bit>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE
namespace detail {

using floats16 = float __attribute__((vector_size(64)));
using ints16 = std::int32_t __attribute__((vector_size(64)));

/// Sixteen elements from any address. (By reference, as everywhere: how a vector of 64 bytes is returned depends on the
/// instruction set, and compilers warn of it even where all is inlined.)
APERTUS_ALWAYS_INLINE void load16(const float* p, floats16& out) noexcept { std::memcpy(&out, p, sizeof out); }
APERTUS_ALWAYS_INLINE void load_bits16(const float* p, ints16& out) noexcept { std::memcpy(&out, p, sizeof out); }
APERTUS_ALWAYS_INLINE float float_of_bits(std::int32_t bits) noexcept {
    return std::bit_cast<float>(bits);
}

/// Body::run(arguments), compiled for each instruction set.
template <class Body, class... A> void run_baseline(A&... a) noexcept { Body::run(a...); }
#if APERTUS_X86
APERTUS_TARGET_BEGIN("avx2,fma,f16c")
template <class Body, class... A> void run_avx2(A&... a) noexcept { Body::run(a...); }
APERTUS_TARGET_END
APERTUS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
template <class Body, class... A> void run_avx512(A&... a) noexcept { Body::run(a...); }
APERTUS_TARGET_END
#endif

/// Runs it on the widest instruction set of this machine, which is found out once per program and body.
template <class Body, class... A> void run_widest(A&... a) noexcept {
#if APERTUS_X86
    using function = void (*)(A&...) noexcept;
    static const function chosen = []() -> function {
        if (is_available(cpu_isa::avx512)) return &run_avx512<Body, A...>;
        if (is_available(cpu_isa::avx2)) return &run_avx2<Body, A...>;
        return &run_baseline<Body, A...>;
    }();
    chosen(a...);
#else
    run_baseline<Body>(a...);
#endif
}

} // namespace detail
APERTUS_END_NAMESPACE
