// SPDX-License-Identifier: Apache-2.0
//
// tokenizer.json (the format of Hugging Face tokenizers), tokenizer_config.json and special_tokens_map.json -> tokenizer_spec,
// and a folder -> tokenizer. tokenizer.json has 17 MB, most of it vocabulary and merges: they go from the SAX parser straight into
// the arena of the spec. The small sections are collected and read afterwards.
// What the library does not implement is refused by its name in the file; nothing is skipped silently but `truncation` and
// `padding`, which are defaults of Hugging Face's batch calls and not part of the mapping from text to ids.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/tokenizer.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Reads tokenizer.json. `document` names it in errors, which are error(format) for what is not JSON, not the format or not
/// supported. Contradictions inside the data are found when a tokenizer is built from the result: error(tokenizer).
APERTUS_DECLARATION [[nodiscard]] tokenizer_spec parse_tokenizer_json(std::string_view text, std::string_view document);

/// Adds what tokenizer_config.json says to `spec`: names of special tokens, sides, length, chat template.
APERTUS_DECLARATION void parse_tokenizer_config(std::string_view text, std::string_view document, tokenizer_spec& spec);

/// Adds the names of special tokens in special_tokens_map.json that `spec` does not have yet.
APERTUS_DECLARATION void parse_special_tokens_map(std::string_view text, std::string_view document,
                                                  tokenizer_spec& spec);

namespace detail {

/// Named special tokens that the vocabulary has but that are not added tokens yet become special added tokens.
APERTUS_DECLARATION void adopt_named_tokens(tokenizer_spec& spec);

} // namespace detail

/// The tokenizer of a folder: tokenizer.json and, where present, tokenizer_config.json and special_tokens_map.json. Or of
/// a GGUF file, when the name ends with ".gguf".
/// Special tokens that only the configuration names (and the vocabulary has) become special added tokens, as transformers does.
APERTUS_DECLARATION [[nodiscard]] tokenizer load_tokenizer(const std::string& directory);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/tokenizer_json_definitions.hpp>
#endif
