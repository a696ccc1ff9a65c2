// SPDX-License-Identifier: Apache-2.0
//
// One pre-norm decoder layer: x += attention(norm(x)); x += mlp(norm(x)). (Vaswani 2017, pre-norm form; ApertusDecoderLayer.)
#pragma once

#include <apertus/model/attention.hpp>
#include <apertus/model/mlp.hpp>

APERTUS_BEGIN_NAMESPACE

template <class Attention, class Mlp, class Space = host_space> struct decoder_layer {
    rms_norm<Space> attention_norm{}; ///< attention_layernorm (Apertus), input_layernorm (Llama)
    Attention self_attn{};
    rms_norm<Space> feedforward_norm{}; ///< feedforward_layernorm (Apertus), post_attention_layernorm (Llama)
    Mlp mlp;

    template <backend B>
    void forward(B& b, const activation_views<Space>& a, std::span<const kv_segment<Space>> cache) const noexcept {
        attention_norm.forward(b, a.x, a.h);
        self_attn.forward(b, a, cache);
        b.add(a.x, a.h);

        feedforward_norm.forward(b, a.x, a.h);
        mlp.forward(b, a);
        b.add(a.x, a.h);
    }
};

APERTUS_END_NAMESPACE
