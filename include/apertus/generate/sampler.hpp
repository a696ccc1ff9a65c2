// SPDX-License-Identifier: Apache-2.0
//
// From logits to a token: a fold over the processors and, when sampling, one draw.
// Greedy takes the first of the largest logits (torch.argmax). Sampling inverts the cumulative distribution, summed in
// double precision in ascending order of ids, at a number that depends only on (seed, stream, position): the same logits
// give the same token in whatever batch, thread or order rows are sampled.
// A NaN among the logits is an error(backend); no token left with a score above -infinity is an error(config).
#pragma once

#include <apertus/generate/candidates.hpp>
#include <apertus/generate/generation_config.hpp>
#include <apertus/generate/logits_processors.hpp>
#include <apertus/generate/philox.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// ln softmax(logits)[id], in double precision. Not for logits with NaN.
[[nodiscard]] inline double log_probability(std::span<const float> logits, std::int32_t id) noexcept {
    const float top = detail::maximum(logits);
    const float own = logits[static_cast<std::size_t>(id)];
    if (std::isinf(top)) { // all mass on the +infinities, or none anywhere
        const auto ties = std::count(logits.begin(), logits.end(), top);
        return own == top ? -std::log(static_cast<double>(ties)) : static_cast<double>(detail::minus_infinity);
    }
    detail::float_sum sum;
    std::size_t i = 0;
    for (; i + detail::scan_lanes <= logits.size(); i += detail::scan_lanes) {
        float lane[detail::scan_lanes];
        for (std::size_t l = 0; l < detail::scan_lanes; ++l) lane[l] = detail::exp_nonpositive(logits[i + l] - top);
        sum.add(lane);
    }
    for (; i < logits.size(); ++i) sum.add_one(detail::exp_nonpositive(logits[i] - top));
    return static_cast<double>(own) - static_cast<double>(top) - std::log(sum.total());
}

/// Chooses tokens for the rows of one generation, one row at a time. All memory is taken at construction.
class sampler {
public:
    /// `vocabulary` is V, the width of the logits.
    sampler(const effective_generation_config& config, std::size_t vocabulary,
            std::span<const logits_processor> own = {})
        : do_sample_(config.do_sample), top_k_(config.top_k), top_p_(config.top_p), min_p_(config.min_p),
          typical_p_(config.typical_p), temperature_{config.temperature},
          processors_(make_logits_processors(config, own)), scores_(vocabulary),
          block_max_(detail::scan_blocks(vocabulary)), candidates_(config.do_sample ? vocabulary : 0) {}

    /// The next token of the sequence that `context` describes. logits is [V].
    [[nodiscard]] std::int32_t operator()(std::span<const float> logits, const logits_context& context,
                                          const random_key& key) {
        if (logits.size() != scores_.size()) {
            fail(error_category::shape, "sampler", "logits", std::to_string(scores_.size()) + " values",
                 std::to_string(logits.size()));
        }
        if (!do_sample_ && processors_.empty()) return first_maximum(logits, context);
        std::copy(logits.begin(), logits.end(), scores_.begin());
        for (const logits_processor& process : processors_) process(scores_, context);
        const std::int32_t best = first_maximum(scores_, context); // before the filters, so that a NaN is noticed
        if (!do_sample_) return best;
        temperature_(scores_);
        candidates_.assign(scores_, top_k_);
        candidates_.keep_top_p(top_p_);
        candidates_.keep_min_p(min_p_);
        candidates_.keep_typical_p(typical_p_);
        return candidates_.pick(uniform(key));
    }

    /// What the last sampling call could have drawn.
    [[nodiscard]] const candidate_set& candidates() const noexcept { return candidates_; }

private:
    [[nodiscard]] std::int32_t first_maximum(std::span<const float> logits, const logits_context& context) {
        const detail::logits_scan scan = detail::scan_logits(logits, block_max_);
        if (scan.has_nan) {
            const auto at = std::find_if(logits.begin(), logits.end(), [](float x) { return x != x; });
            fail(error_category::backend, "sampler", where(context), "numbers",
                 "NaN for token " + std::to_string(at - logits.begin()));
        }
        if (scan.max == detail::minus_infinity) {
            fail(error_category::config, "sampler", where(context), "at least one token that is allowed",
                 "-infinity for all " + std::to_string(logits.size()));
        }
        const auto block = std::find(block_max_.begin(), block_max_.end(), scan.max) - block_max_.begin();
        const auto first = logits.begin() + block * static_cast<std::ptrdiff_t>(detail::scan_block);
        return static_cast<std::int32_t>(std::find(first, logits.end(), scan.max) - logits.begin());
    }

    [[nodiscard]] static std::string where(const logits_context& context) {
        return "logits of row " + std::to_string(context.row) + ", position " +
               std::to_string(context.prompt.size() + context.generated.size());
    }

    bool do_sample_;
    std::size_t top_k_;
    double top_p_;
    double min_p_;
    double typical_p_;
    temperature_scaling temperature_;
    std::vector<logits_processor> processors_;
    std::vector<float> scores_;
    std::vector<float> block_max_;
    candidate_set candidates_;
};

APERTUS_END_NAMESPACE
