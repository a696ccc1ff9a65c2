// SPDX-License-Identifier: Apache-2.0
//
// Ways of walking memory, and the search for the one that suits a machine, on the work itself: which one is fastest differs
// by more than a tenth from machine to machine, and from format to format on the same one (backend/cpu/packed_kernels.hpp).
#pragma once

#include <apertus/version.hpp>

#include <array>
#include <cstddef>

APERTUS_BEGIN_NAMESPACE

/// A way of walking memory: `streams` sequential streams side by side per thread, `ahead` bytes of prefetch in each.
struct read_pattern {
    int streams = 6;
    std::size_t ahead = 2048;

    friend bool operator==(const read_pattern&, const read_pattern&) = default;
};

namespace detail {

/// Finds the fastest of some patterns while work goes on: every piece of work is done with next(), and its speed is told.
/// Each pattern is tried a few times in turn, then the one that was fastest at its best stays (what disturbs a measurement
/// makes it slower). A piece of work that is faster by a quarter than any before shows that those were held up by
/// something else, weights still being read from a file for one: then the search starts again.
class read_pattern_search {
public:
    static constexpr int rounds = 4;
    static constexpr double much_faster = 1.25;

    /// Among `most` and half as many streams.
    explicit constexpr read_pattern_search(int most) noexcept
        : patterns_{{{most, 2048}, {most, 4096}, {most, 1024}, {most / 2, 2048}, {most / 2, 4096}, {most / 2, 1024}}} {}

    [[nodiscard]] constexpr read_pattern next() const noexcept { return patterns_[index()]; }
    [[nodiscard]] constexpr bool searching() const noexcept { return tried_ < tries; }

    /// What the last piece of work came to, in bytes per second, done with next(). No number (a clock that stood still) is
    /// nothing.
    constexpr void add(double speed) noexcept {
        if (!(speed < 1e18)) return;
        if (speed > much_faster * fastest_) {
            const std::size_t now = index();
            best_.fill(0.0);
            best_[now] = fastest_ = speed;
            tried_ = 0;
            return;
        }
        if (!searching()) return;
        const std::size_t now = index();
        if (speed > best_[now]) best_[now] = speed;
        if (speed > fastest_) fastest_ = speed;
        ++tried_;
        if (searching()) return;
        for (std::size_t i = 0; i < best_.size(); ++i) {
            if (best_[i] > best_[chosen_]) chosen_ = i;
        }
    }

private:
    static constexpr std::size_t count = 6;
    static constexpr std::size_t tries = count * rounds;

    /// In each round one place further on: the matrices of a layer come in turn, too, and not always the same is to meet
    /// the same.
    [[nodiscard]] constexpr std::size_t index() const noexcept {
        return searching() ? (tried_ + tried_ / count) % count : chosen_;
    }

    std::array<read_pattern, count> patterns_;
    std::array<double, count> best_{};
    double fastest_ = 0.0;
    std::size_t tried_ = 0;
    std::size_t chosen_ = 0;
};

} // namespace detail

APERTUS_END_NAMESPACE
