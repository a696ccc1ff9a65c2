// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/pretokenize_steps.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(pretokenize_steps)

namespace {
using strings = std::vector<std::string>;
strings pieces(const std::vector<pre_tokenizer_step>& steps, std::string_view text) {
    strings out;
    pre_tokenizer(steps).split(text, [&](std::string_view piece, std::size_t, bool) { out.emplace_back(piece); });
    return out;
}
strings cut(split_behavior behavior, bool invert = false) {
    return pieces({split_step{{"-", false}, behavior, invert}}, "the-final--countdown");
}
} // namespace

BOOST_AUTO_TEST_CASE(split_behaviors) { // the example in Hugging Face's documentation of SplitDelimiterBehavior
    BOOST_TEST((cut(split_behavior::removed) == strings{"the", "final", "countdown"}));
    BOOST_TEST((cut(split_behavior::isolated) == strings{"the", "-", "final", "-", "-", "countdown"}));
    BOOST_TEST((cut(split_behavior::merged_with_previous) == strings{"the-", "final-", "-", "countdown"}));
    BOOST_TEST((cut(split_behavior::merged_with_next) == strings{"the", "-final", "-", "-countdown"}));
    BOOST_TEST((cut(split_behavior::contiguous) == strings{"the", "-", "final", "--", "countdown"}));
    BOOST_TEST((cut(split_behavior::removed, true) == strings{"-", "-", "-"}));
}

BOOST_AUTO_TEST_CASE(digits_and_bytes) {
    BOOST_TEST((pieces({digits_step{true}}, "a12b") == strings{"a", "1", "2", "b"}));
    BOOST_TEST((pieces({digits_step{false}}, "a12b") == strings{"a", "12", "b"}));
    BOOST_TEST((pieces({byte_level_step{true, true, true}}, "a b") == strings{" a", " b"}));
    BOOST_TEST((pieces({byte_level_step{false, true, false}}, "a b") == strings{"a b"}));
    BOOST_TEST((pieces({digits_step{false}, byte_level_step{true, true, true}}, "a 1") == strings{" a", " ", " 1"}));
    BOOST_TEST((pieces({}, "a b") == strings{"a b"}));
    BOOST_TEST((pieces({}, "").empty()));
    BOOST_TEST(pre_tokenizer({byte_level_step{}}).byte_level());
    BOOST_CHECK_THROW(pre_tokenizer({byte_level_step{}, digits_step{}}), error);
}

BOOST_AUTO_TEST_CASE(places_of_pieces) {
    std::vector<std::pair<std::size_t, bool>> found;
    pre_tokenizer({digits_step{true}, byte_level_step{true, true, false}})
        .split("ab1 c", [&](std::string_view, std::size_t at, bool inserted) { found.emplace_back(at, inserted); });
    BOOST_TEST((found == std::vector<std::pair<std::size_t, bool>>{{0, true}, {2, true}, {3, false}}));
}

BOOST_AUTO_TEST_SUITE_END()
