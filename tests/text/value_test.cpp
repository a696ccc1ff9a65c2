// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/value.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using apertus::value;
using apertus::value_map;

BOOST_AUTO_TEST_SUITE(text_value)

BOOST_AUTO_TEST_CASE(kinds) {
    BOOST_TEST(value().is_undefined());
    BOOST_TEST(value().is_missing());
    BOOST_TEST(!value::undefined("why").is_missing());
    BOOST_TEST(value::undefined("why").undefined_message() == "why");
    BOOST_TEST(value(nullptr).is_none());
    BOOST_TEST(value(true).is_boolean());
    BOOST_TEST(value(3).as_integer() == 3);
    BOOST_TEST(value(2.5).as_double() == 2.5);
    BOOST_TEST(value("é").as_string() == "é");
    BOOST_TEST(value::list({1, "a"}).items().size() == 2U);
    BOOST_TEST(value::tuple({1}).is_tuple());
    BOOST_TEST(value(value_map{{"k", 1}}).get("k").as_integer() == 1);
    BOOST_TEST(value(value_map{{"k", 1}}).get("q").is_undefined());
    BOOST_TEST(value(5).get("q").is_undefined());
}

BOOST_AUTO_TEST_CASE(equality_is_pythons) {
    BOOST_TEST((value(1) == value(1.0)));
    BOOST_TEST((value(1) == value(true)));
    BOOST_TEST(!(value(1) == value("1")));
    BOOST_TEST(!(value(nullptr) == value()));
    BOOST_TEST((value::list({1, 2}) == value::list({1.0, 2})));
    BOOST_TEST(!(value::list({1}) == value::tuple({1})));
    BOOST_TEST((value(value_map{{"a", 1}, {"b", 2}}) == value(value_map{{"b", 2}, {"a", 1}})));
    BOOST_TEST(!(value(std::nan("")) == value(std::nan(""))));
    // exact where a double is not
    constexpr std::int64_t big = 9007199254740993;
    BOOST_TEST(!(value(big) == value(9007199254740992.0)));
    BOOST_TEST(!(value(std::numeric_limits<std::int64_t>::max()) == value(9223372036854775808.0)));
}

BOOST_AUTO_TEST_CASE(map_keeps_order_and_finds) {
    value_map map;
    for (int i = 0; i < 1000; ++i) map.set(value("key" + std::to_string(i)), value(i));
    BOOST_TEST(map.size() == 1000U);
    for (int i = 0; i < 1000; ++i) {
        BOOST_TEST(map.find("key" + std::to_string(i))->as_integer() == i);
        BOOST_TEST(map[static_cast<std::size_t>(i)].first.as_string() == "key" + std::to_string(i));
    }
    BOOST_TEST(map.find("key1000") == nullptr);
    map.set("key5", value("new"));
    BOOST_TEST(map.size() == 1000U);
    BOOST_TEST(map[5].second.as_string() == "new");
    map.erase("key0");
    BOOST_TEST(map.size() == 999U);
    BOOST_TEST(map.find("key0") == nullptr);
    BOOST_TEST(map.find("key999")->as_integer() == 999);
}

BOOST_AUTO_TEST_CASE(equal_numbers_are_one_key) {
    value_map map;
    map.set(value(1), "int");
    map.set(value(true), "bool");
    map.set(value(1.0), "float");
    map.set(value(nullptr), "none");
    map.set(value::tuple({1, 2}), "tuple");
    BOOST_TEST(map.size() == 3U);
    BOOST_TEST(map[0].first.is_integer());
    BOOST_TEST(map.find_key(value(1.0))->as_string() == "float");
    BOOST_TEST(map.find_key(value::tuple({1.0, true})) == nullptr);
    BOOST_TEST(map.find_key(value::tuple({1.0, 2}))->as_string() == "tuple");
    for (int i = 10; i < 40; ++i) map.set(value(i), value(i)); // now hashed
    BOOST_TEST(map.find_key(value(20.0))->as_integer() == 20);
    BOOST_CHECK_THROW(map.set(value::list({}), value(1)), apertus::error);
}

BOOST_AUTO_TEST_CASE(nesting_is_bounded) {
    value v = value::list();
    const auto wrap = [&](int times) {
        for (int i = 0; i < times; ++i) v = value::list({v});
    };
    wrap(150);
    BOOST_TEST(v.depth() == 151U);
    BOOST_CHECK_THROW(wrap(100), apertus::error);
    BOOST_CHECK_THROW(value(value_map{{"x", v}}), apertus::error);
}

BOOST_AUTO_TEST_CASE(copies_share) {
    const value a = value::list({1, "text"});
    const value b = a;
    BOOST_TEST(a.same_as(b));
    BOOST_TEST(&a.items() == &b.items());
    value c = b;
    c = value(1);
    BOOST_TEST(b.items().size() == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
