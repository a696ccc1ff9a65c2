// SPDX-License-Identifier: Apache-2.0
//
// config.json -> model_config. Agrees with AutoConfig of transformers 5.23 in defaults and in how the two spellings of
// the RoPE block are merged (`rope_theta` + `rope_scaling` of 4.x, `rope_parameters` of 5.x); tools/compare_config.py
// repeats that comparison. What we cannot honour is refused by name instead of being ignored.
// More lenient than the reference: integers may be written as floats (4096.0) and floats as integers. Stricter: unknown
// rope types and activations, odd head sizes and heads that do not divide hidden_size are refused here, not later.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/model/config.hpp>

#include <cstdint>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Largest config.json and generation_config.json that we read, in bytes.
inline constexpr std::uint64_t config_max_bytes = 4u << 20;

/// Parses the text of a config.json; `document` names it in errors (its path). Knows model types apertus, llama,
/// apertus1p5 (whose text_config is taken) and apertus1p5_text. The result has passed model_config::validate.
/// Throws error(format) for JSON that is not JSON and error(config) "document: key: expected X, found Y".
APERTUS_DECLARATION [[nodiscard]] model_config parse_config_json(std::string_view text,
                                                                 std::string_view document = "config.json");

/// Reads and parses the file at `path`. Throws error(io) and error(resource) too.
APERTUS_DECLARATION [[nodiscard]] model_config load_config_json(const std::string& path);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/config_json_definitions.hpp>
#endif
