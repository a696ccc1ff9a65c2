// SPDX-License-Identifier: Apache-2.0
//
// What running threads costs, in the pattern of a decode step: 200 regions of 16 chunks each, every region walking its own
// stretch of memory so that it takes some 50 to 500 us. One JSON line per executor: median milliseconds of a step,
// regions per second, and the processor time that one second of idling costs afterwards. Also the step on one thread, and
// with neighbours: N other threads that compute without pause, which on a machine of C cores leave this program its share.
// Usage: executor [threads] [neighbours] [steps]
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <memory>
#include <thread>
#include <vector>

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

namespace {

using namespace apertus;
using clock_type = std::chrono::steady_clock;

double process_seconds() {
    timespec t{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

/// Processes that keep a core busy each, ended with this object.
class neighbours {
public:
    explicit neighbours(std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            const pid_t child = ::fork();
            if (child == 0) {
                for (std::atomic<std::uint64_t> x = 0;;) x.fetch_add(1, std::memory_order_relaxed);
            }
            if (child > 0) children_.push_back(child);
        }
    }
    neighbours(const neighbours&) = delete;
    neighbours& operator=(const neighbours&) = delete;
    ~neighbours() {
        for (const pid_t child : children_) {
            ::kill(child, SIGKILL);
            ::waitpid(child, nullptr, 0);
        }
    }

private:
    std::vector<pid_t> children_;
};

constexpr std::size_t regions = 200;
constexpr std::size_t chunks = 16;

class decode_step {
public:
    decode_step() : memory_(std::size_t{64} << 20) {
        for (std::size_t i = 0; i < memory_.size(); ++i) memory_.data()[i] = static_cast<std::uint32_t>(i);
    }
    void run(const any_executor& executor) {
        std::size_t at = 0;
        for (std::size_t region = 0; region < regions; ++region) {
            const std::size_t words = region % 5 == 0 ? 40960 : region % 5 == 1 ? 4096 : 16384; // per chunk
            if (at + chunks * words > memory_.size()) at = 0;
            const std::uint32_t* const from = memory_.data() + at;
            executor.parallel_for(chunks, [&](std::size_t i) {
                std::uint32_t sum = 0;
                for (std::size_t w = i * words; w < (i + 1) * words; ++w) sum += from[w];
                seen_[i] += sum;
            });
            at += chunks * words;
        }
    }

private:
    host_buffer<std::uint32_t> memory_;
    std::uint32_t seen_[chunks] = {};
};

void measure(const char* name, const any_executor& executor, decode_step& step, std::size_t busy, std::size_t steps) {
    std::vector<double> ms;
    {
        const neighbours others(busy);
        for (std::size_t i = 0; i < steps + 2; ++i) {
            const auto begin = clock_type::now();
            step.run(executor);
            const std::chrono::duration<double, std::milli> took = clock_type::now() - begin;
            if (i >= 2) ms.push_back(took.count());
        }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10)); // waiting threads may spin for a while
    const double before = process_seconds();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const double idle = process_seconds() - before;
    std::sort(ms.begin(), ms.end());
    std::printf("{\"bench\":\"executor\",\"executor\":\"%s\",\"threads\":%zu,\"neighbours\":%zu,\"ms_median\":%.2f,"
                "\"ms_best\":%.2f,\"ms_worst\":%.2f,\"regions_per_second\":%.0f,\"idle_cpu_s_per_s\":%.4f}\n",
                name, executor.concurrency(), busy, ms[ms.size() / 2], ms.front(), ms.back(),
                static_cast<double>(regions) / ms[ms.size() / 2] * 1e3, idle);
    std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) try {
    const std::size_t threads = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : default_concurrency();
    const std::size_t most = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 2;
    const std::size_t steps = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 41;
    if (threads == 0 || most > 64 || steps == 0) {
        std::fputs("usage: executor [threads] [neighbours] [steps]\n", stderr);
        return 2;
    }
    decode_step step;
    for (std::size_t busy = 0; busy <= most; ++busy) {
        measure("serial", any_executor(std::make_shared<serial_executor>()), step, busy, steps);
        measure("pool", any_executor(std::make_shared<pool_executor>(threads)), step, busy, steps);
#ifdef _OPENMP
        measure("openmp", any_executor(std::make_shared<omp_executor>(threads)), step, busy, steps);
#endif
    }
    return 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "executor: %s\n", e.what());
    return 1;
}
