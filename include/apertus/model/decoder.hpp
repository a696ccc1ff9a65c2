// SPDX-License-Identifier: Apache-2.0
//
// The whole decoder: embedding, layers, final norm, head. An architecture is a page of answers (arch/*.hpp); this is the
// composition that all of them share. Immutable once loaded, and shared by any number of sessions and threads.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/model/config.hpp>
#include <apertus/model/decoder_layer.hpp>
#include <apertus/model/weight_source.hpp>
#include <apertus/ops/activations.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// What an architecture answers: is there QK-norm, which MLP, what are its norms called in the checkpoint.
template <class A>
concept architecture = requires {
    { A::model_type } -> std::convertible_to<std::string_view>;
    { A::qk_norm } -> std::convertible_to<bool>;
    { A::attention_norm } -> std::convertible_to<std::string_view>;
    { A::feedforward_norm } -> std::convertible_to<std::string_view>;
    typename A::template mlp<detail::probe_format, any_activation, host_space>;
};

/// Views on the weights of one model. `memory` keeps what they point into alive.
template <architecture Arch, weight_storage Format, class Space = host_space> struct decoder {
    using architecture_type = Arch;
    using format = Format;
    using space = Space;
    using attention_type = attention<Format, Arch::qk_norm, Space>;
    using mlp_type = typename Arch::template mlp<Format, any_activation, Space>;
    using layer_type = decoder_layer<attention_type, mlp_type, Space>;

    model_config config;
    weight_view<Format, Space> embed_tokens; ///< [V, D]
    std::vector<layer_type> layers;          ///< L of them
    rms_norm<Space> norm;                    ///< [D]
    linear<Format, Space> lm_head;           ///< [output V, D]; the embedding itself when tied
    std::shared_ptr<const void> memory;      ///< mapping and buffers
    std::size_t weight_bytes = 0;            ///< bytes of all weights in use, each counted once
    std::vector<named_matrix> matrices;      ///< every matrix in use, each once
    std::string format_names;                ///< what the matrices are stored in, such as "int4 + int8"
    std::vector<std::string> surplus;        ///< tensors of the checkpoint that the model does not use

    /// Rows of the head: how many logits a position has.
    [[nodiscard]] std::size_t vocab_size() const noexcept { return lm_head.weight.rows; }

    /// Bytes of weights that one decode step reads: all of them but the embedding, of which it looks up one row per token.
    [[nodiscard]] std::size_t bytes_per_token() const noexcept {
        const std::size_t table = embed_tokens.bytes();
        return weight_bytes - (tied_head() ? 0 : table) + (embed_tokens.rows == 0 ? 0 : table / embed_tokens.rows);
    }
    /// Whether the head is the embedding.
    [[nodiscard]] bool tied_head() const noexcept {
        if constexpr (std::is_same_v<Format, any_format>) return lm_head.weight.data == embed_tokens.data;
        else return lm_head.weight.blocks == embed_tokens.blocks;
    }

    [[nodiscard]] activation_shape shape() const noexcept {
        return {config.hidden_size, config.num_attention_heads, config.num_key_value_heads,
                config.head_dim,    config.intermediate_size,   mlp_type::gated};
    }
};

APERTUS_END_NAMESPACE
