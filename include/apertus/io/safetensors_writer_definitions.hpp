// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/safetensors_writer.hpp.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/core/error.hpp>
#include <apertus/io/json.hpp>
#include <apertus/io/output_file.hpp>
#include <apertus/io/safetensors_writer.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// A JSON string.
[[nodiscard]] inline std::string json_quoted(const std::string& text) {
    return json(text).dump(-1, ' ', false, json::error_handler_t::replace);
}

/// Length and text of the header. Written piece by piece: an ordered JSON object would compare every key with all others.
[[nodiscard]] inline std::string safetensors_header_text(std::span<const std::pair<std::string, std::string>> metadata,
                                                         std::span<const memory_tensor> tensors) {
    constexpr std::size_t alignment = 4096;
    std::string text = "{";
    if (!metadata.empty()) {
        text += "\"__metadata__\":{";
        for (const auto& [key, value] : metadata) {
            if (text.back() != '{') text += ',';
            text.append(json_quoted(key)).append(":").append(json_quoted(value));
        }
        text += '}';
    }
    std::uint64_t at = 0;
    for (const memory_tensor& t : tensors) {
        if (text.size() > 1) text += ',';
        std::string shape = describe_shape(t.shape);
        text.append(json_quoted(t.name)).append(":{\"dtype\":\"").append(to_string(t.dtype)).append("\",\"shape\":");
        text.append(shape).append(",\"data_offsets\":[").append(std::to_string(at)).append(",");
        at += t.bytes.size();
        text.append(std::to_string(at)).append("]}");
    }
    text += '}';
    text.resize((8 + text.size() + alignment - 1) / alignment * alignment - 8, ' ');
    std::string out;
    for (int i = 0; i < 8; ++i) out += static_cast<char>(static_cast<unsigned char>(text.size() >> (8 * i) & 0xffU));
    return out + text;
}

} // namespace detail

APERTUS_DEFINITION void write_safetensors(const std::string& path,
                                          std::span<const std::pair<std::string, std::string>> metadata,
                                          std::span<const memory_tensor> tensors, const cancellation& cancel) {
    (void)checkpoint::from_tensors(tensors); // sizes and names
    const std::string header = detail::safetensors_header_text(metadata, tensors);
    if (header.size() - 8 > safetensors_max_header) {
        fail(error_category::resource, path, "header", "at most " + std::to_string(safetensors_max_header) + " bytes",
             std::to_string(header.size() - 8));
    }
    output_file file(path);
    file.write(std::as_bytes(std::span(header)));
    constexpr std::size_t piece = std::size_t{64} << 20; // between looks at the stop token
    for (const memory_tensor& t : tensors) {
        for (std::size_t at = 0; at < t.bytes.size(); at += piece) {
            cancel.throw_if_requested("write");
            file.write(t.bytes.subspan(at, std::min(piece, t.bytes.size() - at)));
        }
    }
    file.commit();
}

APERTUS_END_NAMESPACE
