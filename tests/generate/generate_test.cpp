// SPDX-License-Identifier: Apache-2.0
//
// The loop: ends, batches, seeds, streams, cancellation, errors.
#include <apertus/generate/generate.hpp>

#include <generate/fake_session.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <cmath>
#include <set>
#include <stdexcept>
#include <string>

BOOST_AUTO_TEST_SUITE(generate_test)

namespace {

using apertus::error_category;
using apertus::finish_reason;
using apertus::generation_config;
using test_support::fake_session;
using test_support::scripted;
using ids = std::vector<std::int32_t>;

ids new_ids(const apertus::generated_sequence& s) { return {s.new_ids().begin(), s.new_ids().end()}; }

void check_ids(const ids& found, const ids& expected) {
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

generation_config sampling(std::uint64_t seed, std::int64_t tokens = 16) {
    generation_config c;
    c.do_sample = true;
    c.seed = seed;
    c.max_new_tokens = tokens;
    return c;
}

/// Ids are letters: 0 is 'a'. Two ids per piece where `joined` says so.
struct letters {
    std::string push(std::int32_t id) { return {static_cast<char>('a' + id)}; }
    std::string flush() { return {}; }
};

apertus::generate_options with_text() {
    apertus::generate_options o;
    o.make_decoder = [] { return apertus::text_decoder(letters{}); };
    return o;
}

template <class F> void check_error(error_category category, const std::string& message, const F& f) {
    BOOST_CHECK_EXCEPTION(f(), apertus::error, [&](const apertus::error& e) {
        BOOST_TEST(e.what() == message);
        return e.category() == category;
    });
}

} // namespace

BOOST_AUTO_TEST_CASE(greedy_follows_the_largest_logit_and_stops_after_twenty) {
    fake_session session(32, 1, 100);
    const ids prompt{3, 1, 4};
    const auto result = apertus::generate(session, prompt);
    const auto& s = result.sequences.at(0);
    ids expected = prompt;
    std::array<float, 32> logits{};
    for (int i = 0; i < 20; ++i) {
        test_support::hashed_logits(expected, logits);
        expected.push_back(static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
    check_ids(s.ids, expected);
    BOOST_TEST(s.prompt_tokens == 3u);
    BOOST_TEST((s.reason == finish_reason::length));
    BOOST_TEST(result.new_tokens == 20u);
    BOOST_TEST(result.prefill_tokens == 3u);
    BOOST_TEST(result.decode_tokens == 19u);
    BOOST_TEST(result.prefill_seconds > 0.0);
    BOOST_TEST(result.decode_seconds > 0.0);
    BOOST_TEST(session.forward_calls == 20u);
    BOOST_TEST(session.length(0) == 22u); // all but the last new token
}

BOOST_AUTO_TEST_CASE(an_end_token_is_the_last_id) {
    fake_session session(8, 1, 100, scripted({0, 0, 5, 6, 7, 1, 1}));
    generation_config c;
    c.eos_token_id = ids{2, 7};
    const auto s = apertus::generate(session, ids{0, 0}, c).sequences.at(0);
    check_ids(new_ids(s), {5, 6, 7});
    BOOST_TEST((s.reason == finish_reason::eos));
    c.eos_token_id = ids{};
    c.max_new_tokens = 5;
    BOOST_TEST((apertus::generate(session, ids{0, 0}, c).sequences.at(0).reason == finish_reason::length));
}

BOOST_AUTO_TEST_CASE(max_length_counts_the_prompt) {
    fake_session session(8, 1, 100);
    generation_config c;
    c.max_length = 5;
    BOOST_TEST(apertus::generate(session, ids{1, 2, 3}, c).sequences.at(0).ids.size() == 5u);
    check_error(error_category::config,
                "generate: row 0: expected a prompt shorter than max_length = 5, found 5 tokens",
                [&] { (void)apertus::generate(session, ids{1, 2, 3, 4, 5}, c); });
}

BOOST_AUTO_TEST_CASE(no_new_tokens_wanted) {
    fake_session session(8, 1, 100);
    generation_config c;
    c.max_new_tokens = 0;
    const auto s = apertus::generate(session, ids{1, 2}, c).sequences.at(0);
    check_ids(s.ids, {1, 2});
    BOOST_TEST((s.reason == finish_reason::length));
    BOOST_TEST(session.forward_calls == 0u);
}

BOOST_AUTO_TEST_CASE(the_session_is_filled_to_the_last_position) {
    fake_session session(8, 1, 6);
    generation_config c;
    c.max_new_tokens = 1000000000000;
    const auto s = apertus::generate(session, ids{1, 2, 3}, c).sequences.at(0);
    BOOST_TEST(s.new_ids().size() == 4u); // three are cached, the fourth needs no place
    BOOST_TEST((s.reason == finish_reason::length));
    BOOST_TEST(session.length(0) == 6u);
}

BOOST_AUTO_TEST_CASE(bad_prompts_are_refused_before_anything_runs) {
    fake_session session(8, 2, 4);
    check_error(error_category::shape,
                "generate: row 0: expected at least one token id, or a bos_token_id, found neither",
                [&] { (void)apertus::generate(session, ids{}); });
    check_error(error_category::resource,
                "generate: row 0: expected a prompt of at most 4 tokens (the session's max_length), found 5",
                [&] { (void)apertus::generate(session, ids{1, 1, 1, 1, 1}); });
    check_error(error_category::shape, "generate: row 0, token id at index 1: expected 0 .. 7, found 8",
                [&] { (void)apertus::generate(session, ids{1, 8}); });
    check_error(error_category::shape, "generate: row 0, token id at index 0: expected 0 .. 7, found -1",
                [&] { (void)apertus::generate(session, ids{-1}); });
    const ids one{1};
    const std::array<apertus::prompt, 2> prompts{apertus::prompt{one}, apertus::prompt{one, 0, 1}};
    check_error(error_category::shape, "generate: row 1: expected fewer cached ids than the prompt's 1, found 1",
                [&] { (void)apertus::generate(session, prompts); });
    const ids two{1, 2};
    const std::array<apertus::prompt, 1> cached{apertus::prompt{two, 0, 1}};
    check_error(error_category::shape, "generate: row 0: expected 1 ids in the session's sequence, found 0",
                [&] { (void)apertus::generate(session, cached); });
    BOOST_TEST(session.forward_calls == 0u);
}

BOOST_AUTO_TEST_CASE(an_empty_prompt_starts_with_bos) {
    fake_session session(8, 1, 10);
    generation_config c;
    c.bos_token_id = 1;
    c.max_new_tokens = 2;
    const auto s = apertus::generate(session, ids{}, c).sequences.at(0);
    BOOST_TEST(s.prompt_tokens == 1u);
    BOOST_TEST(s.ids.at(0) == 1);
    c.bos_token_id = 9;
    BOOST_CHECK_THROW((void)apertus::generate(session, ids{}, c), apertus::error);
}

BOOST_AUTO_TEST_CASE(no_prompts_no_rows) {
    fake_session session(8, 1, 10);
    const auto result = apertus::generate(session, std::span<const apertus::prompt>());
    BOOST_TEST(result.sequences.empty());
    BOOST_TEST(session.forward_calls == 0u);
}

BOOST_AUTO_TEST_CASE(rows_that_end_leave_the_batch) {
    // Row r ends at its own length: the script is by position, the prompts differ in length.
    fake_session session(8, 3, 100, scripted({0, 1, 1, 1, 1, 1, 7, 7, 7, 7}));
    const ids a{0}, b{0, 0, 0}, c{0, 0, 0, 0, 0};
    const std::array<apertus::prompt, 3> prompts{apertus::prompt{a}, apertus::prompt{b}, apertus::prompt{c}};
    generation_config config;
    config.eos_token_id = ids{7};
    const auto result = apertus::generate(session, prompts, config);
    for (const auto& s : result.sequences) {
        BOOST_TEST((s.reason == finish_reason::eos));
        BOOST_TEST(s.ids.size() == 7u);
    }
    const std::vector<std::size_t> sizes{3, 3, 2, 2, 1, 1};
    BOOST_TEST(session.batch_sizes == sizes, boost::test_tools::per_element());
    BOOST_TEST(session.tokens_computed == 9u + 5u + 3u + 1u);
}

BOOST_AUTO_TEST_CASE(all_rows_may_end_at_once) {
    fake_session session(8, 2, 100, scripted({0, 7, 7}));
    const ids a{0};
    const std::array<apertus::prompt, 2> prompts{apertus::prompt{a}, apertus::prompt{a}};
    generation_config config;
    config.eos_token_id = ids{7};
    const auto result = apertus::generate(session, prompts, config);
    BOOST_TEST(session.forward_calls == 1u);
    BOOST_TEST(result.new_tokens == 2u);
    BOOST_TEST(result.decode_tokens == 0u);
}

BOOST_AUTO_TEST_CASE(more_prompts_than_sequences_wait_their_turn) {
    const generation_config config = sampling(5, 6);
    std::vector<ids> texts;
    for (std::int32_t i = 0; i < 7; ++i) texts.push_back(ids(static_cast<std::size_t>(i % 3 + 1), i));
    std::vector<apertus::prompt> prompts(texts.size());
    for (std::size_t i = 0; i < texts.size(); ++i) prompts[i].ids = texts[i];
    fake_session wide(32, 7, 20);
    fake_session narrow(32, 2, 20);
    const auto together = apertus::generate(wide, std::span<const apertus::prompt>(prompts), config);
    const auto in_turn = apertus::generate(narrow, std::span<const apertus::prompt>(prompts), config);
    for (std::size_t i = 0; i < texts.size(); ++i) {
        check_ids(in_turn.sequences[i].ids, together.sequences[i].ids);
        BOOST_TEST(together.sequences[i].sequence == i);
        BOOST_TEST(in_turn.sequences[i].sequence < 2u);
    }
    BOOST_TEST(in_turn.prefill_tokens == together.prefill_tokens);
}

BOOST_AUTO_TEST_CASE(same_seed_same_text_in_any_batch) {
    const ids a{1, 2, 3}, b{9}, c{4, 4, 4, 4, 4};
    const auto alone = [&](const ids& p, std::uint64_t stream) {
        fake_session session(64, 1, 100);
        const std::array<apertus::prompt, 1> one{apertus::prompt{p, stream}};
        return apertus::generate(session, one, sampling(42)).sequences.at(0).ids;
    };
    const std::array<apertus::prompt, 4> prompts{apertus::prompt{c}, apertus::prompt{a}, apertus::prompt{b, 7},
                                                 apertus::prompt{a, 1}};
    fake_session session(64, 4, 100);
    const auto batch = apertus::generate(session, prompts, sampling(42));
    check_ids(batch.sequences[0].ids, alone(c, 0));
    check_ids(batch.sequences[1].ids, alone(a, 0));
    check_ids(batch.sequences[2].ids, alone(b, 7));
    check_ids(batch.sequences[3].ids, alone(a, 1));
    BOOST_TEST((batch.sequences[1].ids != batch.sequences[3].ids)); // another stream, another text
    fake_session other(64, 1, 100);
    BOOST_TEST((apertus::generate(other, a, sampling(43)).sequences[0].ids != batch.sequences[1].ids));
}

BOOST_AUTO_TEST_CASE(without_a_seed_rows_differ_and_can_be_repeated) {
    const ids a{1, 2, 3};
    generation_config config = sampling(0);
    config.seed.reset();
    const std::array<apertus::prompt, 2> prompts{apertus::prompt{a}, apertus::prompt{a}};
    fake_session session(64, 2, 100);
    const auto result = apertus::generate(session, prompts, config);
    BOOST_TEST(result.sequences[0].seed != result.sequences[1].seed);
    BOOST_TEST((result.sequences[0].ids != result.sequences[1].ids));
    config.seed = result.sequences[1].seed;
    check_ids(apertus::generate(session, a, config).sequences[0].ids, result.sequences[1].ids);
}

BOOST_AUTO_TEST_CASE(a_generation_can_be_continued_in_two_calls) {
    const ids start{5, 6};
    fake_session session(64, 1, 100);
    const auto whole = apertus::generate(session, start, sampling(3, 12)).sequences[0].ids;
    const auto half = apertus::generate(session, start, sampling(3, 5)).sequences[0].ids;
    const std::size_t computed = session.tokens_computed;
    const std::array<apertus::prompt, 1> rest{apertus::prompt{half, 0, half.size() - 1}};
    const auto result = apertus::generate(session, rest, sampling(3, 7));
    check_ids(result.sequences[0].ids, whole);
    BOOST_TEST(result.prefill_tokens == 1u);
    BOOST_TEST(session.tokens_computed - computed == 7u);
}

BOOST_AUTO_TEST_CASE(cached_ids_are_kept_and_the_rest_is_cut_off) {
    const ids first{5, 6, 7};
    fake_session session(64, 1, 100);
    (void)apertus::generate(session, first, sampling(3, 8));
    const ids edited{5, 6, 9, 9};
    fake_session fresh(64, 1, 100);
    const std::array<apertus::prompt, 1> again{apertus::prompt{edited, 0, 2}};
    const auto a = apertus::generate(session, again, sampling(3, 8));
    const auto b = apertus::generate(fresh, edited, sampling(3, 8));
    check_ids(a.sequences[0].ids, b.sequences[0].ids);
    BOOST_TEST(a.prefill_tokens == 2u);
}

BOOST_AUTO_TEST_CASE(stop_strings_across_tokens) {
    // text: x y z s t o p q, stop string "stop"
    fake_session session(26, 1, 100, scripted({0, 23, 24, 25, 18, 19, 14, 15, 16}));
    generation_config config;
    config.stop_strings = std::vector<std::string>{"never", "stop"};
    auto options = with_text();
    std::vector<std::string> pieces;
    options.stream_text = [&](std::string_view piece, std::size_t row) {
        BOOST_TEST(row == 0u);
        pieces.emplace_back(piece);
        return true;
    };
    const auto s = apertus::generate(session, ids{0}, config, options).sequences.at(0);
    BOOST_TEST(s.text == "xyz");
    BOOST_TEST((s.reason == finish_reason::stop_string));
    BOOST_TEST(s.stop_string.value() == "stop");
    check_ids(new_ids(s), {23, 24, 25, 18, 19, 14, 15}); // as in transformers, the ids of the stop string are there
    const std::vector<std::string> expected{"x", "y", "z"};
    BOOST_TEST(pieces == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(what_was_held_back_comes_at_the_end) {
    fake_session session(26, 1, 100, scripted({0, 23, 18, 19, 14}));
    generation_config config;
    config.stop_strings = std::vector<std::string>{"stop"};
    config.max_new_tokens = 4;
    auto options = with_text();
    std::vector<std::string> pieces;
    options.stream_text = [&](std::string_view piece, std::size_t) {
        pieces.emplace_back(piece);
        return true;
    };
    const auto s = apertus::generate(session, ids{0}, config, options).sequences.at(0);
    BOOST_TEST(s.text == "xsto");
    BOOST_TEST((s.reason == finish_reason::length));
    BOOST_TEST(!s.stop_string.has_value());
    const std::vector<std::string> expected{"x", "sto"};
    BOOST_TEST(pieces == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(text_needs_a_decoder) {
    fake_session session(26, 1, 100);
    generation_config config;
    config.stop_strings = std::vector<std::string>{"x"};
    check_error(error_category::config,
                "generate: stop_strings: expected a decoder (generate_options::make_decoder), found none",
                [&] { (void)apertus::generate(session, ids{0}, config); });
    apertus::generate_options options;
    options.stream_text = [](std::string_view, std::size_t) { return true; };
    check_error(error_category::config,
                "generate: stream_text: expected a decoder (generate_options::make_decoder), found none",
                [&] { (void)apertus::generate(session, ids{0}, {}, options); });
}

BOOST_AUTO_TEST_CASE(the_end_token_is_not_part_of_the_text) {
    fake_session session(26, 1, 100, scripted({0, 7, 8, 25}));
    generation_config config;
    config.eos_token_id = ids{25};
    const auto s = apertus::generate(session, ids{0}, config, with_text()).sequences.at(0);
    BOOST_TEST(s.text == "hi");
    BOOST_TEST((s.reason == finish_reason::eos));
    BOOST_TEST(s.new_ids().size() == 3u);
}

BOOST_AUTO_TEST_CASE(streamers_see_every_token_and_can_end_a_row) {
    fake_session session(26, 2, 100);
    const ids a{0}, b{1};
    const std::array<apertus::prompt, 2> prompts{apertus::prompt{a}, apertus::prompt{b}};
    std::array<ids, 2> seen;
    auto options = with_text();
    options.stream_token = [&](std::int32_t id, std::size_t row) {
        seen[row].push_back(id);
        return row != 1 || seen[1].size() < 3;
    };
    std::array<std::string, 2> text;
    options.stream_text = [&](std::string_view piece, std::size_t row) {
        text[row] += piece;
        return row != 0 || text[0].size() < 5;
    };
    const auto result = apertus::generate(session, prompts, {}, options);
    for (std::size_t row = 0; row < 2; ++row) {
        check_ids(seen[row], new_ids(result.sequences[row]));
        BOOST_TEST(text[row] == result.sequences[row].text);
        BOOST_TEST((result.sequences[row].reason == finish_reason::streamer));
    }
    BOOST_TEST(seen[0].size() == 5u);
    BOOST_TEST(seen[1].size() == 3u);
}

BOOST_AUTO_TEST_CASE(criteria_end_a_row) {
    fake_session session(26, 1, 100);
    auto options = with_text();
    options.stopping_criteria.push_back([](const apertus::stopping_context& c) {
        return c.generated.size() == 4 && c.prompt.size() == 1 && c.text.size() == 4;
    });
    const auto s = apertus::generate(session, ids{0}, {}, options).sequences.at(0);
    BOOST_TEST((s.reason == finish_reason::criteria));
    BOOST_TEST(s.new_ids().size() == 4u);
}

BOOST_AUTO_TEST_CASE(own_processors_see_the_row_and_come_before_the_draw) {
    fake_session session(16, 1, 100);
    apertus::generate_options options;
    std::size_t calls = 0;
    options.logits_processors.push_back([&](std::span<float> logits, const apertus::logits_context& c) {
        BOOST_TEST(c.prompt.size() == 1u);
        BOOST_TEST(c.generated.size() == calls++);
        for (std::size_t v = 0; v < logits.size(); ++v) {
            if (v != 5 && v != 6) logits[v] = -HUGE_VALF;
        }
    });
    const auto s = apertus::generate(session, ids{0}, sampling(1, 30), options).sequences.at(0);
    const std::set<std::int32_t> drawn(s.new_ids().begin(), s.new_ids().end());
    BOOST_TEST((drawn == std::set<std::int32_t>{5, 6}));
}

BOOST_AUTO_TEST_CASE(min_new_tokens_holds_the_end_back) {
    fake_session session(8, 1, 100, scripted({0, 7, 7, 7, 7, 7, 7}));
    generation_config config;
    config.eos_token_id = ids{7};
    config.min_new_tokens = 3;
    auto s = apertus::generate(session, ids{0}, config).sequences.at(0);
    BOOST_TEST(s.new_ids().size() == 4u);
    BOOST_TEST((s.reason == finish_reason::eos));
    config.min_new_tokens.reset();
    config.min_length = 3;
    s = apertus::generate(session, ids{0}, config).sequences.at(0);
    BOOST_TEST(s.ids.size() == 4u);
}

BOOST_AUTO_TEST_CASE(a_stop_request_returns_what_is_there) {
    fake_session session(26, 1, 100);
    std::stop_source source;
    auto options = with_text();
    options.cancel.stop = source.get_token();
    options.stream_token = [&, n = 0](std::int32_t, std::size_t) mutable {
        if (++n == 3) source.request_stop();
        return true;
    };
    const auto s = apertus::generate(session, ids{0}, {}, options).sequences.at(0);
    BOOST_TEST((s.reason == finish_reason::cancelled));
    BOOST_TEST(s.new_ids().size() == 3u);
    BOOST_TEST(s.text.size() == 3u);
    BOOST_TEST(session.length(0) == 3u);
}

BOOST_AUTO_TEST_CASE(a_stop_request_inside_forward_returns_what_is_there) {
    fake_session session(26, 2, 100);
    std::stop_source source;
    session.before_forward = [&](std::size_t call) {
        if (call == 4) source.request_stop(); // the session throws error(cancelled)
    };
    apertus::generate_options options;
    options.cancel.stop = source.get_token();
    const ids a{0}, b{1};
    const std::array<apertus::prompt, 3> prompts{apertus::prompt{a}, apertus::prompt{b}, apertus::prompt{a}};
    const auto result = apertus::generate(session, prompts, {}, options);
    for (const auto& s : result.sequences) BOOST_TEST((s.reason == finish_reason::cancelled));
    BOOST_TEST(result.sequences[0].new_ids().size() == 4u);
    BOOST_TEST(result.sequences[2].new_ids().empty()); // had not begun
}

BOOST_AUTO_TEST_CASE(a_deadline_ends_every_row) {
    fake_session session(26, 1, 100);
    apertus::generate_options options;
    options.cancel.deadline = std::chrono::steady_clock::now() - std::chrono::seconds(1);
    auto s = apertus::generate(session, ids{0}, {}, options).sequences.at(0);
    BOOST_TEST((s.reason == finish_reason::deadline));
    BOOST_TEST(s.new_ids().empty());
    generation_config config;
    config.max_time = 0.0;
    s = apertus::generate(session, ids{0}, config).sequences.at(0);
    BOOST_TEST((s.reason == finish_reason::deadline));
    config.max_time = 1e300; // no overflow
    s = apertus::generate(session, ids{0}, config).sequences.at(0);
    BOOST_TEST((s.reason == finish_reason::length));
}

BOOST_AUTO_TEST_CASE(errors_of_the_session_and_of_callbacks_pass_through) {
    fake_session session(26, 1, 100);
    const auto good = apertus::generate(session, ids{0}, sampling(1)).sequences[0].ids;
    session.before_forward = [](std::size_t call) {
        if (call == 20) throw std::runtime_error("broken");
    };
    BOOST_CHECK_EXCEPTION((void)apertus::generate(session, ids{0}, sampling(1)), std::runtime_error,
                          [](const std::runtime_error& e) { return std::string(e.what()) == "broken"; });
    session.before_forward = nullptr;
    BOOST_TEST(session.length(0) == 4u); // what the calls before the error appended
    apertus::generate_options options;
    options.stream_token = [](std::int32_t, std::size_t) -> bool { throw std::logic_error("mine"); };
    BOOST_CHECK_THROW((void)apertus::generate(session, ids{0}, sampling(1), options), std::logic_error);
    check_ids(apertus::generate(session, ids{0}, sampling(1)).sequences[0].ids, good); // and it goes on working

    fake_session other(26, 1, 100); // somebody else's cancellation is an error
    other.before_forward = [](std::size_t) { apertus::fail(error_category::cancelled, "other", "stopped"); };
    check_error(error_category::cancelled, "other: stopped", [&] { (void)apertus::generate(other, ids{0}); });
}

BOOST_AUTO_TEST_CASE(nan_among_the_logits_is_an_error) {
    fake_session session(8, 1, 100, [](std::span<const std::int32_t> h, std::span<float> logits) {
        test_support::hashed_logits(h, logits);
        if (h.size() == 4) logits[6] = std::nanf("");
    });
    for (const bool sample : {false, true}) {
        generation_config config;
        config.do_sample = sample;
        check_error(error_category::backend,
                    "sampler: logits of row 0, position 4: expected numbers, found NaN for token 6",
                    [&] { (void)apertus::generate(session, ids{1, 2}, config); });
    }
}

BOOST_AUTO_TEST_CASE(a_session_of_the_wrong_shape_is_an_error) {
    struct wrong : fake_session {
        using fake_session::fake_session;
        apertus::tensor_view<const float, 2> forward(std::span<const apertus::segment> s,
                                                     const apertus::cancellation& c) {
            const auto all = fake_session::forward(s, c);
            return {all.data(), {all.extent(0), all.extent(1) - 1}};
        }
    } session(8, 1, 100);
    check_error(error_category::shape, "generate: logits of the session: expected 1 x 8, found 1 x 7",
                [&] { (void)apertus::generate(session, ids{1}); });
}

BOOST_AUTO_TEST_CASE(logprobs_are_those_of_the_model) {
    fake_session session(16, 1, 100);
    apertus::generate_options options;
    options.logprobs = true;
    generation_config config = sampling(9, 5);
    config.repetition_penalty = 2.0;
    config.temperature = 3.0;
    const auto s = apertus::generate(session, ids{1, 2}, config, options).sequences.at(0);
    BOOST_TEST(s.logprobs.size() == 5u);
    std::array<float, 16> logits{};
    for (std::size_t i = 0; i < s.logprobs.size(); ++i) {
        test_support::hashed_logits(std::span(s.ids).first(2 + i), logits);
        double sum = 0.0;
        for (const float x : logits) sum += std::exp(static_cast<double>(x));
        const double expected = static_cast<double>(logits[static_cast<std::size_t>(s.ids[2 + i])]) - std::log(sum);
        BOOST_TEST(static_cast<double>(s.logprobs[i]) == expected, boost::test_tools::tolerance(1e-5));
    }
}

BOOST_AUTO_TEST_CASE(penalties_count_along) {
    // All logits equal but one: with a presence penalty a token is taken once, then the next one.
    fake_session session(6, 1, 100, [](std::span<const std::int32_t>, std::span<float> logits) {
        for (std::size_t v = 0; v < logits.size(); ++v) logits[v] = 1.0f - 0.01f * static_cast<float>(v);
    });
    generation_config config;
    config.presence_penalty = 1.0;
    config.max_new_tokens = 6;
    check_ids(new_ids(apertus::generate(session, ids{0, 1}, config).sequences[0]), {0, 1, 2, 3, 4, 5});
    config.presence_penalty.reset();
    config.repetition_penalty = 2.0; // the prompt counts, too
    check_ids(new_ids(apertus::generate(session, ids{0, 1}, config).sequences[0]), {2, 3, 4, 5, 0, 0});
}

BOOST_AUTO_TEST_SUITE_END()
