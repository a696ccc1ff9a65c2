// SPDX-License-Identifier: Apache-2.0
//
// Owned host memory: `host_buffer<T>`, 64-byte aligned, zero-initialised, in huge pages where the system offers them.
// Running out of memory is an apertus::error(resource) that says how much was asked for.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/core/tensor.hpp>

#include <cstddef>
#include <cstring>
#include <limits>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#if defined(__linux__)
#include <sys/mman.h>
#endif

APERTUS_BEGIN_NAMESPACE

/// A fixed-size, move-only array of trivially copyable T. Throws error(resource) when memory cannot be had.
template <class T> class host_buffer {
    static_assert(std::is_trivially_copyable_v<T>);

public:
    host_buffer() = default;
    explicit host_buffer(std::size_t count) : count_(count) {
        if (count == 0) return;
        if (count > (std::numeric_limits<std::size_t>::max() - huge_page) / sizeof(T)) fail_allocation(count);
        const std::size_t bytes = count * sizeof(T);
        alignment_ = bytes >= 4 * huge_page ? huge_page : std::size_t{64};
        const std::size_t padded = (bytes + alignment_ - 1) / alignment_ * alignment_;
        void* memory = ::operator new(padded, std::align_val_t(alignment_), std::nothrow);
        if (memory == nullptr) fail_allocation(count);
#if defined(__linux__)
        if (alignment_ == huge_page) ::madvise(memory, padded, MADV_HUGEPAGE); // a hint; refusal does not matter
#endif
        std::memset(memory, 0, padded);
        data_ = static_cast<T*>(memory);
    }
    host_buffer(host_buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)),
          alignment_(other.alignment_) {}
    host_buffer& operator=(host_buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        std::swap(alignment_, other.alignment_);
        return *this;
    }
    ~host_buffer() {
        if (data_ != nullptr) ::operator delete(static_cast<void*>(data_), std::align_val_t(alignment_));
    }

    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::span<T> span() noexcept { return {data_, count_}; }
    [[nodiscard]] std::span<const T> span() const noexcept { return {data_, count_}; }

    /// The first product(extents) elements as a tensor.
    template <std::size_t Rank> [[nodiscard]] tensor_view<T, Rank> view(const std::array<std::size_t, Rank>& extents) noexcept {
        const tensor_view<T, Rank> out(data_, extents);
        assert(out.size() <= count_);
        return out;
    }

private:
    static constexpr std::size_t huge_page = std::size_t{2} << 20;

    [[noreturn]] static void fail_allocation(std::size_t count) {
        fail(error_category::resource, "memory",
             "cannot allocate " + std::to_string(count) + " elements of " + std::to_string(sizeof(T)) + " bytes");
    }

    T* data_ = nullptr;
    std::size_t count_ = 0;
    std::size_t alignment_ = 64;
};

APERTUS_END_NAMESPACE
