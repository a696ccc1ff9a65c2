// SPDX-License-Identifier: Apache-2.0
//
// matmul with packed weights (int8, int4) on every instruction set and executor, against double precision: once with the
// same rounded activations, where only the float sums may differ, and once with the activations as they are, where the
// rounding of the activations is all there is. And the same bits for one token or many, any piece and any thread count.
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>
#include <limits>

using namespace conformance;

namespace {

/// What the activations become: code * scale, a scale for every 128 inputs, codes of sixteen bits beside int8 and of eight
/// beside int4 (backend/cpu/packed_kernels.hpp).
template <class Format> std::vector<double> rounded(const std::vector<float>& x, std::size_t tokens, std::size_t k) {
    constexpr float largest = std::is_same_v<Format, int8> ? 127.0F * 128.0F : 127.0F;
    std::vector<double> out(x.size());
    for (std::size_t t = 0; t < tokens; ++t) {
        for (std::size_t first = 0; first < k; first += 128) {
            const std::size_t n = std::min<std::size_t>(128, k - first);
            const float* at = x.data() + t * k + first;
            float most = 0;
            for (std::size_t i = 0; i < n; ++i) most = std::max(most, std::fabs(at[i]));
            const float scale = most / largest;
            const float inverse = largest / most;
            for (std::size_t i = 0; i < n; ++i) {
                out[t * k + first + i] = most == 0 ? 0.0 : double{std::nearbyint(at[i] * inverse)} * double{scale};
            }
        }
    }
    return out;
}

struct shape {
    std::size_t t;
    std::size_t n;
    std::size_t k;
};

/// K around 128 and 256, N around strips of 16 and groups of them, T around the tiles.
const std::vector<shape> shapes = {
    {1, 1, 1},     {1, 16, 256},   {1, 17, 255},   {2, 15, 257},   {3, 33, 127},  {4, 31, 129},   {5, 64, 384},
    {6, 130, 32},  {7, 48, 512},   {8, 47, 576},   {11, 65, 640},  {12, 96, 256}, {13, 35, 260},  {17, 80, 1024},
    {1, 300, 768}, {25, 129, 513}, {1, 1024, 256}, {129, 40, 300}, {2, 512, 512}, {1, 129, 2048},
};

template <class Format, class F> void for_each_path(F&& f) {
    for (const auto& [name, executor] : executors()) {
        for (const cpu_isa isa : available_isas()) {
            cpu_backend cpu(executor, {isa});
            f("cpu " + std::string(to_string(isa)) + " " + name + " " + std::string(Format::name), cpu);
        }
    }
}

using packed_formats = type_list<int8, int4>;

} // namespace

BOOST_AUTO_TEST_SUITE(conformance_packed_matmul)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
    packed_formats::for_each([]<class Format>() {
        for_each_path<Format>([](const std::string& name, cpu_backend& backend) {
            generator g(17);
            for (const shape& s : shapes) {
                const auto x = g.vector(s.t * s.k);
                const packed_matrix<Format> w(g, s.n, s.k);
                const auto bias = s.n % 2 == 1 ? g.vector(s.n) : std::vector<float>();
                const auto codes = rounded<Format>(x, s.t, s.k);
                std::vector<float> out(s.t * s.n, std::numeric_limits<float>::quiet_NaN());
                backend.matmul(view2(x, s.t, s.k), w.view(), view1(bias), view2(out, s.t, s.n));
                double worst = 0;
                double worst_exact = 0;
                for (std::size_t t = 0; t < s.t; ++t) {
                    for (std::size_t n = 0; n < s.n; ++n) {
                        double sum = 0;
                        double exact = 0;
                        double size = 0;
                        double moved = 0;
                        for (std::size_t k = 0; k < s.k; ++k) {
                            const double weight = double{w.values[n * s.k + k]};
                            sum += codes[t * s.k + k] * weight;
                            exact += double{x[t * s.k + k]} * weight;
                            size += std::fabs(codes[t * s.k + k] * weight);
                            moved += std::fabs((codes[t * s.k + k] - double{x[t * s.k + k]}) * weight);
                        }
                        const double b = bias.empty() ? 0.0 : double{bias[n]};
                        const double found = double{out[t * s.n + n]};
                        // a float sum of K / 128 whole numbers, each of them rounded, multiplied and added; the scale once
                        const double bound = (3.0 * std::ceil(static_cast<double>(s.k) / 128) + 6) * u;
                        worst = std::max(worst, std::fabs(found - sum - b) / (bound * (size + std::fabs(b)) + 1e-30));
                        worst_exact = std::max(worst_exact, std::fabs(found - exact - b) /
                                                                (moved + bound * (size + std::fabs(b)) + 1e-30));
                        if (!(std::fabs(found) < 1e30)) worst = 1e30;
                    }
                }
                BOOST_TEST(worst <= 1.0, name << " T=" << s.t << " N=" << s.n << " K=" << s.k << ": " << worst);
                BOOST_TEST(worst_exact <= 1.0, name << " T=" << s.t << " N=" << s.n << " K=" << s.k);
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(one_token_or_many_give_the_same_bits_on_every_path_with_fused_multiply_add) {
    static constexpr std::size_t tokens = 27;
    static constexpr std::size_t n = 300;
    static constexpr std::size_t k = 700;
    packed_formats::for_each([]<class Format>() {
        generator g(23);
        const auto x = g.vector(tokens * k);
        const packed_matrix<Format> w(g, n, k);
        std::vector<float> common;
        for_each_path<Format>([&](const std::string& name, cpu_backend& backend) {
            std::vector<float> all(tokens * n);
            backend.matmul(view2(x, tokens, k), w.view(), {}, view2(all, tokens, n));
            for (const std::size_t step : {1U, 2U, 5U, 13U}) {
                std::vector<float> out(tokens * n);
                for (std::size_t t = 0; t < tokens; t += step) {
                    const std::size_t rows = std::min<std::size_t>(step, tokens - t);
                    backend.matmul(view2(x, tokens, k).rows(t, rows), w.view(), {},
                                   view2(out, tokens, n).rows(t, rows));
                }
                BOOST_TEST((out == all), name << " in steps of " << step);
            }
            if (backend.isa() == cpu_isa::baseline) return;
            if (common.empty()) common = all;
            BOOST_TEST((all == common), name);
        });
    });
}

BOOST_AUTO_TEST_CASE(extreme_codes_do_not_overflow) {
    // the largest products there are: all activations at their limit, all weights at theirs, either sign
    constexpr std::size_t n = 48;
    constexpr std::size_t k = 512;
    packed_formats::for_each([]<class Format>() {
        for (const float sign : {1.0F, -1.0F}) {
            std::vector<float> values(n * k, sign);
            for (std::size_t i = 0; i < values.size(); i += 3) values[i] = -sign;
            for (std::size_t i = 0; i < n * k; i += k)
                std::fill_n(values.begin() + static_cast<std::ptrdiff_t>(i), 96, sign);
            std::vector<typename Format::block> blocks(info_of<Format>.bytes(n, k) / sizeof(typename Format::block));
            pack_matrix<Format>(values.data(), n, k, blocks.data());
            const weight_view<Format> w{blocks.data(), n, k};
            std::vector<float> row(k);
            unpack_row(w, 5, row.data());
            for (const std::size_t tokens : {1U, 3U, 14U}) {
                const std::vector<float> x(tokens * k, 3.0F);
                double exact = 0;
                for (const float v : row) exact += 3.0 * double{v};
                for_each_path<Format>([&](const std::string& name, cpu_backend& backend) {
                    std::vector<float> out(tokens * n);
                    backend.matmul(view2(x, tokens, k), w, {}, view2(out, tokens, n));
                    BOOST_TEST(std::fabs(double{out[(tokens - 1) * n + 5]} - exact) <= 1e-4 * k, name);
                });
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(not_a_number_and_infinity_stay_in_their_row) {
    static constexpr std::size_t tokens = 7;
    static constexpr std::size_t n = 40;
    static constexpr std::size_t k = 300;
    packed_formats::for_each([]<class Format>() {
        for_each_path<Format>([](const std::string& name, cpu_backend& backend) {
            generator g(5);
            auto x = g.vector(tokens * k);
            const packed_matrix<Format> w(g, n, k);
            std::vector<float> clean(tokens * n);
            backend.matmul(view2(std::as_const(x), tokens, k), w.view(), {}, view2(clean, tokens, n));
            x[2 * k + 295] = std::numeric_limits<float>::quiet_NaN();
            x[4 * k] = -std::numeric_limits<float>::infinity();
            std::fill_n(x.begin() + 5 * k, k, 0.0F);
            std::fill_n(x.begin() + 6 * k, k, 1e-40F);
            std::vector<float> out(tokens * n);
            backend.matmul(view2(std::as_const(x), tokens, k), w.view(), {}, view2(out, tokens, n));
            for (std::size_t t = 0; t < tokens; ++t) {
                for (std::size_t i = 0; i < n; ++i) {
                    const float found = out[t * n + i];
                    if (t == 2 || t == 4) BOOST_TEST(std::isnan(found), name); // no code for an infinity
                    else if (t >= 5) BOOST_TEST(found == 0.0F, name);
                    else BOOST_TEST(found == clean[t * n + i], name);
                }
            }
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()
