// SPDX-License-Identifier: Apache-2.0
//
// What the filters are made of: attribute paths ("a.b.0"), sorting, Python's number parsing and rounding, and the lazy
// sequences behind map, select and their relatives.
#pragma once

#include <apertus/text/jinja/methods.hpp>

#include <charconv>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

[[nodiscard]] inline value make_plain(renderer& r, marked_text text) { return r.make_string(std::move(text)); }

/// str.lower() for strings when `fold`.
[[nodiscard]] inline value fold_case(const value& v, bool fold) {
    return fold && v.is_string() ? value(change_case(v.as_text(), letter_case::lower)) : v;
}

/// A path of attributes: "user.name", "items.0", or an index. Missing means the item itself.
class attribute_path {
public:
    explicit attribute_path(const value& attribute, value fallback = {}) : fallback_(std::move(fallback)) {
        if (attribute.is_missing() || attribute.is_none()) return;
        if (!attribute.is_string()) {
            parts_.push_back(attribute);
            return;
        }
        const std::string_view dot = ".";
        for (const value& part : split_text(attribute.as_text(), &dot, -1, false)) {
            std::int64_t index = 0;
            const bool digits = all_code_points(part.as_string(), [](char32_t c) { return c >= '0' && c <= '9'; });
            if (digits && parse(part.as_string(), index)) parts_.emplace_back(index);
            else parts_.push_back(part);
        }
    }
    [[nodiscard]] bool empty() const noexcept { return parts_.empty(); }
    [[nodiscard]] value follow(renderer& r, value item) const {
        for (const value& part : parts_) {
            item = r.get_item(item, part);
            if (item.is_undefined() && !fallback_.is_missing()) item = fallback_;
        }
        return item;
    }

private:
    [[nodiscard]] static bool parse(std::string_view digits, std::int64_t& out) {
        return std::from_chars(digits.data(), digits.data() + digits.size(), out).ec == std::errc{};
    }
    std::vector<value> parts_;
    value fallback_;
};

/// Stable merge sort by keys; `reverse` keeps the order of equal elements, as Python does.
[[nodiscard]] inline std::vector<value> sorted(renderer& r, std::vector<value> items, std::vector<value> keys,
                                               bool reverse) {
    std::vector<std::uint32_t> order(items.size());
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<std::uint32_t>(i);
    std::vector<std::uint32_t> merged(order.size());
    const auto precedes = [&](std::uint32_t a, std::uint32_t b) { // strictly before
        return reverse ? values_less(keys[b], keys[a], r.budget()) : values_less(keys[a], keys[b], r.budget());
    };
    for (std::size_t width = 1; width < order.size(); width *= 2) {
        for (std::size_t low = 0; low < order.size(); low += 2 * width) {
            const std::size_t middle = low + width < order.size() ? low + width : order.size();
            const std::size_t high = low + 2 * width < order.size() ? low + 2 * width : order.size();
            std::size_t left = low;
            std::size_t right = middle;
            for (std::size_t out = low; out < high; ++out) {
                const bool take_right = left >= middle || (right < high && precedes(order[right], order[left]));
                merged[out] = take_right ? order[right++] : order[left++];
            }
        }
        order.swap(merged);
    }
    std::vector<value> out;
    out.reserve(items.size());
    for (const std::uint32_t i : order) out.push_back(items[i]);
    return out;
}

/// ASCII form of a number in a string: white space trimmed, digits of any script, single underscores between digits.
[[nodiscard]] inline bool normalize_number(std::string_view text, std::string& out) {
    const std::string trimmed = strip_text(marked_text(std::string(text)), nullptr, strip_side::both).bytes();
    for (std::size_t i = 0; i < trimmed.size();) {
        const code_point c = decode_utf8(trimmed, i);
        const int digit = c.valid ? decimal_digit(c.value) : -1;
        if (digit >= 0) out += static_cast<char>('0' + digit);
        else if (c.value < 0x80) out += static_cast<char>(c.value);
        else return false;
        i += c.length;
    }
    return !out.empty();
}

/// int(text, base); false when that would be a ValueError.
[[nodiscard]] inline bool parse_python_int(std::string_view text, std::int64_t base, std::int64_t& out) {
    std::string s;
    if (!normalize_number(text, s) || (base != 0 && (base < 2 || base > 36))) return false;
    std::size_t i = 0;
    const bool negative = s[0] == '-';
    if (s[0] == '-' || s[0] == '+') ++i;
    const char marker = i + 1 < s.size() && s[i] == '0' ? static_cast<char>(s[i + 1] | 0x20) : '\0';
    const int prefixed = marker == 'x' ? 16 : marker == 'o' ? 8 : marker == 'b' ? 2 : 0;
    bool underscore_allowed = false;
    if (prefixed != 0 && (base == 0 || base == prefixed)) {
        base = prefixed;
        i += 2;
        underscore_allowed = true;
    } else if (base == 0) {
        base = 10;
        if (s[i] == '0' && s.find_first_not_of("0_", i) != std::string::npos) return false;
    }
    if (i >= s.size()) return false;
    std::uint64_t number = 0;
    bool digit_before = underscore_allowed;
    for (; i < s.size(); ++i) {
        if (s[i] == '_') {
            if (!digit_before) return false;
            digit_before = false;
            continue;
        }
        const char c = static_cast<char>(s[i] | 0x20);
        const int d = s[i] >= '0' && s[i] <= '9' ? s[i] - '0' : c >= 'a' && c <= 'z' ? c - 'a' + 10 : 99;
        if (d >= base) return false;
        if (__builtin_mul_overflow(number, static_cast<std::uint64_t>(base), &number) ||
            __builtin_add_overflow(number, static_cast<std::uint64_t>(d), &number))
            fail_overflow();
        digit_before = true;
    }
    if (!digit_before) return false;
    if (number > (std::uint64_t{1} << 63) - (negative ? 0 : 1)) fail_overflow();
    out = negative ? static_cast<std::int64_t>(0 - number) : static_cast<std::int64_t>(number);
    return true;
}

/// float(text); false when that would be a ValueError.
[[nodiscard]] inline bool parse_python_float(std::string_view text, double& out) {
    std::string s;
    if (!normalize_number(text, s)) return false;
    std::string plain;
    for (std::size_t i = 0; i < s.size(); ++i) {
        const auto is_digit = [&](std::size_t k) { return k < s.size() && s[k] >= '0' && s[k] <= '9'; };
        if (s[i] != '_') plain += static_cast<char>(s[i] >= 'A' && s[i] <= 'Z' ? s[i] | 0x20 : s[i]);
        else if (i == 0 || !is_digit(i - 1) || !is_digit(i + 1)) return false;
    }
    std::string_view body = plain;
    const bool negative = !body.empty() && body[0] == '-';
    if (!body.empty() && (body[0] == '-' || body[0] == '+')) body.remove_prefix(1);
    if (body.empty() || body[0] == '-' || body[0] == '+') return false;
    if (body == "inf" || body == "infinity") {
        out = negative ? -HUGE_VAL : HUGE_VAL;
        return true;
    }
    if (body == "nan") {
        out = std::nan("");
        return true;
    }
    if (!((body[0] >= '0' && body[0] <= '9') || body[0] == '.')) return false;
    const auto r = std::from_chars(body.data(), body.data() + body.size(), out);
    if (r.ptr != body.data() + body.size()) return false;
    if (r.ec == std::errc::result_out_of_range) out = body.find("e-") != std::string_view::npos ? 0.0 : HUGE_VAL;
    else if (r.ec != std::errc{}) return false;
    if (negative) out = -out;
    return true;
}

/// round(float, ndigits): correctly rounded from the exact binary value, ties to even.
[[nodiscard]] inline double round_float(double v, std::int64_t digits) {
    if (!std::isfinite(v) || digits > 323) return v;
    if (digits < -308) return std::copysign(0.0, v);
    if (digits < 0) {
        const double scale = std::pow(10.0, static_cast<double>(-digits));
        const double scaled = v / scale;
        double rounded = std::nearbyint(scaled);
        if (std::fabs(scaled - std::trunc(scaled)) == 0.5) rounded = 2.0 * std::nearbyint(scaled / 2.0);
        return rounded * scale;
    }
    char buffer[1100];
    const auto written =
        std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::fixed, static_cast<int>(digits));
    double out = v;
    std::from_chars(buffer, written.ptr, out);
    return out;
}

[[nodiscard]] inline value round_integer(std::int64_t v, std::int64_t digits) {
    if (digits >= 0) return value(v);
    if (digits < -18) return value(0);
    std::int64_t unit = 1;
    for (std::int64_t i = 0; i < -digits; ++i) unit *= 10;
    std::int64_t low = v / unit - (v % unit < 0 ? 1 : 0);
    const std::int64_t rest = v - low * unit;
    if (rest > unit - rest || (rest == unit - rest && (low & 1) != 0)) ++low;
    return integer_operation(operation::multiply, low, unit);
}

// ---------------------------------------------------------------- lazy sequences

[[nodiscard]] inline std::uint32_t nesting_of(const value& source, const call_values& c) noexcept {
    std::uint32_t deepest = source.depth();
    for (const value& v : c.positional) deepest = v.depth() > deepest ? v.depth() : deepest;
    for (const auto& [k, v] : c.named) deepest = v.depth() > deepest ? v.depth() : deepest;
    return deepest + 1;
}

/// An iterator over known items.
struct vector_generator final : generator_object {
    vector_generator(std::vector<value> v, std::string_view name)
        : generator_object(sequence_rep::nesting(v)), items(std::move(v)), python_name(name) {}
    [[nodiscard]] std::string_view type_name() const override { return python_name; }
    bool next(renderer&, value& out) override {
        if (at >= items.size()) return false;
        out = items[at++];
        return true;
    }
    std::vector<value> items;
    std::size_t at = 0;
    std::string_view python_name;
};

/// Computes all its items when the first is asked for.
struct deferred_generator final : generator_object {
    using producer = std::vector<value> (*)(renderer&, const value&, const call_values&);
    deferred_generator(value s, call_values c, producer p)
        : generator_object(nesting_of(s, c)), source(std::move(s)), arguments(std::move(c)), produce(p) {}
    bool next(renderer& r, value& out) override {
        if (produce) items = std::exchange(produce, nullptr)(r, source, arguments);
        if (at >= items.size()) return false;
        out = items[at++];
        return true;
    }
    value source;
    call_values arguments;
    producer produce;
    std::vector<value> items;
    std::size_t at = 0;
};

/// map(...): a filter by name, or an attribute.
struct map_generator final : generator_object {
    map_generator(value s, call_values c)
        : generator_object(nesting_of(s, c)), source(std::move(s)), arguments(std::move(c)), path(value()),
          cursor(value()) {}
    bool next(renderer& r, value& out) override {
        const renderer::depth_guard guard(r);
        if (!started) start(r);
        if (!cursor.next(r, out)) return false;
        if (by_attribute) {
            out = path.follow(r, out);
        } else {
            call_values rest;
            rest.positional.assign(arguments.positional.begin() + 1, arguments.positional.end());
            rest.named = arguments.named;
            out = r.filter(filter, arguments.positional[0].as_string(), value(out), rest);
        }
        return true;
    }
    void start(renderer& r) {
        started = true;
        if (!renderer::truthy(source)) return;
        const value* attribute = arguments.find("attribute");
        by_attribute = arguments.positional.empty() && attribute != nullptr;
        if (by_attribute) {
            for (const auto& [key, v] : arguments.named) {
                if (key != "attribute" && key != "default") template_fail("Unexpected keyword argument " + quoted(key));
            }
            const value* fallback = arguments.find("default");
            path = attribute_path(*attribute, fallback && !fallback->is_none() ? *fallback : value());
        } else {
            if (arguments.positional.empty()) template_fail("map requires a filter argument");
            if (!arguments.positional[0].is_string()) template_fail("map: the name of the filter must be a string");
            filter = find_filter(arguments.positional[0].as_string());
        }
        r.budget().spend(1);
        cursor = item_cursor(source);
    }
    value source;
    call_values arguments;
    attribute_path path;
    item_cursor cursor;
    bool started = false;
    bool by_attribute = false;
    int filter = -1;
};

[[nodiscard]] inline value filter_map(renderer&, const value& v, const call_values& c) {
    return value::adopt(new map_generator(v, c));
}

/// select, reject, selectattr, rejectattr: a test by name, or the truth of the item.
struct select_generator final : generator_object {
    select_generator(value s, call_values c, bool keep, bool by_attribute)
        : generator_object(nesting_of(s, c)), source(std::move(s)), arguments(std::move(c)), wanted(keep),
          attribute(by_attribute), path(value()), cursor(value()) {}
    bool next(renderer& r, value& out) override {
        const renderer::depth_guard guard(r);
        if (!started) start();
        const std::size_t skip = attribute ? 1 : 0;
        while (cursor.next(r, out)) {
            const value examined = path.follow(r, out);
            bool passes = false;
            if (arguments.positional.size() > skip) {
                call_values rest;
                rest.positional.assign(arguments.positional.begin() + static_cast<std::ptrdiff_t>(skip) + 1,
                                       arguments.positional.end());
                rest.named = arguments.named;
                passes = r.test(test, arguments.positional[skip].as_string(), examined, rest);
            } else {
                passes = renderer::truthy(examined);
            }
            if (passes == wanted) return true;
        }
        return false;
    }
    void start() {
        started = true;
        if (!renderer::truthy(source)) return;
        const std::size_t skip = attribute ? 1 : 0;
        if (attribute) {
            if (arguments.positional.empty()) template_fail("Missing parameter for attribute name");
            path = attribute_path(arguments.positional[0]);
        }
        if (arguments.positional.size() > skip) {
            if (!arguments.positional[skip].is_string()) template_fail("the name of the test must be a string");
            test = find_test(arguments.positional[skip].as_string());
        }
        cursor = item_cursor(source);
    }
    value source;
    call_values arguments;
    bool wanted;
    bool attribute;
    attribute_path path;
    item_cursor cursor;
    bool started = false;
    int test = -1;
};

[[nodiscard]] inline value filter_default(renderer&, const value& v, const call_values& c) {
    const bound_arguments a("default", c, {"default_value", "boolean"});
    return v.is_undefined() || (a.truthy(1, false) && !renderer::truthy(v)) ? a.get(0, value("")) : v;
}

[[nodiscard]] inline value filter_escape(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("escape", c, {});
    return v.is_markup() ? v : value::markup(escape_html(r.str(v)));
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
