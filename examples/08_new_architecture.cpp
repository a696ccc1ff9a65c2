// SPDX-License-Identifier: Apache-2.0
//
// Adding an architecture: a page of answers. This one is Qwen3's: Llama's gated MLP and names, with Apertus's QK-norm.
// The decoder, the loader and the session are the library's. (To open such folders, add it to `architectures` in
// arch/all.hpp and its model_type to run/config_json.hpp.)
#include <apertus/backend/cpu.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/model/session.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <map>
#include <memory>
#include <string>
#include <vector>

struct qwen3_architecture {
    static constexpr std::string_view model_type = "qwen3";
    static constexpr bool qk_norm = true;
    static constexpr std::string_view attention_norm = "input_layernorm";
    static constexpr std::string_view feedforward_norm = "post_attention_layernorm";
    template <apertus::weight_format Format, class Activation, class Space>
    using mlp = apertus::gated_mlp<Format, Activation, Space>;
};
static_assert(apertus::architecture<qwen3_architecture>);

// A checkpoint made up on the spot: any tensor that is asked for exists, in the shape that the name calls for.
class made_up_checkpoint final : public apertus::weight_source {
public:
    explicit made_up_checkpoint(const apertus::model_config& c) {
        const std::size_t d = c.hidden_size, f = c.intermediate_size, k = c.head_dim;
        const std::size_t q = c.num_attention_heads * k, kv = c.num_key_value_heads * k;
        add("model.embed_tokens.weight", {c.vocab_size, d});
        add("model.norm.weight", {d});
        add("lm_head.weight", {c.vocab_size, d});
        for (std::size_t l = 0; l < c.num_hidden_layers; ++l) {
            const std::string p = "model.layers." + std::to_string(l) + ".";
            for (const char* norm : {"input_layernorm", "post_attention_layernorm"}) add(p + norm + ".weight", {d});
            for (const char* norm : {"q_norm", "k_norm"}) add(p + "self_attn." + norm + ".weight", {k});
            add(p + "self_attn.q_proj.weight", {q, d});
            add(p + "self_attn.k_proj.weight", {kv, d});
            add(p + "self_attn.v_proj.weight", {kv, d});
            add(p + "self_attn.o_proj.weight", {d, q});
            add(p + "mlp.gate_proj.weight", {f, d});
            add(p + "mlp.up_proj.weight", {f, d});
            add(p + "mlp.down_proj.weight", {d, f});
        }
    }
    [[nodiscard]] std::optional<apertus::source_tensor> find(std::string_view name) const override {
        const auto at = tensors_.find(std::string(name));
        if (at == tensors_.end()) return std::nullopt;
        const auto bytes = std::as_bytes(std::span(at->second.values));
        return apertus::source_tensor{apertus::dtype::f32, at->second.shape, bytes, bytes.size()};
    }
    void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
        const auto bytes = std::as_bytes(std::span(tensors_.at(std::string(name)).values));
        std::memcpy(out.data(), bytes.data() + offset, out.size());
    }
    [[nodiscard]] std::vector<std::string> names() const override {
        std::vector<std::string> out;
        for (const auto& [name, t] : tensors_) out.push_back(name);
        return out;
    }
    [[nodiscard]] std::string name() const override { return "made-up checkpoint"; }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return nullptr; }

private:
    struct tensor {
        std::vector<std::size_t> shape;
        std::vector<float> values;
    };
    void add(const std::string& name, std::vector<std::size_t> shape) {
        std::size_t n = 1;
        for (const std::size_t e : shape) n *= e;
        std::vector<float> values(n);
        for (std::size_t i = 0; i < n; ++i) {
            values[i] = shape.size() == 1 ? 1.0f : 0.2f * std::sin(static_cast<float>(i * i % 1009 + name.size()));
        }
        tensors_[name] = {std::move(shape), std::move(values)};
    }
    std::map<std::string, tensor> tensors_;
};

int main() {
    apertus::model_config config;
    config.vocab_size = config.output_vocab_size = 64;
    config.hidden_size = 32;
    config.intermediate_size = 48;
    config.num_hidden_layers = 2;
    config.num_attention_heads = 4;
    config.num_key_value_heads = 2;
    config.head_dim = 8;
    config.hidden_act = "silu";

    const made_up_checkpoint checkpoint(config);
    using format = apertus::dense<float>;
    const auto model = apertus::load_decoder<qwen3_architecture, format>(config, checkpoint);
    apertus::session<apertus::decoder<qwen3_architecture, format>, apertus::cpu_backend> session(
        model, apertus::cpu_backend{});

    std::vector<std::int32_t> ids{1, 2, 3};
    for (int i = 0; i < 8; ++i) {
        const apertus::segment step{0, std::span(ids).subspan(session.length(0))};
        const auto logits = session.forward(std::span(&step, 1)).flat();
        ids.push_back(static_cast<std::int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin()));
    }
    for (const std::int32_t id : ids) std::printf("%d ", id);
    std::printf("\n");
    return ids.size() == 11 ? 0 : 1;
}
