// SPDX-License-Identifier: Apache-2.0
//
// The tensors of a model, whatever they come in: a Hugging Face folder with model.safetensors, or with
// model.safetensors.index.json and its shards; safetensors files in memory or behind reader callbacks; or single
// tensors that the caller already holds. One interface: names -> `stored_tensor`.
// Opening reads and validates headers only; the weights' pages are read when a tensor is first touched.
#pragma once

#include <apertus/io/safetensors.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
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
[[nodiscard]] inline std::string describe_names(std::span<const std::string> names, std::size_t limit = 5) {
    std::string text;
    const std::size_t shown = std::min(limit, names.size());
    for (std::size_t i = 0; i < shown; ++i) {
        if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
        text += quoted(names[i], 200);
    }
    if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

namespace detail {

/// SAX handler for model.safetensors.index.json: collects "weight_map" and checks the types of what it knows.
class index_handler {
public:
    using weight_map = std::map<std::string, std::string, std::less<>>; // tensor name -> shard file name

    index_handler(std::string_view document, std::string_view text) : document_(document), text_(text) {}

    weight_map map;
    bool map_seen = false;

    bool null() { return value("null"); }
    bool boolean(bool v) { return value(v ? "true" : "false"); }
    bool number_integer(std::int64_t v) { return value(std::to_string(v)); }
    bool number_unsigned(std::uint64_t v) { return value(std::to_string(v)); }
    bool number_float(double, const std::string& digits) { return value(quoted(digits)); }
    bool binary(std::vector<std::uint8_t>&) { return value("binary data"); }
    bool string(std::string& v) {
        if (!in_map()) return value(quoted(v));
        if (!map.emplace(key_, v).second) {
            fail(error_category::format, document_, "weight_map " + quoted(key_, 200), "one entry", "two");
        }
        return true;
    }
    bool start_object(std::size_t) {
        if (in_map() || (depth_ == 1 && key_is_map_ && map_seen)) value("an object");
        if (depth_ == 1 && key_is_map_) map_seen = true;
        if (++depth_ > json_max_depth) too_deep();
        return true;
    }
    bool key(std::string& k) {
        if (depth_ == 1) key_is_map_ = k == "weight_map";
        key_ = std::move(k);
        return true;
    }
    bool end_object() {
        --depth_;
        return true;
    }
    bool start_array(std::size_t) {
        value("an array");
        if (++depth_ > json_max_depth) too_deep();
        return true;
    }
    bool end_array() {
        --depth_;
        return true;
    }
    template <class Exception> bool parse_error(std::size_t byte, const std::string&, const Exception& reason) {
        json_parse_failure(document_, text_, byte, reason.what());
    }

private:
    [[nodiscard]] bool in_map() const noexcept { return depth_ == 2 && key_is_map_; }
    [[noreturn]] void too_deep() const {
        fail(error_category::format, document_, "nesting", "at most " + std::to_string(json_max_depth), "more");
    }
    /// A value that is not a string in weight_map: fine elsewhere, an error where an object or a file name belongs.
    bool value(std::string_view found) const {
        if (depth_ == 0) fail(error_category::format, document_, "top level", "an object", found);
        if (depth_ == 1 && key_is_map_) {
            fail(error_category::format, document_, "weight_map", "one object", map_seen ? "a second value" : found);
        }
        if (in_map()) fail(error_category::format, document_, "weight_map " + quoted(key_, 200), "a file name", found);
        return true;
    }

    std::string_view document_;
    std::string_view text_;
    std::string key_;
    std::size_t depth_ = 0;
    bool key_is_map_ = false;
};

/// A shard must be a plain file name inside the folder: no separators, no "..", no drive, no control characters.
[[nodiscard]] inline bool is_plain_file_name(std::string_view name) noexcept {
    if (name.empty() || name == "." || name == ".." || name.size() > 255) return false;
    return std::all_of(name.begin(), name.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte >= 0x20 && byte != 0x7f && c != '/' && c != '\\' && c != ':';
    });
}

/// Parses an index. Throws error(format).
[[nodiscard]] inline index_handler::weight_map parse_safetensors_index(std::string_view text,
                                                                       std::string_view document) {
    index_handler handler(document, text);
    parse_json_sax(text, handler);
    if (!handler.map_seen) fail(error_category::format, document, "weight_map", "an object", "nothing");
    if (handler.map.empty()) fail(error_category::format, document, "weight_map", "at least one tensor", "none");
    for (const auto& [tensor, shard] : handler.map) {
        if (!is_plain_file_name(shard)) {
            fail(error_category::format, document, "weight_map " + quoted(tensor, 200), "a plain file name",
                 quoted(shard));
        }
    }
    return std::move(handler.map);
}

} // namespace detail

/// All tensors of a model. Move-only, immutable, safe to read from several threads (when the callbacks are).
class checkpoint {
public:
    /// Opens a Hugging Face folder: `model.safetensors` if it exists, otherwise the index and its shards, as
    /// transformers chooses. Throws error(io) or error(format) naming file, tensor, expected and found.
    [[nodiscard]] static checkpoint open(const std::string& folder, const checkpoint_options& options = {}) {
        const auto open_one = [&](const std::string& path) {
            return options.use_mmap ? safetensors_file::open(path) : safetensors_file::open_unmapped(path);
        };
        const std::string single = join_path(folder, "model.safetensors");
        const std::string index = join_path(folder, "model.safetensors.index.json");
        if (path_exists(single)) {
            std::vector<safetensors_file> files;
            files.push_back(open_one(single));
            return from_files(std::move(files));
        }
        if (!path_exists(index)) {
            fail(error_category::io, folder, "weights", "model.safetensors or model.safetensors.index.json",
                 path_exists(join_path(folder, "pytorch_model.bin")) ||
                         path_exists(join_path(folder, "pytorch_model.bin.index.json"))
                     ? "only pytorch_model.bin, which we do not read (save the model again as safetensors)"
                     : "neither");
        }
        const auto map = detail::parse_safetensors_index(read_file(index, safetensors_max_index), index);
        std::map<std::string, std::size_t, std::less<>> shard_number;
        std::vector<safetensors_file> files;
        for (const auto& [tensor, shard] : map) {
            if (shard_number.emplace(shard, files.size()).second) files.push_back(open_one(join_path(folder, shard)));
        }
        for (const auto& [tensor, shard] : map) {
            if (files[shard_number.find(shard)->second].find(tensor) == nullptr) {
                fail(error_category::format, index, "weight_map " + quoted(tensor, 200), "a tensor of " + quoted(shard),
                     "no such tensor there");
            }
        }
        return from_files(std::move(files));
    }

    /// One or more opened safetensors files (shards). Throws error(format) when two hold a tensor of the same name.
    [[nodiscard]] static checkpoint from_files(std::vector<safetensors_file> files) {
        checkpoint result;
        result.files_ = std::move(files);
        for (const safetensors_file& file : result.files_) {
            for (const tensor_entry& entry : file.tensors()) {
                result.tensors_.push_back(stored_tensor(entry, file));
            }
        }
        result.sort_names();
        return result;
    }

    /// Safetensors files in memory; the bytes must outlive the checkpoint.
    [[nodiscard]] static checkpoint from_bytes(std::span<const std::span<const std::byte>> shards) {
        std::vector<safetensors_file> files;
        for (std::size_t i = 0; i < shards.size(); ++i) {
            files.push_back(
                safetensors_file::from_bytes(shards[i], "safetensors in memory, shard " + std::to_string(i)));
        }
        return from_files(std::move(files));
    }

    /// One safetensors file in memory; the bytes must outlive the checkpoint.
    [[nodiscard]] static checkpoint from_bytes(std::span<const std::byte> file) {
        return from_bytes(std::span(&file, 1));
    }

    /// Tensors that the caller holds. Throws error(shape) when a size does not fit its dtype and shape.
    [[nodiscard]] static checkpoint from_tensors(std::span<const memory_tensor> tensors) {
        checkpoint result;
        result.entries_.reserve(tensors.size()); // handles point into it
        for (const memory_tensor& t : tensors) {
            const auto bytes = checked_size(t.dtype, t.shape);
            if (!bytes || *bytes != t.bytes.size()) {
                fail(error_category::shape, stored_tensor::memory_document, "tensor " + quoted(t.name, 200),
                     (bytes ? std::to_string(*bytes) : std::string("fewer than 2^63")) + " bytes for " +
                         std::string(to_string(t.dtype)) + " " + describe_shape(t.shape),
                     std::to_string(t.bytes.size()));
            }
            result.entries_.push_back({t.name, t.dtype, t.shape, 0, *bytes});
            result.tensors_.push_back(stored_tensor(result.entries_.back(), t.bytes));
        }
        result.sort_names();
        return result;
    }

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
        const auto at = std::lower_bound(tensors_.begin(), tensors_.end(), name,
                                         [](const stored_tensor& t, std::string_view n) { return t.name() < n; });
        return at == tensors_.end() || at->name() != name ? nullptr : &*at;
    }

    /// What a model that wants exactly `expected` would miss and leave over.
    [[nodiscard]] name_difference compare_names(std::span<const std::string> expected) const {
        std::vector<std::string> wanted(expected.begin(), expected.end());
        std::sort(wanted.begin(), wanted.end());
        wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
        name_difference difference;
        for (const std::string& name : wanted) {
            if (find(name) == nullptr) difference.missing.push_back(name);
        }
        for (const stored_tensor& t : tensors_) {
            if (!std::binary_search(wanted.begin(), wanted.end(), t.name())) difference.surplus.push_back(t.name());
        }
        return difference;
    }

private:
    checkpoint() = default;

    void sort_names() {
        std::sort(tensors_.begin(), tensors_.end(),
                  [](const stored_tensor& a, const stored_tensor& b) { return a.name() < b.name(); });
        for (std::size_t i = 1; i < tensors_.size(); ++i) {
            if (tensors_[i - 1].name() == tensors_[i].name()) {
                fail(error_category::format, tensors_[i].document(), "tensor " + quoted(tensors_[i].name(), 200),
                     "one of that name", "another in " + std::string(tensors_[i - 1].document()));
            }
        }
    }

    std::vector<safetensors_file> files_;
    std::vector<tensor_entry> entries_; // of from_tensors
    std::vector<stored_tensor> tensors_;
};

APERTUS_END_NAMESPACE
