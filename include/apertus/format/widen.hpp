// SPDX-License-Identifier: Apache-2.0
//
// Elements of a checkpoint as floats, a vector at a time. Packing reads every weight of a model through here; written
// element by element for the baseline instruction set it was two thirds of the time of packing int8 (1.7 GB/s of bf16 per
// core of a Cascade Lake; this way 7).
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/simd/pack_lanes.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Elements of packed storage at any address, as floats: what to_float gives, but for the payload of a NaN.
template <class T> struct widener {
    template <std::size_t Lanes>
    APERTUS_ALWAYS_INLINE static void run(const std::byte* in, std::size_t count, float* out) noexcept {
        using vectors = pack_vectors<Lanes>;
        std::size_t i = 0;
        for (; i + Lanes <= count; i += Lanes) {
            typename vectors::halves narrow;
            load_lanes(in + i * sizeof(T), narrow);
            typename vectors::ints bits = __builtin_convertvector(narrow, typename vectors::ints);
            if constexpr (dtype_of<T> == dtype::bf16) bits = bits << 16;
            else widen_f16<typename vectors::floats>(bits);
            std::memcpy(out + i, &bits, sizeof bits);
        }
        for (; i < count; ++i) {
            T value{};
            std::memcpy(&value, in + i * sizeof(T), sizeof(T));
            out[i] = to_float(value);
        }
    }

private:
    static_assert(sizeof(T) == 2);

    template <class Floats, class Ints> APERTUS_ALWAYS_INLINE static void widen_f16(Ints& h) noexcept {
        const Ints sign = (h & 0x8000) << 16;
        const Ints magnitude = h & 0x7fff;
        constexpr std::int32_t bias = (127 - 15) << 23;
        Ints normal = (magnitude << 13) + bias;
        normal = magnitude < 0x7c00 ? normal : normal + bias; // infinities and NaNs
        // Not by a multiplication of the shifted bits: a thread that flushes subnormal numbers would make them zero.
        const Floats subnormal = __builtin_convertvector(magnitude, Floats) * 0x1p-24F;
        Ints small;
        std::memcpy(&small, &subnormal, sizeof small);
        h = magnitude < 0x0400 ? small : normal;
        h = h | sign;
    }
};

/// Widens `count` elements (F32, F16 or BF16) of packed storage at any address.
inline void widen(dtype type, const std::byte* in, std::size_t count, float* out) noexcept {
    switch (type) {
    case dtype::f32: std::memcpy(out, in, count * sizeof(float)); break;
    case dtype::f16: run_widest<widener<f16>>(in, count, out); break;
    default: run_widest<widener<bf16>>(in, count, out); break;
    }
}

} // namespace detail
APERTUS_END_NAMESPACE
