// SPDX-License-Identifier: Apache-2.0
//
// JSON text <-> template values. Objects keep their order; of a repeated key the last value wins, as in Python.
// Integers beyond 64 bits are refused (as a float they would print differently from Python).
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/value.hpp>
#include <apertus/text/value_format.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Who wrote the strings of a document (value_text.hpp).
enum class text_origin {
    host, ///< trusted: special tokens in it are special tokens
    user, ///< untrusted: text only
};

/// Parses `text`; `document` names it in errors. Throws error(format). Nesting is bounded by json_max_depth.
APERTUS_DECLARATION [[nodiscard]] value value_from_json(std::string_view text, std::string_view document = "JSON text",
                                                        text_origin origin = text_origin::user);

/// json.dumps(v, ensure_ascii=False): ", " and ": " between elements. Fails for what JSON cannot hold.
[[nodiscard]] inline std::string to_json(const value& v, const json_style& style = {}) {
    return to_json_text(v, style).bytes();
}

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/value_json_definitions.hpp>
#endif
