// SPDX-License-Identifier: Apache-2.0
//
// Operators, comparison, membership, attributes, items and slices, with Python's results and refusals. Integer results
// beyond 64 bits are refused (Python would go on with a big integer).
#pragma once

#include <apertus/text/jinja/renderer.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// Calls a bound method (methods.hpp).
[[nodiscard]] value call_method(renderer& r, const method_object& method, call_values& arguments);
/// The table index of a method of the type of `self`, -1 when there is none (methods.hpp).
[[nodiscard]] int find_method(const value& self, std::string_view name) noexcept;
[[nodiscard]] std::string_view method_name(const value& self, int index) noexcept;
/// Python's `text % arguments` (format.hpp).
[[nodiscard]] marked_text percent_format(renderer& r, const marked_text& text, const value& arguments);

/// An int (or bool) used as an index or a count.
[[nodiscard]] inline std::int64_t to_index(const value& v) {
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (!v.is_integer() && !v.is_boolean())
        template_fail("'" + std::string(type_name(v)) + "' object cannot be interpreted as an integer");
    return v.as_integer();
}

/// Escapes & < > ' " for HTML, as markupsafe does.
[[nodiscard]] inline marked_text escape_html(const marked_text& text) {
    marked_text out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const char c = text.bytes()[i];
        const std::string_view entity = c == '&'    ? "&amp;"
                                        : c == '<'  ? "&lt;"
                                        : c == '>'  ? "&gt;"
                                        : c == '\'' ? "&#39;"
                                        : c == '"'  ? "&#34;"
                                                    : "";
        if (entity.empty()) out.push_back(c, text.from_user(i));
        else out.append(entity, text.from_user(i));
    }
    return out;
}

[[noreturn]] inline void fail_operands(std::string_view sign, const value& a, const value& b) {
    if (a.is_undefined()) renderer::fail_undefined(a);
    if (b.is_undefined()) renderer::fail_undefined(b);
    template_fail("unsupported operand type(s) for " + std::string(sign) + ": '" + std::string(type_name(a)) +
                  "' and '" + std::string(type_name(b)) + "'");
}

[[noreturn]] inline void fail_overflow() {
    template_fail("integer overflow: results beyond 64 bits are not supported");
}

[[nodiscard]] inline double floor_modulo(double a, double b) {
    double m = std::fmod(a, b);
    if (m != 0.0) {
        if ((b < 0) != (m < 0)) m += b;
    } else {
        m = std::copysign(0.0, b);
    }
    return m;
}

[[nodiscard]] inline value integer_power(std::int64_t base, std::int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) template_fail("0.0 cannot be raised to a negative power");
        return value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    std::int64_t result = 1;
    std::int64_t square = base;
    while (exponent > 0) {
        if ((exponent & 1) != 0 && __builtin_mul_overflow(result, square, &result)) fail_overflow();
        exponent >>= 1;
        if (exponent > 0 && __builtin_mul_overflow(square, square, &square)) fail_overflow();
    }
    return value(result);
}

[[nodiscard]] inline value integer_operation(operation op, std::int64_t a, std::int64_t b) {
    std::int64_t out = 0;
    switch (op) {
    case operation::add:
        if (__builtin_add_overflow(a, b, &out)) fail_overflow();
        return value(out);
    case operation::subtract:
        if (__builtin_sub_overflow(a, b, &out)) fail_overflow();
        return value(out);
    case operation::multiply:
        if (__builtin_mul_overflow(a, b, &out)) fail_overflow();
        return value(out);
    case operation::divide:
        if (b == 0) template_fail("division by zero");
        return value(static_cast<double>(a) / static_cast<double>(b));
    case operation::floor_divide:
    case operation::modulo: {
        if (b == 0) template_fail("integer division or modulo by zero");
        if (b == -1) {
            if (op == operation::modulo) return value(std::int64_t{0});
            if (__builtin_sub_overflow(std::int64_t{0}, a, &out)) fail_overflow();
            return value(out);
        }
        const std::int64_t remainder = a % b;
        const bool adjust = remainder != 0 && ((remainder < 0) != (b < 0));
        return op == operation::modulo ? value(adjust ? remainder + b : remainder) : value(a / b - (adjust ? 1 : 0));
    }
    default: return integer_power(a, b);
    }
}

[[nodiscard]] inline value float_operation(operation op, double a, double b) {
    switch (op) {
    case operation::add: return value(a + b);
    case operation::subtract: return value(a - b);
    case operation::multiply: return value(a * b);
    case operation::divide:
        if (b == 0) template_fail("float division by zero");
        return value(a / b);
    case operation::floor_divide: {
        if (b == 0) template_fail("float floor division by zero");
        const double quotient = (a - floor_modulo(a, b)) / b;
        if (quotient == 0) return value(std::copysign(0.0, a / b));
        const double floored = std::floor(quotient);
        return value(quotient - floored > 0.5 ? floored + 1 : floored);
    }
    case operation::modulo:
        if (b == 0) template_fail("float modulo");
        return value(floor_modulo(a, b));
    default: {
        if (a == 0 && b < 0) template_fail("0.0 cannot be raised to a negative power");
        if (a < 0 && std::isfinite(a) && std::isfinite(b) && b != std::floor(b))
            template_fail("complex results are not supported");
        const double result = std::pow(a, b);
        if (std::isinf(result) && std::isfinite(a) && std::isfinite(b))
            template_fail("(34, 'Numerical result out of range')");
        return value(result);
    }
    }
}

[[nodiscard]] inline std::string_view sign_of(operation op) noexcept {
    switch (op) {
    case operation::add: return "+";
    case operation::subtract: return "-";
    case operation::multiply: return "*";
    case operation::divide: return "/";
    case operation::floor_divide: return "//";
    case operation::modulo: return "%";
    case operation::power: return "** or pow()";
    case operation::equal: return "==";
    case operation::not_equal: return "!=";
    case operation::less: return "<";
    case operation::less_equal: return "<=";
    case operation::greater: return ">";
    case operation::greater_equal: return ">=";
    case operation::in: return "in";
    case operation::not_in: return "not in";
    }
    return "";
}

/// sequence * count
[[nodiscard]] inline value repeat(renderer& r, const value& sequence, std::int64_t count) {
    if (count < 0) count = 0;
    const auto times = static_cast<std::uint64_t>(count);
    if (sequence.is_string()) {
        const std::uint64_t size = sequence.as_text().size();
        if (size != 0 && times > (std::uint64_t{1} << 40) / size) template_fail("repeated string is too large");
        r.charge(static_cast<std::size_t>(size * times));
        marked_text out;
        for (std::uint64_t i = 0; i < times && size != 0; ++i) out.append(sequence.as_text());
        return sequence.is_markup() ? value::markup(std::move(out)) : value(std::move(out));
    }
    const std::uint64_t size = sequence.items().size();
    if (size != 0 && times > 10'000'000 / size) template_fail("repeated list is too large");
    r.budget().spend(size * times);
    std::vector<value> out;
    for (std::uint64_t i = 0; i < times && size != 0; ++i)
        out.insert(out.end(), sequence.items().begin(), sequence.items().end());
    return sequence.is_list() ? value::list(std::move(out)) : value::tuple(std::move(out));
}

inline value renderer::binary(operation op, const value& a, const value& b) {
    if (a.is_number() && b.is_number()) {
        if (a.is_float() || b.is_float()) return float_operation(op, a.as_double(), b.as_double());
        return integer_operation(op, a.as_integer(), b.as_integer());
    }
    if (op == operation::add) {
        if (a.is_string() && b.is_string()) {
            charge(a.as_text().size() + b.as_text().size());
            const bool is_markup = a.is_markup() || b.is_markup();
            marked_text out = is_markup && !a.is_markup() ? escape_html(a.as_text()) : a.as_text();
            out.append(is_markup && !b.is_markup() ? escape_html(b.as_text()) : b.as_text());
            return is_markup ? value::markup(std::move(out)) : value(std::move(out));
        }
        if (a.kind() == b.kind() && (a.is_list() || a.is_tuple())) {
            std::vector<value> items = a.items();
            items.insert(items.end(), b.items().begin(), b.items().end());
            budget_.spend(items.size());
            return a.is_list() ? value::list(std::move(items)) : value::tuple(std::move(items));
        }
        if (a.is_string() && !b.is_undefined()) {
            template_fail("can only concatenate str (not \"" + std::string(type_name(b)) + "\") to str");
        }
    }
    if (op == operation::multiply) {
        const auto is_sequence = [](const value& v) { return v.is_string() || v.is_list() || v.is_tuple(); };
        const auto is_count = [](const value& v) { return v.is_integer() || v.is_boolean(); };
        if (is_sequence(a) && is_count(b)) return repeat(*this, a, b.as_integer());
        if (is_count(a) && is_sequence(b)) return repeat(*this, b, a.as_integer());
    }
    if (op == operation::modulo && a.is_string()) return make_string(percent_format(*this, a.as_text(), b));
    fail_operands(sign_of(op), a, b);
}

inline value renderer::negate(const value& v) {
    if (v.is_undefined()) fail_undefined(v);
    if (v.is_float()) return value(-v.as_double());
    if (!v.is_number()) template_fail("bad operand type for unary -: '" + std::string(type_name(v)) + "'");
    return integer_operation(operation::subtract, 0, v.as_integer());
}

/// a < b, a <= b, a > b or a >= b.
[[nodiscard]] inline bool ordered(operation op, const value& a, const value& b, work_budget& budget) {
    const auto accept = [op](int order) { // of a against b; 2 is unordered
        if (order == 2) return false;
        return op == operation::less         ? order < 0
               : op == operation::less_equal ? order <= 0
               : op == operation::greater    ? order > 0
                                             : order >= 0;
    };
    budget.spend(1);
    if (a.is_number() && b.is_number()) return accept(compare_numbers(a, b));
    if (a.is_string() && b.is_string()) {
        const int order = a.as_string().compare(b.as_string());
        return accept(order < 0 ? -1 : order > 0 ? 1 : 0);
    }
    if (a.kind() == b.kind() && (a.is_list() || a.is_tuple())) {
        const auto& x = a.items();
        const auto& y = b.items();
        for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
            if (!x[i].same_as(y[i]) && !values_equal(x[i], y[i], budget)) return ordered(op, x[i], y[i], budget);
        }
        return accept(x.size() < y.size() ? -1 : x.size() > y.size() ? 1 : 0);
    }
    if (a.is_undefined()) renderer::fail_undefined(a);
    if (b.is_undefined()) renderer::fail_undefined(b);
    template_fail("'" + std::string(sign_of(op)) + "' not supported between instances of '" +
                  std::string(type_name(a)) + "' and '" + std::string(type_name(b)) + "'");
}

inline bool renderer::compare(operation op, const value& a, const value& b) {
    switch (op) {
    case operation::equal: return values_equal(a, b, budget_);
    case operation::not_equal: return !values_equal(a, b, budget_);
    case operation::in: return contains(b, a);
    case operation::not_in: return !contains(b, a);
    default: return ordered(op, a, b, budget_);
    }
}

inline bool renderer::contains(const value& container, const value& item) {
    switch (container.kind()) {
    case value_kind::string:
        if (!item.is_string())
            template_fail("'in <string>' requires string as left operand, not " + std::string(type_name(item)));
        budget_.spend(container.as_text().size() / 64);
        return container.as_string().find(item.as_string()) != std::string_view::npos;
    case value_kind::mapping: return container.as_map().find_key(item) != nullptr;
    case value_kind::undefined: return false;
    case value_kind::object:
        if (const auto* view = object_cast<view_object>(container, object_kind::view);
            view && view->what == view_object::part::keys) {
            return view->map.as_map().find_key(item) != nullptr;
        }
        break;
    case value_kind::list:
    case value_kind::tuple: break;
    default: template_fail("argument of type '" + std::string(type_name(container)) + "' is not iterable");
    }
    item_cursor cursor(container);
    value candidate;
    while (cursor.next(*this, candidate)) {
        if (candidate.same_as(item) || values_equal(candidate, item, budget_)) return true;
    }
    return false;
}

/// Names that the immutable sandbox hides because they would change the object.
[[nodiscard]] inline bool is_mutating_method(const value& object, std::string_view name) noexcept {
    const auto any = [&](std::initializer_list<std::string_view> names) {
        for (const std::string_view n : names) {
            if (n == name) return true;
        }
        return false;
    };
    if (object.is_mapping()) return any({"clear", "pop", "popitem", "setdefault", "update"});
    if (object.is_list()) return any({"append", "clear", "pop", "reverse", "insert", "sort", "extend", "remove"});
    return false;
}

/// A method bound to `object`, an undefined value for a hidden one, or missing when there is none of that name.
[[nodiscard]] inline value find_bound_method(const value& object, std::string_view name) {
    if (is_mutating_method(object, name)) {
        return value::undefined("access to attribute " + quoted(name) + " of '" + std::string(type_name(object)) +
                                "' object is unsafe.");
    }
    const int index = find_method(object, name);
    if (index < 0) return {};
    return value::adopt(new method_object(object, index, method_name(object, index)));
}

inline value renderer::get_attribute(const value& object, std::string_view name) {
    if (object.is_undefined()) fail_undefined(object);
    if (const auto* space = object_cast<namespace_object>(object, object_kind::name_space)) {
        const value* found = space->attributes.find(name);
        return found ? *found : missing_attribute(object, value(name));
    }
    if (auto* loop = object_cast<loop_object>(object, object_kind::loop)) {
        value v = loop_attribute(*loop, name);
        if (!v.is_missing()) return v;
    }
    if (const auto* cycler = object_cast<cycler_object>(object, object_kind::cycler); cycler && name == "current") {
        return cycler->items[cycler->position];
    }
    if (const auto* macro = object_cast<macro_object>(object, object_kind::macro); macro && name == "name")
        return value(macro->name);
    value method = find_bound_method(object, name);
    if (!method.is_missing()) return method;
    if (object.is_mapping()) {
        if (const value* found = object.as_map().find(name)) return *found;
    }
    if (object.is_tuple() && object.items().size() == 2) { // what the filter groupby gives is a named tuple
        if (name == "grouper") return object.items()[0];
        if (name == "list") return object.items()[1];
    }
    return missing_attribute(object, value(name));
}

inline value renderer::get_item(const value& object, const value& key) {
    if (object.is_undefined()) fail_undefined(object);
    if (object.is_mapping()) {
        if (!key.is_list() && !key.is_mapping()) {
            if (const value* found = object.as_map().find_key(key)) return *found;
        }
    } else if (key.is_integer() || key.is_boolean()) {
        const auto* range = object_cast<range_object>(object, object_kind::range);
        if (object.is_list() || object.is_tuple() || object.is_string() || range) {
            std::int64_t index = key.as_integer();
            const std::int64_t size = length(object);
            if (index < 0) index += size;
            if (index >= 0 && index < size) {
                if (range) return range->at(static_cast<std::uint64_t>(index));
                if (!object.is_string()) return object.items()[static_cast<std::size_t>(index)];
                budget_.spend(object.as_text().size() / 64);
                const std::size_t at = byte_of_code_point(object.as_string(), static_cast<std::size_t>(index));
                return value(object.as_text().slice(at, at + decode_utf8(object.as_string(), at).length));
            }
        }
    }
    if (key.is_string()) {
        if (!object.is_mapping()) {
            value attribute = get_attribute(object, key.as_string());
            return attribute;
        }
        value method = find_bound_method(object, key.as_string());
        if (!method.is_missing()) return method;
    }
    return missing_attribute(object, key);
}

inline value renderer::slice(const value& object, const value& start, const value& stop, const value& step) {
    if (object.is_undefined()) fail_undefined(object);
    const bool is_text = object.is_string();
    const auto* range = object_cast<range_object>(object, object_kind::range);
    if (!is_text && !object.is_list() && !object.is_tuple() && !range) {
        template_fail("'" + std::string(type_name(object)) + "' object is not subscriptable by a slice");
    }
    const auto bound = [](const value& v, std::int64_t fallback) {
        if (v.is_none()) return fallback;
        if (!v.is_integer() && !v.is_boolean()) {
            if (v.is_undefined()) fail_undefined(v);
            template_fail("slice indices must be integers or None or have an __index__ method");
        }
        return v.as_integer();
    };
    const std::int64_t stride = bound(step, 1);
    if (stride == 0) template_fail("slice step cannot be zero");
    const std::int64_t size = length(object);
    const auto clip = [&](std::int64_t i) {
        if (i < 0) i = i < -size ? -1 : i + size;
        const std::int64_t lowest = stride < 0 ? -1 : 0;
        const std::int64_t highest = stride < 0 ? size - 1 : size;
        return i < lowest ? lowest : i > highest ? highest : i;
    };
    const std::int64_t first = start.is_none() ? (stride < 0 ? size - 1 : 0) : clip(bound(start, 0));
    const std::int64_t last = stop.is_none() ? (stride < 0 ? -1 : size) : clip(bound(stop, 0));
    if (range) {
        const auto scaled = [&](std::int64_t n) {
            return integer_operation(operation::multiply, n, range->step).as_integer();
        };
        const auto at = [&](std::int64_t i) {
            return integer_operation(operation::add, range->start, scaled(i)).as_integer();
        };
        return value::adopt(new range_object(at(first), at(last), scaled(stride)));
    }
    budget_.spend(static_cast<std::uint64_t>(size) / 16 + 1);
    if (is_text && stride == 1) {
        const std::string_view s = object.as_string();
        const std::size_t begin = byte_of_code_point(s, static_cast<std::size_t>(first));
        const std::size_t end =
            last <= first ? begin : begin + byte_of_code_point(s.substr(begin), static_cast<std::size_t>(last - first));
        marked_text out = object.as_text().slice(begin, end);
        charge(out.size());
        return object.is_markup() ? value::markup(std::move(out)) : value(std::move(out));
    }
    const std::vector<value> characters = is_text ? to_vector(object) : std::vector<value>();
    const std::vector<value>& source = is_text ? characters : object.items();
    std::vector<value> items;
    for (std::int64_t i = first; stride > 0 ? i < last : i > last;) {
        items.push_back(source[static_cast<std::size_t>(i)]);
        if (__builtin_add_overflow(i, stride, &i)) break;
    }
    budget_.spend(items.size());
    if (object.is_list()) return value::list(std::move(items));
    if (object.is_tuple()) return value::tuple(std::move(items));
    marked_text out;
    for (const value& c : items) out.append(c.as_text());
    return object.is_markup() ? value::markup(std::move(out)) : value(std::move(out));
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
