// SPDX-License-Identifier: Apache-2.0
//
// How often operator new was called in the test program, by any thread, since it started. The counting operators are in
// tests/generate/allocation_test.cpp and change nothing else.
#pragma once

#include <cstddef>

namespace test_support {

[[nodiscard]] std::size_t allocation_count() noexcept;

} // namespace test_support
