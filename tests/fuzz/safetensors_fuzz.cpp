// SPDX-License-Identifier: Apache-2.0
//
// Safetensors: whatever the bytes, the reader either throws apertus::error or describes tensors whose bytes can all be
// read. The first byte chooses: 'h' a header text (the length in front is made here), the data after the first tab;
// 'i' a model.safetensors.index.json; anything else the whole input as a file.
#include <apertus/io/checkpoint.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

/// Every tensor must be readable from every source, with the same bytes.
void use(std::string_view bytes) {
    const std::span<const std::byte> span(reinterpret_cast<const std::byte*>(bytes.data()), bytes.size());
    bool opened = false;
    try {
        const auto checkpoint = apertus::checkpoint::from_bytes(span);
        opened = true;
        std::uint64_t covered = 0;
        for (const apertus::stored_tensor& t : checkpoint.tensors()) {
            check(checkpoint.find(t.name()) == &t);
            std::vector<std::byte> copy(static_cast<std::size_t>(t.size_bytes()));
            t.read(copy);
            const auto view = t.view();
            check(view.size() == copy.size() &&
                  (copy.empty() || std::memcmp(view.data(), copy.data(), copy.size()) == 0));
            check(t.elements() * apertus::size_of(t.dtype()) == t.size_bytes());
            covered += t.size_bytes();
        }
        check(covered <= bytes.size() && covered == checkpoint.total_bytes());
        check(checkpoint.compare_names({}).surplus.size() == checkpoint.tensors().size());
    } catch (const apertus::error&) {
        check(!opened);
    }
    bool opened_by_reader = false;
    try {
        const auto read = [&](std::uint64_t offset, std::span<std::byte> out) {
            check(offset <= bytes.size() && out.size() <= bytes.size() - offset);
            if (!out.empty()) std::memcpy(out.data(), bytes.data() + offset, out.size());
        };
        const auto file = apertus::safetensors_file::from_reader(read, bytes.size());
        opened_by_reader = true;
        for (const apertus::tensor_entry& t : file.tensors()) {
            std::vector<std::byte> copy(static_cast<std::size_t>(t.size_bytes()));
            file.read(t, copy);
        }
    } catch (const apertus::error&) {
        check(!opened_by_reader);
    }
    check(opened == opened_by_reader);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    if (input.starts_with('h')) {
        const std::size_t tab = std::min(input.find('\t'), input.size());
        const std::string_view header = input.substr(1, tab == 0 ? 0 : tab - 1);
        std::string file;
        for (int i = 0; i < 8; ++i) file += static_cast<char>(header.size() >> (8 * i) & 0xff);
        file += header;
        if (tab < input.size()) file += input.substr(tab + 1);
        use(file);
    } else if (input.starts_with('i')) {
        try {
            const auto map = apertus::detail::parse_safetensors_index(input.substr(1), "index");
            for (const auto& [tensor, shard] : map) check(shard.find('/') == std::string::npos && shard != "..");
        } catch (const apertus::error&) {
        }
    } else {
        use(input);
    }
    return 0;
}
