// SPDX-License-Identifier: Apache-2.0
//
// What the commands of the program `apertus` share: the options of a model, where the built-in model lies, JSON lines,
// the progress bar, Ctrl-C.
#pragma once

#include <apertus/apertus.hpp>
#include <apertus/io/json.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

/// Which model, and how it is loaded.
struct model_options {
    std::string folder; ///< empty: the built-in model
    std::string backend = "cpu";
    std::string isa;
    std::string exactness;
    std::string weights = "auto";
    std::string head_weights;
    std::string embedding_weights;
    std::string kv_cache = "f32";
    std::string packed_cache; ///< a file; empty: none
    bool verify_packed_cache = false;
    std::string importance; ///< a file; empty: none
    std::size_t threads = 0;
    bool no_mmap = false;
};

/// How text is generated: whatever was given on the command line.
struct generation_options {
    apertus::generation_config config;
    std::vector<std::int32_t> eos_token_ids;
    std::vector<std::string> stop_strings;
    bool ignore_eos = false;
    bool greedy = false;
};

struct generate_arguments {
    std::string prompt;
    std::vector<std::int32_t> ids;
    bool chat = false;
    std::string system;
    bool json = false;
    bool quiet = false;
    std::size_t prefill_chunk = 0;
};

struct chat_arguments {
    std::string system;
    std::size_t context = 4096;
};

struct tokenize_arguments {
    std::string text;
    bool text_given = false;
    bool json = false;
    bool json_in = false;
    bool no_special = false;
    bool untrusted = false;
};

struct detokenize_arguments {
    std::vector<std::int32_t> ids;
    bool json = false;
    bool skip_special = false;
};

struct render_arguments {
    std::string messages;
    std::string tools;
    std::string date;
    bool json = false;
    bool no_generation_prompt = false;
    bool continue_final_message = false;
    bool trust_content = false;
    std::optional<bool> thinking;
};

struct logits_arguments {
    std::vector<std::int32_t> ids;
    bool json = false;
};

struct info_arguments {
    bool json = false;
    bool tensors = false;
    std::size_t context = 4096;
    std::size_t sequences = 1;
};

struct bench_arguments {
    bool json = false;
    std::size_t prompt_tokens = 128;
    std::size_t new_tokens = 16;
    std::size_t repeat = 5;
    std::size_t batch = 1;         ///< sequences that decode together
    std::size_t context = 0;       ///< tokens in the cache of each sequence before decode; 0: the prompt
    std::size_t prefill_chunk = 0; ///< 0: the library's own
};

struct importance_arguments {
    std::string output;
    std::vector<std::string> texts; ///< files; empty: the model writes its own
    apertus::importance_options options;
};

int generate(const model_options&, const generation_options&, const generate_arguments&);
int chat(const model_options&, const generation_options&, const chat_arguments&);
int tokenize(const model_options&, const tokenize_arguments&);
int detokenize(const model_options&, const detokenize_arguments&);
int render(const model_options&, const render_arguments&);
int logits(const model_options&, const logits_arguments&);
int info(const model_options&, const info_arguments&);
int bench(const model_options&, const bench_arguments&);
int importance(const model_options&, const importance_arguments&);

/// The folder of the model: the one given, or the built-in one beside this program (a build tree's ../models/apertus-tiny,
/// an installation's ../share/apertus/models/apertus-tiny). Throws apertus::error(io) when it is nowhere.
[[nodiscard]] std::string model_folder(const model_options& options);

/// Loads the model; on a terminal a load of over a second draws a progress bar on stderr.
[[nodiscard]] apertus::causal_lm load(const model_options& options, bool prefault = true);

/// The generation options as the library's call arguments.
[[nodiscard]] apertus::generation_config call_config(const generation_options& options);

/// All of stdin.
[[nodiscard]] std::string read_stdin();

/// Writes one line of JSON to stdout. Invalid UTF-8 becomes U+FFFD.
void print_json(const apertus::json& line);

/// Writes text to stdout at once. Throws apertus::error(io) when stdout is closed or full.
void print(std::string_view text);

/// Ctrl-C while one of these lives requests a stop; a second one ends the program as usual.
class interrupt_scope {
public:
    interrupt_scope();
    ~interrupt_scope();
    interrupt_scope(const interrupt_scope&) = delete;
    interrupt_scope& operator=(const interrupt_scope&) = delete;
    [[nodiscard]] std::stop_token token() const;
    [[nodiscard]] bool interrupted() const;
};

/// Bytes of this process in physical memory (0 where the system does not tell), and of those the private ones.
struct resident_memory {
    std::uint64_t total = 0;
    std::uint64_t own = 0;
};
[[nodiscard]] resident_memory measure_memory();

/// "12.3 MB"
[[nodiscard]] std::string bytes_text(std::uint64_t bytes);

/// Exit status of a generation that Ctrl-C ended, as shells expect it.
inline constexpr int interrupted_status = 130;

} // namespace cli
