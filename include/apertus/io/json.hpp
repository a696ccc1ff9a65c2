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
#include <utility>
#include <vector>

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

} // namespace detail

namespace detail {

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

/// Builds a DOM from the events of the parser. A repeated key keeps its first place and its last value.
class dom_builder {
public:
    dom_builder(std::string_view document, std::string_view text) : document_(document), text_(text) {}

    [[nodiscard]] json take() { return std::move(root_); }

    bool null() { return add(json()); }
    bool boolean(bool v) { return add(v); }
    bool number_integer(std::int64_t v) { return add(v); }
    bool number_unsigned(std::uint64_t v) { return add(v); }
    bool number_float(double v, const std::string&) { return add(v); }
    bool string(std::string& v) { return add(std::move(v)); }
    bool binary(json::binary_t&) { return false; } // not in a text
    bool start_object(std::size_t) { return open(json::object()); }
    bool start_array(std::size_t) { return open(json::array()); }
    bool key(std::string& k) {
        slot_ = &(*open_.back())[k];
        return true;
    }
    bool end_object() { return close(); }
    bool end_array() { return close(); }
    bool parse_error(std::size_t byte, const std::string&, const nlohmann::detail::exception& e) {
        json_parse_failure(document_, text_, byte, e.what());
    }

private:
    json* place(json&& value) {
        if (open_.empty()) return &(root_ = std::move(value));
        if (open_.back()->is_array()) return &open_.back()->emplace_back(std::move(value));
        return &(*slot_ = std::move(value));
    }
    bool add(json value) {
        place(std::move(value));
        return true;
    }
    bool open(json&& value) {
        open_.push_back(place(std::move(value)));
        return true;
    }
    bool close() {
        open_.pop_back();
        return true;
    }

    std::string_view document_;
    std::string_view text_;
    json root_;
    json* slot_ = nullptr;    // where the value of the last key goes
    std::vector<json*> open_; // containers that are not closed yet; only the innermost one grows
};

} // namespace detail

/// Runs the SAX parser over `text`. `Handler` has nlohmann's json_sax members (null, boolean, number_integer,
/// number_unsigned, number_float, string, binary, start_object, key, end_object, start_array, end_array, parse_error);
/// a handler that returns false or throws stops the parse, and its own exception passes through.
/// Returns false when the handler stopped.
template <class Handler> bool parse_json_sax(std::string_view text, Handler& handler) {
    detail::sax_adaptor<Handler> adaptor(handler);
    return json::sax_parse(text.begin(), text.end(), static_cast<nlohmann::json_sax<json>*>(&adaptor));
}

/// Parses `text` into an ordered DOM. `document` names it in errors (a path, usually).
/// Throws error(format) "document: line L, column C: reason".
[[nodiscard]] inline json parse_json(std::string_view text, std::string_view document) {
    detail::check_json_limits(text, document);
    detail::dom_builder builder(document, text);
    if (!parse_json_sax(text, builder)) detail::json_parse_failure(document, text, 0, "not a JSON text");
    return builder.take();
}

/// A value described for an error message: "null", "true", "3.5", "'text'", "an array of 3", "an object".
[[nodiscard]] inline std::string describe_json(const json& value) {
    switch (value.type()) {
    case json::value_t::null: return "null";
    case json::value_t::string: return quoted(value.get_ref<const std::string&>());
    case json::value_t::array: return "an array of " + std::to_string(value.size());
    case json::value_t::object: return "an object";
    case json::value_t::boolean: return value.get<bool>() ? "true" : "false";
    case json::value_t::number_integer:
    case json::value_t::number_unsigned:
    case json::value_t::number_float: return value.dump();
    case json::value_t::binary:
    case json::value_t::discarded: break;
    }
    return "nothing";
}

APERTUS_END_NAMESPACE
