// SPDX-License-Identifier: Apache-2.0
//
// How the K formats choose scales: for each group of weights a search over roundings, each with the scale (and offset)
// that fits it best by least squares, and then, because the scales of groups are themselves stored in 6 or 8 bits, a
// second search among the neighbours of the rounded scales. The measure is the plain squared error of the weights.
// The idea of the first search is ggml's (make_qkx2_quants, make_qx_quants); the second is ours.
// All groups of a block are searched at once, a group per lane: x[k][lane] is the k-th weight of a group.
#pragma once

#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE

namespace detail {

using floats8 = float __attribute__((vector_size(32)));
using ints8 = std::int32_t __attribute__((vector_size(32)));

/// What both searches need. `Floats` and `Ints` are vectors of as many lanes as a block has groups of `Size` weights.
template <class Floats, class Ints, std::size_t Size> struct group_lanes {
    static constexpr std::size_t lanes = sizeof(Floats) / sizeof(float);
    static constexpr float huge = 3e38F;
    using matrix = float[Size][lanes];

    APERTUS_ALWAYS_INLINE static void transpose(const float* in, matrix& x) noexcept {
        for (std::size_t g = 0; g < lanes; ++g) {
            for (std::size_t k = 0; k < Size; ++k) x[k][g] = in[g * Size + k];
        }
    }
    APERTUS_ALWAYS_INLINE static void load(const float* row, Floats& out) noexcept {
        std::memcpy(&out, row, sizeof out);
    }
    /// The nearest whole numbers between `least` and `most` (below 2^22 in magnitude); `most` for NaN.
    APERTUS_ALWAYS_INLINE static void nearest(const Floats& x, float least, float most, Floats& out) noexcept {
        constexpr float whole = 12582912.0F; // 1.5 * 2^23: beyond it only whole numbers
        const Floats top = Floats{} + most;
        const Floats bottom = Floats{} + least;
        Floats v = x < top ? x : top;
        v = v > bottom ? v : bottom;
        out = (v + whole) - whole;
    }
    /// 1 / x, 0 for 0.
    APERTUS_ALWAYS_INLINE static void inverse(const Floats& x, Floats& out) noexcept {
        const Floats one = Floats{} + 1.0F;
        out = x != 0.0F ? 1.0F / (x != 0.0F ? x : one) : Floats{};
    }
    APERTUS_ALWAYS_INLINE static float largest(const Floats& x) noexcept {
        float out = 0.0F;
        for (std::size_t g = 0; g < lanes; ++g) out = x[g] > out ? x[g] : out;
        return out;
    }
};

/// weight = scale * q - offset, q from 0 to `most`, scale and offset not negative.
template <class Floats, class Ints, std::size_t Size> struct affine_search : group_lanes<Floats, Ints, Size> {
    using base = group_lanes<Floats, Ints, Size>;
    using typename base::matrix;

    struct fit {
        Floats scale;
        Floats offset;
    };

    /// The codes of one row of weights.
    APERTUS_ALWAYS_INLINE static void code(const Floats& x, const fit& f, const Floats& to_code, float most,
                                           Floats& q) noexcept {
        base::nearest((x + f.offset) * to_code, 0.0F, most, q);
    }

    /// The squared error of every group, every code the best one.
    APERTUS_ALWAYS_INLINE static void error(const matrix& x, const fit& f, float most, Floats& out) noexcept {
        Floats to_code;
        base::inverse(f.scale, to_code);
        out = Floats{};
        for (std::size_t k = 0; k < Size; ++k) {
            Floats w, q;
            base::load(x[k], w);
            code(w, f, to_code, most, q);
            const Floats rest = q * f.scale - f.offset - w;
            out += rest * rest;
        }
    }

    /// The best of 25 roundings.
    APERTUS_ALWAYS_INLINE static void search(const matrix& x, float most, fit& best) noexcept {
        Floats low = {}, high, sum = {};
        base::load(x[0], high);
        for (std::size_t k = 0; k < Size; ++k) {
            Floats w;
            base::load(x[k], w);
            low = w < low ? w : low;
            high = w > high ? w : high;
            sum += w;
        }
        const Ints usable = high > low;
        const Floats one = Floats{} + 1.0F;
        const Floats range = usable ? high - low : one;
        best.scale = usable ? range / most : Floats{};
        best.offset = -low;
        Floats least;
        error(x, best, most, least);
        constexpr int tries = 24;
        for (int t = 0; t <= tries; ++t) {
            const Floats to_code = (most - 1.0F + 0.1F * static_cast<float>(t)) / range;
            Floats sum_q = {}, sum_qq = {}, sum_qx = {};
            for (std::size_t k = 0; k < Size; ++k) {
                Floats w, q;
                base::load(x[k], w);
                base::nearest((w - low) * to_code, 0.0F, most, q);
                sum_q += q;
                sum_qq += q * q;
                sum_qx += q * w;
            }
            constexpr auto n = static_cast<float>(Size);
            const Floats determinant = n * sum_qq - sum_q * sum_q;
            const Ints solvable = determinant > 0.0F;
            const Floats divisor = solvable ? determinant : one;
            const Floats squares = sum_qq > 0.0F ? sum_qq : one;
            fit trial{(n * sum_qx - sum * sum_q) / divisor, (sum_q * sum_qx - sum_qq * sum) / divisor};
            const Ints positive = trial.offset >= 0.0F;
            trial.scale = positive ? trial.scale : sum_qx / squares;
            trial.offset = positive ? trial.offset : Floats{};
            Floats found;
            error(x, trial, most, found);
            const Ints better = usable & solvable & (trial.scale > 0.0F) & (found < least);
            least = better ? found : least;
            best.scale = better ? trial.scale : best.scale;
            best.offset = better ? trial.offset : best.offset;
        }
    }

    /// Scale and offset as multiples (0 to 63) of the block's: the nearest ones and their neighbours are tried.
    APERTUS_ALWAYS_INLINE static void search_levels(const matrix& x, float most, float scale, float offset,
                                                    const fit& wanted, fit& levels, fit& best) noexcept {
        const float to_scale = scale > 0.0F ? 1.0F / scale : 0.0F, to_offset = offset > 0.0F ? 1.0F / offset : 0.0F;
        fit near;
        base::nearest(wanted.scale * to_scale, 0.0F, 63.0F, near.scale);
        base::nearest(wanted.offset * to_offset, 0.0F, 63.0F, near.offset);
        levels = near;
        best = {near.scale * scale, near.offset * offset};
        Floats least;
        error(x, best, most, least);
        for (int a = -1; a < 2; ++a) {
            for (int b = -1; b < 2; ++b) {
                fit level;
                base::nearest(near.scale + static_cast<float>(a), 0.0F, 63.0F, level.scale);
                base::nearest(near.offset + static_cast<float>(b), 0.0F, 63.0F, level.offset);
                const fit trial{level.scale * scale, level.offset * offset};
                Floats found;
                error(x, trial, most, found);
                const Ints better = found < least;
                least = better ? found : least;
                levels.scale = better ? level.scale : levels.scale;
                levels.offset = better ? level.offset : levels.offset;
                best.scale = better ? trial.scale : best.scale;
                best.offset = better ? trial.offset : best.offset;
            }
        }
    }
};

/// weight = scale * q, q from -half to half - 1, scale of either sign.
template <class Floats, class Ints, std::size_t Size> struct symmetric_search : group_lanes<Floats, Ints, Size> {
    using base = group_lanes<Floats, Ints, Size>;
    using typename base::matrix;

    APERTUS_ALWAYS_INLINE static void error(const matrix& x, const Floats& scale, float half, Floats& out) noexcept {
        Floats to_code;
        base::inverse(scale, to_code);
        out = Floats{};
        for (std::size_t k = 0; k < Size; ++k) {
            Floats w, q;
            base::load(x[k], w);
            base::nearest(w * to_code, -half, half - 1.0F, q);
            const Floats rest = q * scale - w;
            out += rest * rest;
        }
    }

    /// The best of 21 roundings.
    APERTUS_ALWAYS_INLINE static void search(const matrix& x, float half, Floats& best) noexcept {
        Floats most = {}, extreme = {};
        for (std::size_t k = 0; k < Size; ++k) {
            Floats w;
            base::load(x[k], w);
            const Floats size = w < 0.0F ? -w : w;
            extreme = size > most ? w : extreme;
            most = size > most ? size : most;
        }
        const Ints usable = most > 0.0F;
        const Floats one = Floats{} + 1.0F;
        const Floats divisor = usable ? -extreme : one;
        best = usable ? extreme / -half : Floats{};
        Floats least;
        error(x, best, half, least);
        for (int t = -10; t <= 10; ++t) {
            const Floats to_code = (half + 0.1F * static_cast<float>(t)) / divisor;
            Floats sum_qq = {}, sum_qx = {};
            for (std::size_t k = 0; k < Size; ++k) {
                Floats w, q;
                base::load(x[k], w);
                base::nearest(w * to_code, -half, half - 1.0F, q);
                sum_qq += q * q;
                sum_qx += q * w;
            }
            const Ints solvable = sum_qq > 0.0F;
            const Floats scale = sum_qx / (solvable ? sum_qq : one);
            Floats found;
            error(x, scale, half, found);
            const Ints better = usable & solvable & (found < least);
            least = better ? found : least;
            best = better ? scale : best;
        }
    }

    /// The scale as a multiple (-128 to 127) of the block's: the nearest one and its neighbours are tried.
    APERTUS_ALWAYS_INLINE static void search_levels(const matrix& x, float half, float scale, const Floats& wanted,
                                                    Floats& levels) noexcept {
        const float to_level = scale != 0.0F ? 1.0F / scale : 0.0F;
        Floats near;
        base::nearest(wanted * to_level, -128.0F, 127.0F, near);
        levels = near;
        Floats least;
        error(x, near * scale, half, least);
        for (int a = -1; a < 2; a += 2) {
            Floats level, found;
            base::nearest(near + static_cast<float>(a), -128.0F, 127.0F, level);
            error(x, level * scale, half, found);
            const Ints better = found < least;
            least = better ? found : least;
            levels = better ? level : levels;
        }
    }
};

} // namespace detail

APERTUS_END_NAMESPACE
