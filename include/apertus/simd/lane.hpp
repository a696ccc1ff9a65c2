// SPDX-License-Identifier: Apache-2.0
//
// The words in which elementwise mathematics is written once and run on any lane: a plain float here, an xsimd batch in
// simd/xsimd.hpp. A functor templated on the lane says
//     using apertus::lane::exp, apertus::lane::select;      // of select, min, max, abs, exp, expm1, erf, tanh
// and calls the words unqualified: for float the overloads below are found, for a batch those of its own namespace.
// (Declarations, not `using namespace`: that would leave the C library's exp(double) and abs(int) in the running.)
// This header needs no SIMD library.
#pragma once

#include <apertus/version.hpp>

#include <cmath>

APERTUS_BEGIN_NAMESPACE

namespace lane {

/// condition ? if_true : if_false, lane by lane; both sides are evaluated.
[[nodiscard]] inline float select(bool condition, float if_true, float if_false) noexcept {
    return condition ? if_true : if_false;
}
/// The smaller one; a NaN in `a` is passed on only where the comparison says so (as hardware does): a < b ? a : b.
[[nodiscard]] inline float min(float a, float b) noexcept { return a < b ? a : b; }
[[nodiscard]] inline float max(float a, float b) noexcept { return a > b ? a : b; }
[[nodiscard]] inline float abs(float x) noexcept { return std::fabs(x); }
[[nodiscard]] inline float exp(float x) noexcept { return std::exp(x); }
[[nodiscard]] inline float expm1(float x) noexcept { return std::expm1(x); }
[[nodiscard]] inline float erf(float x) noexcept { return std::erf(x); }
[[nodiscard]] inline float tanh(float x) noexcept { return std::tanh(x); }

} // namespace lane

APERTUS_END_NAMESPACE
