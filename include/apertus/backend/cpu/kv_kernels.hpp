// SPDX-License-Identifier: Apache-2.0
//
// How a cache format is read by the attention kernels of an instruction set: what their inner loops
// (backend/cpu/attention_cells.hpp) offer to the code around them (backend/cpu/attention_kernels.hpp), so that there is
// one of that code for all formats.
#pragma once

#include <apertus/version.hpp>

#include <cstddef>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Memory that will be read next, for a kernel to fetch while it works: whole lines, in order.
struct fetch_range {
    const std::byte* begin = nullptr;
    std::size_t bytes = 0;
};

/// Where the values of a block of 64 slots are, for a kernel: those of slot s, elements 16 v .., are in the cell at
/// data + s / 16 * block_stride + s % 16 / 2 * cell_stride + v * (bytes of a cell).
struct value_cells {
    const std::byte* data;
    std::size_t block_stride;
    std::size_t cell_stride;
    fetch_range next{};
};

using score_kernel = void (*)(const std::byte*, const std::byte*, std::size_t, std::size_t, std::size_t, bool,
                              std::byte*) noexcept;
using value_kernel = void (*)(const std::byte*, const value_cells&, std::size_t, std::size_t, const float*,
                              const float*, float*, std::size_t) noexcept;
using widen_kernel = void (*)(const std::byte* from, std::size_t from_stride, std::byte* to, std::size_t to_stride,
                              std::size_t cells) noexcept;

/// How a cache format is read: what the code that walks over it needs to know, so that there is one of it for all formats.
struct kv_kernels {
    bool integer = false;
    std::size_t header = 0;          ///< bytes before the cells of a block
    std::size_t cell_bytes = 0;      ///< 0: no cells, a format that is known by its answers only
    std::size_t wide_cell_bytes = 0; ///< of a widened cell
    /// Reading the cache: 1 .. few queries, few_vectors vectors; and one query, one vector for what is left over.
    score_kernel scores[4] = {};
    value_kernel values[4] = {};
    score_kernel one_score = nullptr;
    value_kernel one_value = nullptr;
    /// Reading a widened tile: `many` queries, many_vectors vectors or one; and one query that sees more than the others.
    score_kernel tile_scores[2] = {};
    value_kernel tile_values[2] = {};
    value_kernel tile_rest[2] = {};
    widen_kernel widen = nullptr; ///< null: the cache is as a widened tile would be
};

inline constexpr std::size_t attend_stretch = 128; ///< elements of a query that a tile takes at a time
inline constexpr std::size_t attend_direct_stretch =
    768; ///< the most that are multiplied when the cache itself is read
inline constexpr std::size_t attend_direct_queries = 8;

/// The softmax so far of one query: sums are to be divided by total, and are relative to e^greatest.
struct attend_state {
    float greatest = 0;
    float total = 0;
};

} // namespace detail
APERTUS_END_NAMESPACE
