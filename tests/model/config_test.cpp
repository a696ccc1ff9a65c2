// SPDX-License-Identifier: Apache-2.0
//
// model_config::validate: what passes, and the exact message for each thing that does not.
#include <apertus/model/config.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>

#include <functional>
#include <limits>
#include <string>

namespace {

using apertus::model_config;
using apertus::rope_kind;

/// The message for the default configuration after `change`.
std::string message_of(const std::function<void(model_config&)>& change) {
    model_config c;
    change(c);
    return error_message(apertus::error_category::config, [&] { c.validate("config.json"); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(config)

BOOST_AUTO_TEST_CASE(shapes_of_the_family_pass) {
    struct shape {
        std::size_t hidden, layers, heads, kv, head, ffn, vocab, output;
        bool tied;
    };
    for (const shape& s : {shape{1024, 20, 16, 4, 64, 6144, 131072, 131072, true},
                           {2048, 16, 32, 8, 64, 12288, 131072, 131072, false},
                           {3072, 24, 24, 8, 128, 16384, 131072, 131072, false},
                           {4096, 32, 32, 8, 128, 21504, 131072, 131072, false},
                           {8192, 80, 64, 8, 128, 43008, 131072, 131072, false},
                           {4096, 32, 32, 8, 128, 21504, 266752, 131072, false}}) {
        BOOST_TEST(message_of([&](model_config& c) {
                       c.hidden_size = s.hidden;
                       c.num_hidden_layers = s.layers;
                       c.num_attention_heads = s.heads;
                       c.num_key_value_heads = s.kv;
                       c.head_dim = s.head;
                       c.intermediate_size = s.ffn;
                       c.vocab_size = s.vocab;
                       c.output_vocab_size = s.output;
                       c.tie_word_embeddings = s.tied;
                   }) == "no error");
    }
}

BOOST_AUTO_TEST_CASE(sizes) {
    static constexpr std::size_t huge = std::numeric_limits<std::size_t>::max();
    const std::string start = "config.json: ";
    BOOST_TEST(message_of([](auto& c) { c.vocab_size = 0; }) == start + "vocab_size: expected 1 to 16777216, found 0");
    BOOST_TEST(message_of([](auto& c) { c.vocab_size = huge; }) ==
               start + "vocab_size: expected 1 to 16777216, found 18446744073709551615");
    BOOST_TEST(message_of([](auto& c) { c.output_vocab_size = 131073; }) ==
               start + "output_vocab_size: expected 1 to 131072, found 131073");
    BOOST_TEST(message_of([](auto& c) { c.hidden_size = 0; }) == start + "hidden_size: expected 1 to 262144, found 0");
    BOOST_TEST(message_of([](auto& c) { c.intermediate_size = huge; }) ==
               start + "intermediate_size: expected 1 to 1048576, found 18446744073709551615");
    BOOST_TEST(message_of([](auto& c) { c.num_hidden_layers = 4097; }) ==
               start + "num_hidden_layers: expected 1 to 4096, found 4097");
    BOOST_TEST(message_of([](auto& c) { c.num_attention_heads = 0; }) ==
               start + "num_attention_heads: expected 1 to 4096, found 0");
    BOOST_TEST(message_of([](auto& c) { c.num_key_value_heads = 0; }) ==
               start + "num_key_value_heads: expected 1 to 32, found 0");
    BOOST_TEST(message_of([](auto& c) { c.num_key_value_heads = 33; }) ==
               start + "num_key_value_heads: expected 1 to 32, found 33");
    BOOST_TEST(message_of([](auto& c) { c.num_key_value_heads = 5; }) ==
               start + "num_key_value_heads: expected a divisor of num_attention_heads (32), found 5");
    BOOST_TEST(message_of([](auto& c) { c.head_dim = 0; }) == start + "head_dim: expected 1 to 4096, found 0");
    BOOST_TEST(message_of([](auto& c) { c.head_dim = 127; }) == start + "head_dim: expected an even number, found 127");
    BOOST_TEST(message_of([](auto& c) { c.num_attention_heads = c.head_dim = 4096; }) ==
               start + "num_attention_heads * head_dim: expected at most 1048576, found 16777216");
    BOOST_TEST(message_of([](auto& c) { c.max_position_embeddings = 0; }) ==
               start + "max_position_embeddings: expected 1 to 1073741824, found 0");
}

BOOST_AUTO_TEST_CASE(answers) {
    const std::string start = "config.json: ";
    BOOST_TEST(message_of([](auto& c) { c.model_type = "gpt2"; }) ==
               start + "model_type: expected 'apertus' or 'llama', found 'gpt2'");
    BOOST_TEST(message_of([](auto& c) { c.hidden_act = "swiglu"; }) ==
               start + "hidden_act: expected xielu, gelu, silu or relu, found 'swiglu'");
    BOOST_TEST(message_of([](auto& c) { c.mlp_bias = true; }) ==
               start + "mlp_bias: expected false (an Apertus MLP has no bias), found true");
    BOOST_TEST(message_of([](auto& c) { c.mlp_bias = true, c.model_type = "llama"; }) == "no error");
    BOOST_TEST(message_of([](auto& c) { c.output_vocab_size = 9, c.tie_word_embeddings = true; }) ==
               start +
                   "tie_word_embeddings: expected false with an output_vocab_size smaller than vocab_size, found true");
    BOOST_TEST(message_of([](auto& c) { c.rms_norm_eps = -1e-9; }) ==
               start + "rms_norm_eps: expected 0 to 1, found -1e-09");
    BOOST_TEST(message_of([](auto& c) { c.rms_norm_eps = std::nan(""); }) ==
               start + "rms_norm_eps: expected 0 to 1, found nan");
    BOOST_TEST(message_of([](auto& c) { c.rms_norm_eps = 1.5; }) == start + "rms_norm_eps: expected 0 to 1, found 1.5");
    BOOST_TEST(message_of([](auto& c) { c.eos_token_id = {2, -7}; }) ==
               start + "eos_token_id: expected a token id of at least 0, found -7");
    BOOST_TEST(message_of([](auto& c) { c.bos_token_id = -1; }) ==
               start + "bos_token_id: expected a token id of at least 0, found -1");
    BOOST_TEST(message_of([](auto& c) { c.pad_token_id = -1; }) ==
               start + "pad_token_id: expected a token id of at least 0, found -1");
    BOOST_TEST(message_of([](auto& c) { c.eos_token_id = {}, c.bos_token_id.reset(), c.pad_token_id.reset(); }) ==
               "no error");
}

BOOST_AUTO_TEST_CASE(rope) {
    const std::string start = "config.json: rope_parameters.";
    const auto with = [](const std::function<void(apertus::rope_parameters&)>& change) {
        return message_of([&](model_config& c) { change(c.rope_parameters); });
    };
    static constexpr double infinity = std::numeric_limits<double>::infinity();
    BOOST_TEST(with([](auto& r) { r.rope_theta = 0; }) == start + "rope_theta: expected 0.001 to 1e+18, found 0");
    BOOST_TEST(with([](auto& r) { r.rope_theta = infinity; }) ==
               start + "rope_theta: expected 0.001 to 1e+18, found inf");
    BOOST_TEST(with([](auto& r) { r.factor = 0.0; }) == start + "factor: expected 1e-06 to 1000000, found 0");
    BOOST_TEST(with([](auto& r) { r.factor.reset(); }) ==
               "config.json: rope_parameters of type llama3: factor: expected a number, found none");
    BOOST_TEST(with([](auto& r) { r.original_max_position_embeddings = 0; }) ==
               start + "original_max_position_embeddings: expected 1 to 1073741824, found 0");
    BOOST_TEST(with([](auto& r) { r.low_freq_factor = 0; }) ==
               start + "low_freq_factor: expected 1e-06 to 1000000, found 0");
    BOOST_TEST(with([](auto& r) { r.high_freq_factor = -1; }) ==
               start + "high_freq_factor: expected 1e-06 to 1000000, found -1");
    BOOST_TEST(with([](auto& r) { r.max_position_embeddings = 7; }) ==
               start + "max_position_embeddings: expected 65536 (as in the model), found 7");
    BOOST_TEST(with([](auto& r) { r.rope_type = rope_kind::yarn, r.beta_fast = -1; }) ==
               start + "beta_fast: expected 1e-06 to 1000000, found -1");
    BOOST_TEST(with([](auto& r) { r.rope_type = rope_kind::yarn, r.rope_theta = 1; }) ==
               start + "rope_theta: expected 1.001 to 1e+18, found 1");
    BOOST_TEST(with([](auto& r) { r.rope_type = rope_kind::yarn, r.attention_factor = infinity; }) ==
               start + "attention_factor: expected 0 to 1000000, found inf");
    BOOST_TEST(with([](auto& r) { r.rope_type = rope_kind::longrope; }) ==
               "config.json: rope_parameters of type longrope: short_factor: expected 64 numbers, found 0");
    BOOST_TEST(with([](auto& r) {
                   r.rope_type = rope_kind::longrope;
                   r.short_factor.assign(64, 1.0);
                   r.long_factor.assign(64, 0.0);
               }) == start + "long_factor: expected 1e-06 to 1000000, found 0");
    BOOST_TEST(with([](auto& r) {
                   r.rope_type = rope_kind::longrope;
                   r.short_factor.assign(64, 1.0);
                   r.long_factor.assign(64, 1.0);
                   r.original_max_position_embeddings = 1; // log(1) divides
               }) == "config.json: rope_parameters: expected a finite attention scaling, found inf");
    BOOST_TEST(message_of([](model_config& c) {
                   c.rope_parameters.rope_type = rope_kind::dynamic;
                   c.head_dim = 2;
               }) == "config.json: head_dim: expected at least 4 for RoPE of type dynamic, found 2");
}

BOOST_AUTO_TEST_CASE(products_do_not_overflow) {
    // The largest sizes that pass: every product that memory planning makes fits 63 bits.
    BOOST_TEST(message_of([](model_config& c) {
                   c.vocab_size = c.output_vocab_size = std::size_t{1} << 24;
                   c.hidden_size = std::size_t{1} << 18;
                   c.intermediate_size = std::size_t{1} << 20;
                   c.num_hidden_layers = 4096;
                   c.num_attention_heads = 4096;
                   c.num_key_value_heads = 4096;
                   c.head_dim = 256;
               }) == "no error");
    constexpr double weights =
        4096.0 * 4.0 * ((1 << 18) * 2.0 * (1 << 20) + 4.0 * (1 << 18) * (1 << 20)) + 8.0 * (1 << 24) * (1 << 18);
    static_assert(weights < 9.2e18);
}

BOOST_AUTO_TEST_SUITE_END()
