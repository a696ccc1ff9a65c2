// SPDX-License-Identifier: Apache-2.0
//
// Defaults, merging, and what validate refuses and how it says so.
#include <apertus/generate/generation_config.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>

BOOST_AUTO_TEST_SUITE(generation_config_test)

namespace {

std::string config_error(const std::function<void(apertus::generation_config&)>& set) {
    apertus::generation_config c;
    set(c);
    try {
        apertus::validate(c);
    } catch (const apertus::error& e) {
        BOOST_TEST((e.category() == apertus::error_category::config));
        return e.what();
    }
    return "no error";
}

} // namespace

BOOST_AUTO_TEST_CASE(nothing_set_is_greedy_and_twenty_tokens) {
    const auto e = apertus::effective({});
    BOOST_TEST(*e.max_new_tokens == 20u);
    BOOST_TEST(!e.max_length.has_value());
    BOOST_TEST(!e.do_sample);
    BOOST_TEST(e.temperature == 1.0);
    BOOST_TEST(e.top_k == 50u);
    BOOST_TEST(e.top_p == 1.0);
    BOOST_TEST(e.min_p == 0.0);
    BOOST_TEST(e.typical_p == 1.0);
    BOOST_TEST(e.repetition_penalty == 1.0);
    BOOST_TEST(e.frequency_penalty == 0.0);
    BOOST_TEST(e.presence_penalty == 0.0);
    BOOST_TEST(e.eos_token_id.empty());
    BOOST_TEST(!e.seed.has_value());
}

BOOST_AUTO_TEST_CASE(max_new_tokens_wins_over_max_length) {
    apertus::generation_config c;
    c.max_length = 100;
    BOOST_TEST(*apertus::effective(c).max_length == 100u);
    BOOST_TEST(!apertus::effective(c).max_new_tokens.has_value());
    c.max_new_tokens = 7;
    BOOST_TEST(*apertus::effective(c).max_new_tokens == 7u);
    BOOST_TEST(!apertus::effective(c).max_length.has_value());
}

BOOST_AUTO_TEST_CASE(temperature_zero_is_greedy) {
    apertus::generation_config c;
    c.do_sample = true;
    BOOST_TEST(apertus::effective(c).do_sample);
    c.temperature = 0.0;
    BOOST_TEST(!apertus::effective(c).do_sample);
}

BOOST_AUTO_TEST_CASE(merge_lets_the_later_one_win_field_by_field) {
    apertus::generation_config model;
    model.eos_token_id = std::vector<std::int32_t>{2};
    model.bos_token_id = 1;
    apertus::generation_config file;
    file.eos_token_id = std::vector<std::int32_t>{2, 68, 72};
    file.temperature = 0.8;
    file.do_sample = true;
    apertus::generation_config call;
    call.temperature = 0.0;
    call.stop_strings = std::vector<std::string>{"\n"};
    const auto c = apertus::merge(apertus::merge(model, file), call);
    const std::vector<std::int32_t> eos{2, 68, 72};
    BOOST_TEST(*c.eos_token_id == eos, boost::test_tools::per_element());
    BOOST_TEST(*c.bos_token_id == 1);
    BOOST_TEST(*c.temperature == 0.0);
    BOOST_TEST(*c.do_sample);
    BOOST_TEST(c.stop_strings->at(0) == "\n");
    BOOST_TEST(!c.top_k.has_value());

    call.eos_token_id = std::vector<std::int32_t>{}; // set and empty: never stop on a token
    BOOST_TEST(apertus::effective(apertus::merge(file, call)).eos_token_id.empty());
}

BOOST_AUTO_TEST_CASE(merge_carries_every_field) {
    apertus::generation_config all;
    all.max_new_tokens = 1;
    all.max_length = 2;
    all.min_new_tokens = 3;
    all.min_length = 4;
    all.do_sample = true;
    all.temperature = 0.5;
    all.top_k = 6;
    all.top_p = 0.7;
    all.min_p = 0.08;
    all.typical_p = 0.9;
    all.repetition_penalty = 1.1;
    all.frequency_penalty = 0.2;
    all.presence_penalty = 0.3;
    all.seed = 14;
    all.eos_token_id = std::vector<std::int32_t>{15};
    all.stop_strings = std::vector<std::string>{"x"};
    all.max_time = 17.0;
    all.bos_token_id = 18;
    all.pad_token_id = 19;
    all.num_beams = 1;
    all.num_return_sequences = 1;
    const auto c = apertus::merge({}, all);
    BOOST_TEST((c.max_new_tokens == all.max_new_tokens && c.max_length == all.max_length));
    BOOST_TEST((c.min_new_tokens == all.min_new_tokens && c.min_length == all.min_length));
    BOOST_TEST((c.do_sample == all.do_sample && c.temperature == all.temperature && c.top_k == all.top_k));
    BOOST_TEST((c.top_p == all.top_p && c.min_p == all.min_p && c.typical_p == all.typical_p));
    BOOST_TEST((c.repetition_penalty == all.repetition_penalty && c.frequency_penalty == all.frequency_penalty));
    BOOST_TEST((c.presence_penalty == all.presence_penalty && c.seed == all.seed));
    BOOST_TEST((c.eos_token_id == all.eos_token_id && c.stop_strings == all.stop_strings));
    BOOST_TEST((c.max_time == all.max_time && c.bos_token_id == all.bos_token_id));
    BOOST_TEST((c.pad_token_id == all.pad_token_id && c.num_beams == all.num_beams));
    BOOST_TEST((c.num_return_sequences == all.num_return_sequences));
}

BOOST_AUTO_TEST_CASE(validate_names_option_range_and_value) {
    using config = apertus::generation_config;
    BOOST_TEST(config_error([](config& c) { c.temperature = -0.5; }) ==
               "generation_config: temperature: expected a number in [0, infinity), found -0.5");
    BOOST_TEST(config_error([](config& c) { c.top_p = 1.5; }) ==
               "generation_config: top_p: expected a number in [0, 1], found 1.5");
    BOOST_TEST(config_error([](config& c) { c.top_k = -1; }) ==
               "generation_config: top_k: expected an integer of at least 0, found -1");
    BOOST_TEST(config_error([](config& c) { c.repetition_penalty = 0.0; }) ==
               "generation_config: repetition_penalty: expected a number in (0, infinity), found 0");
    BOOST_TEST(config_error([](config& c) { c.num_beams = 4; }) ==
               "generation_config: num_beams: expected 1 (beam search and several returned sequences are not "
               "supported), found 4");
}

BOOST_AUTO_TEST_CASE(validate_refuses_what_is_out_of_range) {
    using config = apertus::generation_config;
    const auto refuses = [](std::string_view option, const std::function<void(config&)>& set) {
        const std::string message = config_error(set);
        BOOST_TEST(message.find(std::string("generation_config: ").append(option).append(":")) == 0u, message);
    };
    refuses("max_new_tokens", [](config& c) { c.max_new_tokens = -1; });
    refuses("max_length", [](config& c) { c.max_length = 0; });
    refuses("min_new_tokens", [](config& c) { c.min_new_tokens = -2; });
    refuses("min_length", [](config& c) { c.min_length = -2; });
    refuses("temperature", [](config& c) { c.temperature = std::nan(""); });
    refuses("temperature", [](config& c) { c.temperature = HUGE_VAL; });
    refuses("min_p", [](config& c) { c.min_p = -0.1; });
    refuses("typical_p", [](config& c) { c.typical_p = 0.0; });
    refuses("repetition_penalty", [](config& c) { c.repetition_penalty = -1.0; });
    refuses("repetition_penalty", [](config& c) { c.repetition_penalty = HUGE_VAL; });
    refuses("frequency_penalty", [](config& c) { c.frequency_penalty = 2.5; });
    refuses("presence_penalty", [](config& c) { c.presence_penalty = -2.5; });
    refuses("max_time", [](config& c) { c.max_time = -1.0; });
    refuses("bos_token_id", [](config& c) { c.bos_token_id = -1; });
    refuses("eos_token_id", [](config& c) { c.eos_token_id = std::vector<std::int32_t>{2, -1}; });
    refuses("stop_strings", [](config& c) { c.stop_strings = std::vector<std::string>{""}; });
    refuses("stop_strings", [](config& c) { c.stop_strings = std::vector<std::string>{"\x80x"}; });
    refuses("num_return_sequences", [](config& c) { c.num_return_sequences = 2; });
}

BOOST_AUTO_TEST_CASE(bounds_are_allowed) {
    apertus::generation_config c;
    c.max_new_tokens = 0;
    c.top_p = 0.0;
    c.min_p = 1.0;
    c.typical_p = 1.0;
    c.top_k = 0;
    c.frequency_penalty = -2.0;
    c.presence_penalty = 2.0;
    c.repetition_penalty = 0.5;
    c.pad_token_id = -1; // some shipped configurations say "none" like this
    c.num_beams = 1;
    BOOST_CHECK_NO_THROW(apertus::validate(c));
    BOOST_TEST(!apertus::effective(c).pad_token_id.has_value());
}

BOOST_AUTO_TEST_SUITE_END()
