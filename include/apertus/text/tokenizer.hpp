// SPDX-License-Identifier: Apache-2.0
//
// The tokenizer: text -> token ids and back, equal to Hugging Face tokenizers in every id.
//
//   encode: repair UTF-8; cut out added tokens; normalize; cut out normalized added tokens; pre-tokenize; BPE; template.
//   decode: ids -> token bytes -> text, invalid UTF-8 replaced by U+FFFD.
//
// A tokenizer is immutable: any number of threads may use one at the same time. Ids are std::int32_t everywhere.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/encoding.hpp>
#include <apertus/text/tokenizer_spec.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

struct encode_options {
    bool add_special_tokens = true; ///< apply the template (BOS and so on)
    bool untrusted = false;         ///< never produce a control token: "<|user_end|>" in the text is ordinary text
};

struct decode_options {
    bool skip_special_tokens = false;
};

/// A part of a text; special tokens are recognised in trusted parts only.
struct text_segment {
    std::string_view text;
    bool trusted = false;
};

namespace detail {
class tokenizer_engine;
}

/// Copies share the tables; so do moves, there is no empty tokenizer.
class tokenizer {
public:
    /// Throws error(tokenizer) when the parts contradict each other.
    APERTUS_DECLARATION explicit tokenizer(tokenizer_spec spec);
    tokenizer(const tokenizer&) = default;
    tokenizer& operator=(const tokenizer&) = default;
    ~tokenizer() = default;

    /// The ids of `text`. Bytes that are not valid UTF-8 are read as U+FFFD each (see utf8.hpp).
    /// With options.untrusted the result holds no id for which is_control() is true.
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::int32_t> encode(std::string_view text,
                                                                       const encode_options& options = {}) const;

    /// The ids of the concatenation of `segments`, in which special tokens match only inside trusted segments (neighbouring trusted
    /// segments count as one). Everything else, pieces that cross borders included, is as in encode: for untrusted parts without
    /// special-token text the ids are those of the whole text. Each segment must be valid UTF-8 by itself or is repaired.
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::int32_t> encode_segments(std::span<const text_segment> segments,
                                                                                const encode_options& options = {
                                                                                    .add_special_tokens = false}) const;

    /// The same ids with tokens, offsets and type ids. Offsets refer to `text` after repair.
    APERTUS_DECLARATION [[nodiscard]] encoding encode_with_offsets(std::string_view text,
                                                                   const encode_options& options = {},
                                                                   offset_unit unit = offset_unit::codepoints) const;

    /// Two sequences as one input, joined by the template for pairs.
    APERTUS_DECLARATION [[nodiscard]] encoding encode_pair(std::string_view first, std::string_view second,
                                                           const encode_options& options = {},
                                                           offset_unit unit = offset_unit::codepoints) const;

    /// The text of `ids`, always valid UTF-8. Ids that are no token give nothing.
    APERTUS_DECLARATION [[nodiscard]] std::string decode(std::span<const std::int32_t> ids,
                                                         const decode_options& options = {}) const;

    /// The text of every sequence.
    APERTUS_DECLARATION [[nodiscard]] std::vector<std::string>
    batch_decode(std::span<const std::vector<std::int32_t>> sequences, const decode_options& options = {}) const;

    /// The id of a token as spelled in tokenizer.json (byte-level tokens in the GPT-2 alphabet).
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::int32_t> token_to_id(std::string_view token) const;
    /// The token as spelled in tokenizer.json (of added tokens: after normalisation).
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::string_view> id_to_token(std::int32_t id) const;

    /// The number of tokens, added ones included.
    APERTUS_DECLARATION [[nodiscard]] std::size_t vocab_size() const noexcept;
    /// One more than the largest id; larger than vocab_size() when ids have holes.
    APERTUS_DECLARATION [[nodiscard]] std::int32_t id_limit() const noexcept;

    /// Tokens that the folder names; absent when it names none, or one that is no token.
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::int32_t> bos_token_id() const;
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::int32_t> eos_token_id() const;
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::int32_t> pad_token_id() const;
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::int32_t> unk_token_id() const;

    /// Whether decode(skip_special_tokens) drops the id: added tokens marked special.
    APERTUS_DECLARATION [[nodiscard]] bool is_special(std::int32_t id) const noexcept;
    /// Whether untrusted text can never become the id: added tokens marked special, but for single symbols of the base alphabet
    /// (a byte or a character that text must be able to become).
    APERTUS_DECLARATION [[nodiscard]] bool is_control(std::int32_t id) const noexcept;

    /// How many tokens the template adds to one sequence.
    APERTUS_DECLARATION [[nodiscard]] std::size_t template_size() const noexcept;
    /// How many of them stand before the text.
    APERTUS_DECLARATION [[nodiscard]] std::size_t template_prefix_size() const noexcept;

    /// The facts that the tokenizer was built from; the model's tables are not in it any more.
    APERTUS_DECLARATION [[nodiscard]] const tokenizer_spec& spec() const noexcept;

private:
    friend class streaming_decoder;

    /// Appends what `id` decodes to, before the repair of UTF-8. `first` is true until a token has been written.
    APERTUS_DECLARATION void append_token_bytes(std::string& out, std::int32_t id, const decode_options& options,
                                                bool& first) const;

    std::shared_ptr<const detail::tokenizer_engine> engine_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/text/tokenizer_definitions.hpp>
#endif
