// SPDX-License-Identifier: Apache-2.0
//
// The door to xsimd, the only header that includes it. Works with xsimd 8.1 (Debian 12) and newer: names that changed
// between releases are evened out here. Batches carry their architecture tag in the type, so that two translation units
// compiled with different flags never share a symbol. The words of simd/lane.hpp (select, exp, erf ...) exist for
// batches in namespace xsimd and are found there by argument-dependent lookup.
#pragma once

#include <apertus/simd/intrinsics.hpp>
#include <apertus/version.hpp>

#include <xsimd/xsimd.hpp>

#include <concepts>
#include <cstddef>

APERTUS_BEGIN_NAMESPACE

/// The widest batch of floats that the command line's flags allow (4 lanes without any).
template <class Arch = xsimd::default_arch> using float_batch = xsimd::batch<float, Arch>;

/// The same bits as a batch of To: the template argument is a batch until xsimd 8, an element type from 9 on.
template <class To, class From, class Arch>
[[nodiscard]] inline xsimd::batch<To, Arch> bitwise_cast_to(const xsimd::batch<From, Arch>& x) noexcept {
    if constexpr (requires {
                      { xsimd::bitwise_cast<To>(x) } -> std::same_as<xsimd::batch<To, Arch>>;
                  }) {
        return xsimd::bitwise_cast<To>(x);
    } else {
        return xsimd::bitwise_cast<xsimd::batch<To, Arch>>(x);
    }
}

/// Calls f on every batch of x[0 .. n) and writes the result back. The tail goes through a padded batch: every element
/// takes the same path wherever it lies, so the result does not depend on how a tensor was cut into pieces.
template <class Arch = xsimd::default_arch, class F> inline void transform_batches(float* x, std::size_t n, F&& f) {
    using batch = float_batch<Arch>;
    std::size_t i = 0;
    for (; i + batch::size <= n; i += batch::size) f(batch::load_unaligned(x + i)).store_unaligned(x + i);
    if (i < n) {
        float padded[batch::size] = {};
        for (std::size_t j = i; j < n; ++j) padded[j - i] = x[j];
        f(batch::load_unaligned(padded)).store_unaligned(padded);
        for (std::size_t j = i; j < n; ++j) x[j] = padded[j - i];
    }
}

/// The same with a second operand: x = f(x, y).
template <class Arch = xsimd::default_arch, class F>
inline void transform_batches(float* x, const float* y, std::size_t n, F&& f) {
    using batch = float_batch<Arch>;
    std::size_t i = 0;
    for (; i + batch::size <= n; i += batch::size) {
        f(batch::load_unaligned(x + i), batch::load_unaligned(y + i)).store_unaligned(x + i);
    }
    if (i < n) {
        float a[batch::size] = {};
        float b[batch::size] = {};
        for (std::size_t j = i; j < n; ++j) {
            a[j - i] = x[j];
            b[j - i] = y[j];
        }
        f(batch::load_unaligned(a), batch::load_unaligned(b)).store_unaligned(a);
        for (std::size_t j = i; j < n; ++j) x[j] = a[j - i];
    }
}

APERTUS_END_NAMESPACE
