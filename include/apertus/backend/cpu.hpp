// SPDX-License-Identifier: Apache-2.0
//
// The fast CPU backend. It cuts every verb into pieces, hands the pieces to an executor, and runs on each a kernel of the
// instruction set chosen when the object was built (backend/cpu/kernels.hpp) - threads outside, kernels inside.
// Nothing here depends on -march: a program compiled for plain x86-64 uses AVX2 or AVX-512 where the machine has them.
//
// Exactness. For one instruction set, every result is the same bits whatever the executor, the number of threads, the
// number of rows in a call, or the way a prompt was cut into calls. avx2 and avx512 give the same bits as each other;
// baseline differs in the last bits (no fused multiply-add). Activations and rope angles run the same code at every
// level (xsimd batches and libm), so they depend on compiler flags, not on the level.
#pragma once

#include <apertus/backend/cpu/kernel_table.hpp>
#include <apertus/backend/cpu/kernel_tables.hpp>
#include <apertus/core/concepts.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/ops/activations.hpp>
#include <apertus/ops/rope.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/simd/xsimd.hpp>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

APERTUS_BEGIN_NAMESPACE

struct cpu_options {
    /// Instruction set to use; the best available one when empty. One that the machine lacks is an error(backend).
    std::optional<cpu_isa> isa{};
};

/// Verbs as listed at `concept backend`, on host memory. Copies share the executor. One object may be used by several
/// threads at once if its executor allows that (the library's own do).
class cpu_backend {
public:
    using space = host_space;
    template <class T> using buffer = host_buffer<T>;

    /// `Arch` and that of `map` tag what depends on the compiler's flags, so that translation units with different flags
    /// do not share it; leave it alone. Throws error(backend) when the wanted instruction set is not available.
    template <class Arch = xsimd::default_arch>
    explicit cpu_backend(any_executor executor = any_executor{}, const cpu_options& options = {})
        : executor_(std::move(executor)), kernels_(detail::make_kernel_table<Arch>(choose_cpu_isa(options.isa))) {}

    /// The instruction set in use.
    [[nodiscard]] cpu_isa isa() const noexcept { return kernels_.isa; }
    [[nodiscard]] std::size_t concurrency() const { return executor_.concurrency(); }

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

    /// ids[T], table[V,D], out[T,D].
    template <weight_format Format>
    void embed(tensor_view<const std::int32_t, 1> ids, weight_view<Format> table, tensor_view<float, 2> out) noexcept {
        assert(out.extent(0) == ids.size() && out.extent(1) == table.cols);
        for_rows(ids.size(), table.cols, [&](std::size_t t) {
            const auto row = table.slice(static_cast<std::size_t>(ids.data()[t]), 1).blocks;
            if constexpr (is_dense<Format>) {
                kernels_.weights<typename Format::block>().widen(row, out.row(t).data(), table.cols);
            } else {
                unpack_blocks<Format>(row, table.blocks_per_row(), out.row(t).data());
            }
        });
    }

    /// x[T,D], weight[D], out[T,D]; out may be x.
    void rms_norm(tensor_view<const float, 2> x, tensor_view<const float, 1> weight, float eps,
                  tensor_view<float, 2> out) noexcept {
        assert(x.extents() == out.extents() && weight.size() == x.extent(1));
        for_rows(x.extent(0), x.extent(1), [&](std::size_t t) {
            kernels_.rms_norm(x.row(t).data(), weight.data(), eps, out.row(t).data(), weight.size());
        });
    }

    /// x[T,K], w[N,K], bias[N] or empty, out[T,N].
    template <weight_format Format>
    void matmul(tensor_view<const float, 2> x, weight_view<Format> w, tensor_view<const float, 1> bias,
                tensor_view<float, 2> out) noexcept {
        assert(x.extent(1) == w.cols && out.extent(0) == x.extent(0) && out.extent(1) == w.rows);
        assert(bias.empty() || bias.size() == w.rows);
        if (out.empty()) return;
        const std::size_t tokens = x.extent(0);
        const std::size_t rows = rows_per_piece(w.rows, w.blocks_per_row() * sizeof(typename Format::block), tokens);
        for_pieces((w.rows + rows - 1) / rows, w.rows * w.cols * tokens, [&](std::size_t piece) {
            const std::size_t first = piece * rows;
            const std::size_t count = least(rows, w.rows - first);
            detail::matmul_job<typename Format::block> job;
            job.w = w.slice(first, count).blocks;
            job.x = x.data();
            job.bias = bias.empty() ? nullptr : bias.data() + first;
            job.out = out.data() + first;
            job.rows = count;
            job.tokens = tokens;
            job.k = w.cols;
            job.out_stride = w.rows;
            if constexpr (is_dense<Format>) {
                kernels_.weights<typename Format::block>().matmul(job);
            } else {
                unpack_and_multiply<Format>(job);
            }
        });
    }

    /// positions[T], inv_freq[K/2], cos[T,K/2], sin[T,K/2].
    void rope_angles(tensor_view<const std::int32_t, 1> positions, tensor_view<const float, 1> inv_freq, float scale,
                     tensor_view<float, 2> cos, tensor_view<float, 2> sin) noexcept {
        assert(cos.extents() == sin.extents() && cos.extent(0) == positions.size());
        const std::size_t half = inv_freq.size();
        for_rows(positions.size(), 16 * half, [&](std::size_t t) {
            for (std::size_t i = 0; i < half; ++i) {
                const rope_angle angle(positions.data()[t], inv_freq.data()[i], scale);
                cos.data()[t * half + i] = angle.cos;
                sin.data()[t * half + i] = angle.sin;
            }
        });
    }

    /// x[T,H,K] in place; cos, sin[T,K/2].
    void rope(tensor_view<float, 3> x, tensor_view<const float, 2> cos, tensor_view<const float, 2> sin) noexcept {
        assert(x.extent(2) % 2 == 0 && cos.extent(1) == x.extent(2) / 2 && cos.extent(0) == x.extent(0));
        for_rows(x.extent(0), x.extent(1) * x.extent(2), [&](std::size_t t) {
            kernels_.rope(x.row(t).data(), cos.row(t).data(), sin.row(t).data(), x.extent(1), x.extent(2));
        });
    }

    /// k, v[T,G,K] into the caches of the segments that the rows belong to.
    template <class Element>
    void store(tensor_view<const float, 3> k, tensor_view<const float, 3> v,
               std::span<const kv_segment<Element>> segments) noexcept {
        static_assert(detail::has_kernels<Element>, "apertus: a cache holds float, bf16 or f16");
        const auto narrow = kernels_.cache<Element>().narrow;
        const std::size_t groups = k.extent(1);
        const std::size_t width = k.extent(2);
        for (const auto& segment : segments) {
            assert(segment.first_slot + segment.row_count <= segment.k.extent(1));
            for_rows(segment.row_count, 2 * groups * width, [&](std::size_t r) {
                for (std::size_t g = 0; g < groups; ++g) {
                    const std::size_t from = ((segment.first_row + r) * groups + g) * width;
                    const std::size_t to = (g * segment.k.extent(1) + segment.first_slot + r) * width;
                    narrow(k.data() + from, segment.k.data() + to, width);
                    narrow(v.data() + from, segment.v.data() + to, width);
                }
            });
        }
    }

    /// q[T,H,K], out[T,H,K]; head h reads kv head h / (H/G), row r of a segment sees slots 0 .. first_slot + r.
    template <class Element>
    void attend(tensor_view<const float, 3> q, std::span<const kv_segment<Element>> segments, float scale,
                tensor_view<float, 3> out) noexcept {
        static_assert(detail::has_kernels<Element>, "apertus: a cache holds float, bf16 or f16");
        assert(q.extents() == out.extents());
        const std::size_t heads = q.extent(1);
        const std::size_t width = q.extent(2);
        for (const auto& segment : segments) {
            const std::size_t groups = segment.k.extent(0);
            const std::size_t slots = segment.first_slot + segment.row_count;
            const std::size_t rows = attend_rows_per_piece(segment.row_count, groups, heads / groups);
            const std::size_t chunks = (segment.row_count + rows - 1) / rows;
            for_pieces(groups * chunks, segment.row_count * heads * width * slots, [&](std::size_t piece) {
                const std::size_t g = piece % groups;
                const std::size_t first = (chunks - 1 - piece / groups) * rows; // the longest rows first
                detail::attend_job<Element> job;
                job.k = segment.k.row(g).data();
                job.v = segment.v.row(g).data();
                const std::size_t offset = ((segment.first_row + first) * heads + g * (heads / groups)) * width;
                job.q = q.data() + offset;
                job.out = out.data() + offset;
                job.rows = least(rows, segment.row_count - first);
                job.heads = heads / groups;
                job.head_size = width;
                job.row_stride = heads * width;
                job.first_slot = segment.first_slot + first;
                job.scale = scale;
                kernels_.cache<Element>().attend(job);
            });
        }
    }

    /// x[T,F] = activation(x). `act` is an activation or a variant of activations.
    template <class Arch = xsimd::default_arch, class Activation>
    void map(const Activation& act, tensor_view<float, 2> x) noexcept {
        visit_activation(act, [&](const auto& f) {
            for_elements(x.size(), [&](std::size_t first, std::size_t n) {
                transform_batches<Arch>(x.data() + first, n, [&](const auto& lane) { return apply(f, lane); });
            });
        });
    }

    /// gate[T,F] = activation(gate) * up[T,F].
    template <class Arch = xsimd::default_arch, class Activation>
    void map_mul(const Activation& act, tensor_view<float, 2> gate, tensor_view<const float, 2> up) noexcept {
        assert(gate.extents() == up.extents());
        visit_activation(act, [&](const auto& f) {
            for_elements(gate.size(), [&](std::size_t first, std::size_t n) {
                transform_batches<Arch>(gate.data() + first, up.data() + first, n,
                                        [&](const auto& lane, const auto& factor) { return apply(f, lane) * factor; });
            });
        });
    }

    /// x[T,D] += y[T,D].
    void add(tensor_view<float, 2> x, tensor_view<const float, 2> y) noexcept {
        assert(x.extents() == y.extents());
        for_elements(x.size(),
                     [&](std::size_t first, std::size_t n) { kernels_.add(x.data() + first, y.data() + first, n); });
    }

private:
    /// Formats whose elements the kernels read as they lie; all others are unpacked to float piece by piece.
    template <class Format>
    static constexpr bool is_dense = [] {
        if constexpr (detail::has_kernels<typename Format::block>) {
            return std::is_same_v<Format, dense<typename Format::block>>;
        } else {
            return false;
        }
    }();

    static constexpr std::size_t least(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    /// Below this many multiplications a parallel region costs more than it saves.
    static constexpr std::size_t worth_a_region = std::size_t{1} << 15;

    template <class F> void for_pieces(std::size_t pieces, std::size_t work, F&& f) noexcept {
        if (pieces <= 1 || work < worth_a_region) {
            for (std::size_t i = 0; i < pieces; ++i) f(i);
        } else {
            executor_.parallel_for(pieces, f);
        }
    }

    /// f(row) for every row, in pieces of some thousand elements.
    template <class F> void for_rows(std::size_t rows, std::size_t width, F&& f) noexcept {
        const std::size_t per_piece = width >= 4096 ? 1 : 4096 / (width + 1) + 1;
        for_pieces((rows + per_piece - 1) / per_piece, rows * width, [&](std::size_t piece) {
            for (std::size_t r = piece * per_piece; r < least(rows, (piece + 1) * per_piece); ++r) f(r);
        });
    }

    /// f(first, count) over pieces of n elements.
    template <class F> void for_elements(std::size_t n, F&& f) noexcept {
        constexpr std::size_t per_piece = 4096;
        for_pieces((n + per_piece - 1) / per_piece, n,
                   [&](std::size_t piece) { f(piece * per_piece, least(per_piece, n - piece * per_piece)); });
    }

    /// Rows of a weight matrix that one piece takes: a few hundred KiB, but enough pieces to keep all threads busy to
    /// the end even when one of them loses its core, and a multiple of what a kernel walks side by side.
    [[nodiscard]] std::size_t rows_per_piece(std::size_t rows, std::size_t row_bytes,
                                             std::size_t tokens) const noexcept {
        const std::size_t side_by_side = tokens == 1 ? kernels_.matvec_rows : 12;
        const std::size_t target = (std::size_t{512} << 10) / (row_bytes + 1) + 1;
        const std::size_t fair = rows / (8 * executor_.concurrency()) + 1;
        const std::size_t wanted = least(target, fair);
        return (wanted + side_by_side - 1) / side_by_side * side_by_side;
    }

    /// Batch rows that share one pass over a kv head.
    [[nodiscard]] std::size_t attend_rows_per_piece(std::size_t rows, std::size_t groups,
                                                    std::size_t heads_per_group) const noexcept {
        const std::size_t shared = heads_per_group >= 32 ? 1 : 32 / heads_per_group;
        const std::size_t fair = rows * groups / (4 * executor_.concurrency()) + 1;
        return least(shared, fair);
    }

    template <class F, class Lane> static Lane apply(const F& f, const Lane& lane) noexcept {
        if constexpr (requires { f(lane); }) {
            return f(lane);
        } else { // an activation written for float only
            float values[Lane::size];
            lane.store_unaligned(values);
            for (float& value : values) value = f(value);
            return Lane::load_unaligned(values);
        }
    }

    /// The path of every format that has no kernels of its own: rows are unpacked to float in stretches of K and
    /// multiplied with up to sixteen tokens while they are in the first-level cache. Same sums as dense<float>.
    template <class Format> void unpack_and_multiply(const detail::matmul_job<typename Format::block>& job) noexcept {
        using detail::tile_sums;
        constexpr std::size_t unit = std::lcm(Format::block_size, std::size_t{16});
        constexpr std::size_t stretch = unit >= 512 ? unit : 512 / unit * unit;
        constexpr std::size_t tiles = 4;
        constexpr std::size_t tokens_at_once = tiles * tile_sums::tokens;
        float weights[tile_sums::rows][stretch];
        tile_sums sums[tiles];
        for (std::size_t row = 0; row < job.rows; row += tile_sums::rows) {
            for (std::size_t token = 0; token < job.tokens; token += tokens_at_once) {
                std::memset(static_cast<void*>(sums), 0, sizeof sums);
                for (std::size_t i = 0; i < job.k; i += stretch) {
                    const std::size_t n = least(stretch, job.k - i);
                    const float* w[tile_sums::rows];
                    for (std::size_t r = 0; r < tile_sums::rows; ++r) {
                        const std::size_t index = least(row + r, job.rows - 1);
                        w[r] = weights[r];
                        unpack_blocks<Format>(job.w + (index * job.k + i) / Format::block_size, n / Format::block_size,
                                              weights[r]);
                    }
                    for (std::size_t tile = 0; tile < tiles && token + tile * tile_sums::tokens < job.tokens; ++tile) {
                        const float* x[tile_sums::tokens];
                        for (std::size_t t = 0; t < tile_sums::tokens; ++t) {
                            x[t] = job.x + least(token + tile * tile_sums::tokens + t, job.tokens - 1) * job.k + i;
                        }
                        kernels_.accumulate_tile(w, x, n, sums[tile]);
                    }
                }
                for (std::size_t r = 0; r < least(tile_sums::rows, job.rows - row); ++r) {
                    for (std::size_t t = 0; t < least(tokens_at_once, job.tokens - token); ++t) {
                        const std::size_t lanes = (r * tile_sums::tokens + t % tile_sums::tokens) * 16;
                        const float dot = kernels_.reduce_lanes(sums[t / tile_sums::tokens].lanes + lanes);
                        job.out[(token + t) * job.out_stride + row + r] =
                            job.bias == nullptr ? dot : dot + job.bias[row + r];
                    }
                }
            }
        }
    }

    any_executor executor_;
    detail::kernel_table kernels_;
};

static_assert(backend<cpu_backend>);

APERTUS_END_NAMESPACE
