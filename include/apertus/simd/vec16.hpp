// SPDX-License-Identifier: Apache-2.0
//
// vec16: sixteen float lanes and the dozen words in which the hot kernels are written. A kernel is one text
// (backend/cpu/kernels.hpp) compiled once per instruction set with the vec16 of that set:
//   detail::avx512::vec16     one 512-bit register                                 (simd/vec16_avx512.hpp)
//   detail::avx2::vec16       two 256-bit registers                                (simd/vec16_avx2.hpp)
//   detail::portable::vec16   as many xsimd batches as it takes, any architecture  (here)
// The lanes, the order of operations and the reduction tree are part of the meaning, so AVX2 and AVX-512 give the same
// bits. The portable one does the same steps, but where the architecture has no fused multiply-add (x86-64 without
// flags) `fma` rounds twice: its results differ in the last bits.
//
//   zero, splat, load(float | bf16 | f16 pointer: widens exactly), store(the same: rounds to nearest even)
//   fma(a,b,c) = a*b+c   fnma(a,b,c) = c-a*b   add sub mul div   max(a,b) = a > b ? a : b
//   scale_exponent(a, m): a * 2^n, n in the low bits of m   zero_where_less(a, x, limit): x < limit ? 0 : a
//   reduce_add: lanes l + (l+8), then + (l+4), (l+2), (l+1)   reduce_max
#pragma once

#include <apertus/core/dtype.hpp>
#include <apertus/simd/target.hpp>
#include <apertus/simd/vec16_avx2.hpp>
#include <apertus/simd/vec16_avx512.hpp>
#include <apertus/simd/xsimd.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE
namespace detail::portable {

/// On batches of `Arch`, by default what the translation unit is compiled for.
template <class Arch = xsimd::default_arch> struct vec16 {
    using batch = xsimd::batch<float, Arch>;
    static constexpr std::size_t width = batch::size;
    static constexpr std::size_t parts = 16 / width;
    static_assert(width * parts == 16, "apertus: vec16 needs a vector width that divides 16 floats");

    batch part[parts];

    static constexpr std::size_t register_lanes = 4;
    static constexpr int matvec_rows = parts >= 4 ? 3 : 4;
    static constexpr int tile_rows = 2;
    static constexpr int tile_tokens = 2;
    static constexpr int panel_rows = 2;
    static constexpr int panel_vectors = 1;

    template <class F> APERTUS_ALWAYS_INLINE static vec16 each(F&& f) noexcept {
        vec16 out;
        APERTUS_UNROLL
        for (std::size_t p = 0; p < parts; ++p) out.part[p] = f(p);
        return out;
    }

    APERTUS_ALWAYS_INLINE static vec16 zero() noexcept { return splat(0.0F); }
    APERTUS_ALWAYS_INLINE static vec16 splat(float x) noexcept {
        return each([&](std::size_t) { return batch(x); });
    }
    APERTUS_ALWAYS_INLINE static vec16 load(const float* x) noexcept {
        return each([&](std::size_t p) { return batch::load_unaligned(x + p * width); });
    }
    APERTUS_ALWAYS_INLINE static vec16 load(const bf16* x) noexcept {
        std::uint16_t half[16];
        std::uint32_t bits[16];
        std::memcpy(half, static_cast<const void*>(x), sizeof half);
        for (int i = 0; i < 16; ++i) bits[i] = static_cast<std::uint32_t>(half[i]) << 16;
        float out[16];
        std::memcpy(out, bits, sizeof out);
        return load(out);
    }
    APERTUS_ALWAYS_INLINE static vec16 load(const f16* x) noexcept {
        f16 half[16];
        std::memcpy(half, static_cast<const void*>(x), sizeof half);
        float out[16];
        for (int i = 0; i < 16; ++i) out[i] = to_float(half[i]);
        return load(out);
    }

    APERTUS_ALWAYS_INLINE void store(float* x) const noexcept {
        APERTUS_UNROLL
        for (std::size_t p = 0; p < parts; ++p) part[p].store_unaligned(x + p * width);
    }
    template <class Half> APERTUS_ALWAYS_INLINE void store(Half* x) const noexcept {
        float wide[16];
        store(wide);
        for (int i = 0; i < 16; ++i) x[i] = Half(wide[i]);
    }

    APERTUS_ALWAYS_INLINE friend vec16 fma(const vec16& a, const vec16& b, const vec16& c) noexcept {
        return each([&](std::size_t p) { return xsimd::fma(a.part[p], b.part[p], c.part[p]); });
    }
    APERTUS_ALWAYS_INLINE friend vec16 fnma(const vec16& a, const vec16& b, const vec16& c) noexcept {
        return each([&](std::size_t p) { return xsimd::fnma(a.part[p], b.part[p], c.part[p]); });
    }
    APERTUS_ALWAYS_INLINE friend vec16 add(const vec16& a, const vec16& b) noexcept {
        return each([&](std::size_t p) { return a.part[p] + b.part[p]; });
    }
    APERTUS_ALWAYS_INLINE friend vec16 sub(const vec16& a, const vec16& b) noexcept {
        return each([&](std::size_t p) { return a.part[p] - b.part[p]; });
    }
    APERTUS_ALWAYS_INLINE friend vec16 mul(const vec16& a, const vec16& b) noexcept {
        return each([&](std::size_t p) { return a.part[p] * b.part[p]; });
    }
    APERTUS_ALWAYS_INLINE friend vec16 div(const vec16& a, const vec16& b) noexcept {
        return each([&](std::size_t p) { return a.part[p] / b.part[p]; });
    }
    APERTUS_ALWAYS_INLINE friend vec16 max(const vec16& a, const vec16& b) noexcept {
        return each([&](std::size_t p) { return xsimd::select(a.part[p] > b.part[p], a.part[p], b.part[p]); });
    }
    APERTUS_ALWAYS_INLINE friend vec16 scale_exponent(const vec16& a, const vec16& n_plus_magic) noexcept {
        return each([&](std::size_t p) {
            const auto shift = bitwise_cast_to<std::int32_t>(n_plus_magic.part[p]) << 23;
            return bitwise_cast_to<float>(bitwise_cast_to<std::int32_t>(a.part[p]) + shift);
        });
    }
    APERTUS_ALWAYS_INLINE friend vec16 zero_where_less(const vec16& a, const vec16& x, const vec16& limit) noexcept {
        return each([&](std::size_t p) { return xsimd::select(x.part[p] < limit.part[p], batch(0.0F), a.part[p]); });
    }
    APERTUS_ALWAYS_INLINE friend float reduce_add(const vec16& a) noexcept {
        return a.tree([](float l, float r) { return l + r; });
    }
    APERTUS_ALWAYS_INLINE friend float reduce_max(const vec16& a) noexcept {
        return a.tree([](float l, float r) { return l > r ? l : r; });
    }

private:
    template <class F> APERTUS_ALWAYS_INLINE float tree(F&& f) const noexcept {
        float lane[16];
        store(lane);
        for (int step = 8; step > 0; step /= 2) {
            for (int i = 0; i < step; ++i) lane[i] = f(lane[i], lane[i + step]);
        }
        return lane[0];
    }
};

} // namespace detail::portable
APERTUS_END_NAMESPACE
