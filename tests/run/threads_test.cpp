// SPDX-License-Identifier: Apache-2.0
//
// What may happen on several threads at once, with the same bits as on one: loading and packing, sessions of one model,
// copies of one pool, and a stop request from outside. Also what thread sanitizer looks at (tools/test.sh tsan).
#include <apertus/format/formats.hpp>
#include <apertus/format/kv_formats.hpp>
#include <apertus/run/causal_lm.hpp>
#include <apertus/run/load_model.hpp>

#include <boost/test/unit_test.hpp>

#include <support/test_support.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace apertus;

const std::string folder = source_path("models/apertus-tiny");

any_executor pool_of(std::size_t threads) { return any_executor(std::make_shared<pool_executor>(threads)); }

causal_lm load(any_executor executor, const std::string& weights = "stored", bool mapped = true) {
    load_options o;
    o.executor = std::move(executor);
    o.weights = weights;
    o.use_mmap = mapped;
    return causal_lm::from_pretrained(folder, o);
}

std::vector<std::int32_t> some_ids(std::size_t n, std::size_t first) {
    std::vector<std::int32_t> ids(n);
    for (std::size_t i = 0; i < n; ++i) ids[i] = static_cast<std::int32_t>(40 + (first + i * 7) % 200);
    return ids;
}

/// The logits of two sequences: prompts of different lengths together, then a token after each.
std::vector<float> logits_of(const causal_lm& model, const std::string& kv_format, std::size_t seed) {
    session_options room;
    room.max_sequences = 2;
    room.max_length = 160;
    room.kv_format = find_kv_format(kv_format);
    session_handle session = model.new_session(room);
    std::vector<float> out;
    for (const std::size_t n : {90U, 1U}) {
        const auto a = some_ids(n, seed);
        const auto b = some_ids(n == 1 ? 1 : 17, seed + 5);
        const segment steps[] = {{0, a}, {1, b}};
        const auto logits = session.forward(steps).flat();
        out.insert(out.end(), logits.begin(), logits.end());
    }
    return out;
}

/// The logits after a prompt that is longer than a span of attention, and after one more token.
std::vector<float> logits_of_long_text(const causal_lm& model, const std::string& kv_format) {
    session_options room;
    room.max_length = 1200;
    room.kv_format = find_kv_format(kv_format);
    session_handle session = model.new_session(room);
    std::vector<float> out;
    for (const std::size_t n : {1100U, 1U}) {
        const auto ids = some_ids(n, n);
        const segment step{0, ids};
        const auto logits = session.forward(std::span(&step, 1)).flat();
        out.insert(out.end(), logits.begin(), logits.end());
    }
    return out;
}

/// f(0) .. f(n - 1), each on a thread of its own; what one throws comes out.
void on_threads(std::size_t n, const std::function<void(std::size_t)>& f) {
    std::vector<std::exception_ptr> errors(n);
    std::vector<std::thread> threads;
    for (std::size_t i = 0; i < n; ++i) {
        threads.emplace_back([&, i] {
            try {
                f(i);
            } catch (...) {
                errors[i] = std::current_exception();
            }
        });
    }
    for (std::thread& t : threads) t.join();
    for (const std::exception_ptr& e : errors) {
        if (e) std::rethrow_exception(e);
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(threads)

BOOST_AUTO_TEST_CASE(packing_and_steps_give_the_bits_of_one_thread) {
    const any_executor one(std::make_shared<serial_executor>());
    const any_executor four = pool_of(4);
    weight_formats::for_each([&]<class Format>() {
        const std::string name(Format::name);
        const auto expected = logits_of(load(one, name), "f32", 3);
        BOOST_TEST((logits_of(load(four, name), "f32", 3) == expected), name);
        BOOST_TEST((logits_of(load(four, name, false), "f32", 3) == expected), name << ", not mapped");
    });
}

BOOST_AUTO_TEST_CASE(attention_cut_into_spans_gives_the_bits_of_one_thread) {
    const auto model = [](any_executor executor) {
        load_options o;
        o.executor = std::move(executor);
        return causal_lm::from_pretrained(source_path("tests/golden/d64_gqa1_f32"), o);
    };
    const causal_lm serial = model(any_executor(std::make_shared<serial_executor>()));
    const causal_lm pooled = model(pool_of(4));
    kv_formats::for_each([&]<class Format>() {
        const std::string name(Format::name);
        BOOST_TEST((logits_of_long_text(pooled, name) == logits_of_long_text(serial, name)), name);
    });
}

BOOST_AUTO_TEST_CASE(one_model_serves_sessions_on_many_threads) {
    const causal_lm model = load(pool_of(3));
    const causal_lm serial = load(any_executor(std::make_shared<serial_executor>()));
    const char* const caches[] = {"f32", "bf16", "f16", "int8"};
    std::vector<std::vector<float>> found(4);
    on_threads(4, [&](std::size_t i) { found[i] = logits_of(model, caches[i], i); });
    for (std::size_t i = 0; i < 4; ++i) BOOST_TEST((found[i] == logits_of(serial, caches[i], i)), caches[i]);
}

BOOST_AUTO_TEST_CASE(models_are_loaded_at_the_same_time_on_one_pool) {
    const any_executor shared = pool_of(3);
    const char* const weights[] = {"stored", "int8", "int4"};
    std::vector<std::vector<float>> found(3);
    on_threads(3, [&](std::size_t i) { found[i] = logits_of(load(shared, weights[i]), "f32", 1); });
    for (std::size_t i = 0; i < 3; ++i) {
        BOOST_TEST((found[i] == logits_of(load(shared, weights[i]), "f32", 1)), weights[i]);
    }
}

BOOST_AUTO_TEST_CASE(generations_of_one_model_beside_each_other) {
    const causal_lm model = load(pool_of(2));
    generation_config c{.max_new_tokens = 8};
    c.do_sample = true;
    c.seed = 5;
    c.top_p = 0.9;
    c.eos_token_id = std::vector<std::int32_t>{};
    const auto text = [&](std::size_t i) { return model.generate(some_ids(6 + i, i), c).sequences.at(0).ids; };
    std::vector<std::vector<std::int32_t>> found(3);
    on_threads(3, [&](std::size_t i) { found[i] = text(i); });
    for (std::size_t i = 0; i < 3; ++i) {
        BOOST_TEST(found[i] == text(i), boost::test_tools::per_element());
        BOOST_TEST(found[i].size() == 14 + i);
    }
}

BOOST_AUTO_TEST_CASE(another_thread_stops_a_generation) {
    const causal_lm model = load(pool_of(3));
    std::stop_source stop;
    std::atomic<bool> begun{false};
    std::thread outsider([&] {
        while (!begun.load()) std::this_thread::yield();
        stop.request_stop();
    });
    generation_config c{.max_new_tokens = 1500};
    c.eos_token_id = std::vector<std::int32_t>{};
    generate_options o;
    o.cancel.stop = stop.get_token();
    o.stream_token = [&](std::int32_t, std::size_t) {
        begun.store(true);
        return true;
    };
    const generated_sequence s = model.generate(some_ids(5, 1), c, o).sequences.at(0);
    outsider.join();
    BOOST_TEST((s.reason == finish_reason::cancelled));
    BOOST_TEST(!s.new_ids().empty());
}

BOOST_AUTO_TEST_CASE(another_thread_stops_a_load) {
    std::stop_source stop;
    std::atomic<bool> begun{false};
    std::thread outsider([&] {
        while (!begun.load()) std::this_thread::yield();
        stop.request_stop();
    });
    load_options o;
    o.executor = pool_of(3);
    o.weights = "int4";
    o.cancel.stop = stop.get_token();
    o.progress = [&](const load_progress&) {
        begun.store(true);
        while (!stop.stop_requested()) std::this_thread::yield();
    };
    BOOST_CHECK_EXCEPTION((void)causal_lm::from_pretrained(folder, o), error,
                          [](const error& e) { return e.category() == error_category::cancelled; });
    begun.store(true); // a load that reported nothing must not leave the other thread waiting
    outsider.join();
}

BOOST_AUTO_TEST_SUITE_END()
