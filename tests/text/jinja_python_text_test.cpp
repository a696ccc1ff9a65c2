// SPDX-License-Identifier: Apache-2.0
//
// Python's str on UTF-8. Expected values are CPython 3.11's.
#include <apertus/text/jinja/python_text.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace apertus::detail::jinja;
using apertus::marked_text;

namespace {

std::string cased(std::string_view text, letter_case to) {
    return change_case(marked_text(std::string(text)), to).bytes();
}

std::vector<std::string> strings(const std::vector<apertus::value>& values) {
    std::vector<std::string> out;
    for (const apertus::value& v : values) out.emplace_back(v.as_string());
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_jinja_python_text)

BOOST_AUTO_TEST_CASE(characters) {
    BOOST_TEST(count_code_points("aé東😀") == 4U);
    BOOST_TEST(count_code_points("a\xff\xe6\x9d") == 4U); // each invalid byte is one
    BOOST_TEST(byte_of_code_point("aé東😀", 3) == 6U);
    BOOST_TEST(byte_of_code_point("aé", 9) == 3U);
    BOOST_TEST(previous_code_point("a😀", 5) == 1U);
    BOOST_TEST(previous_code_point("\x80\x80", 2) == 1U);
    BOOST_TEST(!decode_utf8("\xed\x9f", 0).valid);
    BOOST_TEST(!decode_utf8("\xc0\x80", 0).valid);
    BOOST_TEST(!decode_utf8("\xf4\x90\x80\x80", 0).valid);
    for (const char32_t c : {U'a', U'é', U'東', U'\U0001f600', U'\U0010ffff'}) {
        std::string out;
        append_utf8(out, c);
        BOOST_TEST((decode_utf8(out, 0).value == c));
        BOOST_TEST(decode_utf8(out, 0).length == out.size());
    }
}

BOOST_AUTO_TEST_CASE(cases) {
    BOOST_TEST(cased("straße ŉ ǆ ﬃ", letter_case::upper) == "STRASSE ʼN Ǆ FFI");
    BOOST_TEST(cased("ΑΣ ΑΣΑ Σ A.Σ", letter_case::lower) == "ας ασα σ a.ς");
    BOOST_TEST(cased("İ", letter_case::lower) == "i̇");
    BOOST_TEST(cased("\xff", letter_case::upper) == "\xff");
    BOOST_TEST(capitalize_text(marked_text("ǆ ÀB")).bytes() == "ǅ àb");
    BOOST_TEST(title_text(marked_text("they're bill's 3rd")).bytes() == "They'Re Bill'S 3Rd");
    BOOST_TEST(has_case("ABC 1", true));
    BOOST_TEST(!has_case("123", true));
    BOOST_TEST(!has_case("Abc", false));
    BOOST_TEST(has_case("ǆ", false));
    BOOST_TEST(!has_case("ǅ", true)); // title case is neither
}

BOOST_AUTO_TEST_CASE(stripping_and_splitting) {
    BOOST_TEST(strip_text(marked_text("\u3000 a b\u2028"), nullptr, strip_side::both).bytes() == "a b");
    const std::string_view chars = "éx";
    BOOST_TEST(strip_text(marked_text("xéaéx"), &chars, strip_side::left).bytes() == "aéx");
    const std::string_view comma = ",";
    BOOST_TEST(strings(split_text(marked_text("a,b,,c"), &comma, -1, false)) ==
                   (std::vector<std::string>{"a", "b", "", "c"}),
               boost::test_tools::per_element());
    BOOST_TEST(strings(split_text(marked_text("a,b,,c"), &comma, 1, true)) == (std::vector<std::string>{"a,b,", "c"}),
               boost::test_tools::per_element());
    BOOST_TEST(strings(split_text(marked_text("  a  b c "), nullptr, 1, false)) ==
                   (std::vector<std::string>{"a", "b c "}),
               boost::test_tools::per_element());
    BOOST_TEST(strings(split_text(marked_text("  a  b c "), nullptr, 1, true)) ==
                   (std::vector<std::string>{"  a  b", "c"}),
               boost::test_tools::per_element());
    BOOST_TEST(split_text(marked_text("   "), nullptr, -1, false).empty());
    BOOST_TEST(split_text(marked_text(""), &comma, -1, false).size() == 1U);
    const auto lines = split_lines(marked_text("a\r\nb\n\nc\u2028d"));
    BOOST_REQUIRE(lines.size() == 5U);
    BOOST_TEST(lines[4].bytes() == "d");
}

BOOST_AUTO_TEST_CASE(replacing) {
    work_budget budget(1000);
    const marked_text x("X");
    BOOST_TEST(replace_text(marked_text("éa"), "", x, -1, budget).bytes() == "XéXaX");
    BOOST_TEST(replace_text(marked_text("aaa"), "a", x, 2, budget).bytes() == "XXa");
    work_budget small(10);
    BOOST_CHECK_THROW((void)replace_text(marked_text(std::string(100, 'a')), "a", x, -1, small), apertus::error);
}

BOOST_AUTO_TEST_CASE(classes) {
    BOOST_TEST(is_alphabetic(U'ä'));
    BOOST_TEST(!is_alphabetic(U'1'));
    BOOST_TEST(is_alphanumeric(U'½'));
    BOOST_TEST(decimal_digit(U'٣') == 3);
    BOOST_TEST(decimal_digit(U'½') == -1);
    BOOST_TEST(is_space(U'\u00a0'));
    BOOST_TEST(!is_space(U'\u200b'));
    BOOST_TEST(in_ranges(unprintable_ranges, U'\u200b'));
}

BOOST_AUTO_TEST_SUITE_END()
