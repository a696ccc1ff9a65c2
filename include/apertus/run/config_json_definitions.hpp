// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/config_json.hpp.
#pragma once

#include <apertus/io/file.hpp>
#include <apertus/io/json_reader.hpp>
#include <apertus/model/config.hpp>
#include <apertus/run/config_json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

[[nodiscard]] inline rope_kind parse_rope_kind(const json_reader& block, std::string_view key, const json& value) {
    const std::string name = block.to_string(key, value);
    for (const rope_kind kind : {rope_kind::plain, rope_kind::linear, rope_kind::dynamic, rope_kind::yarn,
                                 rope_kind::longrope, rope_kind::llama3}) {
        if (name == to_string(kind)) return kind;
    }
    block.bad(key, "default, linear, dynamic, yarn, longrope or llama3", quoted(name));
}

[[nodiscard]] inline std::vector<double> parse_number_list(const json_reader& block, std::string_view key) {
    const json* const list = block.find(key);
    if (list == nullptr) block.bad(key, "a list of numbers", "nothing");
    if (!list->is_array()) block.bad_value(key, "a list of numbers", *list);
    std::vector<double> out;
    for (const json& value : *list) out.push_back(block.to_number(key, value));
    return out;
}

/// One RoPE block after the merge; `theta` applies where the block has none.
[[nodiscard]] inline rope_parameters parse_rope_block(const json& object, std::string_view document,
                                                      std::string_view name, const json_reader& top, double theta,
                                                      std::size_t max_positions) {
    const json_reader block(object, document, std::string(name));
    rope_parameters r;
    r.max_position_embeddings = max_positions;
    for (const std::string_view key : {"full_attention", "sliding_attention"}) {
        if (block.find(key) != nullptr) block.bad(key, "one set of parameters for all layers", "one per layer type");
    }
    if (const json* const type = block.find("rope_type")) r.rope_type = parse_rope_kind(block, "rope_type", *type);
    else if (const json* const legacy = block.find("type")) r.rope_type = parse_rope_kind(block, "type", *legacy);
    r.rope_theta = theta;
    block.number("rope_theta", r.rope_theta);
    for (const json_reader* const place : {&block, &top}) {
        if (const json* const partial = place->find_value("partial_rotary_factor");
            partial != nullptr && place->to_number("partial_rotary_factor", *partial) != 1.0) {
            place->bad_value("partial_rotary_factor", "1.0 (rotation of whole heads)", *partial);
        }
    }

    const auto required = [&](std::string_view key) {
        if (block.find(key) == nullptr) {
            block.bad(key, "a value for RoPE of type " + std::string(to_string(r.rope_type)), "nothing");
        }
    };
    switch (r.rope_type) {
    case rope_kind::plain: return r;
    case rope_kind::linear:
    case rope_kind::dynamic: break;
    case rope_kind::llama3:
        for (const std::string_view key : {"low_freq_factor", "high_freq_factor"}) required(key);
        block.number("low_freq_factor", r.low_freq_factor);
        block.number("high_freq_factor", r.high_freq_factor);
        break;
    case rope_kind::yarn:
        for (const auto& [key, target] :
             {std::pair{std::string_view("beta_fast"), &r.beta_fast}, {"beta_slow", &r.beta_slow}}) {
            std::optional<double> value;
            block.number(key, value);
            if (value.value_or(0.0) != 0.0) *target = *value; // null and 0 mean the default, as in the reference
        }
        block.number("mscale", r.mscale);
        block.number("mscale_all_dim", r.mscale_all_dim);
        if (const json* const truncate = block.find("truncate")) {
            r.truncate = !truncate->is_null() && block.to_bool("truncate", *truncate); // null counts as false there
        }
        break;
    case rope_kind::longrope:
        r.short_factor = parse_number_list(block, "short_factor");
        r.long_factor = parse_number_list(block, "long_factor");
        break;
    }
    block.number("factor", r.factor);
    if (r.rope_type == rope_kind::yarn) {
        required("factor"); // may be null
    } else if (r.rope_type != rope_kind::longrope && !r.factor) {
        const json* const factor = block.find("factor");
        block.bad("factor", "a number for RoPE of type " + std::string(to_string(r.rope_type)),
                  factor == nullptr ? "nothing" : "null");
    }
    if (r.rope_type == rope_kind::yarn || r.rope_type == rope_kind::longrope)
        block.number("attention_factor", r.attention_factor);
    if (r.rope_type != rope_kind::linear && r.rope_type != rope_kind::dynamic) {
        r.original_max_position_embeddings = max_positions;
        block.size("original_max_position_embeddings", r.original_max_position_embeddings);
        top.size("original_max_position_embeddings", r.original_max_position_embeddings); // Phi-3's place wins
    }
    return r;
}

/// The merge of the two spellings. transformers 5.23: a non-empty `rope_scaling` replaces `rope_parameters`; when
/// neither is given, ApertusConfig takes its llama3 block *with* its theta, so that a lone `rope_theta` has no effect.
inline void parse_rope(model_config& c, const json_reader& top, std::string_view document, double default_theta) {
    const json* block = top.find_value("rope_scaling");
    std::string_view name = "rope_scaling";
    if (block != nullptr && !block->is_object()) top.bad_value(name, "an object", *block);
    if (block != nullptr && block->empty()) block = nullptr;
    const json* const parameters = top.find_value("rope_parameters");
    if (parameters != nullptr && !parameters->is_object()) top.bad_value("rope_parameters", "an object", *parameters);
    if (block == nullptr) {
        block = parameters;
        name = "rope_parameters";
    } else if (parameters != nullptr) {
        c.notes.emplace_back("rope_parameters is ignored because rope_scaling is given");
    }

    if (block == nullptr && c.model_type == "apertus") {
        c.rope_parameters = default_apertus_rope();
        c.rope_parameters.max_position_embeddings = c.max_position_embeddings;
        top.size("original_max_position_embeddings", c.rope_parameters.original_max_position_embeddings);
        if (const json* const theta = top.find_value("rope_theta")) {
            if (top.to_number("rope_theta", *theta) != c.rope_parameters.rope_theta) {
                c.notes.emplace_back(
                    "rope_theta is ignored without rope_scaling or rope_parameters: the model class's llama3 "
                    "scaling with theta 12000000 applies, as in transformers 5");
            }
        }
        return;
    }
    double theta = default_theta;
    const json* const inner =
        block == nullptr ? nullptr : json_reader(*block, document, std::string(name)).find("rope_theta");
    if (inner == nullptr) top.number("rope_theta", theta);
    c.rope_parameters = parse_rope_block(block == nullptr ? json(json(json::value_t::object)) : *block, document, name,
                                         top, theta, c.max_position_embeddings);
}

/// bos, eos, pad from `key`s of `reader`; absent leaves the value, null empties it, a negative id counts as null.
inline void parse_token_ids(model_config& c, const json_reader& reader) {
    const auto note_range = [&](std::string_view key, std::int64_t id) {
        if (id < 0) c.notes.push_back(std::string(key) + " " + std::to_string(id) + " counts as none");
        if (id >= static_cast<std::int64_t>(c.vocab_size)) {
            c.notes.push_back(std::string(key) + " " + std::to_string(id) + " lies outside the vocabulary");
        }
    };
    const auto single = [&](std::string_view key, std::optional<std::int32_t>& out) {
        const json* const value = reader.find(key);
        if (value == nullptr) return;
        out.reset();
        if (value->is_null()) return;
        const std::int32_t id = reader.to_token(key, *value);
        note_range(key, id);
        if (id >= 0) out = id;
    };
    single("bos_token_id", c.bos_token_id);
    single("pad_token_id", c.pad_token_id);
    const json* const eos = reader.find("eos_token_id");
    if (eos == nullptr) return;
    c.eos_token_id.clear();
    if (eos->is_null()) return;
    const auto add = [&](const json& value) {
        const std::int32_t id = reader.to_token("eos_token_id", value);
        note_range("eos_token_id", id);
        if (id >= 0) c.eos_token_id.push_back(id);
    };
    if (eos->is_array()) {
        for (const json& value : *eos) add(value);
    } else {
        add(*eos);
    }
}

inline void refuse_what_we_cannot_honour(const json_reader& reader, bool is_apertus) {
    reader.must_be("post_norm", false, "norms come before the sublayers");
    if (is_apertus) {
        reader.must_be("qk_norm", true, "Apertus normalises queries and keys");
        reader.must_be("mlp_bias", false, "an Apertus MLP has no bias");
    } else {
        reader.must_be("qk_norm", false, "Llama does not normalise queries and keys");
    }
    for (const std::string_view key : {"quantization_config", "compression_config"}) {
        if (const json* const value = reader.find_value(key)) {
            reader.bad_value(key, "no quantization (weights F32, F16 or BF16)", *value);
        }
    }
    if (const json* const layers = reader.find_value("per_layer_config"); layers != nullptr && !layers->empty()) {
        reader.bad_value("per_layer_config", "nothing (all layers alike)", *layers);
    }
    if (const json* const layers = reader.find_value("layer_types")) {
        if (!layers->is_array()) reader.bad_value("layer_types", "a list", *layers);
        for (const json& layer : *layers) {
            if (!layer.is_string() || layer.get_ref<const std::string&>() != "full_attention")
                reader.bad_value("layer_types", "'full_attention' only", layer);
        }
    }
}

} // namespace detail

APERTUS_DEFINITION model_config parse_config_json(std::string_view text, std::string_view document) {
    const json root = parse_json(text, document);
    const json_reader outer(root, document);
    model_config c;

    const json* const type = outer.find_value("model_type");
    if (type == nullptr)
        outer.bad("model_type", "'apertus', 'llama' or 'apertus1p5'",
                  outer.find("model_type") == nullptr ? "nothing" : "null");
    c.source_model_type = outer.to_string("model_type", *type);
    const bool composite = c.source_model_type == "apertus1p5";
    const bool v1p5 = composite || c.source_model_type == "apertus1p5_text";
    if (c.source_model_type == "llama") c.model_type = "llama";
    else if (c.source_model_type != "apertus" && !v1p5) {
        outer.bad("model_type", "'apertus', 'llama' or 'apertus1p5'", quoted(c.source_model_type));
    }
    const bool is_apertus = c.model_type == "apertus";

    const json nothing = json(json::value_t::object);
    const json* text_config = composite ? outer.find_value("text_config") : &root;
    if (text_config == nullptr) text_config = &nothing;
    const json_reader in(*text_config, document, composite ? "text_config" : "");

    double default_theta = 12'000'000.0;
    if (v1p5) c.vocab_size = 266752;
    if (composite) c.tensor_prefix = "model.language_model.";
    if (!is_apertus) { // LlamaConfig
        c.vocab_size = 32000;
        c.intermediate_size = 11008;
        c.hidden_act = "silu";
        c.max_position_embeddings = 2048;
        c.rms_norm_eps = 1e-6;
        c.pad_token_id.reset();
        default_theta = 10'000.0;
    }

    in.size("vocab_size", c.vocab_size);
    in.size("hidden_size", c.hidden_size);
    in.size("intermediate_size", c.intermediate_size);
    in.size("num_hidden_layers", c.num_hidden_layers);
    in.size("num_attention_heads", c.num_attention_heads);
    in.size("max_position_embeddings", c.max_position_embeddings);
    in.string("hidden_act", c.hidden_act);
    in.number("rms_norm_eps", c.rms_norm_eps);
    in.boolean("attention_bias", c.attention_bias);
    in.boolean("tie_word_embeddings", c.tie_word_embeddings);
    if (!is_apertus) in.boolean("mlp_bias", c.mlp_bias);
    if (c.num_attention_heads == 0) in.bad("num_attention_heads", "at least 1", "0");

    c.num_key_value_heads = c.num_attention_heads;
    if (const json* const value = in.find_value("num_key_value_heads"))
        c.num_key_value_heads = in.to_size("num_key_value_heads", *value);
    const json* const head_dim = in.find_value("head_dim");
    if (head_dim != nullptr) c.head_dim = in.to_size("head_dim", *head_dim);
    if (head_dim == nullptr || !is_apertus) { // LlamaConfig insists on it even when head_dim is given
        if (c.hidden_size % c.num_attention_heads != 0) {
            in.bad("hidden_size", "a multiple of num_attention_heads (" + std::to_string(c.num_attention_heads) + ")",
                   std::to_string(c.hidden_size));
        }
        if (head_dim == nullptr) c.head_dim = c.hidden_size / c.num_attention_heads;
    }

    c.output_vocab_size = c.vocab_size;
    if (v1p5) {
        if (const json* const value = in.find_value("output_vocab_size"))
            c.output_vocab_size = in.to_size("output_vocab_size", *value);
    }

    detail::refuse_what_we_cannot_honour(in, is_apertus);
    detail::parse_token_ids(c, in);
    if (composite) { // the outer level may say these too, and wins
        outer.boolean("tie_word_embeddings", c.tie_word_embeddings);
        detail::refuse_what_we_cannot_honour(outer, is_apertus);
        detail::parse_token_ids(c, outer);
    }
    detail::parse_rope(c, in, document, default_theta);

    for (const std::string_view key : {"torch_dtype", "dtype"}) {
        for (const json_reader* const level : {&in, &outer}) {
            if (const json* const value = level->find_value(key)) c.dtype = level->to_string(key, *value);
        }
    }
    if (const json* const value = outer.find_value("architectures")) {
        if (!value->is_array()) outer.bad_value("architectures", "a list of names", *value);
        for (const json& name : *value) c.architectures.push_back(outer.to_string("architectures", name));
    }
    c.validate(document);
    return c;
}

APERTUS_DEFINITION model_config load_config_json(const std::string& path) {
    return parse_config_json(read_file(path, config_max_bytes), path);
}

APERTUS_END_NAMESPACE
