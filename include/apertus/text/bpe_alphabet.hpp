// SPDX-License-Identifier: Apache-2.0
//
// The GPT-2 byte alphabet: every byte as a printable character (tokenizer.json spells byte-level tokens with it).
// Bytes 21-7E, A1-AC and AE-FF stand for themselves, the other 68 for U+0100 and up, in order.
#pragma once

#include <apertus/text/utf8.hpp>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// The code point of each byte.
inline constexpr auto byte_to_code = [] {
    std::array<std::uint16_t, 256> table{};
    std::uint16_t extra = 0x100;
    for (std::uint16_t b = 0; b < 256; ++b) {
        const bool printable = (b >= 0x21 && b <= 0x7E) || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
        table[b] = printable ? b : extra++;
    }
    return table;
}();

/// The byte of each code point below 0x144, or -1.
inline constexpr auto code_to_byte = [] {
    std::array<std::int16_t, 0x144> table{};
    for (auto& entry : table) entry = -1;
    for (std::uint16_t b = 0; b < 256; ++b) table[byte_to_code[b]] = static_cast<std::int16_t>(b);
    return table;
}();

/// How many bytes the character of `byte` has in UTF-8 (1 or 2).
[[nodiscard]] constexpr std::size_t alphabet_size(char byte) noexcept {
    return byte_to_code[static_cast<unsigned char>(byte)] < 0x80 ? 1 : 2;
}

/// Appends the bytes that `token` (valid UTF-8) spells; returns false and appends nothing when a character is not in the alphabet.
inline bool append_alphabet_bytes(std::string& out, std::string_view token) {
    const std::size_t start = out.size();
    for (std::size_t i = 0; i < token.size();) {
        const auto lead = static_cast<unsigned char>(token[i]);
        std::uint32_t code = lead;
        if (lead < 0x80) {
            i += 1;
        } else if (lead < 0xE0 && i + 1 < token.size()) {
            code = static_cast<std::uint32_t>(lead & 0x1F) << 6 | (static_cast<unsigned char>(token[i + 1]) & 0x3Fu);
            i += 2;
        } else {
            code = 0x10FFFF;
        }
        if (code >= code_to_byte.size() || code_to_byte[code] < 0) {
            out.resize(start);
            return false;
        }
        out += static_cast<char>(static_cast<unsigned char>(code_to_byte[code]));
    }
    return true;
}

/// Appends the spelling of `bytes`.
inline void append_alphabet_text(std::string& out, std::string_view bytes) {
    for (const char b : bytes) append_utf8(out, byte_to_code[static_cast<unsigned char>(b)]);
}

} // namespace detail
APERTUS_END_NAMESPACE
