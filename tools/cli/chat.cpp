// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <memory>

#include <unistd.h>

#ifdef APERTUS_HAVE_LIBEDIT
#include <editline/readline.h>
#endif

namespace cli {

namespace {

constexpr const char* help =
    "/help       this text\n"
    "/reset      forget the conversation\n"
    "/system T   start anew with the system message T\n"
    "/history    show the conversation\n"
    "/exit       leave (also Ctrl-D)\n"
    "Ctrl-C stops an answer or drops a line, not the program. A line that ends with \\ goes on in the next.\n";

std::atomic<bool> prompt_interrupted{false};

/// Reads lines: with editing and history on a terminal, plainly otherwise. While it reads from a terminal, Ctrl-C drops
/// what was typed, as in a shell; answers have their own handler (interrupt_scope).
class line_reader {
public:
    line_reader() {
        if (!terminal_) return;
        struct sigaction action{};
        action.sa_handler = [](int) { prompt_interrupted = true; };
        sigemptyset(&action.sa_mask);
        ::sigaction(SIGINT, &action, nullptr); // no SA_RESTART: the read must come back
    }

    /// nullopt at the end of the input; an empty line after Ctrl-C.
    std::optional<std::string> read(const char* prompt) {
        prompt_interrupted = false;
#ifdef APERTUS_HAVE_LIBEDIT
        if (terminal_) {
            const std::unique_ptr<char, void (*)(void*)> line(::readline(prompt), std::free);
            if (prompt_interrupted) {
                print("\n");
                return std::string();
            }
            if (!line) return std::nullopt;
            if (*line != '\0') ::add_history(line.get());
            return std::string(line.get());
        }
#endif
        if (terminal_) print(prompt);
        std::string line;
        if (!std::getline(std::cin, line)) return std::nullopt;
        return line;
    }

    /// Joins lines that end with a backslash.
    std::optional<std::string> read_message() {
        auto text = read("> ");
        while (text && !text->empty() && text->back() == '\\') {
            text->back() = '\n';
            const auto more = read(". ");
            if (prompt_interrupted) return more;
            if (!more) break;
            *text += *more;
        }
        return text;
    }

private:
    bool terminal_ = ::isatty(STDIN_FILENO) != 0;
};

std::string_view after(std::string_view line, std::string_view word) {
    line.remove_prefix(std::min(line.size(), word.size()));
    while (!line.empty() && line.front() == ' ') line.remove_prefix(1);
    return line;
}

} // namespace

int chat(const model_options& options, const generation_options& generation, const chat_arguments& arguments) {
    const apertus::causal_lm model = load(options);
    const auto tokenizer = apertus::auto_tokenizer::from_pretrained(model_folder(options));
    (void)tokenizer.chat_template(); // a folder without one is refused before the first question
    apertus::generation_config config = call_config(generation);
    if (!config.max_new_tokens && !config.max_length)
        config.max_new_tokens = static_cast<std::int64_t>(arguments.context / 2);

    apertus::conversation talk(model, tokenizer, arguments.context);
    const auto start_anew = [&](std::string_view system) {
        talk.clear();
        if (!system.empty()) talk.add(apertus::chat_message{"system", std::string(system)});
    };
    start_anew(arguments.system);

    line_reader input;
    const bool terminal = ::isatty(STDIN_FILENO) != 0;
    if (terminal) print("Type a message, /help for commands, Ctrl-D to leave.\n");
    for (;;) {
        const auto line = input.read_message();
        if (!line) break;
        if (line->empty()) continue;
        if (*line == "/exit" || *line == "/quit") break;
        if (*line == "/help") {
            print(help);
        } else if (*line == "/reset") {
            start_anew(arguments.system);
        } else if (line->starts_with("/system")) {
            start_anew(after(*line, "/system"));
        } else if (*line == "/history") {
            for (const auto& m : talk.messages()) print(m.role + ": " + m.content + "\n");
        } else if (line->front() == '/') {
            print("unknown command; /help lists them\n");
        } else {
            const interrupt_scope interrupt;
            apertus::generate_options run;
            run.cancel.stop = interrupt.token();
            run.stream_text = [](std::string_view piece, std::size_t) {
                print(piece);
                return true;
            };
            try {
                const auto result = talk.say(*line, config, run);
                print(result.sequences.front().reason == apertus::finish_reason::cancelled ? " [stopped]\n" : "\n");
            } catch (const apertus::error& e) {
                if (e.category() == apertus::error_category::io) throw; // nowhere to print to
                std::fprintf(stderr, "apertus: %s\n", e.what());
            }
        }
    }
    if (terminal) print("\n");
    return 0;
}

} // namespace cli
