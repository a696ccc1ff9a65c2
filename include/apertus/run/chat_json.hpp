// SPDX-License-Identifier: Apache-2.0
//
// Conversations and tools as JSON: what a server's request body or a file on the command line holds.
#pragma once

#include <apertus/run/value_json.hpp>
#include <apertus/text/chat_template.hpp>
#include <apertus/text/value.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// A list of messages from JSON: either the array itself or an object with a key "messages". Strings are user text.
APERTUS_DECLARATION [[nodiscard]] value messages_from_json(std::string_view text,
                                                           std::string_view document = "messages");

/// A list of tools from JSON: the array itself or an object with a key "tools".
APERTUS_DECLARATION [[nodiscard]] value tools_from_json(std::string_view text, std::string_view document = "tools");

/// For chat_options::parse_json: argument strings of tool calls become objects where a template wants objects.
APERTUS_DECLARATION [[nodiscard]] value parse_tool_arguments(std::string_view text);

/// Hugging Face's special_tokens_map from a parsed tokenizer_config.json: bos_token, eos_token, ... (string or object
/// with "content"), additional_special_tokens as a list. Keys that are absent or null are left out.
APERTUS_DECLARATION [[nodiscard]] value_map special_tokens_from_config(const value& tokenizer_config);

/// The chat template of a folder's tokenizer_config.json ("chat_template": a string, or a list of {name, template} of
/// which "default" counts); empty when it has none. A file chat_template.jinja takes precedence over it.
APERTUS_DECLARATION [[nodiscard]] std::string chat_template_from_config(const value& tokenizer_config);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/chat_json_definitions.hpp>
#endif
