// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/value_format.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

using apertus::json_style;
using apertus::to_json_text;
using apertus::to_repr;
using apertus::value;
using apertus::value_map;

BOOST_AUTO_TEST_SUITE(text_value_format)

// Expected strings are CPython's.
BOOST_AUTO_TEST_CASE(floats) {
    const auto s = [](double d) { return to_string(value(d)); };
    BOOST_TEST(s(1) == "1.0");
    BOOST_TEST(s(-0.0) == "-0.0");
    BOOST_TEST(s(0.1) == "0.1");
    BOOST_TEST(s(1e-5) == "1e-05");
    BOOST_TEST(s(1e-7) == "1e-07");
    BOOST_TEST(s(0.0001) == "0.0001");
    BOOST_TEST(s(1e15) == "1000000000000000.0");
    BOOST_TEST(s(1e16) == "1e+16");
    BOOST_TEST(s(1.5e300) == "1.5e+300");
    BOOST_TEST(s(5e-324) == "5e-324");
    BOOST_TEST(s(123456.789) == "123456.789");
    BOOST_TEST(s(0.1 + 0.2) == "0.30000000000000004");
    BOOST_TEST(s(std::numeric_limits<double>::infinity()) == "inf");
    BOOST_TEST(s(-std::numeric_limits<double>::infinity()) == "-inf");
    BOOST_TEST(s(std::nan("")) == "nan");
}

BOOST_AUTO_TEST_CASE(strings_and_containers) {
    BOOST_TEST(to_string(value("a'b")) == "a'b");
    BOOST_TEST(to_repr(value("a'b")) == "\"a'b\"");
    BOOST_TEST(to_repr(value("a'\"b")) == "'a\\'\"b'");
    BOOST_TEST(to_repr(value("\n\t\x01\x7f\\é\u200b\U0001f600")) == "'\\n\\t\\x01\\x7f\\\\é\\u200b😀'");
    BOOST_TEST(to_repr(value("\xff")) == "'\\udcff'");
    BOOST_TEST(to_string(value::list({1, "x", nullptr, true, 1.0})) == "[1, 'x', None, True, 1.0]");
    BOOST_TEST(to_string(value::tuple({1})) == "(1,)");
    BOOST_TEST(to_string(value(value_map{{"a", value::list()}, {2, value(value_map())}})) == "{'a': [], 2: {}}");
    BOOST_TEST(to_string(value()) == "");
}

BOOST_AUTO_TEST_CASE(json) {
    const value v(value_map{{"b", value::list({1, 2.0, nullptr})}, {"a", "é\"\n\x1f/"}, {1, true}});
    BOOST_TEST(to_json_text(v).bytes() == "{\"b\": [1, 2.0, null], \"a\": \"é\\\"\\n\\u001f/\", \"1\": true}");
    json_style style;
    style.ensure_ascii = true;
    BOOST_TEST(to_json_text(value("é😀\x7f"), style).bytes() == "\"\\u00e9\\ud83d\\ude00\\u007f\"");
    style = {};
    style.pretty = true;
    style.indent = "  ";
    style.item_separator = ",";
    BOOST_TEST(to_json_text(value(value_map{{"a", value::list({1, 2})}, {"e", value::list()}}), style).bytes() ==
               "{\n  \"a\": [\n    1,\n    2\n  ],\n  \"e\": []\n}");
    style = {};
    style.sort_keys = true;
    BOOST_TEST(to_json_text(value(value_map{{"b", 1}, {"a", 2}}), style).bytes() == "{\"a\": 2, \"b\": 1}");
    BOOST_TEST(to_json_text(value(std::nan(""))).bytes() == "NaN");
    BOOST_CHECK_THROW(static_cast<void>(to_json_text(value())), apertus::error);
}

BOOST_AUTO_TEST_CASE(json_keeps_marks) {
    const apertus::marked_text text = to_json_text(value(value_map{{"k", value::user_text("a\"<|x|>")}}));
    BOOST_TEST(text.bytes() == "{\"k\": \"a\\\"<|x|>\"}");
    BOOST_TEST(text.user_ranges().size() == 1U);
    BOOST_TEST(text.bytes().substr(text.user_ranges()[0].begin,
                                   text.user_ranges()[0].end - text.user_ranges()[0].begin) == "a\\\"<|x|>");
}

/// A value that shares its parts is small, but what it prints is not.
BOOST_AUTO_TEST_CASE(shared_parts_do_not_explode) {
    value v = "x";
    for (int i = 0; i < 60; ++i) v = value::list({v, v});
    BOOST_CHECK_THROW(static_cast<void>(to_repr(v)), apertus::error);
    BOOST_CHECK_THROW(static_cast<void>(to_json_text(v)), apertus::error);
}

BOOST_AUTO_TEST_SUITE_END()
