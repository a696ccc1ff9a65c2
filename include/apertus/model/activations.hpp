// SPDX-License-Identifier: Apache-2.0
//
// Every intermediate tensor of a forward step, allocated once for at most `rows` tokens and then reused by all layers.
// A step of T <= rows tokens works on the first T rows (`first(T)`).
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/tensor.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// The sizes that intermediate tensors have (letters as in core/tensor.hpp).
struct activation_shape {
    std::size_t hidden = 0;       ///< D
    std::size_t heads = 0;        ///< H
    std::size_t kv_heads = 0;     ///< G
    std::size_t head_size = 0;    ///< K
    std::size_t intermediate = 0; ///< F
    bool gated = false;           ///< the MLP has a gate

    /// Floats per row.
    [[nodiscard]] constexpr std::size_t floats_per_row() const noexcept {
        return 2 * hidden + (2 * heads + 2 * kv_heads) * head_size + head_size + (gated ? 2 : 1) * intermediate;
    }
};

/// The intermediate tensors of T tokens.
template <class Space = host_space> struct activation_views {
    tensor_view<float, 2, Space> x;                ///< [T, D]   the residual stream
    tensor_view<float, 2, Space> h;                ///< [T, D]   input and output of a sublayer
    tensor_view<float, 3, Space> q;                ///< [T, H, K]
    tensor_view<float, 3, Space> k;                ///< [T, G, K]
    tensor_view<float, 3, Space> v;                ///< [T, G, K]
    tensor_view<float, 3, Space> o;                ///< [T, H, K] attention output, before o_proj
    tensor_view<float, 2, Space> cos;              ///< [T, K/2]
    tensor_view<float, 2, Space> sin;              ///< [T, K/2]
    tensor_view<float, 2, Space> up;               ///< [T, F]
    tensor_view<float, 2, Space> gate;             ///< [T, F], only when the MLP is gated
    tensor_view<std::int32_t, 1, Space> ids;       ///< [T]
    tensor_view<std::int32_t, 1, Space> positions; ///< [T]
};

/// Owns the memory of activation_views for up to `rows` tokens on a backend.
template <backend Backend> class activation_buffers {
public:
    using space = typename Backend::space;

    /// Throws error(resource) when the memory cannot be had.
    activation_buffers(Backend& b, const activation_shape& shape, std::size_t rows)
        : shape_(shape), rows_(rows), floats_(b.template allocate<float>(rows * shape.floats_per_row())),
          integers_(b.template allocate<std::int32_t>(2 * rows)) {}

    [[nodiscard]] std::size_t rows() const noexcept { return rows_; }

    /// Views for a step of `t` <= rows() tokens.
    [[nodiscard]] activation_views<space> first(std::size_t t) noexcept {
        float* at = floats_.data();
        const auto take2 = [&](std::size_t width) {
            return tensor_view<float, 2, space>(std::exchange(at, at + rows_ * width), {t, width});
        };
        const auto take3 = [&](std::size_t heads) {
            return tensor_view<float, 3, space>(std::exchange(at, at + rows_ * heads * shape_.head_size),
                                                {t, heads, shape_.head_size});
        };
        activation_views<space> a;
        a.x = take2(shape_.hidden);
        a.h = take2(shape_.hidden);
        a.q = take3(shape_.heads);
        a.k = take3(shape_.kv_heads);
        a.v = take3(shape_.kv_heads);
        a.o = take3(shape_.heads);
        a.cos = take2(shape_.head_size / 2);
        a.sin = take2(shape_.head_size / 2);
        a.up = take2(shape_.intermediate);
        if (shape_.gated) a.gate = take2(shape_.intermediate);
        a.ids = {integers_.data(), {t}};
        a.positions = {integers_.data() + rows_, {t}};
        return a;
    }

private:
    activation_shape shape_;
    std::size_t rows_;
    decltype(std::declval<Backend&>().template allocate<float>(std::size_t{})) floats_;
    decltype(std::declval<Backend&>().template allocate<std::int32_t>(std::size_t{})) integers_;
};

APERTUS_END_NAMESPACE
