// SPDX-License-Identifier: Apache-2.0
//
// Executors: every index exactly once, nesting, concurrent callers, many short regions, sleeping when idle.
#include <apertus/core/executor.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <ctime>
#include <memory>
#include <thread>
#include <vector>

using namespace apertus;

namespace {

template <class F> void for_each_executor(F&& f) {
    f(any_executor(std::make_shared<serial_executor>()));
    for (const std::size_t threads : {1U, 2U, 3U, 5U}) {
        f(any_executor(std::make_shared<pool_executor>(threads)));
        f(any_executor(threads)); // the default one
#ifdef _OPENMP
        f(any_executor(std::make_shared<omp_executor>(threads)));
#endif
    }
}

double process_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// An executor as a host program might bring one.
struct host_pool {
    std::size_t calls = 0;
    std::size_t concurrency() const { return 4; }
    void parallel_for(std::size_t n, index_function_ref f) {
        ++calls;
        for (std::size_t i = n; i > 0; --i) f(i - 1);
    }
};

} // namespace

BOOST_AUTO_TEST_SUITE(core_executor)

BOOST_AUTO_TEST_CASE(every_index_exactly_once) {
    for_each_executor([](const any_executor& e) {
        for (const std::size_t n : {0U, 1U, 2U, 3U, 100U, 5000U}) {
            std::vector<std::atomic<int>> hits(n);
            const auto f = [&](std::size_t i) { hits[i].fetch_add(1); };
            e.parallel_for(n, f);
            bool once = true;
            for (const auto& h : hits) once = once && h.load() == 1;
            BOOST_TEST(once, "n = " << n);
        }
    });
}

BOOST_AUTO_TEST_CASE(writes_of_a_region_are_seen_by_the_next) {
    for_each_executor([](const any_executor& e) {
        std::vector<std::size_t> a(64, 0);
        std::vector<std::size_t> b(64, 0);
        for (std::size_t round = 1; round <= 2000; ++round) {
            e.parallel_for(64, [&](std::size_t i) { a[i] = b[63 - i] + 1; });
            e.parallel_for(64, [&](std::size_t i) { b[i] = a[63 - i]; });
        }
        for (const std::size_t x : b) BOOST_TEST(x == 2000U);
    });
}

BOOST_AUTO_TEST_CASE(a_nested_region_runs_on_its_thread) {
    for_each_executor([](const any_executor& e) {
        std::atomic<std::size_t> sum{0};
        e.parallel_for(8,
                       [&](std::size_t i) { e.parallel_for(4, [&, i](std::size_t j) { sum.fetch_add(i * 4 + j); }); });
        BOOST_TEST(sum.load() == 496U);
    });
}

BOOST_AUTO_TEST_CASE(several_callers_share_a_pool) {
    const auto pool = std::make_shared<pool_executor>(3);
    std::atomic<std::size_t> sum{0};
    std::vector<std::thread> callers;
    for (int c = 0; c < 3; ++c) {
        callers.emplace_back([&] {
            for (int round = 0; round < 200; ++round) pool->parallel_for(50, [&](std::size_t i) { sum.fetch_add(i); });
        });
    }
    for (auto& t : callers) t.join();
    BOOST_TEST(sum.load() == 3U * 200U * 1225U);
}

BOOST_AUTO_TEST_CASE(regions_after_a_pause_wake_the_sleepers) {
    pool_executor pool(3);
    for (int round = 0; round < 20; ++round) {
        std::atomic<int> count{0};
        pool.parallel_for(30, [&](std::size_t) { count.fetch_add(1); });
        BOOST_TEST(count.load() == 30);
        std::this_thread::sleep_for(std::chrono::milliseconds(1)); // longer than the spin time
    }
}

BOOST_AUTO_TEST_CASE(an_idle_pool_uses_no_processor_time) {
    pool_executor pool(4);
    pool.parallel_for(8, [](std::size_t) {});
    // Threads of others in this process (OpenMP's, after another test) may still be spinning: a pool that spins would
    // use its time in every window.
    double least = 1;
    for (int window = 0; window < 20 && least >= 0.02; ++window) {
        const double before = process_seconds();
        std::this_thread::sleep_for(std::chrono::milliseconds(100));
        least = std::min(least, process_seconds() - before);
    }
    BOOST_TEST(least < 0.02);
}

BOOST_AUTO_TEST_CASE(pools_come_and_go) {
    for (int i = 0; i < 50; ++i) {
        pool_executor pool(3);
        if (i % 2 == 0) pool.parallel_for(3, [](std::size_t) {});
    }
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(a_host_pool_is_shared_not_copied) {
    const auto host = std::make_shared<host_pool>();
    const any_executor e(host);
    const any_executor copy = e;
    std::size_t sum = 0;
    copy.parallel_for(10, [&](std::size_t i) { sum += i; });
    BOOST_TEST(sum == 45U);
    BOOST_TEST(host->calls == 1U);
    BOOST_TEST(e.concurrency() == 4U);
}

BOOST_AUTO_TEST_SUITE_END()
