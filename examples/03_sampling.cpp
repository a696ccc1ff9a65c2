// SPDX-License-Identifier: Apache-2.0
//
// Sampling a batch: one prompt, several seeds' worth of answers at once, a stop string, and a processor of one's own.
#include <apertus/apertus.hpp>

#include <cmath>
#include <cstdio>
#include <limits>
#include <vector>

int main(int argc, char** argv) {
    const char* folder = argc > 1 ? argv[1] : "models/apertus-tiny";
    const auto model = apertus::causal_lm::from_pretrained(folder);
    const auto tokenizer = apertus::auto_tokenizer::from_pretrained(folder);
    const auto ids = tokenizer.apply_chat_template(std::vector<apertus::chat_message>{{"user", "Hello, how are you?"}});

    // Equal prompts get different samples by different streams; the same seed and stream give the same text in any batch.
    std::vector<apertus::prompt> prompts;
    for (std::uint64_t stream = 0; stream < 3; ++stream) prompts.push_back({ids, stream});

    apertus::generation_config config;
    config.max_new_tokens = 48;
    config.do_sample = true;
    config.temperature = 1.2;
    config.top_p = 0.95;
    config.seed = 2025;
    config.stop_strings = std::vector<std::string>{"\n"};

    apertus::generate_options options;
    options.make_decoder = tokenizer.decoder();
    const auto question_mark = tokenizer.base().token_to_id("?");
    options.logits_processors.push_back([question_mark](std::span<float> logits, const apertus::logits_context&) {
        if (question_mark) logits[static_cast<std::size_t>(*question_mark)] = -std::numeric_limits<float>::infinity();
    });
    for (const auto& answer : model.generate(prompts, config, options).sequences) {
        std::printf("stream %llu: %s (%s)\n", static_cast<unsigned long long>(answer.stream), answer.text.c_str(),
                    std::string(to_string(answer.reason)).c_str());
    }
}
