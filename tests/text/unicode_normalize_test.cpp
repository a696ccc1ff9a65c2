// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/unicode_normalize.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(unicode_normalize)

namespace {
std::string edited(const std::vector<detail::text_edit>& edits, std::string_view from) {
    detail::aligned_text text(from, 0, true);
    text.transform(edits);
    return text.text;
}
std::string nfc(std::string_view text) { return edited(detail::normalization_edits(text, unicode_form::nfc), text); }
std::string nfd(std::string_view text) { return edited(detail::normalization_edits(text, unicode_form::nfd), text); }
std::string lower(std::string_view text) { return edited(detail::lowercase_edits(text), text); }
} // namespace

BOOST_AUTO_TEST_CASE(forms) { // from NormalizationTest.txt
    BOOST_TEST(nfc("e\xCC\x81") == "\xC3\xA9");
    BOOST_TEST(nfd("\xC3\xA9") == "e\xCC\x81");
    BOOST_TEST(nfc("\xE1\xB8\x8A\xCC\xA3") == "\xE1\xB8\x8C\xCC\x87"); // 1E0A 0323 -> 1E0C 0307
    BOOST_TEST(nfd("\xE1\xB8\x8A\xCC\xA3") == "D\xCC\xA3\xCC\x87");
    BOOST_TEST(nfc("\xE2\x84\xAB") == "\xC3\x85");                             // ANGSTROM SIGN
    BOOST_TEST(nfd("\xEA\xB0\x81") == "\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8"); // AC01
    BOOST_TEST(nfc("\xE1\x84\x80\xE1\x85\xA1\xE1\x86\xA8") == "\xEA\xB0\x81");
    BOOST_TEST(nfc("\xE0\xA5\x98") == "\xE0\xA4\x95\xE0\xA4\xBC"); // 0958 is excluded from composition
    BOOST_TEST(nfc("") == "");
    BOOST_TEST(nfc("plain") == "plain");
}

BOOST_AUTO_TEST_CASE(lower_case) {
    BOOST_TEST(lower("ABC xyz \xC3\x84\xD0\x96\xCE\xA3") == "abc xyz \xC3\xA4\xD0\xB6\xCF\x83");
    BOOST_TEST(lower("\xC4\xB0") == "i\xCC\x87");
    BOOST_TEST(lower("\xEA\x9F\x8E") == "\xEA\x9F\x8F"); // A7CE, Unicode 17
    BOOST_TEST(lower("\xC4\x80\xC4\x81") == "\xC4\x81\xC4\x81");
}

BOOST_AUTO_TEST_SUITE_END()
