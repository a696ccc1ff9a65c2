// SPDX-License-Identifier: Apache-2.0
//
// A conversation: history, streaming, and a time limit per answer. The cache is kept from turn to turn.
#include <apertus/apertus.hpp>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <string>

int main(int argc, char** argv) try {
    const char* folder = argc > 1 ? argv[1] : "models/apertus-tiny";
    apertus::conversation talk(apertus::causal_lm::from_pretrained(folder),
                               apertus::auto_tokenizer::from_pretrained(folder), 2048);

    apertus::generate_options options;
    options.stream_text = [](std::string_view piece, std::size_t) {
        return std::fwrite(piece.data(), 1, piece.size(), stdout) == piece.size() && std::fflush(stdout) == 0;
    };
    for (std::string line; std::printf("> "), std::fflush(stdout), std::getline(std::cin, line);) {
        options.cancel.deadline = apertus::cancellation::clock::now() + std::chrono::seconds(30);
        const auto result = talk.say(line, {.max_new_tokens = 256}, options);
        std::printf("\n[%s, %.0f tokens/s]\n", std::string(to_string(result.sequences[0].reason)).c_str(),
                    result.decode_seconds > 0 ? static_cast<double>(result.decode_tokens) / result.decode_seconds
                                              : 0.0);
    }
    std::puts("");
} catch (const apertus::error& e) {
    std::fprintf(stderr, "%s: %s\n", std::string(to_string(e.category())).c_str(), e.what());
    return 1;
}
