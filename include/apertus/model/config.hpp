// SPDX-License-Identifier: Apache-2.0
//
// The configuration of a model under Hugging Face's names, and the checks that make every number in it safe to compute
// with. The defaults are those of ApertusConfig in transformers 5.23 (note: intermediate_size 14336 and llama3 scaling
// are not the values of any released model). Reading config.json is run/config_json.hpp's job.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/ops/rope_frequencies.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// The activations that a configuration may name.
inline constexpr std::array<std::string_view, 4> known_activations{"xielu", "gelu", "silu", "relu"};

/// The RoPE block that ApertusConfig assumes when config.json has none.
[[nodiscard]] inline rope_parameters default_apertus_rope() {
    rope_parameters rope;
    rope.rope_type = rope_kind::llama3;
    rope.rope_theta = 12'000'000.0;
    rope.factor = 8.0;
    rope.max_position_embeddings = 65536;
    rope.original_max_position_embeddings = 8192;
    rope.low_freq_factor = 1.0;
    rope.high_freq_factor = 4.0;
    return rope;
}

/// Everything that decides the shape and the arithmetic of a model. Sizes in elements, positions in tokens.
struct model_config {
    std::string model_type = "apertus";        ///< "apertus" or "llama": which architecture composes the layers
    std::string source_model_type = "apertus"; ///< what the file says; also "apertus1p5", "apertus1p5_text"
    std::vector<std::string> architectures;    ///< as in the file, e.g. {"ApertusForCausalLM"}
    std::string dtype;                         ///< "bfloat16", ...; empty when not given. Tensors carry their own type.
    std::string tensor_prefix = "model.";      ///< of all tensor names but lm_head's; "model.language_model." in v1.5

    std::size_t vocab_size = 131072;        ///< V, rows of embed_tokens
    std::size_t output_vocab_size = 131072; ///< rows of lm_head; smaller than vocab_size in v1.5
    std::size_t hidden_size = 4096;         ///< D
    std::size_t intermediate_size = 14336;  ///< F
    std::size_t num_hidden_layers = 32;     ///< L
    std::size_t num_attention_heads = 32;   ///< H
    std::size_t num_key_value_heads = 32;   ///< G
    std::size_t head_dim = 128;             ///< K
    std::size_t max_position_embeddings = 65536;
    std::string hidden_act = "xielu"; ///< one of known_activations
    double rms_norm_eps = 1e-5;
    bool tie_word_embeddings = false;
    bool attention_bias = false; ///< of q, k, v and o
    bool mlp_bias = false;       ///< of gate, up and down; Llama only
    apertus::rope_parameters rope_parameters = default_apertus_rope();

    std::optional<std::int32_t> bos_token_id = 1;
    std::vector<std::int32_t> eos_token_id{2}; ///< empty: none
    std::optional<std::int32_t> pad_token_id = 3;

    /// Explicit keys of the file that have no effect, as in the reference, one sentence each.
    std::vector<std::string> notes;

    /// Throws error(config) "document: key: expected X, found Y" unless every size is positive and plausible, the
    /// shapes fit together and all rotary frequencies are finite. After this no product of two sizes overflows.
    void validate(std::string_view document = "model configuration") const;
};

namespace detail {

/// Checks of validate(), with the document for messages.
struct config_checker {
    std::string_view document;

    [[noreturn]] void bad(std::string_view key, std::string_view expected, std::string_view found) const {
        fail(error_category::config, document, key, expected, found);
    }
    void size(std::string_view key, std::size_t value, std::size_t most) const {
        if (value < 1 || value > most) bad(key, "1 to " + std::to_string(most), std::to_string(value));
    }
    void number(std::string_view key, double value, double least, double most) const {
        if (!(value >= least && value <= most))
            bad(key, number_text(least) + " to " + number_text(most), number_text(value));
    }
    void token(std::string_view key, std::int32_t value) const {
        if (value < 0) bad(key, "a token id of at least 0", std::to_string(value));
    }
    [[nodiscard]] static std::string number_text(double value) {
        char text[32];
        const int n = std::snprintf(text, sizeof text, "%.9g", value);
        return {text, static_cast<std::size_t>(n)};
    }

    void rope(const model_config& c) const {
        const rope_parameters& r = c.rope_parameters;
        static constexpr std::size_t most_positions = std::size_t{1} << 30;
        number("rope_parameters.rope_theta", r.rope_theta, 1e-3, 1e18);
        if (r.max_position_embeddings != c.max_position_embeddings) {
            bad("rope_parameters.max_position_embeddings",
                std::to_string(c.max_position_embeddings) + " (as in the model)",
                std::to_string(r.max_position_embeddings));
        }
        if (r.factor) number("rope_parameters.factor", *r.factor, 1e-6, 1e6);
        if (r.rope_type == rope_kind::llama3 || r.rope_type == rope_kind::yarn || r.rope_type == rope_kind::longrope) {
            size("rope_parameters.original_max_position_embeddings", r.original_max_position_embeddings,
                 most_positions);
        }
        if (r.rope_type == rope_kind::llama3) {
            number("rope_parameters.low_freq_factor", r.low_freq_factor, 1e-6, 1e6);
            number("rope_parameters.high_freq_factor", r.high_freq_factor, 1e-6, 1e6);
        }
        if (r.attention_factor) number("rope_parameters.attention_factor", *r.attention_factor, 0.0, 1e6);
        if (r.rope_type == rope_kind::yarn) {
            number("rope_parameters.rope_theta", r.rope_theta, 1.001, 1e18);
            number("rope_parameters.beta_fast", r.beta_fast, 1e-6, 1e6);
            number("rope_parameters.beta_slow", r.beta_slow, 1e-6, 1e6);
            number("rope_parameters.mscale", r.mscale.value_or(0.0), -1e6, 1e6);
            number("rope_parameters.mscale_all_dim", r.mscale_all_dim.value_or(0.0), -1e6, 1e6);
        }
        if (r.rope_type == rope_kind::longrope) {
            for (const double v : r.short_factor) number("rope_parameters.short_factor", v, 1e-6, 1e6);
            for (const double v : r.long_factor) number("rope_parameters.long_factor", v, 1e-6, 1e6);
        }
        if (r.rope_type == rope_kind::dynamic && c.head_dim < 4) {
            bad("head_dim", "at least 4 for RoPE of type dynamic", std::to_string(c.head_dim));
        }
        try {
            for (const std::size_t length : {std::size_t{1}, most_positions}) {
                const rope_frequencies f = compute_rope_frequencies(r, length, c.head_dim);
                for (const float v : f.inv_freq) {
                    if (!std::isfinite(v)) bad("rope_parameters", "finite rotary frequencies", std::to_string(v));
                }
                if (!std::isfinite(f.attention_scaling)) {
                    bad("rope_parameters", "a finite attention scaling", std::to_string(f.attention_scaling));
                }
            }
        } catch (const error& e) { // a parameter that the type needs is missing: name the document
            if (std::string_view(e.what()).starts_with(document)) throw;
            fail(error_category::config, document, e.what());
        }
    }
};

} // namespace detail

inline void model_config::validate(std::string_view document) const {
    const detail::config_checker check{document};
    if (model_type != "apertus" && model_type != "llama")
        check.bad("model_type", "'apertus' or 'llama'", quoted(model_type));
    check.size("vocab_size", vocab_size, std::size_t{1} << 24);
    check.size("output_vocab_size", output_vocab_size, vocab_size);
    check.size("hidden_size", hidden_size, std::size_t{1} << 18);
    check.size("intermediate_size", intermediate_size, std::size_t{1} << 20);
    check.size("num_hidden_layers", num_hidden_layers, 4096);
    check.size("num_attention_heads", num_attention_heads, 4096);
    check.size("num_key_value_heads", num_key_value_heads, num_attention_heads);
    check.size("head_dim", head_dim, 4096);
    check.size("max_position_embeddings", max_position_embeddings, std::size_t{1} << 30);
    if (num_attention_heads % num_key_value_heads != 0) {
        check.bad("num_key_value_heads",
                  "a divisor of num_attention_heads (" + std::to_string(num_attention_heads) + ")",
                  std::to_string(num_key_value_heads));
    }
    if (head_dim % 2 != 0) check.bad("head_dim", "an even number", std::to_string(head_dim));
    if (num_attention_heads * head_dim > (std::size_t{1} << 20)) {
        check.bad("num_attention_heads * head_dim", "at most 1048576", std::to_string(num_attention_heads * head_dim));
    }
    if (tie_word_embeddings && output_vocab_size != vocab_size) {
        check.bad("tie_word_embeddings", "false with an output_vocab_size smaller than vocab_size", "true");
    }
    bool known = false;
    for (const std::string_view name : known_activations) known = known || hidden_act == name;
    if (!known) check.bad("hidden_act", "xielu, gelu, silu or relu", quoted(hidden_act));
    if (mlp_bias && model_type == "apertus") check.bad("mlp_bias", "false (an Apertus MLP has no bias)", "true");
    check.number("rms_norm_eps", rms_norm_eps, 0.0, 1.0);
    if (bos_token_id) check.token("bos_token_id", *bos_token_id);
    for (const std::int32_t id : eos_token_id) check.token("eos_token_id", id);
    if (pad_token_id) check.token("pad_token_id", *pad_token_id);
    check.rope(*this);
}

APERTUS_END_NAMESPACE
