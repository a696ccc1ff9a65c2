// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file (versions 2 and 3, little-endian), from a path (mapped or read), from bytes in memory or through a
// caller's reader callback. Layout: "GGUF", version, number of tensors, number of metadata entries; the entries; name,
// extents, type and offset of every tensor; then, aligned, the data. Opening validates everything, so that whoever
// holds a `gguf_file` may trust every number in it. Tensor extents are turned round: ours are row-major, [rows, cols].
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
#pragma once

#include <apertus/io/byte_source.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/ggml_type.hpp>
#include <apertus/io/gguf_metadata.hpp>
#include <apertus/io/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Largest header (all that stands before the data) that we read, in bytes. Vocabularies take a few megabytes.
inline constexpr std::uint64_t gguf_max_header = 512u << 20;
/// Most tensors, and most metadata entries, of a file.
inline constexpr std::uint64_t gguf_max_entries = 1u << 20;
/// Longest key of a metadata entry and name of a tensor, in bytes; the specification's.
inline constexpr std::uint64_t gguf_max_key = 65535;
inline constexpr std::uint64_t gguf_max_tensor_name = 64;
/// Most dimensions of a tensor; the specification's.
inline constexpr std::uint32_t gguf_max_rank = 4;
/// Deepest nesting of arrays in metadata, and most nested arrays of a file.
inline constexpr std::size_t gguf_max_array_depth = 4;
inline constexpr std::size_t gguf_max_nested_arrays = 1u << 16;
/// Alignment of tensor data where general.alignment does not say otherwise.
inline constexpr std::uint64_t gguf_default_alignment = 32;

/// One tensor as the file describes it.
struct gguf_tensor {
    std::string name;
    ggml_type type{};
    std::vector<std::uint64_t> shape; ///< row-major, the last is the fastest; empty for a scalar
    std::uint64_t begin = 0;          ///< first byte, counted from the start of the file
    std::uint64_t end = 0;            ///< one past the last byte

    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return end - begin; }
    [[nodiscard]] std::uint64_t elements() const noexcept { return size_bytes() / type.block_bytes * type.block_size; }
};

/// An opened GGUF file: what `detail::tensor_file` offers (find, view, read ...), and its metadata.
class gguf_file : public detail::tensor_file<gguf_tensor> {
public:
    /// Maps the file at `path`. Throws error(io) or error(format).
    [[nodiscard]] static gguf_file open(const std::string& path) { return gguf_file(byte_source::mapped(path)); }
    /// Opens the file at `path` without mapping it: every read is a system call into the caller's memory.
    [[nodiscard]] static gguf_file open_unmapped(const std::string& path) {
        return gguf_file(byte_source::unmapped(path));
    }
    /// A file held in memory; `bytes` must outlive the object. `document` names it in errors.
    [[nodiscard]] static gguf_file from_bytes(std::span<const std::byte> bytes,
                                              std::string document = "GGUF in memory") {
        return gguf_file(byte_source::memory(bytes, std::move(document)));
    }
    /// A file of `size` bytes behind a callback.
    [[nodiscard]] static gguf_file from_reader(read_callback reader, std::uint64_t size,
                                               std::string document = "GGUF reader") {
        return gguf_file(byte_source::callback(std::move(reader), size, std::move(document)));
    }

    /// Reads and checks the header of the bytes behind `source`. Throws error(io) or error(format).
    APERTUS_DECLARATION explicit gguf_file(byte_source source);

    /// 2 or 3.
    [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
    [[nodiscard]] const gguf_metadata& metadata() const noexcept { return metadata_; }

private:
    std::uint32_t version_ = 0;
    gguf_metadata metadata_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/gguf_definitions.hpp>
#endif
