// SPDX-License-Identifier: Apache-2.0
//
// What one forward step is given: for each sequence that takes part, the tokens to append. Sequences in a step may have
// different lengths (a ragged batch); there is no padding. A left-padded batch with an attention mask is the same thing
// with the masked tokens dropped and the positions kept.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/core/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>

APERTUS_BEGIN_NAMESPACE

/// For which of a segment's tokens logits are computed.
enum class logits_for { none, last, all };

/// Tokens appended to one sequence of a session.
struct segment {
    std::size_t sequence = 0;                     ///< which cache of the session, 0 .. max_sequences - 1
    std::span<const std::int32_t> ids{};          ///< [n] token ids, n >= 1
    std::span<const std::int32_t> position_ids{}; ///< [n] RoPE positions; empty: continue after the last one
    logits_for logits = logits_for::last;
};

/// A model and its caches, as the generation loop sees them. `forward` appends every segment to its sequence and returns
/// the wanted logits, rows in segment order, [rows, V], valid until the next call. After an error or a cancellation the
/// sequences of that call are as they were before it. `length` is the number of cached positions, `truncate` shortens
/// a sequence to `length` positions (0 empties it).
template <class S>
concept causal_session = requires(S& s, std::span<const segment> segments, const cancellation& cancel, std::size_t n) {
    { s.forward(segments, cancel) } -> std::same_as<tensor_view<const float, 2>>;
    { s.vocab_size() } -> std::convertible_to<std::size_t>;
    { s.max_sequences() } -> std::convertible_to<std::size_t>;
    { s.max_length() } -> std::convertible_to<std::size_t>;
    { s.length(n) } -> std::convertible_to<std::size_t>;
    { s.truncate(n, n) } -> std::same_as<void>;
};

APERTUS_END_NAMESPACE
