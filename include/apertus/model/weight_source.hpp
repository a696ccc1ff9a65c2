// SPDX-License-Identifier: Apache-2.0
//
// Where weights come from, as the loader sees it: named tensors with a type, a shape and bytes. A checkpoint folder, a
// span of bytes and a user's reader all look like this; `run/` makes the adaptors.
#pragma once

#include <apertus/core/cancellation.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/executor.hpp>
#include <apertus/core/weight_format.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// A tensor of a checkpoint. `bytes` is empty when the source cannot point at it (then use `weight_source::read`).
struct source_tensor {
    dtype type = dtype::f32; ///< of the elements, when `format` is null
    std::vector<std::size_t> shape{};
    std::span<const std::byte> bytes{};
    std::uint64_t byte_size = 0;
    const format_info* format = nullptr; ///< of a matrix that is stored in blocks; those of one row can be repacked
};

class weight_source {
public:
    weight_source() = default;
    weight_source(const weight_source&) = delete;
    weight_source& operator=(const weight_source&) = delete;
    virtual ~weight_source() = default;

    [[nodiscard]] virtual std::optional<source_tensor> find(std::string_view name) const = 0;
    /// Copies bytes [offset, offset + out.size()) of a tensor: all of them unless it `reads_pieces`. Throws error(io).
    virtual void read(std::string_view name, std::span<std::byte> out, std::uint64_t offset) const = 0;
    /// Whether `read` can be asked for pieces of that tensor, by several threads at once.
    [[nodiscard]] virtual bool reads_pieces(std::string_view) const noexcept { return false; }
    [[nodiscard]] virtual std::vector<std::string> names() const = 0;
    /// The tensor was copied or repacked and its bytes will not be read again: a mapping may drop its pages.
    virtual void done_with(std::string_view) const noexcept {}
    /// What messages call it (a path, usually).
    [[nodiscard]] virtual std::string name() const = 0;
    /// Keeps the bytes that `find` points at alive.
    [[nodiscard]] virtual std::shared_ptr<const void> lifetime() const = 0;
};

/// How far a load has come.
struct load_progress {
    std::uint64_t bytes_done = 0;
    std::uint64_t bytes_total = 0;
    std::string_view tensor{}; ///< the tensor that was just finished
};

class importance_matrix;

/// What matrices are kept in; null: as the source stores them. A tied head follows `head`.
struct weight_choice {
    const format_info* layers = nullptr;
    const format_info* head = nullptr;
    const format_info* embedding = nullptr;
    const importance_matrix* importance =
        nullptr; ///< what packing goes by where the format can; null: all columns alike
};

/// A matrix of a loaded model.
struct named_matrix {
    std::string name; ///< in the checkpoint
    weight_view<any_format> matrix{};
    bool packed = false; ///< turned into another format while loading
};

/// What a load listens to and reports to.
struct load_control {
    std::function<void(const load_progress&)> progress{};
    cancellation cancel{};
    any_executor executor{};
    bool prefault = true; ///< touch every mapped page now, in parallel, instead of during the first tokens
};

APERTUS_END_NAMESPACE
