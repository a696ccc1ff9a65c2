// SPDX-License-Identifier: Apache-2.0
//
// The door to the JSON library (nlohmann/json). Nothing else in the library includes it.
// Small files are parsed into an insertion-ordered DOM; tokenizer.json (17 MB) and safetensors headers go through the
// SAX form, because inserting 131,072 keys into an ordered DOM object takes 20 s and the SAX pass 0.1 s.
// Parse errors become apertus::error(format) that names the document, line, column and the reason. Nesting and the
// (quadratic) cost of ordered objects are bounded before the parser builds anything.
#pragma once

#include <apertus/core/error.hpp>

#include <nlohmann/json.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// JSON value whose objects keep their insertion order.
using json = nlohmann::ordered_json;

/// Deepest nesting that any of our readers accepts.
inline constexpr std::size_t json_max_depth = 128;

/// Key comparisons that building ordered objects may take: about one second, one object of 30,000 members.
inline constexpr std::uint64_t json_max_key_comparisons = 500'000'000;

namespace detail {

/// "line 3, column 7" of byte `at` (0-based) of `text`; columns count bytes from 1.
[[nodiscard]] inline std::string json_position(std::string_view text, std::size_t at) {
    if (at > text.size()) at = text.size();
    std::size_t line = 1;
    std::size_t line_start = 0;
    for (std::size_t i = 0; i < at; ++i) {
        if (text[i] == '\n') {
            ++line;
            line_start = i + 1;
        }
    }
    return "line " + std::to_string(line) + ", column " + std::to_string(at - line_start + 1);
}

/// Throws the one form of JSON parse errors: "document: line L, column C: reason". `what` is the JSON library's text,
/// which may quote an arbitrarily long piece of the input; it is cut and freed of control characters.
[[noreturn]] inline void json_parse_failure(std::string_view document, std::string_view text, std::size_t byte,
                                            std::string_view what) {
    if (const auto at = what.find("] "); at != std::string_view::npos)
        what.remove_prefix(at + 2);        // "[json.exception...] "
    if (what.starts_with("parse error")) { // "parse error at line 1, column 2: "
        if (const auto at = what.find(": "); at != std::string_view::npos) what.remove_prefix(at + 2);
    }
    std::string reason = quoted(what, 240);
    reason = reason.substr(1, reason.size() - 2);
    fail(error_category::format, document, json_position(text, byte == 0 ? 0 : byte - 1) + ": " + reason);
}

/// Rejects nesting deeper than json_max_depth and objects whose ordered construction would be too slow.
inline void check_json_limits(std::string_view text, std::string_view document) {
    static constexpr std::uint64_t array_level = ~std::uint64_t{0};
    std::array<std::uint64_t, json_max_depth> members{}; // per open level: members seen, or array_level
    std::size_t depth = 0;
    std::uint64_t comparisons = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (depth == json_max_depth) {
                fail(error_category::format, document, json_position(text, i),
                     "nesting of at most " + std::to_string(json_max_depth), "deeper nesting");
            }
            members[depth++] = c == '{' ? 0 : array_level;
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        } else if (c == ',' && depth > 0 && members[depth - 1] != array_level) {
            comparisons += ++members[depth - 1];
            if (comparisons > json_max_key_comparisons) {
                fail(error_category::format, document, json_position(text, i), "an object of a few thousand members",
                     std::to_string(members[depth - 1]) + " and more");
            }
        }
    }
}

/// Any handler behind nlohmann's abstract one: the parser is compiled once for all of them (a second of compile time each
/// otherwise; the virtual calls are not measurable beside the parsing).
template <class Handler> class sax_adaptor final : public nlohmann::json_sax<json> {
public:
    explicit sax_adaptor(Handler& handler) : handler_(handler) {}

    bool null() override { return handler_.null(); }
    bool boolean(bool v) override { return handler_.boolean(v); }
    bool number_integer(number_integer_t v) override { return handler_.number_integer(v); }
    bool number_unsigned(number_unsigned_t v) override { return handler_.number_unsigned(v); }
    bool number_float(number_float_t v, const string_t& digits) override { return handler_.number_float(v, digits); }
    bool string(string_t& v) override { return handler_.string(v); }
    bool binary(binary_t& v) override { return handler_.binary(v); }
    bool start_object(std::size_t n) override { return handler_.start_object(n); }
    bool key(string_t& k) override { return handler_.key(k); }
    bool end_object() override { return handler_.end_object(); }
    bool start_array(std::size_t n) override { return handler_.start_array(n); }
    bool end_array() override { return handler_.end_array(); }
    bool parse_error(std::size_t byte, const std::string& token, const nlohmann::detail::exception& e) override {
        return handler_.parse_error(byte, token, e);
    }

private:
    Handler& handler_;
};

/// Runs the JSON library's parser; false when the handler stopped.
APERTUS_DECLARATION bool run_json_parser(std::string_view text, nlohmann::json_sax<json>& handler);

} // namespace detail

/// Runs the SAX parser over `text`. `Handler` has nlohmann's json_sax members (null, boolean, number_integer,
/// number_unsigned, number_float, string, binary, start_object, key, end_object, start_array, end_array, parse_error);
/// a handler that returns false or throws stops the parse, and its own exception passes through.
/// Returns false when the handler stopped.
template <class Handler> bool parse_json_sax(std::string_view text, Handler& handler) {
    detail::sax_adaptor<Handler> adaptor(handler);
    return detail::run_json_parser(text, adaptor);
}

/// Parses `text` into an ordered DOM. `document` names it in errors (a path, usually).
/// Throws error(format) "document: line L, column C: reason".
APERTUS_DECLARATION [[nodiscard]] json parse_json(std::string_view text, std::string_view document);

/// A value described for an error message: "null", "true", "3.5", "'text'", "an array of 3", "an object".
APERTUS_DECLARATION [[nodiscard]] std::string describe_json(const json& value);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/json_definitions.hpp>
#endif
