// SPDX-License-Identifier: Apache-2.0
#include <apertus/run/value_json.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using apertus::to_json;
using apertus::value;
using apertus::value_from_json;

BOOST_AUTO_TEST_SUITE(run_value_json)

BOOST_AUTO_TEST_CASE(round_trip) {
    for (const char* text : {"null", "true", "-5", "9223372036854775807", "-9223372036854775808", "1.0", "1e+16",
                             "\"é\\n\"", "[]", "{}", "{\"b\": [1, {\"a\": null}], \"a\": \"x\"}"}) {
        BOOST_TEST(to_json(value_from_json(text)) == text);
    }
    BOOST_TEST(to_json(value_from_json("{\"a\":1,\"b\":2,\"a\":3}")) == "{\"a\": 3, \"b\": 2}");
}

BOOST_AUTO_TEST_CASE(origin) {
    BOOST_TEST(value_from_json("\"x\"").as_text().from_user(0));
    BOOST_TEST(!value_from_json("\"x\"", "doc", apertus::text_origin::host).as_text().from_user(0));
    BOOST_TEST(value_from_json("{\"k\": 1}").as_map()[0].first.as_text().from_user(0));
}

BOOST_AUTO_TEST_CASE(refusals) {
    std::string deep;
    for (int i = 0; i < 100000; ++i) deep += '[';
    for (const std::string& text : {std::string("{"), std::string("[1,]"), std::string(""), std::string("\"\xff\""),
                                    std::string("9223372036854775808"), std::string("-9223372036854775809"),
                                    std::string("123456789012345678901234567890"), std::string("1 2"), deep}) {
        BOOST_CHECK_EXCEPTION(static_cast<void>(value_from_json(text, "my file")), apertus::error,
                              [](const apertus::error& e) {
                                  return e.category() == apertus::error_category::format &&
                                         std::string(e.what()).starts_with("my file: ");
                              });
    }
}

BOOST_AUTO_TEST_SUITE_END()
