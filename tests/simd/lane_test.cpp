// SPDX-License-Identifier: Apache-2.0
#include <apertus/simd/lane.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <limits>

namespace lane = apertus::lane;

BOOST_AUTO_TEST_SUITE(simd_lane)

BOOST_AUTO_TEST_CASE(float_words) {
    BOOST_TEST(lane::select(true, 1.0F, 2.0F) == 1.0F);
    BOOST_TEST(lane::select(false, 1.0F, 2.0F) == 2.0F);
    BOOST_TEST(lane::min(1.0F, 2.0F) == 1.0F);
    BOOST_TEST(lane::max(1.0F, 2.0F) == 2.0F);
    BOOST_TEST(lane::abs(-3.0F) == 3.0F);
    BOOST_TEST(lane::exp(0.0F) == 1.0F);
    BOOST_TEST(lane::expm1(1e-8F) == 1e-8F);
    BOOST_TEST(lane::erf(0.0F) == 0.0F);
    BOOST_TEST(std::fabs(lane::tanh(1.0F) - 0.76159416F) < 1e-7F);
    const float nan = std::numeric_limits<float>::quiet_NaN();
    BOOST_TEST(lane::min(nan, 2.0F) == 2.0F); // the second operand where the comparison is false, as hardware does
    BOOST_TEST(std::isnan(lane::min(2.0F, nan)));
}

BOOST_AUTO_TEST_SUITE_END()
