// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/normalizer_text.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace apertus;
using detail::aligned_text;
using detail::origin_range;

BOOST_AUTO_TEST_SUITE(normalizer_text)

BOOST_AUTO_TEST_CASE(a_part_knows_its_characters) {
    const aligned_text text("a\xC3\xA9", 10, true);
    BOOST_TEST((text.range(0, 1) == origin_range{10, 11}));
    BOOST_TEST((text.range(1, 3) == origin_range{11, 13}));
    BOOST_TEST((text.range(2, 3) == origin_range{11, 13})); // half a character is the character
    BOOST_TEST(aligned_text("ab", 0, false).origin.empty());
}

BOOST_AUTO_TEST_CASE(edits_keep_the_origin) {
    aligned_text text("abcd", 0, true);
    text.replace({{1, 3}}, "XYZ");
    BOOST_TEST(text.text == "aXYZd");
    BOOST_TEST((text.range(1, 4) == origin_range{2, 3})); // the origin of the last byte replaced
    text.prepend("> ");
    BOOST_TEST((text.range(0, 2) == origin_range{0, 1}));
    text.keep(2, 6);
    BOOST_TEST(text.text == "aXYZ");
    BOOST_TEST(text.origin.size() == 4u);
    text.transform({{'b', 0}, {0x301, 1}, {'c', -2}});
    BOOST_TEST(text.text == "b\xCC\x81"
                            "c");
    BOOST_TEST((text.range(1, 3) == origin_range{0, 1}));
    BOOST_TEST((text.range(3, 4) == origin_range{2, 3}));
}

BOOST_AUTO_TEST_SUITE_END()
