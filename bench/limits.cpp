// SPDX-License-Identifier: Apache-2.0
//
// What this machine can do at most, one JSON line each: read bandwidth (best pattern) and the arithmetic of each unit that
// the kernels use, in register loops without memory, for one thread and for all. Medians of the passes; compare a kernel
// with what was measured in the same hour, because neighbours on a shared machine take their part of both.
// Operations count a multiplication and an addition as two. Usage: limits [threads] [passes]
#include <apertus/backend/cpu/read_bandwidth.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/simd/target.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <memory>
#include <vector>

namespace {

using namespace apertus;

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// `rounds` times a block of independent instructions on registers (every loop over them unrolled: what is indexed lies in
/// memory). Returns something that depends on all of them.
using register_loop = float (*)(std::size_t rounds) noexcept;

struct unit {
    const char* name;
    cpu_isa needs;
    double operations; ///< of one round
    register_loop loop;
};

#if APERTUS_X86
APERTUS_TARGET_BEGIN("avx2,fma")
float fma_avx2(std::size_t rounds) noexcept {
    __m256 a[10];
    APERTUS_UNROLL
    for (int i = 0; i < 10; ++i) a[i] = _mm256_set1_ps(1.0F + static_cast<float>(i));
    __m256 x = _mm256_set1_ps(0.999F);
    for (std::size_t r = 0; r < rounds; ++r) {
        __asm__ volatile("" : "+x"(x)); // the value is new to the compiler each time
        APERTUS_UNROLL
        for (int i = 0; i < 10; ++i) a[i] = _mm256_fmadd_ps(a[i], x, x);
    }
    APERTUS_UNROLL
    for (int i = 1; i < 10; ++i) a[0] = _mm256_add_ps(a[0], a[i]);
    return _mm256_cvtss_f32(a[0]);
}
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl")
float fma_avx512(std::size_t rounds) noexcept {
    __m512 a[16];
    APERTUS_UNROLL
    for (int i = 0; i < 16; ++i) a[i] = _mm512_set1_ps(1.0F + static_cast<float>(i));
    __m512 x = _mm512_set1_ps(0.999F);
    for (std::size_t r = 0; r < rounds; ++r) {
        __asm__ volatile("" : "+v"(x));
        APERTUS_UNROLL
        for (int i = 0; i < 16; ++i) a[i] = _mm512_fmadd_ps(a[i], x, x);
    }
    APERTUS_UNROLL
    for (int i = 1; i < 16; ++i) a[0] = _mm512_add_ps(a[0], a[i]);
    return _mm512_cvtss_f32(a[0]);
}
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni")
/// The accumulators have the type that the instruction works on: held as __m512i across the loop, g++ 12 keeps copies of
/// them in memory and the loop reaches a fifth of the speed.
float vnni_avx512(std::size_t rounds) noexcept {
    using lanes = std::int32_t __attribute__((vector_size(64)));
    lanes a[16];
    APERTUS_UNROLL
    for (int i = 0; i < 16; ++i) a[i] = reinterpret_cast<lanes>(_mm512_set1_epi32(i));
    lanes x = reinterpret_cast<lanes>(_mm512_set1_epi8(3));
    for (std::size_t r = 0; r < rounds; ++r) {
        __asm__ volatile("" : "+v"(x));
        APERTUS_UNROLL
        for (int i = 0; i < 16; ++i) {
            a[i] = reinterpret_cast<lanes>(_mm512_dpbusd_epi32(
                reinterpret_cast<__m512i>(a[i]), reinterpret_cast<__m512i>(x), reinterpret_cast<__m512i>(x)));
        }
    }
    APERTUS_UNROLL
    for (int i = 1; i < 16; ++i) a[0] += a[i];
    return static_cast<float>(a[0][0]);
}
APERTUS_TARGET_END

#if defined(__x86_64__)
struct alignas(64) tile_shape {
    std::uint8_t palette = 1;
    std::uint8_t start_row = 0;
    std::uint8_t reserved[14] = {};
    std::uint16_t bytes_per_row[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    std::uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};

// By assembler text, so that no compiler has to know the instructions: four accumulators (0 .. 3), operands 4 .. 7.
#define APERTUS_BENCH_TILES(instruction)                                                                               \
    const tile_shape shape;                                                                                            \
    __asm__ volatile("ldtilecfg %0" : : "m"(shape));                                                                   \
    __asm__ volatile("tilezero %%tmm0\n tilezero %%tmm1\n tilezero %%tmm2\n tilezero %%tmm3\n"                         \
                     "tilezero %%tmm4\n tilezero %%tmm5\n tilezero %%tmm6\n tilezero %%tmm7" ::                        \
                         : "memory");                                                                                  \
    for (std::size_t r = 0; r < rounds; ++r) {                                                                         \
        __asm__ volatile(instruction " %%tmm6, %%tmm4, %%tmm0\n" instruction " %%tmm7, %%tmm4, %%tmm1\n" instruction   \
                                     " %%tmm6, %%tmm5, %%tmm2\n" instruction " %%tmm7, %%tmm5, %%tmm3" ::              \
                                         : "memory");                                                                  \
    }                                                                                                                  \
    __asm__ volatile("tilerelease");                                                                                   \
    return 0.0F;

float amx_int8(std::size_t rounds) noexcept { APERTUS_BENCH_TILES("tdpbssd") }
float amx_bf16(std::size_t rounds) noexcept { APERTUS_BENCH_TILES("tdpbf16ps") }
#undef APERTUS_BENCH_TILES
#endif

constexpr unit units[] = {
    {"fma_f32_avx2", cpu_isa::avx2, 10 * 8 * 2, fma_avx2},
    {"fma_f32_avx512", cpu_isa::avx512, 16 * 16 * 2, fma_avx512},
    {"vnni_int8_avx512", cpu_isa::avx512_vnni, 16 * 64 * 2, vnni_avx512},
#if defined(__x86_64__)
    {"amx_int8", cpu_isa::amx, 4.0 * 16 * 16 * 64 * 2, amx_int8},
    {"amx_bf16", cpu_isa::amx, 4.0 * 16 * 16 * 32 * 2, amx_bf16},
#endif
};
#endif

void arithmetic([[maybe_unused]] std::size_t threads, [[maybe_unused]] std::size_t passes) {
#if APERTUS_X86
    const any_executor executor(threads);
    std::vector<float> seen(threads * 16);
    for (const unit& u : units) {
        if (!is_available(u.needs)) continue;
        const std::size_t rounds = static_cast<std::size_t>(2e9 / u.operations) + 1;
        std::vector<double> speeds;
        for (std::size_t pass = 0; pass < passes; ++pass) {
            const auto begin = std::chrono::steady_clock::now();
            executor.parallel_for(threads * 8, [&](std::size_t i) { seen[i % seen.size()] = u.loop(rounds); });
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
            speeds.push_back(static_cast<double>(threads * 8) * static_cast<double>(rounds) * u.operations /
                             seconds.count());
        }
        std::printf("{\"bench\":\"arithmetic_limit\",\"unit\":\"%s\",\"threads\":%zu,\"gop_s_median\":%.1f,"
                    "\"gop_s_best\":%.1f}\n",
                    u.name, threads, median(speeds) / 1e9, *std::max_element(speeds.begin(), speeds.end()) / 1e9);
        std::fflush(stdout);
    }
#endif
}

void bandwidth(std::size_t threads, std::size_t passes) {
    read_bandwidth probe{any_executor(threads)};
    const read_pattern pattern = probe.best_pattern();
    std::vector<double> speeds;
    for (std::size_t pass = 0; pass < passes; ++pass) speeds.push_back(probe.pass(pattern));
    std::printf("{\"bench\":\"read_limit\",\"threads\":%zu,\"streams\":%d,\"ahead\":%zu,\"gb_s_median\":%.2f,"
                "\"gb_s_best\":%.2f}\n",
                threads, pattern.streams, pattern.ahead, median(speeds) / 1e9,
                *std::max_element(speeds.begin(), speeds.end()) / 1e9);
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) try {
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : default_concurrency();
    const std::size_t passes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 9;
    if (threads == 0 || passes == 0) {
        std::fputs("usage: limits [threads] [passes]\n", stderr);
        return 2;
    }
    std::vector<std::size_t> counts{1};
    if (threads > 1) counts.push_back(threads);
    for (const std::size_t n : counts) {
        bandwidth(n, passes);
        arithmetic(n, passes);
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "limits: %s\n", e.what());
    return 1;
}
