// SPDX-License-Identifier: Apache-2.0
//
// Where the templates are chosen: architecture by config.json, weight format by the checkpoint or the caller, backend by
// the caller. The only header that sees them all. With APERTUS_SEPARATE_COMPILATION defined, programs see declarations
// only (this header is empty for them) and one translation unit includes <apertus/src.hpp>.
#pragma once

#include <apertus/run/causal_lm.hpp>

#ifndef APERTUS_DECLARATIONS_ONLY

#include <apertus/arch/all.hpp>
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/format/kv_formats.hpp>
#include <apertus/model/input_squares.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/model/session.hpp>
#include <apertus/run/checkpoint_source.hpp>
#include <apertus/run/config_json.hpp>
#include <apertus/run/generation_config_json.hpp>
#include <apertus/run/gguf_config.hpp>
#include <apertus/run/gguf_source.hpp>
#include <apertus/run/packed_cache.hpp>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

template <class Decoder, backend Backend> class loaded_model final : public model_interface {
public:
    using session_type = session<Decoder, Backend>;

    loaded_model(std::shared_ptr<const Decoder> model, Backend b, std::string backend_name,
                 const kv_format_info& kv_format)
        : model_(std::move(model)), backend_(std::move(b)), backend_name_(std::move(backend_name)),
          kv_format_(&kv_format) {}

    [[nodiscard]] const model_config& config() const override { return model_->config; }
    [[nodiscard]] std::size_t vocab_size() const override { return model_->vocab_size(); }
    [[nodiscard]] std::size_t bytes_per_token() const override { return model_->bytes_per_token(); }
    [[nodiscard]] std::string_view weight_format_name() const override { return model_->format_names; }
    [[nodiscard]] std::string backend_name() const override { return backend_name_; }
    [[nodiscard]] const std::vector<std::string>& surplus_tensors() const override { return model_->surplus; }
    [[nodiscard]] memory_plan plan(const session_options& o) const override {
        return session_type::plan(*model_, complete(o));
    }
    [[nodiscard]] std::unique_ptr<session_interface> new_session(const session_options& o) const override {
        return std::make_unique<session_holder<session_type>>(model_, backend_, complete(o));
    }
    [[nodiscard]] importance_matrix measure_importance(std::span<const std::vector<std::int32_t>> windows,
                                                       const importance_options& o) const override {
        constexpr std::size_t rows = 64; // logits of as many are in memory at once: the head's inputs count too
        session_options s;
        std::size_t total = 0;
        for (const auto& w : windows) {
            total += w.size();
            s.max_length = std::max(w.size(), &w == &windows.front() ? 1 : s.max_length);
        }
        s.prefill_chunk = rows;
        const auto squares = std::make_shared<input_squares>(model_->matrices);
        using measuring = measuring_backend<Backend>;
        session<Decoder, measuring> session(model_, measuring(backend_, squares), s);
        std::size_t done = 0;
        for (const auto& w : windows) {
            session.truncate(0, 0);
            for (std::size_t first = 0; first < w.size(); first += rows) {
                const auto ids = std::span(w).subspan(first, std::min(rows, w.size() - first));
                const segment step{0, ids, {}, logits_for::all};
                session.forward(std::span(&step, 1), o.cancel);
                done += ids.size();
                if (o.progress) o.progress(done, total);
            }
        }
        return squares->means("importance matrix", total);
    }

private:
    [[nodiscard]] session_options complete(session_options o) const noexcept {
        if (o.kv_format == nullptr) o.kv_format = kv_format_;
        return o;
    }

    std::shared_ptr<const Decoder> model_;
    Backend backend_;
    std::string backend_name_;
    const kv_format_info* kv_format_;
};

[[nodiscard]] inline any_executor executor_of(const load_options& o) {
    return o.executor ? *o.executor : any_executor(o.threads);
}

/// The last choice: the backend.
template <class Decoder>
[[nodiscard]] std::shared_ptr<const model_interface> choose_backend(std::shared_ptr<const Decoder> model,
                                                                    const load_options& o) {
    const kv_format_info* cache = find_kv_format(o.kv_cache);
    if (cache == nullptr)
        fail(error_category::config, "load options", "kv_cache", "one of " + kv_format_names(), quoted(o.kv_cache));
    if (o.backend == "reference") {
        return std::make_shared<loaded_model<Decoder, reference_backend>>(std::move(model), reference_backend{},
                                                                          "reference", *cache);
    }
    if (o.backend != "cpu")
        fail(error_category::backend, "load options", "backend", "cpu or reference", quoted(o.backend));
    const any_executor threads = executor_of(o);
    cpu_options options;
    if (!o.isa.empty()) {
        options.isa = cpu_isa_from_string(o.isa);
        if (!options.isa)
            fail(error_category::backend, "load options", "isa",
                 "baseline, avx2, avx2_vnni, avx512, avx512_vnni or amx", quoted(o.isa));
    }
    if (o.exactness.empty()) {
        options.exact = choose_cpu_isa(options.isa) == cpu_isa::amx ? exactness::fast : exactness::strict;
    } else if (o.exactness == "fast") {
        options.exact = exactness::fast;
    } else if (o.exactness != "strict") {
        fail(error_category::config, "load options", "exactness", "strict or fast", quoted(o.exactness));
    }
    const cpu_backend cpu(threads, options);
    const std::string name =
        "cpu (" + std::string(to_string(cpu.isa())) + ", " + std::to_string(threads.concurrency()) + " threads)";
    return std::make_shared<loaded_model<Decoder, cpu_backend>>(std::move(model), cpu, name, *cache);
}

/// The format of that name; null for an empty one. Throws error(config).
[[nodiscard]] inline const format_info* format_option(std::string_view option, const std::string& name) {
    if (name.empty()) return nullptr;
    const format_info* found = find_format(name);
    if (found == nullptr)
        fail(error_category::config, "load options", option, "one of " + format_names(), quoted(name));
    return found;
}

/// Bytes that the machine can give without swapping, or nothing where it does not say (Linux: /proc/meminfo).
[[nodiscard]] inline std::optional<std::uint64_t> available_memory() {
    constexpr std::string_view meminfo = "/proc/meminfo";
    constexpr std::string_view key = "MemAvailable:";
    if (!path_exists(std::string(meminfo))) return std::nullopt;
    const std::string text = read_file(std::string(meminfo), std::uint64_t{1} << 20);
    const std::size_t at = text.find(key);
    if (at == std::string::npos) return std::nullopt;
    std::uint64_t kib = 0;
    const char* first = text.data() + at + key.size();
    const char* const last = text.data() + text.size();
    while (first != last && *first == ' ') ++first;
    if (std::from_chars(first, last, kib).ec != std::errc{}) return std::nullopt;
    return kib * 1024;
}

/// The format for "auto": null (as stored) while the matrices leave a fifth of the available memory to everything else.
[[nodiscard]] inline const format_info* fitting_format(const weight_source& source) {
    const std::optional<std::uint64_t> available = available_memory();
    std::uint64_t stored = 0;
    std::uint64_t elements = 0;
    for (const std::string& name : source.names()) {
        const source_tensor t = *source.find(name);
        stored += t.byte_size;
        std::uint64_t count = 1;
        for (const std::size_t n : t.shape) count *= n;
        elements += count;
    }
    const auto fits = [&](std::uint64_t bytes) { return !available || bytes <= *available / 5 * 4; };
    if (fits(stored)) return nullptr;
    return fits(elements / (int8::block_rows * int8::block_size) * sizeof(int8::block)) ? &info_of<int8>
                                                                                        : &info_of<int4>;
}

/// What the matrices are kept in. A caller who names only `weights` means the layers and the head, but four-bit layers
/// get an eight-bit head: it is 7 to 15 % of the bytes, and every logit is one of its rows. The embedding is looked up,
/// not multiplied, so it stays as it is stored unless it is named.
[[nodiscard]] inline weight_choice choose_weights(const weight_source& source, const load_options& o) {
    weight_choice out;
    out.importance = o.importance.get();
    if (o.weights == "auto") out.layers = fitting_format(source);
    else if (o.weights != "stored") out.layers = format_option("weights", o.weights);
    out.head = format_option("head_weights", o.head_weights);
    out.embedding = format_option("embedding_weights", o.embedding_weights);
    if (out.head == nullptr) out.head = out.layers == &info_of<int4> ? &info_of<int8> : out.layers;
    return out;
}

/// From the packed cache where there is one that fits; otherwise from the source, and then the cache is written.
template <architecture Arch>
[[nodiscard]] std::shared_ptr<const model_interface>
load_with_cache(const model_config& config, const weight_source& source, const load_control& control,
                const weight_choice& choice, const load_options& o, const std::string& identity) {
    const packed_cache cache(o.packed_cache, identity, choice);
    std::optional<packed_source> packed;
    if (auto file = cache.open(o.use_mmap)) {
        if (o.verify_packed_cache) file->verify(control.executor, control.cancel);
        packed.emplace(source, std::move(file));
    }
    const weight_source& from = packed ? static_cast<const weight_source&>(*packed) : source;
    const auto model = load_decoder<Arch, any_format>(config, from, control, choice);
    if (!packed) {
        std::vector<named_matrix> made;
        std::copy_if(model->matrices.begin(), model->matrices.end(), std::back_inserter(made),
                     [](const named_matrix& m) { return m.packed; });
        if (!made.empty()) cache.write(std::move(made), control.executor, control.cancel);
    }
    return choose_backend(model, o);
}

template <architecture Arch>
[[nodiscard]] std::shared_ptr<const model_interface>
load_architecture(const model_config& config, const weight_source& source, const load_options& o,
                  const std::string& identity) {
    const load_control control{o.progress, o.cancel, executor_of(o), o.prefault};
    const weight_choice choice = choose_weights(source, o);
    if (!o.packed_cache.empty()) return load_with_cache<Arch>(config, source, control, choice, o, identity);
    return choose_backend(load_decoder<Arch, any_format>(config, source, control, choice), o);
}

APERTUS_DEFINITION std::shared_ptr<const model_interface> load_model(const model_config& config,
                                                                     const weight_source& source, const load_options& o,
                                                                     const std::string& identity) {
    if (!o.packed_cache.empty() && identity.empty()) {
        fail(error_category::config, "load options", "packed_cache", "weights from files, which have names and dates",
             source.name());
    }
    std::shared_ptr<const model_interface> out;
    architectures::for_each([&]<class Arch>() {
        if (!out && config.model_type == Arch::model_type) out = load_architecture<Arch>(config, source, o, identity);
    });
    if (!out)
        fail(error_category::config, source.name(), "model_type", "a known architecture", quoted(config.model_type));
    return out;
}

[[nodiscard]] inline std::shared_ptr<const model_interface>
load_gguf(const std::shared_ptr<const gguf_checkpoint>& files, const load_options& o, const std::string& identity) {
    const model_config config = config_from_gguf(*files);
    return load_model(config, gguf_source(files, config), o, identity);
}

/// What a packed cache would be tied to; empty when nobody asks for one.
template <class Files>
[[nodiscard]] std::string identity_for_cache(const load_options& o, std::string_view config_text, const Files& files) {
    if (o.packed_cache.empty()) return {};
    std::vector<std::string> paths;
    for (const auto& file : files) paths.push_back(file.document());
    return source_identity(config_text, paths);
}

} // namespace detail

APERTUS_DEFINITION causal_lm causal_lm::from_pretrained(const std::string& folder, const load_options& options) {
    if (is_gguf_path(folder)) return from_gguf(folder, options);
    constexpr std::uint64_t largest_config = 16u << 20;
    const std::string config_path = join_path(folder, "config.json");
    const std::string generation_path = join_path(folder, "generation_config.json");
    const std::string config_text = read_file(config_path, largest_config);
    const model_config config = parse_config_json(config_text, config_path);
    generation_config generation =
        path_exists(generation_path)
            ? parse_generation_config_json(read_file(generation_path, largest_config), generation_path)
            : generation_config_from_config_json(config_text, config_path);
    const auto files = std::make_shared<const checkpoint>(checkpoint::open(folder, {options.use_mmap}));
    const checkpoint_source source(files, folder);
    const std::string identity = detail::identity_for_cache(options, config_text, files->files());
    return {detail::load_model(config, source, options, identity), std::move(generation)};
}

APERTUS_DEFINITION causal_lm causal_lm::from_memory(std::string_view config_json,
                                                    std::string_view generation_config_json, checkpoint tensors,
                                                    const load_options& options) {
    constexpr std::string_view config_name = "config.json in memory";
    const model_config config = parse_config_json(config_json, config_name);
    generation_config generation =
        generation_config_json.empty()
            ? generation_config_from_config_json(config_json, config_name)
            : parse_generation_config_json(generation_config_json, "generation_config.json in memory");
    const checkpoint_source source(std::make_shared<const checkpoint>(std::move(tensors)), "checkpoint in memory");
    return {detail::load_model(config, source, options, {}), std::move(generation)};
}

APERTUS_DEFINITION causal_lm causal_lm::from_gguf(const std::string& path, const load_options& options) {
    const auto files = std::make_shared<const gguf_checkpoint>(gguf_checkpoint::open(path, options.use_mmap));
    const std::string identity = detail::identity_for_cache(options, {}, files->files());
    return {detail::load_gguf(files, options, identity), generation_config_from_gguf(*files)};
}

APERTUS_DEFINITION causal_lm causal_lm::from_gguf(gguf_checkpoint files, const load_options& options) {
    const auto shared = std::make_shared<const gguf_checkpoint>(std::move(files));
    return {detail::load_gguf(shared, options, {}), generation_config_from_gguf(*shared)};
}

APERTUS_END_NAMESPACE

#endif
