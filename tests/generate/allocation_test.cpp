// SPDX-License-Identifier: Apache-2.0
//
// No allocation in a decode step: this file replaces the global operator new of the test program by one that counts. It
// changes nothing for other tests, which may look at the counter, too (tests/support/allocation_counter.hpp).
#include <apertus/generate/generate.hpp>

#include <generate/fake_session.hpp>
#include <support/allocation_counter.hpp>

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<std::size_t> allocations = 0;

void* counted_allocation(std::size_t size, std::size_t alignment) noexcept {
    allocations.fetch_add(1, std::memory_order_relaxed);
    if (size == 0) size = 1;
    if (alignment <= __STDCPP_DEFAULT_NEW_ALIGNMENT__) return std::malloc(size);
    return std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
}

void* counted_or_throw(std::size_t size, std::size_t alignment) {
    void* memory = counted_allocation(size, alignment);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}

} // namespace

std::size_t test_support::allocation_count() noexcept { return allocations.load(std::memory_order_relaxed); }

// Inlined, they make g++ warn of a new that is released by free.
#define NOT_INLINED __attribute__((noinline))
NOT_INLINED void* operator new(std::size_t n) { return counted_or_throw(n, 1); }
NOT_INLINED void* operator new[](std::size_t n) { return counted_or_throw(n, 1); }
NOT_INLINED void* operator new(std::size_t n, std::align_val_t a) {
    return counted_or_throw(n, static_cast<std::size_t>(a));
}
NOT_INLINED void* operator new[](std::size_t n, std::align_val_t a) {
    return counted_or_throw(n, static_cast<std::size_t>(a));
}
NOT_INLINED void* operator new(std::size_t n, const std::nothrow_t&) noexcept { return counted_allocation(n, 1); }
NOT_INLINED void* operator new[](std::size_t n, const std::nothrow_t&) noexcept { return counted_allocation(n, 1); }
NOT_INLINED void* operator new(std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return counted_allocation(n, static_cast<std::size_t>(a));
}
NOT_INLINED void* operator new[](std::size_t n, std::align_val_t a, const std::nothrow_t&) noexcept {
    return counted_allocation(n, static_cast<std::size_t>(a));
}
NOT_INLINED void operator delete(void* p) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p) noexcept { std::free(p); }
NOT_INLINED void operator delete(void* p, std::size_t) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
NOT_INLINED void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p, std::align_val_t) noexcept { std::free(p); }
NOT_INLINED void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }
NOT_INLINED void operator delete(void* p, const std::nothrow_t&) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p, const std::nothrow_t&) noexcept { std::free(p); }
NOT_INLINED void operator delete(void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }
NOT_INLINED void operator delete[](void* p, std::align_val_t, const std::nothrow_t&) noexcept { std::free(p); }

BOOST_AUTO_TEST_SUITE(allocation_test)

namespace {

/// A decoder that owns no memory after construction.
struct letters {
    char letter[2] = {};
    std::string_view push(std::int32_t id) {
        letter[0] = static_cast<char>('a' + id % 26);
        return {letter, 1};
    }
    std::string_view flush() { return {}; }
};

struct steps {
    std::size_t count = 0;         ///< forward calls
    std::size_t before_second = 0; ///< allocations up to the second forward call
    std::size_t before_last = 0;   ///< and up to the last one
};

/// Runs `rows` prompts for 40 tokens and notes the counter at every forward call.
steps count_steps(std::size_t vocabulary, std::size_t rows, apertus::generation_config config,
                  apertus::generate_options options) {
    test_support::fake_session session(vocabulary, rows, 100);
    steps out;
    session.before_forward = [&out](std::size_t call) {
        ++out.count;
        if (call == 1) out.before_second = test_support::allocation_count();
        out.before_last = test_support::allocation_count();
    };
    std::vector<std::vector<std::int32_t>> texts;
    for (std::size_t r = 0; r < rows; ++r) texts.emplace_back(r + 3, static_cast<std::int32_t>(r));
    std::vector<apertus::prompt> prompts(rows);
    for (std::size_t r = 0; r < rows; ++r) prompts[r].ids = texts[r];
    config.max_new_tokens = 40;
    (void)apertus::generate(session, std::span<const apertus::prompt>(prompts), config, options);
    return out;
}

void check_steady(const steps& s) {
    BOOST_TEST(s.count == 40u);
    BOOST_TEST(s.before_last - s.before_second == 0u); // 38 decode steps
}

} // namespace

BOOST_AUTO_TEST_CASE(the_counter_counts) {
    const std::size_t before = test_support::allocation_count();
    auto* const volatile one = new int(1);
    delete one;
    const std::vector<double> two(100);
    BOOST_TEST(test_support::allocation_count() - before >= 2u);
    BOOST_TEST(two.size() == 100u);
}

BOOST_AUTO_TEST_CASE(greedy) { check_steady(count_steps(1000, 3, {}, {})); }

BOOST_AUTO_TEST_CASE(sampling) {
    apertus::generation_config c;
    c.do_sample = true;
    c.seed = 1;
    check_steady(count_steps(1000, 3, c, {}));
    c.top_k = 0;
    check_steady(count_steps(5000, 2, c, {}));
    c.top_p = 0.9;
    check_steady(count_steps(5000, 2, c, {}));
}

BOOST_AUTO_TEST_CASE(everything_switched_on) {
    apertus::generation_config c;
    c.do_sample = true;
    c.seed = 1;
    c.temperature = 0.9;
    c.top_k = 700;
    c.top_p = 0.95;
    c.min_p = 0.001;
    c.typical_p = 0.99;
    c.repetition_penalty = 1.1;
    c.frequency_penalty = 0.1;
    c.presence_penalty = 0.1;
    c.min_new_tokens = 40;
    c.eos_token_id = std::vector<std::int32_t>{1, 2};
    c.stop_strings = std::vector<std::string>{"no such text in there"};
    c.max_time = 1000.0;
    apertus::generate_options o;
    std::size_t tokens = 0;
    std::size_t bytes = 0;
    o.logprobs = true;
    o.make_decoder = [] { return apertus::text_decoder(letters{}); };
    o.stream_token = [&](std::int32_t, std::size_t) { return ++tokens > 0; };
    o.stream_text = [&](std::string_view piece, std::size_t) { return (bytes += piece.size()) > 0; };
    o.logits_processors.emplace_back([](std::span<float> x, const apertus::logits_context&) { x[0] = -1.0f; });
    o.stopping_criteria.emplace_back([](const apertus::stopping_context& s) { return s.generated.size() > 40; });
    check_steady(count_steps(1000, 4, c, o));
    BOOST_TEST(tokens == 160u);
    BOOST_TEST(bytes == 160u);
}

BOOST_AUTO_TEST_SUITE_END()
