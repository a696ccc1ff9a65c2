// SPDX-License-Identifier: Apache-2.0
#include <apertus/format/int4.hpp>

#include <boost/test/unit_test.hpp>

#include <format/packed_rows.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(format_int4)

BOOST_AUTO_TEST_CASE(codes_steps_and_offsets_stay_within_what_the_kernels_assume) {
    // s * q - m within a signed byte, m at most 128: whatever the row looks like
    for (int kind = 0; kind < 5; ++kind) {
        auto in = packed_rows::values<int4>(0.02F);
        for (std::size_t i = 0; i < in.size(); ++i) {
            if (kind == 1) in[i] = std::fabs(in[i]);
            if (kind == 2) in[i] = -std::fabs(in[i]);
            if (kind == 3) in[i] += i / 32 % 2 == 0 ? 0.5F : -0.5F;
            if (kind == 4 && i % 97 == 0) in[i] *= 1000.0F;
        }
        int4::block block;
        int4::pack(in.data(), block);
        for (std::size_t r = 0; r < int4::block_rows; ++r) {
            for (std::size_t k = 0; k < int4::block_size; ++k) {
                const std::size_t g = k / int4::group;
                const int s = static_cast<int>(block.step[r] >> (4 * g) & 15U) + 1;
                const int m = block.offset[g / 4][r][g % 4];
                const int q = block.code[k / 8][r][k % 4] >> (k % 8 < 4 ? 0 : 4) & 15;
                BOOST_REQUIRE(m <= 128);
                BOOST_REQUIRE(s * q - m >= -128);
                BOOST_REQUIRE(s * q - m <= 127);
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(every_instruction_set_packs_alike) { packed_rows::check_paths<int4>(0.02); }

BOOST_AUTO_TEST_CASE(zeros_are_kept) {
    const auto in = packed_rows::values<int4>(0.0F);
    BOOST_TEST((packed_rows::there_and_back<int4>(in) == in));
}

BOOST_AUTO_TEST_CASE(the_largest_floats_stay_finite) {
    auto in = packed_rows::values<int4>(1.0F);
    for (float& x : in) x = x < 0 ? -3.0e38F : 3.0e38F;
    const auto out = packed_rows::there_and_back<int4>(in);
    for (std::size_t i = 0; i < in.size(); ++i) BOOST_REQUIRE_CLOSE(out[i], in[i], 5.0F);
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_makes_its_row_not_a_number) { packed_rows::check_not_finite<int4>(); }

BOOST_AUTO_TEST_CASE(squared_error_on_normal_weights) {
    // the search reaches 5.60e-3; llama.cpp's Q4_0, at the same 4.5 bits, 7.4e-3
    BOOST_TEST(packed_rows::relative_error<int4>() < 5.65e-3);
}

BOOST_AUTO_TEST_SUITE_END()
