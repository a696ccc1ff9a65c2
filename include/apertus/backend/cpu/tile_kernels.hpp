// SPDX-License-Identifier: Apache-2.0
//
// Matrix products on a tile unit (simd/tiles.hpp), for several rows of activations. Included like
// backend/cpu/kernels.hpp: inside a target region with APERTUS_KERNEL_NAMESPACE set, hence no #pragma once. `U` is the
// unit, `I` the dot16 of the set; `packed` of backend/cpu/packed_kernels.hpp and `store_rows` of kernels.hpp are in scope.
//
// Packed formats. Sixteen lines of a block are a tile as they lie: B. A is up to sixteen rows of activations, again as
// they lie. A group of 128 inputs is two tile products; then its whole numbers leave the unit for memory, and vector
// instructions scale them and add them up exactly as packed_kernels.hpp does: results are the same bits as there. These
// additions lag one group behind the tile products, so that both run at once: they would take half of the time otherwise
// (four tiles: 128 cycles of products, about as many of additions). Two left operands meet two strips: four loads for
// four products. The two operands are the high and the low bytes of activations of sixteen bits, two tiles of tokens else.
//
// bf16. A is sixteen rows of weights, B sixteen rows of activations rounded to bf16 and interleaved before. Sums stay in
// the unit over 512 inputs, in single precision, in the unit's order: not the bits of the other bf16 kernels.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// With fewer tokens the vector kernels of packed formats take over: their tiles waste nothing.
inline constexpr std::size_t least_tile_tokens = 4;

/// n rows in tiles of equal height (at most 16), so that the unit is configured once; the last tile may begin early, and
/// its first rows have been done before.
struct equal_tiles {
    std::size_t n;
    std::size_t count = (n + 15) / 16;
    std::size_t height = (n + count - 1) / count;

    [[nodiscard]] std::size_t start(std::size_t tile) const noexcept {
        return tile * height < n - height ? tile * height : n - height;
    }
    /// The first row that no tile before had, and the end of the tile.
    [[nodiscard]] std::size_t first_new(std::size_t tile) const noexcept { return tile * height; }
    [[nodiscard]] std::size_t end(std::size_t tile) const noexcept { return start(tile) + height; }
};

/// Sums of `Left` x `Strips` tiles over 128 inputs, waiting to be scaled and added to the totals.
struct tile_group {
    const std::int32_t* sums = nullptr; ///< [left][strip][16, 16]
    const float* scale = nullptr;       ///< [strip][16], of the weights
    std::size_t group = 0;
    std::size_t tile = 0;                   ///< the first tile of tokens
    std::size_t tiles = 0;                  ///< of tokens
    const std::byte* const* next = nullptr; ///< per strip, what to fetch meanwhile, or null
    std::size_t line = 0;
    std::size_t lines = 0;
};

/// 128 inputs of `Left` operands and `Strips` strips; right[s] are 32 lines.
template <class U, int Left, int Strips>
APERTUS_ALWAYS_INLINE void multiply_group(const std::int8_t* const (&left)[2], std::size_t stride,
                                          const std::uint8_t* const (&right)[Strips], std::int32_t* sums) noexcept {
    U::template zero<0>();
    if constexpr (Strips == 2) U::template zero<1>();
    if constexpr (Left == 2) U::template zero<2>();
    if constexpr (Left == 2 && Strips == 2) U::template zero<3>();
    APERTUS_UNROLL
    for (std::size_t k = 0; k < 2; ++k) {
        U::template load<6>(right[0] + 1024 * k, 64);
        U::template load<4>(left[0] + 64 * k, stride);
        U::template dot_bytes<0, 4, 6>();
        if constexpr (Strips == 2) {
            U::template load<7>(right[1] + 1024 * k, 64);
            U::template dot_bytes<1, 4, 7>();
        }
        if constexpr (Left == 2) {
            U::template load<5>(left[1] + 64 * k, stride);
            U::template dot_bytes<2, 5, 6>();
            if constexpr (Strips == 2) U::template dot_bytes<3, 5, 7>();
        }
    }
    U::template store<0>(sums, 64);
    if constexpr (Strips == 2) U::template store<1>(sums + 256, 64);
    if constexpr (Left == 2) U::template store<2>(sums + Strips * 256, 64);
    if constexpr (Left == 2 && Strips == 2) U::template store<3>(sums + 3 * 256, 64);
}

/// totals[token][strip] += the group.
template <class I, bool Sixteen, int Strips>
inline void add_group(const packed_job& job, const equal_tiles& tokens, const tile_group& g, float* totals) noexcept {
    using V = typename I::vec;
    constexpr std::size_t width = 16 * static_cast<std::size_t>(Strips);
    if (g.tiles == 0) return;
    std::size_t fetched = g.line;
    const std::size_t rows = tokens.end(g.tile + g.tiles - 1) - tokens.first_new(g.tile);
    const std::size_t lines_per_row = (g.lines + rows - 1) / rows;
    V scale[Strips];
    APERTUS_UNROLL
    for (int s = 0; s < Strips; ++s) scale[s] = V::load(g.scale + 16 * s);
    for (std::size_t i = 0; i < g.tiles; ++i) {
        const std::size_t tile = g.tile + i;
        const std::int32_t* sums = g.sums + (Sixteen ? 0 : i * Strips * 256);
        for (std::size_t token = tokens.first_new(tile); token < tokens.end(tile); ++token) {
            for (std::size_t l = 0; l < lines_per_row; ++l, ++fetched) { // one by one, see fetch_plan
                APERTUS_UNROLL
                for (int s = 0; s < Strips; ++s) prefetch(g.next[s], 64 * fetched);
            }
            const std::size_t row = 16 * (token - tokens.start(tile));
            const quantized_row x = job.x.row(token);
            // the weights have 128 added
            const I offset = I::splat(128 * (Sixteen ? 128 * x.sum[g.group] + x.low_sum[g.group] : x.sum[g.group]));
            const V scale_x = V::splat(x.scale[g.group]);
            float* total = totals + token * width;
            APERTUS_UNROLL
            for (int s = 0; s < Strips; ++s) {
                I sum = I::load_lanes(sums + 256 * s + row);
                if constexpr (Sixteen) sum = add(shift_left(sum, 7), I::load_lanes(sums + 256 * (Strips + s) + row));
                fma(as_floats(sub(sum, offset)), mul(scale[s], scale_x), V::load(total + 16 * s)).store(total + 16 * s);
            }
        }
    }
}

/// All tokens of the job for `Strips` strips; the unit is configured for their height.
template <class U, class I, class Format, int Strips>
inline void tile_strips(const packed_job& job, const equal_tiles& tokens, std::size_t strip) noexcept {
    using V = typename I::vec;
    using format = packed<I, Format>;
    constexpr bool sixteen = format::sixteen;
    constexpr std::size_t block_bytes = sizeof(typename Format::block);
    constexpr std::size_t width = 16 * static_cast<std::size_t>(Strips);
    constexpr std::size_t tiles_at_once = sixteen ? 1 : 2;
    alignas(64) float totals[packed_job::most_tokens * width];
    alignas(64) std::uint8_t unpacked[Strips][64 * 64];
    alignas(64) float scale[2][2][width];      // [half], of this block and of the one before
    alignas(64) std::int32_t sums[2][4 * 256]; // of this group and of the one before
    std::memset(static_cast<void*>(totals), 0, job.tokens * width * sizeof(float));
    const std::byte* block[Strips];
    for (int s = 0; s < Strips; ++s) {
        block[s] = job.w + (strip + static_cast<std::size_t>(s)) * job.blocks * block_bytes;
    }
    const std::size_t stride = job.x.blocks * quantized_rows::bytes_per_block;
    tile_group waiting;
    std::size_t turn = 0;
    for (std::size_t b = 0; b < job.blocks; ++b) {
        const std::uint8_t* lines[Strips];
        APERTUS_UNROLL
        for (int s = 0; s < Strips; ++s) {
            lines[s] = format::bytes(block[s], unpacked[s]);
            for (std::size_t half = 0; half < 2; ++half) {
                format::scale(block[s], half).store(scale[b % 2][half] + 16 * s);
            }
            block[s] += block_bytes; // the next one
        }
        for (std::size_t tile = 0; tile < tokens.count; tile += tiles_at_once) {
            const std::size_t tiles = tile + tiles_at_once <= tokens.count ? tiles_at_once : 1;
            const quantized_row x = job.x.row(tokens.start(tile));
            for (std::size_t half = 0; half < 2; ++half) {
                const std::size_t group = 2 * b + half;
                const std::size_t at = group * quantized_row::group;
                const std::uint8_t* right[Strips];
                for (int s = 0; s < Strips; ++s) right[s] = lines[s] + half * 32 * 64;
                const std::int8_t* const left[2] = {
                    x.code + at,
                    sixteen ? x.low + at : job.x.row(tokens.start(tile + tiles - 1)).code + at,
                };
                if (sixteen || tiles == 2) {
                    APERTUS_KERNEL_NAMESPACE::multiply_group<U, 2, Strips>(left, stride, right, sums[turn]);
                } else {
                    APERTUS_KERNEL_NAMESPACE::multiply_group<U, 1, Strips>(left, stride, right, sums[turn]);
                }
                APERTUS_KERNEL_NAMESPACE::add_group<I, sixteen, Strips>(job, tokens, waiting, totals);
                waiting = {sums[turn], scale[b % 2][half], group, tile, tiles, block, 0, 0};
                if (tile == 0) { // the lines of the next block, half of them with each group
                    waiting.line = half * (format::lines / 2);
                    waiting.lines = (format::lines + 1) / 2;
                }
                turn = 1 - turn;
            }
        }
    }
    APERTUS_KERNEL_NAMESPACE::add_group<I, sixteen, Strips>(job, tokens, waiting, totals);
    for (std::size_t token = 0; token < job.tokens; ++token) {
        for (int s = 0; s < Strips; ++s) {
            APERTUS_KERNEL_NAMESPACE::store_rows<V>(job, (strip + static_cast<std::size_t>(s)) * packed_job::strip_rows,
                                                    token, V::load(totals + token * width + 16 * s));
        }
    }
}

/// The unit takes activations row by row.
template <class I> inline std::size_t tile_together(std::size_t tokens) noexcept {
    return tokens < least_tile_tokens ? APERTUS_KERNEL_NAMESPACE::packed_together<I>(tokens) : 1;
}

template <class U, class I, class Format> inline void tile_matmul(const packed_job& job) noexcept {
    if (job.tokens < least_tile_tokens) {
        packed_matmul<I, Format>(job);
        return;
    }
    const equal_tiles tokens{job.tokens};
    const std::size_t strips = (job.rows + packed_job::strip_rows - 1) / packed_job::strip_rows;
    U::configure(tokens.height);
    std::size_t strip = 0;
    for (; strip + 2 <= strips; strip += 2) {
        APERTUS_KERNEL_NAMESPACE::tile_strips<U, I, Format, 2>(job, tokens, strip);
    }
    if (strip < strips) APERTUS_KERNEL_NAMESPACE::tile_strips<U, I, Format, 1>(job, tokens, strip);
    U::release();
}

/// Up to sixteen rows x[n, k] as right operands of the unit: [ceil(k / 32)][16 pairs of inputs][16 rows][2], rounded to
/// bf16 (nearest even), zeros where there is nothing.
inline void interleave_bf16(const float* x, std::size_t n, std::size_t k, std::byte* out) noexcept {
    for (std::size_t first = 0; first < k; first += 32, out += 1024) {
        const std::size_t columns = k - first < 32 ? k - first : 32;
        std::uint32_t pair[16][16];
        for (std::size_t row = 0; row < 16; ++row) {
            float padded[32] = {};
            const float* from = x + row * k + first;
            if (row >= n || columns < 32) {
                if (row < n) std::memcpy(static_cast<void*>(padded), from, columns * sizeof(float));
                from = padded;
            }
            std::uint32_t bits[32];
            std::memcpy(bits, static_cast<const void*>(from), sizeof bits);
            for (std::uint32_t& b : bits) {
                const bool nan = (b & 0x7fffffffU) > 0x7f800000U;
                b = (nan ? b | 0x400000U : b + 0x7fffU + (b >> 16 & 1U)) >> 16;
            }
            for (std::size_t i = 0; i < 16; ++i) pair[row][i] = bits[2 * i] | bits[2 * i + 1] << 16;
        }
        for (std::size_t i = 0; i < 16; ++i) {
            std::uint32_t line[16];
            for (std::size_t row = 0; row < 16; ++row) line[row] = pair[row][i];
            std::memcpy(out + 64 * i, static_cast<const void*>(line), sizeof line);
        }
    }
}

/// 512 inputs (or the last, zeros behind them) of sixteen rows of weights, as left operands: [16][16 rows][32].
inline void gather_bf16(const bf16_tile_job& job, std::size_t row, std::size_t first, std::byte* out) noexcept {
    const std::size_t columns = job.k - first < bf16_tile_job::stretch ? job.k - first : bf16_tile_job::stretch;
    const std::size_t rows = job.rows - row < 16 ? job.rows - row : 16;
    if (columns % 32 != 0 || rows < 16) std::memset(out, 0, (columns + 31) / 32 * 1024);
    for (std::size_t r = 0; r < rows; ++r) {
        const bf16* from = job.w + (row + r) * job.k + first;
        std::byte* to = out + 64 * r;
        std::size_t i = 0;
        for (; i + 32 <= columns; i += 32) std::memcpy(to + i / 32 * 1024, static_cast<const void*>(from + i), 64);
        if (i < columns) std::memcpy(to + i / 32 * 1024, static_cast<const void*>(from + i), (columns - i) * 2);
    }
}

/// C[2][2] += up to 512 inputs (`steps` tile products each) of two tiles of weights and one or two of tokens.
template <class U, int Tokens>
APERTUS_ALWAYS_INLINE void multiply_stretch(const std::byte* const (&w)[2], const std::byte* const (&x)[2],
                                            std::size_t steps, float* sums) noexcept {
    U::template load<0>(sums, 64);
    U::template load<1>(sums + 256, 64);
    if constexpr (Tokens == 2) {
        U::template load<2>(sums + 512, 64);
        U::template load<3>(sums + 768, 64);
    }
    for (std::size_t step = 0; step < steps; ++step) {
        U::template load<6>(x[0] + 1024 * step, 64);
        U::template load<4>(w[0] + 1024 * step, 64);
        U::template dot_bf16<0, 4, 6>();
        U::template load<5>(w[1] + 1024 * step, 64);
        U::template dot_bf16<1, 5, 6>();
        if constexpr (Tokens == 2) {
            U::template load<7>(x[1] + 1024 * step, 64);
            U::template dot_bf16<2, 4, 7>();
            U::template dot_bf16<3, 5, 7>();
        }
    }
    U::template store<0>(sums, 64);
    U::template store<1>(sums + 256, 64);
    if constexpr (Tokens == 2) {
        U::template store<2>(sums + 512, 64);
        U::template store<3>(sums + 768, 64);
    }
}

/// All of the job, 32 rows of weights at a time: gathered once for all tokens, 512 inputs in the first-level cache.
template <class U> inline void tile_matmul_bf16(const bf16_tile_job& job) noexcept {
    constexpr std::size_t stretch = bf16_tile_job::stretch;
    alignas(64) std::byte weights[2][stretch / 32 * 1024];
    alignas(64) float sums[bf16_tile_job::most_tokens / 16][2][256]; // [tile of tokens][tile of rows][row][token]
    const std::size_t tiles = (job.tokens + 15) / 16;
    const std::size_t tile_bytes = bf16_tile_job::tile_bytes(job.k);
    U::configure(16);
    for (std::size_t row = 0; row < job.rows; row += 32) {
        std::memset(static_cast<void*>(sums), 0, tiles * sizeof sums[0]);
        if (row + 16 >= job.rows) std::memset(weights[1], 0, sizeof weights[1]);
        for (std::size_t first = 0; first < job.k; first += stretch) {
            const std::size_t steps = ((job.k - first < stretch ? job.k - first : stretch) + 31) / 32;
            for (std::size_t i = 0; i < 2 && row + 16 * i < job.rows; ++i) {
                APERTUS_KERNEL_NAMESPACE::gather_bf16(job, row + 16 * i, first, weights[i]);
            }
            const std::byte* const w[2] = {weights[0], weights[1]};
            for (std::size_t tile = 0; tile < tiles; tile += 2) {
                const std::byte* at = job.x + tile * tile_bytes + first / 32 * 1024;
                if (tile + 2 <= tiles) {
                    APERTUS_KERNEL_NAMESPACE::multiply_stretch<U, 2>(w, {at, at + tile_bytes}, steps, sums[tile][0]);
                } else {
                    APERTUS_KERNEL_NAMESPACE::multiply_stretch<U, 1>(w, {at, at}, steps, sums[tile][0]);
                }
            }
        }
        const std::size_t rows = job.rows - row < 32 ? job.rows - row : 32;
        for (std::size_t token = 0; token < job.tokens; ++token) {
            float* out = job.out + token * job.out_stride + row;
            const float* column = sums[token / 16][0] + token % 16;
            for (std::size_t r = 0; r < rows; ++r) {
                out[r] = column[16 * r] + (job.bias == nullptr ? 0.0F : job.bias[row + r]);
            }
        }
    }
    U::release();
}

/// Products of several rows go to the unit.
template <class U, class I> inline void use_tiles(kernel_table& table) noexcept {
    table.packed.together = &tile_together<I>;
    table.packed.int8_matmul = &tile_matmul<U, I, int8>;
    table.packed.int4_matmul = &tile_matmul<U, I, int4>;
    table.bf16_tiles = {&interleave_bf16, &tile_matmul_bf16<U>};
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
