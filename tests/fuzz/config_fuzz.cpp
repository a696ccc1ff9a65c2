// SPDX-License-Identifier: Apache-2.0
//
// config.json and generation_config.json: whatever the text, the parsers either throw apertus::error or return values
// that are safe to compute with. The first byte chooses: 'g' a generation_config.json, anything else a config.json (which
// is then also read for its generation options, as folders without generation_config.json are).
#include <apertus/run/config_json.hpp>
#include <apertus/run/generation_config_json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

void use(const apertus::model_config& c) {
    c.validate(); // a parsed configuration is a valid one
    check(c.num_attention_heads % c.num_key_value_heads == 0 && c.head_dim % 2 == 0);
    check(c.vocab_size * c.hidden_size <= std::size_t{1} << 42 && c.output_vocab_size <= c.vocab_size);
    for (const std::size_t length : {std::size_t{0}, c.max_position_embeddings, 2 * c.max_position_embeddings}) {
        const auto f = apertus::compute_rope_frequencies(c.rope_parameters, length, c.head_dim);
        for (const float v : f.inv_freq) check(std::isfinite(v));
        check(std::isfinite(f.attention_scaling));
    }
}

void use(const apertus::generation_config& g) {
    try {
        const auto e = apertus::effective(g);
        check(e.max_new_tokens.has_value() != e.max_length.has_value());
        check(std::isfinite(e.temperature) && e.temperature >= 0.0);
    } catch (const apertus::error&) { // beams, which a file may ask for
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    try {
        if (input.starts_with('g')) use(apertus::parse_generation_config_json(input.substr(1)));
        else use(apertus::parse_config_json(input));
    } catch (const apertus::error&) {
    }
    try {
        if (!input.starts_with('g')) use(apertus::generation_config_from_config_json(input));
    } catch (const apertus::error&) {
    }
    return 0;
}
