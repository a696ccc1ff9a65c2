// SPDX-License-Identifier: Apache-2.0
//
// Binds the arguments of a built-in call to its parameter names, with Python's complaints.
#pragma once

#include <apertus/text/jinja/operators.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// Up to six parameters, each given or not.
class bound_arguments {
public:
    /// Parameters before `required` must be given; those before `positional_only` have no name.
    bound_arguments(std::string_view function, const call_values& given, std::initializer_list<std::string_view> names,
                    std::size_t required = 0, std::size_t positional_only = 0) {
        if (given.positional.size() > names.size()) {
            template_fail(std::string(function) + "() takes at most " + std::to_string(names.size()) + " arguments (" +
                          std::to_string(given.positional.size()) + " given)");
        }
        for (std::size_t i = 0; i < given.positional.size(); ++i) at_[i] = &given.positional[i];
        for (const auto& [key, v] : given.named) {
            std::size_t i = 0;
            while (i < names.size() && names.begin()[i] != key) ++i;
            if (i >= names.size() || i < positional_only)
                template_fail(std::string(function) + "() got an unexpected keyword argument " + quoted(key));
            if (at_[i]) template_fail(std::string(function) + "() got multiple values for argument " + quoted(key));
            at_[i] = &v;
        }
        for (std::size_t i = 0; i < required; ++i) {
            if (!at_[i])
                template_fail(std::string(function) + "() missing required argument " + quoted(names.begin()[i]));
        }
    }

    [[nodiscard]] bool has(std::size_t i) const noexcept { return at_[i] != nullptr; }
    [[nodiscard]] const value& operator[](std::size_t i) const noexcept { return *at_[i]; }
    [[nodiscard]] value get(std::size_t i, const value& fallback) const { return at_[i] ? *at_[i] : fallback; }
    [[nodiscard]] bool truthy(std::size_t i, bool fallback) const {
        return at_[i] ? renderer::truthy(*at_[i]) : fallback;
    }
    [[nodiscard]] std::int64_t index(std::size_t i, std::int64_t fallback) const {
        return at_[i] ? to_index(*at_[i]) : fallback;
    }
    /// Given and not None.
    [[nodiscard]] bool is_set(std::size_t i) const noexcept { return at_[i] != nullptr && !at_[i]->is_none(); }
    /// A required string parameter.
    [[nodiscard]] const marked_text& text(std::size_t i) const {
        if (at_[i]->is_undefined()) renderer::fail_undefined(*at_[i]);
        if (!at_[i]->is_string()) template_fail("argument must be str, not " + std::string(type_name(*at_[i])));
        return at_[i]->as_text();
    }

private:
    const value* at_[6] = {};
};

} // namespace detail::jinja

APERTUS_END_NAMESPACE
