// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer of a Hugging Face folder together with its chat template: `auto_tokenizer::from_pretrained(folder)`.
// Needs only the tokenizer's files: tokenizer.json, and where present tokenizer_config.json, special_tokens_map.json and
// chat_template.jinja (which takes precedence over a template inside tokenizer_config.json, as in transformers).
// Immutable; any number of threads may use one. Copies share the tables.
#pragma once

#include <apertus/generate/generate.hpp>
#include <apertus/io/file.hpp>
#include <apertus/run/chat_json.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/text/chat_template.hpp>
#include <apertus/text/chat_template_encode.hpp>
#include <apertus/text/streaming_decoder.hpp>
#include <apertus/text/tokenizer.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class pretrained_tokenizer {
public:
    /// Throws error(io, format, tokenizer or chat_template) naming the file.
    [[nodiscard]] static pretrained_tokenizer from_pretrained(const std::string& folder) {
        constexpr std::uint64_t largest = 16u << 20;
        auto tokens = std::make_shared<const tokenizer>(load_tokenizer(folder));
        std::string source;
        value_map special_tokens;
        const std::string config_path = join_path(folder, "tokenizer_config.json");
        if (path_exists(config_path)) {
            const value config = value_from_json(read_file(config_path, largest), config_path);
            source = chat_template_from_config(config);
            special_tokens = special_tokens_from_config(config);
        }
        const auto add_name = [&](std::string_view key, const std::optional<std::string>& token) {
            if (token && special_tokens.find(key) == nullptr) special_tokens.set(value(key), value(*token));
        };
        add_name("bos_token", tokens->spec().bos_token);
        add_name("eos_token", tokens->spec().eos_token);
        add_name("pad_token", tokens->spec().pad_token);
        add_name("unk_token", tokens->spec().unk_token);
        const std::string template_path = join_path(folder, "chat_template.jinja");
        if (path_exists(template_path)) source = read_file(template_path, largest);
        return {std::move(tokens), std::move(source), std::move(special_tokens)};
    }

    /// From parts: a tokenizer, the source of a chat template (empty: none), the names of special tokens.
    pretrained_tokenizer(std::shared_ptr<const tokenizer> tokens, std::string template_source, value_map special_tokens)
        : tokens_(std::move(tokens)) {
        if (template_source.empty()) return;
        template_ = std::make_shared<const class chat_template>(std::move(template_source), std::move(special_tokens));
    }

    /// The tokenizer proper: everything about ids and text.
    [[nodiscard]] const tokenizer& base() const noexcept { return *tokens_; }
    [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text, const encode_options& options = {}) const {
        return tokens_->encode(text, options);
    }
    [[nodiscard]] std::string decode(std::span<const std::int32_t> ids, const decode_options& options = {}) const {
        return tokens_->decode(ids, options);
    }

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
    [[nodiscard]] std::vector<std::int32_t> encode(const rendered_chat& chat) const {
        return encode_chat(*tokens_, chat);
    }

    /// render and encode in one.
    template <class Messages>
    [[nodiscard]] std::vector<std::int32_t> apply_chat_template(const Messages& messages,
                                                                chat_options options = prompt_options()) const {
        return encode(render(messages, std::move(options)));
    }

    /// For generate_options::make_decoder: text of new tokens, special ones left out unless told otherwise. Keeps the
    /// tokenizer alive.
    [[nodiscard]] text_decoder_factory decoder(bool skip_special_tokens = true) const {
        return [tokens = tokens_, skip_special_tokens] {
            return text_decoder(decoder_with_tokens{tokens, streaming_decoder(*tokens, {skip_special_tokens})});
        };
    }

    /// Chat options that open the assistant's turn.
    [[nodiscard]] static chat_options prompt_options() {
        chat_options o;
        o.add_generation_prompt = true;
        return o;
    }

private:
    struct decoder_with_tokens {
        std::shared_ptr<const tokenizer> tokens;
        streaming_decoder decoder;
        std::string push(std::int32_t id) { return decoder.push(id); }
        std::string flush() { return decoder.flush(); }
    };

    std::shared_ptr<const tokenizer> tokens_;
    std::shared_ptr<const class chat_template> template_;
};

/// Hugging Face's name for it.
using auto_tokenizer = pretrained_tokenizer;

APERTUS_END_NAMESPACE
