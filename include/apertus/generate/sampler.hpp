// SPDX-License-Identifier: Apache-2.0
//
// From logits to a token: a fold over the processors and, when sampling, one draw.
// Greedy takes the first of the largest logits (torch.argmax). Sampling inverts the cumulative distribution, summed in
// double precision in ascending order of ids (over a whole vocabulary block by block), at a number that depends only on
// (seed, stream, position): the same logits give the same token in whatever batch, thread or order rows are sampled.
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

namespace detail {

/// ln softmax(logits)[id], `top` being the largest logit.
[[nodiscard]] inline double log_probability(std::span<const float> logits, std::int32_t id, float top,
                                            const logits_passes& passes) noexcept {
    const float own = logits[static_cast<std::size_t>(id)];
    if (std::isinf(top)) { // all mass on the +infinities, or none anywhere
        const auto ties = std::count(logits.begin(), logits.end(), top);
        return own == top ? -std::log(static_cast<double>(ties)) : static_cast<double>(minus_infinity);
    }
    const double sum = passes.exponentials(logits.data(), logits.size(), 1.0f, top, nullptr, nullptr);
    return static_cast<double>(own) - static_cast<double>(top) - std::log(sum);
}

} // namespace detail

/// ln softmax(logits)[id], in double precision. Not for logits with NaN.
[[nodiscard]] inline double log_probability(std::span<const float> logits, std::int32_t id) noexcept {
    return detail::log_probability(logits, id, detail::maximum(logits), detail::best_logits_passes());
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
          block_max_(detail::scan_blocks(vocabulary)), block_sum_(config.do_sample ? block_max_.size() : 0),
          candidates_(config.do_sample ? vocabulary : 0) {}

    /// The next token of the sequence that `context` describes. logits is [V].
    [[nodiscard]] std::int32_t operator()(std::span<const float> logits, const logits_context& context,
                                          const random_key& key) {
        if (logits.size() != scores_.size()) {
            fail(error_category::shape, "sampler", "logits", std::to_string(scores_.size()) + " values",
                 std::to_string(logits.size()));
        }
        if (!processors_.empty()) {
            std::copy(logits.begin(), logits.end(), scores_.begin());
            for (const logits_processor& process : processors_) process(scores_, context);
            logits = scores_;
        }
        detail::scanned_logits row{logits, block_max_, scan(logits, context), 1.0f};
        if (!do_sample_) return first_of(row);
        if (temperature_.temperature != 1.0) {
            row.divisor = temperature_.divisor(row.max);
            if (row.divisor == 0.0f) {
                if (processors_.empty()) std::copy(logits.begin(), logits.end(), scores_.begin());
                temperature_(scores_);
                row = {scores_, block_max_, scan(scores_, context), 1.0f};
            }
        }
        const double u = uniform(key);
        const bool all_tokens = top_k_ == 0 || top_k_ >= logits.size();
        filtered_ = !all_tokens || top_p_ < 1.0 || min_p_ > 0.0 || typical_p_ < 1.0;
        if (!filtered_ && std::isfinite(row.top())) return pick(row, u);
        filter(row, all_tokens);
        return candidates_.pick(u);
    }

    /// Whether the last sampling call had a filter (top_k, top_p, min_p, typical_p).
    [[nodiscard]] bool filtered() const noexcept { return filtered_; }

    /// What the filters of the last sampling call left to draw from. Without filters every token may be drawn, and the
    /// set is not filled.
    [[nodiscard]] const candidate_set& candidates() const noexcept { return candidates_; }

    /// The same as `apertus::log_probability`, faster; logits is [V].
    [[nodiscard]] double log_probability(std::span<const float> logits, std::int32_t id) noexcept {
        const float top = passes_->scan(logits.data(), logits.size(), block_max_.data()).max;
        return detail::log_probability(logits, id, top, *passes_);
    }

private:
    /// Fills block_max_; the largest logit.
    [[nodiscard]] float scan(std::span<const float> logits, const logits_context& context) {
        const detail::logits_scan seen = passes_->scan(logits.data(), logits.size(), block_max_.data());
        if (seen.has_nan) {
            const auto at = std::find_if(logits.begin(), logits.end(), [](float x) { return x != x; });
            fail(error_category::backend, "sampler", where(context), "numbers",
                 "NaN for token " + std::to_string(at - logits.begin()));
        }
        if (seen.max == detail::minus_infinity) {
            fail(error_category::config, "sampler", where(context), "at least one token that is allowed",
                 "-infinity for all " + std::to_string(logits.size()));
        }
        return seen.max;
    }

    [[nodiscard]] std::int32_t first_of(const detail::scanned_logits& row) const noexcept {
        const auto block = std::find(block_max_.begin(), block_max_.end(), row.max) - block_max_.begin();
        const auto first = row.logits.begin() + block * static_cast<std::ptrdiff_t>(detail::scan_block);
        return static_cast<std::int32_t>(std::find(first, row.logits.end(), row.max) - row.logits.begin());
    }

    /// candidate_set::pick over all tokens: the sums of blocks tell the block, its exponentials the token.
    [[nodiscard]] std::int32_t pick(const detail::scanned_logits& row, double u) noexcept {
        const float top = row.top();
        const double sum =
            passes_->exponentials(row.logits.data(), row.logits.size(), row.divisor, top, nullptr, block_sum_.data());
        const double target = u * sum;
        double below = 0.0;
        std::size_t block = 0;
        for (std::size_t b = 0; b < block_sum_.size(); ++b) {
            if (block_sum_[b] == 0.0) continue;
            block = b; // the last block with mass, where rounding leaves the target beyond all of them
            if (below + block_sum_[b] > target) break;
            below += block_sum_[b];
        }
        const std::size_t begin = block * detail::scan_block;
        const std::size_t end = std::min(row.logits.size(), begin + detail::scan_block);
        std::size_t last = begin;
        for (std::size_t i = begin; i < end; ++i) {
            const float mass = detail::exp_nonpositive(row.logits[i] / row.divisor - top);
            if (mass == 0.0f) continue;
            last = i;
            below += static_cast<double>(mass);
            if (below > target) break;
        }
        return static_cast<std::int32_t>(last);
    }

    /// Fills candidates_; the first filter takes its tokens from the row itself.
    void filter(const detail::scanned_logits& row, bool all_tokens) {
        if (!all_tokens) {
            candidates_.assign(row, top_k_);
            candidates_.keep_top_p(top_p_);
            candidates_.keep_min_p(min_p_);
        } else if (top_p_ < 1.0) {
            candidates_.assign_top_p(row, top_p_);
            candidates_.keep_min_p(min_p_);
        } else if (min_p_ > 0.0) {
            candidates_.assign_min_p(row, min_p_);
        } else {
            candidates_.assign_typical_p(row, typical_p_);
            return;
        }
        candidates_.keep_typical_p(typical_p_);
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
    std::vector<double> block_sum_;
    const detail::logits_passes* passes_ = &detail::best_logits_passes();
    bool filtered_ = false;
    candidate_set candidates_;
};

APERTUS_END_NAMESPACE
