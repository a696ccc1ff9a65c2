// SPDX-License-Identifier: Apache-2.0
//
// A model's chat template: messages (and tools) -> the text of the prompt, with the origin of every byte.
// Renders what transformers' apply_chat_template renders, byte for byte, from the same messages; in front of that,
// OpenAI-style messages and tools are adapted to what the template can read (chat_template_normalize.hpp).
// A chat_template is immutable; any number of threads may apply one.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/chat_message.hpp>
#include <apertus/text/chat_template_needs.hpp>
#include <apertus/text/jinja/options.hpp>
#include <apertus/text/value.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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
    /// Reads argument strings for templates that want objects (run/chat_json.hpp).
    json_text_reader parse_json = nullptr;
    render_limits limits;
};

/// Parses "YYYY-MM-DD", optionally followed by " HH:MM:SS" (or "T" instead of the space).
APERTUS_DECLARATION [[nodiscard]] civil_time parse_date(std::string_view text);

/// The system's clock as local time.
APERTUS_DECLARATION [[nodiscard]] civil_time local_time_now();

namespace detail {
class chat_template_engine;
}

/// Copies share the parsed template; so do moves, there is no empty chat_template.
class chat_template {
public:
    /// `special_tokens` maps names to texts as in tokenizer_config.json (bos_token, eos_token, ...); its strings are
    /// scaffolding. Throws error(chat_template) with the line when the source does not parse.
    APERTUS_DECLARATION explicit chat_template(std::string source, value_map special_tokens = {},
                                               jinja_options options = {});
    chat_template(const chat_template&) = default;
    chat_template& operator=(const chat_template&) = default;
    ~chat_template() = default;

    /// Renders `messages`, a list of mappings. Throws error(chat_template) when the template refuses them, when limits
    /// are exceeded, or when options contradict each other.
    APERTUS_DECLARATION [[nodiscard]] rendered_chat apply(const value& messages,
                                                          const chat_options& options = {}) const;
    APERTUS_DECLARATION [[nodiscard]] rendered_chat apply(const std::vector<chat_message>& messages,
                                                          const chat_options& options = {}) const;

    /// What message_style::automatic adapts for this template.
    APERTUS_DECLARATION [[nodiscard]] const template_needs& needs() const noexcept;
    APERTUS_DECLARATION [[nodiscard]] const std::string& source() const noexcept;

private:
    std::shared_ptr<const detail::chat_template_engine> engine_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/text/chat_template_definitions.hpp>
#endif
