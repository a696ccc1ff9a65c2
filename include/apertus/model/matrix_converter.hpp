// SPDX-License-Identifier: Apache-2.0
//
// A matrix from one weight format to another, a band of rows at a time: what packing while loading consists of.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/format/widen.hpp>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <numeric>
#include <optional>
#include <span>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// The element type of a dense format, or nothing.
[[nodiscard]] inline std::optional<dtype> element_type(const format_info& f) noexcept {
    if (&f == &info_of<dense<float>>) return dtype::f32;
    if (&f == &info_of<dense<f16>>) return dtype::f16;
    if (&f == &info_of<dense<bf16>>) return dtype::bf16;
    return std::nullopt;
}
[[nodiscard]] inline const format_info& dense_format(dtype type) noexcept {
    return type == dtype::f32 ? info_of<dense<float>> : type == dtype::f16 ? info_of<dense<f16>> : info_of<dense<bf16>>;
}

template <class T> void narrow_elements(const float* in, std::size_t count, std::byte* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        const T value(in[i]);
        std::memcpy(out + i * sizeof(T), &value, sizeof(T));
    }
}

/// Matrices from one format to another, a band of rows at a time (any thread, any order of bands).
class matrix_converter {
public:
    /// `from` has one row per block. `importance` is [cols], or empty when all columns are alike; a format that cannot be
    /// told passes it over. Throws std::bad_alloc.
    matrix_converter(const format_info& from, const format_info& to, std::size_t cols,
                     std::span<const float> importance = {})
        : from_(from), to_(to), source_type_(element_type(from)), target_type_(element_type(to)), cols_(cols),
          stripe_(std::lcm(from.block_size, to.block_size)) {
        if (importance.empty() || to.pack_weighted == nullptr) return;
        importance_.resize(to.blocks_per_row(cols) * to.block_size, 0.0F); // columns that do not exist do not matter
        const double mean = std::accumulate(importance.begin(), importance.end(), 0.0) / static_cast<double>(cols);
        for (std::size_t k = 0; k < cols; ++k) {
            importance_[k] = mean > 0.0 ? static_cast<float>(importance[k] / mean) + least_importance : 1.0F;
        }
    }

    /// Whether a stripe of columns that is whole blocks of both formats fits into the scratch of a band.
    [[nodiscard]] bool possible() const noexcept {
        return from_.block_rows == 1 && stripe_ * to_.block_rows <= largest_block;
    }

    /// Rows [first, first + count), first a multiple of the target's block_rows, of the matrix at `in` into that at `out`.
    void operator()(const std::byte* in, std::size_t first, std::size_t count, std::byte* out) const noexcept {
        const std::size_t row_bytes = from_.blocks_per_row(cols_) * from_.block_bytes;
        const std::size_t band_bytes = to_.blocks_per_row(cols_) * to_.block_bytes;
        // dense rows come in longer stripes: a call per block of one element would cost more than the work
        const std::size_t stripe = target_type_ ? (stripe_ < 2048 ? 2048 / stripe_ * stripe_ : stripe_) : stripe_;
        for (std::size_t row = first; row < first + count; row += to_.block_rows) {
            const std::size_t rows = std::min(to_.block_rows, first + count - row);
            std::byte* block = out + row / to_.block_rows * band_bytes;
            for (std::size_t col = 0; col < cols_; col += stripe) {
                float values[largest_block];
                const std::size_t width = std::min(stripe, cols_ - col);
                const std::size_t padded = (width + to_.block_size - 1) / to_.block_size * to_.block_size;
                if (rows < to_.block_rows || width < padded) std::fill_n(values, to_.block_rows * padded, 0.0F);
                for (std::size_t r = 0; r < rows; ++r)
                    unpack(in + (row + r) * row_bytes, col, width, values + r * padded);
                block = pack(values, col, padded, block);
            }
        }
    }

private:
    /// Of the mean: what was zero in the text that was measured need not be zero in the next one. SmolLM2, divergence of
    /// int4: 0.0131 with it, 0.0133 without; powers of the importance instead: 3/4 0.0134, 1/2 0.0149.
    static constexpr float least_importance = 0.01F;

    void unpack(const std::byte* row, std::size_t col, std::size_t width, float* out) const noexcept {
        if (source_type_) {
            // A band's rows are many short streams, which the hardware's prefetcher gives up on: a tenth faster with this.
            const std::byte* next = row + (col + width) * from_.block_bytes;
            for (std::size_t i = 0; i < width * from_.block_bytes; i += 64) __builtin_prefetch(next + i);
            widen(*source_type_, row + col * from_.block_bytes, width, out);
            return;
        }
        const std::byte* block = row + col / from_.block_size * from_.block_bytes;
        std::size_t i = 0;
        for (; i + from_.block_size <= width; i += from_.block_size, block += from_.block_bytes) {
            from_.unpack(block, out + i);
        }
        if (i < width) {
            float rest[largest_block];
            from_.unpack(block, rest);
            std::copy_n(rest, width - i, out + i);
        }
    }
    /// values[block_rows, width], from column `first`, width whole blocks; returns where the next stripe goes.
    std::byte* pack(const float* values, std::size_t first, std::size_t width, std::byte* out) const noexcept {
        if (target_type_) {
            switch (*target_type_) {
            case dtype::f32: narrow_elements<float>(values, width, out); break;
            case dtype::f16: narrow_elements<f16>(values, width, out); break;
            default: narrow_elements<bf16>(values, width, out); break;
            }
            return out + width * to_.block_bytes;
        }
        for (std::size_t col = 0; col < width; col += to_.block_size, out += to_.block_bytes) {
            if (to_.block_rows == 1 || width == to_.block_size) {
                pack_block(values + col, first + col, out);
                continue;
            }
            float block[largest_block];
            for (std::size_t r = 0; r < to_.block_rows; ++r) {
                std::copy_n(values + r * width + col, to_.block_size, block + r * to_.block_size);
            }
            pack_block(block, first + col, out);
        }
        return out;
    }
    void pack_block(const float* values, std::size_t first, std::byte* out) const noexcept {
        if (importance_.empty()) to_.pack(values, out);
        else to_.pack_weighted(values, importance_.data() + first, out);
    }

    const format_info& from_;
    const format_info& to_;
    std::optional<dtype> source_type_;
    std::optional<dtype> target_type_;
    std::size_t cols_;
    std::size_t stripe_;
    std::vector<float> importance_; // [whole blocks of columns], or empty
};

} // namespace detail

APERTUS_END_NAMESPACE
