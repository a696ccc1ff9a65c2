// SPDX-License-Identifier: Apache-2.0
#include <apertus/text/bpe_cache.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>
#include <vector>

using namespace apertus;

BOOST_AUTO_TEST_SUITE(bpe_cache)

BOOST_AUTO_TEST_CASE(remembers_and_forgets) {
    const detail::piece_cache cache(4);
    std::vector<std::int32_t> out;
    BOOST_TEST(!cache.find("abc", 1, out));
    cache.store("abc", 1, std::vector<std::int32_t>{5, 6, 7});
    BOOST_TEST(cache.find("abc", 1, out));
    BOOST_TEST((out == std::vector<std::int32_t>{5, 6, 7}));
    BOOST_TEST(!cache.find("abd", 1, out));
    cache.store("xyz", 5, std::vector<std::int32_t>{9}); // the same slot
    BOOST_TEST(!cache.find("abc", 1, out));
    cache.store(std::string(25, 'a'), 2, std::vector<std::int32_t>{1});
    BOOST_TEST(!cache.find(std::string(25, 'a'), 2, out));
    cache.store("many", 2, std::vector<std::int32_t>(9, 1));
    BOOST_TEST(!cache.find("many", 2, out));
}

BOOST_AUTO_TEST_CASE(threads_never_see_a_mixture) {
    const detail::piece_cache cache(2);
    std::atomic<int> wrong{0};
    std::vector<std::thread> threads;
    for (int t = 0; t < 4; ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 20000; ++i) {
                const int n = (i + t) % 5;
                const std::string piece = "piece" + std::to_string(n);
                std::vector<std::int32_t> out;
                if (cache.find(piece, 1, out))
                    wrong += out != std::vector<std::int32_t>(static_cast<std::size_t>(n + 1), n);
                cache.store(piece, 1, std::vector<std::int32_t>(static_cast<std::size_t>(n + 1), n));
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    BOOST_TEST(wrong == 0);
}

BOOST_AUTO_TEST_SUITE_END()
