// SPDX-License-Identifier: Apache-2.0
//
// The bodies of run/importance_file.hpp.
#pragma once

#include <apertus/run/importance_file.hpp>

#include <apertus/core/error.hpp>
#include <apertus/io/safetensors.hpp>
#include <apertus/io/safetensors_writer.hpp>

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail {
inline constexpr std::string_view importance_version_key = "apertus importance";
inline constexpr std::string_view importance_version = "1";
inline constexpr std::string_view importance_tokens_key = "tokens";
} // namespace detail

APERTUS_DEFINITION void write_importance(const std::string& path, const importance_matrix& importance,
                                         const cancellation& cancel) {
    const std::pair<std::string, std::string> metadata[] = {
        {std::string(detail::importance_version_key), std::string(detail::importance_version)},
        {std::string(detail::importance_tokens_key), std::to_string(importance.tokens())}};
    std::vector<memory_tensor> tensors;
    for (const auto& [matrix, values] : importance.mean_squares()) {
        tensors.push_back({matrix, dtype::f32, {values.size()}, std::as_bytes(std::span(values))});
    }
    write_safetensors(path, metadata, tensors, cancel);
}

APERTUS_DEFINITION importance_matrix read_importance(const std::string& path) {
    const safetensors_file file = safetensors_file::open_unmapped(path);
    const auto value = [&](std::string_view wanted) {
        std::string_view found;
        for (const auto& [key, text] : file.metadata()) {
            if (key == wanted) found = text;
        }
        return found;
    };
    const std::string_view version = value(detail::importance_version_key);
    if (version != detail::importance_version) {
        fail(error_category::format, path, "importance matrix", "version " + std::string(detail::importance_version),
             version.empty() ? "another safetensors file" : "version " + quoted(version, 20));
    }
    const std::string_view digits = value(detail::importance_tokens_key);
    std::uint64_t tokens = 0;
    const auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), tokens);
    if (code != std::errc{} || end != digits.data() + digits.size()) {
        fail(error_category::format, path, "metadata \"tokens\"", "a number", quoted(digits, 20));
    }
    importance_matrix::columns columns;
    for (const tensor_entry& t : file.tensors()) {
        if (t.dtype != dtype::f32 || t.shape.size() != 1) {
            fail(error_category::format, path, "tensor " + quoted(t.name, 200), "F32 [columns]",
                 std::string(to_string(t.dtype)) + " " + describe_shape(t.shape));
        }
        std::vector<std::byte> bytes(static_cast<std::size_t>(t.size_bytes()));
        file.read(t, bytes);
        std::vector<float>& values = columns[t.name];
        values.resize(static_cast<std::size_t>(t.shape[0]));
        if (!bytes.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
    }
    return {path, tokens, std::move(columns)};
}

APERTUS_END_NAMESPACE
