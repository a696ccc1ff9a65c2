// SPDX-License-Identifier: Apache-2.0
//
// What packing into blocks of 16 rows begins with: some rows by columns, so that a lane is a row and what belongs to a row
// (its range, its scale) is one vector.
#pragma once

#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// `Lanes` rows of `Columns` floats. Transposed through registers: reading the rows with a stride took as long as packing.
template <std::size_t Lanes, std::size_t Columns> struct block_columns {
    using floats = typename pack_vectors<Lanes>::floats;
    using ints = typename pack_vectors<Lanes>::ints;

    alignas(64) float column[Columns][Lanes];
    unsigned bad; ///< bit r: row r has an infinity or a NaN; its columns are zeros

    /// Rows follow each other at `in`. `magnitude` becomes the greatest |w| of each row in each of `Parts` equal parts.
    template <std::size_t Parts> APERTUS_ALWAYS_INLINE void load(const float* in, floats (&magnitude)[Parts]) noexcept {
        static_assert(Columns % (Parts * Lanes) == 0);
        std::int32_t most[Parts][Lanes];
        for (std::size_t part = 0; part < Parts; ++part) {
            ints greatest = {};
            for (std::size_t k = part * (Columns / Parts); k < (part + 1) * (Columns / Parts); k += Lanes) {
                floats v[Lanes];
                APERTUS_UNROLL
                for (std::size_t r = 0; r < Lanes; ++r) load_lanes(in + r * Columns + k, v[r]);
                transpose_lanes(v);
                APERTUS_UNROLL
                for (std::size_t i = 0; i < Lanes; ++i) {
                    ints bits;
                    load_lanes(&v[i], bits);
                    bits = bits & 0x7fffffff; // orders as the magnitudes do
                    greatest = bits > greatest ? bits : greatest;
                    std::memcpy(column[k + i], &v[i], sizeof v[i]);
                }
            }
            std::memcpy(most[part], &greatest, sizeof greatest);
        }
        bad = 0;
        for (std::size_t r = 0; r < Lanes; ++r) {
            bool finite = true;
            for (std::size_t part = 0; part < Parts; ++part) finite = finite && most[part][r] < 0x7f800000;
            if (finite) continue;
            bad |= 1U << r;
            for (std::size_t part = 0; part < Parts; ++part) most[part][r] = 0;
            for (auto& c : column) c[r] = 0.0F;
        }
        for (std::size_t part = 0; part < Parts; ++part) load_lanes(most[part], magnitude[part]);
    }

    APERTUS_ALWAYS_INLINE void get(std::size_t k, floats& out) const noexcept { load_lanes(column[k], out); }

    /// Writes a scale per row; NaN for bad ones.
    APERTUS_ALWAYS_INLINE void store_scale(const floats& scale, float* out) const noexcept {
        std::memcpy(out, &scale, sizeof scale);
        for (std::size_t r = 0; bad >> r != 0; ++r) {
            if ((bad >> r & 1U) != 0) out[r] = float_of_bits(0x7fc00000);
        }
    }
};

} // namespace detail
APERTUS_END_NAMESPACE
