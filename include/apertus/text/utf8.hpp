// SPDX-License-Identifier: Apache-2.0
//
// UTF-8: step through it, check it, repair it. Invalid input is handled as Rust's String::from_utf8_lossy (and the Unicode
// standard's "maximal subpart" practice) does: every maximal prefix of a well-formed sequence, or else every single byte,
// becomes one U+FFFD. The tokenizer repairs its input this way before anything else looks at it, and the decoders repair
// their output this way, so both agree with Hugging Face, whose strings are always valid.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// The UTF-8 form of U+FFFD REPLACEMENT CHARACTER.
inline constexpr std::string_view utf8_replacement = "\xEF\xBF\xBD";

/// What stands at the start of some bytes.
struct utf8_step {
    enum kind_type : std::uint8_t {
        valid,     ///< a well-formed sequence of `size` bytes
        invalid,   ///< `size` bytes that become one U+FFFD
        truncated, ///< the `size` bytes that are left are a proper prefix of a well-formed sequence
    };
    kind_type kind;
    std::uint8_t size;
};

/// Classifies the first sequence of `bytes` (which must not be empty).
[[nodiscard]] constexpr utf8_step utf8_first(std::string_view bytes) noexcept {
    const auto at = [&](std::size_t i) { return static_cast<unsigned char>(bytes[i]); };
    const unsigned char lead = at(0);
    if (lead < 0x80) return {utf8_step::valid, 1};
    std::uint8_t size = 0;
    unsigned char low = 0x80, high = 0xBF; // of the second byte (Unicode standard, table 3-7)
    if (lead >= 0xC2 && lead <= 0xDF) {
        size = 2;
    } else if (lead >= 0xE0 && lead <= 0xEF) {
        size = 3;
        if (lead == 0xE0) low = 0xA0;
        if (lead == 0xED) high = 0x9F;
    } else if (lead >= 0xF0 && lead <= 0xF4) {
        size = 4;
        if (lead == 0xF0) low = 0x90;
        if (lead == 0xF4) high = 0x8F;
    } else {
        return {utf8_step::invalid, 1};
    }
    for (std::uint8_t i = 1; i < size; ++i) {
        if (i == bytes.size()) return {utf8_step::truncated, i};
        if (at(i) < low || at(i) > high) return {utf8_step::invalid, i};
        low = 0x80;
        high = 0xBF;
    }
    return {utf8_step::valid, size};
}

namespace detail {

/// Whether eight bytes at `p` are all ASCII.
[[nodiscard]] inline bool eight_ascii(const char* p) noexcept {
    std::uint64_t word = 0;
    std::memcpy(&word, p, sizeof word);
    return (word & 0x8080808080808080u) == 0;
}

} // namespace detail

/// The length of the longest valid prefix of `bytes`.
[[nodiscard]] inline std::size_t utf8_valid_prefix(std::string_view bytes) noexcept {
    std::size_t i = 0;
    while (i < bytes.size()) {
        if (static_cast<unsigned char>(bytes[i]) < 0x80) {
            ++i;
            while (i + 8 <= bytes.size() && detail::eight_ascii(bytes.data() + i)) i += 8;
            continue;
        }
        const utf8_step step = utf8_first(bytes.substr(i));
        if (step.kind != utf8_step::valid) break;
        i += step.size;
    }
    return i;
}

[[nodiscard]] inline bool is_valid_utf8(std::string_view bytes) noexcept {
    return utf8_valid_prefix(bytes) == bytes.size();
}

/// Appends `bytes` to `out`, each invalid part replaced by U+FFFD; what is cut off at the end counts as one invalid part.
inline void append_utf8_lossy(std::string& out, std::string_view bytes) {
    while (!bytes.empty()) {
        const std::size_t good = utf8_valid_prefix(bytes);
        out.append(bytes.data(), good);
        bytes.remove_prefix(good);
        if (bytes.empty()) break;
        out.append(utf8_replacement);
        bytes.remove_prefix(utf8_first(bytes).size);
    }
}

/// `bytes` as valid UTF-8: as it is, or repaired into `storage`.
[[nodiscard]] inline std::string_view utf8_repaired(std::string_view bytes, std::string& storage) {
    if (is_valid_utf8(bytes)) return bytes;
    storage.clear();
    append_utf8_lossy(storage, bytes);
    return storage;
}

/// One code point and the number of bytes that it took.
struct utf8_character {
    std::uint32_t code;
    std::uint32_t size;
};

/// Decodes the character at `p`, which must start a well-formed sequence.
[[nodiscard]] constexpr utf8_character utf8_decode(const char* p) noexcept {
    const auto at = [&](int i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(p[i])); };
    const std::uint32_t lead = at(0);
    if (lead < 0x80) return {lead, 1};
    if (lead < 0xE0) return {(lead & 0x1F) << 6 | (at(1) & 0x3F), 2};
    if (lead < 0xF0) return {(lead & 0x0F) << 12 | (at(1) & 0x3F) << 6 | (at(2) & 0x3F), 3};
    return {(lead & 0x07) << 18 | (at(1) & 0x3F) << 12 | (at(2) & 0x3F) << 6 | (at(3) & 0x3F), 4};
}

/// The number of bytes of the character that starts with `lead`, in valid text.
[[nodiscard]] constexpr std::size_t utf8_size(char lead) noexcept {
    const auto byte = static_cast<unsigned char>(lead);
    return byte < 0x80 ? 1 : byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4;
}

/// Where the character that ends before byte `end` of valid `text` starts; `end` must not be 0.
[[nodiscard]] constexpr std::size_t utf8_previous(std::string_view text, std::size_t end) noexcept {
    do {
        --end;
    } while ((static_cast<unsigned char>(text[end]) & 0xC0) == 0x80);
    return end;
}

/// Appends `code` (a scalar value, at most U+10FFFF) to `out`.
inline void append_utf8(std::string& out, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { out += static_cast<char>(static_cast<unsigned char>(byte)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
        put(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    } else {
        put(0xF0 | code >> 18);
        put(0x80 | (code >> 12 & 0x3F));
        put(0x80 | (code >> 6 & 0x3F));
        put(0x80 | (code & 0x3F));
    }
}

/// The number of code points in valid `text`.
[[nodiscard]] inline std::size_t utf8_length(std::string_view text) noexcept {
    std::size_t count = 0;
    for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    return count;
}

APERTUS_END_NAMESPACE
