// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <chrono>
#include <cstdio>

namespace cli {

namespace {

using apertus::json;

double seconds_since(std::chrono::steady_clock::time_point start) {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

double rate(std::size_t tokens, double seconds) { return seconds > 0.0 ? static_cast<double>(tokens) / seconds : 0.0; }

} // namespace

int generate(const model_options& options, const generation_options& generation, const generate_arguments& arguments) {
    const auto start = std::chrono::steady_clock::now();
    const std::string folder = model_folder(options);
    const apertus::causal_lm model = load(options);
    // a folder of weights without a tokenizer can still turn ids into ids
    std::optional<apertus::pretrained_tokenizer> tokenizer;
    if (arguments.ids.empty() || apertus::is_gguf_path(folder) ||
        apertus::path_exists(apertus::join_path(folder, "tokenizer.json"))) {
        tokenizer = apertus::auto_tokenizer::from_pretrained(folder);
    }
    const double load_seconds = seconds_since(start);

    std::vector<std::int32_t> ids = arguments.ids;
    if (ids.empty()) {
        const std::string text = arguments.prompt.empty() ? read_stdin() : arguments.prompt;
        if (arguments.chat) {
            std::vector<apertus::chat_message> messages;
            if (!arguments.system.empty()) messages.push_back(apertus::chat_message{"system", arguments.system});
            messages.push_back(apertus::chat_message{"user", text});
            ids = tokenizer->apply_chat_template(messages);
        } else {
            ids = tokenizer->encode(text);
        }
    }

    const interrupt_scope interrupt;
    const apertus::generation_config call = call_config(generation);
    apertus::generate_options run;
    run.cancel.stop = interrupt.token();
    if (tokenizer) run.make_decoder = tokenizer->decoder();
    if (tokenizer && !arguments.json) {
        run.stream_text = [](std::string_view piece, std::size_t) {
            print(piece);
            return true;
        };
    }
    apertus::session_options session_options;
    const apertus::effective_generation_config e = effective(merge(model.default_generation_config(), call));
    session_options.max_length =
        e.max_new_tokens ? ids.size() + *e.max_new_tokens : std::max(ids.size(), *e.max_length);
    session_options.max_length = std::max<std::size_t>(1, session_options.max_length);
    if (arguments.prefill_chunk != 0) session_options.prefill_chunk = arguments.prefill_chunk;
    apertus::session_handle session = model.new_session(session_options);
    const apertus::generation_result result = apertus::generate(session, std::span<const std::int32_t>(ids),
                                                                merge(model.default_generation_config(), call), run);
    const apertus::generated_sequence& answer = result.sequences.front();
    const resident_memory memory = measure_memory();

    if (arguments.json) {
        json out;
        out["ids"] = answer.new_ids();
        if (tokenizer) out["text"] = answer.text;
        out["finish_reason"] = to_string(answer.reason);
        if (answer.stop_string) out["stop_string"] = *answer.stop_string;
        if (e.do_sample) out["seed"] = answer.seed;
        out["prompt_ids"] = ids;
        json t;
        t["load_seconds"] = load_seconds;
        t["prompt_tokens"] = result.prefill_tokens;
        t["prompt_seconds"] = result.prefill_seconds;
        t["prompt_tokens_per_second"] = rate(result.prefill_tokens, result.prefill_seconds);
        t["new_tokens"] = result.new_tokens;
        t["decode_seconds"] = result.decode_seconds;
        t["decode_tokens_per_second"] = rate(result.decode_tokens, result.decode_seconds);
        out["timings"] = t;
        out["memory"] = {{"resident_bytes", memory.total}, {"private_bytes", memory.own}};
        print_json(out);
    } else {
        if (tokenizer) {
            print("\n");
        } else {
            for (const std::int32_t id : answer.new_ids()) print(std::to_string(id) + " ");
            print("\n");
        }
        if (!arguments.quiet) {
            std::fprintf(stderr,
                         "load %.2f s | prompt %zu tokens, %.1f tokens/s | decode %zu tokens, %.1f tokens/s | memory "
                         "%s (%s of it "
                         "mapped files) | %.*s\n",
                         load_seconds, result.prefill_tokens, rate(result.prefill_tokens, result.prefill_seconds),
                         result.new_tokens, rate(result.decode_tokens, result.decode_seconds),
                         bytes_text(memory.total).c_str(), bytes_text(memory.total - memory.own).c_str(),
                         static_cast<int>(to_string(answer.reason).size()), to_string(answer.reason).data());
        }
    }
    return answer.reason == apertus::finish_reason::cancelled ? interrupted_status : 0;
}

} // namespace cli
