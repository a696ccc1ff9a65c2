// SPDX-License-Identifier: Apache-2.0
//
// The two feed-forward blocks: plain (Apertus: down(act(up(x)))) and gated (Llama: down(act(gate(x)) * up(x))).
#pragma once

#include <apertus/model/activations.hpp>
#include <apertus/model/linear.hpp>

APERTUS_BEGIN_NAMESPACE

/// down_proj(activation(up_proj(x))). Activation is an activation or a variant of some (ops/activations.hpp).
template <weight_storage Format, class Activation, class Space = host_space> struct plain_mlp {
    static constexpr bool gated = false;

    linear<Format, Space> up_proj{};   ///< [F, D]
    linear<Format, Space> down_proj{}; ///< [D, F]
    Activation act_fn;

    /// a.h [T,D] -> a.h [T,D].
    template <backend B> void forward(B& b, const activation_views<Space>& a) const noexcept {
        up_proj.forward(b, a.h, a.up);
        b.map(act_fn, a.up);
        down_proj.forward(b, a.up, a.h);
    }
};

/// down_proj(activation(gate_proj(x)) * up_proj(x)).
template <weight_storage Format, class Activation, class Space = host_space> struct gated_mlp {
    static constexpr bool gated = true;

    linear<Format, Space> gate_proj{}; ///< [F, D]
    linear<Format, Space> up_proj{};   ///< [F, D]
    linear<Format, Space> down_proj{}; ///< [D, F]
    Activation act_fn;

    /// a.h [T,D] -> a.h [T,D].
    template <backend B> void forward(B& b, const activation_views<Space>& a) const noexcept {
        const projection<Format, Space> both[] = {{gate_proj, a.gate}, {up_proj, a.up}};
        forward_all<B, Format, Space>(b, a.h, both);
        b.map_mul(act_fn, a.gate, a.up);
        down_proj.forward(b, a.gate, a.h);
    }
};

APERTUS_END_NAMESPACE
