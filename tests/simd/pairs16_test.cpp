// SPDX-License-Identifier: Apache-2.0
//
// pairs16: every instruction set gives exactly what the plain loops give, at the ends of the ranges too.
#include <apertus/simd/pairs16.hpp>

#include <apertus/simd/isa.hpp>

#include <boost/test/unit_test.hpp>

#include <cstdint>
#include <cstring>
#include <vector>

namespace {

using namespace apertus;

/// Everything that the words give for some fixed operands.
struct results {
    std::int32_t widened[16];
    std::int32_t sums[16];
    float floats[16];
    std::int16_t rounded[16];
    float first[16];
    float second[16];

    bool operator==(const results&) const = default;
};

struct operands {
    std::int8_t bytes[32];
    std::int16_t a[32];
    std::int16_t b[32];
    float x[16];
    bf16 halves[32];

    operands() {
        for (int i = 0; i < 32; ++i) {
            bytes[i] = static_cast<std::int8_t>(i % 3 == 0 ? -128 : 127 - 8 * i);
            a[i] = static_cast<std::int16_t>(i % 5 == 0 ? -32767 : 32767 - 1000 * i);
            b[i] = static_cast<std::int16_t>(i % 2 == 0 ? 127 : -127 + i);
            halves[i] = bf16(static_cast<float>(i) * 1.7F - 20.0F);
        }
        const float some[] = {0.5F,  1.5F,    2.5F,    -0.5F,     -1.5F,      32767.0F, -32767.0F, 0.49999997F,
                              -2.5F, 1000.5F, 1001.5F, -32766.5F, 32766.498F, 0.0F,     -0.0F,     7.0F};
        std::memcpy(x, some, sizeof x);
    }
};

#define EVERY_WORD(name, pairs, vector)                                                                                \
    void name(const operands& in, results& out) {                                                                      \
        using P = pairs;                                                                                               \
        using V = vector;                                                                                              \
        std::int32_t a[16];                                                                                            \
        std::int32_t b[16];                                                                                            \
        std::memcpy(a, in.a, sizeof a);                                                                                \
        std::memcpy(b, in.b, sizeof b);                                                                                \
        P::widen(in.bytes).store(out.widened);                                                                         \
        P sums = multiply_add(P::load(a), P::load(b), P::splat(-5));                                                   \
        sums = multiply_add(P::splat(a[3]), P::widen(in.bytes), sums);                                                 \
        sums.store(out.sums);                                                                                          \
        to_float(sums).store(out.floats);                                                                              \
        P::store_rounded(V::load(in.x), out.rounded);                                                                  \
        P::widen_first(in.halves).store(out.first);                                                                    \
        P::widen_second(in.halves).store(out.second);                                                                  \
    }

EVERY_WORD(portable_words, detail::portable::pairs16<>, detail::portable::vec16<>)
#if APERTUS_X86
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX2)
EVERY_WORD(avx2_words, detail::avx2::pairs16, detail::avx2::vec16)
APERTUS_TARGET_END
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512)
EVERY_WORD(avx512_words, detail::avx512::pairs16, detail::avx512::vec16)
APERTUS_TARGET_END
APERTUS_TARGET_BEGIN(APERTUS_TARGET_AVX512_VNNI)
EVERY_WORD(avx512_vnni_words, detail::avx512_vnni::pairs16, detail::avx512::vec16)
APERTUS_TARGET_END
#endif

} // namespace

BOOST_AUTO_TEST_SUITE(simd_pairs16)

BOOST_AUTO_TEST_CASE(the_portable_words_are_what_they_say) {
    const operands in;
    results out;
    portable_words(in, out);
    for (int i = 0; i < 16; ++i) {
        std::int16_t wide[2];
        std::memcpy(wide, out.widened + i, sizeof wide);
        BOOST_TEST(wide[0] == in.bytes[2 * i]);
        BOOST_TEST(wide[1] == in.bytes[2 * i + 1]);
        const std::int32_t sum = -5 + in.a[2 * i] * in.b[2 * i] + in.a[2 * i + 1] * in.b[2 * i + 1] +
                                 in.a[6] * in.bytes[2 * i] + in.a[7] * in.bytes[2 * i + 1];
        BOOST_TEST(out.sums[i] == sum);
        BOOST_TEST(out.floats[i] == static_cast<float>(sum));
        BOOST_TEST(out.first[i] == to_float(in.halves[2 * i]));
        BOOST_TEST(out.second[i] == to_float(in.halves[2 * i + 1]));
    }
    const std::vector<int> expected{0, 2, 2, 0, -2, 32767, -32767, 0, -2, 1000, 1002, -32766, 32766, 0, 0, 7};
    for (std::size_t i = 0; i < 16; ++i) BOOST_TEST(out.rounded[i] == expected[i]);
}

BOOST_AUTO_TEST_CASE(every_instruction_set_agrees) {
    const operands in;
    results expected;
    portable_words(in, expected);
#if APERTUS_X86
    results out;
    const auto same = [&] { return std::memcmp(&out, &expected, sizeof out) == 0; };
    if (is_available(cpu_isa::avx2)) {
        avx2_words(in, out);
        BOOST_TEST(same(), "avx2");
    }
    if (is_available(cpu_isa::avx512)) {
        avx512_words(in, out);
        BOOST_TEST(same(), "avx512");
    }
    if (is_available(cpu_isa::avx512_vnni)) {
        avx512_vnni_words(in, out);
        BOOST_TEST(same(), "avx512_vnni");
    }
#else
    BOOST_TEST((expected == expected));
#endif
}

BOOST_AUTO_TEST_SUITE_END()
