// SPDX-License-Identifier: Apache-2.0
//
// A format whose unpack may throw is not a weight format: kernels are noexcept.
// expect: weight_format
// expect: unpack
#include <apertus/core/concepts.hpp>

#include <cstddef>
#include <string_view>

#ifdef MUST_NOT_COMPILE
#define FORMAT_NOEXCEPT
#else
#define FORMAT_NOEXCEPT noexcept
#endif

struct halves {
    using block = float;
    static constexpr std::string_view name = "halves";
    static constexpr std::size_t block_size = 1;
    static void pack(const float* in, block& out) noexcept { out = *in * 2; }
    static void unpack(const block& in, float* out) FORMAT_NOEXCEPT { *out = in / 2; }
};

std::size_t rows(const apertus::weight_view<halves>& w) { return w.rows; }
