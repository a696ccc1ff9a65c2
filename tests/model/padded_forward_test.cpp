// SPDX-License-Identifier: Apache-2.0
#include <apertus/model/padded_forward.hpp>

#include <apertus/backend/reference.hpp>
#include <apertus/model/loader.hpp>
#include <apertus/model/session.hpp>

#include <support/random_model.hpp>

#include <boost/test/unit_test.hpp>

using namespace apertus;

namespace {
struct fixture {
    model_config config = test_support::small_config();
    test_support::memory_source source;
    std::shared_ptr<const apertus_model<dense<float>>> model;
    fixture() {
        test_support::fill<float>(source, config);
        model = load_decoder<apertus_architecture, dense<float>>(config, source);
    }
    [[nodiscard]] auto session() const {
        return apertus::session<apertus_model<dense<float>>, reference_backend>(model, reference_backend{}, {3, 32, 8});
    }
};
} // namespace

BOOST_FIXTURE_TEST_SUITE(padded_forward_tests, fixture)

BOOST_AUTO_TEST_CASE(masked_tokens_change_nothing) {
    constexpr std::size_t t = 6;
    const std::size_t v = config.vocab_size;
    const std::vector<std::int32_t> ids{9, 9, 1, 2, 3, 4, /**/ 5, 6, 7, 8, 9, 10, /**/ 11, 12, 9, 9, 9, 9};
    const std::vector<std::int32_t> mask{0, 0, 1, 1, 1, 1, /**/ 1, 1, 1, 1, 1, 1, /**/ 1, 1, 0, 0, 0, 0};
    const std::vector<std::int32_t> positions{1, 1, 0, 1, 2, 3, /**/ 0, 1, 2, 3, 4, 5, /**/ 0, 1, 1, 1, 1, 1};
    auto s = session();
    const auto got = forward_padded(s, tensor_view<const std::int32_t, 2>(ids.data(), {3, t}),
                                    tensor_view<const std::int32_t, 2>(mask.data(), {3, t}),
                                    tensor_view<const std::int32_t, 2>(positions.data(), {3, t}));
    BOOST_REQUIRE_EQUAL(got.size(), 3 * t * v);
    auto alone = session();
    const auto same = [&](std::size_t row, std::size_t first, std::vector<std::int32_t> tokens) {
        alone.truncate(0, 0);
        const segment step{0, tokens, {}, logits_for::all};
        const auto expected = alone.forward(std::span(&step, 1)).flat();
        BOOST_TEST(std::equal(expected.begin(), expected.end(),
                              got.begin() + static_cast<std::ptrdiff_t>((row * t + first) * v)));
    };
    same(0, 2, {1, 2, 3, 4});
    same(1, 0, {5, 6, 7, 8, 9, 10});
    same(2, 0, {11, 12});
    for (std::size_t i = 0; i < 2 * v; ++i) BOOST_REQUIRE_EQUAL(got[i], 0.0f);
}

BOOST_AUTO_TEST_CASE(without_position_ids_columns_are_positions) {
    const std::vector<std::int32_t> ids{9, 1, 2};
    const std::vector<std::int32_t> mask{0, 1, 1};
    const std::vector<std::int32_t> columns{0, 1, 2};
    const tensor_view<const std::int32_t, 2> a(ids.data(), {1, 3});
    const tensor_view<const std::int32_t, 2> m(mask.data(), {1, 3});
    const tensor_view<const std::int32_t, 2> p(columns.data(), {1, 3});
    auto s = session();
    BOOST_TEST((forward_padded(s, a, m) == forward_padded(s, a, m, p)));
}

BOOST_AUTO_TEST_CASE(shapes_that_do_not_fit_are_refused) {
    const std::vector<std::int32_t> ids{1, 2, 3, 4};
    const std::vector<std::int32_t> none{1, 1, 0, 0};
    const std::vector<std::int32_t> two{1, 2, 1, 1};
    auto s = session();
    const tensor_view<const std::int32_t, 2> a(ids.data(), {2, 2});
    BOOST_CHECK_THROW((void)forward_padded(s, a, tensor_view<const std::int32_t, 2>(ids.data(), {1, 4})), error);
    BOOST_CHECK_THROW((void)forward_padded(s, a, tensor_view<const std::int32_t, 2>(none.data(), {2, 2})), error);
    BOOST_CHECK_THROW((void)forward_padded(s, a, tensor_view<const std::int32_t, 2>(two.data(), {2, 2})), error);
}

BOOST_AUTO_TEST_SUITE_END()
