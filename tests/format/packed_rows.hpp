// SPDX-License-Identifier: Apache-2.0
//
// Blocks of the packed formats to test with: normal values, packing there and back.
#pragma once

#include <apertus/simd/pack_lanes.hpp>

#include <boost/test/unit_test.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace packed_rows {

/// A block of normal values (sums of twelve uniform ones) with this standard deviation.
template <class Format> std::vector<float> values(float deviation, std::uint64_t seed = 1) {
    std::vector<float> out(Format::block_rows * Format::block_size);
    std::uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
    for (float& x : out) {
        double sum = -6;
        for (int i = 0; i < 12; ++i) {
            state = state * 6364136223846793005ULL + 1442695040888963407ULL;
            sum += static_cast<double>(state >> 40) / 16777216.0;
        }
        x = static_cast<float>(sum) * deviation;
    }
    return out;
}

template <class Format> std::vector<float> there_and_back(const std::vector<float>& in) {
    typename Format::block block;
    Format::pack(in.data(), block);
    std::vector<float> out(in.size());
    Format::unpack(block, out.data());
    return out;
}

template <class Format> void check_not_finite() {
    for (const float bad : {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(),
                            -std::numeric_limits<float>::infinity()}) {
        const auto in = values<Format>(0.02F);
        auto broken = in;
        broken[5 * Format::block_size + 200] = bad;
        const auto clean = there_and_back<Format>(in);
        const auto out = there_and_back<Format>(broken);
        for (std::size_t i = 0; i < out.size(); ++i) {
            if (i / Format::block_size == 5) BOOST_REQUIRE(std::isnan(out[i]));
            else BOOST_REQUIRE(out[i] == clean[i]);
        }
    }
}

/// sum (w - w')^2 / sum w^2 over some blocks.
template <class Format> double relative_error() {
    double error = 0;
    double sum = 0;
    for (std::uint64_t seed = 1; seed <= 16; ++seed) {
        const auto in = values<Format>(0.02F, seed);
        const auto out = there_and_back<Format>(in);
        for (std::size_t i = 0; i < in.size(); ++i) {
            error += (double{in[i]} - double{out[i]}) * (double{in[i]} - double{out[i]});
            sum += double{in[i]} * double{in[i]};
        }
    }
    return error / sum;
}

/// Packs as narrower machines do and hands f(block) of each path.
template <class Format, class F> void for_each_path(const std::vector<float>& in, F f) {
    typename Format::block block;
    const float* values = in.data();
    apertus::detail::run_baseline<typename Format::packer>(values, block);
    f(block);
#if APERTUS_X86
    if (apertus::is_available(apertus::cpu_isa::avx2)) {
        apertus::detail::run_avx2<typename Format::packer>(values, block);
        f(block);
    }
    if (apertus::is_available(apertus::cpu_isa::avx512)) {
        apertus::detail::run_avx512<typename Format::packer>(values, block);
        f(block);
    }
#endif
}

/// Every path gives what `pack` gives, but for codes that lie within a rounding error of a half.
template <class Format> void check_paths(double step) {
    const auto in = values<Format>(0.02F, 3);
    const auto expected = there_and_back<Format>(in);
    for_each_path<Format>(in, [&](const typename Format::block& block) {
        std::vector<float> out(in.size());
        Format::unpack(block, out.data());
        std::size_t different = 0;
        for (std::size_t i = 0; i < out.size(); ++i) {
            BOOST_REQUIRE_SMALL(double{out[i]} - double{expected[i]}, step);
            different += std::fabs(out[i] - expected[i]) > 1e-5F ? 1U : 0U;
        }
        BOOST_TEST(different <= in.size() / 100);
    });
}

} // namespace packed_rows
