// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a model, whatever they come in: a Hugging Face folder with model.safetensors, or with
// model.safetensors.index.json and its shards; safetensors files in memory or behind reader callbacks; or single
// tensors that the caller already holds. One interface: names -> `stored_tensor`.
// Opening reads and validates headers only; the weights' pages are read when a tensor is first touched.
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/core/error.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/tensor_file.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// Largest model.safetensors.index.json that we read, in bytes.
inline constexpr std::uint64_t safetensors_max_index = 64u << 20;

/// How a folder is opened.
struct checkpoint_options {
    /// Map the files (no copy, shared between processes). When false every read goes through the caller's memory.
    bool use_mmap = true;
};

/// A tensor that the caller holds in memory: row-major, little-endian elements, exactly as many as the shape says.
/// The bytes must outlive the checkpoint.
struct memory_tensor {
    std::string name;
    apertus::dtype dtype = apertus::dtype::f32;
    std::vector<std::uint64_t> shape;
    std::span<const std::byte> bytes;
};

/// One tensor of a checkpoint: what it is and how to get its bytes. A light handle, valid as long as the checkpoint.
class stored_tensor {
public:
    [[nodiscard]] const std::string& name() const noexcept { return entry_->name; }
    [[nodiscard]] apertus::dtype dtype() const noexcept { return entry_->dtype; }
    [[nodiscard]] std::span<const std::uint64_t> shape() const noexcept { return entry_->shape; }
    [[nodiscard]] std::uint64_t size_bytes() const noexcept { return entry_->size_bytes(); }
    [[nodiscard]] std::uint64_t elements() const noexcept { return entry_->elements(); }
    /// The file (or the name of the in-memory source) that holds it, for error messages.
    [[nodiscard]] std::string_view document() const noexcept {
        return file_ != nullptr ? std::string_view(file_->document()) : memory_document;
    }

    /// Whether `view` works.
    [[nodiscard]] bool zero_copy() const noexcept { return file_ == nullptr || file_->zero_copy(); }
    /// The bytes without a copy; possibly unaligned (`is_aligned`). Throws error(io) when the source is a reader.
    [[nodiscard]] std::span<const std::byte> view() const { return file_ != nullptr ? file_->view(*entry_) : bytes_; }
    /// Whether several threads may `read` at once.
    [[nodiscard]] bool reads_side_by_side() const noexcept { return file_ == nullptr || file_->reads_side_by_side(); }
    /// Copies bytes [offset, offset + out.size()) into `out`. Throws error(shape) when they are not all inside, and
    /// what the source throws.
    void read(std::span<std::byte> out, std::uint64_t offset = 0) const {
        if (file_ != nullptr) return file_->read(*entry_, out, offset);
        if (offset > bytes_.size() || out.size() > bytes_.size() - offset) {
            fail(error_category::shape, memory_document, "read from tensor " + quoted(name(), 200),
                 "a range inside its " + std::to_string(bytes_.size()) + " bytes",
                 std::to_string(out.size()) + " bytes at " + std::to_string(offset));
        }
        if (!out.empty()) std::memcpy(out.data(), bytes_.data() + offset, out.size());
    }
    /// Passes a hint to the operating system when the tensor is mapped; nothing otherwise. After copying or repacking a
    /// tensor, `dont_need` keeps one resident copy of the weights instead of two.
    void advise(file_access access) const noexcept {
        if (file_ != nullptr && file_->is_mapped()) advise_mapped(file_->view(*entry_), access);
    }

private:
    friend class checkpoint;
    static constexpr std::string_view memory_document = "tensors in memory";

    stored_tensor(const tensor_entry& entry, const safetensors_file& file) noexcept : entry_(&entry), file_(&file) {}
    stored_tensor(const tensor_entry& entry, std::span<const std::byte> bytes) noexcept
        : entry_(&entry), bytes_(bytes) {}

    const tensor_entry* entry_;
    const safetensors_file* file_ = nullptr; // nullptr: the caller's memory, `bytes_`
    std::span<const std::byte> bytes_;
};

/// What the expected and the stored names do not have in common; both sorted.
struct name_difference {
    std::vector<std::string> missing; ///< expected, not stored
    std::vector<std::string> surplus; ///< stored, not expected
};

/// "'a', 'b' and 7 more" (at most `limit` names are spelled out).
APERTUS_DECLARATION [[nodiscard]] std::string describe_names(std::span<const std::string> names, std::size_t limit = 5);

/// All tensors of a model. Move-only, immutable, safe to read from several threads (when the callbacks are).
class checkpoint {
public:
    /// Opens a Hugging Face folder: `model.safetensors` if it exists, otherwise the index and its shards, as
    /// transformers chooses. Throws error(io) or error(format) naming file, tensor, expected and found.
    APERTUS_DECLARATION [[nodiscard]] static checkpoint open(const std::string& folder,
                                                             const checkpoint_options& options = {});

    /// One or more opened safetensors files (shards). Throws error(format) when two hold a tensor of the same name.
    APERTUS_DECLARATION [[nodiscard]] static checkpoint from_files(std::vector<safetensors_file> files);

    /// Safetensors files in memory; the bytes must outlive the checkpoint.
    APERTUS_DECLARATION [[nodiscard]] static checkpoint from_bytes(std::span<const std::span<const std::byte>> shards);

    /// One safetensors file in memory; the bytes must outlive the checkpoint.
    APERTUS_DECLARATION [[nodiscard]] static checkpoint from_bytes(std::span<const std::byte> file);

    /// Tensors that the caller holds. Throws error(shape) when a size does not fit its dtype and shape.
    APERTUS_DECLARATION [[nodiscard]] static checkpoint from_tensors(std::span<const memory_tensor> tensors);

    /// Every tensor, sorted by name.
    [[nodiscard]] std::span<const stored_tensor> tensors() const noexcept { return tensors_; }
    /// The opened files, in no promised order; empty after from_tensors.
    [[nodiscard]] std::span<const safetensors_file> files() const noexcept { return files_; }
    /// Bytes of all tensors together.
    [[nodiscard]] std::uint64_t total_bytes() const noexcept {
        std::uint64_t sum = 0;
        for (const stored_tensor& t : tensors_) sum += t.size_bytes();
        return sum;
    }

    /// The tensor of that name, or nullptr. The handle lives as long as the checkpoint.
    [[nodiscard]] const stored_tensor* find(std::string_view name) const noexcept {
        const auto at =
            detail::find_by_name(tensors_, name, [](const stored_tensor& t) { return std::string_view(t.name()); });
        return at == tensors_.end() ? nullptr : &*at;
    }

    /// What a model that wants exactly `expected` would miss and leave over.
    APERTUS_DECLARATION [[nodiscard]] name_difference compare_names(std::span<const std::string> expected) const;

private:
    checkpoint() = default;

    APERTUS_DECLARATION void sort_names();

    std::vector<safetensors_file> files_;
    std::vector<tensor_entry> entries_; // of from_tensors
    std::vector<stored_tensor> tensors_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/checkpoint_definitions.hpp>
#endif
