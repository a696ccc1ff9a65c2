// SPDX-License-Identifier: Apache-2.0
//
// A model from a GGUF file computes what the same model from a Hugging Face folder computes, for both architectures, from
// every kind of source; block formats keep their bits, rows in llama.cpp's rotary order included.
#include <apertus/run/gguf_source.hpp>

#include <apertus/run/causal_lm.hpp>
#include <apertus/run/gguf_config.hpp>
#include <apertus/run/load_model.hpp>

#include <boost/test/unit_test.hpp>

#include <support/gguf_bytes.hpp>
#include <support/gguf_of_checkpoint.hpp>
#include <support/safetensors_bytes.hpp>
#include <support/temporary_folder.hpp>
#include <support/test_support.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace apertus;
using test_support::as_bytes;
using test_support::gguf_writer;

std::vector<float> logits_of(const causal_lm& model) {
    std::vector<std::int32_t> ids(24);
    for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<std::int32_t>((i * 37 + 1) % model.vocab_size());
    session_handle session = model.new_session({.max_length = 32});
    const segment step{0, ids};
    const auto logits = session.forward(std::span(&step, 1)).flat();
    return {logits.begin(), logits.end()};
}

gguf_checkpoint files_of(const std::string& bytes) {
    std::vector<gguf_file> files;
    files.push_back(gguf_file::from_bytes(as_bytes(bytes), "m.gguf"));
    return gguf_checkpoint(std::move(files));
}

float largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
    BOOST_REQUIRE_EQUAL(a.size(), b.size());
    float out = 0;
    for (std::size_t i = 0; i < a.size(); ++i) out = std::max(out, std::abs(a[i] - b[i]));
    return out;
}

/// A small random llama whose matrices are in one format; its weights are what the blocks widen to.
template <class Format> struct quantized_llama {
    model_config config;
    std::string bytes;
    std::vector<memory_tensor> tensors;             ///< the same weights as F32, Hugging Face's names and order
    std::vector<std::unique_ptr<std::string>> held; ///< what `tensors` point at

    quantized_llama() {
        config.model_type = "llama";
        config.hidden_size = 256;
        config.intermediate_size = 256;
        config.num_hidden_layers = 1;
        config.num_attention_heads = 4;
        config.num_key_value_heads = 2;
        config.head_dim = 64;
        config.vocab_size = config.output_vocab_size = 40;
        config.max_position_embeddings = 64;
        config.rope_parameters = {};
        config.rope_parameters.max_position_embeddings = 64;
        gguf_writer w = test_support::gguf_of_config(config);
        const std::string layer = "model.layers.0.";
        matrix(w, "model.embed_tokens.weight", 40, 256);
        matrix(w, "lm_head.weight", 40, 256);
        matrix(w, layer + "self_attn.q_proj.weight", 256, 256);
        matrix(w, layer + "self_attn.k_proj.weight", 128, 256);
        matrix(w, layer + "self_attn.v_proj.weight", 128, 256);
        matrix(w, layer + "self_attn.o_proj.weight", 256, 256);
        for (const char* const p : {"gate_proj", "up_proj", "down_proj"})
            matrix(w, layer + "mlp." + p + ".weight", 256, 256);
        for (const std::string& n : {layer + "input_layernorm.weight", layer + "post_attention_layernorm.weight",
                                     std::string("model.norm.weight")}) {
            std::string ones;
            for (int i = 0; i < 256; ++i) ones += test_support::little_endian(1.0f);
            w.tensor(test_support::gguf_name(n), 0, {256}, ones);
            keep(n, {256}, ones);
        }
        bytes = w.bytes();
    }

    [[nodiscard]] std::string config_json() const {
        return R"({"model_type":"llama","hidden_size":256,"intermediate_size":256,"num_hidden_layers":1,)"
               R"("num_attention_heads":4,"num_key_value_heads":2,"head_dim":64,"vocab_size":40,"rms_norm_eps":1e-5,)"
               R"("max_position_embeddings":64,"tie_word_embeddings":false,"rope_theta":10000.0})";
    }

private:
    void keep(const std::string& name, std::vector<std::uint64_t> shape, std::string data) {
        held.push_back(std::make_unique<std::string>(std::move(data)));
        tensors.push_back({name, dtype::f32, std::move(shape), as_bytes(*held.back())});
    }
    void matrix(gguf_writer& w, const std::string& name, std::size_t rows, std::size_t cols) {
        std::vector<float> values(rows * cols);
        for (float& v : values) {
            state_ = state_ * 6364136223846793005u + 1442695040888963407u;
            v = (static_cast<float>(state_ >> 40) / 8388608.0f - 1.0f) * 0.2f;
        }
        std::string blocks(info_of<Format>.bytes(rows, cols), '\0');
        pack_rows(info_of<Format>, values.data(), rows, cols, reinterpret_cast<std::byte*>(blocks.data()));
        const weight_view<any_format> view(info_of<Format>, reinterpret_cast<const std::byte*>(blocks.data()), rows,
                                           cols);
        for (std::size_t r = 0; r < rows; ++r) unpack_row(view, r, values.data() + r * cols);
        keep(name, {rows, cols}, std::string(reinterpret_cast<const char*>(values.data()), values.size() * 4));
        if (name.find("q_proj") != std::string::npos || name.find("k_proj") != std::string::npos)
            blocks = test_support::rows_for_llama_cpp(blocks, rows, 64);
        const auto type = std::find_if(ggml_types.begin(), ggml_types.end(),
                                       [](const ggml_type& t) { return t.name == Format::name; });
        w.tensor(test_support::gguf_name(name), type->id, {cols, rows}, blocks);
    }

    std::uint64_t state_ = 7;
};

} // namespace

BOOST_AUTO_TEST_SUITE(gguf_sources)

BOOST_AUTO_TEST_CASE(names) {
    using detail::name_from_gguf;
    BOOST_TEST(name_from_gguf("token_embd.weight", "llama") == "model.embed_tokens.weight");
    BOOST_TEST(name_from_gguf("output.weight", "llama") == "lm_head.weight");
    BOOST_TEST(name_from_gguf("blk.12.attn_q.weight", "llama") == "model.layers.12.self_attn.q_proj.weight");
    BOOST_TEST(name_from_gguf("blk.0.attn_q.bias", "llama") == "model.layers.0.self_attn.q_proj.bias");
    BOOST_TEST(name_from_gguf("blk.0.attn_norm.weight", "llama") == "model.layers.0.input_layernorm.weight");
    BOOST_TEST(name_from_gguf("blk.0.attn_norm.weight", "apertus") == "model.layers.0.attention_layernorm.weight");
    BOOST_TEST(name_from_gguf("blk.0.ffn_norm.weight", "apertus") == "model.layers.0.feedforward_layernorm.weight");
    for (const char* const other : {"", "blk", "blk.", "blk.0", "blk.0.", "blk.0.attn_q", "blk.0.attn_q.",
                                    "blk.0.attn_q.scale", "blk..attn_q.weight", "blk.x.attn_q.weight",
                                    "blk.01.attn_q.weight", "blk.-1.attn_q.weight", "blk.99999999999.attn_q.weight",
                                    "blk.0.ffn_gate_exps.weight", "blk.0.attn_qkv.weight", "rope_freqs.weight"}) {
        BOOST_TEST(name_from_gguf(other, "llama") == "", other);
    }
}

BOOST_AUTO_TEST_CASE(a_gguf_computes_what_the_folder_computes) {
    for (const char* const name : {"v1_8b", "v11_05b", "v11_15b", "xielu_bare", "attention_bias", "mixed_types",
                                   "llama_3", "llama_tied", "llama_bias", "rope_linear", "d64_gqa8_f16", "odd_sizes"}) {
        BOOST_TEST_CONTEXT(name) {
            const std::string folder = source_path("tests/golden/" + std::string(name));
            const auto expected = logits_of(causal_lm::from_pretrained(folder));
            const std::string bytes = test_support::gguf_of_checkpoint(folder);
            const auto model = causal_lm::from_gguf(files_of(bytes));
            BOOST_TEST(model.surplus_tensors().empty());
            const float difference = largest_difference(logits_of(model), expected);
            // Divisors of rotary frequencies round differently from Llama 3's formula; without them nothing does.
            const bool scaled = model.config().rope_parameters.rope_type == rope_kind::longrope;
            BOOST_TEST(difference <= (scaled ? 1e-4f : 0.0f), difference);
        }
    }
}

BOOST_AUTO_TEST_CASE(every_source_gives_the_same_bits) {
    const std::string golden = source_path("tests/golden/llama_tied");
    const std::string bytes = test_support::gguf_of_checkpoint(golden);
    const auto expected = logits_of(causal_lm::from_gguf(files_of(bytes)));
    const test_support::temporary_folder folder;
    const std::string path = folder.write("model.gguf", bytes);
    load_options unmapped;
    unmapped.use_mmap = false;
    BOOST_TEST((logits_of(causal_lm::from_pretrained(path)) == expected));
    BOOST_TEST((logits_of(causal_lm::from_gguf(path)) == expected));
    BOOST_TEST((logits_of(causal_lm::from_gguf(path, unmapped)) == expected));
    std::vector<gguf_file> files;
    files.push_back(gguf_file::from_reader(
        [&](std::uint64_t offset, std::span<std::byte> out) {
            std::memcpy(out.data(), bytes.data() + offset, out.size());
        },
        bytes.size()));
    BOOST_TEST((logits_of(causal_lm::from_gguf(gguf_checkpoint(std::move(files)))) == expected));
}

BOOST_AUTO_TEST_CASE(block_formats_keep_their_bits) {
    using formats = type_list<gguf_q8_0, gguf_q4_0, gguf_q4_1, gguf_q5_0, gguf_q5_1, gguf_q4_k, gguf_q5_k, gguf_q6_k>;
    formats::for_each([]<class Format>() {
        BOOST_TEST_CONTEXT(Format::name) {
            const quantized_llama<Format> made;
            const auto model = causal_lm::from_gguf(files_of(made.bytes));
            BOOST_TEST(model.weight_format_name() == Format::name);
            const auto expected =
                logits_of(causal_lm::from_memory(made.config_json(), {}, checkpoint::from_tensors(made.tensors)));
            BOOST_TEST(largest_difference(logits_of(model), expected) < 1e-4f);
            load_options wide;
            wide.weights = wide.embedding_weights = "f32"; // and repacked on request
            const auto widened = causal_lm::from_gguf(files_of(made.bytes), wide);
            BOOST_TEST(widened.weight_format_name() == "F32");
            BOOST_TEST((logits_of(widened) == expected));
            load_options reference;
            reference.backend = "reference";
            BOOST_TEST(largest_difference(logits_of(causal_lm::from_gguf(files_of(made.bytes), reference)), expected) <
                       1e-4f);
            wide.weights = "int8";
            BOOST_TEST(largest_difference(logits_of(causal_lm::from_gguf(files_of(made.bytes), wide)), expected) <
                       1.0f);
        }
    });
}

BOOST_AUTO_TEST_CASE(block_formats_packed_into_a_cache) {
    using formats = type_list<gguf_q8_0, gguf_q4_0, gguf_q4_1, gguf_q5_0, gguf_q5_1, gguf_q4_k, gguf_q5_k, gguf_q6_k>;
    formats::for_each([]<class Format>() {
        const test_support::temporary_folder folder;
        const std::string path = folder.write("model.gguf", quantized_llama<Format>().bytes);
        for (const std::string weights : {"int8", "int4"}) {
            BOOST_TEST_CONTEXT(Format::name << " as " << weights) {
                load_options o;
                o.weights = weights;
                const auto expected = logits_of(causal_lm::from_pretrained(path, o));
                o.packed_cache = folder.path(weights);
                o.use_mmap = false;
                BOOST_TEST((logits_of(causal_lm::from_pretrained(path, o)) == expected)); // writes
                const auto old = std::filesystem::file_time_type::clock::now() - std::chrono::hours(1);
                std::filesystem::last_write_time(o.packed_cache, old);
                const auto stamp = std::filesystem::last_write_time(o.packed_cache);
                o.use_mmap = o.verify_packed_cache = true;
                BOOST_TEST((logits_of(causal_lm::from_pretrained(path, o)) == expected));
                BOOST_TEST((std::filesystem::last_write_time(o.packed_cache) == stamp)); // and reads
            }
        }
        for (const std::string& weights : {std::string("stored"), std::string(Format::name)}) { // nothing to pack
            load_options o;
            o.weights = weights;
            const auto expected = logits_of(causal_lm::from_pretrained(path, o));
            o.packed_cache = folder.path("stored");
            BOOST_TEST((logits_of(causal_lm::from_pretrained(path, o)) == expected));
            BOOST_TEST(!path_exists(o.packed_cache), Format::name);
        }
    });
}

BOOST_AUTO_TEST_CASE(what_is_refused) {
    const std::string golden = source_path("tests/golden/v11_05b");
    const model_config config = parse_config_json(read_file(golden + "/config.json"), "config.json");
    const auto message_of = [&](const gguf_writer& w, const model_config& c) {
        const std::string bytes = w.bytes();
        try {
            (void)gguf_source(std::make_shared<const gguf_checkpoint>(files_of(bytes)), c);
        } catch (const error& e) {
            return std::string(e.what());
        }
        return std::string("no error");
    };
    BOOST_TEST(
        message_of(gguf_writer().tensor("blk.0.ffn_up.weight", 10, {256, 1}, std::string(84, 'x')), config) ==
        "m.gguf: tensor 'blk.0.ffn_up.weight': expected type F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, "
        "Q5_K, Q6_K, found Q2_K");
    BOOST_TEST(message_of(gguf_writer().tensor("blk.0.ffn_norm.weight", 8, {32}, std::string(34, 'x')), config) ==
               "m.gguf: tensor 'blk.0.ffn_norm.weight': expected type F32, F16, BF16 (not a matrix), found Q8_0");
    BOOST_TEST(message_of(gguf_writer().tensor("other", 10, {256, 1}, std::string(84, 'x')), config) == "no error");
    BOOST_TEST(message_of(gguf_writer().add_numbers("xielu.alpha_p", std::vector<float>(1)), config) ==
               "m.gguf: metadata 'xielu.alpha_p': expected " + std::to_string(config.num_hidden_layers) +
                   " numbers, one per layer, found an array of 1 float32");
    BOOST_TEST(message_of(gguf_writer().add("xielu.alpha_p", "much"), config) ==
               "m.gguf: metadata 'xielu.alpha_p': expected a number, found string 'much'");
    model_config llama = config;
    llama.model_type = "llama";
    llama.hidden_act = "silu";
    llama.head_dim = 4;
    BOOST_TEST(message_of(gguf_writer().tensor("blk.0.attn_q.weight", 0, {1, 6}, std::string(24, 'x')), llama) ==
               "m.gguf: tensor 'blk.0.attn_q.weight': expected rows that are a multiple of 4, the length of a head, "
               "found 6");
}

BOOST_AUTO_TEST_CASE(tensors_that_are_missing_or_too_many) {
    const std::string golden = source_path("tests/golden/v11_05b");
    const std::string config_path = golden + "/config.json";
    const model_config config = parse_config_json(read_file(config_path), config_path);
    gguf_writer w = test_support::gguf_of_config(config);
    const std::size_t cells = config.vocab_size * config.hidden_size;
    w.tensor("token_embd.weight", 1, {config.hidden_size, config.vocab_size}, std::string(2 * cells, '\0'));
    const std::string bytes = w.bytes();
    BOOST_CHECK_EXCEPTION((void)causal_lm::from_gguf(files_of(bytes)), error, [](const error& e) {
        BOOST_TEST((std::string_view(e.what()).find("missing tensor(s): model.layers.0.mlp.act_fn.alpha_p") !=
                    std::string_view::npos),
                   e.what());
        return e.category() == error_category::format;
    });
}

BOOST_AUTO_TEST_SUITE_END()
