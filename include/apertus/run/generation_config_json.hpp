// SPDX-License-Identifier: Apache-2.0
//
// generation_config.json -> generation_config. As transformers 5.23 does it (measured, tools/compare_config.py): when
// the file exists it alone counts, and nothing of config.json is mixed in, not even eos_token_id; when it does not, the
// same keys are taken from config.json as written there (the class's defaults for them do not apply). Arguments of a
// call are merged over the result. Unknown keys are ignored, ill-typed values refused; a strategy that would change
// the text and that we do not have (no_repeat_ngram_size, suppress_tokens, ...) is refused by name.
// Beyond the reference: frequency_penalty, presence_penalty and seed are read, because they are options here.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/generate/generation_config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Parses the text of a generation_config.json; `document` names it in errors. Throws error(format) for JSON that is
/// not JSON and error(config) "document: key: expected X, found Y".
APERTUS_DECLARATION [[nodiscard]] generation_config
parse_generation_config_json(std::string_view text, std::string_view document = "generation_config.json");

/// The generation options that a config.json carries, for folders without generation_config.json: from the top level,
/// then from its text_config where the top level says nothing. Same errors.
APERTUS_DECLARATION [[nodiscard]] generation_config
generation_config_from_config_json(std::string_view text, std::string_view document = "config.json");

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/generation_config_json_definitions.hpp>
#endif
