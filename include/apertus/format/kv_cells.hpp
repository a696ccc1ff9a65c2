// SPDX-License-Identifier: Apache-2.0
//
// The order of elements that the library's own cache formats share. A block of sixteen slots is made of cells of two steps
// times sixteen lanes, the unit that a kernel loads:
//   keys:   step = element d, lane = slot. Cell d / 2 holds elements d and d + 1 of sixteen keys.
//   values: step = slot, lane = element d. Cell (slot / 2) * ceil(K / 16) + d / 16 holds sixteen elements of two values.
// Types narrower than float, except f16, keep the two steps of a lane side by side: 32 bits that integer and bf16
// multiply-add instructions (and tiles) take as a pair, and that widen with a shift and a mask.
// K is padded with zeros, to 2 in keys and to 16 in values.
#pragma once

#include <apertus/core/kv_format.hpp>

#include <cstddef>

APERTUS_BEGIN_NAMESPACE

/// `Paired`: whether the two steps of a lane lie side by side.
template <bool Paired> struct kv_cells {
    static constexpr std::size_t steps = 2;
    static constexpr std::size_t lanes = 16;
    static constexpr std::size_t elements = steps * lanes; // per cell

    /// Elements of a block of keys or values.
    static constexpr std::size_t key_elements(std::size_t head_size) noexcept {
        return (head_size + 1) / steps * elements;
    }
    static constexpr std::size_t value_elements(std::size_t head_size) noexcept {
        return kv_block_slots / steps * value_cells(head_size) * elements;
    }
    /// Cells of a pair of values.
    static constexpr std::size_t value_cells(std::size_t head_size) noexcept { return (head_size + lanes - 1) / lanes; }
    static constexpr std::size_t key_at(std::size_t slot, std::size_t d) noexcept {
        return d / steps * elements + at(d % steps, slot);
    }
    static constexpr std::size_t value_at(std::size_t slot, std::size_t d, std::size_t head_size) noexcept {
        return (slot / steps * value_cells(head_size) + d / lanes) * elements + at(slot % steps, d % lanes);
    }

private:
    static constexpr std::size_t at(std::size_t step, std::size_t lane) noexcept {
        return Paired ? lane * steps + step : step * lanes + lane;
    }
};

namespace detail {
/// Blocks start on cache lines.
[[nodiscard]] constexpr std::size_t whole_lines(std::size_t bytes) noexcept { return (bytes + 63) / 64 * 64; }
} // namespace detail

APERTUS_END_NAMESPACE
