// SPDX-License-Identifier: Apache-2.0
//
// The format list, and packing and widening of a format with blocks of several elements (the toy of the tests).
#include <apertus/format/formats.hpp>

#include <boost/test/unit_test.hpp>

#include <conformance/toy_format.hpp>

#include <cmath>
#include <cstddef>
#include <set>
#include <string_view>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(format_formats)

BOOST_AUTO_TEST_CASE(names_are_unique) {
    std::set<std::string_view> names;
    weight_formats::for_each([&]<class Format>() { names.insert(Format::name); });
    BOOST_TEST(names.size() == weight_formats::size);
}

BOOST_AUTO_TEST_CASE(a_matrix_of_blocks_comes_back_within_half_a_step) {
    constexpr std::size_t rows = 3;
    constexpr std::size_t cols = 96;
    std::vector<float> values(rows * cols);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<float>(i) * 0.7F) * 3.0F;
    std::vector<conformance::toy_int8::block> blocks(rows * cols / conformance::toy_int8::block_size);
    pack_matrix<conformance::toy_int8>(values.data(), rows, cols, blocks.data());
    std::vector<float> back(values.size());
    const weight_view<any_format> view(weight_view<conformance::toy_int8>{blocks.data(), rows, cols});
    for (std::size_t row = 0; row < rows; ++row) unpack_row(view, row, back.data() + row * cols);
    for (std::size_t i = 0; i < values.size(); ++i)
        BOOST_TEST(std::fabs(back[i] - values[i]) <= 0.5F * 3.0F / 127.0F * 1.001F);
}

BOOST_AUTO_TEST_CASE(slices_count_whole_blocks) {
    std::vector<conformance::toy_int8::block> blocks(8);
    const weight_view<conformance::toy_int8> view{blocks.data(), 4, 64};
    BOOST_TEST(view.blocks_per_row() == 2U);
    BOOST_TEST(view.slice(1, 2).blocks == blocks.data() + 2);
    BOOST_TEST(view.slice(1, 2).rows == 2U);
}

BOOST_AUTO_TEST_SUITE_END()
