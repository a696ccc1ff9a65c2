// SPDX-License-Identifier: Apache-2.0
//
// One safetensors file, from a path (mapped or read), from bytes in memory or through a caller's reader callback.
// Opening validates the whole header (see safetensors_header.hpp). Mapped and in-memory tensors are viewed without a
// copy; from every source they can be read into the caller's memory, whole or in pieces.
#pragma once

#include <apertus/io/file.hpp>
#include <apertus/io/safetensors_header.hpp>

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

/// An opened safetensors file. Move-only, immutable after opening; reading from several threads is fine when the reader
/// callback is. Spans from `view` live as long as this object (or, for `from_bytes`, as the caller's memory).
class safetensors_file {
public:
    /// Maps the file at `path`. Throws error(io) or error(format).
    APERTUS_DECLARATION [[nodiscard]] static safetensors_file open(const std::string& path);

    /// Opens the file at `path` without mapping it: every read is a system call into the caller's memory.
    APERTUS_DECLARATION [[nodiscard]] static safetensors_file open_unmapped(const std::string& path);

    /// A file held in memory; `bytes` must outlive the object. `document` names it in errors.
    APERTUS_DECLARATION [[nodiscard]] static safetensors_file
    from_bytes(std::span<const std::byte> bytes, std::string document = "safetensors in memory");

    /// A file of `size` bytes behind a callback.
    APERTUS_DECLARATION [[nodiscard]] static safetensors_file from_reader(read_callback reader, std::uint64_t size,
                                                                          std::string document = "safetensors reader");

    /// The path, or the name given to from_bytes/from_reader.
    [[nodiscard]] const std::string& document() const noexcept { return document_; }
    /// All tensors in file order.
    [[nodiscard]] std::span<const tensor_entry> tensors() const noexcept { return header_.tensors; }
    /// "__metadata__" in file order.
    [[nodiscard]] std::span<const std::pair<std::string, std::string>> metadata() const noexcept {
        return header_.metadata;
    }

    /// The tensor of that name, or nullptr.
    [[nodiscard]] const tensor_entry* find(std::string_view name) const noexcept {
        const auto at =
            std::lower_bound(by_name_.begin(), by_name_.end(), name, [this](std::uint32_t i, std::string_view n) {
                return std::string_view(header_.tensors[i].name) < n;
            });
        if (at == by_name_.end() || header_.tensors[*at].name != name) return nullptr;
        return &header_.tensors[*at];
    }

    /// Whether `view` works: the bytes are in memory or mapped.
    [[nodiscard]] bool zero_copy() const noexcept { return !reader_; }
    /// Whether the bytes are a mapping (and so `advise_mapped` may be used on views).
    [[nodiscard]] bool is_mapped() const noexcept { return is_mapped_; }

    /// The bytes of one of this file's tensors, without a copy. The address may be unaligned for the element type (the
    /// format does not promise alignment): check with `is_aligned`, copy with `read` otherwise.
    /// Throws error(io) when the source is a reader.
    [[nodiscard]] std::span<const std::byte> view(const tensor_entry& tensor) const {
        if (!zero_copy()) {
            fail(error_category::io, document_, "tensor " + quoted(tensor.name, 200),
                 "a mapped or in-memory file for view()", "a reader; use read()");
        }
        return bytes_.subspan(static_cast<std::size_t>(tensor.begin), static_cast<std::size_t>(tensor.size_bytes()));
    }

    /// Copies bytes [offset, offset + out.size()) of the tensor into `out`. Throws error(shape) when they are not all
    /// inside the tensor, and whatever the source throws.
    void read(const tensor_entry& tensor, std::span<std::byte> out, std::uint64_t offset = 0) const {
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
    explicit safetensors_file(std::string document) : document_(std::move(document)) {}

    static void check_size(std::uint64_t size, std::string_view document) {
        if (size < 8) fail(error_category::format, document, "size", "at least 8 bytes", std::to_string(size));
    }

    APERTUS_DECLARATION void load_bytes(std::span<const std::byte> bytes);

    APERTUS_DECLARATION void set_header(safetensors_header header);

    std::string document_;
    mapped_file mapping_;
    std::span<const std::byte> bytes_;
    read_callback reader_;
    safetensors_header header_;
    std::vector<std::uint32_t> by_name_; // indices of header_.tensors, sorted by name
    bool is_mapped_ = false;
};

/// Whether `bytes` starts at an address fit for elements of `type`.
[[nodiscard]] inline bool is_aligned(std::span<const std::byte> bytes, dtype type) noexcept {
    return reinterpret_cast<std::uintptr_t>(bytes.data()) % size_of(type) == 0;
}

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/safetensors_definitions.hpp>
#endif
