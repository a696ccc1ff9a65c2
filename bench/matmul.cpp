// SPDX-License-Identifier: Apache-2.0
//
// Matrix products at the shapes of the 8B model, one JSON line each: GB/s of weights and GFLOP/s (medians), and the share
// of the read bandwidth measured in the same run, a pass of one after a pass of the other.
// Usage: matmul [threads] [isa] [passes]
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/cpu/read_bandwidth.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <string>
#include <vector>

namespace {

using namespace apertus;

struct shape {
    const char* name;
    std::size_t rows;
    std::size_t cols;
};
constexpr shape shapes[] = {{"q_proj", 4096, 4096},
                            {"k_proj", 1024, 4096},
                            {"up_proj", 21504, 4096},
                            {"down_proj", 4096, 21504},
                            {"lm_head", 131072, 4096}};

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

template <class Format>
void run(cpu_backend& backend, read_bandwidth& limit, read_pattern pattern, std::size_t tokens, std::size_t passes) {
    for (const shape& s : shapes) {
        if (tokens > 1 && s.rows > 30000) continue;
        const std::size_t bytes = info_of<Format>.bytes(s.rows, s.cols);
        // enough copies of the matrix that none of it is left in a cache when its turn comes again
        const std::size_t copies = 1 + (std::size_t{256} << 20) / bytes;
        host_buffer<std::byte> w(bytes * copies);
        std::vector<float> values(16 * s.cols);
        for (std::size_t i = 0; i < values.size(); ++i) {
            values[i] = static_cast<float>((i * 2654435761U >> 7) % 2001) / 1000.0F - 1.0F;
        }
        const std::size_t strip = info_of<Format>.bytes(16, s.cols);
        pack_rows(info_of<Format>, values.data(), 16, s.cols, w.data());
        for (std::size_t at = strip; at < w.size(); at += strip) std::memcpy(w.data() + at, w.data(), strip);
        host_buffer<float> x(tokens * s.cols);
        host_buffer<float> out(tokens * s.rows);
        for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i % 17) / 17.0F - 0.5F;
        std::vector<double> bytes_per_second;
        std::vector<double> limits;
        for (std::size_t pass = 0; pass < passes; ++pass) {
            limits.push_back(limit.pass(pattern));
            const auto begin = std::chrono::steady_clock::now();
            for (std::size_t c = 0; c < copies; ++c) {
                const weight_view<any_format> matrix(info_of<Format>, w.data() + c * bytes, s.rows, s.cols);
                backend.matmul(x.view<2>({tokens, s.cols}), matrix, tensor_view<const float, 1>{},
                               out.view<2>({tokens, s.rows}));
            }
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
            bytes_per_second.push_back(static_cast<double>(w.size()) / seconds.count());
        }
        const double speed = median(bytes_per_second);
        const double weights = static_cast<double>(s.rows * s.cols);
        const double flops = speed / static_cast<double>(bytes) * weights * 2.0 * static_cast<double>(tokens);
        std::printf(
            "{\"bench\":\"matmul\",\"isa\":\"%s\",\"threads\":%zu,\"format\":\"%s\",\"shape\":\"%s\",\"tokens\":%zu,"
            "\"gb_s\":%.2f,\"gflop_s\":%.1f,\"limit_gb_s\":%.2f,\"share_of_limit\":%.3f}\n",
            std::string(to_string(backend.isa())).c_str(), backend.concurrency(), std::string(Format::name).c_str(),
            s.name, tokens, speed / 1e9, flops / 1e9, median(limits) / 1e9, speed / median(limits));
    }
}

} // namespace

int main(int argc, char** argv) try {
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : default_concurrency();
    const auto isa = argc > 2 ? cpu_isa_from_string(argv[2]) : detect_cpu_isa();
    const std::size_t passes = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 9;
    if (threads == 0 || !isa || passes == 0) {
        std::fputs("usage: matmul [threads] [baseline|avx2|avx2_vnni|avx512|avx512_vnni|amx] [passes]\n", stderr);
        return 2;
    }
    const any_executor executor(threads);
    cpu_backend backend(executor, {isa});
    read_bandwidth limit(executor);
    const read_pattern pattern = limit.best_pattern();
    std::printf("{\"bench\":\"read_limit\",\"threads\":%zu,\"streams\":%d,\"ahead\":%zu}\n", threads, pattern.streams,
                pattern.ahead);
    run<dense<bf16>>(backend, limit, pattern, 1, passes);
    run<dense<f16>>(backend, limit, pattern, 1, passes);
    run<dense<float>>(backend, limit, pattern, 1, passes);
    run<int8>(backend, limit, pattern, 1, passes);
    run<int4>(backend, limit, pattern, 1, passes);
    run<gguf_q8_0>(backend, limit, pattern, 1, passes);
    run<gguf_q4_0>(backend, limit, pattern, 1, passes);
    run<gguf_q4_1>(backend, limit, pattern, 1, passes);
    run<gguf_q5_0>(backend, limit, pattern, 1, passes);
    run<gguf_q5_1>(backend, limit, pattern, 1, passes);
    run<gguf_q4_k>(backend, limit, pattern, 1, passes);
    run<gguf_q5_k>(backend, limit, pattern, 1, passes);
    run<gguf_q6_k>(backend, limit, pattern, 1, passes);
    for (const std::size_t tokens : {std::size_t{4}, std::size_t{16}, std::size_t{128}}) {
        run<dense<bf16>>(backend, limit, pattern, tokens, passes < 3 ? passes : 3);
        run<int8>(backend, limit, pattern, tokens, passes < 3 ? passes : 3);
        run<int4>(backend, limit, pattern, tokens, passes < 3 ? passes : 3);
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "matmul: %s\n", e.what());
    return 1;
}
