// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/added_tokens.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(added_tokens)

namespace {

added_token token(std::string content, bool single_word = false, bool lstrip = false, bool rstrip = false,
                  bool special = false) {
    added_token t;
    t.content = std::move(content);
    t.single_word = single_word;
    t.lstrip = lstrip;
    t.rstrip = rstrip;
    t.special = special;
    return t;
}

/// "text|<token>|text": tokens in angle brackets.
template <class Allowed>
std::string cut(const std::vector<added_token>& tokens, std::string_view text, const Allowed& allowed) {
    std::vector<detail::added_token_matcher::pattern> patterns;
    for (std::size_t i = 0; i < tokens.size(); ++i) patterns.push_back({tokens[i].content, i});
    std::string out;
    detail::added_token_matcher(patterns).split(
        text, tokens, allowed,
        [&](std::size_t begin, std::size_t end) {
            out.append("(").append(text.substr(begin, end - begin)).append(")");
        },
        [&](std::size_t, std::size_t begin, std::size_t end) {
            out.append("<").append(text.substr(begin, end - begin)).append(">");
        });
    return out;
}
std::string cut(const std::vector<added_token>& tokens, std::string_view text) {
    return cut(tokens, text, [](std::size_t, std::size_t, std::size_t) { return true; });
}

} // namespace

BOOST_AUTO_TEST_CASE(leftmost_longest) {
    BOOST_TEST(cut({token("ab"), token("abc"), token("b")}, "xabcab b") == "(x)<abc><ab>( )<b>");
    BOOST_TEST(cut({token("ab"), token("bc")}, "abc") == "<ab>(c)");
    BOOST_TEST(cut({token("aaa"), token("a")}, "aaaa") == "<aaa><a>");
    BOOST_TEST(cut({token("x")}, "") == "");
    BOOST_TEST(cut({}, "text") == "(text)");
}

BOOST_AUTO_TEST_CASE(flags) {
    BOOST_TEST(cut({token("fox", true)}, "fox foxes a_fox fox\xC3\xA9 fox!") ==
               "<fox>( foxes a_fox fox\xC3\xA9 )<fox>(!)");
    BOOST_TEST(cut({token("<l>", false, true)}, "a \t\n<l> b") == "(a)< \t\n<l>>( b)");
    BOOST_TEST(cut({token("<r>", false, false, true)}, "a <r> \xE3\x80\x80"
                                                       "b") == "(a )<<r> \xE3\x80\x80>(b)");
    BOOST_TEST(cut({token("<l>", false, true), token("<r>", false, false, true)}, "<r>  <l>") == "<<r>  ><<l>>");
}

BOOST_AUTO_TEST_CASE(tokens_that_are_not_allowed_are_not_there) {
    const std::vector<added_token> tokens = {token("<|a|>", false, false, false, true), token("|>"),
                                             token("ab", false, false, false, true), token("bc")};
    const auto ordinary = [&](std::size_t index, std::size_t, std::size_t) { return !tokens[index].special; };
    BOOST_TEST(cut(tokens, "x<|a|>y", ordinary) == "(x<|a)<|>>(y)");
    BOOST_TEST(cut(tokens, "abc", ordinary) == "(a)<bc>");
}

BOOST_AUTO_TEST_CASE(white_space_is_not_scanned_again_and_again) {
    const std::string spaces(300000, ' ');
    BOOST_TEST(cut({token(" ", false, true)}, spaces).size() == 3 * spaces.size());
    BOOST_TEST(cut({token("a", false, false, true)}, "a" + spaces + "a").size() == spaces.size() + 6);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_matched_is_refused) {
    using matcher = detail::added_token_matcher;
    BOOST_CHECK_THROW(matcher({{"a", 0}, {"a", 1}}), error);
    BOOST_CHECK_THROW(matcher({{"", 0}}), error);
    BOOST_CHECK_THROW(matcher({{std::string(5000, 'a'), 0}}), error);
}

BOOST_AUTO_TEST_SUITE_END()
