// SPDX-License-Identifier: Apache-2.0
//
// The weight formats that the library ships, as one type list. A model loader, the conformance tests and the tools walk
// it; adding a format is one header, one test, and one name here. Also: reading a block that may lie at any address, and
// widening any run of a row, which is all that a backend needs to run a format it has no special kernel for.
#pragma once

#include <apertus/format/dense.hpp>

#include <cassert>
#include <cstddef>
#include <cstring>

APERTUS_BEGIN_NAMESPACE

/// A list of types to iterate over at compile time.
template <class... Types> struct type_list {
    static constexpr std::size_t size = sizeof...(Types);

    /// Calls f.template operator()<T>() for every T in order.
    template <class F> static constexpr void for_each(F&& f) { (f.template operator()<Types>(), ...); }
};

using weight_formats = type_list<dense<float>, dense<bf16>, dense<f16>>;

/// *blocks, read as bytes: a file-mapped weight may lie at an address that its type would not allow.
template <weight_format Format>
[[nodiscard]] inline typename Format::block load_block(const typename Format::block* blocks) noexcept {
    typename Format::block out;
    std::memcpy(static_cast<void*>(&out), static_cast<const void*>(blocks), sizeof out);
    return out;
}

/// Widens `count` whole blocks to count * block_size floats.
template <weight_format Format>
inline void unpack_blocks(const typename Format::block* blocks, std::size_t count, float* out) noexcept {
    for (std::size_t b = 0; b < count; ++b) {
        const auto block = load_block<Format>(blocks + b);
        Format::unpack(block, out + b * Format::block_size);
    }
}

/// Narrows rows * cols floats (row-major; cols a multiple of block_size) into rows * cols / block_size blocks.
template <weight_format Format>
inline void pack_matrix(const float* in, std::size_t rows, std::size_t cols, typename Format::block* out) noexcept {
    assert(cols % Format::block_size == 0);
    const std::size_t count = rows * (cols / Format::block_size);
    for (std::size_t b = 0; b < count; ++b) Format::pack(in + b * Format::block_size, out[b]);
}

APERTUS_END_NAMESPACE
