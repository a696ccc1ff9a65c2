// SPDX-License-Identifier: Apache-2.0
//
// GGUF: whatever the bytes, the reader either throws apertus::error or describes metadata and tensors whose bytes can
// all be read, the same from memory and through a reader. Asking for a value of any kind gives it or a typed error.
#include <apertus/io/gguf.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

void use_array(const apertus::gguf_array& array, std::size_t depth) {
    check(depth <= apertus::gguf_max_array_depth);
    if (array.type == apertus::gguf_type::string) {
        std::size_t total = 0;
        for (std::size_t i = 0; i < array.size(); ++i) total += array.text(i).size();
        check(total == array.bytes.size());
    } else if (array.type == apertus::gguf_type::array) {
        check(array.arrays.size() == array.size());
        for (const apertus::gguf_array& inner : array.arrays) use_array(inner, depth + 1);
    } else {
        check(array.bytes.size() == array.size() * size_of(array.type));
        for (std::size_t i = 0; i < array.size(); ++i) (void)array.scalar(i);
    }
}

void use_metadata(const apertus::gguf_metadata& metadata) {
    for (const auto& entry : metadata.entries()) {
        const auto& key = entry.first; // not a structured binding: clang 14 captures none
        const auto& value = entry.second;
        check(metadata.find(key) == &value);
        if (const auto* const array = std::get_if<apertus::gguf_array>(&value.content)) use_array(*array, 1);
        check(!describe(value).empty());
        int kinds = 0;
        const auto ask = [&](auto&& question) {
            try {
                question();
                ++kinds;
            } catch (const apertus::error&) {
            }
        };
        ask([&] { (void)metadata.natural(key); });
        ask([&] { (void)metadata.boolean(key); });
        ask([&] { (void)metadata.text(key); });
        ask([&] { (void)metadata.texts(key); });
        ask([&] { (void)metadata.integers(key); });
        check(kinds <= 1);
        ask([&] { (void)metadata.number(key); });
        ask([&] { (void)metadata.numbers(key); });
    }
}

void use(const apertus::gguf_file& file, std::size_t size) {
    use_metadata(file.metadata());
    std::uint64_t covered = 0;
    for (const apertus::gguf_tensor& t : file.tensors()) {
        check(file.find(t.name) == &t && t.begin <= t.end && t.end <= size);
        std::vector<std::byte> copy(static_cast<std::size_t>(t.size_bytes()));
        file.read(t, copy);
        if (file.zero_copy()) {
            const auto view = file.view(t);
            check(view.size() == copy.size() &&
                  (copy.empty() || std::memcmp(view.data(), copy.data(), copy.size()) == 0));
        }
        covered += t.size_bytes();
    }
    check(covered <= size);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::span<const std::byte> bytes(reinterpret_cast<const std::byte*>(data), size);
    std::string first, second;
    try {
        use(apertus::gguf_file::from_bytes(bytes, "file"), size);
    } catch (const apertus::error& e) {
        first = e.what();
    }
    const auto read = [&](std::uint64_t offset, std::span<std::byte> out) {
        check(offset <= size && out.size() <= size - offset);
        if (!out.empty()) std::memcpy(out.data(), data + offset, out.size());
    };
    try {
        use(apertus::gguf_file::from_reader(read, size, "file"), size);
    } catch (const apertus::error& e) {
        second = e.what();
    }
    check(first == second);
    return 0;
}
