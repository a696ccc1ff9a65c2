// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/tokenizer_encoding.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(tokenizer_encoding)

namespace {
encoding one(std::vector<std::string> tokens, std::vector<std::pair<std::size_t, std::size_t>> offsets) {
    encoding e;
    e.ids.assign(tokens.size(), 7);
    e.type_ids.assign(tokens.size(), 0);
    e.special_tokens_mask.assign(tokens.size(), 0);
    e.tokens = std::move(tokens);
    e.offsets = std::move(offsets);
    return e;
}
using pairs = std::vector<std::pair<std::size_t, std::size_t>>;
} // namespace

BOOST_AUTO_TEST_CASE(spaces_leave_the_offsets) {
    encoding e =
        one({"\xC4\xA0Hello", "\xC4\xA0\xC4\xA0there", "\xC4\xA0", "you "}, {{0, 6}, {6, 13}, {13, 14}, {14, 18}});
    detail::trim_offsets(e, false);
    BOOST_TEST((e.offsets == pairs{{1, 6}, {8, 13}, {14, 14}, {14, 17}}));
    encoding kept = one({"\xC4\xA0Hello"}, {{0, 5}});
    detail::trim_offsets(kept, true); // the space was put there
    BOOST_TEST((kept.offsets == pairs{{0, 5}}));
}

BOOST_AUTO_TEST_CASE(code_points) {
    const detail::codepoint_index index("a\xC3\xA9z");
    BOOST_TEST((index(0, 1) == std::pair<std::size_t, std::size_t>{0, 1}));
    BOOST_TEST((index(1, 3) == std::pair<std::size_t, std::size_t>{1, 2}));
    BOOST_TEST((index(3, 4) == std::pair<std::size_t, std::size_t>{2, 3}));
}

BOOST_AUTO_TEST_CASE(templates) {
    const template_piece a{template_piece::sequence_a, 0, {}, {}}, b{template_piece::sequence_b, 1, {}, {}};
    const template_piece two{template_piece::special, 1, {1, 2}, {"x", "y"}};
    const std::vector<post_processor_step> steps = {template_step{{two, a}, {a, two, b}}};
    const encoding single = detail::post_process(steps, {one({"t"}, {{0, 1}})}, true);
    BOOST_TEST((single.ids == std::vector<std::int32_t>{1, 2, 7}));
    BOOST_TEST((single.special_tokens_mask == std::vector<std::uint8_t>{1, 1, 0}));
    const encoding pair = detail::post_process(steps, {one({"t"}, {{0, 1}}), one({"u"}, {{0, 1}})}, true);
    BOOST_TEST((pair.type_ids == std::vector<std::int32_t>{0, 1, 1, 1}));
    BOOST_TEST((detail::post_process(steps, {one({"t"}, {{0, 1}})}, false).ids == std::vector<std::int32_t>{7}));
    BOOST_TEST((detail::post_process({}, {one({"t"}, {{0, 1}}), one({"u"}, {{0, 1}})}, true).size() == 2u));
}

BOOST_AUTO_TEST_SUITE_END()
