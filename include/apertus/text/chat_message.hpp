// SPDX-License-Identifier: Apache-2.0
//
// Messages of a conversation as ordinary structs, for hosts that do not want to build dynamic values. The field names
// are OpenAI's and Hugging Face's. A message is turned into the mapping that a template reads.
#pragma once

#include <apertus/text/value.hpp>

#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// A function call that the assistant made.
struct chat_tool_call {
    std::string name{};
    std::string arguments = "{}"; ///< JSON text of an object
    std::string id{};
};

/// One message: chat_message{"user", "Hello"}.
struct chat_message {
    std::string role{}; ///< "system", "user", "assistant", "tool"
    std::string content{};
    std::vector<chat_tool_call> tool_calls{};
    std::string reasoning_content{}; ///< left out when empty, as are the following
    std::string tool_call_id{};
    std::string name{};
};

/// The message as the mapping that templates read; its strings are user text.
[[nodiscard]] inline value to_value(const chat_message& message) {
    value_map out;
    out.set("role", value::user_text(message.role));
    out.set("content", value::user_text(message.content));
    if (!message.reasoning_content.empty()) out.set("reasoning_content", value::user_text(message.reasoning_content));
    if (!message.tool_calls.empty()) {
        std::vector<value> calls;
        for (const chat_tool_call& call : message.tool_calls) {
            value_map entry;
            if (!call.id.empty()) entry.set("id", value::user_text(call.id));
            entry.set("type", "function");
            entry.set("function", value(value_map{{"name", value::user_text(call.name)},
                                                  {"arguments", value::user_text(call.arguments)}}));
            calls.emplace_back(std::move(entry));
        }
        out.set("tool_calls", value::list(std::move(calls)));
    }
    if (!message.tool_call_id.empty()) out.set("tool_call_id", value::user_text(message.tool_call_id));
    if (!message.name.empty()) out.set("name", value::user_text(message.name));
    return value(std::move(out));
}

/// The whole conversation as a list.
[[nodiscard]] inline value to_value(const std::vector<chat_message>& messages) {
    std::vector<value> out;
    out.reserve(messages.size());
    for (const chat_message& message : messages) out.push_back(to_value(message));
    return value::list(std::move(out));
}

APERTUS_END_NAMESPACE
