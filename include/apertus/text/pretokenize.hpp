// SPDX-License-Identifier: Apache-2.0
//
// Hand-written matchers for the split patterns that byte-level BPE tokenizers ship: Tekken (Apertus, Mistral), GPT-2, Llama 3
// (cl100k), Qwen 2 and o200k. One template, parameterised by what distinguishes the patterns, cuts text into exactly the pieces
// that the regular expression gives (ordered alternatives, greedy, with backtracking), in linear time and without a regex engine.
// These patterns match at every position, so the pieces cover the text. Text must be valid UTF-8.
#pragma once

#include <apertus/text/unicode_class.hpp>
#include <apertus/text/utf8.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// How a pattern matches words.
enum class letter_rule : std::uint8_t {
    spaced, ///< " ?\p{L}+"
    plain,  ///< "[^\r\n\p{L}\p{N}]?\p{L}+"
    cased,  ///< the two alternatives of Tekken and o200k, which also cut before a capital that follows a small letter
};
/// How a pattern matches 's 't 're 've 'm 'll 'd.
enum class contraction_rule : std::uint8_t { none, leading, leading_any_case, trailing_any_case };
/// How a pattern matches digits.
enum class number_rule : std::uint8_t { spaced, one, up_to_three };
/// What a run of punctuation takes along at its end.
enum class tail_rule : std::uint8_t { none, newlines, newlines_and_slashes };

/// One member of the family of patterns.
struct split_rules {
    letter_rule letters;
    contraction_rule contractions;
    number_rule numbers;
    tail_rule tail;
    bool newline_runs; ///< has the alternative "\s*[\r\n]+"
};

/// The known patterns.
enum class known_pattern : std::uint8_t { tekken, gpt2, llama3, qwen2, o200k };

/// The text of each known pattern, as it stands in tokenizer.json after JSON unescaping.
inline constexpr std::array<std::string_view, 5> known_pattern_texts = {
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
    R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
};

/// The rules of each known pattern, in the order of `known_pattern`.
inline constexpr std::array<split_rules, 5> known_pattern_rules = {{
    {letter_rule::cased, contraction_rule::none, number_rule::one, tail_rule::newlines_and_slashes, true},
    {letter_rule::spaced, contraction_rule::leading, number_rule::spaced, tail_rule::none, false},
    {letter_rule::plain, contraction_rule::leading_any_case, number_rule::up_to_three, tail_rule::newlines, true},
    {letter_rule::plain, contraction_rule::leading_any_case, number_rule::one, tail_rule::newlines, true},
    {letter_rule::cased, contraction_rule::trailing_any_case, number_rule::up_to_three, tail_rule::newlines_and_slashes,
     true},
}};

namespace detail {

/// What the matchers need to know of a character; several bits may be set.
namespace trait {
inline constexpr std::uint8_t upper = 1, lower = 2, caseless = 4, mark = 8, number = 16, space = 32, newline = 64;
inline constexpr std::uint8_t letter = upper | lower | caseless;
inline constexpr std::uint8_t head = upper | caseless | mark; ///< [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]
inline constexpr std::uint8_t body = lower | caseless | mark; ///< [\p{Ll}\p{Lm}\p{Lo}\p{M}]
} // namespace trait

/// The traits of every class; '\r' and '\n' get `newline` in ascii_traits.
inline constexpr auto class_traits = [] {
    std::array<std::uint8_t, 64> table{};
    for (unsigned i = 0; i < 33; ++i) {
        const unicode_mask bit = unicode_mask{1} << i;
        std::uint8_t value = 0;
        if (bit & mask_of(unicode_class::Lu, unicode_class::Lt)) value = trait::upper;
        if (bit & mask_of(unicode_class::Ll)) value = trait::lower;
        if (bit & mask_of(unicode_class::Lm, unicode_class::Lo)) value = trait::caseless;
        if (bit & masks::mark) value = trait::mark;
        if (bit & masks::number) value = trait::number;
        if (bit & masks::space) value = trait::space;
        table[i] = value;
    }
    return table;
}();

inline constexpr auto ascii_traits = [] {
    std::array<std::uint8_t, 128> table{};
    for (std::uint32_t c = 0; c < 128; ++c) {
        table[c] = class_traits[static_cast<unsigned>(class_of(c))];
        if (c == '\r' || c == '\n') table[c] |= trait::newline;
    }
    return table;
}();

/// Traits and length of one character.
struct traits_step {
    std::uint8_t traits;
    std::uint8_t size;
};

[[nodiscard]] inline traits_step traits_at(const char* p) noexcept {
    const auto byte = static_cast<unsigned char>(*p);
    if (byte < 0x80) return {ascii_traits[byte], 1};
    const utf8_character c = utf8_decode(p);
    return {class_traits[static_cast<unsigned>(class_of(c.code))], static_cast<std::uint8_t>(c.size)};
}

/// Skips characters that have one of `wanted`.
[[nodiscard]] inline const char* skip_all(const char* p, const char* end, std::uint8_t wanted) noexcept {
    while (p != end) {
        const traits_step c = traits_at(p);
        if ((c.traits & wanted) == 0) break;
        p += c.size;
    }
    return p;
}

/// Skips characters that have none of `unwanted`.
[[nodiscard]] inline const char* skip_none(const char* p, const char* end, std::uint8_t unwanted) noexcept {
    while (p != end) {
        const traits_step c = traits_at(p);
        if ((c.traits & unwanted) != 0) break;
        p += c.size;
    }
    return p;
}

/// The length of 's 't 're 've 'm 'll 'd at `p`, or 0. With `any_case`, case is folded as Unicode does: U+017F is an s.
[[nodiscard]] inline std::size_t contraction_size(const char* p, const char* end, bool any_case) noexcept {
    if (end - p < 2 || *p != '\'') return 0;
    const auto letter_at = [&](std::ptrdiff_t i) {
        return any_case && p[i] >= 'A' && p[i] <= 'Z' ? static_cast<char>(p[i] + ('a' - 'A')) : p[i];
    };
    switch (letter_at(1)) {
    case 's':
    case 't':
    case 'm':
    case 'd': return 2;
    case 'r':
    case 'v': return end - p > 2 && letter_at(2) == 'e' ? 3 : 0;
    case 'l': return end - p > 2 && letter_at(2) == 'l' ? 3 : 0;
    case '\xC5': return any_case && end - p > 2 && p[2] == '\xBF' ? 3 : 0;
    default: return 0;
    }
}

/// Where a run of head* body+ ends that starts at `p`, or null; `head_end` is where its head* part would end at most.
/// head* takes every head character; when no small letter follows it gives characters back until body+ can match, that is until
/// the last one that is of both kinds.
[[nodiscard]] inline const char* cased_word(const char* p, const char* end, const char*& head_end) noexcept {
    const char* last_of_both = nullptr;
    while (p != end) {
        const traits_step c = traits_at(p);
        if ((c.traits & trait::head) == 0) {
            head_end = p;
            return (c.traits & trait::lower) != 0 ? skip_all(p + c.size, end, trait::body) : last_of_both;
        }
        p += c.size;
        if ((c.traits & trait::body) != 0) last_of_both = p;
    }
    head_end = p;
    return last_of_both;
}

/// Where the word at `p` (whose first character is `first`) ends, or null when there is none.
template <letter_rule Rule>
[[nodiscard]] inline const char* match_word(const char* p, const char* end, traits_step first) noexcept {
    using namespace trait;
    if constexpr (Rule == letter_rule::spaced) {
        const char* word = *p == ' ' ? p + 1 : p;
        const char* stop = skip_all(word, end, letter);
        return stop != word ? stop : nullptr;
    } else if constexpr (Rule == letter_rule::plain) {
        if ((first.traits & letter) != 0) return skip_all(p + first.size, end, letter);
        if ((first.traits & (number | newline)) != 0) return nullptr;
        const char* word = p + first.size;
        const char* stop = skip_all(word, end, letter);
        return stop != word ? stop : nullptr;
    } else {
        const bool may_prefix = (first.traits & (letter | number | newline)) == 0;
        const char* head_end = nullptr;
        if (may_prefix) {
            const char* word = p + first.size;
            if (const char* stop = cased_word(word, end, head_end)) return stop;
            const char* capitals_end = head_end;
            // The prefix may be a mark, which is a word by itself.
            if ((first.traits & mark) != 0) return cased_word(p, end, head_end);
            return capitals_end != word ? capitals_end : nullptr;
        }
        if ((first.traits & letter) == 0) return nullptr;
        if (const char* stop = cased_word(p, end, head_end)) return stop;
        return head_end;
    }
}

/// The end of the piece that starts at `p` (p != end).
template <split_rules Rules> [[nodiscard]] inline const char* match_piece(const char* p, const char* end) noexcept {
    using namespace trait;
    if constexpr (Rules.contractions == contraction_rule::leading ||
                  Rules.contractions == contraction_rule::leading_any_case) {
        if (const auto size = contraction_size(p, end, Rules.contractions == contraction_rule::leading_any_case);
            size != 0) {
            return p + size;
        }
    }
    const traits_step first = traits_at(p);
    if (const char* stop = match_word<Rules.letters>(p, end, first)) {
        if constexpr (Rules.contractions == contraction_rule::trailing_any_case)
            stop += contraction_size(stop, end, true);
        return stop;
    }
    if constexpr (Rules.numbers == number_rule::spaced) {
        const char* digits = *p == ' ' ? p + 1 : p;
        if (const char* stop = skip_all(digits, end, number); stop != digits) return stop;
    } else if ((first.traits & number) != 0) {
        const char* stop = p + first.size;
        if constexpr (Rules.numbers == number_rule::up_to_three) {
            for (int i = 0; i < 2 && stop != end; ++i) {
                const traits_step c = traits_at(stop);
                if ((c.traits & number) == 0) break;
                stop += c.size;
            }
        }
        return stop;
    }
    { // " ?[^\s\p{L}\p{N}]+" and its tail
        const char* marks = *p == ' ' ? p + 1 : p;
        if (const char* stop = skip_none(marks, end, space | letter | number); stop != marks) {
            if constexpr (Rules.tail != tail_rule::none) {
                while (stop != end && (*stop == '\r' || *stop == '\n' ||
                                       (Rules.tail == tail_rule::newlines_and_slashes && *stop == '/'))) {
                    ++stop;
                }
            }
            return stop;
        }
    }
    // White space: up to the last line break; else all but the last character when something follows; else all.
    const char* last_start = p;
    const char* after_newline = nullptr;
    const char* stop = p;
    while (stop != end) {
        const traits_step c = traits_at(stop);
        if ((c.traits & space) == 0) break;
        last_start = stop;
        stop += c.size;
        if ((c.traits & newline) != 0) after_newline = stop;
    }
    if (Rules.newline_runs && after_newline != nullptr) return after_newline;
    return stop != end && last_start != p ? last_start : stop;
}

} // namespace detail

/// Calls `sink(std::string_view)` for every piece of valid UTF-8 `text`, in order.
template <split_rules Rules, class Sink> void for_each_piece(std::string_view text, Sink&& sink) {
    const char* p = text.data();
    const char* const end = p + text.size();
    while (p != end) {
        const char* stop = detail::match_piece<Rules>(p, end);
        sink(std::string_view(p, static_cast<std::size_t>(stop - p)));
        p = stop;
    }
}

/// The same for a pattern chosen at run time; the choice is made once, not per piece.
template <class Sink> void for_each_piece(known_pattern pattern, std::string_view text, Sink&& sink) {
    switch (pattern) {
    case known_pattern::tekken: return for_each_piece<known_pattern_rules[0]>(text, sink);
    case known_pattern::gpt2: return for_each_piece<known_pattern_rules[1]>(text, sink);
    case known_pattern::llama3: return for_each_piece<known_pattern_rules[2]>(text, sink);
    case known_pattern::qwen2: return for_each_piece<known_pattern_rules[3]>(text, sink);
    case known_pattern::o200k: return for_each_piece<known_pattern_rules[4]>(text, sink);
    }
}

APERTUS_END_NAMESPACE
