// SPDX-License-Identifier: Apache-2.0
//
// int4: four-bit weights on two levels, 4.5 bits per weight. For every 32 inputs of a row a four-bit step s and an
// eight-bit offset m, for every 256 a float d:
//     w = d * (s * q - m)     q in 0 .. 15, s in 1 .. 16, m in 0 .. 128
// s * q - m is a whole number of -128 .. 127. So a group of 32 needs no float of its own, a dot product stays exact in
// integers over 256 inputs, and tiles run on w8 = s * q - m at the speed of int8. Squared error on normal weights 5.65e-3;
// llama.cpp Q4_0, as large, 7.4e-3 and a k-quant 5.2e-3 (tools/quality/measure.py: real ones).
//
// A block is 16 rows x 256 columns: 32 lines of 64 bytes with eight inputs of sixteen rows each, then s, m and d.
#pragma once

#include <apertus/core/weight_format.hpp>
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

private:
    /// Lanes are rows.
    struct packer {
        using floats = detail::floats16;
        using ints = detail::ints16;
        static constexpr std::size_t groups = block_size / group;

        /// Codes of one group for a step and an offset: q = round((x + m) / s) within 0 .. limit.
        struct grid {
            ints s;
            ints m;
            floats step;
            floats inverse;
            floats shift; // m / s + 1/2: adding a half and cutting off rounds
            floats offset;
            ints limit;

            APERTUS_ALWAYS_INLINE void set(const ints& step_code, const ints& offset_code) noexcept {
                s = step_code;
                m = offset_code;
                step = __builtin_convertvector(s, floats);
                offset = __builtin_convertvector(m, floats);
                inverse = 1.0F / step;
                shift = offset * inverse + 0.5F;
                limit = __builtin_convertvector((offset + 127.0F) * inverse, ints); // s * q - m stays below 128
                limit = limit < 15 ? limit : ints{} + 15;
            }
            APERTUS_ALWAYS_INLINE void code(const floats& x, ints& q) const noexcept {
                q = __builtin_convertvector(x * inverse + shift, ints);
                q = q > 0 ? q : ints{};
                q = q < limit ? q : limit;
            }
        };

        APERTUS_ALWAYS_INLINE static void run(const float* in, block& out) noexcept {
            alignas(64) float lanes[block_size][16];
            for (std::size_t r = 0; r < block_rows; ++r) {
                for (std::size_t k = 0; k < block_size; ++k) lanes[k][r] = in[r * block_size + k];
            }
            floats low[groups];
            floats high[groups];
            floats unit = {};
            ints magnitude = {};
            for (std::size_t g = 0; g < groups; ++g) {
                low[g] = floats{};
                detail::load16(lanes[g * group], high[g]);
                for (std::size_t k = g * group; k < (g + 1) * group; ++k) {
                    floats x;
                    ints bits;
                    detail::load16(lanes[k], x);
                    detail::load_bits16(lanes[k], bits);
                    bits = bits & 0x7fffffff;
                    low[g] = x < low[g] ? x : low[g];
                    high[g] = x > high[g] ? x : high[g];
                    magnitude = bits > magnitude ? bits : magnitude;
                }
                const floats needed[3] = {(high[g] - low[g]) * (1.0F / 240), low[g] * (-1.0F / 128),
                                          high[g] * (1.0F / 127)};
                for (const floats& n : needed) unit = n > unit ? n : unit;
            }
            const ints finite = magnitude < 0x7f800000;
            const ints usable = finite & (unit > 1e-35F);
            const floats one = floats{} + 1.0F;
            unit = usable ? unit : one;
            const floats per_unit = usable ? 1.0F / unit : floats{};
            for (std::size_t k = 0; k < block_size; ++k) { // in units of d, zero where there is nothing to be had
                floats x;
                detail::load16(lanes[k], x);
                x = usable ? x * per_unit : floats{};
                std::memcpy(lanes[k], &x, sizeof x);
            }
            ints steps = {};
            floats dot = {};
            floats squares = {};
            for (std::size_t g = 0; g < groups; ++g) {
                const floats lowest = usable ? low[g] * per_unit : floats{};
                const floats highest = usable ? high[g] * per_unit : floats{};
                grid best;
                search(lanes + g * group, lowest, highest, best);
                const ints nibble = best.s - 1;
                steps = steps | nibble << static_cast<int>(4 * g);
                for (std::size_t r = 0; r < block_rows; ++r) {
                    out.offset[g / 4][r][g % 4] = static_cast<std::uint8_t>(best.m[r]);
                }
                for (std::size_t line = 0; line < group / 8; ++line) {
                    ints word = {};
                    for (std::size_t i = 0; i < 8; ++i) {
                        floats x;
                        detail::load16(lanes[g * group + line * 8 + i], x);
                        ints q;
                        best.code(x, q);
                        const floats w8 = __builtin_convertvector(q, floats) * best.step - best.offset;
                        dot += x * w8;
                        squares += w8 * w8;
                        word = word | q << static_cast<int>(i < 4 ? 8 * i : 8 * (i - 4) + 4);
                    }
                    std::memcpy(out.code[g * (group / 8) + line], &word, sizeof word);
                }
            }
            std::memcpy(out.step, &steps, sizeof steps);
            const floats ratio = dot / (squares > 0.0F ? squares : one);
            const floats fitted = dot > 0.0F ? ratio * unit : unit;
            const floats scale = usable ? fitted : floats{};
            for (int r = 0; r < 16; ++r) out.scale[r] = finite[r] != 0 ? scale[r] : detail::float_of_bits(0x7fc00000);
        }

        /// The step that spans the range and its two neighbours; for each the offset that centres the grid, moved once by
        /// the mean of what is left. (Relative squared error on normal weights: one step 6.05e-3, three 5.65e-3; moving
        /// the offset twice 5.54e-3 for half as much time again; searching d too 5.65e-3.)
        APERTUS_ALWAYS_INLINE static void search(const float (*x)[16], const floats& lowest, const floats& highest,
                                                 grid& best) noexcept {
            const ints widest = __builtin_convertvector((highest - lowest) * (1.0F / 15) + 0.5F, ints);
            const floats centre = (highest + lowest) * 0.5F;
            floats least = floats{} + 3e38F;
            best.set(ints{} + 1, ints{});
            for (int fewer = -1; fewer < 2; ++fewer) {
                ints s = widest - fewer;
                s = s < 1 ? ints{} + 1 : s;
                s = s > 16 ? ints{} + 16 : s;
                grid trial;
                ints m;
                clamp_offset(__builtin_convertvector(s, floats) * 7.5F - centre, m);
                trial.set(s, m);
                floats sum = {};
                for (std::size_t k = 0; k < group; ++k) {
                    floats w;
                    detail::load16(x[k], w);
                    ints q;
                    trial.code(w, q);
                    sum += __builtin_convertvector(q, floats) * trial.step - w;
                }
                clamp_offset(sum * (1.0F / group), m);
                trial.set(s, m);
                floats error = {};
                for (std::size_t k = 0; k < group; ++k) {
                    floats w;
                    detail::load16(x[k], w);
                    ints q;
                    trial.code(w, q);
                    const floats rest = __builtin_convertvector(q, floats) * trial.step - (trial.offset + w);
                    error += rest * rest;
                }
                const ints better = error < least;
                least = better ? error : least;
                const ints chosen_s = better ? trial.s : best.s;
                const ints chosen_m = better ? trial.m : best.m;
                best.set(chosen_s, chosen_m);
            }
        }

        APERTUS_ALWAYS_INLINE static void clamp_offset(const floats& wanted, ints& m) noexcept {
            m = __builtin_convertvector(wanted + 0.5F, ints);
            m = m > 0 ? m : ints{};
            m = m < 128 ? m : ints{} + 128;
        }
    };
};
static_assert(weight_format<int4> && sizeof(int4::block) == 36 * 64);

APERTUS_END_NAMESPACE
