// SPDX-License-Identifier: Apache-2.0
//
// Which instruction sets this machine offers: our own cpuid and xgetbv probe (compilers' __builtin_cpu_supports differ
// in the names they know). A set counts as available only when the operating system saves its registers too.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/simd/target.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#if APERTUS_X86
#include <cpuid.h>
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#endif

APERTUS_BEGIN_NAMESPACE

/// Sets of instructions that kernels are written for, from the plainest to the one to be preferred. A machine need not
/// have all that come before: avx2_vnni is of CPUs without AVX-512.
enum class cpu_isa : std::uint8_t {
    baseline,    ///< whatever the program was compiled for (x86-64: SSE2; aarch64: NEON), through xsimd
    avx2,        ///< AVX2, FMA and F16C
    avx2_vnni,   ///< the same with dot products of bytes (AVX-VNNI)
    avx512,      ///< AVX-512 F, BW, DQ and VL
    avx512_vnni, ///< the same with dot products of bytes (AVX512-VNNI)
    amx,         ///< the same with tiles of bytes and of bf16 (AMX-INT8, AMX-BF16)
};

inline constexpr cpu_isa all_cpu_isas[] = {cpu_isa::baseline, cpu_isa::avx2,        cpu_isa::avx2_vnni,
                                           cpu_isa::avx512,   cpu_isa::avx512_vnni, cpu_isa::amx};

[[nodiscard]] constexpr std::string_view to_string(cpu_isa isa) noexcept {
    switch (isa) {
    case cpu_isa::baseline: return "baseline";
    case cpu_isa::avx2: return "avx2";
    case cpu_isa::avx2_vnni: return "avx2_vnni";
    case cpu_isa::avx512: return "avx512";
    case cpu_isa::avx512_vnni: return "avx512_vnni";
    case cpu_isa::amx: return "amx";
    }
    return "unknown";
}

/// The set of that name, or nothing.
[[nodiscard]] constexpr std::optional<cpu_isa> cpu_isa_from_string(std::string_view name) noexcept {
    for (const cpu_isa isa : all_cpu_isas) {
        if (to_string(isa) == name) return isa;
    }
    return std::nullopt;
}

/// Whether kernels of that set run on this machine. A microsecond or two (in a virtual machine cpuid is slow); nothing is
/// cached. For amx Linux is asked for the permission to use the tiles, which a process has to do once.
[[nodiscard]] inline bool is_available(cpu_isa isa) noexcept {
    if (isa == cpu_isa::baseline) return true;
#if APERTUS_X86
    const auto bit = [](unsigned word, unsigned index) { return (word >> index & 1U) != 0; };
    unsigned a = 0;
    unsigned b = 0;
    unsigned c = 0;
    unsigned d = 0;
    if (__get_cpuid_count(1, 0, &a, &b, &c, &d) == 0) return false;
    const bool fma = bit(c, 12);
    const bool f16c = bit(c, 29);
    if (!bit(c, 27) || !bit(c, 28) || !fma || !f16c) return false; // OSXSAVE, AVX
    unsigned low = 0;
    unsigned high = 0;
    __asm__ volatile(".byte 0x0f, 0x01, 0xd0" : "=a"(low), "=d"(high) : "c"(0)); // xgetbv, register 0
    const auto saved = [&](unsigned state) { return (low & state) == state; };
    constexpr unsigned ymm_state = 0x06;
    constexpr unsigned zmm_state = 0xe6;
    constexpr unsigned tile_state = 0x60000;
    if (!saved(ymm_state) || __get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || !bit(b, 5)) return false;
    if (isa == cpu_isa::avx2) return true;
    if (isa == cpu_isa::avx2_vnni) {
        return a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0 && bit(a, 4);
    }
    const bool avx512 = bit(b, 16) && bit(b, 17) && bit(b, 30) && bit(b, 31) && saved(zmm_state); // F, DQ, BW, VL
    if (isa == cpu_isa::avx512) return avx512;
    const bool vnni = avx512 && bit(c, 11);
    if (isa == cpu_isa::avx512_vnni) return vnni;
    if (!vnni || !bit(d, 22) || !bit(d, 24) || !bit(d, 25) || !saved(tile_state)) return false; // AMX-BF16, TILE, INT8
#if defined(__linux__)
    constexpr long request_permission = 0x1023; // ARCH_REQ_XCOMP_PERM
    constexpr long tile_data = 18;
    return ::syscall(SYS_arch_prctl, request_permission, tile_data) == 0;
#else
    return false;
#endif
#else
    return false;
#endif
}

/// The best set that this CPU and operating system offer.
[[nodiscard]] inline cpu_isa detect_cpu_isa() noexcept {
    cpu_isa best = cpu_isa::baseline;
    for (const cpu_isa isa : all_cpu_isas) {
        if (is_available(isa)) best = isa;
    }
    return best;
}

/// `wanted` if it is available, the best one when nothing is wanted. Throws error(backend) otherwise.
[[nodiscard]] inline cpu_isa choose_cpu_isa(std::optional<cpu_isa> wanted) {
    if (!wanted) return detect_cpu_isa();
    if (!is_available(*wanted)) {
        std::string available;
        for (const cpu_isa isa : all_cpu_isas) {
            if (is_available(isa)) available.append(available.empty() ? "" : ", ").append(to_string(isa));
        }
        fail(error_category::backend, "cpu backend", "instruction set", "one of " + available + " on this machine",
             to_string(*wanted));
    }
    return *wanted;
}

APERTUS_END_NAMESPACE
