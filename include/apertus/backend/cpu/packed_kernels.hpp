// SPDX-License-Identifier: Apache-2.0
//
// Matrix products of the packed formats (format/int8.hpp, format/int4.hpp) with activations rounded to codes, one text for
// all instruction sets, included like backend/cpu/kernels.hpp: inside a target region with APERTUS_KERNEL_NAMESPACE set,
// hence no #pragma once.
// `I` is the dot16 of the set, `V` its vec16; backend/cpu/edge_rows.hpp is included before it.
//
// A strip is sixteen rows of the matrix: its blocks lie one after the other. One token walks several strips side by side,
// each a sequential stream; more tokens work on tiles of strips x tokens, and every block is read from memory once for
// all of them.
//
// Exactness. Within 128 inputs (one scale of the activations) everything is whole numbers below 2^31, rounded to float
// once, so that neither the order nor the tile nor the instruction set matters. These partial sums are added in index order, by
// fma(sum, weight scale * activation scale, total). So a result is the same bits for one token or many, for any
// piece, and on all instruction sets that have fused multiply-add.
// (Calls are qualified with the set's namespace: the words of one set are found through the types of another.)
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// The sum of 32 codes each of four quarters of a group.
template <class I> APERTUS_ALWAYS_INLINE void quarter_sums(const std::int8_t* code, std::int32_t (&sums)[4]) noexcept {
    float fours[32];
    for (std::size_t i = 0; i < 2; ++i) {
        const I sum = I::dot_small(I::splat(0), I::splat_byte(1), I::load(code + 64 * i));
        as_floats(sum).store(fours + 16 * i);
    }
    for (std::size_t q = 0; q < 4; ++q) {
        const float* f = fours + 8 * q;
        sums[q] = static_cast<std::int32_t>(((f[0] + f[1]) + (f[2] + f[3])) + ((f[4] + f[5]) + (f[6] + f[7])));
    }
}

/// 128 codes to where they belong in a tile of `together` rows.
APERTUS_ALWAYS_INLINE void place_codes(const std::int8_t* code, std::size_t together, std::int8_t* out) noexcept {
    if (together == 1) {
        std::memcpy(out, code, quantized_row::group);
        return;
    }
    for (std::size_t i = 0; i < quantized_row::group; i += 4) std::memcpy(out + i * together, code + i, 4);
}

/// x[n] into codes with a scale for every 128, filled up with zeros to whole blocks of 256: of eight bits (at most 127) or
/// of sixteen (at most 127 * 128). A group with an infinity or a NaN gets the scale NaN.
template <class I, bool Sixteen>
inline void quantize(const float* x, std::size_t n, const quantized_row& out) noexcept {
    using V = typename I::vec;
    constexpr std::size_t group = quantized_row::group;
    constexpr float largest = Sixteen ? 127.0F * 128.0F : 127.0F;
    const std::size_t groups = (n + quantized_row::block - 1) / quantized_row::block * (quantized_row::block / group);
    for (std::size_t g = 0; g < groups; ++g) {
        const std::size_t first = g * group;
        float padded[group];
        const float* at = x + first;
        if (first + group > n) {
            std::memset(static_cast<void*>(padded), 0, sizeof padded);
            if (first < n) std::memcpy(static_cast<void*>(padded), x + first, (n - first) * sizeof(float));
            at = padded;
        }
        V most = V::zero();
        V nothing = V::zero(); // NaN when one of them is not finite
        APERTUS_UNROLL
        for (std::size_t i = 0; i < group; i += 16) {
            const V value = V::load(at + i);
            most = max(max(value, sub(V::zero(), value)), most);
            nothing = fma(value, V::zero(), nothing);
        }
        const float greatest = reduce_max(most);
        const bool finite = reduce_add(nothing) == 0.0F;
        const bool empty = !finite || !(greatest > 1e-30F);
        const std::size_t at_group = g * out.together;
        out.scale[at_group] = !finite ? std::numeric_limits<float>::quiet_NaN() : empty ? 0.0F : greatest / largest;
        std::int8_t code[group];
        std::int8_t low[group];
        if (empty) {
            std::memset(code, 0, group);
            std::memset(low, 0, group);
        } else {
            const V inverse = V::splat(largest / greatest);
            APERTUS_UNROLL
            for (std::size_t i = 0; i < group; i += 16) {
                const I q = I::rounded(mul(V::load(at + i), inverse));
                if constexpr (Sixteen) {
                    const I high = shift_right(add(q, I::splat(64)), 7);
                    I::store_bytes(high, code + i);
                    I::store_bytes(sub(q, shift_left(high, 7)), low + i);
                } else {
                    I::store_bytes(q, code + i);
                }
            }
        }
        APERTUS_KERNEL_NAMESPACE::place_codes(code, out.together, out.code + first * out.together);
        std::int32_t sums[4];
        APERTUS_KERNEL_NAMESPACE::quarter_sums<I>(code, sums);
        out.sum[at_group] = sums[0] + sums[1] + sums[2] + sums[3];
        if constexpr (Sixteen) {
            APERTUS_KERNEL_NAMESPACE::place_codes(low, out.together, out.low + first * out.together);
            APERTUS_KERNEL_NAMESPACE::quarter_sums<I>(low, sums);
            out.low_sum[at_group] = sums[0] + sums[1] + sums[2] + sums[3];
        } else {
            for (std::size_t q = 0; q < 4; ++q) { // sum = 64 * high + low, both of eight bits
                const std::int32_t high = (sums[q] + 64 * 64) / 64 - 64;
                out.quarter[at_group].high[q] = static_cast<std::int8_t>(high);
                out.quarter[at_group].low[q] = static_cast<std::int8_t>(sums[q] - 64 * high);
            }
        }
    }
}

/// What the kernels need to know of a format.
template <class I, class Format> struct packed;

template <class I> struct packed<I, int8> {
    using V = typename I::vec;
    static constexpr bool sixteen = true; ///< bits of the activations
    static constexpr std::size_t lines = 66;
    static_assert(int8::group == quantized_row::group); // one scale of the weights for one of the activations

    static const std::uint8_t* line(const std::byte* block, std::size_t i) noexcept {
        return reinterpret_cast<const std::uint8_t*>(block) + 64 * i;
    }
    /// Of the inputs of a half.
    static V scale(const std::byte* block, std::size_t half) noexcept {
        return V::load(reinterpret_cast<const float*>(block + offsetof(int8::block, scale)) + 16 * half);
    }
    /// The lines of a block as bytes with 128 added.
    static const std::uint8_t* bytes(const std::byte* block, std::uint8_t*) noexcept { return line(block, 0); }

    /// total += 256 inputs of `Strips` strips, one token, fetching so many bytes ahead in every strip.
    template <int Strips>
    APERTUS_ALWAYS_INLINE static void add_block(const std::byte* const (&block)[Strips], const quantized_row& x,
                                                std::size_t b, std::size_t ahead, V (&total)[Strips]) noexcept {
        for (std::size_t half = 0; half < 2; ++half) {
            const std::size_t g = 2 * b + half;
            I acc[Strips];
            I rest[Strips];
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) {
                acc[s] = I::splat(-I::kept * x.sum[g]);
                rest[s] = I::splat(-I::kept * x.low_sum[g]);
            }
            for (std::size_t i = 0; i < 32; ++i) {
                const auto four = I::broadcast(x.code + g * quantized_row::group + 4 * i);
                const auto low = I::broadcast(x.low + g * quantized_row::group + 4 * i);
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) {
                    const std::uint8_t* at = line(block[s], half * 32 + i);
                    prefetch(at, ahead);
                    const auto w = I::load(at);
                    acc[s] = I::dot_byte(acc[s], w, four);
                    rest[s] = I::dot_byte(rest[s], w, low);
                }
            }
            const V scale_x = V::splat(x.scale[g]);
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) {
                const I sum = add(shift_left(acc[s], 7), rest[s]);
                total[s] = fma(as_floats(sum), mul(scale(block[s], half), scale_x), total[s]);
            }
        }
    }
};

template <class I> struct packed<I, int4> {
    using V = typename I::vec;
    static constexpr bool sixteen = false;
    static constexpr std::size_t lines = 36;

    static const std::uint8_t* line(const std::byte* block, std::size_t i) noexcept {
        return reinterpret_cast<const std::uint8_t*>(block) + 64 * i;
    }
    static V scale(const std::byte* block, std::size_t) noexcept {
        return V::load(reinterpret_cast<const float*>(block + offsetof(int4::block, scale)));
    }
    static I step(const std::byte* block, int g) noexcept {
        return add(I::nibble(I::load(line(block, 32)), g), I::splat(1));
    }

    /// s * q - m + 128 of every weight: what int8 stores.
    static const std::uint8_t* bytes(const std::byte* block, std::uint8_t* out) noexcept {
        for (int g = 0; g < 8; ++g) {
            const I s = step(block, g);
            const I m = I::byte_of(I::load(line(block, 33 + static_cast<std::size_t>(g) / 4)), g % 4);
            const I offset = sub(I::splat(128), m); // 0 .. 128
            for (std::size_t i = 0; i < 4; ++i) {
                const auto codes = I::load(line(block, static_cast<std::size_t>(g) * 4 + i));
                std::uint8_t* at = out + (static_cast<std::size_t>(g) * 8 + 2 * i) * 64;
                I::store(I::scale_bytes(I::low_nibbles(codes), s, offset), at);
                I::store(I::scale_bytes(I::high_nibbles(codes), s, offset), at + 64);
            }
        }
        return out;
    }

    /// Sums s * (q . x) group by group, less m . (sums of x), all of it whole numbers below 2^24.
    template <int Strips>
    APERTUS_ALWAYS_INLINE static void add_block(const std::byte* const (&block)[Strips], const quantized_row& x,
                                                std::size_t b, std::size_t ahead, V (&total)[Strips]) noexcept {
        for (std::size_t half = 0; half < 2; ++half) {
            const std::size_t g = 2 * b + half;
            V sum[Strips];
            const auto high = I::broadcast(x.quarter[g].high);
            const auto low = I::broadcast(x.quarter[g].low);
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) {
                const auto m = I::load(line(block[s], 33 + half));
                const I zero = I::splat(0);
                sum[s] =
                    as_floats(sub(zero, add(shift_left(I::dot_small(zero, m, high), 6), I::dot_small(zero, m, low))));
            }
            for (int quarter = 0; quarter < 4; ++quarter) {
                const int group = static_cast<int>(half) * 4 + quarter;
                const std::int8_t* code = x.code + b * quantized_row::block + static_cast<std::size_t>(group) * 32;
                typename I::line four[8];
                APERTUS_UNROLL
                for (std::size_t i = 0; i < 8; ++i) four[i] = I::broadcast(code + 4 * i);
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) {
                    I even = I::splat(0);
                    I odd = I::splat(0);
                    APERTUS_UNROLL
                    for (std::size_t i = 0; i < 4; ++i) {
                        const std::uint8_t* at = line(block[s], static_cast<std::size_t>(group) * 4 + i);
                        prefetch(at, ahead);
                        const auto codes = I::load(at);
                        even = I::dot_small(even, I::low_nibbles(codes), four[2 * i]);
                        odd = I::dot_small(odd, I::high_nibbles(codes), four[2 * i + 1]);
                    }
                    sum[s] = fma(as_floats(step(block[s], group)), as_floats(add(even, odd)), sum[s]);
                }
            }
            const V scale_x = V::splat(x.scale[g]);
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) total[s] = fma(sum[s], mul(scale(block[s], half), scale_x), total[s]);
        }
        APERTUS_UNROLL
        for (int s = 0; s < Strips; ++s) { // the lines after the codes
            for (std::size_t i = 32; i < lines; ++i) prefetch(line(block[s], i), ahead);
        }
    }
};

/// One token. All of `Strips` streams are walked side by side; stream s is the strips `first` + s * `run` and those after it,
/// `run` of them, so that it goes on where one strip ends and what is fetched ahead is needed.
///
/// Measured on two cores of a Cascade Lake machine whose read limit was 22 to 24 GB/s: strips beside each other as the
/// streams of a turn, int4 18.2 with matrices of 12288 x 1024, 18.4 with 4096 x 4096, int8 18.4 and 20.2; as here, int4
/// 20.4, 19.1, int8 21.0, 21.4.
///
/// How many streams and how far ahead is for the machine to say (read_pattern_search). There int8 was fastest with 8 streams
/// and 4096 bytes ahead (2048: 8 % less), int4 with 2048 (1024 and 4096: 7 % less). On an Emerald Rapids machine with a limit
/// of 33 GB/s int8 came to 25.2 with 8 and 4096, 31.2 with 8 and 1024 and with 4 and 4096; int4 28.0 with 8 and 2048, 26.4
/// with 8 and 1024, 24.5 to 27.1 with 8 and 4096, 29.1 with 4 and 2048. 12 streams were slower with both formats, 6 between
/// 4 and 8.
template <class I, class Format, int Strips>
inline void packed_matvec(const packed_job& job, std::size_t first, std::size_t run) noexcept {
    using V = typename I::vec;
    constexpr std::size_t block_bytes = sizeof(typename Format::block);
    const quantized_row x = job.x.row(0);
    const std::byte* block[Strips];
    APERTUS_UNROLL
    for (std::size_t s = 0; s < Strips; ++s) block[s] = job.w + (first + s * run) * job.blocks * block_bytes;
    for (std::size_t i = 0; i < run; ++i) {
        V total[Strips];
        APERTUS_UNROLL
        for (std::size_t s = 0; s < Strips; ++s) total[s] = V::zero();
        for (std::size_t b = 0; b < job.blocks; ++b) {
            packed<I, Format>::template add_block<Strips>(block, x, b, job.pattern.ahead, total);
            APERTUS_UNROLL
            for (std::size_t s = 0; s < Strips; ++s) block[s] += block_bytes;
        }
        APERTUS_UNROLL
        for (std::size_t s = 0; s < Strips; ++s) {
            const std::size_t row = (first + s * run + i) * packed_job::strip_rows;
            APERTUS_KERNEL_NAMESPACE::store_rows<V>(job, row, 0, total[s]);
        }
    }
}

/// What the first tiles of a block fetch of the next block, a little with every line they work on: all at once the fetches
/// would wait for the dozen that a core can have under way. With int8 and sixteen tokens: spread over one of four passes
/// 147 Gop/s (one core of a Cascade Lake), over all four 175. Over the passes of all tiles would be worse with many tokens:
/// every fetch is an instruction more (int4, 128 tokens: 290 instead of 335).
template <int Strips> struct fetch_plan {
    static constexpr std::size_t most_tiles = 2;

    const std::byte* next[Strips]; ///< the next block of every strip
    std::size_t done = 0;          ///< bytes of each that have been asked for
    std::size_t step = 0;          ///< bytes per line of work
};

/// acc[s][t] += 128 inputs: 32 lines of every strip times code[32][Tokens][4].
template <class I, bool Fetch, int Strips, int Tokens>
APERTUS_ALWAYS_INLINE void multiply_lines(const std::uint8_t* const (&lines)[Strips], std::size_t first,
                                          const std::int8_t* code, I (&acc)[Strips][Tokens],
                                          fetch_plan<Strips>& plan) noexcept {
    std::size_t done = plan.done;
    for (std::size_t turn = 0; turn < 32; turn += 4) { // eight turns: their end is foreseen
        APERTUS_UNROLL
        for (std::size_t i = turn; i < turn + 4; ++i, done += plan.step) {
            typename I::line w[Strips];
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) w[s] = I::load(lines[s] + (first + i) * 64);
            if constexpr (Fetch) {
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) prefetch(plan.next[s], done);
            }
            APERTUS_UNROLL
            for (int t = 0; t < Tokens; ++t) {
                const auto four = I::broadcast(code + 4 * (i * Tokens + static_cast<std::size_t>(t)));
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) acc[s][t] = I::dot_byte(acc[s][t], w[s], four);
            }
        }
    }
    if constexpr (Fetch) plan.done = done;
}

/// totals[token][strip] += 256 inputs of Strips x Tokens, as many of them as there are (`tokens`); lines[s] are the 64 lines
/// of block[s] as bytes, x is the first row of a tile.
template <class I, class Format, int Strips, int Tokens, bool Fetch>
inline void packed_tile(const std::byte* const (&block)[Strips], const std::uint8_t* const (&lines)[Strips],
                        const quantized_row& x, std::size_t tokens, std::size_t b, float* totals,
                        fetch_plan<Strips>& plan) noexcept {
    using V = typename I::vec;
    for (std::size_t half = 0; half < 2; ++half) {
        const std::size_t g = (2 * b + half) * Tokens;
        I acc[Strips][Tokens];
        APERTUS_UNROLL
        for (int t = 0; t < Tokens; ++t) {
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) acc[s][t] = I::splat(-I::kept * x.sum[g + static_cast<std::size_t>(t)]);
        }
        APERTUS_KERNEL_NAMESPACE::multiply_lines<I, Fetch>(lines, half * 32, x.code + g * quantized_row::group, acc,
                                                           plan);
        if constexpr (packed<I, Format>::sixteen) { // the same lines with the low parts, from the first-level cache
            APERTUS_UNROLL
            for (int t = 0; t < Tokens; ++t) {
                const I start = I::splat(-I::kept * x.low_sum[g + static_cast<std::size_t>(t)]);
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) acc[s][t] = add(shift_left(acc[s][t], 7), start);
            }
            APERTUS_KERNEL_NAMESPACE::multiply_lines<I, Fetch>(lines, half * 32, x.low + g * quantized_row::group, acc,
                                                               plan);
        }
        V scale[Strips];
        APERTUS_UNROLL
        for (int s = 0; s < Strips; ++s) scale[s] = packed<I, Format>::scale(block[s], half);
        APERTUS_UNROLL
        for (int t = 0; t < Tokens; ++t) {
            if (static_cast<std::size_t>(t) == tokens) break;
            const V scale_x = V::splat(x.scale[g + static_cast<std::size_t>(t)]);
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) {
                float* total = totals + 16 * (t * Strips + s);
                fma(as_floats(acc[s][t]), mul(scale[s], scale_x), V::load(total)).store(total);
            }
        }
    }
}

/// All tokens of the job (at most packed_job::most_tokens) for `Strips` strips.
template <class I, class Format, int Strips, int Tokens>
inline void packed_matmat(const packed_job& job, std::size_t strip) noexcept {
    using V = typename I::vec;
    using format = packed<I, Format>;
    constexpr std::size_t block_bytes = sizeof(typename Format::block);
    constexpr std::size_t width = 16 * static_cast<std::size_t>(Strips);
    alignas(64) float totals[packed_job::most_tokens * width];
    alignas(64) std::uint8_t unpacked[Strips][64 * 64];
    std::memset(static_cast<void*>(totals), 0, job.tokens * width * sizeof(float));
    fetch_plan<Strips> plan;
    APERTUS_UNROLL
    for (int s = 0; s < Strips; ++s)
        plan.next[s] = job.w + (strip + static_cast<std::size_t>(s)) * job.blocks * block_bytes;
    const std::size_t tiles = (job.tokens + Tokens - 1) / Tokens;
    const std::size_t fetching = tiles < plan.most_tiles ? tiles : plan.most_tiles;
    const std::size_t lines_of_work = fetching * (format::sixteen ? 128 : 64);
    plan.step = (block_bytes + lines_of_work - 1) / lines_of_work;
    for (std::size_t b = 0; b < job.blocks; ++b) {
        const std::byte* block[Strips];
        const std::uint8_t* lines[Strips];
        plan.done = 0;
        APERTUS_UNROLL
        for (int s = 0; s < Strips; ++s) {
            block[s] = plan.next[s];
            lines[s] = format::bytes(block[s], unpacked[s]);
            plan.next[s] += block_bytes;
        }
        for (std::size_t token = 0; token < job.tokens; token += Tokens) {
            const quantized_row x = job.x.row(token);
            const std::size_t tokens = job.tokens - token;
            float* at = totals + token * width;
            if (token < fetching * Tokens) {
                APERTUS_KERNEL_NAMESPACE::packed_tile<I, Format, Strips, Tokens, true>(block, lines, x, tokens, b, at,
                                                                                       plan);
            } else {
                APERTUS_KERNEL_NAMESPACE::packed_tile<I, Format, Strips, Tokens, false>(block, lines, x, tokens, b, at,
                                                                                        plan);
            }
        }
    }
    for (std::size_t token = 0; token < job.tokens; ++token) {
        for (int s = 0; s < Strips; ++s) {
            APERTUS_KERNEL_NAMESPACE::store_rows<V>(job, (strip + static_cast<std::size_t>(s)) * packed_job::strip_rows,
                                                    token, V::load(totals + token * width + 16 * s));
        }
    }
}

/// All strips of the job in tiles of Strips x Tokens.
template <class I, class Format, int Strips, int Tokens> inline void packed_tiles(const packed_job& job) noexcept {
    const std::size_t strips = (job.rows + packed_job::strip_rows - 1) / packed_job::strip_rows;
    std::size_t strip = 0;
    for (; strip + Strips <= strips; strip += Strips) {
        APERTUS_KERNEL_NAMESPACE::packed_matmat<I, Format, Strips, Tokens>(job, strip);
    }
    for (; strip < strips; ++strip) APERTUS_KERNEL_NAMESPACE::packed_matmat<I, Format, 1, Tokens>(job, strip);
}

/// The width of tiles: the one that leaves the fewest tokens to be computed for nothing; with few tokens more strips.
template <class I> inline std::size_t packed_together(std::size_t tokens) noexcept {
    constexpr std::size_t most = I::tile_tokens;
    static_assert(most <= quantized_rows::most_together);
    if (tokens == 1) return 1;
    if (tokens * 2 <= most) return most / 2;
    const std::size_t tiles = (tokens + most - 1) / most;
    return (tokens + tiles - 1) / tiles * 3 <= 2 * most ? most * 2 / 3 : most;
}

/// job.x lies in tiles of packed_together(job.tokens).
template <class I, class Format> inline void packed_matmul(const packed_job& job) noexcept {
    constexpr int most = I::tile_tokens;
    if (job.tokens == 1) {
        const std::size_t strips = (job.rows + packed_job::strip_rows - 1) / packed_job::strip_rows;
        const std::size_t streams = job.pattern.streams < I::matvec_strips ? I::matvec_strips / 2 : I::matvec_strips;
        const std::size_t run = strips / streams;
        if (streams == I::matvec_strips) {
            APERTUS_KERNEL_NAMESPACE::packed_matvec<I, Format, I::matvec_strips>(job, 0, run);
        } else {
            APERTUS_KERNEL_NAMESPACE::packed_matvec<I, Format, I::matvec_strips / 2>(job, 0, run);
        }
        APERTUS_KERNEL_NAMESPACE::packed_matvec<I, Format, 1>(job, run * streams, strips - run * streams);
    } else if (job.x.together == most / 2) {
        APERTUS_KERNEL_NAMESPACE::packed_tiles<I, Format, 2 * I::tile_strips, most / 2>(job);
    } else if (job.x.together == most * 2 / 3) {
        APERTUS_KERNEL_NAMESPACE::packed_tiles<I, Format, I::tile_strips, most * 2 / 3>(job);
    } else {
        APERTUS_KERNEL_NAMESPACE::packed_tiles<I, Format, I::tile_strips, most>(job);
    }
}

template <class I> inline packed_kernels make_packed_kernels() noexcept {
    packed_kernels out;
    out.together = &packed_together<I>;
    out.quantize8 = &quantize<I, false>;
    out.quantize16 = &quantize<I, true>;
    out.int8_matmul = &packed_matmul<I, int8>;
    out.int4_matmul = &packed_matmul<I, int4>;
    out.matvec_strips = I::matvec_strips;
    out.tile_strips = 2 * I::tile_strips;
    return out;
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
