// SPDX-License-Identifier: Apache-2.0
#include <apertus/model/session.hpp>

#include <apertus/arch/all.hpp>
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/format/kv_formats.hpp>
#include <apertus/model/loader.hpp>

#include <support/random_model.hpp>

#include <boost/test/unit_test.hpp>

#include <limits>
#include <thread>

using namespace apertus;
using test_support::fill;
using test_support::random_ids;
using test_support::small_config;

namespace {

template <class Arch, class Format>
std::shared_ptr<const decoder<Arch, Format>> small_model(const model_config& c, unsigned seed = 1) {
    auto source = std::make_shared<test_support::memory_source>();
    fill<typename Format::block>(*source, c, seed);
    auto model = load_decoder<Arch, Format>(c, *source);
    // the views point into the source: keep it as long as the model
    return {model.get(), [source, model](const auto*) {}};
}

std::vector<float> copy(tensor_view<const float, 2> logits) { return {logits.flat().begin(), logits.flat().end()}; }

/// All logits of one sequence, given in pieces.
template <class Session>
std::vector<float> all_logits(Session& s, std::span<const std::int32_t> ids, std::span<const std::size_t> pieces) {
    std::vector<float> out;
    std::size_t at = 0;
    for (const std::size_t n : pieces) {
        const segment step{0, ids.subspan(at, n), {}, logits_for::all};
        const auto part = copy(s.forward(std::span(&step, 1)));
        out.insert(out.end(), part.begin(), part.end());
        at += n;
    }
    BOOST_REQUIRE_EQUAL(at, ids.size());
    return out;
}

using bf16_apertus = decoder<apertus_architecture, dense<bf16>>;

} // namespace

BOOST_AUTO_TEST_SUITE(session_tests)

BOOST_AUTO_TEST_CASE(cpu_agrees_with_the_reference) {
    for (const char* type : {"apertus", "llama"}) {
        const model_config c = small_config(type);
        const auto ids = random_ids(37, c.vocab_size);
        const std::size_t whole[] = {ids.size()};
        const auto check = [&]<class Arch>() {
            const auto model = small_model<Arch, dense<float>>(c);
            session<decoder<Arch, dense<float>>, reference_backend> slow(model, reference_backend{});
            session<decoder<Arch, dense<float>>, cpu_backend> fast(model, cpu_backend{});
            const auto a = all_logits(slow, ids, whole);
            const auto b = all_logits(fast, ids, whole);
            BOOST_REQUIRE_EQUAL(a.size(), ids.size() * c.vocab_size);
            float largest = 0.0f;
            for (std::size_t i = 0; i < a.size(); ++i) {
                largest = std::max(largest, std::abs(a[i]));
                BOOST_REQUIRE_SMALL(a[i] - b[i], 2e-5f);
            }
            BOOST_TEST(largest > 1.0f); // the comparison is not one of zeros
        };
        if (std::string_view(type) == "apertus") check.template operator()<apertus_architecture>();
        else check.template operator()<llama_architecture>();
    }
}

BOOST_AUTO_TEST_CASE(logits_do_not_depend_on_chunks_threads_or_batch) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    const auto ids = random_ids(50, c.vocab_size);
    const auto other = random_ids(31, c.vocab_size, 8);
    const std::size_t whole[] = {ids.size()};
    const std::size_t pieces[] = {1, 1, 17, 3, 28};

    session<bf16_apertus, cpu_backend> plain(model, cpu_backend(any_executor(1)), {1, 64, 128});
    const auto expected = all_logits(plain, ids, whole);

    for (const std::size_t threads : {1u, 2u, 5u}) {
        for (const std::size_t chunk : {1u, 7u, 64u}) {
            const cpu_backend b(any_executor(std::make_shared<pool_executor>(threads)));
            session<bf16_apertus, cpu_backend> s(model, b, {1, 64, chunk});
            BOOST_TEST((all_logits(s, ids, pieces) == expected), "threads " << threads << " chunk " << chunk);
        }
    }

    // the same sequence in a ragged batch, its neighbours decoding or prefilling beside it
    session<bf16_apertus, cpu_backend> batch(model, cpu_backend(any_executor(2)), {3, 64, 16});
    std::vector<float> got;
    std::size_t at = 0;
    std::size_t at_other = 0;
    for (const std::size_t n : pieces) {
        const std::size_t m = std::min<std::size_t>(6, other.size() - at_other);
        const segment step[] = {{2, std::span(other).subspan(at_other, m), {}, logits_for::last},
                                {0, std::span(ids).subspan(at, n), {}, logits_for::all}};
        const auto logits = batch.forward(step);
        BOOST_REQUIRE_EQUAL(logits.extent(0), n + 1);
        const auto mine = logits.rows(1, n);
        got.insert(got.end(), mine.flat().begin(), mine.flat().end());
        at += n;
        at_other += m;
    }
    BOOST_TEST((got == expected));
}

BOOST_AUTO_TEST_CASE(a_sequence_can_be_cut_back_and_continued) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    session<bf16_apertus, cpu_backend> s(model, cpu_backend{}, {2, 64, 16});
    const auto ids = random_ids(20, c.vocab_size);
    const segment first{0, std::span(ids).first(20), {}, logits_for::all};
    const auto expected = copy(s.forward(std::span(&first, 1)));
    BOOST_TEST(s.length(0) == 20u);
    s.truncate(0, 12);
    BOOST_TEST(s.length(0) == 12u);
    const segment rest{0, std::span(ids).subspan(12), {}, logits_for::all};
    const auto again = copy(s.forward(std::span(&rest, 1)));
    BOOST_TEST(
        (std::equal(again.begin(), again.end(), expected.begin() + static_cast<std::ptrdiff_t>(12 * c.vocab_size))));
    BOOST_CHECK_THROW(s.truncate(0, 21), error);
    BOOST_CHECK_THROW(s.truncate(2, 0), error);
}

BOOST_AUTO_TEST_CASE(explicit_positions_are_the_default_ones_or_shift_the_rotation) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<float>>(c);
    using model_type = decoder<apertus_architecture, dense<float>>;
    const auto ids = random_ids(9, c.vocab_size);
    std::vector<std::int32_t> positions(9);
    const auto run = [&](std::int32_t start, std::int32_t gap) {
        for (std::size_t i = 0; i < 9; ++i) positions[i] = start + static_cast<std::int32_t>(i) + (i >= 5 ? gap : 0);
        session<model_type, cpu_backend> s(model, cpu_backend{});
        const segment step{0, ids, positions, logits_for::last};
        return copy(s.forward(std::span(&step, 1)));
    };
    session<model_type, cpu_backend> s(model, cpu_backend{});
    const segment step{0, ids, {}, logits_for::last};
    const auto plain = copy(s.forward(std::span(&step, 1)));
    BOOST_TEST((run(0, 0) == plain));
    const auto shifted = run(11, 0); // rotary attention sees distances only
    for (std::size_t i = 0; i < plain.size(); ++i) BOOST_REQUIRE_SMALL(shifted[i] - plain[i], 1e-3f);
    const auto torn = run(0, 40);
    float change = 0.0f;
    for (std::size_t i = 0; i < plain.size(); ++i) change = std::max(change, std::abs(torn[i] - plain[i]));
    BOOST_TEST(change > 1e-2f);
}

BOOST_AUTO_TEST_CASE(a_step_that_cannot_be_done_changes_nothing) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    session<bf16_apertus, cpu_backend> s(model, cpu_backend{}, {2, 8, 4});
    const std::vector<std::int32_t> good{1, 2, 3};
    const std::vector<std::int32_t> bad{1, 67};
    const std::vector<std::int32_t> negative{-1};
    const std::vector<std::int32_t> positions{0, 1};
    const auto refused = [&](std::vector<segment> step, error_category category, std::string_view text) {
        BOOST_CHECK_EXCEPTION((void)s.forward(step), error, [&](const error& e) {
            BOOST_TEST_CONTEXT(e.what()) {
                BOOST_TEST((e.category() == category));
                BOOST_TEST((std::string_view(e.what()).find(text) != std::string_view::npos));
            }
            return true;
        });
        BOOST_TEST(s.length(0) == 3u);
        BOOST_TEST(s.length(1) == 0u);
    };
    const segment start{0, good};
    (void)s.forward(std::span(&start, 1));
    refused({}, error_category::shape, "at least one segment");
    refused({{2, good}}, error_category::shape, "max_sequences");
    refused({{1, good}, {1, good}}, error_category::shape, "twice");
    refused({{1, {}}}, error_category::shape, "at least one token");
    refused({{1, bad}}, error_category::shape, "index 1");
    refused({{1, negative}}, error_category::shape, "found -1");
    refused({{1, good, positions}}, error_category::shape, "position_ids");
    const auto many = random_ids(6, 67);
    refused({{1, good}, {0, many}}, error_category::resource, "max_length");
}

BOOST_AUTO_TEST_CASE(a_cancelled_step_leaves_the_lengths_as_they_were) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    session<bf16_apertus, cpu_backend> s(model, cpu_backend{}, {1, 64, 4});
    const auto ids = random_ids(20, c.vocab_size);
    const segment first{0, std::span(ids).first(5)};
    (void)s.forward(std::span(&first, 1));

    std::stop_source source;
    std::size_t calls = 0;
    s.set_observer([&](std::size_t, std::size_t, tensor_view<const float, 2>) {
        if (++calls == 6) source.request_stop(); // in the second chunk
    });
    const segment rest{0, std::span(ids).subspan(5)};
    BOOST_CHECK_EXCEPTION((void)s.forward(std::span(&rest, 1), {source.get_token()}), error,
                          [](const error& e) { return e.category() == error_category::cancelled; });
    BOOST_TEST(calls == 6u);
    BOOST_TEST(s.length(0) == 5u);

    s.set_observer({});
    const auto after = copy(s.forward(std::span(&rest, 1)));
    session<bf16_apertus, cpu_backend> fresh(model, cpu_backend{}, {1, 64, 4});
    const segment all{0, ids};
    BOOST_TEST((after == copy(fresh.forward(std::span(&all, 1)))));

    cancellation late;
    late.deadline = cancellation::clock::now();
    s.truncate(0, 0);
    BOOST_CHECK_THROW((void)s.forward(std::span(&all, 1), late), error);
    BOOST_TEST(s.length(0) == 0u);
}

BOOST_AUTO_TEST_CASE(the_observer_sees_every_layer_of_every_row) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    session<bf16_apertus, cpu_backend> s(model, cpu_backend{}, {1, 64, 4});
    std::vector<std::size_t> rows(c.num_hidden_layers + 2, 0);
    s.set_observer([&](std::size_t index, std::size_t first, tensor_view<const float, 2> x) {
        BOOST_REQUIRE(index < rows.size());
        BOOST_TEST(first == rows[index]);
        BOOST_TEST(x.extent(1) == c.hidden_size);
        rows[index] += x.extent(0);
    });
    const auto ids = random_ids(11, c.vocab_size);
    const segment all{0, ids, {}, logits_for::none};
    BOOST_TEST(s.forward(std::span(&all, 1)).extent(0) == 0u);
    for (const std::size_t n : rows) BOOST_TEST(n == 11u);
}

BOOST_AUTO_TEST_CASE(the_plan_counts_what_a_session_takes) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    const memory_plan p = session<bf16_apertus, cpu_backend>::plan(*model, {2, 100, 16});
    // k and v, sequences, layers, S in whole blocks, G, K
    BOOST_TEST(p.kv_cache == 2u * 2 * 2 * 112 * 2 * 16 * sizeof(float));
    BOOST_TEST(p.logits == 2u * 67 * sizeof(float));
    BOOST_TEST(p.weights == model->weight_bytes);
    const memory_plan half =
        session<bf16_apertus, cpu_backend>::plan(*model, {2, 100, 16, &kv_info_of<kv_dense<bf16>>});
    BOOST_TEST(half.kv_cache * 2 == p.kv_cache);
    const memory_plan quarter = session<bf16_apertus, cpu_backend>::plan(*model, {2, 100, 16, &kv_info_of<kv_int8>});
    BOOST_TEST(quarter.kv_cache * 4 == p.kv_cache + 2 * 2 * 2 * 112 * 2 * 4 * sizeof(float)); // a scale per row
    const memory_plan endless = session<bf16_apertus, cpu_backend>::plan(*model, {2, std::size_t{1} << 62, 16});
    BOOST_TEST(endless.kv_cache == std::numeric_limits<std::size_t>::max());
}

BOOST_AUTO_TEST_CASE(one_model_serves_many_threads) {
    const model_config c = small_config();
    const auto model = small_model<apertus_architecture, dense<bf16>>(c);
    const auto ids = random_ids(24, c.vocab_size);
    const segment all{0, ids};
    session<bf16_apertus, cpu_backend> alone(model, cpu_backend(any_executor(std::make_shared<serial_executor>())));
    const auto expected = copy(alone.forward(std::span(&all, 1)));
    const any_executor shared(std::make_shared<pool_executor>(2));
    std::vector<std::vector<float>> got(4);
    std::vector<std::thread> threads;
    for (auto& out : got) {
        threads.emplace_back([&] {
            session<bf16_apertus, cpu_backend> s(model, cpu_backend(shared));
            for (int i = 0; i < 3; ++i) {
                s.truncate(0, 0);
                out = copy(s.forward(std::span(&all, 1)));
            }
        });
    }
    for (auto& t : threads) t.join();
    for (const auto& out : got) BOOST_TEST((out == expected));
}

BOOST_AUTO_TEST_CASE(impossible_options_are_refused) {
    const auto model = small_model<apertus_architecture, dense<bf16>>(small_config());
    using s = session<bf16_apertus, cpu_backend>;
    BOOST_CHECK_THROW(s(model, cpu_backend{}, {0, 8, 4}), error);
    BOOST_CHECK_THROW(s(model, cpu_backend{}, {1, 0, 4}), error);
    BOOST_CHECK_THROW(s(model, cpu_backend{}, {1, 8, 0}), error);
    BOOST_CHECK_EXCEPTION(s(model, cpu_backend{}, {1, std::size_t{1} << 52, 4}), error,
                          [](const error& e) { return e.category() == error_category::resource; });
}

BOOST_AUTO_TEST_SUITE_END()
