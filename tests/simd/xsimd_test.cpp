// SPDX-License-Identifier: Apache-2.0
//
// The xsimd door: lane words on batches, transforms whose tail takes the same path, and the casts that differ by release.
#include <apertus/simd/xsimd.hpp>

#include <apertus/simd/lane.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(simd_xsimd)

BOOST_AUTO_TEST_CASE(every_element_takes_the_same_path_wherever_it_lies) {
    std::vector<float> x(41);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.21F - 4.0F;
    const auto words = [](const auto& v) {
        using lane::abs, lane::erf, lane::exp, lane::expm1, lane::min, lane::select, lane::tanh;
        return select(v > v * v, exp(v), expm1(min(v, tanh(v))) + erf(abs(v)));
    };
    auto whole = x;
    transform_batches(whole.data(), whole.size(), words);
    for (std::size_t i = 0; i < x.size(); ++i) {
        float alone = x[i];
        transform_batches(&alone, 1, words);
        BOOST_TEST(std::memcmp(&alone, &whole[i], sizeof alone) == 0);
        BOOST_TEST(std::fabs(words(x[i]) - alone) <= 1e-6F * std::fabs(alone) + 1e-6F);
    }
}

BOOST_AUTO_TEST_CASE(two_operands) {
    std::vector<float> x{1, 2, 3, 4, 5, 6, 7};
    const std::vector<float> y{2, 2, 2, 3, 3, 3, 4};
    transform_batches(x.data(), y.data(), x.size(), [](const auto& a, const auto& b) { return a * b; });
    const std::vector<float> expected{2, 4, 6, 12, 15, 18, 28};
    BOOST_TEST(x == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(bits_survive_the_cast) {
    const float_batch<> one(1.0F);
    const auto bits = bitwise_cast_to<std::int32_t>(one);
    BOOST_TEST(bits.get(0) == 0x3f800000);
    BOOST_TEST(bitwise_cast_to<float>(bits).get(0) == 1.0F);
}

BOOST_AUTO_TEST_SUITE_END()
