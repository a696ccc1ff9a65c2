// SPDX-License-Identifier: Apache-2.0
//
// The keys and values of all sequences of a session, allocated once: [B][L][keys, values][G][blocks of sixteen slots] in a
// cache format. Also remembers the position of every slot, so that a sequence can be cut back and continued.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/kv_format.hpp>
#include <apertus/core/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

struct kv_cache_shape {
    std::size_t sequences = 1; ///< B
    std::size_t layers = 0;    ///< L
    std::size_t kv_heads = 0;  ///< G
    std::size_t capacity = 0;  ///< S
    std::size_t head_size = 0; ///< K

    /// Of all keys and values, each sequence in whole blocks. The largest number there is when it is more than that, which
    /// no backend will allocate.
    [[nodiscard]] constexpr std::size_t bytes(const kv_format_info& format) const noexcept {
        std::size_t total = format.key_bytes(head_size) + format.value_bytes(head_size);
        for (const std::size_t n : {kv_blocks(capacity), kv_heads, layers, sequences}) {
            if (n != 0 && total > static_cast<std::size_t>(-1) / n) return static_cast<std::size_t>(-1);
            total *= n;
        }
        return total;
    }
};

/// What a cache knows of its positions, whatever holds the keys and values.
class cached_positions {
public:
    [[nodiscard]] const kv_cache_shape& shape() const noexcept { return shape_; }
    [[nodiscard]] std::size_t length(std::size_t sequence) const { return lengths_[sequence]; }
    void set_length(std::size_t sequence, std::size_t length) { lengths_[sequence] = length; }

    /// The RoPE position that follows the last cached one.
    [[nodiscard]] std::int32_t next_position(std::size_t sequence) const {
        const std::size_t n = lengths_[sequence];
        return n == 0 ? 0 : positions_[sequence * shape_.capacity + n - 1] + 1;
    }
    [[nodiscard]] std::int32_t position(std::size_t sequence, std::size_t slot) const {
        return positions_[sequence * shape_.capacity + slot];
    }
    void set_position(std::size_t sequence, std::size_t slot, std::int32_t position) {
        positions_[sequence * shape_.capacity + slot] = position;
    }

protected:
    explicit cached_positions(const kv_cache_shape& shape) : shape_(shape) {}
    void allocate() {
        lengths_.resize(shape_.sequences);
        positions_.resize(shape_.sequences * shape_.capacity);
    }

private:
    kv_cache_shape shape_;
    std::vector<std::size_t> lengths_;
    std::vector<std::int32_t> positions_;
};

template <backend Backend> class kv_cache : public cached_positions {
public:
    using space = typename Backend::space;

    /// Throws error(resource) when the memory cannot be had.
    kv_cache(Backend& b, const kv_cache_shape& shape, const kv_format_info& format)
        : cached_positions(shape), format_(&format), memory_(b.template allocate<std::byte>(shape.bytes(format))) {
        cached_positions::allocate();
    }

    /// Keys and values of one sequence in one layer.
    [[nodiscard]] kv_view<space> at(std::size_t layer, std::size_t sequence) noexcept {
        const kv_cache_shape& s = shape();
        kv_view<space> out{format_, memory_.data(), nullptr, s.kv_heads, s.capacity, s.head_size};
        out.keys += (sequence * s.layers + layer) * (out.all_key_bytes() + out.all_value_bytes());
        out.values = out.keys + out.all_key_bytes();
        return out;
    }

private:
    const kv_format_info* format_;
    decltype(std::declval<Backend&>().template allocate<std::byte>(std::size_t{})) memory_;
};

APERTUS_END_NAMESPACE
