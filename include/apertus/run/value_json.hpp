// SPDX-License-Identifier: Apache-2.0
//
// JSON text <-> template values. Objects keep their order; of a repeated key the last value wins, as in Python.
// Integers beyond 64 bits are refused (as a float they would print differently from Python).
#pragma once

#include <apertus/io/json.hpp>
#include <apertus/text/value.hpp>
#include <apertus/text/value_format.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Who wrote the strings of a document (value_text.hpp).
enum class text_origin {
    host, ///< trusted: special tokens in it are special tokens
    user, ///< untrusted: text only
};

/// Builds a value from a parsed document. Depth is bounded by the reader (json_max_depth).
[[nodiscard]] inline value value_from_json(const json& document, text_origin origin = text_origin::user) {
    const auto text = [&](const std::string& s) { return value(marked_text(s, origin == text_origin::user)); };
    switch (document.type()) {
    case json::value_t::null: return value(nullptr);
    case json::value_t::boolean: return value(document.get<bool>());
    case json::value_t::number_integer: return value(document.get<std::int64_t>());
    case json::value_t::number_unsigned: {
        const auto number = document.get<std::uint64_t>();
        if (number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) {
            fail(error_category::format, "JSON value", "integer " + std::to_string(number), "at most 63 bits", "more");
        }
        return value(static_cast<std::int64_t>(number));
    }
    case json::value_t::number_float: return value(document.get<double>());
    case json::value_t::string: return text(document.get_ref<const std::string&>());
    case json::value_t::array: {
        std::vector<value> items;
        items.reserve(document.size());
        for (const json& item : document) items.push_back(value_from_json(item, origin));
        return value::list(std::move(items));
    }
    case json::value_t::object: {
        value_map map;
        for (const auto& [key, item] : document.items()) map.set(text(key), value_from_json(item, origin));
        return value(std::move(map));
    }
    case json::value_t::binary:
    case json::value_t::discarded: break;
    }
    fail(error_category::format, "JSON value", "not a JSON type");
}

/// Parses `text`; `document` names it in errors.
[[nodiscard]] inline value value_from_json(std::string_view text, std::string_view document = "JSON text",
                                           text_origin origin = text_origin::user) {
    return value_from_json(parse_json(text, document), origin);
}

/// json.dumps(v, ensure_ascii=False): ", " and ": " between elements. Fails for what JSON cannot hold.
[[nodiscard]] inline std::string to_json(const value& v, const json_style& style = {}) { return to_json_text(v, style).bytes(); }

APERTUS_END_NAMESPACE
