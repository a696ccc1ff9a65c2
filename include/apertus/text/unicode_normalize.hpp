// SPDX-License-Identifier: Apache-2.0
//
// NFC, NFD and lower case as lists of edits that keep the alignment to the old text. The steps and the alignment are those of the
// crate unicode-normalization-alignments that Hugging Face uses: a decomposed character is one replacement and insertions, a
// composed one a replacement that removes the characters that it absorbed.
#pragma once

#include <apertus/text/normalizer_text.hpp>
#include <apertus/text/tokenizer_spec.hpp>
#include <apertus/text/unicode_normalize_data.hpp>
#include <apertus/text/utf8.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

inline constexpr std::uint32_t hangul_s = 0xAC00, hangul_l = 0x1100, hangul_v = 0x1161, hangul_t = 0x11A7;
inline constexpr std::uint32_t hangul_l_count = 19, hangul_v_count = 21, hangul_t_count = 28;
inline constexpr std::uint32_t hangul_s_count = hangul_l_count * hangul_v_count * hangul_t_count;

[[nodiscard]] inline std::uint32_t combining_class(std::uint32_t code) noexcept {
    if (code < 0x300) return 0;
    std::size_t low = 0, high = std::size(combining_ranges) / 3;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        if (code > combining_ranges[3 * middle + 1]) {
            low = middle + 1;
        } else if (code < combining_ranges[3 * middle]) {
            high = middle;
        } else {
            return combining_ranges[3 * middle + 2];
        }
    }
    return 0;
}

/// The primary composite of two characters, or 0.
[[nodiscard]] inline std::uint32_t compose(std::uint32_t first, std::uint32_t second) noexcept {
    if (first - hangul_l < hangul_l_count && second - hangul_v < hangul_v_count) {
        return hangul_s + ((first - hangul_l) * hangul_v_count + (second - hangul_v)) * hangul_t_count;
    }
    if (first - hangul_s < hangul_s_count && (first - hangul_s) % hangul_t_count == 0 && second > hangul_t &&
        second < hangul_t + hangul_t_count) {
        return first + (second - hangul_t);
    }
    std::size_t low = 0, high = std::size(composition_pairs) / 3;
    const std::pair<std::uint32_t, std::uint32_t> wanted{first, second};
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const std::pair<std::uint32_t, std::uint32_t> here{composition_pairs[3 * middle],
                                                           composition_pairs[3 * middle + 1]};
        if (here == wanted) return composition_pairs[3 * middle + 2];
        if (here < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 0;
}

/// The canonical decomposition of `text`, in canonical order.
[[nodiscard]] inline std::vector<text_edit> decomposed(std::string_view text) {
    std::vector<text_edit> out;
    std::vector<std::pair<std::uint64_t, text_edit>> marks; // combining characters, to be sorted by class, then place
    const auto flush = [&] {
        std::sort(marks.begin(), marks.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
        for (const auto& mark : marks) out.push_back(mark.second);
        marks.clear();
    };
    const auto put = [&](std::uint32_t code, std::int32_t change) {
        if (const std::uint32_t combining = combining_class(code)) {
            marks.push_back({std::uint64_t{combining} << 32 | marks.size(), {code, change}});
        } else {
            flush();
            out.push_back({code, change});
        }
    };
    for (std::size_t i = 0; i < text.size();) {
        const utf8_character c = utf8_decode(text.data() + i);
        i += c.size;
        if (c.code - hangul_s < hangul_s_count) {
            const std::uint32_t index = c.code - hangul_s;
            put(hangul_l + index / (hangul_v_count * hangul_t_count), 0);
            put(hangul_v + index % (hangul_v_count * hangul_t_count) / hangul_t_count, 1);
            if (index % hangul_t_count != 0) put(hangul_t + index % hangul_t_count, 1);
            continue;
        }
        const auto key = c.code < 0xC0
                             ? std::end(decomposition_keys)
                             : std::lower_bound(std::begin(decomposition_keys), std::end(decomposition_keys), c.code);
        if (key == std::end(decomposition_keys) || *key != c.code) {
            put(c.code, 0);
            continue;
        }
        const auto index = key - std::begin(decomposition_keys);
        for (std::uint32_t at = decomposition_offsets[index]; at < decomposition_offsets[index + 1]; ++at) {
            put(decomposition_pool[at], at == decomposition_offsets[index] ? 0 : 1);
        }
    }
    flush();
    return out;
}

/// Composes what `decomposed` gave.
[[nodiscard]] inline std::vector<text_edit> composed(const std::vector<text_edit>& in) {
    std::vector<text_edit> out;
    std::size_t starter = 0;
    bool has_starter = false;
    std::uint32_t last_class = 0; // of the marks kept since the starter; 0 when none
    for (const text_edit& edit : in) {
        const std::uint32_t combining = combining_class(edit.code);
        if (has_starter && (last_class == 0 || last_class < combining)) {
            if (const std::uint32_t composite = compose(out[starter].code, edit.code)) {
                out[starter] = {composite, out[starter].change + edit.change - 1};
                continue;
            }
        }
        if (combining == 0) {
            starter = out.size();
            has_starter = true;
            last_class = 0;
        } else if (has_starter) {
            last_class = combining;
        }
        out.push_back(edit);
    }
    return out;
}

[[nodiscard]] inline std::vector<text_edit> normalization_edits(std::string_view text, unicode_form form) {
    std::vector<text_edit> edits = decomposed(text);
    return form == unicode_form::nfc ? composed(edits) : edits;
}

[[nodiscard]] inline std::uint32_t lowercase(std::uint32_t code) noexcept {
    const auto value = static_cast<std::int32_t>(code);
    std::size_t low = 0, high = std::size(lowercase_ranges) / 4;
    while (low < high) {
        const std::size_t middle = (low + high) / 2;
        const std::int32_t* row = &lowercase_ranges[4 * middle];
        if (value > row[1]) {
            low = middle + 1;
        } else if (value < row[0]) {
            high = middle;
        } else {
            return row[2] == 2 && (value - row[0]) % 2 != 0 ? code : static_cast<std::uint32_t>(value + row[3]);
        }
    }
    return code;
}

[[nodiscard]] inline std::vector<text_edit> lowercase_edits(std::string_view text) {
    std::vector<text_edit> edits;
    for (std::size_t i = 0; i < text.size();) {
        const utf8_character c = utf8_decode(text.data() + i);
        i += c.size;
        edits.push_back({c.code == 0x130 ? std::uint32_t{'i'} : lowercase(c.code), 0});
        if (c.code == 0x130) edits.push_back({0x307, 1}); // the one letter that becomes two
    }
    return edits;
}

} // namespace detail
APERTUS_END_NAMESPACE
