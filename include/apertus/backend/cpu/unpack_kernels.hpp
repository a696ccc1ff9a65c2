// SPDX-License-Identifier: Apache-2.0
//
// Matrix products with weights of a format that has no kernels of its own: some rows are unpacked to float in stretches of
// K and multiplied while they are in the first-level cache. Same sums as for weights stored as float (dense<float>), same
// bits for one token and for many. One text for all instruction sets, included like backend/cpu/kernels.hpp (hence no
// #pragma once; included alone it is empty).
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// Blocks of one row of a format that is known here. Inlined as a whole, so that the format's own `unpack` is compiled for
/// this instruction set. Faster ones are overloads (backend/cpu/gguf_kernels.hpp).
template <class Q, class Format>
[[gnu::flatten]] inline void unpack_blocks(Format, const std::byte* in, std::size_t blocks, float* out) noexcept {
    for (std::size_t b = 0; b < blocks; ++b, in += sizeof(typename Format::block), out += Format::block_size) {
        typename Format::block block;
        std::memcpy(static_cast<void*>(&block), in, sizeof block);
        Format::unpack(block, out);
    }
}

template <class Q, class Format>
inline void unpack_row_blocks(const std::byte* in, std::size_t blocks, float* out) noexcept {
    unpack_blocks<Q>(Format{}, in, blocks, out);
}

/// The formats of the library whose blocks lie within a row. `Q`: words for unpacking, or the vec16 where there are none.
template <class Q> inline block_unpackers make_unpackers() noexcept {
    block_unpackers out;
    weight_formats::for_each([&]<class Format>() {
        if constexpr (block_rows_of<Format> == 1 && Format::block_size != 1) {
            out.add(info_of<Format>, &unpack_row_blocks<Q, Format>);
        }
    });
    return out;
}

/// `blocks` blocks from `in` on, of one row if blocks are of one row, otherwise of block_rows rows, `stride` floats apart.
template <class V>
inline void unpack_run(const unpack_job& job, const std::byte* in, std::size_t blocks, std::size_t stride,
                       float* out) noexcept {
    const format_info& f = *job.format;
    if (job.unpack != nullptr) {
        job.unpack(in, blocks, out);
    } else if (f.block_rows == 1) {
        for (std::size_t b = 0; b < blocks; ++b) f.unpack(in + b * f.block_bytes, out + b * f.block_size);
    } else {
        float block[largest_block];
        for (std::size_t b = 0; b < blocks; ++b) {
            f.unpack(in + b * f.block_bytes, block);
            for (std::size_t i = 0; i < f.block_rows; ++i) {
                std::memcpy(out + i * stride + b * f.block_size, block + i * f.block_size,
                            f.block_size * sizeof(float));
            }
        }
    }
}

/// Where K is cut: into stretches of whole blocks and a multiple of 16 columns, all about equally long, and no longer than
/// `most` if a block allows it. (Divisions once per job: one of them costs as much as unpacking sixteen weights.)
struct stretches {
    std::size_t columns;   ///< of a stretch; the last one may be shorter
    std::size_t blocks;    ///< of a stretch
    std::size_t bytes;     ///< of a stretch's blocks
    std::size_t row_bytes; ///< of all blocks of a row (or of block_rows rows)

    template <class V> static stretches of(const format_info& f, std::size_t k, std::size_t most) noexcept {
        const std::size_t unit = std::lcm(f.block_size, std::size_t{16});
        const std::size_t units = k == 0 ? 1 : (k + unit - 1) / unit;
        const std::size_t at_once = most < unit ? 1 : most / unit;
        const std::size_t count = (units + at_once - 1) / at_once;
        const std::size_t columns = (units + count - 1) / count * unit;
        const std::size_t blocks = columns / f.block_size;
        return {columns, blocks, blocks * f.block_bytes, f.blocks_per_row(k) * f.block_bytes};
    }
    /// Blocks of the stretch from column `col` on.
    [[nodiscard]] std::size_t blocks_at(std::size_t col, const unpack_job& job) const noexcept {
        return col + columns <= job.k ? blocks : job.format->blocks_per_row(job.k - col);
    }
};

inline constexpr std::size_t longest_stretch = largest_block / 4; // see make_format_info

/// One token, blocks of one row: V::matvec_rows runs of adjacent rows side by side, as for dense weights.
/// Measured on one core of a busy Cascade Lake machine (4096 columns), in cycles of its clock for 32 weights of Q4_0, best
/// of 6000: stretches of 256 columns 13.5, 512 10.7, 704 11.8; of this multiplying is 3.2. All formats at 640: Q8_0 11.1,
/// Q4_0 10.5, Q4_1 12.5, Q5_0 12.6, Q4_K 10.1, Q5_K 12.7, Q6_K 12.3.
template <class V> inline void unpack_matvec(const unpack_job& job) noexcept {
    constexpr std::size_t streams = V::matvec_rows;
    constexpr std::size_t ahead = 2048;
    const auto cut = stretches::of<V>(*job.format, job.k, 640);
    const std::size_t run = (job.rows + streams - 1) / streams;
    alignas(64) float weights[streams * longest_stretch];
    for (std::size_t i = 0; i < run; ++i) {
        const std::size_t active = (job.rows - i + run - 1) / run; // the last runs may be shorter, or empty
        const float* w[streams];
        V sum[streams][1];
        APERTUS_UNROLL
        for (std::size_t s = 0; s < streams; ++s) {
            w[s] = weights + (s < active ? s : 0) * cut.columns;
            sum[s][0] = V::zero();
        }
        const std::byte* stretch = job.w + i * cut.row_bytes;
        for (std::size_t col = 0; col < job.k; col += cut.columns, stretch += cut.bytes) {
            const std::size_t n = job.k - col < cut.columns ? job.k - col : cut.columns;
            const std::size_t blocks = cut.blocks_at(col, job);
            for (std::size_t s = 0; s < active; ++s) {
                const std::byte* in = stretch + s * run * cut.row_bytes;
                for (std::size_t at = 0; at < cut.bytes; at += 64) prefetch(in + at, ahead);
                unpack_run<V>(job, in, blocks, 0, weights + s * cut.columns);
            }
            const float* const x[1] = {job.x + col};
            accumulate<V, static_cast<int>(streams), 1, 0>(w, x, n, sum);
        }
        APERTUS_UNROLL
        for (std::size_t s = 0; s < streams; ++s) {
            if (s >= active) break;
            const float dot = reduce_add(sum[s][0]);
            job.out[s * run + i] = job.bias == nullptr ? dot : dot + job.bias[s * run + i];
        }
    }
}

/// sums[row][token] += w[Rows, n] x[Tokens, n]^T of one tile; sums of a row are `row_sums` apart.
template <class V, int Rows, int Tokens>
inline void accumulate_tile(const float* const (&w)[Rows], const float* const (&x)[Tokens], std::size_t n, float* sums,
                            std::size_t row_sums) noexcept {
    V sum[Rows][Tokens];
    APERTUS_UNROLL
    for (int r = 0; r < Rows; ++r) {
        APERTUS_UNROLL
        for (int t = 0; t < Tokens; ++t) sum[r][t] = V::load(sums + static_cast<std::size_t>(r) * row_sums + 16 * t);
    }
    accumulate<V, Rows, Tokens, 0>(w, x, n, sum);
    APERTUS_UNROLL
    for (int r = 0; r < Rows; ++r) {
        APERTUS_UNROLL
        for (int t = 0; t < Tokens; ++t) sum[r][t].store(sums + static_cast<std::size_t>(r) * row_sums + 16 * t);
    }
}

/// Many tokens, or blocks of several rows: eight rows (or those of a block) at once, their stretch multiplied with up to 48
/// tokens. The tiles of a ragged edge compute their last row or token again.
template <class V> inline void unpack_matmat(const unpack_job& job) noexcept {
    constexpr std::size_t tile_rows = V::tile_rows;
    constexpr std::size_t tile_tokens = V::tile_tokens;
    constexpr std::size_t most_rows = 16;
    constexpr std::size_t most_tokens = 48;
    static_assert(most_tokens % tile_tokens == 0);
    const format_info& f = *job.format;
    const auto cut = stretches::of<V>(f, job.k, 512);
    const std::size_t room = largest_block / cut.columns < 8 ? largest_block / cut.columns : 8;
    const std::size_t rows_at_once = f.block_rows < room ? room / f.block_rows * f.block_rows : f.block_rows;
    alignas(64) float weights[largest_block];
    alignas(64) float sums[(most_rows + tile_rows - 1) * most_tokens * 16];
    const auto least = [](std::size_t a, std::size_t b) { return a < b ? a : b; };
    for (std::size_t row = 0; row < job.rows; row += rows_at_once) {
        const std::size_t rows = least(rows_at_once, job.rows - row);
        for (std::size_t token = 0; token < job.tokens; token += most_tokens) {
            const std::size_t tokens = least(most_tokens, job.tokens - token);
            const std::size_t row_sums = (tokens + tile_tokens - 1) / tile_tokens * tile_tokens * 16;
            std::memset(sums, 0, (rows + tile_rows - 1) * row_sums * sizeof(float));
            const std::byte* stretch = job.w + row / f.block_rows * cut.row_bytes;
            for (std::size_t col = 0; col < job.k; col += cut.columns, stretch += cut.bytes) {
                const std::size_t n = least(cut.columns, job.k - col);
                const std::size_t blocks = cut.blocks_at(col, job);
                const std::byte* in = stretch;
                for (std::size_t r = 0; r < rows; r += f.block_rows, in += cut.row_bytes) {
                    unpack_run<V>(job, in, blocks, cut.columns, weights + r * cut.columns);
                }
                for (std::size_t t = 0; t < tokens; t += tile_tokens) {
                    const float* x[tile_tokens];
                    for (std::size_t i = 0; i < tile_tokens; ++i) {
                        x[i] = job.x + (token + least(t + i, tokens - 1)) * job.k + col;
                    }
                    for (std::size_t r = 0; r < rows; r += tile_rows) {
                        const float* w[tile_rows];
                        for (std::size_t i = 0; i < tile_rows; ++i)
                            w[i] = weights + least(r + i, rows - 1) * cut.columns;
                        accumulate_tile<V>(w, x, n, sums + r * row_sums + t * 16, row_sums);
                    }
                }
            }
            for (std::size_t r = 0; r < rows; ++r) {
                for (std::size_t t = 0; t < tokens; ++t) {
                    const float dot = reduce_add(V::load(sums + r * row_sums + t * 16));
                    job.out[(token + t) * job.out_stride + row + r] =
                        job.bias == nullptr ? dot : dot + job.bias[row + r];
                }
            }
        }
    }
}

template <class V> inline void unpack_matmul(const unpack_job& job) noexcept {
    if (job.tokens == 1 && job.format->block_rows == 1) unpack_matvec<V>(job);
    else unpack_matmat<V>(job);
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
