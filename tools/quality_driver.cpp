// SPDX-License-Identifier: Apache-2.0
//
// What tools/quality/measure.py asks of the library.
//   quality_driver logits MODEL WEIGHTS IDS WINDOW OUT [KV_CACHE [IMPORTANCE]]
//       MODEL is a folder or a GGUF file (head and embedding as `load_options` has them by default), IDS a file of int32
//       token ids, cut into windows of WINDOW ids that are computed on their own; OUT becomes float32 logits [ids][V].
//       IMPORTANCE is a file of `apertus importance`. Prints {"vocabulary":V,"weight_bytes":B}.
//   quality_driver error FORMAT ROWS COLS [IMPORTANCE NAME] < float32 weights [ROWS][COLS]
//       Prints {"squared_error":E,"squared_sum":S,"bytes":B} of packing and unpacking that matrix, which is called NAME.
#include <apertus/apertus.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/model/matrix_converter.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <iostream>
#include <span>
#include <string>
#include <vector>

namespace {

using apertus::error_category;
using apertus::fail;

std::size_t number(const char* name, const char* text) {
    const unsigned long long value = std::strtoull(text, nullptr, 10);
    if (value == 0 || value > 1000000000) fail(error_category::config, "quality_driver", name, "1 .. 1e9", text);
    return static_cast<std::size_t>(value);
}

void logits(const std::string& model_name, const std::string& weights, const std::string& ids_name, std::size_t window,
            const std::string& out_name, const std::string& kv_cache, const std::string& importance) {
    std::ifstream in(ids_name, std::ios::binary | std::ios::ate);
    if (!in) fail(error_category::io, ids_name, "cannot be read");
    std::vector<std::int32_t> ids(static_cast<std::size_t>(in.tellg()) / sizeof(std::int32_t));
    in.seekg(0);
    in.read(reinterpret_cast<char*>(ids.data()), static_cast<std::streamsize>(ids.size() * sizeof(std::int32_t)));
    if (!in || ids.empty()) fail(error_category::io, ids_name, "cannot be read");
    apertus::load_options load;
    load.weights = weights;
    load.kv_cache = kv_cache;
    if (!importance.empty()) {
        load.importance = std::make_shared<const apertus::importance_matrix>(apertus::read_importance(importance));
    }
    const apertus::causal_lm model = apertus::causal_lm::from_pretrained(model_name, load);
    apertus::session_options options;
    options.max_length = window;
    apertus::session_handle session = model.new_session(options);
    std::ofstream out(out_name, std::ios::binary);
    for (std::size_t first = 0; first < ids.size(); first += window) {
        session.truncate(0, 0);
        const auto part = std::span<const std::int32_t>(ids).subspan(first, std::min(window, ids.size() - first));
        const apertus::segment step{0, part, {}, apertus::logits_for::all};
        const auto rows = session.forward(std::span(&step, 1));
        out.write(reinterpret_cast<const char*>(rows.data()),
                  static_cast<std::streamsize>(rows.size() * sizeof(float)));
    }
    out.close();
    if (!out) fail(error_category::io, out_name, "cannot be written");
    std::cout << "{\"vocabulary\":" << model.vocab_size() << ",\"weight_bytes\":" << model.plan(options).weights
              << "}\n";
}

void error_of(const std::string& name, std::size_t rows, std::size_t cols, const std::string& importance,
              const std::string& matrix) {
    const apertus::format_info* const format = apertus::find_format(name);
    if (format == nullptr) {
        fail(error_category::config, "quality_driver", "format", apertus::format_names(), apertus::quoted(name));
    }
    std::vector<float> weights(rows * cols);
    const auto size = static_cast<std::streamsize>(weights.size() * sizeof(float));
    if (!std::cin.read(reinterpret_cast<char*>(weights.data()), size)) {
        fail(error_category::io, "quality_driver", "stdin", std::to_string(size) + " bytes", "less");
    }
    std::vector<std::byte> blocks(format->bytes(rows, cols));
    std::vector<float> columns;
    if (!importance.empty()) {
        const apertus::importance_matrix all = apertus::read_importance(importance);
        const auto found = all.of(matrix, cols);
        columns.assign(found.begin(), found.end());
    }
    const apertus::detail::matrix_converter convert(apertus::info_of<apertus::dense<float>>, *format, cols, columns);
    convert(reinterpret_cast<const std::byte*>(weights.data()), 0, rows, blocks.data());
    const apertus::weight_view<apertus::any_format> packed(*format, blocks.data(), rows, cols);
    std::vector<float> row(cols);
    double error = 0.0;
    double sum = 0.0;
    for (std::size_t r = 0; r < rows; ++r) {
        apertus::unpack_row(packed, r, row.data());
        for (std::size_t c = 0; c < cols; ++c) {
            const double w = static_cast<double>(weights[r * cols + c]);
            const double d = static_cast<double>(row[c]) - w;
            error += d * d;
            sum += w * w;
        }
    }
    std::printf("{\"squared_error\":%.17g,\"squared_sum\":%.17g,\"bytes\":%zu}\n", error, sum, blocks.size());
}

} // namespace

int main(int argc, char** argv) try {
    const std::string command = argc > 1 ? argv[1] : "";
    if (command == "logits" && argc >= 7 && argc <= 9) {
        logits(argv[2], argv[3], argv[4], number("WINDOW", argv[5]), argv[6], argc >= 8 ? argv[7] : "f32",
               argc == 9 ? argv[8] : "");
    } else if (command == "error" && (argc == 5 || argc == 7)) {
        error_of(argv[2], number("ROWS", argv[3]), number("COLS", argv[4]), argc == 7 ? argv[5] : "",
                 argc == 7 ? argv[6] : "");
    } else {
        std::cerr << "usage: quality_driver logits MODEL WEIGHTS IDS WINDOW OUT [KV_CACHE [IMPORTANCE]]\n"
                     "       quality_driver error FORMAT ROWS COLS [IMPORTANCE NAME] < weights\n";
        return 2;
    }
    return 0;
} catch (const std::exception& e) {
    std::cerr << "quality_driver: " << e.what() << '\n';
    return 1;
}
