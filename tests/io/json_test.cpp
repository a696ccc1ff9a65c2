// SPDX-License-Identifier: Apache-2.0
//
// The JSON door: order of keys, positions in errors, bounds on nesting, width and message length.
#include <apertus/io/json.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>

#include <string>

namespace {

std::string message_of(std::string_view text) {
    return error_message(apertus::error_category::format, [&] { (void)apertus::parse_json(text, "file.json"); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(json)

BOOST_AUTO_TEST_CASE(keeps_order_and_the_last_of_equal_keys) {
    const auto v = apertus::parse_json(R"({"b": 1, "a": 2, "b": 3})", "x");
    BOOST_TEST(v.dump() == R"({"b":3,"a":2})");
}

BOOST_AUTO_TEST_CASE(errors_name_line_and_column) {
    // The reason is the JSON library's own text, of which we assert only what its versions share.
    BOOST_TEST(message_of("{\n  \"a\": tru\n}")
                   .starts_with("file.json: line 2, column 11: syntax error while parsing value - invalid literal"));
    BOOST_TEST(message_of("").starts_with(
        "file.json: line 1, column 1: syntax error while parsing value - unexpected end of input"));
    BOOST_TEST(
        message_of("{\"a\": 1")
            .starts_with("file.json: line 1, column 8: syntax error while parsing object - unexpected end of input"));
    BOOST_TEST(message_of("[1]\n\n x").starts_with("file.json: line 3, column 2: syntax error while parsing value"));
    BOOST_TEST(message_of("\"\xff\"")
                   .starts_with("file.json: line 1, column 2: syntax error while parsing value - invalid string: "
                                "ill-formed UTF-8 byte"));
    BOOST_TEST(message_of("[1e999]").starts_with("file.json: line 1, column 6: number overflow"));
}

BOOST_AUTO_TEST_CASE(messages_are_bounded) {
    const std::string text = "{\"" + std::string(100'000, 'x') + "\x01";
    BOOST_TEST(message_of(text).size() < 400u);
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
    const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
    BOOST_TEST(message_of(nested(apertus::json_max_depth)) == "no error");
    BOOST_TEST(message_of(nested(apertus::json_max_depth + 1)) ==
               "file.json: line 1, column 129: expected nesting of at most 128, found deeper nesting");
    BOOST_TEST(message_of(nested(1'000'000)) ==
               "file.json: line 1, column 129: expected nesting of at most 128, found deeper nesting");
    BOOST_TEST(message_of(R"(["[[[[", "\"[[["])") == "no error");
}

BOOST_AUTO_TEST_CASE(wide_objects_are_bounded) {
    std::string text = "{";
    for (int i = 0; i < 100'000; ++i) text += "\"" + std::to_string(i) + "\":0,\n";
    text += "\"x\":0}";
    BOOST_TEST(message_of(text) ==
               "file.json: line 31623, column 10: expected an object of a few thousand members, found 31623 and more");
    std::string list = "[0"; // arrays are not quadratic
    for (int i = 0; i < 100'000; ++i) list += ",0";
    BOOST_TEST(message_of(list + "]") == "no error");
}

BOOST_AUTO_TEST_CASE(values_described_for_messages) {
    const auto v = apertus::parse_json(R"([null, true, 3, -2.5, "a\nb", [1, 2], {"a": 1}])", "x");
    std::string all;
    for (const auto& one : v) all += apertus::describe_json(one) + "; ";
    BOOST_TEST(all == "null; true; 3; -2.5; 'a\\x0ab'; an array of 2; an object; ");
}

BOOST_AUTO_TEST_SUITE_END()
