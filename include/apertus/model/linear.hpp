// SPDX-License-Identifier: Apache-2.0
//
// The two layers with weights: linear (y = W x + b) and RMSNorm. Views on weights that somebody else owns.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/format/formats.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

APERTUS_BEGIN_NAMESPACE

/// out[t] = table[ids[t]], whatever the table's format and whether the backend takes it as it is or typed.
template <backend B, class Format, class Space>
void embed(B& b, tensor_view<const std::int32_t, 1, Space> ids, const weight_view<Format, Space>& table,
           tensor_view<float, 2, Space> out) noexcept {
    if constexpr (requires { b.embed(ids, table, out); }) {
        b.embed(ids, table, out);
    } else {
        visit_format(table, [&](const auto& typed) { b.embed(ids, typed, out); });
    }
}

/// y[T,N] = x[T,K] W[N,K]^T + b[N]. An empty bias means none.
template <weight_storage Format, class Space = host_space> struct linear {
    weight_view<Format, Space> weight{};
    tensor_view<const float, 1, Space> bias{};

    template <backend B>
    void forward(B& b, tensor_view<const float, 2, Space> x, tensor_view<float, 2, Space> y) const noexcept {
        if constexpr (requires { b.matmul(x, weight, bias, y); }) {
            b.matmul(x, weight, bias, y);
        } else {
            visit_format(weight, [&](const auto& typed) { b.matmul(x, typed, bias, y); });
        }
    }
};

/// A layer and where its result goes.
template <weight_storage Format, class Space> struct projection {
    const linear<Format, Space>& layer;
    tensor_view<float, 2, Space> y;
};

/// Several layers on the same x[T,K], together where the backend can do that.
template <backend B, class Format, class Space, std::size_t N>
void forward_all(B& b, tensor_view<const float, 2, Space> x, const projection<Format, Space> (&all)[N]) noexcept {
    if constexpr (requires(std::span<const product<Space>> products) { b.matmul_all(x, products); }) {
        product<Space> products[N];
        for (std::size_t i = 0; i < N; ++i) products[i] = {all[i].layer.weight, all[i].layer.bias, all[i].y};
        b.matmul_all(x, std::span<const product<Space>>(products));
    } else {
        for (const auto& p : all) p.layer.forward(b, x, p.y);
    }
}

/// y[T,D] = x * rsqrt(mean(x^2) + eps) * weight[D] (Zhang & Sennrich 2019). y may be x.
template <class Space = host_space> struct rms_norm {
    tensor_view<const float, 1, Space> weight{};
    float eps = 1e-5f;

    template <backend B>
    void forward(B& b, tensor_view<const float, 2, Space> x, tensor_view<float, 2, Space> y) const noexcept {
        b.rms_norm(x, weight, eps, y);
    }
};

APERTUS_END_NAMESPACE
