// SPDX-License-Identifier: Apache-2.0
//
// What passes over a row of logits (logits_math.hpp) are given and give back, and the exponential that all share.
#pragma once

#include <apertus/simd/target.hpp>
#include <apertus/version.hpp>

#include <cstddef>
#include <cstdint>
#include <limits>

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

/// e^x for x <= 0, within 2e-7 relative; 0 below -87. Plain arithmetic, so that the result does not depend on which
/// variant of the C library's exp a machine picks. Not for NaN.
[[nodiscard]] APERTUS_ALWAYS_INLINE float exp_nonpositive(float x) noexcept {
    // The range is cut by integer arithmetic: from two comparisons of floats g++ 12 -O2 makes a branch, and no vectors.
    constexpr std::int32_t limit = 0x42ae0000; // 87.0f
    const auto magnitude = static_cast<std::int32_t>(__builtin_bit_cast(std::uint32_t, x) & 0x7fffffffu);
    const std::int32_t in_range = magnitude > limit ? 0 : -1;
    const float clamped = -__builtin_bit_cast(float, (magnitude & in_range) | (limit & ~in_range));
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
    const float power = __builtin_bit_cast(float, static_cast<std::uint32_t>(n + 127) << 23);
    return __builtin_bit_cast(float, __builtin_bit_cast(std::int32_t, value* power) & in_range);
}

/// One set of passes; pointers to functions compiled for one instruction set.
struct logits_passes {
    /// Fills block_max [scan_blocks(size)] with the largest of each 64 values.
    logits_scan (*scan)(const float* x, std::size_t size, float* block_max) noexcept;
    /// The sum of e^(x / divisor - top), top being at least every x / divisor, and finite. Where they are not null,
    /// out [size] gets the exponentials (it may be x) and block_sum [scan_blocks(size)] the sums of blocks.
    double (*exponentials)(const float* x, std::size_t size, float divisor, float top, float* out,
                           double* block_sum) noexcept;
    /// x /= divisor; returns the sum of the quotients.
    double (*divide)(float* x, std::size_t size, float divisor) noexcept;
    /// The sum of s e^-s where s = top - x / divisor + log_sum, in steps of float: with log_sum the logarithm of the sum
    /// of exponentials, the entropy in nats. top and log_sum as above, and not negative.
    double (*entropy)(const float* x, std::size_t size, float divisor, float top, float log_sum) noexcept;
};

} // namespace detail

APERTUS_END_NAMESPACE
