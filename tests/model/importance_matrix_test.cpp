// SPDX-License-Identifier: Apache-2.0
#include <apertus/model/importance_matrix.hpp>
#include <apertus/model/input_squares.hpp>

#include <apertus/arch/all.hpp>
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/reference.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/model/session.hpp>

#include <support/error_message.hpp>
#include <support/random_model.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using namespace apertus;

namespace {

const std::vector<std::int32_t> some_ids{1, 5, 9, 13, 2, 7, 7, 3};

std::vector<float> random_values(std::size_t n, std::uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::vector<float> out(n);
    for (float& x : out) x = normal(random);
    return out;
}

/// Every matrix of the model with the importance f(column).
template <class F> importance_matrix importance_of(const decoder<apertus_architecture, any_format>& m, F f) {
    importance_matrix::columns columns;
    for (const named_matrix& n : m.matrices) {
        for (std::size_t k = 0; k < n.matrix.cols; ++k) columns[n.name].push_back(f(k));
    }
    return {"test importance", 1, std::move(columns)};
}

/// sum importance * (w - w')^2 over a matrix.
double weighted_error(const weight_view<any_format>& exact, const weight_view<any_format>& stored,
                      std::span<const float> importance) {
    std::vector<float> a(exact.cols);
    std::vector<float> b(exact.cols);
    double sum = 0.0;
    for (std::size_t r = 0; r < exact.rows; ++r) {
        unpack_row(exact, r, a.data());
        unpack_row(stored, r, b.data());
        for (std::size_t k = 0; k < exact.cols; ++k) {
            const double e = double{a[k]} - double{b[k]};
            sum += double{importance[k]} * e * e;
        }
    }
    return sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(model_importance)

using host_backends = std::tuple<cpu_backend, reference_backend>;

BOOST_AUTO_TEST_CASE_TEMPLATE(a_measuring_backend_adds_squares_and_multiplies_as_before, Backend, host_backends) {
    constexpr std::size_t tokens = 5;
    constexpr std::size_t k = 37;
    constexpr std::size_t n = 19;
    const auto x = random_values(tokens * k, 1);
    const auto w = random_values(n * k, 2);
    const auto other = random_values(n * k, 3);
    const weight_view<dense<float>> weights{w.data(), n, k};
    const named_matrix known{"known", weights};
    const auto squares = std::make_shared<input_squares>(std::span(&known, 1));
    Backend plain{};
    measuring_backend<Backend> measuring(plain, squares);
    std::vector<float> expected(tokens * n);
    std::vector<float> out(tokens * n);
    const tensor_view<const float, 2> rows(x.data(), {tokens, k});
    plain.matmul(rows, weights, {}, tensor_view<float, 2>(expected.data(), {tokens, n}));
    for (int turn = 0; turn < 2; ++turn) {
        measuring.matmul(rows, weights, {}, tensor_view<float, 2>(out.data(), {tokens, n}));
        BOOST_TEST((out == expected));
        measuring.matmul(rows, weight_view<dense<float>>{other.data(), n, k}, {},
                         tensor_view<float, 2>(out.data(), {tokens, n})); // not known: passed over
    }
    const importance_matrix found = squares->means("found", tokens);
    BOOST_TEST(found.mean_squares().size() == 1U);
    const auto means = found.of("known", k);
    for (std::size_t i = 0; i < k; ++i) {
        double sum = 0.0;
        for (std::size_t t = 0; t < tokens; ++t) sum += double{x[t * k + i]} * double{x[t * k + i]};
        BOOST_TEST(double{means[i]} == sum / tokens, boost::test_tools::tolerance(1e-6));
    }
}

BOOST_AUTO_TEST_CASE(a_session_that_measures_computes_the_same_and_sees_every_matrix) {
    const model_config c = test_support::small_config();
    test_support::memory_source source;
    test_support::fill<bf16>(source, c);
    const auto model = load_decoder<apertus_architecture, any_format>(c, source);
    const cpu_backend cpu{any_executor(2)};
    session<std::remove_cvref_t<decltype(*model)>, cpu_backend> plain(model, cpu, {.max_length = 16});
    const auto squares = std::make_shared<input_squares>(model->matrices);
    using measuring = measuring_backend<cpu_backend>;
    session<std::remove_cvref_t<decltype(*model)>, measuring> watched(model, measuring(cpu, squares),
                                                                      {.max_length = 16, .prefill_chunk = 3});
    // what goes into q_proj of the first layer and into the head, from the layers' outputs
    std::vector<double> first(c.hidden_size);
    std::vector<double> last(c.hidden_size);
    watched.set_observer([&](std::size_t index, std::size_t, tensor_view<const float, 2> x) {
        if (index != 0 && index != model->layers.size() + 1) return;
        std::vector<float> rows(x.flat().begin(), x.flat().end());
        const tensor_view<float, 2> view(rows.data(), x.extents());
        reference_backend reference;
        if (index == 0) model->layers[0].attention_norm.forward(reference, x, view);
        for (std::size_t i = 0; i < rows.size(); ++i) {
            (index == 0 ? first : last)[i % c.hidden_size] += double{rows[i]} * double{rows[i]};
        }
    });
    const segment step{0, some_ids, {}, logits_for::all};
    const auto expected = plain.forward(std::span(&step, 1)).flat();
    const auto logits = watched.forward(std::span(&step, 1)).flat();
    BOOST_TEST(std::equal(logits.begin(), logits.end(), expected.begin(), expected.end()));

    const importance_matrix found = squares->means("found", some_ids.size());
    BOOST_TEST(found.mean_squares().size() + 1 == model->matrices.size()); // nothing is multiplied by the embedding
    for (const named_matrix& m : model->matrices) {
        if (m.name == "model.embed_tokens.weight") continue;
        for (const float value : found.of(m.name, m.matrix.cols)) BOOST_REQUIRE(value > 0.0F);
    }
    const auto rows = static_cast<double>(some_ids.size());
    for (std::size_t k = 0; k < c.hidden_size; ++k) {
        for (const char* name : {"q_proj", "k_proj", "v_proj"}) {
            const auto of = found.of("model.layers.0.self_attn." + std::string(name) + ".weight", c.hidden_size);
            BOOST_TEST(double{of[k]} == first[k] / rows, boost::test_tools::tolerance(1e-4));
        }
        BOOST_TEST(double{found.of("lm_head.weight", c.hidden_size)[k]} == last[k] / rows,
                   boost::test_tools::tolerance(1e-4));
    }
}

BOOST_AUTO_TEST_CASE(four_bit_weights_follow_the_importance_and_other_formats_do_not) {
    const model_config c = test_support::small_config();
    test_support::memory_source source;
    test_support::fill<float>(source, c);
    const auto load = [&](const format_info& layers, const importance_matrix* importance) {
        return load_decoder<apertus_architecture, any_format>(c, source, {},
                                                              {&layers, &info_of<int8>, nullptr, importance});
    };
    const auto exact = load_decoder<apertus_architecture, any_format>(c, source);
    const auto plain = load(info_of<int4>, nullptr);
    const importance_matrix skewed = importance_of(*exact, [](std::size_t k) { return k % 7 == 0 ? 40.0F : 0.1F; });
    const auto weighted = load(info_of<int4>, &skewed);
    std::size_t packed = 0;
    for (std::size_t i = 0; i < exact->matrices.size(); ++i) {
        const named_matrix& m = exact->matrices[i];
        if (!plain->matrices[i].matrix.holds<int4>()) continue;
        ++packed;
        const auto importance = skewed.of(m.name, m.matrix.cols);
        BOOST_TEST(weighted_error(m.matrix, weighted->matrices[i].matrix, importance) <
                       0.8 * weighted_error(m.matrix, plain->matrices[i].matrix, importance),
                   m.name);
    }
    BOOST_TEST(packed == 12U); // two layers of six

    const auto int8_plain = load(info_of<int8>, nullptr);
    const auto int8_weighted = load(info_of<int8>, &skewed);
    for (std::size_t i = 0; i < exact->matrices.size(); ++i) {
        const auto& a = int8_plain->matrices[i].matrix;
        const auto& b = int8_weighted->matrices[i].matrix;
        BOOST_TEST((std::memcmp(a.data, b.data, a.bytes()) == 0));
    }
}

BOOST_AUTO_TEST_CASE(only_the_proportions_count_and_zeros_are_allowed) {
    const model_config c = test_support::small_config();
    test_support::memory_source source;
    test_support::fill<float>(source, c);
    const auto exact = load_decoder<apertus_architecture, any_format>(c, source);
    const auto blocks = [&](auto f) {
        const importance_matrix importance = importance_of(*exact, f);
        const auto m = load_decoder<apertus_architecture, any_format>(
            c, source, {}, {&info_of<int4>, &info_of<int8>, nullptr, &importance});
        std::vector<std::byte> all;
        for (const named_matrix& n : m->matrices)
            all.insert(all.end(), n.matrix.data, n.matrix.data + n.matrix.bytes());
        return all;
    };
    const auto some = blocks([](std::size_t k) { return static_cast<float>(k % 5); });
    BOOST_TEST((blocks([](std::size_t k) { return 0x1p100F * static_cast<float>(k % 5); }) == some));
    BOOST_TEST((blocks([](std::size_t k) { return 0x1p-100F * static_cast<float>(k % 5); }) == some));
    BOOST_TEST((blocks([](std::size_t) { return 0.0F; }) == blocks([](std::size_t) { return 0.0F; })));
    BOOST_TEST((blocks([](std::size_t) { return 0.0F; }) != some));
}

BOOST_AUTO_TEST_CASE(an_importance_matrix_of_another_model_is_refused) {
    const model_config c = test_support::small_config();
    test_support::memory_source source;
    test_support::fill<float>(source, c);
    const auto exact = load_decoder<apertus_architecture, any_format>(c, source);
    const auto refusal = [&](error_category category, auto change) {
        importance_matrix::columns columns = importance_of(*exact, [](std::size_t) { return 1.0F; }).mean_squares();
        change(columns);
        const importance_matrix importance("an importance file", 1, std::move(columns));
        return error_message(category, [&] {
            (void)load_decoder<apertus_architecture, any_format>(
                c, source, {}, {&info_of<int4>, &info_of<int8>, nullptr, &importance});
        });
    };
    const std::string up = "model.layers.1.mlp.up_proj.weight";
    const std::string missing = refusal(error_category::format, [&](auto& columns) { columns.erase(up); });
    BOOST_TEST(missing.find("an importance file") != std::string::npos);
    BOOST_TEST(missing.find(up) != std::string::npos);
    const std::string narrow = refusal(error_category::shape, [&](auto& columns) { columns[up].pop_back(); });
    BOOST_TEST(narrow.find(up) != std::string::npos);
    BOOST_TEST(narrow.find("expected " + std::to_string(c.hidden_size) + " columns") != std::string::npos);
    BOOST_TEST(narrow.find("found " + std::to_string(c.hidden_size - 1)) != std::string::npos);
}

BOOST_AUTO_TEST_CASE(values_that_are_no_mean_squares_are_refused) {
    for (const float bad : {-1.0F, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
        const std::string said = error_message(
            error_category::format, [&] { (void)importance_matrix("name", 1, {{"a", {1.0F}}, {"b", {0.0F, bad}}}); });
        BOOST_TEST(said.find("'b', column 1") != std::string::npos, said);
    }
}

BOOST_AUTO_TEST_SUITE_END()
