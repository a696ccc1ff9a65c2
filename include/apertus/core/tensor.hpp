// SPDX-License-Identifier: Apache-2.0
//
// tensor_view: a pointer, extents and a memory space. Row-major, last index fastest (PyTorch order), always contiguous.
// The memory space is part of the type, so that a host pointer handed to a device verb does not compile.
// Shape letters used everywhere: T tokens (rows), B sequences, D hidden, H query heads, G kv heads, K head size,
// F feed-forward, V vocabulary, S cached positions, L layers.
#pragma once

#include <apertus/version.hpp>

#include <array>
#include <cassert>
#include <cstddef>
#include <span>
#include <type_traits>

APERTUS_BEGIN_NAMESPACE

/// Memory that the CPU can dereference.
struct host_space {};

template <class T, std::size_t Rank, class Space = host_space> class tensor_view {
    static_assert(Rank >= 1, "apertus::tensor_view: rank must be at least 1");

public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using space = Space;
    using extents_type = std::array<std::size_t, Rank>;
    static constexpr std::size_t rank = Rank;

    constexpr tensor_view() = default;
    constexpr tensor_view(T* data, const extents_type& extents) noexcept : data_(data), extents_(extents) {}

    /// A view of T converts to a view of const T.
    template <class U>
        requires(std::is_same_v<std::remove_const_t<T>, U> && std::is_const_v<T>)
    constexpr tensor_view(const tensor_view<U, Rank, Space>& other) noexcept // NOLINT(google-explicit-constructor)
        : data_(other.data()), extents_(other.extents()) {}

    [[nodiscard]] constexpr T* data() const noexcept { return data_; }
    [[nodiscard]] constexpr std::size_t extent(std::size_t i) const noexcept { return extents_[i]; }
    [[nodiscard]] constexpr const extents_type& extents() const noexcept { return extents_; }
    [[nodiscard]] constexpr std::size_t size() const noexcept {
        std::size_t n = 1;
        for (const std::size_t e : extents_) n *= e;
        return n;
    }
    [[nodiscard]] constexpr bool empty() const noexcept { return size() == 0; }

    /// Row i: all trailing dimensions at leading index i.
    [[nodiscard]] constexpr auto row(std::size_t i) const noexcept
        requires(Rank >= 2)
    {
        assert(i < extents_[0]);
        std::array<std::size_t, Rank - 1> tail{};
        std::size_t stride = 1;
        for (std::size_t d = 1; d < Rank; ++d) {
            tail[d - 1] = extents_[d];
            stride *= extents_[d];
        }
        return tensor_view<T, Rank - 1, Space>(data_ + i * stride, tail);
    }

    /// Rows [first, first + count) of the leading dimension.
    [[nodiscard]] constexpr tensor_view rows(std::size_t first, std::size_t count) const noexcept {
        assert(first + count <= extents_[0]);
        extents_type e = extents_;
        std::size_t stride = 1;
        for (std::size_t d = 1; d < Rank; ++d) stride *= extents_[d];
        e[0] = count;
        return tensor_view(data_ + first * stride, e);
    }

    /// The same elements under other extents of equal product.
    template <std::size_t NewRank>
    [[nodiscard]] constexpr tensor_view<T, NewRank, Space>
    reshape(const std::array<std::size_t, NewRank>& extents) const noexcept {
        const tensor_view<T, NewRank, Space> out(data_, extents);
        assert(out.size() == size());
        return out;
    }

    /// Element access, host memory only.
    template <class... Index>
        requires(sizeof...(Index) == Rank && std::is_same_v<Space, host_space>)
    [[nodiscard]] constexpr T& operator()(Index... index) const noexcept {
        const std::size_t at[] = {static_cast<std::size_t>(index)...};
        std::size_t offset = 0;
        for (std::size_t d = 0; d < Rank; ++d) {
            assert(at[d] < extents_[d]);
            offset = offset * extents_[d] + at[d];
        }
        return data_[offset];
    }

    /// All elements as a span, host memory only.
    [[nodiscard]] constexpr std::span<T> flat() const noexcept
        requires(std::is_same_v<Space, host_space>)
    {
        return {data_, size()};
    }

private:
    T* data_ = nullptr;
    extents_type extents_{};
};

APERTUS_END_NAMESPACE
