// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/pretokenize_regex.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <utility>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(pretokenize_regex)

namespace {
std::string marked(std::string_view pattern, std::string_view text) { // "a[bc]d": matches in brackets
    const text_matcher matcher(text_pattern{std::string(pattern), true});
    std::string out;
    std::size_t done = 0;
    matcher.for_each_match(text, [&](std::size_t begin, std::size_t end) {
        out.append(text.substr(done, begin - done)).append("[").append(text.substr(begin, end - begin)).append("]");
        done = end;
    });
    return out.append(text.substr(done));
}
} // namespace

BOOST_AUTO_TEST_CASE(what_matches) {
    // Expected values were taken from Hugging Face tokenizers 0.23.3 (Oniguruma), Split(Regex(pattern), "isolated").
    BOOST_TEST(marked("a+?b", "aab ab") == "[aab] [ab]");
    BOOST_TEST(marked("a*", "baac") == "[]b[aa]c[]");
    BOOST_TEST(marked("(?:ab|a)c", "abc ac bc") == "[abc] [ac] bc");
    BOOST_TEST(marked("(?>a+)b|a", "aab aac") == "[aab] [a][a]c");
    BOOST_TEST(marked("a++a", "aaa") == "aaa");
    BOOST_TEST(marked("(a|ab)(c|bcd)(d*)", "abcd") == "[abcd]");
    BOOST_TEST(marked("x{2,3}", "xxxxx") == "[xxx][xx]");
    BOOST_TEST(marked("x{,2}y", "xxxy y") == "x[xxy] [y]");
    BOOST_TEST(marked("(?:ab){2}", "ababab") == "[abab]ab");
    BOOST_TEST(marked("\\s+(?!\\S)", "a   b  ") == "a[  ] b[  ]");
    BOOST_TEST(marked("\\d(?=\\d)", "123") == "[1][2]3");
    BOOST_TEST(marked("(?i:ab)c", "ABc aBC") == "[ABc] aBC");
    BOOST_TEST(marked("(?i)ks", "KS \xE2\x84\xAA\xC5\xBF") == "[KS] [\xE2\x84\xAA\xC5\xBF]");
    BOOST_TEST(marked("^a|b$", "a\nab\nb") == "[a]\n[a][b]\n[b]");
    BOOST_TEST(marked("\\Aa|a\\z", "aba") == "[a]b[a]");
    BOOST_TEST(marked("\\bfoo\\b", "foo foot foo") == "[foo] foot [foo]");
    BOOST_TEST(marked("[^\\S\\n]+", "a \t\nb") == "a[ \t]\nb");
    BOOST_TEST(marked("[a\\-z\\]]", "a-z]b") == "[a][-][z][]]b");
    BOOST_TEST(marked("[\\x{41}-C]\\u0044", "BD") == "[BD]");
    BOOST_TEST(marked("(?:a*)*b", "aaab") == "[aaab]");
    BOOST_TEST(marked("(?:a?){3}b", "aab") == "[aab]");
    BOOST_TEST(marked(".", "a\n\xC3\xA9") == "[a]\n[\xC3\xA9]");
    BOOST_TEST(marked("\\p{^L}", "a1") == "a[1]");
    BOOST_TEST(marked("a{", "a{a") == "[a{]a");
}

BOOST_AUTO_TEST_CASE(literals) {
    const text_matcher dots(text_pattern{"..", false});
    std::vector<std::pair<std::size_t, std::size_t>> found;
    dots.for_each_match(".....", [&](std::size_t begin, std::size_t end) { found.emplace_back(begin, end); });
    BOOST_TEST((found == std::vector<std::pair<std::size_t, std::size_t>>{{0, 2}, {2, 4}}));
    BOOST_CHECK_THROW(text_matcher(text_pattern{"", false}), error);
}

BOOST_AUTO_TEST_CASE(work_is_limited_and_the_stack_is_ours) {
    const text_matcher bad(text_pattern{"(?:a*)*(?:a*)*(?:a*)*c", true});
    BOOST_CHECK_EXCEPTION(bad.for_each_match(std::string(3000, 'a'), [](std::size_t, std::size_t) {}), error,
                          [](const error& e) { return e.category() == error_category::resource; });
    const text_matcher deep(text_pattern{"(?:a|b)*c", true});
    std::size_t matches = 0;
    deep.for_each_match(std::string(1000000, 'a') + "c", [&](std::size_t, std::size_t) { ++matches; });
    BOOST_TEST(matches == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
