// SPDX-License-Identifier: Apache-2.0
//
// The tile unit of AMX as the kernels see it (backend/cpu/tile_kernels.hpp): eight registers of up to 16 rows of 64 bytes.
//   C += A B, A [rows, 64 bytes], B [16, 64 bytes], C [rows, 16] of 32 bits:
//   dot_bytes   C[m][n] += A[m][4k + i] B[k][4n + i], A signed and B unsigned bytes, whole numbers
//   dot_bf16    C[m][n] += A[m][2k + i] B[k][2n + i], floats; the even and the odd products of a call are summed apart, in
//               order of k, and their sum is added to C; denormals count as zero
// (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2: TDPBSUD, TDPBF16PS.)
// A kernel takes the unit as a type, so that tests can run it on a machine without AMX (tests/support/emulated_tiles.hpp).
// Written in assembly because the compilers' intrinsics want the registers as literals.
#pragma once

#include <apertus/simd/target.hpp>

#include <cstddef>
#include <cstdint>

#if APERTUS_X86
#define APERTUS_TARGET_AMX "amx-tile,amx-int8,amx-bf16,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"

APERTUS_BEGIN_NAMESPACE
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AMX)
namespace detail::amx {

/// The registers of the calling thread: configured before use, released afterwards. The process needs the permission that
/// is_available(cpu_isa::amx) asks for.
struct tiles {
    /// Registers 0 to 5 (for A and C) get `rows` rows, 6 and 7 (for B) all 16.
    static void configure(std::size_t rows) noexcept {
        struct alignas(64) shape {
            std::uint8_t palette = 1;
            std::uint8_t start_row = 0;
            std::uint8_t reserved[14] = {};
            std::uint16_t row_bytes[16] = {};
            std::uint8_t rows[16] = {};
        } s;
        for (std::size_t i = 0; i < 8; ++i) {
            s.row_bytes[i] = 64;
            s.rows[i] = static_cast<std::uint8_t>(i < 6 ? rows : 16);
        }
        __asm__ volatile("ldtilecfg %0" : : "m"(s));
    }
    static void release() noexcept { __asm__ volatile("tilerelease"); }

    template <int R> APERTUS_ALWAYS_INLINE static void zero() noexcept {
        __asm__ volatile("tilezero %%tmm%c0" : : "i"(R));
    }
    /// Rows of 64 bytes, `stride` bytes apart.
    template <int R> APERTUS_ALWAYS_INLINE static void load(const void* p, std::size_t stride) noexcept {
        __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(p), "r"(stride), "i"(R) : "memory");
    }
    template <int R> APERTUS_ALWAYS_INLINE static void store(void* p, std::size_t stride) noexcept {
        __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(p), "r"(stride), "i"(R) : "memory");
    }
    template <int C, int A, int B> APERTUS_ALWAYS_INLINE static void dot_bytes() noexcept {
        __asm__ volatile("tdpbsud %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
    }
    template <int C, int A, int B> APERTUS_ALWAYS_INLINE static void dot_bf16() noexcept {
        __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(C), "i"(A), "i"(B));
    }
};

} // namespace detail::amx
APERTUS_TARGET_END
APERTUS_END_NAMESPACE
#endif
