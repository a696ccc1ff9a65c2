// SPDX-License-Identifier: Apache-2.0
//
// Packed caches: whatever the table of a safetensors file says, it is refused with an apertus::error or every matrix that
// it names can be read, has the size of its format, and has one check of its bytes. The input is a header text (the length
// in front is made here) and the data after the first tab. The table's own checksum is left out: it would hide the rest.
#include <apertus/run/packed_cache.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

class nothing final : public apertus::weight_source {
public:
    [[nodiscard]] std::optional<apertus::source_tensor> find(std::string_view) const override { return std::nullopt; }
    void read(std::string_view, std::span<std::byte>, std::uint64_t) const override { std::abort(); }
    [[nodiscard]] std::vector<std::string> names() const override { return {}; }
    [[nodiscard]] std::string name() const override { return "nothing"; }
    [[nodiscard]] std::shared_ptr<const void> lifetime() const override { return nullptr; }
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static const apertus::any_executor executor(std::make_shared<apertus::serial_executor>());
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const std::string_view header = input.substr(0, input.find('\t'));
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 0xff);
    bytes += header;
    if (header.size() < input.size()) bytes += input.substr(header.size() + 1);
    std::shared_ptr<const apertus::detail::packed_file> file;
    try {
        file = std::make_shared<const apertus::detail::packed_file>(
            apertus::safetensors_file::from_bytes(std::as_bytes(std::span(bytes)), "fuzz"));
    } catch (const apertus::error& e) {
        check(e.category() == apertus::error_category::format);
        return 0;
    }
    const nothing base;
    const apertus::detail::packed_source source(base, file);
    for (const apertus::tensor_entry& t : file->file().tensors()) {
        const auto found = source.find(t.name);
        check(found && found->shape.size() == 2 && found->bytes.size() == found->byte_size);
        const apertus::format_info* format = found->format;
        if (format == nullptr) format = &apertus::detail::dense_format(found->type);
        check(format->bytes(found->shape[0], found->shape[1]) == found->bytes.size());
        std::vector<std::byte> copy(found->bytes.size());
        source.read(t.name, copy, 0);
        check(copy.empty() || std::memcmp(copy.data(), found->bytes.data(), copy.size()) == 0);
    }
    try {
        file->verify(executor, {});
    } catch (const apertus::error& e) {
        check(e.category() == apertus::error_category::format);
    }
    return 0;
}
