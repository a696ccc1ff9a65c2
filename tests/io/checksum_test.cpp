// SPDX-License-Identifier: Apache-2.0
#include <apertus/io/checksum.hpp>

#include <boost/test/unit_test.hpp>

#include <set>
#include <string>
#include <vector>

using apertus::detail::checksum;

BOOST_AUTO_TEST_SUITE(io_checksum)

BOOST_AUTO_TEST_CASE(values_are_those_that_files_hold) {
    // of the first version, for good
    BOOST_TEST(checksum("") == 0x806151a0dbf5c310ULL);
    BOOST_TEST(checksum("apertus") == 0x4c5fbfc2056d3299ULL);
    BOOST_TEST(checksum(std::string(1000, 'x')) == 0xf644639e2cdb6b45ULL);
}

BOOST_AUTO_TEST_CASE(every_bit_and_the_length_count) {
    for (const std::size_t size : {1U, 8U, 63U, 64U, 65U, 200U}) {
        std::vector<std::byte> bytes(size);
        std::set<std::uint64_t> seen{checksum(bytes)};
        for (std::size_t bit = 0; bit < 8 * size; ++bit) {
            bytes[bit / 8] ^= std::byte(1U << bit % 8);
            BOOST_TEST(seen.insert(checksum(bytes)).second);
            bytes[bit / 8] ^= std::byte(1U << bit % 8);
        }
        bytes.push_back(std::byte{0});
        BOOST_TEST(seen.insert(checksum(bytes)).second);
    }
}

BOOST_AUTO_TEST_SUITE_END()
