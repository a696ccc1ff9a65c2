// SPDX-License-Identifier: Apache-2.0
//
// The weight formats that the library ships, as one type list. A model loader, the conformance tests and the tools walk
// it; adding a format is one header, one test, and one name here. Also: finding a format by its name, and packing and
// widening whole matrices and rows, which is all that a backend needs to run a format it has no special kernel for.
#pragma once

#include <apertus/core/type_list.hpp>
#include <apertus/core/weight_format.hpp>
#include <apertus/format/dense.hpp>
#include <apertus/format/gguf_blocks.hpp>
#include <apertus/format/int4.hpp>
#include <apertus/format/int8.hpp>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

using weight_formats = dense_formats::append<int8, int4, gguf_q8_0, gguf_q4_0, gguf_q4_1, gguf_q5_0, gguf_q5_1,
                                             gguf_q4_k, gguf_q5_k, gguf_q6_k>;

/// The format of that name in the list, upper and lower case alike, or null.
[[nodiscard]] constexpr const format_info* find_format(std::string_view name) noexcept {
    const format_info* found = nullptr;
    visit_named<weight_formats>(name, [&]<class Format>() { found = &info_of<Format>; });
    return found;
}

/// The names in the list, for messages.
[[nodiscard]] inline std::string format_names() { return names_of<weight_formats>(); }

/// Calls f(weight_view<Format>) with the format that the matrix has; false when it is not in the list.
template <class List = weight_formats, class Space, class F>
constexpr bool visit_format(const weight_view<any_format, Space>& w, F&& f) {
    return List::any_of([&]<class Format>() {
        if (!w.template holds<Format>()) return false;
        f(w.template as<Format>());
        return true;
    });
}

/// Widens row `row` to cols floats.
inline void unpack_row(const weight_view<any_format>& w, std::size_t row, float* out) noexcept {
    const format_info& f = *w.info;
    const std::byte* block = w.slice(row / f.block_rows * f.block_rows, 1).data;
    float values[largest_block];
    for (std::size_t first = 0; first < w.cols; first += f.block_size, block += f.block_bytes) {
        const std::size_t n = std::min(f.block_size, w.cols - first);
        if (f.block_rows == 1 && n == f.block_size) {
            f.unpack(block, out + first);
        } else {
            f.unpack(block, values);
            std::memcpy(out + first, values + row % f.block_rows * f.block_size, n * sizeof(float));
        }
    }
}

/// Narrows the rows [first, first + count) of a row-major matrix of `cols` columns, whose first row `in` points at, into
/// the blocks that hold them. `first` is a multiple of the format's block_rows, and so is `count` except at the end.
inline void pack_rows(const format_info& f, const float* in, std::size_t count, std::size_t cols,
                      std::byte* out) noexcept {
    float values[largest_block];
    for (std::size_t row = 0; row < count; row += f.block_rows) {
        const std::size_t rows = std::min(f.block_rows, count - row);
        for (std::size_t col = 0; col < cols; col += f.block_size, out += f.block_bytes) {
            const std::size_t n = std::min(f.block_size, cols - col);
            if (f.block_rows == 1 && n == f.block_size) {
                f.pack(in + row * cols + col, out);
                continue;
            }
            if (rows != f.block_rows || n != f.block_size) std::fill_n(values, f.block_weights(), 0.0F);
            for (std::size_t r = 0; r < rows; ++r) {
                std::memcpy(values + r * f.block_size, in + (row + r) * cols + col, n * sizeof(float));
            }
            f.pack(values, out);
        }
    }
}

/// A whole matrix: rows * cols floats (row-major) into info_of<Format>.bytes(rows, cols) bytes of blocks.
template <weight_format Format>
inline void pack_matrix(const float* in, std::size_t rows, std::size_t cols, typename Format::block* out) noexcept {
    pack_rows(info_of<Format>, in, rows, cols, reinterpret_cast<std::byte*>(out));
}

APERTUS_END_NAMESPACE
