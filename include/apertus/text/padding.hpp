// SPDX-License-Identifier: Apache-2.0
//
// Batches: several texts as one rectangle of ids [B, T] with an attention mask. Left padding is what decoder models want: the last
// column then holds the last token of every text.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/tokenizer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

enum class text_side : std::uint8_t { left, right };

/// B rows of T ids, row-major.
struct token_batch {
    std::size_t rows = 0;                     ///< B
    std::size_t columns = 0;                  ///< T
    std::vector<std::int32_t> input_ids;      ///< [B, T]
    std::vector<std::uint8_t> attention_mask; ///< [B, T]: 1 for tokens, 0 for padding

    [[nodiscard]] std::span<const std::int32_t> row(std::size_t b) const {
        return std::span(input_ids).subspan(b * columns, columns);
    }
    [[nodiscard]] std::span<const std::uint8_t> mask(std::size_t b) const {
        return std::span(attention_mask).subspan(b * columns, columns);
    }
};

struct batch_options {
    encode_options encode{};
    std::optional<text_side> padding_side{};    ///< default: the folder's, else right
    std::optional<std::size_t> pad_to{};        ///< every row has at least this length; default: the longest row
    std::size_t pad_to_multiple_of = 1;         ///< T is rounded up to a multiple
    std::optional<std::int32_t> pad_token_id{}; ///< default: the folder's
    std::optional<std::size_t> max_length{};    ///< longer texts are cut; the template's tokens stay
    std::optional<text_side> truncation_side{}; ///< which end is cut off; default: the folder's, else right
};

/// Pads rows of ids to one length. Throws error(config) when padding is needed and there is no pad token.
[[nodiscard]] inline token_batch pad_batch(std::span<const std::vector<std::int32_t>> rows, text_side side,
                                           std::optional<std::int32_t> pad_token_id, std::size_t pad_to = 0,
                                           std::size_t multiple_of = 1) {
    token_batch batch;
    batch.rows = rows.size();
    batch.columns = pad_to;
    for (const auto& row : rows) batch.columns = std::max(batch.columns, row.size());
    if (multiple_of > 1 && batch.columns % multiple_of != 0) batch.columns += multiple_of - batch.columns % multiple_of;
    for (const auto& row : rows) {
        if (row.size() != batch.columns && !pad_token_id) {
            fail(error_category::config, "tokenizer", "padding", "a pad token (or pad_token_id)", "none");
        }
    }
    if (batch.columns != 0 && batch.rows > std::vector<std::int32_t>().max_size() / batch.columns) {
        fail(error_category::resource, "tokenizer", "batch", "a size that fits memory",
             std::to_string(batch.rows) + " rows of " + std::to_string(batch.columns));
    }
    batch.input_ids.assign(batch.rows * batch.columns, pad_token_id.value_or(0));
    batch.attention_mask.assign(batch.rows * batch.columns, 0);
    for (std::size_t b = 0; b < batch.rows; ++b) {
        const std::size_t start = b * batch.columns + (side == text_side::left ? batch.columns - rows[b].size() : 0);
        std::copy(rows[b].begin(), rows[b].end(), batch.input_ids.begin() + static_cast<std::ptrdiff_t>(start));
        std::fill_n(batch.attention_mask.begin() + static_cast<std::ptrdiff_t>(start), rows[b].size(), std::uint8_t{1});
    }
    return batch;
}

namespace detail {

[[nodiscard]] inline text_side side_or(std::optional<text_side> wanted, const std::optional<std::string>& named) {
    return wanted ? *wanted : named && *named == "left" ? text_side::left : text_side::right;
}

} // namespace detail

/// Encodes `texts` and pads them to one rectangle. Truncation cuts the text's own tokens, so that the template's tokens stay, as
/// Hugging Face does.
[[nodiscard]] inline token_batch batch_encode(const tokenizer& tokens, std::span<const std::string_view> texts,
                                              const batch_options& options = {}) {
    const text_side cut = detail::side_or(options.truncation_side, tokens.spec().truncation_side);
    const std::size_t around = options.encode.add_special_tokens ? tokens.template_size() : 0;
    if (options.max_length && *options.max_length < around) {
        fail(error_category::config, "tokenizer", "max_length",
             "at least the template's " + std::to_string(around) + " tokens", std::to_string(*options.max_length));
    }
    std::vector<std::vector<std::int32_t>> rows;
    rows.reserve(texts.size());
    for (const std::string_view text : texts) {
        std::vector<std::int32_t>& row = rows.emplace_back(tokens.encode(text, options.encode));
        if (!options.max_length || row.size() <= *options.max_length) continue;
        const auto extra = static_cast<std::ptrdiff_t>(row.size() - *options.max_length);
        const auto before =
            static_cast<std::ptrdiff_t>(options.encode.add_special_tokens ? tokens.template_prefix_size() : 0);
        const auto after = static_cast<std::ptrdiff_t>(around) - before;
        const auto first = cut == text_side::left ? row.begin() + before : row.end() - after - extra;
        row.erase(first, first + extra);
    }
    return pad_batch(rows, detail::side_or(options.padding_side, tokens.spec().padding_side),
                     options.pad_token_id ? options.pad_token_id : tokens.pad_token_id(), options.pad_to.value_or(0),
                     options.pad_to_multiple_of);
}

APERTUS_END_NAMESPACE
