// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/padding.hpp>

#include <boost/test/unit_test.hpp>

#include "text/tokenizer_fixture.hpp"

#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(padding)

namespace {
using ids = std::vector<std::int32_t>;
using bits = std::vector<std::uint8_t>;
const std::vector<std::string_view> texts = {"abc", "x y z"};
} // namespace

BOOST_AUTO_TEST_CASE(sides_and_lengths) {
    const tokenizer tokens(test_support::byte_tokenizer_spec());
    const token_batch right = batch_encode(tokens, texts);
    BOOST_TEST((right.rows == 2 && right.columns == 6));
    BOOST_TEST((right.input_ids == ids{258, 257, 260, 260, 260, 260, 258, 'x', ' ', 'y', ' ', 'z'}));
    BOOST_TEST((right.attention_mask == bits{1, 1, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1}));
    const token_batch left = batch_encode(tokens, texts, {.padding_side = text_side::left});
    BOOST_TEST((ids(left.row(0).begin(), left.row(0).end()) == ids{260, 260, 260, 260, 258, 257}));
    BOOST_TEST((bits(left.mask(0).begin(), left.mask(0).end()) == bits{0, 0, 0, 0, 1, 1}));
    BOOST_TEST(batch_encode(tokens, texts, {.pad_to = 9}).columns == 9u);
    BOOST_TEST(batch_encode(tokens, texts, {.pad_to_multiple_of = 4}).columns == 8u);
    auto spec = test_support::byte_tokenizer_spec();
    spec.padding_side = "left";
    BOOST_TEST((batch_encode(tokenizer(spec), texts).attention_mask[0] == 0));
    BOOST_TEST(batch_encode(tokens, {}).columns == 0u);
}

BOOST_AUTO_TEST_CASE(truncation_keeps_the_template) {
    const tokenizer tokens(test_support::byte_tokenizer_spec());
    const std::vector<std::string_view> one = {"x y z"};
    BOOST_TEST((batch_encode(tokens, one, {.max_length = 3}).input_ids == ids{258, 'x', ' '}));
    BOOST_TEST((batch_encode(tokens, one, {.max_length = 3, .truncation_side = text_side::left}).input_ids ==
                ids{258, ' ', 'z'}));
    BOOST_CHECK_THROW((void)batch_encode(tokens, one, {.max_length = 0}), error);
}

BOOST_AUTO_TEST_CASE(padding_needs_a_token) {
    auto spec = test_support::byte_tokenizer_spec();
    spec.pad_token.reset();
    const tokenizer tokens(spec);
    BOOST_CHECK_THROW((void)batch_encode(tokens, texts), error);
    BOOST_TEST(batch_encode(tokens, texts, {.pad_token_id = 5}).input_ids[5] == 5);
}

BOOST_AUTO_TEST_SUITE_END()
