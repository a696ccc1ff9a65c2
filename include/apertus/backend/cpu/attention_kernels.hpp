// SPDX-License-Identifier: Apache-2.0
//
// Attention kernels, part of backend/cpu/kernels.hpp: one text for all instruction sets, included once per set inside its
// target region (hence no #pragma once; included alone it is empty).
//
// What is computed, and in which order, is the same for one row and for many. Slots are taken in blocks of 64 and spans
// of 1024, both counted from slot 0. Within a span runs an online softmax, block by block; spans are merged in order.
//   scores    the dot product runs over K in index order, one fused multiply-add per element, one lane per slot
//   weights   p = exp(score - greatest so far), summed over sixteen lanes and a fixed tree per block
//   values    sum over slots in index order, one fused multiply-add per slot, one lane per element
// An int8 cache is multiplied in integers, which are exact in any order: a query is rounded to int16 (one scale per query),
// so are the weights of a block times the scales of its values (one scale per block and query), and int8 is widened to
// int16. The rounding is 2^-16 of the largest element of a query, and of the largest weight of a block; that of the cache
// itself is 2^-8.
// Hence no bit of a row depends on the rows beside it, on the thread, on how a prompt was cut, or on where a sequence was
// split.
//
// Measured on two Cascade Lake cores of a busy machine, 4 query heads per kv head, heads of 128; what was there first
// (lanes along K, a horizontal sum per score, four query heads always) in brackets.
//   decode, 16,384 slots, share of the read bandwidth   f32 76-83 % [55-62], bf16 73-83 % [37-49], f16 73-81 %,
//                                                       int8 65-67 % with VNNI; 65,536 slots 63-65 %
//   prompt, 4096 slots, share of the FMA peak           f32 43-52 % [22], bf16 43-57 % [20], int8 61-70 % with VNNI, 42-58
//   from the second-level cache, one core, GB/s         f32 18, bf16 19, int8 15 with VNNI (softmax a quarter of it)
// The keys and values of the next block are fetched line by line as they lie in memory, in whatever order they will be
// read: the processor's own prefetcher follows that (int8 from memory, two cores: 12.8 GB/s to 14.9).
// Tried and dropped: no software prefetch (int8 3.5 GB/s instead of 5.5, f32 6.6 instead of 8); prefetch into the second
// level, or two blocks ahead (no gain, twice); fetching keys while weights are computed (none); weights and queries in
// eight bits, which would need half the instructions: an error of 2^-8 in every score for a limit that a core with its
// sibling idle does not see.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

/// Puts the sums of a span (whole vectors) after those in out[K].
template <class V>
inline void merge_span(const float* sums, float greatest, float total, bool is_first, std::size_t k,
                       attend_state& merged, float* out) noexcept {
    if (is_first) {
        std::memcpy(out, sums, k * sizeof(float));
        merged = {greatest, total};
        return;
    }
    const float top = greatest > merged.greatest ? greatest : merged.greatest;
    alignas(64) float before[16];
    alignas(64) float now[16];
    exp_nonpositive(V::splat(merged.greatest - top)).store(before);
    exp_nonpositive(V::splat(greatest - top)).store(now);
    merged = {top, std::fma(merged.total, before[0], total * now[0])};
    const V scale = V::splat(before[0]);
    const V weight = V::splat(now[0]);
    std::size_t d = 0;
    for (; d + 16 <= k; d += 16) fma(V::load(sums + d), weight, mul(V::load(out + d), scale)).store(out + d);
    if (d < k) {
        const V part = load_partial<V>(out + d, k - d);
        store_partial(fma(V::load(sums + d), weight, mul(part, scale)), out + d, k - d);
    }
}

template <class V> inline void finish_row(const attend_state& merged, std::size_t k, float* out) noexcept {
    const V total = V::splat(merged.total);
    std::size_t d = 0;
    for (; d + 16 <= k; d += 16) div(V::load(out + d), total).store(out + d);
    if (d < k) store_partial(div(load_partial<V>(out + d, k - d), total), out + d, k - d);
}

/// A job at work. Rows ascend, so the queries that see a slot are the last ones.
template <class V> class attention {
    using tile = attend_tile<V>;
    static constexpr std::size_t block = attend_block;
    static constexpr std::size_t max_queries = attend_max_queries;
    static constexpr std::size_t many = tile::many;
    static constexpr std::size_t many_vectors = tile::many_vectors;
    static constexpr std::size_t few_vectors = tile::few_vectors;
    static_assert(max_queries % many == 0, "apertus: a last group may be filled up");
    static_assert(attend_max_sums == max_queries * attend_stretch);
    static_assert(attend_max_sums == attend_direct_queries * attend_direct_stretch);

    struct query {
        const float* q;
        float* out;
        std::size_t slots; // sees slots 0 .. slots - 1
        float inverse;     // int16 per element of q
        float factor;      // and back, times the scale of attention
    };

    const attend_job& job;
    const kv_kernels& kernels;
    const std::size_t count;  // queries
    const std::size_t width;  // K padded to whole vectors
    const bool few;           // the cache is read directly
    const std::size_t keys;   // bytes per block
    const std::size_t values; // bytes per block
    query queries[max_queries];
    float greatest[max_queries];
    float total[max_queries];
    float correction[max_queries];
    float weight_unit[max_queries];
    alignas(64) float sums[attend_max_sums];       // [count, width]
    alignas(64) float panel[attend_max_sums];      // [count, stretch]
    alignas(64) float scores[max_queries * block]; // scores, then weights
    alignas(64) std::byte widened[attend_stretch * 16 * many_vectors * sizeof(float)];

    attention(const attend_job& j, const kv_kernels& k) noexcept
        : job(j), kernels(k), count(j.rows * j.heads), width((j.head_size + 15) / 16 * 16),
          few(k.cell_bytes != 0 && count <= attend_direct_queries && j.head_size <= attend_direct_stretch),
          keys(j.key_bytes), values(j.value_bytes) {}

public:
    static void run(const attend_job& job, const kv_kernels& kernels) noexcept {
        attention a(job, kernels);
        a.prepare();
        a.spans();
    }

private:
    [[nodiscard]] std::size_t panel_stride() const noexcept { return few ? attend_direct_stretch : attend_stretch; }
    [[nodiscard]] std::byte* scores_of(std::size_t q, std::size_t b = 0) noexcept {
        return reinterpret_cast<std::byte*>(scores + q * block + 16 * b);
    }
    [[nodiscard]] const std::byte* panel_of(std::size_t q) const noexcept {
        return reinterpret_cast<const std::byte*>(panel + q * panel_stride());
    }

    void prepare() noexcept {
        for (std::size_t i = 0; i < count; ++i) {
            const std::size_t row = i / job.heads;
            const std::size_t offset = row * job.row_stride + i % job.heads * job.head_size;
            queries[i] = {job.q + offset, job.out + offset, job.first_slot + row + 1, 0, job.scale};
            if (kernels.integer) measure(queries[i]);
        }
        if (!few) { // groups are filled up with queries of zeros
            for (std::size_t i = count; i % many != 0; ++i) {
                std::memset(static_cast<void*>(panel + i * attend_stretch), 0, attend_stretch * sizeof(float));
                correction[i] = 1.0F;
                weight_unit[i] = 0.0F;
            }
        }
        if (few || job.head_size <= attend_stretch) fill_panel(0);
    }

    /// The scale of a query in int16. A query that is not finite gets the scale NaN.
    void measure(query& q) const noexcept {
        V most = V::zero();
        V poison = V::zero();
        const V none = V::zero();
        for_vectors(q.q, job.head_size, [&](const V& x) {
            most = max(max(x, sub(none, x)), most);
            poison = fma(x, none, poison);
        });
        // the greatest levels for which a dot product cannot overflow
        constexpr float largest_sum = 2147483392.0F;
        const float safe = largest_sum / (kv_int8::levels * static_cast<float>(job.head_size + 1));
        const float levels = safe < 32767.0F ? safe : 32767.0F;
        const float size = reduce_max(most);
        q.inverse = size >= kv_int8::smallest ? levels / size : 0.0F;
        q.factor = size >= kv_int8::smallest ? size / levels * job.scale : 0.0F;
        q.factor += reduce_add(poison);
    }

    template <class F> static void for_vectors(const float* x, std::size_t n, F&& f) noexcept {
        std::size_t i = 0;
        for (; i + 16 <= n; i += 16) f(V::load(x + i));
        if (i < n) f(load_partial<V>(x + i, n - i));
    }

    /// Elements first .. first + stretch - 1 of all queries, as the cells want them: scaled floats, or int16.
    void fill_panel(std::size_t first) noexcept {
        const std::size_t stride = panel_stride();
        const std::size_t n = job.head_size - first < stride ? job.head_size - first : stride;
        for (std::size_t i = 0; i < count; ++i) {
            float* to = panel + i * stride;
            if (kernels.integer) {
                auto* pairs = reinterpret_cast<std::int16_t*>(to);
                const V inverse = V::splat(queries[i].inverse);
                const V lowest = V::splat(-32767.0F); // for what is not a number
                for_vectors(queries[i].q + first, n, [&](const V& x) {
                    pairs_of<V>::store_rounded(max(mul(x, inverse), lowest), pairs);
                    pairs += 16;
                });
            } else {
                const V factor = V::splat(job.scale);
                for_vectors(queries[i].q + first, n, [&](const V& x) {
                    mul(x, factor).store(to);
                    to += 16;
                });
            }
        }
    }

    void spans() noexcept {
        const std::size_t longest = queries[count - 1].slots; // rows ascend
        const std::size_t end = (longest + attend_span - 1) / attend_span;
        const std::size_t last = job.last_span < end ? job.last_span : end;
        attend_state merged[max_queries];
        for (std::size_t span = job.first_span; span < last; ++span) {
            const std::size_t first = span * attend_span;
            std::size_t begin = 0;
            while (queries[begin].slots <= first) ++begin;
            one_span(first, begin, longest);
            if (job.partial != nullptr) {
                keep(begin, job.partial + span * count * (width + attend_partial_extra));
            } else {
                for (std::size_t i = begin; i < count; ++i) {
                    merge_span<V>(sums + i * width, greatest[i], total[i], span == 0, job.head_size, merged[i],
                                  queries[i].out);
                }
            }
        }
        if (job.partial == nullptr) {
            for (std::size_t i = 0; i < count; ++i) finish_row<V>(merged[i], job.head_size, queries[i].out);
        }
    }

    void keep(std::size_t begin, float* partial) const noexcept {
        const std::size_t stride = width + attend_partial_extra;
        for (std::size_t i = begin; i < count; ++i) {
            float* to = partial + i * stride;
            for (std::size_t d = 0; d < width; d += 16) V::load(sums + i * width + d).store(to + d);
            to[width] = greatest[i];
            to[width + 1] = total[i];
        }
    }

    /// The softmax and weighted sum of queries begin .. count - 1 over the span that begins at slot `first`.
    void one_span(std::size_t first, std::size_t begin, std::size_t longest) noexcept {
        for (std::size_t i = begin; i < count; ++i) {
            greatest[i] = -std::numeric_limits<float>::infinity();
            total[i] = 0;
        }
        const std::size_t first_sum = (few ? begin : group_of(begin)) * width;
        const std::size_t last_sum = (few ? count : groups_end()) * width;
        for (std::size_t i = first_sum; i < last_sum; i += 16) V::zero().store(sums + i);
        const std::size_t last = first + attend_span < longest ? first + attend_span : longest;
        for (std::size_t at = first; at < last; at += block) {
            while (queries[begin].slots <= at) ++begin;
            const std::size_t slots = last - at < block ? last - at : block;
            const std::byte* k = job.keys + at / kv_block_slots * keys;
            const std::byte* v = job.values + at / kv_block_slots * values;
            if (few) direct_scores(k, slots, begin);
            else tiled_scores(k, slots, begin);
            for (std::size_t i = few ? begin : group_of(begin); i < begin; ++i) weigh_nothing(i);
            softmax(begin, at, k, v);
            if (few) direct_values(v, at, begin);
            else tiled_values(v, at, slots, begin);
        }
    }

    [[nodiscard]] std::size_t visible(std::size_t i, std::size_t at) const noexcept {
        if (queries[i].slots <= at) return 0;
        return queries[i].slots - at < block ? queries[i].slots - at : block;
    }

    /// Blocks of keys are read side by side; the following ones are fetched meanwhile.
    void direct_scores(const std::byte* k, std::size_t slots, std::size_t begin) noexcept {
        const std::size_t steps = (job.head_size + 1) / 2;
        const std::size_t blocks = kv_blocks(slots);
        k += kernels.header;
        std::size_t b = 0;
        for (; b + few_vectors <= blocks; b += few_vectors) {
            for (std::size_t i = begin; i < count;) {
                const std::size_t n = count - i < tile::few ? count - i : tile::few;
                kernels.scores[n - 1](panel_of(i), k + b * keys, steps, kernels.cell_bytes, keys, false,
                                      scores_of(i, b));
                i += n;
            }
        }
        for (; b < blocks; ++b) {
            for (std::size_t i = begin; i < count; ++i) {
                kernels.one_score(panel_of(i), k + b * keys, steps, kernels.cell_bytes, keys, false, scores_of(i, b));
            }
        }
    }

    /// Queries of a group see the same slots, except where rows end; these are taken one by one.
    void direct_values(const std::byte* v, std::size_t at, std::size_t begin) noexcept {
        const std::size_t vectors = width / 16;
        const std::size_t all = block / kv_block_slots * values;
        const std::size_t share = (all * few_vectors / vectors + 63) / 64 * 64;
        value_cells from{v + kernels.header, values, vectors * kernels.cell_bytes, {v + all, share}};
        std::size_t c = 0;
        for (; c + few_vectors <= vectors; c += few_vectors) {
            for (std::size_t i = begin; i < count;) {
                std::size_t n = 1;
                while (n < tile::few && i + n < count && visible(i + n, at) == visible(i, at)) ++n;
                weigh(kernels.values[n - 1], from, i, visible(i, at), c);
                i += n;
            }
            from.data += few_vectors * kernels.cell_bytes;
            from.next.begin += share;
        }
        for (; c < vectors; ++c) {
            for (std::size_t i = begin; i < count; ++i) weigh(kernels.one_value, from, i, visible(i, at), c);
            from.data += kernels.cell_bytes;
        }
    }

    void weigh(value_kernel f, const value_cells& from, std::size_t i, std::size_t last, std::size_t c) noexcept {
        f(scores_of(i), from, 0, last, correction + i, weight_unit + i, sums + i * width + 16 * c, width);
    }
    /// Of one query, slots from `first` on, when those before are done.
    void weigh_rest(value_kernel f, const value_cells& from, std::size_t i, std::size_t first, std::size_t last,
                    std::size_t c) noexcept {
        constexpr float once = 1.0F;
        f(scores_of(i), from, first, last, &once, weight_unit + i, sums + i * width + 16 * c, width);
    }

    /// Queries that there is room for, in whole groups.
    [[nodiscard]] std::size_t groups_end() const noexcept {
        const std::size_t whole = (count + many - 1) / many * many;
        return whole * width <= attend_max_sums ? whole : count;
    }
    /// The first query of the group that `begin` is in.
    [[nodiscard]] static std::size_t group_of(std::size_t begin) noexcept { return begin / many * many; }

    void tiled_scores(const std::byte* k, std::size_t slots, std::size_t begin) noexcept {
        const std::size_t blocks = kv_blocks(slots);
        for (std::size_t first = 0; first < job.head_size; first += attend_stretch) {
            if (job.head_size > attend_stretch) fill_panel(first);
            for (std::size_t b = 0; b < blocks;) {
                const std::size_t vectors = b + many_vectors <= blocks ? many_vectors : 1;
                score_tile(k + b * keys, b, vectors, first, begin);
                b += vectors;
            }
        }
    }

    /// Elements first .. first + stretch - 1 against 16 * vectors keys.
    void score_tile(const std::byte* k, std::size_t b, std::size_t vectors, std::size_t first,
                    std::size_t begin) noexcept {
        const std::size_t n = job.head_size - first < attend_stretch ? job.head_size - first : attend_stretch;
        const std::size_t cells = (n + 1) / 2;
        const std::byte* from = widened;
        std::size_t cell_stride = vectors * kernels.wide_cell_bytes;
        std::size_t vector_stride = kernels.wide_cell_bytes;
        if (kernels.cell_bytes == 0) {
            unpack_keys(k, vectors, first, n);
        } else if (kernels.widen == nullptr) {
            from = k + kernels.header + first / 2 * kernels.cell_bytes;
            cell_stride = kernels.cell_bytes;
            vector_stride = keys;
        } else {
            for (std::size_t v = 0; v < vectors; ++v) {
                kernels.widen(k + v * keys + kernels.header + first / 2 * kernels.cell_bytes, kernels.cell_bytes,
                              widened + v * kernels.wide_cell_bytes, cell_stride, cells);
            }
        }
        const score_kernel f = kernels.tile_scores[vectors == many_vectors ? 1 : 0];
        for (std::size_t i = group_of(begin); i < count; i += many) {
            f(panel_of(i), from, cells, cell_stride, vector_stride, first != 0, scores_of(i, b));
        }
    }

    void tiled_values(const std::byte* v, std::size_t at, std::size_t slots, std::size_t begin) noexcept {
        const std::size_t all = width / 16;
        for (std::size_t c = 0; c < all;) {
            const std::size_t vectors = c + many_vectors <= all ? many_vectors : 1;
            value_tile(v, at, slots, vectors, begin, c);
            c += vectors;
        }
    }

    /// Elements 16 c .. of the values of a block. Queries of a group that see more slots than its first one do the rest
    /// alone: what a row must not see is never multiplied, so that not even a NaN gets through. (Integer weights of such
    /// slots are zero, and there is no NaN.)
    void value_tile(const std::byte* v, std::size_t at, std::size_t slots, std::size_t vectors, std::size_t begin,
                    std::size_t c) noexcept {
        constexpr std::size_t pairs = kv_block_slots / 2;
        const std::size_t cell = vectors * kernels.wide_cell_bytes;
        const std::size_t stride = width / 16 * kernels.cell_bytes;
        value_cells from{widened, pairs * cell, cell};
        if (kernels.cell_bytes == 0) {
            unpack_values(v, slots, vectors, c);
        } else if (kernels.widen == nullptr) {
            from = {v + kernels.header + c * kernels.cell_bytes, values, stride};
        } else {
            for (std::size_t b = 0; b < kv_blocks(slots); ++b) {
                for (std::size_t i = 0; i < vectors; ++i) {
                    kernels.widen(v + b * values + kernels.header + (c + i) * kernels.cell_bytes, stride,
                                  widened + b * pairs * cell + i * kernels.wide_cell_bytes, cell, pairs);
                }
            }
        }
        const std::size_t which = vectors == many_vectors ? 1 : 0;
        for (std::size_t i = group_of(begin); i < count; i += many) {
            if (i + many > groups_end()) { // large heads: no room to fill the group up
                for (std::size_t j = i; j < count; ++j) weigh(kernels.tile_rest[which], from, j, visible(j, at), c);
                break;
            }
            const std::size_t common = kernels.integer ? slots : visible(i, at);
            weigh(kernels.tile_values[which], from, i, common, c);
            for (std::size_t j = i; j < count && j < i + many && !kernels.integer; ++j) {
                if (visible(j, at) > common) weigh_rest(kernels.tile_rest[which], from, j, common, visible(j, at), c);
            }
        }
    }

    /// Elements first .. first + n - 1 of 16 * vectors keys, from a format that is known by its answers only.
    void unpack_keys(const std::byte* k, std::size_t vectors, std::size_t first, std::size_t n) noexcept {
        float row[max_head_size + 1];
        float* out = reinterpret_cast<float*>(widened);
        for (std::size_t slot = 0; slot < 16 * vectors; ++slot) {
            job.format->unpack_key(k + slot / 16 * keys, slot % 16, job.head_size, row);
            row[job.head_size] = 0.0F;
            for (std::size_t d = 0; d < n + n % 2; ++d) {
                out[(d / 2 * vectors + slot / 16) * 32 + d % 2 * 16 + slot % 16] = row[first + d];
            }
        }
    }
    void unpack_values(const std::byte* v, std::size_t slots, std::size_t vectors, std::size_t c) noexcept {
        float row[max_head_size + 16];
        float* out = reinterpret_cast<float*>(widened);
        for (std::size_t d = job.head_size; d < width; ++d) row[d] = 0.0F;
        for (std::size_t slot = 0; slot < slots; ++slot) {
            job.format->unpack_value(v + slot / 16 * values, slot % 16, job.head_size, row);
            for (std::size_t i = 0; i < vectors; ++i) {
                std::memcpy(out + (slot / 2 * vectors + i) * 32 + slot % 2 * 16, row + (c + i) * 16,
                            16 * sizeof(float));
            }
        }
    }

    /// A query that sees nothing of a block but is in a group with one that does.
    void weigh_nothing(std::size_t i) noexcept {
        std::memset(static_cast<void*>(scores_of(i)), 0, block * sizeof(float));
        correction[i] = 1.0F;
        weight_unit[i] = 0.0F;
    }

    /// Turns the scores of a block into weights, of which those of invisible slots are zeros, and says what the sums so
    /// far must be multiplied by. Step by step for all queries, so that what one waits for (a greatest lane, a sum of
    /// lanes) is hidden behind the others.
    void softmax(std::size_t begin, std::size_t at, const std::byte* k, const std::byte* v) noexcept {
        for (std::size_t i = begin; i < count; ++i) find_greatest(i, visible(i, at), k);
        for (std::size_t i = begin; i < count; ++i) exponentiate(i);
        if (!kernels.integer) return;
        for (std::size_t i = begin; i < count; ++i) round_weights(i, visible(i, at), v);
    }

    /// Integer scores in float, those of invisible slots minus infinity; the greatest one so far, and the correction.
    void find_greatest(std::size_t i, std::size_t slots, const std::byte* k) noexcept {
        float* s = scores + i * block;
        APERTUS_UNROLL
        for (std::size_t j = 0; j < block / 16; ++j) {
            if (kernels.integer && 16 * j < slots) { // scales of blocks that do not exist are not looked at
                const V scale = V::load(reinterpret_cast<const float*>(k + j * keys));
                const V dot = to_float(pairs_of<V>::load(reinterpret_cast<const std::int32_t*>(s + 16 * j)));
                mul(dot, mul(scale, V::splat(queries[i].factor))).store(s + 16 * j);
            }
        }
        for (std::size_t j = slots; j < block; ++j) s[j] = -std::numeric_limits<float>::infinity();
        V most = V::splat(greatest[i]);
        APERTUS_UNROLL
        for (std::size_t j = 0; j < block / 16; ++j) most = max(V::load(s + 16 * j), most);
        const float top = reduce_max(most);
        correction[i] = 1.0F; // what e^0 is
        if (top != greatest[i]) {
            alignas(64) float lane[16];
            exp_nonpositive(V::splat(greatest[i] - top)).store(lane);
            correction[i] = lane[0];
        }
        greatest[i] = top;
    }

    void exponentiate(std::size_t i) noexcept {
        float* s = scores + i * block;
        const V shift = V::splat(greatest[i]);
        V sum = V::zero();
        APERTUS_UNROLL
        for (std::size_t j = 0; j < block / 16; ++j) {
            const V weights = exp_nonpositive(sub(V::load(s + 16 * j), shift));
            weights.store(s + 16 * j);
            sum = add(sum, weights);
        }
        total[i] = std::fma(total[i], correction[i], reduce_add(sum));
    }

    /// Weights times the scales of their values, in int16.
    void round_weights(std::size_t i, std::size_t slots, const std::byte* v) noexcept {
        constexpr float levels = 32767.0F;
        float* s = scores + i * block;
        V part[block / 16];
        V most = V::zero();
        V poison = V::zero();
        APERTUS_UNROLL
        for (std::size_t j = 0; j < block / 16; ++j) {
            if (16 * j >= slots) {
                part[j] = V::zero();
                continue;
            }
            part[j] = mul(V::load(s + 16 * j), V::load(reinterpret_cast<const float*>(v + j * values)));
            if (slots < 16 * (j + 1)) { // what stale scales have left
                part[j].store(s + 16 * j);
                for (std::size_t n = slots; n < 16 * (j + 1); ++n) s[n] = 0.0F;
                part[j] = V::load(s + 16 * j);
            }
            most = max(part[j], most);
            poison = fma(part[j], V::zero(), poison);
        }
        const float size = reduce_max(most);
        const float inverse = size >= kv_int8::smallest ? levels / size : 0.0F;
        weight_unit[i] = (size >= kv_int8::smallest ? size / levels : 0.0F) + reduce_add(poison);
        auto* out = reinterpret_cast<std::int16_t*>(s);
        APERTUS_UNROLL
        for (std::size_t j = 0; j < block / 16; ++j) {
            pairs_of<V>::store_rounded(max(mul(part[j], V::splat(inverse)), V::zero()), out + 16 * j);
        }
    }
};

/// A format without kernels: `Format` is void.
template <class V, class Format> inline void attend(const attend_job& job) noexcept {
    if constexpr (std::is_same_v<Format, void>) {
        static constexpr kv_kernels kernels = make_kv_kernels<V, void, float_cells<V, float>>(0);
        attention<V>::run(job, kernels);
    } else if constexpr (std::is_same_v<Format, kv_int8>) {
        static constexpr kv_kernels kernels = make_int8_kernels<V>();
        attention<V>::run(job, kernels);
    } else {
        static constexpr kv_kernels kernels =
            make_kv_kernels<V, float_cells<V, typename Format::element>, float_cells<V, float>>(0);
        attention<V>::run(job, kernels);
    }
}

/// Puts the spans of split rows together.
template <class V> inline void merge_attention(const attend_job& job) noexcept {
    const std::size_t count = job.rows * job.heads;
    const std::size_t width = (job.head_size + 15) / 16 * 16;
    const std::size_t stride = width + attend_partial_extra;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t row = i / job.heads;
        const std::size_t slots = job.first_slot + row + 1;
        float* out = job.out + row * job.row_stride + i % job.heads * job.head_size;
        attend_state merged;
        for (std::size_t span = 0; span * attend_span < slots; ++span) {
            const float* part = job.partial + (span * count + i) * stride;
            merge_span<V>(part, part[width], part[width + 1], span == 0, job.head_size, merged, out);
        }
        finish_row<V>(merged, job.head_size, out);
    }
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
