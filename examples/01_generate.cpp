// SPDX-License-Identifier: Apache-2.0
//
// The shortest useful program: a question in, an answer streamed out. (README.md shows the same text.)
#include <apertus/apertus.hpp>

#include <cstdio>

int main(int argc, char** argv) {
    const char* folder = argc > 1 ? argv[1] : "models/apertus-tiny";
    const auto model = apertus::causal_lm::from_pretrained(folder);
    const auto tokenizer = apertus::auto_tokenizer::from_pretrained(folder);

    const std::vector<apertus::chat_message> messages{{"user", "Was ist die Hauptstadt der Schweiz?"}};
    apertus::generate_options options;
    options.make_decoder = tokenizer.decoder();
    options.stream_text = [](std::string_view piece, std::size_t) {
        return std::fwrite(piece.data(), 1, piece.size(), stdout) > 0;
    };
    (void)model.generate(tokenizer.apply_chat_template(messages), {.max_new_tokens = 64}, options);
    std::puts("");
}
