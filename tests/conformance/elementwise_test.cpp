// SPDX-License-Identifier: Apache-2.0
//
// rms_norm, rope_angles, rope, map, map_mul, add and the memory verbs: every backend, around the vector width and with
// odd tails, against double precision. Also: kernels leave the thread's floating-point state as they found it.
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <cfenv>
#include <cmath>
#include <functional>
#include <limits>

using namespace conformance;

namespace {

std::vector<std::size_t> widths() {
    std::vector<std::size_t> out;
    for (std::size_t n = 1; n <= 35; ++n) out.push_back(n);
    for (const std::size_t n : {63U, 64U, 65U, 127U, 128U, 129U, 1000U, 4096U, 4099U}) out.push_back(n);
    return out;
}

struct activation_row {
    std::string name;
    any_activation act;
    std::function<double(double)> exact;
};

/// One row per activation: adding one adds a row.
std::vector<activation_row> activations() {
    const double alpha_p = std::log1p(std::exp(double{0.3F}));
    const double alpha_n = 0.5 + std::log1p(std::exp(double{-0.4F}));
    return {
        {"xielu", xielu(0.3F, -0.4F),
         [=](double x) {
             return x > 0 ? alpha_p * x * x + 0.5 * x
                          : (std::expm1(std::fmin(x, double{-1e-6F})) - x) * alpha_n + 0.5 * x;
         }},
        {"gelu", gelu{}, [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }},
        {"gelu_tanh", gelu_tanh{},
         [](double x) {
             return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
         }},
        {"silu", silu{}, [](double x) { return x / (1 + std::exp(-x)); }},
        {"relu", relu{}, [](double x) { return std::fmax(x, 0.0); }},
    };
}

/// An activation that only knows floats, as a user might write one.
struct scalar_only {
    float operator()(float x) const { return std::floor(x) * 0.5F; }
};

/// Arguments of both signs, small, large and around zero.
std::vector<float> arguments(generator& g, std::size_t n) {
    auto out = g.vector(n, 6.0F);
    const float special[] = {0.0F, -0.0F, 1e-7F, -1e-7F, -5e-7F, -2e-6F, 20.0F, -20.0F, -80.0F, 40.0F, -0.63F, 1e-20F};
    for (std::size_t i = 0; i < n && i < 12; ++i) out[(i * 7) % n] = special[i];
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(conformance_elementwise)

BOOST_AUTO_TEST_CASE(rms_norm_agrees_with_double_precision) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        for (const std::size_t d : widths()) {
            for (const std::size_t t : {1U, 3U}) {
                generator g(d);
                auto x = g.vector(t * d, 50.0F);
                if (t == 3) x[d] = 19000.0F; // an attention sink's magnitude
                const auto weight = g.vector(d, 3.0F);
                std::vector<float> out(t * d);
                backend.rms_norm(view2(std::as_const(x), t, d), view1(weight), 1e-5F, view2(out, t, d));
                for (std::size_t r = 0; r < t; ++r) {
                    double squares = 0;
                    for (std::size_t i = 0; i < d; ++i) squares += double{x[r * d + i]} * double{x[r * d + i]};
                    const double factor = 1 / std::sqrt(squares / static_cast<double>(d) + double{1e-5F});
                    for (std::size_t i = 0; i < d; ++i) {
                        const double exact = double{x[r * d + i]} * factor * double{weight[i]};
                        const double bound = (static_cast<double>(d) / 16 + 10) * u * std::fabs(exact);
                        BOOST_TEST(std::fabs(double{out[r * d + i]} - exact) <= bound,
                                   name << " D=" << d << ": " << out[r * d + i] << " instead of " << exact);
                    }
                }
                const auto kept = out;
                backend.rms_norm(view2(std::as_const(x), t, d), view1(weight), 1e-5F, view2(x, t, d)); // in place
                BOOST_TEST(x == kept, name << " in place, D=" << d);
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(rms_norm_of_zeros_and_not_a_number) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        std::vector<float> x(2 * 33, 0.0F);
        x[33 + 32] = std::numeric_limits<float>::quiet_NaN();
        const std::vector<float> weight(33, 2.0F);
        std::vector<float> out(2 * 33, 1.0F);
        backend.rms_norm(view2(std::as_const(x), 2, 33), view1(weight), 1e-5F, view2(out, 2, 33));
        for (std::size_t i = 0; i < 33; ++i) {
            BOOST_TEST(out[i] == 0.0F, name);
            BOOST_TEST(std::isnan(out[33 + i]), name);
        }
    });
}

BOOST_AUTO_TEST_CASE(rope_agrees_with_double_precision) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        for (const std::size_t k : {2U, 8U, 14U, 32U, 34U, 64U, 66U, 80U, 128U, 256U}) {
            for (const std::size_t t : {1U, 5U}) {
                const std::size_t h = 3;
                const std::size_t half = k / 2;
                std::vector<std::int32_t> positions;
                for (std::size_t i = 0; i < t; ++i) positions.push_back(static_cast<std::int32_t>(i * i * 4099));
                std::vector<float> inv_freq(half);
                for (std::size_t i = 0; i < half; ++i) {
                    inv_freq[i] = std::pow(12e6F, -2.0F * static_cast<float>(i) / static_cast<float>(k));
                }
                std::vector<float> cos(t * half);
                std::vector<float> sin(t * half);
                backend.rope_angles(view1(std::as_const(positions)), view1(std::as_const(inv_freq)), 1.5F,
                                    view2(cos, t, half), view2(sin, t, half));
                for (std::size_t r = 0; r < t; ++r) {
                    for (std::size_t i = 0; i < half; ++i) {
                        const float angle =
                            static_cast<float>(positions[r]) * inv_freq[i]; // rounded to float, as PyTorch does
                        BOOST_TEST(std::fabs(double{cos[r * half + i]} - 1.5 * std::cos(double{angle})) <= 4 * u);
                        BOOST_TEST(std::fabs(double{sin[r * half + i]} - 1.5 * std::sin(double{angle})) <= 4 * u);
                    }
                }
                generator g(k);
                const auto x = g.vector(t * h * k);
                auto out = x;
                backend.rope(view3(out, t, h, k), view2(std::as_const(cos), t, half),
                             view2(std::as_const(sin), t, half));
                for (std::size_t r = 0; r < t; ++r) {
                    for (std::size_t head = 0; head < h; ++head) {
                        for (std::size_t i = 0; i < half; ++i) {
                            const std::size_t low = (r * h + head) * k + i;
                            const double c = double{cos[r * half + i]};
                            const double s = double{sin[r * half + i]};
                            const double a = double{x[low]} * c - double{x[low + half]} * s;
                            const double b = double{x[low + half]} * c + double{x[low]} * s;
                            BOOST_TEST(std::fabs(double{out[low]} - a) <= 8 * u, name << " K=" << k);
                            BOOST_TEST(std::fabs(double{out[low + half]} - b) <= 8 * u, name << " K=" << k);
                        }
                    }
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(activations_agree_with_double_precision) {
    const auto rows = activations();
    BOOST_REQUIRE(rows.size() == std::variant_size_v<any_activation>);
    for_each_backend([&]<class B>(const std::string& name, B& backend) {
        for (const auto& row : rows) {
            for (const std::size_t n : widths()) {
                generator g(n);
                const auto x = arguments(g, n);
                const auto up = g.vector(n);
                auto mapped = x;
                auto gated = x;
                backend.map(row.act, view2(mapped, 1, n));
                backend.map_mul(row.act, view2(gated, 1, n), view2(up, 1, n));
                for (std::size_t i = 0; i < n; ++i) {
                    const double exact = row.exact(double{x[i]});
                    // an absolute term, because 1 + erf, 1 + tanh and expm1(x) - x cancel
                    const double bound = 10 * u * (std::fabs(exact) + std::fabs(double{x[i]}));
                    BOOST_TEST(std::fabs(double{mapped[i]} - exact) <= bound,
                               name << " " << row.name << "(" << x[i] << "): " << mapped[i] << " instead of " << exact);
                    BOOST_TEST(std::fabs(double{gated[i]} - exact * double{up[i]}) <= bound + 2 * u * std::fabs(exact));
                }
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(activations_pass_not_a_number_on) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        for (const auto& row : activations()) {
            std::vector<float> x(37, 0.5F);
            x[5] = std::numeric_limits<float>::quiet_NaN();
            x[36] = std::numeric_limits<float>::quiet_NaN();
            x[20] = std::numeric_limits<float>::infinity();
            backend.map(row.act, view2(x, 1, 37));
            BOOST_TEST(std::isnan(x[5]), name << " " << row.name);
            BOOST_TEST(std::isnan(x[36]), name << " " << row.name);
            BOOST_TEST(x[20] == std::numeric_limits<float>::infinity(), name << " " << row.name << ": " << x[20]);
            BOOST_TEST(std::isfinite(x[4]), name << " " << row.name);
        }
    });
}

BOOST_AUTO_TEST_CASE(an_activation_written_for_float_only_runs_everywhere) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        generator g(4);
        const auto x = g.vector(21, 9.0F);
        auto out = x;
        backend.map(scalar_only{}, view2(out, 3, 7));
        for (std::size_t i = 0; i < x.size(); ++i) BOOST_TEST(out[i] == std::floor(x[i]) * 0.5F, name);
    });
}

BOOST_AUTO_TEST_CASE(add_is_the_rounded_sum) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        for (const std::size_t n : widths()) {
            generator g(n);
            const auto x = g.vector(3 * n);
            const auto y = g.vector(3 * n);
            auto out = x;
            backend.add(view2(out, 3, n), view2(y, 3, n));
            for (std::size_t i = 0; i < out.size(); ++i) BOOST_TEST(out[i] == x[i] + y[i], name);
        }
    });
}

BOOST_AUTO_TEST_CASE(memory_verbs) {
    for_each_backend([]<class B>(const std::string&, B& backend) {
        auto buffer = backend.template allocate<float>(1000);
        BOOST_TEST(buffer.size() == 1000U);
        for (const float x : buffer.span()) BOOST_TEST(x == 0.0F);
        const std::vector<float> in{1.0F, 2.0F, 3.0F};
        std::vector<float> out(3);
        backend.upload(std::span<const float>(in), tensor_view<float, 1>(buffer.data(), {3}));
        backend.synchronize();
        backend.download(tensor_view<const float, 1>(buffer.data(), {3}), std::span<float>(out));
        BOOST_TEST(out == in);
        BOOST_CHECK_EXCEPTION(static_cast<void>(backend.template allocate<float>(std::size_t{1} << 60)), error,
                              [](const error& e) { return e.category() == error_category::resource; });
    });
}

BOOST_AUTO_TEST_CASE(the_floating_point_state_of_the_thread_is_left_alone) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        const auto denormals_alive = [] {
            volatile float tiny = 1e-39F;
            volatile float one = 1.0F;
            return tiny * one != 0.0F;
        };
        generator g(2);
        const auto x = g.vector(3 * 64);
        const packed_matrix<dense<bf16>> w(g, 40, 64);
        std::vector<float> out(3 * 40);
        BOOST_TEST(denormals_alive());
        std::fesetround(FE_TONEAREST);
        backend.matmul(view2(x, 3, 64), w.view(), {}, view2(out, 3, 40));
        BOOST_TEST(denormals_alive(), name);
        BOOST_TEST(std::fegetround() == FE_TONEAREST, name);
    });
}

BOOST_AUTO_TEST_SUITE_END()
