// SPDX-License-Identifier: Apache-2.0
//
// Grouped-query self-attention with rotary positions and, where the architecture has it, RMSNorm on every query and key
// head before the rotation (QK-norm). Agrees with ApertusAttention / LlamaAttention of transformers
// (models/apertus/modeling_apertus.py, eager path): the cached keys are those after norm and rotation.
#pragma once

#include <apertus/model/activations.hpp>
#include <apertus/model/linear.hpp>

#include <cmath>
#include <span>

APERTUS_BEGIN_NAMESPACE

template <weight_storage Format, bool QkNorm, class Space = host_space> struct attention {
    linear<Format, Space> q_proj{}; ///< [H*K, D]
    linear<Format, Space> k_proj{}; ///< [G*K, D]
    linear<Format, Space> v_proj{}; ///< [G*K, D]
    linear<Format, Space> o_proj{}; ///< [D, H*K]
    rms_norm<Space> q_norm{};       ///< [K], shared by all heads; used when QkNorm
    rms_norm<Space> k_norm{};       ///< [K]

    /// a.h [T,D] -> a.h [T,D]. Appends the T keys and values to `cache`.
    template <backend B>
    void forward(B& b, const activation_views<Space>& a, std::span<const kv_segment<Space>> cache) const noexcept {
        const std::size_t t = a.h.extent(0);
        const std::size_t heads = a.q.extent(1);
        const std::size_t kv_heads = a.k.extent(1);
        const std::size_t head_size = a.q.extent(2);

        const projection<Format, Space> qkv[] = {
            {q_proj, a.q.template reshape<2>({t, heads * head_size})},
            {k_proj, a.k.template reshape<2>({t, kv_heads * head_size})},
            {v_proj, a.v.template reshape<2>({t, kv_heads * head_size})},
        };
        forward_all<B, Format, Space>(b, a.h, qkv);
        if constexpr (QkNorm) {
            const auto q = a.q.template reshape<2>({t * heads, head_size});
            const auto k = a.k.template reshape<2>({t * kv_heads, head_size});
            q_norm.forward(b, q, q);
            k_norm.forward(b, k, k);
        }
        b.rope(a.q, a.cos, a.sin);
        b.rope(a.k, a.cos, a.sin);
        b.store(a.k, a.v, cache);
        b.attend(a.q, cache, 1.0f / std::sqrt(static_cast<float>(head_size)), a.o);
        o_proj.forward(b, a.o.template reshape<2>({t, heads * head_size}), a.h);
    }
};

APERTUS_END_NAMESPACE
