// SPDX-License-Identifier: Apache-2.0
//
// A whole GGUF model from bytes: configuration, tokenizer, weights of a one-layer-or-more model. Whatever the bytes, each
// step gives a usable result or throws apertus::error.
#include <apertus/run/gguf_config.hpp>
#include <apertus/run/gguf_source.hpp>
#include <apertus/run/gguf_tokenizer.hpp>
#include <apertus/text/tokenizer.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace {

void check(bool condition) {
    if (!condition) std::abort();
}

void use_tokenizer(const apertus::gguf_checkpoint& files) {
    try {
        const apertus::tokenizer tokens(apertus::tokenizer_spec_from_gguf(files));
        for (const char* const text : {"", "Hello world 123", "<s>\xc3\xa9\xff</s>"}) {
            for (const bool untrusted : {false, true}) {
                const auto ids = tokens.encode(text, {.add_special_tokens = !untrusted, .untrusted = untrusted});
                for (const std::int32_t id : ids) {
                    check(id >= 0 && id < tokens.id_limit());
                    check(!untrusted || !tokens.is_control(id));
                }
                (void)tokens.decode(ids);
            }
        }
    } catch (const apertus::error&) {
    }
}

void use_weights(const std::shared_ptr<const apertus::gguf_checkpoint>& files) {
    try {
        const apertus::model_config config = apertus::config_from_gguf(*files);
        (void)apertus::generation_config_from_gguf(*files);
        const apertus::gguf_source source(files, config);
        for (const std::string& name : source.names()) {
            const auto tensor = source.find(name);
            check(tensor.has_value() && tensor->byte_size < (std::uint64_t{1} << 32));
            std::vector<std::byte> bytes(static_cast<std::size_t>(tensor->byte_size));
            source.read(name, bytes, 0);
            if (tensor->format == nullptr || tensor->shape.size() != 2) continue;
            check(tensor->format->bytes(tensor->shape[0], tensor->shape[1]) == bytes.size());
            const apertus::weight_view<apertus::any_format> view(*tensor->format, bytes.data(), tensor->shape[0],
                                                                 tensor->shape[1]);
            if (bytes.empty()) continue; // a matrix of no rows may be as wide as 63 bits allow
            std::vector<float> row(tensor->shape[1]);
            unpack_row(view, tensor->shape[0] - 1, row.data());
        }
    } catch (const apertus::error&) {
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        std::vector<apertus::gguf_file> files;
        files.push_back(
            apertus::gguf_file::from_bytes(std::span(reinterpret_cast<const std::byte*>(data), size), "file"));
        const auto model = std::make_shared<const apertus::gguf_checkpoint>(std::move(files));
        use_tokenizer(*model);
        use_weights(model);
    } catch (const apertus::error&) {
    }
    return 0;
}
