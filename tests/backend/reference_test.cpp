// SPDX-License-Identifier: Apache-2.0
//
// The reference backend on numbers that one can check by hand. (tests/conformance compares it with double precision.)
#include <apertus/backend/reference.hpp>
#include <apertus/format/kv_dense.hpp>

#include <boost/test/unit_test.hpp>

#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(backend_reference)

BOOST_AUTO_TEST_CASE(a_product_with_bias) {
    reference_backend backend;
    const std::vector<float> x{1, 2, 3, 4, 5, 6};          // two rows
    const std::vector<float> w{1, 0, 0, 0, 1, 1, 2, 2, 2}; // three outputs
    const std::vector<float> bias{10, 20, 30};
    std::vector<float> out(6);
    backend.matmul(tensor_view<const float, 2>(x.data(), {2, 3}), weight_view<dense<float>>{w.data(), 3, 3},
                   tensor_view<const float, 1>(bias.data(), {3}), tensor_view<float, 2>(out.data(), {2, 3}));
    const std::vector<float> expected{11, 25, 42, 14, 31, 60};
    BOOST_TEST(out == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(attention_over_equal_keys_is_the_mean_so_far) {
    reference_backend backend;
    const kv_format_info& format = kv_info_of<kv_dense<float>>;
    std::vector<std::byte> keys(format.key_bytes(1));
    std::vector<std::byte> values(format.value_bytes(1));
    const kv_segment<> segment{0, 3, 0, {&format, keys.data(), values.data(), 1, 3, 1}};
    const std::vector<float> k(3, 1.0F);
    const std::vector<float> v{3.0F, 5.0F, 10.0F};
    backend.store(tensor_view<const float, 3>(k.data(), {3, 1, 1}), tensor_view<const float, 3>(v.data(), {3, 1, 1}),
                  std::span<const kv_segment<>>(&segment, 1));
    const std::vector<float> q{1, 1, 1};
    std::vector<float> out(3);
    backend.attend(tensor_view<const float, 3>(q.data(), {3, 1, 1}), std::span<const kv_segment<>>(&segment, 1), 1.0F,
                   tensor_view<float, 3>(out.data(), {3, 1, 1}));
    const std::vector<float> expected{3.0F, 4.0F, 6.0F};
    BOOST_TEST(out == expected, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(rms_norm_of_equal_values_is_the_weight) {
    reference_backend backend;
    const std::vector<float> x(4, 7.0F);
    const std::vector<float> weight{1, 2, 3, 4};
    std::vector<float> out(4);
    backend.rms_norm(tensor_view<const float, 2>(x.data(), {1, 4}), tensor_view<const float, 1>(weight.data(), {4}),
                     0.0F, tensor_view<float, 2>(out.data(), {1, 4}));
    BOOST_TEST(out == weight, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_SUITE_END()
