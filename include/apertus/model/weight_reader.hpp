// SPDX-License-Identifier: Apache-2.0
//
// Fetches one tensor after the other from a weight source: checks type and shape, uses a matrix where it lies when its
// stored type is the wanted format, converts it once and in parallel otherwise, and remembers which names were missing.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/model/weight_source.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

[[nodiscard]] inline std::string shape_text(std::span<const std::size_t> shape) {
    std::string out = "[";
    for (std::size_t i = 0; i < shape.size(); ++i) out += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
    return out + "]";
}

/// Reads the i-th element of packed storage of type T, wherever it lies.
template <class T> [[nodiscard]] float load_element(const std::byte* data, std::size_t i) noexcept {
    T value;
    std::memcpy(&value, data + i * sizeof(T), sizeof(T));
    return to_float(value);
}

inline void widen(dtype type, const std::byte* data, std::size_t first, std::size_t count, float* out) noexcept {
    for (std::size_t i = 0; i < count; ++i) {
        switch (type) {
        case dtype::f32: out[i] = load_element<float>(data, first + i); break;
        case dtype::f16: out[i] = load_element<f16>(data, first + i); break;
        default: out[i] = load_element<bf16>(data, first + i); break;
        }
    }
}

/// Owns converted weights and keeps the source alive.
struct weight_memory {
    std::shared_ptr<const void> source;
    std::vector<host_buffer<std::byte>> buffers;
};

/// Fetches tensors by name, checks them, converts where needed, and remembers what was missing.
class weight_reader {
public:
    weight_reader(const weight_source& source, const load_control& control)
        : source_(source), control_(control), memory_(std::make_shared<weight_memory>()) {
        memory_->source = source.lifetime();
    }

    void set_total(std::uint64_t bytes) noexcept { progress_.bytes_total = bytes; }

    template <weight_format Format>
    [[nodiscard]] weight_view<Format> matrix(const std::string& name, std::size_t rows, std::size_t cols) {
        const auto tensor = fetch(name, {rows, cols});
        if (!tensor) return {};
        if (cols % Format::block_size != 0) {
            fail(error_category::shape, source_.name(), "tensor " + quoted(name, 200),
                 "columns that are a multiple of " + std::to_string(Format::block_size) + " for format " +
                     std::string(Format::name),
                 std::to_string(cols));
        }
        using block = typename Format::block;
        const std::size_t blocks = rows * (cols / Format::block_size);
        bytes_ += blocks * sizeof(block);
        const std::byte* data = nullptr;
        if (in_place<Format>(*tensor)) {
            data = tensor->bytes.data();
            if (control_.prefault) touch(name, tensor->bytes);
        } else {
            host_buffer<std::byte> buffer(blocks * sizeof(block));
            convert<Format>(name, *tensor, rows, cols, buffer.span());
            data = memory_->buffers.emplace_back(std::move(buffer)).data();
        }
        report(name, tensor->byte_size);
        return {reinterpret_cast<const block*>(data), rows, cols};
    }

    [[nodiscard]] tensor_view<const float, 1> vector(const std::string& name, std::size_t n) {
        const auto tensor = fetch(name, {n});
        if (!tensor) return {};
        host_buffer<std::byte> buffer(n * sizeof(float));
        auto* out = reinterpret_cast<float*>(buffer.data());
        with_bytes(name, *tensor, [&](const std::byte* data) { widen(tensor->type, data, 0, n, out); });
        memory_->buffers.push_back(std::move(buffer));
        bytes_ += n * sizeof(float);
        report(name, tensor->byte_size);
        return {out, {n}};
    }

    /// A scalar stored as [] or [1]; `fallback` when the checkpoint has none, or missing when there is no fallback.
    [[nodiscard]] float scalar(const std::string& name, std::optional<float> fallback = std::nullopt) {
        if (!source_.find(name) && fallback) return *fallback;
        const auto tensor = fetch(name, {1}, true);
        if (!tensor) return 0.0f;
        float value = 0.0f;
        with_bytes(name, *tensor, [&](const std::byte* data) { widen(tensor->type, data, 0, 1, &value); });
        report(name, tensor->byte_size);
        return value;
    }

    [[nodiscard]] std::size_t missing_count() const noexcept { return missing_.size(); }
    /// Marks a tensor that is known and deliberately not used.
    void ignore(const std::string& name) { used_.insert(name); }

    /// Throws error(format) naming the missing tensors, if any.
    void finish() const {
        if (missing_.empty()) return;
        constexpr std::size_t most = 8;
        std::string list;
        for (std::size_t i = 0; i < std::min(missing_.size(), most); ++i) list += (i == 0 ? "" : ", ") + missing_[i];
        if (missing_.size() > most) list += " and " + std::to_string(missing_.size() - most) + " more";
        fail(error_category::format, source_.name(), std::to_string(missing_.size()) + " missing tensor(s): " + list);
    }
    [[nodiscard]] std::vector<std::string> surplus() const {
        std::vector<std::string> out;
        for (std::string& n : source_.names()) {
            if (!used_.contains(n)) out.push_back(std::move(n));
        }
        std::sort(out.begin(), out.end());
        return out;
    }
    [[nodiscard]] std::shared_ptr<const void> memory() const { return memory_; }
    [[nodiscard]] std::size_t bytes() const noexcept { return bytes_; }

private:
    static constexpr std::size_t piece = std::size_t{1} << 20;    // bytes or elements per parallel call
    static constexpr std::size_t stretch = std::size_t{64} << 20; // bytes between looks at the stop token

    [[nodiscard]] std::optional<source_tensor> fetch(const std::string& name, std::vector<std::size_t> shape,
                                                     bool scalar_too = false) {
        control_.cancel.throw_if_requested("load");
        auto tensor = source_.find(name);
        if (!tensor) {
            missing_.push_back(name);
            return std::nullopt;
        }
        used_.insert(name);
        if (tensor->type != dtype::f32 && tensor->type != dtype::f16 && tensor->type != dtype::bf16) {
            fail(error_category::format, source_.name(), "tensor " + quoted(name, 200), "type F32, F16 or BF16",
                 to_string(tensor->type));
        }
        if (tensor->shape != shape && !(scalar_too && tensor->shape.empty())) {
            fail(error_category::shape, source_.name(), "tensor " + quoted(name, 200), "shape " + shape_text(shape),
                 shape_text(tensor->shape));
        }
        return tensor;
    }

    template <weight_format Format> [[nodiscard]] static bool in_place(const source_tensor& t) noexcept {
        if constexpr (Format::block_size == 1) {
            using block = typename Format::block;
            return t.type == dtype_of<block> && !t.bytes.empty() &&
                   reinterpret_cast<std::uintptr_t>(t.bytes.data()) % alignof(block) == 0;
        } else {
            return false;
        }
    }

    template <class F> void with_bytes(const std::string& name, const source_tensor& t, F&& use) const {
        if (!t.bytes.empty() || t.byte_size == 0) {
            use(t.bytes.data());
        } else {
            host_buffer<std::byte> copy(static_cast<std::size_t>(t.byte_size));
            source_.read(name, copy.span());
            use(static_cast<const std::byte*>(copy.data()));
        }
    }

    template <weight_format Format>
    void convert(const std::string& name, const source_tensor& t, std::size_t rows, std::size_t cols,
                 std::span<std::byte> out) const {
        using block = typename Format::block;
        if constexpr (Format::block_size == 1) {
            if (t.type == dtype_of<block> && t.bytes.empty()) { // no conversion, only a copy
                source_.read(name, out);
                return;
            }
        }
        auto* blocks = reinterpret_cast<block*>(out.data());
        const std::size_t count = rows * cols / Format::block_size;
        const std::size_t per_call = std::max<std::size_t>(1, piece / Format::block_size);
        with_bytes(name, t, [&](const std::byte* data) {
            for (std::size_t first = 0; first < count; first += 64 * per_call) {
                control_.cancel.throw_if_requested("load");
                const std::size_t last = std::min(count, first + 64 * per_call);
                control_.executor.parallel_for((last - first + per_call - 1) / per_call, [&](std::size_t i) {
                    float values[Format::block_size];
                    const std::size_t end = std::min(last, first + (i + 1) * per_call);
                    for (std::size_t b = first + i * per_call; b < end; ++b) {
                        widen(t.type, data, b * Format::block_size, Format::block_size, values);
                        Format::pack(values, blocks[b]);
                    }
                });
            }
        });
    }

    /// Reads one byte of every page, so that the first tokens do not wait for the disk.
    void touch(const std::string& name, std::span<const std::byte> bytes) {
        std::atomic<unsigned> sink{0};
        for (std::size_t first = 0; first < bytes.size(); first += stretch) {
            control_.cancel.throw_if_requested("load");
            const std::span<const std::byte> part = bytes.subspan(first, std::min(stretch, bytes.size() - first));
            control_.executor.parallel_for((part.size() + piece - 1) / piece, [&](std::size_t i) {
                unsigned sum = 0;
                const std::size_t end = std::min(part.size(), (i + 1) * piece);
                for (std::size_t at = i * piece; at < end; at += 4096) {
                    sum += std::to_integer<unsigned>(static_cast<const volatile std::byte*>(part.data())[at]);
                }
                sink.fetch_add(sum, std::memory_order_relaxed);
            });
            if (control_.progress && bytes.size() > stretch) {
                load_progress partial = progress_;
                partial.bytes_done += first + part.size();
                partial.tensor = name;
                control_.progress(partial);
            }
        }
    }

    void report(const std::string& name, std::uint64_t bytes) {
        progress_.bytes_done += bytes;
        progress_.tensor = name;
        if (control_.progress) control_.progress(progress_);
    }

    const weight_source& source_;
    const load_control& control_;
    std::shared_ptr<weight_memory> memory_;
    std::unordered_set<std::string> used_;
    std::vector<std::string> missing_;
    std::size_t bytes_ = 0;
    load_progress progress_{};
};

} // namespace detail

APERTUS_END_NAMESPACE
