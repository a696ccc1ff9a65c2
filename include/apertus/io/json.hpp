// SPDX-License-Identifier: Apache-2.0
//
// The door to the JSON library (nlohmann/json). Nothing else in the library includes it.
// Small files are parsed into an insertion-ordered DOM; tokenizer.json (17 MB) goes through the SAX form, because
// inserting 131,072 keys into an ordered DOM object takes 20 s and the SAX pass 0.1 s.
// Parse errors become apertus::error(format) that names the document, the byte and the reason.
#pragma once

#include <apertus/core/error.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// JSON value whose objects keep their insertion order.
using json = nlohmann::ordered_json;

/// Deepest nesting that any of our readers accepts.
inline constexpr std::size_t json_max_depth = 128;

namespace detail {

[[noreturn]] inline void json_parse_failure(std::string_view document, std::size_t byte, std::string_view reason) {
    if (const auto at = reason.find("] "); at != std::string_view::npos) reason.remove_prefix(at + 2); // "[json.exception...] "
    fail(error_category::format, document, "byte " + std::to_string(byte) + ": " + std::string(reason));
}

/// Rejects nesting deeper than json_max_depth before the parser builds anything.
inline void check_json_depth(std::string_view text, std::string_view document) {
    std::size_t depth = 0;
    bool in_string = false;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (in_string) {
            if (c == '\\') ++i;
            else if (c == '"') in_string = false;
        } else if (c == '"') {
            in_string = true;
        } else if (c == '[' || c == '{') {
            if (++depth > json_max_depth) {
                fail(error_category::format, document, "byte " + std::to_string(i),
                     "nesting of at most " + std::to_string(json_max_depth), "deeper nesting");
            }
        } else if ((c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
}

} // namespace detail

/// Parses `text` into an ordered DOM. `document` names it in errors (a path, usually).
[[nodiscard]] inline json parse_json(std::string_view text, std::string_view document) {
    detail::check_json_depth(text, document);
    try {
        return json::parse(text.begin(), text.end());
    } catch (const json::parse_error& e) {
        detail::json_parse_failure(document, e.byte, e.what());
    } catch (const json::exception& e) { // e.g. a number out of range
        detail::json_parse_failure(document, 0, e.what());
    }
}

/// Runs the SAX parser over `text`. `Handler` has nlohmann's json_sax members (null, boolean, number_integer,
/// number_unsigned, number_float, string, binary, start_object, key, end_object, start_array, end_array, parse_error);
/// a handler that returns false or throws stops the parse, and its own exception passes through.
/// Returns false when the handler stopped.
template <class Handler> bool parse_json_sax(std::string_view text, Handler& handler) {
    return json::sax_parse(text.begin(), text.end(), &handler);
}

APERTUS_END_NAMESPACE
