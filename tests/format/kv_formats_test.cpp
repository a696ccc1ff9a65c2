// SPDX-License-Identifier: Apache-2.0
//
// Cache formats: sizes, the error of a stored row, rows that are not finite, and that a slot changes nothing but itself.
#include <apertus/format/kv_formats.hpp>

#include <boost/test/unit_test.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace {

using namespace apertus;

std::vector<float> numbers(std::size_t n, unsigned seed) {
    std::vector<float> out(n);
    for (float& x : out) {
        seed = seed * 1664525U + 1013904223U;
        x = static_cast<float>(seed >> 8) / 8388608.0F - 1.0F;
    }
    return out;
}

/// Stores a row as key or value in slot `slot` of a fresh block and reads it back.
template <class Format> std::vector<float> round_trip(const std::vector<float>& row, std::size_t slot, bool key) {
    const std::size_t k = row.size();
    std::vector<std::byte> block(key ? Format::key_bytes(k) : Format::value_bytes(k));
    std::vector<float> out(k);
    if (key) {
        Format::pack_key(row.data(), k, slot, block.data());
        Format::unpack_key(block.data(), slot, k, out.data());
    } else {
        Format::pack_value(row.data(), k, slot, block.data());
        Format::unpack_value(block.data(), slot, k, out.data());
    }
    return out;
}

/// What an element of a row whose largest is `most` may be off by.
template <class Format> double error_bound(double x, double most) {
    if (Format::name == "f32") return 0.0;
    if (Format::name == "bf16") return std::fabs(x) * std::ldexp(1.0, -8);
    if (Format::name == "f16") return std::fabs(x) * std::ldexp(1.0, -11) + std::ldexp(1.0, -25);
    return most / 254 * 1.0001; // half a scale
}

} // namespace

BOOST_AUTO_TEST_SUITE(format_kv_formats)

BOOST_AUTO_TEST_CASE(they_are_found_by_name) {
    kv_formats::for_each([]<class Format>() { BOOST_TEST(find_kv_format(Format::name) == &kv_info_of<Format>); });
    BOOST_TEST(find_kv_format("BF16") == find_kv_format("bf16"));
    BOOST_TEST(find_kv_format("int7") == nullptr);
    BOOST_TEST(find_kv_format("") == nullptr);
    BOOST_TEST(kv_format_names() == "f32, bf16, f16, int8");
}

BOOST_AUTO_TEST_CASE(blocks_take_what_they_hold_and_are_whole_lines) {
    BOOST_TEST(kv_dense<float>::key_bytes(128) == 16U * 128 * 4);
    BOOST_TEST(kv_dense<bf16>::value_bytes(128) == 16U * 128 * 2);
    BOOST_TEST(kv_dense<f16>::key_bytes(64) == 16U * 64 * 2);
    BOOST_TEST(kv_int8::key_bytes(128) == 16U * 128 + 64);
    BOOST_TEST(kv_int8::value_bytes(128) == 16U * 128 + 64);
    BOOST_TEST(kv_info_of<kv_int8>.bytes(17, 128) == 2U * 2 * (16 * 128 + 64));
    BOOST_TEST(kv_blocks(std::numeric_limits<std::size_t>::max()) == (std::size_t{1} << 60));
    kv_formats::for_each([]<class Format>() {
        for (std::size_t k = 1; k < 300; ++k) {
            BOOST_REQUIRE(Format::key_bytes(k) % 64 == 0);
            BOOST_REQUIRE(Format::value_bytes(k) % 64 == 0);
        }
    });
}

BOOST_AUTO_TEST_CASE(a_row_comes_back_within_the_error_of_the_format) {
    kv_formats::for_each([]<class Format>() {
        double squares = 0;
        double errors = 0;
        for (const std::size_t k : {1U, 2U, 7U, 16U, 20U, 33U, 64U, 80U, 128U, 192U}) {
            for (std::size_t slot = 0; slot < 16; ++slot) {
                for (const bool key : {true, false}) {
                    const auto row = numbers(k, static_cast<unsigned>(k * 100 + slot));
                    const auto found = round_trip<Format>(row, slot, key);
                    double most = 0;
                    for (const float x : row) most = std::max(most, std::fabs(double{x}));
                    for (std::size_t d = 0; d < k; ++d) {
                        const double error = std::fabs(double{found[d]} - double{row[d]});
                        BOOST_REQUIRE(error <= error_bound<Format>(double{row[d]}, most));
                        squares += double{row[d]} * double{row[d]};
                        errors += error * error;
                    }
                }
            }
        }
        BOOST_TEST_MESSAGE(Format::name << ": relative error " << std::sqrt(errors / squares));
        BOOST_TEST(std::sqrt(errors / squares) <
                   0.005); // int8 of evenly spread numbers: 1 / (254 sqrt 3) of the largest
    });
}

BOOST_AUTO_TEST_CASE(a_slot_changes_no_other) {
    kv_formats::for_each([]<class Format>() {
        for (const std::size_t k : {1U, 7U, 24U, 128U}) {
            std::vector<std::byte> keys(Format::key_bytes(k));
            std::vector<std::byte> values(Format::value_bytes(k));
            const auto rows = numbers(16 * k, 5);
            const auto pack = [&](std::size_t slot, const float* row) {
                Format::pack_key(row, k, slot, keys.data());
                Format::pack_value(row, k, slot, values.data());
            };
            for (std::size_t slot = 0; slot < 16; ++slot) pack(slot, &rows[slot * k]);
            const auto before_keys = keys;
            const auto before_values = values;
            const std::vector<float> other(k, 9.0F);
            for (std::size_t slot = 0; slot < 16; ++slot) {
                pack(slot, other.data());
                BOOST_TEST((keys != before_keys && values != before_values));
                pack(slot, &rows[slot * k]);
                BOOST_TEST((keys == before_keys && values == before_values));
            }
        }
    });
}

BOOST_AUTO_TEST_CASE(int8_keeps_zeros_tiny_rows_and_what_is_not_finite_apart) {
    for (const bool key : {true, false}) {
        const auto of = [&](std::vector<float> row) { return round_trip<kv_int8>(row, 3, key); };
        for (const float x : of({0.0F, -0.0F, 0.0F})) BOOST_TEST(x == 0.0F);
        for (const float x : of({1e-31F, -1e-38F, 1e-45F})) BOOST_TEST(x == 0.0F);
        BOOST_TEST(of({1e-29F, 0.0F})[0] == 1e-29F, boost::test_tools::tolerance(1e-6F));
        BOOST_TEST(of({3e38F, -3e38F})[1] == -3e38F, boost::test_tools::tolerance(1e-6F));
        const float infinity = std::numeric_limits<float>::infinity();
        for (const float odd : {infinity, -infinity, std::numeric_limits<float>::quiet_NaN()}) {
            for (const float x : of({1.0F, odd, 2.0F})) BOOST_TEST(std::isnan(x));
        }
        // the largest is kept, halves go to the even code
        const auto row = of({127.0F, 0.5F, 1.5F, -2.5F, -127.0F});
        BOOST_TEST(row == (std::vector<float>{127.0F, 0.0F, 2.0F, -2.0F, -127.0F}), boost::test_tools::per_element());
    }
}

BOOST_AUTO_TEST_SUITE_END()
