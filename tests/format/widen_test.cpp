// SPDX-License-Identifier: Apache-2.0
#include <apertus/format/widen.hpp>

#include <boost/test/unit_test.hpp>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace apertus;

namespace {

/// Every pattern of T on every path, at an odd address, equals to_float.
template <class T, class Widen> void check_every_pattern(Widen widen) {
    constexpr std::size_t count = 65536;
    std::vector<std::byte> stored(count * 2 + 1);
    for (std::size_t i = 0; i < count; ++i) {
        const auto bits = static_cast<std::uint16_t>(i);
        std::memcpy(stored.data() + 1 + 2 * i, &bits, 2);
    }
    std::vector<float> out(count);
    const std::byte* in = stored.data() + 1;
    float* to = out.data();
    std::size_t n = count;
    widen(in, n, to);
    for (std::size_t i = 0; i < count; ++i) {
        const float expected = to_float(std::bit_cast<T>(static_cast<std::uint16_t>(i)));
        if (std::isnan(expected)) BOOST_REQUIRE(std::isnan(out[i]));
        else BOOST_REQUIRE_EQUAL(std::bit_cast<std::uint32_t>(out[i]), std::bit_cast<std::uint32_t>(expected));
    }
}

template <class T> void check_every_path() {
    using body = detail::widener<T>;
    check_every_pattern<T>([](auto&... a) { detail::run_baseline<body>(a...); });
    check_every_pattern<T>([](auto&... a) { detail::run_widest<body>(a...); });
#if APERTUS_X86
    if (is_available(cpu_isa::avx2)) check_every_pattern<T>([](auto&... a) { detail::run_avx2<body>(a...); });
    if (is_available(cpu_isa::avx512)) check_every_pattern<T>([](auto&... a) { detail::run_avx512<body>(a...); });
#endif
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_widen)

BOOST_AUTO_TEST_CASE(every_bf16_pattern) { check_every_path<bf16>(); }

BOOST_AUTO_TEST_CASE(every_f16_pattern) { check_every_path<f16>(); }

BOOST_AUTO_TEST_CASE(counts_that_are_no_multiple_of_the_lanes) {
    for (std::size_t count = 0; count < 40; ++count) {
        std::vector<bf16> in;
        for (std::size_t i = 0; i < count; ++i) in.push_back(bf16(static_cast<float>(i) - 7.5F));
        std::vector<float> out(count + 1, 99.0F);
        detail::widen(dtype::bf16, reinterpret_cast<const std::byte*>(in.data()), count, out.data());
        for (std::size_t i = 0; i < count; ++i) BOOST_TEST(out[i] == static_cast<float>(i) - 7.5F);
        BOOST_TEST(out[count] == 99.0F);
    }
}

BOOST_AUTO_TEST_SUITE_END()
