// SPDX-License-Identifier: Apache-2.0
//
// The program `apertus`: arguments in, one command out. Exit status: 0 done, 1 an error (one line on stderr:
// "apertus: category: message"), 2 wrong arguments, 130 ended by Ctrl-C.
#include "common.hpp"

#include <CLI/CLI.hpp>

#include <cstdio>
#include <functional>
#include <new>
#include <string>

namespace {

using namespace cli;

void add_model_options(CLI::App& app, model_options& m) {
    app.add_option("-m,--model", m.folder, "Hugging Face folder or GGUF file (default: the built-in apertus-tiny)")
        ->type_name("PATH");
}

void add_load_options(CLI::App& app, model_options& m) {
    add_model_options(app, m);
    app.add_option("--backend", m.backend, "cpu, or reference (plain loops)")->type_name("NAME");
    app.add_option("--isa", m.isa, "force an instruction set: baseline, avx2, avx2_vnni, avx512, avx512_vnni, amx")
        ->type_name("NAME");
    app.add_option("--exactness", m.exactness,
                   "strict: the same bits however work is cut; fast: quicker bf16 prompts on amx")
        ->type_name("NAME");
    app.add_option("--threads", m.threads, "threads (default: all)")->type_name("N");
    app.add_option("--weights", m.weights,
                   "keep weights as auto (as stored if memory allows), stored, f32, f16, bf16, int8, int4, q4_k ...")
        ->type_name("FORMAT");
    app.add_option("--head-weights", m.head_weights, "the same for the head (int8 when the layers are int4)")
        ->type_name("FORMAT");
    app.add_option("--embedding-weights", m.embedding_weights, "the same for the embedding (as stored)")
        ->type_name("FORMAT");
    app.add_option("--kv-cache", m.kv_cache, "keep keys and values as f32, bf16, f16 or int8")->type_name("TYPE");
    app.add_option("--packed-cache", m.packed_cache,
                   "keep what was packed in this file: written when it is missing or does not fit, mapped when it does")
        ->type_name("FILE");
    app.add_flag("--verify-packed-cache", m.verify_packed_cache, "check every byte of that file, not only its table");
    app.add_option("--importance", m.importance, "what int4 goes by: a file of `apertus importance`")
        ->type_name("FILE");
    app.add_flag("--no-mmap", m.no_mmap, "read the weights into memory instead of mapping the file");
}

void add_generation_options(CLI::App& app, generation_options& g) {
    auto& c = g.config;
    app.add_option("-n,--max-new-tokens", c.max_new_tokens, "most new tokens (default 20)");
    app.add_option("--max-length", c.max_length, "most tokens, prompt included");
    app.add_option("--min-new-tokens", c.min_new_tokens, "no end before that many new tokens");
    app.add_flag("--do-sample", c.do_sample, "sample (implied by the sampling options below)");
    app.add_flag("--greedy", g.greedy, "always take the most probable token");
    app.add_option("--temperature", c.temperature, "0 is greedy");
    app.add_option("--top-k", c.top_k, "keep the k most probable tokens; 0 is off");
    app.add_option("--top-p", c.top_p, "keep the smallest set of that much probability");
    app.add_option("--min-p", c.min_p, "keep tokens of at least that share of the best one's probability");
    app.add_option("--typical-p", c.typical_p, "locally typical sampling");
    app.add_option("--repetition-penalty", c.repetition_penalty, "over prompt and answer; 1 is off");
    app.add_option("--frequency-penalty", c.frequency_penalty, "over the answer, per occurrence");
    app.add_option("--presence-penalty", c.presence_penalty, "over the answer, once per token");
    app.add_option("--seed", c.seed, "same seed, same text");
    app.add_option("--stop", g.stop_strings, "end at this string (may be repeated)")->type_name("TEXT");
    app.add_option("--eos-token-id", g.eos_token_ids, "end at these tokens")->delimiter(',');
    app.add_flag("--ignore-eos", g.ignore_eos, "no token ends the answer");
    app.add_option("--max-time", c.max_time, "end after that many seconds");
}

int run(int argc, char** argv) {
    CLI::App app{"Runs language models of the Apertus family from Hugging Face folders and GGUF files.", "apertus"};
    app.set_version_flag("--version", "apertus " APERTUS_VERSION_STRING);
    app.require_subcommand(1);
    app.get_formatter()->column_width(34);

    model_options model;
    generation_options generation;
    std::function<int()> command;
    const auto add = [&](const char* name, const char* what, auto function) {
        CLI::App* sub = app.add_subcommand(name, what);
        sub->callback([&command, function] { command = function; });
        return sub;
    };

    generate_arguments g;
    auto* c = add("generate", "continue a prompt", [&] { return generate(model, generation, g); });
    add_load_options(*c, model);
    add_generation_options(*c, generation);
    c->add_option("prompt", g.prompt, "the text (without it: stdin)");
    c->add_option("--ids", g.ids, "the prompt as token ids")->delimiter(',');
    c->add_flag("--chat", g.chat, "the prompt is a user's message: render it with the chat template");
    c->add_option("--system", g.system, "system message, with --chat");
    c->add_option("--prefill-chunk", g.prefill_chunk, "tokens of the prompt that go through the model together");
    c->add_flag("--json", g.json, "print one JSON line with ids, text, finish reason and timings");
    c->add_flag("-q,--quiet", g.quiet, "no timings on stderr");

    chat_arguments h;
    c = add("chat", "talk to the model; Ctrl-C stops an answer, Ctrl-D leaves",
            [&] { return chat(model, generation, h); });
    add_load_options(*c, model);
    add_generation_options(*c, generation);
    c->add_option("--system", h.system, "system message");
    c->add_option("--context", h.context, "most tokens of a conversation");

    tokenize_arguments t;
    c = add("tokenize", "text to token ids", [&] { return tokenize(model, t); });
    add_model_options(*c, model);
    c->add_option("text", t.text, "the text (without it: stdin)")->each([&t](const std::string&) {
        t.text_given = true;
    });
    c->add_flag("--json", t.json, "read text lines, print {\"ids\":[...]} for each");
    c->add_flag("--json-in", t.json_in, "input lines are JSON strings");
    c->add_flag("--no-special", t.no_special, "add no BOS or EOS");
    c->add_flag("--untrusted", t.untrusted, "special-token text in the input stays text");

    detokenize_arguments d;
    c = add("detokenize", "token ids to text", [&] { return detokenize(model, d); });
    add_model_options(*c, model);
    c->add_option("ids", d.ids, "token ids (without them: stdin, a line of ids or of {\"ids\":[...]} per text)")
        ->delimiter(',');
    c->add_flag("--json", d.json, "print {\"text\":...} for each line");
    c->add_flag("--skip-special", d.skip_special, "leave special tokens out");

    render_arguments r;
    c = add("render", "messages to a prompt, by the model's chat template", [&] { return render(model, r); });
    add_model_options(*c, model);
    c->add_option("messages", r.messages, "JSON file with the list of messages (- for stdin)")->required();
    c->add_option("--tools", r.tools, "JSON file with the list of tools");
    c->add_option("--date", r.date, "today's date for the template, YYYY-MM-DD");
    c->add_flag("--no-generation-prompt", r.no_generation_prompt, "do not open an assistant turn");
    c->add_flag("--continue-final-message", r.continue_final_message, "leave the last message open");
    c->add_flag("--thinking,!--no-thinking", r.thinking, "set enable_thinking");
    c->add_flag("--trust-content", r.trust_content, "special-token text in messages becomes control tokens");
    c->add_flag("--json", r.json, "print {\"text\":...,\"ids\":[...]}");

    logits_arguments l;
    c = add("logits", "logits of every position", [&] { return logits(model, l); });
    add_load_options(*c, model);
    c->add_option("--ids", l.ids, "token ids")->delimiter(',')->required();
    c->add_flag("--json", l.json, "one JSON line per position with all logits");

    info_arguments i;
    c = add("info", "configuration, tensors, memory plan, CPU path", [&] { return info(model, i); });
    add_load_options(*c, model);
    c->add_flag("--json", i.json, "print JSON");
    c->add_flag("--tensors", i.tensors, "list every tensor");
    c->add_option("--context", i.context, "positions to plan memory for");
    c->add_option("--sequences", i.sequences, "sequences to plan memory for");

    bench_arguments b;
    c = add("bench", "speed, beside what this machine's memory allows", [&] { return bench(model, b); });
    add_load_options(*c, model);
    c->add_flag("--json", b.json, "print JSON");
    c->add_option("--prompt-tokens", b.prompt_tokens, "tokens of the prompt");
    c->add_option("--new-tokens", b.new_tokens, "tokens to decode");
    c->add_option("--repeat", b.repeat, "how often; medians are printed");
    c->add_option("--batch", b.batch, "sequences that decode together")->capture_default_str();
    c->add_option("--context", b.context, "tokens in the cache of each before decode (default: the prompt)");
    c->add_option("--prefill-chunk", b.prefill_chunk, "most tokens that go through the layers together");

    importance_arguments w;
    c = add("importance", "measure which inputs of the matrices matter, for --importance with int4 weights",
            [&] { return importance(model, w); });
    add_load_options(*c, model);
    c->add_option("-o,--output", w.output, "the file to write")->type_name("FILE")->required();
    c->add_option("--text", w.texts, "text to measure on (without it: what the model writes by itself)")
        ->type_name("FILE");
    c->add_option("--tokens", w.options.tokens, "the most tokens to compute")->capture_default_str();
    c->add_option("--window", w.options.window, "tokens that are computed together")->capture_default_str();
    c->add_option("--seed", w.options.seed, "of the text that the model writes")->capture_default_str();

    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
        return app.exit(e) == 0 ? 0 : 2;
    }
    return command();
}

} // namespace

int main(int argc, char** argv) {
    try {
        return run(argc, argv);
    } catch (const apertus::error& e) {
        std::fprintf(stderr, "apertus: %.*s: %s\n", static_cast<int>(to_string(e.category()).size()),
                     to_string(e.category()).data(), e.what());
    } catch (const std::bad_alloc&) {
        std::fputs("apertus: resource: out of memory\n", stderr);
    } catch (const std::exception& e) {
        std::fprintf(stderr, "apertus: %s\n", e.what());
    }
    return 1;
}
