// SPDX-License-Identifier: Apache-2.0
//
// What is done to the logits of one position before a token is chosen. A processor is any callable
// (std::span<float> logits[V], const logits_context&); it changes the logits in place, and -infinity forbids a token.
//
// The order, as in transformers 5.23 (GenerationMixin._get_logits_processor), greedy and sampling alike:
//
//   1. repetition_penalty   every token of the prompt and of the generated text, once, whatever its count
//   2. frequency_penalty    generated tokens only, times their count (OpenAI and vLLM; transformers has neither)
//      presence_penalty     generated tokens only, once each; both in one step after 1., as vLLM does
//   3. min_length or min_new_tokens: end tokens are forbidden
//   4. the caller's own processors, in the order given
// and for sampling only:
//   5. temperature   6. top_k   7. top_p   8. min_p   9. typical_p, each over what the one before left
//
// Padding never counts as part of a prompt. Ids beyond V (an embedding may be larger than the head) have no logit and are
// passed over.
#pragma once

#include <apertus/generate/candidates.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/generate/token_tally.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// What a processor may know about the sequence whose next token is chosen. Valid during the call.
struct logits_context {
    std::size_t row = 0;                         ///< index of the prompt in the call
    std::span<const std::int32_t> prompt{};      ///< without padding
    std::span<const std::int32_t> generated{};   ///< new tokens so far
    std::span<const token_count> token_counts{}; ///< distinct ids of both; only filled where a penalty is on
};

using logits_processor = std::function<void(std::span<float>, const logits_context&)>;

namespace detail {

/// Calls f(logit, count) for every distinct id that has a logit.
template <class F> void for_each_seen(std::span<float> logits, std::span<const token_count> counts, const F& f) {
    for (const token_count& c : counts) {
        if (c.id >= 0 && static_cast<std::size_t>(c.id) < logits.size()) f(logits[static_cast<std::size_t>(c.id)], c);
    }
}

inline void forbid(std::span<float> logits, std::span<const std::int32_t> ids) noexcept {
    for (const std::int32_t id : ids) {
        if (id >= 0 && static_cast<std::size_t>(id) < logits.size()) {
            logits[static_cast<std::size_t>(id)] = minus_infinity;
        }
    }
}

/// -infinity for every logit that is not a candidate.
inline void scatter(const candidate_set& candidates, std::span<float> logits) noexcept {
    std::fill(logits.begin(), logits.end(), minus_infinity);
    for (std::size_t i = 0; i < candidates.size(); ++i) {
        logits[static_cast<std::size_t>(candidates.ids()[i])] = candidates.scores()[i];
    }
}

} // namespace detail

/// Negative logits of seen tokens times the penalty, others divided by it (Keskar et al. 2019). Above 1 discourages,
/// below 1 encourages repetition. Reads token_counts: prompt and generated.
struct repetition_penalty {
    float penalty = 1.0f;
    void operator()(std::span<float> logits, const logits_context& context) const {
        detail::for_each_seen(logits, context.token_counts,
                              [this](float& x, const token_count&) { x = x < 0.0f ? x * penalty : x / penalty; });
    }
};

/// logit -= frequency * (times generated) + presence (if generated at all). Reads token_counts: generated only.
struct frequency_and_presence_penalty {
    float frequency = 0.0f;
    float presence = 0.0f;
    void operator()(std::span<float> logits, const logits_context& context) const {
        detail::for_each_seen(logits, context.token_counts, [this](float& x, const token_count& c) {
            if (c.generated > 0) x -= frequency * static_cast<float>(c.generated) + presence;
        });
    }
};

/// Forbids the end tokens until `least` new tokens are there.
struct min_new_tokens {
    std::size_t least = 0;
    std::vector<std::int32_t> eos_token_id{};
    void operator()(std::span<float> logits, const logits_context& context) const {
        if (context.generated.size() < least) detail::forbid(logits, eos_token_id);
    }
};

/// Forbids the end tokens until prompt and new tokens are `least` together.
struct min_length {
    std::size_t least = 0;
    std::vector<std::int32_t> eos_token_id{};
    void operator()(std::span<float> logits, const logits_context& context) const {
        if (context.prompt.size() + context.generated.size() < least) detail::forbid(logits, eos_token_id);
    }
};

/// Divides by the temperature, which must be above 0. Where that would leave the range of float (a temperature near 0)
/// the largest logit becomes 0 and the others follow, which is the same distribution.
struct temperature_scaling {
    double temperature = 1.0;
    /// What to divide by where the largest logit is `top`; 0 where division would leave the range of float.
    [[nodiscard]] float divisor(float top) const noexcept {
        constexpr float largest = std::numeric_limits<float>::max();
        const float by = temperature < static_cast<double>(largest) ? static_cast<float>(temperature) : largest;
        return by > 0.0f && (std::isinf(top) || std::isfinite(top / by)) ? by : 0.0f;
    }

    void operator()(std::span<float> logits, const logits_context& = {}) const noexcept {
        if (temperature == 1.0) return;
        const float top = detail::maximum(logits);
        const float by = divisor(top);
        if (by != 0.0f) {
            std::size_t i = 0;
            for (; i + detail::scan_lanes <= logits.size(); i += detail::scan_lanes) {
                for (std::size_t l = 0; l < detail::scan_lanes; ++l) logits[i + l] /= by;
            }
            for (; i < logits.size(); ++i) logits[i] /= by;
        } else {
            for (float& x : logits) {
                x = static_cast<float>((static_cast<double>(x) - static_cast<double>(top)) / temperature);
            }
        }
    }
};

/// A filter of `candidate_set` as a processor on logits: what it drops becomes -infinity. For use among one's own
/// processors; the loop applies the filters to one candidate set without the detour through V logits.
class top_k_filter {
public:
    top_k_filter(std::size_t k, std::size_t vocabulary) : k_(k), candidates_(vocabulary) {}
    void operator()(std::span<float> logits, const logits_context& = {}) {
        candidates_.assign(logits, k_);
        detail::scatter(candidates_, logits);
    }

private:
    std::size_t k_;
    candidate_set candidates_;
};

/// As top_k_filter, for top_p, min_p and typical_p: top_p_filter(0.9, vocabulary) and so on.
template <void (candidate_set::*Keep)(double)> class probability_filter {
public:
    probability_filter(double p, std::size_t vocabulary) : p_(p), candidates_(vocabulary) {}
    void operator()(std::span<float> logits, const logits_context& = {}) {
        candidates_.assign(logits);
        (candidates_.*Keep)(p_);
        detail::scatter(candidates_, logits);
    }

private:
    double p_;
    candidate_set candidates_;
};
using top_p_filter = probability_filter<&candidate_set::keep_top_p>;
using min_p_filter = probability_filter<&candidate_set::keep_min_p>;
using typical_p_filter = probability_filter<&candidate_set::keep_typical_p>;

/// Whether some option needs the token counts of a sequence.
[[nodiscard]] inline bool has_penalty(const effective_generation_config& c) noexcept {
    return c.repetition_penalty != 1.0 || c.frequency_penalty != 0.0 || c.presence_penalty != 0.0;
}

/// Steps 1 to 4 of the order above; steps that do nothing are left out.
[[nodiscard]] inline std::vector<logits_processor> make_logits_processors(const effective_generation_config& c,
                                                                          std::span<const logits_processor> own = {}) {
    std::vector<logits_processor> out;
    if (c.repetition_penalty != 1.0) out.emplace_back(repetition_penalty{static_cast<float>(c.repetition_penalty)});
    if (c.frequency_penalty != 0.0 || c.presence_penalty != 0.0) {
        out.emplace_back(frequency_and_presence_penalty{static_cast<float>(c.frequency_penalty),
                                                        static_cast<float>(c.presence_penalty)});
    }
    if (c.min_new_tokens) {
        if (*c.min_new_tokens > 0) out.emplace_back(min_new_tokens{*c.min_new_tokens, c.eos_token_id});
    } else if (c.min_length > 0) {
        out.emplace_back(min_length{c.min_length, c.eos_token_id});
    }
    out.insert(out.end(), own.begin(), own.end());
    return out;
}

APERTUS_END_NAMESPACE
