// SPDX-License-Identifier: Apache-2.0
//
// store and attend: every backend, cache element type, head layout and ragged batch against a double-precision softmax
// (Eigen) over what the caches hold. Slots after a row's own hold NaN: they must not be looked at.
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

using namespace conformance;

namespace {

struct layout {
    std::size_t h;
    std::size_t g;
    std::size_t k;
};

struct sequence {
    std::size_t before; ///< slots filled by an earlier call
    std::size_t rows;   ///< rows of this call
};

template <class Element> struct caches {
    std::size_t capacity;
    std::vector<std::vector<Element>> k;
    std::vector<std::vector<Element>> v;
    std::vector<kv_segment<Element>> segments;

    caches(const layout& l, std::size_t slots, std::size_t count) : capacity(slots), k(count), v(count) {
        const Element nan(std::numeric_limits<float>::quiet_NaN());
        for (std::size_t s = 0; s < count; ++s) {
            k[s].assign(l.g * capacity * l.k, nan);
            v[s].assign(l.g * capacity * l.k, nan);
        }
    }
    void set(std::size_t s, std::size_t first_row, std::size_t rows, std::size_t slot, const layout& l) {
        segments.push_back({first_row, rows, slot, view3(k[s], l.g, capacity, l.k), view3(v[s], l.g, capacity, l.k)});
    }
    [[nodiscard]] std::span<const kv_segment<Element>> span() const { return {segments.data(), segments.size()}; }
};

template <class Element, class B>
void check_attend(const std::string& name, B& backend, const layout& l, const std::vector<sequence>& sequences) {
    generator g(17);
    std::size_t rows = 0;
    std::size_t longest = 0;
    for (const sequence& s : sequences) {
        rows += s.rows;
        longest = std::max(longest, s.before + s.rows);
    }
    caches<Element> c(l, longest + 3, sequences.size());
    for (std::size_t s = 0; s < sequences.size(); ++s) {
        if (sequences[s].before == 0) continue;
        const std::size_t n = sequences[s].before;
        const auto k = g.vector(n * l.g * l.k);
        const auto v = g.vector(n * l.g * l.k);
        c.segments.clear();
        c.set(s, 0, n, 0, l);
        backend.store(view3(k, n, l.g, l.k), view3(v, n, l.g, l.k), c.span());
    }
    c.segments.clear();
    std::size_t row = 0;
    for (std::size_t s = 0; s < sequences.size(); ++s) {
        c.set(s, row, sequences[s].rows, sequences[s].before, l);
        row += sequences[s].rows;
    }
    const auto k = g.vector(rows * l.g * l.k);
    const auto v = g.vector(rows * l.g * l.k);
    const auto q = g.vector(rows * l.h * l.k, 3.0F);
    backend.store(view3(k, rows, l.g, l.k), view3(v, rows, l.g, l.k), c.span());
    std::vector<float> out(q.size(), std::numeric_limits<float>::quiet_NaN());
    const float scale = 1.0F / std::sqrt(static_cast<float>(l.k));
    backend.attend(view3(q, rows, l.h, l.k), c.span(), scale, view3(out, rows, l.h, l.k));

    for (std::size_t s = 0; s < sequences.size(); ++s) {
        const auto& segment = c.segments[s];
        for (std::size_t r = 0; r < sequences[s].rows; ++r) {
            const std::size_t slots = sequences[s].before + r + 1;
            const std::size_t t = segment.first_row + r;
            for (std::size_t h = 0; h < l.h; ++h) {
                const std::size_t group = h / (l.h / l.g);
                Eigen::VectorXd score(static_cast<Eigen::Index>(slots));
                Eigen::MatrixXd value(static_cast<Eigen::Index>(slots), static_cast<Eigen::Index>(l.k));
                double size = 0;
                for (std::size_t i = 0; i < slots; ++i) {
                    double dot = 0;
                    double magnitude = 0;
                    for (std::size_t d = 0; d < l.k; ++d) {
                        const double product =
                            double{q[(t * l.h + h) * l.k + d]} * double{to_float(segment.k(group, i, d))};
                        dot += product;
                        magnitude += std::fabs(product);
                        value(static_cast<Eigen::Index>(i), static_cast<Eigen::Index>(d)) =
                            double{to_float(segment.v(group, i, d))};
                    }
                    score(static_cast<Eigen::Index>(i)) = dot * double{scale};
                    size = std::fmax(size, magnitude * double{scale});
                }
                const Eigen::VectorXd p = (score.array() - score.maxCoeff()).exp();
                const Eigen::VectorXd exact = value.transpose() * p / p.sum();
                // error of a score, of exp, and of two sums over the slots, all relative to |v| <= 1
                const double roundings = std::ceil(static_cast<double>(l.k) / 16) * 2 + 8;
                const double bound = 2 * (roundings * size + 8 + static_cast<double>(slots)) * u;
                for (std::size_t d = 0; d < l.k; ++d) {
                    const double found = double{out[(t * l.h + h) * l.k + d]};
                    if (!(std::fabs(found - exact(static_cast<Eigen::Index>(d))) <= bound)) {
                        BOOST_ERROR(name << " H=" << l.h << " G=" << l.g << " K=" << l.k << " slots=" << slots
                                         << " row " << t << ": " << found << " instead of "
                                         << exact(static_cast<Eigen::Index>(d)));
                        return;
                    }
                }
            }
        }
    }
    BOOST_TEST(true);
}

} // namespace

BOOST_AUTO_TEST_SUITE(conformance_attend)

BOOST_AUTO_TEST_CASE(agrees_with_double_precision) {
    const layout layouts[] = {{1, 1, 8},  {4, 4, 64}, {4, 1, 128}, {8, 2, 64},  {16, 2, 32},
                              {3, 1, 17}, {5, 1, 80}, {6, 2, 33},  {64, 1, 16}, {36, 1, 24}};
    for_each_backend([&]<class B>(const std::string& name, B& backend) {
        cache_elements::for_each([&]<class Element>() {
            const std::string label = name + " " + std::string(to_string(dtype_of<Element>));
            for (const layout& l : layouts) {
                check_attend<Element>(label, backend, l, {{0, 1}});
                check_attend<Element>(label, backend, l, {{0, 5}, {63, 1}, {64, 2}, {1, 3}});
            }
            check_attend<Element>(label, backend, {4, 1, 64}, {{0, 130}});
            check_attend<Element>(label, backend, {4, 2, 64}, {{60, 70}, {200, 1}});
        });
    });
}

BOOST_AUTO_TEST_CASE(store_rounds_to_nearest_even_and_touches_nothing_else) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        cache_elements::for_each([&]<class Element>() {
            for (const std::size_t width : {1U, 7U, 16U, 17U, 33U, 128U}) {
                const layout l{2, 2, width};
                caches<Element> c(l, 9, 1);
                c.set(0, 1, 2, 4, l);
                generator g(width);
                auto k = g.vector(4 * l.g * l.k, 100.0F);
                const auto v = g.vector(4 * l.g * l.k, 0.001F);
                const float odd[] = {std::numeric_limits<float>::infinity(),
                                     std::numeric_limits<float>::quiet_NaN(),
                                     65519.0F,
                                     65520.0F,
                                     1e-7F,
                                     -0.0F,
                                     1.00390625F,
                                     3.0517578e-5F};
                for (std::size_t i = 0; i < 8 && i < k.size() / 2; ++i) k[l.g * l.k + i] = odd[i];
                backend.store(view3(std::as_const(k), 4, l.g, l.k), view3(v, 4, l.g, l.k), c.span());
                std::size_t wrong = 0;
                for (std::size_t group = 0; group < l.g; ++group) {
                    for (std::size_t slot = 0; slot < 9; ++slot) {
                        for (std::size_t d = 0; d < width; ++d) {
                            const Element found = c.segments[0].k(group, slot, d);
                            if (slot < 4 || slot > 5) {
                                wrong += std::isnan(to_float(found)) ? 0U : 1U;
                            } else {
                                const float in = k[((slot - 3) * l.g + group) * l.k + d];
                                const float expected = to_float(static_cast<Element>(in));
                                const bool same =
                                    std::isnan(in) ? std::isnan(to_float(found)) : to_float(found) == expected;
                                wrong += same ? 0U : 1U;
                                const float value = v[((slot - 3) * l.g + group) * l.k + d];
                                wrong +=
                                    to_float(c.segments[0].v(group, slot, d)) == to_float(static_cast<Element>(value))
                                        ? 0U
                                        : 1U;
                            }
                        }
                    }
                }
                BOOST_TEST(wrong == 0U, name << " K=" << width << ": " << wrong << " wrong elements");
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(large_scores_do_not_overflow) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        const layout l{1, 1, 16};
        caches<float> c(l, 80, 1);
        c.set(0, 0, 80, 0, l);
        std::vector<float> k(80 * 16, 0.0F);
        std::vector<float> v(80 * 16);
        for (std::size_t s = 0; s < 80; ++s) {
            k[s * 16] = static_cast<float>(s) * 1000.0F; // the last slot wins by far
            for (std::size_t d = 0; d < 16; ++d) v[s * 16 + d] = static_cast<float>(s);
        }
        std::vector<float> q(80 * 16, 1.0F);
        std::vector<float> out(80 * 16);
        backend.store(view3(std::as_const(k), 80, 1, 16), view3(std::as_const(v), 80, 1, 16), c.span());
        backend.attend(view3(std::as_const(q), 80, 1, 16), c.span(), 1.0F, view3(out, 80, 1, 16));
        for (std::size_t s = 0; s < 80; ++s) BOOST_TEST(out[s * 16 + 5] == static_cast<float>(s), name);
        for (float& x : q) x = -1.0F; // now the first one wins
        backend.attend(view3(std::as_const(q), 80, 1, 16), c.span(), 1.0F, view3(out, 80, 1, 16));
        for (std::size_t s = 0; s < 80; ++s) BOOST_TEST(out[s * 16 + 5] == 0.0F, name);
    });
}

BOOST_AUTO_TEST_CASE(not_a_number_reaches_its_own_row_and_later_ones_only) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        const layout l{2, 1, 32};
        caches<bf16> c(l, 12, 1);
        c.set(0, 0, 12, 0, l);
        generator g(23);
        auto k = g.vector(12 * 32);
        auto v = g.vector(12 * 32);
        const auto q = g.vector(12 * 64);
        v[7 * 32 + 3] = std::numeric_limits<float>::quiet_NaN();
        k[9 * 32] = std::numeric_limits<float>::quiet_NaN();
        std::vector<float> out(12 * 64);
        backend.store(view3(std::as_const(k), 12, 1, 32), view3(std::as_const(v), 12, 1, 32), c.span());
        backend.attend(view3(q, 12, 2, 32), c.span(), 0.2F, view3(out, 12, 2, 32));
        for (std::size_t t = 0; t < 12; ++t) {
            for (std::size_t d = 0; d < 64; ++d) {
                const bool expected = t >= 9 || (t >= 7 && d % 32 == 3);
                BOOST_TEST(std::isnan(out[t * 64 + d]) == expected, name << " row " << t << " element " << d);
            }
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
