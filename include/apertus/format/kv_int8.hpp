// SPDX-License-Identifier: Apache-2.0
//
// Keys and values as int8 with one float scale per row (slot and kv head): 8.25 bits per element at K = 128. A row is
// divided by its largest magnitude / 127 and rounded to nearest even, so an element is off by at most half a scale,
// 1/254 of the row's largest magnitude. Keys are cached after norm and rotation, where a head's elements are of like size.
// A row that is not finite gets the scale NaN, which makes all of it NaN; one below 1e-30 everywhere is stored as zeros.
// A block is the sixteen scales (one cache line), then cells of int8.
#pragma once

#include <apertus/format/kv_cells.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct kv_int8 {
    using element = std::int8_t;
    using cells = kv_cells<true>;

    static constexpr std::string_view name = "int8";
    static constexpr float levels = 127.0F;
    /// Rows whose largest magnitude is below this have no sensible reciprocal.
    static constexpr float smallest = 1e-30F;
    /// Where the cells begin in a block.
    static constexpr std::size_t header = kv_block_slots * sizeof(float);

    static constexpr std::size_t key_bytes(std::size_t head_size) noexcept {
        return header + detail::whole_lines(cells::key_elements(head_size));
    }
    static constexpr std::size_t value_bytes(std::size_t head_size) noexcept {
        return header + detail::whole_lines(cells::value_elements(head_size));
    }
    static void pack_key(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        const float inverse = put_scale(row, head_size, slot, block);
        for (std::size_t d = 0; d < head_size; ++d) put(row[d] * inverse, block, cells::key_at(slot, d));
        if (head_size % 2 != 0) put(0.0F, block, cells::key_at(slot, head_size));
    }
    static void pack_value(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        const float inverse = put_scale(row, head_size, slot, block);
        for (std::size_t d = 0; d < head_size; ++d) put(row[d] * inverse, block, cells::value_at(slot, d, head_size));
        for (std::size_t d = head_size; d % cells::lanes != 0; ++d) {
            put(0.0F, block, cells::value_at(slot, d, head_size));
        }
    }
    static void unpack_key(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        const float scale = scale_at(block, slot);
        for (std::size_t d = 0; d < head_size; ++d) row[d] = scale * get(block, cells::key_at(slot, d));
    }
    static void unpack_value(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        const float scale = scale_at(block, slot);
        for (std::size_t d = 0; d < head_size; ++d) row[d] = scale * get(block, cells::value_at(slot, d, head_size));
    }

private:
    static float scale_at(const std::byte* block, std::size_t slot) noexcept {
        float scale = 0.0F;
        std::memcpy(&scale, block + slot * sizeof(float), sizeof scale);
        return scale;
    }
    /// Stores the scale of a row; returns what to multiply the row by, 0 where there is nothing to keep.
    static float put_scale(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        float most = 0.0F;
        bool finite = true;
        for (std::size_t d = 0; d < head_size; ++d) {
            const float size = std::fabs(row[d]);
            finite = finite && size <= std::numeric_limits<float>::max();
            most = size > most ? size : most;
        }
        const bool kept = finite && most >= smallest;
        const float scale = kept ? most / levels : finite ? 0.0F : std::numeric_limits<float>::quiet_NaN();
        std::memcpy(block + slot * sizeof(float), &scale, sizeof scale);
        return kept ? levels / most : 0.0F;
    }
    static void put(float x, std::byte* block, std::size_t index) noexcept {
        // 0 * infinity is not a number; such a row has no meaning beyond its scale
        block[header + index] = static_cast<std::byte>(std::isnan(x) ? 0 : static_cast<int>(std::nearbyint(x)));
    }
    static float get(const std::byte* block, std::size_t index) noexcept {
        return static_cast<float>(static_cast<std::int8_t>(block[header + index]));
    }
};

static_assert(kv_format<kv_int8>);

APERTUS_END_NAMESPACE
