// SPDX-License-Identifier: Apache-2.0
#include <apertus/format/int4.hpp>

#include <boost/test/unit_test.hpp>

#include <format/packed_rows.hpp>

#include <cmath>
#include <limits>
#include <vector>

using namespace apertus;

namespace {

/// s * q - m within a signed byte, m at most 128.
void check_block(const int4::block& block) {
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

/// One number per column, most of them small, a few large, as the inputs of a model are.
std::vector<float> skewed_importance(std::uint64_t seed) {
    std::vector<float> out(int4::block_size);
    const auto normal = packed_rows::values<int4>(1.0F, seed);
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = std::exp(1.5F * normal[k]);
    return out;
}

/// sum importance * (w - w')^2 / sum importance * w^2
double weighted_error(const std::vector<float>& in, const int4::block& block, const std::vector<float>& importance) {
    std::vector<float> out(in.size());
    int4::unpack(block, out.data());
    double error = 0;
    double sum = 0;
    for (std::size_t i = 0; i < in.size(); ++i) {
        const double h = importance[i % int4::block_size];
        error += h * (double{in[i]} - double{out[i]}) * (double{in[i]} - double{out[i]});
        sum += h * double{in[i]} * double{in[i]};
    }
    return error / sum;
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_int4)

BOOST_AUTO_TEST_CASE(codes_steps_and_offsets_stay_within_what_the_kernels_assume) {
    // whatever the row looks like, and whatever matters in it
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
        check_block(block);
        for (int what = 0; what < 4; ++what) {
            auto importance = skewed_importance(7);
            for (std::size_t k = 0; k < importance.size(); ++k) {
                if (what == 1) importance[k] = 0.0F;
                if (what == 2 && k / 32 % 3 != 0) importance[k] = 0.0F;
                if (what == 3) importance[k] = k % 11 == 0 ? 1e30F : 1e-30F;
            }
            int4::pack(in.data(), importance.data(), block);
            check_block(block);
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

BOOST_AUTO_TEST_CASE(importance_takes_a_third_of_the_error_that_matters) {
    double plain = 0;
    double weighted = 0;
    double alike = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        const auto in = packed_rows::values<int4>(0.02F, seed);
        const auto importance = skewed_importance(100 + seed);
        const std::vector<float> ones(int4::block_size, 1.0F);
        int4::block block;
        int4::pack(in.data(), block);
        plain += weighted_error(in, block, importance) / 16;
        int4::pack(in.data(), importance.data(), block);
        weighted += weighted_error(in, block, importance) / 16;
        int4::pack(in.data(), ones.data(), block);
        alike += weighted_error(in, block, ones) / 16;
    }
    BOOST_TEST(weighted < 0.72 * plain); // 0.66
    BOOST_TEST(alike < 5.65e-3);         // 5.55e-3: the same goal, a longer search
}

BOOST_AUTO_TEST_CASE(every_instruction_set_packs_by_importance_alike) {
    const auto in = packed_rows::values<int4>(0.02F, 3);
    const auto importance = skewed_importance(4);
    int4::block block;
    int4::pack(in.data(), importance.data(), block);
    const double expected = weighted_error(in, block, importance);
    const float* values = in.data();
    const float* columns = importance.data();
    const auto check = [&] { // which of two steps as good as each other is chosen may differ, and then many codes do
        BOOST_TEST(weighted_error(in, block, importance) == expected, boost::test_tools::tolerance(0.005));
        check_block(block);
    };
    detail::run_baseline<int4::packer>(values, columns, block);
    check();
#if APERTUS_X86
    if (is_available(cpu_isa::avx2)) {
        detail::run_avx2<int4::packer>(values, columns, block);
        check();
    }
    if (is_available(cpu_isa::avx512)) {
        detail::run_avx512<int4::packer>(values, columns, block);
        check();
    }
#endif
}

BOOST_AUTO_TEST_CASE(what_is_not_finite_makes_its_row_not_a_number_with_importance_too) {
    auto in = packed_rows::values<int4>(0.02F);
    in[5 * int4::block_size + 200] = std::numeric_limits<float>::infinity();
    int4::block block;
    int4::pack(in.data(), skewed_importance(1).data(), block);
    std::vector<float> out(in.size());
    int4::unpack(block, out.data());
    for (std::size_t i = 0; i < out.size(); ++i) BOOST_REQUIRE(std::isnan(out[i]) == (i / int4::block_size == 5));
}

BOOST_AUTO_TEST_SUITE_END()
