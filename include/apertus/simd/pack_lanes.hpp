// SPDX-License-Identifier: Apache-2.0
//
// Lanes for packing weights: the compiler's own vectors, so that one text without intrinsics is compiled for every
// instruction set and runs on the widest one of the machine. A body says `run<Lanes>` when it wants vectors as long as
// the registers are: longer ones are correct everywhere, but g++ 12 takes comparisons and choices of them apart element by
// element (int4 with sixteen lanes on AVX2: 39 us a block, with eight 8.4). (Kernels that multiply have vec16, whose every
// rounding is fixed; here a compiler may contract a multiplication and an addition, so that a code that lies within a
// rounding error of a half may differ between instruction sets.)
#pragma once

#include <apertus/simd/isa.hpp>
#include <apertus/simd/target.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Vectors of N lanes. (Spelled out: g++ 12 drops a size that depends on a template parameter.)
template <std::size_t N> struct pack_vectors;
template <> struct pack_vectors<4> {
    using floats = float __attribute__((vector_size(16)));
    using ints = std::int32_t __attribute__((vector_size(16)));
    using halves = std::uint16_t __attribute__((vector_size(8)));
};
template <> struct pack_vectors<8> {
    using floats = float __attribute__((vector_size(32)));
    using ints = std::int32_t __attribute__((vector_size(32)));
    using halves = std::uint16_t __attribute__((vector_size(16)));
};
template <> struct pack_vectors<16> {
    using floats = float __attribute__((vector_size(64)));
    using ints = std::int32_t __attribute__((vector_size(64)));
    using halves = std::uint16_t __attribute__((vector_size(32)));
};
using floats16 = pack_vectors<16>::floats;
using ints16 = pack_vectors<16>::ints;

/// A vector from any address. (By reference, as everywhere: how a vector of 64 bytes is returned depends on the
/// instruction set, and compilers warn of it even where all is inlined.)
template <class V> APERTUS_ALWAYS_INLINE void load_lanes(const void* p, V& out) noexcept {
    std::memcpy(&out, p, sizeof out);
}
APERTUS_ALWAYS_INLINE float float_of_bits(std::int32_t bits) noexcept { return std::bit_cast<float>(bits); }

/// low = a0 b0 a1 b1 ..., high = what follows.
template <class V, int... I>
APERTUS_ALWAYS_INLINE void zip_lanes(const V& a, const V& b, V& low, V& high,
                                     std::integer_sequence<int, I...> /*lanes*/) noexcept {
    constexpr int n = sizeof...(I);
    low = __builtin_shufflevector(a, b, (I / 2 + I % 2 * n)...);
    high = __builtin_shufflevector(a, b, (n / 2 + I / 2 + I % 2 * n)...);
}

/// As many vectors as lanes: lane i of vector j becomes lane j of vector i.
template <class V, std::size_t N> APERTUS_ALWAYS_INLINE void transpose_lanes(V (&v)[N]) noexcept {
    static_assert(sizeof(V) == N * sizeof(float));
    APERTUS_UNROLL
    for (std::size_t done = 1; done < N; done *= 2) { // each round moves one bit of the row's number to the lane's
        V t[N];
        APERTUS_UNROLL
        for (std::size_t i = 0; i < N / 2; ++i) {
            zip_lanes(v[i], v[i + N / 2], t[2 * i], t[2 * i + 1],
                      std::make_integer_sequence<int, static_cast<int>(N)>{});
        }
        APERTUS_UNROLL
        for (std::size_t i = 0; i < N; ++i) v[i] = t[i];
    }
}

/// Body::run<Lanes>(arguments), or Body::run(arguments) of a body without lanes.
template <class Body, std::size_t Lanes, class... A> APERTUS_ALWAYS_INLINE void run_body(A&... a) noexcept {
    if constexpr (requires { Body::template run<Lanes>(a...); }) Body::template run<Lanes>(a...);
    else Body::run(a...);
}

/// The same, compiled for each instruction set.
template <class Body, class... A> void run_baseline(A&... a) noexcept { run_body<Body, 4>(a...); }
#if APERTUS_X86
APERTUS_TARGET_BEGIN("avx2,fma,f16c")
template <class Body, class... A> void run_avx2(A&... a) noexcept { run_body<Body, 8>(a...); }
APERTUS_TARGET_END
APERTUS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c")
template <class Body, class... A> void run_avx512(A&... a) noexcept { run_body<Body, 16>(a...); }
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
