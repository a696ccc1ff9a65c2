// SPDX-License-Identifier: Apache-2.0
//
// generate() for those who come with a rectangle: input_ids [B, T] and attention_mask [B, T] in, sequences [B, T + new] out,
// prompts included and filled up with pad_token_id, as transformers returns them. Inside there is no padding: masked
// tokens are left out, which is what the mask and the positions derived from it mean. So right padding, which confuses
// a decoder-only model in transformers, gives the same continuation as left padding here.
#pragma once

#include <apertus/core/tensor.hpp>
#include <apertus/generate/generate.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// The rectangle of transformers and, for those who want to know more, the rows without padding.
struct padded_generation_result {
    std::vector<std::int32_t> sequences{}; ///< [rows, width], row-major: the row of input_ids, new ids, padding
    std::size_t rows = 0;
    std::size_t width = 0; ///< T + the largest number of new ids
    generation_result result{};
};

namespace detail {

/// Which tokens count. Without a mask: those that are not padding, if padding can be told from an end token; else all.
[[nodiscard]] inline std::vector<bool> kept_tokens(tensor_view<const std::int32_t, 2> input_ids,
                                                   tensor_view<const std::int32_t, 2> attention_mask,
                                                   const effective_generation_config& config) {
    std::vector<bool> keep(input_ids.size(), true);
    if (!attention_mask.empty()) {
        if (attention_mask.extents() != input_ids.extents()) {
            const auto shape = [](const auto& t) {
                return std::to_string(t.extent(0)) + " x " + std::to_string(t.extent(1));
            };
            fail(error_category::shape, "generate", "attention_mask", shape(input_ids), shape(attention_mask));
        }
        for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = attention_mask.data()[i] != 0;
    } else if (config.pad_token_id && !is_end_token(config.eos_token_id, *config.pad_token_id)) {
        for (std::size_t i = 0; i < keep.size(); ++i) keep[i] = input_ids.data()[i] != *config.pad_token_id;
    }
    return keep;
}

} // namespace detail

/// input_ids [B, T], attention_mask [B, T] of 0 and 1 (empty: see detail::kept_tokens). max_length and min_length count
/// the padding, as in transformers. Finished rows are filled with pad_token_id, or the first eos_token_id where there is
/// none; error(config) when padding is needed and there is neither. Otherwise as `generate`; every row has stream 0.
template <causal_session Session>
[[nodiscard]] padded_generation_result generate_padded(Session& session, tensor_view<const std::int32_t, 2> input_ids,
                                                       tensor_view<const std::int32_t, 2> attention_mask = {},
                                                       generation_config config = {},
                                                       const generate_options& options = {}) {
    const effective_generation_config e = effective(config);
    const std::size_t batch = input_ids.extent(0);
    const std::size_t length = input_ids.extent(1);
    if (e.max_length) { // a limit on the padded row is a limit on its new tokens
        if (length >= *e.max_length) {
            fail(error_category::config, "generate", "input_ids",
                 "fewer than max_length = " + std::to_string(*e.max_length) + " columns", std::to_string(length));
        }
        config.max_new_tokens = static_cast<std::int64_t>(*e.max_length - length);
    }
    if (!e.min_new_tokens && e.min_length > 0) {
        config.min_new_tokens = static_cast<std::int64_t>(e.min_length > length ? e.min_length - length : 0);
    }

    const std::vector<bool> keep = detail::kept_tokens(input_ids, attention_mask, e);
    std::vector<std::vector<std::int32_t>> ids(batch);
    std::vector<prompt> prompts(batch);
    for (std::size_t b = 0; b < batch; ++b) {
        for (std::size_t t = 0; t < length; ++t) {
            if (keep[b * length + t]) ids[b].push_back(input_ids(b, t));
        }
        if (ids[b].empty() && length > 0) {
            fail(error_category::shape, "generate", "attention_mask, row " + std::to_string(b),
                 "at least one token that is not masked", "none");
        }
        prompts[b].ids = ids[b];
    }

    padded_generation_result out;
    out.result = generate(session, std::span<const prompt>(prompts), config, options);
    out.rows = batch;
    std::size_t longest = 0;
    std::size_t shortest = batch == 0 ? 0 : out.result.sequences[0].new_ids().size();
    for (const generated_sequence& s : out.result.sequences) {
        longest = std::max(longest, s.new_ids().size());
        shortest = std::min(shortest, s.new_ids().size());
    }
    std::int32_t pad = 0;
    if (shortest < longest) {
        if (e.pad_token_id) pad = *e.pad_token_id;
        else if (!e.eos_token_id.empty()) pad = e.eos_token_id.front();
        else fail(error_category::config, "generate", "pad_token_id", "an id to fill up rows that ended early", "none");
    }
    out.width = length + longest;
    out.sequences.assign(out.rows * out.width, pad);
    for (std::size_t b = 0; b < batch; ++b) {
        auto to = out.sequences.begin() + static_cast<std::ptrdiff_t>(b * out.width);
        for (std::size_t t = 0; t < length; ++t) *to++ = input_ids(b, t);
        const auto fresh = out.result.sequences[b].new_ids();
        std::copy(fresh.begin(), fresh.end(), to);
    }
    return out;
}

APERTUS_END_NAMESPACE
