// SPDX-License-Identifier: Apache-2.0
//
// Conversations and tools as JSON: what a server's request body or a file on the command line holds.
#pragma once

#include <apertus/run/value_json.hpp>
#include <apertus/text/chat_template.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// A list of messages from JSON: either the array itself or an object with a key "messages". Strings are user text.
[[nodiscard]] inline value messages_from_json(std::string_view text, std::string_view document = "messages") {
    value v = value_from_json(text, document);
    if (v.is_mapping() && v.get("messages").is_list()) v = v.get("messages");
    if (!v.is_list())
        fail(error_category::format, document, "top level", "an array of messages", detail::jinja::type_name(v));
    for (const value& message : v.items()) {
        if (!message.is_mapping())
            fail(error_category::format, document, "message", "an object", detail::jinja::type_name(message));
        if (!message.get("role").is_string())
            fail(error_category::format, document, "message", "a key \"role\" with a string", "none");
    }
    return v;
}

/// A list of tools from JSON: the array itself or an object with a key "tools".
[[nodiscard]] inline value tools_from_json(std::string_view text, std::string_view document = "tools") {
    value v = value_from_json(text, document);
    if (v.is_mapping() && v.get("tools").is_list()) v = v.get("tools");
    if (!v.is_list())
        fail(error_category::format, document, "top level", "an array of tools", detail::jinja::type_name(v));
    return v;
}

/// For chat_options::parse_json: argument strings of tool calls become objects where a template wants objects.
[[nodiscard]] inline value parse_tool_arguments(std::string_view text) {
    return value_from_json(text, "tool call arguments");
}

/// Hugging Face's special_tokens_map from a parsed tokenizer_config.json: bos_token, eos_token, ... (string or object
/// with "content"), additional_special_tokens as a list. Keys that are absent or null are left out.
[[nodiscard]] inline value_map special_tokens_from_config(const value& tokenizer_config) {
    value_map out;
    const auto text_of = [](const value& v) { return v.is_mapping() ? v.get("content") : v; };
    for (const std::string_view key :
         {"bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"}) {
        const value text = text_of(tokenizer_config.get(key));
        if (text.is_string()) out.set(value(key), value(std::string(text.as_string())));
    }
    const value more = tokenizer_config.get("additional_special_tokens");
    if (more.is_list()) {
        std::vector<value> texts;
        for (const value& v : more.items()) {
            if (text_of(v).is_string()) texts.emplace_back(std::string(text_of(v).as_string()));
        }
        out.set("additional_special_tokens", value::list(std::move(texts)));
    }
    return out;
}

/// The chat template of a folder's tokenizer_config.json ("chat_template": a string, or a list of {name, template} of
/// which "default" counts); empty when it has none. A file chat_template.jinja takes precedence over it.
[[nodiscard]] inline std::string chat_template_from_config(const value& tokenizer_config) {
    const value entry = tokenizer_config.get("chat_template");
    if (entry.is_string()) return std::string(entry.as_string());
    if (entry.is_list()) {
        for (const value& v : entry.items()) {
            const value name = v.get("name");
            if (name.is_string() && name.as_string() == "default" && v.get("template").is_string())
                return std::string(v.get("template").as_string());
        }
    }
    return {};
}

APERTUS_END_NAMESPACE
