// SPDX-License-Identifier: Apache-2.0
//
// Safetensors files as strings, well-formed or not: a header text, as given, in front of the data.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace test_support {

/// 8 bytes of little-endian length, the header, the data.
inline std::string safetensors_bytes(std::string_view header, std::string_view data, std::uint64_t length) {
    std::string out;
    for (int i = 0; i < 8; ++i) out += static_cast<char>(length >> (8 * i) & 0xff);
    return out.append(header).append(data);
}
inline std::string safetensors_bytes(std::string_view header, std::string_view data) {
    return safetensors_bytes(header, data, header.size());
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
    return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
inline std::string as_text(std::span<const std::byte> bytes) {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

} // namespace test_support
