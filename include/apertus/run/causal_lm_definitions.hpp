// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/causal_lm.hpp that need no model's templates; the others are in run/load_model.hpp.
#pragma once

#include <apertus/run/causal_lm.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

APERTUS_BEGIN_NAMESPACE

#ifdef APERTUS_SEPARATE_COMPILATION
template generation_result generate<session_handle>(session_handle&, std::span<const prompt>, const generation_config&,
                                                    const generate_options&);
#endif

APERTUS_DEFINITION generation_result causal_lm::generate(std::span<const prompt> prompts, const generation_config& call,
                                                         const generate_options& options) const {
    const generation_config merged = merge(generation_, call);
    const effective_generation_config e = effective(merged);
    session_options wanted;
    wanted.max_sequences = std::clamp<std::size_t>(prompts.size(), 1, max_generate_sequences);
    wanted.max_length = 1;
    for (const prompt& p : prompts) {
        const std::size_t n = std::max<std::size_t>(1, p.ids.size());
        wanted.max_length =
            std::max(wanted.max_length, e.max_new_tokens ? n + *e.max_new_tokens : std::max(n, *e.max_length));
    }
    session_handle session = new_session(wanted);
    return apertus::generate(session, prompts, merged, options);
}

APERTUS_DEFINITION generation_result causal_lm::generate(std::span<const std::int32_t> ids,
                                                         const generation_config& call,
                                                         const generate_options& options) const {
    const prompt one{ids};
    return generate(std::span(&one, 1), call, options);
}

namespace detail {

/// Options that let the model say what it would say by itself.
[[nodiscard]] inline generation_config unguided(std::size_t new_tokens, std::uint64_t seed) {
    generation_config c;
    c.max_new_tokens = static_cast<std::int64_t>(new_tokens);
    c.min_new_tokens = 0;
    c.do_sample = true;
    c.temperature = 1.0;
    c.top_k = 0;
    c.top_p = c.typical_p = c.repetition_penalty = 1.0;
    c.min_p = c.frequency_penalty = c.presence_penalty = 0.0;
    c.seed = seed;
    return c;
}

} // namespace detail

APERTUS_DEFINITION importance_matrix causal_lm::measure_importance(std::span<const std::vector<std::int32_t>> texts,
                                                                   const importance_options& options) const {
    if (options.window == 0 || options.tokens == 0) {
        fail(error_category::config, "importance options", options.window == 0 ? "window" : "tokens", "at least 1",
             "0");
    }
    std::vector<std::vector<std::int32_t>> windows;
    std::size_t count = 0;
    const auto add = [&](std::span<const std::int32_t> ids) {
        for (std::size_t first = 0; first < ids.size() && count < options.tokens; first += options.window) {
            const std::size_t n = std::min({options.window, ids.size() - first, options.tokens - count});
            windows.emplace_back(ids.begin() + static_cast<std::ptrdiff_t>(first),
                                 ids.begin() + static_cast<std::ptrdiff_t>(first + n));
            count += n;
        }
    };
    for (const std::vector<std::int32_t>& text : texts) add(text);
    if (texts.empty()) {
        if (!generation_.bos_token_id) {
            fail(error_category::config, "measure_importance", "texts",
                 "some, since the model has no bos_token_id to begin its own with", "none");
        }
        const std::vector<std::int32_t> begin{*generation_.bos_token_id};
        const auto config = detail::unguided(std::max<std::size_t>(options.window - 1, 1), options.seed);
        for (std::uint64_t stream = 0; count < options.tokens;) {
            const std::size_t missing = (options.tokens - count + options.window - 1) / options.window;
            std::vector<prompt> prompts(std::min(missing, max_generate_sequences), prompt{begin});
            for (prompt& p : prompts) p.stream = stream++;
            generate_options call;
            call.cancel = options.cancel;
            const generation_result written = generate(prompts, config, call);
            options.cancel.throw_if_requested("measure_importance");
            for (const generated_sequence& s : written.sequences) {
                std::vector<std::int32_t> text = begin;
                text.insert(text.end(), s.ids.begin(), s.ids.end());
                add(text);
            }
        }
    }
    if (count == 0) fail(error_category::config, "measure_importance", "texts", "at least one token", "none");
    return model_->measure_importance(windows, options);
}

APERTUS_END_NAMESPACE
