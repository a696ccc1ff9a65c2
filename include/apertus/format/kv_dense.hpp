// SPDX-License-Identifier: Apache-2.0
//
// Keys and values kept element by element as float, bf16 or f16, rounded to nearest even.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/format/kv_cells.hpp>

#include <cstddef>
#include <cstring>
#include <string_view>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

template <class T> struct kv_dense {
    static_assert(std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, f16>);
    using element = T;
    using cells = kv_cells<std::is_same_v<T, bf16>>;

    static constexpr std::string_view name = std::is_same_v<T, float>  ? "f32"
                                             : std::is_same_v<T, bf16> ? "bf16"
                                                                       : "f16";

    static constexpr std::size_t key_bytes(std::size_t head_size) noexcept {
        return detail::whole_lines(cells::key_elements(head_size) * sizeof(T));
    }
    static constexpr std::size_t value_bytes(std::size_t head_size) noexcept {
        return detail::whole_lines(cells::value_elements(head_size) * sizeof(T));
    }
    static void pack_key(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) put(row[d], block, cells::key_at(slot, d));
        if (head_size % 2 != 0) put(0.0F, block, cells::key_at(slot, head_size));
    }
    static void pack_value(const float* row, std::size_t head_size, std::size_t slot, std::byte* block) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) put(row[d], block, cells::value_at(slot, d, head_size));
        for (std::size_t d = head_size; d % cells::lanes != 0; ++d) {
            put(0.0F, block, cells::value_at(slot, d, head_size));
        }
    }
    static void unpack_key(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) row[d] = get(block, cells::key_at(slot, d));
    }
    static void unpack_value(const std::byte* block, std::size_t slot, std::size_t head_size, float* row) noexcept {
        for (std::size_t d = 0; d < head_size; ++d) row[d] = get(block, cells::value_at(slot, d, head_size));
    }

private:
    static void put(float x, std::byte* block, std::size_t index) noexcept {
        const T value(x);
        std::memcpy(block + index * sizeof(T), static_cast<const void*>(&value), sizeof(T));
    }
    static float get(const std::byte* block, std::size_t index) noexcept {
        T value;
        std::memcpy(static_cast<void*>(&value), block + index * sizeof(T), sizeof(T));
        return to_float(value);
    }
};

static_assert(kv_format<kv_dense<float>> && kv_format<kv_dense<bf16>> && kv_format<kv_dense<f16>>);

APERTUS_END_NAMESPACE
