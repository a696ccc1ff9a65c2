// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/streaming_decoder.hpp>

#include <boost/test/unit_test.hpp>

#include "text/tokenizer_fixture.hpp"

#include <random>
#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(streaming_decoders)

BOOST_AUTO_TEST_CASE(characters_are_never_split) {
    const tokenizer tokens(test_support::byte_tokenizer_spec());
    streaming_decoder decoder(tokens);
    BOOST_TEST(decoder.push('a') == "a");
    BOOST_TEST(decoder.push(0xF0) == "");
    BOOST_TEST(decoder.push(0x9F) == "");
    BOOST_TEST(decoder.push(0x98) == "");
    BOOST_TEST(decoder.push(0x80) == "\xF0\x9F\x98\x80");
    BOOST_TEST(decoder.push(0xE3) == "");
    BOOST_TEST(decoder.push('b') == "\xEF\xBF\xBD"
                                    "b");
    BOOST_TEST(decoder.push(0xE3) == "");
    BOOST_TEST(decoder.flush() == "\xEF\xBF\xBD");
    BOOST_TEST(decoder.flush() == "");
    streaming_decoder skipping(tokens, {.skip_special_tokens = true});
    BOOST_TEST(skipping.push(258) == "");
    BOOST_TEST(skipping.push(261) == "\\begin{");
}

BOOST_AUTO_TEST_CASE(the_pieces_joined_are_decode) {
    auto spec = test_support::byte_tokenizer_spec();
    std::mt19937 random(3);
    for (const decoder_kind kind : {decoder_kind::byte_level, decoder_kind::none, decoder_kind::fuse}) {
        spec.decoder = kind;
        const tokenizer tokens(spec);
        for (int round = 0; round < 3000; ++round) {
            std::vector<std::int32_t> ids(random() % 12);
            for (auto& id : ids)
                id = static_cast<std::int32_t>(random() % 4 == 0 ? random() % 270 : 0x80 + random() % 0x80);
            const decode_options options{.skip_special_tokens = round % 2 == 0};
            streaming_decoder decoder(tokens, options);
            std::string text;
            for (const std::int32_t id : ids) {
                const std::string_view piece = decoder.push(id);
                BOOST_REQUIRE(is_valid_utf8(piece));
                text += piece;
            }
            text += decoder.flush();
            BOOST_REQUIRE(text == tokens.decode(ids, options));
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
