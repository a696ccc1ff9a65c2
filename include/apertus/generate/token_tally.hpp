// SPDX-License-Identifier: Apache-2.0
//
// Which tokens a sequence holds, and how often: what penalties look at. One entry per distinct id, found through a small
// open-addressing table, so that a decode step costs one lookup and no allocation, whatever the length of the sequence.
#pragma once

#include <apertus/core/error.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

APERTUS_BEGIN_NAMESPACE

/// How often one token id occurs in the prompt and in what was generated after it.
struct token_count {
    std::int32_t id = 0;
    std::uint32_t prompt = 0;
    std::uint32_t generated = 0;
};

/// Counts of all distinct ids of one sequence. Room for `new_tokens` generated ids is reserved at construction; adding
/// more than that allocates.
class token_tally {
public:
    token_tally() = default;
    explicit token_tally(std::span<const std::int32_t> prompt, std::size_t new_tokens = 0) {
        reserve(prompt.size() + new_tokens);
        for (const std::int32_t id : prompt) ++entry(id).prompt;
    }

    void add_generated(std::int32_t id) { ++entry(id).generated; }

    /// One entry per distinct id, in order of first appearance.
    [[nodiscard]] std::span<const token_count> counts() const noexcept { return counts_; }

private:
    static constexpr std::uint32_t vacant = 0xffffffff;

    void reserve(std::size_t ids) {
        counts_.reserve(ids);
        rehash(std::bit_ceil(2 * ids + 2));
    }
    void rehash(std::size_t slots) {
        table_.assign(slots, vacant);
        for (std::uint32_t i = 0; i < counts_.size(); ++i) table_[find(counts_[i].id)] = i;
    }
    /// The slot that holds `id`, or the vacant one where it belongs.
    [[nodiscard]] std::size_t find(std::int32_t id) const noexcept {
        const std::size_t mask = table_.size() - 1;
        std::size_t slot = (static_cast<std::uint32_t>(id) * 2654435769u) & mask; // Fibonacci hashing
        while (table_[slot] != vacant && counts_[table_[slot]].id != id) slot = (slot + 1) & mask;
        return slot;
    }
    token_count& entry(std::int32_t id) {
        if (2 * (counts_.size() + 1) > table_.size()) rehash(std::bit_ceil(4 * counts_.size() + 4));
        const std::size_t slot = find(id);
        if (table_[slot] == vacant) {
            table_[slot] = static_cast<std::uint32_t>(counts_.size());
            counts_.push_back({id, 0, 0});
        }
        return counts_[table_[slot]];
    }

    std::vector<token_count> counts_;
    std::vector<std::uint32_t> table_; // index into counts_, a power of two slots, at most half full
};

APERTUS_END_NAMESPACE
