// SPDX-License-Identifier: Apache-2.0
//
// Random text that meets the corners of the split patterns: scripts with and without case, marks, numbers, white space of all
// kinds, contractions, characters that are younger than most tables.
#pragma once

#include <apertus/text/utf8.hpp>

#include <cstdint>
#include <iterator>
#include <random>
#include <string>
#include <string_view>

namespace test_support {

class text_maker {
public:
    explicit text_maker(unsigned seed) : random_(seed) {}

    std::string operator()() {
        std::string text;
        for (std::uint32_t parts = 1 + below(8); parts > 0; --parts) part(text);
        return text;
    }

    std::uint32_t below(std::uint32_t limit) { return static_cast<std::uint32_t>(random_() % limit); }

private:
    void part(std::string& text) {
        static constexpr std::uint32_t starts[] = {
            'a',    'A',    '0',    ' ',    '!',    0xC0,    0xE0,    0x1C4,   0x2B0,   0x300,   0x391,  0x3B1,  0x410,
            0x430,  0x5D0,  0x64B,  0x661,  0x905,  0x93C,   0xE01,   0x10A0,  0x1680,  0x2000,  0x2028, 0x2070, 0x2160,
            0x24B6, 0x3041, 0x4E00, 0xAC00, 0xFF10, 0x10400, 0x10D50, 0x10D70, 0x1D7CE, 0x1F600, 0x2EBF0};
        static constexpr std::string_view words[] = {
            "'s", "'S",   "'ll", "'RE",      "'\xC5\xBF",    "'",     "\r\n", "\n", "\t", "  ",
            "/",  "//\n", " ",   "\xC2\x85", "\xE2\x80\x8D", "<|x|>", "aB",   "Ab", "AB", "x\xCC\x81"};
        if (below(3) == 0) {
            text += words[below(std::size(words))];
            return;
        }
        const std::uint32_t start = starts[below(std::size(starts))];
        for (std::uint32_t n = 1 + below(5); n > 0; --n) {
            const std::uint32_t code = below(12) == 0 ? below(0x110000) : start + below(16);
            apertus::append_utf8(text, code >= 0xD800 && code < 0xE000 ? 0xFFFD : code);
        }
    }

    std::mt19937 random_;
};

} // namespace test_support
