// SPDX-License-Identifier: Apache-2.0
//
// Which instruction sets this machine offers: our own cpuid and xgetbv probe (compilers' __builtin_cpu_supports differ
// in the names they know). A level counts as available only when the operating system saves its registers too.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/simd/target.hpp>

#include <cstdint>
#include <optional>
#include <string_view>

#if APERTUS_X86
#include <cpuid.h>
#endif

APERTUS_BEGIN_NAMESPACE

/// Levels of instruction sets that kernels are written for, each containing the one before.
enum class cpu_isa : std::uint8_t {
    baseline, ///< whatever the program was compiled for (x86-64: SSE2), through xsimd
    avx2,     ///< AVX2, FMA and F16C
    avx512,   ///< AVX-512 F, BW, DQ and VL
};

inline constexpr cpu_isa all_cpu_isas[] = {cpu_isa::baseline, cpu_isa::avx2, cpu_isa::avx512};

[[nodiscard]] constexpr std::string_view to_string(cpu_isa isa) noexcept {
    switch (isa) {
    case cpu_isa::baseline: return "baseline";
    case cpu_isa::avx2: return "avx2";
    case cpu_isa::avx512: return "avx512";
    }
    return "unknown";
}

/// The level of that name, or nothing.
[[nodiscard]] constexpr std::optional<cpu_isa> cpu_isa_from_string(std::string_view name) noexcept {
    for (const cpu_isa isa : all_cpu_isas) {
        if (to_string(isa) == name) return isa;
    }
    return std::nullopt;
}

/// The best level that this CPU and operating system offer. A few hundred nanoseconds; nothing is cached.
[[nodiscard]] inline cpu_isa detect_cpu_isa() noexcept {
#if APERTUS_X86
    const auto bit = [](unsigned word, unsigned index) { return (word >> index & 1U) != 0; };
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid_count(1, 0, &a, &b, &c, &d) == 0) return cpu_isa::baseline;
    const bool fma = bit(c, 12);
    const bool f16c = bit(c, 29);
    if (!bit(c, 27) || !bit(c, 28) || !fma || !f16c) return cpu_isa::baseline; // OSXSAVE, AVX
    unsigned low = 0;
    unsigned high = 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0)); // xgetbv, register 0
    constexpr unsigned ymm_state = 0x06;
    constexpr unsigned zmm_state = 0xe6;
    if ((low & ymm_state) != ymm_state) return cpu_isa::baseline;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || !bit(b, 5)) return cpu_isa::baseline;
    const bool avx512 = bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31); // F, DQ, BW, VL
    return avx512 && (low & zmm_state) == zmm_state ? cpu_isa::avx512 : cpu_isa::avx2;
#else
    return cpu_isa::baseline;
#endif
}

/// Whether kernels of that level run on this machine.
[[nodiscard]] inline bool is_available(cpu_isa isa) noexcept { return isa <= detect_cpu_isa(); }

/// `wanted` if it is available, the best one when nothing is wanted. Throws error(backend) otherwise.
[[nodiscard]] inline cpu_isa choose_cpu_isa(std::optional<cpu_isa> wanted) {
    const cpu_isa best = detect_cpu_isa();
    if (!wanted) return best;
    if (*wanted > best) {
        fail(error_category::backend, "cpu backend", "instruction set",
             std::string("at most ").append(to_string(best)).append(" on this machine"), to_string(*wanted));
    }
    return *wanted;
}

APERTUS_END_NAMESPACE
