// SPDX-License-Identifier: Apache-2.0
#include <apertus/format/int8.hpp>

#include <boost/test/unit_test.hpp>

#include <format/packed_rows.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(format_int8)

BOOST_AUTO_TEST_CASE(an_element_moves_by_at_most_half_a_step) {
    for (const float size : {1e-6F, 0.02F, 1.0F, 3e4F}) {
        auto in = packed_rows::values<int8>(size);
        for (std::size_t k = int8::group; k < int8::block_size; ++k) in[7 * int8::block_size + k] *= 1e-3F;
        const auto out = packed_rows::there_and_back<int8>(in);
        for (std::size_t r = 0; r < int8::block_rows; ++r) {
            for (std::size_t group = 0; group < int8::block_size; group += int8::group) {
                const std::size_t first = r * int8::block_size + group;
                float most = 0;
                for (std::size_t i = first; i < first + int8::group; ++i) most = std::max(most, std::fabs(in[i]));
                for (std::size_t i = first; i < first + int8::group; ++i) {
                    BOOST_TEST(std::fabs(in[i] - out[i]) <= most / 127 * 0.5001F);
                }
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(zeros_and_the_largest_element_are_kept) {
    auto in = packed_rows::values<int8>(0.0F);
    BOOST_TEST((packed_rows::there_and_back<int8>(in) == in));
    in[3] = -2.54F;
    in[7] = 0.02F; // one step
    const auto out = packed_rows::there_and_back<int8>(in);
    BOOST_TEST(std::fabs(out[3] + 2.54F) < 1e-6F);
    BOOST_TEST(std::fabs(out[7] - 0.02F) < 1e-6F);
    BOOST_TEST(out[8] == 0.0F);
}

BOOST_AUTO_TEST_CASE(every_instruction_set_packs_alike) { packed_rows::check_paths<int8>(0.001); }

BOOST_AUTO_TEST_CASE(what_is_not_finite_makes_its_row_not_a_number) { packed_rows::check_not_finite<int8>(); }

BOOST_AUTO_TEST_CASE(squared_error_on_normal_weights) {
    // uniform noise of one step where the largest of 128 normal values is about 2.7 sigma: 4.0e-5
    BOOST_TEST(packed_rows::relative_error<int8>() < 4.4e-5);
}

BOOST_AUTO_TEST_SUITE_END()
