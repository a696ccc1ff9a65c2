// SPDX-License-Identifier: Apache-2.0
//
// Writes a Hugging Face folder with random weights of any family member's shape: config.json, generation_config.json and
// safetensors (one file, or shards with an index). For measuring speed and memory on real sizes; the text it produces is
// noise. Weights are normal(0, 0.02), norms close to 1, the activation's parameters as at the start of training.
//
//   g++ -std=c++20 -O2 -Iinclude tools/write_random_checkpoint.cpp -o write_random_checkpoint
//   write_random_checkpoint --shape 8b --layers 4 --out DIR
#include <apertus/core/dtype.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/json.hpp>
#include <apertus/model/config.hpp>
#include <apertus/run/config_json.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <iostream>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

using apertus::dtype;
using apertus::error_category;
using apertus::fail;
using apertus::json;

constexpr std::string_view program = "write_random_checkpoint";

constexpr const char* usage = R"(usage: write_random_checkpoint --shape NAME --out DIR [options]
  --shape NAME       0.5b 1.5b 4b 8b 70b 8b-v1.5 70b-v1.5 tiny llama-tiny llama-8b
  --out DIR          created when it does not exist; no file in it is overwritten
  --layers N --hidden N --intermediate N --heads N --kv-heads N --head-dim N --vocab N
                     replace one number of the shape
  --dtype TYPE       bf16 (default), f16 or f32
  --shard-size SIZE  largest shard, e.g. 5GB (default) or 200MB; one file when everything fits
  --seed N           default 1; the same seed writes the same bytes
  --tokenizer FILE   copied to DIR/tokenizer.json
  --help
)";

/// What a config.json says of one member of the family.
struct shape {
    std::string_view name;
    std::size_t hidden, layers, heads, kv_heads, head_dim, intermediate, vocab, output_vocab, max_positions;
    bool tied;
    std::string_view model_type;
    double theta, factor; // factor 0: plain RoPE
};

constexpr std::array<shape, 10> shapes{{
    {"0.5b", 1024, 20, 16, 4, 64, 6144, 131072, 131072, 4096, true, "apertus", 5e5, 0},
    {"1.5b", 2048, 16, 32, 8, 64, 12288, 131072, 131072, 4096, false, "apertus", 5e5, 0},
    {"4b", 3072, 24, 24, 8, 128, 16384, 131072, 131072, 4096, false, "apertus", 5e5, 0},
    {"8b", 4096, 32, 32, 8, 128, 21504, 131072, 131072, 65536, false, "apertus", 12e6, 8},
    {"70b", 8192, 80, 64, 8, 128, 43008, 131072, 131072, 65536, false, "apertus", 12e6, 8},
    {"8b-v1.5", 4096, 32, 32, 8, 128, 21504, 266752, 131072, 262144, false, "apertus1p5", 4e6, 32},
    {"70b-v1.5", 8192, 80, 64, 8, 128, 43008, 266752, 131072, 262144, false, "apertus1p5", 4e6, 32},
    {"tiny", 64, 2, 4, 2, 16, 160, 512, 512, 512, false, "apertus", 12e6, 8},
    {"llama-tiny", 64, 2, 4, 2, 16, 160, 512, 512, 512, false, "llama", 1e4, 0},
    {"llama-8b", 4096, 32, 32, 8, 128, 14336, 128256, 128256, 131072, false, "llama", 5e5, 8},
}};

struct options {
    shape s{};
    std::string out;
    dtype type = dtype::bf16;
    std::uint64_t shard_size = 5'000'000'000;
    std::uint64_t seed = 1;
    std::string tokenizer;
};

std::uint64_t parse_number(std::string_view name, std::string_view text, std::uint64_t least = 1) {
    std::uint64_t value = 0;
    const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (code != std::errc() || end != text.data() + text.size() || value < least) {
        fail(error_category::config, program, name, "an integer of at least " + std::to_string(least),
             apertus::quoted(text));
    }
    return value;
}

std::uint64_t parse_size(std::string_view text) {
    std::uint64_t unit = 1;
    for (const auto& [suffix, bytes] :
         {std::pair<std::string_view, std::uint64_t>{"GB", 1'000'000'000}, {"MB", 1'000'000}, {"KB", 1'000}}) {
        if (text.ends_with(suffix)) {
            unit = bytes;
            text.remove_suffix(suffix.size());
            break;
        }
    }
    const std::uint64_t value = parse_number("--shard-size", text);
    if (value > (std::uint64_t{1} << 62) / unit)
        fail(error_category::config, program, "--shard-size", "less than 2^62 bytes", apertus::quoted(text));
    return value * unit;
}

options parse_arguments(int argc, char** argv) {
    options o;
    bool shape_given = false;
    std::map<std::string, std::string, std::less<>> overrides;
    for (int i = 1; i < argc; ++i) {
        const std::string_view name = argv[i];
        if (name == "--help") {
            std::cout << usage;
            std::exit(0);
        }
        if (i + 1 == argc)
            fail(error_category::config, program, name, "a known option with a value (see --help)", "nothing");
        const std::string value = argv[++i];
        if (name == "--shape") {
            for (const shape& s : shapes) {
                if (s.name != value) continue;
                o.s = s;
                shape_given = true;
            }
            if (!shape_given) fail(error_category::config, program, name, "a shape of --help", apertus::quoted(value));
        } else if (name == "--out") o.out = value;
        else if (name == "--shard-size") o.shard_size = parse_size(value);
        else if (name == "--seed") o.seed = parse_number(name, value, 0);
        else if (name == "--tokenizer") o.tokenizer = value;
        else if (name == "--dtype") {
            if (value == "bf16") o.type = dtype::bf16;
            else if (value == "f16") o.type = dtype::f16;
            else if (value == "f32") o.type = dtype::f32;
            else fail(error_category::config, program, name, "bf16, f16 or f32", apertus::quoted(value));
        } else overrides[std::string(name)] = value;
    }
    if (!shape_given) fail(error_category::config, program, "--shape", "a shape of --help", "nothing");
    if (o.out.empty()) fail(error_category::config, program, "--out", "a folder", "nothing");
    for (const auto& override_ : overrides) {
        const std::string& name = override_.first;
        const std::string& value = override_.second;
        const auto set = [&](std::size_t& field) { field = static_cast<std::size_t>(parse_number(name, value)); };
        if (name == "--layers") set(o.s.layers);
        else if (name == "--hidden") set(o.s.hidden);
        else if (name == "--intermediate") set(o.s.intermediate);
        else if (name == "--heads") set(o.s.heads);
        else if (name == "--kv-heads") set(o.s.kv_heads);
        else if (name == "--head-dim") set(o.s.head_dim);
        else if (name == "--vocab") {
            set(o.s.vocab);
            o.s.output_vocab = o.s.vocab;
        } else fail(error_category::config, program, name, "a known option (see --help)", "this one");
    }
    return o;
}

std::string_view torch_name(dtype type) {
    return type == dtype::bf16 ? "bfloat16" : type == dtype::f16 ? "float16" : "float32";
}

json make_config(const options& o) {
    const shape& s = o.s;
    const bool composite = s.model_type == "apertus1p5";
    json rope{{"rope_theta", s.theta}, {"rope_type", s.factor == 0 ? "default" : "llama3"}};
    if (s.factor != 0) {
        rope["factor"] = s.factor;
        rope["original_max_position_embeddings"] = 8192;
        rope["low_freq_factor"] = 1.0;
        rope["high_freq_factor"] = 4.0;
    }
    json text{{"model_type", composite ? "apertus1p5_text" : s.model_type},
              {"attention_bias", false},
              {"bos_token_id", 1},
              {"eos_token_id", 2},
              {"hidden_act", s.model_type == "llama" ? "silu" : "xielu"},
              {"hidden_size", s.hidden},
              {"intermediate_size", s.intermediate},
              {"max_position_embeddings", s.max_positions},
              {"num_attention_heads", s.heads},
              {"num_hidden_layers", s.layers},
              {"num_key_value_heads", s.kv_heads},
              {"head_dim", s.head_dim},
              {"pad_token_id", 3},
              {"rms_norm_eps", 1e-5},
              {"rope_parameters", rope},
              {"tie_word_embeddings", s.tied},
              {"vocab_size", s.vocab}};
    if (s.model_type == "llama") text["mlp_bias"] = false;
    else {
        text["qk_norm"] = true;
        text["post_norm"] = false;
    }
    if (composite) text["output_vocab_size"] = s.output_vocab;
    json config =
        composite ? json{{"model_type", "apertus1p5"}, {"text_config", text}, {"tie_word_embeddings", false}} : text;
    config["architectures"] = {s.model_type == "llama" ? "LlamaForCausalLM"
                               : composite             ? "Apertus1p5ForConditionalGeneration"
                                                       : "ApertusForCausalLM"};
    config["dtype"] = torch_name(o.type);
    return config;
}

/// One tensor to be written.
struct planned_tensor {
    enum class content { matrix, norm, constant };
    std::string name;
    std::vector<std::uint64_t> shape;
    content kind = content::matrix;
    float constant = 0.0f;

    [[nodiscard]] std::uint64_t elements() const {
        std::uint64_t n = 1;
        for (const std::uint64_t e : shape) n *= e;
        return n;
    }
};

std::vector<planned_tensor> plan_tensors(const apertus::model_config& c) {
    using content = planned_tensor::content;
    std::vector<planned_tensor> out;
    const auto matrix = [&](std::string name, std::uint64_t rows, std::uint64_t cols) {
        out.push_back({std::move(name), {rows, cols}, content::matrix, 0.0f});
    };
    const auto norm = [&](std::string name, std::uint64_t n) {
        out.push_back({std::move(name), {n}, content::norm, 0.0f});
    };
    const std::string& p = c.tensor_prefix;
    const bool llama = c.model_type == "llama";
    const std::uint64_t q = c.num_attention_heads * c.head_dim;
    const std::uint64_t kv = c.num_key_value_heads * c.head_dim;
    matrix(p + "embed_tokens.weight", c.vocab_size, c.hidden_size);
    for (std::size_t i = 0; i < c.num_hidden_layers; ++i) {
        const std::string l = p + "layers." + std::to_string(i) + ".";
        norm(l + (llama ? "input_layernorm.weight" : "attention_layernorm.weight"), c.hidden_size);
        norm(l + (llama ? "post_attention_layernorm.weight" : "feedforward_layernorm.weight"), c.hidden_size);
        matrix(l + "self_attn.q_proj.weight", q, c.hidden_size);
        matrix(l + "self_attn.k_proj.weight", kv, c.hidden_size);
        matrix(l + "self_attn.v_proj.weight", kv, c.hidden_size);
        matrix(l + "self_attn.o_proj.weight", c.hidden_size, q);
        if (llama) matrix(l + "mlp.gate_proj.weight", c.intermediate_size, c.hidden_size);
        matrix(l + "mlp.up_proj.weight", c.intermediate_size, c.hidden_size);
        matrix(l + "mlp.down_proj.weight", c.hidden_size, c.intermediate_size);
        if (llama) continue;
        norm(l + "self_attn.q_norm.weight", c.head_dim);
        norm(l + "self_attn.k_norm.weight", c.head_dim);
        out.push_back(
            {l + "mlp.act_fn.alpha_p", {1}, content::constant, static_cast<float>(std::log(std::expm1(0.8)))});
        out.push_back(
            {l + "mlp.act_fn.alpha_n", {1}, content::constant, static_cast<float>(std::log(std::expm1(0.8 - 0.5)))});
        out.push_back({l + "mlp.act_fn.beta", {}, content::constant, 0.5f});
        out.push_back({l + "mlp.act_fn.eps", {}, content::constant, -1e-6f});
    }
    norm(p + "norm.weight", c.hidden_size);
    if (!c.tie_word_embeddings) matrix("lm_head.weight", c.output_vocab_size, c.hidden_size);
    return out;
}

/// A stream of random elements. Values come from a table of 4096 quantiles of the normal distribution, picked by twelve
/// bits of a xorshift generator: five picks per 64-bit step. No value is nearer to zero than 1e-4, so none is subnormal in
/// any of the types.
template <class T> class element_source {
public:
    element_source(std::uint64_t seed, double mean, double deviation) {
        for (std::size_t i = 0; i < size; ++i) {
            const double p = (static_cast<double>(i) + 0.5) / static_cast<double>(size);
            const double value = mean + deviation * quantile(p);
            const bool tiny = deviation != 0.0 && std::abs(value) < 1e-4;
            table_[i] = T(static_cast<float>(tiny ? std::copysign(1e-4, value) : value));
        }
        for (std::uint64_t& lane : lanes_) { // splitmix64, so that near seeds start far apart
            seed += 0x9e3779b97f4a7c15u;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
            lane = (z ^ (z >> 31)) | 1u;
        }
    }

    void fill(T* out, std::size_t count) noexcept {
        std::size_t i = 0;
        for (; i + 5 * lane_count <= count; i += 5 * lane_count) {
            for (std::size_t l = 0; l < lane_count; ++l) { // independent lanes, so that steps overlap
                const std::uint64_t r = step(lanes_[l]);
                for (std::size_t k = 0; k < 5; ++k) out[i + 5 * l + k] = table_[r >> (12 * k) & (size - 1)];
            }
        }
        for (; i < count; ++i) out[i] = table_[step(lanes_[0]) >> 20 & (size - 1)];
    }

private:
    static constexpr std::size_t size = 4096;
    static constexpr std::size_t lane_count = 4;

    static std::uint64_t step(std::uint64_t& x) noexcept {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        return x;
    }
    /// Inverse of the normal distribution by bisection; 4096 calls.
    static double quantile(double p) {
        double low = -10.0, high = 10.0;
        for (int i = 0; i < 60; ++i) {
            const double middle = 0.5 * (low + high);
            (0.5 * std::erfc(-middle / std::sqrt(2.0)) < p ? low : high) = middle;
        }
        return 0.5 * (low + high);
    }

    std::array<T, size> table_{};
    std::array<std::uint64_t, lane_count> lanes_{};
};

/// A new file that disappears again unless it is finished.
class output_file {
public:
    explicit output_file(std::string path) : path_(std::move(path)) {
        descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (descriptor_ < 0) failure("create");
    }
    output_file(const output_file&) = delete;
    output_file& operator=(const output_file&) = delete;
    ~output_file() {
        if (descriptor_ < 0) return;
        ::close(descriptor_);
        ::unlink(path_.c_str());
    }
    /// Takes the space now, so that a full disk is noticed before the work.
    void reserve(std::uint64_t bytes) {
        if (bytes == 0) return;
        const int code = ::posix_fallocate(descriptor_, 0, static_cast<::off_t>(bytes));
        if (code != 0 && code != EOPNOTSUPP && code != EINVAL) {
            errno = code;
            failure("reserve " + std::to_string(bytes) + " bytes for");
        }
    }
    void write(const void* data, std::size_t size) {
        const char* at = static_cast<const char*>(data);
        while (size != 0) {
            const ::ssize_t n = ::write(descriptor_, at, size);
            if (n < 0) {
                if (errno == EINTR) continue;
                failure("write");
            }
            at += n;
            size -= static_cast<std::size_t>(n);
        }
    }
    void finish() {
        const int descriptor = descriptor_;
        descriptor_ = -1;
        if (::close(descriptor) != 0) {
            const int code = errno;
            ::unlink(path_.c_str());
            errno = code;
            failure("close");
        }
    }

private:
    [[noreturn]] void failure(const std::string& verb) const {
        fail(error_category::io, path_, "cannot " + verb + ": " + std::generic_category().message(errno));
    }
    std::string path_;
    int descriptor_ = -1;
};

/// The files of this run; they go away together when it fails.
class written_files {
public:
    written_files() = default;
    written_files(const written_files&) = delete;
    written_files& operator=(const written_files&) = delete;
    ~written_files() {
        for (const std::string& path : paths_) ::unlink(path.c_str());
    }
    void add(std::string path) { paths_.push_back(std::move(path)); }
    void keep() noexcept { paths_.clear(); }

    void write(std::string path, std::string_view text) {
        output_file file(path);
        file.write(text.data(), text.size());
        file.finish();
        add(std::move(path));
    }

private:
    std::vector<std::string> paths_;
};

std::uint64_t mix(std::uint64_t seed, std::string_view name) { // FNV-1a: each tensor has its own stream
    std::uint64_t h = 0xcbf29ce484222325u ^ seed;
    for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3u;
    return h;
}

template <class T>
void write_tensor(output_file& file, const planned_tensor& t, std::uint64_t seed, std::vector<std::byte>& buffer) {
    const bool constant = t.kind == planned_tensor::content::constant;
    const bool norm = t.kind == planned_tensor::content::norm;
    element_source<T> source(mix(seed, t.name),
                             constant ? t.constant
                             : norm   ? 1.0
                                      : 0.0,
                             constant ? 0.0
                             : norm   ? 0.1
                                      : 0.02);
    T* const values = reinterpret_cast<T*>(buffer.data());
    const std::size_t room = buffer.size() / sizeof(T);
    for (std::uint64_t left = t.elements(); left != 0;) {
        const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(left, room));
        source.fill(values, count);
        file.write(values, count * sizeof(T));
        left -= count;
    }
}

struct shard {
    std::string name;
    std::vector<const planned_tensor*> tensors;
    std::uint64_t bytes = 0;
};

std::string header_of(const shard& s, dtype type) {
    json header;
    header["__metadata__"]["format"] = "pt";
    std::uint64_t at = 0;
    for (const planned_tensor* t : s.tensors) {
        const std::uint64_t end = at + t->elements() * apertus::size_of(type);
        header[t->name] = {{"dtype", apertus::to_string(type)}, {"shape", t->shape}, {"data_offsets", {at, end}}};
        at = end;
    }
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    std::string out(8, '\0');
    for (std::size_t i = 0; i < 8; ++i) out[i] = static_cast<char>(text.size() >> (8 * i) & 0xff);
    return out + text;
}

std::vector<shard> plan_shards(const std::vector<planned_tensor>& tensors, const options& o) {
    std::vector<shard> shards(1);
    for (const planned_tensor& t : tensors) {
        const std::uint64_t bytes = t.elements() * apertus::size_of(o.type);
        if (!shards.back().tensors.empty() && shards.back().bytes + bytes > o.shard_size) shards.emplace_back();
        shards.back().tensors.push_back(&t);
        shards.back().bytes += bytes;
    }
    for (std::size_t i = 0; i < shards.size(); ++i) {
        char name[64];
        std::snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", i + 1, shards.size());
        shards[i].name = shards.size() == 1 ? "model.safetensors" : name;
    }
    return shards;
}

void run(const options& o) {
    const json config_json = make_config(o);
    const apertus::model_config config = apertus::parse_config_json(config_json.dump(), "the requested shape");
    const std::vector<planned_tensor> tensors = plan_tensors(config);
    const std::vector<shard> shards = plan_shards(tensors, o);
    std::uint64_t total = 0;
    std::uint64_t parameters = 0;
    for (const shard& s : shards) total += s.bytes;
    for (const planned_tensor& t : tensors) parameters += t.elements();

    std::error_code code;
    std::filesystem::create_directories(o.out, code);
    if (code) fail(error_category::io, o.out, "cannot create: " + code.message());
    for (const shard& s : shards) {
        if (apertus::path_exists(apertus::join_path(o.out, s.name)))
            fail(error_category::io, apertus::join_path(o.out, s.name), "file", "none yet", "one");
    }
    const auto space = std::filesystem::space(o.out, code);
    const std::uint64_t needed = total + (64u << 20); // headers, JSON files, and something left over for others
    if (!code && space.available < needed) {
        fail(error_category::resource, o.out, "free space", std::to_string(needed) + " bytes",
             std::to_string(space.available));
    }

    const auto start = std::chrono::steady_clock::now();
    written_files files;
    std::vector<std::byte> buffer(1u << 20);
    for (const shard& s : shards) {
        output_file file(apertus::join_path(o.out, s.name));
        const std::string header = header_of(s, o.type);
        file.reserve(header.size() + s.bytes);
        file.write(header.data(), header.size());
        for (const planned_tensor* t : s.tensors) {
            if (o.type == dtype::bf16) write_tensor<apertus::bf16>(file, *t, o.seed, buffer);
            else if (o.type == dtype::f16) write_tensor<apertus::f16>(file, *t, o.seed, buffer);
            else write_tensor<float>(file, *t, o.seed, buffer);
        }
        file.finish();
        files.add(apertus::join_path(o.out, s.name));
    }
    if (shards.size() > 1) {
        json index;
        index["metadata"]["total_size"] = total;
        for (const shard& s : shards) {
            for (const planned_tensor* t : s.tensors) index["weight_map"][t->name] = s.name;
        }
        files.write(apertus::join_path(o.out, "model.safetensors.index.json"), index.dump(2) + "\n");
    }
    files.write(apertus::join_path(o.out, "config.json"), config_json.dump(2) + "\n");
    files.write(apertus::join_path(o.out, "generation_config.json"),
                json{{"bos_token_id", 1}, {"eos_token_id", 2}, {"pad_token_id", 3}}.dump(2) + "\n");
    if (!o.tokenizer.empty()) {
        files.write(apertus::join_path(o.out, "tokenizer.json"), apertus::read_file(o.tokenizer, 1u << 30));
    }
    files.keep();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    std::printf("%s: %llu parameters, %llu bytes in %zu file(s), %.1f s, %.0f MB/s\n", o.out.c_str(),
                static_cast<unsigned long long>(parameters), static_cast<unsigned long long>(total), shards.size(),
                seconds, static_cast<double>(total) / 1e6 / std::max(seconds, 1e-9));
}

} // namespace

int main(int argc, char** argv) {
    try {
        run(parse_arguments(argc, argv));
        return 0;
    } catch (const std::exception& e) {
        std::cerr << "error: " << e.what() << '\n';
        return 1;
    }
}
