// SPDX-License-Identifier: Apache-2.0
//
// Byte-pair merging: repeatedly the applicable merge with the lowest rank, leftmost first, until none applies. Three ways to the
// same result, chosen by the number of symbols n:
//   short  a scan for the minimum after every merge: n^2 steps, but everything in two small arrays;
//   medium a heap of (rank, position): n log n;
//   long   one list of positions per rank, ranks taken in ascending order: linear but for pairs of lower rank than the merge that
//          made them, which wait in a heap (trained lists have none, Tekken's list of all splits some).
#pragma once

#include <apertus/text/bpe_tables.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Working memory of one call; reused from piece to piece.
struct merge_scratch {
    std::vector<std::int32_t> symbols; ///< in: initial symbols; out: merged symbols
    /// Of the symbols, in whatever unit; summed when symbols merge; empty when nobody asks.
    std::vector<std::uint32_t> sizes;
    std::vector<std::uint32_t> ranks, previous, next, positions, lists;
    std::vector<std::uint64_t> heap, nodes, occupied;
};

inline constexpr std::size_t short_merge_limit = 48;
inline constexpr std::size_t long_merge_limit = 2048;

/// `find(left, right)` gives a merge_value. Works in place and returns the number of symbols left.
template <class Find>
[[nodiscard]] std::size_t merge_short(std::int32_t* symbols, std::uint32_t* sizes, std::uint32_t* ranks, std::size_t n,
                                      const Find& find) {
    // ranks[i] belongs to the pair (i, i + 1); ranks[n - 1] is a sentinel. `sizes` may be null.
    while (true) {
        std::size_t best = 0;
        std::uint32_t best_rank = no_rank;
        for (std::size_t i = 0; i + 1 < n; ++i) {
            if (ranks[i] < best_rank) {
                best_rank = ranks[i];
                best = i;
            }
        }
        if (best_rank == no_rank) return n;
        symbols[best] = find(symbols[best], symbols[best + 1]).id;
        std::move(symbols + best + 2, symbols + n, symbols + best + 1);
        std::move(ranks + best + 1, ranks + n, ranks + best);
        if (sizes != nullptr) {
            sizes[best] += sizes[best + 1];
            std::move(sizes + best + 2, sizes + n, sizes + best + 1);
        }
        --n;
        ranks[best] = best + 1 < n ? find(symbols[best], symbols[best + 1]).rank : no_rank;
        if (best > 0) ranks[best - 1] = find(symbols[best - 1], symbols[best]).rank;
    }
}

/// The symbols as a doubly linked list over positions, with the rank of the pair that starts at each position.
template <class Find> class merge_chain {
public:
    /// Takes s.ranks as given.
    merge_chain(merge_scratch& scratch, const Find& find) : s_(scratch), find_(find), n_(scratch.symbols.size()) {
        s_.previous.resize(n_);
        s_.next.resize(n_);
        for (std::size_t i = 0; i < n_; ++i) {
            s_.previous[i] =
                static_cast<std::uint32_t>(i) - 1; // the first one's is n_, modulo 2^32 out of range: see `merge`
            s_.next[i] = static_cast<std::uint32_t>(i + 1);
        }
    }

    /// Merges the pair at `at` into `made` and calls pair_made(rank, position) for each new pair that has a merge.
    template <class PairMade> void merge(std::uint32_t at, std::int32_t made, const PairMade& pair_made) {
        const std::uint32_t right = s_.next[at];
        s_.symbols[at] = made;
        s_.symbols[right] = -1;
        if (!s_.sizes.empty()) s_.sizes[at] += std::exchange(s_.sizes[right], 0);
        s_.ranks[right] = no_rank;
        const std::uint32_t after = s_.next[right];
        s_.next[at] = after;
        s_.ranks[at] = no_rank;
        if (after < n_) {
            s_.previous[after] = at;
            set_rank(at, s_.symbols[at], s_.symbols[after], pair_made);
        }
        const std::uint32_t before = s_.previous[at];
        if (before < n_) set_rank(before, s_.symbols[before], s_.symbols[at], pair_made);
    }

    [[nodiscard]] std::uint32_t rank(std::size_t at) const { return s_.ranks[at]; }
    /// What the pair at `at` becomes.
    [[nodiscard]] std::int32_t made(std::size_t at) const { return find_(s_.symbols[at], s_.symbols[s_.next[at]]).id; }
    /// Drops the symbols that were merged into others.
    void compact() {
        if (!s_.sizes.empty()) s_.sizes.erase(std::remove(s_.sizes.begin(), s_.sizes.end(), 0u), s_.sizes.end());
        s_.symbols.erase(std::remove(s_.symbols.begin(), s_.symbols.end(), -1), s_.symbols.end());
    }

private:
    template <class PairMade>
    void set_rank(std::uint32_t at, std::int32_t left, std::int32_t right, const PairMade& pair_made) {
        s_.ranks[at] = find_(left, right).rank;
        if (s_.ranks[at] != no_rank) pair_made(s_.ranks[at], at);
    }

    merge_scratch& s_;
    const Find& find_;
    std::size_t n_;
};

template <class Find> void merge_with_heap(merge_scratch& s, const Find& find) {
    merge_chain<Find> chain(s, find);
    // A heap entry is rank << 32 | position: the smallest is the next to merge. An entry is out of date when the rank at its
    // position has changed (two different pairs never have the same rank).
    s.heap.clear();
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        if (chain.rank(i) != no_rank) s.heap.push_back(std::uint64_t{chain.rank(i)} << 32 | i);
    }
    std::make_heap(s.heap.begin(), s.heap.end(), std::greater<>{});
    while (!s.heap.empty()) {
        std::pop_heap(s.heap.begin(), s.heap.end(), std::greater<>{});
        const std::uint64_t top = s.heap.back();
        s.heap.pop_back();
        const auto at = static_cast<std::uint32_t>(top);
        if (chain.rank(at) != top >> 32) continue;
        chain.merge(at, chain.made(at), [&](std::uint32_t rank, std::uint32_t position) {
            s.heap.push_back(std::uint64_t{rank} << 32 | position);
            std::push_heap(s.heap.begin(), s.heap.end(), std::greater<>{});
        });
    }
    chain.compact();
}

/// Merges s.positions, which all have the pair of `rank`, and what these merges put before the rest of them.
template <class Find, class Add>
void merge_list(merge_scratch& s, std::uint32_t rank, merge_chain<Find>& chain, const Add& add) {
    std::int32_t made = -1; // all positions have the same pair
    const auto pair_made = [&](std::uint32_t new_rank, std::uint32_t position) {
        if (new_rank > rank) return add(new_rank, position);
        s.heap.push_back(std::uint64_t{new_rank} << 32 | position);
        std::push_heap(s.heap.begin(), s.heap.end(), std::greater<>{});
    };
    for (std::size_t i = 0; i < s.positions.size() || !s.heap.empty();) {
        std::uint64_t next = i < s.positions.size() ? std::uint64_t{rank} << 32 | s.positions[i] : ~std::uint64_t{0};
        if (!s.heap.empty() && s.heap.front() < next) {
            next = s.heap.front();
            std::pop_heap(s.heap.begin(), s.heap.end(), std::greater<>{});
            s.heap.pop_back();
        } else {
            ++i;
        }
        const auto at = static_cast<std::uint32_t>(next);
        if (chain.rank(at) != next >> 32) continue;
        if (next >> 32 != rank) {
            chain.merge(at, chain.made(at), pair_made);
        } else {
            if (made < 0) made = chain.made(at);
            chain.merge(at, made, pair_made);
        }
    }
}

/// `ranks` is one more than the highest rank.
template <class Find> void merge_with_lists(merge_scratch& s, std::size_t ranks, const Find& find) {
    merge_chain<Find> chain(s, find);
    // lists[r] is the index of the newest node of rank r; a node is position << 32 | index of the node before it.
    s.lists.assign(ranks, no_rank);
    s.occupied.assign(ranks / 64 + 1, 0);
    s.nodes.clear();
    s.heap.clear();
    const auto add = [&](std::uint32_t rank, std::uint32_t position) {
        s.nodes.push_back(std::uint64_t{position} << 32 | s.lists[rank]);
        s.lists[rank] = static_cast<std::uint32_t>(s.nodes.size() - 1);
        s.occupied[rank / 64] |= std::uint64_t{1} << rank % 64;
    };
    for (std::size_t i = 0; i < s.symbols.size(); ++i) {
        if (chain.rank(i) != no_rank) add(chain.rank(i), static_cast<std::uint32_t>(i));
    }
    for (std::size_t word = 0; word < s.occupied.size(); ++word) {
        while (s.occupied[word] != 0) {
            const auto rank =
                static_cast<std::uint32_t>(word * 64 + static_cast<std::size_t>(std::countr_zero(s.occupied[word])));
            s.occupied[word] &= s.occupied[word] - 1;
            s.positions.clear();
            for (std::uint32_t node = s.lists[rank]; node != no_rank;
                 node = static_cast<std::uint32_t>(s.nodes[node])) {
                s.positions.push_back(static_cast<std::uint32_t>(s.nodes[node] >> 32));
            }
            std::reverse(s.positions.begin(), s.positions.end()); // usually sorted now: text order
            if (!std::is_sorted(s.positions.begin(), s.positions.end()))
                std::sort(s.positions.begin(), s.positions.end());
            merge_list(s, rank, chain, add);
        }
    }
    chain.compact();
}

/// Merges s.symbols. `first_rank(i)` is the rank of the pair (i, i + 1) at the start; `ranks` one more than the highest rank.
template <class Find, class FirstRank>
void merge_symbols(merge_scratch& s, std::size_t ranks, const Find& find, const FirstRank& first_rank) {
    const std::size_t n = s.symbols.size();
    if (n == 0) return;
    s.ranks.resize(n);
    for (std::size_t i = 0; i + 1 < n; ++i) s.ranks[i] = first_rank(i);
    s.ranks[n - 1] = no_rank;
    if (n <= short_merge_limit) {
        const std::size_t left =
            merge_short(s.symbols.data(), s.sizes.empty() ? nullptr : s.sizes.data(), s.ranks.data(), n, find);
        s.symbols.resize(left);
        if (!s.sizes.empty()) s.sizes.resize(left);
    } else if (n <= long_merge_limit) {
        merge_with_heap(s, find);
    } else {
        merge_with_lists(s, ranks, find);
    }
}

} // namespace detail
APERTUS_END_NAMESPACE
