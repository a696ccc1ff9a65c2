// SPDX-License-Identifier: Apache-2.0
//
// PCRE2 as a third voice: its pieces must be those of the hand-written matchers. Characters where Debian's PCRE2 (Unicode 14, and
// U+180E as white space) differs from Unicode 16 are left out.
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <apertus/text/pretokenize.hpp>

#include <boost/test/unit_test.hpp>

#include "text/pretokenize_texts.hpp"

#include <memory>
#include <string>
#include <utility>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(pretokenize_pcre2)

namespace {

/// Away from blocks that got letters, marks or numbers after Unicode 14, and from U+180E.
bool known_to_both(std::uint32_t c) {
    const std::pair<std::uint32_t, std::uint32_t> young[] = {{0x800, 0x8FF},   {0xC00, 0xCFF},   {0xE80, 0xEFF},
                                                             {0x180E, 0x180E}, {0x1AB0, 0x1AFF}, {0x1C80, 0x1C8F},
                                                             {0xA7C0, 0xA7DF}};
    for (const auto& [first, last] : young) {
        if (first <= c && c <= last) return false;
    }
    return c < 0x10000 || (c >= 0x10400 && c < 0x10450) || (c >= 0x1D7CE && c < 0x1D800) ||
           (c >= 0x1F600 && c < 0x1F640);
}

} // namespace

BOOST_AUTO_TEST_CASE(pcre2_cuts_the_same_pieces) {
    struct code_free {
        void operator()(pcre2_code* p) const { pcre2_code_free(p); }
        void operator()(pcre2_match_data* p) const { pcre2_match_data_free(p); }
    };
    for (std::size_t i = 0; i < known_pattern_texts.size(); ++i) {
        int error = 0;
        PCRE2_SIZE at = 0;
        const std::string_view pattern = known_pattern_texts[i];
        const std::unique_ptr<pcre2_code, code_free> code(pcre2_compile(
            reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP, &error, &at, nullptr));
        BOOST_REQUIRE(code);
        const std::unique_ptr<pcre2_match_data, code_free> data(
            pcre2_match_data_create_from_pattern(code.get(), nullptr));
        test_support::text_maker make(static_cast<unsigned>(100 + i));
        int compared = 0;
        while (compared < 2000) {
            const std::string text = make();
            bool comparable = true;
            for (std::size_t b = 0; b < text.size(); b += utf8_size(text[b])) {
                comparable = comparable && known_to_both(utf8_decode(text.data() + b).code);
            }
            if (!comparable) continue;
            ++compared;
            std::vector<std::string> expected, found;
            for (std::size_t start = 0; start < text.size();) {
                const int rc = pcre2_match(code.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), start, 0,
                                           data.get(), nullptr);
                BOOST_REQUIRE(rc > 0);
                const PCRE2_SIZE* ends = pcre2_get_ovector_pointer(data.get());
                expected.push_back(text.substr(ends[0], ends[1] - ends[0]));
                start = ends[1];
            }
            for_each_piece(static_cast<known_pattern>(i), text,
                           [&](std::string_view piece) { found.emplace_back(piece); });
            if (expected != found) BOOST_FAIL("pattern " << i << " differs on: " << text);
        }
    }
    BOOST_TEST(true);
}

BOOST_AUTO_TEST_SUITE_END()
