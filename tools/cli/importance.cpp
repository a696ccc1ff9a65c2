// SPDX-License-Identifier: Apache-2.0
//
// importance: runs a model over text and writes down how much each input of each matrix matters.
#include "common.hpp"

#include <apertus/io/file.hpp>

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace cli {

int importance(const model_options& options, const importance_arguments& arguments) {
    constexpr std::uint64_t largest_text = std::uint64_t{1} << 30;
    const interrupt_scope interrupt;
    std::vector<std::vector<std::int32_t>> texts;
    if (!arguments.texts.empty()) {
        const apertus::tokenizer tokenizer = apertus::load_tokenizer(model_folder(options));
        const std::size_t share = arguments.options.tokens / arguments.texts.size() + 1; // every file has its say
        for (const std::string& path : arguments.texts) {
            texts.push_back(tokenizer.encode(apertus::read_file(path, largest_text)));
            if (texts.back().size() > share) texts.back().resize(share);
        }
    }
    const apertus::causal_lm model = load(options);
    apertus::importance_options o = arguments.options;
    o.cancel.stop = interrupt.token();
    const bool terminal = ::isatty(STDERR_FILENO) != 0;
    if (terminal) {
        o.progress = [](std::size_t done, std::size_t total) {
            std::fprintf(stderr, "\r%zu of %zu tokens ", done, total);
        };
        if (texts.empty()) std::fputs("the model writes", stderr);
    }
    const apertus::importance_matrix matrix = model.measure_importance(texts, o);
    if (terminal) std::fputs("\r\x1b[K", stderr);
    apertus::write_importance(arguments.output, matrix, o.cancel);
    print(std::to_string(matrix.mean_squares().size()) + " matrices, measured on " + std::to_string(matrix.tokens()) +
          " tokens: " + arguments.output + "\n");
    return 0;
}

} // namespace cli
