// SPDX-License-Identifier: Apache-2.0
//
// The filters of jinja2/filters.py that chat templates use, with Hugging Face's tojson (json.dumps, nothing escaped for
// HTML). map, select and their relatives are lazy one-shot generators, as in Python.
#pragma once

#include <apertus/text/jinja/filter_support.hpp>

#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

using filter_function = value (*)(renderer&, const value&, const call_values&);
struct filter_entry {
    std::string_view name;
    filter_function run;
};

// ---------------------------------------------------------------- text

/// str(), but a string (Markup too) is itself.
[[nodiscard]] inline value soft_str(renderer& r, const value& v) { return v.is_string() ? v : value(r.str(v)); }

[[nodiscard]] inline value filter_indent(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("indent", c, {"width", "first", "blank"});
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (!v.is_string()) fail_operands("+=", v, value("\n"));
    marked_text indention(std::string(4, ' '));
    if (a.has(0) && a[0].is_string()) indention = a[0].as_text();
    else if (a.has(0)) {
        const std::int64_t width = to_index(a[0]);
        if (width > max_format_width) template_fail("indentation too wide");
        indention = marked_text(std::string(static_cast<std::size_t>(width > 0 ? width : 0), ' '));
    }
    marked_text source = v.as_text();
    source.push_back('\n');
    const bool blank = a.truthy(2, false);
    const std::vector<marked_text> lines = split_lines(source);
    marked_text out;
    if (a.truthy(1, false)) out.append(indention);
    for (std::size_t i = 0; i < lines.size(); ++i) {
        r.charge(out.size() / 64 + indention.size());
        if (i > 0) {
            out.push_back('\n');
            if (blank || !lines[i].empty()) out.append(indention);
        }
        out.append(lines[i]);
    }
    return like(r, v, std::move(out));
}

/// Upper case after white space and - ( { [ <, lower case elsewhere.
[[nodiscard]] inline value filter_title(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("title", c, {});
    const value text = soft_str(r, v);
    const marked_text& s = text.as_text();
    marked_text out;
    std::size_t i = 0;
    const auto is_delimiter = [&](std::size_t at) {
        const char32_t p = decode_utf8(s.view(), at).value;
        return is_space(p) || p == '-' || p == '(' || p == '{' || p == '[' || p == '<';
    };
    while (i < s.size()) {
        std::size_t end = i;
        const bool delimiter = is_delimiter(i);
        while (end < s.size() && is_delimiter(end) == delimiter) end += decode_utf8(s.view(), end).length;
        const std::size_t head = i + decode_utf8(s.view(), i).length;
        out.append(change_case(s.slice(i, head), letter_case::upper));
        out.append(change_case(s.slice(head, end), letter_case::lower));
        i = end;
    }
    return make_plain(r, std::move(out));
}

[[nodiscard]] inline value filter_truncate(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("truncate", c, {"length", "killwords", "end", "leeway"});
    const marked_text end = a.has(2) ? a.text(2) : marked_text("...");
    const std::int64_t limit = a.index(0, 255);
    const std::int64_t leeway = a.is_set(3) ? to_index(a[3]) : 5;
    const auto end_length = static_cast<std::int64_t>(count_code_points(end.view()));
    if (limit < end_length)
        template_fail("truncate: expected length >= " + std::to_string(end_length) + ", got " + std::to_string(limit));
    if (leeway < 0) template_fail("truncate: expected leeway >= 0, got " + std::to_string(leeway));
    const std::int64_t length = renderer::length(v);
    if (length < 0) template_fail("object of type '" + std::string(type_name(v)) + "' has no len()");
    if (length <= limit || length - limit <= leeway) return v; // whatever it is
    if (!v.is_string()) template_fail("truncate needs a string, not " + std::string(type_name(v)));
    const marked_text& s = v.as_text();
    marked_text out = s.slice(0, byte_of_code_point(s.view(), static_cast<std::size_t>(limit - end_length)));
    if (!a.truthy(1, false)) {
        const std::size_t space = out.view().rfind(' ');
        if (space != std::string_view::npos) out.truncate(space);
    }
    out.append(end);
    return make_plain(r, std::move(out));
}

[[nodiscard]] inline value filter_tojson(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("tojson", c, {"ensure_ascii", "indent", "separators", "sort_keys"});
    json_style style;
    style.ensure_ascii = a.truthy(0, false);
    style.sort_keys = a.truthy(3, false);
    if (a.is_set(1)) {
        style.pretty = true;
        style.item_separator = ",";
        if (a[1].is_string()) style.indent = a[1].as_string();
        else {
            const std::int64_t width = to_index(a[1]);
            if (width > 1000) template_fail("tojson: indentation too wide");
            style.indent = std::string(static_cast<std::size_t>(width > 0 ? width : 0), ' ');
        }
    }
    if (a.is_set(2)) {
        const std::vector<value> two = r.to_vector(a[2]);
        if (two.size() != 2) template_fail("tojson: separators must be two strings");
        if (!two[0].is_string() || !two[1].is_string()) template_fail("tojson: separators must be strings");
        style.item_separator = two[0].as_string();
        style.key_separator = two[1].as_string();
    }
    marked_text out;
    append_json(out, v, style, r.budget());
    return make_plain(r, std::move(out));
}

[[nodiscard]] inline value filter_join(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("join", c, {"d", "attribute"});
    const marked_text separator = a.has(0) ? r.str(a[0]) : marked_text();
    const attribute_path path(a.is_set(1) ? a[1] : value());
    marked_text out;
    bool first = true;
    item_cursor cursor(v);
    for (value item; cursor.next(r, item); first = false) {
        if (!first) out.append(separator);
        append_str(out, path.empty() ? item : path.follow(r, item), r.budget());
        r.budget().spend(separator.size() / 16);
        if (out.size() > (1U << 20)) r.charge(out.size() / 4096 + 16);
    }
    return make_plain(r, std::move(out));
}

// ---------------------------------------------------------------- numbers

[[nodiscard]] inline value filter_int(renderer&, const value& v, const call_values& c) {
    const bound_arguments a("int", c, {"default", "base"});
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (v.is_integer() || v.is_boolean()) return value(v.as_integer());
    double number = 0;
    if (v.is_string()) {
        std::int64_t whole = 0;
        if (parse_python_int(v.as_string(), a.index(1, 10), whole)) return value(whole);
        if (!parse_python_float(v.as_string(), number) || !std::isfinite(number)) return a.get(0, value(0));
    } else if (v.is_float()) {
        number = v.as_double();
        if (std::isinf(number)) template_fail("cannot convert float infinity to integer");
        if (std::isnan(number)) return a.get(0, value(0));
    } else {
        return a.get(0, value(0));
    }
    if (!(number > -9.2233720368547e18 && number < 9.2233720368547e18)) fail_overflow();
    return value(static_cast<std::int64_t>(number));
}

[[nodiscard]] inline value filter_float(renderer&, const value& v, const call_values& c) {
    const bound_arguments a("float", c, {"default"});
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (v.is_number()) return value(v.as_double());
    double number = 0;
    if (v.is_string() && parse_python_float(v.as_string(), number)) return value(number);
    return a.get(0, value(0.0));
}

[[nodiscard]] inline value filter_round(renderer&, const value& v, const call_values& c) {
    const bound_arguments a("round", c, {"precision", "method"});
    const value method = a.get(1, value("common"));
    const std::string_view m = method.is_string() ? method.as_string() : std::string_view();
    if (m != "common" && m != "ceil" && m != "floor") template_fail("method must be common, ceil or floor");
    if (!v.is_number()) template_fail("type " + std::string(type_name(v)) + " doesn't define __round__ method");
    const std::int64_t precision = a.index(0, 0);
    if (m == "common")
        return v.is_float() ? value(round_float(v.as_double(), precision)) : round_integer(v.as_integer(), precision);
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = v.as_double() * scale;
    if (!std::isfinite(scaled)) template_fail("cannot round an infinite number");
    return value((m == "ceil" ? std::ceil(scaled) + 0.0 : std::floor(scaled) + 0.0) /
                 scale); // + 0.0: Python's is an int, never -0
}

[[nodiscard]] inline value filter_abs(renderer&, const value& v, const call_values& c) {
    const bound_arguments a("abs", c, {});
    if (v.is_float()) return value(std::fabs(v.as_double()));
    if (!v.is_number()) template_fail("bad operand type for abs(): '" + std::string(type_name(v)) + "'");
    return v.as_integer() < 0 ? integer_operation(operation::subtract, 0, v.as_integer()) : value(v.as_integer());
}

[[nodiscard]] inline value filter_sum(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("sum", c, {"attribute", "start"});
    const attribute_path path(a.is_set(0) ? a[0] : value());
    value total = a.get(1, value(0));
    if (total.is_string()) template_fail("sum() can't sum strings [use ''.join(seq) instead]");
    item_cursor cursor(v);
    for (value item; cursor.next(r, item);)
        total = r.binary(operation::add, total, path.empty() ? item : path.follow(r, item));
    return total;
}

// ---------------------------------------------------------------- sequences

[[nodiscard]] inline value filter_length(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("length", c, {});
    if (auto* loop = object_cast<loop_object>(v, object_kind::loop)) return value(r.loop_length(*loop));
    const std::int64_t n = renderer::length(v);
    if (n < 0) template_fail("object of type '" + std::string(type_name(v)) + "' has no len()");
    return value(n);
}

[[nodiscard]] inline value filter_first(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("first", c, {});
    item_cursor cursor(v);
    value item;
    return cursor.next(r, item) ? item : value::undefined("No first item, sequence was empty.");
}

[[nodiscard]] inline value filter_last(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("last", c, {});
    if (object_cast<generator_object>(v, object_kind::generator)) template_fail("'generator' object is not reversible");
    const std::vector<value> items = r.to_vector(v);
    return items.empty() ? value::undefined("No last item, sequence was empty.") : items.back();
}

[[nodiscard]] inline value filter_reverse(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("reverse", c, {});
    std::vector<value> items = r.to_vector(v);
    for (std::size_t i = 0; i < items.size() / 2; ++i) items[i].swap(items[items.size() - 1 - i]);
    if (v.is_string()) {
        marked_text out;
        for (const value& item : items) out.append(item.as_text());
        return like(r, v, std::move(out));
    }
    if (object_cast<generator_object>(v, object_kind::generator)) return value::list(std::move(items));
    return value::adopt(new vector_generator(std::move(items), "list_reverseiterator"));
}

[[nodiscard]] inline value filter_sort(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("sort", c, {"reverse", "case_sensitive", "attribute"});
    const bool fold = !a.truthy(1, false);
    std::vector<attribute_path> paths;
    if (a.is_set(2) && a[2].is_string()) {
        const std::string_view comma = ",";
        for (const value& part : split_text(a[2].as_text(), &comma, -1, false)) paths.emplace_back(part);
    } else {
        paths.emplace_back(a.is_set(2) ? a[2] : value());
    }
    std::vector<value> items = r.to_vector(v);
    std::vector<value> keys;
    keys.reserve(items.size());
    for (const value& item : items) {
        std::vector<value> key;
        key.reserve(paths.size());
        for (const attribute_path& path : paths) key.push_back(fold_case(path.follow(r, item), fold));
        keys.push_back(value::list(std::move(key)));
    }
    return value::list(sorted(r, std::move(items), std::move(keys), a.truthy(0, false)));
}

[[nodiscard]] inline value filter_dictsort(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("dictsort", c, {"case_sensitive", "by", "reverse"});
    const value by = a.get(1, value("key"));
    const bool by_value = by.is_string() && by.as_string() == "value";
    if (!by_value && !(by.is_string() && by.as_string() == "key"))
        template_fail("You can only sort by either \"key\" or \"value\"");
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (!v.is_mapping()) template_fail("'" + std::string(type_name(v)) + "' object has no attribute 'items'");
    std::vector<value> items;
    std::vector<value> keys;
    for (const auto& [k, element] : v.as_map()) {
        items.push_back(value::tuple({k, element}));
        keys.push_back(fold_case(by_value ? element : k, !a.truthy(0, false)));
    }
    return value::list(sorted(r, std::move(items), std::move(keys), a.truthy(2, false)));
}

[[nodiscard]] inline value min_or_max(renderer& r, const value& v, const call_values& c, operation op) {
    const bound_arguments a(op == operation::less ? "min" : "max", c, {"case_sensitive", "attribute"});
    const attribute_path path(a.is_set(1) ? a[1] : value());
    item_cursor cursor(v);
    value best;
    if (!cursor.next(r, best)) return value::undefined("No aggregated item, sequence was empty.");
    value best_key = fold_case(path.follow(r, best), !a.truthy(0, false));
    for (value item; cursor.next(r, item);) {
        value key = fold_case(path.follow(r, item), !a.truthy(0, false));
        if (!ordered(op, key, best_key, r.budget())) continue;
        best = item;
        best_key = std::move(key);
    }
    return best;
}

[[nodiscard]] inline value filter_groupby(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("groupby", c, {"attribute", "default", "case_sensitive"}, 1);
    const attribute_path path(a[0], a.is_set(1) ? a[1] : value());
    const bool fold = !a.truthy(2, false);
    std::vector<value> items = r.to_vector(v);
    std::vector<value> keys;
    keys.reserve(items.size());
    for (const value& item : items) keys.push_back(fold_case(path.follow(r, item), fold));
    items = sorted(r, std::move(items), std::move(keys), false);
    std::vector<value> groups;
    for (std::size_t i = 0; i < items.size();) {
        const value key = path.follow(r, items[i]);
        const value folded = fold_case(key, fold);
        std::vector<value> members;
        while (i < items.size() && values_equal(fold_case(path.follow(r, items[i]), fold), folded, r.budget()))
            members.push_back(items[i++]);
        groups.push_back(value::tuple({key, value::list(std::move(members))}));
    }
    return value::list(std::move(groups));
}

[[nodiscard]] inline std::vector<value> unique_items(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("unique", c, {"case_sensitive", "attribute"});
    const attribute_path path(a.is_set(1) ? a[1] : value());
    value_map seen;
    std::vector<value> out;
    item_cursor cursor(v);
    for (value item; cursor.next(r, item);) {
        const value key = fold_case(path.follow(r, item), !a.truthy(0, false));
        if (seen.find_key(key)) continue;
        seen.set(key, value(true));
        out.push_back(item);
    }
    return out;
}

[[nodiscard]] inline std::vector<value> batch_items(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("batch", c, {"linecount", "fill_with"}, 1);
    const std::int64_t count = a[0].is_number() ? static_cast<std::int64_t>(a[0].as_double()) : -1;
    std::vector<value> out;
    std::vector<value> row;
    item_cursor cursor(v);
    for (value item; cursor.next(r, item);) {
        if (static_cast<std::int64_t>(row.size()) == count) out.push_back(value::list(std::exchange(row, {})));
        row.push_back(item);
    }
    if (row.empty()) return out;
    if (a.is_set(1)) {
        const std::int64_t width = to_index(a[0]);
        r.budget().spend(static_cast<std::uint64_t>(width > 0 ? width : 0));
        while (static_cast<std::int64_t>(row.size()) < width) row.push_back(a[1]);
    }
    out.push_back(value::list(std::move(row)));
    return out;
}

[[nodiscard]] inline std::vector<value> slice_items(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("slice", c, {"slices", "fill_with"}, 1);
    const std::vector<value> items = r.to_vector(v);
    const std::int64_t slices = to_index(a[0]);
    if (slices == 0) template_fail("integer division or modulo by zero");
    std::vector<value> out;
    if (slices < 0) return out;
    r.budget().spend(static_cast<std::uint64_t>(slices));
    const std::int64_t each = static_cast<std::int64_t>(items.size()) / slices;
    const std::int64_t extra = static_cast<std::int64_t>(items.size()) % slices;
    std::size_t at = 0;
    for (std::int64_t s = 0; s < slices; ++s) {
        std::vector<value> row;
        for (std::int64_t i = 0; i < each + (s < extra ? 1 : 0); ++i) row.push_back(items[at++]);
        if (a.is_set(1) && s >= extra) row.push_back(a[1]);
        out.push_back(value::list(std::move(row)));
    }
    return out;
}

[[nodiscard]] inline std::vector<value> item_pairs(renderer&, const value& v, const call_values&) {
    std::vector<value> out;
    if (v.is_undefined()) return out;
    if (!v.is_mapping()) template_fail("Can only get item pairs from a mapping.");
    for (const auto& [k, element] : v.as_map()) out.push_back(value::tuple({k, element}));
    return out;
}

[[nodiscard]] inline value filter_attr(renderer& r, const value& v, const call_values& c) {
    const bound_arguments a("attr", c, {"name"}, 1);
    const std::string_view name = a.text(0).view();
    if (v.is_undefined()) renderer::fail_undefined(v);
    if (!v.is_mapping()) return r.get_attribute(v, name);
    value method = find_bound_method(v, name);
    return method.is_missing() ? renderer::missing_attribute(v, a[0]) : method;
}

// ---------------------------------------------------------------- the table

template <std::vector<value> (*F)(renderer&, const value&, const call_values&)>
[[nodiscard]] value deferred(renderer&, const value& v, const call_values& c) {
    return value::adopt(new deferred_generator(v, c, F));
}

inline constexpr filter_entry filter_table[] = {
    {"abs", filter_abs},
    {"attr", filter_attr},
    {"batch", deferred<batch_items>},
    {"capitalize",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("capitalize", c, {});
         return like(r, soft_str(r, v), capitalize_text(soft_str(r, v).as_text()));
     }},
    {"center",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("center", c, {"width"});
         call_values inner;
         inner.positional.push_back(a.get(0, value(80)));
         return justify(r, soft_str(r, v), inner, '^');
     }},
    {"count", filter_length},
    {"d", filter_default},
    {"default", filter_default},
    {"dictsort", filter_dictsort},
    {"e", filter_escape},
    {"escape", filter_escape},
    {"first", filter_first},
    {"float", filter_float},
    {"forceescape",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("forceescape", c, {});
         return value::markup(escape_html(r.str(v)));
     }},
    {"format",
     [](renderer& r, const value& v, const call_values& c) {
         if (!c.positional.empty() && !c.named.empty())
             template_fail("can't handle positional and keyword arguments at the same time");
         const value text = soft_str(r, v);
         if (c.named.empty()) return like(r, text, percent_format(r, text.as_text(), value::tuple(c.positional)));
         value_map names;
         for (const auto& [k, x] : c.named) names.set(value(k), x);
         return like(r, text, percent_format(r, text.as_text(), value(std::move(names))));
     }},
    {"groupby", filter_groupby},
    {"indent", filter_indent},
    {"int", filter_int},
    {"items",
     [](renderer&, const value& v, const call_values& c) {
         const bound_arguments a("items", c, {});
         return value::adopt(new deferred_generator(v, c, item_pairs));
     }},
    {"join", filter_join},
    {"last", filter_last},
    {"length", filter_length},
    {"list",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("list", c, {});
         return value::list(r.to_vector(v));
     }},
    {"lower",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("lower", c, {});
         const value text = soft_str(r, v);
         return like(r, text, change_case(text.as_text(), letter_case::lower));
     }},
    {"map", filter_map},
    {"max", [](renderer& r, const value& v, const call_values& c) { return min_or_max(r, v, c, operation::greater); }},
    {"min", [](renderer& r, const value& v, const call_values& c) { return min_or_max(r, v, c, operation::less); }},
    {"reject", [](renderer&, const value& v,
                  const call_values& c) { return value::adopt(new select_generator(v, c, false, false)); }},
    {"rejectattr", [](renderer&, const value& v,
                      const call_values& c) { return value::adopt(new select_generator(v, c, false, true)); }},
    {"replace",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("replace", c, {"old", "new", "count"}, 2);
         const std::int64_t count = a.is_set(2) ? to_index(a[2]) : -1;
         return make_plain(r, replace_text(r.str(v), r.str(a[0]).view(), r.str(a[1]), count, r.budget()));
     }},
    {"reverse", filter_reverse},
    {"round", filter_round},
    {"safe",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("safe", c, {});
         return value::markup(r.str(v));
     }},
    {"select", [](renderer&, const value& v,
                  const call_values& c) { return value::adopt(new select_generator(v, c, true, false)); }},
    {"selectattr", [](renderer&, const value& v,
                      const call_values& c) { return value::adopt(new select_generator(v, c, true, true)); }},
    {"slice", deferred<slice_items>},
    {"sort", filter_sort},
    {"string",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("string", c, {});
         return soft_str(r, v);
     }},
    {"sum", filter_sum},
    {"title", filter_title},
    {"tojson", filter_tojson},
    {"trim",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("trim", c, {"chars"});
         std::string_view chars;
         if (a.is_set(0)) chars = a.text(0).view();
         const value text = soft_str(r, v);
         return like(r, text, strip_text(text.as_text(), a.is_set(0) ? &chars : nullptr, strip_side::both));
     }},
    {"truncate", filter_truncate},
    {"unique", deferred<unique_items>},
    {"upper",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("upper", c, {});
         const value text = soft_str(r, v);
         return like(r, text, change_case(text.as_text(), letter_case::upper));
     }},
    {"wordcount",
     [](renderer& r, const value& v, const call_values& c) {
         const bound_arguments a("wordcount", c, {});
         const marked_text text = r.str(v);
         std::int64_t words = 0;
         bool inside = false;
         for (std::size_t i = 0; i < text.size();) {
             const code_point p = decode_utf8(text.view(), i);
             const bool word = p.valid && (p.value == '_' || is_alphanumeric(p.value));
             words += word && !inside ? 1 : 0;
             inside = word;
             i += p.length;
         }
         return value(words);
     }},
};

inline int find_filter(std::string_view name) noexcept {
    int i = 0;
    for (const filter_entry& entry : filter_table) {
        if (entry.name == name) return i;
        ++i;
    }
    return -1;
}

inline value renderer::filter(int index, std::string_view name, const value& v, call_values& arguments) {
    const depth_guard guard(*this);
    if (index < 0) template_fail("No filter named " + quoted(name) + " found.");
    return filter_table[index].run(*this, v, arguments);
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
