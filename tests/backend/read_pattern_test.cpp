// SPDX-License-Identifier: Apache-2.0
//
// The search for the fastest way of walking memory, on machines that are made up, and that its choice never shows in results.
#include <apertus/backend/cpu.hpp>
#include <apertus/backend/cpu/read_pattern.hpp>

#include <boost/test/unit_test.hpp>

#include <cstddef>
#include <functional>
#include <limits>
#include <vector>

using namespace apertus;
using detail::read_pattern_search;

namespace {

/// Tells the search the speeds of a machine until it has made up its mind; how many it took.
int search_with(read_pattern_search& search, const std::function<double(read_pattern)>& speed) {
    int pieces = 0;
    for (; search.searching() && pieces < 1000; ++pieces) search.add(speed(search.next()));
    return pieces;
}

template <class Format> void check_same_bits_while_searching(std::size_t threads) {
    constexpr std::size_t rows = 1040; // 65 strips: some are left over by any number of streams
    constexpr std::size_t cols = 4096;
    std::vector<float> values(rows * cols);
    for (std::size_t i = 0; i < values.size(); ++i) {
        values[i] = static_cast<float>((i * 2654435761U >> 7) % 2001) / 1000.0F - 1.0F;
    }
    std::vector<std::byte> w(info_of<Format>.bytes(rows, cols));
    pack_rows(info_of<Format>, values.data(), rows, cols, w.data());
    BOOST_TEST(w.size() > (std::size_t{2} << 20)); // large enough to be measured
    std::vector<float> x(cols);
    for (std::size_t i = 0; i < cols; ++i) x[i] = static_cast<float>(i % 17) / 17.0F - 0.5F;
    for (const cpu_isa isa : all_cpu_isas) {
        if (!is_available(isa)) continue;
        cpu_backend backend{any_executor(threads), {isa}};
        std::vector<float> first(rows);
        std::vector<float> out(rows);
        for (int pass = 0; pass < 30; ++pass) { // more than it tries
            backend.matmul(tensor_view<const float, 2>(x.data(), {1, cols}),
                           weight_view<any_format>(info_of<Format>, w.data(), rows, cols),
                           tensor_view<const float, 1>{}, tensor_view<float, 2>(out.data(), {1, rows}));
            if (pass == 0) first = out;
            BOOST_TEST(out == first);
        }
    }
}

} // namespace

BOOST_AUTO_TEST_SUITE(backend_read_pattern)

BOOST_AUTO_TEST_CASE(whatever_is_fastest_is_found_and_stays) {
    for (const int streams : {8, 4}) {
        for (const std::size_t ahead : {std::size_t{1024}, std::size_t{2048}, std::size_t{4096}}) {
            const read_pattern best{streams, ahead};
            read_pattern_search search(8);
            const auto machine = [&](read_pattern p) { return p == best ? 11e9 : 10e9; };
            BOOST_TEST(search_with(search, machine) <= 25);
            BOOST_TEST((search.next() == best));
            for (int i = 0; i < 100; ++i) search.add(5e9); // slower now, whatever it is: no reason to search
            BOOST_TEST((search.next() == best));
        }
    }
}

BOOST_AUTO_TEST_CASE(disturbances_and_matrices_of_several_sizes_do_not_mislead_it) {
    const read_pattern best{8, 1024};
    for (int shift = 0; shift < 4; ++shift) {
        read_pattern_search search(8);
        int piece = shift;
        search_with(search, [&](read_pattern p) {
            ++piece;
            const double size = 1.0 - 0.05 * (piece % 4); // the matrices of a layer, in turn
            const double neighbour = piece % 7 == 0 ? 0.3 : 1.0;
            return (p == best ? 12e9 : 10e9) * size * neighbour;
        });
        BOOST_TEST((search.next() == best));
    }
}

BOOST_AUTO_TEST_CASE(what_is_measured_while_weights_are_read_from_a_file_does_not_count) {
    const read_pattern best{4, 2048};
    read_pattern_search search(8);
    search_with(search, [&](read_pattern p) { return p == read_pattern{8, 4096} ? 2e9 : 1.8e9; });
    BOOST_TEST((search.next() == read_pattern{8, 4096}));
    search.add(12e9); // all of it is in memory
    BOOST_TEST(search.searching());
    search_with(search, [&](read_pattern p) { return p == best ? 14e9 : 12e9; });
    BOOST_TEST((search.next() == best));
}

BOOST_AUTO_TEST_CASE(a_clock_that_stands_still_is_no_speed) {
    read_pattern_search search(8);
    search.add(std::numeric_limits<double>::infinity());
    search.add(std::numeric_limits<double>::quiet_NaN());
    const read_pattern best{4, 1024};
    search_with(search, [&](read_pattern p) { return p == best ? 11e9 : 10e9; });
    BOOST_TEST((search.next() == best));
}

BOOST_AUTO_TEST_CASE(results_are_the_same_bits_with_every_pattern) {
    for (const std::size_t threads : {1U, 3U}) {
        check_same_bits_while_searching<int8>(threads);
        check_same_bits_while_searching<int4>(threads);
    }
}

BOOST_AUTO_TEST_SUITE_END()
