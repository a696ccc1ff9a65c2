// SPDX-License-Identifier: Apache-2.0
//
// A weight format that no backend has heard of: 32 signed bytes and a float scale. It proves that a format is usable on
// every backend on the day its header is written.
#pragma once

#include <apertus/core/concepts.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace conformance {

struct toy_int8 {
    struct block {
        float scale;
        std::int8_t codes[32];
    };
    static constexpr std::string_view name = "toy_int8";
    static constexpr std::size_t block_size = 32;

    static void pack(const float* in, block& out) noexcept {
        float greatest = 0;
        for (std::size_t i = 0; i < block_size; ++i) greatest = std::fmax(greatest, std::fabs(in[i]));
        out.scale = greatest / 127.0F;
        for (std::size_t i = 0; i < block_size; ++i) {
            out.codes[i] =
                out.scale == 0.0F ? std::int8_t{0} : static_cast<std::int8_t>(std::lround(in[i] / out.scale));
        }
    }
    static void unpack(const block& in, float* out) noexcept {
        for (std::size_t i = 0; i < block_size; ++i) out[i] = in.scale * static_cast<float>(in.codes[i]);
    }
};
static_assert(apertus::weight_format<toy_int8>);

} // namespace conformance
