// SPDX-License-Identifier: Apache-2.0
//
// Processors against transformers (tests/golden/processors.json, made by tools/goldens/make_processor_goldens.py), the
// scope of the penalties, and the edges: ties, infinities, extreme temperatures.
#include <apertus/generate/logits_processors.hpp>

#include <apertus/generate/sampler.hpp>
#include <apertus/io/json.hpp>
#include <generate/fake_session.hpp>
#include <support/test_support.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>
#include <sstream>

BOOST_AUTO_TEST_SUITE(logits_processors_test)

namespace {

using apertus::logits_context;
using ids = std::vector<std::int32_t>;
using floats = std::vector<float>;
constexpr float inf = HUGE_VALF;

/// The formula of make_processor_goldens.py.
floats golden_logits(std::uint64_t seed, std::size_t vocabulary, int scale_bits, int coarse_bits) {
    floats out(vocabulary);
    for (std::size_t v = 0; v < vocabulary; ++v) {
        const std::uint64_t h = test_support::mix((seed << 32) + v);
        std::int64_t total = -(2 << 20);
        for (std::uint64_t k = 0; k < 4; ++k) total += static_cast<std::int64_t>(test_support::mix(h + k) >> 44);
        total = (total >> coarse_bits) * (std::int64_t{1} << coarse_bits);
        out[v] = static_cast<float>(std::ldexp(static_cast<double>(total), -scale_bits));
    }
    return out;
}

template <class T> std::string fnv(const std::vector<T>& values) {
    std::uint64_t h = 0xCBF29CE484222325;
    std::vector<unsigned char> bytes(values.size() * sizeof(T));
    if (!values.empty()) std::memcpy(bytes.data(), values.data(), bytes.size());
    for (const unsigned char b : bytes) h = (h ^ b) * 0x100000001B3;
    char text[17];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(h));
    return text;
}

apertus::generation_config read_options(const apertus::json& o) {
    apertus::generation_config c;
    c.do_sample = o.value("do_sample", true);
    if (o.contains("temperature")) c.temperature = o["temperature"].get<double>();
    if (o.contains("top_k")) c.top_k = o["top_k"].get<std::int64_t>();
    if (o.contains("top_p")) c.top_p = o["top_p"].get<double>();
    if (o.contains("min_p")) c.min_p = o["min_p"].get<double>();
    if (o.contains("typical_p")) c.typical_p = o["typical_p"].get<double>();
    if (o.contains("repetition_penalty")) c.repetition_penalty = o["repetition_penalty"].get<double>();
    if (o.contains("min_new_tokens")) c.min_new_tokens = o["min_new_tokens"].get<std::int64_t>();
    if (o.contains("min_length")) c.min_length = o["min_length"].get<std::int64_t>();
    return c;
}

/// Runs one golden case; false and a message where the kept ids or the bits of their scores differ.
bool same_as_transformers(const apertus::json& c) {
    auto config = read_options(c["options"]);
    config.eos_token_id = c["eos_token_id"].get<ids>();
    const auto e = apertus::effective(config);
    const auto prompt = c["prompt"].get<ids>();
    const auto generated = c["generated"].get<ids>();
    apertus::token_tally tally(prompt);
    for (const auto id : generated) tally.add_generated(id);
    const logits_context context{0, prompt, generated, tally.counts()};
    const auto logits = golden_logits(c["seed"].get<std::uint64_t>(), c["vocab"].get<std::size_t>(),
                                      c["scale_bits"].get<int>(), c["coarse_bits"].get<int>());
    ids kept;
    floats scores;
    const auto take_all = [&](std::span<const float> values) {
        for (std::size_t v = 0; v < values.size(); ++v) {
            if (values[v] == -inf) continue;
            kept.push_back(static_cast<std::int32_t>(v));
            scores.push_back(values[v]);
        }
    };
    if (e.do_sample) {
        apertus::sampler sample(e, logits.size());
        (void)sample(logits, context, {});
        if (sample.filtered()) {
            kept.assign(sample.candidates().ids().begin(), sample.candidates().ids().end());
            scores.assign(sample.candidates().scores().begin(), sample.candidates().scores().end());
        } else {
            floats changed = logits;
            for (const auto& process : apertus::make_logits_processors(e)) process(changed, context);
            apertus::temperature_scaling{e.temperature}(changed);
            take_all(changed);
        }
    } else {
        floats changed = logits;
        for (const auto& process : apertus::make_logits_processors(e)) process(changed, context);
        take_all(changed);
    }
    const bool same = kept.size() == c["kept"].get<std::size_t>() && fnv(kept) == c["ids_hash"].get<std::string>() &&
                      fnv(scores) == c["scores_hash"].get<std::string>();
    if (!same) {
        BOOST_TEST_MESSAGE("differs: " << c.dump() << "\nkept " << kept.size());
    }
    return same;
}

floats with(floats logits, const apertus::logits_processor& process, const logits_context& context = {}) {
    process(logits, context);
    return logits;
}

void check_floats(const floats& found, const floats& expected) {
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(kept_sets_and_scores_are_those_of_transformers) {
    const auto golden = apertus::parse_json(read_file(source_path("tests/golden/processors.json")), "processors.json");
    BOOST_TEST(golden["processors"].size() > 200u);
    for (const auto& c : golden["processors"]) BOOST_TEST(same_as_transformers(c), c["options"].dump());
}

BOOST_AUTO_TEST_CASE(random_cases_of_the_golden_tool) {
    const std::string path = test_support::environment("APERTUS_PROCESSOR_CASES");
    if (path.empty()) {
        return skip_test("APERTUS_PROCESSOR_CASES names no file (make_processor_goldens.py --random N writes one)");
    }
    std::istringstream lines(read_file(path));
    std::size_t count = 0;
    std::size_t different = 0;
    std::size_t different_typical = 0;
    for (std::string line; std::getline(lines, line); ++count) {
        const auto c = apertus::parse_json(line, path);
        if (!same_as_transformers(c)) ++(c["options"].contains("typical_p") ? different_typical : different);
    }
    BOOST_TEST_MESSAGE(count << " cases, " << different << " differ, " << different_typical << " with typical_p");
    BOOST_TEST(count > 0u);
    BOOST_TEST(different == 0u);
    // Distances from the entropy that are equal but for the last bit may be ordered either way, by torch as by us.
    BOOST_TEST(different_typical <= count / 1000);
}

BOOST_AUTO_TEST_CASE(repetition_penalty_covers_prompt_and_generated_once) {
    const ids prompt{0, 0, 0}, generated{1, 9, -1}; // 9 and -1 have no logit
    apertus::token_tally tally(prompt);
    for (const auto id : generated) tally.add_generated(id);
    const logits_context context{0, prompt, generated, tally.counts()};
    check_floats(with({4.0f, -4.0f, 4.0f}, apertus::repetition_penalty{2.0f}, context), {2.0f, -8.0f, 4.0f});
    check_floats(with({4.0f, -4.0f, 4.0f}, apertus::repetition_penalty{0.5f}, context), {8.0f, -2.0f, 4.0f});
    check_floats(with({-inf, inf, 0.0f}, apertus::repetition_penalty{2.0f}, context), {-inf, inf, 0.0f});
}

BOOST_AUTO_TEST_CASE(frequency_and_presence_penalty_leave_the_prompt_alone) {
    const ids prompt{0, 0, 2}, generated{1, 1, 2};
    apertus::token_tally tally(prompt);
    for (const auto id : generated) tally.add_generated(id);
    const logits_context context{0, prompt, generated, tally.counts()};
    using penalty = apertus::frequency_and_presence_penalty;
    check_floats(with({5, 5, 5, 5}, penalty{0.5f, 0.0f}, context), {5.0f, 4.0f, 4.5f, 5.0f});
    check_floats(with({5, 5, 5, 5}, penalty{0.0f, 0.25f}, context), {5.0f, 4.75f, 4.75f, 5.0f});
    check_floats(with({5, 5, 5, 5}, penalty{-0.5f, 1.0f}, context), {5.0f, 5.0f, 4.5f, 5.0f});
}

BOOST_AUTO_TEST_CASE(the_order_is_penalties_then_end_tokens_then_own) {
    apertus::generation_config c;
    c.repetition_penalty = 2.0;
    c.frequency_penalty = 1.0;
    c.min_new_tokens = 5;
    c.eos_token_id = ids{1};
    std::vector<apertus::logits_processor> own;
    own.emplace_back([](std::span<float> x, const logits_context&) { x[1] = 7.0f; }); // sees, and may undo, all of it
    const ids prompt{}, generated{0};
    apertus::token_tally tally;
    tally = apertus::token_tally(prompt, 1);
    tally.add_generated(0);
    const logits_context context{0, prompt, generated, tally.counts()};
    const auto processors = apertus::make_logits_processors(apertus::effective(c), own);
    BOOST_TEST(processors.size() == 4u);
    floats logits{4.0f, 4.0f, 4.0f};
    for (const auto& p : processors) p(logits, context);
    check_floats(logits, {1.0f, 7.0f, 4.0f}); // 4 / 2 - 1, not (4 - 1) / 2
    BOOST_TEST(apertus::make_logits_processors(apertus::effective({})).empty());
}

BOOST_AUTO_TEST_CASE(min_length_counts_the_prompt_and_min_new_tokens_does_not) {
    const ids prompt{0, 0}, one{0}, two{0, 0};
    const floats logits{1, 2, 3};
    check_floats(with(logits, apertus::min_new_tokens{2, {1, 7}}, {0, prompt, one, {}}), {1.0f, -inf, 3.0f});
    check_floats(with(logits, apertus::min_new_tokens{2, {1, 7}}, {0, prompt, two, {}}), logits);
    check_floats(with(logits, apertus::min_length{4, {1}}, {0, prompt, one, {}}), {1.0f, -inf, 3.0f});
    check_floats(with(logits, apertus::min_length{4, {1}}, {0, prompt, two, {}}), logits);
}

BOOST_AUTO_TEST_CASE(temperature_has_no_limits) {
    const floats logits{-1.0f, -3.0f, -inf, -1.0f};
    check_floats(with(logits, apertus::temperature_scaling{2.0}), {-0.5f, -1.5f, -inf, -0.5f});
    for (const double tiny : {1e-40, 1e-300, 5e-324}) {
        check_floats(with(logits, apertus::temperature_scaling{tiny}), {0.0f, -inf, -inf, 0.0f});
        check_floats(with({2.0f, 5.0f}, apertus::temperature_scaling{tiny}), {-inf, 0.0f});
    }
    const floats flat = with(logits, apertus::temperature_scaling{1e300});
    BOOST_TEST(std::abs(flat[0] - flat[1]) < 1e-30f);
    BOOST_TEST(flat[2] == -inf);
    check_floats(with({inf, 1.0f}, apertus::temperature_scaling{0.5}), {inf, 2.0f});
}

BOOST_AUTO_TEST_CASE(filters_as_processors) {
    const floats logits{1.0f, 3.0f, 2.0f, 3.0f, -inf};
    check_floats(with(logits, apertus::top_k_filter(1, 5)), {-inf, 3.0f, -inf, 3.0f, -inf}); // ties stay
    check_floats(with(logits, apertus::top_k_filter(3, 5)), {-inf, 3.0f, 2.0f, 3.0f, -inf});
    check_floats(with(logits, apertus::top_k_filter(99, 5)), logits);
    check_floats(with(logits, apertus::top_k_filter(0, 5)), logits);
    check_floats(with(logits, apertus::top_p_filter(0.0, 5)), {-inf, -inf, -inf, 3.0f, -inf}); // the last of equals
    check_floats(with(logits, apertus::top_p_filter(0.5, 5)), {-inf, 3.0f, -inf, 3.0f, -inf});
    check_floats(with(logits, apertus::top_p_filter(1.0, 5)), logits);
    check_floats(with(logits, apertus::min_p_filter(0.3, 5)), {-inf, 3.0f, 2.0f, 3.0f, -inf});
    check_floats(with(logits, apertus::min_p_filter(1.0, 5)), {-inf, 3.0f, -inf, 3.0f, -inf});
    check_floats(with({0.0f, 0.0f}, apertus::typical_p_filter(0.1, 2)), {0.0f, 0.0f});
    BOOST_CHECK_THROW(with(logits, apertus::top_k_filter(1, 4)), apertus::error);
}

BOOST_AUTO_TEST_CASE(filters_on_one_token_on_infinities_and_on_nothing) {
    const float nan = std::nanf("");
    for (const apertus::logits_processor& f : {apertus::logits_processor(apertus::top_k_filter(2, 4)),
                                               apertus::logits_processor(apertus::top_p_filter(0.5, 4)),
                                               apertus::logits_processor(apertus::min_p_filter(0.5, 4)),
                                               apertus::logits_processor(apertus::typical_p_filter(0.5, 4))}) {
        check_floats(with({2.5f}, f), {2.5f});
        check_floats(with({-inf, 1.0f}, f), {-inf, 1.0f});
        check_floats(with({-inf, -inf}, f), {-inf, -inf});
        check_floats(with({}, f), {});
        check_floats(with({inf, 1.0f, 0.0f, -inf}, apertus::top_p_filter(0.9, 4)), {inf, -inf, -inf, -inf});
        BOOST_TEST(with({nan, 1.0f}, f)[0] == -inf); // left out, never compared
        BOOST_TEST(with({nan, 1.0f}, f)[1] == 1.0f);
        BOOST_TEST(with({inf, inf, 3.0f}, f)[1] == inf);
    }
}

BOOST_AUTO_TEST_CASE(top_p_keeps_as_little_as_reaches_p) {
    // Four equal probabilities: 1 - p is removed from below, a sum equal to 1 - p included (see llama.cpp issue 1953).
    const floats logits{0, 0, 0, 0};
    const auto kept = [&](double p) {
        apertus::candidate_set set(4);
        set.assign(logits);
        set.keep_top_p(p);
        return ids(set.ids().begin(), set.ids().end());
    };
    const auto expect = [](const ids& found, const ids& expected) {
        BOOST_TEST(found == expected, boost::test_tools::per_element());
    };
    expect(kept(0.5), {2, 3});
    expect(kept(0.51), {1, 2, 3});
    expect(kept(0.25), {3});
    expect(kept(0.999), {0, 1, 2, 3});
    expect(kept(1.0), {0, 1, 2, 3}); // off, not greedy (see gpt4all issue 3087)
}

BOOST_AUTO_TEST_CASE(tally_counts_distinct_ids) {
    ids prompt;
    for (std::int32_t i = 0; i < 1000; ++i) prompt.push_back(i % 10 * 4096); // collide if hashed badly
    apertus::token_tally tally(prompt, 5000);
    for (std::int32_t i = 0; i < 5000; ++i) tally.add_generated(i % 7 * 4096);
    BOOST_TEST(tally.counts().size() == 10u);
    for (const auto& c : tally.counts()) {
        BOOST_TEST(c.prompt == 100u);
        const std::int32_t digit = c.id / 4096;
        BOOST_TEST(c.generated == (digit >= 7 ? 0u : digit < 5000 % 7 ? 715u : 714u));
    }
    apertus::token_tally grows; // room is only a matter of speed
    for (std::int32_t i = 0; i < 300; ++i) grows.add_generated(i / 2 - 20);
    BOOST_TEST(grows.counts().size() == 150u);
    for (const auto& c : grows.counts()) BOOST_TEST(c.generated == 2u);
}

BOOST_AUTO_TEST_SUITE_END()
