// SPDX-License-Identifier: Apache-2.0
//
// How weights are stored. A format is a stateless struct that packs floats into blocks and unpacks them again; a block
// covers some columns of one row, or of several rows that a kernel reads together. A weight view is a matrix in blocks.
// `any_format` is a matrix whose format is known at run time only: what a loaded model holds, one format per matrix.
#pragma once

#include <apertus/core/tensor.hpp>

#include <cassert>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <string_view>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

namespace detail {
template <class F> [[nodiscard]] consteval std::size_t block_rows() {
    if constexpr (requires { F::block_rows; }) return F::block_rows;
    else return 1;
}
} // namespace detail

/// Rows that a block of the format covers: its `block_rows`, 1 when it does not say.
template <class F> inline constexpr std::size_t block_rows_of = detail::block_rows<F>();

/// How a weight is stored: a stateless struct. A block holds block_rows x block_size weights (rows x columns). `pack`
/// narrows that many floats (row-major) into one block, `unpack` widens a block into them. block_rows is 1, 2, 4, 8 or
/// 16, and 1 when the format has no such member. A block holds at most 8192 weights.
/// A format may also have `pack(in, importance, target)`, which spends its precision where importance[block_size], one
/// finite number >= 0 per column, says that errors matter: it makes the sum of importance * (weight - stored)^2 small.
template <class F>
concept weight_format = std::is_empty_v<F> && std::is_trivially_copyable_v<typename F::block> && requires {
    { F::name } -> std::convertible_to<std::string_view>;
    { F::block_size } -> std::convertible_to<std::size_t>;
} && requires(const float* in, float* out, const typename F::block& block, typename F::block& target) {
    { F::pack(in, target) } noexcept;
    { F::unpack(block, out) } noexcept;
};

/// A format whose packing can be told which columns matter.
template <class F>
concept weighted_format =
    weight_format<F> && requires(const float* in, const float* importance, typename F::block& target) {
        { F::pack(in, importance, target) } noexcept;
    };

/// The most weights in a block: what code that unpacks any format needs as scratch.
inline constexpr std::size_t largest_block = 8192;

/// What a format is to code that is not a template on it. Blocks are given as bytes at any address.
struct format_info {
    std::string_view name;
    std::size_t block_rows;
    std::size_t block_size; ///< columns
    std::size_t block_bytes;
    void (*pack)(const float* in, std::byte* block) noexcept;
    void (*unpack)(const std::byte* block, float* out) noexcept;
    /// Null when the format's packing takes no importance (see weighted_format).
    void (*pack_weighted)(const float* in, const float* importance, std::byte* block) noexcept;

    [[nodiscard]] constexpr std::size_t blocks_per_row(std::size_t cols) const noexcept {
        return (cols + block_size - 1) / block_size;
    }
    /// Bytes of a matrix, ragged edges filled up to whole blocks.
    [[nodiscard]] constexpr std::size_t bytes(std::size_t rows, std::size_t cols) const noexcept {
        return (rows + block_rows - 1) / block_rows * blocks_per_row(cols) * block_bytes;
    }
    [[nodiscard]] constexpr std::size_t block_weights() const noexcept { return block_rows * block_size; }
};

namespace detail {
template <weight_format F> void pack_weighted_block(const float* in, const float* importance, std::byte* out) noexcept {
    typename F::block block{};
    F::pack(in, importance, block);
    std::memcpy(out, static_cast<const void*>(&block), sizeof block);
}

template <weight_format F> consteval format_info make_format_info() {
    constexpr std::size_t rows = block_rows_of<F>;
    static_assert(rows != 0 && 16 % rows == 0, "apertus: block_rows of a weight format is 1, 2, 4, 8 or 16");
    static_assert(F::block_size != 0 &&
                      std::lcm(F::block_size, std::size_t{16}) * (rows < 4 ? 4 : rows) <= largest_block,
                  "apertus: a block of a weight format is too large");
    void (*pack_weighted)(const float*, const float*, std::byte*) noexcept = nullptr;
    if constexpr (weighted_format<F>) pack_weighted = &pack_weighted_block<F>;
    return {F::name,
            rows,
            F::block_size,
            sizeof(typename F::block),
            [](const float* in, std::byte* out) noexcept {
                typename F::block block{};
                F::pack(in, block);
                std::memcpy(out, static_cast<const void*>(&block), sizeof block);
            },
            [](const std::byte* in, float* out) noexcept {
                typename F::block block;
                std::memcpy(static_cast<void*>(&block), in, sizeof block);
                F::unpack(block, out);
            },
            pack_weighted};
}
} // namespace detail

/// The description of a format. Its address identifies the format within a program.
template <weight_format F> inline constexpr format_info info_of = detail::make_format_info<F>();

/// Stands in for a format that is known at run time only.
struct any_format {};

/// What a matrix may be stored in: a format, or one known at run time.
template <class F>
concept weight_storage = weight_format<F> || std::same_as<F, any_format>;

/// A weight matrix [rows, cols] (out features, in features) in blocks of its format, not owned:
/// [ceil(rows / block_rows), ceil(cols / block_size)] blocks, row-major, zeros where they reach beyond the matrix.
template <class Format, class Space = host_space> struct weight_view {
    static_assert(weight_format<Format>, "apertus: weight_view needs a weight_format, or any_format");
    using format = Format;
    const typename Format::block* blocks = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;

    [[nodiscard]] constexpr std::size_t blocks_per_row() const noexcept {
        return (cols + Format::block_size - 1) / Format::block_size;
    }
    [[nodiscard]] constexpr std::size_t bytes() const noexcept { return info_of<Format>.bytes(rows, cols); }
    /// Rows [first, first + count); `first` is a multiple of the format's block_rows.
    [[nodiscard]] constexpr weight_view slice(std::size_t first, std::size_t count) const noexcept {
        assert(first % block_rows_of<Format> == 0);
        return {blocks + first / block_rows_of<Format> * blocks_per_row(), count, cols};
    }
};

/// The same for a format known at run time. Every typed view converts to it.
template <class Space> struct weight_view<any_format, Space> {
    using format = any_format;
    const format_info* info = nullptr; ///< never null in a view with rows
    const std::byte* data = nullptr;
    std::size_t rows = 0;
    std::size_t cols = 0;

    constexpr weight_view() = default;
    constexpr weight_view(const format_info& f, const std::byte* bytes, std::size_t n, std::size_t k) noexcept
        : info(&f), data(bytes), rows(n), cols(k) {}
    template <weight_format F>
    weight_view(const weight_view<F, Space>& w) noexcept // NOLINT(google-explicit-constructor)
        : info(&info_of<F>), data(reinterpret_cast<const std::byte*>(w.blocks)), rows(w.rows), cols(w.cols) {}

    [[nodiscard]] constexpr std::size_t bytes() const noexcept { return info == nullptr ? 0 : info->bytes(rows, cols); }
    [[nodiscard]] constexpr weight_view slice(std::size_t first, std::size_t count) const noexcept {
        assert(first % info->block_rows == 0);
        return {*info, data + first / info->block_rows * info->blocks_per_row(cols) * info->block_bytes, count, cols};
    }
    template <weight_format F> [[nodiscard]] constexpr bool holds() const noexcept { return info == &info_of<F>; }
    /// The typed view; only when `holds<F>()`.
    template <weight_format F> [[nodiscard]] weight_view<F, Space> as() const noexcept {
        assert(holds<F>());
        return {reinterpret_cast<const typename F::block*>(data), rows, cols};
    }
};

APERTUS_END_NAMESPACE
