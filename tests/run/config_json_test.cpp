// SPDX-License-Identifier: Apache-2.0
//
// config.json: every model type and spelling, the class defaults, and the exact message for what is refused.
#include <apertus/run/config_json.hpp>

#include <boost/test/unit_test.hpp>

#include <support/error_message.hpp>
#include <support/temporary_folder.hpp>

#include <string>
#include <vector>

namespace {

using apertus::model_config;
using apertus::parse_config_json;
using apertus::rope_kind;

/// config.json of that model type with more members (text between braces).
std::string text_of(std::string_view type, std::string_view members) {
    std::string text = R"({"model_type":")" + std::string(type) + "\"";
    if (!members.empty()) text += "," + std::string(members);
    return text + "}";
}
model_config apertus_with(std::string_view members) { return parse_config_json(text_of("apertus", members)); }
model_config llama_with(std::string_view members) { return parse_config_json(text_of("llama", members)); }

std::string message_of_text(std::string_view text, apertus::error_category category = apertus::error_category::config) {
    const std::string message = error_message(category, [&] { (void)parse_config_json(text, "dir/config.json"); });
    if (message == "no error") return message;
    BOOST_TEST_REQUIRE(message.starts_with("dir/config.json: "), message);
    return message.substr(17);
}
std::string message_of(std::string_view members, std::string_view type = "apertus") {
    return message_of_text(text_of(type, members));
}

using eos = std::vector<std::int32_t>;

} // namespace

BOOST_AUTO_TEST_SUITE(config_json)

BOOST_AUTO_TEST_CASE(class_defaults_of_apertus) {
    const model_config c = apertus_with("");
    BOOST_TEST(c.model_type == "apertus");
    BOOST_TEST(c.tensor_prefix == "model.");
    BOOST_TEST(c.vocab_size == 131072u);
    BOOST_TEST(c.output_vocab_size == 131072u);
    BOOST_TEST(c.hidden_size == 4096u);
    BOOST_TEST(c.intermediate_size == 14336u);
    BOOST_TEST(c.num_hidden_layers == 32u);
    BOOST_TEST(c.num_attention_heads == 32u);
    BOOST_TEST(c.num_key_value_heads == 32u);
    BOOST_TEST(c.head_dim == 128u);
    BOOST_TEST(c.max_position_embeddings == 65536u);
    BOOST_TEST(c.hidden_act == "xielu");
    BOOST_TEST(c.rms_norm_eps == 1e-5);
    BOOST_TEST(!c.tie_word_embeddings);
    BOOST_TEST(!c.attention_bias);
    BOOST_TEST(c.bos_token_id.value() == 1);
    BOOST_TEST(c.eos_token_id == eos{2});
    BOOST_TEST(c.pad_token_id.value() == 3);
    BOOST_TEST((c.rope_parameters == apertus::default_apertus_rope()));
    BOOST_TEST(c.notes.empty());
}

BOOST_AUTO_TEST_CASE(class_defaults_of_llama) {
    const model_config c = llama_with("");
    BOOST_TEST(c.model_type == "llama");
    BOOST_TEST(c.vocab_size == 32000u);
    BOOST_TEST(c.intermediate_size == 11008u);
    BOOST_TEST(c.hidden_act == "silu");
    BOOST_TEST(c.max_position_embeddings == 2048u);
    BOOST_TEST(c.rms_norm_eps == 1e-6);
    BOOST_TEST(!c.pad_token_id.has_value());
    BOOST_TEST((c.rope_parameters.rope_type == rope_kind::plain));
    BOOST_TEST(c.rope_parameters.rope_theta == 10000.0);
}

BOOST_AUTO_TEST_CASE(a_real_one) {
    const model_config c = parse_config_json(R"({
        "architectures": ["ApertusForCausalLM"], "attention_bias": false, "attention_dropout": 0.0, "bos_token_id": 1, "dtype": "bfloat16",
        "eos_token_id": 68, "hidden_act": "xielu", "hidden_dropout": 0.0, "hidden_size": 4096, "initializer_range": 0.02,
        "intermediate_size": 21504, "max_position_embeddings": 65536, "mlp_bias": false, "model_type": "apertus", "num_attention_heads": 32,
        "num_hidden_layers": 32, "num_key_value_heads": 8, "pad_token_id": 3, "post_norm": false, "qk_norm": true, "rms_norm_eps": 1e-05,
        "rope_scaling": {"factor": 8.0, "high_freq_factor": 4.0, "low_freq_factor": 1.0, "original_max_position_embeddings": 8192,
        "rope_type": "llama3", "type": "llama3"}, "rope_theta": 12000000, "tie_word_embeddings": false, "use_cache": true, "vocab_size": 131072})");
    BOOST_TEST(c.architectures == std::vector<std::string>{"ApertusForCausalLM"});
    BOOST_TEST(c.dtype == "bfloat16");
    BOOST_TEST(c.intermediate_size == 21504u);
    BOOST_TEST(c.num_key_value_heads == 8u);
    BOOST_TEST(c.eos_token_id == eos{68});
    BOOST_TEST((c.rope_parameters == apertus::default_apertus_rope()));
}

BOOST_AUTO_TEST_CASE(v1_5) {
    const std::string inner =
        R"("text_config":{"model_type":"apertus1p5_text","intermediate_size":21504,"num_key_value_heads":8,"output_vocab_size":131072,
        "max_position_embeddings":262144,"eos_token_id":[2,68,72],"rope_parameters":{"rope_type":"llama3","rope_theta":4000000,"factor":32,
        "low_freq_factor":1,"high_freq_factor":4,"original_max_position_embeddings":8192}},"vision_config":{"x":1},"image_token_id":131079)";
    const model_config c = parse_config_json(text_of("apertus1p5", inner));
    BOOST_TEST(c.model_type == "apertus");
    BOOST_TEST(c.source_model_type == "apertus1p5");
    BOOST_TEST(c.tensor_prefix == "model.language_model.");
    BOOST_TEST(c.vocab_size == 266752u);
    BOOST_TEST(c.output_vocab_size == 131072u);
    BOOST_TEST(c.eos_token_id == (eos{2, 68, 72}));
    BOOST_TEST(c.rope_parameters.factor.value() == 32.0);
    BOOST_TEST(c.rope_parameters.rope_theta == 4e6);
    // an unpruned head, and the text model on its own
    BOOST_TEST(
        parse_config_json(text_of("apertus1p5", R"("text_config":{"output_vocab_size":null})")).output_vocab_size ==
        266752u);
    const model_config text = parse_config_json(text_of("apertus1p5_text", R"("output_vocab_size":131072)"));
    BOOST_TEST(text.tensor_prefix == "model.");
    BOOST_TEST(text.output_vocab_size == 131072u);
    // plain Apertus has no such key
    BOOST_TEST(apertus_with(R"("output_vocab_size":7)").output_vocab_size == 131072u);
    BOOST_TEST(message_of(R"("text_config":{"vocab_size":"x"})", "apertus1p5") ==
               "text_config.vocab_size: expected an integer, found 'x'");
    BOOST_TEST(message_of(R"("text_config":[])", "apertus1p5") ==
               "text_config: expected an object, found an array of 0");
    BOOST_TEST(message_of(R"("tie_word_embeddings":true,"text_config":{"output_vocab_size":5})", "apertus1p5") ==
               "tie_word_embeddings: expected false with an output_vocab_size smaller than vocab_size, found true");
}

BOOST_AUTO_TEST_CASE(head_dim_given_or_derived) {
    BOOST_TEST(apertus_with(R"("hidden_size":96,"num_attention_heads":6)").head_dim == 16u);
    BOOST_TEST(apertus_with(R"("hidden_size":96,"num_attention_heads":6,"head_dim":null)").head_dim == 16u);
    BOOST_TEST(apertus_with(R"("hidden_size":100,"num_attention_heads":6,"head_dim":32)").head_dim == 32u);
    BOOST_TEST(message_of(R"("hidden_size":100,"num_attention_heads":6)") ==
               "hidden_size: expected a multiple of num_attention_heads (6), found 100");
    BOOST_TEST(message_of(R"("hidden_size":100,"num_attention_heads":6,"head_dim":32)", "llama") ==
               "hidden_size: expected a multiple of num_attention_heads (6), found 100");
    BOOST_TEST(message_of(R"("num_attention_heads":0)") == "num_attention_heads: expected at least 1, found 0");
}

BOOST_AUTO_TEST_CASE(integers_and_floats) {
    const model_config c = apertus_with(
        R"("vocab_size":1000.0,"rms_norm_eps":0,"rope_theta":1e6,"rope_scaling":{"type":"linear","factor":2})");
    BOOST_TEST(c.vocab_size == 1000u);
    BOOST_TEST(c.rms_norm_eps == 0.0);
    BOOST_TEST(c.rope_parameters.factor.value() == 2.0);
    BOOST_TEST(c.rope_parameters.rope_theta == 1e6);
    BOOST_TEST(message_of(R"("vocab_size":1000.5)") == "vocab_size: expected an integer, found 1000.5");
    BOOST_TEST(message_of(R"("vocab_size":1e300)") == "vocab_size: expected an integer, found 1e+300");
    BOOST_TEST(message_of(R"("vocab_size":18446744073709551615)") ==
               "vocab_size: expected an integer, found 18446744073709551615");
    BOOST_TEST(message_of(R"("vocab_size":-5)") == "vocab_size: expected a non-negative integer, found -5");
    BOOST_TEST(message_of(R"("vocab_size":null)") == "vocab_size: expected an integer, found null");
    BOOST_TEST(message_of(R"("vocab_size":true)") == "vocab_size: expected an integer, found true");
    BOOST_TEST(message_of(R"("hidden_size":9007199254740993)") ==
               "hidden_size: expected an integer, found 9007199254740993");
    BOOST_TEST(message_of(R"("hidden_size":9007199254740992)") ==
               "hidden_size: expected 1 to 262144, found 9007199254740992");
    BOOST_TEST(message_of(R"("attention_bias":0)") == "attention_bias: expected true or false, found 0");
    BOOST_TEST(message_of(R"("hidden_act":7)") == "hidden_act: expected a string, found 7");
    BOOST_TEST(message_of(R"("rms_norm_eps":"1e-5")") == "rms_norm_eps: expected a number, found '1e-5'");
}

BOOST_AUTO_TEST_CASE(token_ids) {
    BOOST_TEST(apertus_with(R"("eos_token_id":[2,68,72])").eos_token_id == (eos{2, 68, 72}));
    BOOST_TEST(apertus_with(R"("eos_token_id":null)").eos_token_id.empty());
    BOOST_TEST(apertus_with(R"("eos_token_id":[])").eos_token_id.empty());
    BOOST_TEST(!apertus_with(R"("bos_token_id":null)").bos_token_id.has_value());
    const model_config c = apertus_with(R"("vocab_size":10,"pad_token_id":-1,"eos_token_id":[3,68])");
    BOOST_TEST(!c.pad_token_id.has_value());
    BOOST_TEST(c.eos_token_id == (eos{3, 68}));
    BOOST_TEST(c.notes == (std::vector<std::string>{"pad_token_id -1 counts as none",
                                                    "eos_token_id 68 lies outside the vocabulary"}));
    BOOST_TEST(message_of(R"("eos_token_id":"</s>")") == "eos_token_id: expected an integer, found '</s>'");
    BOOST_TEST(message_of(R"("eos_token_id":[2,[3]])") == "eos_token_id: expected an integer, found an array of 1");
    BOOST_TEST(message_of(R"("pad_token_id":2147483648)") ==
               "pad_token_id: expected a token id below 2147483648, found 2147483648");
}

BOOST_AUTO_TEST_CASE(rope_merge_of_the_two_spellings) {
    const auto same_as_class = [](const model_config& c) {
        return c.rope_parameters == apertus::default_apertus_rope();
    };
    // null and empty rope_scaling count as absent; with nothing given the class's block applies, its theta included
    for (const char* members :
         {"\"rope_scaling\":null", "\"rope_scaling\":{}", "\"rope_parameters\":null", "\"rope_theta\":12000000"}) {
        BOOST_TEST(same_as_class(apertus_with(members)), members);
        BOOST_TEST(apertus_with(members).notes.empty(), members);
    }
    const model_config lone = apertus_with(R"("rope_theta":500000,"rope_scaling":null)");
    BOOST_TEST(same_as_class(lone));
    BOOST_REQUIRE_EQUAL(lone.notes.size(), 1u);
    BOOST_TEST(lone.notes[0].starts_with("rope_theta is ignored"));
    // an empty rope_parameters is a block: plain RoPE
    const model_config empty = apertus_with(R"("rope_parameters":{})");
    BOOST_TEST((empty.rope_parameters.rope_type == rope_kind::plain));
    BOOST_TEST(empty.rope_parameters.rope_theta == 12e6);
    BOOST_TEST(apertus_with(R"("rope_parameters":{},"rope_theta":7)").rope_parameters.rope_theta == 7.0);
    BOOST_TEST(apertus_with(R"("rope_parameters":{"rope_theta":5},"rope_theta":7)").rope_parameters.rope_theta == 5.0);
    BOOST_TEST(llama_with(R"("rope_theta":500000,"rope_scaling":null)").rope_parameters.rope_theta == 5e5);
    // a non-empty rope_scaling replaces rope_parameters
    const model_config both = apertus_with(
        R"("rope_scaling":{"type":"linear","factor":3},"rope_parameters":{"rope_type":"default","rope_theta":5})");
    BOOST_TEST((both.rope_parameters.rope_type == rope_kind::linear));
    BOOST_TEST(both.rope_parameters.rope_theta == 12e6);
    BOOST_TEST(both.notes.size() == 1u);
    // rope_type wins over the legacy type
    BOOST_TEST(
        (apertus_with(R"("rope_scaling":{"type":"yarn","rope_type":"linear","factor":3})").rope_parameters.rope_type ==
         rope_kind::linear));
}

BOOST_AUTO_TEST_CASE(rope_details) {
    const auto yarn =
        apertus_with(
            R"("rope_scaling":{"type":"yarn","factor":null,"original_max_position_embeddings":4096,"beta_fast":0,"beta_slow":2,
        "mscale":0.5,"mscale_all_dim":null,"truncate":null,"attention_factor":1})")
            .rope_parameters;
    BOOST_TEST(!yarn.factor.has_value());
    BOOST_TEST(yarn.original_max_position_embeddings == 4096u);
    BOOST_TEST(yarn.beta_fast == 32.0);
    BOOST_TEST(yarn.beta_slow == 2.0);
    BOOST_TEST(yarn.mscale.value() == 0.5);
    BOOST_TEST(!yarn.mscale_all_dim.has_value());
    BOOST_TEST(!yarn.truncate);
    BOOST_TEST(yarn.attention_factor.value() == 1.0);
    const auto llama3 =
        llama_with(R"("rope_scaling":{"rope_type":"llama3","factor":8,"low_freq_factor":1,"high_freq_factor":4})")
            .rope_parameters;
    BOOST_TEST(llama3.original_max_position_embeddings == 2048u); // max_position_embeddings when not given
    const auto outer = apertus_with(
        R"("original_max_position_embeddings":77,"rope_parameters":{"rope_type":"yarn","factor":2,"original_max_position_embeddings":99})");
    BOOST_TEST(outer.rope_parameters.original_max_position_embeddings == 77u);
    const auto longrope =
        apertus_with(
            R"("hidden_size":16,"num_attention_heads":4,"rope_scaling":{"type":"longrope","short_factor":[1,2.5],"long_factor":[3,4]})")
            .rope_parameters;
    BOOST_TEST(longrope.short_factor == (std::vector<double>{1.0, 2.5}));
    BOOST_TEST(longrope.long_factor == (std::vector<double>{3.0, 4.0}));
    BOOST_TEST(apertus_with(R"("partial_rotary_factor":1,"rope_parameters":{"partial_rotary_factor":1.0})").head_dim ==
               128u);
}

BOOST_AUTO_TEST_CASE(bad_rope) {
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"su","factor":2})") ==
               "rope_scaling.type: expected default, linear, dynamic, yarn, longrope or llama3, found 'su'");
    BOOST_TEST(
        message_of(R"("rope_parameters":{"rope_type":"proportional"})") ==
        "rope_parameters.rope_type: expected default, linear, dynamic, yarn, longrope or llama3, found 'proportional'");
    BOOST_TEST(message_of(R"("rope_parameters":{"rope_type":null})") ==
               "rope_parameters.rope_type: expected a string, found null");
    BOOST_TEST(message_of(R"("rope_parameters":[])") == "rope_parameters: expected an object, found an array of 0");
    BOOST_TEST(message_of(R"("rope_scaling":"linear")") == "rope_scaling: expected an object, found 'linear'");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"linear"})") ==
               "rope_scaling.factor: expected a number for RoPE of type linear, found nothing");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"dynamic","factor":null})") ==
               "rope_scaling.factor: expected a number for RoPE of type dynamic, found null");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"yarn"})") ==
               "rope_scaling.factor: expected a value for RoPE of type yarn, found nothing");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"linear","factor":"2"})") ==
               "rope_scaling.factor: expected a number, found '2'");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"linear","factor":0})") ==
               "rope_parameters.factor: expected 1e-06 to 1000000, found 0");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"llama3","factor":8})") ==
               "rope_scaling.low_freq_factor: expected a value for RoPE of type llama3, found nothing");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"longrope","short_factor":[1]})") ==
               "rope_scaling.long_factor: expected a list of numbers, found nothing");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"longrope","short_factor":[1,"x"]})") ==
               "rope_scaling.short_factor: expected a number, found 'x'");
    BOOST_TEST(message_of(R"("rope_scaling":{"type":"longrope","short_factor":[1],"long_factor":[1]})") ==
               "rope_parameters of type longrope: short_factor: expected 64 numbers, found 1");
    BOOST_TEST(message_of(R"("rope_theta":null,"rope_parameters":{})") == "rope_theta: expected a number, found null");
    BOOST_TEST(message_of(R"("rope_parameters":{"rope_theta":-1})") ==
               "rope_parameters.rope_theta: expected 0.001 to 1e+18, found -1");
    BOOST_TEST(
        message_of(R"("rope_parameters":{"full_attention":{"rope_type":"default"}})") ==
        "rope_parameters.full_attention: expected one set of parameters for all layers, found one per layer type");
    BOOST_TEST(message_of(R"("partial_rotary_factor":0.5,"rope_parameters":{})") ==
               "partial_rotary_factor: expected 1.0 (rotation of whole heads), found 0.5");
    BOOST_TEST(message_of(R"("rope_parameters":{"partial_rotary_factor":0.25})") ==
               "rope_parameters.partial_rotary_factor: expected 1.0 (rotation of whole heads), found 0.25");
}

BOOST_AUTO_TEST_CASE(what_we_cannot_honour_is_refused_by_name) {
    BOOST_TEST(message_of(R"("qk_norm":false)") ==
               "qk_norm: expected true (Apertus normalises queries and keys), found false");
    BOOST_TEST(message_of(R"("qk_norm":true)", "llama") ==
               "qk_norm: expected false (Llama does not normalise queries and keys), found true");
    BOOST_TEST(message_of(R"("qk_norm":false)", "llama") == "no error");
    BOOST_TEST(message_of(R"("qk_norm":1)") == "qk_norm: expected true or false, found 1");
    BOOST_TEST(message_of(R"("post_norm":true)") ==
               "post_norm: expected false (norms come before the sublayers), found true");
    BOOST_TEST(message_of(R"("post_norm":true)", "llama") ==
               "post_norm: expected false (norms come before the sublayers), found true");
    BOOST_TEST(message_of(R"("mlp_bias":true)") == "mlp_bias: expected false (an Apertus MLP has no bias), found true");
    BOOST_TEST(llama_with(R"("mlp_bias":true,"attention_bias":true)").mlp_bias);
    BOOST_TEST(message_of(R"("hidden_act":"gelu_new")") ==
               "hidden_act: expected xielu, gelu, silu or relu, found 'gelu_new'");
    BOOST_TEST(message_of(R"("quantization_config":{"quant_method":"fp8"})") ==
               "quantization_config: expected no quantization (weights F32, F16 or BF16), found an object");
    BOOST_TEST(message_of(R"("quantization_config":null)") == "no error");
    BOOST_TEST(message_of(R"("per_layer_config":{"0":{"hidden_size":5}})") ==
               "per_layer_config: expected nothing (all layers alike), found an object");
    BOOST_TEST(message_of(R"("layer_types":["full_attention","sliding_attention"])") ==
               "layer_types: expected 'full_attention' only, found 'sliding_attention'");
    BOOST_TEST(message_of(R"("qk_norm":false)", "apertus1p5") ==
               "qk_norm: expected true (Apertus normalises queries and keys), found false");
    BOOST_TEST(message_of(R"("text_config":{"qk_norm":false})", "apertus1p5") ==
               "text_config.qk_norm: expected true (Apertus normalises queries and keys), found false");
}

BOOST_AUTO_TEST_CASE(model_types) {
    BOOST_TEST(message_of("", "gpt2") == "model_type: expected 'apertus', 'llama' or 'apertus1p5', found 'gpt2'");
    BOOST_TEST(message_of_text("{}") == "model_type: expected 'apertus', 'llama' or 'apertus1p5', found nothing");
    BOOST_TEST(message_of_text(R"({"model_type":null})") ==
               "model_type: expected 'apertus', 'llama' or 'apertus1p5', found null");
    BOOST_TEST(message_of_text(R"({"model_type":3})") == "model_type: expected a string, found 3");
    BOOST_TEST(message_of_text("[]") == "top level: expected an object, found an array of 0");
    BOOST_TEST(message_of(R"("architectures":"ApertusForCausalLM")") ==
               "architectures: expected a list of names, found 'ApertusForCausalLM'");
}

BOOST_AUTO_TEST_CASE(not_json) {
    constexpr auto format = apertus::error_category::format;
    BOOST_TEST(message_of_text("", format)
                   .starts_with("line 1, column 1: syntax error while parsing value - unexpected end of input"));
    BOOST_TEST(message_of_text("{\"model_type\":\n\"apertus\",}", format)
                   .starts_with("line 2, column 11: syntax error while parsing object key"));
    BOOST_TEST(message_of_text(std::string(200, '['), format) ==
               "line 1, column 129: expected nesting of at most 128, found deeper nesting");
    BOOST_TEST(message_of_text("{\"a\":NaN}", format).starts_with("line 1, column 6: syntax error"));
    const std::string whole = text_of("apertus", R"("hidden_size":64,"rope_parameters":{"rope_type":"default"})");
    for (std::size_t size = 0; size < whole.size(); ++size) {
        BOOST_TEST(message_of_text(whole.substr(0, size), format).starts_with("line 1, column "), size);
    }
}

BOOST_AUTO_TEST_CASE(from_a_file) {
    const test_support::temporary_folder folder;
    BOOST_TEST(apertus::load_config_json(folder.write("config.json", text_of("llama", ""))).vocab_size == 32000u);
    const std::string big = folder.write("big.json", std::string(apertus::config_max_bytes + 1, ' '));
    BOOST_CHECK_EXCEPTION((void)apertus::load_config_json(big), apertus::error, [&](const apertus::error& e) {
        return e.what() == big + ": size: expected at most 4194304 bytes, found 4194305";
    });
}

BOOST_AUTO_TEST_SUITE_END()
