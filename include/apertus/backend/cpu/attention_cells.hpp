// SPDX-License-Identifier: Apache-2.0
//
// The inner loops of attention: a few queries times a few vectors of keys or values, held in registers. One text for all
// instruction sets, included once per set inside its target region by backend/cpu/kernels.hpp or kernel_tables.hpp (hence
// no #pragma once; included alone it is empty). What goes around them is backend/cpu/attention_kernels.hpp.
#ifdef APERTUS_KERNEL_NAMESPACE

APERTUS_BEGIN_NAMESPACE
namespace detail::APERTUS_KERNEL_NAMESPACE {

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
        std::int32_t pair = 0;
        std::memcpy(&pair, static_cast<const void*>(x), sizeof pair);
        return sums::splat(pair);
    }
    APERTUS_ALWAYS_INLINE static sums multiply(const sums& a, const sums& b, const sums& sum) noexcept {
        return multiply_add(a, b, sum);
    }
};

/// sum[q][v] += left[q] * right[v] of one step. (The helpers of these loops are functions, not lambdas: with the sums
/// captured, g++ 12 keeps or copies them in memory.)
template <class Cells, int Step, std::size_t Stride, int Queries, int Vectors>
APERTUS_ALWAYS_INLINE void multiply_step(const typename Cells::unit* left, const std::byte* right,
                                         std::size_t vector_stride,
                                         typename Cells::sums (&sum)[Queries][Vectors]) noexcept {
    typename Cells::sums r[Vectors];
    APERTUS_UNROLL
    for (std::size_t v = 0; v < Vectors; ++v) r[v] = Cells::template load<Step>(right + v * vector_stride);
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        const auto l = Cells::splat(left + q * Stride);
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = Cells::multiply(l, r[v], sum[q][v]);
    }
}

/// sum[q][v] += left[q][step] * right[step][v] over the steps of `cells` cells. Cell c of vector v is at
/// right + c * cell_stride + v * vector_stride, and `jump` further after every eighth cell counted from -phase.
/// `Ahead`: whether to fetch `ahead`, as many bytes with every cell as it reads and the rest at the end.
template <class Cells, std::size_t Stride, bool Ahead, int Queries, int Vectors>
APERTUS_ALWAYS_INLINE void multiply_cells(const typename Cells::unit* left, const std::byte* right, std::size_t cells,
                                          std::size_t cell_stride, std::size_t vector_stride, fetch_range ahead,
                                          std::size_t phase, std::size_t jump,
                                          typename Cells::sums (&sum)[Queries][Vectors]) noexcept {
    constexpr std::size_t step = Cells::bytes * Vectors;
    std::size_t fetched = 0;
    for (std::size_t c = 0; c < cells; ++c) {
        if constexpr (Ahead) {
            if (step >= 64 || c % 2 == 0) {
                APERTUS_UNROLL
                for (std::size_t b = 0; b < step; b += 64) prefetch(ahead.begin + fetched, b);
            }
            fetched += step;
        }
        APERTUS_KERNEL_NAMESPACE::multiply_step<Cells, 0, Stride>(left, right, vector_stride, sum);
        if constexpr (Cells::steps == 2) {
            APERTUS_KERNEL_NAMESPACE::multiply_step<Cells, 1, Stride>(left + 1, right, vector_stride, sum);
        }
        left += Cells::steps;
        right += cell_stride;
        if ((c + phase) % 8 == 7) right += jump;
    }
    if constexpr (Ahead) {
        for (; fetched < ahead.bytes; fetched += 64) prefetch(ahead.begin, fetched);
    }
}

/// A few queries against 16 * Vectors keys: raw[q * 64 + slot] (+)= q . k. `more` continues sums that are there. `Ahead`:
/// as many keys after these are fetched.
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
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = sums::load(raw + q * attend_block + 16 * v);
        }
    }
    const fetch_range next{keys + Vectors * vector_stride, Vectors * vector_stride};
    APERTUS_KERNEL_NAMESPACE::multiply_cells<Cells, Stride, Ahead>(reinterpret_cast<const unit*>(left), keys, cells,
                                                                   cell_stride, vector_stride, next, 0, 0, sum);
    APERTUS_UNROLL
    for (std::size_t q = 0; q < Queries; ++q) {
        APERTUS_UNROLL
        for (std::size_t v = 0; v < Vectors; ++v) sum[q][v].store(raw + q * attend_block + 16 * v);
    }
}

/// A few queries, 16 * Vectors elements: out[q] = out[q] * correction[q] + weights[q] . values over the slots [first, last)
/// of a block of 64. In integers `first` is 0, weights end in whole pairs, and products are multiplied by unit[q].
/// `Ahead`: values.next is fetched.
template <class Cells, int Queries, int Vectors, bool Ahead>
[[gnu::noinline]] void value_group(const std::byte* left, const value_cells& values, std::size_t first,
                                   std::size_t last, const float* correction, const float* unit, float* out,
                                   std::size_t out_stride) noexcept {
    using V = typename Cells::vector;
    using sums = typename Cells::sums;
    constexpr std::size_t stride = attend_block;
    // in integers `first` is 0
    const auto* weights = reinterpret_cast<const typename Cells::unit*>(left) + first;
    const std::size_t jump = values.block_stride - kv_block_slots / 2 * values.cell_stride;
    const std::byte* from =
        values.data + first / kv_block_slots * values.block_stride + first % kv_block_slots / 2 * values.cell_stride;
    sums sum[Queries][Vectors];
    if constexpr (Cells::integer) {
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v] = sums::zero();
        }
        APERTUS_KERNEL_NAMESPACE::multiply_cells<Cells, stride, Ahead>(
            weights, from, (last + 1) / 2, values.cell_stride, Cells::bytes, values.next, 0, jump, sum);
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) {
                float* to = out + q * out_stride + 16 * v;
                const V before = mul(V::load(to), V::splat(correction[q]));
                fma(to_float(sum[q][v]), V::splat(unit[q]), before).store(to);
            }
        }
    } else {
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) {
                sum[q][v] = mul(V::load(out + q * out_stride + 16 * v), V::splat(correction[q]));
            }
        }
        if (first % 2 != 0) { // the second slot of a pair
            APERTUS_KERNEL_NAMESPACE::multiply_step<Cells, 1, stride>(weights, from, Cells::bytes, sum);
            ++first;
            ++weights;
            from = values.data + first / kv_block_slots * values.block_stride +
                   first % kv_block_slots / 2 * values.cell_stride;
        }
        const std::size_t cells = first < last ? (last - first) / 2 : 0;
        APERTUS_KERNEL_NAMESPACE::multiply_cells<Cells, stride, Ahead>(
            weights, from, cells, values.cell_stride, Cells::bytes, values.next, first % kv_block_slots / 2, jump, sum);
        if (first + 2 * cells < last) { // the first slot of a pair
            from = values.data + last / kv_block_slots * values.block_stride +
                   last % kv_block_slots / 2 * values.cell_stride;
            APERTUS_KERNEL_NAMESPACE::multiply_step<Cells, 0, stride>(weights + 2 * cells, from, Cells::bytes, sum);
        }
        APERTUS_UNROLL
        for (std::size_t q = 0; q < Queries; ++q) {
            APERTUS_UNROLL
            for (std::size_t v = 0; v < Vectors; ++v) sum[q][v].store(out + q * out_stride + 16 * v);
        }
    }
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

template <class V> constexpr kv_kernels make_int8_kernels() noexcept {
    return make_kv_kernels<V, pair_cells<V, std::int8_t>, pair_cells<V, std::int16_t>>(kv_int8::header);
}

} // namespace detail::APERTUS_KERNEL_NAMESPACE
APERTUS_END_NAMESPACE

#endif
