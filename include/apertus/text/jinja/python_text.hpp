// SPDX-License-Identifier: Apache-2.0
//
// Python's str on marked_text: code points, white space, case, search, trimming, splitting. Indexes that Python counts
// in characters are counted in code points here; a byte that is not valid UTF-8 counts as one character and is kept.
#pragma once

#include <apertus/text/jinja/unicode_tables.hpp>
#include <apertus/text/value.hpp>

#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

struct code_point {
    char32_t value = 0;     ///< 0xfffd for an invalid byte
    std::size_t length = 1; ///< in bytes
    bool valid = true;
};

/// Decodes the character at byte `at` (at < text.size()).
[[nodiscard]] inline code_point decode_utf8(std::string_view text, std::size_t at) noexcept {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const unsigned lead = byte(at);
    if (lead < 0x80) return {lead, 1, true};
    const std::size_t length = lead >= 0xf0 && lead < 0xf5   ? 4
                               : lead >= 0xe0 && lead < 0xf0 ? 3
                               : lead >= 0xc2 && lead < 0xe0 ? 2
                                                             : 0;
    if (length == 0 || at + length > text.size()) return {0xfffd, 1, false};
    char32_t c = lead & (0x7fU >> length);
    for (std::size_t i = 1; i < length; ++i) {
        if ((byte(at + i) & 0xc0U) != 0x80) return {0xfffd, 1, false};
        c = (c << 6) | (byte(at + i) & 0x3fU);
    }
    if ((length == 3 && c < 0x800) || (length == 4 && (c < 0x10000 || c > 0x10ffff))) return {0xfffd, 1, false};
    return {c, length, true};
}

/// Appends the UTF-8 form of `c` (also of a lone surrogate, as Python's surrogatepass does).
inline void append_utf8(std::string& out, char32_t c) {
    if (c < 0x80) out += static_cast<char>(c);
    else if (c < 0x800) {
        out += static_cast<char>(0xc0 | (c >> 6));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out += static_cast<char>(0xe0 | (c >> 12));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
        out += static_cast<char>(0xf0 | (c >> 18));
        out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
        out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
        out += static_cast<char>(0x80 | (c & 0x3f));
    }
}

/// The first entry of a sorted table that does not end before `c`, or its size.
template <class Entry, std::size_t N>
[[nodiscard]] std::size_t find_entry(const Entry (&table)[N], char32_t c) noexcept {
    std::size_t low = 0;
    std::size_t high = N;
    while (low < high) {
        const std::size_t middle = low + (high - low) / 2;
        if (table[middle].last < c) low = middle + 1;
        else high = middle;
    }
    return low;
}

template <std::size_t N> [[nodiscard]] bool in_ranges(const code_point_range (&table)[N], char32_t c) noexcept {
    const std::size_t i = find_entry(table, c);
    return i < N && table[i].first <= c;
}

template <class Run, std::size_t N> [[nodiscard]] bool in_runs(const Run (&table)[N], char32_t c) noexcept {
    const std::size_t i = find_entry(table, c);
    return i < N && table[i].first <= c && (c - table[i].first) % table[i].step == 0;
}

/// str.isspace() of one character.
[[nodiscard]] constexpr bool is_space(char32_t c) noexcept {
    return (c >= 9 && c <= 13) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
           (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}
/// A line boundary of str.splitlines().
[[nodiscard]] constexpr bool is_line_break(char32_t c) noexcept {
    return (c >= 10 && c <= 13) || (c >= 0x1c && c <= 0x1e) || c == 0x85 || c == 0x2028 || c == 0x2029;
}
[[nodiscard]] inline bool is_alphabetic(char32_t c) noexcept { return in_ranges(alphabetic_ranges, c); }
[[nodiscard]] inline bool is_alphanumeric(char32_t c) noexcept {
    return c < 0x80 ? (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')
                    : is_alphabetic(c) || in_ranges(numeric_ranges, c);
}
[[nodiscard]] inline bool is_uppercase(char32_t c) noexcept { return in_runs(uppercase_runs, c); }
[[nodiscard]] inline bool is_lowercase(char32_t c) noexcept { return in_runs(lowercase_runs, c); }

/// The value of a decimal digit of any script, or -1.
[[nodiscard]] inline int decimal_digit(char32_t c) noexcept {
    if (c < 0x80) return c >= '0' && c <= '9' ? static_cast<int>(c - '0') : -1;
    for (const code_point_range& r : decimal_ranges) {
        if (c >= r.first && c <= r.last) return static_cast<int>((c - r.first) % 10);
    }
    return -1;
}

/// The length of `text` in characters.
[[nodiscard]] inline std::size_t count_code_points(std::string_view text) noexcept {
    std::size_t n = 0;
    for (std::size_t i = 0; i < text.size(); ++n) i += decode_utf8(text, i).length;
    return n;
}

/// The byte at which character `index` begins (text.size() past the end).
[[nodiscard]] inline std::size_t byte_of_code_point(std::string_view text, std::size_t index) noexcept {
    std::size_t i = 0;
    for (; index > 0 && i < text.size(); --index) i += decode_utf8(text, i).length;
    return i;
}

/// The byte at which the character before byte `end` begins (end > 0).
[[nodiscard]] inline std::size_t previous_code_point(std::string_view text, std::size_t end) noexcept {
    const std::size_t lowest = end >= 4 ? end - 4 : 0;
    for (std::size_t i = end - 1; i + 1 > lowest; --i) {
        if ((static_cast<unsigned char>(text[i]) & 0xc0U) != 0x80) {
            if (i + decode_utf8(text, i).length == end) return i;
            break;
        }
        if (i == 0) break;
    }
    return end - 1;
}

/// One character per element.
[[nodiscard]] inline std::vector<value> characters_of(const marked_text& text) {
    std::vector<value> out;
    for (std::size_t i = 0; i < text.size();) {
        const std::size_t length = decode_utf8(text.view(), i).length;
        out.emplace_back(text.slice(i, i + length));
        i += length;
    }
    return out;
}

enum class strip_side { both, left, right };

/// str.strip, lstrip, rstrip; `chars` null means white space.
[[nodiscard]] inline marked_text strip_text(const marked_text& text, const std::string_view* chars, strip_side side) {
    const std::string_view s = text.view();
    const auto strippable = [&](std::size_t at, const code_point& c) {
        return chars ? chars->find(s.substr(at, c.length)) != std::string_view::npos : c.valid && is_space(c.value);
    };
    std::size_t begin = 0;
    std::size_t end = s.size();
    if (side != strip_side::right) {
        while (begin < end) {
            const code_point c = decode_utf8(s, begin);
            if (!strippable(begin, c)) break;
            begin += c.length;
        }
    }
    if (side != strip_side::left) {
        while (end > begin) {
            const std::size_t at = previous_code_point(s, end);
            if (!strippable(at, decode_utf8(s, at))) break;
            end = at;
        }
    }
    return text.slice(begin, end);
}

/// Splits at line boundaries as str.splitlines does.
[[nodiscard]] inline std::vector<marked_text> split_lines(const marked_text& text, bool keep_ends = false) {
    std::vector<marked_text> out;
    const std::string_view s = text.view();
    std::size_t start = 0;
    for (std::size_t i = 0; i < s.size();) {
        const code_point c = decode_utf8(s, i);
        std::size_t next = i + c.length;
        if (c.valid && is_line_break(c.value)) {
            if (c.value == '\r' && next < s.size() && s[next] == '\n') ++next;
            out.push_back(text.slice(start, keep_ends ? next : i));
            start = next;
        }
        i = next;
    }
    if (start < s.size()) out.push_back(text.slice(start, s.size()));
    return out;
}

/// str.split and str.rsplit; `separator` null means runs of white space; limit < 0 means no limit.
[[nodiscard]] inline std::vector<value> split_text(const marked_text& text, const std::string_view* separator,
                                                   std::int64_t limit, bool from_right) {
    std::vector<value> out;
    const std::string_view s = text.view();
    const auto take = [&](std::size_t begin, std::size_t end) { out.emplace_back(text.slice(begin, end)); };
    if (separator) {
        if (separator->empty()) template_fail("empty separator");
        if (from_right) {
            std::size_t end = s.size();
            for (; limit != 0; --limit) {
                if (end < separator->size()) break;
                const std::size_t at = s.rfind(*separator, end - separator->size());
                if (at == std::string_view::npos) break;
                take(at + separator->size(), end);
                end = at;
            }
            take(0, end);
        } else {
            std::size_t begin = 0;
            for (; limit != 0; --limit) {
                const std::size_t at = s.find(*separator, begin);
                if (at == std::string_view::npos) break;
                take(begin, at);
                begin = at + separator->size();
            }
            take(begin, s.size());
        }
    } else if (from_right) {
        std::size_t end = s.size();
        while (true) {
            while (end > 0) {
                const std::size_t at = previous_code_point(s, end);
                if (!is_space(decode_utf8(s, at).value)) break;
                end = at;
            }
            if (end == 0) break;
            if (limit-- == 0) {
                take(0, end);
                break;
            }
            std::size_t begin = end;
            while (begin > 0) {
                const std::size_t at = previous_code_point(s, begin);
                if (is_space(decode_utf8(s, at).value)) break;
                begin = at;
            }
            take(begin, end);
            end = begin;
        }
    } else {
        std::size_t i = 0;
        while (true) {
            while (i < s.size() && is_space(decode_utf8(s, i).value)) i += decode_utf8(s, i).length;
            if (i >= s.size()) break;
            if (limit-- == 0) {
                take(i, s.size());
                break;
            }
            const std::size_t begin = i;
            while (i < s.size() && !is_space(decode_utf8(s, i).value)) i += decode_utf8(s, i).length;
            take(begin, i);
        }
    }
    if (from_right) {
        for (std::size_t i = 0; i < out.size() / 2; ++i) out[i].swap(out[out.size() - 1 - i]);
    }
    return out;
}

/// str.replace; count < 0 means all.
[[nodiscard]] inline marked_text replace_text(const marked_text& text, std::string_view old,
                                              const marked_text& replacement, std::int64_t count, work_budget& budget) {
    marked_text out;
    const std::string_view s = text.view();
    std::size_t i = 0;
    if (old.empty()) {
        while (count != 0) {
            budget.spend(1 + replacement.size() / 16);
            out.append(replacement);
            --count;
            if (i >= s.size()) return out;
            const std::size_t length = decode_utf8(s, i).length;
            out.append(text, i, i + length);
            i += length;
        }
    } else {
        for (; count != 0; --count) {
            const std::size_t at = s.find(old, i);
            if (at == std::string_view::npos) break;
            budget.spend(1 + replacement.size() / 16);
            out.append(text, i, at);
            out.append(replacement);
            i = at + old.size();
        }
    }
    out.append(text, i, s.size());
    return out;
}

enum class letter_case { upper, lower, title };

template <std::size_t R, std::size_t S>
void append_case(std::string& out, char32_t c, const case_run (&runs)[R], const case_special (&specials)[S]) {
    for (const case_special& special : specials) {
        if (special.from != c) continue;
        for (const char32_t t : special.to) {
            if (t != 0) append_utf8(out, t);
        }
        return;
    }
    append_utf8(out,
                in_runs(runs, c) ? static_cast<char32_t>(static_cast<int>(c) + runs[find_entry(runs, c)].delta) : c);
}

/// Whether the sigma at byte `at` is the last letter of a word (Unicode's Final_Sigma).
[[nodiscard]] inline bool is_final_sigma(std::string_view s, std::size_t at) noexcept {
    bool before = false;
    for (std::size_t i = at; i > 0;) {
        i = previous_code_point(s, i);
        const char32_t c = decode_utf8(s, i).value;
        if (in_ranges(case_ignorable_ranges, c)) continue;
        before = in_ranges(cased_ranges, c);
        break;
    }
    if (!before) return false;
    for (std::size_t i = at + 2; i < s.size();) {
        const code_point c = decode_utf8(s, i);
        if (!in_ranges(case_ignorable_ranges, c.value)) return !in_ranges(cased_ranges, c.value);
        i += c.length;
    }
    return true;
}

/// Appends the character of `text` at byte `at` in another case; returns its length in bytes.
inline std::size_t append_cased(marked_text& out, const marked_text& text, std::size_t at, letter_case to) {
    const std::string_view s = text.view();
    const code_point c = decode_utf8(s, at);
    if (!c.valid) {
        out.append(text, at, at + 1);
    } else if (c.value < 0x80) {
        char byte = s[at];
        if (to == letter_case::lower ? byte >= 'A' && byte <= 'Z' : byte >= 'a' && byte <= 'z')
            byte = static_cast<char>(byte ^ 0x20);
        out.push_back(byte, text.from_user(at));
    } else {
        std::string mapped;
        if (to == letter_case::upper) append_case(mapped, c.value, upper_runs, upper_specials);
        else if (to == letter_case::title) append_case(mapped, c.value, title_runs, title_specials);
        else if (c.value == 0x3a3) append_utf8(mapped, is_final_sigma(s, at) ? 0x3c2 : 0x3c3);
        else append_case(mapped, c.value, lower_runs, lower_specials);
        out.append(mapped, text.from_user(at));
    }
    return c.length;
}

/// str.upper, str.lower.
[[nodiscard]] inline marked_text change_case(const marked_text& text, letter_case to) {
    marked_text out;
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size();) i += append_cased(out, text, i, to);
    return out;
}

/// str.capitalize: the first character in title case, the others in lower case.
[[nodiscard]] inline marked_text capitalize_text(const marked_text& text) {
    marked_text out;
    for (std::size_t i = 0; i < text.size();)
        i += append_cased(out, text, i, i == 0 ? letter_case::title : letter_case::lower);
    return out;
}

/// str.title: a letter after a letter is lower case, any other is title case.
[[nodiscard]] inline marked_text title_text(const marked_text& text) {
    marked_text out;
    bool after_cased = false;
    for (std::size_t i = 0; i < text.size();) {
        const char32_t c = decode_utf8(text.view(), i).value;
        i += append_cased(out, text, i, after_cased ? letter_case::lower : letter_case::title);
        after_cased = in_ranges(cased_ranges, c);
    }
    return out;
}

/// str.isupper or str.islower of a whole string: at least one cased character and none of the other case.
[[nodiscard]] inline bool has_case(std::string_view text, bool upper) noexcept {
    bool seen = false;
    for (std::size_t i = 0; i < text.size();) {
        const code_point c = decode_utf8(text, i);
        i += c.length;
        if (upper ? is_uppercase(c.value) : is_lowercase(c.value)) seen = true;
        else if (in_ranges(cased_ranges, c.value)) return false;
    }
    return seen;
}

/// Whether the text is not empty and every character satisfies `test`.
template <class Test> [[nodiscard]] bool all_code_points(std::string_view text, Test test) {
    for (std::size_t i = 0; i < text.size();) {
        const code_point c = decode_utf8(text, i);
        if (!c.valid || !test(c.value)) return false;
        i += c.length;
    }
    return !text.empty();
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
