// SPDX-License-Identifier: Apache-2.0
//
// The hot kernels, one text for all instruction sets. backend/cpu/kernel_tables.hpp includes this file once per set, each
// time inside a target region and with APERTUS_KERNEL_NAMESPACE naming the namespace of that set's vec16 (hence no
// #pragma once; included alone it is empty). Every kernel is a template on vec16, so that the portable one carries its
// architecture in its symbol.
//
// Exactness. Sums run over sixteen fixed lanes in index order with fused multiply-adds, a ragged end is padded with
// zeros to sixteen, and lanes are reduced by a fixed tree: an output depends on its operands and K, never on the tile,
// the chunk or the thread it was computed in. No product is ever added by a separate instruction, because compilers
// contract a * b + c behind one's back, and not everywhere alike.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// sum[r][t] += w[r] . x[t] over n elements, lane by lane. `Ahead`: bytes to prefetch ahead in each row of w, 0 for none.
template <class V, int Rows, int Tokens, std::size_t Ahead, class W>
APERTUS_ALWAYS_INLINE void accumulate(const W* const (&w)[Rows], const float* const (&x)[Tokens], std::size_t n,
                                      V (&sum)[Rows][Tokens]) noexcept {
    constexpr std::size_t line = 64 / sizeof(W); // elements of W per cache line
    std::size_t i = 0;
    for (; i + line <= n; i += line) {
        APERTUS_UNROLL
        for (std::size_t j = 0; j < line; j += 16) {
            V xs[Tokens];
            APERTUS_UNROLL
            for (int t = 0; t < Tokens; ++t) xs[t] = V::load(x[t] + i + j);
            APERTUS_UNROLL
            for (int r = 0; r < Rows; ++r) {
                if constexpr (Ahead != 0) {
                    if (j == 0) prefetch(w[r] + i, Ahead);
                }
                const V ws = V::load(w[r] + i + j);
                APERTUS_UNROLL
                for (int t = 0; t < Tokens; ++t) sum[r][t] = fma(ws, xs[t], sum[r][t]);
            }
        }
    }
    for (; i + 16 <= n; i += 16) {
        APERTUS_UNROLL
        for (int r = 0; r < Rows; ++r) {
            const V ws = V::load(w[r] + i);
            APERTUS_UNROLL
            for (int t = 0; t < Tokens; ++t) sum[r][t] = fma(ws, V::load(x[t] + i), sum[r][t]);
        }
    }
    if (i < n) {
        for (int r = 0; r < Rows; ++r) {
            const V ws = load_partial<V>(w[r] + i, n - i);
            for (int t = 0; t < Tokens; ++t) sum[r][t] = fma(ws, load_partial<V>(x[t] + i, n - i), sum[r][t]);
        }
    }
}

/// One token: y = w x + bias. The rows of the piece are cut into V::matvec_rows runs of adjacent rows that are read side
/// by side, each a sequential stream with prefetch. Measured on one Cascade Lake core, GB/s, bf16 (pure reading at best
/// 13.2): 1 stream 10.0, with prefetch 11.6; 4 streams 12.2; 6 or 8 streams with prefetch 512 to 2048 bytes ahead 12.4 to
/// 12.7; 12 and 16 streams 11.8. Dropped: 2, 4 or 8 lines of a stream per turn (12.5, 12.2, 10.8), prefetch into the
/// second level (11.7), one row per stream and turn (10.9). Runs of 32 to 256 rows do not differ.
template <class V, class W> inline void matvec(const matmul_job<W>& job) noexcept {
    constexpr int streams = V::matvec_rows;
    constexpr std::size_t ahead = 2048;
    const std::size_t run = job.rows / streams;
    const float* const x[1] = {job.x};
    const auto finish = [&](std::size_t row, const V& sum) {
        job.out[row] = job.bias == nullptr ? reduce_add(sum) : reduce_add(sum) + job.bias[row];
    };
    for (std::size_t i = 0; i < run; ++i) {
        const W* w[streams];
        V sum[streams][1];
        APERTUS_UNROLL
        for (int s = 0; s < streams; ++s) {
            w[s] = job.w + (static_cast<std::size_t>(s) * run + i) * job.k;
            sum[s][0] = V::zero();
        }
        accumulate<V, streams, 1, ahead>(w, x, job.k, sum);
        for (int s = 0; s < streams; ++s) finish(static_cast<std::size_t>(s) * run + i, sum[s][0]);
    }
    for (std::size_t row = run * streams; row < job.rows; ++row) {
        const W* const w[1] = {job.w + row * job.k};
        V sum[1][1] = {{V::zero()}};
        accumulate<V, 1, 1, ahead>(w, x, job.k, sum);
        finish(row, sum[0][0]);
    }
}

/// Several tokens (many are the matter of panel_kernels.hpp): tiles of V::tile_rows x V::tile_tokens outputs over all of
/// K, operands read where they lie. The tiles of a ragged edge compute their last row or token again instead of needing
/// code of their own.
/// Measured on one Cascade Lake core (FMA peak 153 GFLOP/s), 60 rows x 96 tokens x 4096: 70 (f32), 80 (bf16, whose
/// widening takes a quarter of the two vector ports); with operands off a cache line 51 and 60. Tried and dropped: K in
/// stretches of 512 to 1024 over bands of 48 rows, partial sums in memory (75 and 80), the same with the tokens' stretch
/// copied (58 to 70), tiles of 5x5, 5x4, 6x4, 3x8 and 2x12 (no better), both operands copied (37 to 50).
template <class V, class W> inline void matmat(const matmul_job<W>& job) noexcept {
    constexpr int tile_rows = V::tile_rows;
    constexpr int tile_tokens = V::tile_tokens;
    for (std::size_t token = 0; token < job.tokens; token += tile_tokens) {
        const float* x[tile_tokens];
        for (int t = 0; t < tile_tokens; ++t) {
            const std::size_t index = token + static_cast<std::size_t>(t);
            x[t] = job.x + (index < job.tokens ? index : job.tokens - 1) * job.k;
        }
        for (std::size_t row = 0; row < job.rows; row += tile_rows) {
            const W* w[tile_rows];
            V sum[tile_rows][tile_tokens];
            APERTUS_UNROLL
            for (int r = 0; r < tile_rows; ++r) {
                const std::size_t index = row + static_cast<std::size_t>(r);
                w[r] = job.w + (index < job.rows ? index : job.rows - 1) * job.k;
                APERTUS_UNROLL
                for (int t = 0; t < tile_tokens; ++t) sum[r][t] = V::zero();
            }
            accumulate<V, tile_rows, tile_tokens, 512>(w, x, job.k, sum);
            for (int r = 0; r < tile_rows; ++r) {
                const std::size_t n = row + static_cast<std::size_t>(r);
                if (n >= job.rows) break;
                for (int t = 0; t < tile_tokens; ++t) {
                    const std::size_t index = token + static_cast<std::size_t>(t);
                    if (index >= job.tokens) break;
                    const float dot = reduce_add(sum[r][t]);
                    job.out[index * job.out_stride + n] = job.bias == nullptr ? dot : dot + job.bias[n];
                }
            }
        }
    }
}

template <class V, class W> inline void matmul(const matmul_job<W>& job) noexcept {
    if (job.tokens == 1) matvec<V, W>(job);
    else matmat<V, W>(job);
}

template <class V, class W> inline void widen(const W* in, float* out, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) V::load(in + i).store(out + i);
    if (i < n) store_partial(load_partial<V>(in + i, n - i), out + i, n - i);
}

template <class V, class E> inline void narrow(const float* in, E* out, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) V::load(in + i).store(out + i);
    if (i < n) store_partial(load_partial<V>(in + i, n - i), out + i, n - i);
}

template <class V>
inline void rms_norm(const float* x, const float* weight, float eps, float* out, std::size_t n) noexcept {
    V squares = V::zero();
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) {
        const V xs = V::load(x + i);
        squares = fma(xs, xs, squares);
    }
    if (i < n) {
        const V xs = load_partial<V>(x + i, n - i);
        squares = fma(xs, xs, squares);
    }
    const V factor = V::splat(rms_norm_factor(reduce_add(squares) / static_cast<float>(n), eps));
    for (i = 0; i + 16 <= n; i += 16) mul(mul(V::load(x + i), factor), V::load(weight + i)).store(out + i);
    if (i < n) {
        const V scaled = mul(load_partial<V>(x + i, n - i), factor);
        store_partial(mul(scaled, load_partial<V>(weight + i, n - i)), out + i, n - i);
    }
}

template <class V>
inline void rope(float* x, const float* cos, const float* sin, std::size_t heads, std::size_t k) noexcept {
    const std::size_t half = k / 2;
    const auto rotate = [](V& low, V& high, const V& c, const V& s) {
        const V a = low;
        const V b = high;
        low = fnma(b, s, mul(a, c));
        high = fma(a, s, mul(b, c));
    };
    for (std::size_t h = 0; h < heads; ++h, x += k) {
        std::size_t i = 0;
        for (; i + 16 <= half; i += 16) {
            V low = V::load(x + i);
            V high = V::load(x + half + i);
            rotate(low, high, V::load(cos + i), V::load(sin + i));
            low.store(x + i);
            high.store(x + half + i);
        }
        if (i < half) {
            const std::size_t n = half - i;
            V low = load_partial<V>(x + i, n);
            V high = load_partial<V>(x + half + i, n);
            rotate(low, high, load_partial<V>(cos + i, n), load_partial<V>(sin + i, n));
            store_partial(low, x + i, n);
            store_partial(high, x + half + i, n);
        }
    }
}

/// Reads `bytes` at p as `Streams` sequential streams side by side, 4 cache lines of each in turn, fetching `ahead` bytes
/// ahead (0: not at all), and returns something of everything read. What a memory-bound kernel can at best reach.
template <class V, int Streams>
inline float read_streams(const float* p, std::size_t bytes, std::size_t ahead) noexcept {
    constexpr std::size_t turn = 64; // floats: 4 lines
    const std::size_t length = bytes / sizeof(float) / Streams / turn * turn;
    V seen[4] = {V::zero(), V::zero(), V::zero(), V::zero()};
    for (std::size_t i = 0; i < length; i += turn) {
        for (std::size_t s = 0; s < Streams; ++s) {
            const float* line = p + s * length + i;
            APERTUS_UNROLL
            for (std::size_t j = 0; j < 4; ++j) {
                if (ahead != 0) prefetch(line + 16 * j, ahead);
                seen[j] = max(V::load(line + 16 * j), seen[j]);
            }
        }
    }
    return reduce_max(max(max(seen[0], seen[1]), max(seen[2], seen[3])));
}

template <class V>
inline float read_memory(const float* p, std::size_t bytes, int streams, std::size_t ahead) noexcept {
    switch (streams) {
    case 1: return read_streams<V, 1>(p, bytes, ahead);
    case 2: return read_streams<V, 2>(p, bytes, ahead);
    case 4: return read_streams<V, 4>(p, bytes, ahead);
    case 6: return read_streams<V, 6>(p, bytes, ahead);
    case 8: return read_streams<V, 8>(p, bytes, ahead);
    case 12: return read_streams<V, 12>(p, bytes, ahead);
    default: return read_streams<V, 16>(p, bytes, ahead);
    }
}

template <class V> inline void add_rows(float* x, const float* y, std::size_t n) noexcept {
    std::size_t i = 0;
    for (; i + 16 <= n; i += 16) add(V::load(x + i), V::load(y + i)).store(x + i);
    if (i < n) store_partial(add(load_partial<V>(x + i, n - i), load_partial<V>(y + i, n - i)), x + i, n - i);
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#include <apertus/backend/cpu/exponential_kernels.hpp>

#include <apertus/backend/cpu/attention_cells.hpp>
#include <apertus/backend/cpu/attention_kernels.hpp>
#include <apertus/backend/cpu/panel_kernels.hpp>
#include <apertus/backend/cpu/unpack_kernels.hpp>

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// `Q`: words for unpacking (simd/quants16.hpp), where the instruction set has them.
template <class V, class Q = V> inline kernel_table make_table() noexcept {
    kernel_table table;
    table.matvec_rows = V::matvec_rows;
    table.pack_tokens = &pack_tokens<V>;
    table.f32_weights = {&matmul<V, float>, &panel_matmul<V, float>, &widen<V, float>};
    table.bf16_weights = {&matmul<V, bf16>, &panel_matmul<V, bf16>, &widen<V, bf16>};
    table.f16_weights = {&matmul<V, f16>, &panel_matmul<V, f16>, &widen<V, f16>};
    table.caches[0] = {kv_dense<float>::name, &attend<V, kv_dense<float>>};
    table.caches[1] = {kv_dense<bf16>::name, &attend<V, kv_dense<bf16>>};
    table.caches[2] = {kv_dense<f16>::name, &attend<V, kv_dense<f16>>};
    table.caches[3] = {kv_int8::name, &attend<V, kv_int8>};
    table.caches[4] = {{}, &attend<V, void>};
    table.merge_attention = &merge_attention<V>;
    table.unpack_matmul = &unpack_matmul<V>;
    table.unpackers = make_unpackers<Q>();
    table.rms_norm = &rms_norm<V>;
    table.rope = &rope<V>;
    table.add = &add_rows<V>;
    table.xielu = &xielu_elements<V>;
    table.read_memory = &read_memory<V>;
    return table;
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
