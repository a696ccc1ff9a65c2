// SPDX-License-Identifier: Apache-2.0
//
// forward(input_ids, attention_mask, position_ids) on a rectangular batch, as transformers' models are called. A masked
// token takes part in nothing, so it is left out of the step: what remains is a ragged batch with explicit positions, and
// no row is computed in vain.
#pragma once

#include <apertus/model/segment.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Logits [B, T, V] of input_ids [B, T] in an emptied session with at least B sequences of T positions.
/// attention_mask [B, T]: 1 keeps a token, 0 masks it (left or right padding, or holes); an empty view keeps all.
/// position_ids [B, T]: an empty view means 0 .. T-1 in every row, whatever the mask says, as in transformers' forward
/// (its generate derives them from the mask instead). Logits of masked tokens are 0; in transformers they are meaningless.
/// Throws error(shape) when the extents differ, a mask value is neither 0 nor 1, or a row is masked altogether.
template <causal_session Session>
[[nodiscard]] std::vector<float> forward_padded(Session& session, tensor_view<const std::int32_t, 2> input_ids,
                                                tensor_view<const std::int32_t, 2> attention_mask = {},
                                                tensor_view<const std::int32_t, 2> position_ids = {},
                                                const cancellation& cancel = {}) {
    const std::size_t batch = input_ids.extent(0);
    const std::size_t length = input_ids.extent(1);
    const std::size_t vocabulary = session.vocab_size();
    const auto same_shape = [&](tensor_view<const std::int32_t, 2> t, std::string_view name) {
        if (t.data() != nullptr && t.extents() != input_ids.extents()) {
            fail(error_category::shape, "forward_padded", name,
                 "[" + std::to_string(batch) + ", " + std::to_string(length) + "] like input_ids",
                 "[" + std::to_string(t.extent(0)) + ", " + std::to_string(t.extent(1)) + "]");
        }
    };
    same_shape(attention_mask, "attention_mask");
    same_shape(position_ids, "position_ids");

    std::vector<std::int32_t> ids;
    std::vector<std::int32_t> positions;
    std::vector<std::size_t> columns; // of the kept tokens, row after row
    std::vector<std::size_t> kept(batch, 0);
    for (std::size_t b = 0; b < batch; ++b) {
        for (std::size_t t = 0; t < length; ++t) {
            const std::int32_t mask = attention_mask.data() == nullptr ? 1 : attention_mask(b, t);
            if (mask != 0 && mask != 1) {
                fail(error_category::shape, "forward_padded", "attention_mask", "0 or 1", std::to_string(mask));
            }
            if (mask == 0) continue;
            ids.push_back(input_ids(b, t));
            positions.push_back(position_ids.data() == nullptr ? static_cast<std::int32_t>(t) : position_ids(b, t));
            columns.push_back(t);
            ++kept[b];
        }
        if (kept[b] == 0)
            fail(error_category::shape, "forward_padded", "row " + std::to_string(b), "an unmasked token", "none");
    }

    std::vector<segment> segments(batch);
    std::size_t first = 0;
    for (std::size_t b = 0; b < batch; ++b) {
        session.truncate(b, 0);
        segments[b] = {b, std::span(ids).subspan(first, kept[b]), std::span(positions).subspan(first, kept[b]),
                       logits_for::all};
        first += kept[b];
    }
    const tensor_view<const float, 2> logits = session.forward(segments, cancel);

    std::vector<float> out(batch * length * vocabulary, 0.0f);
    std::size_t row = 0;
    for (std::size_t b = 0; b < batch; ++b) {
        for (std::size_t i = 0; i < kept[b]; ++i, ++row) {
            const auto values = logits.row(row).flat();
            std::copy(values.begin(), values.end(),
                      out.begin() + static_cast<std::ptrdiff_t>((b * length + columns[row]) * vocabulary));
        }
    }
    return out;
}

APERTUS_END_NAMESPACE
