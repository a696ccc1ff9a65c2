// SPDX-License-Identifier: Apache-2.0
//
// The tests after `is`, from jinja2/tests.py.
#pragma once

#include <apertus/text/jinja/filters.hpp>

#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

using test_function = bool (*)(renderer&, const value&, const call_values&);
struct test_entry {
    std::string_view name;
    test_function run;
};

/// Refuses arguments.
inline void expect_no_arguments(const call_values& c) {
    if (!c.positional.empty() || !c.named.empty()) template_fail("this test takes no arguments");
}

[[nodiscard]] inline bool remainder_is(renderer& r, const value& v, const value& divisor, int wanted) {
    const value remainder = r.binary(operation::modulo, v, divisor);
    return values_equal(remainder, value(wanted), r.budget());
}

template <operation Op> [[nodiscard]] bool test_compare(renderer& r, const value& v, const call_values& c) {
    if (c.positional.size() != 1 || !c.named.empty()) template_fail("this test takes one argument");
    return r.compare(Op, v, c.positional[0]);
}

template <bool (*F)(const value&)> [[nodiscard]] bool test_plain(renderer&, const value& v, const call_values& c) {
    expect_no_arguments(c);
    return F(v);
}

[[nodiscard]] inline bool is_engine_object(const value& v, std::initializer_list<object_kind> kinds) {
    for (const object_kind kind : kinds) {
        if (object_cast<engine_object>(v, kind)) return true;
    }
    return false;
}

[[nodiscard]] inline bool is_iterable(const value& v) {
    return v.is_undefined() || v.is_string() || v.is_list() || v.is_tuple() || v.is_mapping() ||
           is_engine_object(v, {object_kind::range, object_kind::view, object_kind::generator, object_kind::loop});
}

inline constexpr test_entry test_table[] = {
    {"defined", test_plain<[](const value& v) { return !v.is_undefined(); }>},
    {"undefined", test_plain<[](const value& v) { return v.is_undefined(); }>},
    {"none", test_plain<[](const value& v) { return v.is_none(); }>},
    {"string", test_plain<[](const value& v) { return v.is_string(); }>},
    {"mapping", test_plain<[](const value& v) { return v.is_mapping(); }>},
    {"iterable", test_plain<is_iterable>},
    {"sequence", test_plain<[](const value& v) {
         return v.is_undefined() || v.is_string() || v.is_list() || v.is_tuple() || v.is_mapping() ||
                is_engine_object(v, {object_kind::range});
     }>},
    {"number", test_plain<[](const value& v) { return v.is_number(); }>},
    {"integer", test_plain<[](const value& v) { return v.is_integer(); }>},
    {"float", test_plain<[](const value& v) { return v.is_float(); }>},
    {"boolean", test_plain<[](const value& v) { return v.is_boolean(); }>},
    {"true", test_plain<[](const value& v) { return v.is_boolean() && v.as_integer() != 0; }>},
    {"false", test_plain<[](const value& v) { return v.is_boolean() && v.as_integer() == 0; }>},
    {"callable", test_plain<[](const value& v) {
         return v.is_undefined() || is_engine_object(v, {object_kind::function, object_kind::macro, object_kind::method,
                                                         object_kind::loop, object_kind::joiner, object_kind::host});
     }>},
    {"escaped", test_plain<[](const value& v) { return v.is_markup(); }>},
    {"odd",
     [](renderer& r, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return remainder_is(r, v, value(2), 1);
     }},
    {"even",
     [](renderer& r, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return remainder_is(r, v, value(2), 0);
     }},
    {"divisibleby",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("divisibleby", c, {"num"}, 1);
         return remainder_is(r, v, a[0], 0);
     }},
    {"lower",
     [](renderer& r, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return has_case(r.str(v).view(), false);
     }},
    {"upper",
     [](renderer& r, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return has_case(r.str(v).view(), true);
     }},
    {"sameas",
     [](renderer&, const value& v, const call_values& c) {
         const bound_arguments a("sameas", c, {"other"}, 1);
         return v.same_as(a[0]);
     }},
    {"in",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("in", c, {"seq"}, 1);
         return r.contains(a[0], v);
     }},
    {"filter",
     [](renderer&, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return v.is_string() && find_filter(v.as_string()) >= 0;
     }},
    {"test",
     [](renderer&, const value& v, const call_values& c) {
         expect_no_arguments(c);
         return v.is_string() && find_test(v.as_string()) >= 0;
     }},
    {"==", test_compare<operation::equal>},
    {"eq", test_compare<operation::equal>},
    {"equalto", test_compare<operation::equal>},
    {"!=", test_compare<operation::not_equal>},
    {"ne", test_compare<operation::not_equal>},
    {"<", test_compare<operation::less>},
    {"lt", test_compare<operation::less>},
    {"lessthan", test_compare<operation::less>},
    {"<=", test_compare<operation::less_equal>},
    {"le", test_compare<operation::less_equal>},
    {">", test_compare<operation::greater>},
    {"gt", test_compare<operation::greater>},
    {"greaterthan", test_compare<operation::greater>},
    {">=", test_compare<operation::greater_equal>},
    {"ge", test_compare<operation::greater_equal>},
};

inline int find_test(std::string_view name) noexcept {
    int i = 0;
    for (const test_entry& entry : test_table) {
        if (entry.name == name) return i;
        ++i;
    }
    return -1;
}

inline bool renderer::test(int index, std::string_view name, const value& v, call_values& arguments) {
    if (index < 0) template_fail("No test named " + quoted(name) + " found.");
    return test_table[index].run(*this, v, arguments);
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
