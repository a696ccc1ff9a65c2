// SPDX-License-Identifier: Apache-2.0
//
// How the K formats choose scales: for each group of weights a search over roundings, each with the scale (and offset)
// that fits it best by least squares, and then, because the scales of groups are themselves stored in 6 or 8 bits, a
// second search among the neighbours of the rounded scales. The measure is the plain squared error of the weights.
// The idea of the first search is ggml's (make_qkx2_quants, make_qx_quants); the second is ours.
#pragma once

#include <apertus/version.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// The nearest integer, ties to even, of a number below 2^22 in magnitude; some integer for any other.
[[nodiscard]] inline std::int32_t nearest_int(float x) noexcept {
    return static_cast<std::int32_t>(std::bit_cast<std::uint32_t>(x + 12582912.0f) - 0x4b400000u);
}

[[nodiscard]] inline float nearest_between(float x, std::int32_t least, std::int32_t most) noexcept {
    return static_cast<float>(std::clamp(nearest_int(x), least, most));
}

/// weight = scale * q - offset, q from 0 to `most`, scale and offset not negative.
struct affine_fit {
    float scale = 0.0f;
    float offset = 0.0f;
};

/// The squared error of a group under a fit, every q the best one.
template <std::size_t N>
[[nodiscard]] float affine_error(const float* in, const affine_fit& f, std::int32_t most) noexcept {
    const float to_quant = f.scale > 0.0f ? 1.0f / f.scale : 0.0f;
    float error = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
        const float q = nearest_between((in[i] + f.offset) * to_quant, 0, most);
        const float d = q * f.scale - f.offset - in[i];
        error += d * d;
    }
    return error;
}

/// The best scale and offset found for a group of N weights.
template <std::size_t N> [[nodiscard]] affine_fit fit_affine(const float* in, std::int32_t most) noexcept {
    float low = 0.0f, high = in[0], sum = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
        low = std::min(low, in[i]);
        high = std::max(high, in[i]);
        sum += in[i];
    }
    if (!(high > low)) return {0.0f, -low};
    const auto steps = static_cast<float>(most);
    affine_fit best{(high - low) / steps, -low};
    float least = affine_error<N>(in, best, most);
    constexpr int tries = 24;
    for (int t = 0; t <= tries; ++t) {
        const float to_quant = (steps - 1.0f + 0.1f * static_cast<float>(t)) / (high - low);
        float sum_q = 0.0f, sum_qq = 0.0f, sum_qx = 0.0f;
        for (std::size_t i = 0; i < N; ++i) {
            const float q = nearest_between((in[i] - low) * to_quant, 0, most);
            sum_q += q;
            sum_qq += q * q;
            sum_qx += q * in[i];
        }
        constexpr auto n = static_cast<float>(N);
        const float det = n * sum_qq - sum_q * sum_q;
        if (!(det > 0.0f)) continue;
        affine_fit f{(n * sum_qx - sum * sum_q) / det, (sum_q * sum_qx - sum_qq * sum) / det};
        if (f.offset < 0.0f) f = {sum_qx / sum_qq, 0.0f};
        if (!(f.scale > 0.0f)) continue;
        const float error = affine_error<N>(in, f, most);
        if (error < least) {
            least = error;
            best = f;
        }
    }
    return best;
}

/// weight = scale * q, q from -half to half - 1, scale of either sign.
template <std::size_t N> [[nodiscard]] float symmetric_error(const float* in, float scale, std::int32_t half) noexcept {
    const float to_quant = scale != 0.0f ? 1.0f / scale : 0.0f;
    float error = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
        const float d = nearest_between(in[i] * to_quant, -half, half - 1) * scale - in[i];
        error += d * d;
    }
    return error;
}

/// The best scale found for a group of N weights.
template <std::size_t N> [[nodiscard]] float fit_symmetric(const float* in, std::int32_t half) noexcept {
    float most = 0.0f, extreme = 0.0f;
    for (std::size_t i = 0; i < N; ++i) {
        if (std::fabs(in[i]) > most) {
            most = std::fabs(in[i]);
            extreme = in[i];
        }
    }
    if (most == 0.0f) return 0.0f;
    const auto steps = static_cast<float>(half);
    float best = extreme / -steps;
    float least = symmetric_error<N>(in, best, half);
    for (int t = -10; t <= 10; ++t) {
        const float to_quant = (steps + 0.1f * static_cast<float>(t)) / -extreme;
        float sum_qq = 0.0f, sum_qx = 0.0f;
        for (std::size_t i = 0; i < N; ++i) {
            const float q = nearest_between(in[i] * to_quant, -half, half - 1);
            sum_qq += q * q;
            sum_qx += q * in[i];
        }
        if (!(sum_qq > 0.0f)) continue;
        const float scale = sum_qx / sum_qq;
        const float error = symmetric_error<N>(in, scale, half);
        if (error < least) {
            least = error;
            best = scale;
        }
    }
    return best;
}

} // namespace detail

APERTUS_END_NAMESPACE
