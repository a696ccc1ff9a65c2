// SPDX-License-Identifier: Apache-2.0
//
// Dense weights: one element per block, as a checkpoint stores them. `dense<float>`, `dense<bf16>`, `dense<f16>`.
// Widening to float is exact; narrowing rounds to nearest even (core/dtype.hpp).
#pragma once

#include <apertus/core/concepts.hpp>
#include <apertus/core/dtype.hpp>
#include <apertus/core/type_list.hpp>

#include <cstddef>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// Weights stored element by element as T (float, bf16 or f16).
template <class T> struct dense {
    using block = T;
    /// The checkpoint's spelling of the element type: "F32", "BF16", "F16".
    static constexpr std::string_view name = to_string(dtype_of<T>);
    static constexpr std::size_t block_size = 1;

    static constexpr void pack(const float* in, block& out) noexcept { out = static_cast<T>(*in); }
    static constexpr void unpack(const block& in, float* out) noexcept { *out = to_float(in); }
};

/// The dense formats that the library ships.
using dense_formats = type_list<dense<float>, dense<bf16>, dense<f16>>;

static_assert(weight_format<dense<float>> && weight_format<dense<bf16>> && weight_format<dense<f16>>);

APERTUS_END_NAMESPACE
