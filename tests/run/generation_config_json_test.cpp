// SPDX-License-Identifier: Apache-2.0
//
// generation_config.json and the same keys in config.json, as transformers reads them.
#include <apertus/run/generation_config_json.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>

#include <string>
#include <vector>

namespace {

using apertus::generation_config;
using apertus::parse_generation_config_json;
using ids = std::vector<std::int32_t>;

std::string message_of(std::string_view text, apertus::error_category category = apertus::error_category::config) {
    return error_message(category, [&] { (void)parse_generation_config_json(text, "g.json"); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(generation_config_json)

BOOST_AUTO_TEST_CASE(every_option) {
    const generation_config g = parse_generation_config_json(
        R"({"max_new_tokens":5,"max_length":50,"min_new_tokens":1,"min_length":2,"do_sample":true,
        "temperature":1,"top_k":40.0,"top_p":0.9,"min_p":0.05,"typical_p":0.8,"repetition_penalty":1.1,"frequency_penalty":0.5,"presence_penalty":-0.5,
        "seed":7,"eos_token_id":[2,68,72],"stop_strings":["a","b"],"max_time":1.5,"bos_token_id":1,"pad_token_id":3,"num_beams":4,"num_return_sequences":2})");
    BOOST_TEST(g.max_new_tokens.value() == 5);
    BOOST_TEST(g.max_length.value() == 50);
    BOOST_TEST(g.min_new_tokens.value() == 1);
    BOOST_TEST(g.min_length.value() == 2);
    BOOST_TEST(g.do_sample.value());
    BOOST_TEST(g.temperature.value() == 1.0);
    BOOST_TEST(g.top_k.value() == 40);
    BOOST_TEST(g.top_p.value() == 0.9);
    BOOST_TEST(g.min_p.value() == 0.05);
    BOOST_TEST(g.typical_p.value() == 0.8);
    BOOST_TEST(g.repetition_penalty.value() == 1.1);
    BOOST_TEST(g.frequency_penalty.value() == 0.5);
    BOOST_TEST(g.presence_penalty.value() == -0.5);
    BOOST_TEST(g.seed.value() == 7u);
    BOOST_TEST(g.eos_token_id.value() == (ids{2, 68, 72}));
    BOOST_TEST(g.stop_strings.value() == (std::vector<std::string>{"a", "b"}));
    BOOST_TEST(g.max_time.value() == 1.5);
    BOOST_TEST(g.bos_token_id.value() == 1);
    BOOST_TEST(g.pad_token_id.value() == 3);
    BOOST_TEST(g.num_beams.value() == 4); // a call may still ask for one
    BOOST_TEST(g.num_return_sequences.value() == 2);
}

BOOST_AUTO_TEST_CASE(absent_null_and_unknown) {
    const generation_config g = parse_generation_config_json(
        R"({"eos_token_id":null,"temperature":null,"pad_token_id":-1,"unknown":{"a":[1]},"_from_model_config":true,"transformers_version":"5.0"})");
    BOOST_TEST(!g.eos_token_id.has_value());
    BOOST_TEST(!g.temperature.has_value());
    BOOST_TEST(!g.pad_token_id.has_value());
    BOOST_TEST(!g.do_sample.has_value());
    BOOST_TEST(parse_generation_config_json(R"({"eos_token_id":68})").eos_token_id.value() == ids{68});
    BOOST_TEST(parse_generation_config_json(R"({"stop_strings":"x"})").stop_strings.value() ==
               std::vector<std::string>{"x"});
}

BOOST_AUTO_TEST_CASE(from_config_json) {
    const generation_config g = apertus::generation_config_from_config_json(
        R"({"model_type":"apertus","eos_token_id":[2,5],"temperature":0.3,"max_length":50,"vocab_size":"not read here"})");
    BOOST_TEST(g.eos_token_id.value() == (ids{2, 5}));
    BOOST_TEST(g.temperature.value() == 0.3);
    BOOST_TEST(g.max_length.value() == 50);
    BOOST_TEST(!g.bos_token_id.has_value()); // the class's default does not apply, as in the reference
    const generation_config nested = apertus::generation_config_from_config_json(
        R"({"eos_token_id":7,"text_config":{"eos_token_id":[2,68,72],"pad_token_id":3}})");
    BOOST_TEST(nested.eos_token_id.value() == ids{7});
    BOOST_TEST(nested.pad_token_id.value() == 3);
}

BOOST_AUTO_TEST_CASE(wrong_types) {
    BOOST_TEST(message_of(R"({"temperature":"hot"})") == "g.json: temperature: expected a number, found 'hot'");
    BOOST_TEST(message_of(R"({"max_new_tokens":1.5})") == "g.json: max_new_tokens: expected an integer, found 1.5");
    BOOST_TEST(message_of(R"({"do_sample":1})") == "g.json: do_sample: expected true or false, found 1");
    BOOST_TEST(message_of(R"({"eos_token_id":"</s>"})") == "g.json: eos_token_id: expected an integer, found '</s>'");
    BOOST_TEST(message_of(R"({"eos_token_id":[2,{}]})") ==
               "g.json: eos_token_id: expected an integer, found an object");
    BOOST_TEST(message_of(R"({"eos_token_id":4294967298})") ==
               "g.json: eos_token_id: expected a token id below 2147483648, found 4294967298");
    BOOST_TEST(message_of(R"({"stop_strings":[1]})") == "g.json: stop_strings: expected a string, found 1");
    BOOST_TEST(message_of("[1]") == "g.json: top level: expected an object, found an array of 1");
    BOOST_TEST(
        message_of("{\"a\":", apertus::error_category::format).starts_with("g.json: line 1, column 6: syntax error"));
    BOOST_CHECK_EXCEPTION((void)apertus::generation_config_from_config_json(R"({"text_config":3})", "c.json"),
                          apertus::error, [](const apertus::error& e) {
                              return std::string(e.what()) == "c.json: text_config: expected an object, found 3";
                          });
}

BOOST_AUTO_TEST_CASE(ranges_name_the_file) {
    BOOST_TEST(message_of(R"({"top_p":2})") == "g.json: top_p: expected a number in [0, 1], found 2");
    BOOST_TEST(message_of(R"({"temperature":-1})").starts_with("g.json: temperature: expected "));
    BOOST_TEST(message_of(R"({"max_new_tokens":-3})").starts_with("g.json: max_new_tokens: expected "));
}

BOOST_AUTO_TEST_CASE(strategies_that_would_change_the_text) {
    BOOST_TEST(message_of(R"({"no_repeat_ngram_size":3})") ==
               "g.json: no_repeat_ngram_size: expected 0 (this strategy is not supported), found 3");
    BOOST_TEST(
        message_of(
            R"({"no_repeat_ngram_size":0,"guidance_scale":1.0,"suppress_tokens":[],"bad_words_ids":null,"token_healing":false})") ==
        "no error");
    BOOST_TEST(message_of(R"({"guidance_scale":1.5})") ==
               "g.json: guidance_scale: expected 1 (this strategy is not supported), found 1.5");
    BOOST_TEST(message_of(R"({"suppress_tokens":[1]})") ==
               "g.json: suppress_tokens: expected null (this strategy is not supported), found an array of 1");
    BOOST_TEST(message_of(R"({"forced_eos_token_id":2})") ==
               "g.json: forced_eos_token_id: expected null (this strategy is not supported), found 2");
    BOOST_TEST(message_of(R"({"token_healing":true})") ==
               "g.json: token_healing: expected false (this strategy is not supported), found true");
}

BOOST_AUTO_TEST_CASE(a_call_wins_over_the_file) {
    const generation_config file = parse_generation_config_json(R"({"temperature":0.5,"eos_token_id":[2,68]})");
    generation_config call;
    call.temperature = 0.9;
    const generation_config merged = merge(file, call);
    BOOST_TEST(merged.temperature.value() == 0.9);
    BOOST_TEST(merged.eos_token_id.value() == (ids{2, 68}));
}

BOOST_AUTO_TEST_SUITE_END()
