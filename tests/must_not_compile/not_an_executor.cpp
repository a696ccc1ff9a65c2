// SPDX-License-Identifier: Apache-2.0
//
// A pool without concurrency() is not an executor, and the message names the concept.
// expect: executor
// expect: concurrency
#include <apertus/core/executor.hpp>

#include <cstddef>
#include <memory>

struct pool {
#ifndef MUST_NOT_COMPILE
    [[nodiscard]] std::size_t concurrency() const { return 1; }
#endif
    void parallel_for(std::size_t n, apertus::index_function_ref f) {
        for (std::size_t i = 0; i < n; ++i) f(i);
    }
};

apertus::any_executor use(const std::shared_ptr<pool>& mine) { return apertus::any_executor(mine); }
