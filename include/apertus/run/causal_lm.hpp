// SPDX-License-Identifier: Apache-2.0
//
// Open a Hugging Face folder, get a model: `causal_lm::from_pretrained(folder)`. One type for every architecture, weight
// format and backend; the templates are chosen once, here (run/load_model.hpp), and are static below.
// The model is immutable and may be shared by any number of threads; each session is for one thread at a time.
#pragma once

#include <apertus/core/executor.hpp>
#include <apertus/generate/generate.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/io/checkpoint.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/model/config.hpp>
#include <apertus/model/importance_matrix.hpp>
#include <apertus/model/memory_plan.hpp>
#include <apertus/model/weight_source.hpp>
#include <apertus/run/session_handle.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// How a model is loaded. Everything has a default that suits a program that just wants to run.
struct load_options {
    /// What the matrices are kept in: "f32", "f16", "bf16", "int8", "int4" or another name of `weight_formats`, packed
    /// while loading; "stored": as they are in the checkpoint; "auto": as stored if the memory that is available now can
    /// hold that, otherwise int8, otherwise int4.
    std::string weights = "auto";
    std::string head_weights{};      ///< the same for the head; empty: like `weights`, but int8 with int4
    std::string embedding_weights{}; ///< the same for the embedding, unless it is the head; empty: as stored
    std::string backend = "cpu";     ///< "cpu", or "reference" (plain loops, slow, for comparison)
    std::string isa{};               ///< "baseline", "avx2", "avx512_vnni" ... (simd/isa.hpp); empty: the best here
    /// "strict": the same bits for a row alone or among others; "fast": see apertus::exactness; empty: strict wherever that
    /// costs under 5 % of the speed, which is everywhere but on amx.
    std::string exactness{};
    std::string kv_cache = "f32"; ///< cached keys and values: "f32" (exact), "bf16" or "f16" (half), "int8" (a quarter)
    /// What int4 goes by when it packs (run/importance_file.hpp reads one from a file); null: all columns are alike.
    std::shared_ptr<const importance_matrix> importance{};
    std::optional<any_executor> executor{}; ///< who runs the threads; not set: a pool of our own
    std::size_t threads = 0;                ///< of the default executor; 0: as many as the hardware has
    bool use_mmap = true;                   ///< map the files; false: read them into memory of our own
    bool prefault = true;                   ///< touch every mapped page now instead of during the first tokens
    /// A file for the packed matrices; empty: none. When it fits (same source files, formats, importance) it is mapped
    /// and nothing is packed; when it is missing or does not fit it is written after packing. Only for models from
    /// files. A damaged file is an error(format), one that cannot be written an error(io). See run/packed_cache.hpp.
    std::string packed_cache{};
    bool verify_packed_cache =
        false; ///< check every byte of it, which costs reading it once; the table is always checked
    std::function<void(const load_progress&)> progress{};
    cancellation cancel{};
};

/// How an importance matrix is measured.
struct importance_options {
    std::size_t tokens = 4096; ///< the most that are computed
    std::size_t window = 512;  ///< longer texts are cut into pieces of that many tokens, each computed on its own
    std::uint64_t seed = 1;    ///< of the text that the model writes when it is given none
    cancellation cancel{};
    std::function<void(std::size_t done, std::size_t total)> progress{}; ///< in tokens; not while it writes
};

#ifdef APERTUS_SEPARATE_COMPILATION
extern template generation_result generate<session_handle>(session_handle&, std::span<const prompt>,
                                                           const generation_config&, const generate_options&);
#endif

namespace detail {

/// What a loaded model offers, whatever it is made of.
class model_interface {
public:
    model_interface() = default;
    model_interface(const model_interface&) = delete;
    model_interface& operator=(const model_interface&) = delete;
    virtual ~model_interface() = default;
    [[nodiscard]] virtual const model_config& config() const = 0;
    [[nodiscard]] virtual std::size_t vocab_size() const = 0;
    [[nodiscard]] virtual std::size_t bytes_per_token() const = 0;
    [[nodiscard]] virtual std::string_view weight_format_name() const = 0;
    [[nodiscard]] virtual std::string backend_name() const = 0;
    [[nodiscard]] virtual const std::vector<std::string>& surplus_tensors() const = 0;
    [[nodiscard]] virtual memory_plan plan(const session_options&) const = 0;
    [[nodiscard]] virtual std::unique_ptr<session_interface> new_session(const session_options&) const = 0;
    [[nodiscard]] virtual importance_matrix measure_importance(std::span<const std::vector<std::int32_t>>,
                                                               const importance_options&) const = 0;
};

// In run/load_model.hpp, as is what opens a model below.
APERTUS_DECLARATION [[nodiscard]] std::shared_ptr<const model_interface>
load_model(const model_config&, const weight_source&, const load_options&, const std::string& identity);

} // namespace detail

/// A causal language model.
class causal_lm {
public:
    /// Opens a folder with config.json, model.safetensors (or its shards and index) and, if present,
    /// generation_config.json; or a GGUF file, when the name ends with ".gguf" (see from_gguf). Throws error(io, format,
    /// config, shape, resource, backend or cancelled).
    APERTUS_DECLARATION [[nodiscard]] static causal_lm from_pretrained(const std::string& folder,
                                                                       const load_options& options = {});

    /// The same from memory or a reader: the text of config.json, the text of generation_config.json (may be empty), and
    /// tensors (`checkpoint::from_bytes`, `from_files` with a reader callback, `from_tensors`).
    APERTUS_DECLARATION [[nodiscard]] static causal_lm from_memory(std::string_view config_json,
                                                                   std::string_view generation_config_json,
                                                                   checkpoint tensors,
                                                                   const load_options& options = {});

    /// A GGUF file of architecture apertus or llama; of several shards, the first. With `weights` "auto" or "stored"
    /// matrices are kept in the file's own formats (Q4_K, Q8_0, ...), any other name repacks them. Throws as above.
    APERTUS_DECLARATION [[nodiscard]] static causal_lm from_gguf(const std::string& path,
                                                                 const load_options& options = {});
    /// The same for files in memory or behind a reader (gguf_file::from_bytes, from_reader).
    APERTUS_DECLARATION [[nodiscard]] static causal_lm from_gguf(gguf_checkpoint files,
                                                                 const load_options& options = {});

    [[nodiscard]] const model_config& config() const { return model_->config(); }
    /// generation_config.json, or the generation keys of config.json in a folder without one.
    [[nodiscard]] const generation_config& default_generation_config() const { return generation_; }
    /// Logits per position (rows of the head).
    [[nodiscard]] std::size_t vocab_size() const { return model_->vocab_size(); }
    /// Bytes of weights that decoding one token reads: all but the rows of the embedding that it does not look up.
    [[nodiscard]] std::size_t bytes_per_token() const { return model_->bytes_per_token(); }
    /// What the matrices are kept in, the one with the most bytes first: "BF16", "int4 + int8 + BF16".
    [[nodiscard]] std::string_view weight_format_name() const { return model_->weight_format_name(); }
    /// Such as "cpu (avx512, 2 threads)".
    [[nodiscard]] std::string backend_name() const { return model_->backend_name(); }
    /// Tensors of the checkpoint that the model does not use.
    [[nodiscard]] const std::vector<std::string>& surplus_tensors() const { return model_->surplus_tensors(); }
    /// Bytes that the weights and a session with these options take, before anything is allocated.
    [[nodiscard]] memory_plan plan(const session_options& options) const { return model_->plan(options); }
    /// Throws error(config) for impossible options, error(resource) without memory.
    [[nodiscard]] session_handle new_session(const session_options& options = {}) const {
        return session_handle(model_->new_session(options));
    }

    /// How many prompts `generate` works on at once; more wait for a free sequence.
    static constexpr std::size_t max_generate_sequences = 32;

    /// Generates after each prompt (ids, a batch may be ragged) in a session of its own that is just large enough.
    /// `call` goes over the model's defaults. See generate/generate.hpp.
    APERTUS_DECLARATION [[nodiscard]] generation_result generate(std::span<const prompt> prompts,
                                                                 const generation_config& call = {},
                                                                 const generate_options& options = {}) const;
    APERTUS_DECLARATION [[nodiscard]] generation_result generate(std::span<const std::int32_t> ids,
                                                                 const generation_config& call = {},
                                                                 const generate_options& options = {}) const;

    /// How much each input of each matrix matters, over these texts (token ids), or without any over text that the model
    /// writes itself, from bos_token_id at temperature 1. Best of a model whose weights are kept as they are stored; for
    /// `load_options::importance` of the next load. Throws error(config) for options of 0 or no text, error(shape) for ids
    /// that the model does not have, error(cancelled), error(resource).
    APERTUS_DECLARATION [[nodiscard]] importance_matrix
    measure_importance(std::span<const std::vector<std::int32_t>> texts = {},
                       const importance_options& options = {}) const;

private:
    causal_lm(std::shared_ptr<const detail::model_interface> model, generation_config generation)
        : model_(std::move(model)), generation_(std::move(generation)) {}

    std::shared_ptr<const detail::model_interface> model_;
    generation_config generation_;
};

/// Hugging Face's name for it.
using auto_model_for_causal_lm = causal_lm;

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/run/causal_lm_definitions.hpp>
#endif
