// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer of a Hugging Face folder, or of a GGUF file, together with its chat template:
// `auto_tokenizer::from_pretrained(folder)`.
// Needs only the tokenizer's files: tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json and
// chat_template.jinja (which takes precedence over a template inside tokenizer_config.json, as in transformers).
// Immutable; any number of threads may use one. Copies share the tables.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/generate/streamer.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/run/chat_json.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/chat_message.hpp>
#include <apertus/text/chat_template.hpp>
#include <apertus/text/chat_template_encode.hpp>
#include <apertus/text/streaming_decoder.hpp>
#include <apertus/text/tokenizer.hpp>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class pretrained_tokenizer {
public:
    /// A folder, or a GGUF file when the name ends with ".gguf". Throws error(io, format, tokenizer or chat_template)
    /// naming the file.
    APERTUS_DECLARATION [[nodiscard]] static pretrained_tokenizer from_pretrained(const std::string& folder);

    /// The tokenizer and the chat template in the metadata of a GGUF file.
    APERTUS_DECLARATION [[nodiscard]] static pretrained_tokenizer from_gguf(const gguf_checkpoint& files);

    /// From parts: a tokenizer, the source of a chat template (empty: none), the names of special tokens.
    APERTUS_DECLARATION pretrained_tokenizer(std::shared_ptr<const tokenizer> tokens, std::string template_source,
                                             value_map special_tokens);

    /// The tokenizer proper: everything about ids and text.
    [[nodiscard]] const tokenizer& base() const noexcept { return *tokens_; }
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                                       const encode_options& options = {}) const;
    APERTUS_DECLARATION [[nodiscard]] std::string decode(std::span<const std::int32_t> ids,
                                                         const decode_options& options = {}) const;

    [[nodiscard]] bool has_chat_template() const noexcept { return template_ != nullptr; }
    /// Throws error(chat_template) when the folder has none.
    [[nodiscard]] const class chat_template& chat_template() const {
        if (!template_) {
            fail(error_category::chat_template, "tokenizer", "chat template",
                 "chat_template.jinja, or chat_template in tokenizer_config.json", "neither");
        }
        return *template_;
    }

    /// The prompt of a conversation as text with the origin of every byte. `messages` is a value (see messages_from_json)
    /// or a std::vector<chat_message>. Unlike transformers this opens the assistant's turn unless told otherwise.
    template <class Messages>
    [[nodiscard]] rendered_chat render(const Messages& messages, chat_options options = prompt_options()) const {
        if (options.parse_json == nullptr) options.parse_json = parse_tool_arguments;
        return chat_template().apply(messages, options);
    }

    /// The ids of a rendered conversation: special tokens of the template become control tokens, the same text inside
    /// messages does not (unless it was rendered with trust_content), and BOS stands at the start exactly once where the
    /// tokenizer or the template has it.
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::int32_t> encode(const rendered_chat& chat) const;

    /// render and encode in one.
    template <class Messages>
    [[nodiscard]] std::vector<std::int32_t> apply_chat_template(const Messages& messages,
                                                                chat_options options = prompt_options()) const {
        return encode(render(messages, std::move(options)));
    }

    /// For generate_options::make_decoder: text of new tokens, special ones left out unless told otherwise. Keeps the
    /// tokenizer alive.
    APERTUS_DECLARATION [[nodiscard]] text_decoder_factory decoder(bool skip_special_tokens = true) const;

    /// Chat options that open the assistant's turn.
    [[nodiscard]] static chat_options prompt_options() {
        chat_options o;
        o.add_generation_prompt = true;
        return o;
    }

private:
    std::shared_ptr<const tokenizer> tokens_;
    std::shared_ptr<const class chat_template> template_;
};

/// Hugging Face's name for it.
using auto_tokenizer = pretrained_tokenizer;

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/pretrained_tokenizer_definitions.hpp>
#endif
