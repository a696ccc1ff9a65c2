// SPDX-License-Identifier: Apache-2.0
//
// All GGUF files of one model: usually one, or shards named "...-00001-of-00003.gguf" of which the first has the
// metadata. One interface: metadata, and names -> tensors with their bytes.
#pragma once

#include <apertus/io/file.hpp>
#include <apertus/io/gguf.hpp>
#include <apertus/io/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Whether a path names a GGUF file, by its ending.
[[nodiscard]] constexpr bool is_gguf_path(std::string_view path) noexcept {
    return path.ends_with(".gguf") || path.ends_with(".GGUF");
}

/// Move-only, immutable, safe to read from several threads (when the callbacks are).
class gguf_checkpoint {
public:
    /// One tensor: what it is and which file has it.
    struct tensor {
        const gguf_tensor* info = nullptr;
        const gguf_file* file = nullptr;
    };

    /// Opens the file at `path` and, when it is the first of several shards, the others beside it. Throws error(io) or
    /// error(format).
    APERTUS_DECLARATION [[nodiscard]] static gguf_checkpoint open(const std::string& path, bool use_mmap = true);

    /// Opened files; the first has the metadata. Throws error(format) when shards are missing, do not belong together or
    /// have tensors of the same name.
    APERTUS_DECLARATION explicit gguf_checkpoint(std::vector<gguf_file> files);

    /// The name of the first file.
    [[nodiscard]] const std::string& name() const noexcept { return files_.front().document(); }
    [[nodiscard]] const gguf_metadata& metadata() const noexcept { return files_.front().metadata(); }
    [[nodiscard]] std::span<const gguf_file> files() const noexcept { return files_; }
    /// Every tensor, sorted by name.
    [[nodiscard]] std::span<const tensor> tensors() const noexcept { return tensors_; }
    /// Bytes of all tensors together.
    [[nodiscard]] std::uint64_t total_bytes() const noexcept {
        std::uint64_t sum = 0;
        for (const tensor& t : tensors_) sum += t.info->size_bytes();
        return sum;
    }

    /// The tensor of that name, or nullptr.
    [[nodiscard]] const tensor* find(std::string_view name) const noexcept {
        const auto at =
            detail::find_by_name(tensors_, name, [](const tensor& t) { return std::string_view(t.info->name); });
        return at == tensors_.end() ? nullptr : &*at;
    }

private:
    std::vector<gguf_file> files_; // never grows after construction: tensors_ point into it
    std::vector<tensor> tensors_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/gguf_checkpoint_definitions.hpp>
#endif
