// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/bpe_alphabet.hpp>

#include <boost/test/unit_test.hpp>

#include <string>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(bpe_alphabet)

BOOST_AUTO_TEST_CASE(every_byte_goes_there_and_back) {
    std::string all;
    for (int b = 0; b < 256; ++b) all += static_cast<char>(static_cast<unsigned char>(b));
    std::string spelled, back;
    detail::append_alphabet_text(spelled, all);
    BOOST_TEST(is_valid_utf8(spelled));
    BOOST_TEST(utf8_length(spelled) == 256u);
    BOOST_TEST(detail::append_alphabet_bytes(back, spelled));
    BOOST_TEST((back == all));
    std::size_t size = 0;
    for (const char b : all) size += detail::alphabet_size(b);
    BOOST_TEST(size == spelled.size());
}

BOOST_AUTO_TEST_CASE(known_spellings) {
    std::string out;
    detail::append_alphabet_text(out, " a\n\xAD");
    BOOST_TEST(out == "\xC4\xA0"
                      "a\xC4\x8A\xC5\x83");
    out = "kept";
    BOOST_TEST(!detail::append_alphabet_bytes(out, "a b"));
    BOOST_TEST(!detail::append_alphabet_bytes(out, "\xE3\x81\x82"));
    BOOST_TEST(out == "kept");
}

BOOST_AUTO_TEST_SUITE_END()
