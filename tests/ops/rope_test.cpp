// SPDX-License-Identifier: Apache-2.0
//
// The rotation: a quarter turn, the norm is kept, position 0 is the identity, scale multiplies.
#include <apertus/ops/rope.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(ops_rope)

BOOST_AUTO_TEST_CASE(position_zero_is_the_identity) {
    const rope_angle angle(0, 0.3F, 1.0F);
    float a = 2.0F;
    float b = -3.0F;
    rope_rotate(a, b, angle.cos, angle.sin);
    BOOST_TEST(a == 2.0F);
    BOOST_TEST(b == -3.0F);
}

BOOST_AUTO_TEST_CASE(a_quarter_turn) {
    float a = 1.0F;
    float b = 0.0F;
    rope_rotate(a, b, 0.0F, 1.0F);
    BOOST_TEST(a == 0.0F);
    BOOST_TEST(b == 1.0F); // cos * high + sin * low
    rope_rotate(a, b, 0.0F, 1.0F);
    BOOST_TEST(a == -1.0F);
    BOOST_TEST(b == 0.0F);
}

BOOST_AUTO_TEST_CASE(angles_are_taken_in_float_and_scaled) {
    const rope_angle angle(65535, 0.775153644F, 2.0F);
    const float radians = 65535.0F * 0.775153644F;
    BOOST_TEST(std::fabs(double{angle.cos} - 2.0 * std::cos(double{radians})) <= 3e-7);
    BOOST_TEST(std::fabs(double{angle.sin} - 2.0 * std::sin(double{radians})) <= 3e-7);
}

BOOST_AUTO_TEST_CASE(the_length_of_a_pair_is_kept) {
    for (int p = 0; p < 1000; p += 37) {
        const rope_angle angle(p, 0.1F, 1.0F);
        float a = 0.6F;
        float b = 0.8F;
        rope_rotate(a, b, angle.cos, angle.sin);
        BOOST_TEST(std::fabs(std::hypot(a, b) - 1.0F) <= 3e-7F);
    }
}

BOOST_AUTO_TEST_SUITE_END()
