// SPDX-License-Identifier: Apache-2.0
//
// What choosing one token costs, on one thread: microseconds for each way of sampling over a vocabulary, one JSON line per
// case (median and best), and the share of a token that takes 100 ms. The logits are what a language model gives (a few
// tokens far above a bell curve), or flat (every token nearly as likely: the worst case of every filter).
// Between two calls another buffer is walked, so that logits are in the caches as they are after the head: mostly not.
// Usage: sampler [vocabulary] [passes]
#include <apertus/generate/sampler.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <random>
#include <span>
#include <vector>

namespace {

using namespace apertus;

struct sampling_case {
    const char* name;
    generation_config config;
    bool log_probability = false;
};

std::vector<sampling_case> all_cases() {
    generation_config draw;
    draw.do_sample = true;
    draw.top_k = 0;
    std::vector<sampling_case> cases;
    const auto add = [&](const char* name, generation_config c, bool logprob = false) {
        cases.push_back({name, std::move(c), logprob});
    };
    add("greedy", {});
    add("greedy, log-probability", {}, true);
    generation_config c;
    c.repetition_penalty = 1.1;
    add("greedy, repetition penalty", c);
    add("temperature 1", draw);
    draw.temperature = 0.8;
    add("temperature", draw);
    c = draw;
    c.top_k = 50;
    add("top-k 50", c);
    c = draw;
    c.top_p = 0.9;
    add("top-p 0.9", c);
    c = draw;
    c.min_p = 0.05;
    add("min-p 0.05", c);
    c = draw;
    c.typical_p = 0.9;
    add("typical-p 0.9", c);
    c = draw;
    c.top_k = 50;
    c.top_p = 0.9;
    c.min_p = 0.05;
    c.repetition_penalty = 1.1;
    add("all", c);
    add("all, log-probability", c, true);
    return cases;
}

/// Rows of logits: a bell curve of width 2 and, unless flat, fifty tokens that stand out by up to sixteen.
std::vector<std::vector<float>> make_rows(std::size_t vocabulary, bool flat) {
    std::vector<std::vector<float>> rows(4, std::vector<float>(vocabulary));
    std::mt19937 random(7); // its numbers are the same everywhere
    const auto unit = [&] { return (static_cast<double>(random()) + 0.5) / 4294967296.0; };
    for (auto& row : rows) {
        for (float& x : row) {
            const double normal = std::sqrt(-2.0 * std::log(unit())) * std::cos(6.283185307179586 * unit());
            x = static_cast<float>((flat ? 0.1 : 2.0) * normal);
        }
        if (flat) continue;
        for (int i = 0; i < 50; ++i) row[random() % vocabulary] = static_cast<float>(4.0 + 12.0 * unit());
    }
    return rows;
}

} // namespace

int main(int argc, char** argv) try {
    const std::size_t vocabulary = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 131072;
    const std::size_t passes = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 201;
    if (vocabulary < 1000 || vocabulary > 10000000 || passes == 0) {
        std::fputs("usage: sampler [vocabulary >= 1000] [passes]\n", stderr);
        return 2;
    }
    std::vector<std::int32_t> prompt(1000);
    for (std::size_t i = 0; i < prompt.size(); ++i) prompt[i] = static_cast<std::int32_t>(i * 7919 % vocabulary);
    const token_tally tally(prompt);
    const logits_context context{0, prompt, {}, tally.counts()};
    std::vector<float> elsewhere(std::size_t{1} << 20); // 4 MiB: more than a core's own caches
    float seen = 0;
    for (const bool flat : {false, true}) {
        const auto rows = make_rows(vocabulary, flat);
        for (const sampling_case& c : all_cases()) {
            sampler sample(effective(c.config), vocabulary);
            std::vector<double> us;
            double sum = 0;
            for (std::size_t pass = 0; pass < passes + 3; ++pass) {
                const std::span<const float> logits = rows[pass % rows.size()];
                for (const float x : elsewhere) seen += x;
                const auto begin = std::chrono::steady_clock::now();
                const std::int32_t id = sample(logits, context, {1, 0, pass});
                if (c.log_probability) sum += sample.log_probability(logits, id);
                const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
                if (pass >= 3) us.push_back(seconds.count() * 1e6); // the first ones touch memory
            }
            if (std::isnan(sum)) return 1;
            std::sort(us.begin(), us.end());
            const double median = us[us.size() / 2];
            std::printf(
                "{\"bench\":\"sampler\",\"vocabulary\":%zu,\"logits\":\"%s\",\"case\":\"%s\",\"us_median\":%.1f,"
                "\"us_best\":%.1f,\"share_of_100_ms\":%.5f}\n",
                vocabulary, flat ? "flat" : "peaked", c.name, median, us.front(), median / 1e5);
        }
    }
    return seen == 1.0F ? 1 : 0;
} catch (const std::exception& e) {
    std::fprintf(stderr, "sampler: %s\n", e.what());
    return 1;
}
