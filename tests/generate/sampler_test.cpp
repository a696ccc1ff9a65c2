// SPDX-License-Identifier: Apache-2.0
//
// Greedy choice, draws and their distribution, and what is done with logits that are not numbers.
#include <apertus/generate/sampler.hpp>

#include <generate/fake_session.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <array>
#include <cmath>

BOOST_AUTO_TEST_SUITE(sampler_test)

namespace {

using floats = std::vector<float>;
using apertus::error_category;
constexpr float inf = HUGE_VALF;

apertus::generation_config drawing() {
    apertus::generation_config c;
    c.do_sample = true;
    c.top_k = 0;
    return c;
}

std::int32_t choose(const floats& logits, const apertus::generation_config& c = {}, std::uint64_t position = 0) {
    apertus::sampler sample(apertus::effective(c), logits.size());
    return sample(logits, {}, {1, 0, position});
}

/// How often each token comes up in `draws` draws.
std::vector<double> histogram(const floats& logits, const apertus::generation_config& c, std::size_t draws) {
    std::vector<double> out(logits.size(), 0.0);
    apertus::sampler sample(apertus::effective(c), logits.size());
    for (std::size_t i = 0; i < draws; ++i) ++out[static_cast<std::size_t>(sample(logits, {}, {17, i % 3, i}))];
    return out;
}

/// Against probabilities softmax(logits / temperature) over `allowed` tokens (all where it is empty).
void check_chi_square(const std::vector<double>& counts, const floats& logits, double temperature,
                      const std::vector<std::size_t>& allowed, double limit) {
    std::vector<double> weight(logits.size(), 0.0);
    double sum = 0.0;
    double draws = 0.0;
    for (std::size_t v = 0; v < logits.size(); ++v) {
        const bool in = allowed.empty() || std::find(allowed.begin(), allowed.end(), v) != allowed.end();
        weight[v] = in ? std::exp(static_cast<double>(logits[v]) / temperature) : 0.0;
        sum += weight[v];
        draws += counts[v];
    }
    double chi_square = 0.0;
    for (std::size_t v = 0; v < logits.size(); ++v) {
        if (weight[v] == 0.0) {
            BOOST_TEST(counts[v] == 0.0);
            continue;
        }
        const double expected = draws * weight[v] / sum;
        chi_square += (counts[v] - expected) * (counts[v] - expected) / expected;
    }
    BOOST_TEST(chi_square < limit);
}

template <class F> void check_error(error_category category, const std::string& message, const F& f) {
    BOOST_CHECK_EXCEPTION(f(), apertus::error, [&](const apertus::error& e) {
        BOOST_TEST(e.what() == message);
        return e.category() == category;
    });
}

/// Bell curves, flat ones, steps of equals, one token far below or far above all others, forbidden ones.
floats shaped_logits(std::size_t n, int shape) {
    floats out(n);
    test_support::hashed_logits(std::vector<std::int32_t>{shape, static_cast<std::int32_t>(n)}, out);
    for (std::size_t i = 0; i < n; ++i) {
        if (shape == 1) out[i] *= 0.02f;
        if (shape == 2) out[i] = std::round(out[i] * 2.0f);
        if (shape == 3) out[i] = 0.25f;
        if (shape == 6 && i % 3 == 1) out[i] = -inf;
    }
    if (shape == 4) out[n / 2] = -1e30f;
    if (shape == 5) out[n / 3] = 40.0f;
    return out;
}

} // namespace

BOOST_AUTO_TEST_CASE(greedy_takes_the_first_maximum_wherever_it_is) {
    BOOST_TEST(choose({1.0f}) == 0);
    BOOST_TEST(choose({1.0f, 3.0f, 3.0f, 2.0f}) == 1);
    BOOST_TEST(choose({-inf, -5.0f}) == 1);
    BOOST_TEST(choose({0.0f, inf, inf}) == 1);
    BOOST_TEST(choose({-0.0f, 0.0f}) == 0);
    for (const std::size_t n : {1u, 15u, 16u, 63u, 64u, 65u, 127u, 128u, 129u, 1000u}) {
        for (std::size_t at = 0; at < n; ++at) {
            floats logits(n, -2.0f);
            logits[at] = -1.0f;
            logits[n - 1] = -1.0f; // a tie at the end does not win
            BOOST_TEST(choose(logits) == static_cast<std::int32_t>(at));
        }
    }
}

BOOST_AUTO_TEST_CASE(sampling_with_temperature_zero_is_greedy) {
    auto c = drawing();
    c.temperature = 0.0;
    for (std::uint64_t p = 0; p < 50; ++p) BOOST_TEST(choose({1.0f, 1.01f, 1.0f}, c, p) == 1);
}

BOOST_AUTO_TEST_CASE(draws_follow_the_distribution) {
    const floats logits{0.0f, 1.0f, -1.0f, 2.0f, 0.5f, -3.0f, 1.5f, -0.5f};
    constexpr std::size_t draws = 40000;
    auto c = drawing();
    check_chi_square(histogram(logits, c, draws), logits, 1.0, {}, 24.3); // 99.9 %, 7 degrees of freedom
    c.temperature = 2.5;
    check_chi_square(histogram(logits, c, draws), logits, 2.5, {}, 24.3);
    c.top_k = 3;
    check_chi_square(histogram(logits, c, draws), logits, 2.5, {1, 3, 6}, 13.8);
    c.top_k = 0;
    c.min_p = 0.5;
    check_chi_square(histogram(logits, c, draws), logits, 2.5, {1, 3, 4, 6}, 16.3);
    c.min_p.reset();
    c.temperature = 1.0;
    c.top_p = 0.75; // 0.405, 0.245, 0.149: the third crosses 0.75
    check_chi_square(histogram(logits, c, draws), logits, 1.0, {1, 3, 6}, 13.8);
}

BOOST_AUTO_TEST_CASE(draws_over_a_vocabulary_follow_the_distribution) {
    floats logits(4097); // no multiple of any block
    test_support::hashed_logits(std::vector<std::int32_t>{1}, logits);
    const auto counts = histogram(logits, drawing(), 20000);
    // By octiles of probability: sort tokens by id into eight groups of their cumulative share.
    double sum = 0.0;
    for (const float x : logits) sum += std::exp(static_cast<double>(x));
    std::array<double, 8> expected{}, found{};
    double below = 0.0;
    for (std::size_t v = 0; v < logits.size(); ++v) {
        const double p = std::exp(static_cast<double>(logits[v])) / sum;
        const auto cell = std::min<std::size_t>(7, static_cast<std::size_t>(below * 8));
        expected[cell] += 20000 * p;
        found[cell] += counts[v];
        below += p;
    }
    double chi_square = 0.0;
    for (std::size_t i = 0; i < 8; ++i) chi_square += (found[i] - expected[i]) * (found[i] - expected[i]) / expected[i];
    BOOST_TEST(chi_square < 24.3);
}

BOOST_AUTO_TEST_CASE(a_draw_depends_on_its_key_alone) {
    floats logits(500);
    test_support::hashed_logits(std::vector<std::int32_t>{2}, logits);
    apertus::sampler sample(apertus::effective(drawing()), logits.size());
    const auto first = sample(logits, {}, {5, 6, 7});
    for (std::uint64_t i = 0; i < 20; ++i) (void)sample(logits, {}, {5, 6, i});
    BOOST_TEST(sample(logits, {}, {5, 6, 7}) == first);
    apertus::sampler other(apertus::effective(drawing()), logits.size());
    BOOST_TEST(other(logits, {9, {}, {}, {}}, {5, 6, 7}) == first);
}

// Filters over a whole vocabulary take shortcuts; they must keep what the filters keep one after the other.
BOOST_AUTO_TEST_CASE(shortcuts_keep_what_the_filters_keep) {
    for (const std::size_t n : {1500u, 5000u, 20011u}) {
        for (std::int32_t round = 0; round < 12; ++round) {
            floats logits(n);
            test_support::hashed_logits(std::vector<std::int32_t>{round}, logits);
            for (std::size_t i = 0; i < n; ++i) { // from flat to peaked, with ties
                logits[i] = round % 3 == 0 ? logits[i] / 8.0f : logits[i] * static_cast<float>(1 + round);
                if (round % 4 == 1) logits[i] = std::round(logits[i]);
            }
            logits[n / 2] = -inf;
            for (const double p : {0.01, 0.3, 0.9, 0.99, 0.999}) {
                for (const int filter : {0, 1, 2}) {
                    auto c = drawing();
                    (filter == 0 ? c.top_p : filter == 1 ? c.min_p : c.typical_p) = p;
                    c.temperature = round % 2 == 0 ? 1.0 : 0.8;
                    const auto e = apertus::effective(c);
                    apertus::sampler sample(e, n);
                    const auto drawn = sample(logits, {}, {1, 2, 3});
                    floats scores = logits;
                    apertus::temperature_scaling{e.temperature}(scores);
                    apertus::candidate_set expected(n);
                    expected.assign(scores);
                    filter == 0   ? expected.keep_top_p(p)
                    : filter == 1 ? expected.keep_min_p(p)
                                  : expected.keep_typical_p(p);
                    BOOST_TEST(std::ranges::equal(sample.candidates().ids(), expected.ids()));
                    BOOST_TEST(std::ranges::equal(sample.candidates().scores(), expected.scores()));
                    BOOST_TEST(drawn == expected.pick(apertus::uniform({1, 2, 3})));
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(filters_of_whole_vocabularies_keep_the_nearest_that_reach_p) {
    for (const std::size_t n : {std::size_t{1025}, std::size_t{5000}, std::size_t{40000}}) {
        for (const int shape : {0, 1, 2, 3, 4, 5, 6}) {
            const floats logits = shaped_logits(n, shape);
            const double top = static_cast<double>(*std::max_element(logits.begin(), logits.end()));
            std::vector<double> mass(n);
            double sum = 0.0;
            for (std::size_t i = 0; i < n; ++i) sum += mass[i] = std::exp(static_cast<double>(logits[i]) - top);
            double entropy = 0.0;
            for (double& m : mass) {
                m /= sum;
                if (m > 0.0) entropy -= m * std::log(m);
            }
            for (const bool typical : {false, true}) {
                const auto distance = [&](std::size_t i) {
                    if (mass[i] == 0.0) return HUGE_VAL;
                    return typical ? std::fabs(-std::log(mass[i]) - entropy) : top - static_cast<double>(logits[i]);
                };
                for (const double p : {0.05, 0.5, 0.9, 0.999}) {
                    auto c = drawing();
                    (typical ? c.typical_p : c.top_p) = p;
                    apertus::sampler sample(apertus::effective(c), n);
                    const std::int32_t drawn = sample(logits, {}, {3, 1, 5});
                    const auto ids = sample.candidates().ids();
                    BOOST_TEST(std::is_sorted(ids.begin(), ids.end()));
                    BOOST_TEST(std::binary_search(ids.begin(), ids.end(), drawn));
                    std::vector<bool> kept(n, false);
                    double mass_kept = 0.0;
                    double furthest = 0.0;
                    double heaviest = 0.0;
                    for (const std::int32_t id : ids) {
                        const auto i = static_cast<std::size_t>(id);
                        kept[i] = true;
                        mass_kept += mass[i];
                        furthest = std::max(furthest, distance(i));
                    }
                    double equals = 0.0; // the mass at the border
                    double nearest = HUGE_VAL;
                    for (std::size_t i = 0; i < n; ++i) {
                        if (kept[i] && distance(i) > furthest - 1e-4) equals += mass[i];
                        if (kept[i] && distance(i) > furthest - 1e-4) heaviest = std::max(heaviest, mass[i]);
                        if (!kept[i]) nearest = std::min(nearest, distance(i));
                    }
                    BOOST_TEST_CONTEXT("V " << n << " shape " << shape << " p " << p << " typical " << typical) {
                        BOOST_TEST(nearest >= furthest - 1e-4);
                        BOOST_TEST(mass_kept >= p - 1e-5);
                        // top_p keeps one of several equals, typical_p all of them
                        BOOST_TEST(mass_kept - (typical ? equals : heaviest) < p + 1e-5);
                    }
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(a_draw_without_filters_is_a_draw_from_all_candidates) {
    for (const std::size_t n : {1u, 63u, 64u, 65u, 3001u}) {
        floats logits(n);
        test_support::hashed_logits(std::vector<std::int32_t>{4}, logits);
        if (n > 100) std::fill(logits.begin() + 64, logits.begin() + 140, -inf);
        apertus::sampler sample(apertus::effective(drawing()), n);
        apertus::candidate_set all(n);
        for (std::uint64_t i = 0; i < 200; ++i) {
            all.assign(logits);
            BOOST_TEST(sample(logits, {}, {9, 9, i}) == all.pick(apertus::uniform({9, 9, i})));
        }
    }
}

// The same on every machine and in every version of the library. The numbers come from the definition: warpers of
// transformers, softmax and cumulative sum of numpy in double precision, Philox in Python's integers.
BOOST_AUTO_TEST_CASE(pinned_draws) {
    floats logits(1000);
    test_support::hashed_logits(std::vector<std::int32_t>{3}, logits);
    auto c = drawing();
    c.temperature = 0.9;
    c.top_p = 0.95;
    c.top_k = 200;
    apertus::sampler sample(apertus::effective(c), logits.size());
    std::vector<std::int32_t> drawn;
    for (std::uint64_t i = 0; i < 8; ++i) drawn.push_back(sample(logits, {}, {1234, 0, i}));
    const std::vector<std::int32_t> expected{867, 166, 991, 184, 928, 232, 693, 472};
    BOOST_TEST(drawn == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(extreme_options_are_harmless) {
    const floats logits{0.5f, 2.0f, 1.0f, -1.0f};
    auto c = drawing();
    c.top_k = 1000000;
    BOOST_TEST(histogram(logits, c, 2000)[3] > 0.0); // more than there are: all
    c.top_k = 1;
    BOOST_TEST(histogram(logits, c, 100)[1] == 100.0);
    c.top_k = 0;
    c.top_p = 0.0;
    BOOST_TEST(histogram(logits, c, 100)[1] == 100.0);
    c.top_p = 1.0; // off, not greedy
    BOOST_TEST(histogram(logits, c, 2000)[3] > 0.0);
    for (const double t : {1e-3, 1e-40, 1e-300}) {
        c.temperature = t;
        BOOST_TEST(histogram(logits, c, 100)[1] == 100.0);
    }
    for (const double t : {1e10, 1e300}) {
        c.temperature = t;
        check_chi_square(histogram(logits, c, 4000), {0, 0, 0, 0}, 1.0, {}, 16.3);
    }
    c.temperature = 1.0;
    c.min_p = 1.0;
    c.typical_p = 0.001;
    BOOST_TEST(histogram(logits, c, 100)[1] == 100.0);
}

BOOST_AUTO_TEST_CASE(tokens_at_minus_infinity_are_never_drawn) {
    auto c = drawing();
    const auto counts = histogram({-inf, 0.0f, -inf, -200.0f, 0.0f}, c, 1000);
    BOOST_TEST(counts[1] + counts[4] == 1000.0);
    BOOST_TEST(histogram({-inf, -inf, -3.0f}, c, 10)[2] == 10.0);
    const auto certain = histogram({inf, 0.0f, inf}, c, 1000);
    BOOST_TEST(certain[1] == 0.0);
    BOOST_TEST(certain[0] > 400.0);
    BOOST_TEST(certain[2] > 400.0);
    c.temperature = 0.5;
    c.top_k = 2;
    c.top_p = 0.5;
    c.min_p = 0.1;
    c.typical_p = 0.5;
    BOOST_TEST(histogram({0.0f, inf, 3.0f}, c, 10)[1] == 10.0);
}

BOOST_AUTO_TEST_CASE(unusable_logits_are_typed_errors) {
    const float nan = std::nanf("");
    for (const auto& c : {apertus::generation_config{}, drawing()}) {
        check_error(error_category::backend,
                    "sampler: logits of row 0, position 0: expected numbers, found NaN for token 1",
                    [&] { (void)choose({1.0f, nan, nan}, c); });
        check_error(
            error_category::config,
            "sampler: logits of row 0, position 0: expected at least one token that is allowed, found -infinity "
            "for all 2",
            [&] { (void)choose({-inf, -inf}, c); });
        floats late(200, 0.0f);
        late[199] = nan;
        BOOST_CHECK_THROW((void)choose(late, c), apertus::error);
        late[199] = 0.0f;
        late[100] = -nan;
        BOOST_CHECK_THROW((void)choose(late, c), apertus::error);
    }
    apertus::sampler sample(apertus::effective({}), 3);
    check_error(error_category::shape, "sampler: logits: expected 3 values, found 2",
                [&] { (void)sample(floats{1, 2}, {}, {}); });
}

BOOST_AUTO_TEST_CASE(a_nan_made_by_a_processor_is_noticed) {
    const std::vector<apertus::logits_processor> own{
        [](std::span<float> x, const apertus::logits_context&) { x[0] = std::nanf(""); }};
    apertus::sampler sample(apertus::effective(drawing()), 2, own);
    BOOST_CHECK_THROW((void)sample(floats{1, 2}, {}, {}), apertus::error);
}

BOOST_AUTO_TEST_CASE(log_probabilities) {
    const floats logits{1.0f, 2.0f, 3.0f, -inf};
    const double sum = std::log(std::exp(1.0) + std::exp(2.0) + std::exp(3.0));
    BOOST_TEST(apertus::log_probability(logits, 1) == 2.0 - sum, boost::test_tools::tolerance(1e-6));
    BOOST_TEST(apertus::log_probability(logits, 3) == -HUGE_VAL);
    BOOST_TEST(apertus::log_probability(floats{5.0f}, 0) == 0.0);
    BOOST_TEST(apertus::log_probability(floats{inf, 1.0f, inf}, 2) == -std::log(2.0));
    BOOST_TEST(apertus::log_probability(floats{inf, 1.0f, inf}, 1) == -HUGE_VAL);
    apertus::sampler sample(apertus::effective({}), logits.size());
    BOOST_TEST(sample.log_probability(logits, 1) == apertus::log_probability(logits, 1));
    floats flat(100003, -7.0f);
    BOOST_TEST(apertus::log_probability(flat, 5) == -std::log(100003.0), boost::test_tools::tolerance(1e-6));
}

BOOST_AUTO_TEST_SUITE_END()
