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

/// Cells (format/kv_cells.hpp) whose elements are multiplied in float. A cell is two steps.
template <class V, class T> struct float_cells {
    using vector = V;
    using sums = V;
    using unit = float; ///< what of the left operand is spread over the lanes in one step
    static constexpr int steps = 2;
    static constexpr std::size_t bytes = 32 * sizeof(T);
    static constexpr bool integer = false;

    template <int Step> APERTUS_ALWAYS_INLINE static V load(const std::byte* cell) noexcept {
        const T* p = reinterpret_cast<const T*>(cell);
        if constexpr (!std::is_same_v<T, bf16>) return V::load(p + 16 * Step);
        else if constexpr (Step == 0) return pairs_of<V>::widen_first(p);
        else return pairs_of<V>::widen_second(p);
    }
    APERTUS_ALWAYS_INLINE static V splat(const float* x) noexcept { return V::splat(*x); }
    APERTUS_ALWAYS_INLINE static V multiply(const V& a, const V& b, const V& sum) noexcept { return fma(a, b, sum); }
};

/// Cells of int8, or of int16 (widened before), multiplied in integers. Both steps are done at once.
template <class V, class T> struct pair_cells {
    using vector = V;
    using sums = pairs_of<V>;
    using unit = std::int32_t; ///< two int16
    static constexpr int steps = 1;
    static constexpr std::size_t bytes = 32 * sizeof(T);
    static constexpr bool integer = true;

    template <int Step> APERTUS_ALWAYS_INLINE static sums load(const std::byte* cell) noexcept {
        if constexpr (sizeof(T) == 1) return sums::widen(reinterpret_cast<const std::int8_t*>(cell));
        else return sums::load(reinterpret_cast<const std::int32_t*>(cell));
    }
    APERTUS_ALWAYS_INLINE static sums splat(const std::int32_t* x) noexcept {
        std::int32_t pair;
        std::memcpy(&pair, static_cast<const void*>(x), sizeof pair);
        return sums::splat(pair);
    }
    APERTUS_ALWAYS_INLINE static sums multiply(const sums& a, const sums& b, const sums& sum) noexcept {
        return multiply_add(a, b, sum);
    }
};

/// sum[q][v] += left[q][step] * right[step][v] over the steps of `cells` cells. Cell c of vector v is at
/// right + c * cell_stride + v * vector_stride; `Ahead`: whether to prefetch `ahead` bytes ahead of every cell.
template <class Cells, int Queries, int Vectors, std::size_t Stride, bool Ahead>
APERTUS_ALWAYS_INLINE void multiply_cells(const typename Cells::unit* left, const std::byte* right, std::size_t cells,
                                          std::size_t cell_stride, std::size_t vector_stride, std::size_t ahead,
                                          typename Cells::sums (&sum)[Queries][Vectors]) noexcept {
    const auto step = [&]<int Step>(std::integral_constant<int, Step>) {
        typename Cells::sums r[Vectors];
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) r[v] = Cells::template load<Step>(right + v * vector_stride);
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            const auto l = Cells::splat(left + q * Stride + Step);
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = Cells::multiply(l, r[v], sum[q][v]);
        }
    };
    for (std::size_t c = 0; c < cells; ++c) {
        if constexpr (Ahead) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) {
                for (std::size_t b = 0; b < Cells::bytes; b += 64) prefetch(right + v * vector_stride + b, ahead);
            }
        }
        step(std::integral_constant<int, 0>{});
        if constexpr (Cells::steps == 2) step(std::integral_constant<int, 1>{});
        left += Cells::steps;
        right += cell_stride;
    }
}

/// A few queries against 16 * Vectors keys: raw[q * 64 + slot] (+)= q . k. `more` continues sums that are there.
template <class Cells, int Queries, int Vectors, std::size_t Stride, bool Ahead>
[[gnu::noinline]] void score_group(const std::byte* left, const std::byte* keys, std::size_t cells,
                                   std::size_t cell_stride, std::size_t vector_stride, bool more,
                                   std::byte* scores) noexcept {
    using sums = typename Cells::sums;
    using unit = typename Cells::unit;
    auto* const raw = reinterpret_cast<unit*>(scores);
    sums sum[Queries][Vectors];
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = sums::zero();
    }
    if (more) {
        for (std::size_t q = 0; q < Queries; ++q) {
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = sums::load(raw + q * attend_block + 16 * v);
        }
    }
    multiply_cells<Cells, Queries, Vectors, Stride, Ahead>(reinterpret_cast<const unit*>(left), keys, cells, cell_stride, vector_stride,
                                                           Vectors * vector_stride, sum);
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) sum[q][v].store(raw + q * attend_block + 16 * v);
    }
}

/// Where the values of a block of 64 slots are, for a kernel: those of slot s, elements 16 v .., are in the cell at
/// data + s / 16 * block_stride + s % 16 / 2 * cell_stride + v * (bytes of a cell).
struct value_cells {
    const std::byte* data;
    std::size_t block_stride;
    std::size_t cell_stride;
};

/// A few queries, 16 * Vectors elements: out[q] = out[q] * correction[q] + weights[q] . values over the slots [first, last)
/// of a block of 64. In integers `first` is 0, weights end in whole pairs, and products are multiplied by unit[q].
template <class Cells, int Queries, int Vectors, bool Ahead>
[[gnu::noinline]] void value_group(const std::byte* left, const value_cells& values, std::size_t first, std::size_t last,
                                   const float* correction, const float* unit, float* out,
                                   std::size_t out_stride) noexcept {
    using V = typename Cells::vector;
    const auto* const weights = reinterpret_cast<const typename Cells::unit*>(left);
    using sums = typename Cells::sums;
    constexpr std::size_t stride = attend_block;
    sums sum[Queries][Vectors];
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) {
            if constexpr (Cells::integer) sum[q][v] = sums::zero();
            else sum[q][v] = mul(V::load(out + q * out_stride + 16 * v), V::splat(correction[q]));
        }
    }
    const auto cell_of = [&](std::size_t slot) {
        return values.data + slot / kv_block_slots * values.block_stride +
               slot % kv_block_slots / 2 * values.cell_stride;
    };
    const auto one_slot = [&]<int Step>(std::integral_constant<int, Step>, std::size_t slot) {
        sums r[Vectors];
        for (std::size_t v = 0; v < Vectors; ++v) r[v] = Cells::template load<Step>(cell_of(slot) + v * Cells::bytes);
        for (std::size_t q = 0; q < Queries; ++q) {
            const sums weight = Cells::splat(weights + q * stride + slot);
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = Cells::multiply(weight, r[v], sum[q][v]);
        }
    };
    if constexpr (!Cells::integer) {
        if (first % 2 != 0) {
            one_slot(std::integral_constant<int, 1>{}, first);
            ++first;
        }
    } else {
        last = (last + 1) / 2 * 2;
    }
    while (first + 2 <= last) {
        const std::size_t end = (first / kv_block_slots + 1) * kv_block_slots;
        const std::size_t cells = ((end < last ? end : last) - first) / 2;
        multiply_cells<Cells, Queries, Vectors, stride, Ahead>(weights + first * Cells::steps / 2, cell_of(first), cells,
                                                               values.cell_stride, Cells::bytes,
                                                               attend_block / kv_block_slots * values.block_stride, sum);
        first += 2 * cells;
    }
    if constexpr (!Cells::integer) {
        if (first < last) one_slot(std::integral_constant<int, 0>{}, first);
    }
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) {
            float* to = out + q * out_stride + 16 * v;
            if constexpr (Cells::integer) {
                const V before = mul(V::load(to), V::splat(correction[q]));
                fma(to_float(sum[q][v]), V::splat(unit[q]), before).store(to);
            } else {
                sum[q][v].store(to);
            }
        }
    }
}

/// The softmax so far of one query: sums are to be divided by total, and are relative to e^greatest.
struct attend_state {
    float greatest = 0;
    float total = 0;
};

/// Puts the sums of a span (whole vectors) after those in out[K].
template <class V>
inline void merge_span(const float* sums, float greatest, float total, bool is_first, std::size_t k, attend_state& merged,
                       float* out) noexcept {
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

/// How many queries and vectors of lanes a kernel takes at once: what fits into registers as sums.
template <class V> struct attend_tile {
    static constexpr int registers = V::tile_rows * V::tile_tokens;
    static constexpr bool wide = registers >= 24;
    static constexpr int few = wide ? 4 : 2;           ///< one row's heads, reading the cache itself
    static constexpr int few_vectors = wide ? 4 : 1;   ///< as many streams side by side
    static constexpr int many = wide ? 12 : registers; ///< a widened tile
    static constexpr int many_vectors = wide ? 2 : 1;
};

using score_kernel = void (*)(const std::byte*, const std::byte*, std::size_t, std::size_t, std::size_t, bool,
                              std::byte*) noexcept;
using value_kernel = void (*)(const std::byte*, const value_cells&, std::size_t, std::size_t, const float*, const float*,
                              float*, std::size_t) noexcept;
using widen_kernel = void (*)(const std::byte* from, std::size_t from_stride, std::byte* to, std::size_t to_stride,
                              std::size_t cells) noexcept;

/// How a cache format is read: what the code that walks over it needs to know, so that there is one of it for all formats.
struct kv_kernels {
    bool integer = false;
    std::size_t header = 0;          ///< bytes before the cells of a block
    std::size_t cell_bytes = 0;      ///< 0: no cells, a format that is known by its answers only
    std::size_t wide_cell_bytes = 0; ///< of a widened cell
    /// Reading the cache: 1 .. few queries, few_vectors vectors; and one query, one vector for what is left over.
    score_kernel scores[4] = {};
    value_kernel values[4] = {};
    score_kernel one_score = nullptr;
    value_kernel one_value = nullptr;
    /// Reading a widened tile: `many` queries, many_vectors vectors or one; and one query that sees more than the others.
    score_kernel tile_scores[2] = {};
    value_kernel tile_values[2] = {};
    value_kernel tile_rest[2] = {};
    widen_kernel widen = nullptr; ///< null: the cache is as a widened tile would be
};

inline constexpr std::size_t attend_stretch = 128;        ///< elements of a query that a tile takes at a time
inline constexpr std::size_t attend_direct_stretch = 768; ///< the most that are multiplied when the cache itself is read
inline constexpr std::size_t attend_direct_queries = 8;

template <class V, class Narrow, class Wide> constexpr kv_kernels make_kv_kernels(std::size_t header) noexcept {
    using t = attend_tile<V>;
    constexpr std::size_t far = attend_direct_stretch;
    kv_kernels k;
    k.integer = Wide::integer;
    k.header = header;
    k.wide_cell_bytes = Wide::bytes;
    k.tile_scores[0] = &score_group<Wide, t::many, 1, attend_stretch, false>;
    k.tile_values[0] = &value_group<Wide, t::many, 1, false>;
    k.tile_scores[1] = &score_group<Wide, t::many, t::many_vectors, attend_stretch, false>;
    k.tile_values[1] = &value_group<Wide, t::many, t::many_vectors, false>;
    k.tile_rest[0] = &value_group<Wide, 1, 1, false>;
    k.tile_rest[1] = &value_group<Wide, 1, t::many_vectors, false>;
    if constexpr (!std::is_same_v<Narrow, void>) {
        k.cell_bytes = Narrow::bytes;
        [&]<int... N>(std::integer_sequence<int, N...>) {
            ((k.scores[N] = &score_group<Narrow, N + 1, t::few_vectors, far, true>), ...);
            ((k.values[N] = &value_group<Narrow, N + 1, t::few_vectors, true>), ...);
        }(std::make_integer_sequence<int, t::few>{});
        k.one_score = &score_group<Narrow, 1, 1, far, true>;
        k.one_value = &value_group<Narrow, 1, 1, true>;
        if constexpr (Narrow::bytes != Wide::bytes) {
            k.widen = [](const std::byte* from, std::size_t from_stride, std::byte* to, std::size_t to_stride,
                         std::size_t cells) noexcept {
                for (std::size_t c = 0; c < cells; ++c, from += from_stride, to += to_stride) {
                    auto* out = reinterpret_cast<typename Wide::unit*>(to);
                    Narrow::template load<0>(from).store(out);
                    if constexpr (Narrow::steps == 2) Narrow::template load<1>(from).store(out + 16);
                }
            };
        }
    }
    return k;
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
            for (std::size_t i = begin; i < count; ++i) softmax(i, visible(i, at), k, v);
            if (few) direct_values(v, at, begin);
            else tiled_values(v, at, slots, begin);
        }
    }

    [[nodiscard]] std::size_t visible(std::size_t i, std::size_t at) const noexcept {
        if (queries[i].slots <= at) return 0;
        return queries[i].slots - at < block ? queries[i].slots - at : block;
    }

    /// Blocks of keys are read side by side, a stream each, and the same part of the following ones is fetched.
    void direct_scores(const std::byte* k, std::size_t slots, std::size_t begin) noexcept {
        const std::size_t steps = (job.head_size + 1) / 2;
        const std::size_t blocks = kv_blocks(slots);
        k += kernels.header;
        std::size_t b = 0;
        for (; b + few_vectors <= blocks; b += few_vectors) {
            for (std::size_t i = begin; i < count;) {
                const std::size_t n = count - i < tile::few ? count - i : tile::few;
                kernels.scores[n - 1](panel_of(i), k + b * keys, steps, kernels.cell_bytes, keys, false, scores_of(i, b));
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
        value_cells from{v + kernels.header, values, vectors * kernels.cell_bytes};
        std::size_t c = 0;
        for (; c + few_vectors <= vectors; c += few_vectors) {
            for (std::size_t i = begin; i < count;) {
                std::size_t n = 1;
                while (n < tile::few && i + n < count && visible(i + n, at) == visible(i, at)) ++n;
                weigh(kernels.values[n - 1], from, i, visible(i, at), c);
                i += n;
            }
            from.data += few_vectors * kernels.cell_bytes;
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
    void score_tile(const std::byte* k, std::size_t b, std::size_t vectors, std::size_t first, std::size_t begin) noexcept {
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
                std::memcpy(out + (slot / 2 * vectors + i) * 32 + slot % 2 * 16, row + (c + i) * 16, 16 * sizeof(float));
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
    /// far must be multiplied by.
    void softmax(std::size_t i, std::size_t slots, const std::byte* k, const std::byte* v) noexcept {
        float* s = scores + i * block;
        V part[block / 16];
        for (std::size_t j = 0; j < block / 16; ++j) {
            if (kernels.integer && 16 * j < slots) { // scales of blocks that do not exist are not looked at
                const V scale = V::load(reinterpret_cast<const float*>(k + j * keys));
                const V dot = to_float(pairs_of<V>::load(reinterpret_cast<const std::int32_t*>(s + 16 * j)));
                mul(dot, mul(scale, V::splat(queries[i].factor))).store(s + 16 * j);
            }
        }
        for (std::size_t j = slots; j < block; ++j) s[j] = -std::numeric_limits<float>::infinity();
        V most = V::splat(greatest[i]);
        for (std::size_t j = 0; j < block / 16; ++j) {
            part[j] = V::load(s + 16 * j);
            most = max(part[j], most);
        }
        const float top = reduce_max(most);
        const V shift = V::splat(top);
        V sum = V::zero();
        for (V& p : part) {
            p = exp_nonpositive(sub(p, shift));
            sum = add(sum, p);
        }
        correction[i] = 1.0F; // what e^0 is
        if (top != greatest[i]) {
            alignas(64) float lane[16];
            exp_nonpositive(V::splat(greatest[i] - top)).store(lane);
            correction[i] = lane[0];
        }
        total[i] = std::fma(total[i], correction[i], reduce_add(sum));
        greatest[i] = top;
        if (kernels.integer) {
            round_weights(i, slots, part, v);
        } else {
            for (std::size_t j = 0; j < block / 16; ++j) part[j].store(s + 16 * j);
        }
    }

    /// Weights times the scales of their values, in int16.
    void round_weights(std::size_t i, std::size_t slots, V (&part)[block / 16], const std::byte* v) noexcept {
        constexpr float levels = 32767.0F;
        float* s = scores + i * block;
        V most = V::zero();
        V poison = V::zero();
        for (std::size_t j = 0; j < block / 16; ++j) {
            if (16 * j >= slots) {
                part[j] = V::zero();
                continue;
            }
            part[j] = mul(part[j], V::load(reinterpret_cast<const float*>(v + j * values)));
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
        static constexpr kv_kernels kernels =
            make_kv_kernels<V, pair_cells<V, std::int8_t>, pair_cells<V, std::int16_t>>(kv_int8::header);
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
