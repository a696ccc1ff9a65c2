// SPDX-License-Identifier: Apache-2.0
//
// Template text -> tokens, with Jinja 3.1's rules for white space: `-` strips, `+` keeps, trim_blocks drops the newline
// after a block or comment, lstrip_blocks the indentation before it (never before `{{`), and the last newline of the
// file is dropped. Must agree with jinja2/lexer.py.
#pragma once

#include <apertus/text/jinja/ast.hpp>
#include <apertus/text/jinja/python_text.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

enum class token_kind : std::uint8_t {
    data,
    block_begin,
    block_end,
    variable_begin,
    variable_end,
    name,
    string,
    integer,
    floating,
    op,
    end
};

struct token {
    token_kind kind;
    int line = 1;
    std::string text; ///< data, names, unescaped strings, operators
    std::int64_t integer = 0;
    double floating = 0;
};

class lexer {
public:
    lexer(std::string_view source, bool trim_blocks, bool lstrip_blocks)
        : source_(normalize(source)), trim_blocks_(trim_blocks), lstrip_blocks_(lstrip_blocks) {}

    [[nodiscard]] std::vector<token> run() {
        while (pos_ < source_.size()) root();
        emit(token_kind::end, {});
        return std::move(tokens_);
    }

private:
    /// One kind of line break, and no break at the end of the file.
    static std::string normalize(std::string_view source) {
        std::string out;
        out.reserve(source.size());
        for (std::size_t i = 0; i < source.size(); ++i) {
            if (source[i] != '\r') out += source[i];
            else if (i + 1 >= source.size() || source[i + 1] != '\n') out += '\n';
        }
        if (!out.empty() && out.back() == '\n') out.pop_back();
        return out;
    }

    [[noreturn]] void fail_here(const std::string& message) { throw template_syntax_failure(line_at(pos_), message); }

    /// Positions are asked for in ascending order, so the count goes on from the last one.
    int line_at(std::size_t at) {
        for (; counted_ < at && counted_ < source_.size(); ++counted_) lines_ += source_[counted_] == '\n';
        return lines_;
    }
    void emit(token_kind kind, std::string text) {
        token t;
        t.kind = kind;
        t.line = line_at(pos_);
        t.text = std::move(text);
        tokens_.push_back(std::move(t));
    }
    [[nodiscard]] bool at(std::size_t i, std::string_view what) const {
        return std::string_view(source_).substr(i, what.size()) == what;
    }
    [[nodiscard]] std::size_t skip_space(std::size_t i) const {
        while (i < source_.size()) {
            const code_point c = decode_utf8(source_, i);
            if (!c.valid || !is_space(c.value)) break;
            i += c.length;
        }
        return i;
    }
    /// The sign of white-space control after an opening tag.
    [[nodiscard]] char sign_at(std::size_t i) const {
        return i < source_.size() && (source_[i] == '-' || source_[i] == '+') ? source_[i] : '\0';
    }

    /// The text before a tag, stripped as the tag's sign and lstrip_blocks say.
    void emit_data(std::size_t begin, std::size_t end, char sign, bool is_variable) {
        std::string_view text = std::string_view(source_).substr(begin, end - begin);
        if (sign == '-') {
            while (!text.empty()) {
                const std::size_t last = previous_code_point(text, text.size());
                const code_point c = decode_utf8(text, last);
                if (!c.valid || !is_space(c.value)) break;
                text = text.substr(0, last);
            }
        } else if (sign != '+' && lstrip_blocks_ && !is_variable) {
            const std::size_t newline = text.rfind('\n');
            const std::size_t line_begin = newline == std::string_view::npos ? 0 : newline + 1;
            const bool starts_line = newline != std::string_view::npos || begin == 0 || source_[begin - 1] == '\n';
            if (starts_line && skip_space(begin + line_begin) >= end) text = text.substr(0, line_begin);
        }
        if (!text.empty()) {
            pos_ = begin;
            emit(token_kind::data, std::string(text));
        }
    }

    void root() {
        const std::size_t begin = pos_;
        std::size_t open = begin;
        while (true) {
            open = source_.find('{', open);
            if (open == std::string::npos || open + 1 >= source_.size()) {
                emit(token_kind::data, source_.substr(begin));
                pos_ = source_.size();
                return;
            }
            const char next = source_[open + 1];
            if (next == '%' || next == '{' || next == '#') break;
            ++open;
        }
        const char kind = source_[open + 1];
        const char sign = sign_at(open + 2);
        emit_data(begin, open, sign, kind == '{');
        pos_ = open;
        const std::size_t inside = open + 2 + (sign != '\0' ? 1 : 0);
        if (kind == '#') comment(inside);
        else if (kind == '{') {
            emit(token_kind::variable_begin, {});
            pos_ = inside;
            tag(true);
        } else if (const std::size_t body = raw_begin(inside); body != 0) {
            pos_ = body;
            raw();
        } else {
            emit(token_kind::block_begin, {});
            pos_ = inside;
            tag(false);
        }
    }

    /// Position after "raw %}" when one begins at `i`, else 0.
    [[nodiscard]] std::size_t raw_begin(std::size_t i) const {
        i = skip_space(i);
        if (!at(i, "raw")) return 0;
        i = skip_space(i + 3);
        if (at(i, "-%}")) return skip_space(i + 3);
        return at(i, "%}") ? i + 2 : 0;
    }

    /// The end of a closing tag ("%}" or "#}") at `i` with its white space, or 0.
    [[nodiscard]] std::size_t closing(std::size_t i, std::string_view mark) const {
        if (i < source_.size() && source_[i] == '+' && at(i + 1, mark)) return i + 3;
        if (i < source_.size() && source_[i] == '-' && at(i + 1, mark)) return skip_space(i + 3);
        if (!at(i, mark)) return 0;
        return i + 2 + (trim_blocks_ && i + 2 < source_.size() && source_[i + 2] == '\n' ? 1 : 0);
    }

    void comment(std::size_t i) {
        for (; i < source_.size(); ++i) {
            if (const std::size_t after = closing(i, "#}"); after != 0) {
                pos_ = after;
                return;
            }
        }
        fail_here("Missing end of comment tag");
    }

    void raw() {
        const std::size_t begin = pos_;
        for (std::size_t open = source_.find("{%", begin); open != std::string::npos;
             open = source_.find("{%", open + 1)) {
            const char sign = sign_at(open + 2);
            std::size_t i = skip_space(open + 2 + (sign != '\0' ? 1 : 0));
            if (!at(i, "endraw")) continue;
            i = skip_space(i + 6);
            if (const std::size_t after = closing(i, "%}"); after != 0) {
                emit_data(begin, open, sign, false);
                pos_ = after;
                return;
            }
        }
        fail_here("Missing end of raw directive");
    }

    /// Tokens up to the end of a block or of a print tag.
    void tag(bool is_variable) {
        std::string open_brackets;
        while (pos_ < source_.size()) {
            if (open_brackets.empty()) {
                std::size_t after = 0;
                if (!is_variable) after = closing(pos_, "%}");
                else if (at(pos_, "-}}")) after = skip_space(pos_ + 3);
                else if (at(pos_, "}}")) after = pos_ + 2;
                if (after != 0) {
                    emit(is_variable ? token_kind::variable_end : token_kind::block_end, {});
                    pos_ = after;
                    return;
                }
            }
            const std::size_t after_space = skip_space(pos_);
            if (after_space != pos_) pos_ = after_space;
            else if (!number() && !name() && !string()) op(open_brackets);
        }
    }

    [[nodiscard]] static bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
    [[nodiscard]] char peek(std::size_t i) const { return i < source_.size() ? source_[i] : '\0'; }

    /// \d+(_\d+)*; returns the end.
    [[nodiscard]] std::size_t digits(std::size_t i) const {
        while (is_digit(peek(i)) || (peek(i) == '_' && i > 0 && is_digit(peek(i - 1)) && is_digit(peek(i + 1)))) ++i;
        return i;
    }

    bool number() {
        if (!is_digit(peek(pos_))) return false;
        const std::size_t whole = digits(pos_);
        std::size_t end = whole;
        bool is_float = false;
        if (peek(end) == '.' && is_digit(peek(end + 1))) {
            end = digits(end + 1);
            is_float = true;
        }
        if (peek(end) == 'e' || peek(end) == 'E') {
            const std::size_t sign = peek(end + 1) == '+' || peek(end + 1) == '-' ? 1 : 0;
            if (is_digit(peek(end + 1 + sign))) {
                end = digits(end + 1 + sign);
                is_float = true;
            }
        }
        if (is_float && pos_ > 0 && source_[pos_ - 1] == '.') is_float = false; // "x.1.5" is two subscripts
        if (is_float) {
            const std::string text = without_underscores(pos_, end);
            emit(token_kind::floating, {});
            const auto parsed = std::from_chars(text.data(), text.data() + text.size(), tokens_.back().floating);
            if (parsed.ec == std::errc::result_out_of_range) {
                const bool tiny = text.find("e-") != std::string::npos || text.find("E-") != std::string::npos;
                tokens_.back().floating = tiny ? 0.0 : __builtin_inf();
            }
            pos_ = end;
            return true;
        }
        integer(whole);
        return true;
    }

    void integer(std::size_t decimal_end) {
        int base = 10;
        std::size_t begin = pos_;
        std::size_t end = decimal_end;
        const char marker = static_cast<char>(peek(pos_ + 1) | 0x20);
        if (source_[pos_] == '0' && (marker == 'x' || marker == 'o' || marker == 'b')) {
            const int prefixed = marker == 'x' ? 16 : marker == 'o' ? 8 : 2;
            std::size_t i = pos_ + 2;
            while (true) {
                const std::size_t digit = peek(i) == '_' ? i + 1 : i;
                const char c = peek(digit);
                const int d = is_digit(c)                              ? c - '0'
                              : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                                       : 99;
                if (d >= prefixed) break;
                i = digit + 1;
            }
            if (i > pos_ + 2) {
                base = prefixed;
                begin = pos_ + 2;
                end = i;
            }
        }
        if (base == 10 && source_[pos_] == '0') { // 0, 00, 0_0 are zeros; the digits after them are another number
            end = pos_ + 1;
            while (peek(end) == '0' || (peek(end) == '_' && peek(end + 1) == '0')) ++end;
        }
        const std::string text = without_underscores(begin, end);
        emit(token_kind::integer, {});
        const auto parsed = std::from_chars(text.data(), text.data() + text.size(), tokens_.back().integer, base);
        if (parsed.ec != std::errc{}) fail_here("integer literal does not fit in 64 bits");
        pos_ = end;
    }

    [[nodiscard]] std::string without_underscores(std::size_t begin, std::size_t end) const {
        std::string out;
        for (std::size_t i = begin; i < end; ++i) {
            if (source_[i] != '_') out += source_[i];
        }
        return out;
    }

    bool name() {
        std::size_t end = pos_;
        while (end < source_.size()) {
            const code_point c = decode_utf8(source_, end);
            if (!c.valid || !(c.value == '_' ||
                              (c.value < 0x80 ? is_alphanumeric(c.value) : in_ranges(identifier_ranges, c.value))))
                break;
            end += c.length;
        }
        if (end == pos_) return false;
        emit(token_kind::name, source_.substr(pos_, end - pos_));
        pos_ = end;
        return true;
    }

    bool string() {
        const char quote = peek(pos_);
        if (quote != '\'' && quote != '"') return false;
        std::size_t end = pos_ + 1;
        while (end < source_.size() && source_[end] != quote) end += source_[end] == '\\' ? 2 : 1;
        if (end >= source_.size()) return false;
        emit(token_kind::string, unescape(std::string_view(source_).substr(pos_ + 1, end - pos_ - 1)));
        pos_ = end + 1;
        return true;
    }

    /// Python's escapes in a string literal.
    [[nodiscard]] std::string unescape(std::string_view text) {
        std::string out;
        for (std::size_t i = 0; i < text.size();) {
            if (text[i] != '\\') {
                out += text[i++];
                continue;
            }
            if (i + 1 >= text.size()) fail_here("\\ at end of string");
            const char c = text[i + 1];
            i += 2;
            static constexpr std::string_view letters = "abfnrtv\\'\"";
            static constexpr std::string_view meanings = "\a\b\f\n\r\t\v\\'\"";
            if (const std::size_t k = letters.find(c); k != std::string_view::npos) {
                out += meanings[k];
            } else if (c == '\n') {
                continue; // a line continued
            } else if (c >= '0' && c <= '7') {
                char32_t number = static_cast<char32_t>(c - '0');
                for (int n = 0; n < 2 && i < text.size() && text[i] >= '0' && text[i] <= '7'; ++n) {
                    number = number * 8 + static_cast<char32_t>(text[i++] - '0');
                }
                append_utf8(out, number);
            } else if (c == 'x' || c == 'u' || c == 'U') {
                const std::size_t length = c == 'x' ? 2 : c == 'u' ? 4 : 8;
                char32_t number = 0;
                const std::string_view hex = text.substr(i, length);
                std::uint32_t parsed = 0;
                const auto r = std::from_chars(hex.data(), hex.data() + hex.size(), parsed, 16);
                if (hex.size() < length || r.ptr != hex.data() + hex.size())
                    fail_here("truncated \\" + std::string(1, c) + " escape");
                number = parsed;
                if (number > 0x10ffff) fail_here("illegal Unicode character");
                append_utf8(out, number);
                i += length;
            } else if (c == 'N') {
                fail_here("\\N{...} escapes are not supported");
            } else if (static_cast<unsigned char>(c) >=
                       0x80) { // jinja2 escapes what is not ASCII first, so a backslash stays
                const code_point p = decode_utf8(text, i - 1);
                out += p.value < 0x100 ? "\\x" : p.value < 0x10000 ? "\\u" : "\\U";
                for (int shift = p.value < 0x100 ? 4 : p.value < 0x10000 ? 12 : 28; shift >= 0; shift -= 4) {
                    out += "0123456789abcdef"[(p.value >> shift) & 15];
                }
                i += p.length - 1;
            } else {
                out += '\\';
                out += c;
            }
        }
        return out;
    }

    void op(std::string& open_brackets) {
        static constexpr std::string_view two[] = {"//", "**", "==", "!=", ">=", "<="};
        const char c = source_[pos_];
        for (const std::string_view t : two) {
            if (at(pos_, t)) {
                emit(token_kind::op, std::string(t));
                pos_ += 2;
                return;
            }
        }
        if (std::string_view("+-/*%~[](){}><=.:|,;").find(c) == std::string_view::npos) {
            fail_here("unexpected char " + quoted(source_.substr(pos_, decode_utf8(source_, pos_).length)));
        }
        if (c == '(' || c == '[' || c == '{') open_brackets += c == '(' ? ')' : c == '[' ? ']' : '}';
        if (c == ')' || c == ']' || c == '}') {
            if (open_brackets.empty()) fail_here("unexpected '" + std::string(1, c) + "'");
            if (open_brackets.back() != c) {
                fail_here("unexpected '" + std::string(1, c) + "', expected '" + std::string(1, open_brackets.back()) +
                          "'");
            }
            open_brackets.pop_back();
        }
        emit(token_kind::op, std::string(1, c));
        ++pos_;
    }

    std::string source_;
    bool trim_blocks_;
    bool lstrip_blocks_;
    std::size_t pos_ = 0;
    std::size_t counted_ = 0;
    int lines_ = 1;
    std::vector<token> tokens_;
};

} // namespace detail::jinja

APERTUS_END_NAMESPACE
