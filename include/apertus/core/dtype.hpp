// SPDX-License-Identifier: Apache-2.0
//
// Storage types of tensors. `bf16` and `f16` are storage only: arithmetic is done in float after an exact widening.
// Narrowing rounds to nearest, ties to even, like PyTorch; NaN stays NaN, infinities stay.
#pragma once

#include <apertus/version.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Element types that a checkpoint may carry (safetensors spelling in `to_string`).
enum class dtype : std::uint8_t { f32, f16, bf16, f64, i64, i32, i16, i8, u64, u32, u16, u8, boolean };

/// Bytes per element.
[[nodiscard]] constexpr std::size_t size_of(dtype type) noexcept {
    switch (type) {
    case dtype::f64:
    case dtype::i64:
    case dtype::u64: return 8;
    case dtype::f32:
    case dtype::i32:
    case dtype::u32: return 4;
    case dtype::f16:
    case dtype::bf16:
    case dtype::i16:
    case dtype::u16: return 2;
    case dtype::i8:
    case dtype::u8:
    case dtype::boolean: return 1;
    }
    return 0;
}

[[nodiscard]] constexpr std::string_view to_string(dtype type) noexcept {
    switch (type) {
    case dtype::f32: return "F32";
    case dtype::f16: return "F16";
    case dtype::bf16: return "BF16";
    case dtype::f64: return "F64";
    case dtype::i64: return "I64";
    case dtype::i32: return "I32";
    case dtype::i16: return "I16";
    case dtype::i8: return "I8";
    case dtype::u64: return "U64";
    case dtype::u32: return "U32";
    case dtype::u16: return "U16";
    case dtype::u8: return "U8";
    case dtype::boolean: return "BOOL";
    }
    return "?";
}

/// Brain floating point: the upper half of an IEEE binary32.
struct bf16 {
    std::uint16_t bits = 0;

    bf16() = default;
    constexpr explicit bf16(float value) noexcept {
        const auto u = std::bit_cast<std::uint32_t>(value);
        if ((u & 0x7fffffffu) > 0x7f800000u) {
            bits = static_cast<std::uint16_t>((u >> 16) | 0x40u); // keep it a (quiet) NaN
        } else {
            bits = static_cast<std::uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
        }
    }
    [[nodiscard]] constexpr explicit operator float() const noexcept {
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
    }
    friend constexpr bool operator==(bf16, bf16) = default;
};

/// IEEE binary16.
struct f16 {
    std::uint16_t bits = 0;

    f16() = default;
    constexpr explicit f16(float value) noexcept : bits(narrow(value)) {}
    [[nodiscard]] constexpr explicit operator float() const noexcept { return widen(bits); }
    friend constexpr bool operator==(f16, f16) = default;

private:
    static constexpr std::uint16_t narrow(float value) noexcept {
        const auto u = std::bit_cast<std::uint32_t>(value);
        const std::uint32_t sign = (u >> 16) & 0x8000u;
        const std::uint32_t a = u & 0x7fffffffu;
        if (a > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u | ((a >> 13) & 0x1ffu));
        if (a >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u); // rounds to or is infinity
        if (a < 0x38800000u) {                                                   // subnormal half or zero
            if (a < 0x33000000u) return static_cast<std::uint16_t>(sign);
            const std::uint32_t mantissa = (a & 0x7fffffu) | 0x800000u;
            const std::uint32_t shift = 126u - (a >> 23);
            const std::uint32_t half = 1u << (shift - 1u);
            std::uint32_t r = mantissa >> shift;
            const std::uint32_t rest = mantissa & ((1u << shift) - 1u);
            if (rest > half || (rest == half && (r & 1u) != 0u)) ++r;
            return static_cast<std::uint16_t>(sign | r);
        }
        const std::uint32_t r = (a - 0x38000000u + 0xfffu + ((a >> 13) & 1u)) >> 13;
        return static_cast<std::uint16_t>(sign | r);
    }
    static constexpr float widen(std::uint16_t h) noexcept {
        const std::uint32_t sign = static_cast<std::uint32_t>(h & 0x8000u) << 16;
        std::uint32_t exponent = (h >> 10) & 0x1fu;
        std::uint32_t mantissa = h & 0x3ffu;
        if (exponent == 0x1fu) return std::bit_cast<float>(sign | 0x7f800000u | (mantissa << 13));
        if (exponent == 0) {
            if (mantissa == 0) return std::bit_cast<float>(sign);
            const auto lead =
                static_cast<std::uint32_t>(std::countl_zero(mantissa)) - 21u; // bring the top bit to bit 10
            mantissa = (mantissa << lead) & 0x3ffu;
            return std::bit_cast<float>(sign | ((113u - lead) << 23) | (mantissa << 13));
        }
        return std::bit_cast<float>(sign | ((exponent + 112u) << 23) | (mantissa << 13));
    }
};

static_assert(sizeof(bf16) == 2 && sizeof(f16) == 2);

/// The `dtype` of a C++ element type.
template <class T>
inline constexpr dtype dtype_of = [] {
    static_assert(sizeof(T) == 0, "apertus::dtype_of: not an element type");
    return dtype::f32;
}();
template <> inline constexpr dtype dtype_of<float> = dtype::f32;
template <> inline constexpr dtype dtype_of<f16> = dtype::f16;
template <> inline constexpr dtype dtype_of<bf16> = dtype::bf16;

/// Exact widening to float of any of the three floating element types.
template <class T> [[nodiscard]] constexpr float to_float(T value) noexcept { return static_cast<float>(value); }

APERTUS_END_NAMESPACE
