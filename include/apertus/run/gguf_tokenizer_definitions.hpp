// SPDX-License-Identifier: Apache-2.0
//
// The body of run/gguf_tokenizer.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/run/gguf_tokenizer.hpp>
#include <apertus/text/pretokenize.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// How a split pattern of GGUF is made of steps of Hugging Face's.
enum class gguf_split : std::uint8_t {
    gpt2,        ///< ByteLevel with its own pattern
    digits_gpt2, ///< every digit by itself first
    tekken,
    llama3,
    qwen2, ///< with NFC
    o200k,
};

struct gguf_pre_tokenizer {
    std::string_view name;
    gguf_split split;
    bool ignore_merges = false;
    bool add_bos = false; ///< where tokenizer.ggml.add_bos_token does not say
};

/// The values of tokenizer.ggml.pre that we know.
inline constexpr std::array gguf_pre_tokenizers{
    gguf_pre_tokenizer{"tekken", gguf_split::tekken, true, true},
    gguf_pre_tokenizer{"llama-bpe", gguf_split::llama3, true, true},
    gguf_pre_tokenizer{"llama3", gguf_split::llama3, true, true},
    gguf_pre_tokenizer{"llama-v3", gguf_split::llama3, true, true},
    gguf_pre_tokenizer{"smaug-bpe", gguf_split::llama3},
    gguf_pre_tokenizer{"dbrx", gguf_split::llama3},
    gguf_pre_tokenizer{"gpt-2", gguf_split::gpt2},
    gguf_pre_tokenizer{"phi-2", gguf_split::gpt2},
    gguf_pre_tokenizer{"olmo", gguf_split::gpt2},
    gguf_pre_tokenizer{"mpt", gguf_split::gpt2},
    gguf_pre_tokenizer{"smollm", gguf_split::digits_gpt2},
    gguf_pre_tokenizer{"starcoder", gguf_split::digits_gpt2},
    gguf_pre_tokenizer{"refact", gguf_split::digits_gpt2},
    gguf_pre_tokenizer{"command-r", gguf_split::digits_gpt2},
    gguf_pre_tokenizer{"qwen2", gguf_split::qwen2},
    gguf_pre_tokenizer{"gpt-4o", gguf_split::o200k},
    gguf_pre_tokenizer{"llama4", gguf_split::o200k},
};

class gguf_tokenizer_reader {
public:
    explicit gguf_tokenizer_reader(const gguf_checkpoint& files) : files_(files), m_(files.metadata()) {}

    [[nodiscard]] tokenizer_spec read() {
        const auto model = m_.text("tokenizer.ggml.model");
        if (!model) m_.missing("tokenizer.ggml.model", "a string");
        if (*model != "gpt2") unsupported("tokenizer.ggml.model", "'gpt2' (byte-level BPE)", *model);
        const gguf_pre_tokenizer& pre = pre_tokenizer();
        vocabulary();
        merges();
        spec_.model.ignore_merges = pre.ignore_merges;
        steps(pre.split);
        spec_.decoder = decoder_kind::byte_level;
        spec_.bos_token = token("bos_token_id");
        spec_.eos_token = token("eos_token_id");
        spec_.pad_token = token("padding_token_id");
        spec_.unk_token = token("unknown_token_id");
        spec_.add_bos_token = m_.boolean("tokenizer.ggml.add_bos_token").value_or(pre.add_bos);
        spec_.add_eos_token = m_.boolean("tokenizer.ggml.add_eos_token").value_or(false);
        ends();
        if (const auto text = m_.text("tokenizer.chat_template"); text && !text->empty()) {
            spec_.chat_template = std::string(*text);
        }
        if (const auto arch = m_.text("general.architecture")) {
            if (const auto length = m_.natural(std::string(*arch) + ".context_length")) {
                spec_.model_max_length = static_cast<std::size_t>(*length);
            }
        }
        return std::move(spec_);
    }

private:
    /// llama.cpp's numbers of the kinds of tokens.
    enum token_kind : std::int64_t { normal = 1, unknown = 2, control = 3, user_defined = 4, unused = 5, byte = 6 };

    [[noreturn]] void unsupported(std::string_view key, const std::string& expected, std::string_view found) const {
        fail(error_category::tokenizer, files_.name(), "metadata " + quoted(key), expected, quoted(found));
    }

    [[nodiscard]] const gguf_pre_tokenizer& pre_tokenizer() const {
        constexpr std::string_view key = "tokenizer.ggml.pre";
        const auto name = m_.text(key);
        std::string known;
        for (const gguf_pre_tokenizer& p : gguf_pre_tokenizers) {
            if (name && p.name == *name) return p;
            known.append(known.empty() ? "one of " : ", ").append(p.name);
        }
        if (!name) m_.missing(key, known);
        unsupported(key, known, *name);
    }

    void vocabulary() {
        constexpr std::string_view key = "tokenizer.ggml.tokens";
        tokens_ = m_.texts(key);
        if (tokens_ == nullptr) m_.missing(key, "an array of strings");
        const std::size_t n = tokens_->size();
        if (n == 0 || n > (std::size_t{1} << 24)) m_.bad(key, "1 to 16777216 tokens", std::to_string(n));
        const gguf_array* const kinds = m_.integers("tokenizer.ggml.token_type");
        if (kinds != nullptr && kinds->size() != n) {
            m_.bad("tokenizer.ggml.token_type", std::to_string(n) + " integers, one per token",
                   std::to_string(kinds->size()));
        }
        spec_.model.arena.reserve(tokens_->bytes.size());
        spec_.model.vocab.reserve(n);
        for (std::size_t i = 0; i < n; ++i) {
            const std::int64_t k = kinds != nullptr ? kinds->integer(i) : normal;
            const std::string_view text = tokens_->text(i);
            if (k == unused || text.empty()) continue;
            const auto id = static_cast<std::int32_t>(i);
            spec_.model.vocab.push_back({spec_.model.add(text), id});
            if (k != control && k != user_defined && k != unknown) continue;
            added_token added;
            added.content = std::string(text);
            added.id = id;
            added.normalized = false;
            added.special = k != user_defined;
            spec_.added_tokens.push_back(std::move(added));
        }
    }

    void merges() {
        constexpr std::string_view key = "tokenizer.ggml.merges";
        const gguf_array* const list = m_.texts(key);
        if (list == nullptr) m_.missing(key, "an array of strings");
        bpe_spec& model = spec_.model;
        if (model.arena.size() + list->bytes.size() > 0xFFFFFFFFu) {
            m_.bad(key, "less than 4 GiB of text", std::to_string(list->bytes.size()) + " bytes");
        }
        model.arena.reserve(model.arena.size() + list->bytes.size());
        model.merges.reserve(list->size());
        for (std::size_t i = 0; i < list->size(); ++i) {
            const std::string_view text = list->text(i);
            const std::size_t space = text.find(' ', 1);
            if (space == std::string_view::npos || space + 1 == text.size()) {
                m_.bad(std::string(key) + "[" + std::to_string(i) + "]", "two tokens with a space between",
                       quoted(text));
            }
            const text_ref left = model.add(text.substr(0, space));
            model.merges.push_back({left, model.add(text.substr(space + 1))});
        }
    }

    void steps(gguf_split split) {
        const bool prefix = m_.boolean("tokenizer.ggml.add_space_prefix").value_or(false);
        const auto pattern = [&](known_pattern which) {
            split_step step;
            step.pattern = {std::string(known_pattern_texts[static_cast<std::size_t>(which)]), true};
            spec_.pre_tokenizers.emplace_back(std::move(step));
        };
        if (split == gguf_split::qwen2) spec_.normalizers.emplace_back(unicode_form_step{unicode_form::nfc});
        if (split == gguf_split::digits_gpt2) spec_.pre_tokenizers.emplace_back(digits_step{true});
        if (split == gguf_split::tekken) pattern(known_pattern::tekken);
        if (split == gguf_split::llama3) pattern(known_pattern::llama3);
        if (split == gguf_split::qwen2) pattern(known_pattern::qwen2);
        if (split == gguf_split::o200k) pattern(known_pattern::o200k);
        byte_level_step bytes;
        bytes.add_prefix_space = prefix;
        bytes.use_regex = split == gguf_split::gpt2 || split == gguf_split::digits_gpt2;
        spec_.pre_tokenizers.emplace_back(bytes);
    }

    /// The token that tokenizer.ggml.NAME names. Ids beyond the vocabulary are ignored, as llama.cpp does.
    [[nodiscard]] std::optional<std::string> token(std::string_view name) const {
        const auto id = m_.natural("tokenizer.ggml." + std::string(name));
        if (!id || *id >= tokens_->size()) return std::nullopt;
        return std::string(tokens_->text(static_cast<std::size_t>(*id)));
    }
    [[nodiscard]] template_piece piece_of(std::string_view name, const std::string& text) const {
        template_piece out;
        out.kind = template_piece::special;
        out.ids = {static_cast<std::int32_t>(*m_.natural("tokenizer.ggml." + std::string(name)))};
        out.tokens = {text};
        return out;
    }

    /// BOS before and EOS after every sequence, where the file wants them.
    void ends() {
        const bool bos = *spec_.add_bos_token && spec_.bos_token, eos = *spec_.add_eos_token && spec_.eos_token;
        if (!bos && !eos) return;
        template_step step;
        const auto add = [&](std::vector<template_piece>& to, template_piece::kind_type kind, std::int32_t type_id) {
            const std::size_t first = to.size();
            if (bos) to.push_back(piece_of("bos_token_id", *spec_.bos_token));
            to.emplace_back().kind = kind;
            if (eos) to.push_back(piece_of("eos_token_id", *spec_.eos_token));
            for (std::size_t i = first; i < to.size(); ++i) to[i].type_id = type_id;
        };
        add(step.single, template_piece::sequence_a, 0);
        add(step.pair, template_piece::sequence_a, 0);
        add(step.pair, template_piece::sequence_b, 1);
        spec_.post_processors.emplace_back(std::move(step));
    }

    const gguf_checkpoint& files_;
    const gguf_metadata& m_;
    const gguf_array* tokens_ = nullptr;
    tokenizer_spec spec_;
};

} // namespace detail

APERTUS_DEFINITION tokenizer_spec tokenizer_spec_from_gguf(const gguf_checkpoint& files) {
    return detail::gguf_tokenizer_reader(files).read();
}

APERTUS_END_NAMESPACE
