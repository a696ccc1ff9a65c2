// SPDX-License-Identifier: Apache-2.0
//
// The header of a safetensors file: JSON text -> checked table of tensors.
// Format: 8 bytes little-endian header length N, N bytes of JSON (first byte '{', padded with spaces), then the data.
// The JSON maps names to {dtype, shape, data_offsets: [begin, end)} relative to the data, plus "__metadata__", a map of
// strings. The data must be covered completely, without overlap and without holes. Everything is validated here, so
// that whoever holds a `safetensors_header` may trust every number in it.
// Source: https://github.com/huggingface/safetensors (README, "Format").
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Longest header that the format allows, in bytes.
inline constexpr std::uint64_t safetensors_max_header = 100'000'000;
/// Most dimensions of a tensor that we accept (the format sets no limit; model weights have at most five).
inline constexpr std::size_t safetensors_max_rank = 16;

/// One tensor as its header describes it.
struct tensor_entry {
    std::string name;
    apertus::dtype dtype = apertus::dtype::f32;
    std::vector<std::uint64_t> shape; ///< row-major; empty for a scalar
    std::uint64_t begin = 0;          ///< first byte, counted from the start of the file (or of the tensor's own bytes)
    std::uint64_t end = 0;            ///< one past the last byte

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return end - begin; }
    [[nodiscard]] std::uint64_t elements() const noexcept { return size_bytes() / size_of(dtype); }
};

/// "[2, 3]"
[[nodiscard]] inline std::string describe_shape(std::span<const std::uint64_t> shape) {
    std::string text = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) {
        if (i != 0) text += ", ";
        text += std::to_string(shape[i]);
    }
    return text + "]";
}

/// The element type of a safetensors dtype name, or nothing.
[[nodiscard]] inline std::optional<dtype> parse_dtype(std::string_view name) noexcept {
    for (const dtype type : {dtype::f32, dtype::f16, dtype::bf16, dtype::f64, dtype::i64, dtype::i32, dtype::i16,
                             dtype::i8, dtype::u64, dtype::u32, dtype::u16, dtype::u8, dtype::boolean}) {
        if (name == to_string(type)) return type;
    }
    return std::nullopt;
}

/// Bytes of a tensor of that element type and shape, or nothing when the product does not fit 63 bits.
[[nodiscard]] inline std::optional<std::uint64_t> checked_size(dtype type,
                                                               std::span<const std::uint64_t> shape) noexcept {
    static constexpr std::uint64_t limit = ~std::uint64_t{0} >> 1;
    if (std::find(shape.begin(), shape.end(), 0u) != shape.end()) return 0;
    std::uint64_t bytes = size_of(type);
    for (const std::uint64_t extent : shape) {
        if (bytes > limit / extent) return std::nullopt;
        bytes *= extent;
    }
    return bytes;
}

/// A validated header. `tensors` is in file order; offsets count from the start of the file.
struct safetensors_header {
    std::vector<tensor_entry> tensors;
    std::vector<std::pair<std::string, std::string>> metadata; ///< "__metadata__" in file order
};

/// Length of the JSON header from the first 8 bytes of a file of `file_size` bytes.
/// Throws error(format) when the file cannot hold such a header.
[[nodiscard]] inline std::uint64_t read_safetensors_header_length(std::span<const std::byte, 8> prefix,
                                                                  std::uint64_t file_size, std::string_view document) {
    std::uint64_t length = 0;
    for (std::size_t i = 8; i-- > 0;) length = length << 8 | std::to_integer<std::uint64_t>(prefix[i]);
    const std::uint64_t room = file_size - 8;
    if (length < 2 || length > safetensors_max_header || length > room) {
        fail(error_category::format, document, "header length (bytes 0 to 7)",
             "2 to " + std::to_string(std::min(room, safetensors_max_header)), std::to_string(length));
    }
    return length;
}

/// Parses and validates the JSON `text` of a header whose file has `data_size` bytes after it.
/// Throws error(format) naming `document`, the tensor, the expected and the found.
APERTUS_DECLARATION [[nodiscard]] safetensors_header
parse_safetensors_header(std::string_view text, std::uint64_t data_size, std::string_view document);

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/safetensors_header_definitions.hpp>
#endif
