// SPDX-License-Identifier: Apache-2.0
//
// Where the bytes of a file come from: mapped, read on request, in the caller's memory or behind the caller's callback.
// One type, so that a file format is written once.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Move-only; reading from several threads is fine when the callback is. Spans of its bytes live as long as the object
/// (or, for `memory`, as the caller's bytes) and do not move with it.
class byte_source {
public:
    /// The file at `path`, mapped. Throws error(io).
    [[nodiscard]] static byte_source mapped(const std::string& path) {
        byte_source out(path);
        out.mapping_ = mapped_file(path);
        out.bytes_ = out.mapping_.bytes();
        out.size_ = out.bytes_.size();
        out.is_mapped_ = true;
        return out;
    }
    /// The file at `path`; every read is a system call into the caller's memory. Throws error(io).
    [[nodiscard]] static byte_source unmapped(const std::string& path) {
        const auto file = std::make_shared<const readable_file>(path);
        byte_source out = callback([file](std::uint64_t offset, std::span<std::byte> to) { file->read(offset, to); },
                                   file->size(), path);
        out.reads_side_by_side_ = readable_file::reads_side_by_side;
        return out;
    }
    /// Bytes that outlive the object. `document` names them in errors.
    [[nodiscard]] static byte_source memory(std::span<const std::byte> bytes, std::string document) {
        byte_source out(std::move(document));
        out.bytes_ = bytes;
        out.size_ = bytes.size();
        return out;
    }
    /// `size` bytes behind a callback. Throws error(io) when it is empty.
    [[nodiscard]] static byte_source callback(read_callback reader, std::uint64_t size, std::string document) {
        byte_source out(std::move(document));
        if (!reader) fail(error_category::io, out.document_, "reader callback", "a function", "nothing");
        out.reader_ = std::move(reader);
        out.size_ = size;
        return out;
    }

    /// The path, or the name that the caller gave.
    [[nodiscard]] const std::string& document() const noexcept { return document_; }
    [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
    /// Whether `bytes` has them: they are in memory or mapped.
    [[nodiscard]] bool zero_copy() const noexcept { return !reader_; }
    /// Whether the bytes are a mapping (and so `advise_mapped` may be used on them).
    [[nodiscard]] bool is_mapped() const noexcept { return is_mapped_; }
    /// Whether several threads may `read` at once. A caller's callback is only ever called by the thread that asks.
    [[nodiscard]] bool reads_side_by_side() const noexcept { return !reader_ || reads_side_by_side_; }
    /// All bytes; empty when they are behind a reader.
    [[nodiscard]] std::span<const std::byte> bytes() const noexcept { return bytes_; }
    /// Copies the bytes from `offset`, all of them before size(). Throws what the reader throws.
    void read(std::uint64_t offset, std::span<std::byte> out) const {
        if (out.empty()) return;
        if (reader_) {
            reader_(offset, out);
        } else {
            std::memcpy(out.data(), bytes_.data() + offset, out.size());
        }
    }

private:
    explicit byte_source(std::string document) : document_(std::move(document)) {}

    std::string document_;
    mapped_file mapping_;
    std::span<const std::byte> bytes_;
    read_callback reader_;
    std::uint64_t size_ = 0;
    bool is_mapped_ = false;
    bool reads_side_by_side_ = false;
};

APERTUS_END_NAMESPACE
