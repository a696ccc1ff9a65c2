// SPDX-License-Identifier: Apache-2.0
//
// What the kernels of one instruction set look like from outside: a table of function pointers, filled once per level
// and chosen once when a backend is built. Kernels work on one thread; who calls them on which piece is backend/cpu.hpp.
#pragma once

#include <apertus/backend/cpu/read_pattern.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/kv_format.hpp>
#include <apertus/core/weight_format.hpp>
#include <apertus/ops/activations.hpp>
#include <apertus/simd/isa.hpp>

#include <cstddef>
#include <iterator>
#include <string_view>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Where the results of a piece of a matrix product go: out[T, rows] = x[T,K] w[rows,K]^T + bias. What w and x are in
/// memory is the matter of the jobs below.
struct product_piece {
    std::size_t rows = 0;
    std::size_t tokens = 0;
    const float* bias = nullptr; ///< [rows] or null
    float* out = nullptr;        ///< [T, rows], rows of `out_stride` floats
    std::size_t out_stride = 0;
};

/// Weights may lie at any address.
template <class W> struct matmul_job : product_piece {
    const W* w = nullptr;     ///< [rows, K]
    const float* x = nullptr; ///< [T, K]
    std::size_t k = 0;
};

/// Columns and rows of weights that are packed at a time for products with many tokens (backend/cpu/panel_kernels.hpp).
inline constexpr std::size_t panel_stretch = 1024;
inline constexpr std::size_t panel_rows_at_once = 32;

/// As matmul_job, but x is what kernel_table::pack_tokens makes of all tokens: panel_floats(tokens, k).
template <class W> struct panel_job : matmul_job<W> {
    float* scratch = nullptr; ///< panel_scratch_floats(tokens)
};
constexpr std::size_t panel_floats(std::size_t tokens, std::size_t k) noexcept {
    return (tokens + 15) / 16 * 16 * ((k + 15) / 16 * 16);
}
constexpr std::size_t panel_scratch_floats(std::size_t tokens) noexcept {
    return panel_rows_at_once * (panel_stretch + (tokens + 15) / 16 * 256);
}

/// Attention takes slots in blocks and spans of this many, counted from slot 0: an online softmax runs block by block
/// through a span, and spans are put together in order, whether or not anybody splits there. What that costs where nobody
/// does: 0 to 5 % (f32 and int8 0 to 1.5 %) at 4096 slots out of the second-level cache, less where memory is the limit.
inline constexpr std::size_t attend_block = 64;
inline constexpr std::size_t attend_span = 1024;
/// What a kernel has room for on its stack: queries (rows times heads) of a job, and sums (queries times K, padded to 16).
inline constexpr std::size_t attend_max_queries = 48;
inline constexpr std::size_t attend_max_sums = 6144;
/// Floats that a split row keeps per span beside its K (padded to 16) sums.
inline constexpr std::size_t attend_partial_extra = 16;

/// One row of activations as codes of eight bits, or of sixteen: 128 * code + low. n is filled up to whole blocks; a scale
/// and sums for every 128 of them. Eight bits are enough beside weights of four, not beside weights of eight: on
/// SmolLM2-135M int8 weights alone cost a perplexity ratio of 1.0008 (KL 0.0041 nats), with activations of eight bits
/// 1.0064 (one scale for 32) and 1.0108 (for 128), more than llama.cpp's Q8_0 (1.0072, KL 0.0052); int4 1.043, 1.049 and
/// 1.049 (tools/quality, 1530 positions of English; the int8 weights still had one scale for 256 inputs).
///
/// Tokens that a kernel multiplies together lie together: tiles of W rows, in which everything is [..][W], so that a kernel
/// walks a tile with one pointer and loads from one stream. W = 1 is row by row. Measured on one Cascade Lake core (VNNI peak
/// 614 Gop/s, processor time): int4 with 128 tokens 393 Gop/s, row by row 339 (twelve pointers are more than the registers
/// hold, and their loads as many instructions as there is time for); int8 208 and 185, with 16 tokens 219 and 194.
struct quantized_row {
    static constexpr std::size_t block = 256; ///< inputs of a block of the packed formats
    static constexpr std::size_t group = 128; ///< inputs that share a scale

    /// Sums of four times 32 codes as 64 * high + low, each in eight bits.
    struct quarters {
        std::int8_t high[4];
        std::int8_t low[4];
    };
    std::size_t together = 1;        ///< W
    std::int8_t* code = nullptr;     ///< [K / 4][W][4]
    std::int8_t* low = nullptr;      ///< the same, used with sixteen bits
    float* scale = nullptr;          ///< [K / group][W]
    std::int32_t* sum = nullptr;     ///< [K / group][W], of a group's codes
    std::int32_t* low_sum = nullptr; ///< [K / group][W], of its low parts, with sixteen bits
    quarters* quarter = nullptr;     ///< [K / group][W], with eight bits
};

/// Rows of activations as codes, `blocks` blocks each, in memory of the caller's: room for whole tiles. The last tile is
/// filled up with anything that is numbers (the last row again).
struct quantized_rows {
    static constexpr std::size_t most_together = 12;

    std::byte* memory = nullptr;
    std::size_t blocks = 0;
    std::size_t together = 1;

    static constexpr std::size_t bytes_per_block =
        2 * quantized_row::block + quantized_row::block / quantized_row::group *
                                       (sizeof(float) + 2 * sizeof(std::int32_t) + sizeof(quantized_row::quarters));

    /// n rows in whole tiles.
    [[nodiscard]] std::size_t filled_up(std::size_t n) const noexcept {
        return (n + together - 1) / together * together;
    }

    [[nodiscard]] quantized_row row(std::size_t t) const noexcept {
        const std::size_t within = t % together;
        const std::size_t groups = blocks * (quantized_row::block / quantized_row::group);
        std::byte* at = memory + (t - within) * blocks * bytes_per_block;
        const auto next = [&](std::size_t bytes_per_row) {
            std::byte* const here = at;
            at += together * bytes_per_row;
            return here;
        };
        quantized_row out;
        out.together = together;
        out.code = reinterpret_cast<std::int8_t*>(next(blocks * quantized_row::block)) + 4 * within;
        out.low = reinterpret_cast<std::int8_t*>(next(blocks * quantized_row::block)) + 4 * within;
        out.scale = reinterpret_cast<float*>(next(groups * sizeof(float))) + within;
        out.sum = reinterpret_cast<std::int32_t*>(next(groups * sizeof(std::int32_t))) + within;
        out.low_sum = reinterpret_cast<std::int32_t*>(next(groups * sizeof(std::int32_t))) + within;
        out.quarter = reinterpret_cast<quantized_row::quarters*>(at) + within;
        return out;
    }
};

/// A piece of a matrix product with weights of a packed format: some strips of sixteen rows, all of K.
struct packed_job : product_piece {
    static constexpr std::size_t strip_rows = 16;
    static constexpr std::size_t most_tokens = 128; ///< that a kernel takes at once: it keeps their sums on the stack

    const std::byte* w = nullptr;
    std::size_t blocks = 0; ///< of a row
    quantized_rows x{};
    read_pattern pattern{}; ///< for one token: packed_kernels::matvec_strips streams, or half as many
};

/// Kernels of the packed formats.
struct packed_kernels {
    /// The W of the activations that the kernels below take with so many tokens.
    std::size_t (*together)(std::size_t tokens) noexcept = nullptr;
    void (*quantize8)(const float* x, std::size_t n, const quantized_row& out) noexcept = nullptr;
    void (*quantize16)(const float* x, std::size_t n, const quantized_row& out) noexcept = nullptr;
    void (*int8_matmul)(const packed_job&) noexcept = nullptr;
    void (*int4_matmul)(const packed_job&) noexcept = nullptr;
    std::size_t matvec_strips = 1; ///< strips that are walked side by side with one token, at most
    std::size_t tile_strips = 1;   ///< and with several
};

/// A piece of a matrix product on a tile unit: rows of bf16 weights and activations that have been rounded to bf16.
struct bf16_tile_job : product_piece {
    static constexpr std::size_t stretch = 512;     ///< inputs that are summed without leaving the unit
    static constexpr std::size_t most_tokens = 256; ///< that a kernel takes at once: it keeps their sums on the stack

    const bf16* w = nullptr;      ///< [rows, k]
    const std::byte* x = nullptr; ///< tiles of sixteen tokens, each interleaved, tile_bytes(k) apart
    std::size_t k = 0;

    [[nodiscard]] static constexpr std::size_t tile_bytes(std::size_t k) noexcept { return (k + 31) / 32 * 1024; }
};

/// Kernels of bf16 weights on a tile unit; null where there is none.
struct bf16_tile_kernels {
    /// x[n, k], n up to 16, to one tile of tokens.
    void (*interleave)(const float* x, std::size_t n, std::size_t k, std::byte* out) noexcept = nullptr;
    void (*matmul)(const bf16_tile_job&) noexcept = nullptr;
};

/// A piece of attention: some rows of one sequence, some query heads of one kv head, some spans of slots.
struct attend_job {
    const kv_format_info* format = nullptr;
    const std::byte* keys = nullptr; ///< blocks of one kv head, from slot 0
    const std::byte* values = nullptr;
    std::size_t key_bytes = 0; ///< per block
    std::size_t value_bytes = 0;
    const float* q = nullptr;  ///< first row's first head, heads adjacent
    float* out = nullptr;      ///< like q
    std::size_t rows = 0;      ///< batch rows, `row_stride` floats apart; row r sees slots 0 .. first_slot + r
    std::size_t heads = 0;     ///< query heads per row
    std::size_t head_size = 0; ///< K
    std::size_t row_stride = 0;
    std::size_t first_slot = 0;
    float scale = 1;
    std::size_t first_span = 0;
    std::size_t last_span = 0; ///< spans first_span .. last_span - 1
    /// Null: `out` is written, from all spans. Otherwise [spans][rows * heads][K padded + attend_partial_extra], of which
    /// the spans of this job are written.
    float* partial = nullptr;
};

/// Kernels for weights stored as W.
template <class W> struct weight_kernels {
    void (*matmul)(const matmul_job<W>&) noexcept = nullptr;
    void (*panel_matmul)(const panel_job<W>&) noexcept = nullptr;
    void (*widen)(const W* in, float* out, std::size_t n) noexcept = nullptr;
};

/// A piece of a matrix product with weights of any format: out[T, rows] = x[T,K] w[rows,K]^T + bias.
struct unpack_job : product_piece {
    const format_info* format = nullptr;
    /// Blocks of a row, one after another; null where nothing faster is known than format->unpack.
    void (*unpack)(const std::byte* blocks, std::size_t count, float* out) noexcept = nullptr;
    const std::byte* w = nullptr; ///< the first row's first block; rows begin at a multiple of block_rows
    const float* x = nullptr;     ///< [T, K]
    std::size_t k = 0;
};

/// Unpacking of the library's formats, compiled for one instruction set.
class block_unpackers {
public:
    using function = void (*)(const std::byte* blocks, std::size_t count, float* out) noexcept;

    constexpr void add(const format_info& format, function unpack) noexcept { known_[count_++] = {&format, unpack}; }
    /// Null for a format that was not added.
    [[nodiscard]] constexpr function find(const format_info& format) const noexcept {
        for (const entry& e : known_) {
            if (e.format == &format) return e.unpack;
        }
        return nullptr;
    }

private:
    struct entry {
        const format_info* format = nullptr;
        function unpack = nullptr;
    };
    entry known_[16];
    std::size_t count_ = 0;
};

struct kernel_table {
    cpu_isa isa = cpu_isa::baseline;
    std::size_t matvec_rows = 1; ///< rows that the matrix-vector kernel walks side by side
    weight_kernels<float> f32_weights;
    weight_kernels<bf16> bf16_weights;
    weight_kernels<f16> f16_weights;
    /// Tokens 16 `vector` and following of x[tokens, k] into the panels of all tokens, at `out`.
    void (*pack_tokens)(const float* x, std::size_t tokens, std::size_t k, std::size_t vector,
                        float* out) noexcept = nullptr;
    /// Attention over a cache of a format; the last one takes any.
    struct cache_kernel {
        std::string_view format;
        void (*attend)(const attend_job&) noexcept = nullptr;
    };
    cache_kernel caches[5];
    void (*merge_attention)(const attend_job&) noexcept = nullptr;
    packed_kernels packed;
    bf16_tile_kernels bf16_tiles;
    void (*unpack_matmul)(const unpack_job&) noexcept = nullptr;
    block_unpackers unpackers;
    void (*rms_norm)(const float* x, const float* weight, float eps, float* out, std::size_t n) noexcept = nullptr;
    /// One row of H heads: x[H,K] rotated by cos, sin[K/2].
    void (*rope)(float* x, const float* cos, const float* sin, std::size_t heads, std::size_t k) noexcept = nullptr;
    void (*add)(float* x, const float* y, std::size_t n) noexcept = nullptr;
    void (*xielu)(const apertus::xielu& f, float* x, std::size_t n) noexcept = nullptr; ///< x[n] = f(x)
    /// Reads memory in 1, 2, 4, 6, 8, 12 or 16 streams side by side with prefetch `ahead` bytes ahead.
    float (*read_memory)(const float* p, std::size_t bytes, int streams, std::size_t ahead) noexcept = nullptr;

    template <class W> [[nodiscard]] const weight_kernels<W>& weights() const noexcept {
        if constexpr (std::is_same_v<W, float>) return f32_weights;
        else if constexpr (std::is_same_v<W, bf16>) return bf16_weights;
        else return f16_weights;
    }
    void use_for(std::string_view format, void (*attend)(const attend_job&) noexcept) noexcept {
        for (cache_kernel& c : caches) {
            if (c.format == format) c.attend = attend;
        }
    }
    [[nodiscard]] auto attend_for(std::string_view format) const noexcept {
        for (const cache_kernel& c : caches) {
            if (c.format == format) return c.attend;
        }
        return std::end(caches)[-1].attend;
    }
};

/// Element types for which there are kernels; weights of other formats are unpacked to float first.
template <class T>
inline constexpr bool has_kernels = std::is_same_v<T, float> || std::is_same_v<T, bf16> || std::is_same_v<T, f16>;

} // namespace detail
APERTUS_END_NAMESPACE
