// SPDX-License-Identifier: Apache-2.0
//
// dot16: sixteen int32 lanes, each of which takes dot products of four bytes, and the words in which the kernels of
// packed formats are written (backend/cpu/packed_kernels.hpp). One per instruction set:
//   detail::avx512_vnni::dot16, avx512::dot16   one 512-bit register     (here)
//   detail::avx2_vnni::dot16, avx2::dot16       two 256-bit registers    (here)
//   detail::portable::dot16                     plain loops, any architecture
// A `line` is 64 bytes: sixteen rows of four codes, or four activations broadcast to all rows. All is exact, so every
// instruction set gives the same integers.
//
//   dot_small(acc, w, x)   acc + w . x; w unsigned, x signed, every |w[0] x[0] + w[1] x[1]| below 2^15
//   dot_byte(acc, w, x)    acc + (w - 128 + kept) . x with w in 1 .. 255 and x in -127 .. 127. `kept` is 128 where the
//                          instruction takes all of w unsigned: the caller starts from -kept * sum(x) then
//   low_nibbles, high_nibbles   of every byte
//   nibble(line, g)        of every 32-bit lane: bits 4 g .. 4 g + 3
//   as_floats               exact below 2^24
#pragma once

#include <apertus/simd/intrinsics.hpp>
#include <apertus/simd/target.hpp>
#include <apertus/simd/vec16.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

#if APERTUS_X86
#define APERTUS_TARGET_AVX2_VNNI "avx2,fma,f16c,avxvnni"
#define APERTUS_TARGET_AVX512_VNNI "avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,f16c"
#endif

APERTUS_BEGIN_NAMESPACE

namespace detail::portable {

/// Loops over lanes are unrolled. As loops g++ 12 walks them with pointers, and then lets temporaries of a caller's unrolled
/// body share memory that is still in use (wrong codes in `quantize`; -fstack-reuse=none hides it as well).
template <class Arch = xsimd::default_arch> struct dot16 {
    using vec = vec16<Arch>;
    struct line {
        std::uint8_t byte[64];
    };
    std::int32_t lane[16];

    static constexpr std::int32_t kept = 0;
    static constexpr int matvec_strips = 4;
    static constexpr int tile_strips = 1;
    static constexpr int tile_tokens = 4;

    APERTUS_ALWAYS_INLINE static dot16 splat(std::int32_t x) noexcept {
        dot16 out;
        APERTUS_UNROLL
        for (std::int32_t& l : out.lane) l = x;
        return out;
    }
    APERTUS_ALWAYS_INLINE static dot16 load_lanes(const std::int32_t* p) noexcept {
        dot16 out;
        std::memcpy(out.lane, p, sizeof out.lane);
        return out;
    }
    APERTUS_ALWAYS_INLINE static line load(const void* p) noexcept {
        line out;
        std::memcpy(out.byte, p, 64);
        return out;
    }
    APERTUS_ALWAYS_INLINE static void store(const line& x, std::uint8_t* p) noexcept { std::memcpy(p, x.byte, 64); }
    APERTUS_ALWAYS_INLINE static line broadcast(const std::int8_t* x) noexcept {
        line out;
        for (std::size_t i = 0; i < 64; i += 4) std::memcpy(out.byte + i, x, 4);
        return out;
    }
    APERTUS_ALWAYS_INLINE static line splat_byte(std::uint8_t x) noexcept {
        line out;
        std::memset(out.byte, x, 64);
        return out;
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_small(dot16 acc, const line& w, const line& x) noexcept {
        return add_pairs(acc, w, x, words{});
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_byte(dot16 acc, const line& w, const line& x) noexcept {
        return add_pairs(acc, w, x, words{} + std::int16_t{128});
    }
    APERTUS_ALWAYS_INLINE static line low_nibbles(line w) noexcept {
        for (std::uint8_t& b : w.byte) b = b & 15;
        return w;
    }
    APERTUS_ALWAYS_INLINE static line high_nibbles(line w) noexcept {
        for (std::uint8_t& b : w.byte) b = b >> 4;
        return w;
    }
    APERTUS_ALWAYS_INLINE static dot16 nibble(const line& w, int g) noexcept {
        dot16 out;
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) {
            std::uint32_t bits = 0;
            std::memcpy(&bits, w.byte + 4 * i, 4);
            out.lane[i] = static_cast<std::int32_t>(bits >> (4 * g) & 15U);
        }
        return out;
    }
    /// w * factor[row] + offset[row], modulo 256 in every byte; products below 256.
    APERTUS_ALWAYS_INLINE static line scale_bytes(line w, const dot16& factor, const dot16& offset) noexcept {
        for (std::size_t i = 0; i < 64; ++i) {
            w.byte[i] = static_cast<std::uint8_t>(w.byte[i] * factor.lane[i / 4] + offset.lane[i / 4]);
        }
        return w;
    }
    /// Byte `i` of every 32-bit lane.
    APERTUS_ALWAYS_INLINE static dot16 byte_of(const line& w, int i) noexcept {
        dot16 out;
        APERTUS_UNROLL
        for (std::size_t r = 0; r < 16; ++r) out.lane[r] = w.byte[4 * r + static_cast<std::size_t>(i)];
        return out;
    }
    APERTUS_ALWAYS_INLINE friend dot16 add(dot16 a, const dot16& b) noexcept {
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) a.lane[i] += b.lane[i];
        return a;
    }
    APERTUS_ALWAYS_INLINE friend dot16 sub(dot16 a, const dot16& b) noexcept {
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) a.lane[i] -= b.lane[i];
        return a;
    }
    APERTUS_ALWAYS_INLINE friend dot16 shift_left(dot16 a, int n) noexcept {
        APERTUS_UNROLL
        for (std::int32_t& l : a.lane) l = static_cast<std::int32_t>(static_cast<std::uint32_t>(l) << n);
        return a;
    }
    APERTUS_ALWAYS_INLINE friend vec as_floats(const dot16& a) noexcept {
        float out[16];
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) out[i] = static_cast<float>(a.lane[i]);
        return vec::load(out);
    }
    /// Rounded to nearest even; below 2^22.
    APERTUS_ALWAYS_INLINE static dot16 rounded(const vec& x) noexcept {
        float value[16];
        x.store(value);
        dot16 out;
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) {
            const float shifted = value[i] + 12582912.0F; // 1.5 * 2^23: the sum's last bit is worth one
            std::int32_t bits = 0;
            std::memcpy(&bits, &shifted, 4);
            out.lane[i] = bits - 0x4b400000;
        }
        return out;
    }
    /// Lanes of -128 .. 127 as sixteen bytes.
    APERTUS_ALWAYS_INLINE static void store_bytes(const dot16& x, std::int8_t* out) noexcept {
        APERTUS_UNROLL
        for (std::size_t i = 0; i < 16; ++i) out[i] = static_cast<std::int8_t>(x.lane[i]);
    }
    /// Rounds down.
    APERTUS_ALWAYS_INLINE friend dot16 shift_right(dot16 a, int n) noexcept {
        APERTUS_UNROLL
        for (std::int32_t& l : a.lane) l >>= n;
        return a;
    }

private:
    using words = std::int16_t __attribute__((vector_size(64)));
    using lanes = std::int32_t __attribute__((vector_size(64)));

    /// acc + (w - zero) . x by pairs in sixteen bits, which is what machines without a dot product can multiply side by side.
    /// (Byte by byte in loops: 5 to 8 times slower on SSE2.)
    APERTUS_ALWAYS_INLINE static dot16 add_pairs(const dot16& acc, const line& w, const line& x,
                                                 const words& zero) noexcept {
        words ws;
        words xs;
        lanes sum;
        std::memcpy(&ws, w.byte, 64);
        std::memcpy(&xs, x.byte, 64);
        std::memcpy(&sum, acc.lane, 64);
        const words even = ((ws & std::int16_t{255}) - zero) * ((xs << 8) >> 8);
        const words odd = ((ws >> 8 & std::int16_t{255}) - zero) * (xs >> 8);
        const words both = even + odd;
        lanes pairs;
        std::memcpy(&pairs, &both, 64);
        sum += ((pairs << 16) >> 16) + (pairs >> 16);
        dot16 out;
        std::memcpy(out.lane, &sum, 64);
        return out;
    }
};

} // namespace detail::portable

#if APERTUS_X86
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
namespace detail::avx2 {

/// What does not depend on the dot product.
template <class Self> struct dot16_words {
    using vec = vec16;
    using lanes = std::int32_t __attribute__((vector_size(32)));
    struct line {
        __m256i lo;
        __m256i hi;
    };

    APERTUS_ALWAYS_INLINE static Self make(__m256i l, __m256i h) noexcept {
        Self out;
        out.low = reinterpret_cast<lanes>(l);
        out.high = reinterpret_cast<lanes>(h);
        return out;
    }
    APERTUS_ALWAYS_INLINE static __m256i lo(const Self& a) noexcept { return reinterpret_cast<__m256i>(a.low); }
    APERTUS_ALWAYS_INLINE static __m256i hi(const Self& a) noexcept { return reinterpret_cast<__m256i>(a.high); }
    APERTUS_ALWAYS_INLINE static Self splat(std::int32_t x) noexcept {
        return make(_mm256_set1_epi32(x), _mm256_set1_epi32(x));
    }
    APERTUS_ALWAYS_INLINE static Self load_lanes(const std::int32_t* p) noexcept {
        const auto* at = reinterpret_cast<const __m256i*>(p);
        return make(_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1));
    }
    APERTUS_ALWAYS_INLINE static line load(const void* p) noexcept {
        const auto* at = static_cast<const __m256i*>(p);
        return {_mm256_loadu_si256(at), _mm256_loadu_si256(at + 1)};
    }
    APERTUS_ALWAYS_INLINE static void store(const line& x, std::uint8_t* p) noexcept {
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), x.lo);
        _mm256_storeu_si256(reinterpret_cast<__m256i*>(p + 32), x.hi);
    }
    APERTUS_ALWAYS_INLINE static line broadcast(const std::int8_t* x) noexcept {
        std::int32_t four = 0;
        std::memcpy(&four, x, 4);
        return {_mm256_set1_epi32(four), _mm256_set1_epi32(four)};
    }
    APERTUS_ALWAYS_INLINE static line splat_byte(std::uint8_t x) noexcept {
        const __m256i all = _mm256_set1_epi8(static_cast<char>(x));
        return {all, all};
    }
    APERTUS_ALWAYS_INLINE static line low_nibbles(line w) noexcept {
        const __m256i mask = _mm256_set1_epi8(15);
        return {_mm256_and_si256(w.lo, mask), _mm256_and_si256(w.hi, mask)};
    }
    APERTUS_ALWAYS_INLINE static line high_nibbles(line w) noexcept {
        return low_nibbles({_mm256_srli_epi16(w.lo, 4), _mm256_srli_epi16(w.hi, 4)});
    }
    APERTUS_ALWAYS_INLINE static Self nibble(line w, int g) noexcept {
        const __m128i n = _mm_cvtsi32_si128(4 * g);
        const __m256i mask = _mm256_set1_epi32(15);
        return make(_mm256_and_si256(_mm256_srl_epi32(w.lo, n), mask),
                    _mm256_and_si256(_mm256_srl_epi32(w.hi, n), mask));
    }
    APERTUS_ALWAYS_INLINE static __m256i scale_half(__m256i w, __m256i factor, __m256i offset) noexcept {
        const __m256i twice = _mm256_or_si256(factor, _mm256_slli_epi32(factor, 16));
        const __m256i pair = _mm256_or_si256(offset, _mm256_slli_epi32(offset, 8));
        return _mm256_add_epi8(_mm256_mullo_epi16(w, twice), _mm256_or_si256(pair, _mm256_slli_epi32(pair, 16)));
    }
    APERTUS_ALWAYS_INLINE static line scale_bytes(line w, Self factor, Self offset) noexcept {
        return {scale_half(w.lo, lo(factor), lo(offset)), scale_half(w.hi, hi(factor), hi(offset))};
    }
    APERTUS_ALWAYS_INLINE static Self byte_of(line w, int i) noexcept {
        const __m128i n = _mm_cvtsi32_si128(8 * i);
        const __m256i mask = _mm256_set1_epi32(255);
        return make(_mm256_and_si256(_mm256_srl_epi32(w.lo, n), mask),
                    _mm256_and_si256(_mm256_srl_epi32(w.hi, n), mask));
    }
    APERTUS_ALWAYS_INLINE friend Self add(Self a, Self b) noexcept {
        return make(_mm256_add_epi32(lo(a), lo(b)), _mm256_add_epi32(hi(a), hi(b)));
    }
    APERTUS_ALWAYS_INLINE friend Self sub(Self a, Self b) noexcept {
        return make(_mm256_sub_epi32(lo(a), lo(b)), _mm256_sub_epi32(hi(a), hi(b)));
    }
    APERTUS_ALWAYS_INLINE friend Self shift_left(Self a, int n) noexcept {
        const __m128i by = _mm_cvtsi32_si128(n);
        return make(_mm256_sll_epi32(lo(a), by), _mm256_sll_epi32(hi(a), by));
    }
    APERTUS_ALWAYS_INLINE friend vec as_floats(Self a) noexcept {
        return {_mm256_cvtepi32_ps(lo(a)), _mm256_cvtepi32_ps(hi(a))};
    }
    APERTUS_ALWAYS_INLINE static Self rounded(vec x) noexcept {
        return make(_mm256_cvtps_epi32(x.lo), _mm256_cvtps_epi32(x.hi));
    }
    APERTUS_ALWAYS_INLINE static void store_bytes(Self x, std::int8_t* out) noexcept {
        const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(lo(x), hi(x)), 0xd8);
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out),
                         _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1)));
    }
    APERTUS_ALWAYS_INLINE friend Self shift_right(Self a, int n) noexcept {
        const __m128i by = _mm_cvtsi32_si128(n);
        return make(_mm256_sra_epi32(lo(a), by), _mm256_sra_epi32(hi(a), by));
    }
};

struct dot16 : dot16_words<dot16> {
    lanes low;
    lanes high;

    static constexpr std::int32_t kept = 0;
    static constexpr int matvec_strips = 4;
    static constexpr int tile_strips = 1;
    static constexpr int tile_tokens = 4;

    APERTUS_ALWAYS_INLINE static __m256i four(__m256i unsigned_bytes, __m256i signed_bytes) noexcept {
        return _mm256_madd_epi16(_mm256_maddubs_epi16(unsigned_bytes, signed_bytes), _mm256_set1_epi16(1));
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_small(dot16 acc, line w, line x) noexcept {
        return make(_mm256_add_epi32(lo(acc), four(w.lo, x.lo)), _mm256_add_epi32(hi(acc), four(w.hi, x.hi)));
    }
    /// |w - 128| . (x with the sign of w - 128): pairs stay below 2^15, where 255 * 127 * 2 would saturate.
    APERTUS_ALWAYS_INLINE static dot16 dot_byte(dot16 acc, line w, line x) noexcept {
        const __m256i middle = _mm256_set1_epi8(static_cast<char>(128));
        const __m256i a = _mm256_xor_si256(w.lo, middle);
        const __m256i b = _mm256_xor_si256(w.hi, middle);
        return make(_mm256_add_epi32(lo(acc), four(_mm256_abs_epi8(a), _mm256_sign_epi8(x.lo, a))),
                    _mm256_add_epi32(hi(acc), four(_mm256_abs_epi8(b), _mm256_sign_epi8(x.hi, b))));
    }
};

} // namespace detail::avx2
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2_VNNI)
namespace detail::avx2_vnni {

struct dot16 : avx2::dot16_words<dot16> {
    lanes low;
    lanes high;

    static constexpr std::int32_t kept = 128;
    static constexpr int matvec_strips = 4;
    static constexpr int tile_strips = 1;
    static constexpr int tile_tokens = 4;

    APERTUS_ALWAYS_INLINE static dot16 dot_small(dot16 acc, line w, line x) noexcept {
        return make(_mm256_dpbusd_avx_epi32(lo(acc), w.lo, x.lo), _mm256_dpbusd_avx_epi32(hi(acc), w.hi, x.hi));
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_byte(dot16 acc, line w, line x) noexcept { return dot_small(acc, w, x); }
};

} // namespace detail::avx2_vnni
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
namespace detail::avx512 {

/// What does not depend on the dot product. The lanes have the type that dot products work on: held as __m512i they
/// change it in every turn of a loop, and g++ 12 then keeps two copies, one of them in memory (half the speed).
template <class Self> struct dot16_words {
    using vec = vec16;
    using line = __m512i;
    using lanes = std::int32_t __attribute__((vector_size(64)));

    APERTUS_ALWAYS_INLINE static Self make(__m512i x) noexcept {
        Self out;
        out.v = reinterpret_cast<lanes>(x);
        return out;
    }
    APERTUS_ALWAYS_INLINE static __m512i reg(const Self& a) noexcept { return reinterpret_cast<__m512i>(a.v); }
    APERTUS_ALWAYS_INLINE static Self splat(std::int32_t x) noexcept { return make(_mm512_set1_epi32(x)); }
    APERTUS_ALWAYS_INLINE static Self load_lanes(const std::int32_t* p) noexcept { return make(_mm512_loadu_si512(p)); }
    APERTUS_ALWAYS_INLINE static line load(const void* p) noexcept { return _mm512_loadu_si512(p); }
    APERTUS_ALWAYS_INLINE static void store(line x, std::uint8_t* p) noexcept { _mm512_storeu_si512(p, x); }
    APERTUS_ALWAYS_INLINE static line broadcast(const std::int8_t* x) noexcept {
        std::int32_t four = 0;
        std::memcpy(&four, x, 4);
        return _mm512_set1_epi32(four);
    }
    APERTUS_ALWAYS_INLINE static line splat_byte(std::uint8_t x) noexcept {
        return _mm512_set1_epi8(static_cast<char>(x));
    }
    APERTUS_ALWAYS_INLINE static line low_nibbles(line w) noexcept { return _mm512_and_si512(w, _mm512_set1_epi8(15)); }
    APERTUS_ALWAYS_INLINE static line high_nibbles(line w) noexcept { return low_nibbles(_mm512_srli_epi16(w, 4)); }
    APERTUS_ALWAYS_INLINE static Self nibble(line w, int g) noexcept {
        return make(
            _mm512_and_si512(_mm512_maskz_srl_epi32(0xffff, w, _mm_cvtsi32_si128(4 * g)), _mm512_set1_epi32(15)));
    }
    APERTUS_ALWAYS_INLINE static line scale_bytes(line w, Self factor, Self offset) noexcept {
        const __m512i twice = _mm512_or_si512(reg(factor), _mm512_maskz_slli_epi32(0xffff, reg(factor), 16));
        const __m512i pair = _mm512_or_si512(reg(offset), _mm512_maskz_slli_epi32(0xffff, reg(offset), 8));
        return _mm512_add_epi8(_mm512_mullo_epi16(w, twice),
                               _mm512_or_si512(pair, _mm512_maskz_slli_epi32(0xffff, pair, 16)));
    }
    APERTUS_ALWAYS_INLINE static Self byte_of(line w, int i) noexcept {
        return make(
            _mm512_and_si512(_mm512_maskz_srl_epi32(0xffff, w, _mm_cvtsi32_si128(8 * i)), _mm512_set1_epi32(255)));
    }
    APERTUS_ALWAYS_INLINE friend Self add(Self a, Self b) noexcept { return make(_mm512_add_epi32(reg(a), reg(b))); }
    APERTUS_ALWAYS_INLINE friend Self sub(Self a, Self b) noexcept { return make(_mm512_sub_epi32(reg(a), reg(b))); }
    APERTUS_ALWAYS_INLINE friend Self shift_left(Self a, int n) noexcept {
        return make(_mm512_maskz_sll_epi32(0xffff, reg(a), _mm_cvtsi32_si128(n)));
    }
    APERTUS_ALWAYS_INLINE friend vec as_floats(Self a) noexcept { return {_mm512_maskz_cvtepi32_ps(0xffff, reg(a))}; }
    APERTUS_ALWAYS_INLINE static Self rounded(vec x) noexcept { return make(_mm512_maskz_cvtps_epi32(0xffff, x.v)); }
    APERTUS_ALWAYS_INLINE static void store_bytes(Self x, std::int8_t* out) noexcept {
        _mm_storeu_si128(reinterpret_cast<__m128i*>(out), _mm512_maskz_cvtepi32_epi8(0xffff, reg(x)));
    }
    APERTUS_ALWAYS_INLINE friend Self shift_right(Self a, int n) noexcept {
        return make(_mm512_maskz_sra_epi32(0xffff, reg(a), _mm_cvtsi32_si128(n)));
    }
};

struct dot16 : dot16_words<dot16> {
    lanes v;

    static constexpr std::int32_t kept = 0;
    static constexpr int matvec_strips = 6;
    static constexpr int tile_strips = 2;
    static constexpr int tile_tokens = 8;

    APERTUS_ALWAYS_INLINE static dot16 dot_small(dot16 acc, line w, line x) noexcept {
        const __m512i pairs = _mm512_maddubs_epi16(w, x);
        return make(_mm512_add_epi32(reg(acc), _mm512_madd_epi16(pairs, _mm512_set1_epi16(1))));
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_byte(dot16 acc, line w, line x) noexcept {
        const __m512i code = _mm512_xor_si512(w, _mm512_set1_epi8(static_cast<char>(128)));
        const __mmask64 negative = _mm512_movepi8_mask(code);
        const __m512i signed_x = _mm512_mask_sub_epi8(x, negative, _mm512_setzero_si512(), x);
        return dot_small(acc, _mm512_abs_epi8(code), signed_x);
    }
};

} // namespace detail::avx512
APERTUS_TARGET_END

APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512_VNNI)
namespace detail::avx512_vnni {

struct dot16 : avx512::dot16_words<dot16> {
    lanes v;

    static constexpr std::int32_t kept = 128;
    static constexpr int matvec_strips = 8;
    static constexpr int tile_strips = 2;
    static constexpr int tile_tokens = 12;

    APERTUS_ALWAYS_INLINE static dot16 dot_small(dot16 acc, line w, line x) noexcept {
        return make(_mm512_dpbusd_epi32(reg(acc), w, x));
    }
    APERTUS_ALWAYS_INLINE static dot16 dot_byte(dot16 acc, line w, line x) noexcept { return dot_small(acc, w, x); }
};

} // namespace detail::avx512_vnni
APERTUS_TARGET_END
#endif

APERTUS_END_NAMESPACE
