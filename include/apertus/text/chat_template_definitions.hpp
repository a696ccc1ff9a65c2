// SPDX-License-Identifier: Apache-2.0
//
// The bodies of text/chat_template.hpp: the parsed template behind a chat_template, what it needs done to messages, and
// Hugging Face's continue_final_message.
#pragma once

#include <apertus/text/chat_template.hpp>
#include <apertus/text/chat_template_normalize.hpp>
#include <apertus/text/jinja/engine.hpp>

#include <cstddef>
#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// See chat_template.
class chat_template_engine {
public:
    chat_template_engine(std::string source, value_map special_tokens, jinja_options options)
        : source_(std::move(source)), special_tokens_(std::move(special_tokens)),
          template_(source_, std::move(options)) {
        find_needs();
    }

    [[nodiscard]] rendered_chat apply(const value& messages, const chat_options& options) const {
        if (options.continue_final_message && options.add_generation_prompt) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message and add_generation_prompt are not compatible");
        }
        const template_needs needs = options.style == message_style::automatic ? needs_
                                     : options.style == message_style::apertus ? apertus_needs()
                                                                               : template_needs{};
        value_map variables = special_tokens_;
        value chat = jinja::normalize_messages(messages, needs, options.parse_json);
        chat = jinja::mark_messages(alias_all(chat), !options.trust_content);
        value final_text;
        if (options.continue_final_message) chat = tag_final_message(chat, options.continue_field, final_text);
        variables.set("messages", chat);
        variables.set("tools", given(jinja::normalize_tools(options.tools, needs), options));
        variables.set("documents", given(options.documents, options));
        variables.set("add_generation_prompt", options.add_generation_prompt);
        if (options.enable_thinking) variables.set("enable_thinking", *options.enable_thinking);
        for (const auto& [name, v] : options.variables) variables.set(name, v);
        marked_text text = template_.render(variables, options.limits, clock_of(options));
        if (options.continue_final_message) cut_after_final_message(text, final_text);
        return finish(std::move(text));
    }

    [[nodiscard]] const template_needs& needs() const noexcept { return needs_; }
    [[nodiscard]] const std::string& source() const noexcept { return source_; }

private:
    static constexpr std::string_view tag_ = "CONTINUE_FINAL_MESSAGE_TAG ";

    [[nodiscard]] static template_needs apertus_needs() noexcept {
        return {.bare_tools = true,
                .string_arguments = true,
                .object_arguments = false,
                .string_content = true,
                .filled_content = true,
                .no_developer = true};
    }

    [[nodiscard]] static value given(const value& v, const chat_options& options) {
        return v.is_undefined() ? value(nullptr) : jinja::mark_strings(v, !options.trust_content);
    }

    [[nodiscard]] static value alias_all(const value& messages) {
        if (!messages.is_list() && !messages.is_tuple()) {
            fail(error_category::chat_template, "chat template", "messages", "a list of mappings",
                 jinja::type_name(messages));
        }
        std::vector<value> out;
        for (const value& message : messages.items()) {
            if (!message.is_mapping())
                fail(error_category::chat_template, "chat template", "message", "a mapping", jinja::type_name(message));
            out.push_back(jinja::alias_reasoning(message));
        }
        return value::list(std::move(out));
    }

    [[nodiscard]] static jinja::time_source clock_of(const chat_options& options) {
        return {[](const void* context) {
                    const auto& o = *static_cast<const chat_options*>(context);
                    if (!o.date.empty()) return parse_date(o.date);
                    return o.clock ? o.clock() : local_time_now();
                },
                &options};
    }

    [[nodiscard]] rendered_chat finish(marked_text text) const {
        rendered_chat out;
        std::size_t at = 0;
        const auto add = [&](std::size_t end, bool trusted) {
            if (end > at) out.segments.push_back({at, end - at, trusted});
            at = end;
        };
        for (const marked_text::range& user : text.user_ranges()) {
            add(user.begin, true);
            add(user.end, false);
        }
        add(text.size(), true);
        const value bos = special_tokens_.find("bos_token") ? *special_tokens_.find("bos_token") : value();
        out.starts_with_bos = bos.is_string() && !bos.as_string().empty() && text.view().starts_with(bos.as_string()) &&
                              !out.segments.empty() && out.segments.front().trusted &&
                              out.segments.front().length >= bos.as_string().size();
        out.text = std::move(text).take_bytes();
        return out;
    }

    // -- continue_final_message, as transformers does it: a tag after the last text, and a cut before it

    [[nodiscard]] static value append_tag(const value& text) {
        marked_text tagged = text.as_text();
        tagged.append(tag_, true);
        return value(std::move(tagged));
    }

    /// Appends the tag to the last text of a list of parts or blocks; undefined when there is none.
    [[nodiscard]] static value tag_last_part(const value& parts, value& final_text) {
        std::vector<value> items = parts.items();
        for (std::size_t i = items.size(); i > 0; --i) {
            const value text = items[i - 1].get("text");
            if (!text.is_string()) continue;
            final_text = text;
            items[i - 1] = jinja::with_key(items[i - 1], "text", append_tag(text));
            return value::list(std::move(items));
        }
        return {};
    }

    [[nodiscard]] static value tag_content(const value& content, value& final_text) {
        if (content.is_string()) {
            final_text = content;
            return append_tag(content);
        }
        value tagged;
        if (content.is_list()) tagged = tag_last_part(content, final_text);
        for (const std::string_view key : {"blocks", "parts"}) { // the Apertus template's own shapes
            if (!content.get(key).is_list()) continue;
            tagged = tag_last_part(content.get(key), final_text);
            if (!tagged.is_undefined()) tagged = jinja::with_key(content, key, tagged);
        }
        if (tagged.is_undefined()) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set but we could not find any text to continue in the final message");
        }
        return tagged;
    }

    [[nodiscard]] value tag_final_message(const value& chat, const std::string& field, value& final_text) const {
        if (chat.items().empty())
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set but the conversation is empty");
        std::vector<value> messages = chat.items();
        value& last = messages.back();
        const value content = last.get(field);
        if (content.is_undefined() || content.is_none()) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set but the final message has no " + quoted(field) + " to continue");
        }
        static constexpr std::string_view reasoning[] = {"reasoning_content", "thinking", "reasoning"};
        std::vector<std::string_view> fields{field};
        bool is_reasoning = false;
        for (const std::string_view name : reasoning) is_reasoning = is_reasoning || name == field;
        if (is_reasoning) {
            fields.clear();
            for (const std::string_view name : reasoning) {
                if (last.get(name) == content) fields.push_back(name);
            }
        }
        bool readable = false;
        for (const std::string_view name : fields) readable = readable || source_.find(name) != std::string::npos;
        if (!readable) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set to " + quoted(field) +
                     " but this is not an accepted field in the template");
        }
        const value tagged = tag_content(content, final_text);
        for (const std::string_view name : fields) last = jinja::with_key(last, name, tagged);
        return value::list(std::move(messages));
    }

    static void cut_after_final_message(marked_text& text, const value& final_text) {
        const auto strip = [](const marked_text& t, jinja::strip_side side) {
            return jinja::strip_text(t, nullptr, side);
        };
        const std::string_view short_tag = tag_.substr(0, tag_.size() - 1);
        const std::size_t at = text.view().rfind(short_tag);
        if (at == std::string_view::npos ||
            text.view().find(strip(final_text.as_text(), jinja::strip_side::both).view()) == std::string_view::npos) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set but the final message does not appear in the chat after applying the "
                 "chat template");
        }
        const bool spacing_kept = text.view().substr(at).starts_with(tag_);
        text.truncate(at);
        if (!spacing_kept) text.truncate(strip(text, jinja::strip_side::right).size());
    }

    // -- what does this template need?

    [[nodiscard]] std::optional<std::string> probe(std::vector<value> messages, const value& tools = {}) const {
        value_map variables = special_tokens_;
        if (!variables.find("bos_token")) variables.set("bos_token", "");
        if (!variables.find("eos_token")) variables.set("eos_token", "");
        variables.set("messages", value::list(std::move(messages)));
        variables.set("tools", tools.is_undefined() ? value(nullptr) : tools);
        variables.set("documents", nullptr);
        variables.set("add_generation_prompt", true);
        render_limits limits;
        limits.max_steps = 200'000;
        limits.max_output = 1U << 20;
        const jinja::time_source clock{[](const void*) { return civil_time{}; }, nullptr};
        try {
            return template_.render(variables, limits, clock).bytes();
        } catch (const error& e) {
            if (e.category() == error_category::resource) throw;
            return std::nullopt;
        }
    }

    [[nodiscard]] static value message(std::string_view role, value content) {
        return value(value_map{{"role", value(role)}, {"content", std::move(content)}});
    }

    void find_needs() {
        using texts = std::optional<std::string>;
        const auto has = [](const texts& t, std::string_view what) { return t && t->find(what) != std::string::npos; };
        const value user = message("user", "probe question");
        const texts plain = probe({user});
        if (!has(plain, "probe question")) return; // not a template that we understand: nothing is changed

        const value function(value_map{
            {"name", "probe_tool"},
            {"description", "probe text"},
            {"parameters",
             value(value_map{{"type", "object"},
                             {"properties", value(value_map{{"probe_arg", value(value_map{{"type", "string"},
                                                                                          {"description", "d"}})}})},
                             {"required", value::list({"probe_arg"})}})}});
        const value wrapped(value_map{{"type", "function"}, {"function", function}});
        needs_.bare_tools = !has(probe({user}, value::list({wrapped})), "probe_tool") &&
                            has(probe({user}, value::list({function})), "probe_tool");

        const auto call = [&](value arguments, value content) {
            const value one(
                value_map{{"id", "call00001"},
                          {"type", "function"},
                          {"function", value(value_map{{"name", "probe_tool"}, {"arguments", std::move(arguments)}})}});
            const value assistant(
                value_map{{"role", "assistant"}, {"content", std::move(content)}, {"tool_calls", value::list({one})}});
            const value result(value_map{
                {"role", "tool"}, {"tool_call_id", "call00001"}, {"name", "probe_tool"}, {"content", "probe result"}});
            return std::vector<value>{user, assistant, result};
        };
        const value object(value_map{{"probe_arg", "probe_value"}});
        const value dumped(to_json_text(object));
        const texts with_object = probe(call(object, value("")));
        const texts with_string = probe(call(dumped, value("")));
        const bool object_works =
            has(with_object, "probe_arg") && has(with_object, "probe_value") && !has(with_object, "'probe_arg'");
        const bool string_works = has(with_string, dumped.as_string());
        needs_.string_arguments = !object_works && string_works;
        needs_.object_arguments = object_works && !string_works;

        const value list = value::list({value(value_map{{"type", "text"}, {"text", "probe part"}})});
        const texts with_parts = probe({message("user", list)});
        needs_.string_content =
            !has(with_parts, "probe part") || has(with_parts, "'probe part'") || has(with_parts, "\"probe part\"");

        if (object_works || string_works) {
            const texts with_null = probe(call(object_works ? object : dumped, value(nullptr)));
            needs_.filled_content = !with_null || has(with_null, "None");
        } else {
            const texts with_null = probe({user, message("assistant", nullptr), user});
            needs_.filled_content = !with_null || has(with_null, "None");
        }
        const texts developer = probe({message("developer", "probe developer"), user});
        needs_.no_developer = !has(developer, "probe developer");
    }

    std::string source_;
    value_map special_tokens_;
    jinja_template template_;
    template_needs needs_;
};

} // namespace detail

APERTUS_DEFINITION civil_time parse_date(std::string_view text) {
    const auto number = [&](std::size_t at, std::size_t length) {
        int n = 0;
        for (std::size_t i = at; i < at + length; ++i) {
            if (text[i] < '0' || text[i] > '9')
                fail(error_category::chat_template, "chat template", "date", "YYYY-MM-DD", quoted(text));
            n = n * 10 + (text[i] - '0');
        }
        return n;
    };
    const bool has_time =
        text.size() == 19 && (text[10] == ' ' || text[10] == 'T') && text[13] == ':' && text[16] == ':';
    if ((text.size() != 10 && !has_time) || text[4] != '-' || text[7] != '-') {
        fail(error_category::chat_template, "chat template", "date", "YYYY-MM-DD", quoted(text));
    }
    civil_time t{number(0, 4), number(5, 2), number(8, 2)};
    if (has_time) t = {t.year, t.month, t.day, number(11, 2), number(14, 2), number(17, 2)};
    if (t.month < 1 || t.month > 12 || t.day < 1 || t.day > 31 || t.hour > 23 || t.minute > 59 || t.second > 60) {
        fail(error_category::chat_template, "chat template", "date", "a date of the calendar", quoted(text));
    }
    return t;
}

APERTUS_DEFINITION civil_time local_time_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
#if defined(_WIN32)
    localtime_s(&parts, &now);
#else
    localtime_r(&now, &parts);
#endif
    return {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec};
}

APERTUS_DEFINITION chat_template::chat_template(std::string source, value_map special_tokens, jinja_options options)
    : engine_(std::make_shared<const detail::chat_template_engine>(std::move(source), std::move(special_tokens),
                                                                   std::move(options))) {}

APERTUS_DEFINITION rendered_chat chat_template::apply(const value& messages, const chat_options& options) const {
    return engine_->apply(messages, options);
}
APERTUS_DEFINITION rendered_chat chat_template::apply(const std::vector<chat_message>& messages,
                                                      const chat_options& options) const {
    return engine_->apply(to_value(messages), options);
}

APERTUS_DEFINITION const template_needs& chat_template::needs() const noexcept { return engine_->needs(); }
APERTUS_DEFINITION const std::string& chat_template::source() const noexcept { return engine_->source(); }

APERTUS_END_NAMESPACE
