// SPDX-License-Identifier: Apache-2.0
//
// The three ways to merge against the definition: the lowest rank first, leftmost first, one at a time.
#include <apertus/text/bpe_merge.hpp>

#include <boost/test/unit_test.hpp>

#include <map>
#include <random>
#include <vector>

using namespace apertus;
using namespace apertus::detail;

BOOST_AUTO_TEST_SUITE(bpe_merge)

namespace {

using merge_map = std::map<std::pair<std::int32_t, std::int32_t>, merge_value>;

merge_value look_up(const merge_map& merges, std::int32_t a, std::int32_t b) {
    const auto found = merges.find({a, b});
    return found == merges.end() ? merge_value{no_rank, -1} : found->second;
}

std::vector<std::int32_t> by_definition(const merge_map& merges, std::vector<std::int32_t> symbols) {
    while (true) {
        std::size_t best = symbols.size();
        merge_value value{no_rank, -1};
        for (std::size_t i = 0; i + 1 < symbols.size(); ++i) {
            const merge_value here = look_up(merges, symbols[i], symbols[i + 1]);
            if (here.rank < value.rank) {
                value = here;
                best = i;
            }
        }
        if (value.id < 0) return symbols;
        symbols[best] = value.id;
        symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(best) + 1);
    }
}

} // namespace

BOOST_AUTO_TEST_CASE(all_ways_agree_with_the_definition) {
    std::mt19937 random(5);
    for (int round = 0; round < 300; ++round) {
        // Trained lists make tokens in order; every third list is shuffled so that a merge can make a pair of lower rank.
        const bool ascending = round % 3 != 0;
        merge_map merges;
        const std::int32_t letters = 2 + round % 3;
        std::vector<std::uint32_t> ranks(40);
        for (std::uint32_t i = 0; i < ranks.size(); ++i) ranks[i] = i;
        if (!ascending) std::shuffle(ranks.begin(), ranks.end(), random);
        for (std::int32_t i = 0; i < 40; ++i) {
            const auto limit = static_cast<unsigned>(letters + i);
            const std::pair pair{static_cast<std::int32_t>(random() % limit),
                                 static_cast<std::int32_t>(random() % limit)};
            merges.emplace(pair, merge_value{ranks[static_cast<std::size_t>(i)], letters + i});
        }
        const auto find = [&](std::int32_t a, std::int32_t b) { return look_up(merges, a, b); };
        std::vector<std::int32_t> symbols(1 + random() % 200);
        for (auto& s : symbols) s = static_cast<std::int32_t>(random() % static_cast<unsigned>(letters));
        const auto expected = by_definition(merges, symbols);
        const auto prepare = [&] {
            merge_scratch s;
            s.symbols = symbols;
            s.sizes.assign(symbols.size(), 1);
            s.ranks.resize(symbols.size(), no_rank);
            for (std::size_t i = 0; i + 1 < symbols.size(); ++i) s.ranks[i] = find(symbols[i], symbols[i + 1]).rank;
            s.ranks.back() = no_rank;
            return s;
        };
        const auto check = [&](const merge_scratch& s) {
            BOOST_REQUIRE((s.symbols == expected));
            std::size_t size = 0;
            for (const std::uint32_t n : s.sizes) size += n;
            BOOST_REQUIRE(size == symbols.size());
            BOOST_REQUIRE(s.sizes.size() == expected.size());
        };
        merge_scratch a = prepare(), b = prepare(), c = prepare();
        const std::size_t left = merge_short(a.symbols.data(), a.sizes.data(), a.ranks.data(), symbols.size(), find);
        a.symbols.resize(left);
        a.sizes.resize(left);
        check(a);
        merge_with_heap(b, find);
        check(b);
        merge_with_lists(c, 40, find);
        check(c);
    }
}

BOOST_AUTO_TEST_CASE(a_million_equal_symbols) {
    merge_map merges; // 0 0 -> 1, 1 1 -> 2, ...
    for (std::int32_t i = 0; i < 10; ++i) merges[{i, i}] = {static_cast<std::uint32_t>(i), i + 1};
    const auto find = [&](std::int32_t x, std::int32_t y) { return look_up(merges, x, y); };
    merge_scratch s;
    s.symbols.assign(1000000, 0);
    merge_symbols(s, 10, find, [&](std::size_t i) { return find(s.symbols[i], s.symbols[i + 1]).rank; });
    BOOST_TEST(s.symbols.size() == 1000000u / 1024 + 2); // 976 * 1024 + 512 + 64
    BOOST_TEST(s.symbols.front() == 10);
    merge_scratch empty;
    merge_symbols(empty, 10, find, [](std::size_t) { return no_rank; });
    BOOST_TEST(empty.symbols.empty());
}

BOOST_AUTO_TEST_SUITE_END()
