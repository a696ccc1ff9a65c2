// SPDX-License-Identifier: Apache-2.0
//
// A cache format that no backend knows: rows of float, one after the other, negated so that nobody reads them by accident.
// What adding a format takes.
#pragma once

#include <apertus/core/kv_format.hpp>

#include <cstddef>
#include <cstring>
#include <string_view>

namespace conformance {

struct toy_kv {
    static constexpr std::string_view name = "toy";

    static constexpr std::size_t key_bytes(std::size_t head_size) noexcept {
        return (apertus::kv_block_slots * head_size * sizeof(float) + 63) / 64 * 64;
    }
    static constexpr std::size_t value_bytes(std::size_t head_size) noexcept { return key_bytes(head_size); }
    static void pack_key(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) {
            const float x = -row[d];
            std::memcpy(block + (slot * head_size + d) * sizeof(float), &x, sizeof x);
        }
    }
    static void pack_value(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        pack_key(row, head_size, slot, block);
    }
    static void unpack_key(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) {
            std::memcpy(row + d, block + (slot * head_size + d) * sizeof(float), sizeof(float));
            row[d] = -row[d];
        }
    }
    static void unpack_value(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        unpack_key(block, slot, head_size, row);
    }
};

static_assert(apertus::kv_format<toy_kv>);

} // namespace conformance
