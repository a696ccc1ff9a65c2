// SPDX-License-Identifier: Apache-2.0
//
// From named tensors to a decoder. Names and shapes are those of the Hugging Face checkpoints
// (`model.layers.N.self_attn.q_proj.weight` [H*K, D] and so on, row-major [out, in]); the prefix is the configuration's.
// All missing tensors are reported together; those that the model does not use are listed in `decoder::surplus`.
#pragma once

#include <apertus/model/decoder.hpp>
#include <apertus/model/weight_reader.hpp>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

namespace detail {

template <architecture Arch, weight_storage Format> class decoder_loader {
public:
    using model = decoder<Arch, Format>;

    decoder_loader(const model_config& config, const weight_source& source, const load_control& control,
                   const weight_choice& choice)
        : config_(config), choice_(choice), reader_(source, control, choice.importance) {
        std::uint64_t total = 0;
        for (const std::string& n : source.names()) {
            if (n.starts_with(config.tensor_prefix) || n.starts_with("lm_head.")) total += source.find(n)->byte_size;
        }
        reader_.set_total(total);
    }

    [[nodiscard]] std::shared_ptr<const model> load() {
        const model_config& c = config_;
        const std::string& prefix = c.tensor_prefix;
        auto m = std::make_shared<model>();
        m->config = c;
        m->embed_tokens = matrix(prefix + "embed_tokens.weight", c.vocab_size, c.hidden_size,
                                 c.tie_word_embeddings ? choice_.head : choice_.embedding, c.tie_word_embeddings);
        m->layers.reserve(c.num_hidden_layers);
        for (std::size_t l = 0; l < c.num_hidden_layers; ++l) {
            m->layers.push_back(layer(prefix + "layers." + std::to_string(l) + "."));
            // A checkpoint that lacks whole layers would otherwise collect 100,000 names for a hostile layer count.
            if (reader_.missing_count() > 4096) break;
        }
        m->norm = norm(prefix + "norm.weight", c.hidden_size);
        if (c.tie_word_embeddings) { // a stored duplicate is ignored, as transformers does
            reader_.ignore("lm_head.weight");
            m->lm_head.weight = m->embed_tokens;
            m->lm_head.weight.rows = std::min(c.output_vocab_size, m->embed_tokens.rows);
        } else {
            m->lm_head.weight = matrix("lm_head.weight", c.output_vocab_size, c.hidden_size, choice_.head);
        }
        reader_.finish();
        m->surplus = reader_.surplus();
        m->memory = reader_.memory();
        m->weight_bytes = reader_.bytes();
        m->matrices = reader_.matrices();
        m->format_names = reader_.format_names();
        return m;
    }

private:
    [[nodiscard]] rms_norm<> norm(const std::string& name, std::size_t n) {
        return {reader_.vector(name, n), static_cast<float>(config_.rms_norm_eps)};
    }
    [[nodiscard]] weight_view<Format> matrix(const std::string& name, std::size_t rows, std::size_t cols,
                                             const format_info* wanted, bool prefault = true) {
        if constexpr (std::is_same_v<Format, any_format>) {
            return reader_.matrix(name, rows, cols, wanted, prefault);
        } else {
            const auto out = reader_.matrix(name, rows, cols, &info_of<Format>, prefault);
            return out.data == nullptr ? weight_view<Format>{} : out.template as<Format>();
        }
    }
    [[nodiscard]] linear<Format> linear_of(const std::string& name, std::size_t rows, std::size_t cols, bool bias) {
        linear<Format> out{matrix(name + ".weight", rows, cols, choice_.layers), {}};
        if (bias) out.bias = reader_.vector(name + ".bias", rows);
        return out;
    }

    [[nodiscard]] typename model::layer_type layer(const std::string& p) {
        const model_config& c = config_;
        const std::size_t d = c.hidden_size;
        const std::size_t q = c.num_attention_heads * c.head_dim;
        const std::size_t kv = c.num_key_value_heads * c.head_dim;
        typename model::layer_type out{.mlp = mlp(p + "mlp.")};
        out.attention_norm = norm(p + std::string(Arch::attention_norm) + ".weight", d);
        out.self_attn.q_proj = linear_of(p + "self_attn.q_proj", q, d, c.attention_bias);
        out.self_attn.k_proj = linear_of(p + "self_attn.k_proj", kv, d, c.attention_bias);
        out.self_attn.v_proj = linear_of(p + "self_attn.v_proj", kv, d, c.attention_bias);
        out.self_attn.o_proj = linear_of(p + "self_attn.o_proj", d, q, c.attention_bias);
        if constexpr (Arch::qk_norm) {
            out.self_attn.q_norm = norm(p + "self_attn.q_norm.weight", c.head_dim);
            out.self_attn.k_norm = norm(p + "self_attn.k_norm.weight", c.head_dim);
        }
        out.feedforward_norm = norm(p + std::string(Arch::feedforward_norm) + ".weight", d);
        return out;
    }

    [[nodiscard]] typename model::mlp_type mlp(const std::string& p) {
        const std::size_t d = config_.hidden_size;
        const std::size_t f = config_.intermediate_size;
        const bool bias = config_.mlp_bias;
        typename model::mlp_type out{.act_fn = activation_of(p + "act_fn.")};
        if constexpr (model::mlp_type::gated) out.gate_proj = linear_of(p + "gate_proj", f, d, bias);
        out.up_proj = linear_of(p + "up_proj", f, d, bias);
        out.down_proj = linear_of(p + "down_proj", d, f, bias);
        return out;
    }

    [[nodiscard]] any_activation activation_of(const std::string& p) {
        xielu x;
        if (config_.hidden_act == "xielu") {
            const float alpha_p = reader_.scalar(p + "alpha_p");
            const float alpha_n = reader_.scalar(p + "alpha_n");
            x = xielu(alpha_p, alpha_n, reader_.scalar(p + "beta", x.beta), reader_.scalar(p + "eps", x.eps)); // the
            // last two are absent in older conversions
        }
        return activation_from_name(config_.hidden_act, x);
    }

    const model_config& config_;
    weight_choice choice_;
    weight_reader reader_;
};

} // namespace detail

/// Loads a decoder into host memory. Of a decoder of any_format every matrix is kept in what `choice` says, or as it is
/// stored; otherwise all are kept in `Format`. Throws error(format) for missing tensors or wrong types, error(shape) for
/// wrong shapes, error(resource) without memory, error(cancelled) when `control` says so; nothing is left behind then.
template <architecture Arch, weight_storage Format>
[[nodiscard]] std::shared_ptr<const decoder<Arch, Format>>
load_decoder(const model_config& config, const weight_source& source, const load_control& control = {},
             const weight_choice& choice = {}) {
    return detail::decoder_loader<Arch, Format>(config, source, control, choice).load();
}

APERTUS_END_NAMESPACE
