// SPDX-License-Identifier: Apache-2.0
//
// Typed access to the members of a JSON object, for the small files of a model folder. Every error names the document,
// the path of the member ("text_config.vocab_size"), what was expected and what was found.
#pragma once

#include <apertus/io/json.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

APERTUS_BEGIN_NAMESPACE

/// Reads one object, which must outlive the reader. All errors are error(config).
class json_reader {
public:
    json_reader(const json& object, std::string_view document, std::string prefix = {})
        : object_(object), document_(document), prefix_(std::move(prefix)) {
        if (!object_.is_object()) {
            fail(error_category::config, document_, prefix_.empty() ? "top level" : prefix_, "an object",
                 describe_json(object_));
        }
    }

    [[noreturn]] void bad(std::string_view key, std::string_view expected, std::string_view found) const {
        fail(error_category::config, document_, path(key), expected, found);
    }
    [[noreturn]] void bad_value(std::string_view key, std::string_view expected, const json& found) const {
        bad(key, expected, describe_json(found));
    }
    [[nodiscard]] std::string path(std::string_view key) const {
        return prefix_.empty() ? std::string(key) : prefix_ + "." + std::string(key);
    }

    /// The member, or nullptr when it is not there (a null is there).
    [[nodiscard]] const json* find(std::string_view key) const {
        const auto at = object_.find(key);
        return at == object_.end() ? nullptr : &*at;
    }
    /// The member, or nullptr when it is not there or null.
    [[nodiscard]] const json* find_value(std::string_view key) const {
        const json* const value = find(key);
        return value == nullptr || value->is_null() ? nullptr : value;
    }

    [[nodiscard]] std::int64_t to_integer(std::string_view key, const json& value) const {
        static constexpr std::int64_t limit = std::int64_t{1} << 53; // exact in a double too
        std::int64_t out = limit + 1;
        if (value.is_number_unsigned()) {
            const auto u = value.get<std::uint64_t>();
            if (u <= static_cast<std::uint64_t>(limit)) out = static_cast<std::int64_t>(u);
        } else if (value.is_number_integer()) {
            out = value.get<std::int64_t>();
        } else if (value.is_number_float()) {
            const auto d = value.get<double>();
            if (d == std::floor(d) && std::abs(d) <= static_cast<double>(limit)) out = static_cast<std::int64_t>(d);
        }
        if (out > limit || out < -limit) bad_value(key, "an integer", value);
        return out;
    }
    [[nodiscard]] std::size_t to_size(std::string_view key, const json& value) const {
        const std::int64_t out = to_integer(key, value);
        if (out < 0) bad_value(key, "a non-negative integer", value);
        return static_cast<std::size_t>(out);
    }
    [[nodiscard]] double to_number(std::string_view key, const json& value) const {
        if (!value.is_number()) bad_value(key, "a number", value);
        return value.get<double>();
    }
    [[nodiscard]] std::int32_t to_token(std::string_view key, const json& value) const {
        const std::int64_t out = to_integer(key, value);
        if (out < std::numeric_limits<std::int32_t>::min() || out > std::numeric_limits<std::int32_t>::max()) {
            bad_value(key, "a token id below 2147483648", value);
        }
        return static_cast<std::int32_t>(out);
    }
    [[nodiscard]] bool to_bool(std::string_view key, const json& value) const {
        if (!value.is_boolean()) bad_value(key, "true or false", value);
        return value.get<bool>();
    }
    [[nodiscard]] std::string to_string(std::string_view key, const json& value) const {
        if (!value.is_string()) bad_value(key, "a string", value);
        return value.get<std::string>();
    }

    /// Leaves `out` alone when the member is absent; null is an error, as in the reference.
    void size(std::string_view key, std::size_t& out) const {
        if (const json* const value = find(key)) out = to_size(key, *value);
    }
    void number(std::string_view key, double& out) const {
        if (const json* const value = find(key)) out = to_number(key, *value);
    }
    void boolean(std::string_view key, bool& out) const {
        if (const json* const value = find(key)) out = to_bool(key, *value);
    }
    void string(std::string_view key, std::string& out) const {
        if (const json* const value = find(key)) out = to_string(key, *value);
    }
    /// Absent or null leave it empty.
    void number(std::string_view key, std::optional<double>& out) const {
        if (const json* const value = find_value(key)) out = to_number(key, *value);
    }
    /// Refuses a member that is there and has another value than `only`.
    void must_be(std::string_view key, bool only, std::string_view why) const {
        if (const json* const value = find_value(key); value != nullptr && to_bool(key, *value) != only) {
            bad_value(key, std::string(only ? "true" : "false") + " (" + std::string(why) + ")", *value);
        }
    }

private:
    const json& object_;
    std::string_view document_;
    std::string prefix_;
};

APERTUS_END_NAMESPACE
