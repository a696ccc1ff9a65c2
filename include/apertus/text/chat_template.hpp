// SPDX-License-Identifier: Apache-2.0
//
// A model's chat template: messages (and tools) -> the text of the prompt, with the origin of every byte.
// Renders what transformers' apply_chat_template renders, byte for byte, from the same messages; in front of that,
// OpenAI-style messages and tools are adapted to what the template can read (chat_template_normalize.hpp).
// A chat_template is immutable; any number of threads may apply one.
#pragma once

#include <apertus/text/chat_message.hpp>
#include <apertus/text/chat_template_normalize.hpp>
#include <apertus/text/jinja/engine.hpp>

#include <cstddef>
#include <ctime>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// How messages are adapted before they are rendered.
enum class message_style {
    automatic, ///< what the template needs, found by rendering small conversations when it is parsed
    apertus,   ///< everything that the Apertus 2509 template needs
    verbatim,  ///< nothing: exactly Hugging Face's behaviour
};

/// A run of bytes of one origin.
struct rendered_segment {
    std::size_t offset = 0;
    std::size_t length = 0;
    bool trusted = true; ///< written by the template: special-token text in it is a special token
    friend bool operator==(const rendered_segment&, const rendered_segment&) = default;
};

/// A rendered prompt. Its segments are in order, not empty, of alternating origin, and cover the text.
struct rendered_chat {
    std::string text;
    std::vector<rendered_segment> segments;
    /// The template printed the BOS token itself, so encoding must not add it again.
    bool starts_with_bos = false;
};

/// Options of chat_template::apply; names are Hugging Face's.
struct chat_options {
    value tools;                         ///< list of tools, OpenAI's or the template's shape; undefined: none
    value documents;                     ///< list of documents for templates that read them
    bool add_generation_prompt = false;  ///< open the assistant's turn at the end
    bool continue_final_message = false; ///< the last message is a beginning: the text ends with it, no turn is closed
    std::string continue_field = "content"; ///< which field of the last message is continued
    std::optional<bool> enable_thinking;    ///< unset: the template sees no such variable
    std::string date;                  ///< "YYYY-MM-DD" or "YYYY-MM-DD HH:MM:SS" for strftime_now; empty: see clock
    std::function<civil_time()> clock; ///< where strftime_now gets the time; empty: the system's local time
    value_map variables;               ///< further variables (continue_assistant_message, builtin_tools, ...)
    message_style style = message_style::automatic;
    /// Special-token text in messages, tools and documents becomes special tokens, as in Hugging Face. Off, it stays text.
    bool trust_content = false;
    json_text_reader parse_json =
        nullptr; ///< reads argument strings for templates that want objects (run/chat_json.hpp)
    render_limits limits;
};

/// Parses "YYYY-MM-DD", optionally followed by " HH:MM:SS" (or "T" instead of the space).
[[nodiscard]] inline civil_time parse_date(std::string_view text) {
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

/// The system's clock as local time.
[[nodiscard]] inline civil_time local_time_now() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
#if defined(_WIN32)
    localtime_s(&parts, &now);
#else
    localtime_r(&now, &parts);
#endif
    return {parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec};
}

class chat_template {
public:
    /// `special_tokens` maps names to texts as in tokenizer_config.json (bos_token, eos_token, ...); its strings are
    /// scaffolding. Throws error(chat_template) with the line when the source does not parse.
    explicit chat_template(std::string source, value_map special_tokens = {}, jinja_options options = {})
        : source_(std::move(source)), special_tokens_(std::move(special_tokens)),
          template_(source_, std::move(options)) {
        find_needs();
    }

    /// Renders `messages`, a list of mappings. Throws error(chat_template) when the template refuses them, when limits
    /// are exceeded, or when options contradict each other.
    [[nodiscard]] rendered_chat apply(const value& messages, const chat_options& options = {}) const {
        if (options.continue_final_message && options.add_generation_prompt) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message and add_generation_prompt are not compatible");
        }
        const template_needs needs = options.style == message_style::automatic ? needs_
                                     : options.style == message_style::apertus ? apertus_needs()
                                                                               : template_needs{};
        value_map variables = special_tokens_;
        value chat = detail::jinja::normalize_messages(messages, needs, options.parse_json);
        chat = detail::jinja::mark_messages(alias_all(chat), !options.trust_content);
        value final_text;
        if (options.continue_final_message) chat = tag_final_message(chat, options.continue_field, final_text);
        variables.set("messages", chat);
        variables.set("tools", given(detail::jinja::normalize_tools(options.tools, needs), options));
        variables.set("documents", given(options.documents, options));
        variables.set("add_generation_prompt", options.add_generation_prompt);
        if (options.enable_thinking) variables.set("enable_thinking", *options.enable_thinking);
        for (const auto& [name, v] : options.variables) variables.set(name, v);
        marked_text text = template_.render(variables, options.limits, clock_of(options));
        if (options.continue_final_message) cut_after_final_message(text, final_text);
        return finish(std::move(text));
    }

    [[nodiscard]] rendered_chat apply(const std::vector<chat_message>& messages,
                                      const chat_options& options = {}) const {
        return apply(to_value(messages), options);
    }

    /// What message_style::automatic adapts for this template.
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
        return v.is_undefined() ? value(nullptr) : detail::jinja::mark_strings(v, !options.trust_content);
    }

    [[nodiscard]] static value alias_all(const value& messages) {
        if (!messages.is_list() && !messages.is_tuple()) {
            fail(error_category::chat_template, "chat template", "messages", "a list of mappings",
                 detail::jinja::type_name(messages));
        }
        std::vector<value> out;
        for (const value& message : messages.items()) {
            if (!message.is_mapping())
                fail(error_category::chat_template, "chat template", "message", "a mapping",
                     detail::jinja::type_name(message));
            out.push_back(detail::jinja::alias_reasoning(message));
        }
        return value::list(std::move(out));
    }

    [[nodiscard]] static detail::jinja::time_source clock_of(const chat_options& options) {
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
            items[i - 1] = detail::jinja::with_key(items[i - 1], "text", append_tag(text));
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
            if (!tagged.is_undefined()) tagged = detail::jinja::with_key(content, key, tagged);
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
        for (const std::string_view name : fields) last = detail::jinja::with_key(last, name, tagged);
        return value::list(std::move(messages));
    }

    static void cut_after_final_message(marked_text& text, const value& final_text) {
        const auto strip = [](const marked_text& t, detail::jinja::strip_side side) {
            return detail::jinja::strip_text(t, nullptr, side);
        };
        const std::string_view short_tag = tag_.substr(0, tag_.size() - 1);
        const std::size_t at = text.view().rfind(short_tag);
        if (at == std::string_view::npos ||
            text.view().find(strip(final_text.as_text(), detail::jinja::strip_side::both).view()) ==
                std::string_view::npos) {
            fail(error_category::chat_template, "chat template",
                 "continue_final_message is set but the final message does not appear in the chat after applying the "
                 "chat template");
        }
        const bool spacing_kept = text.view().substr(at).starts_with(tag_);
        text.truncate(at);
        if (!spacing_kept) text.truncate(strip(text, detail::jinja::strip_side::right).size());
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
        const detail::jinja::time_source clock{[](const void*) { return civil_time{}; }, nullptr};
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

APERTUS_END_NAMESPACE
