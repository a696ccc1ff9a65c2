// SPDX-License-Identifier: Apache-2.0
//
// Attention kernels, part of backend/cpu/kernels.hpp: one text for all instruction sets, included once per set inside its
// target region (hence no #pragma once; included alone it is empty).
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

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

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
