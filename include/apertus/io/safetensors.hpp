// SPDX-License-Identifier: Apache-2.0
//
// One safetensors file, from a path (mapped or read), from bytes in memory or through a caller's reader callback.
// Opening validates the whole header (see safetensors_header.hpp). Mapped and in-memory tensors are viewed without a
// copy; from every source they can be read into the caller's memory, whole or in pieces.
#pragma once

#include <apertus/io/file.hpp>
#include <apertus/io/safetensors_header.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// A caller's way to bytes: fills the whole span from `offset` (bytes from the start of the file) or throws; whatever
/// it throws passes through unchanged. Called from the thread that asks for a tensor.
using read_callback = std::function<void(std::uint64_t offset, std::span<std::byte> out)>;

/// An opened safetensors file. Move-only, immutable after opening; reading from several threads is fine when the reader
/// callback is. Spans from `view` live as long as this object (or, for `from_bytes`, as the caller's memory).
class safetensors_file {
public:
    /// Maps the file at `path`. Throws error(io) or error(format).
    [[nodiscard]] static safetensors_file open(const std::string& path) {
        safetensors_file file(path);
        file.mapping_ = mapped_file(path);
        file.is_mapped_ = true;
        file.load_bytes(file.mapping_.bytes());
        return file;
    }

    /// Opens the file at `path` without mapping it: every read is a system call into the caller's memory.
    [[nodiscard]] static safetensors_file open_unmapped(const std::string& path) {
        auto handle = std::make_shared<readable_file>(path);
        const std::uint64_t size = handle->size();
        return from_reader([handle](std::uint64_t offset, std::span<std::byte> out) { handle->read(offset, out); },
                           size, path);
    }

    /// A file held in memory; `bytes` must outlive the object. `document` names it in errors.
    [[nodiscard]] static safetensors_file from_bytes(std::span<const std::byte> bytes,
                                                     std::string document = "safetensors in memory") {
        safetensors_file file(std::move(document));
        file.load_bytes(bytes);
        return file;
    }

    /// A file of `size` bytes behind a callback.
    [[nodiscard]] static safetensors_file from_reader(read_callback reader, std::uint64_t size,
                                                      std::string document = "safetensors reader") {
        safetensors_file file(std::move(document));
        if (!reader) fail(error_category::io, file.document_, "reader callback", "a function", "nothing");
        file.reader_ = std::move(reader);
        check_size(size, file.document_);
        std::array<std::byte, 8> prefix{};
        file.reader_(0, prefix);
        const std::uint64_t length = read_safetensors_header_length(prefix, size, file.document_);
        std::string text(static_cast<std::size_t>(length), '\0');
        file.reader_(8, std::as_writable_bytes(std::span(text)));
        file.set_header(parse_safetensors_header(text, size - 8 - length, file.document_));
        return file;
    }

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

    void load_bytes(std::span<const std::byte> bytes) {
        check_size(bytes.size(), document_);
        const std::uint64_t length = read_safetensors_header_length(bytes.first<8>(), bytes.size(), document_);
        const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length));
        set_header(parse_safetensors_header(text, bytes.size() - 8 - length, document_));
        bytes_ = bytes;
    }

    void set_header(safetensors_header header) {
        header_ = std::move(header);
        by_name_.resize(header_.tensors.size());
        std::iota(by_name_.begin(), by_name_.end(), std::uint32_t{0});
        const auto name = [this](std::uint32_t i) { return std::string_view(header_.tensors[i].name); };
        std::sort(by_name_.begin(), by_name_.end(),
                  [&](std::uint32_t a, std::uint32_t b) { return name(a) < name(b); });
        for (std::size_t i = 1; i < by_name_.size(); ++i) {
            if (name(by_name_[i - 1]) == name(by_name_[i])) {
                fail(error_category::format, document_, "tensor " + quoted(name(by_name_[i]), 200), "one of that name",
                     "two");
            }
        }
    }

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
