// SPDX-License-Identifier: Apache-2.0
//
// Products of dense weights with many tokens. Included like backend/cpu/kernels.hpp, by it: inside a target region with
// APERTUS_KERNEL_NAMESPACE set, hence no #pragma once.
//
// An output is a sum over sixteen lanes (column % 16) that are added up at the end, and has to stay that: the same bits
// as for one token. The matrix-vector order has the lanes side by side in a register, so that every load feeds few
// multiplications. Here tokens lie side by side and one lane is worked on at a time, as in any matrix product: a weight is
// broadcast to registers of sixteen tokens each. Both operands are copied into panels for that, lane by lane, a stretch
// of columns at a time, so that the weights are widened once and all lies in the second-level cache as it is read; the
// lanes' sums wait in memory between stretches (Goto and van de Geijn, Anatomy of High-Performance Matrix Multiplication,
// 2008, is the scheme).
//
// Measured on one core of a busy Cascade Lake machine (FMA peak 154 GFLOP/s; processor time, best of 9), bf16 weights, in
// GFLOP/s, beside the tiles of kernels.hpp: 4096 x 4096 with 24 tokens 54 (67), 32: 72 (63), 48: 86 (72), 512: 96 (68);
// 4096 x 21504 with 512 tokens 78 (48). Without memory in the way, one stretch of one tile, 121. Tried and dropped: all of a
// stretch for a row group before the next (its lane does not stay in the first level; 91 instead of 95), no prefetch (3 to
// 8 % less), stretches of 512 columns, 64 rows at once, 96 or 384 tokens at once (0 to 25 % less).
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// Lane i of vector j becomes lane j of vector i.
template <class V> APERTUS_ALWAYS_INLINE void transpose(V (&m)[16]) noexcept {
    constexpr std::size_t lanes = V::register_lanes;
    struct registers {
        typename pack_vectors<lanes>::floats part[16 / lanes];
    };
    registers from[16];
    registers to[16];
    static_assert(sizeof from == sizeof m);
    std::memcpy(&from, &m, sizeof from);
    APERTUS_UNROLL
    for (std::size_t row = 0; row < 16 / lanes; ++row) {
        APERTUS_UNROLL
        for (std::size_t column = 0; column < 16 / lanes; ++column) {
            typename pack_vectors<lanes>::floats square[lanes];
            APERTUS_UNROLL
            for (std::size_t i = 0; i < lanes; ++i) square[i] = from[row * lanes + i].part[column];
            transpose_lanes(square);
            APERTUS_UNROLL
            for (std::size_t i = 0; i < lanes; ++i) to[column * lanes + i].part[row] = square[i];
        }
    }
    std::memcpy(static_cast<void*>(&m), &to, sizeof to);
}

/// Sixteen rows of `columns` columns (a multiple of 16 or the last ones) as out[16 lanes][columns / 16][Width], of which
/// this writes sixteen; lanes are `lane` floats apart. Rows from `rows` on are the last row again.
template <class V, class W>
inline void pack_panel(const W* in, std::size_t stride, std::size_t rows, std::size_t columns, float* out,
                       std::size_t width, std::size_t lane) noexcept {
    const W* row[16];
    for (std::size_t r = 0; r < 16; ++r) row[r] = in + (r < rows ? r : rows - 1) * stride;
    for (std::size_t i = 0; i < columns; i += 16, out += width) {
        V v[16];
        if (i + 16 <= columns) {
            APERTUS_UNROLL
            for (std::size_t r = 0; r < 16; ++r) v[r] = V::load(row[r] + i);
        } else {
            for (std::size_t r = 0; r < 16; ++r) v[r] = load_partial<V>(row[r] + i, columns - i);
        }
        APERTUS_KERNEL_NAMESPACE::transpose(v);
        APERTUS_UNROLL
        for (std::size_t l = 0; l < 16; ++l) v[l].store(out + l * lane);
    }
}

/// One lane: sums[Rows][Vectors][16 tokens] += w x, from zero on if this is the `first` stretch. w[steps][Rows of
/// panel_rows_at_once], x[steps][Vectors][16].
template <class V, int Rows, int Vectors>
inline void panel_tile(const float* w, const float* x, std::size_t steps, bool first, float* sums) noexcept {
    V sum[Rows][Vectors];
    APERTUS_UNROLL
    for (int r = 0; r < Rows; ++r) {
        APERTUS_UNROLL
        for (int v = 0; v < Vectors; ++v) sum[r][v] = first ? V::zero() : V::load(sums + 16 * (r * Vectors + v));
    }
    for (std::size_t i = 0; i < steps; ++i, w += panel_rows_at_once, x += 16 * Vectors) {
        V tokens[Vectors];
        APERTUS_UNROLL
        for (int v = 0; v < Vectors; ++v) {
            tokens[v] = V::load(x + 16 * v);
            prefetch(x + 16 * v, 1536);
        }
        APERTUS_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const V weight = V::splat(w[r]);
            APERTUS_UNROLL
            for (int v = 0; v < Vectors; ++v) sum[r][v] = fma(weight, tokens[v], sum[r][v]);
        }
    }
    APERTUS_UNROLL
    for (int r = 0; r < Rows; ++r) {
        APERTUS_UNROLL
        for (int v = 0; v < Vectors; ++v, sums += 16) sum[r][v].store(sums);
    }
}

/// All rows and lanes for the tokens of a tile: w[16 lanes][steps][panel_rows_at_once], x[16 lanes][steps][Vectors][16],
/// sums[16 lanes][panel_rows_at_once][Vectors][16]. A lane's part of both operands stays in the first-level cache.
template <class V, int Vectors>
inline void panel_tiles(const float* w, const float* x, std::size_t rows, std::size_t steps, bool first,
                        float* sums) noexcept {
    static_assert(16 % V::panel_rows == 0);
    for (std::size_t lane = 0; lane < 16; ++lane) {
        for (std::size_t r = 0; r < rows; r += V::panel_rows) {
            APERTUS_KERNEL_NAMESPACE::panel_tile<V, V::panel_rows, Vectors>(w + r, x, steps, first,
                                                                            sums + r * Vectors * 16);
        }
        w += steps * panel_rows_at_once;
        x += steps * Vectors * 16;
        sums += panel_rows_at_once * Vectors * 16;
    }
}

/// Adds up the lanes of sixteen rows and one of the tile's `vectors` of tokens; out[token] are the rows then.
template <class V> inline void panel_results(const float* sums, std::size_t vectors, V (&out)[16]) noexcept {
    const std::size_t lane = panel_rows_at_once * vectors * 16;
    for (std::size_t r = 0; r < 16; ++r, sums += vectors * 16) {
        V sum[8];
        APERTUS_UNROLL
        for (std::size_t l = 0; l < 8; ++l) sum[l] = add(V::load(sums + l * lane), V::load(sums + (l + 8) * lane));
        APERTUS_UNROLL
        for (std::size_t step = 4; step > 0; step /= 2) { // the tree of reduce_add
            for (std::size_t l = 0; l < step; ++l) sum[l] = add(sum[l], sum[l + step]);
        }
        out[r] = sum[0];
    }
    APERTUS_KERNEL_NAMESPACE::transpose(out);
}

/// Tokens as vectors of sixteen, in tiles of V::panel_vectors vectors; the last tile may have fewer. Panels of activations
/// are [stretch][tile][16 lanes][steps of the stretch][vectors of the tile][16].
template <class V> struct token_tiles {
    std::size_t vectors; ///< of all tokens

    explicit token_tiles(std::size_t tokens) noexcept : vectors((tokens + 15) / 16) {}

    /// The first vector of the tile that has `vector`.
    [[nodiscard]] static std::size_t first(std::size_t vector) noexcept {
        return vector / V::panel_vectors * V::panel_vectors;
    }
    /// Vectors of the tile that begins with `first`.
    [[nodiscard]] std::size_t vectors_at(std::size_t first) const noexcept {
        const std::size_t rest = vectors - first;
        return rest < V::panel_vectors ? rest : V::panel_vectors;
    }
    /// Where its panel lies, for the stretch of `steps` from `column` on.
    [[nodiscard]] std::size_t panel(std::size_t first, std::size_t column, std::size_t steps) const noexcept {
        return (column * vectors + first * steps * 16) * 16;
    }
};

/// Sixteen tokens of x[T, k], from token 16 `vector` on, into the panels of all tokens.
template <class V>
inline void pack_tokens(const float* x, std::size_t tokens, std::size_t k, std::size_t vector, float* out) noexcept {
    const token_tiles<V> tiles(tokens);
    const std::size_t first = tiles.first(vector);
    const std::size_t width = 16 * tiles.vectors_at(first);
    for (std::size_t column = 0; column < k; column += panel_stretch) {
        const std::size_t columns = k - column < panel_stretch ? k - column : panel_stretch;
        const std::size_t steps = (columns + 15) / 16;
        APERTUS_KERNEL_NAMESPACE::pack_panel<V>(x + 16 * vector * k + column, k, tokens - 16 * vector, columns,
                                                out + tiles.panel(first, column, steps) + (vector - first) * 16, width,
                                                steps * width);
    }
}

/// All of the job, panel_rows_at_once rows at a time.
template <class V, class W> inline void panel_matmul(const panel_job<W>& job) noexcept {
    constexpr std::size_t at_once = panel_rows_at_once;
    const token_tiles<V> tiles(job.tokens);
    float* const weights = job.scratch;
    float* const sums = weights + at_once * panel_stretch;
    for (std::size_t row = 0; row < job.rows; row += at_once) {
        const std::size_t rows = job.rows - row < at_once ? job.rows - row : at_once;
        for (std::size_t column = 0; column < job.k; column += panel_stretch) {
            const std::size_t columns = job.k - column < panel_stretch ? job.k - column : panel_stretch;
            const std::size_t steps = (columns + 15) / 16;
            for (std::size_t r = 0; r < rows; r += 16) {
                APERTUS_KERNEL_NAMESPACE::pack_panel<V>(job.w + (row + r) * job.k + column, job.k, rows - r, columns,
                                                        weights + r, at_once, steps * at_once);
            }
            for (std::size_t vector = 0; vector < tiles.vectors; vector += V::panel_vectors) {
                const std::size_t vectors = tiles.vectors_at(vector);
                const float* const x = job.x + tiles.panel(vector, column, steps);
                float* const to = sums + vector * at_once * 256;
                const bool first = column == 0;
                if (vectors == 1) APERTUS_KERNEL_NAMESPACE::panel_tiles<V, 1>(weights, x, rows, steps, first, to);
                if constexpr (V::panel_vectors > 1) {
                    if (vectors == 2) APERTUS_KERNEL_NAMESPACE::panel_tiles<V, 2>(weights, x, rows, steps, first, to);
                }
                if constexpr (V::panel_vectors > 2) {
                    if (vectors == 3) APERTUS_KERNEL_NAMESPACE::panel_tiles<V, 3>(weights, x, rows, steps, first, to);
                }
            }
        }
        for (std::size_t token = 0; token < job.tokens; token += 16) {
            const std::size_t vector = tiles.first(token / 16);
            const std::size_t vectors = tiles.vectors_at(vector);
            const std::size_t tokens = job.tokens - token < 16 ? job.tokens - token : 16;
            for (std::size_t r = 0; r < rows; r += 16) {
                V result[16];
                APERTUS_KERNEL_NAMESPACE::panel_results<V>(
                    sums + (vector * 16 * at_once + vectors * r + token / 16 - vector) * 16, vectors, result);
                for (std::size_t t = 0; t < tokens; ++t) {
                    APERTUS_KERNEL_NAMESPACE::store_rows<V>(job, row + r, token + t, result[t]);
                }
            }
        }
    }
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
