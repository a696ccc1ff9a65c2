// SPDX-License-Identifier: Apache-2.0
//
// int4: four-bit weights on two levels, 4.5 bits per weight. For every 32 inputs of a row a four-bit step s and an
// eight-bit offset m, for every 256 a float d:
//     w = d * (s * q - m)     q in 0 .. 15, s in 1 .. 16, m in 0 .. 128
// s * q - m is a whole number of -128 .. 127. So a group of 32 needs no float of its own, a dot product stays exact in
// integers over 256 inputs, and tiles run on w8 = s * q - m at the speed of int8. Squared error on normal weights 5.60e-3;
// llama.cpp Q4_0, as large, 7.4e-3 and a k-quant 5.2e-3 (tools/quality/measure.py: real ones).
//
// A block is 16 rows x 256 columns: 32 lines of 64 bytes with eight inputs of sixteen rows each, then s, m and d.
#pragma once

#include <apertus/core/weight_format.hpp>
#include <apertus/format/block_columns.hpp>
#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

struct int4 {
    struct block {
        /// [column / 8][row][column % 4]: column % 8 < 4 in the low nibble, the others in the high one.
        std::uint8_t code[32][16][4];
        std::uint32_t step[16];        ///< of a row; nibble g is s - 1 of group g (columns 32 g .. 32 g + 31)
        std::uint8_t offset[2][16][4]; ///< [group / 4][row][group % 4]: m
        float scale[16];               ///< d
    };
    static constexpr std::string_view name = "int4";
    static constexpr std::size_t block_rows = 16;
    static constexpr std::size_t block_size = 256;
    static constexpr std::size_t group = 32;

    /// Searches s and m per group for the least squared error, then fits d to the codes. A row with an infinity or a NaN
    /// becomes NaN.
    static void pack(const float* in, block& out) noexcept { detail::run_widest<packer>(in, out); }
    /// The same for the least sum of importance[column] * error^2: the more a column matters, the closer its weights are
    /// stored. Takes three times as long (10.9 us a block instead of 3.7, one Emerald Rapids core).
    static void pack(const float* in, const float* importance, block& out) noexcept {
        detail::run_widest<packer>(in, importance, out);
    }

    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t r = 0; r < block_rows; ++r) {
            for (std::size_t g = 0; g < block_size / group; ++g) {
                const int s = static_cast<int>(in.step[r] >> (4 * g) & 15U) + 1;
                const int m = in.offset[g / 4][r][g % 4];
                for (std::size_t k = g * group; k < (g + 1) * group; ++k) {
                    const int q = in.code[k / 8][r][k % 4] >> (k % 8 < 4 ? 0 : 4) & 15;
                    out[r * block_size + k] = in.scale[r] * static_cast<float>(s * q - m);
                }
            }
        }
    }

    /// What `pack` runs on the instruction set of this machine. Lanes are rows.
    struct packer {
        template <std::size_t Lanes> APERTUS_ALWAYS_INLINE static void run(const float* in, block& out) noexcept {
            for (std::size_t r = 0; r < block_rows; r += Lanes) {
                pack_lanes<Lanes>(in + r * block_size, all_alike{}, r, out);
            }
        }
        template <std::size_t Lanes>
        APERTUS_ALWAYS_INLINE static void run(const float* in, const float* importance, block& out) noexcept {
            for (std::size_t r = 0; r < block_rows; r += Lanes) {
                pack_lanes<Lanes>(in + r * block_size, by_column{importance}, r, out);
            }
        }

    private:
        static constexpr std::size_t groups = block_size / group;

        /// What an error in a column counts: the same everywhere, or a number per column.
        struct all_alike {
            [[nodiscard]] APERTUS_ALWAYS_INLINE all_alike from(std::size_t /*column*/) const noexcept { return {}; }
            template <class Floats> APERTUS_ALWAYS_INLINE void scale(std::size_t, Floats&) const noexcept {}
        };
        struct by_column {
            const float* importance;
            [[nodiscard]] APERTUS_ALWAYS_INLINE by_column from(std::size_t k) const noexcept {
                return {importance + k};
            }
            template <class Floats> APERTUS_ALWAYS_INLINE void scale(std::size_t k, Floats& x) const noexcept {
                x = x * importance[k];
            }
            /// 1 / the sum of a group.
            [[nodiscard]] APERTUS_ALWAYS_INLINE float per_group() const noexcept {
                float sum = 0.0F;
                for (std::size_t k = 0; k < group; ++k) sum += importance[k];
                return sum > 0.0F ? 1.0F / sum : 0.0F;
            }
        };

        /// 1.5 * 2^23: a number of less than 2^22 that is added to it loses its fraction, to the nearest.
        static constexpr float magic = 12582912.0F;

        /// Codes of one group for a step and an offset: q = round((x + m) / s) within 0 .. top, as floats. (Minimum and
        /// maximum are written `a < b ? a : b` and `a < b ? b : a`: g++ 12 makes one instruction of these, two of others.)
        template <class Floats, class Ints> struct grid {
            Floats step;
            Floats inverse;
            Floats offset;
            Floats shift; // m / s
            Floats top;   // s * q - m stays below 128

            APERTUS_ALWAYS_INLINE void set_step(const Floats& s) noexcept {
                step = s;
                inverse = 1.0F / s;
            }
            APERTUS_ALWAYS_INLINE void set_offset(const Floats& wanted) noexcept {
                const Floats least = {};
                const Floats most = least + 128.0F;
                Floats m = wanted + magic;
                m = m - magic;
                m = m < least ? least : m;
                offset = m < most ? m : most;
                shift = offset * inverse;
                const Floats greatest = least + 15.0F;
                const Floats limit =
                    __builtin_convertvector(__builtin_convertvector((offset + 127.0F) * inverse, Ints), Floats);
                top = limit < greatest ? limit : greatest;
            }
            APERTUS_ALWAYS_INLINE void code(const Floats& x, Floats& q) const noexcept {
                const Floats least = Floats{} + 0.25F; // rounds to zero, and is not folded into a comparison
                q = x * inverse + shift;
                q = q < least ? least : q;
                q = q < top ? q : top;
                q = q + magic;
                q = q - magic;
            }
        };

        /// Steps for values from `lowest` to `highest`.
        template <class Floats> struct range {
            Floats widest; ///< the step that spans it
            Floats centre;

            APERTUS_ALWAYS_INLINE range(const Floats& lowest, const Floats& highest) noexcept
                : widest((highest - lowest) * (1.0F / 15) + magic), centre((highest + lowest) * 0.5F) {
                widest = widest - magic;
            }
            /// `more` than the widest, within 1 .. 16.
            APERTUS_ALWAYS_INLINE void step(int more, Floats& out) const noexcept {
                const Floats one = Floats{} + 1.0F;
                const Floats sixteen = Floats{} + 16.0F;
                out = widest + static_cast<float>(more);
                out = out < one ? one : out;
                out = out < sixteen ? out : sixteen;
            }
        };

        /// Of s * q - x, which the offset should be, in a group: the mean and the mean square.
        template <class Floats, class Ints, std::size_t Lanes, class Weight>
        APERTUS_ALWAYS_INLINE static void left_over(const float (*x)[Lanes], const Weight& weight, float per_group,
                                                    const grid<Floats, Ints>& g, Floats& mean,
                                                    Floats& mean_square) noexcept {
            Floats sum = {};
            Floats squares = {};
            for (std::size_t k = 0; k < group; ++k) {
                Floats w;
                Floats q;
                detail::load_lanes(x[k], w);
                g.code(w, q);
                const Floats rest = q * g.step - w;
                Floats counted = rest;
                weight.scale(k, counted);
                sum += counted;
                squares += rest * counted;
            }
            mean = sum * per_group;
            mean_square = squares * per_group;
        }

        template <std::size_t Lanes, class Weight>
        APERTUS_ALWAYS_INLINE static void pack_lanes(const float* in, const Weight& weight, std::size_t row,
                                                     block& out) noexcept {
            using columns = detail::block_columns<Lanes, block_size>;
            using floats = typename columns::floats;
            using ints = typename columns::ints;
            columns x;
            floats magnitude[1];
            x.load(in, magnitude); // not needed: the largest tells less than the two ends
            floats unit = {};
            floats low[groups];
            floats high[groups];
            for (std::size_t g = 0; g < groups; ++g) {
                low[g] = floats{};
                x.get(g * group, high[g]);
                for (std::size_t k = g * group; k < (g + 1) * group; ++k) {
                    floats w;
                    x.get(k, w);
                    low[g] = w < low[g] ? w : low[g];
                    high[g] = high[g] < w ? w : high[g];
                }
                const floats range = high[g] * (1.0F / 240) - low[g] * (1.0F / 240); // the difference might overflow
                const floats needed[3] = {range, low[g] * (-1.0F / 128), high[g] * (1.0F / 127)};
                for (const floats& n : needed) unit = unit < n ? n : unit;
            }
            const floats zero = {};
            const floats one = zero + 1.0F;
            const floats per_unit = unit > 1e-35F ? 1.0F / unit : zero; // zeros where there is nothing to be had
            ints steps = {};
            ints offsets[2] = {};
            floats dot = {};
            floats squares = {};
            for (std::size_t g = 0; g < groups; ++g) {
                for (std::size_t k = g * group; k < (g + 1) * group; ++k) { // in units of d
                    floats w;
                    x.get(k, w);
                    w = w * per_unit;
                    std::memcpy(x.column[k], &w, sizeof w);
                }
                const floats lowest = low[g] * per_unit;
                const floats highest = high[g] * per_unit;
                grid<floats, ints> best;
                search(x.column + g * group, weight.from(g * group), lowest, highest, best);
                const floats nibble = best.step - 1.0F;
                steps = steps | __builtin_convertvector(nibble, ints) << static_cast<int>(4 * g);
                offsets[g / 4] = offsets[g / 4] | __builtin_convertvector(best.offset, ints)
                                                      << static_cast<int>(8 * (g % 4));
                for (std::size_t line = g * (group / 8); line < (g + 1) * (group / 8); ++line) {
                    ints word = {};
                    APERTUS_UNROLL
                    for (std::size_t i = 0; i < 8; ++i) {
                        floats w;
                        floats q;
                        x.get(line * 8 + i, w);
                        best.code(w, q);
                        const floats w8 = q * best.step - best.offset;
                        floats counted = w8;
                        weight.scale(line * 8 + i, counted);
                        dot += w * counted;
                        squares += w8 * counted;
                        word = word | __builtin_convertvector(q, ints) << static_cast<int>(i < 4 ? 8 * i : 8 * i - 28);
                    }
                    std::memcpy(out.code[line][row], &word, sizeof word);
                }
            }
            std::memcpy(out.step + row, &steps, sizeof steps);
            for (std::size_t h = 0; h < 2; ++h) std::memcpy(out.offset[h][row], &offsets[h], sizeof offsets[h]);
            const floats fitted = dot / (squares > 0.0F ? squares : one) * unit;
            const floats scale = dot > 0.0F ? fitted : unit;
            x.store_scale(unit > 1e-35F ? scale : zero, out.scale + row);
        }

        /// The step that spans the range and its neighbours, each with the offset that centres the grid. What is left over
        /// has a mean and a variance: the smallest variance wins, its mean moves the offset, and so does once more the mean
        /// of what is left then. 4.9 us a block (Cascade Lake, AVX-512; 8.4 on AVX2), relative squared error on normal
        /// weights 5.60e-3. Others: one step 6.05e-3; no second move 5.67e-3; a third 5.59e-3; five steps 5.58e-3; the error
        /// measured again after moving each of the three 5.65e-3 and twice the passes; searching d too 5.65e-3. The three
        /// steps side by side in registers are a twentieth faster on AVX-512 and slower where there are 16 registers; unrolling
        /// does nothing.
        template <class Floats, class Ints, std::size_t Lanes>
        APERTUS_ALWAYS_INLINE static void search(const float (*x)[Lanes], all_alike weight, const Floats& lowest,
                                                 const Floats& highest, grid<Floats, Ints>& best) noexcept {
            const range<Floats> r(lowest, highest);
            Floats least = Floats{} + 3e38F;
            Floats step = Floats{} + 1.0F;
            Floats offset = {};
            Floats mean;
            Floats square;
            for (int more = 1; more >= -1; --more) {
                grid<Floats, Ints> trial;
                Floats s;
                r.step(more, s);
                trial.set_step(s);
                trial.set_offset(s * 7.5F - r.centre);
                left_over(x, weight, 1.0F / group, trial, mean, square);
                const Floats variance = square - mean * mean;
                step = variance < least ? s : step;
                offset = variance < least ? mean : offset;
                least = variance < least ? variance : least;
            }
            best.set_step(step);
            best.set_offset(offset);
            left_over(x, weight, 1.0F / group, best, mean, square);
            best.set_offset(mean);
        }

        /// With importance it pays to cut off what matters little: smaller steps too, the offset moved twice for each, and
        /// the error that remains decides.
        template <class Floats, class Ints, std::size_t Lanes>
        APERTUS_ALWAYS_INLINE static void search(const float (*x)[Lanes], by_column weight, const Floats& lowest,
                                                 const Floats& highest, grid<Floats, Ints>& best) noexcept {
            const range<Floats> r(lowest, highest);
            const float per_group = weight.per_group();
            Floats least = Floats{} + 3e38F;
            Floats step = Floats{} + 1.0F;
            Floats offset = {};
            for (int more = 1; more >= -3; --more) {
                grid<Floats, Ints> trial;
                Floats s;
                r.step(more, s);
                trial.set_step(s);
                trial.set_offset(s * 7.5F - r.centre);
                for (int moved = 0; moved < 3; ++moved) {
                    Floats mean;
                    Floats square;
                    left_over(x, weight, per_group, trial, mean, square);
                    const Floats error = square + trial.offset * (trial.offset - 2.0F * mean);
                    step = error < least ? s : step;
                    offset = error < least ? trial.offset : offset;
                    least = error < least ? error : least;
                    trial.set_offset(mean);
                }
            }
            best.set_step(step);
            best.set_offset(offset);
        }
    };
};
static_assert(weighted_format<int4> && sizeof(int4::block) == 36 * 64);

APERTUS_END_NAMESPACE
