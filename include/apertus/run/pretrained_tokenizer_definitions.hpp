// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/pretrained_tokenizer.hpp.
#pragma once

#include <apertus/io/file.hpp>
#include <apertus/run/chat_json.hpp>
#include <apertus/run/gguf_tokenizer.hpp>
#include <apertus/run/pretrained_tokenizer.hpp>
#include <apertus/run/tokenizer_json.hpp>
#include <apertus/run/value_json.hpp>
#include <apertus/text/chat_template_encode.hpp>
#include <apertus/text/streaming_decoder.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

struct decoder_with_tokens {
    std::shared_ptr<const tokenizer> tokens;
    streaming_decoder decoder;
    std::string_view push(std::int32_t id) { return decoder.push(id); }
    std::string_view flush() { return decoder.flush(); }
};

/// The special tokens that a template may name and that `names` does not have yet.
inline void add_token_names(const tokenizer_spec& spec, value_map& names) {
    const auto add = [&](std::string_view key, const std::optional<std::string>& token) {
        if (token && names.find(key) == nullptr) names.set(value(key), value(*token));
    };
    add("bos_token", spec.bos_token);
    add("eos_token", spec.eos_token);
    add("pad_token", spec.pad_token);
    add("unk_token", spec.unk_token);
}

} // namespace detail

APERTUS_DEFINITION pretrained_tokenizer pretrained_tokenizer::from_pretrained(const std::string& folder) {
    if (is_gguf_path(folder)) return from_gguf(gguf_checkpoint::open(folder));
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
    detail::add_token_names(tokens->spec(), special_tokens);
    const std::string template_path = join_path(folder, "chat_template.jinja");
    if (path_exists(template_path)) source = read_file(template_path, largest);
    return {std::move(tokens), std::move(source), std::move(special_tokens)};
}

APERTUS_DEFINITION pretrained_tokenizer pretrained_tokenizer::from_gguf(const gguf_checkpoint& files) {
    tokenizer_spec spec = tokenizer_spec_from_gguf(files);
    std::string source = spec.chat_template.value_or("");
    value_map special_tokens;
    detail::add_token_names(spec, special_tokens);
    return {std::make_shared<const tokenizer>(std::move(spec)), std::move(source), std::move(special_tokens)};
}

APERTUS_DEFINITION pretrained_tokenizer::pretrained_tokenizer(std::shared_ptr<const tokenizer> tokens,
                                                              std::string template_source, value_map special_tokens)
    : tokens_(std::move(tokens)) {
    if (template_source.empty()) return;
    template_ = std::make_shared<const class chat_template>(std::move(template_source), std::move(special_tokens));
}

APERTUS_DEFINITION std::vector<std::int32_t> pretrained_tokenizer::encode(std::string_view text,
                                                                          const encode_options& options) const {
    return tokens_->encode(text, options);
}

APERTUS_DEFINITION std::vector<std::int32_t> pretrained_tokenizer::encode(const rendered_chat& chat) const {
    return encode_chat(*tokens_, chat);
}

APERTUS_DEFINITION std::string pretrained_tokenizer::decode(std::span<const std::int32_t> ids,
                                                            const decode_options& options) const {
    return tokens_->decode(ids, options);
}

APERTUS_DEFINITION text_decoder_factory pretrained_tokenizer::decoder(bool skip_special_tokens) const {
    return [tokens = tokens_, skip_special_tokens] {
        return text_decoder(detail::decoder_with_tokens{tokens, streaming_decoder(*tokens, {skip_special_tokens})});
    };
}

APERTUS_END_NAMESPACE
