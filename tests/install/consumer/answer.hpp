// SPDX-License-Identifier: Apache-2.0
//
// What both translation units of the consumer do. `static`, so that each has its own, compiled with its own flags.
#pragma once

#include <apertus/apertus.hpp>

#include <cstdint>
#include <string>
#include <vector>

struct answer {
    std::string backend;
    std::vector<std::int32_t> ids;
    std::vector<float> logits; // of the last position
};

/// Runs the model in `folder`: eight greedy tokens, and the logits after a fixed prompt.
static inline answer run_model(const std::string& folder, const std::string& isa) {
    apertus::load_options options;
    options.isa = isa;
    const auto model = apertus::causal_lm::from_pretrained(folder, options);
    const std::vector<std::int32_t> prompt{1, 5, 9, 2, 7};

    apertus::generation_config config;
    config.max_new_tokens = 8;
    config.do_sample = false;
    answer out;
    out.backend = model.backend_name();
    out.ids = model.generate(prompt, config).sequences.at(0).ids;

    auto session = model.new_session();
    apertus::segment segment;
    segment.ids = prompt;
    const auto logits = session.forward({&segment, 1});
    out.logits.assign(logits.data(), logits.data() + logits.size());
    return out;
}
