// SPDX-License-Identifier: Apache-2.0
//
// Passes over logits against plain loops, at lengths around every block, with NaN and infinities.
#include <apertus/generate/logits_math.hpp>

#include <generate/fake_session.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>

BOOST_AUTO_TEST_SUITE(logits_math_test)

namespace {

constexpr float inf = HUGE_VALF;

std::vector<float> values(std::size_t n) {
    std::vector<float> out(n);
    test_support::hashed_logits(std::vector<std::int32_t>{static_cast<std::int32_t>(n)}, out);
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(scan_and_maximum_find_the_largest_everywhere) {
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 200u}) {
        const std::vector<float> x = values(n);
        std::vector<float> block_max(apertus::detail::scan_blocks(n));
        const auto scan = apertus::detail::scan_logits(x, block_max);
        const float expected = n == 0 ? -inf : *std::max_element(x.begin(), x.end());
        BOOST_TEST(scan.max == expected);
        BOOST_TEST(!scan.has_nan);
        BOOST_TEST(apertus::detail::maximum(x) == expected);
        for (std::size_t b = 0; b < block_max.size(); ++b) {
            const auto first = x.begin() + static_cast<std::ptrdiff_t>(64 * b);
            const auto last = x.begin() + static_cast<std::ptrdiff_t>(std::min(n, 64 * b + 64));
            BOOST_TEST(block_max[b] == *std::max_element(first, last));
        }
    }
}

BOOST_AUTO_TEST_CASE(a_nan_is_noticed_wherever_it_is_and_never_the_largest) {
    for (const std::size_t n : {1u, 16u, 64u, 65u, 130u}) {
        for (std::size_t at = 0; at < n; ++at) {
            std::vector<float> x = values(n);
            x[at] = std::nanf("");
            std::vector<float> block_max(apertus::detail::scan_blocks(n));
            const auto scan = apertus::detail::scan_logits(x, block_max);
            BOOST_TEST(scan.has_nan);
            BOOST_TEST(!std::isnan(scan.max));
            BOOST_TEST(apertus::detail::maximum(x) == scan.max);
            for (const float m : block_max) BOOST_TEST(!std::isnan(m));
        }
    }
    std::vector<float> block_max(1);
    const auto scan = apertus::detail::scan_logits(std::vector<float>{-inf, inf}, block_max);
    BOOST_TEST(!scan.has_nan);
    BOOST_TEST(scan.max == inf);
}

BOOST_AUTO_TEST_CASE(exponential_is_accurate) {
    double worst = 0.0;
    for (int i = 0; i < 86990; ++i) {
        const float x = -static_cast<float>(i) * 1e-3f;
        const double exact = std::exp(static_cast<double>(x));
        worst = std::max(worst, std::abs(static_cast<double>(apertus::detail::exp_nonpositive(x)) - exact) / exact);
    }
    BOOST_TEST(worst < 2e-7);
    BOOST_TEST(apertus::detail::exp_nonpositive(0.0f) == 1.0f);
    BOOST_TEST(apertus::detail::exp_nonpositive(-0.0f) == 1.0f);
    BOOST_TEST(apertus::detail::exp_nonpositive(-88.0f) == 0.0f);
    BOOST_TEST(apertus::detail::exp_nonpositive(-inf) == 0.0f);
}

BOOST_AUTO_TEST_CASE(exponentials_in_place_or_not) {
    for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 1000u}) {
        const std::vector<float> x = values(n);
        std::vector<float> out(n);
        const double sum = apertus::detail::exponentials(x, 4.0f, out.data());
        double expected = 0.0;
        for (std::size_t i = 0; i < n; ++i) {
            BOOST_TEST(out[i] == apertus::detail::exp_nonpositive(x[i] - 4.0f));
            expected += static_cast<double>(out[i]);
        }
        BOOST_TEST(std::abs(sum - expected) <= 1e-12 * expected);
        std::vector<float> same = x;
        BOOST_TEST(apertus::detail::exponentials(same, 4.0f, same.data()) == sum);
        BOOST_TEST(same == out, boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_SUITE_END()
