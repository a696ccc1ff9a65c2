// SPDX-License-Identifier: Apache-2.0
//
// Who runs the threads. An executor has `concurrency()` and a blocking `parallel_for(n, f)` that calls f(i) once for every
// i in [0, n), on any threads, in any order. `f` must not throw: on a worker that would end the program. The host program
// may hand in its own pool; the default is a small pool of our own. OpenMP is one more executor where the compiler has it
// (with `num_threads` on the pragma: no process-wide setting is touched), and no longer the default because its waiting
// threads spin for milliseconds: a step of 200 short regions on two cores took 25 ms with the pool and 27 with libgomp when
// the cores were free, 58 and 197 ms beside one busy program (bench/executor.cpp).
// Work is never split by thread count where results could depend on it.
#pragma once

#include <apertus/version.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <concepts>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#ifdef _OPENMP
#include <omp.h>
#endif

APERTUS_BEGIN_NAMESPACE

/// A non-owning reference to a callable void(std::size_t); valid while the callable lives.
class index_function_ref {
public:
    template <class F>
        requires(!std::is_same_v<std::remove_cvref_t<F>, index_function_ref> && std::invocable<F&, std::size_t>)
    index_function_ref(F&& f) noexcept // NOLINT(google-explicit-constructor)
        : object_(const_cast<void*>(static_cast<const void*>(std::addressof(f)))),
          call_([](void* object, std::size_t i) { (*static_cast<std::remove_reference_t<F>*>(object))(i); }) {}

    void operator()(std::size_t i) const { call_(object_, i); }

private:
    void* object_;
    void (*call_)(void*, std::size_t);
};

/// What a host's own pool must offer. `parallel_for` blocks until all calls have returned.
template <class E>
concept executor = requires(E& e, std::size_t n, index_function_ref f) {
    { e.concurrency() } -> std::convertible_to<std::size_t>;
    { e.parallel_for(n, f) } -> std::same_as<void>;
};

/// Runs everything on the calling thread.
class serial_executor {
public:
    [[nodiscard]] std::size_t concurrency() const noexcept { return 1; }
    void parallel_for(std::size_t n, index_function_ref f) const {
        for (std::size_t i = 0; i < n; ++i) f(i);
    }
};
static_assert(executor<serial_executor>);

/// Number of threads to use when the caller names none: the hardware's, at least 1.
[[nodiscard]] inline std::size_t default_concurrency() noexcept {
    return std::max<std::size_t>(1, std::thread::hardware_concurrency());
}

/// A fixed set of threads of our own. One parallel_for at a time runs on the pool; a second caller waits. A nested
/// parallel_for (from inside f) runs serially on its thread. Between two regions a thread spins for `spin_time`, because
/// a decode step is some two hundred regions a few microseconds apart and waking a sleeper costs ten; after that it
/// sleeps. A pool larger than the machine never spins. A region does not wait for threads that have not woken up yet.
class pool_executor {
public:
    static constexpr std::chrono::microseconds spin_time{50};

    explicit pool_executor(std::size_t threads = default_concurrency()) : state_(std::make_unique<state>()) {
        state_->may_spin = threads <= default_concurrency();
        try {
            for (std::size_t t = 1; t < threads; ++t) workers_.emplace_back([s = state_.get()] { work(*s); });
        } catch (...) {
            stop();
            throw;
        }
    }
    pool_executor(const pool_executor&) = delete;
    pool_executor& operator=(const pool_executor&) = delete;
    ~pool_executor() { stop(); }

    [[nodiscard]] std::size_t concurrency() const noexcept { return workers_.size() + 1; }

    void parallel_for(std::size_t n, index_function_ref f) {
        if (workers_.empty() || n <= 1 || inside()) {
            for (std::size_t i = 0; i < n; ++i) f(i);
            return;
        }
        state& s = *state_;
        const std::lock_guard callers(s.callers);
        s.job = &f;
        s.count = n;
        s.next.store(0, std::memory_order_relaxed);
        s.region.store(((s.region.load() >> generation_shift) + 1) << generation_shift | open);
        if (s.sleepers.load() != 0) {
            {
                const std::lock_guard lock(s.mutex);
            }
            s.wake.notify_all();
        }
        drain(s);
        s.region.fetch_and(~open);
        if (!spin(s, [&] { return (s.region.load() & members) == 0; })) {
            std::unique_lock lock(s.mutex);
            s.caller_sleeps.store(true);
            s.done.wait(lock, [&] { return (s.region.load() & members) == 0; });
            s.caller_sleeps.store(false);
        }
    }

private:
    // One word says which region is current, whether it may still be entered, and how many workers are inside. The job
    // is written before a region opens and lives until the last member has left. All accesses to the word, `sleepers`
    // and `caller_sleeps` are sequentially consistent: whoever goes to sleep announces it before looking a last time,
    // and whoever changes the word looks for sleepers after that.
    static constexpr std::uint64_t members = 0x7fffffff;
    static constexpr std::uint64_t open = 0x80000000;
    static constexpr unsigned generation_shift = 32;

    struct state {
        std::mutex callers;
        std::mutex mutex;
        std::condition_variable wake;
        std::condition_variable done;
        const index_function_ref* job = nullptr;
        std::size_t count = 0;
        bool may_spin = true;
        std::atomic<std::uint64_t> region{0};
        std::atomic<std::size_t> sleepers{0};
        std::atomic<bool> caller_sleeps{false};
        std::atomic<bool> stopping{false};
        alignas(64) std::atomic<std::size_t> next{0};
    };

    static bool& inside() noexcept {
        static thread_local bool value = false;
        return value;
    }
    static void pause() noexcept {
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#else
        std::this_thread::yield();
#endif
    }
    /// Waits a bounded time for the condition; false when it did not come true.
    template <class Condition> static bool spin(const state& s, Condition&& condition) {
        if (condition()) return true;
        if (!s.may_spin) return false;
        const auto end = std::chrono::steady_clock::now() + spin_time;
        do {
            for (int i = 0; i < 32; ++i) {
                if (condition()) return true;
                pause();
            }
        } while (std::chrono::steady_clock::now() < end);
        return false;
    }
    static void drain(state& s) {
        const index_function_ref& f = *s.job;
        const std::size_t n = s.count;
        inside() = true;
        for (std::size_t i = s.next.fetch_add(1, std::memory_order_relaxed); i < n;
             i = s.next.fetch_add(1, std::memory_order_relaxed)) {
            f(i);
        }
        inside() = false;
    }
    static void work(state& s) {
        std::uint64_t seen = 0; // generation of the last region that this thread knows
        for (;;) {
            const auto news = [&] { return s.stopping.load() || s.region.load() >> generation_shift != seen; };
            if (!spin(s, news)) {
                std::unique_lock lock(s.mutex);
                s.sleepers.fetch_add(1);
                s.wake.wait(lock, news);
                s.sleepers.fetch_sub(1);
            }
            if (s.stopping.load()) return;
            std::uint64_t now = s.region.load();
            seen = now >> generation_shift;
            while ((now & open) != 0 && now >> generation_shift == seen) {
                if (!s.region.compare_exchange_weak(now, now + 1)) continue;
                drain(s);
                if (((s.region.fetch_sub(1) - 1) & (members | open)) == 0 && s.caller_sleeps.load()) {
                    {
                        const std::lock_guard lock(s.mutex);
                    }
                    s.done.notify_one();
                }
                break;
            }
        }
    }
    void stop() noexcept {
        state_->stopping.store(true);
        {
            const std::lock_guard lock(state_->mutex);
        }
        state_->wake.notify_all();
        for (std::thread& t : workers_) t.join();
        workers_.clear();
    }

    std::unique_ptr<state> state_;
    std::vector<std::thread> workers_;
};
static_assert(executor<pool_executor>);

#ifdef _OPENMP
/// OpenMP threads; `threads` goes on the pragma, nothing process-wide is set.
class omp_executor {
public:
    explicit omp_executor(std::size_t threads = static_cast<std::size_t>(omp_get_max_threads()))
        : threads_(static_cast<int>(std::max<std::size_t>(1, threads))) {}

    [[nodiscard]] std::size_t concurrency() const noexcept { return static_cast<std::size_t>(threads_); }

    void parallel_for(std::size_t n, index_function_ref f) const {
        const auto count = static_cast<std::ptrdiff_t>(n);
        if (n <= 1 || threads_ == 1) {
            for (std::size_t i = 0; i < n; ++i) f(i);
            return;
        }
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads_)
        for (std::ptrdiff_t i = 0; i < count; ++i) f(static_cast<std::size_t>(i));
    }

private:
    int threads_;
};
static_assert(executor<omp_executor>);
#endif

using default_executor = pool_executor;

/// Any executor behind one type. Copies share it. The one virtual call per parallel_for costs nanoseconds.
class any_executor {
public:
    /// The default executor with `threads` threads (0: as many as the hardware offers). Throws std::system_error where
    /// the system gives no more threads.
    explicit any_executor(std::size_t threads = 0)
        : any_executor(std::make_shared<default_executor>(threads == 0 ? default_concurrency() : threads)) {}

    /// Shares a caller's executor, and keeps it alive.
    template <executor E>
    explicit any_executor(std::shared_ptr<E> e)
        : self_(std::move(e)), concurrency_([](void* p) { return std::size_t{static_cast<E*>(p)->concurrency()}; }),
          run_([](void* p, std::size_t n, index_function_ref f) { static_cast<E*>(p)->parallel_for(n, f); }) {}

    [[nodiscard]] std::size_t concurrency() const { return concurrency_(self_.get()); }
    void parallel_for(std::size_t n, index_function_ref f) const { run_(self_.get(), n, f); }

private:
    std::shared_ptr<void> self_;
    std::size_t (*concurrency_)(void*);
    void (*run_)(void*, std::size_t, index_function_ref);
};
static_assert(executor<any_executor>);

APERTUS_END_NAMESPACE
