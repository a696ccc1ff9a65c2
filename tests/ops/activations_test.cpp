// SPDX-License-Identifier: Apache-2.0
//
// Activations on float lanes: xIELU's golden values, double-precision formulas for the rest, names, NaN and extremes.
// (The same functors on SIMD lanes are tested in tests/simd/xsimd_test.cpp and tests/conformance.)
#include <apertus/ops/activations.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <utility>
#include <variant>

using namespace apertus;

namespace {

/// |found - expected| <= bound * max(|expected|, floor).
void check_near(float found, double expected, double bound, double floor = 1e-30) {
    BOOST_TEST(std::fabs(double{found} - expected) <= bound * std::fmax(std::fabs(expected), floor),
               "found " << found << ", expected " << expected);
}

struct row {
    any_activation act;
    std::function<double(double)> exact;
};

/// One row per activation: adding one adds a row.
const row rows[] = {
    {xielu(0.2F, -0.7F),
     [](double x) {
         const double ap = std::log1p(std::exp(double{0.2F}));
         const double an = 0.5 + std::log1p(std::exp(double{-0.7F}));
         return x > 0 ? ap * x * x + 0.5 * x : (std::expm1(std::fmin(x, double{-1e-6F})) - x) * an + 0.5 * x;
     }},
    {gelu{}, [](double x) { return 0.5 * x * (1 + std::erf(x / std::sqrt(2.0))); }},
    {gelu_tanh{},
     [](double x) { return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x))); }},
    {silu{}, [](double x) { return x / (1 + std::exp(-x)); }},
    {relu{}, [](double x) { return std::fmax(x, 0.0); }},
};

} // namespace

BOOST_AUTO_TEST_SUITE(ops_activations)

BOOST_AUTO_TEST_CASE(every_activation_has_a_row) { BOOST_TEST(std::size(rows) == std::variant_size_v<any_activation>); }

BOOST_AUTO_TEST_CASE(values_agree_with_double_precision) {
    for (const row& r : rows) {
        for (int i = -3000; i <= 3000; ++i) {
            const float x = static_cast<float>(i) * 0.01F;
            const float y = visit_activation(r.act, [&](const auto& f) { return f(x); });
            // 1 + erf and 1 + tanh cancel for negative x: the error is relative to |x|, the size of the summands
            const double exact = r.exact(double{x});
            BOOST_TEST(std::fabs(double{y} - exact) <= 4e-7 * (std::fabs(exact) + std::fabs(double{x})),
                       "alternative " << r.act.index() << " at " << x << ": " << y << " instead of " << exact);
        }
    }
}

// Golden values computed in double precision (raw alphas 0 and 0; raw alphas of the training's initialisation).
BOOST_AUTO_TEST_CASE(xielu_golden_values) {
    const xielu zero(0.0F, 0.0F);
    const std::pair<float, double> expected_zero[] = {{2.0F, 3.772588722239781},      {0.5F, 0.42328679513998635},
                                                      {0.0F, -1.193146583986554e-06}, {-0.63F, -0.12100405104645692},
                                                      {-1.0F, -0.061065681980325304}, {-2.0F, 0.35462209218399154},
                                                      {-20.0F, 12.66979643309822}};
    for (const auto& [x, y] : expected_zero) check_near(zero(x), y, 3e-7, x == 0.0F ? 1e-6 : 0.6);
    const xielu init(0.2033823F, -1.0502256F);
    const std::pair<float, double> expected_init[] = {{2.0F, 4.2},
                                                      {0.5F, 0.45},
                                                      {0.0F, -7.999996e-07},
                                                      {-1.0F, -0.20569644706284612},
                                                      {-2.0F, -0.0917317734107097},
                                                      {-20.0F, 5.200000001648924}};
    for (const auto& [x, y] : expected_init) check_near(init(x), y, 3e-7, x == 0.0F ? 1e-6 : 0.6);
}

BOOST_AUTO_TEST_CASE(xielu_parameters_are_softplus_of_the_raw_values) {
    const xielu real(166.0F, 40.75F); // seen in a real checkpoint
    BOOST_TEST(real.alpha_p == 166.0F);
    BOOST_TEST(real.alpha_n == 41.25F);
    BOOST_TEST(softplus(20.0F) == 20.0F); // log1p(exp(20)) rounds to 20 as well
    check_near(softplus(0.0F), std::log(2.0), 1e-7);
    check_near(softplus(-30.0F), std::exp(-30.0), 1e-7);
    check_near(softplus(19.5F), 19.5 + std::log1p(std::exp(-19.5)), 1e-7);
    BOOST_TEST(xielu(0.0F, 0.0F, 0.25F).beta == 0.25F);
}

BOOST_AUTO_TEST_CASE(not_a_number_stays_one_and_extremes_are_finite_where_they_should_be) {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    for (const row& r : rows) {
        const auto f = [&](float x) { return visit_activation(r.act, [&](const auto& a) { return a(x); }); };
        BOOST_TEST(std::isnan(f(nan)), "alternative " << r.act.index());
        BOOST_TEST(std::isfinite(f(-80.0F)));
        BOOST_TEST(std::isfinite(f(1000.0F)));
        BOOST_TEST(f(std::numeric_limits<float>::infinity()) == std::numeric_limits<float>::infinity());
    }
}

BOOST_AUTO_TEST_CASE(names_of_configurations) {
    BOOST_TEST(std::holds_alternative<xielu>(activation_from_name("xielu")));
    BOOST_TEST(std::get<xielu>(activation_from_name("xielu", xielu(166.0F, 0.0F))).alpha_p == 166.0F);
    BOOST_TEST(std::holds_alternative<gelu>(activation_from_name("gelu")));
    BOOST_TEST(std::holds_alternative<gelu_tanh>(activation_from_name("gelu_pytorch_tanh")));
    BOOST_TEST(std::holds_alternative<silu>(activation_from_name("silu")));
    BOOST_TEST(std::holds_alternative<relu>(activation_from_name("relu")));
    BOOST_CHECK_EXCEPTION(static_cast<void>(activation_from_name("swiglu")), error, [](const error& e) {
        return e.category() == error_category::config && std::string(e.what()).find("'swiglu'") != std::string::npos;
    });
}

BOOST_AUTO_TEST_SUITE_END()
