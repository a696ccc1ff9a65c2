// SPDX-License-Identifier: Apache-2.0
//
// The hand-written matchers against the regular-expression machine with the same pattern, on random text.
#include <apertus/text/pretokenize.hpp>

#include <apertus/text/pretokenize_regex.hpp>

#include <boost/test/unit_test.hpp>

#include "text/pretokenize_texts.hpp"

#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(pretokenize)

namespace {

std::vector<std::string> by_hand(known_pattern pattern, std::string_view text) {
    std::vector<std::string> out;
    for_each_piece(pattern, text, [&](std::string_view piece) { out.emplace_back(piece); });
    return out;
}

std::vector<std::string> by_machine(const text_matcher& matcher, std::string_view text) {
    std::vector<std::string> out;
    std::size_t done = 0;
    matcher.for_each_match(text, [&](std::size_t begin, std::size_t end) {
        if (begin != done) out.emplace_back(text.substr(done, begin - done));
        out.emplace_back(text.substr(begin, end - begin));
        done = end;
    });
    if (done != text.size()) out.emplace_back(text.substr(done));
    return out;
}

using strings = std::vector<std::string>;

} // namespace

BOOST_AUTO_TEST_CASE(pieces_of_the_known_patterns) {
    BOOST_TEST((by_hand(known_pattern::tekken, "HelloWorld it's 12\n\n  x") ==
                strings{"Hello", "World", " it", "'s", " ", "1", "2", "\n\n", " ", " x"}));
    BOOST_TEST(
        (by_hand(known_pattern::gpt2, "I'm  12 a_b\n\n") == strings{"I", "'m", " ", " 12", " a", "_", "b", "\n\n"}));
    BOOST_TEST(
        (by_hand(known_pattern::llama3, "DON'T 12345.\nx") == strings{"DON", "'T", " ", "123", "45", ".\n", "x"}));
    BOOST_TEST((by_hand(known_pattern::qwen2, "a12") == strings{"a", "1", "2"}));
    BOOST_TEST((by_hand(known_pattern::o200k, "We'LL a//\n12345") == strings{"We'LL", " a", "//\n", "123", "45"}));
    BOOST_TEST((by_hand(known_pattern::llama3, "a'\xC5\xBF") == strings{"a", "'\xC5\xBF"})); // a long s is an s
    BOOST_TEST((by_hand(known_pattern::tekken, "").empty()));
}

BOOST_AUTO_TEST_CASE(hand_matchers_equal_the_machine) {
    for (std::size_t i = 0; i < known_pattern_texts.size(); ++i) {
        const text_matcher matcher(text_pattern{std::string(known_pattern_texts[i]), true});
        test_support::text_maker make(static_cast<unsigned>(i + 1));
        for (int n = 0; n < 4000; ++n) {
            const std::string text = make();
            const auto hand = by_hand(static_cast<known_pattern>(i), text), machine = by_machine(matcher, text);
            if (hand != machine) BOOST_FAIL("pattern " << i << " differs on: " << text);
        }
    }
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_CASE(long_runs_are_linear) {
    for (const char* unit : {"a", "A", " ", "\n", "1", ".", "\xCC\x81", "\xE3\x81\x82", "aA", "'"}) {
        std::string text;
        while (text.size() < 2000000) text += unit;
        for (std::size_t i = 0; i < known_pattern_texts.size(); ++i) {
            std::size_t bytes = 0;
            for_each_piece(static_cast<known_pattern>(i), text, [&](std::string_view piece) { bytes += piece.size(); });
            BOOST_TEST(bytes == text.size());
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
