// SPDX-License-Identifier: Apache-2.0
//
// How cached keys and values are stored. A cache format is a stateless struct that packs and unpacks one row of K floats
// (the key or the value of one position and kv head) inside a block of sixteen positions ("slots"). Blocks, not rows,
// because keys are read sixteen slots at a time: a format may lay them down so that a vector holds one element of
// sixteen keys, and a score needs no horizontal sum. Shape letters as in core/tensor.hpp.
#pragma once

#include <apertus/core/tensor.hpp>

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

/// Slots per block, in every format.
inline constexpr std::size_t kv_block_slots = 16;

/// The largest head size that a model may have (and a backend may have to hold on a stack).
inline constexpr std::size_t max_head_size = 4096;

/// Blocks that hold that many slots.
[[nodiscard]] constexpr std::size_t kv_blocks(std::size_t slots) noexcept {
    return slots / kv_block_slots + (slots % kv_block_slots != 0 ? 1 : 0);
}

/// A cache format. `key_bytes(K)` and `value_bytes(K)` are the sizes of a block of keys and of values, multiples of 64.
/// `pack_key(row, K, slot, block)` stores K floats as slot `slot` < 16 of a block and changes no other slot;
/// `unpack_key(block, slot, K, row)` gives back what was stored, which is the row rounded as the format does it.
/// A row with a NaN or an infinity in it gives back something that is not finite either, at least where they were.
template <class F>
concept kv_format = std::is_empty_v<F> && requires {
    { F::name } -> std::convertible_to<std::string_view>;
} && requires(std::size_t n, const float* in, float* out, std::byte* target, const std::byte* block) {
    { F::key_bytes(n) } noexcept -> std::same_as<std::size_t>;
    { F::value_bytes(n) } noexcept -> std::same_as<std::size_t>;
    { F::pack_key(in, n, n, target) } noexcept;
    { F::pack_value(in, n, n, target) } noexcept;
    { F::unpack_key(block, n, n, out) } noexcept;
    { F::unpack_value(block, n, n, out) } noexcept;
};

/// The same answers as values: which format a cache has is decided at run time.
struct kv_format_info {
    std::string_view name;
    std::size_t (*key_bytes)(std::size_t head_size) noexcept;
    std::size_t (*value_bytes)(std::size_t head_size) noexcept;
    void (*pack_key)(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept;
    void (*pack_value)(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept;
    void (*unpack_key)(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept;
    void (*unpack_value)(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept;

    /// Bytes of keys and values for `slots` slots of one kv head.
    [[nodiscard]] constexpr std::size_t bytes(std::size_t slots, std::size_t head_size) const noexcept {
        return kv_blocks(slots) * (key_bytes(head_size) + value_bytes(head_size));
    }
};

template <kv_format F>
inline constexpr kv_format_info kv_info_of{F::name,       F::key_bytes,  F::value_bytes, F::pack_key,
                                           F::pack_value, F::unpack_key, F::unpack_value};

/// The keys and values of one sequence in one layer: two regions of memory, each [G][blocks]. Not owned.
template <class Space = host_space> struct kv_view {
    const kv_format_info* format = nullptr;
    std::byte* keys = nullptr;
    std::byte* values = nullptr;
    std::size_t heads = 0;     ///< G
    std::size_t slots = 0;     ///< S, the capacity
    std::size_t head_size = 0; ///< K

    [[nodiscard]] std::size_t key_bytes() const noexcept { return format->key_bytes(head_size); }
    [[nodiscard]] std::size_t value_bytes() const noexcept { return format->value_bytes(head_size); }
    /// The block that holds `slot` of a kv head; the following blocks of the head follow it.
    [[nodiscard]] std::byte* key_block(std::size_t head, std::size_t slot) const noexcept {
        return keys + (head * kv_blocks(slots) + slot / kv_block_slots) * key_bytes();
    }
    [[nodiscard]] std::byte* value_block(std::size_t head, std::size_t slot) const noexcept {
        return values + (head * kv_blocks(slots) + slot / kv_block_slots) * value_bytes();
    }
    /// Bytes of the keys of all heads, and of the values.
    [[nodiscard]] std::size_t all_key_bytes() const noexcept { return heads * kv_blocks(slots) * key_bytes(); }
    [[nodiscard]] std::size_t all_value_bytes() const noexcept { return heads * kv_blocks(slots) * value_bytes(); }
};

/// The cache of one sequence in one layer, and which rows of a batch belong to it.
/// Row r of the batch, first_row <= r < first_row + row_count, is cache slot first_slot + (r - first_row), and attends to
/// slots 0 .. its own slot (causal).
template <class Space = host_space> struct kv_segment {
    std::size_t first_row = 0;
    std::size_t row_count = 0;
    std::size_t first_slot = 0;
    kv_view<Space> cache{};
};

APERTUS_END_NAMESPACE
