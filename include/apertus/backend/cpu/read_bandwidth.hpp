// SPDX-License-Identifier: Apache-2.0
//
// The limit that decode is measured against: how fast this machine reads memory, with the same threads, for several ways
// of walking it. One sequential stream per thread does not reach it; six or eight side by side with prefetch do.
#pragma once

#include <apertus/backend/cpu/kernel_tables.hpp>
#include <apertus/backend/cpu/read_pattern.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/simd/isa.hpp>

#include <chrono>
#include <cstddef>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// The patterns worth trying on a machine that one does not know (streams: 1, 2, 4, 6, 8, 12 or 16).
inline constexpr read_pattern read_patterns[] = {{1, 0},    {1, 2048}, {2, 2048}, {4, 0},    {4, 2048},  {6, 1024},
                                                 {6, 2048}, {8, 0},    {8, 1024}, {8, 2048}, {12, 1024}, {16, 1024}};

/// Measures read bandwidth on a buffer far larger than the caches, with an executor's threads. Passes can be interleaved
/// with the work that is to be compared with the limit, so that both see the same machine.
class read_bandwidth {
public:
    static constexpr std::size_t default_bytes = std::size_t{512} << 20;

    /// Allocates and touches `bytes`. Throws error(resource).
    template <class Arch = xsimd::default_arch>
    explicit read_bandwidth(any_executor executor, std::size_t bytes = default_bytes)
        : executor_(std::move(executor)), kernels_(detail::make_kernel_table<Arch>(detect_cpu_isa())),
          memory_(bytes / sizeof(float)) {
        for (std::size_t i = 0; i < memory_.size(); i += 512) memory_.data()[i] = 1.0F;
    }

    /// Of the buffer.
    [[nodiscard]] std::size_t bytes() const noexcept { return memory_.size() * sizeof(float); }

    /// One pass over the buffer; bytes per second.
    [[nodiscard]] double pass(read_pattern pattern) {
        constexpr std::size_t piece = std::size_t{3} << 20;
        const std::size_t pieces = memory_.size() * sizeof(float) / piece;
        const auto begin = std::chrono::steady_clock::now();
        executor_.parallel_for(pieces, [&](std::size_t i) {
            const float seen = kernels_.read_memory(memory_.data() + i * (piece / sizeof(float)), piece,
                                                    pattern.streams, pattern.ahead);
            if (seen < 0.0F) memory_.data()[0] = 1.0F; // never, but the compiler cannot know
        });
        const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
        return static_cast<double>(pieces * piece) / seconds.count();
    }

    /// The pattern with the best of `passes` passes each.
    [[nodiscard]] read_pattern best_pattern(int passes = 3) {
        read_pattern best;
        double most = 0;
        for (int i = 0; i < passes; ++i) {
            for (const read_pattern& pattern : read_patterns) {
                const double speed = pass(pattern);
                if (speed > most) {
                    most = speed;
                    best = pattern;
                }
            }
        }
        return best;
    }

private:
    any_executor executor_;
    detail::kernel_table kernels_;
    host_buffer<float> memory_;
};

APERTUS_END_NAMESPACE
