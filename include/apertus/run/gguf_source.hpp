// SPDX-License-Identifier: Apache-2.0
//
// A GGUF file as the weight source that the loader of room `model` reads from: tensors under their Hugging Face names
// ("blk.3.attn_q.weight" is "model.layers.3.self_attn.q_proj.weight"), block formats by their names in `weight_formats`,
// xIELU's parameters from the metadata arrays xielu.* as tensors of one element.
// llama.cpp's rotary embedding pairs neighbouring rows of a head, ours pairs the two halves; files of architecture llama
// have the rows of q_proj and k_proj in its order (row 2 i + h of a head is our row h K/2 + i), so they are put back
// while reading, as whole rows, whatever their format. Files of architecture apertus have our order.
#pragma once

#include <apertus/arch/all.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/core/weight_format.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/model/config.hpp>
#include <apertus/model/weight_source.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// GGUF's and Hugging Face's name of what a layer has; the two norms have the architecture's names.
inline constexpr std::array<std::pair<std::string_view, std::string_view>, 9> gguf_layer_names{{
    {"attn_q", "self_attn.q_proj"},
    {"attn_k", "self_attn.k_proj"},
    {"attn_v", "self_attn.v_proj"},
    {"attn_output", "self_attn.o_proj"},
    {"attn_q_norm", "self_attn.q_norm"},
    {"attn_k_norm", "self_attn.k_norm"},
    {"ffn_gate", "mlp.gate_proj"},
    {"ffn_up", "mlp.up_proj"},
    {"ffn_down", "mlp.down_proj"},
}};

/// The Hugging Face name of a tensor of a GGUF file of that architecture, or an empty string.
[[nodiscard]] inline std::string name_from_gguf(std::string_view name, std::string_view model_type) {
    if (name == "token_embd.weight") return "model.embed_tokens.weight";
    if (name == "output_norm.weight") return "model.norm.weight";
    if (name == "output.weight") return "lm_head.weight";
    constexpr std::string_view block = "blk.";
    if (!name.starts_with(block)) return {};
    name.remove_prefix(block.size());
    const std::string_view layer = name.substr(0, name.find('.'));
    name.remove_prefix(std::min(name.size(), layer.size() + 1));
    const std::string_view part = name.substr(0, name.find('.'));
    const std::string_view kind = name.substr(std::min(name.size(), part.size() + 1));
    if (kind != "weight" && kind != "bias") return {};
    unsigned number = 0;
    const auto parsed = std::from_chars(layer.data(), layer.data() + layer.size(), number);
    if (parsed.ec != std::errc{} || std::to_string(number) != layer) return {};
    std::string_view ours;
    for (const auto& [theirs, hf] : gguf_layer_names) {
        if (part == theirs) ours = hf;
    }
    architectures::for_each([&]<class Arch>() {
        if (model_type != Arch::model_type) return;
        if (part == "attn_norm") ours = Arch::attention_norm;
        if (part == "ffn_norm") ours = Arch::feedforward_norm;
    });
    if (ours.empty()) return {};
    return "model.layers." + std::string(layer) + "." + std::string(ours) + "." + std::string(kind);
}

} // namespace detail

class gguf_source final : public weight_source {
public:
    /// `config` is the one of the same files (config_from_gguf). Throws error(format) for a tensor that the model uses
    /// and whose type no weight format has, and for xIELU parameters that are not one per layer.
    gguf_source(std::shared_ptr<const gguf_checkpoint> files, const model_config& config) : files_(std::move(files)) {
        for (const gguf_checkpoint::tensor& t : files_->tensors()) add_stored(t, config);
        if (config.hidden_act == "xielu") {
            for (const char* const name : {"alpha_p", "alpha_n", "beta", "eps"}) add_scalars(name, config);
        }
        std::sort(entries_.begin(), entries_.end(), [](const entry& a, const entry& b) { return a.name < b.name; });
    }

    [[nodiscard]] std::optional<source_tensor> find(std::string_view name) const override {
        const entry* const e = lookup(name);
        if (e == nullptr) return std::nullopt;
        source_tensor out = e->tensor;
        if (e->stored.info != nullptr && e->head_rows == 0 && e->stored.file->zero_copy()) {
            out.bytes = e->stored.file->view(*e->stored.info);
        }
        return out;
    }

    void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const override {
        const entry& e = *lookup(name);
        if (e.stored.info == nullptr) {
            std::memcpy(out.data(), &e.scalar, sizeof e.scalar);
        } else if (e.head_rows == 0) {
            e.stored.file->read(*e.stored.info, out, offset);
        } else {
            read_heads(e, out);
        }
    }

    [[nodiscard]] bool reads_pieces(std::string_view name) const noexcept override {
        const entry& e = *lookup(name);
        return e.stored.info != nullptr && e.head_rows == 0 && e.stored.file->reads_side_by_side();
    }

    void done_with(std::string_view name) const noexcept override {
        const entry* const e = lookup(name);
        if (e == nullptr || e->stored.info == nullptr || !e->stored.file->is_mapped()) return;
        advise_mapped(e->stored.file->view(*e->stored.info), file_access::dont_need);
    }

    /// Hugging Face names; tensors that have none (no model here uses them) go by their names in the file.
    [[nodiscard]] std::vector<std::string> names() const override {
        std::vector<std::string> out;
        out.reserve(entries_.size());
        for (const entry& e : entries_) out.push_back(e.name);
        return out;
    }
    [[nodiscard]] std::string name() const override { return files_->name(); }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return files_; }

private:
    struct entry {
        std::string name;
        source_tensor tensor;
        gguf_checkpoint::tensor stored{};
        std::size_t head_rows = 0; ///< rows of a head that are in llama.cpp's order; 0: nothing to put back
        float scalar = 0.0F;       ///< when nothing is stored
    };

    [[nodiscard]] const entry* lookup(std::string_view name) const noexcept {
        const auto at = std::lower_bound(entries_.begin(), entries_.end(), name,
                                         [](const entry& e, std::string_view n) { return e.name < n; });
        return at == entries_.end() || at->name != name ? nullptr : &*at;
    }

    void add_stored(const gguf_checkpoint::tensor& t, const model_config& config) {
        if (t.info->name == "rope_freqs.weight") return; // part of the configuration
        entry e;
        e.name = detail::name_from_gguf(t.info->name, config.model_type);
        e.stored = t;
        e.tensor.byte_size = t.info->size_bytes();
        e.tensor.shape.assign(t.info->shape.begin(), t.info->shape.end());
        if (e.name.empty()) { // nobody will ask for its elements
            e.name = t.info->name;
            e.tensor.type = dtype::u8;
        } else {
            set_type(e.tensor, t);
            const bool rotated =
                e.name.find(".q_proj.") != std::string::npos || e.name.find(".k_proj.") != std::string::npos;
            if (rotated && config.model_type == "llama") e.head_rows = config.head_dim;
            if (e.head_rows != 0 && (e.tensor.shape.empty() || e.tensor.shape[0] % e.head_rows != 0)) {
                fail(error_category::shape, t.file->document(), "tensor " + quoted(t.info->name, 200),
                     "rows that are a multiple of " + std::to_string(e.head_rows) + ", the length of a head",
                     e.tensor.shape.empty() ? "a scalar" : std::to_string(e.tensor.shape[0]));
            }
        }
        entries_.push_back(std::move(e));
    }

    static void set_type(source_tensor& out, const gguf_checkpoint::tensor& t) {
        const ggml_type& type = t.info->type;
        for (const dtype element : {dtype::f32, dtype::f16, dtype::bf16}) {
            if (type.name == to_string(element)) {
                out.type = element;
                return;
            }
        }
        std::string known = "F32, F16, BF16";
        const bool matrix = t.info->shape.size() == 2;
        if (matrix) {
            weight_formats::for_each([&]<class Format>() {
                const format_info& f = info_of<Format>;
                if (f.block_rows != 1 || f.block_size == 1 || !is_ggml_name(f.name)) return;
                known.append(", ").append(f.name);
                if (f.name == type.name && f.block_size == type.block_size && f.block_bytes == type.block_bytes) {
                    out.format = &f;
                }
            });
        }
        if (out.format != nullptr) return;
        fail(error_category::format, t.file->document(), "tensor " + quoted(t.info->name, 200),
             "type " + known + (matrix ? "" : " (not a matrix)"), type.name);
    }
    [[nodiscard]] static constexpr bool is_ggml_name(std::string_view name) noexcept {
        for (const ggml_type& type : ggml_types) {
            if (type.name == name) return true;
        }
        return false;
    }

    /// One element per layer from a metadata array, or the same for all from a number.
    void add_scalars(std::string_view name, const model_config& config) {
        const std::string key = "xielu." + std::string(name);
        const gguf_metadata& m = files_->metadata();
        const gguf_value* const value = m.find(key);
        if (value == nullptr) return; // the loader knows which ones it cannot do without
        const gguf_array* const list = value->type == gguf_type::array ? m.numbers(key) : nullptr;
        if (list != nullptr && list->size() != config.num_hidden_layers) {
            m.bad(key, std::to_string(config.num_hidden_layers) + " numbers, one per layer", describe(*value));
        }
        for (std::size_t l = 0; l < config.num_hidden_layers; ++l) {
            entry e;
            e.name = "model.layers." + std::to_string(l) + ".mlp.act_fn." + std::string(name);
            e.tensor.shape = {1};
            e.tensor.byte_size = sizeof(float);
            e.scalar = static_cast<float>(list != nullptr ? list->number(l) : *m.number(key));
            entries_.push_back(std::move(e));
        }
    }

    /// The rows of every head from llama.cpp's order into ours.
    static void read_heads(const entry& e, std::span<std::byte> out) {
        const gguf_tensor& info = *e.stored.info;
        const std::size_t rows = e.tensor.shape[0], half = e.head_rows / 2;
        const std::size_t row_bytes = rows == 0 ? 0 : out.size() / rows;
        const std::size_t head_bytes = e.head_rows * row_bytes;
        std::vector<std::byte> copy;
        for (std::size_t begin = 0; begin < out.size(); begin += head_bytes) {
            std::span<const std::byte> from;
            if (e.stored.file->zero_copy()) {
                from = e.stored.file->view(info).subspan(begin, head_bytes);
            } else {
                copy.resize(head_bytes);
                e.stored.file->read(info, copy, begin);
                from = copy;
            }
            for (std::size_t i = 0; i < half; ++i) {
                for (std::size_t h = 0; h < 2; ++h) {
                    std::memcpy(out.data() + begin + (h * half + i) * row_bytes, from.data() + (2 * i + h) * row_bytes,
                                row_bytes);
                }
            }
        }
    }

    std::shared_ptr<const gguf_checkpoint> files_;
    std::vector<entry> entries_; // sorted by name
};

APERTUS_END_NAMESPACE
