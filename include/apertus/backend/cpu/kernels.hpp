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

/// The first n < 16 elements at p, zeros after them.
template <class V, class T> inline V load_partial(const T* p, std::size_t n) noexcept {
    T padded[16] = {};
    std::memcpy(static_cast<void*>(padded), static_cast<const void*>(p), n * sizeof(T));
    return V::load(padded);
}
template <class V, class T> inline void store_partial(const V& x, T* p, std::size_t n) noexcept {
    T padded[16];
    x.store(padded);
    std::memcpy(static_cast<void*>(p), static_cast<const void*>(padded), n * sizeof(T));
}

template <class T> APERTUS_ALWAYS_INLINE void prefetch(const T* p, std::size_t bytes_ahead) noexcept {
    __builtin_prefetch(reinterpret_cast<const char*>(p) + bytes_ahead, 0, 3);
}

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

/// Many tokens: tiles of V::tile_rows x V::tile_tokens outputs over all of K, operands read where they lie. The tiles of a
/// ragged edge compute their last row or token again instead of needing code of their own.
/// Measured on one Cascade Lake core with a busy neighbour (FMA peak 150 GFLOP/s): 49 (f32), 58 (bf16). Tried and
/// dropped: K in stretches of 256 with both operands copied next to each other (37 to 50; the copies wait for memory),
/// the same with the next stretch prefetched (no gain). A packed tile alone reaches 126 from the first-level cache, so
/// the way up is larger blocks in scratch memory, not another tile.
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

template <class V>
inline void accumulate_tile(const float* const* w, const float* const* x, std::size_t n, tile_sums& sums) noexcept {
    constexpr int tokens = static_cast<int>(tile_sums::tokens);
    const float* const xs[tokens] = {x[0], x[1], x[2], x[3]};
    for (std::size_t r = 0; r < tile_sums::rows; ++r) {
        float* lanes = sums.lanes + r * tile_sums::tokens * 16;
        V sum[1][tokens];
        for (int t = 0; t < tokens; ++t) sum[0][t] = V::load(lanes + 16 * t);
        const float* const ws[1] = {w[r]};
        accumulate<V, 1, tokens, 0>(ws, xs, n, sum);
        for (int t = 0; t < tokens; ++t) sum[0][t].store(lanes + 16 * t);
    }
}

template <class V> inline float reduce_lanes(const float* sixteen) noexcept { return reduce_add(V::load(sixteen)); }

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

/// e^x for x <= 0 (what a softmax needs), 0 below -87.3, NaN for NaN. Cody-Waite reduction and a polynomial of degree 6
/// (coefficients of Cephes expf); error below 2 units in the last place.
template <class V> APERTUS_ALWAYS_INLINE V exp_nonpositive(const V& x) noexcept {
    const V magic = V::splat(12582912.0F); // 1.5 * 2^23: adding it leaves the rounded integer in the low bits
    const V shifted = fma(x, V::splat(1.44269504F), magic);
    const V n = sub(shifted, magic);
    V r = fnma(n, V::splat(0.693359375F), x);
    r = fnma(n, V::splat(-2.12194440e-4F), r);
    V p = V::splat(1.9875691500e-4F);
    p = fma(p, r, V::splat(1.3981999507e-3F));
    p = fma(p, r, V::splat(8.3334519073e-3F));
    p = fma(p, r, V::splat(4.1665795894e-2F));
    p = fma(p, r, V::splat(1.6666665459e-1F));
    p = fma(p, r, V::splat(5.0000001201e-1F));
    p = fma(p, r, V::splat(1.0F));
    p = fma(p, r, V::splat(1.0F));
    return zero_where_less(scale_exponent(p, shifted), x, V::splat(-87.3F));
}

/// Attention of a few rows over one kv head, as an online softmax over blocks of 64 slots counted from slot 0. A block
/// is read once for all rows and query heads; the arithmetic of a row depends on its own slot only.
template <class V, class E> struct attention {
    static constexpr std::size_t block = 64;
    static constexpr std::size_t max_queries = 32;
    static constexpr int query_tile = 4; // query heads that share a load of v

    struct query {
        const float* q;
        float* out;
        std::size_t slots; // sees slots 0 .. slots - 1
        float greatest;
        float total;
    };

    static void run(const attend_job<E>& job) noexcept {
        const std::size_t heads_at_once = job.heads < max_queries ? job.heads : max_queries;
        const std::size_t rows_at_once = max_queries / heads_at_once;
        query queries[max_queries];
        for (std::size_t row = 0; row < job.rows; row += rows_at_once) {
            for (std::size_t head = 0; head < job.heads; head += heads_at_once) {
                std::size_t count = 0;
                for (std::size_t r = row; r < job.rows && r < row + rows_at_once; ++r) {
                    for (std::size_t h = head; h < job.heads && h < head + heads_at_once; ++h) {
                        const std::size_t offset = r * job.row_stride + h * job.head_size;
                        queries[count++] = {job.q + offset, job.out + offset, job.first_slot + r + 1, 0, 0};
                    }
                }
                run(job, queries, count);
            }
        }
    }

    static void run(const attend_job<E>& job, query* queries, std::size_t count) noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            queries[i].greatest = -std::numeric_limits<float>::infinity();
            queries[i].total = 0;
            for (std::size_t d = 0; d < job.head_size; ++d) queries[i].out[d] = 0;
        }
        alignas(64) float scores[max_queries][block];
        const std::size_t slots = queries[count - 1].slots; // rows ascend
        for (std::size_t first = 0; first < slots; first += block) {
            const std::size_t n = slots - first < block ? slots - first : block;
            dot_block(job, queries, count, first, n, scores);
            std::size_t i = 0;
            while (i < count) {
                // query heads of one row see the same slots and are weighted together
                std::size_t same = 1;
                while (same < query_tile && i + same < count && queries[i + same].slots == queries[i].slots) ++same;
                if (queries[i].slots > first) {
                    const std::size_t visible = queries[i].slots - first < n ? queries[i].slots - first : n;
                    float correction[query_tile];
                    for (std::size_t j = 0; j < same; ++j) {
                        correction[j] = softmax_block(queries[i + j], scores[i + j], visible);
                    }
                    weigh_block(job, queries + i, same, first, visible, scores + i, correction);
                }
                i += same;
            }
        }
        for (std::size_t i = 0; i < count; ++i) {
            const V total = V::splat(queries[i].total);
            float* out = queries[i].out;
            std::size_t d = 0;
            for (; d + 16 <= job.head_size; d += 16) div(V::load(out + d), total).store(out + d);
            if (d < job.head_size) {
                const std::size_t rest = job.head_size - d;
                store_partial(div(load_partial<V>(out + d, rest), total), out + d, rest);
            }
        }
    }

    /// scores[query][slot] = scale * q . k for the n slots of a block. Also fetches the next block of k.
    static void dot_block(const attend_job<E>& job, const query* queries, std::size_t count, std::size_t first,
                          std::size_t n, float (*scores)[block]) noexcept {
        constexpr int tile_slots = V::tile_rows;
        constexpr int tile_queries = V::tile_tokens < query_tile ? V::tile_tokens : query_tile;
        const E* base = job.k + first * job.head_size;
        for (std::size_t slot = 0; slot < n; slot += tile_slots) {
            const E* k[tile_slots];
            for (int s = 0; s < tile_slots; ++s) {
                const std::size_t index = slot + static_cast<std::size_t>(s);
                k[s] = base + (index < n ? index : n - 1) * job.head_size;
                for (std::size_t b = 0; b < job.head_size * sizeof(E); b += 64) {
                    prefetch(k[s], block * job.head_size * sizeof(E) + b);
                }
            }
            for (std::size_t i = 0; i < count; i += tile_queries) {
                const float* q[tile_queries];
                V sum[tile_slots][tile_queries];
                for (int t = 0; t < tile_queries; ++t) {
                    const std::size_t index = i + static_cast<std::size_t>(t);
                    q[t] = queries[index < count ? index : count - 1].q;
                    APERTUS_UNROLL
                    for (int s = 0; s < tile_slots; ++s) sum[s][t] = V::zero();
                }
                accumulate<V, tile_slots, tile_queries, 0>(k, q, job.head_size, sum);
                for (int t = 0; t < tile_queries; ++t) {
                    const std::size_t index = i + static_cast<std::size_t>(t);
                    if (index >= count) break;
                    for (int s = 0; s < tile_slots; ++s) {
                        const std::size_t at_slot = slot + static_cast<std::size_t>(s);
                        if (at_slot < n) scores[index][at_slot] = job.scale * reduce_add(sum[s][t]);
                    }
                }
            }
        }
    }

    /// Turns the n visible scores of a block into weights, with zeros after them; returns what the sums so far must be
    /// multiplied by.
    static float softmax_block(query& q, float* scores, std::size_t n) noexcept {
        const float none = -std::numeric_limits<float>::infinity();
        for (std::size_t i = n; i < block; ++i) scores[i] = none;
        V most = V::splat(q.greatest);
        for (std::size_t i = 0; i < block; i += 16) most = max(V::load(scores + i), most);
        const float greatest = reduce_max(most);
        const V shift = V::splat(greatest);
        V sum = V::zero();
        for (std::size_t i = 0; i < block; i += 16) {
            const V p = exp_nonpositive(sub(V::load(scores + i), shift));
            p.store(scores + i);
            sum = add(sum, p);
        }
        alignas(64) float lane[16];
        exp_nonpositive(V::splat(q.greatest - greatest)).store(lane);
        const float correction = lane[0];
        q.total = std::fma(q.total, correction, reduce_add(sum));
        q.greatest = greatest;
        return correction;
    }

    /// out = out * correction + weights . v over the n visible slots of a block, slots in order.
    static void weigh_block(const attend_job<E>& job, const query* queries, std::size_t count, std::size_t first,
                            std::size_t n, const float (*weights)[block], const float* correction) noexcept {
        const E* base = job.v + first * job.head_size;
        std::size_t d = 0;
        const auto tile = [&]<int Vectors>(std::integral_constant<int, Vectors>, std::size_t width) {
            V sum[query_tile][Vectors];
            for (int i = 0; i < query_tile; ++i) {
                const std::size_t index = static_cast<std::size_t>(i) < count ? static_cast<std::size_t>(i) : 0;
                const V scale = V::splat(correction[index]);
                for (int c = 0; c < Vectors; ++c) {
                    const float* out = queries[index].out + d + 16 * c;
                    sum[i][c] = mul(width == 16 ? V::load(out) : load_partial<V>(out, width), scale);
                }
            }
            const float* p[query_tile];
            for (int i = 0; i < query_tile; ++i) p[i] = weights[static_cast<std::size_t>(i) < count ? i : 0];
            for (std::size_t slot = 0; slot < n; ++slot) {
                const E* v = base + slot * job.head_size + d;
                prefetch(v, block * job.head_size * sizeof(E));
                V vs[Vectors];
                APERTUS_UNROLL
                for (int c = 0; c < Vectors; ++c) vs[c] = width == 16 ? V::load(v + 16 * c) : load_partial<V>(v, width);
                APERTUS_UNROLL
                for (int i = 0; i < query_tile; ++i) {
                    const V weight = V::splat(p[i][slot]);
                    APERTUS_UNROLL
                    for (int c = 0; c < Vectors; ++c) sum[i][c] = fma(weight, vs[c], sum[i][c]);
                }
            }
            for (std::size_t i = 0; i < count; ++i) {
                for (int c = 0; c < Vectors; ++c) {
                    float* out = queries[i].out + d + 16 * c;
                    if (width == 16) sum[i][c].store(out);
                    else store_partial(sum[i][c], out, width);
                }
            }
        };
        constexpr int vectors = V::tile_rows * V::tile_tokens >= 16 ? 4 : 1;
        for (; d + 16 * vectors <= job.head_size; d += 16 * vectors) tile(std::integral_constant<int, vectors>{}, 16);
        for (; d + 16 <= job.head_size; d += 16) tile(std::integral_constant<int, 1>{}, 16);
        if (d < job.head_size) tile(std::integral_constant<int, 1>{}, job.head_size - d);
    }
};

template <class V, class E> inline void attend(const attend_job<E>& job) noexcept { attention<V, E>::run(job); }

template <class V> inline kernel_table make_table(cpu_isa isa) noexcept {
    kernel_table table;
    table.isa = isa;
    table.matvec_rows = V::matvec_rows;
    table.f32_weights = {&matmul<V, float>, &widen<V, float>};
    table.bf16_weights = {&matmul<V, bf16>, &widen<V, bf16>};
    table.f16_weights = {&matmul<V, f16>, &widen<V, f16>};
    table.f32_cache = {&attend<V, float>, &narrow<V, float>};
    table.bf16_cache = {&attend<V, bf16>, &narrow<V, bf16>};
    table.f16_cache = {&attend<V, f16>, &narrow<V, f16>};
    table.accumulate_tile = &accumulate_tile<V>;
    table.reduce_lanes = &reduce_lanes<V>;
    table.rms_norm = &rms_norm<V>;
    table.rope = &rope<V>;
    table.add = &add_rows<V>;
    table.read_memory = &read_memory<V>;
    return table;
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
