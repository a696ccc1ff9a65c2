// SPDX-License-Identifier: Apache-2.0
//
// Passes over one row of logits [V]: largest value, exponentials, sums. Loops over fixed numbers of lanes, which g++ and
// clang turn into vectors at plain -O2, SSE2 included. Measured on 131,072 logits, one thread, g++ 12 -O2: scan 54 us,
// exponentials with their sum 365 us (std::exp in a loop: 490 us without the sum), -march=native 160 us.
// The order of every sum is fixed. A compiler that fuses a multiplication and an addition (-march=native) may change the
// last bit of an exponential, and with it, once in millions of draws, a token; the run-time choice of kernels does not.
#pragma once

#include <apertus/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

APERTUS_BEGIN_NAMESPACE

namespace detail {

inline constexpr float minus_infinity = -std::numeric_limits<float>::infinity();
inline constexpr std::size_t scan_block = 64;
inline constexpr std::size_t scan_lanes = 16; // fixed trip counts, so that -O2 vectorises without flags

[[nodiscard]] constexpr std::size_t scan_blocks(std::size_t n) noexcept { return (n + scan_block - 1) / scan_block; }

/// The largest value (NaN left out, -infinity when there is nothing else) and whether there is a NaN.
struct logits_scan {
    float max = minus_infinity;
    bool has_nan = false;
};

/// One pass over x; block_max[b] becomes the largest of x[64 b .. 64 b + 63]. block_max has scan_blocks(x.size()) items.
[[nodiscard]] inline logits_scan scan_logits(std::span<const float> x, std::span<float> block_max) noexcept {
    logits_scan out;
    const std::size_t whole = x.size() / scan_block;
    unsigned nan[scan_lanes] = {};
    for (std::size_t b = 0; b < whole; ++b) {
        const float* const block = x.data() + b * scan_block;
        float lane[scan_lanes];
        for (float& l : lane) l = minus_infinity;
        for (std::size_t j = 0; j < scan_block; j += scan_lanes) {
            for (std::size_t l = 0; l < scan_lanes; ++l) {
                const float v = block[j + l];
                lane[l] = v > lane[l] ? v : lane[l];
                nan[l] |= v != v ? 1u : 0u;
            }
        }
        for (std::size_t step = scan_lanes / 2; step > 0; step /= 2) {
            for (std::size_t l = 0; l < step; ++l) lane[l] = lane[l + step] > lane[l] ? lane[l + step] : lane[l];
        }
        block_max[b] = lane[0];
        out.max = lane[0] > out.max ? lane[0] : out.max;
    }
    if (whole * scan_block < x.size()) {
        float tail = minus_infinity;
        for (const float v : x.subspan(whole * scan_block)) {
            tail = v > tail ? v : tail;
            nan[0] |= v != v ? 1u : 0u;
        }
        block_max[whole] = tail;
        out.max = tail > out.max ? tail : out.max;
    }
    for (const unsigned n : nan) out.has_nan = out.has_nan || n != 0;
    return out;
}

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

/// e^x for x <= 0, within 2e-7 relative; 0 below -87. Plain arithmetic, so that the result does not depend on which
/// variant of the C library's exp a machine picks. Not for NaN.
[[nodiscard]] inline float exp_nonpositive(float x) noexcept {
    // The range is cut by integer arithmetic: from two comparisons of floats g++ 12 -O2 makes a branch, and no vectors.
    constexpr std::int32_t limit = 0x42ae0000; // 87.0f
    const auto magnitude = static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x) & 0x7fffffffu);
    const std::int32_t in_range = magnitude > limit ? 0 : -1;
    const float clamped = -std::bit_cast<float>((magnitude & in_range) | (limit & ~in_range));
    const int n = static_cast<int>(clamped * 1.44269504088896341f - 0.5f); // nearest, since clamped <= 0
    const auto nf = static_cast<float>(n);
    const float r = (clamped - nf * 0.693359375f) + nf * 2.12194440e-4f; // Cody-Waite: ln 2 in two parts
    float p = 1.9875691500e-4f;                                          // Cephes expf
    p = p * r + 1.3981999507e-3f;
    p = p * r + 8.3334519073e-3f;
    p = p * r + 4.1665795894e-2f;
    p = p * r + 1.6666665459e-1f;
    p = p * r + 5.0000001201e-1f;
    const float value = (p * (r * r) + r) + 1.0f;
    const float power = std::bit_cast<float>(static_cast<std::uint32_t>(n + 127) << 23);
    return std::bit_cast<float>(std::bit_cast<std::int32_t>(value * power) & in_range);
}

/// Sum in double precision, in an order that depends on nothing but the number of values.
class float_sum {
public:
    void add(const float (&x)[scan_lanes]) noexcept {
        for (std::size_t l = 0; l < scan_lanes; ++l) lane_[l] += static_cast<double>(x[l]);
    }
    void add_one(float x) noexcept { lane_[0] += static_cast<double>(x); }
    [[nodiscard]] double total() const noexcept {
        double sum = 0.0;
        for (const double l : lane_) sum += l;
        return sum;
    }

private:
    double lane_[scan_lanes] = {};
};

/// out[i] = e^(x[i] - top), top being at least every x[i] and finite; returns the sum.
inline double exponentials(std::span<const float> x, float top, float* out) noexcept {
    float_sum sum;
    std::size_t i = 0;
    for (; i + scan_lanes <= x.size(); i += scan_lanes) {
        float lane[scan_lanes]; // a copy, because out might overlap x for all that the compiler knows
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] = x[i + l];
        for (std::size_t l = 0; l < scan_lanes; ++l) lane[l] = exp_nonpositive(lane[l] - top);
        for (std::size_t l = 0; l < scan_lanes; ++l) out[i + l] = lane[l];
        sum.add(lane);
    }
    for (; i < x.size(); ++i) sum.add_one(out[i] = exp_nonpositive(x[i] - top));
    return sum.total();
}

} // namespace detail

APERTUS_END_NAMESPACE
