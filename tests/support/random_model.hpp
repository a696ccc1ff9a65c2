// SPDX-License-Identifier: Apache-2.0
//
// A small random checkpoint in memory, for tests of the model room: every tensor that a configuration asks for, under its
// Hugging Face name, with values that make the layers matter.
#pragma once

#include <apertus/arch/all.hpp>
#include <apertus/model/config.hpp>
#include <apertus/model/weight_source.hpp>

#include <cmath>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace test_support {

/// Tensors by name, owned; mutable so that a test can break them.
class memory_source final : public apertus::weight_source {
public:
    struct tensor {
        apertus::dtype type = apertus::dtype::f32;
        std::vector<std::size_t> shape;
        std::vector<std::byte> bytes;
    };
    std::map<std::string, tensor> tensors;
    bool zero_copy = true;
    bool pieces = false; ///< without zero_copy: may be read by several threads

    [[nodiscard]] std::optional<apertus::source_tensor> find(std::string_view name) const override {
        const auto at = tensors.find(std::string(name));
        if (at == tensors.end()) return std::nullopt;
        apertus::source_tensor out{at->second.type, at->second.shape, {}, at->second.bytes.size()};
        if (zero_copy) out.bytes = at->second.bytes;
        return out;
    }
    void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
        const auto& bytes = tensors.at(std::string(name)).bytes;
        if (offset > bytes.size() || out.size() > bytes.size() - offset) {
            apertus::fail(apertus::error_category::io, "test checkpoint", name, std::to_string(bytes.size()) + " bytes",
                          std::to_string(out.size()) + " at " + std::to_string(offset));
        }
        std::memcpy(out.data(), bytes.data() + offset, out.size());
    }
    [[nodiscard]] bool reads_pieces(std::string_view) const noexcept override { return pieces; }
    [[nodiscard]] std::vector<std::string> names() const override {
        std::vector<std::string> out;
        for (const auto& [name, t] : tensors) out.push_back(name);
        return out;
    }
    [[nodiscard]] std::string name() const override { return "test checkpoint"; }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return nullptr; }

    template <class T>
    void add(const std::string& name, std::vector<std::size_t> shape, double mean, double deviation,
             std::mt19937& random) {
        std::size_t n = 1;
        for (const std::size_t e : shape) n *= e;
        std::normal_distribution<double> normal(mean, deviation);
        std::vector<std::byte> bytes(n * sizeof(T));
        for (std::size_t i = 0; i < n; ++i) {
            const T value(static_cast<float>(normal(random)));
            std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
        }
        tensors[name] = {apertus::dtype_of<T>, std::move(shape), std::move(bytes)};
    }
};

/// A configuration of a few thousand weights: 2 layers, 4 query heads on 2 kv heads.
[[nodiscard]] inline apertus::model_config small_config(std::string_view type = "apertus") {
    apertus::model_config c;
    c.model_type = std::string(type);
    c.vocab_size = 67;
    c.output_vocab_size = 67;
    c.hidden_size = 40;
    c.intermediate_size = 56;
    c.num_hidden_layers = 2;
    c.num_attention_heads = 4;
    c.num_key_value_heads = 2;
    c.head_dim = 16;
    c.max_position_embeddings = 512;
    c.rope_parameters.max_position_embeddings = 512;
    c.hidden_act = type == "apertus" ? "xielu" : "silu";
    c.validate();
    return c;
}

/// Every tensor that `c` asks for, as T.
template <class T> void fill(memory_source& source, const apertus::model_config& c, unsigned seed = 1) {
    std::mt19937 random(seed);
    const std::size_t d = c.hidden_size;
    const std::size_t q = c.num_attention_heads * c.head_dim;
    const std::size_t kv = c.num_key_value_heads * c.head_dim;
    const auto matrix = [&](const std::string& name, std::size_t rows, std::size_t cols, bool bias = false) {
        source.add<T>(name + ".weight", {rows, cols}, 0.0, 1.0 / std::sqrt(static_cast<double>(cols)), random);
        if (bias) source.add<T>(name + ".bias", {rows}, 0.0, 0.3, random);
    };
    const auto norm = [&](const std::string& name, std::size_t n) {
        source.add<T>(name + ".weight", {n}, 1.0, 0.2, random);
    };
    const bool apertus_layers = c.model_type == "apertus";
    source.add<T>(c.tensor_prefix + "embed_tokens.weight", {c.vocab_size, d}, 0.0, 1.0, random);
    for (std::size_t l = 0; l < c.num_hidden_layers; ++l) {
        const std::string p = c.tensor_prefix + "layers." + std::to_string(l) + ".";
        norm(p + (apertus_layers ? "attention_layernorm" : "input_layernorm"), d);
        norm(p + (apertus_layers ? "feedforward_layernorm" : "post_attention_layernorm"), d);
        matrix(p + "self_attn.q_proj", q, d, c.attention_bias);
        matrix(p + "self_attn.k_proj", kv, d, c.attention_bias);
        matrix(p + "self_attn.v_proj", kv, d, c.attention_bias);
        matrix(p + "self_attn.o_proj", d, q, c.attention_bias);
        matrix(p + "mlp.up_proj", c.intermediate_size, d, c.mlp_bias);
        matrix(p + "mlp.down_proj", d, c.intermediate_size, c.mlp_bias);
        if (apertus_layers) {
            norm(p + "self_attn.q_norm", c.head_dim);
            norm(p + "self_attn.k_norm", c.head_dim);
            source.add<T>(p + "mlp.act_fn.alpha_p", {1}, 0.5, 0.5, random);
            source.add<T>(p + "mlp.act_fn.alpha_n", {1}, 0.0, 0.5, random);
        } else {
            matrix(p + "mlp.gate_proj", c.intermediate_size, d, c.mlp_bias);
        }
    }
    norm(c.tensor_prefix + "norm", d);
    if (!c.tie_word_embeddings) matrix("lm_head", c.output_vocab_size, d);
}

/// Random token ids below `vocabulary`.
[[nodiscard]] inline std::vector<std::int32_t> random_ids(std::size_t n, std::size_t vocabulary, unsigned seed = 7) {
    std::mt19937 random(seed);
    std::vector<std::int32_t> ids(n);
    for (auto& id : ids) id = static_cast<std::int32_t>(random() % vocabulary);
    return ids;
}

} // namespace test_support
