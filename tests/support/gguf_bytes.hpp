// SPDX-License-Identifier: Apache-2.0
//
// Writes GGUF files, good and bad ones: every number that a correct file derives from another can be set by itself.
#pragma once

#include <apertus/io/gguf_checkpoint.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace test_support {

/// The bytes of an integer or float, little-endian.
template <class T> std::string little_endian(T value) {
    std::string out(sizeof(T), '\0');
    std::memcpy(out.data(), &value, sizeof(T));
    if constexpr (std::endian::native == std::endian::big) std::reverse(out.begin(), out.end());
    return out;
}

inline std::string gguf_string(std::string_view text) { return little_endian(std::uint64_t{text.size()}).append(text); }

/// Collects metadata and tensors; `bytes()` is the file.
class gguf_writer {
public:
    std::string magic = "GGUF";
    std::uint32_t version = 3;
    std::uint64_t alignment = 32; ///< of the data; add("general.alignment", ...) says it in the file
    std::uint64_t extra_tensors = 0, extra_entries = 0; ///< added to the counts

    /// An entry with the number of its type and its bytes.
    gguf_writer& raw(std::string_view key, std::uint32_t type, std::string_view bytes) {
        entries_ += gguf_string(key) + little_endian(type) + std::string(bytes);
        ++entry_count_;
        return *this;
    }
    gguf_writer& add(std::string_view key, std::uint32_t value) { return raw(key, 4, little_endian(value)); }
    gguf_writer& add(std::string_view key, float value) { return raw(key, 6, little_endian(value)); }
    gguf_writer& add(std::string_view key, bool value) { return raw(key, 7, std::string(1, value ? '\1' : '\0')); }
    gguf_writer& add(std::string_view key, std::string_view value) { return raw(key, 8, gguf_string(value)); }
    gguf_writer& add(std::string_view key, const char* value) { return add(key, std::string_view(value)); }
    gguf_writer& add(std::string_view key, const std::vector<std::string>& values) {
        std::string bytes = little_endian(std::uint32_t{8}) + little_endian(std::uint64_t{values.size()});
        for (const std::string& v : values) bytes += gguf_string(v);
        return raw(key, 9, bytes);
    }
    template <class T> gguf_writer& add_numbers(std::string_view key, const std::vector<T>& values) {
        static_assert(std::is_same_v<T, float> || std::is_same_v<T, std::int32_t> || std::is_same_v<T, std::uint32_t>);
        const std::uint32_t type = std::is_same_v<T, float> ? 6 : std::is_same_v<T, std::int32_t> ? 5 : 4;
        std::string bytes = little_endian(type) + little_endian(std::uint64_t{values.size()});
        for (const T v : values) bytes += little_endian(v);
        return raw(key, 9, bytes);
    }

    /// A tensor with ggml's order of extents (the fastest first); its data goes where the last one ended, aligned.
    gguf_writer& tensor(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& extents,
                        std::string_view data) {
        pad(data_);
        const std::uint64_t offset = data_.size();
        data_ += data;
        return tensor_info(name, type, extents, offset);
    }
    /// Only the description.
    gguf_writer& tensor_info(std::string_view name, std::uint32_t type, const std::vector<std::uint64_t>& extents,
                             std::uint64_t offset) {
        tensors_ += gguf_string(name) + little_endian(static_cast<std::uint32_t>(extents.size()));
        for (const std::uint64_t e : extents) tensors_ += little_endian(e);
        tensors_ += little_endian(type) + little_endian(offset);
        ++tensor_count_;
        return *this;
    }

    [[nodiscard]] std::string bytes() const {
        std::string out = magic + little_endian(version) + little_endian(tensor_count_ + extra_tensors) +
                          little_endian(entry_count_ + extra_entries) + entries_ + tensors_;
        if (!data_.empty()) pad(out);
        return out + data_;
    }

private:
    void pad(std::string& text) const { text.resize((text.size() + alignment - 1) / alignment * alignment, '\0'); }

    std::string entries_, tensors_, data_;
    std::uint64_t entry_count_ = 0, tensor_count_ = 0;
};

/// The file "m.gguf" with those bytes, which must outlive it.
inline apertus::gguf_checkpoint files_of(const std::string& bytes) {
    std::vector<apertus::gguf_file> files;
    files.push_back(apertus::gguf_file::from_bytes(std::as_bytes(std::span(bytes)), "m.gguf"));
    return apertus::gguf_checkpoint(std::move(files));
}

} // namespace test_support
