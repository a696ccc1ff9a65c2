// SPDX-License-Identifier: Apache-2.0
//
// Stop strings: the result must not depend on how the text is cut, and nothing of a stop string may leak.
#include <apertus/generate/stop_strings.hpp>

#include <generate/fake_session.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>

BOOST_AUTO_TEST_SUITE(stop_strings_test)

namespace {

using strings = std::vector<std::string>;

struct outcome {
    std::string text;
    std::string released;
    std::string matched; // "" for none
    bool operator==(const outcome&) const = default;
};

outcome run(const apertus::stop_string_set& set, const strings& pieces) {
    apertus::stop_string_matcher matcher(set);
    outcome out;
    for (const std::string& piece : pieces) out.released += matcher.push(piece);
    out.released += matcher.finish();
    if (matcher.matched()) out.matched = set[*matcher.matched()];
    out.text = matcher.take_text();
    return out;
}

/// The definition, naively: the first prefix of the text that ends with a stop string, the longest one there.
outcome expected(const strings& stops, const std::string& text) {
    for (std::size_t end = 1; end <= text.size(); ++end) {
        const std::string_view prefix = std::string_view(text).substr(0, end);
        std::string_view best;
        for (const std::string& s : stops) {
            if (prefix.ends_with(s) && s.size() > best.size()) best = s;
        }
        if (!best.empty()) {
            const std::string before(prefix.substr(0, end - best.size()));
            return {before, before, std::string(best)};
        }
    }
    return {text, text, ""};
}

} // namespace

BOOST_AUTO_TEST_CASE(what_may_become_a_stop_string_is_held_back) {
    const strings stops{"<end>", "STOP"};
    const apertus::stop_string_set set(stops);
    apertus::stop_string_matcher m(set);
    BOOST_TEST(m.push("Hello <") == "Hello ");
    BOOST_TEST(m.push("en") == "");
    BOOST_TEST(m.push("try ") == "<entry ");
    BOOST_TEST(m.push("") == "");
    BOOST_TEST(m.push("ST") == "");
    BOOST_TEST(m.text() == "Hello <entry ST");
    BOOST_TEST(m.push("OPPED") == "");
    BOOST_TEST(m.matched().value() == 1u);
    BOOST_TEST(m.push("more") == ""); // nothing after a match
    BOOST_TEST(m.finish() == "");
    BOOST_TEST(m.text() == "Hello <entry ");
}

BOOST_AUTO_TEST_CASE(an_unfinished_prefix_is_released_at_the_end) {
    const strings stops{"abc"};
    const apertus::stop_string_set set(stops);
    apertus::stop_string_matcher m(set);
    BOOST_TEST(m.push("xab") == "x");
    BOOST_TEST(m.finish() == "ab");
    BOOST_TEST(m.finish() == "");
    BOOST_TEST(!m.matched().has_value());
}

BOOST_AUTO_TEST_CASE(several_strings) {
    BOOST_TEST((run(apertus::stop_string_set(strings{"b", "abc"}), {"xabc"}) == outcome{"xa", "xa", "b"}));
    BOOST_TEST((run(apertus::stop_string_set(strings{"c", "abc"}), {"xabc"}) == outcome{"x", "x", "abc"}));
    BOOST_TEST((run(apertus::stop_string_set(strings{"abc", "bc"}), {"x", "a", "b", "c"}) == outcome{"x", "x", "abc"}));
    BOOST_TEST((run(apertus::stop_string_set(strings{"aab"}), {"a", "a", "a", "b", "c"}) == outcome{"a", "a", "aab"}));
    BOOST_TEST((run(apertus::stop_string_set(), {"any", "thing"}) == outcome{"anything", "anything", ""}));
    BOOST_TEST((run(apertus::stop_string_set(strings{"ü"}), {"gr\xc3", "\xbcn"}) == outcome{"gr", "gr", "ü"}));
}

BOOST_AUTO_TEST_CASE(whole_characters_are_released) {
    // The stop string shares its first byte with the text: a lead byte alone is no reason to split "ä".
    const apertus::stop_string_set set(strings{"ü!"});
    apertus::stop_string_matcher m(set);
    BOOST_TEST(m.push("ä") == "ä");
    BOOST_TEST(m.push("ü") == "");
    BOOST_TEST(m.push("ü") == "ü");
    BOOST_TEST(m.finish() == "ü");
}

BOOST_AUTO_TEST_CASE(empty_strings_are_refused) {
    const strings empty{"ok", ""};
    BOOST_CHECK_THROW(apertus::stop_string_set{empty}, apertus::error);
}

BOOST_AUTO_TEST_CASE(the_cut_does_not_matter) {
    std::uint64_t random = 1;
    const auto next = [&](std::uint64_t below) { return (random = test_support::mix(random)) % below; };
    const auto word = [&](std::uint64_t longest) {
        std::string s(1 + next(longest), 'a');
        for (char& c : s) c = static_cast<char>('a' + next(2));
        return s;
    };
    std::size_t matches = 0;
    for (int round = 0; round < 3000; ++round) {
        strings stops(1 + next(4));
        for (std::string& s : stops) s = word(6);
        const std::string text = word(30);
        const apertus::stop_string_set set(stops);
        const outcome want = expected(stops, text);
        matches += want.matched.empty() ? 0u : 1u;
        strings pieces;
        for (std::size_t at = 0; at < text.size();) {
            const std::size_t n = next(5);
            pieces.push_back(text.substr(at, n));
            at += n;
        }
        BOOST_REQUIRE((run(set, {text}) == want));
        BOOST_REQUIRE((run(set, pieces) == want));
    }
    BOOST_TEST(matches > 1000u);
    BOOST_TEST(matches < 3000u);
}

BOOST_AUTO_TEST_CASE(time_is_linear_on_adversarial_text) {
    const strings stops{std::string(5000, 'a') + "b"};
    const apertus::stop_string_set set(stops);
    apertus::stop_string_matcher m(set, 2000000);
    std::size_t released = 0;
    const std::string piece(1000, 'a');
    for (int i = 0; i < 2000; ++i) released += m.push(piece).size(); // a quadratic matcher would take minutes
    BOOST_TEST(released == 2000000u - 5000u);
}

BOOST_AUTO_TEST_SUITE_END()
