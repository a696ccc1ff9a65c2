// SPDX-License-Identifier: Apache-2.0
//
// One GGUF file (versions 2 and 3, little-endian), from a path (mapped or read), from bytes in memory or through a
// caller's reader callback. Layout: "GGUF", version, number of tensors, number of metadata entries; the entries; name,
// extents, type and offset of every tensor; then, aligned, the data. Opening validates everything, so that whoever
// holds a `gguf_file` may trust every number in it. Tensor extents are turned round: ours are row-major, [rows, cols].
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/ggml_type.hpp>
#include <apertus/io/gguf_metadata.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
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

/// An opened GGUF file. Move-only, immutable after opening; reading from several threads is fine when the reader
/// callback is. Spans from `view` live as long as this object (or, for `from_bytes`, as the caller's memory).
class gguf_file {
public:
    /// Maps the file at `path`. Throws error(io) or error(format).
    APERTUS_DECLARATION [[nodiscard]] static gguf_file open(const std::string& path);

    /// Opens the file at `path` without mapping it: every read is a system call into the caller's memory.
    APERTUS_DECLARATION [[nodiscard]] static gguf_file open_unmapped(const std::string& path);

    /// A file held in memory; `bytes` must outlive the object. `document` names it in errors.
    APERTUS_DECLARATION [[nodiscard]] static gguf_file from_bytes(std::span<const std::byte> bytes,
                                                                  std::string document = "GGUF in memory");

    /// A file of `size` bytes behind a callback.
    APERTUS_DECLARATION [[nodiscard]] static gguf_file from_reader(read_callback reader, std::uint64_t size,
                                                                   std::string document = "GGUF reader");

    /// The path, or the name given to from_bytes/from_reader.
    [[nodiscard]] const std::string& document() const noexcept { return document_; }
    /// 2 or 3.
    [[nodiscard]] std::uint32_t version() const noexcept { return version_; }
    [[nodiscard]] const gguf_metadata& metadata() const noexcept { return metadata_; }
    /// All tensors in file order.
    [[nodiscard]] std::span<const gguf_tensor> tensors() const noexcept { return tensors_; }

    /// The tensor of that name, or nullptr.
    [[nodiscard]] const gguf_tensor* find(std::string_view name) const noexcept {
        const auto at =
            std::lower_bound(by_name_.begin(), by_name_.end(), name, [this](std::uint32_t i, std::string_view n) {
                return std::string_view(tensors_[i].name) < n;
            });
        if (at == by_name_.end() || tensors_[*at].name != name) return nullptr;
        return &tensors_[*at];
    }

    /// Whether `view` works: the bytes are in memory or mapped.
    [[nodiscard]] bool zero_copy() const noexcept { return !reader_; }
    /// Whether the bytes are a mapping (and so `advise_mapped` may be used on views).
    [[nodiscard]] bool is_mapped() const noexcept { return is_mapped_; }

    /// The bytes of one of this file's tensors, without a copy. Throws error(io) when the source is a reader.
    [[nodiscard]] std::span<const std::byte> view(const gguf_tensor& tensor) const {
        if (!zero_copy()) {
            fail(error_category::io, document_, "tensor " + quoted(tensor.name, 200),
                 "a mapped or in-memory file for view()", "a reader; use read()");
        }
        return bytes_.subspan(static_cast<std::size_t>(tensor.begin), static_cast<std::size_t>(tensor.size_bytes()));
    }

    /// Copies bytes [offset, offset + out.size()) of the tensor into `out`. Throws error(shape) when they are not all
    /// inside the tensor, and whatever the source throws.
    void read(const gguf_tensor& tensor, std::span<std::byte> out, std::uint64_t offset = 0) const {
        if (offset > tensor.size_bytes() || out.size() > tensor.size_bytes() - offset) {
            fail(error_category::shape, document_, "read from tensor " + quoted(tensor.name, 200),
                 "a range inside its " + std::to_string(tensor.size_bytes()) + " bytes",
                 std::to_string(out.size()) + " bytes at " + std::to_string(offset));
        }
        if (out.empty()) return;
        if (reader_) {
            reader_(tensor.begin + offset, out);
        } else {
            std::memcpy(out.data(), bytes_.data() + tensor.begin + offset, out.size());
        }
    }

private:
    explicit gguf_file(std::string document) : document_(std::move(document)) {}

    /// Reads and checks the header of the `size` bytes behind `bytes_` or `reader_`.
    APERTUS_DECLARATION void load(std::uint64_t size);

    std::string document_;
    mapped_file mapping_;
    std::span<const std::byte> bytes_;
    read_callback reader_;
    std::uint32_t version_ = 0;
    gguf_metadata metadata_;
    std::vector<gguf_tensor> tensors_;
    std::vector<std::uint32_t> by_name_; // indices of tensors_, sorted by name
    bool is_mapped_ = false;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/gguf_definitions.hpp>
#endif
