// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/gguf_config.hpp.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/run/gguf_config.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Reads "<architecture>.<key>".
class gguf_config_reader {
public:
    explicit gguf_config_reader(const gguf_checkpoint& files) : files_(files), m_(files.metadata()) {}

    [[nodiscard]] model_config read() {
        constexpr std::string_view key = "general.architecture";
        const auto name = m_.text(key);
        if (!name) m_.missing(key, "'apertus' or 'llama'");
        if (*name != "apertus" && *name != "llama") {
            fail(error_category::config, files_.name(), std::string(key), "'apertus' or 'llama'", quoted(*name));
        }
        arch_ = std::string(*name);
        model_config c;
        c.model_type = c.source_model_type = arch_;
        c.architectures = {arch_ == "apertus" ? "ApertusForCausalLM" : "LlamaForCausalLM"};
        c.hidden_act = arch_ == "apertus" ? "xielu" : "silu";
        refuse_what_we_lack();
        sizes(c);
        rope(c);
        tokens(c);
        c.validate(files_.name());
        return c;
    }

private:
    [[nodiscard]] std::string key(std::string_view name) const { return arch_ + "." + std::string(name); }

    [[nodiscard]] std::size_t size(std::string_view name) const {
        const auto value = optional_size(name);
        if (!value) m_.missing(key(name), "an integer");
        return *value;
    }
    /// An integer, or an array of one integer per layer, which must be all the same.
    [[nodiscard]] std::optional<std::size_t> optional_size(std::string_view name) const {
        const std::string k = key(name);
        const gguf_value* const value = m_.find(k);
        if (value == nullptr) return std::nullopt;
        if (value->type != gguf_type::array) return static_cast<std::size_t>(*m_.natural(k));
        const gguf_array& list = *m_.integers(k);
        if (list.size() == 0 || list.integer(0) < 0) m_.bad(k, "integers of at least 0", describe(*value));
        for (std::size_t i = 1; i < list.size(); ++i) {
            if (list.integer(i) != list.integer(0)) {
                fail(error_category::config, files_.name(), "metadata " + quoted(k), "the same for all layers",
                     std::to_string(list.integer(0)) + " and " + std::to_string(list.integer(i)));
            }
        }
        return static_cast<std::size_t>(list.integer(0));
    }
    [[nodiscard]] std::optional<double> number(std::string_view name) const { return m_.number(key(name)); }

    /// Keys that other models of the architecture use and that would change the result.
    void refuse_what_we_lack() const {
        for (const std::string_view name :
             {"expert_count", "expert_used_count", "attention.sliding_window", "attention.scale", "logit_scale",
              "residual_scale", "embedding_scale", "attn_logit_softcapping", "final_logit_softcapping",
              "attention.clamp_kqv", "attention.max_alibi_bias", "attention.temperature_scale"}) {
            const auto value = number(name);
            if (value && *value != 0.0) {
                fail(error_category::config, files_.name(), "metadata " + quoted(key(name)), "nothing, or 0",
                     config_checker::number_text(*value) + " (not implemented)");
            }
        }
        if (!m_.boolean(key("attention.causal")).value_or(true)) {
            fail(error_category::config, files_.name(), "metadata " + quoted(key("attention.causal")), "true", "false");
        }
    }

    [[nodiscard]] std::size_t rows_of(std::string_view tensor) const {
        const auto* const t = files_.find(tensor);
        if (t == nullptr) {
            fail(error_category::format, files_.name(), "tensor " + quoted(tensor), "one of that name", "none");
        }
        if (t->info->shape.size() != 2) {
            fail(error_category::shape, t->file->document(), "tensor " + quoted(tensor), "2 dimensions",
                 std::to_string(t->info->shape.size()));
        }
        return static_cast<std::size_t>(t->info->shape[0]);
    }

    void sizes(model_config& c) const {
        c.vocab_size = rows_of("token_embd.weight");
        c.tie_word_embeddings = files_.find("output.weight") == nullptr;
        c.output_vocab_size = c.tie_word_embeddings ? c.vocab_size : rows_of("output.weight");
        c.hidden_size = size("embedding_length");
        c.intermediate_size = size("feed_forward_length");
        c.num_hidden_layers = size("block_count");
        c.num_attention_heads = size("attention.head_count");
        c.num_key_value_heads = optional_size("attention.head_count_kv").value_or(c.num_attention_heads);
        c.max_position_embeddings = size("context_length");
        const std::size_t even = c.num_attention_heads == 0 ? 0 : c.hidden_size / c.num_attention_heads;
        c.head_dim = optional_size("attention.key_length").value_or(even);
        if (const auto v = optional_size("attention.value_length").value_or(c.head_dim); v != c.head_dim) {
            m_.bad(key("attention.value_length"), std::to_string(c.head_dim) + ", the length of keys",
                   std::to_string(v));
        }
        const auto eps = number("attention.layer_norm_rms_epsilon");
        if (!eps) m_.missing(key("attention.layer_norm_rms_epsilon"), "a number");
        c.rms_norm_eps = *eps;
        c.attention_bias = files_.find("blk.0.attn_q.bias") != nullptr;
        c.mlp_bias = files_.find("blk.0.ffn_up.bias") != nullptr;
    }

    void rope(model_config& c) const {
        rope_parameters r;
        r.max_position_embeddings = c.max_position_embeddings;
        r.rope_theta = number("rope.freq_base").value_or(10000.0);
        if (const auto n = optional_size("rope.dimension_count").value_or(c.head_dim); n != c.head_dim) {
            m_.bad(key("rope.dimension_count"), std::to_string(c.head_dim) + ", the length of a head",
                   std::to_string(n));
        }
        std::string type(m_.text(key("rope.scaling.type")).value_or("none"));
        std::optional<double> factor = number("rope.scaling.factor");
        if (const auto old = number("rope.scale_linear"); old && !factor) { // what files of 2023 say
            type = "linear";
            factor = old;
        }
        if (factor && *factor == 0.0) factor.reset(); // "none" as well
        if (type == "linear" || type == "yarn") {
            r.factor = factor;
            r.rope_type = type == "linear" ? rope_kind::linear : rope_kind::yarn;
            if (!factor) m_.missing(key("rope.scaling.factor"), "a number other than 0 for scaling of type " + type);
            if (type == "yarn") {
                r.original_max_position_embeddings =
                    optional_size("rope.scaling.original_context_length").value_or(c.max_position_embeddings);
                r.attention_factor = number("rope.scaling.attn_factor");
                r.beta_fast = number("rope.scaling.yarn_beta_fast").value_or(r.beta_fast);
                r.beta_slow = number("rope.scaling.yarn_beta_slow").value_or(r.beta_slow);
            }
        } else if (type != "none") {
            fail(error_category::config, files_.name(), "metadata " + quoted(key("rope.scaling.type")),
                 "none, linear or yarn", quoted(type));
        }
        if (const auto* const t = files_.find("rope_freqs.weight")) {
            if (r.rope_type != rope_kind::plain) {
                fail(error_category::config, files_.name(), "tensor 'rope_freqs.weight'", "no scaling beside it",
                     quoted(type));
            }
            // One set of divisors, whatever the length.
            r.rope_type = rope_kind::longrope;
            r.short_factor = r.long_factor = divisors(*t, c.head_dim / 2);
            r.original_max_position_embeddings = c.max_position_embeddings;
            r.factor = 1.0;
            r.attention_factor = 1.0;
        }
        c.rope_parameters = std::move(r);
    }

    [[nodiscard]] static std::vector<double> divisors(const gguf_checkpoint::tensor& t, std::size_t count) {
        if (t.info->type.name != "F32" || t.info->shape != std::vector<std::uint64_t>{count}) {
            fail(error_category::shape, t.file->document(), "tensor " + quoted(t.info->name),
                 "F32 [" + std::to_string(count) + "]",
                 std::string(t.info->type.name) + " with " + std::to_string(t.info->elements()) + " elements");
        }
        std::vector<std::byte> bytes(count * sizeof(float));
        t.file->read(*t.info, bytes);
        std::vector<double> out;
        for (std::size_t i = 0; i < count; ++i) {
            out.push_back(std::get<double>(read_gguf_scalar(gguf_type::f32, bytes.data() + i * sizeof(float))));
        }
        return out;
    }

    void tokens(model_config& c) const {
        c.bos_token_id = token("bos_token_id");
        c.pad_token_id = token("padding_token_id");
        c.eos_token_id.clear();
        for (const std::string_view name : {"eos_token_id", "eot_token_id", "eom_token_id"}) {
            const auto id = token(name);
            if (id && std::find(c.eos_token_id.begin(), c.eos_token_id.end(), *id) == c.eos_token_id.end()) {
                c.eos_token_id.push_back(*id);
            }
        }
    }
    [[nodiscard]] std::optional<std::int32_t> token(std::string_view name) const {
        const std::string k = "tokenizer.ggml." + std::string(name);
        const auto id = m_.natural(k);
        if (!id) return std::nullopt;
        if (*id > static_cast<std::uint64_t>(std::numeric_limits<std::int32_t>::max())) {
            m_.bad(k, "a token id", std::to_string(*id));
        }
        return static_cast<std::int32_t>(*id);
    }

    const gguf_checkpoint& files_;
    const gguf_metadata& m_;
    std::string arch_;
};

} // namespace detail

APERTUS_DEFINITION model_config config_from_gguf(const gguf_checkpoint& files) {
    return detail::gguf_config_reader(files).read();
}

APERTUS_DEFINITION generation_config generation_config_from_gguf(const gguf_checkpoint& files) {
    const gguf_metadata& m = files.metadata();
    const model_config c = config_from_gguf(files);
    generation_config out;
    out.bos_token_id = c.bos_token_id;
    out.eos_token_id = c.eos_token_id;
    out.pad_token_id = c.pad_token_id;
    out.temperature = m.number("general.sampling.temp");
    if (const auto k = m.natural("general.sampling.top_k"))
        out.top_k = static_cast<std::int64_t>(std::min<std::uint64_t>(*k, 1u << 30));
    out.top_p = m.number("general.sampling.top_p");
    out.min_p = m.number("general.sampling.min_p");
    out.repetition_penalty = m.number("general.sampling.penalty_repeat");
    if (out.temperature || out.top_k || out.top_p || out.min_p) out.do_sample = true;
    (void)effective(out); // throws for values out of range
    return out;
}

APERTUS_END_NAMESPACE
