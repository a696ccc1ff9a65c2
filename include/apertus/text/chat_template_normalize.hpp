// SPDX-License-Identifier: Apache-2.0
//
// Turns messages and tools as OpenAI's clients send them into what a given template can read. Nothing is done that the
// template does not need: what it needs is found by rendering a few tiny conversations (chat_template_definitions.hpp), because
// templates differ - Apertus 2509 wants bare tools and arguments as JSON strings, Llama 3 wrapped tools and objects.
// What there is to need: chat_template_needs.hpp.
// Content that is a mapping (Apertus: blocks, parts, text) is never touched.
#pragma once

#include <apertus/text/chat_template_needs.hpp>
#include <apertus/text/value.hpp>
#include <apertus/text/value_format.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// A copy of the mapping with one key set.
[[nodiscard]] inline value with_key(const value& mapping, std::string_view key, value v) {
    value_map map = mapping.as_map();
    map.set(value(key), std::move(v));
    return value(std::move(map));
}

[[nodiscard]] inline value normalize_tool(const value& tool) {
    value bare = tool.get("function").is_mapping() ? tool.get("function") : tool;
    if (bare.is_mapping() && (bare.get("description").is_none() || bare.get("description").is_undefined())) {
        bare = with_key(bare, "description", value(""));
    }
    return bare;
}

[[nodiscard]] inline value normalize_arguments(const value& function, const template_needs& needs,
                                               json_text_reader reader) {
    if (!function.is_mapping()) return function;
    const value arguments = function.get("arguments");
    if (needs.string_arguments && !arguments.is_string()) {
        const bool nothing = arguments.is_undefined() || arguments.is_none();
        return with_key(function, "arguments", nothing ? value("{}") : value(to_json_text(arguments)));
    }
    if (needs.object_arguments && arguments.is_string() && reader) {
        const std::string_view text = arguments.as_string();
        return with_key(function, "arguments", text.empty() ? value(value_map()) : reader(text));
    }
    return function;
}

[[nodiscard]] inline value normalize_calls(const value& calls, const template_needs& needs, json_text_reader reader) {
    std::vector<value> out;
    for (const value& call : calls.items()) {
        if (!call.is_mapping()) {
            out.push_back(call);
        } else if (call.get("function").is_mapping()) {
            value changed = with_key(call, "function", normalize_arguments(call.get("function"), needs, reader));
            if (needs.string_arguments && changed.get("type").is_undefined())
                changed = with_key(changed, "type", value("function"));
            out.push_back(std::move(changed));
        } else if (needs.string_arguments && call.get("name").is_string()) {
            out.push_back(
                value(value_map{{"type", "function"}, {"function", normalize_arguments(call, needs, reader)}}));
        } else {
            out.push_back(normalize_arguments(call, needs, reader));
        }
    }
    return value::list(std::move(out));
}

/// The text parts joined, or the content itself when it is no list or holds anything but text.
[[nodiscard]] inline value join_parts(const value& content) {
    if (!content.is_list()) return content;
    marked_text text;
    bool first = true;
    for (const value& part : content.items()) {
        const value type = part.get("type");
        const bool is_text = part.is_string() ||
                             (part.get("text").is_string() &&
                              (type.is_undefined() ||
                               (type.is_string() && (type.as_string() == "text" || type.as_string() == "input_text" ||
                                                     type.as_string() == "output_text"))));
        if (!is_text) return content;
        if (!first) text.push_back('\n');
        first = false;
        text.append(part.is_string() ? part.as_text() : part.get("text").as_text());
    }
    return value(std::move(text));
}

[[nodiscard]] inline value normalize_message(value message, const template_needs& needs, json_text_reader reader) {
    if (!message.is_mapping()) return message;
    const value role = message.get("role");
    const bool is_assistant = role.is_string() && role.as_string() == "assistant";
    const value content = message.get("content");
    if (needs.filled_content && (content.is_none() || (content.is_undefined() && is_assistant))) {
        message = with_key(message, "content", value(""));
    } else if (needs.string_content && content.is_list()) {
        message = with_key(message, "content", join_parts(content));
    }
    if (message.get("tool_calls").is_list() && (needs.string_arguments || needs.object_arguments)) {
        message = with_key(message, "tool_calls", normalize_calls(message.get("tool_calls"), needs, reader));
    }
    return message;
}

[[nodiscard]] inline bool has_role(const value& message, std::string_view role) {
    const value r = message.get("role");
    return r.is_string() && r.as_string() == role;
}

/// Leading system and developer messages become one system message; texts are joined by an empty line.
[[nodiscard]] inline std::vector<value> merge_developer(const std::vector<value>& messages) {
    std::size_t end = 0;
    bool developer = false;
    while (end < messages.size() && (has_role(messages[end], "system") || has_role(messages[end], "developer")) &&
           messages[end].get("content").is_string()) {
        developer = developer || has_role(messages[end], "developer");
        ++end;
    }
    if (!developer) return messages;
    marked_text text;
    for (std::size_t i = 0; i < end; ++i) {
        if (i > 0) text.append("\n\n");
        text.append(messages[i].get("content").as_text());
    }
    std::vector<value> out;
    out.push_back(value(value_map{{"role", "system"}, {"content", value(std::move(text))}}));
    out.insert(out.end(), messages.begin() + static_cast<std::ptrdiff_t>(end), messages.end());
    return out;
}

[[nodiscard]] inline value normalize_messages(const value& messages, const template_needs& needs,
                                              json_text_reader reader) {
    if (!messages.is_list() && !messages.is_tuple()) return messages;
    std::vector<value> out;
    for (const value& message : messages.items()) out.push_back(normalize_message(message, needs, reader));
    return value::list(needs.no_developer ? merge_developer(out) : std::move(out));
}

[[nodiscard]] inline value normalize_tools(const value& tools, const template_needs& needs) {
    if (!needs.bare_tools || !tools.is_list()) return tools;
    std::vector<value> out;
    for (const value& tool : tools.items()) out.push_back(normalize_tool(tool));
    return value::list(std::move(out));
}

/// Hugging Face copies a message's reasoning to the names that templates read: reasoning_content, thinking, reasoning.
[[nodiscard]] inline value alias_reasoning(const value& message) {
    if (!message.is_mapping()) return message;
    for (const std::string_view key : {"reasoning_content", "thinking", "reasoning"}) {
        const value reasoning = message.get(key);
        if (reasoning.is_undefined() || reasoning.is_none()) continue;
        value_map out;
        out.set("thinking", reasoning);
        for (const auto& [k, v] : message.as_map()) out.set(k, v);
        out.set("reasoning_content", reasoning);
        return value(std::move(out));
    }
    return message;
}

/// All strings of `v` marked as the user's (or none of them).
[[nodiscard]] inline value mark_strings(const value& v, bool from_user) {
    switch (v.kind()) {
    case value_kind::string: {
        const auto& ranges = v.as_text().user_ranges();
        const bool done = from_user ? ranges.size() == 1 && ranges[0].begin == 0 && ranges[0].end == v.as_text().size()
                                    : ranges.empty();
        if (done || v.as_text().empty()) return v;
        marked_text text = v.as_text();
        text.mark_all(from_user);
        return value(std::move(text));
    }
    case value_kind::list:
    case value_kind::tuple: {
        std::vector<value> items;
        items.reserve(v.items().size());
        for (const value& item : v.items()) items.push_back(mark_strings(item, from_user));
        return v.is_list() ? value::list(std::move(items)) : value::tuple(std::move(items));
    }
    case value_kind::mapping: {
        value_map map;
        for (const auto& [k, item] : v.as_map()) map.set(mark_strings(k, from_user), mark_strings(item, from_user));
        return value(std::move(map));
    }
    default: return v;
    }
}

/// A role that is a plain word is scaffolding: some templates build control tokens from it ("<|" + role + "|>").
[[nodiscard]] inline bool is_plain_word(std::string_view text) noexcept {
    if (text.empty() || text.size() > 32) return false;
    for (const char c : text) {
        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-'))
            return false;
    }
    return true;
}

[[nodiscard]] inline value mark_messages(const value& messages, bool from_user) {
    if (!messages.is_list() && !messages.is_tuple()) return mark_strings(messages, from_user);
    std::vector<value> out;
    for (const value& message : messages.items()) {
        value marked = mark_strings(message, from_user);
        const value role = marked.get("role");
        if (role.is_string() && is_plain_word(role.as_string()))
            marked = with_key(marked, "role", mark_strings(role, false));
        out.push_back(std::move(marked));
    }
    return value::list(std::move(out));
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
