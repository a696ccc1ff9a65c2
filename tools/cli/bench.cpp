// SPDX-License-Identifier: Apache-2.0
//
// Speed of prompt and decode, and for decode the share of what this machine's memory allows: the read bandwidth of several
// interleaved streams with prefetch, measured between the decode runs so that both see the same machine.
#include "common.hpp"

#include <apertus/backend/cpu/read_bandwidth.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

namespace cli {

namespace {

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// Multiplications and additions of one token in the matrices of all layers: without attention and head, since a prompt
/// needs the head for its last token only.
double layer_operations(const apertus::model_config& c) {
    const auto heads = static_cast<double>(2 * c.num_attention_heads + 2 * c.num_key_value_heads); // q, o and k, v
    const double mlp = c.model_type == "llama" ? 3.0 : 2.0;
    const double weights = static_cast<double>(c.hidden_size) *
                           (heads * static_cast<double>(c.head_dim) + mlp * static_cast<double>(c.intermediate_size));
    return 2.0 * weights * static_cast<double>(c.num_hidden_layers);
}

} // namespace

int bench(const model_options& options, const bench_arguments& arguments) {
    using clock = std::chrono::steady_clock;
    if (arguments.repeat == 0 || arguments.prompt_tokens == 0 || arguments.new_tokens == 0 || arguments.batch == 0) {
        apertus::fail(apertus::error_category::config, "bench", "options", "at least 1 of each", "0");
    }
    const auto begin = clock::now();
    const apertus::causal_lm model = load(options);
    const double load_seconds = std::chrono::duration<double>(clock::now() - begin).count();
    apertus::session_options session_options;
    const std::size_t context = arguments.context == 0 ? arguments.prompt_tokens : arguments.context;
    session_options.max_length = std::max(arguments.prompt_tokens, context) + arguments.new_tokens;
    // A context beyond the prompt is computed once: then the prompt has a sequence of its own.
    const std::size_t prompt_sequence = context > arguments.prompt_tokens ? arguments.batch : 0;
    session_options.max_sequences = std::max(arguments.batch, prompt_sequence + 1);
    if (arguments.prefill_chunk != 0) session_options.prefill_chunk = arguments.prefill_chunk;
    apertus::session_handle session = model.new_session(session_options);
    apertus::read_bandwidth memory{apertus::any_executor(options.threads)};
    const apertus::read_pattern pattern = memory.best_pattern();

    const auto seconds = [&](std::span<const apertus::segment> step) {
        const auto start = clock::now();
        (void)session.forward(step);
        return std::chrono::duration<double>(clock::now() - start).count();
    };
    std::vector<std::int32_t> prompt(std::max(arguments.prompt_tokens, context));
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        prompt[i] = static_cast<std::int32_t>((i * 7919 + 3) % session.input_vocab_size());
    }
    const std::span<const std::int32_t> ids(prompt);
    std::vector<double> limits;
    std::vector<double> prompt_seconds;
    std::vector<double> token_seconds; // of a step: one token for each sequence
    for (std::size_t run = 0; run < arguments.repeat; ++run) {
        session.truncate(prompt_sequence, 0);
        const apertus::segment whole{prompt_sequence, ids.first(arguments.prompt_tokens)};
        prompt_seconds.push_back(seconds(std::span(&whole, 1)));
        for (std::size_t s = 0; s < arguments.batch; ++s) { // the first run fills the caches, the others keep them
            const std::size_t there = std::min(session.length(s), context);
            session.truncate(s, there);
            if (there == context) continue;
            const apertus::segment rest{s, ids.subspan(there, context - there), {}, apertus::logits_for::none};
            (void)session.forward(std::span(&rest, 1));
        }
        limits.push_back(memory.pass(pattern));
        for (std::size_t i = 0; i < arguments.new_tokens; ++i) {
            std::vector<apertus::segment> step;
            for (std::size_t s = 0; s < arguments.batch; ++s) step.push_back({s, ids.subspan((i + s) % ids.size(), 1)});
            token_seconds.push_back(seconds(step));
        }
        limits.push_back(memory.pass(pattern));
    }
    const resident_memory resident = measure_memory();
    const apertus::memory_plan plan = model.plan(session_options);

    const double limit = median(limits);
    const double token = median(token_seconds);
    const double prefill = median(prompt_seconds);
    const std::size_t bytes = model.bytes_per_token();
    const double bandwidth = static_cast<double>(bytes) / token;
    const double rate = static_cast<double>(arguments.batch) / token;
    if (arguments.json) {
        apertus::json out;
        out["bench"] = "model";
        out["model"] = model_folder(options);
        out["backend"] = model.backend_name();
        out["weights"] = model.weight_format_name();
        out["load_seconds"] = load_seconds;
        out["bytes_per_token"] = bytes;
        out["read_limit_bytes_per_second"] = limit;
        out["read_streams"] = pattern.streams;
        out["decode_bytes_per_second"] = bandwidth;
        out["ratio"] = bandwidth / limit;
        out["decode_tokens_per_second"] = rate;
        out["batch"] = arguments.batch;
        out["context"] = context;
        out["kv_cache"] = options.kv_cache;
        out["threads"] = options.threads == 0 ? apertus::default_concurrency() : options.threads;
        out["weight_bytes"] = plan.weights;
        out["kv_cache_bytes"] = plan.kv_cache;
        out["layer_operations_per_token"] = layer_operations(model.config());
        out["resident_bytes"] = resident.total - std::min<std::uint64_t>(resident.total, memory.bytes());
        out["prompt_tokens"] = arguments.prompt_tokens;
        out["prompt_tokens_per_second"] = static_cast<double>(arguments.prompt_tokens) / prefill;
        print_json(out);
        return 0;
    }
    char text[512];
    std::snprintf(text, sizeof text,
                  "%s, weights %s, loaded in %.2f s, medians of %zu runs\n"
                  "prompt of %zu tokens  %10.1f tokens/s\n"
                  "decode                %10.2f tokens/s, %s of weights per token = %.2f GB/s\n"
                  "read limit            %10.2f GB/s (%d streams per thread, prefetch %zu bytes ahead)\n"
                  "ratio                 %10.1f %%\n",
                  model.backend_name().c_str(), std::string(model.weight_format_name()).c_str(), load_seconds,
                  arguments.repeat, arguments.prompt_tokens, static_cast<double>(arguments.prompt_tokens) / prefill,
                  rate, bytes_text(bytes).c_str(), bandwidth / 1e9, limit / 1e9, pattern.streams, pattern.ahead,
                  100.0 * bandwidth / limit);
    print(text);
    return 0;
}

} // namespace cli
