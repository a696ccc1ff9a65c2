// SPDX-License-Identifier: Apache-2.0
//
// Metadata of a GGUF file -> configuration: the same as config.json of the same model says, and what is missing, wrong or
// not implemented is named by its key.
#include <apertus/run/gguf_config.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/gguf_bytes.hpp>
#include <support/gguf_of_checkpoint.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/test_support.hpp>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace apertus;
using test_support::files_of;
using test_support::gguf_writer;

/// A llama without anything unusual; `but` adds to it.
gguf_writer small(std::string_view without = {}, std::string_view arch = "llama") {
    gguf_writer w;
    const auto add = [&](std::string_view key, std::uint32_t value) {
        if (key != without) w.add(std::string(arch) + "." + std::string(key), value);
    };
    if (without != "general.architecture") w.add("general.architecture", arch);
    add("block_count", 2);
    add("context_length", 128);
    add("embedding_length", 8);
    add("feed_forward_length", 16);
    add("attention.head_count", 2);
    if (without != "attention.layer_norm_rms_epsilon") {
        w.add(std::string(arch) + ".attention.layer_norm_rms_epsilon", 1e-5f);
    }
    if (without != "token_embd.weight") w.tensor("token_embd.weight", 0, {8, 3}, std::string(96, 'x'));
    return w;
}

std::string message_of(const gguf_writer& w, error_category category = error_category::format) {
    const std::string bytes = w.bytes();
    return error_message(category, [&] { (void)config_from_gguf(files_of(bytes)); });
}

} // namespace

BOOST_AUTO_TEST_SUITE(gguf_configurations)

BOOST_AUTO_TEST_CASE(the_same_as_config_json) {
    for (const char* const name : {"v1_8b", "v11_05b", "v11_4b", "llama_3", "llama_tied", "llama_bias", "rope_linear",
                                   "rope_default", "attention_bias", "odd_sizes"}) {
        BOOST_TEST_CONTEXT(name) {
            const std::string folder = source_path("tests/golden/" + std::string(name));
            const model_config json = parse_config_json(read_file(folder + "/config.json"), "config.json");
            const std::string bytes = test_support::gguf_of_checkpoint(folder);
            const model_config c = config_from_gguf(files_of(bytes));
            BOOST_TEST(c.model_type == json.model_type);
            BOOST_TEST(c.vocab_size == json.vocab_size);
            BOOST_TEST(c.output_vocab_size == json.output_vocab_size);
            BOOST_TEST(c.hidden_size == json.hidden_size);
            BOOST_TEST(c.intermediate_size == json.intermediate_size);
            BOOST_TEST(c.num_hidden_layers == json.num_hidden_layers);
            BOOST_TEST(c.num_attention_heads == json.num_attention_heads);
            BOOST_TEST(c.num_key_value_heads == json.num_key_value_heads);
            BOOST_TEST(c.head_dim == json.head_dim);
            BOOST_TEST(c.max_position_embeddings == json.max_position_embeddings);
            BOOST_TEST(c.hidden_act == json.hidden_act);
            BOOST_TEST(static_cast<float>(c.rms_norm_eps) == static_cast<float>(json.rms_norm_eps));
            BOOST_TEST(c.tie_word_embeddings == json.tie_word_embeddings);
            BOOST_TEST(c.attention_bias == json.attention_bias);
            BOOST_TEST(c.mlp_bias == json.mlp_bias);
            BOOST_TEST((c.bos_token_id == json.bos_token_id));
            const auto ours = compute_rope_frequencies(c.rope_parameters, 1000, c.head_dim);
            const auto theirs = compute_rope_frequencies(json.rope_parameters, 1000, c.head_dim);
            BOOST_TEST(ours.attention_scaling == theirs.attention_scaling);
            for (std::size_t i = 0; i < ours.inv_freq.size(); ++i) {
                BOOST_TEST(ours.inv_freq[i] == theirs.inv_freq[i], boost::test_tools::tolerance(3e-7f));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(defaults) {
    const std::string bytes = small().bytes();
    const model_config c = config_from_gguf(files_of(bytes));
    BOOST_TEST(c.num_key_value_heads == 2u);
    BOOST_TEST(c.head_dim == 4u);
    BOOST_TEST(c.tie_word_embeddings);
    BOOST_TEST(c.rope_parameters.rope_theta == 10000.0);
    BOOST_TEST((c.rope_parameters.rope_type == rope_kind::plain));
    BOOST_TEST(!c.bos_token_id.has_value());
    BOOST_TEST(c.eos_token_id.empty());
}

BOOST_AUTO_TEST_CASE(missing_keys) {
    BOOST_TEST(message_of(small("general.architecture")) ==
               "m.gguf: metadata 'general.architecture': expected 'apertus' or 'llama', found nothing");
    for (const char* const key :
         {"block_count", "context_length", "embedding_length", "feed_forward_length", "attention.head_count"}) {
        BOOST_TEST(message_of(small(key)) ==
                   "m.gguf: metadata 'llama." + std::string(key) + "': expected an integer, found nothing");
    }
    BOOST_TEST(message_of(small("attention.layer_norm_rms_epsilon")) ==
               "m.gguf: metadata 'llama.attention.layer_norm_rms_epsilon': expected a number, found nothing");
    BOOST_TEST(message_of(small("token_embd.weight")) ==
               "m.gguf: tensor 'token_embd.weight': expected one of that name, found none");
}

BOOST_AUTO_TEST_CASE(values_that_are_refused) {
    BOOST_TEST(message_of(small({}, "qwen2"), error_category::config) ==
               "m.gguf: general.architecture: expected 'apertus' or 'llama', found 'qwen2'");
    BOOST_TEST(message_of(small("block_count").add("llama.block_count", "two")) ==
               "m.gguf: metadata 'llama.block_count': expected an integer of at least 0, found string 'two'");
    BOOST_TEST(message_of(small("block_count").add("llama.block_count", 0u), error_category::config) ==
               "m.gguf: num_hidden_layers: expected 1 to 4096, found 0");
    BOOST_TEST(message_of(small().add("llama.attention.head_count_kv", 3u), error_category::config)
                   .starts_with("m.gguf: num_key_value_heads: "));
    BOOST_TEST(message_of(small("attention.head_count").add("llama.attention.head_count", 0u), error_category::config)
                   .starts_with("m.gguf: "));
    BOOST_TEST(message_of(small().add("llama.attention.value_length", 6u)) ==
               "m.gguf: metadata 'llama.attention.value_length': expected 4, the length of keys, found 6");
    BOOST_TEST(message_of(small().add("llama.rope.dimension_count", 2u)) ==
               "m.gguf: metadata 'llama.rope.dimension_count': expected 4, the length of a head, found 2");
    BOOST_TEST(message_of(small().add("llama.expert_count", 8u), error_category::config) ==
               "m.gguf: metadata 'llama.expert_count': expected nothing, or 0, found 8 (not implemented)");
    BOOST_TEST(message_of(small().add("llama.expert_count", 0u)) == "no error");
    BOOST_TEST(message_of(small().add("llama.logit_scale", 0.5f), error_category::config) ==
               "m.gguf: metadata 'llama.logit_scale': expected nothing, or 0, found 0.5 (not implemented)");
    BOOST_TEST(message_of(small().add("llama.attention.causal", false), error_category::config) ==
               "m.gguf: metadata 'llama.attention.causal': expected true, found false");
    BOOST_TEST(message_of(small().add("llama.rope.scaling.type", "warp"), error_category::config) ==
               "m.gguf: metadata 'llama.rope.scaling.type': expected none, linear or yarn, found 'warp'");
    BOOST_TEST(message_of(small().add("llama.rope.scaling.type", "linear")) ==
               "m.gguf: metadata 'llama.rope.scaling.factor': expected a number other than 0 for scaling of type "
               "linear, found nothing");
    BOOST_TEST(message_of(small().tensor("rope_freqs.weight", 0, {3}, std::string(12, 'x')), error_category::shape) ==
               "m.gguf: tensor 'rope_freqs.weight': expected F32 [2], found F32 with 3 elements");
    BOOST_TEST(message_of(small().tensor("rope_freqs.weight", 0, {2}, std::string(8, '\0')), error_category::config)
                   .starts_with("m.gguf: rope_parameters.short_factor: "));
    BOOST_TEST(message_of(small().add("tokenizer.ggml.bos_token_id", 0xffffffffu)) ==
               "m.gguf: metadata 'tokenizer.ggml.bos_token_id': expected a token id, found 4294967295");
}

BOOST_AUTO_TEST_CASE(sizes_per_layer) {
    const auto with = [](const std::vector<std::uint32_t>& heads) {
        return small("attention.head_count").add_numbers("llama.attention.head_count", heads);
    };
    BOOST_TEST(message_of(with({2, 2})) == "no error");
    BOOST_TEST(message_of(with({2, 4}), error_category::config) ==
               "m.gguf: metadata 'llama.attention.head_count': expected the same for all layers, found 2 and 4");
    BOOST_TEST(message_of(with({})) == "m.gguf: metadata 'llama.attention.head_count': expected integers of at least "
                                       "0, found an array of 0 uint32");
}

BOOST_AUTO_TEST_CASE(scaling_of_positions) {
    const auto rope_of = [](gguf_writer w) {
        const std::string bytes = w.bytes();
        return config_from_gguf(files_of(bytes)).rope_parameters;
    };
    const auto linear =
        rope_of(small().add("llama.rope.scaling.type", "linear").add("llama.rope.scaling.factor", 4.0f));
    BOOST_TEST((linear.rope_type == rope_kind::linear));
    BOOST_TEST(*linear.factor == 4.0);
    const auto old = rope_of(small().add("llama.rope.scale_linear", 2.0f));
    BOOST_TEST((old.rope_type == rope_kind::linear));
    BOOST_TEST(*old.factor == 2.0);
    const auto yarn = rope_of(small()
                                  .add("llama.rope.scaling.type", "yarn")
                                  .add("llama.rope.scaling.factor", 4.0f)
                                  .add("llama.rope.scaling.original_context_length", 32u));
    BOOST_TEST((yarn.rope_type == rope_kind::yarn));
    BOOST_TEST(yarn.original_max_position_embeddings == 32u);
}

BOOST_AUTO_TEST_CASE(generation) {
    gguf_writer w = small();
    w.add("tokenizer.ggml.bos_token_id", 1u).add("tokenizer.ggml.eos_token_id", 2u);
    w.add("tokenizer.ggml.eot_token_id", 2u).add("tokenizer.ggml.eom_token_id", 0u);
    w.add("tokenizer.ggml.padding_token_id", 0u);
    const std::string plain = w.bytes();
    const generation_config g = generation_config_from_gguf(files_of(plain));
    BOOST_TEST(*g.bos_token_id == 1);
    BOOST_TEST((*g.eos_token_id == std::vector<std::int32_t>{2, 0}));
    BOOST_TEST(*g.pad_token_id == 0);
    BOOST_TEST(!g.do_sample.has_value());
    w.add("general.sampling.temp", 0.5f).add("general.sampling.top_k", 20u).add("general.sampling.top_p", 0.75f);
    const std::string sampled = w.bytes();
    const generation_config s = generation_config_from_gguf(files_of(sampled));
    BOOST_TEST(*s.do_sample);
    BOOST_TEST(*s.temperature == 0.5);
    BOOST_TEST(*s.top_k == 20);
    BOOST_TEST(*s.top_p == 0.75);
    w.add("general.sampling.min_p", 7.0f);
    const std::string bad = w.bytes();
    BOOST_CHECK_THROW((void)generation_config_from_gguf(files_of(bad)), error);
}

BOOST_AUTO_TEST_SUITE_END()
