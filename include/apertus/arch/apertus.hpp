// SPDX-License-Identifier: Apache-2.0
//
// Apertus (Swiss AI Initiative): v1 8B and 70B, v1.1 Mini, and the text backbone of v1.5. Llama with RMSNorm on every
// query and key head and an ungated MLP with xIELU. Reference: transformers models/apertus/modular_apertus.py.
#pragma once

#include <apertus/model/decoder.hpp>

#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct apertus_architecture {
    static constexpr std::string_view model_type = "apertus";
    static constexpr bool qk_norm = true;
    static constexpr std::string_view attention_norm = "attention_layernorm";
    static constexpr std::string_view feedforward_norm = "feedforward_layernorm";
    template <weight_storage Format, class Activation, class Space> using mlp = plain_mlp<Format, Activation, Space>;
};
static_assert(architecture<apertus_architecture>);

/// The Apertus decoder in one weight format.
template <weight_storage Format, class Space = host_space>
using apertus_model = decoder<apertus_architecture, Format, Space>;

APERTUS_END_NAMESPACE
