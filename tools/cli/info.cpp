// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <apertus/simd/isa.hpp>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace cli {

namespace {

using apertus::json;

std::string_view rope_name(const apertus::rope_parameters& r) { return to_string(r.rope_type); }

json config_json(const apertus::model_config& c) {
    json out;
    out["model_type"] = c.source_model_type;
    out["architectures"] = c.architectures;
    out["vocab_size"] = c.vocab_size;
    out["output_vocab_size"] = c.output_vocab_size;
    out["hidden_size"] = c.hidden_size;
    out["intermediate_size"] = c.intermediate_size;
    out["num_hidden_layers"] = c.num_hidden_layers;
    out["num_attention_heads"] = c.num_attention_heads;
    out["num_key_value_heads"] = c.num_key_value_heads;
    out["head_dim"] = c.head_dim;
    out["max_position_embeddings"] = c.max_position_embeddings;
    out["hidden_act"] = c.hidden_act;
    out["rms_norm_eps"] = c.rms_norm_eps;
    out["tie_word_embeddings"] = c.tie_word_embeddings;
    out["attention_bias"] = c.attention_bias;
    out["mlp_bias"] = c.mlp_bias;
    json rope;
    rope["rope_type"] = rope_name(c.rope_parameters);
    rope["rope_theta"] = c.rope_parameters.rope_theta;
    if (c.rope_parameters.factor) rope["factor"] = *c.rope_parameters.factor;
    if (c.rope_parameters.rope_type == apertus::rope_kind::llama3) {
        rope["low_freq_factor"] = c.rope_parameters.low_freq_factor;
        rope["high_freq_factor"] = c.rope_parameters.high_freq_factor;
        rope["original_max_position_embeddings"] = c.rope_parameters.original_max_position_embeddings;
    }
    out["rope_parameters"] = rope;
    out["bos_token_id"] = c.bos_token_id ? json(*c.bos_token_id) : json();
    out["eos_token_id"] = c.eos_token_id;
    out["pad_token_id"] = c.pad_token_id ? json(*c.pad_token_id) : json();
    out["notes"] = c.notes;
    return out;
}

json generation_json(const apertus::generation_config& g) {
    const apertus::effective_generation_config e = effective(g);
    json out;
    if (e.max_new_tokens) out["max_new_tokens"] = *e.max_new_tokens;
    if (e.max_length) out["max_length"] = *e.max_length;
    out["do_sample"] = e.do_sample;
    out["temperature"] = e.temperature;
    out["top_k"] = e.top_k;
    out["top_p"] = e.top_p;
    out["repetition_penalty"] = e.repetition_penalty;
    out["eos_token_id"] = e.eos_token_id;
    out["pad_token_id"] = e.pad_token_id ? json(*e.pad_token_id) : json();
    return out;
}

/// What is stored: safetensors and GGUF alike.
struct stored {
    json tensors = json::array();
    std::uint64_t parameters = 0;
    std::uint64_t bytes = 0;

    void add(std::string_view name, std::string_view type, std::span<const std::uint64_t> shape, std::uint64_t elements,
             std::uint64_t size, std::string_view file) {
        tensors.push_back({{"name", name}, {"dtype", type}, {"shape", shape}, {"file", file}});
        parameters += elements;
        bytes += size;
    }
};

stored stored_tensors(const std::string& model) {
    stored out;
    if (apertus::is_gguf_path(model)) {
        const auto files = apertus::gguf_checkpoint::open(model);
        for (const auto& [info, file] : files.tensors()) {
            out.add(info->name, info->type.name, info->shape, info->elements(), info->size_bytes(), file->document());
        }
    } else {
        const auto files = apertus::checkpoint::open(model);
        for (const auto& t : files.tensors()) {
            out.add(t.name(), to_string(t.dtype()), t.shape(), t.elements(), t.size_bytes(), t.document());
        }
    }
    return out;
}

/// A table of "key  value" lines from an object of scalars and lists.
void print_table(const json& object, const std::string& indent) {
    for (const auto& [key, value] : object.items()) {
        if (value.is_object()) {
            print(indent + key + "\n");
            print_table(value, indent + "  ");
        } else {
            const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
            print(indent + key + std::string(key.size() < 28 ? 28 - key.size() : 1, ' ') + text + "\n");
        }
    }
}

} // namespace

int info(const model_options& options, const info_arguments& arguments) {
    const std::string folder = model_folder(options);
    const apertus::causal_lm model = load(options, false);
    apertus::session_options session;
    session.max_length = arguments.context;
    session.max_sequences = arguments.sequences;
    const apertus::memory_plan plan = model.plan(session);
    const stored files = stored_tensors(folder);

    json out;
    out["model"] = folder;
    out["config"] = config_json(model.config());
    out["generation"] = generation_json(model.default_generation_config());
    json checkpoint;
    checkpoint["tensors"] = files.tensors.size();
    checkpoint["parameters"] = files.parameters;
    checkpoint["bytes"] = files.bytes;
    checkpoint["not_used"] = model.surplus_tensors();
    out["checkpoint"] = checkpoint;
    out["weights"] = model.weight_format_name();
    out["backend"] = model.backend_name();
    out["cpu"] = to_string(apertus::detect_cpu_isa());
    json memory;
    memory["context"] = arguments.context;
    memory["sequences"] = arguments.sequences;
    memory["weights"] = plan.weights;
    memory["kv_cache"] = plan.kv_cache;
    memory["activations"] = plan.activations;
    memory["logits"] = plan.logits;
    memory["total"] = plan.total();
    out["memory"] = memory;
    if (arguments.tensors && arguments.json) {
        out["tensors"] = files.tensors;
    }
    if (arguments.json) {
        print_json(out);
        return 0;
    }
    for (const char* key : {"weights", "kv_cache", "activations", "logits", "total"}) {
        out["memory"][key] = bytes_text(memory[key].get<std::uint64_t>());
    }
    out["checkpoint"]["bytes"] = bytes_text(files.bytes);
    print_table(out, "");
    if (arguments.tensors) {
        print("tensors\n");
        for (const json& t : files.tensors) {
            print("  " + t["name"].get<std::string>() + "  " + t["dtype"].get<std::string>() + " " + t["shape"].dump() +
                  "\n");
        }
    }
    return 0;
}

} // namespace cli
