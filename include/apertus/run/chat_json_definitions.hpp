// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/chat_json.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/run/chat_json.hpp>
#include <apertus/run/value_json.hpp>
#include <apertus/text/value.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

APERTUS_DEFINITION value messages_from_json(std::string_view text, std::string_view document) {
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

APERTUS_DEFINITION value tools_from_json(std::string_view text, std::string_view document) {
    value v = value_from_json(text, document);
    if (v.is_mapping() && v.get("tools").is_list()) v = v.get("tools");
    if (!v.is_list())
        fail(error_category::format, document, "top level", "an array of tools", detail::jinja::type_name(v));
    return v;
}

APERTUS_DEFINITION value parse_tool_arguments(std::string_view text) {
    return value_from_json(text, "tool call arguments");
}

APERTUS_DEFINITION value_map special_tokens_from_config(const value& tokenizer_config) {
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

APERTUS_DEFINITION std::string chat_template_from_config(const value& tokenizer_config) {
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
