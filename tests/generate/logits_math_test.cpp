// SPDX-License-Identifier: Apache-2.0
//
// Passes over logits against plain loops, at lengths around every block, with NaN and infinities.
#include <apertus/generate/logits_math.hpp>

#include <apertus/generate/logits_passes.hpp>
#include <apertus/simd/isa.hpp>

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

/// Of every instruction set that this machine has.
std::vector<const apertus::detail::logits_passes*> all_passes() {
    std::vector<const apertus::detail::logits_passes*> out{&apertus::detail::plain_logits::passes};
#if APERTUS_X86
    if (is_available(apertus::cpu_isa::avx2)) out.push_back(&apertus::detail::avx2_logits::passes);
    if (is_available(apertus::cpu_isa::avx512)) out.push_back(&apertus::detail::avx512_logits::passes);
#endif
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(scan_and_maximum_find_the_largest_everywhere) {
    for (const auto* passes : all_passes()) {
        for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 63u, 64u, 65u, 127u, 128u, 200u}) {
            const std::vector<float> x = values(n);
            std::vector<float> block_max(apertus::detail::scan_blocks(n));
            const auto scan = passes->scan(x.data(), n, block_max.data());
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
}

BOOST_AUTO_TEST_CASE(a_nan_is_noticed_wherever_it_is_and_never_the_largest) {
    for (const auto* passes : all_passes()) {
        for (const std::size_t n : {1u, 16u, 64u, 65u, 130u}) {
            for (std::size_t at = 0; at < n; ++at) {
                std::vector<float> x = values(n);
                x[at] = std::nanf("");
                std::vector<float> block_max(apertus::detail::scan_blocks(n));
                const auto scan = passes->scan(x.data(), n, block_max.data());
                BOOST_TEST(scan.has_nan);
                BOOST_TEST(!std::isnan(scan.max));
                BOOST_TEST(apertus::detail::maximum(x) == scan.max);
                for (const float m : block_max) BOOST_TEST(!std::isnan(m));
            }
        }
        float block_max = 0.0f;
        const std::vector<float> x{-inf, inf};
        const auto scan = passes->scan(x.data(), x.size(), &block_max);
        BOOST_TEST(!scan.has_nan);
        BOOST_TEST(scan.max == inf);
    }
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

BOOST_AUTO_TEST_CASE(exponentials_stored_or_not_in_place_or_not) {
    for (const auto* passes : all_passes()) {
        for (const std::size_t n : {0u, 1u, 15u, 16u, 17u, 64u, 127u, 1000u}) {
            for (const float divisor : {1.0f, 0.7f}) {
                const std::vector<float> x = values(n);
                const float top = 4.0f / divisor;
                std::vector<float> out(n);
                std::vector<double> block_sum(apertus::detail::scan_blocks(n), -1.0);
                const double sum = passes->exponentials(x.data(), n, divisor, top, out.data(), block_sum.data());
                double expected = 0.0;
                std::vector<double> expected_blocks(block_sum.size(), 0.0);
                for (std::size_t i = 0; i < n; ++i) {
                    BOOST_TEST(out[i] == apertus::detail::exp_nonpositive(x[i] / divisor - top));
                    expected += static_cast<double>(out[i]);
                    expected_blocks[i / 64] += static_cast<double>(out[i]);
                }
                BOOST_TEST(std::abs(sum - expected) <= 1e-12 * expected);
                for (std::size_t b = 0; b < block_sum.size(); ++b) {
                    BOOST_TEST(std::abs(block_sum[b] - expected_blocks[b]) <= 1e-12 * expected_blocks[b]);
                }
                BOOST_TEST(passes->exponentials(x.data(), n, divisor, top, nullptr, nullptr) == sum);
                std::vector<float> same = x;
                BOOST_TEST(passes->exponentials(same.data(), n, divisor, top, same.data(), nullptr) == sum);
                BOOST_TEST(same == out, boost::test_tools::per_element());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(entropy_is_that_of_the_softmax) {
    for (const auto* passes : all_passes()) {
        for (const std::size_t n : {1u, 2u, 15u, 16u, 17u, 64u, 127u, 1000u}) {
            for (const float divisor : {1.0f, 0.7f}) {
                std::vector<float> x = values(n);
                if (n > 100) x[7] = x[n - 1] = -inf;
                const float top = *std::max_element(x.begin(), x.end()) / divisor;
                double sum = 0.0;
                for (const float v : x) sum += std::exp(static_cast<double>(v / divisor - top));
                double expected = 0.0;
                for (const float v : x) {
                    const double share = std::exp(static_cast<double>(v / divisor - top)) / sum;
                    if (share > 0.0) expected -= share * std::log(share);
                }
                const double entropy = passes->entropy(x.data(), n, divisor, top, static_cast<float>(std::log(sum)));
                BOOST_TEST(std::abs(entropy - expected) <= 1e-6 * (1.0 + expected));
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_instruction_set_gives_the_same_bits) {
    const auto& plain = apertus::detail::plain_logits::passes;
    std::vector<float> x = values(3000);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] *= i % 3 == 0 ? 30.0f : 1.0f; // some far below the range of exp
    x[70] = -inf;
    for (const auto* passes : all_passes()) {
        for (const std::size_t n : {64u, 1000u, 2999u}) {
            for (const float divisor : {1.0f, 0.7f}) {
                std::vector<float> a(n), b(n);
                std::vector<double> sums_a(apertus::detail::scan_blocks(n)), sums_b(sums_a.size());
                const float top = 130.0f / divisor;
                BOOST_TEST(plain.exponentials(x.data(), n, divisor, top, a.data(), sums_a.data()) ==
                           passes->exponentials(x.data(), n, divisor, top, b.data(), sums_b.data()));
                BOOST_TEST(a == b, boost::test_tools::per_element());
                BOOST_TEST(sums_a == sums_b, boost::test_tools::per_element());
                BOOST_TEST(plain.entropy(x.data(), n, divisor, top, 2.5f) ==
                           passes->entropy(x.data(), n, divisor, top, 2.5f));
                BOOST_TEST(plain.divide(a.data(), n, 3.3f) == passes->divide(b.data(), n, 3.3f));
                BOOST_TEST(a == b, boost::test_tools::per_element());
            }
        }
    }
}

BOOST_AUTO_TEST_SUITE_END()
