// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/safetensors.hpp that open a file.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/safetensors_header.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <utility>

APERTUS_BEGIN_NAMESPACE

APERTUS_DEFINITION safetensors_file safetensors_file::open(const std::string& path) {
    safetensors_file file(path);
    file.mapping_ = mapped_file(path);
    file.is_mapped_ = true;
    file.load_bytes(file.mapping_.bytes());
    return file;
}

APERTUS_DEFINITION safetensors_file safetensors_file::open_unmapped(const std::string& path) {
    auto handle = std::make_shared<readable_file>(path);
    const std::uint64_t size = handle->size();
    return from_reader([handle](std::uint64_t offset, std::span<std::byte> out) { handle->read(offset, out); }, size,
                       path);
}

APERTUS_DEFINITION safetensors_file safetensors_file::from_bytes(std::span<const std::byte> bytes,
                                                                 std::string document) {
    safetensors_file file(std::move(document));
    file.load_bytes(bytes);
    return file;
}

APERTUS_DEFINITION safetensors_file safetensors_file::from_reader(read_callback reader, std::uint64_t size,
                                                                  std::string document) {
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

APERTUS_DEFINITION void safetensors_file::load_bytes(std::span<const std::byte> bytes) {
    check_size(bytes.size(), document_);
    const std::uint64_t length = read_safetensors_header_length(bytes.first<8>(), bytes.size(), document_);
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + 8, static_cast<std::size_t>(length));
    set_header(parse_safetensors_header(text, bytes.size() - 8 - length, document_));
    bytes_ = bytes;
}

APERTUS_DEFINITION void safetensors_file::set_header(safetensors_header header) {
    header_ = std::move(header);
    by_name_.resize(header_.tensors.size());
    std::iota(by_name_.begin(), by_name_.end(), std::uint32_t{0});
    const auto name = [this](std::uint32_t i) { return std::string_view(header_.tensors[i].name); };
    std::sort(by_name_.begin(), by_name_.end(), [&](std::uint32_t a, std::uint32_t b) { return name(a) < name(b); });
    for (std::size_t i = 1; i < by_name_.size(); ++i) {
        if (name(by_name_[i - 1]) == name(by_name_[i])) {
            fail(error_category::format, document_, "tensor " + quoted(name(by_name_[i]), 200), "one of that name",
                 "two");
        }
    }
}

APERTUS_END_NAMESPACE
