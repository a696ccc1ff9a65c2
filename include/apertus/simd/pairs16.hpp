// SPDX-License-Identifier: Apache-2.0
//
// pairs16: sixteen lanes of 32 bits that hold either two int16 or one int32, for the integer kernels, with the vec16 of the
// same instruction set. All of it is exact, so every instruction set gives the same numbers.
//
//   zero, splat(pair), load, store: as they lie    widen(int8 pointer): 32 int8 to sixteen pairs of int16
//   multiply_add(a, b, sum) = sum + a.first * b.first + a.second * b.second, int16 times int16 into int32
//   to_float(sums)    store_rounded(x, int16 pointer): |x| < 32768 rounded to nearest even
//   widen_first, widen_second(bf16 pointer): the first, the second of sixteen pairs of bf16 as a vec16
#pragma once

#include <apertus/simd/pairs16_avx2.hpp>
#include <apertus/simd/pairs16_avx512.hpp>
#include <apertus/simd/pairs16_avx512_vnni.hpp>
#include <apertus/simd/vec16.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

APERTUS_BEGIN_NAMESPACE
namespace detail::portable {

template <class Arch = xsimd::default_arch> struct pairs16 {
    std::int32_t lane[16];

    APERTUS_ALWAYS_INLINE static pairs16 zero() noexcept { return splat(0); }
    APERTUS_ALWAYS_INLINE static pairs16 splat(std::int32_t pair) noexcept {
        pairs16 out;
        for (std::int32_t& l : out.lane) l = pair;
        return out;
    }
    APERTUS_ALWAYS_INLINE static pairs16 load(const std::int32_t* p) noexcept {
        pairs16 out;
        std::memcpy(out.lane, static_cast<const void*>(p), sizeof out.lane);
        return out;
    }
    APERTUS_ALWAYS_INLINE static pairs16 widen(const std::int8_t* p) noexcept {
        std::int16_t wide[32];
        for (int i = 0; i < 32; ++i) wide[i] = p[i];
        pairs16 out;
        std::memcpy(out.lane, wide, sizeof out.lane);
        return out;
    }
    APERTUS_ALWAYS_INLINE void store(std::int32_t* p) const noexcept {
        std::memcpy(static_cast<void*>(p), lane, sizeof lane);
    }
    APERTUS_ALWAYS_INLINE friend pairs16 multiply_add(const pairs16& a, const pairs16& b, const pairs16& sum) noexcept {
        std::int16_t x[32];
        std::int16_t y[32];
        std::memcpy(x, a.lane, sizeof x);
        std::memcpy(y, b.lane, sizeof y);
        pairs16 out;
        for (int i = 0; i < 16; ++i) {
            out.lane[i] = sum.lane[i] + (std::int32_t{x[2 * i]} * y[2 * i] + std::int32_t{x[2 * i + 1]} * y[2 * i + 1]);
        }
        return out;
    }
    APERTUS_ALWAYS_INLINE friend vec16<Arch> to_float(const pairs16& sums) noexcept {
        float out[16];
        for (int i = 0; i < 16; ++i) out[i] = static_cast<float>(sums.lane[i]);
        return vec16<Arch>::load(out);
    }
    APERTUS_ALWAYS_INLINE static void store_rounded(const vec16<Arch>& x, std::int16_t* p) noexcept {
        const vec16<Arch> magic = vec16<Arch>::splat(12582912.0F); // 1.5 * 2^23: a float near it has no fraction
        float whole[16];
        sub(add(x, magic), magic).store(whole);
        std::int16_t out[16];
        for (int i = 0; i < 16; ++i) out[i] = static_cast<std::int16_t>(whole[i]);
        std::memcpy(static_cast<void*>(p), out, sizeof out);
    }
    APERTUS_ALWAYS_INLINE static vec16<Arch> widen_first(const bf16* p) noexcept {
        return widen_half(p, [](std::uint32_t pair) { return pair << 16; });
    }
    APERTUS_ALWAYS_INLINE static vec16<Arch> widen_second(const bf16* p) noexcept {
        return widen_half(p, [](std::uint32_t pair) { return pair & 0xffff0000U; });
    }

private:
    template <class F> APERTUS_ALWAYS_INLINE static vec16<Arch> widen_half(const bf16* p, F&& f) noexcept {
        std::uint32_t bits[16];
        std::memcpy(bits, static_cast<const void*>(p), sizeof bits);
        for (std::uint32_t& b : bits) b = f(b);
        float out[16];
        std::memcpy(out, bits, sizeof out);
        return vec16<Arch>::load(out);
    }
};

template <class V> struct pairs_for;
template <class Arch> struct pairs_for<vec16<Arch>> {
    using type = pairs16<Arch>;
};
template <class V> using pairs_of = typename pairs_for<V>::type;

} // namespace detail::portable
APERTUS_END_NAMESPACE
