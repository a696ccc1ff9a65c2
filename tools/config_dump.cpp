// SPDX-License-Identifier: Apache-2.0
//
// What this library makes of configurations, for tools/compare_config.py. Each line of stdin is a JSON object
// {"config": TEXT, "generation": TEXT or null} with the texts of a config.json and a generation_config.json; each line
// of stdout is {"config": {...} or {"error": ...}, "generation": {...} or {"error": ...}}.
//
//   g++ -std=c++20 -O2 -Iinclude tools/config_dump.cpp -o config_dump
#include <apertus/io/file.hpp>
#include <apertus/io/json.hpp>
#include <apertus/run/config_json.hpp>
#include <apertus/run/generation_config_json.hpp>

#include <iostream>
#include <string>

namespace {

using apertus::json;

template <class T> json or_null(const std::optional<T>& value) { return value ? json(*value) : json(nullptr); }

json dump(const apertus::model_config& c) {
    const apertus::rope_parameters& r = c.rope_parameters;
    json rope{
        {"rope_type", apertus::to_string(r.rope_type)}, {"rope_theta", r.rope_theta}, {"factor", or_null(r.factor)}};
    if (r.original_max_position_embeddings != 0)
        rope["original_max_position_embeddings"] = r.original_max_position_embeddings;
    json frequencies = json::array();
    json scaling = json::array();
    for (const std::size_t length : {std::size_t{0}, c.max_position_embeddings + 1000}) {
        const auto f = apertus::compute_rope_frequencies(r, length, c.head_dim);
        frequencies.push_back(f.inv_freq);
        scaling.push_back(f.attention_scaling);
    }
    return {{"model_type", c.source_model_type},
            {"vocab_size", c.vocab_size},
            {"hidden_size", c.hidden_size},
            {"intermediate_size", c.intermediate_size},
            {"num_hidden_layers", c.num_hidden_layers},
            {"num_attention_heads", c.num_attention_heads},
            {"num_key_value_heads", c.num_key_value_heads},
            {"head_dim", c.head_dim},
            {"max_position_embeddings", c.max_position_embeddings},
            {"hidden_act", c.hidden_act},
            {"rms_norm_eps", c.rms_norm_eps},
            {"tie_word_embeddings", c.tie_word_embeddings},
            {"attention_bias", c.attention_bias},
            {"mlp_bias", c.mlp_bias},
            {"bos_token_id", or_null(c.bos_token_id)},
            {"eos_token_id", c.eos_token_id},
            {"pad_token_id", or_null(c.pad_token_id)},
            {"dtype", c.dtype},
            {"rope", rope},
            {"inv_freq", frequencies},
            {"attention_scaling", scaling},
            {"notes", c.notes}};
}

json dump(const apertus::generation_config& g) {
    return {{"max_new_tokens", or_null(g.max_new_tokens)},
            {"max_length", or_null(g.max_length)},
            {"min_new_tokens", or_null(g.min_new_tokens)},
            {"min_length", or_null(g.min_length)},
            {"do_sample", or_null(g.do_sample)},
            {"temperature", or_null(g.temperature)},
            {"top_k", or_null(g.top_k)},
            {"top_p", or_null(g.top_p)},
            {"min_p", or_null(g.min_p)},
            {"typical_p", or_null(g.typical_p)},
            {"repetition_penalty", or_null(g.repetition_penalty)},
            {"eos_token_id", or_null(g.eos_token_id)},
            {"bos_token_id", or_null(g.bos_token_id)},
            {"pad_token_id", or_null(g.pad_token_id)},
            {"num_beams", or_null(g.num_beams)}};
}

template <class Parse> json attempt(Parse parse) {
    try {
        return dump(parse());
    } catch (const apertus::error& e) {
        return {{"error", e.what()}};
    }
}

} // namespace

int main() {
    std::string line;
    while (std::getline(std::cin, line)) {
        const json in = apertus::parse_json(line, "stdin");
        const auto config = in.at("config").get<std::string>();
        json out;
        out["config"] = attempt([&] { return apertus::parse_config_json(config); });
        out["generation"] = attempt([&] {
            return in.at("generation").is_null()
                       ? apertus::generation_config_from_config_json(config)
                       : apertus::parse_generation_config_json(in.at("generation").get<std::string>());
        });
        std::cout << out.dump() << '\n' << std::flush;
    }
}
