// SPDX-License-Identifier: Apache-2.0
//
// Attention on the 8B shape (32 query heads, 8 kv heads, heads of 128): decode as a share of the read bandwidth and prompts
// as a share of the FMA peak, both measured in the same run, pass after pass in turn. One JSON line per case.
// Usage: attention [threads] [passes] [isa] [what: decode, prompt or both]
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/cpu/read_bandwidth.hpp>
#include <apertus/format/kv_formats.hpp>
#include <apertus/simd/vec16.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using namespace apertus; // NOLINT(google-build-using-namespace): a program

constexpr std::size_t query_heads = 32;
constexpr std::size_t kv_heads = 8;
constexpr std::size_t head_size = 128;

double median(std::vector<double> v) {
    std::sort(v.begin(), v.end());
    return v[v.size() / 2];
}

template <class F> double seconds(F&& f) {
    const auto begin = std::chrono::steady_clock::now();
    f();
    const std::chrono::duration<double> time = std::chrono::steady_clock::now() - begin;
    return time.count();
}

/// Reproducible numbers in [-1, 1].
void fill(float* x, std::size_t n) {
    static std::uint64_t state = 1;
    for (std::size_t i = 0; i < n; ++i) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x[i] = static_cast<float>(state >> 40) / 8388608.0F - 1.0F;
    }
}

/// The caches of several layers, as many as make a pass larger than the processor's caches.
struct caches {
    host_buffer<std::byte> memory;
    std::vector<kv_segment<>> layers;

    caches(cpu_backend& cpu, const kv_format_info& format, std::size_t slots, std::size_t rows, std::size_t bytes) {
        const std::size_t one = kv_heads * format.bytes(slots, head_size);
        const std::size_t count = std::max<std::size_t>(1, bytes / one);
        memory = host_buffer<std::byte>(one * count);
        const std::size_t step = 64;
        host_buffer<float> k(step * kv_heads * head_size);
        host_buffer<float> v(step * kv_heads * head_size);
        for (std::size_t l = 0; l < count; ++l) {
            kv_segment<> s{0, slots, 0, {&format, memory.data() + l * one, nullptr, kv_heads, slots, head_size}};
            s.cache.values = s.cache.keys + s.cache.all_key_bytes();
            for (std::size_t at = 0; at < slots; at += step) {
                fill(k.data(), k.size());
                fill(v.data(), v.size());
                s.row_count = std::min(step, slots - at);
                s.first_slot = at;
                cpu.store({k.data(), {s.row_count, kv_heads, head_size}},
                          {v.data(), {s.row_count, kv_heads, head_size}}, std::span<const kv_segment<>>(&s, 1));
            }
            s.row_count = rows;
            s.first_slot = slots - rows;
            layers.push_back(s);
        }
    }
};

/// One new token: every key and value is read once.
void decode(cpu_backend& cpu, read_bandwidth& probe, read_pattern pattern, const kv_format_info& format,
            std::size_t slots, std::size_t passes, std::size_t threads) {
    const caches c(cpu, format, slots, 1, std::size_t{256} << 20);
    host_buffer<float> q(query_heads * head_size);
    host_buffer<float> out(q.size());
    fill(q.data(), q.size());
    std::vector<double> speed;
    std::vector<double> share;
    std::vector<double> limit;
    const double bytes = static_cast<double>(c.memory.size());
    for (std::size_t pass = 0; pass < passes; ++pass) {
        limit.push_back(probe.pass(pattern));
        const double time = seconds([&] {
            for (const kv_segment<>& s : c.layers) {
                cpu.attend({q.data(), {1, query_heads, head_size}}, std::span<const kv_segment<>>(&s, 1), 0.0883883F,
                           {out.data(), {1, query_heads, head_size}});
            }
        });
        speed.push_back(bytes / time);
        share.push_back(speed.back() / limit.back());
    }
    std::printf("{\"bench\":\"attention_decode\",\"isa\":\"%s\",\"threads\":%zu,\"kv\":\"%s\",\"positions\":%zu,"
                "\"layers\":%zu,\"us_per_layer\":%.1f,\"gb_s\":%.2f,\"read_gb_s\":%.2f,\"share\":%.3f}\n",
                std::string(to_string(cpu.isa())).c_str(), threads, std::string(format.name).c_str(), slots,
                c.layers.size(), bytes / median(speed) * 1e6 / static_cast<double>(c.layers.size()),
                median(speed) / 1e9, median(limit) / 1e9, median(share));
    std::fflush(stdout);
}

constexpr std::size_t loop_sums = 10; // independent, enough to hide the latency

#define APERTUS_BENCH_LOOP(name, vector)                                                                               \
    float name(std::size_t turns) {                                                                                    \
        using V = vector;                                                                                              \
        V sum[loop_sums];                                                                                              \
        for (std::size_t i = 0; i < loop_sums; ++i) sum[i] = V::splat(1.0F + static_cast<float>(i));                   \
        const V factor = V::splat(0.999F);                                                                             \
        const V step = V::splat(0.001F);                                                                               \
        for (std::size_t t = 0; t < turns; ++t) {                                                                      \
            APERTUS_UNROLL                                                                                             \
            for (std::size_t i = 0; i < loop_sums; ++i) sum[i] = fma(sum[i], factor, step);                            \
        }                                                                                                              \
        for (std::size_t i = 1; i < loop_sums; ++i) sum[0] = add(sum[0], sum[i]);                                      \
        return reduce_add(sum[0]);                                                                                     \
    }
APERTUS_BENCH_LOOP(loop_portable, detail::portable::vec16<>)
#if APERTUS_X86
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
APERTUS_BENCH_LOOP(loop_avx2, detail::avx2::vec16)
APERTUS_TARGET_END
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
APERTUS_BENCH_LOOP(loop_avx512, detail::avx512::vec16)
APERTUS_TARGET_END
#endif

/// Fused multiply-adds on registers: what the instruction set in use can do, with all threads.
class fma_peak {
public:
    fma_peak(any_executor executor, cpu_isa isa) : executor_(std::move(executor)) {
#if APERTUS_X86
        if (isa >= cpu_isa::avx512) loop_ = &loop_avx512;
        else if (isa >= cpu_isa::avx2) loop_ = &loop_avx2;
#else
        (void)isa;
#endif
    }
    /// Operations per second, a multiplication and an addition being two.
    double pass() {
        constexpr std::size_t turns = 200000;
        const std::size_t pieces = 16 * executor_.concurrency();
        const double time = seconds([&] {
            executor_.parallel_for(pieces, [&](std::size_t i) {
                if (loop_(turns) < 0) std::fprintf(stderr, "piece %zu\n", i); // never, but the compiler cannot know
            });
        });
        return static_cast<double>(2 * 16 * loop_sums * turns * pieces) / time;
    }

private:
    any_executor executor_;
    float (*loop_)(std::size_t) = &loop_portable;
};

/// The last `rows` rows of a prompt of `slots` positions in one call.
void prompt(cpu_backend& cpu, fma_peak& peak, const kv_format_info& format, std::size_t slots, std::size_t rows,
            std::size_t passes, std::size_t threads) {
    rows = std::min(rows, slots);
    const caches c(cpu, format, slots, rows, 0);
    host_buffer<float> q(rows * query_heads * head_size);
    host_buffer<float> out(q.size());
    fill(q.data(), q.size());
    std::vector<double> speed;
    std::vector<double> share;
    std::vector<double> limit;
    double pairs = 0;
    for (std::size_t r = 0; r < rows; ++r) pairs += static_cast<double>(slots - rows + r + 1);
    const double work = 4 * pairs * query_heads * head_size;
    for (std::size_t pass = 0; pass < passes; ++pass) {
        limit.push_back(peak.pass());
        const double time = seconds([&] {
            cpu.attend({q.data(), {rows, query_heads, head_size}}, std::span<const kv_segment<>>(c.layers.data(), 1),
                       0.0883883F, {out.data(), {rows, query_heads, head_size}});
        });
        speed.push_back(work / time);
        share.push_back(speed.back() / limit.back());
    }
    std::printf("{\"bench\":\"attention_prompt\",\"isa\":\"%s\",\"threads\":%zu,\"kv\":\"%s\",\"positions\":%zu,"
                "\"rows\":%zu,\"ms_per_layer\":%.2f,\"gflop_s\":%.1f,\"fma_gflop_s\":%.1f,\"share\":%.3f}\n",
                std::string(to_string(cpu.isa())).c_str(), threads, std::string(format.name).c_str(), slots, rows,
                work / median(speed) * 1e3, median(speed) / 1e9, median(limit) / 1e9, median(share));
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) try {
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : default_concurrency();
    const std::size_t passes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 9;
    const std::string_view isa = argc > 3 ? argv[3] : "";
    const std::string_view what = argc > 4 ? argv[4] : "both";
    cpu_options options;
    if (!isa.empty()) options.isa = cpu_isa_from_string(isa);
    if (threads == 0 || passes == 0 || (!isa.empty() && !options.isa)) {
        std::fputs("usage: attention [threads] [passes] [isa] [decode | prompt | both]\n", stderr);
        return 2;
    }
    const any_executor executor(threads);
    cpu_backend cpu(executor, options);
    if (what != "prompt") {
        read_bandwidth probe(executor, std::size_t{256} << 20);
        const read_pattern pattern = probe.best_pattern();
        for (const std::size_t slots : {1024U, 4096U, 16384U, 32768U, 65536U}) {
            kv_formats::for_each(
                [&]<class Format>() { decode(cpu, probe, pattern, kv_info_of<Format>, slots, passes, threads); });
        }
    }
    if (what != "decode") {
        fma_peak peak(executor, cpu.isa());
        for (const std::size_t slots : {512U, 4096U, 16384U}) {
            kv_formats::for_each(
                [&]<class Format>() { prompt(cpu, peak, kv_info_of<Format>, slots, 512, passes, threads); });
        }
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "attention: %s\n", e.what());
    return 1;
}
