// SPDX-License-Identifier: Apache-2.0
//
// How a caller stops a long operation: a stop token, a deadline, or both. Load, prefill and decode look at it between
// bounded pieces of work; what they leave behind is documented where they do.
#pragma once

#include <apertus/core/error.hpp>

#include <chrono>
#include <stop_token>

APERTUS_BEGIN_NAMESPACE

/// A stop request and a time limit; default-constructed it never fires. Cheap to copy, no allocation.
struct cancellation {
    using clock = std::chrono::steady_clock;

    std::stop_token stop{};
    clock::time_point deadline = clock::time_point::max();

    [[nodiscard]] bool requested() const noexcept {
        return stop.stop_requested() || (deadline != clock::time_point::max() && clock::now() >= deadline);
    }

    /// Throws error(cancelled) naming `component` and whether the stop token or the deadline fired.
    void throw_if_requested(std::string_view component) const {
        if (stop.stop_requested()) fail(error_category::cancelled, component, "a stop was requested");
        if (deadline != clock::time_point::max() && clock::now() >= deadline) {
            fail(error_category::cancelled, component, "the deadline has passed");
        }
    }
};

APERTUS_END_NAMESPACE
