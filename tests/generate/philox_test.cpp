// SPDX-License-Identifier: Apache-2.0
//
// Known answers of the Random123 library, and what a draw depends on.
#include <apertus/generate/philox.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>

BOOST_AUTO_TEST_SUITE(philox_test)

namespace {

using words = std::array<std::uint32_t, 4>;

void check_words(const words& found, const words& expected) {
    BOOST_TEST(found == expected, boost::test_tools::per_element());
}

} // namespace

BOOST_AUTO_TEST_CASE(known_answers) { // kat_vectors of Random123, philox4x32 with 10 rounds
    constexpr std::uint32_t f = 0xffffffff;
    check_words(apertus::philox4x32({0, 0, 0, 0}, {0, 0}), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
    check_words(apertus::philox4x32({f, f, f, f}, {f, f}), {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
    check_words(apertus::philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
                {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

BOOST_AUTO_TEST_CASE(uniform_takes_the_first_two_words) {
    // key 0, counter 0: words 0x6627e8d5, 0xe169c58d
    constexpr double expected = static_cast<double>(0xe169c58d6627e8d5u >> 11) * 0x1p-53;
    static_assert(apertus::uniform({}) == expected);
    BOOST_TEST(apertus::uniform({}) == expected);
}

BOOST_AUTO_TEST_CASE(every_bit_of_the_key_counts) {
    const double base = apertus::uniform({1, 2, 3});
    for (int bit = 0; bit < 64; ++bit) {
        const std::uint64_t flip = std::uint64_t{1} << bit;
        BOOST_TEST(apertus::uniform({1 ^ flip, 2, 3}) != base);
        BOOST_TEST(apertus::uniform({1, 2 ^ flip, 3}) != base);
        BOOST_TEST(apertus::uniform({1, 2, 3 ^ flip}) != base);
    }
}

BOOST_AUTO_TEST_CASE(uniform_is_uniform) {
    constexpr std::size_t draws = 100000;
    std::array<std::size_t, 64> cells{};
    double sum = 0.0;
    for (std::size_t i = 0; i < draws; ++i) {
        const double u = apertus::uniform({7, i % 10, i / 10});
        BOOST_REQUIRE((u >= 0.0 && u < 1.0));
        ++cells[static_cast<std::size_t>(u * 64)];
        sum += u;
    }
    double chi_square = 0.0;
    constexpr double expected = static_cast<double>(draws) / 64;
    for (const std::size_t c : cells) {
        const double d = static_cast<double>(c) - expected;
        chi_square += d * d / expected;
    }
    BOOST_TEST(chi_square < 103.4); // 99.9 % point of 63 degrees of freedom
    BOOST_TEST(chi_square > 33.9);  // 0.1 % point: nor too even
    BOOST_TEST(sum / draws == 0.5, boost::test_tools::tolerance(0.01));
}

BOOST_AUTO_TEST_SUITE_END()
