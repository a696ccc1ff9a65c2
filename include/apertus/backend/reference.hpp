// SPDX-License-Identifier: Apache-2.0
//
// The reference backend: every verb as the plain loop one would write on paper. It is the oracle that the fast backends
// are compared with and the place to read what a verb means. Reductions (dot products, mean of squares, softmax sums)
// are accumulated in double and rounded once, so its own rounding error is far below that of any float evaluation;
// everything stored between verbs is float. It runs on the calling thread and holds no state.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/ops/activations.hpp>
#include <apertus/ops/norm.hpp>
#include <apertus/ops/rope.hpp>

#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <span>

APERTUS_BEGIN_NAMESPACE

/// Plain loops over host memory; verbs as listed at `concept backend`. Any number of threads may use one object.
class reference_backend {
public:
    using space = host_space;
    template <class T> using buffer = host_buffer<T>;

    /// n zeroed elements. Throws error(resource).
    template <class T> [[nodiscard]] host_buffer<T> allocate(std::size_t n) { return host_buffer<T>(n); }

    template <class T, std::size_t Rank> void upload(std::span<const T> from, tensor_view<T, Rank> to) noexcept {
        assert(from.size() == to.size());
        if (!from.empty()) std::memcpy(to.data(), from.data(), from.size_bytes());
    }
    template <class T, std::size_t Rank> void download(tensor_view<const T, Rank> from, std::span<T> to) noexcept {
        assert(from.size() == to.size());
        if (!to.empty()) std::memcpy(to.data(), from.data(), to.size_bytes());
    }
    void synchronize() noexcept {}

    /// ids[T], table[V,D], out[T,D]. Any format; typed views convert.
    void embed(tensor_view<const std::int32_t, 1> ids, weight_view<any_format> table,
               tensor_view<float, 2> out) noexcept {
        assert(out.extent(0) == ids.size() && out.extent(1) == table.cols);
        for (std::size_t t = 0; t < ids.size(); ++t) {
            const auto id = static_cast<std::size_t>(ids(t));
            assert(id < table.rows);
            unpack_row(table, id, out.row(t).data());
        }
    }

    /// x[T,D], weight[D], out[T,D]; out may be x.
    void rms_norm(tensor_view<const float, 2> x, tensor_view<const float, 1> weight, float eps,
                  tensor_view<float, 2> out) noexcept {
        assert(x.extents() == out.extents() && weight.size() == x.extent(1));
        const std::size_t width = x.extent(1);
        for (std::size_t t = 0; t < x.extent(0); ++t) {
            double squares = 0;
            for (std::size_t d = 0; d < width; ++d) squares += double{x(t, d)} * double{x(t, d)};
            const float factor = rms_norm_factor(static_cast<float>(squares / static_cast<double>(width)), eps);
            for (std::size_t d = 0; d < width; ++d) out(t, d) = x(t, d) * factor * weight(d);
        }
    }

    /// x[T,K], w[N,K], bias[N] or empty, out[T,N]. Any format; typed views convert.
    void matmul(tensor_view<const float, 2> x, weight_view<any_format> w, tensor_view<const float, 1> bias,
                tensor_view<float, 2> out) noexcept {
        assert(x.extent(1) == w.cols && out.extent(0) == x.extent(0) && out.extent(1) == w.rows);
        assert(bias.empty() || bias.size() == w.rows);
        if (w.rows == 0) return;
        const format_info& f = *w.info;
        float weights[largest_block];
        for (std::size_t t = 0; t < x.extent(0); ++t) {
            for (std::size_t first = 0; first < w.rows; first += f.block_rows) {
                double sum[16] = {};
                const std::byte* block = w.slice(first, 1).data;
                for (std::size_t k = 0; k < w.cols; k += f.block_size, block += f.block_bytes) {
                    f.unpack(block, weights);
                    for (std::size_t r = 0; r < f.block_rows; ++r) {
                        for (std::size_t i = 0; i < f.block_size && k + i < w.cols; ++i) {
                            sum[r] += double{x(t, k + i)} * double{weights[r * f.block_size + i]};
                        }
                    }
                }
                for (std::size_t r = 0; r < f.block_rows && first + r < w.rows; ++r) {
                    const double b = bias.empty() ? 0.0 : double{bias(first + r)};
                    out(t, first + r) = static_cast<float>(sum[r] + b);
                }
            }
        }
    }

    /// positions[T], inv_freq[K/2], cos[T,K/2], sin[T,K/2].
    void rope_angles(tensor_view<const std::int32_t, 1> positions, tensor_view<const float, 1> inv_freq, float scale,
                     tensor_view<float, 2> cos, tensor_view<float, 2> sin) noexcept {
        assert(cos.extents() == sin.extents());
        for (std::size_t t = 0; t < positions.size(); ++t) {
            for (std::size_t i = 0; i < inv_freq.size(); ++i) {
                const rope_angle angle(positions(t), inv_freq(i), scale);
                cos(t, i) = angle.cos;
                sin(t, i) = angle.sin;
            }
        }
    }

    /// x[T,H,K] in place; cos, sin[T,K/2].
    void rope(tensor_view<float, 3> x, tensor_view<const float, 2> cos, tensor_view<const float, 2> sin) noexcept {
        const std::size_t half = x.extent(2) / 2;
        assert(x.extent(2) % 2 == 0 && cos.extent(1) == half && cos.extent(0) == x.extent(0));
        for (std::size_t t = 0; t < x.extent(0); ++t) {
            for (std::size_t h = 0; h < x.extent(1); ++h) {
                for (std::size_t i = 0; i < half; ++i) rope_rotate(x(t, h, i), x(t, h, i + half), cos(t, i), sin(t, i));
            }
        }
    }

    /// k, v[T,G,K] into the caches of the segments that the rows belong to. Any cache format.
    void store(tensor_view<const float, 3> k, tensor_view<const float, 3> v,
               std::span<const kv_segment<>> segments) noexcept {
        for (const auto& segment : segments) {
            const kv_view<>& cache = segment.cache;
            for (std::size_t r = 0; r < segment.row_count; ++r) {
                const std::size_t slot = segment.first_slot + r;
                const std::size_t row = segment.first_row + r;
                assert(slot < cache.slots);
                for (std::size_t g = 0; g < k.extent(1); ++g) {
                    const std::size_t at = slot % kv_block_slots;
                    cache.format->pack_key(k.row(row).row(g).data(), k.extent(2), at, cache.key_block(g, slot));
                    cache.format->pack_value(v.row(row).row(g).data(), k.extent(2), at, cache.value_block(g, slot));
                }
            }
        }
    }

    /// q[T,H,K], out[T,H,K]; head h reads kv head h / (H/G), row r of a segment sees slots 0 .. first_slot + r.
    void attend(tensor_view<const float, 3> q, std::span<const kv_segment<>> segments, float scale,
                tensor_view<float, 3> out) noexcept {
        assert(q.extents() == out.extents() && q.extent(2) <= max_head_size);
        const std::size_t heads = q.extent(1);
        for (const auto& segment : segments) {
            const std::size_t group = heads / segment.cache.heads;
            for (std::size_t r = 0; r < segment.row_count; ++r) {
                const std::size_t t = segment.first_row + r;
                for (std::size_t h = 0; h < heads; ++h) {
                    attend_head(q.row(t).row(h), segment.cache, h / group, segment.first_slot + r + 1, scale,
                                out.row(t).row(h));
                }
            }
        }
    }

    /// x[T,F] = activation(x). `act` is an activation or a variant of activations.
    template <class Activation> void map(const Activation& act, tensor_view<float, 2> x) noexcept {
        visit_activation(act, [&](const auto& f) {
            for (float& value : x.flat()) value = f(value);
        });
    }

    /// gate[T,F] = activation(gate) * up[T,F].
    template <class Activation>
    void map_mul(const Activation& act, tensor_view<float, 2> gate, tensor_view<const float, 2> up) noexcept {
        assert(gate.extents() == up.extents());
        visit_activation(act, [&](const auto& f) {
            for (std::size_t i = 0; i < gate.size(); ++i) gate.data()[i] = f(gate.data()[i]) * up.data()[i];
        });
    }

    /// x[T,D] += y[T,D].
    void add(tensor_view<float, 2> x, tensor_view<const float, 2> y) noexcept {
        assert(x.extents() == y.extents());
        for (std::size_t i = 0; i < x.size(); ++i) x.data()[i] += y.data()[i];
    }

private:
    /// softmax(scale * q k^T) v over the first `count` slots, in two passes: the greatest score, then the weighted sum.
    /// The scores are computed again for every `tile` outputs instead of being kept: a verb allocates nothing.
    static void attend_head(tensor_view<const float, 1> q, const kv_view<>& cache, std::size_t g, std::size_t count,
                            float scale, tensor_view<float, 1> out) noexcept {
        static constexpr std::size_t tile = 128;
        const std::size_t width = q.size();
        float row[max_head_size];
        const auto score = [&](std::size_t slot) {
            cache.format->unpack_key(cache.key_block(g, slot), slot % kv_block_slots, width, row);
            double dot = 0;
            for (std::size_t i = 0; i < width; ++i) dot += double{q(i)} * double{row[i]};
            return dot * double{scale};
        };
        double greatest = -std::numeric_limits<double>::infinity();
        for (std::size_t slot = 0; slot < count; ++slot) {
            const double s = score(slot);
            if (s > greatest) greatest = s;
        }
        for (std::size_t first = 0; first < width; first += tile) {
            const std::size_t n = width - first < tile ? width - first : tile;
            double weighted[tile] = {};
            double total = 0;
            for (std::size_t slot = 0; slot < count; ++slot) {
                const double p = std::exp(score(slot) - greatest);
                total += p;
                cache.format->unpack_value(cache.value_block(g, slot), slot % kv_block_slots, width, row);
                for (std::size_t i = 0; i < n; ++i) weighted[i] += p * double{row[first + i]};
            }
            for (std::size_t i = 0; i < n; ++i) out(first + i) = static_cast<float>(weighted[i] / total);
        }
    }
};

static_assert(backend<reference_backend>);

APERTUS_END_NAMESPACE
