// SPDX-License-Identifier: Apache-2.0
//
// The keys and values of all sequences of a session, allocated once: [B][L][k, v][G, S, K]. Also remembers the position
// of every slot, so that a sequence can be cut back and continued.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/tensor.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

struct kv_cache_shape {
    std::size_t sequences = 1; ///< B
    std::size_t layers = 0;    ///< L
    std::size_t kv_heads = 0;  ///< G
    std::size_t capacity = 0;  ///< S
    std::size_t head_size = 0; ///< K

    [[nodiscard]] constexpr std::size_t elements() const noexcept {
        return 2 * sequences * layers * kv_heads * capacity * head_size;
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

template <class Element, backend Backend> class kv_cache : public cached_positions {
public:
    using space = typename Backend::space;

    /// Throws error(resource) when the memory cannot be had.
    kv_cache(Backend& b, const kv_cache_shape& shape)
        : cached_positions(shape), memory_(b.template allocate<Element>(shape.elements())) {
        cached_positions::allocate();
    }

    /// Keys and values of one sequence in one layer, each [G, S, K].
    [[nodiscard]] std::pair<tensor_view<Element, 3, space>, tensor_view<Element, 3, space>>
    at(std::size_t layer, std::size_t sequence) noexcept {
        const kv_cache_shape& s = shape();
        const std::size_t size = s.kv_heads * s.capacity * s.head_size;
        Element* k = memory_.data() + 2 * size * (sequence * s.layers + layer);
        const std::array<std::size_t, 3> extents{s.kv_heads, s.capacity, s.head_size};
        return {{k, extents}, {k + size, extents}};
    }

private:
    decltype(std::declval<Backend&>().template allocate<Element>(std::size_t{})) memory_;
};

APERTUS_END_NAMESPACE
