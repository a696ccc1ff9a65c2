// SPDX-License-Identifier: Apache-2.0
#include <apertus/ops/norm.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>

BOOST_AUTO_TEST_SUITE(ops_norm)

BOOST_AUTO_TEST_CASE(the_factor_is_the_inverse_root) {
    for (const float mean : {0.0F, 1e-12F, 0.25F, 1.0F, 3.0F, 4e8F}) {
        const double exact = 1.0 / std::sqrt(double{mean} + 1e-5);
        BOOST_TEST(std::fabs(double{apertus::rms_norm_factor(mean, 1e-5F)} - exact) <= 3e-7 * exact);
    }
}

BOOST_AUTO_TEST_SUITE_END()
