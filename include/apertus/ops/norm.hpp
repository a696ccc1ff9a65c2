// SPDX-License-Identifier: Apache-2.0
//
// The last step of RMSNorm, shared by the backends: from the mean of squares to the factor that scales a row.
#pragma once

#include <apertus/version.hpp>

#include <cmath>

APERTUS_BEGIN_NAMESPACE

/// 1 / sqrt(mean_square + eps), correctly rounded division and root (no rsqrt approximation): the same on every backend.
[[nodiscard]] inline float rms_norm_factor(float mean_square, float eps) noexcept {
    return 1.0F / std::sqrt(mean_square + eps);
}

APERTUS_END_NAMESPACE
