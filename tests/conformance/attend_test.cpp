// SPDX-License-Identifier: Apache-2.0
//
// store and attend: every backend, cache format, head layout and ragged batch against a double-precision softmax over what
// the caches hold. Slots after a row's own hold NaN: they must not be looked at.
#include <conformance/backends.hpp>

#include <boost/test/unit_test.hpp>

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

/// Whether a format's kernels round queries and weights to int16.
bool is_integer(const kv_format_info& format) { return format.name == kv_int8::name; }

/// One row and head in double precision: what is expected, and how far off a backend may be.
struct exact_row {
    std::vector<double> out;
    double bound = 0;

    exact_row(const float* q, const cache_memory& cache, std::size_t g, std::size_t slots, double scale,
              std::size_t k) {
        std::vector<double> score(slots);
        double size = 0;   // of the terms of a score
        double q_most = 0; // for the rounding of q: every term of a score may be off by half a step
        for (std::size_t d = 0; d < k; ++d) q_most = std::fmax(q_most, std::fabs(double{q[d]}));
        double rounding = 0;
        for (std::size_t i = 0; i < slots; ++i) {
            const auto key = cache.key(g, i);
            double magnitude = 0;
            double keys = 0;
            for (std::size_t d = 0; d < k; ++d) {
                const double product = double{q[d]} * double{key[d]};
                score[i] += product * scale;
                magnitude += std::fabs(product) * scale;
                keys += std::fabs(double{key[d]}) * scale;
            }
            size = std::fmax(size, magnitude);
            rounding = std::fmax(rounding, keys * q_most / 65534);
        }
        const double top = *std::max_element(score.begin(), score.end());
        double total = 0;
        double most = 0;
        out.assign(k, 0);
        for (std::size_t i = 0; i < slots; ++i) {
            const double p = std::exp(score[i] - top);
            total += p;
            const auto value = cache.value(g, i);
            for (std::size_t d = 0; d < k; ++d) {
                out[d] += p * double{value[d]};
                most = std::fmax(most, std::fabs(double{value[d]}));
            }
        }
        for (double& x : out) x /= total;
        // error of a score, of exp, and of two sums over the slots, relative to the largest value
        const double roundings = static_cast<double>(k) + 8;
        bound = 2 * most * (roundings * size + 8 + static_cast<double>(slots)) * u;
        // a score off by r changes the result by at most a factor of e^2r; a weight is off by half of 1 / 32767 of the
        // largest in its block, sixteen times that while the greatest score is still to come
        integer_bound = most * (std::exp(2 * rounding) - 1) + most * static_cast<double>(slots) / 65534 / total;
    }
    double integer_bound = 0;
};

template <class B>
void check_attend(const std::string& name, B& backend, const kv_format_info& format, const layout& l,
                  const std::vector<sequence>& sequences, std::size_t rows_looked_at = 1000) {
    generator g(17);
    std::size_t rows = 0;
    std::size_t longest = 0;
    for (const sequence& s : sequences) {
        rows += s.rows;
        longest = std::max(longest, s.before + s.rows);
    }
    std::vector<cache_memory> caches;
    std::vector<kv_segment<>> segments;
    std::size_t row = 0;
    for (const sequence& s : sequences) {
        caches.emplace_back(format, l.g, longest + 3, l.k);
        const kv_segment<> earlier = caches.back().segment(0, s.before, 0);
        const auto k = g.vector(s.before * l.g * l.k);
        const auto v = g.vector(s.before * l.g * l.k);
        backend.store(view3(k, s.before, l.g, l.k), view3(v, s.before, l.g, l.k),
                      std::span<const kv_segment<>>(&earlier, 1));
        segments.push_back(caches.back().segment(row, s.rows, s.before));
        row += s.rows;
    }
    const auto k = g.vector(rows * l.g * l.k);
    const auto v = g.vector(rows * l.g * l.k);
    const auto q = g.vector(rows * l.h * l.k, 3.0F);
    const std::span<const kv_segment<>> all(segments);
    backend.store(view3(k, rows, l.g, l.k), view3(v, rows, l.g, l.k), all);
    std::vector<float> out(q.size(), std::numeric_limits<float>::quiet_NaN());
    const float scale = 1.0F / std::sqrt(static_cast<float>(l.k));
    backend.attend(view3(q, rows, l.h, l.k), all, scale, view3(out, rows, l.h, l.k));

    for (std::size_t s = 0; s < sequences.size(); ++s) {
        for (std::size_t r = 0; r < sequences[s].rows; ++r) {
            if (r >= rows_looked_at && r + rows_looked_at < sequences[s].rows) continue;
            const std::size_t slots = sequences[s].before + r + 1;
            const std::size_t t = segments[s].first_row + r;
            for (std::size_t h = 0; h < l.h; ++h) {
                const exact_row exact(&q[(t * l.h + h) * l.k], caches[s], h / (l.h / l.g), slots, double{scale}, l.k);
                const double bound = exact.bound + (is_integer(format) ? exact.integer_bound : 0);
                for (std::size_t d = 0; d < l.k; ++d) {
                    const double found = double{out[(t * l.h + h) * l.k + d]};
                    if (!(std::fabs(found - exact.out[d]) <= bound)) {
                        BOOST_ERROR(name << " " << format.name << " H=" << l.h << " G=" << l.g << " K=" << l.k
                                         << " slots=" << slots << " row " << t << " head " << h << " element " << d
                                         << ": " << found << " instead of " << exact.out[d] << ", bound " << bound);
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
    const layout layouts[] = {{1, 1, 8},   {4, 4, 64}, {4, 1, 128}, {8, 2, 64},  {16, 2, 32}, {3, 1, 17},
                              {5, 1, 80},  {6, 2, 33}, {64, 1, 16}, {36, 1, 24}, {2, 1, 1},   {6, 1, 7},
                              {14, 2, 20}, {9, 3, 16}, {2, 2, 192}, {5, 5, 13},  {8, 1, 128}, {50, 1, 6}};
    for_each_backend([&]<class B>(const std::string& name, B& backend) {
        cache_formats::for_each([&]<class Format>() {
            const kv_format_info& format = kv_info_of<Format>;
            for (const layout& l : layouts) {
                check_attend(name, backend, format, l, {{0, 1}});
                check_attend(name, backend, format, l, {{0, 5}, {63, 1}, {64, 2}, {1, 3}});
            }
            check_attend(name, backend, format, {4, 1, 64}, {{0, 130}});
            check_attend(name, backend, format, {4, 2, 64}, {{60, 70}, {200, 1}});
            check_attend(name, backend, format, {3, 1, 40}, {{0, 90}, {16, 17}, {15, 33}});
        });
    });
}

BOOST_AUTO_TEST_CASE(spans_are_put_together) {
    static_assert(detail::attend_span == 1024);
    for_each_backend([&]<class B>(const std::string& name, B& backend) {
        if (name.find("reference") != std::string::npos) return; // slow, and has no spans
        cache_formats::for_each([&]<class Format>() {
            const kv_format_info& format = kv_info_of<Format>;
            check_attend(name, backend, format, {4, 1, 20}, {{1023, 1}, {1024, 1}, {5, 1}, {2047, 2}, {2500, 1}});
            check_attend(name, backend, format, {2, 1, 16}, {{1000, 100}}, 30);
        });
    });
}

BOOST_AUTO_TEST_CASE(large_heads) {
    for_each_backend([&]<class B>(const std::string& name, B& backend) {
        cache_formats::for_each([&]<class Format>() {
            const kv_format_info& format = kv_info_of<Format>;
            for (const std::size_t k : {130U, 256U, 300U, 768U, 770U, 1000U, 4096U}) {
                check_attend(name, backend, format, {2, 1, k}, {{20, 1}});
                check_attend(name, backend, format, {2, 1, k}, {{3, 7}});
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(store_packs_rows_and_touches_nothing_else) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        cache_formats::for_each([&]<class Format>() {
            for (const std::size_t width : {1U, 7U, 16U, 17U, 33U, 128U}) {
                constexpr std::size_t heads = 2;
                const kv_format_info& format = kv_info_of<Format>;
                const cache_memory cache(format, heads, 40, width);
                const cache_memory expected(format, heads, 40, width);
                const kv_segment<> segment = cache.segment(1, 19, 14); // over a whole block and parts of two
                generator g(width);
                auto k = g.vector(22 * heads * width, 100.0F);
                auto v = g.vector(22 * heads * width, 0.001F);
                const float odd[] = {std::numeric_limits<float>::infinity(),
                                     std::numeric_limits<float>::quiet_NaN(),
                                     65519.0F,
                                     65520.0F,
                                     1e-7F,
                                     -0.0F,
                                     1.00390625F,
                                     3.0517578e-5F};
                for (std::size_t i = 0; i < 8; ++i) {
                    k[(i + 3) * heads * width] = odd[i];
                    v[(i + 6) * heads * width] = odd[i];
                }
                backend.store(view3(std::as_const(k), 22, heads, width), view3(std::as_const(v), 22, heads, width),
                              std::span<const kv_segment<>>(&segment, 1));
                const kv_view<>& to = expected.segment(0, 0, 0).cache;
                for (std::size_t r = 0; r < 19; ++r) {
                    for (std::size_t h = 0; h < heads; ++h) {
                        const std::size_t slot = 14 + r;
                        const std::size_t from = ((1 + r) * heads + h) * width;
                        Format::pack_key(&k[from], width, slot % kv_block_slots, to.key_block(h, slot));
                        Format::pack_value(&v[from], width, slot % kv_block_slots, to.value_block(h, slot));
                    }
                }
                std::size_t wrong = 0;
                for (std::size_t h = 0; h < heads; ++h) {
                    for (std::size_t slot = 0; slot < 40; ++slot) {
                        const auto differs = [](const std::vector<float>& a, const std::vector<float>& b) {
                            for (std::size_t d = 0; d < a.size(); ++d) {
                                if (a[d] != b[d] && !(std::isnan(a[d]) && std::isnan(b[d]))) return true;
                            }
                            return false;
                        };
                        wrong += differs(cache.key(h, slot), expected.key(h, slot)) ? 1U : 0U;
                        wrong += differs(cache.value(h, slot), expected.value(h, slot)) ? 1U : 0U;
                    }
                }
                BOOST_TEST(wrong == 0U, name << " " << format.name << " K=" << width << ": " << wrong << " wrong rows");
            }
        });
    });
}

BOOST_AUTO_TEST_CASE(large_scores_do_not_overflow) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        cache_formats::for_each([&]<class Format>() {
            if (Format::name == kv_dense<f16>::name) return; // these keys are larger than an f16
            const cache_memory cache(kv_info_of<Format>, 1, 80, 16);
            const kv_segment<> segment = cache.segment(0, 80, 0);
            const std::span<const kv_segment<>> all(&segment, 1);
            std::vector<float> k(80 * 16, 0.0F);
            std::vector<float> v(80 * 16);
            for (std::size_t s = 0; s < 80; ++s) {
                k[s * 16] = static_cast<float>(s) * 1000.0F; // the last slot wins by far
                for (std::size_t d = 0; d < 16; ++d) v[s * 16 + d] = static_cast<float>(s);
            }
            const auto is_slot = [&](float found, std::size_t s) {
                const auto exact = static_cast<float>(s);
                return std::fabs(found - exact) <= (Format::name == kv_int8::name ? exact / 30000.0F : 0.0F);
            };
            std::vector<float> q(80 * 16, 1.0F);
            std::vector<float> out(80 * 16);
            backend.store(view3(std::as_const(k), 80, 1, 16), view3(std::as_const(v), 80, 1, 16), all);
            backend.attend(view3(std::as_const(q), 80, 1, 16), all, 1.0F, view3(out, 80, 1, 16));
            for (std::size_t s = 0; s < 80; ++s) BOOST_TEST(is_slot(out[s * 16 + 5], s), name << " " << Format::name);
            for (float& x : q) x = -1.0F; // now the first one wins
            backend.attend(view3(std::as_const(q), 80, 1, 16), all, 1.0F, view3(out, 80, 1, 16));
            for (std::size_t s = 0; s < 80; ++s) BOOST_TEST(is_slot(out[s * 16 + 5], 0), name << " " << Format::name);
        });
    });
}

BOOST_AUTO_TEST_CASE(not_a_number_reaches_its_own_row_and_later_ones_only) {
    for_each_backend([]<class B>(const std::string& name, B& backend) {
        cache_formats::for_each([&]<class Format>() {
            for (const std::size_t heads : {1U, 2U, 4U}) {
                for (const std::size_t before : {0U, 50U}) { // the diagonal inside a block and over an edge
                    const std::size_t width = heads * 32;
                    const cache_memory cache(kv_info_of<Format>, 1, 80, 32);
                    generator g(23);
                    if (before != 0) {
                        const kv_segment<> earlier = cache.segment(0, before, 0);
                        const auto x = g.vector(before * 32);
                        backend.store(view3(x, before, 1, 32), view3(x, before, 1, 32),
                                      std::span<const kv_segment<>>(&earlier, 1));
                    }
                    const kv_segment<> segment = cache.segment(0, 24, before);
                    const std::span<const kv_segment<>> all(&segment, 1);
                    auto k = g.vector(24 * 32);
                    auto v = g.vector(24 * 32);
                    auto q = g.vector(24 * width);
                    v[7 * 32 + 3] = std::numeric_limits<float>::quiet_NaN();
                    k[19 * 32] = std::numeric_limits<float>::infinity();
                    q[2 * width + 5] = std::numeric_limits<float>::quiet_NaN();
                    std::vector<float> out(24 * width);
                    backend.store(view3(std::as_const(k), 24, 1, 32), view3(std::as_const(v), 24, 1, 32), all);
                    backend.attend(view3(std::as_const(q), 24, heads, 32), all, 0.2F, view3(out, 24, heads, 32));
                    std::size_t wrong = 0;
                    for (std::size_t t = 0; t < 19; ++t) {
                        for (std::size_t d = 0; d < width; ++d) {
                            // a row of int8 is one number times a scale: all of it is lost
                            const bool of_value = t >= 7 && (d % 32 == 3 || Format::name == kv_int8::name);
                            const bool of_query = t == 2 && d < 32;
                            wrong += std::isnan(out[t * width + d]) != (of_value || of_query) ? 1U : 0U;
                        }
                    }
                    BOOST_TEST(wrong == 0U, name << " " << Format::name << " H=" << heads << " after " << before << ": "
                                                 << wrong << " elements");
                }
            }
        });
    });
}

BOOST_AUTO_TEST_SUITE_END()
