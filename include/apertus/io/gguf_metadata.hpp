// SPDX-License-Identifier: Apache-2.0
//
// The metadata of a GGUF file: keys with typed values, among them arrays with hundreds of thousands of strings (a
// vocabulary), which are kept in one piece of memory. Values are asked for by key and kind; a value of another kind is
// an error that names the file, the key, what was expected and what was found.
// Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md.
#pragma once

#include <apertus/core/error.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// The types of metadata values; the numbers are the file's.
enum class gguf_type : std::uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };

/// "uint8", "string", "array", ... as the specification calls them.
[[nodiscard]] constexpr std::string_view to_string(gguf_type type) noexcept {
    switch (type) {
    case gguf_type::u8: return "uint8";
    case gguf_type::i8: return "int8";
    case gguf_type::u16: return "uint16";
    case gguf_type::i16: return "int16";
    case gguf_type::u32: return "uint32";
    case gguf_type::i32: return "int32";
    case gguf_type::f32: return "float32";
    case gguf_type::boolean: return "bool";
    case gguf_type::string: return "string";
    case gguf_type::array: return "array";
    case gguf_type::u64: return "uint64";
    case gguf_type::i64: return "int64";
    case gguf_type::f64: return "float64";
    }
    return "?";
}

/// Bytes of a value in the file; 0 for strings and arrays, whose size varies.
[[nodiscard]] constexpr std::size_t size_of(gguf_type type) noexcept {
    switch (type) {
    case gguf_type::u8:
    case gguf_type::i8:
    case gguf_type::boolean: return 1;
    case gguf_type::u16:
    case gguf_type::i16: return 2;
    case gguf_type::u32:
    case gguf_type::i32:
    case gguf_type::f32: return 4;
    case gguf_type::u64:
    case gguf_type::i64:
    case gguf_type::f64: return 8;
    case gguf_type::string:
    case gguf_type::array: return 0;
    }
    return 0;
}

[[nodiscard]] constexpr bool is_integer(gguf_type type) noexcept {
    return type == gguf_type::u8 || type == gguf_type::i8 || type == gguf_type::u16 || type == gguf_type::i16 ||
           type == gguf_type::u32 || type == gguf_type::i32 || type == gguf_type::u64 || type == gguf_type::i64;
}
[[nodiscard]] constexpr bool is_float(gguf_type type) noexcept {
    return type == gguf_type::f32 || type == gguf_type::f64;
}

/// A number or truth value as the file stores it.
using gguf_scalar = std::variant<std::uint64_t, std::int64_t, double, bool>;

/// The scalar of that type in the first bytes of `bytes` (little-endian, at least size_of(type) of them).
APERTUS_DECLARATION [[nodiscard]] gguf_scalar read_gguf_scalar(gguf_type type, const std::byte* bytes) noexcept;

/// An array of a metadata value. Immutable after parsing.
struct gguf_array {
    gguf_type type = gguf_type::u8;  ///< of the elements
    std::size_t count = 0;           ///< elements
    std::string bytes;               ///< numbers as in the file; or the text of all strings
    std::vector<std::uint64_t> ends; ///< of strings: where each ends in `bytes`
    std::vector<gguf_array> arrays;  ///< of arrays

    [[nodiscard]] std::size_t size() const noexcept { return count; }
    /// The i-th string; the array holds strings and i < size().
    [[nodiscard]] std::string_view text(std::size_t i) const noexcept {
        const std::uint64_t begin = i == 0 ? 0 : ends[i - 1];
        return std::string_view(bytes).substr(static_cast<std::size_t>(begin),
                                              static_cast<std::size_t>(ends[i] - begin));
    }
    /// The i-th number or truth value; the array holds such and i < size().
    [[nodiscard]] gguf_scalar scalar(std::size_t i) const noexcept {
        return read_gguf_scalar(type, reinterpret_cast<const std::byte*>(bytes.data()) + i * size_of(type));
    }
    /// The i-th element of an array of integers that fit 64 bits with a sign (others are capped).
    APERTUS_DECLARATION [[nodiscard]] std::int64_t integer(std::size_t i) const noexcept;
    /// The i-th element of an array of numbers, as double.
    APERTUS_DECLARATION [[nodiscard]] double number(std::size_t i) const noexcept;
};

/// One value.
struct gguf_value {
    gguf_type type = gguf_type::u8;
    std::variant<gguf_scalar, std::string, gguf_array> content{};
};

/// "a string", "an array of 3 uint32", "uint32 7"; for messages.
APERTUS_DECLARATION [[nodiscard]] std::string describe(const gguf_value& value);

/// All keys of a file, in file order.
class gguf_metadata {
public:
    gguf_metadata() = default;
    /// `document` names the file in errors. Throws error(format) when two entries have the same key.
    APERTUS_DECLARATION gguf_metadata(std::vector<std::pair<std::string, gguf_value>> entries, std::string document);

    [[nodiscard]] std::span<const std::pair<std::string, gguf_value>> entries() const noexcept { return entries_; }
    /// The value of a key, or nullptr.
    APERTUS_DECLARATION [[nodiscard]] const gguf_value* find(std::string_view key) const noexcept;

    // Values by kind. Nothing when the file does not have the key; error(format) when it is of another kind.

    /// Any integer type that is not negative.
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::uint64_t> natural(std::string_view key) const;
    /// Any number.
    APERTUS_DECLARATION [[nodiscard]] std::optional<double> number(std::string_view key) const;
    APERTUS_DECLARATION [[nodiscard]] std::optional<bool> boolean(std::string_view key) const;
    APERTUS_DECLARATION [[nodiscard]] std::optional<std::string_view> text(std::string_view key) const;
    /// An array of strings, or nullptr.
    APERTUS_DECLARATION [[nodiscard]] const gguf_array* texts(std::string_view key) const;
    /// An array of integers, or nullptr.
    APERTUS_DECLARATION [[nodiscard]] const gguf_array* integers(std::string_view key) const;
    /// An array of numbers, or nullptr.
    APERTUS_DECLARATION [[nodiscard]] const gguf_array* numbers(std::string_view key) const;

    /// Throws error(format) about the value of a key.
    APERTUS_DECLARATION [[noreturn]] void bad(std::string_view key, std::string_view expected,
                                              std::string_view found) const;
    /// The same for a key that the file does not have.
    [[noreturn]] void missing(std::string_view key, std::string_view expected) const { bad(key, expected, "nothing"); }

private:
    APERTUS_DECLARATION [[nodiscard]] const gguf_array* array_of(std::string_view key, bool (*kind)(gguf_type),
                                                                 std::string_view expected) const;

    std::vector<std::pair<std::string, gguf_value>> entries_;
    std::vector<std::uint32_t> by_key_;
    std::string document_;
};

APERTUS_END_NAMESPACE

#ifndef APERTUS_DECLARATIONS_ONLY
#include <apertus/io/gguf_metadata_definitions.hpp>
#endif
