// SPDX-License-Identifier: Apache-2.0
//
// What files of named tensors have in common, whatever their format (safetensors.hpp, gguf.hpp): tensors by name, and
// their bytes. A tensor has `name`, `begin` (its first byte in the file) and `size_bytes()`.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/byte_source.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

/// Sorts by name. Throws error(format) about the second of two that have the same name: `document(x)` is where x is.
template <class T, class Name, class Document> void sort_by_name(std::vector<T>& all, Name name, Document document) {
    std::sort(all.begin(), all.end(), [&](const T& a, const T& b) { return name(a) < name(b); });
    const auto twin =
        std::adjacent_find(all.begin(), all.end(), [&](const T& a, const T& b) { return name(a) == name(b); });
    if (twin == all.end()) return;
    const std::string_view first = document(twin[0]);
    const std::string_view second = document(twin[1]);
    fail(error_category::format, second, "tensor " + quoted(name(twin[1]), 200), "one of that name",
         first == second ? "two" : "another in " + std::string(first));
}

/// The element of that name of a range in the order of names, or its end.
template <class Range, class Name> auto find_by_name(const Range& all, std::string_view wanted, Name name) noexcept {
    const auto at = std::lower_bound(all.begin(), all.end(), wanted,
                                     [&](const auto& x, std::string_view n) { return std::string_view(name(x)) < n; });
    return at == all.end() || name(*at) != wanted ? all.end() : at;
}

/// The base of safetensors_file and gguf_file. Move-only, immutable after opening; reading from several threads is fine
/// when the reader callback is. Spans from `view` live as long as the object (or, for bytes in memory, as those).
template <class Tensor> class tensor_file {
public:
    /// The path, or the name given to from_bytes/from_reader.
    [[nodiscard]] const std::string& document() const noexcept { return source_.document(); }
    /// All tensors in file order.
    [[nodiscard]] std::span<const Tensor> tensors() const noexcept { return tensors_; }
    /// The tensor of that name, or nullptr.
    [[nodiscard]] const Tensor* find(std::string_view name) const noexcept {
        const auto at = find_by_name(by_name_, name, name_of);
        return at == by_name_.end() ? nullptr : *at;
    }

    /// Whether `view` works: the bytes are in memory or mapped.
    [[nodiscard]] bool zero_copy() const noexcept { return source_.zero_copy(); }
    /// Whether the bytes are a mapping (and so `advise_mapped` may be used on views).
    [[nodiscard]] bool is_mapped() const noexcept { return source_.is_mapped(); }

    /// Whether several threads may `read` at once.
    [[nodiscard]] bool reads_side_by_side() const noexcept { return source_.reads_side_by_side(); }

    /// The bytes of one of this file's tensors, without a copy. The address may be unaligned for the element type (the
    /// formats do not promise alignment): check with `is_aligned`, copy with `read` otherwise.
    /// Throws error(io) when the source is a reader.
    [[nodiscard]] std::span<const std::byte> view(const Tensor& tensor) const {
        if (!zero_copy()) {
            fail(error_category::io, document(), "tensor " + quoted(tensor.name, 200),
                 "a mapped or in-memory file for view()", "a reader; use read()");
        }
        return source_.bytes().subspan(static_cast<std::size_t>(tensor.begin),
                                       static_cast<std::size_t>(tensor.size_bytes()));
    }

    /// Copies bytes [offset, offset + out.size()) of the tensor into `out`. Throws error(shape) when they are not all
    /// inside the tensor, and whatever the source throws.
    void read(const Tensor& tensor, std::span<std::byte> out, std::uint64_t offset = 0) const {
        if (offset > tensor.size_bytes() || out.size() > tensor.size_bytes() - offset) {
            fail(error_category::shape, document(), "read from tensor " + quoted(tensor.name, 200),
                 "a range inside its " + std::to_string(tensor.size_bytes()) + " bytes",
                 std::to_string(out.size()) + " bytes at " + std::to_string(offset));
        }
        source_.read(tensor.begin + offset, out);
    }

protected:
    explicit tensor_file(byte_source source) : source_(std::move(source)) {}

    [[nodiscard]] const byte_source& source() const noexcept { return source_; }
    /// Throws error(format) when two have the same name.
    void set_tensors(std::vector<Tensor> tensors) {
        tensors_ = std::move(tensors);
        for (const Tensor& t : tensors_) by_name_.push_back(&t);
        sort_by_name(by_name_, name_of, [this](const Tensor*) { return std::string_view(document()); });
    }

private:
    static constexpr auto name_of = [](const Tensor* t) { return std::string_view(t->name); };

    byte_source source_;
    std::vector<Tensor> tensors_;
    std::vector<const Tensor*> by_name_; // into tensors_, whose elements stay where they are when the file is moved
};

} // namespace detail

APERTUS_END_NAMESPACE
