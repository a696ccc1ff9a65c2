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

} // namespace

int bench(const model_options& options, const bench_arguments& arguments) {
    using clock = std::chrono::steady_clock;
    if (arguments.repeat == 0 || arguments.prompt_tokens == 0 || arguments.new_tokens == 0) {
        apertus::fail(apertus::error_category::config, "bench", "options", "at least 1 of each", "0");
    }
    const apertus::causal_lm model = load(options);
    apertus::session_options session_options;
    session_options.max_length = arguments.prompt_tokens + arguments.new_tokens;
    apertus::session_handle session = model.new_session(session_options);
    apertus::read_bandwidth memory{apertus::any_executor(options.threads)};
    const apertus::read_pattern pattern = memory.best_pattern();

    const auto seconds = [&](std::span<const std::int32_t> ids) {
        const apertus::segment step{0, ids};
        const auto start = clock::now();
        (void)session.forward(std::span(&step, 1));
        return std::chrono::duration<double>(clock::now() - start).count();
    };
    std::vector<std::int32_t> prompt(arguments.prompt_tokens);
    for (std::size_t i = 0; i < prompt.size(); ++i) {
        prompt[i] = static_cast<std::int32_t>((i * 7919 + 3) % session.input_vocab_size());
    }
    std::vector<double> limits;
    std::vector<double> prompt_seconds;
    std::vector<double> token_seconds;
    for (std::size_t run = 0; run < arguments.repeat; ++run) {
        session.truncate(0, 0);
        prompt_seconds.push_back(seconds(prompt));
        limits.push_back(memory.pass(pattern));
        for (std::size_t i = 0; i < arguments.new_tokens; ++i) {
            token_seconds.push_back(seconds(std::span(prompt).subspan(i % prompt.size(), 1)));
        }
        limits.push_back(memory.pass(pattern));
    }

    const double limit = median(limits);
    const double token = median(token_seconds);
    const double prefill = median(prompt_seconds);
    const std::size_t bytes = model.bytes_per_token();
    const double bandwidth = static_cast<double>(bytes) / token;
    if (arguments.json) {
        apertus::json out;
        out["bench"] = "model";
        out["model"] = model_folder(options);
        out["backend"] = model.backend_name();
        out["weights"] = model.weight_format_name();
        out["bytes_per_token"] = bytes;
        out["read_limit_bytes_per_second"] = limit;
        out["read_streams"] = pattern.streams;
        out["decode_bytes_per_second"] = bandwidth;
        out["ratio"] = bandwidth / limit;
        out["decode_tokens_per_second"] = 1.0 / token;
        out["prompt_tokens"] = arguments.prompt_tokens;
        out["prompt_tokens_per_second"] = static_cast<double>(arguments.prompt_tokens) / prefill;
        print_json(out);
        return 0;
    }
    char text[512];
    std::snprintf(text, sizeof text,
                  "%s, weights %s, medians of %zu runs\n"
                  "prompt of %zu tokens  %10.1f tokens/s\n"
                  "decode                %10.2f tokens/s, %s of weights per token = %.2f GB/s\n"
                  "read limit            %10.2f GB/s (%d streams per thread, prefetch %zu bytes ahead)\n"
                  "ratio                 %10.1f %%\n",
                  model.backend_name().c_str(), std::string(model.weight_format_name()).c_str(), arguments.repeat,
                  arguments.prompt_tokens, static_cast<double>(arguments.prompt_tokens) / prefill, 1.0 / token,
                  bytes_text(bytes).c_str(), bandwidth / 1e9, limit / 1e9, pattern.streams, pattern.ahead,
                  100.0 * bandwidth / limit);
    print(text);
    return 0;
}

} // namespace cli
