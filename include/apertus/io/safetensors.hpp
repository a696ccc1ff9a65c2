// SPDX-License-Identifier: Apache-2.0
//
// One safetensors file, from a path (mapped or read), from bytes in memory or through a caller's reader callback.
// Opening validates the whole header (see safetensors_header.hpp). Mapped and in-memory tensors are viewed without a
// copy; from every source they can be read into the caller's memory, whole or in pieces.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/io/byte_source.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/safetensors_header.hpp>
#include <apertus/io/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// An opened safetensors file: what `detail::tensor_file` offers (find, view, read ...), and its metadata.
class safetensors_file : public detail::tensor_file<tensor_entry> {
public:
    /// Maps the file at `path`. Throws error(io) or error(format).
    [[nodiscard]] static safetensors_file open(const std::string& path) {
        return safetensors_file(byte_source::mapped(path));
    }
    /// Opens the file at `path` without mapping it: every read is a system call into the caller's memory.
    [[nodiscard]] static safetensors_file open_unmapped(const std::string& path) {
        return safetensors_file(byte_source::unmapped(path));
    }
    /// A file held in memory; `bytes` must outlive the object. `document` names it in errors.
    [[nodiscard]] static safetensors_file from_bytes(std::span<const std::byte> bytes,
                                                     std::string document = "safetensors in memory") {
        return safetensors_file(byte_source::memory(bytes, std::move(document)));
    }
    /// A file of `size` bytes behind a callback.
    [[nodiscard]] static safetensors_file from_reader(read_callback reader, std::uint64_t size,
                                                      std::string document = "safetensors reader") {
        return safetensors_file(byte_source::callback(std::move(reader), size, std::move(document)));
    }

    /// Reads and checks the header of the bytes behind `source`. Throws error(io) or error(format).
    APERTUS_DECLARATION explicit safetensors_file(byte_source source);

    /// "__metadata__" in file order.
    [[nodiscard]] std::span<const std::pair<std::string, std::string>> metadata() const noexcept { return metadata_; }

private:
    std::vector<std::pair<std::string, std::string>> metadata_;
};

/// Whether `bytes` starts at an address fit for elements of `type`.
[[nodiscard]] inline bool is_aligned(std::span<const std::byte> bytes, dtype type) noexcept {
    return reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(type) == 0;
}

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/safetensors_definitions.hpp>
#endif
