// SPDX-License-Identifier: Apache-2.0
//
// Passes over one row of logits [V]: largest value, exponentials, sums. Written three times with the same lanes and the
// same order of operations, hence the same bits: plain loops over fixed numbers of lanes, AVX2 and AVX-512; an object picks
// one when it is built (logits_passes). Sums are taken in double precision, lane by lane within blocks of 64, then block by
// block. (A program compiled with -march=native may fuse products and sums in the plain loops: then the last bit of an
// exponential may change, and with it, once in millions of draws, a token.)
// Measured on 131,072 logits, one thread of a Cascade Lake with busy neighbours, g++ 12 -O2, AVX-512, AVX2 and plain loops:
// scan 18, 22 and 70 us, sum of exponentials 177, 252 and 609 us.
#pragma once

#include <apertus/generate/logits_words.hpp>

#include <cstddef>
#include <span>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// The fastest passes of this machine. They differ in speed only.
APERTUS_DECLARATION [[nodiscard]] const logits_passes& best_logits_passes() noexcept;

/// The largest value, NaN left out; -infinity when there is none.
[[nodiscard]] inline float maximum(std::span<const float> x) noexcept {
    float lane[scan_lanes];
    for (float& l : lane) l = minus_infinity;
    std::size_t i = 0;
    for (; i + scan_lanes <= x.size(); i += scan_lanes) {
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] = x[i + l] > lane[l] ? x[i + l] : lane[l];
    }
    for (; i < x.size(); ++i) lane[0] = x[i] > lane[0] ? x[i] : lane[0];
    for (std::size_t l = 1; l < scan_lanes; ++l) lane[0] = lane[l] > lane[0] ? lane[l] : lane[0];
    return lane[0];
}

} // namespace detail

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/generate/logits_math_definitions.hpp>
#endif
