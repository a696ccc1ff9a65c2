// SPDX-License-Identifier: Apache-2.0
//
// Dense formats: exact widening, rounding to nearest even, names, and blocks at odd addresses.
#include <apertus/format/dense.hpp>

#include <apertus/format/formats.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <vector>

namespace {

using namespace apertus;

/// The relative error that one rounding to the format may make: half a unit in the last place.
template <class Format> double unit() {
    if (Format::name == "F32") return 0.0;
    return Format::name == "F16" ? std::ldexp(1.0, -11) : std::ldexp(1.0, -8);
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_dense)

BOOST_AUTO_TEST_CASE(names_and_sizes) {
    BOOST_TEST(dense<float>::name == "F32");
    BOOST_TEST(dense<bf16>::name == "BF16");
    BOOST_TEST(dense<f16>::name == "F16");
    BOOST_TEST(sizeof(dense<bf16>::block) == 2U);
    dense_formats::for_each([]<class Format>() { BOOST_TEST(Format::block_size == 1U); });
}

BOOST_AUTO_TEST_CASE(a_packed_value_is_the_nearest_one) {
    dense_formats::for_each([]<class Format>() {
        for (int i = -2000; i <= 2000; ++i) {
            const float value = static_cast<float>(i) * 0.01037F;
            typename Format::block block;
            float back = 0;
            Format::pack(&value, block);
            Format::unpack(block, &back);
            BOOST_TEST(std::fabs(double{back} - double{value}) <= unit<Format>() * std::fabs(double{value}));
            typename Format::block again;
            float twice = 0;
            Format::pack(&back, again);
            Format::unpack(again, &twice);
            BOOST_TEST(twice == back);
        }
    });
}

BOOST_AUTO_TEST_CASE(infinities_and_nan_survive) {
    dense_formats::for_each([]<class Format>() {
        for (const float value : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
            typename Format::block block;
            float back = 0;
            Format::pack(&value, block);
            Format::unpack(block, &back);
            BOOST_TEST(back == value);
        }
        const float nan = std::numeric_limits<float>::quiet_NaN();
        typename Format::block block;
        float back = 0;
        Format::pack(&nan, block);
        Format::unpack(block, &back);
        BOOST_TEST(std::isnan(back));
    });
}

BOOST_AUTO_TEST_CASE(blocks_are_read_from_any_address) {
    dense_formats::for_each([]<class Format>() {
        const std::vector<float> values{1.0F, -2.5F, 0.0F, 1024.0F, -0.125F};
        std::vector<typename Format::block> blocks(values.size());
        pack_matrix<Format>(values.data(), 1, values.size(), blocks.data());
        for (std::size_t shift = 0; shift < 8; ++shift) {
            std::vector<unsigned char> bytes(shift + values.size() * sizeof(typename Format::block));
            std::memcpy(bytes.data() + shift, blocks.data(), bytes.size() - shift);
            std::vector<float> out(values.size());
            const void* at = bytes.data() + shift;
            unpack_row(weight_view<Format>{static_cast<const typename Format::block*>(at), 1, values.size()}, 0,
                       out.data());
            BOOST_TEST(out == values, boost::test_tools::per_element());
        }
    });
}

BOOST_AUTO_TEST_SUITE_END()
