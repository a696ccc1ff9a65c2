// SPDX-License-Identifier: Apache-2.0
//
// The methods of str, dict, list, tuple, loop and cycler that templates call. What would change a list or dict is
// hidden by the sandbox (operators.hpp).
#pragma once

#include <apertus/text/jinja/arguments.hpp>
#include <apertus/text/jinja/format.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

using method_function = value (*)(renderer&, const value& self, const call_values&);
struct method_entry {
    std::string_view name;
    method_function run;
};

/// The part of `text` between the optional character positions of arguments `first` and `first + 1`.
struct text_window {
    std::size_t begin = 0;
    std::size_t end = 0;
    std::int64_t begin_index = 0; ///< of `begin`, in characters
    bool valid = true;            ///< false when start lies past the end
};
[[nodiscard]] inline text_window window_of(std::string_view s, const bound_arguments& a, std::size_t first) {
    text_window w;
    const auto size = static_cast<std::int64_t>(count_code_points(s));
    std::int64_t start = a.is_set(first) ? to_index(a[first]) : 0;
    std::int64_t stop = a.is_set(first + 1) ? to_index(a[first + 1]) : size;
    if (start < 0) start = start + size < 0 ? 0 : start + size;
    if (stop < 0) stop = stop + size < 0 ? 0 : stop + size;
    if (stop > size) stop = size;
    w.valid = start <= size && start <= stop;
    w.begin = byte_of_code_point(s, static_cast<std::size_t>(start > size ? size : start));
    w.end = byte_of_code_point(s, static_cast<std::size_t>(stop));
    w.begin_index = start;
    return w;
}

/// str.find and friends: the character index, or -1.
[[nodiscard]] inline std::int64_t find_text(const value& self, const call_values& c, std::string_view name,
                                            bool from_right) {
    const bound_arguments a(name, c, {"sub", "start", "end"}, 1, 3);
    const std::string_view s = self.as_string();
    const std::string_view sub = a.text(0).view();
    const text_window w = window_of(s, a, 1);
    if (!w.valid) return -1;
    const std::string_view inside = s.substr(w.begin, w.end - w.begin);
    const std::size_t at = from_right ? inside.rfind(sub) : inside.find(sub);
    return at == std::string_view::npos
               ? -1
               : w.begin_index + static_cast<std::int64_t>(count_code_points(inside.substr(0, at)));
}

[[nodiscard]] inline value starts_or_ends(const value& self, const call_values& c, bool ends) {
    const bound_arguments a(ends ? "endswith" : "startswith", c, {"prefix", "start", "end"}, 1, 3);
    const text_window w = window_of(self.as_string(), a, 1);
    const std::string_view inside = w.valid ? self.as_string().substr(w.begin, w.end - w.begin) : std::string_view();
    const auto matches = [&](const value& affix) {
        if (!affix.is_string()) {
            if (affix.is_undefined()) renderer::fail_undefined(affix);
            template_fail("startswith first arg must be str or a tuple of str, not " + std::string(type_name(affix)));
        }
        const std::string_view x = affix.as_string();
        return w.valid && inside.size() >= x.size() &&
               (ends ? inside.substr(inside.size() - x.size()) : inside.substr(0, x.size())) == x;
    };
    if (!a[0].is_tuple()) return value(matches(a[0]));
    for (const value& affix : a[0].items()) {
        if (matches(affix)) return value(true);
    }
    return value(false);
}

/// A string of the same flavour (Markup stays Markup).
[[nodiscard]] inline value like(renderer& r, const value& self, marked_text text) {
    r.charge(text.size());
    return self.is_markup() ? value::markup(std::move(text)) : value(std::move(text));
}

[[nodiscard]] inline value strip_method(renderer& r, const value& self, const call_values& c, strip_side side) {
    const bound_arguments a("strip", c, {"chars"}, 0, 1);
    std::string_view chars;
    if (a.is_set(0)) chars = a.text(0).view();
    return like(r, self, strip_text(self.as_text(), a.is_set(0) ? &chars : nullptr, side));
}

[[nodiscard]] inline value split_method(renderer& r, const value& self, const call_values& c, bool from_right) {
    const bound_arguments a("split", c, {"sep", "maxsplit"});
    std::string_view separator;
    if (a.is_set(0)) separator = a.text(0).view();
    r.budget().spend(self.as_text().size() / 8);
    std::vector<value> parts =
        split_text(self.as_text(), a.is_set(0) ? &separator : nullptr, a.index(1, -1), from_right);
    if (self.is_markup()) {
        for (value& part : parts) part = value::markup(part.as_text());
    }
    return r.make_list(std::move(parts));
}

[[nodiscard]] inline value justify(renderer& r, const value& self, const call_values& c, char align) {
    const bound_arguments a("ljust", c, {"width", "fillchar"}, 1, 2);
    format_spec spec;
    spec.width = a.index(0, 0);
    if (spec.width > max_format_width) template_fail("width too big");
    if (a.has(1)) {
        if (count_code_points(a.text(1).view()) != 1)
            template_fail("The fill character must be exactly one character long");
        spec.fill = a.text(1);
    }
    const auto size = static_cast<std::int64_t>(count_code_points(self.as_string()));
    if (align == '^' && spec.width > size) { // Python puts the odd one to the left when the width is odd
        const std::int64_t missing = spec.width - size;
        const std::int64_t left = missing / 2 + (missing & spec.width & 1);
        marked_text out;
        for (std::int64_t i = 0; i < left; ++i) out.append(spec.fill);
        out.append(self.as_text());
        for (std::int64_t i = left; i < missing; ++i) out.append(spec.fill);
        return like(r, self, std::move(out));
    }
    return like(r, self, pad(self.as_text(), spec, align));
}

[[nodiscard]] inline value partition(renderer& r, const value& self, const call_values& c, bool from_right) {
    const bound_arguments a("partition", c, {"sep"}, 1, 1);
    const marked_text& text = self.as_text();
    const std::string_view separator = a.text(0).view();
    if (separator.empty()) template_fail("empty separator");
    const std::size_t at = from_right ? text.view().rfind(separator) : text.view().find(separator);
    const auto part = [&](std::size_t begin, std::size_t end) { return like(r, self, text.slice(begin, end)); };
    const value empty = part(0, 0);
    if (at == std::string_view::npos)
        return from_right ? value::tuple({empty, empty, self}) : value::tuple({self, empty, empty});
    return value::tuple({part(0, at), part(at, at + separator.size()), part(at + separator.size(), text.size())});
}

template <class Test> [[nodiscard]] value classify(const value& self, const call_values& c, Test test) {
    const bound_arguments a("is...", c, {});
    return value(all_code_points(self.as_string(), test));
}

inline constexpr method_entry string_methods[] = {
    {"strip",
     [](renderer& r, const value& s, const call_values& c) { return strip_method(r, s, c, strip_side::both); }},
    {"lstrip",
     [](renderer& r, const value& s, const call_values& c) { return strip_method(r, s, c, strip_side::left); }},
    {"rstrip",
     [](renderer& r, const value& s, const call_values& c) { return strip_method(r, s, c, strip_side::right); }},
    {"split", [](renderer& r, const value& s, const call_values& c) { return split_method(r, s, c, false); }},
    {"rsplit", [](renderer& r, const value& s, const call_values& c) { return split_method(r, s, c, true); }},
    {"splitlines",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("splitlines", c, {"keepends"});
         std::vector<value> out;
         for (marked_text& line : split_lines(s.as_text(), a.truthy(0, false)))
             out.push_back(like(r, s, std::move(line)));
         return r.make_list(std::move(out));
     }},
    {"startswith", [](renderer&, const value& s, const call_values& c) { return starts_or_ends(s, c, false); }},
    {"endswith", [](renderer&, const value& s, const call_values& c) { return starts_or_ends(s, c, true); }},
    {"upper",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("upper", c, {});
         return like(r, s, change_case(s.as_text(), letter_case::upper));
     }},
    {"lower",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("lower", c, {});
         return like(r, s, change_case(s.as_text(), letter_case::lower));
     }},
    {"casefold",
     [](renderer& r, const value& s, const call_values& c) { // full folding differs for a few letters only
         const bound_arguments a("casefold", c, {});
         return like(r, s, change_case(s.as_text(), letter_case::lower));
     }},
    {"title",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("title", c, {});
         return like(r, s, title_text(s.as_text()));
     }},
    {"capitalize",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("capitalize", c, {});
         return like(r, s, capitalize_text(s.as_text()));
     }},
    {"swapcase",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("swapcase", c, {});
         marked_text out;
         for (std::size_t i = 0; i < s.as_text().size();) {
             const char32_t p = decode_utf8(s.as_string(), i).value;
             if (is_uppercase(p)) i += append_cased(out, s.as_text(), i, letter_case::lower);
             else i += append_cased(out, s.as_text(), i, letter_case::upper);
         }
         return like(r, s, std::move(out));
     }},
    {"replace",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("replace", c, {"old", "new", "count"}, 2, 3);
         return like(r, s, replace_text(s.as_text(), a.text(0).view(), a.text(1), a.index(2, -1), r.budget()));
     }},
    {"join",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("join", c, {"iterable"}, 1, 1);
         marked_text out;
         bool first = true;
         item_cursor cursor(a[0]);
         for (value item; cursor.next(r, item); first = false) {
             if (!item.is_string())
                 template_fail("sequence item: expected str instance, " + std::string(type_name(item)) + " found");
             if (!first) out.append(s.as_text());
             out.append(item.as_text());
             r.budget().spend((s.as_text().size() + item.as_text().size()) / 16);
         }
         return like(r, s, std::move(out));
     }},
    {"find", [](renderer&, const value& s, const call_values& c) { return value(find_text(s, c, "find", false)); }},
    {"rfind", [](renderer&, const value& s, const call_values& c) { return value(find_text(s, c, "rfind", true)); }},
    {"index",
     [](renderer&, const value& s, const call_values& c) {
         const std::int64_t at = find_text(s, c, "index", false);
         if (at < 0) template_fail("substring not found");
         return value(at);
     }},
    {"rindex",
     [](renderer&, const value& s, const call_values& c) {
         const std::int64_t at = find_text(s, c, "rindex", true);
         if (at < 0) template_fail("substring not found");
         return value(at);
     }},
    {"count",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("count", c, {"sub", "start", "end"}, 1, 3);
         const text_window w = window_of(s.as_string(), a, 1);
         if (!w.valid) return value(0);
         const std::string_view inside = s.as_string().substr(w.begin, w.end - w.begin);
         const std::string_view sub = a.text(0).view();
         if (sub.empty()) return value(static_cast<std::int64_t>(count_code_points(inside)) + 1);
         std::int64_t n = 0;
         for (std::size_t at = inside.find(sub); at != std::string_view::npos; at = inside.find(sub, at + sub.size()))
             ++n;
         return value(n);
     }},
    {"format", [](renderer& r, const value& s,
                  const call_values& c) { return like(r, s, brace_formatter(r, c).run(s.as_text())); }},
    {"ljust", [](renderer& r, const value& s, const call_values& c) { return justify(r, s, c, '<'); }},
    {"rjust", [](renderer& r, const value& s, const call_values& c) { return justify(r, s, c, '>'); }},
    {"center", [](renderer& r, const value& s, const call_values& c) { return justify(r, s, c, '^'); }},
    {"zfill",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("zfill", c, {"width"}, 1, 1);
         format_spec spec;
         spec.width = a.index(0, 0);
         if (spec.width > max_format_width) template_fail("width too big");
         spec.fill = marked_text("0");
         spec.align = '=';
         const bool is_signed = !s.as_string().empty() && (s.as_string()[0] == '-' || s.as_string()[0] == '+');
         return like(r, s, pad(s.as_text(), spec, '=', is_signed ? 1 : 0));
     }},
    {"removeprefix",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("removeprefix", c, {"prefix"}, 1, 1);
         const std::size_t n = s.as_string().starts_with(a.text(0).view()) ? a.text(0).size() : 0;
         return like(r, s, s.as_text().slice(n, s.as_text().size()));
     }},
    {"removesuffix",
     [](renderer& r, const value& s, const call_values& c) {
         const bound_arguments a("removesuffix", c, {"suffix"}, 1, 1);
         const std::size_t n = s.as_string().ends_with(a.text(0).view()) ? a.text(0).size() : 0;
         return like(r, s, s.as_text().slice(0, s.as_text().size() - n));
     }},
    {"partition", [](renderer& r, const value& s, const call_values& c) { return partition(r, s, c, false); }},
    {"rpartition", [](renderer& r, const value& s, const call_values& c) { return partition(r, s, c, true); }},
    {"isdigit",
     [](renderer&, const value& s, const call_values& c) {
         return classify(s, c, [](char32_t p) { return in_ranges(digit_ranges, p); });
     }},
    {"isnumeric",
     [](renderer&, const value& s, const call_values& c) {
         return classify(s, c, [](char32_t p) { return in_ranges(numeric_ranges, p); });
     }},
    {"isdecimal",
     [](renderer&, const value& s, const call_values& c) {
         return classify(s, c, [](char32_t p) { return decimal_digit(p) >= 0; });
     }},
    {"isalpha", [](renderer&, const value& s,
                   const call_values& c) { return classify(s, c, [](char32_t p) { return is_alphabetic(p); }); }},
    {"isalnum", [](renderer&, const value& s,
                   const call_values& c) { return classify(s, c, [](char32_t p) { return is_alphanumeric(p); }); }},
    {"isspace", [](renderer&, const value& s,
                   const call_values& c) { return classify(s, c, [](char32_t p) { return is_space(p); }); }},
    {"isascii",
     [](renderer&, const value& s, const call_values& c) {
         return value(s.as_text().empty() || classify(s, c, [](char32_t p) { return p < 0x80; }).as_integer() != 0);
     }},
    {"isupper",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("isupper", c, {});
         return value(has_case(s.as_string(), true));
     }},
    {"islower",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("islower", c, {});
         return value(has_case(s.as_string(), false));
     }},
};

inline constexpr method_entry mapping_methods[] = {
    {"get",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("get", c, {"key", "default"}, 1, 2);
         const value* found = s.as_map().find_key(a[0]);
         return found ? *found : a.get(1, value(nullptr));
     }},
    {"items",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("items", c, {});
         return value::adopt(new view_object(s, view_object::part::items));
     }},
    {"keys",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("keys", c, {});
         return value::adopt(new view_object(s, view_object::part::keys));
     }},
    {"values",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("values", c, {});
         return value::adopt(new view_object(s, view_object::part::values));
     }},
    {"copy",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("copy", c, {});
         return s;
     }},
};

[[nodiscard]] inline value sequence_index(renderer& r, const value& s, const call_values& c) {
    const bound_arguments a("index", c, {"value", "start", "stop"}, 1, 3);
    const auto& items = s.items();
    const auto size = static_cast<std::int64_t>(items.size());
    std::int64_t start = a.index(1, 0);
    std::int64_t stop = a.index(2, size);
    if (start < 0) start = start + size < 0 ? 0 : start + size;
    if (stop < 0) stop += size;
    for (std::int64_t i = start; i < stop && i < size; ++i) {
        if (values_equal(items[static_cast<std::size_t>(i)], a[0], r.budget())) return value(i);
    }
    template_fail("value is not in list");
}

[[nodiscard]] inline value sequence_count(renderer& r, const value& s, const call_values& c) {
    const bound_arguments a("count", c, {"value"}, 1, 1);
    std::int64_t n = 0;
    for (const value& item : s.items()) n += item.same_as(a[0]) || values_equal(item, a[0], r.budget()) ? 1 : 0;
    return value(n);
}

inline constexpr method_entry list_methods[] = {
    {"index", sequence_index},
    {"count", sequence_count},
    {"copy",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("copy", c, {});
         return s;
     }},
};
inline constexpr method_entry tuple_methods[] = {{"index", sequence_index}, {"count", sequence_count}};

inline constexpr method_entry loop_methods[] = {
    {"cycle",
     [](renderer&, const value& s, const call_values& c) {
         const auto* loop = object_cast<loop_object>(s, object_kind::loop);
         if (c.positional.empty() || !c.named.empty()) template_fail("no items for cycling given");
         const std::int64_t at = loop->index0 < 0 ? 0 : loop->index0;
         return c.positional[static_cast<std::size_t>(at) % c.positional.size()];
     }},
    {"changed",
     [](renderer& r, const value& s, const call_values& c) {
         auto* loop = object_cast<loop_object>(s, object_kind::loop);
         if (!c.named.empty()) template_fail("changed() takes no keyword arguments");
         value now = value::tuple(c.positional);
         if (!loop->changed.is_missing() && values_equal(loop->changed, now, r.budget())) return value(false);
         if (loop->definition != no_node) loop->changed = std::move(now);
         return value(true);
     }},
};

inline constexpr method_entry cycler_methods[] = {
    {"next",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("next", c, {});
         auto* cycler = object_cast<cycler_object>(s, object_kind::cycler);
         const value v = cycler->items[cycler->position];
         cycler->position = (cycler->position + 1) % cycler->items.size();
         return v;
     }},
    {"reset",
     [](renderer&, const value& s, const call_values& c) {
         const bound_arguments a("reset", c, {});
         object_cast<cycler_object>(s, object_kind::cycler)->position = 0;
         return value(nullptr);
     }},
};

struct method_table {
    const method_entry* entries = nullptr;
    int size = 0;
};

[[nodiscard]] inline method_table methods_of(const value& self) noexcept {
    const auto all = []<std::size_t N>(const method_entry(&table)[N]) {
        return method_table{table, static_cast<int>(N)};
    };
    switch (self.kind()) {
    case value_kind::string: return all(string_methods);
    case value_kind::mapping: return all(mapping_methods);
    case value_kind::list: return all(list_methods);
    case value_kind::tuple: return all(tuple_methods);
    case value_kind::object:
        if (object_cast<loop_object>(self, object_kind::loop)) return all(loop_methods);
        if (object_cast<cycler_object>(self, object_kind::cycler)) return all(cycler_methods);
        return {};
    default: return {};
    }
}

inline int find_method(const value& self, std::string_view name) noexcept {
    const method_table table = methods_of(self);
    for (int i = 0; i < table.size; ++i) {
        if (table.entries[i].name == name) return i;
    }
    return -1;
}

inline std::string_view method_name(const value& self, int index) noexcept {
    return methods_of(self).entries[index].name;
}

inline value call_method(renderer& r, const method_object& method, call_values& arguments) {
    return methods_of(method.self).entries[method.index].run(r, method.self, arguments);
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
