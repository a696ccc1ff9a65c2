// SPDX-License-Identifier: Apache-2.0
//
// A GGUF file with the weights of a Hugging Face folder, laid out as llama.cpp's converter does it: names and extents
// turned round, rows of q and k in llama.cpp's rotary order for architecture llama, the scaling of Llama 3 as divisors,
// xIELU's parameters as metadata.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/io/checkpoint.hpp>
#include <apertus/io/file.hpp>
#include <apertus/ops/rope_frequencies.hpp>
#include <apertus/run/config_json.hpp>

#include <support/gguf_bytes.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test_support {

/// "model.layers.3.mlp.up_proj.weight" -> "blk.3.ffn_up.weight"
inline std::string gguf_name(std::string name) {
    static const std::array<std::pair<std::string_view, std::string_view>, 17> parts{{
        {"post_attention_layernorm", "ffn_norm"},
        {"model.layers.", "blk."},
        {"model.embed_tokens", "token_embd"},
        {"model.norm", "output_norm"},
        {"lm_head", "output"},
        {"self_attn.q_proj", "attn_q"},
        {"self_attn.k_proj", "attn_k"},
        {"self_attn.v_proj", "attn_v"},
        {"self_attn.o_proj", "attn_output"},
        {"self_attn.q_norm", "attn_q_norm"},
        {"self_attn.k_norm", "attn_k_norm"},
        {"mlp.gate_proj", "ffn_gate"},
        {"mlp.up_proj", "ffn_up"},
        {"mlp.down_proj", "ffn_down"},
        {"attention_layernorm", "attn_norm"},
        {"feedforward_layernorm", "ffn_norm"},
        {"input_layernorm", "attn_norm"},
    }};
    for (const auto& [from, to] : parts) {
        if (const std::size_t at = name.find(from); at != std::string::npos) name.replace(at, from.size(), to);
    }
    return name;
}

/// llama.cpp's order of the rows of every head.
inline std::string rows_for_llama_cpp(std::string_view bytes, std::size_t rows, std::size_t head) {
    const std::size_t width = bytes.size() / rows, half = head / 2;
    std::string out;
    for (std::size_t r = 0; r < rows; ++r) {
        const std::size_t in_head = r % head;
        out += bytes.substr((r - in_head + in_head % 2 * half + in_head / 2) * width, width);
    }
    return out;
}

inline float first_element(std::string_view bytes, apertus::dtype type) {
    if (type == apertus::dtype::f32) {
        float out = 0;
        std::memcpy(&out, bytes.data(), sizeof out);
        return out;
    }
    std::uint16_t bits = 0;
    std::memcpy(&bits, bytes.data(), sizeof bits);
    if (type == apertus::dtype::f16) {
        apertus::f16 value;
        value.bits = bits;
        return to_float(value);
    }
    apertus::bf16 value;
    value.bits = bits;
    return to_float(value);
}

/// The configuration alone.
inline gguf_writer gguf_of_config(const apertus::model_config& c) {
    const auto n = [](std::size_t v) { return static_cast<std::uint32_t>(v); };
    const std::string& a = c.model_type;
    gguf_writer w;
    w.add("general.architecture", std::string_view(a)).add(a + ".block_count", n(c.num_hidden_layers));
    w.add(a + ".context_length", n(c.max_position_embeddings)).add(a + ".embedding_length", n(c.hidden_size));
    w.add(a + ".feed_forward_length", n(c.intermediate_size));
    w.add(a + ".attention.head_count", n(c.num_attention_heads));
    w.add(a + ".attention.head_count_kv", n(c.num_key_value_heads));
    w.add(a + ".attention.key_length", n(c.head_dim)).add(a + ".attention.value_length", n(c.head_dim));
    w.add(a + ".rope.dimension_count", n(c.head_dim));
    w.add(a + ".rope.freq_base", static_cast<float>(c.rope_parameters.rope_theta));
    w.add(a + ".attention.layer_norm_rms_epsilon", static_cast<float>(c.rms_norm_eps));
    if (c.rope_parameters.rope_type == apertus::rope_kind::linear) {
        w.add(a + ".rope.scaling.type", "linear");
        w.add(a + ".rope.scaling.factor", static_cast<float>(*c.rope_parameters.factor));
    }
    if (c.bos_token_id) w.add("tokenizer.ggml.bos_token_id", n(static_cast<std::size_t>(*c.bos_token_id)));
    if (!c.eos_token_id.empty())
        w.add("tokenizer.ggml.eos_token_id", n(static_cast<std::size_t>(c.eos_token_id.front())));
    return w;
}

inline std::string gguf_of_checkpoint(const std::string& folder) {
    const std::string path = folder + "/config.json";
    const apertus::model_config c = apertus::parse_config_json(apertus::read_file(path, 1u << 20), path);
    const apertus::checkpoint files = apertus::checkpoint::open(folder);
    gguf_writer w = gguf_of_config(c);
    for (const std::string name : {"alpha_p", "alpha_n", "beta", "eps"}) {
        std::vector<float> values;
        for (std::size_t l = 0; l < c.num_hidden_layers; ++l) {
            const auto* const t = files.find("model.layers." + std::to_string(l) + ".mlp.act_fn." + name);
            if (t == nullptr) break;
            values.push_back(
                first_element({reinterpret_cast<const char*>(t->view().data()), t->view().size()}, t->dtype()));
        }
        if (!values.empty()) w.add_numbers("xielu." + name, values);
    }
    for (const apertus::stored_tensor& t : files.tensors()) {
        if (t.name().find(".act_fn.") != std::string::npos) continue;
        if (t.name() == "lm_head.weight" && c.tie_word_embeddings) continue;
        std::vector<std::uint64_t> extents(t.shape().begin(), t.shape().end());
        std::reverse(extents.begin(), extents.end());
        std::string bytes(reinterpret_cast<const char*>(t.view().data()), t.view().size());
        const bool rotated =
            t.name().find(".q_proj.") != std::string::npos || t.name().find(".k_proj.") != std::string::npos;
        if (rotated && c.model_type == "llama") {
            bytes = rows_for_llama_cpp(bytes, static_cast<std::size_t>(t.shape()[0]), c.head_dim);
        }
        const std::uint32_t type = t.dtype() == apertus::dtype::f32 ? 0 : t.dtype() == apertus::dtype::f16 ? 1 : 30;
        w.tensor(gguf_name(t.name()), type, extents, bytes);
    }
    if (c.rope_parameters.rope_type == apertus::rope_kind::llama3) {
        apertus::rope_parameters plain = c.rope_parameters;
        plain.rope_type = apertus::rope_kind::plain;
        const auto base = compute_rope_frequencies(plain, 1, c.head_dim);
        const auto scaled = compute_rope_frequencies(c.rope_parameters, 1, c.head_dim);
        std::string divisors;
        for (std::size_t i = 0; i < c.head_dim / 2; ++i) {
            divisors += little_endian(base.inv_freq[i] / scaled.inv_freq[i]);
        }
        w.tensor("rope_freqs.weight", 0, {c.head_dim / 2}, divisors);
    }
    return w.bytes();
}

} // namespace test_support
