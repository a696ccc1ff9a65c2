// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/checkpoint.hpp that open a checkpoint, and the reader of model.safetensors.index.json.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/checkpoint.hpp>
#include <apertus/io/file.hpp>
#include <apertus/io/json.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/tensor_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

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
APERTUS_DECLARATION [[nodiscard]] index_handler::weight_map parse_safetensors_index(std::string_view text,
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

APERTUS_DEFINITION std::string describe_names(std::span<const std::string> names, std::size_t limit) {
    std::string text;
    const std::size_t shown = std::min(limit, names.size());
    for (std::size_t i = 0; i < shown; ++i) {
        if (i != 0) text += i + 1 == names.size() ? " and " : ", ";
        text += quoted(names[i], 200);
    }
    if (shown < names.size()) text += " and " + std::to_string(names.size() - shown) + " more";
    return text;
}

APERTUS_DEFINITION checkpoint checkpoint::open(const std::string& folder, const checkpoint_options& options) {
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

APERTUS_DEFINITION checkpoint checkpoint::from_files(std::vector<safetensors_file> files) {
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

APERTUS_DEFINITION checkpoint checkpoint::from_bytes(std::span<const std::span<const std::byte>> shards) {
    std::vector<safetensors_file> files;
    for (std::size_t i = 0; i < shards.size(); ++i) {
        files.push_back(safetensors_file::from_bytes(shards[i], "safetensors in memory, shard " + std::to_string(i)));
    }
    return from_files(std::move(files));
}

APERTUS_DEFINITION checkpoint checkpoint::from_bytes(std::span<const std::byte> file) {
    return from_bytes(std::span(&file, 1));
}

APERTUS_DEFINITION checkpoint checkpoint::from_tensors(std::span<const memory_tensor> tensors) {
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

APERTUS_DEFINITION name_difference checkpoint::compare_names(std::span<const std::string> expected) const {
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

APERTUS_DEFINITION void checkpoint::sort_names() {
    detail::sort_by_name(
        tensors_, [](const stored_tensor& t) { return std::string_view(t.name()); },
        [](const stored_tensor& t) { return t.document(); });
}

APERTUS_END_NAMESPACE
