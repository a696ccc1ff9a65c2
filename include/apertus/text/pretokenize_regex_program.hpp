// SPDX-License-Identifier: Apache-2.0
//
// A compiler for a subset of Oniguruma's regular expressions (Ruby syntax, UTF-8), which is what Hugging Face tokenizers uses:
// literals, escapes, classes with ranges and \p{..}, groups, alternatives, greedy, lazy and possessive quantifiers, look-ahead,
// atomic groups, anchors, word boundaries, (?i). Everything else is refused by name, never guessed.
// The result is a program of small instructions with relative jumps for the machine in pretokenize_regex.hpp. Groups are kept on
// a stack of our own; nothing recurses.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/unicode_class.hpp>
#include <apertus/text/utf8.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// A set of code points: classes, ranges, or their complement. ASCII is answered from a bitmap.
struct code_set {
    unicode_mask classes = 0;
    std::vector<std::pair<std::uint32_t, std::uint32_t>> ranges;
    bool negated = false;
    std::array<std::uint64_t, 2> ascii{};

    [[nodiscard]] bool contains(std::uint32_t code) const noexcept {
        return code < 128 ? (ascii[code / 64] >> code % 64 & 1) != 0 : compute(code);
    }
    void add(std::uint32_t first, std::uint32_t last) { ranges.emplace_back(first, last); }
    /// Fills the bitmap; call once, after the last change.
    void finish() {
        for (std::uint32_t code = 0; code < 128; ++code) ascii[code / 64] |= std::uint64_t{compute(code)} << code % 64;
    }

private:
    [[nodiscard]] bool compute(std::uint32_t code) const noexcept {
        bool inside = in_mask(code, classes);
        for (const auto& [first, last] : ranges) inside = inside || (first <= code && code <= last);
        return inside != negated;
    }
};

enum class regex_op : std::uint8_t {
    character, ///< one character of `set`
    greedy_run,
    lazy_run,
    atomic_run, ///< `low` to `high` characters of `set`
    split,      ///< try pc + low, then pc + high
    jump,       ///< pc + low
    line_start,
    line_end,
    text_start,
    text_end,
    text_end_or_newline,
    word_boundary,
    not_word_boundary,
    look,
    not_look,
    atomic, ///< a sub-program that ends with `leave`; pc + low is behind it
    leave,
    loop_mark,
    loop_check, ///< remember the position in slot `low`; leave the loop when it has not moved
    accept,
};

struct regex_instruction {
    regex_op op;
    std::uint32_t set = 0;
    std::int32_t low = 0, high = 0;
};

inline constexpr std::int32_t unlimited = 0x7FFFFFFF;

struct regex_program {
    std::vector<regex_instruction> code;
    std::vector<code_set> sets;
    std::uint32_t slots = 0;
};

/// \w of Oniguruma 6.9: Alphabetic, M, Nd, Pc, and six numbers of Latin-1.
inline void add_word_set(code_set& set) {
    set.classes |= masks::letter | masks::mark | mask_of(unicode_class::Nd, unicode_class::Nl, unicode_class::Pc) |
                   mask_of(unicode_class::So_alphabetic);
    set.add(0xB2, 0xB3);
    set.add(0xB9, 0xB9);
    set.add(0xBC, 0xBE);
}

class regex_compiler {
public:
    /// Throws error(tokenizer) that names the construct when `pattern` is outside the subset.
    [[nodiscard]] static regex_program compile(std::string_view pattern) { return regex_compiler(pattern).run(); }

private:
    using code = std::vector<regex_instruction>;
    static constexpr std::size_t max_code = 20000, max_depth = 100, max_pattern = 100000;

    struct group {
        enum kind_type : std::uint8_t { plain, look, not_look, atomic } kind = plain;
        bool outer_ignore_case = false; ///< to restore at the end
        std::vector<code> alternatives;
        code current;
        std::size_t atom = none;  ///< where the last atom of `current` starts
        char previous_letter = 0; ///< under (?i): the literal letter just before
    };
    static constexpr std::size_t none = ~std::size_t{0};

    explicit regex_compiler(std::string_view pattern) : pattern_(pattern) {}

    [[noreturn]] void refuse(std::string_view what) const {
        fail(error_category::tokenizer, "tokenizer",
             "pattern " + quoted(pattern_) + " at byte " + std::to_string(at_) + ": " + std::string(what));
    }
    [[nodiscard]] bool done() const { return at_ == pattern_.size(); }
    [[nodiscard]] bool next_is(std::string_view text) const { return pattern_.substr(at_).starts_with(text); }
    bool take(std::string_view text) {
        if (!next_is(text)) return false;
        at_ += text.size();
        return true;
    }
    std::uint32_t take_code() {
        if (done()) refuse("unexpected end");
        const utf8_character c = utf8_decode(pattern_.data() + at_);
        at_ += c.size;
        return c.code;
    }

    regex_program run() {
        if (pattern_.size() > max_pattern || !is_valid_utf8(pattern_))
            refuse("not valid UTF-8 of at most 100000 bytes");
        groups_.emplace_back();
        while (!done()) step();
        if (groups_.size() != 1) refuse("')' is missing");
        program_.code = close_alternatives(groups_.back());
        program_.code.push_back({regex_op::accept});
        return std::move(program_);
    }

    void step() {
        if (next_is("*") || next_is("+") || next_is("?")) return quantifier();
        if (next_is("{") && interval()) return;

        if (take("|")) {
            groups_.back().alternatives.push_back(std::move(groups_.back().current));
            groups_.back().current.clear();
            groups_.back().atom = none;
            groups_.back().previous_letter = 0;
        } else if (take("(")) {
            open_group();
        } else if (take(")")) {
            close_group();
        } else if (take("[")) {
            atom_set(bracket());
        } else if (take(".")) {
            code_set set;
            set.add('\n', '\n');
            set.negated = true;
            atom_set(std::move(set));
        } else if (take("^")) {
            atom({{regex_op::line_start}});
        } else if (take("$")) {
            atom({{regex_op::line_end}});
        } else if (next_is("\\")) {
            escape();
        } else {
            literal(take_code());
        }
    }

    void atom(const code& instructions) {
        group& g = groups_.back();
        g.atom = g.current.size();
        g.current.insert(g.current.end(), instructions.begin(), instructions.end());
        g.previous_letter = 0;
        check_size(g.current.size());
    }
    void check_size(std::size_t size) const {
        if (size > max_code) refuse("the pattern is too large");
    }
    [[nodiscard]] std::uint32_t new_set(code_set set) {
        set.finish();
        program_.sets.push_back(std::move(set));
        check_size(program_.sets.size());
        return static_cast<std::uint32_t>(program_.sets.size() - 1);
    }
    void atom_set(code_set set) { atom({{regex_op::character, new_set(std::move(set))}}); }

    /// Adds `first`..`last` and, under (?i), what differs from it in case only. Only ASCII letters are folded here (with their
    /// two partners beyond ASCII); other letters are refused rather than matched wrongly.
    void add_folded(code_set& set, std::uint32_t first, std::uint32_t last) const {
        set.add(first, last);
        if (!ignore_case_) return;
        if (last >= 0x80) refuse("(?i) with characters beyond ASCII is not supported");
        for (std::uint32_t c = first; c <= last; ++c) {
            const bool small = c >= 'a' && c <= 'z', capital = c >= 'A' && c <= 'Z';
            if (!small && !capital) continue;
            set.add(c ^ 0x20, c ^ 0x20);
            if ((c | 0x20) == 's') set.add(0x17F, 0x17F);   // LATIN SMALL LETTER LONG S
            if ((c | 0x20) == 'k') set.add(0x212A, 0x212A); // KELVIN SIGN
        }
    }

    void literal(std::uint32_t c) {
        code_set set;
        add_folded(set, c, c);
        const char before = groups_.back().previous_letter;
        atom_set(std::move(set));
        if (!ignore_case_ || c >= 0x80) return;
        // Oniguruma lets one ligature stand for two letters; we do not.
        const char letter = static_cast<char>(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
        for (const std::string_view pair : {"ss", "ff", "fi", "fl", "st"}) {
            if (before == pair[0] && letter == pair[1])
                refuse("(?i) with the letters '" + std::string(pair) + "' is not supported");
        }
        groups_.back().previous_letter = letter;
    }

    void open_group() {
        if (groups_.size() > max_depth) refuse("groups are nested too deeply");
        group g;
        g.outer_ignore_case = ignore_case_;
        if (take("?")) {
            if (take(":")) {
            } else if (take("=")) {
                g.kind = group::look;
            } else if (take("!")) {
                g.kind = group::not_look;
            } else if (take(">")) {
                g.kind = group::atomic;
            } else if (take("i:")) {
                ignore_case_ = true;
            } else if (take("-i:")) {
                ignore_case_ = false;
            } else if (
                take("i)")) { // until the end of the enclosing group; in its middle it would also capture alternatives
                if (!groups_.back().current.empty() || !groups_.back().alternatives.empty())
                    refuse("(?i) not at the start of its group");
                ignore_case_ = true;
                return;
            } else {
                refuse("this kind of group is not supported");
            }
        }
        groups_.push_back(std::move(g));
    }

    [[nodiscard]] code close_alternatives(group& g) const {
        code out = std::move(g.current);
        for (std::size_t i = g.alternatives.size(); i-- > 0;) { // split(1st, rest): 1st; jump end; rest
            const code& first = g.alternatives[i];
            code joined;
            joined.reserve(first.size() + out.size() + 2);
            joined.push_back({regex_op::split, 0, 1, static_cast<std::int32_t>(first.size() + 2)});
            joined.insert(joined.end(), first.begin(), first.end());
            joined.push_back({regex_op::jump, 0, static_cast<std::int32_t>(out.size() + 1)});
            joined.insert(joined.end(), out.begin(), out.end());
            check_size(joined.size());
            out = std::move(joined);
        }
        return out;
    }

    void close_group() {
        if (groups_.size() == 1) refuse("')' without '('");
        group g = std::move(groups_.back());
        groups_.pop_back();
        ignore_case_ = g.outer_ignore_case;
        code body = close_alternatives(g);
        switch (g.kind) {
        case group::plain: break;
        case group::look: body = enclosed(regex_op::look, body); break;
        case group::not_look: body = enclosed(regex_op::not_look, body); break;
        case group::atomic: body = enclosed(regex_op::atomic, body); break;
        }
        atom(body);
    }

    [[nodiscard]] static code enclosed(regex_op op, const code& body) {
        code out;
        out.push_back({op, 0, static_cast<std::int32_t>(body.size() + 2)});
        out.insert(out.end(), body.begin(), body.end());
        out.push_back({regex_op::leave});
        return out;
    }

    void quantifier() {
        const char symbol = pattern_[at_++];
        const std::int32_t low = symbol == '+' ? 1 : 0, high = symbol == '?' ? 1 : unlimited;
        const regex_op mode = take("?") ? regex_op::lazy_run : take("+") ? regex_op::atomic_run : regex_op::greedy_run;
        repeat(low, high, mode);
    }

    /// "{n}", "{n,}", "{n,m}", "{,m}"; false when '{' is a literal.
    bool interval() {
        std::size_t p = at_ + 1;
        const auto number = [&](std::int32_t absent) {
            if (p == pattern_.size() || pattern_[p] < '0' || pattern_[p] > '9') return absent;
            std::int32_t value = 0;
            for (; p != pattern_.size() && pattern_[p] >= '0' && pattern_[p] <= '9'; ++p) {
                value = std::min(value * 10 + (pattern_[p] - '0'), 100000);
            }
            return value;
        };
        const std::int32_t low = number(-1);
        std::int32_t high = low;
        if (p != pattern_.size() && pattern_[p] == ',') {
            ++p;
            high = number(unlimited);
            if (low < 0 && high == unlimited) return false;
        }
        if (high < 0 || p == pattern_.size() || pattern_[p] != '}') return false;
        const std::int32_t from = std::max(low, 0);
        if (from > 1000 || (high != unlimited && (high > 1000 || high < from)))
            refuse("repeat counts must ascend and be at most 1000");
        at_ = p + 1;
        if (next_is("+") || (from == high && next_is("?"))) refuse("this suffix of an interval is not supported");
        repeat(from, high, take("?") ? regex_op::lazy_run : regex_op::greedy_run);
        return true;
    }

    void repeat(std::int32_t low, std::int32_t high, regex_op mode) {
        group& g = groups_.back();
        if (g.atom == none) refuse("nothing to repeat");
        if (next_is("*") || next_is("+") || next_is("?")) refuse("a quantifier of a quantifier is not supported");
        const code body(g.current.begin() + static_cast<std::ptrdiff_t>(g.atom), g.current.end());
        g.current.resize(g.atom);
        g.atom = none;
        if (body.size() == 1 && body[0].op == regex_op::character) {
            atom({{mode, body[0].set, low, high}});
        } else if (mode == regex_op::atomic_run) {
            atom(enclosed(regex_op::atomic, repeated(body, low, high, false)));
        } else {
            atom(repeated(body, low, high, mode == regex_op::lazy_run));
        }
        groups_.back().atom = none; // a second quantifier would be refused above
    }

    [[nodiscard]] code repeated(const code& body, std::int32_t low, std::int32_t high, bool lazy) {
        const std::size_t copies = static_cast<std::size_t>(high == unlimited ? low + 1 : high);
        check_size(copies * (body.size() + 4));
        const auto size = static_cast<std::int32_t>(body.size());
        const auto split = [&](std::int32_t enter, std::int32_t leave) {
            return lazy ? regex_instruction{regex_op::split, 0, leave, enter}
                        : regex_instruction{regex_op::split, 0, enter, leave};
        };
        code out;
        for (std::int32_t i = 0; i < low; ++i) out.insert(out.end(), body.begin(), body.end());
        if (high == unlimited) {
            const auto slot = static_cast<std::int32_t>(program_.slots++);
            out.push_back(split(1, size + 4));
            out.push_back({regex_op::loop_mark, 0, slot});
            out.insert(out.end(), body.begin(), body.end());
            out.push_back({regex_op::loop_check, 0, slot});
            out.push_back({regex_op::jump, 0, -(size + 3)});
        } else {
            for (std::int32_t left = high - low; left > 0; --left) {
                out.push_back(split(1, (size + 1) * left));
                out.insert(out.end(), body.begin(), body.end());
            }
        }
        return out;
    }

    /// A class escape (\s, \p{..}, ...) added to `set`; false when the letter is none. `at_` is behind the backslash.
    bool class_escape(code_set& set) {
        const auto add = [&](unicode_mask mask, bool negative) { set.classes |= negative ? masks::any & ~mask : mask; };
        if (done()) refuse("unexpected end");
        const char letter = pattern_[at_];
        switch (letter) {
        case 's':
        case 'S': add(masks::space, letter == 'S'); break;
        case 'd':
        case 'D': add(mask_of(unicode_class::Nd), letter == 'D'); break;
        case 'w': add_word_set(set); break;
        case 'h':
            set.add('0', '9');
            set.add('a', 'f');
            set.add('A', 'F');
            break;
        case 'p':
        case 'P': {
            const std::size_t end = pattern_.find('}', at_);
            if (pattern_.substr(at_ + 1, 1) != "{" || end == std::string_view::npos) refuse("\\p without {..}");
            std::string_view name = pattern_.substr(at_ + 2, end - at_ - 2);
            bool negative = letter == 'P';
            if (name.starts_with("^")) {
                negative = !negative;
                name.remove_prefix(1);
            }
            const auto mask = category_mask(name);
            if (!mask) refuse("\\p{" + std::string(name) + "}: only general categories are supported");
            if (ignore_case_ && (name == "Lu" || name == "Ll" || name == "Lt"))
                refuse("(?i) with \\p{" + std::string(name) + "}");
            add(*mask, negative);
            at_ = end;
            break;
        }
        default: return false;
        }
        ++at_;
        return true;
    }

    /// The code point of an escaped character. `at_` is behind the backslash.
    std::uint32_t character_escape() {
        const std::uint32_t c = take_code();
        switch (c) {
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'f': return '\f';
        case 'v': return '\v';
        case 'a': return '\a';
        case 'e': return 0x1B;
        case 'x': {
            const bool braces = take("{");
            const std::uint32_t value = hex(braces ? 8 : 2, false);
            if (braces && !take("}")) refuse("\\x{..} without '}'");
            if (!braces && value >= 0x80) refuse("\\x80 to \\xFF are bytes, not characters");
            return value;
        }
        case 'u': return hex(4, true);
        default: break;
        }
        const bool word = c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (word) refuse("the escape \\" + std::string(1, static_cast<char>(c)) + " is not supported");
        return c;
    }

    std::uint32_t hex(int most, bool exact) {
        std::uint32_t value = 0;
        int digits = 0;
        for (; digits < most && !done(); ++digits, ++at_) {
            const char d = pattern_[at_];
            const int digit = d >= '0' && d <= '9'   ? d - '0'
                              : d >= 'a' && d <= 'f' ? d - 'a' + 10
                              : d >= 'A' && d <= 'F' ? d - 'A' + 10
                                                     : -1;
            if (digit < 0) break;
            value = value * 16 + static_cast<std::uint32_t>(digit);
        }
        if (digits == 0 || (exact && digits != most) || value > 0x10FFFF || (value >= 0xD800 && value < 0xE000)) {
            refuse("not the hexadecimal number of a character");
        }
        return value;
    }

    void escape() {
        ++at_; // the backslash
        code_set set;
        if (class_escape(set)) return atom_set(std::move(set));
        if (take("A")) return atom({{regex_op::text_start}});
        if (take("z")) return atom({{regex_op::text_end}});
        if (take("Z")) return atom({{regex_op::text_end_or_newline}});
        if (take("b")) return atom({{regex_op::word_boundary}});
        if (take("B")) return atom({{regex_op::not_word_boundary}});
        if (take("W")) {
            add_word_set(set);
            set.negated = true;
            return atom_set(std::move(set));
        }
        literal(character_escape());
    }

    /// A class; `at_` is behind the '['.
    code_set bracket() {
        code_set set;
        set.negated = take("^");
        while (!take("]")) {
            if (done()) refuse("']' is missing");
            if (next_is("[")) refuse("a class inside a class is not supported");
            if (next_is("&&")) refuse("'&&' in a class is not supported");
            std::uint32_t low = 0;
            if (take("\\")) {
                if (class_escape(set)) continue;
                low = take("b") ? 0x08 : character_escape();
            } else {
                low = take_code();
            }
            std::uint32_t high = low;
            if (next_is("-") && !next_is("-]")) {
                ++at_;
                if (next_is("[")) refuse("a class inside a class is not supported");
                if (take("\\")) {
                    code_set ignored;
                    if (class_escape(ignored)) refuse("a range that ends in a class");
                    high = character_escape();
                } else {
                    high = take_code();
                }
                if (high < low) refuse("a range that descends");
            }
            add_folded(set, low, high);
            if (set.ranges.size() > max_code) refuse("the pattern is too large");
        }
        if (set.classes == 0 && set.ranges.empty()) refuse("an empty class");
        return set;
    }

    std::string_view pattern_;
    std::size_t at_ = 0;
    bool ignore_case_ = false;
    regex_program program_;
    std::vector<group> groups_;
};

} // namespace detail
APERTUS_END_NAMESPACE
