// SPDX-License-Identifier: Apache-2.0
//
// Rotary position embedding, shared by the backends: the angle, and the rotation of one half-split pair (the
// `rotate_half` convention of transformers: element i pairs with element i + K/2).
#pragma once

#include <apertus/version.hpp>

#include <cmath>
#include <cstdint>

APERTUS_BEGIN_NAMESPACE

/// Cosine and sine of the angle float(position) * inv_freq, taken in float as transformers does, times `scale`.
struct rope_angle {
    float cos = 1.0F;
    float sin = 0.0F;

    rope_angle(std::int32_t position, float inv_freq, float scale) noexcept {
        const float angle = static_cast<float>(position) * inv_freq;
        cos = std::cos(angle) * scale;
        sin = std::sin(angle) * scale;
    }
};

/// Rotates the pair (low, high) = (x[i], x[i + K/2]) in place.
template <class Lane> inline void rope_rotate(Lane& low, Lane& high, const Lane& cos, const Lane& sin) noexcept {
    const Lane a = low;
    const Lane b = high;
    low = a * cos - b * sin;
    high = b * cos + a * sin;
}

APERTUS_END_NAMESPACE
