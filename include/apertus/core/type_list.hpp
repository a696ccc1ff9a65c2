// SPDX-License-Identifier: Apache-2.0
//
// Lists of types: what the library ships of weight formats, cache formats and architectures, to walk at compile time and
// to choose from at run time.
#pragma once

#include <apertus/version.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// A list of types to iterate over at compile time.
template <class... Types> struct type_list {
    static constexpr std::size_t size = sizeof...(Types);
    /// The list with more types at its end.
    template <class... More> using append = type_list<Types..., More...>;

    /// Calls f.template operator()<T>() for every T in order.
    template <class F> static constexpr void for_each(F&& f) { (f.template operator()<Types>(), ...); }

    /// The same up to the first call that returns true; whether there was one.
    template <class F> static constexpr bool any_of(F&& f) { return (f.template operator()<Types>() || ...); }
};

/// Calls f.template operator()<T>() with the T of that name (T::name, upper and lower case alike); false when the list
/// has none.
template <class List, class F> constexpr bool visit_named(std::string_view name, F&& f) {
    const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
    return List::any_of([&]<class T>() {
        constexpr std::string_view candidate = T::name;
        const bool same = std::equal(name.begin(), name.end(), candidate.begin(), candidate.end(),
                                     [&](char a, char b) { return lower(a) == lower(b); });
        if (same) f.template operator()<T>();
        return same;
    });
}

/// The names in a list with commas between, for messages.
template <class List> [[nodiscard]] std::string names_of() {
    std::string out;
    List::for_each([&]<class T>() { out.append(out.empty() ? "" : ", ").append(T::name); });
    return out;
}

APERTUS_END_NAMESPACE
