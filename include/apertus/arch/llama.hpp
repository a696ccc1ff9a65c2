// SPDX-License-Identifier: Apache-2.0
//
// Llama (Meta): the second architecture, from the same parts. Reference: transformers models/llama/modeling_llama.py.
#pragma once

#include <apertus/model/decoder.hpp>

#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct llama_architecture {
    static constexpr std::string_view model_type = "llama";
    static constexpr bool qk_norm = false;
    static constexpr std::string_view attention_norm = "input_layernorm";
    static constexpr std::string_view feedforward_norm = "post_attention_layernorm";
    template <weight_storage Format, class Activation, class Space> using mlp = gated_mlp<Format, Activation, Space>;
};
static_assert(architecture<llama_architecture>);

/// The Llama decoder in one weight format.
template <weight_storage Format, class Space = host_space>
using llama_model = decoder<llama_architecture, Format, Space>;

APERTUS_END_NAMESPACE
