// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/unicode_class.hpp>

#include <boost/test/unit_test.hpp>

#include <array>
#include <string_view>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(unicode_classes)

BOOST_AUTO_TEST_CASE(counts_are_those_of_unicode_16) {
    // Numbers of code points that Hugging Face tokenizers 0.23.3 matches with each pattern, counted over all of Unicode.
    const std::pair<unicode_mask, std::size_t> expected[] = {
        {*category_mask("Lu"), 1858}, {*category_mask("Ll"), 2258},   {*category_mask("Lt"), 31},
        {*category_mask("Lm"), 404},  {*category_mask("Lo"), 136477}, {*category_mask("M"), 2501},
        {*category_mask("N"), 1911},  {*category_mask("L"), 141028},  {masks::space, 25},
        {*category_mask("Nd"), 760},  {*category_mask("P"), 855},     {*category_mask("S"), 8514},
        {*category_mask("Z"), 19}};
    for (const auto& [mask, count] : expected) {
        std::size_t found = 0;
        for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) found += in_mask(code, mask) ? 1 : 0;
        BOOST_TEST(found == count);
    }
}

BOOST_AUTO_TEST_CASE(single_characters) {
    BOOST_TEST((class_of('A') == unicode_class::Lu));
    BOOST_TEST((class_of(0x1C5) == unicode_class::Lt));
    BOOST_TEST((class_of(0x10D50) == unicode_class::Lu)); // Garay, Unicode 16
    BOOST_TEST((class_of(0xA7CE) == unicode_class::Cn));  // Unicode 17
    BOOST_TEST((class_of(0xD800) == unicode_class::Cs));
    BOOST_TEST((class_of(0x10FFFF) == unicode_class::Cn));
    BOOST_TEST(in_mask(0x85, masks::space));
    BOOST_TEST(!in_mask(0x200B, masks::space));
    BOOST_TEST(in_mask(0x24B6, masks::word));
    BOOST_TEST(in_mask(0x200D, masks::word));
    BOOST_TEST(!in_mask(0xB2, masks::word));
    BOOST_TEST(!category_mask("Han").has_value());
}

BOOST_AUTO_TEST_SUITE_END()
