// SPDX-License-Identifier: Apache-2.0
//
// The tokens that may still be drawn, and the filters that make them fewer: top_k, top_p, min_p, typical_p, each keeping
// exactly the set that the class of transformers 5.23 (generation/logits_process.py) keeps.
// Nothing here sorts a vocabulary. top_k finds its threshold among the maxima of blocks of 64 logits, the others by
// selection: of 131,072 logits only those near the border are ever put in order. All memory is taken at construction.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/generate/logits_math.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <span>
#include <string>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// A row of logits [V] with the largest of each block of 64, before a division of all by `divisor`.
struct scanned_logits {
    std::span<const float> logits;
    std::span<const float> block_max;
    float max = minus_infinity;
    float divisor = 1.0f;

    [[nodiscard]] float top() const noexcept { return max / divisor; }
};

} // namespace detail

/// A set of token ids, ascending, with their scores (logits after processors). Tokens with a score of -infinity or NaN are
/// never in it. Scores of +infinity share all of the probability among themselves.
class candidate_set {
public:
    /// For logits of up to `vocabulary` tokens.
    explicit candidate_set(std::size_t vocabulary)
        : ids_(checked(vocabulary)), scores_(vocabulary), mass_(vocabulary), work_(vocabulary), order_(vocabulary),
          keep_(vocabulary), block_max_(detail::scan_blocks(vocabulary)) {}

    [[nodiscard]] std::size_t size() const noexcept { return size_; }
    [[nodiscard]] std::span<const std::int32_t> ids() const noexcept { return {ids_.data(), size_}; }
    [[nodiscard]] std::span<const float> scores() const noexcept { return {scores_.data(), size_}; }

    /// Takes the tokens of `logits` [V] whose value is at least the k-th largest (top_k; more than k where values tie), or
    /// all of them when k is 0 or not below V. Throws error(shape) for more logits than there is room for.
    void assign(std::span<const float> logits, std::size_t k = 0) {
        if (logits.size() > ids_.size()) {
            fail(error_category::shape, "candidate_set", "logits", "at most " + std::to_string(ids_.size()) + " values",
                 std::to_string(logits.size()));
        }
        const float max = passes_->scan(logits.data(), logits.size(), block_max_.data()).max;
        assign({logits, block_max_, max, 1.0f}, k);
    }

    /// The same of a row that has been scanned, its logits divided by row.divisor. Its size is not checked.
    void assign(const detail::scanned_logits& row, std::size_t k = 0) noexcept {
        top_ = row.top();
        if (k == 0 || k >= row.logits.size()) {
            gather(row, std::numeric_limits<float>::lowest());
            return;
        }
        gather(row, block_threshold(row, k));
        if (size_ <= k) return; // fewer than k finite ones, or exactly the k wanted
        std::copy_n(scores_.begin(), size_, work_.begin());
        const auto kth = work_.begin() + static_cast<std::ptrdiff_t>(k - 1);
        std::nth_element(work_.begin(), kth, work_.begin() + static_cast<std::ptrdiff_t>(size_), std::greater<>());
        const float threshold = *kth;
        compact([&](std::size_t i) { return scores_[i] >= threshold; });
    }

    /// TopPLogitsWarper: cumulates probabilities from the least likely token up and drops those whose sum, their own
    /// included, is at most 1 - p. The most likely token always stays. Among equal scores the lower id is dropped first,
    /// as in a stable sort; torch.sort there leaves the order open, so that only the number of equals kept is the same.
    void keep_top_p(double p) {
        if (p >= 1.0 || size_ <= 1) return;
        const double total = softmax();
        const auto threshold = static_cast<float>(1.0 - p);
        const auto dropped = [&](double above) { return static_cast<float>(total - above) <= threshold; };
        const std::size_t near = near_the_top(dropped);
        const std::size_t kept = std::max<std::size_t>(1, mass_prefix(near, by_score{scores_.data()}, dropped));
        keep_first(kept);
    }

    /// assign(row) and keep_top_p(p) without the detour through all tokens, where the likely ones already reach p.
    void assign_top_p(const detail::scanned_logits& row, double p) {
        if (std::isfinite(row.top()) && p < 1.0 && row.logits.size() > small_set) {
            const auto divisor = static_cast<float>(exponential_sum(row));
            const auto threshold = static_cast<float>(1.0 - p);
            // The filter compares with the sum of all probabilities, which are rounded to float twice; that is
            // 1 +- slack. Where the choice would be the same for both ends, the sum itself does not matter.
            constexpr double slack = 0x1p-22;
            const auto dropped_for = [&](double total) {
                return [=](double above) { return static_cast<float>(total - above) <= threshold; };
            };
            top_ = row.top();
            for (const float distance : {3.0f, 6.0f, 12.0f}) {
                gather(row, top_ - distance);
                if (size_ > row.logits.size() / 4) break; // nearly flat: all of them at once
                (void)passes_->exponentials(scores_.data(), size_, 1.0f, top_, mass_.data(), nullptr);
                const double near = passes_->divide(mass_.data(), size_, divisor);
                if (!dropped_for(1.0 + slack)(near * (1.0 - 0x1p-40))) continue; // the sums differ in their last bits
                for (std::size_t i = 0; i < size_; ++i) order_[i] = static_cast<std::uint32_t>(i);
                std::size_t kept = mass_prefix(size_, by_score{scores_.data()}, dropped_for(1.0 + slack));
                if (kept != mass_prefix(size_, by_score{scores_.data()}, dropped_for(1.0 - slack))) {
                    (void)passes_->exponentials(row.logits.data(), row.logits.size(), row.divisor, top_, work_.data(),
                                                nullptr);
                    const double total = passes_->divide(work_.data(), row.logits.size(), divisor);
                    kept = mass_prefix(size_, by_score{scores_.data()}, dropped_for(total));
                }
                keep_first(std::max<std::size_t>(1, kept));
                return;
            }
        }
        assign(row);
        keep_top_p(p);
    }

    /// assign(row) and keep_min_p(p), likewise.
    void assign_min_p(const detail::scanned_logits& row, double p) noexcept {
        const double below = p > 0.0 ? std::log(p) : -HUGE_VAL;
        if (!std::isfinite(row.top()) || below < -20.0) {
            assign(row);
            keep_min_p(p);
            return;
        }
        const auto divisor = static_cast<float>(exponential_sum(row));
        top_ = row.top();
        // Where p is near 1 rounding decides; the margin covers both roundings and the error of the exponential.
        gather(row, static_cast<float>(static_cast<double>(top_) + below - 1e-3 - 1e-6 * std::abs(top_)));
        (void)passes_->exponentials(scores_.data(), size_, 1.0f, top_, mass_.data(), nullptr);
        (void)passes_->divide(mass_.data(), size_, divisor);
        const float least = static_cast<float>(p) * (1.0f / divisor); // the largest of the row is e^0
        compact([&](std::size_t i) { return mass_[i] >= least; });
    }

    /// MinPLogitsWarper: drops tokens less likely than p times the most likely one.
    void keep_min_p(double p) noexcept {
        if (p <= 0.0 || size_ <= 1) return;
        (void)softmax();
        const float least = static_cast<float>(p) * detail::maximum({mass_.data(), size_});
        compact([&](std::size_t i) { return mass_[i] >= least; });
    }

    /// TypicalLogitsWarper: keeps the tokens whose surprise is closest to the entropy until their probability reaches p.
    void keep_typical_p(double p) {
        if (p >= 1.0 || size_ <= 1) return;
        (void)softmax();
        const auto log_sum = static_cast<float>(std::log(sum_));
        double sum = 0.0;
        for (std::size_t i = 0; i < size_; ++i) { // float steps, as the reference takes them
            const float below = scores_[i] == top_ ? 0.0f : top_ - scores_[i]; // also where both are +infinity
            work_[i] = below + log_sum;
            if (mass_[i] > 0.0f) sum += static_cast<double>(work_[i] * detail::exp_nonpositive(-work_[i]));
            order_[i] = static_cast<std::uint32_t>(i);
        }
        const auto entropy = static_cast<float>(sum);
        for (std::size_t i = 0; i < size_; ++i) work_[i] = std::abs(work_[i] - entropy);
        const auto mass = static_cast<float>(p);
        const std::size_t kept =
            std::max<std::size_t>(1, mass_prefix(
                                         size_,
                                         [&](std::uint32_t a, std::uint32_t b) {
                                             return work_[a] < work_[b] || (work_[a] == work_[b] && a < b);
                                         },
                                         [&](double before) { return static_cast<float>(before) >= mass; }));
        float furthest = 0.0f;
        for (std::size_t i = 0; i < kept; ++i) furthest = std::max(furthest, work_[order_[i]]);
        compact([&](std::size_t i) { return work_[i] <= furthest; });
        top_ = detail::maximum(scores()); // the only filter that may drop the most likely token
    }

    /// The id at share `u` in [0, 1) of the total probability, summed in double precision in ascending order of ids.
    /// At least one candidate is needed.
    [[nodiscard]] std::int32_t pick(double u) noexcept {
        exponentials();
        const double target = u * sum_;
        double below = 0.0;
        std::size_t last = 0;
        for (std::size_t i = 0; i < size_ && below <= target; ++i) {
            below += static_cast<double>(mass_[i]);
            if (mass_[i] > 0.0f) last = i;
        }
        return ids_[last];
    }

private:
    /// Before: the larger score, of equals the higher id.
    struct by_score {
        const float* scores;
        bool operator()(std::uint32_t a, std::uint32_t b) const noexcept {
            return scores[a] > scores[b] || (scores[a] == scores[b] && a > b);
        }
    };

    static std::size_t checked(std::size_t vocabulary) {
        if (vocabulary > static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max())) {
            fail(error_category::shape, "candidate_set", "vocabulary", "at most 2147483647 tokens",
                 std::to_string(vocabulary));
        }
        return vocabulary;
    }

    static constexpr std::size_t small_set = 1024; ///< of which everything may be put in order

    [[nodiscard]] double exponential_sum(const detail::scanned_logits& row) const noexcept {
        return passes_->exponentials(row.logits.data(), row.logits.size(), row.divisor, row.top(), nullptr, nullptr);
    }

    /// A score that at least k of the logits reach: the k-th largest of the block maxima, each of which is a logit.
    [[nodiscard]] float block_threshold(const detail::scanned_logits& row, std::size_t k) noexcept {
        const std::size_t blocks = detail::scan_blocks(row.logits.size());
        if (k > blocks) return std::numeric_limits<float>::lowest();
        std::copy_n(row.block_max.begin(), blocks, work_.begin());
        const auto kth = work_.begin() + static_cast<std::ptrdiff_t>(k - 1);
        std::nth_element(work_.begin(), kth, work_.begin() + static_cast<std::ptrdiff_t>(blocks), std::greater<>());
        return std::max(*kth / row.divisor, std::numeric_limits<float>::lowest());
    }

    /// The tokens with a score of at least `threshold`. Division keeps the order, so a block's largest logit tells.
    void gather(const detail::scanned_logits& row, float threshold) noexcept {
        std::size_t count = 0;
        for (std::size_t b = 0; b * detail::scan_block < row.logits.size(); ++b) {
            if (!(row.block_max[b] / row.divisor >= threshold)) continue;
            const std::size_t end = std::min(row.logits.size(), (b + 1) * detail::scan_block);
            for (std::size_t i = b * detail::scan_block; i < end; ++i) {
                const float score = row.logits[i] / row.divisor;
                ids_[count] = static_cast<std::int32_t>(i); // written always, kept only when the count moves on
                scores_[count] = score;
                count += score >= threshold ? 1 : 0;
            }
        }
        size_ = count;
    }

    template <class Keep> void compact(const Keep& keep) noexcept {
        std::size_t kept = 0;
        for (std::size_t i = 0; i < size_; ++i) {
            if (!keep(i)) continue;
            ids_[kept] = ids_[i];
            scores_[kept] = scores_[i];
            ++kept;
        }
        size_ = kept;
    }

    /// mass_[i] = e^(score - largest score), sum_ = their sum.
    void exponentials() noexcept {
        if (std::isinf(top_)) { // +infinity: these share everything
            sum_ = 0.0;
            for (std::size_t i = 0; i < size_; ++i)
                sum_ += static_cast<double>(mass_[i] = scores_[i] == top_ ? 1.0f : 0.0f);
        } else {
            sum_ = passes_->exponentials(scores_.data(), size_, 1.0f, top_, mass_.data(), nullptr);
        }
    }

    /// mass_ = probabilities, rounded to float as the reference has them; returns their sum in double.
    double softmax() noexcept {
        exponentials();
        return passes_->divide(mass_.data(), size_, static_cast<float>(sum_));
    }

    /// Fills order_ with candidates that certainly hold everything that top_p keeps, and returns how many: those within a
    /// few units of the largest score where that is enough, all of them otherwise.
    template <class Dropped> [[nodiscard]] std::size_t near_the_top(const Dropped& dropped) noexcept {
        if (size_ > small_set) {
            for (const float distance : {3.0f, 6.0f, 12.0f}) {
                std::size_t count = 0;
                double above = 0.0;
                for (std::size_t i = 0; i < size_; ++i) {
                    if (scores_[i] < top_ - distance) continue;
                    order_[count++] = static_cast<std::uint32_t>(i);
                    above += static_cast<double>(mass_[i]);
                }
                if (dropped(above)) return count;
            }
        }
        for (std::size_t i = 0; i < size_; ++i) order_[i] = static_cast<std::uint32_t>(i);
        return size_;
    }

    /// Brings order_[0 .. n) into such an order that its first r items are the first r by `before`, where r (returned) is
    /// the first place at which crossed(mass of the items before it) holds, n when it never does. `crossed` must not
    /// turn false again as the mass grows. Selection, linear time on average: no full sort.
    template <class Before, class Crossed>
    [[nodiscard]] std::size_t mass_prefix(std::size_t n, const Before& before, const Crossed& crossed) {
        constexpr std::size_t small = 32;
        std::size_t low = 0;
        std::size_t high = n;
        double mass = 0.0; // of order_[0 .. low)
        const auto at = [&](std::size_t i) { return order_.begin() + static_cast<std::ptrdiff_t>(i); };
        while (high - low > small) {
            const std::size_t middle = low + (high - low) / 2;
            std::nth_element(at(low), at(middle), at(high), before);
            double part = 0.0;
            for (std::size_t i = low; i < middle; ++i) part += static_cast<double>(mass_[order_[i]]);
            if (crossed(mass + part)) {
                high = middle;
            } else {
                low = middle;
                mass += part;
            }
        }
        std::sort(at(low), at(high), before);
        for (; low < high; ++low) {
            if (crossed(mass)) return low;
            mass += static_cast<double>(mass_[order_[low]]);
        }
        return high;
    }

    /// Keeps the candidates order_[0 .. count).
    void keep_first(std::size_t count) noexcept {
        std::fill_n(keep_.begin(), size_, std::uint8_t{0});
        for (std::size_t i = 0; i < count; ++i) keep_[order_[i]] = 1;
        compact([&](std::size_t i) { return keep_[i] != 0; });
    }

    const detail::logits_passes* passes_ = &detail::best_logits_passes();
    std::size_t size_ = 0;
    float top_ = detail::minus_infinity; ///< largest score
    double sum_ = 0.0;                   ///< of mass_
    std::vector<std::int32_t> ids_;
    std::vector<float> scores_;
    std::vector<float> mass_;
    std::vector<float> work_;
    std::vector<std::uint32_t> order_;
    std::vector<std::uint8_t> keep_;
    std::vector<float> block_max_;
};

APERTUS_END_NAMESPACE
