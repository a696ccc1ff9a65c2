// SPDX-License-Identifier: Apache-2.0
//
// What a tokenizer is made of, as plain data: run/tokenizer_json.hpp fills it from tokenizer.json, tokenizer.hpp builds a
// tokenizer from it, and tests fill it by hand. The names follow the file format of Hugging Face tokenizers, which is the
// reference for what each field means.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// A string inside an arena.
struct text_ref {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
};

/// The model: a vocabulary, ordered merges and the switches of Hugging Face's BPE.
/// Hundreds of thousands of short strings live in one arena, so that filling and freeing it costs nothing.
struct bpe_spec {
    struct entry {
        text_ref token;
        std::int32_t id;
    };
    struct merge {
        text_ref left, right;
    };
    std::string arena;         ///< the text of all entries and merges, at most 4 GiB
    std::vector<entry> vocab;  ///< ids may have holes; tokens and ids must be unique
    std::vector<merge> merges; ///< the first has the highest priority
    std::optional<std::string> unk_token;
    bool fuse_unk = false;
    bool byte_fallback = false;
    bool ignore_merges = false; ///< a piece that is a token is that token, whatever the merges say

    /// Adds `text` to the arena. The caller keeps the arena below 4 GiB.
    text_ref add(std::string_view text) {
        const text_ref ref{static_cast<std::uint32_t>(arena.size()), static_cast<std::uint32_t>(text.size())};
        arena.append(text);
        return ref;
    }
    [[nodiscard]] std::string_view text(text_ref ref) const {
        return std::string_view(arena).substr(ref.offset, ref.size);
    }
};

/// A token that is cut out of the text before the model sees it.
struct added_token {
    std::string content;
    std::int32_t id = -1;     ///< as declared; the vocabulary's id is the truth when it has the token
    bool single_word = false; ///< only between characters that are not word characters
    bool lstrip = false;      ///< takes the white space before it along
    bool rstrip = false;      ///< takes the white space after it along
    bool normalized = true;   ///< matched after normalisation, in its normalised form
    bool special = false;     ///< dropped by decode(skip_special_tokens); never matched in untrusted text
};

/// A literal or a regular expression (the subset of Oniguruma's syntax in pretokenize_regex.hpp).
struct text_pattern {
    std::string text;
    bool regex = false;
};

enum class unicode_form : std::uint8_t { nfc, nfd };

struct replace_step {
    text_pattern pattern;
    std::string content;
};
struct prepend_step {
    std::string content;
};
struct lowercase_step {};
struct strip_step {
    bool left = true, right = true;
};
struct unicode_form_step {
    unicode_form form;
};
using normalizer_step = std::variant<replace_step, prepend_step, lowercase_step, strip_step, unicode_form_step>;

/// What becomes of the matches of a split pattern, and of the text between them.
enum class split_behavior : std::uint8_t { removed, isolated, merged_with_previous, merged_with_next, contiguous };

struct split_step {
    text_pattern pattern;
    split_behavior behavior = split_behavior::isolated;
    bool invert = false;
};
struct digits_step {
    bool individual_digits = false;
};
/// Maps bytes to the GPT-2 alphabet; must be the last step.
struct byte_level_step {
    bool add_prefix_space = true;
    bool trim_offsets = true;
    bool use_regex = true;
};
using pre_tokenizer_step = std::variant<split_step, digits_step, byte_level_step>;

/// One element of a TemplateProcessing template.
struct template_piece {
    enum kind_type : std::uint8_t { sequence_a, sequence_b, special };
    kind_type kind = sequence_a;
    std::int32_t type_id = 0;
    std::vector<std::int32_t> ids;   ///< of a special piece
    std::vector<std::string> tokens; ///< their text
};
struct template_step {
    std::vector<template_piece> single, pair;
};
/// Takes leading and trailing white space out of the offsets.
struct trim_offsets_step {
    bool add_prefix_space = true;
};
using post_processor_step = std::variant<template_step, trim_offsets_step>;

/// How tokens become text: joined by spaces (no decoder), concatenated, or mapped back from the byte alphabet.
enum class decoder_kind : std::uint8_t { none, fuse, byte_level };

/// Everything that tokenizer.json, tokenizer_config.json and special_tokens_map.json say about a tokenizer.
struct tokenizer_spec {
    bpe_spec model;
    std::vector<added_token> added_tokens;
    std::vector<normalizer_step> normalizers;
    std::vector<pre_tokenizer_step> pre_tokenizers;
    std::vector<post_processor_step> post_processors;
    decoder_kind decoder = decoder_kind::none;

    std::optional<std::string> bos_token, eos_token, pad_token, unk_token;
    std::optional<std::string> padding_side, truncation_side; ///< "left" or "right"
    std::optional<std::size_t> model_max_length;              ///< absent when the file gives the "very large" default
    std::optional<bool> add_bos_token, add_eos_token;
    std::optional<std::string> chat_template; ///< when tokenizer_config.json holds one
};

APERTUS_END_NAMESPACE
