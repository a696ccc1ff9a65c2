// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/utf8.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(utf8)

namespace {
std::string lossy(std::string_view bytes) {
    std::string out;
    append_utf8_lossy(out, bytes);
    return out;
}
const std::string r(utf8_replacement);
} // namespace

BOOST_AUTO_TEST_CASE(every_code_point_goes_there_and_back) {
    for (std::uint32_t code = 0; code <= 0x10FFFF; ++code) {
        if (code >= 0xD800 && code < 0xE000) continue;
        std::string text;
        append_utf8(text, code);
        const utf8_character c = utf8_decode(text.data());
        if (c.code != code || c.size != text.size() || utf8_size(text[0]) != text.size() || !is_valid_utf8(text) ||
            utf8_previous(text, text.size()) != 0 || utf8_length(text) != 1) {
            BOOST_FAIL("code point " << code);
        }
    }
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(invalid_parts_are_replaced_as_rust_does) {
    // The cases of String::from_utf8_lossy and of the Unicode standard, table 3-8.
    BOOST_TEST(lossy("Hello \xC2 There\xFF Goodbye") == "Hello " + r + " There" + r + " Goodbye");
    BOOST_TEST(lossy("Hello \xC0\x80 There\xE6\x83 Goodbye") == "Hello " + r + r + " There" + r + " Goodbye");
    BOOST_TEST(lossy("\xF5"
                     "foo\xF5\x80"
                     "bar") == r + "foo" + r + r + "bar");
    BOOST_TEST(lossy("\xF1"
                     "foo\xF1\x80"
                     "bar\xF1\x80\x80"
                     "baz") == r + "foo" + r + "bar" + r + "baz");
    BOOST_TEST(lossy("\xF4"
                     "foo\xF4\x80"
                     "bar\xF4\xBF"
                     "baz") == r + "foo" + r + "bar" + r + r + "baz");
    BOOST_TEST(lossy("\xF0\x80\x80\x80"
                     "foo\xF0\x90\x80\x80"
                     "bar") == r + r + r + r +
                                   "foo\xF0\x90\x80\x80"
                                   "bar");
    BOOST_TEST(lossy("\xED\xA0\x80"
                     "foo\xED\xBF\xBF"
                     "bar") == r + r + r + "foo" + r + r + r + "bar");
    BOOST_TEST(lossy("\xE0\x9F\x80") == r + r + r);
    BOOST_TEST(lossy("a\xE3\x81") == "a" + r);
}

BOOST_AUTO_TEST_CASE(steps_say_what_is_cut_off) {
    BOOST_TEST(utf8_first("\xE3\x81").kind == utf8_step::truncated);
    BOOST_TEST(utf8_first("\xE3\x41").kind == utf8_step::invalid);
    BOOST_TEST(utf8_first("\xF0\x90\x80").size == 3);
    BOOST_TEST(utf8_valid_prefix("abcdefghijkl\x80mno") == 12u);
    std::string storage;
    const std::string_view good = "fine";
    BOOST_TEST(utf8_repaired(good, storage).data() == good.data());
    BOOST_TEST(utf8_repaired("\xFF", storage) == r);
}

BOOST_AUTO_TEST_SUITE_END()
