// SPDX-License-Identifier: Apache-2.0
//
// One word for fetching memory before it is needed.
#pragma once

#include <apertus/simd/target.hpp>

#include <cstddef>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// The line of `p` plus so many bytes, for reading, into all caches. Addresses outside of any object are allowed.
template <class T> APERTUS_ALWAYS_INLINE void prefetch(const T* p, std::size_t bytes_ahead) noexcept {
    __builtin_prefetch(reinterpret_cast<const char*>(p) + bytes_ahead, 0, 3);
}

} // namespace detail
APERTUS_END_NAMESPACE
