// SPDX-License-Identifier: Apache-2.0
//
// Owned host memory: `host_buffer<T>`, 64-byte aligned and zero. On Linux a buffer of a MiB or more is an anonymous mapping:
// its pages are zero until first touched and cost nothing before (a KV cache sized for the longest conversation), and they
// are the system's again at once when it is gone (glibc's heap kept 7 to 20 MB of the 5 MB copies that loading makes). From
// 8 MiB on it is aligned to 2 MiB with huge pages advised, which halve the cost of a random read (137 against 197 ns).
// Running out of memory is an apertus::error(resource) that says how much was asked for.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/core/tensor.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <cstdint>
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
        if (count > (std::numeric_limits<std::size_t>::max() - 2 * huge_page) / sizeof(T)) fail_allocation(count);
        const std::size_t bytes = count * sizeof(T);
#if defined(__linux__)
        if (bytes >= huge_page / 2) {
            map(bytes);
            return;
        }
#endif
        void* memory = ::operator new(bytes, std::align_val_t(alignment), std::nothrow);
        if (memory == nullptr) fail_allocation(count);
        std::memset(memory, 0, bytes);
        data_ = static_cast<T*>(memory);
    }
    host_buffer(host_buffer&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), count_(std::exchange(other.count_, 0)),
          mapping_(std::exchange(other.mapping_, nullptr)), mapped_(std::exchange(other.mapped_, 0)) {}
    host_buffer& operator=(host_buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        std::swap(mapping_, other.mapping_);
        std::swap(mapped_, other.mapped_);
        return *this;
    }
    ~host_buffer() {
#if defined(__linux__)
        if (mapping_ != nullptr) {
            ::munmap(mapping_, mapped_);
            return;
        }
#endif
        if (data_ != nullptr) ::operator delete(static_cast<void*>(data_), std::align_val_t(alignment));
    }

    [[nodiscard]] T* data() noexcept { return data_; }
    [[nodiscard]] const T* data() const noexcept { return data_; }
    [[nodiscard]] std::size_t size() const noexcept { return count_; }
    [[nodiscard]] std::span<T> span() noexcept { return {data_, count_}; }
    [[nodiscard]] std::span<const T> span() const noexcept { return {data_, count_}; }

    /// The first product(extents) elements as a tensor.
    template <std::size_t Rank>
    [[nodiscard]] tensor_view<T, Rank> view(const std::array<std::size_t, Rank>& extents) noexcept {
        const tensor_view<T, Rank> out(data_, extents);
        assert(out.size() <= count_);
        return out;
    }

private:
    static constexpr std::size_t alignment = 64;
    static constexpr std::size_t huge_page = std::size_t{2} << 20;

    [[noreturn]] static void fail_allocation(std::size_t count) {
        fail(error_category::resource, "memory",
             "cannot allocate " + std::to_string(count) + " elements of " + std::to_string(sizeof(T)) + " bytes");
    }

#if defined(__linux__)
    void map(std::size_t bytes) {
        const bool huge = bytes >= 4 * huge_page;
        mapped_ = huge ? (bytes + 2 * huge_page - 1) / huge_page * huge_page : bytes; // room to align the start
        void* memory = ::mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) fail_allocation(count_);
        mapping_ = memory;
        if (!huge) {
            data_ = static_cast<T*>(memory);
            return;
        }
        const auto address = reinterpret_cast<std::uintptr_t>(memory);
        const std::uintptr_t start = (address + huge_page - 1) / huge_page * huge_page;
        ::madvise(reinterpret_cast<void*>(start), bytes, MADV_HUGEPAGE); // a hint; refusal does not matter
        data_ = reinterpret_cast<T*>(start);
    }
#endif

    T* data_ = nullptr;
    std::size_t count_ = 0;
    void* mapping_ = nullptr;
    std::size_t mapped_ = 0;
};

APERTUS_END_NAMESPACE
