// SPDX-License-Identifier: Apache-2.0
//
// The fast CPU backend. It cuts every verb into pieces, hands the pieces to an executor, and runs on each a kernel of the
// instruction set chosen when the object was built (backend/cpu/kernels.hpp) - threads outside, kernels inside.
// Nothing here depends on -march: a program compiled for plain x86-64 uses AVX2 or AVX-512 where the machine has them.
//
// Packed weights (int8, int4) are multiplied with activations rounded to whole numbers, a scale for every 128 inputs, of
// sixteen bits beside int8 and of eight beside int4: the products are exact in integers, and the rounding of the
// activations is far below that of the weights (backend/cpu/kernel_table.hpp has the figures).
//
// Exactness. For one instruction set, every result is the same bits whatever the executor, the number of threads, the
// number of rows in a call, or the way a prompt was cut into calls. avx2 and avx512 give the same bits as each other;
// baseline differs in the last bits (no fused multiply-add). amx multiplies several rows with packed weights on its tile
// unit, to the same bits; with bf16 weights it does so only on request (`exactness::fast`). Activations other than xIELU and
// rope angles run the same code at every level (xsimd batches and libm): they depend on compiler flags, not on the level.
#pragma once

#include <apertus/backend/cpu/attention.hpp>
#include <apertus/backend/cpu/kernel_table.hpp>
#include <apertus/backend/cpu/kernel_tables.hpp>
#include <apertus/backend/cpu/read_pattern.hpp>
#include <apertus/backend/cpu/scratch.hpp>
#include <apertus/core/concepts.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/core/tensor.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/ops/activations.hpp>
#include <apertus/ops/rope.hpp>
#include <apertus/simd/denormals.hpp>
#include <apertus/simd/isa.hpp>
#include <apertus/simd/xsimd.hpp>

#include <atomic>
#include <cassert>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// What a result may depend on beside its inputs and the instruction set.
enum class exactness : std::uint8_t {
    strict, ///< nothing: the same bits for a row alone or among others, however a prompt is cut
    fast,   ///< how many rows a call has: with eight or more, amx multiplies bf16 weights with activations rounded to
            ///< bf16 (which is what a model that computes in bf16 does), in the order of its tile unit. No other
            ///< instruction set and no other format has a faster way; their results stay strict.
};

struct cpu_options {
    /// Instruction set to use; the best available one when empty. One that the machine lacks is an error(backend).
    std::optional<cpu_isa> isa{};
    exactness exact = exactness::strict;
};

/// Verbs as listed at `concept backend`, on host memory. Copies share the executor but not the scratch memory: an object is
/// for one thread at a time, and copies may be used by several threads at once if the executor allows that (the library's
/// own do).
class cpu_backend {
public:
    using space = host_space;
    template <class T> using buffer = host_buffer<T>;

    /// `Arch` and that of `map` tag what depends on the compiler's flags, so that translation units with different flags
    /// do not share it; leave it alone. Throws error(backend) when the wanted instruction set is not available.
    template <class Arch = xsimd::default_arch>
    explicit cpu_backend(any_executor executor = any_executor{}, const cpu_options& options = {})
        : executor_(std::move(executor)), kernels_(detail::make_kernel_table<Arch>(choose_cpu_isa(options.isa))),
          exactness_(options.exact) {}

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

    /// ids[T], table[V,D], out[T,D]. Any format; typed views convert.
    void embed(tensor_view<const std::int32_t, 1> ids, weight_view<any_format> table,
               tensor_view<float, 2> out) noexcept {
        assert(out.extent(0) == ids.size() && out.extent(1) == table.cols);
        const bool dense = visit_format<dense_formats>(table, [&](const auto& typed) {
            using element = typename std::remove_cvref_t<decltype(typed)>::format::block;
            for_rows(ids.size(), table.cols, [&](std::size_t t) {
                const auto row = typed.slice(static_cast<std::size_t>(ids.data()[t]), 1).blocks;
                kernels_.weights<element>().widen(row, out.row(t).data(), table.cols);
            });
        });
        if (dense) return;
        for_rows(ids.size(), table.cols * table.info->block_rows,
                 [&](std::size_t t) { unpack_row(table, static_cast<std::size_t>(ids.data()[t]), out.row(t).data()); });
    }

    /// x[T,D], weight[D], out[T,D]; out may be x.
    void rms_norm(tensor_view<const float, 2> x, tensor_view<const float, 1> weight, float eps,
                  tensor_view<float, 2> out) noexcept {
        assert(x.extents() == out.extents() && weight.size() == x.extent(1));
        for_rows(x.extent(0), x.extent(1), [&](std::size_t t) {
            kernels_.rms_norm(x.row(t).data(), weight.data(), eps, out.row(t).data(), weight.size());
        });
    }

    /// x[T,K], w[N,K], bias[N] or empty, out[T,N]. Any format; typed views convert.
    void matmul(tensor_view<const float, 2> x, weight_view<any_format> w, tensor_view<const float, 1> bias,
                tensor_view<float, 2> out) noexcept {
        assert(x.extent(1) == w.cols && out.extent(0) == x.extent(0) && out.extent(1) == w.rows);
        assert(bias.empty() || bias.size() == w.rows);
        const product<> one{w, bias, out};
        multiply(x, std::span(&one, 1));
    }

    /// The same for several matrices and the same x: those in one format share a parallel region, and activations are
    /// converted for them once.
    void matmul_all(tensor_view<const float, 2> x, std::span<const product<>> all) noexcept {
        for (std::size_t first = 0; first < all.size();) {
            std::size_t n = 1;
            while (first + n < all.size() && all[first + n].w.info == all[first].w.info) ++n;
            multiply(x, all.subspan(first, n));
            first += n;
        }
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

    /// k, v[T,G,K] into the caches of the segments that the rows belong to. Any cache format.
    void store(tensor_view<const float, 3> k, tensor_view<const float, 3> v,
               std::span<const kv_segment<>> segments) noexcept {
        const std::size_t groups = k.extent(1);
        const std::size_t width = k.extent(2);
        for (const auto& segment : segments) {
            assert(segment.first_slot + segment.row_count <= segment.cache.slots);
            const kv_format_info& format = *segment.cache.format;
            for_rows(segment.row_count, 2 * groups * width, [&](std::size_t r) {
                const std::size_t slot = segment.first_slot + r;
                for (std::size_t g = 0; g < groups; ++g) {
                    const std::size_t from = ((segment.first_row + r) * groups + g) * width;
                    format.pack_key(k.data() + from, width, slot % kv_block_slots, segment.cache.key_block(g, slot));
                    format.pack_value(v.data() + from, width, slot % kv_block_slots,
                                      segment.cache.value_block(g, slot));
                }
            });
        }
    }

    /// q[T,H,K], out[T,H,K]; head h reads kv head h / (H/G), row r of a segment sees slots 0 .. first_slot + r. K is at
    /// most 4096 (config.json may not say more either).
    void attend(tensor_view<const float, 3> q, std::span<const kv_segment<>> segments, float scale,
                tensor_view<float, 3> out) noexcept {
        assert(q.extents() == out.extents() && q.extent(2) <= max_head_size);
        const std::size_t threads = executor_.concurrency();
        const detail::attention_units units(kernels_, q, segments, scale, out, threads);
        if (threads == 1 || units.longest() <= 1 || units.size() >= 8 * threads) {
            for_pieces(units.size(), units.work(), [&](std::size_t i) { units.attend(units.job(i)); });
            return;
        }
        for (std::size_t next = 0; next < units.size();) {
            const detail::attention_round round(units, next, attention_scratch_);
            for_pieces(round.pieces(), units.work(), [&](std::size_t piece) { round.attend(piece); });
            if (round.split()) {
                for_pieces(round.size(), units.work(), [&](std::size_t i) { round.merge(i); });
            }
        }
    }

    /// x[T,F] = activation(x). `act` is an activation or a variant of activations.
    template <class Arch = xsimd::default_arch, class Activation>
    void map(const Activation& act, tensor_view<float, 2> x) noexcept {
        visit_activation(act, [&](const auto& f) {
            for_elements(x.size(), [&](std::size_t first, std::size_t n) { map_piece<Arch>(f, x.data() + first, n); });
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
    /// For activations that a kernel wants in another form; as codes 169 rows of the largest feed-forward layer (43008).
    static constexpr std::size_t activation_bytes = std::size_t{16} << 20;

    /// How many rows of n activations fit there as codes, in tiles of any width.
    static constexpr std::size_t rows_of_codes(std::size_t n) noexcept {
        constexpr std::size_t block = detail::quantized_row::block;
        constexpr std::size_t spare = detail::quantized_rows::most_together - 1;
        const std::size_t rows = activation_bytes / ((n + block - 1) / block * detail::quantized_rows::bytes_per_block);
        return rows > spare ? rows - spare : 0;
    }

    static constexpr std::size_t least(std::size_t a, std::size_t b) noexcept { return a < b ? a : b; }

    /// Below this many multiplications a parallel region costs more than it saves.
    static constexpr std::size_t worth_a_region = std::size_t{1} << 15;

    template <class F> void for_pieces(std::size_t pieces, std::size_t work, F&& f) noexcept {
        if (pieces <= 1 || work < worth_a_region) {
            const flush_denormals mode;
            for (std::size_t i = 0; i < pieces; ++i) f(i);
        } else {
            executor_.parallel_for(pieces, [&](std::size_t i) {
                const flush_denormals mode; // by the piece: a thread's mode is its owner's again after it
                f(i);
            });
        }
    }

    /// f(worker, piece) for every piece, each worker at one piece at a time: what a piece needs for itself lies at the
    /// worker's place. Workers take pieces as they come, so that a thread that loses its core holds up nothing but its own.
    template <class F> void for_pieces_by_worker(std::size_t pieces, std::size_t work, F&& f) noexcept {
        std::atomic<std::size_t> next{0};
        for_pieces(least(pieces, executor_.concurrency()), work, [&](std::size_t worker) {
            for (std::size_t i = next++; i < pieces; i = next++) f(worker, i);
        });
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
                                             std::size_t side_by_side) const noexcept {
        const std::size_t target = (std::size_t{512} << 10) / (row_bytes + 1) + 1;
        const std::size_t fair = rows / (8 * executor_.concurrency()) + 1;
        const std::size_t wanted = least(target, fair);
        return (wanted + side_by_side - 1) / side_by_side * side_by_side;
    }

    /// x[n] = f(x); the activation of Apertus has kernels.
    template <class Arch, class F> void map_piece(const F& f, float* x, std::size_t n) const noexcept {
        if constexpr (std::is_same_v<F, xielu>) {
            kernels_.xielu(f, x, n);
        } else {
            transform_batches<Arch>(x, n, [&](const auto& lane) { return apply(f, lane); });
        }
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

    using products = std::span<const product<>>;

    /// All of the same format.
    void multiply(tensor_view<const float, 2> x, products all) noexcept {
        const weight_view<any_format>& w = all.front().w;
        if (x.empty() || w.rows == 0) return;
        if (visit_format<dense_formats>(w, [&](const auto& typed) {
                dense_matmul<typename std::remove_cvref_t<decltype(typed)>::format>(x, all);
            })) {
            return;
        }
        if (w.holds<int8>() && rows_of_codes(w.cols) != 0) {
            packed_matmul(x, all, kernels_.packed.quantize16, kernels_.packed.int8_matmul, int8_pattern_);
        } else if (w.holds<int4>() && rows_of_codes(w.cols) != 0) {
            packed_matmul(x, all, kernels_.packed.quantize8, kernels_.packed.int4_matmul, int4_pattern_);
        } else {
            unpack_matmul(x, all);
        }
    }

    /// Rows of several matrices, in pieces.
    class row_pieces {
    public:
        row_pieces(products all, std::size_t piece_rows) noexcept : all_(all), piece_rows_(piece_rows) {
            for (const product<>& p : all) count_ += pieces_of(p);
        }
        [[nodiscard]] std::size_t size() const noexcept { return count_; }
        /// f(product, first row, rows).
        template <class F> void visit(std::size_t piece, F&& f) const noexcept {
            const product<>* p = all_.data();
            for (; piece >= pieces_of(*p); ++p) piece -= pieces_of(*p);
            const std::size_t first = piece * piece_rows_;
            f(*p, first, least(piece_rows_, p->w.rows - first));
        }

    private:
        [[nodiscard]] std::size_t pieces_of(const product<>& p) const noexcept {
            return (p.w.rows + piece_rows_ - 1) / piece_rows_;
        }

        products all_;
        std::size_t piece_rows_;
        std::size_t count_ = 0;
    };

    /// f(product, first row, rows) for pieces of all matrices. The kernel walks `side_by_side` rows at once.
    template <class F> void for_products(products all, std::size_t tokens, std::size_t side_by_side, F&& f) noexcept {
        const weight_view<any_format>& w = all.front().w;
        const std::size_t row_bytes = w.info->blocks_per_row(w.cols) * w.info->block_bytes / w.info->block_rows;
        std::size_t rows = 0;
        for (const product<>& p : all) rows += p.w.rows;
        const row_pieces pieces(all, rows_per_piece(rows, row_bytes, side_by_side));
        for_pieces(pieces.size(), rows * w.cols * tokens, [&](std::size_t piece) { pieces.visit(piece, f); });
    }

    /// What all jobs have: rows [first, first + rows) of a product, for rows of activations from `token` on.
    static void fill(detail::product_piece& job, const product<>& p, std::size_t first, std::size_t rows,
                     std::size_t token, std::size_t tokens) noexcept {
        job.rows = rows;
        job.tokens = tokens;
        job.bias = p.bias.empty() ? nullptr : p.bias.data() + first;
        job.out = p.out.data() + token * p.w.rows + first;
        job.out_stride = p.w.rows;
    }

    template <class Format> void dense_matmul(tensor_view<const float, 2> x, products all) noexcept {
        using element = typename Format::block;
        const std::size_t tokens = x.extent(0);
        const std::size_t k = x.extent(1);
        if constexpr (std::is_same_v<element, bf16>) {
            if (exactness_ == exactness::fast && kernels_.bf16_tiles.matmul != nullptr && tokens >= 8 &&
                detail::bf16_tile_job::tile_bytes(k) <= activation_bytes) {
                bf16_tile_matmul(x, all);
                return;
            }
        }
        if (tokens >= least_panel_tokens && panel_tokens(k) >= least_panel_tokens) {
            panel_matmul<Format>(x, all);
            return;
        }
        for_products(all, tokens, tokens == 1 ? kernels_.matvec_rows : 12,
                     [&](const product<>& p, std::size_t first, std::size_t rows) {
                         detail::matmul_job<element> job;
                         fill(job, p, first, rows, 0, tokens);
                         job.w = p.w.template as<Format>().slice(first, rows).blocks;
                         job.x = x.data();
                         job.k = k;
                         kernels_.weights<element>().matmul(job);
                     });
    }

    /// From so many tokens on dense weights are copied into panels (backend/cpu/panel_kernels.hpp). Measured there: with 24
    /// tokens that is slower than reading them where they lie, with 32 a little faster.
    static constexpr std::size_t least_panel_tokens = 32;
    static constexpr std::size_t most_panel_tokens = 192;

    /// Tokens of k activations whose panels fit into the scratch memory.
    static constexpr std::size_t panel_tokens(std::size_t k) noexcept {
        const std::size_t fit = activation_bytes / sizeof(float) / detail::panel_floats(16, k) * 16;
        return least(fit, most_panel_tokens);
    }

    template <class Format> void panel_matmul(tensor_view<const float, 2> x, products all) noexcept {
        using element = typename Format::block;
        const std::size_t k = x.extent(1);
        auto* const panels = reinterpret_cast<float*>(scratch_.data());
        const row_pieces pieces(all, detail::panel_rows_at_once);
        for (std::size_t token = 0; token < x.extent(0);) {
            const std::size_t rest = x.extent(0) - token;
            const std::size_t chunks = (rest + panel_tokens(k) - 1) / panel_tokens(k);
            const std::size_t tokens = least(((rest + chunks - 1) / chunks + 15) / 16 * 16, rest);
            const float* const rows = x.row(token).data();
            for_pieces((tokens + 15) / 16, tokens * k,
                       [&](std::size_t vector) { kernels_.pack_tokens(rows, tokens, k, vector, panels); });
            for_pieces_by_worker(pieces.size(), pieces.size() * detail::panel_rows_at_once * k * tokens,
                                 [&](std::size_t worker, std::size_t piece) {
                                     pieces.visit(piece, [&](const product<>& p, std::size_t first, std::size_t count) {
                                         detail::panel_job<element> job;
                                         fill(job, p, first, count, token, tokens);
                                         job.w = p.w.template as<Format>().slice(first, count).blocks;
                                         job.x = panels;
                                         job.k = k;
                                         job.scratch = panel_scratch_.data() +
                                                       worker * detail::panel_scratch_floats(most_panel_tokens);
                                         kernels_.weights<element>().panel_matmul(job);
                                     });
                                 });
            token += tokens;
        }
    }

    /// bf16 weights with activations rounded to bf16, on the tile unit.
    void bf16_tile_matmul(tensor_view<const float, 2> x, products all) noexcept {
        constexpr std::size_t height = 16;
        const std::size_t k = x.extent(1);
        const std::size_t tile_bytes = detail::bf16_tile_job::tile_bytes(k);
        const std::size_t most = least(detail::bf16_tile_job::most_tokens, activation_bytes / tile_bytes * height);
        for (std::size_t token = 0; token < x.extent(0); token += most) {
            const std::size_t tokens = least(most, x.extent(0) - token);
            for_pieces((tokens + height - 1) / height, tokens * k, [&](std::size_t tile) {
                const std::size_t first = tile * height;
                kernels_.bf16_tiles.interleave(x.row(token + first).data(), least(height, tokens - first), k,
                                               scratch_.data() + tile * tile_bytes);
            });
            for_products(all, tokens, 2 * height, [&](const product<>& p, std::size_t first, std::size_t rows) {
                detail::bf16_tile_job job;
                fill(job, p, first, rows, token, tokens);
                job.w = p.w.as<dense<bf16>>().slice(first, rows).blocks;
                job.x = scratch_.data();
                job.k = k;
                kernels_.bf16_tiles.matmul(job);
            });
        }
    }

    /// Bytes of weights whose speed says something about reading memory.
    static constexpr std::size_t worth_measuring = std::size_t{2} << 20;

    /// Weights of a packed format with activations rounded to codes. Rows of activations are taken together as far as the
    /// scratch memory holds them; the weights are read once for each such chunk.
    void packed_matmul(tensor_view<const float, 2> x, products all,
                       void (*quantize)(const float*, std::size_t, const detail::quantized_row&) noexcept,
                       void (*kernel)(const detail::packed_job&) noexcept,
                       detail::read_pattern_search& pattern) noexcept {
        constexpr std::size_t strip = detail::packed_job::strip_rows;
        const std::size_t k = x.extent(1);
        detail::quantized_rows codes{scratch_.data(), all.front().w.info->blocks_per_row(k)};
        const std::size_t most = least(detail::packed_job::most_tokens, rows_of_codes(k));
        for (std::size_t token = 0; token < x.extent(0); token += most) {
            const std::size_t tokens = least(most, x.extent(0) - token);
            codes.together = kernels_.packed.together(tokens);
            // One row costs a microsecond or two: less than waking a thread. Rows of a tile share cache lines.
            const std::size_t tiles = codes.filled_up(tokens) / codes.together;
            for_pieces(tiles, tokens == 1 ? 0 : tokens * k, [&](std::size_t tile) {
                for (std::size_t t = tile * codes.together; t < (tile + 1) * codes.together; ++t) {
                    quantize(x.row(token + least(t, tokens - 1)).data(), k, codes.row(t));
                }
            });
            const auto begin = std::chrono::steady_clock::now();
            for_products(all, tokens,
                         strip * (tokens == 1 ? kernels_.packed.matvec_strips : kernels_.packed.tile_strips),
                         [&](const product<>& p, std::size_t first, std::size_t rows) {
                             detail::packed_job job;
                             fill(job, p, first, rows, token, tokens);
                             job.w = p.w.slice(first, rows).data;
                             job.blocks = codes.blocks;
                             job.x = codes;
                             job.pattern = pattern.next();
                             kernel(job);
                         });
            const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
            std::size_t bytes = 0;
            for (const product<>& p : all) bytes += p.w.bytes();
            if (tokens == 1 && bytes >= worth_measuring) pattern.add(static_cast<double>(bytes) / seconds.count());
        }
    }

    /// The path of every format that has no kernels of its own (backend/cpu/unpack_kernels.hpp).
    void unpack_matmul(tensor_view<const float, 2> x, products all) noexcept {
        const std::size_t side_by_side = std::lcm(kernels_.matvec_rows, std::size_t{16}); // whole blocks, too
        for_products(all, x.extent(0), side_by_side, [&](const product<>& p, std::size_t first, std::size_t rows) {
            detail::unpack_job job;
            fill(job, p, first, rows, 0, x.extent(0));
            job.format = p.w.info;
            job.unpack = kernels_.unpackers.find(*p.w.info);
            job.w = p.w.slice(first, rows).data;
            job.x = x.data();
            job.k = x.extent(1);
            kernels_.unpack_matmul(job);
        });
    }

    any_executor executor_;
    detail::kernel_table kernels_;
    exactness exactness_;
    detail::read_pattern_search int8_pattern_{static_cast<int>(kernels_.packed.matvec_strips)};
    detail::read_pattern_search int4_pattern_{static_cast<int>(kernels_.packed.matvec_strips)};
    detail::scratch_memory<std::byte> scratch_{activation_bytes};
    detail::scratch_memory<float> attention_scratch_{detail::attention_scratch_floats};
    detail::scratch_memory<float> panel_scratch_{executor_.concurrency() *
                                                 detail::panel_scratch_floats(most_panel_tokens)};
};

static_assert(backend<cpu_backend>);

APERTUS_END_NAMESPACE
