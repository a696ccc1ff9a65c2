// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/gguf_checkpoint.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/gguf.hpp>
#include <apertus/io/gguf_checkpoint.hpp>
#include <apertus/io/tensor_file.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {

inline constexpr std::uint64_t gguf_max_shards = 9999;

/// How many files the model of this one has.
[[nodiscard]] inline std::uint64_t gguf_shard_count(const gguf_file& file) {
    const std::uint64_t count = std::max<std::uint64_t>(file.metadata().natural("split.count").value_or(1), 1);
    if (count > gguf_max_shards) {
        file.metadata().bad("split.count", "at most " + std::to_string(gguf_max_shards), std::to_string(count));
    }
    return count;
}

/// "-00002-of-00003.gguf"
[[nodiscard]] inline std::string gguf_shard_suffix(std::uint64_t number, std::uint64_t count) {
    const auto digits = [](std::uint64_t n) {
        const std::string text = std::to_string(n);
        return std::string(5 - std::min<std::size_t>(5, text.size()), '0') + text;
    };
    return "-" + digits(number) + "-of-" + digits(count) + ".gguf";
}

} // namespace detail

APERTUS_DEFINITION gguf_checkpoint gguf_checkpoint::open(const std::string& path, bool use_mmap) {
    const auto open_one = [use_mmap](const std::string& p) {
        return use_mmap ? gguf_file::open(p) : gguf_file::open_unmapped(p);
    };
    std::vector<gguf_file> files;
    files.push_back(open_one(path));
    const std::uint64_t count = detail::gguf_shard_count(files.front());
    if (count > 1) {
        const std::string suffix = detail::gguf_shard_suffix(1, count);
        if (!path.ends_with(suffix)) {
            fail(error_category::format, path, "file name",
                 "the first of " + std::to_string(count) + " shards, a name that ends with " + quoted(suffix),
                 "another");
        }
        const std::string stem = path.substr(0, path.size() - suffix.size());
        for (std::uint64_t i = 2; i <= count; ++i) {
            files.push_back(open_one(stem + detail::gguf_shard_suffix(i, count)));
        }
    }
    return gguf_checkpoint(std::move(files));
}

APERTUS_DEFINITION gguf_checkpoint::gguf_checkpoint(std::vector<gguf_file> files) : files_(std::move(files)) {
    if (files_.empty()) fail(error_category::io, "GGUF checkpoint", "files", "at least one", "none");
    const std::uint64_t count = detail::gguf_shard_count(files_.front());
    if (count != files_.size()) {
        files_.front().metadata().bad("split.count", std::to_string(files_.size()) + ", the number of files given",
                                      std::to_string(count));
    }
    for (std::size_t i = 0; i < files_.size(); ++i) {
        const gguf_metadata& m = files_[i].metadata();
        if (count > 1 && detail::gguf_shard_count(files_[i]) != count) {
            m.bad("split.count", std::to_string(count) + ", as in the first file",
                  std::to_string(detail::gguf_shard_count(files_[i])));
        }
        if (const std::uint64_t number = m.natural("split.no").value_or(0); number != i) {
            m.bad("split.no", std::to_string(i), std::to_string(number));
        }
        for (const gguf_tensor& t : files_[i].tensors()) tensors_.push_back({&t, &files_[i]});
    }
    if (const auto total = metadata().natural("split.tensors.count"); total && *total != tensors_.size()) {
        metadata().bad("split.tensors.count", std::to_string(tensors_.size()) + ", the number of tensors found",
                       std::to_string(*total));
    }
    detail::sort_by_name(
        tensors_, [](const tensor& t) { return std::string_view(t.info->name); },
        [](const tensor& t) { return std::string_view(t.file->document()); });
}

APERTUS_END_NAMESPACE
