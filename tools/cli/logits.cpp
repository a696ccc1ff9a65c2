// SPDX-License-Identifier: Apache-2.0
#include "common.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <numeric>

namespace cli {

namespace {

/// [1.5,-2.25,...] with the shortest digits that read back as the same float.
std::string float_list(std::span<const float> values) {
    std::string out = "[";
    out.reserve(values.size() * 12);
    char digits[32];
    for (std::size_t i = 0; i < values.size(); ++i) {
        if (i != 0) out += ',';
        const auto end = std::to_chars(digits, digits + sizeof digits, values[i]).ptr;
        out.append(digits, end);
    }
    return out + "]";
}

} // namespace

int logits(const model_options& options, const logits_arguments& arguments) {
    const apertus::causal_lm model = load(options);
    apertus::session_options session_options;
    session_options.max_length = arguments.ids.size();
    apertus::session_handle session = model.new_session(session_options);
    const apertus::segment step{0, arguments.ids, {}, apertus::logits_for::all};
    const auto rows = session.forward(std::span(&step, 1));
    for (std::size_t r = 0; r < arguments.ids.size(); ++r) {
        const auto values = rows.row(r).flat();
        const std::string position = std::to_string(r);
        const std::string id = std::to_string(arguments.ids[r]);
        if (arguments.json) {
            print("{\"position\":" + position + ",\"id\":" + id + ",\"logits\":" + float_list(values) + "}\n");
            continue;
        }
        std::vector<std::size_t> order(values.size());
        std::iota(order.begin(), order.end(), std::size_t{0});
        const std::size_t best = std::min<std::size_t>(5, order.size());
        std::partial_sort(order.begin(), order.begin() + static_cast<std::ptrdiff_t>(best), order.end(),
                          [&](std::size_t a, std::size_t b) { return values[a] > values[b]; });
        std::string line = position + "  id " + id + "  best:";
        for (std::size_t i = 0; i < best; ++i) {
            char text[48];
            std::snprintf(text, sizeof text, "  %zu (%.4f)", order[i], static_cast<double>(values[order[i]]));
            line += text;
        }
        print(line + "\n");
    }
    return 0;
}

} // namespace cli
