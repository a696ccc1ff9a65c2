// SPDX-License-Identifier: Apache-2.0
//
// Philox4x32-10, a counter-based random number generator: a pure function of a key and a counter, without state.
// Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3", SC 2011; equal to the Random123 library.
#pragma once

#include <apertus/version.hpp>

#include <array>
#include <cstdint>

APERTUS_BEGIN_NAMESPACE

/// Ten rounds of Philox4x32: four random words for each pair of counter and key.
[[nodiscard]] constexpr std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> counter,
                                                                std::array<std::uint32_t, 2> key) noexcept {
    constexpr std::uint64_t multiplier_0 = 0xD2511F53;
    constexpr std::uint64_t multiplier_1 = 0xCD9E8D57;
    constexpr std::uint32_t weyl_0 = 0x9E3779B9; // golden ratio
    constexpr std::uint32_t weyl_1 = 0xBB67AE85; // sqrt(3) - 1
    for (int round = 0; round < 10; ++round) {
        const std::uint64_t product_0 = multiplier_0 * counter[0];
        const std::uint64_t product_1 = multiplier_1 * counter[2];
        counter = {
            static_cast<std::uint32_t>(product_1 >> 32) ^ counter[1] ^ key[0], static_cast<std::uint32_t>(product_1),
            static_cast<std::uint32_t>(product_0 >> 32) ^ counter[3] ^ key[1], static_cast<std::uint32_t>(product_0)};
        key = {key[0] + weyl_0, key[1] + weyl_1};
    }
    return counter;
}

/// What one draw depends on, and nothing else: not the batch, not the threads, not the draws before it.
struct random_key {
    std::uint64_t seed = 0;
    std::uint64_t stream = 0;   ///< tells sequences with the same seed apart
    std::uint64_t position = 0; ///< number of tokens before the one that is drawn, prompt included
};

/// A number in [0, 1) with 53 random bits: the first two words of Philox with key = seed and counter = (position, stream),
/// low words first.
[[nodiscard]] constexpr double uniform(const random_key& k) noexcept {
    const auto low = [](std::uint64_t x) { return static_cast<std::uint32_t>(x); };
    const auto high = [](std::uint64_t x) { return static_cast<std::uint32_t>(x >> 32); };
    const auto words =
        philox4x32({low(k.position), high(k.position), low(k.stream), high(k.stream)}, {low(k.seed), high(k.seed)});
    const std::uint64_t bits = (static_cast<std::uint64_t>(words[1]) << 32) | words[0];
    return static_cast<double>(bits >> 11) * 0x1p-53;
}

APERTUS_END_NAMESPACE
