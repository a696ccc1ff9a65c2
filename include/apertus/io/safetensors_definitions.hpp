// SPDX-License-Identifier: Apache-2.0
//
// How io/safetensors.hpp opens a file.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/byte_source.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/safetensors_header.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

APERTUS_BEGIN_NAMESPACE

APERTUS_DEFINITION safetensors_file::safetensors_file(byte_source from) : tensor_file(std::move(from)) {
    constexpr std::uint64_t prefix_size = 8;
    const std::uint64_t size = source().size();
    if (size < prefix_size) fail(error_category::format, document(), "size", "at least 8 bytes", std::to_string(size));
    std::array<std::byte, prefix_size> prefix{};
    source().read(0, prefix);
    const auto length = static_cast<std::size_t>(read_safetensors_header_length(prefix, size, document()));
    std::string copy;
    std::string_view text;
    if (zero_copy()) {
        text = {reinterpret_cast<const char*>(source().bytes().data()) + prefix_size, length};
    } else {
        copy.resize(length);
        source().read(prefix_size, std::as_writable_bytes(std::span(copy)));
        text = copy;
    }
    safetensors_header header = parse_safetensors_header(text, size - prefix_size - length, document());
    metadata_ = std::move(header.metadata);
    set_tensors(std::move(header.tensors));
}

APERTUS_END_NAMESPACE
