// SPDX-License-Identifier: Apache-2.0
//
// The tokens that may still be drawn, and the filters that make them fewer: top_k, top_p, min_p, typical_p, each keeping
// exactly the set that the class of transformers 5.23 (generation/logits_process.py) keeps.
// Nothing here sorts a vocabulary. top_k finds its threshold among the maxima of blocks of 64 logits, the others from a
// histogram: of 131,072 logits only those near the border are ever put in order. All memory is taken at construction.
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
        (void)mark_best(dropped);
        keep_marked();
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
            const auto many = static_cast<float>(row.logits.size()) / 4;
            for (const float distance : {3.0f, 6.0f, 12.0f}) {
                if (divisor > 1.25f * many) break; // nearly flat: all of them at once
                gather(row, top_ - distance);
                if (static_cast<float>(size_) > many) break;
                (void)passes_->exponentials(scores_.data(), size_, 1.0f, top_, mass_.data(), nullptr);
                const double near = passes_->divide(mass_.data(), size_, divisor);
                if (!dropped_for(1.0 + slack)(near * (1.0 - 0x1p-40))) continue; // the sums differ in their last bits
                const std::size_t kept = mark_best(dropped_for(1.0 + slack));
                if (kept != mark_best(dropped_for(1.0 - slack))) {
                    (void)passes_->exponentials(row.logits.data(), row.logits.size(), row.divisor, top_, work_.data(),
                                                nullptr);
                    const double total = passes_->divide(work_.data(), row.logits.size(), divisor);
                    (void)mark_best(dropped_for(total));
                }
                keep_marked();
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
    void keep_typical_p(double p) noexcept {
        if (p >= 1.0 || size_ <= 1) return;
        if (std::isinf(top_)) { // all that are infinite are equally surprising, and share everything
            compact([&](std::size_t i) { return scores_[i] == top_; });
            return;
        }
        (void)softmax();
        const auto log_sum = static_cast<float>(std::log(sum_));
        const auto entropy = static_cast<float>(passes_->entropy(scores_.data(), size_, 1.0f, top_, log_sum));
        keep_within(typical_distance(log_sum, entropy, static_cast<float>(p)), entropy);
    }

    /// assign(row) and keep_typical_p(p), likewise.
    void assign_typical_p(const detail::scanned_logits& row, double p) noexcept {
        if (std::isfinite(row.top()) && p < 1.0 && row.logits.size() > small_set) {
            const double sum = exponential_sum(row);
            const auto log_sum = static_cast<float>(std::log(sum));
            const auto entropy = static_cast<float>(
                passes_->entropy(row.logits.data(), row.logits.size(), row.divisor, row.top(), log_sum));
            const auto mass = static_cast<float>(p);
            const auto many = static_cast<float>(row.logits.size()) / 4;
            top_ = row.top();
            const float typical = top_ + (log_sum - entropy); // the score of a token as surprising as the mean
            const float rounding = 1e-3f + 1e-6f * std::abs(top_);
            for (const float distance : {1.0f, 3.0f, 9.0f}) {
                gather(row, typical - distance);
                if (static_cast<float>(size_) > many) break;
                (void)passes_->exponentials(scores_.data(), size_, 1.0f, top_, mass_.data(), nullptr);
                const double near = passes_->divide(mass_.data(), size_, static_cast<float>(sum));
                if (static_cast<float>(near * (1.0 - 0x1p-40)) < mass) continue; // the sums differ in their last bits
                const float furthest = typical_distance(log_sum, entropy, mass);
                if (furthest > distance - rounding) continue; // some that were left out may be nearer
                keep_within(furthest, entropy);
                return;
            }
        }
        assign(row);
        keep_typical_p(p);
    }

    /// The id at share `u` in [0, 1) of the total probability, summed in double precision in ascending order of ids.
    /// At least one candidate is needed.
    [[nodiscard]] std::int32_t pick(double u) noexcept {
        exponentials();
        const double target = u * sum_;
        double below = 0.0;
        std::size_t i = 0;
        for (; i + detail::scan_block < size_; i += detail::scan_block) { // blocks that end before the target
            double part[4] = {};
            for (std::size_t j = 0; j < detail::scan_block; ++j) part[j % 4] += static_cast<double>(mass_[i + j]);
            const double sum = (part[0] + part[1]) + (part[2] + part[3]);
            if (below + sum > target) break;
            below += sum;
        }
        for (; i < size_; ++i) {
            below += static_cast<double>(mass_[i]);
            if (below > target) break;
        }
        std::size_t last = std::min(i, size_ - 1);
        while (last > 0 && mass_[last] == 0.0f) --last; // where rounding leaves the target beyond all of them
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
            const bool stays = keep(i);
            ids_[kept] = ids_[i]; // written always, as in gather
            scores_[kept] = scores_[i];
            kept += stays ? 1 : 0;
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

    /// work_[i] = surprise of candidate i in float steps, as the reference takes them; returns how far from the entropy
    /// the last of those is that it takes for a probability of `mass`.
    [[nodiscard]] float typical_distance(float log_sum, float entropy, float mass) noexcept {
        for (std::size_t i = 0; i < size_; ++i) work_[i] = (top_ - scores_[i]) + log_sum;
        const auto distance = [&](std::size_t i) { return std::abs(work_[i] - entropy); };
        const marked kept = mark_prefix(
            work_.data(), entropy,
            [&](std::uint32_t a, std::uint32_t b) {
                return distance(a) < distance(b) || (distance(a) == distance(b) && a < b);
            },
            [&](double before) { return static_cast<float>(before) >= mass; });
        float furthest = 0.0f;
        for (std::size_t i = 0; i < kept.near; ++i) furthest = std::max(furthest, distance(order_[i]));
        for (std::size_t i = 0; i < size_ && kept.near == 0; ++i) {
            furthest = std::max(furthest, keep_[i] != 0 ? distance(i) : 0.0f);
        }
        return furthest;
    }

    /// Keeps the tokens whose surprise (in work_) is within `furthest` of the entropy: what is as far stays, too.
    void keep_within(float furthest, float entropy) noexcept {
        compact([&](std::size_t i) { return std::abs(work_[i] - entropy) <= furthest; });
        top_ = detail::maximum(scores()); // the only filter that may drop the most likely token
    }

    struct marked {
        std::size_t all;
        std::size_t near; ///< of them order_[0 .. near), none nearer than the others
    };

    /// mark_prefix, the largest scores first.
    template <class Crossed> std::size_t mark_best(const Crossed& crossed) {
        return mark_prefix(scores_.data(), top_, by_score{scores_.data()}, crossed).all;
    }

    /// keep_[i] = whether candidate i is among the first r by `before`, where r (returned) is the first place at which
    /// crossed(mass of those before it) holds, at least 1, all of them when it never does. `crossed` must not turn false
    /// again as the mass grows, and `before` puts smaller keys |x[i] - center| first. A histogram of the keys tells which
    /// candidates lie near the border; only those are compared with each other.
    template <class Before, class Crossed>
    marked mark_prefix(const float* x, float center, const Before& before, const Crossed& crossed) {
        if (size_ <= small_set) {
            for (std::size_t i = 0; i < size_; ++i) order_[i] = static_cast<std::uint32_t>(i);
            std::fill_n(keep_.begin(), size_, std::uint8_t{0});
            return mark_first(0, mass_prefix(size_, 0.0, before, crossed));
        }
        constexpr std::size_t bins = 2048;
        constexpr auto last_bin = static_cast<float>(bins - 1);
        constexpr std::size_t sample = 16;
        const auto key = [=](std::size_t i) { return std::abs(x[i] - center); };
        float least = key(0);
        float most = least;
        // Of a sample; the first and the last bin take what lies beyond. Where keys are 64 apart masses do not count.
        for (std::size_t i = sample; i < size_; i += sample) {
            least = std::min(least, key(i));
            most = std::max(most, key(i));
        }
        const float range = std::min(most - least, 64.0f);
        const float to_bin = range > 0.0f ? static_cast<float>(bins) / range : 0.0f;
        const auto bin = [=](std::size_t i) { // the last one for what is not a number (infinite scores: all of them)
            const float at = (std::abs(x[i] - center) - least) * to_bin;
            const float within = at < last_bin ? at : last_bin;
            return static_cast<std::int32_t>(within > 0.0f ? within : 0.0f);
        };
        constexpr std::size_t block = detail::scan_block;
        const float* const masses = mass_.data();
        std::uint32_t* const order = order_.data();
        double mass_in[bins] = {};
        for (std::size_t first = 0; first < size_; first += block) {
            std::int32_t bin_of[block];
            const std::size_t n = std::min(block, size_ - first);
            if (n == block) { // vectors
                for (std::size_t i = 0; i < block; ++i) bin_of[i] = bin(first + i);
            } else {
                for (std::size_t i = 0; i < n; ++i) bin_of[i] = bin(first + i);
            }
            for (std::size_t i = 0; i < n; ++i) {
                order[first + i] = static_cast<std::uint32_t>(bin_of[i]);
                mass_in[bin_of[i]] += static_cast<double>(masses[first + i]);
            }
        }
        std::uint32_t border = 0;
        double mass = 0.0; // of the bins before it
        while (border < bins - 1 && !crossed(mass + mass_in[border])) mass += mass_in[border++];
        std::size_t certain = 0;
        std::size_t near = 0; // takes places in order_ whose bins have been read
        std::uint8_t* const keep = keep_.data();
        for (std::size_t i = 0; i < size_; ++i) {
            const std::uint32_t b = order[i];
            keep[i] = b < border ? 1 : 0;
            certain += b < border ? 1 : 0;
            if (b == border) order[near++] = static_cast<std::uint32_t>(i);
        }
        return mark_first(certain, mass_prefix(near, mass, before, crossed));
    }

    /// Marks the candidates order_[0 .. n), at least one of all.
    marked mark_first(std::size_t certain, std::size_t n) noexcept {
        if (certain == 0 && n == 0) n = 1;
        for (std::size_t i = 0; i < n; ++i) keep_[order_[i]] = 1;
        return {certain + n, n};
    }

    /// Brings order_[0 .. high) into such an order that its first r items are the first r by `before`, where r (returned)
    /// is the first place at which crossed(mass + that of the items before it) holds, `high` when it never does. Selection,
    /// linear time on average: no full sort.
    template <class Before, class Crossed>
    [[nodiscard]] std::size_t mass_prefix(std::size_t high, double mass, const Before& before, const Crossed& crossed) {
        constexpr std::size_t small = 32;
        std::size_t low = 0; // `mass` is of what comes before it
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

    void keep_marked() noexcept {
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
