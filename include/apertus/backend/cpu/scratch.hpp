// SPDX-License-Identifier: Apache-2.0
//
// Memory that the cpu backend works in, allocated once so that a step allocates nothing.
#pragma once

#include <apertus/core/memory.hpp>

#include <cstddef>
#include <utility>

APERTUS_BEGIN_NAMESPACE
namespace detail {

/// Elements for one call at a time: a copy has memory of its own. Only what is used is ever touched.
template <class T> class scratch_memory {
public:
    /// Throws error(resource).
    explicit scratch_memory(std::size_t elements) : memory_(elements) {}
    scratch_memory(const scratch_memory& other) : memory_(other.size()) {}
    scratch_memory(scratch_memory&&) noexcept = default;
    scratch_memory& operator=(scratch_memory other) noexcept {
        memory_ = std::move(other.memory_);
        return *this;
    }
    ~scratch_memory() = default;

    [[nodiscard]] T* data() noexcept { return memory_.data(); }
    [[nodiscard]] std::size_t size() const noexcept { return memory_.size(); }

private:
    host_buffer<T> memory_;
};

} // namespace detail
APERTUS_END_NAMESPACE
