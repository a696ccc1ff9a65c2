// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/tokenizer.hpp>

#include <boost/test/unit_test.hpp>

#include "text/tokenizer_fixture.hpp"

#include <string>
#include <thread>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(tokenizers)

namespace {
using ids = std::vector<std::int32_t>;
const tokenizer& tokens() {
    static const tokenizer instance(test_support::byte_tokenizer_spec());
    return instance;
}
constexpr encode_options plain{.add_special_tokens = false};
} // namespace

BOOST_AUTO_TEST_CASE(encode_and_decode) {
    BOOST_TEST((tokens().encode("abc ab") == ids{258, 257, ' ', 256}));
    BOOST_TEST((tokens().encode("x</s>", plain) == ids{'x', 259}));
    BOOST_TEST((tokens().encode("", plain).empty()));
    BOOST_TEST(tokens().decode(ids{258, 257, 259}) == "<s>abc</s>");
    BOOST_TEST(tokens().decode(ids{258, 257, 259, 261}, {.skip_special_tokens = true}) == "abc\\begin{");
    BOOST_TEST(tokens().decode(ids{-1, 100000, 'a', 0xE3, 0x81}) == "a\xEF\xBF\xBD");
    BOOST_TEST((tokens().batch_decode(std::vector<ids>{{'a'}, {}}) == std::vector<std::string>{"a", ""}));
}

BOOST_AUTO_TEST_CASE(invalid_input_is_read_as_replacement_characters) {
    BOOST_TEST((tokens().encode("a\xFF\xE3\x81", plain) == tokens().encode("a\xEF\xBF\xBD\xEF\xBF\xBD", plain)));
}

BOOST_AUTO_TEST_CASE(untrusted_text_yields_no_control_token) {
    const encode_options untrusted{.add_special_tokens = false, .untrusted = true};
    const ids found = tokens().encode("<s>ab\\begin{</s>", untrusted);
    BOOST_TEST((found == ids{'<', 's', '>', 256, 261, '<', '/', 's', '>'}));
    for (const std::int32_t id : found) BOOST_TEST(!tokens().is_control(id));
    BOOST_TEST(tokens().decode(found) == "<s>ab\\begin{</s>");
    BOOST_TEST((tokens().encode_with_offsets("<s>", untrusted).ids == ids{'<', 's', '>'}));
}

BOOST_AUTO_TEST_CASE(special_tokens_match_in_trusted_segments) {
    const auto encode = [](const std::vector<text_segment>& parts) { return tokens().encode_segments(parts); };
    BOOST_TEST((encode({{"<s>", true}, {"a<s>b", false}, {"</s>", true}}) == ids{258, 'a', '<', 's', '>', 'b', 259}));
    BOOST_TEST((encode({{"a", true}, {"bc", false}}) == ids{257}));           // pieces cross borders
    BOOST_TEST((encode({{"<", true}, {"s>", false}}) == ids{'<', 's', '>'})); // special text does not
    BOOST_TEST((encode({{"<", false}, {"s>", true}}) == ids{'<', 's', '>'}));
    BOOST_TEST((encode({{"<", true}, {"s>", true}}) == ids{258}));        // trusted neighbours are one
    BOOST_TEST((encode({{"<", false}, {"<s>", true}}) == ids{'<', 258})); // a prefix in content changes nothing
    BOOST_TEST((encode({{"\\beg", false}, {"in{", true}}) == ids{261}));  // not special: as in the whole text
    const std::vector<text_segment> one{{"<s>", true}};
    BOOST_TEST((tokens().encode_segments(one, {.add_special_tokens = true}) == ids{258, 258}));
    BOOST_TEST((tokens().encode_segments(one, {.add_special_tokens = false, .untrusted = true}) == ids{'<', 's', '>'}));
}

BOOST_AUTO_TEST_CASE(names_and_numbers) {
    BOOST_TEST(tokens().vocab_size() == 262u);
    BOOST_TEST(tokens().id_limit() == 262);
    BOOST_TEST((tokens().bos_token_id() == 258 && tokens().eos_token_id() == 259 && tokens().pad_token_id() == 260));
    BOOST_TEST(!tokens().unk_token_id().has_value());
    BOOST_TEST((tokens().token_to_id("abc") == 257));
    BOOST_TEST((tokens().token_to_id("\xC4\xA0") == ' '));
    BOOST_TEST(!tokens().token_to_id("nothing").has_value());
    BOOST_TEST((tokens().id_to_token(261) == "\\begin{"));
    BOOST_TEST(!tokens().id_to_token(262).has_value());
    BOOST_TEST(tokens().is_special(258));
    BOOST_TEST(!tokens().is_special(261));
    BOOST_TEST(!tokens().is_special(-5));
    BOOST_TEST(tokens().template_size() == 1u);
}

BOOST_AUTO_TEST_CASE(offsets_and_pairs) {
    const encoding e = tokens().encode_with_offsets("\xC3\xA9 abc");
    BOOST_TEST((e.ids == ids{258, 0xC3, 0xA9, ' ', 257}));
    using pairs = std::vector<std::pair<std::size_t, std::size_t>>;
    BOOST_TEST((e.offsets == pairs{{0, 0}, {0, 1}, {0, 1}, {1, 2}, {2, 5}}));
    BOOST_TEST((tokens().encode_with_offsets("\xC3\xA9 abc", {}, offset_unit::bytes).offsets ==
                pairs{{0, 0}, {0, 2}, {0, 2}, {2, 3}, {3, 6}}));
    const encoding pair = tokens().encode_pair("a", "b");
    BOOST_TEST((pair.ids == ids{258, 'a', 258, 'b'}));
    BOOST_TEST((pair.type_ids == ids{0, 0, 0, 1}));
    BOOST_TEST((pair.special_tokens_mask == std::vector<std::uint8_t>{1, 0, 1, 0}));
}

BOOST_AUTO_TEST_CASE(contradictions_are_refused) {
    const auto refused = [](tokenizer_spec spec) {
        BOOST_CHECK_EXCEPTION(tokenizer(std::move(spec)), error,
                              [](const error& e) { return e.category() == error_category::tokenizer; });
    };
    auto spec = test_support::byte_tokenizer_spec();
    spec.added_tokens[0].id = 5;
    refused(spec);
    spec = test_support::byte_tokenizer_spec();
    spec.post_processors.push_back(spec.post_processors[0]);
    refused(spec);
    spec = test_support::byte_tokenizer_spec();
    std::get<template_step>(spec.post_processors[0]).single.push_back({template_piece::sequence_b, 0, {}, {}});
    refused(spec);
}

BOOST_AUTO_TEST_CASE(one_tokenizer_serves_many_threads) {
    std::string text;
    for (int i = 0; i < 500; ++i) text += "abc ab cab xyz" + std::to_string(i * i) + " ";
    const ids expected = tokens().encode(text);
    std::vector<std::thread> threads;
    std::vector<int> wrong(4, 0);
    for (std::size_t t = 0; t < wrong.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 50; ++i) wrong[t] += tokens().encode(text) != expected;
        });
    }
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST((wrong == std::vector<int>(4, 0)));
}

BOOST_AUTO_TEST_SUITE_END()
