// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/bpe_tables.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(bpe_tables)

BOOST_AUTO_TEST_CASE(tokens_are_found_and_others_are_not) {
    std::vector<std::string> texts;
    for (int i = 0; i < 5000; ++i)
        texts.push_back(std::string(static_cast<std::size_t>(i % 40), 'x') + std::to_string(i));
    const auto text_of = [&](std::int32_t id) { return std::string_view(texts[static_cast<std::size_t>(id)]); };
    detail::token_table table(texts.size() + 1, 7);
    for (std::size_t i = 0; i < texts.size(); ++i)
        BOOST_REQUIRE(table.insert(texts[i], table.hash(texts[i]), static_cast<std::int32_t>(i), text_of));
    BOOST_TEST(!table.insert(texts[17], table.hash(texts[17]), 17, text_of));
    for (std::size_t i = 0; i < texts.size(); ++i)
        BOOST_REQUIRE(table.find(texts[i], text_of) == static_cast<std::int32_t>(i));
    for (std::size_t i = 0; i < texts.size(); ++i) BOOST_REQUIRE(table.find(texts[i] + "!", text_of) == -1);
    BOOST_TEST(detail::token_table().find("a", text_of) == -1);
    // Keys of equal first bytes and different length, and bytes of value 0.
    detail::token_table zeros(4, 1);
    const std::string nul(3, '\0');
    const auto nul_of = [&](std::int32_t id) { return std::string_view(nul).substr(0, static_cast<std::size_t>(id)); };
    for (std::int32_t n = 0; n < 4; ++n) BOOST_TEST(zeros.insert(nul_of(n), zeros.hash(nul_of(n)), n, nul_of));
    for (std::int32_t n = 0; n < 4; ++n) BOOST_TEST(zeros.find(nul_of(n), nul_of) == n);
}

BOOST_AUTO_TEST_CASE(merges_are_found_and_the_last_counts) {
    detail::merge_table table(3000, 9);
    for (std::int32_t i = 0; i < 3000; ++i) table.insert(i, i * 7 % 1000, {static_cast<std::uint32_t>(i), i + 1});
    for (std::int32_t i = 0; i < 3000; ++i) BOOST_REQUIRE(table.find(i, i * 7 % 1000).id == i + 1);
    BOOST_TEST(table.find(5, 6).rank == detail::no_rank);
    detail::merge_table twice(2, 0);
    twice.insert(1, 2, {0, 3});
    twice.insert(1, 2, {1, 4});
    BOOST_TEST(twice.find(1, 2).id == 4);
    BOOST_TEST(twice.find(2, 1).id == -1);
}

BOOST_AUTO_TEST_SUITE_END()
