// SPDX-License-Identifier: Apache-2.0
//
// The bodies of io/gguf_metadata.hpp.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/io/gguf_metadata.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE

APERTUS_DEFINITION gguf_scalar read_gguf_scalar(gguf_type type, const std::byte* bytes) noexcept {
    std::uint64_t bits = 0;
    const std::size_t size = size_of(type);
    for (std::size_t i = size; i-- > 0;) bits = bits << 8 | std::to_integer<std::uint64_t>(bytes[i]);
    switch (type) {
    case gguf_type::i8: return std::int64_t{static_cast<std::int8_t>(bits)};
    case gguf_type::i16: return std::int64_t{static_cast<std::int16_t>(bits)};
    case gguf_type::i32: return std::int64_t{static_cast<std::int32_t>(bits)};
    case gguf_type::i64: return static_cast<std::int64_t>(bits);
    case gguf_type::f32: return double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
    case gguf_type::f64: return std::bit_cast<double>(bits);
    case gguf_type::boolean: return bits != 0;
    default: return bits;
    }
}

namespace detail {

[[nodiscard]] inline double gguf_number(const gguf_scalar& value) noexcept {
    return std::visit([](auto v) { return static_cast<double>(v); }, value);
}

[[nodiscard]] inline std::string describe_gguf_scalar(const gguf_scalar& value) {
    return std::visit(
        []<class T>(T v) -> std::string {
            if constexpr (std::is_same_v<T, bool>) {
                return v ? "true" : "false";
            } else if constexpr (std::is_same_v<T, double>) {
                char text[32];
                const int n = std::snprintf(text, sizeof text, "%.9g", v);
                return {text, static_cast<std::size_t>(n)};
            } else {
                return std::to_string(v);
            }
        },
        value);
}

} // namespace detail

APERTUS_DEFINITION std::int64_t gguf_array::integer(std::size_t i) const noexcept {
    const gguf_scalar value = scalar(i);
    if (const auto* const v = std::get_if<std::int64_t>(&value)) return *v;
    if (const auto* const v = std::get_if<std::uint64_t>(&value)) {
        return static_cast<std::int64_t>(
            std::min(*v, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())));
    }
    return 0;
}

APERTUS_DEFINITION double gguf_array::number(std::size_t i) const noexcept { return detail::gguf_number(scalar(i)); }

APERTUS_DEFINITION std::string describe(const gguf_value& value) {
    if (const auto* const text = std::get_if<std::string>(&value.content)) return "string " + quoted(*text);
    if (const auto* const array = std::get_if<gguf_array>(&value.content)) {
        return "an array of " + std::to_string(array->size()) + " " + std::string(to_string(array->type));
    }
    return std::string(to_string(value.type)) + " " +
           detail::describe_gguf_scalar(std::get<gguf_scalar>(value.content));
}

APERTUS_DEFINITION gguf_metadata::gguf_metadata(std::vector<std::pair<std::string, gguf_value>> entries,
                                                std::string document)
    : entries_(std::move(entries)), document_(std::move(document)) {
    by_key_.resize(entries_.size());
    std::iota(by_key_.begin(), by_key_.end(), std::uint32_t{0});
    const auto key = [this](std::uint32_t i) { return std::string_view(entries_[i].first); };
    std::sort(by_key_.begin(), by_key_.end(), [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
    for (std::size_t i = 1; i < by_key_.size(); ++i) {
        if (key(by_key_[i - 1]) == key(by_key_[i])) bad(key(by_key_[i]), "one of that key", "two");
    }
}

APERTUS_DEFINITION const gguf_value* gguf_metadata::find(std::string_view key) const noexcept {
    const auto at =
        std::lower_bound(by_key_.begin(), by_key_.end(), key, [this](std::uint32_t i, std::string_view wanted) {
            return std::string_view(entries_[i].first) < wanted;
        });
    if (at == by_key_.end() || entries_[*at].first != key) return nullptr;
    return &entries_[*at].second;
}

APERTUS_DEFINITION void gguf_metadata::bad(std::string_view key, std::string_view expected,
                                           std::string_view found) const {
    fail(error_category::format, document_, "metadata " + quoted(key, 200), expected, found);
}

APERTUS_DEFINITION std::optional<std::uint64_t> gguf_metadata::natural(std::string_view key) const {
    const gguf_value* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (is_integer(value->type)) {
        const auto& scalar = std::get<gguf_scalar>(value->content);
        if (const auto* const v = std::get_if<std::uint64_t>(&scalar)) return *v;
        if (const auto* const v = std::get_if<std::int64_t>(&scalar); v != nullptr && *v >= 0) {
            return static_cast<std::uint64_t>(*v);
        }
    }
    bad(key, "an integer of at least 0", describe(*value));
}

APERTUS_DEFINITION std::optional<double> gguf_metadata::number(std::string_view key) const {
    const gguf_value* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (!is_integer(value->type) && !is_float(value->type)) bad(key, "a number", describe(*value));
    return detail::gguf_number(std::get<gguf_scalar>(value->content));
}

APERTUS_DEFINITION std::optional<bool> gguf_metadata::boolean(std::string_view key) const {
    const gguf_value* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (value->type != gguf_type::boolean) bad(key, "a bool", describe(*value));
    return std::get<bool>(std::get<gguf_scalar>(value->content));
}

APERTUS_DEFINITION std::optional<std::string_view> gguf_metadata::text(std::string_view key) const {
    const gguf_value* const value = find(key);
    if (value == nullptr) return std::nullopt;
    if (value->type != gguf_type::string) bad(key, "a string", describe(*value));
    return std::string_view(std::get<std::string>(value->content));
}

APERTUS_DEFINITION const gguf_array* gguf_metadata::array_of(std::string_view key, bool (*kind)(gguf_type),
                                                             std::string_view expected) const {
    const gguf_value* const value = find(key);
    if (value == nullptr) return nullptr;
    const auto* const array = std::get_if<gguf_array>(&value->content);
    if (array == nullptr || !kind(array->type)) bad(key, expected, describe(*value));
    return array;
}

APERTUS_DEFINITION const gguf_array* gguf_metadata::texts(std::string_view key) const {
    return array_of(key, [](gguf_type t) { return t == gguf_type::string; }, "an array of strings");
}

APERTUS_DEFINITION const gguf_array* gguf_metadata::integers(std::string_view key) const {
    return array_of(key, [](gguf_type t) { return is_integer(t); }, "an array of integers");
}

APERTUS_DEFINITION const gguf_array* gguf_metadata::numbers(std::string_view key) const {
    return array_of(key, [](gguf_type t) { return is_integer(t) || is_float(t); }, "an array of numbers");
}

APERTUS_END_NAMESPACE
