// SPDX-License-Identifier: Apache-2.0
//
// Fetches one tensor after the other from a weight source: checks type and shape, uses a matrix where it lies when it is
// stored in the wanted format, packs it once and in parallel otherwise (the source's pages are let go after that, so that
// at most one tensor is held twice), and remembers which names were missing. What is neither mapped nor in memory is read
// by all threads, each the rows that it packs next, where the source allows it, and by the calling thread otherwise.
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/memory.hpp>
#include <apertus/format/formats.hpp>
#include <apertus/format/widen.hpp>
#include <apertus/model/importance_matrix.hpp>
#include <apertus/model/matrix_converter.hpp>
#include <apertus/model/weight_source.hpp>

#include <algorithm>
#include <atomic>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
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

/// Owns converted weights and keeps the source alive. Matrices are carved out of large regions with huge pages, of which
/// only what is used is ever touched.
struct weight_memory {
    std::shared_ptr<const void> source;
    std::vector<host_buffer<std::byte>> buffers;

    std::size_t region = std::size_t{256} << 20;

    /// `bytes` at a 64-byte boundary. Throws error(resource).
    [[nodiscard]] std::span<std::byte> allocate(std::size_t bytes) {
        constexpr std::size_t alignment = 64;
        if (bytes > region / 4) return buffers.emplace_back(bytes).span();
        if (current_ == nullptr || bytes > room_.size()) {
            buffers.emplace_back(region);
            current_ = buffers.back().data();
            room_ = buffers.back().span();
        }
        const std::span<std::byte> out = room_.first(bytes);
        room_ = room_.subspan(std::min(room_.size(), (bytes + alignment - 1) / alignment * alignment));
        return out;
    }

private:
    const std::byte* current_ = nullptr;
    std::span<std::byte> room_;
};

/// The first exception of tasks that run side by side and must not throw.
class first_failure {
public:
    /// Runs f unless another task has failed before.
    template <class F> void run(F&& f) noexcept {
        if (failed_.load(std::memory_order_relaxed)) return;
        try {
            f();
        } catch (...) {
            if (!failed_.exchange(true)) what_ = std::current_exception();
        }
    }
    /// When all tasks have ended: throws what one of them threw.
    void rethrow() const {
        if (what_ != nullptr) std::rethrow_exception(what_);
    }

private:
    std::atomic<bool> failed_ = false;
    std::exception_ptr what_; ///< written by the task that came first
};

/// Memory that tasks borrow: as many buffers as tasks run at a time.
class scratch_buffers {
public:
    /// At least `bytes`. Throws error(resource).
    [[nodiscard]] host_buffer<std::byte> take(std::size_t bytes) {
        {
            const std::lock_guard lock(mutex_);
            if (!free_.empty() && free_.back().size() >= bytes) {
                host_buffer<std::byte> out = std::move(free_.back());
                free_.pop_back();
                return out;
            }
        }
        return host_buffer<std::byte>(bytes);
    }
    void give_back(host_buffer<std::byte> buffer) {
        const std::lock_guard lock(mutex_);
        free_.push_back(std::move(buffer));
    }

private:
    std::mutex mutex_;
    std::vector<host_buffer<std::byte>> free_;
};

/// Fetches tensors by name, checks them, converts where needed, and remembers what was missing.
class weight_reader {
public:
    weight_reader(const weight_source& source, const load_control& control,
                  const importance_matrix* importance = nullptr)
        : source_(source), control_(control), importance_(importance), memory_(std::make_shared<weight_memory>()) {
        memory_->source = source.lifetime();
    }

    void set_total(std::uint64_t bytes) noexcept {
        progress_.bytes_total = bytes;
        memory_->region = static_cast<std::size_t>(std::min<std::uint64_t>(memory_->region, bytes));
    }

    /// The matrix in `wanted`, or as it is stored when that is null: where it lies if it can be used there.
    [[nodiscard]] weight_view<any_format> matrix(const std::string& name, std::size_t rows, std::size_t cols,
                                                 const format_info* wanted, bool prefault = true) {
        const auto tensor = fetch(name, {rows, cols});
        if (!tensor) return {};
        const format_info& stored = tensor->format != nullptr ? *tensor->format : dense_format(tensor->type);
        const format_info& target = wanted != nullptr ? *wanted : stored;
        const std::size_t bytes = target.bytes(rows, cols);
        bytes_ += bytes;
        const std::byte* data = nullptr;
        if (&stored == &target && usable_in_place(*tensor)) {
            data = tensor->bytes.data();
            if (control_.prefault && prefault) touch(name, tensor->bytes);
        } else {
            const std::span<std::byte> out = memory_->allocate(bytes);
            if (&stored == &target && tensor->bytes.empty()) read(name, out);
            else convert(name, *tensor, stored, target, rows, cols, out);
            source_.done_with(name);
            data = out.data();
        }
        matrices_.push_back({name, {target, data, rows, cols}, &stored != &target});
        report(name, tensor->byte_size);
        return {target, data, rows, cols};
    }

    [[nodiscard]] tensor_view<const float, 1> vector(const std::string& name, std::size_t n) {
        const auto tensor = fetch(name, {n});
        if (!tensor) return {};
        host_buffer<std::byte> buffer(n * sizeof(float));
        auto* out = reinterpret_cast<float*>(buffer.data());
        with_bytes(name, *tensor, [&](const std::byte* data) { widen(tensor->type, data, n, out); });
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
        with_bytes(name, *tensor, [&](const std::byte* data) { widen(tensor->type, data, 1, &value); });
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
    /// All that were read.
    [[nodiscard]] const std::vector<named_matrix>& matrices() const noexcept { return matrices_; }
    /// The formats of the matrices, the one with the most bytes first: "int4", "int4 + int8".
    [[nodiscard]] std::string format_names() const {
        std::vector<std::pair<std::size_t, const format_info*>> sums;
        for (const named_matrix& m : matrices_) {
            auto at = std::find_if(sums.begin(), sums.end(), [&](const auto& s) { return s.second == m.matrix.info; });
            if (at == sums.end()) at = sums.insert(sums.end(), {0, m.matrix.info});
            at->first += m.matrix.bytes();
        }
        std::sort(sums.begin(), sums.end(), [](const auto& a, const auto& b) {
            return a.first != b.first ? a.first > b.first : a.second->name < b.second->name;
        });
        std::string out;
        for (const auto& [bytes, format] : sums) out.append(out.empty() ? "" : " + ").append(format->name);
        return out;
    }

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
        if (tensor->format == nullptr && tensor->type != dtype::f32 && tensor->type != dtype::f16 &&
            tensor->type != dtype::bf16) {
            fail(error_category::format, source_.name(), "tensor " + quoted(name, 200), "type F32, F16 or BF16",
                 to_string(tensor->type));
        }
        if (tensor->shape != shape && !(scalar_too && tensor->shape.empty())) {
            fail(error_category::shape, source_.name(), "tensor " + quoted(name, 200), "shape " + shape_text(shape),
                 shape_text(tensor->shape));
        }
        return tensor;
    }

    /// Elements of two or four bytes are read as such, so they must be aligned; blocks are read as bytes.
    [[nodiscard]] static bool usable_in_place(const source_tensor& t) noexcept {
        const std::size_t alignment = t.format != nullptr ? 1 : size_of(t.type);
        return !t.bytes.empty() && reinterpret_cast<std::uintptr_t>(t.bytes.data()) % alignment == 0;
    }

    template <class F> void with_bytes(const std::string& name, const source_tensor& t, F&& use) const {
        if (!t.bytes.empty() || t.byte_size == 0) {
            use(t.bytes.data());
        } else {
            host_buffer<std::byte> copy(static_cast<std::size_t>(t.byte_size));
            source_.read(name, copy.span(), 0);
            use(static_cast<const std::byte*>(copy.data()));
        }
    }

    void convert(const std::string& name, const source_tensor& t, const format_info& from, const format_info& to,
                 std::size_t rows, std::size_t cols, std::span<std::byte> out) const {
        std::span<const float> importance;
        if (importance_ != nullptr && to.pack_weighted != nullptr) importance = importance_->of(name, cols);
        const matrix_converter converter(from, to, cols, importance);
        if (!converter.possible()) {
            fail(error_category::format, source_.name(), "tensor " + quoted(name, 200),
                 "a format that can be turned into " + std::string(to.name), from.name);
        }
        const std::size_t band = std::max(to.block_rows, std::size_t{16} / to.block_rows * to.block_rows);
        const std::size_t bands = (rows + band - 1) / band;
        const std::size_t bands_per_look = std::max<std::size_t>(1, stretch / (band * cols * sizeof(float) + 1));
        const auto for_bands = [&](auto&& convert_rows) {
            for (std::size_t first = 0; first < bands; first += bands_per_look) {
                control_.cancel.throw_if_requested("load");
                control_.executor.parallel_for(std::min(bands_per_look, bands - first), [&](std::size_t i) {
                    const std::size_t row = (first + i) * band;
                    convert_rows(row, std::min(band, rows - row));
                });
            }
        };
        if (!t.bytes.empty() || !source_.reads_pieces(name)) {
            with_bytes(name, t, [&](const std::byte* data) {
                for_bands([&](std::size_t row, std::size_t count) { converter(data, row, count, out.data()); });
            });
            return;
        }
        first_failure failure;
        scratch_buffers scratch;
        const std::size_t row_bytes = from.bytes(1, cols);
        for_bands([&](std::size_t row, std::size_t count) {
            failure.run([&] {
                host_buffer<std::byte> buffer = scratch.take(band * row_bytes);
                source_.read(name, buffer.span().first(count * row_bytes), row * row_bytes);
                converter(buffer.data(), 0, count, out.data() + to.bytes(row, cols));
                scratch.give_back(std::move(buffer));
            });
        });
        failure.rethrow();
    }

    /// f(first, count) for pieces of `bytes` bytes, by all threads; after every stretch done(how many bytes so far).
    template <class F, class Done> void in_pieces(std::size_t bytes, F&& f, Done&& done) const {
        for (std::size_t first = 0; first < bytes; first += stretch) {
            control_.cancel.throw_if_requested("load");
            const std::size_t end = first + std::min(stretch, bytes - first);
            control_.executor.parallel_for((end - first + piece - 1) / piece, [&](std::size_t i) {
                const std::size_t at = first + i * piece;
                f(at, std::min(piece, end - at));
            });
            done(end);
        }
    }

    void read(const std::string& name, std::span<std::byte> out) const {
        if (!source_.reads_pieces(name)) return source_.read(name, out, 0);
        first_failure failure;
        in_pieces(
            out.size(),
            [&](std::size_t first, std::size_t count) {
                failure.run([&] { source_.read(name, out.subspan(first, count), first); });
            },
            [&](std::size_t) { failure.rethrow(); });
    }

    /// Reads one byte of every page, so that the first tokens do not wait for the disk.
    void touch(const std::string& name, std::span<const std::byte> bytes) {
        std::atomic<unsigned> sink{0};
        in_pieces(
            bytes.size(),
            [&](std::size_t first, std::size_t count) {
                unsigned sum = 0;
                for (std::size_t at = first; at < first + count; at += 4096) {
                    sum += std::to_integer<unsigned>(static_cast<const volatile std::byte*>(bytes.data())[at]);
                }
                sink.fetch_add(sum, std::memory_order_relaxed);
            },
            [&](std::size_t end) {
                if (!control_.progress || bytes.size() <= stretch) return;
                load_progress partial = progress_;
                partial.bytes_done += end;
                partial.tensor = name;
                control_.progress(partial);
            });
    }

    void report(const std::string& name, std::uint64_t bytes) {
        progress_.bytes_done += bytes;
        progress_.tensor = name;
        if (control_.progress) control_.progress(progress_);
    }

    const weight_source& source_;
    const load_control& control_;
    const importance_matrix* importance_;
    std::shared_ptr<weight_memory> memory_;
    std::unordered_set<std::string> used_;
    std::vector<std::string> missing_;
    std::vector<named_matrix> matrices_;
    std::size_t bytes_ = 0;
    load_progress progress_{};
};

} // namespace detail

APERTUS_END_NAMESPACE
