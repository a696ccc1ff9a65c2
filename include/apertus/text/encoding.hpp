// SPDX-License-Identifier: Apache-2.0
//
// What encode gives besides ids.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// What offsets count.
enum class offset_unit : std::uint8_t {
    codepoints, ///< as Hugging Face's Python `Encoding.offsets`
    bytes,      ///< of the UTF-8 text, as Hugging Face's Rust `encode`
};

/// Tokens with what is known about them; all vectors have one element per token.
struct encoding {
    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> type_ids; ///< 0 for the first sequence, 1 for the second, or what the template says
    std::vector<std::string> tokens;    ///< as spelled in tokenizer.json; of added tokens: the text that was cut out
    std::vector<std::pair<std::size_t, std::size_t>> offsets; ///< begin and end in the text; (0, 0) for inserted tokens
    std::vector<std::uint8_t> special_tokens_mask;            ///< 1 for tokens that the template inserted

    [[nodiscard]] std::size_t size() const noexcept { return ids.size(); }

    void append(const encoding& other) {
        ids.insert(ids.end(), other.ids.begin(), other.ids.end());
        type_ids.insert(type_ids.end(), other.type_ids.begin(), other.type_ids.end());
        tokens.insert(tokens.end(), other.tokens.begin(), other.tokens.end());
        offsets.insert(offsets.end(), other.offsets.begin(), other.offsets.end());
        special_tokens_mask.insert(special_tokens_mask.end(), other.special_tokens_mask.begin(),
                                   other.special_tokens_mask.end());
    }
};

APERTUS_END_NAMESPACE
