// SPDX-License-Identifier: Apache-2.0
//
// Values as text, byte for byte as CPython writes them: str(), repr() and json.dumps(), floats in their shortest form
// ("1.0", "1e-07", "1e+16", "inf"). The marks of user text survive; quotes, brackets and separators are scaffolding.
#pragma once

#include <apertus/text/jinja/python_text.hpp>
#include <apertus/text/value.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// repr(float).
[[nodiscard]] inline std::string float_repr(double v) {
    if (v != v) return "nan";
    if (v > 1.7976931348623157e308) return "inf";
    if (v < -1.7976931348623157e308) return "-inf";
    char buffer[40];
    const auto written = std::to_chars(buffer, buffer + sizeof buffer, v, std::chars_format::scientific);
    std::string_view text(buffer, static_cast<std::size_t>(written.ptr - buffer)); // [-]d[.ddd]e[+-]dd
    std::string out;
    if (text.front() == '-') {
        out = "-";
        text.remove_prefix(1);
    }
    const std::size_t e = text.find('e');
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    std::string digits(text.substr(0, 1));
    if (e > 2) digits.append(text.substr(2, e - 2));
    if (exponent < -4 || exponent >= 16) {
        out += digits[0];
        if (digits.size() > 1) out.append(".").append(digits, 1);
        out += exponent < 0 ? "e-" : "e+";
        const int magnitude = exponent < 0 ? -exponent : exponent;
        if (magnitude < 10) out += '0';
        return out + std::to_string(magnitude);
    }
    if (exponent < 0) return out + "0." + std::string(static_cast<std::size_t>(-exponent - 1), '0') + digits;
    const auto whole = static_cast<std::size_t>(exponent) + 1;
    if (digits.size() <= whole) return out + digits + std::string(whole - digits.size(), '0') + ".0";
    return out + digits.substr(0, whole) + "." + digits.substr(whole);
}

inline void append_hex(std::string& out, std::uint32_t number, int digits) {
    for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4) out += "0123456789abcdef"[(number >> shift) & 15];
}

/// repr(str).
inline void append_string_repr(marked_text& out, const marked_text& text, work_budget& budget) {
    const std::string_view s = text.view();
    budget.spend(s.size() / 8);
    const char quote = s.find('\'') != std::string_view::npos && s.find('"') == std::string_view::npos ? '"' : '\'';
    out.push_back(quote);
    for (std::size_t i = 0; i < s.size();) {
        const code_point c = decode_utf8(s, i);
        std::string escaped;
        if (!c.valid) {
            escaped = "\\udc";
            append_hex(escaped, static_cast<unsigned char>(s[i]), 2);
        } else if (c.value == static_cast<char32_t>(quote) || c.value == '\\')
            escaped = {'\\', static_cast<char>(c.value)};
        else if (c.value == '\n') escaped = "\\n";
        else if (c.value == '\r') escaped = "\\r";
        else if (c.value == '\t') escaped = "\\t";
        else if (c.value < 0x20 || (c.value >= 0x7f && in_ranges(unprintable_ranges, c.value))) {
            escaped = c.value < 0x100 ? "\\x" : c.value < 0x10000 ? "\\u" : "\\U";
            append_hex(escaped, static_cast<std::uint32_t>(c.value), c.value < 0x100 ? 2 : c.value < 0x10000 ? 4 : 8);
        }
        if (escaped.empty()) out.append(text, i, i + c.length);
        else out.append(escaped, text.from_user(i));
        i += c.length;
    }
    out.push_back(quote);
}

/// A container that is being printed, and the ones around it. Values are trees except for namespaces, which can hold
/// themselves; what is met again below a namespace prints as dots, as in Python.
struct repr_frame {
    value container;
    const repr_frame* outer = nullptr;
    bool below_namespace = false;
    std::uint32_t depth = 0;

    repr_frame(const value& v, const repr_frame* o, bool is_namespace = false)
        : container(v), outer(o), below_namespace(is_namespace || (o && o->below_namespace)),
          depth(o ? o->depth + 1 : 0) {
        if (depth > 2 * value_max_depth) template_fail("value nested too deeply to be printed");
    }
};

[[nodiscard]] inline bool is_being_printed(const value& v, const repr_frame* frame) noexcept {
    if (!frame || !frame->below_namespace) return false;
    for (; frame; frame = frame->outer) {
        if (frame->container.same_as(v)) return true;
    }
    return false;
}

/// str() and repr() of anything; objects of the engine write themselves through this hook.
class printable_object : public value_object {
public:
    using value_object::value_object;
    /// `self` is the value that holds this object.
    virtual void print(marked_text& out, work_budget& budget, const value& self, const repr_frame* outer) const = 0;
};

inline void append_repr(marked_text& out, const value& v, work_budget& budget, const repr_frame* outer = nullptr);

inline void append_repr_list(marked_text& out, const value& list, char open, char close, work_budget& budget,
                             const repr_frame* outer) {
    out.push_back(open);
    if (is_being_printed(list, outer)) {
        out.append("...");
    } else {
        const repr_frame frame(list, outer);
        const std::vector<value>& items = list.items();
        for (std::size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out.append(", ");
            append_repr(out, items[i], budget, &frame);
        }
        if (open == '(' && items.size() == 1) out.push_back(',');
    }
    out.push_back(close);
}

inline void append_repr_map(marked_text& out, const value_map& map, work_budget& budget, const repr_frame& frame) {
    out.push_back('{');
    for (std::size_t i = 0; i < map.size(); ++i) {
        if (i > 0) out.append(", ");
        append_repr(out, map[i].first, budget, &frame);
        out.append(": ");
        append_repr(out, map[i].second, budget, &frame);
    }
    out.push_back('}');
}

inline void append_repr(marked_text& out, const value& v, work_budget& budget, const repr_frame* outer) {
    budget.spend(2);
    switch (v.kind()) {
    case value_kind::undefined: out.append("Undefined"); break;
    case value_kind::none: out.append("None"); break;
    case value_kind::boolean: out.append(v.as_integer() != 0 ? "True" : "False"); break;
    case value_kind::integer: out.append(std::to_string(v.as_integer())); break;
    case value_kind::floating: out.append(float_repr(v.as_double())); break;
    case value_kind::string:
        if (v.is_markup()) out.append("Markup(");
        append_string_repr(out, v.as_text(), budget);
        if (v.is_markup()) out.append(")");
        break;
    case value_kind::list: append_repr_list(out, v, '[', ']', budget, outer); break;
    case value_kind::tuple: append_repr_list(out, v, '(', ')', budget, outer); break;
    case value_kind::mapping:
        if (is_being_printed(v, outer)) out.append("{...}");
        else append_repr_map(out, v.as_map(), budget, repr_frame(v, outer));
        break;
    case value_kind::object:
        if (const auto* printable = dynamic_cast<const printable_object*>(&v.as_object()))
            printable->print(out, budget, v, outer);
        else out.append("<" + std::string(v.as_object().type_name()) + " object>");
        break;
    }
}

/// Appends str(v): a string itself, nothing for undefined, repr() of everything else.
inline void append_str(marked_text& out, const value& v, work_budget& budget) {
    if (v.is_string()) {
        budget.spend(v.as_text().size() / 16);
        out.append(v.as_text());
    } else if (!v.is_undefined()) {
        append_repr(out, v, budget);
    }
}

[[nodiscard]] inline marked_text to_text(const value& v, work_budget& budget) {
    marked_text out;
    append_str(out, v, budget);
    return out;
}

} // namespace detail::jinja

/// How json.dumps writes: Python's defaults, but characters outside ASCII unescaped (as Hugging Face's `tojson`).
struct json_style {
    bool ensure_ascii = false;
    bool pretty = false;               ///< one element per line, each level indented by `indent`
    std::string indent;                ///< used when pretty
    std::string item_separator = ", "; ///< "," is Python's default when pretty
    std::string key_separator = ": ";
    bool sort_keys = false;
};

namespace detail::jinja {

[[nodiscard]] bool values_less(const value& a, const value& b, work_budget& budget);

inline void append_json_string(marked_text& out, const marked_text& text, bool ensure_ascii, work_budget& budget) {
    const std::string_view s = text.view();
    budget.spend(s.size() / 8);
    out.push_back('"');
    std::size_t plain = 0;
    const auto escape = [&](std::size_t at, std::size_t length, const std::string& escaped) {
        out.append(text, plain, at);
        out.append(escaped, text.from_user(at));
        plain = at + length;
    };
    for (std::size_t i = 0; i < s.size();) {
        const auto byte = static_cast<unsigned char>(s[i]);
        std::size_t length = 1;
        if (byte == '"') escape(i, 1, "\\\"");
        else if (byte == '\\') escape(i, 1, "\\\\");
        else if (byte == '\n') escape(i, 1, "\\n");
        else if (byte == '\r') escape(i, 1, "\\r");
        else if (byte == '\t') escape(i, 1, "\\t");
        else if (byte == '\b') escape(i, 1, "\\b");
        else if (byte == '\f') escape(i, 1, "\\f");
        else if (byte < 0x20 || (ensure_ascii && byte >= 0x7f)) {
            const code_point c = decode_utf8(s, i);
            length = c.length;
            std::string escaped = "\\u";
            if (c.value >= 0x10000) {
                append_hex(escaped, 0xd800 + ((static_cast<std::uint32_t>(c.value) - 0x10000) >> 10), 4);
                escaped += "\\u";
                append_hex(escaped, 0xdc00 + (static_cast<std::uint32_t>(c.value) & 0x3ff), 4);
            } else {
                append_hex(escaped, static_cast<std::uint32_t>(c.value), 4);
            }
            escape(i, length, escaped);
        }
        i += length;
    }
    out.append(text, plain, s.size());
    out.push_back('"');
}

/// json.dumps(v).
inline void append_json(marked_text& out, const value& v, const json_style& style, work_budget& budget,
                        std::size_t level = 0) {
    budget.spend(2);
    const auto new_line = [&](std::size_t depth) {
        if (!style.pretty) return;
        budget.spend(depth * style.indent.size() / 16);
        out.push_back('\n');
        for (std::size_t i = 0; i < depth; ++i) out.append(style.indent);
    };
    const auto number = [&](const value& n) {
        if (n.is_boolean()) out.append(n.as_integer() != 0 ? "true" : "false");
        else if (n.is_integer()) out.append(std::to_string(n.as_integer()));
        else {
            const std::string text = float_repr(n.as_double());
            out.append(text == "nan" ? "NaN" : text == "inf" ? "Infinity" : text == "-inf" ? "-Infinity" : text);
        }
    };
    switch (v.kind()) {
    case value_kind::none: out.append("null"); return;
    case value_kind::boolean:
    case value_kind::integer:
    case value_kind::floating: number(v); return;
    case value_kind::string: append_json_string(out, v.as_text(), style.ensure_ascii, budget); return;
    case value_kind::list:
    case value_kind::tuple: {
        out.push_back('[');
        for (std::size_t i = 0; i < v.items().size(); ++i) {
            if (i > 0) out.append(style.item_separator);
            new_line(level + 1);
            append_json(out, v.items()[i], style, budget, level + 1);
        }
        if (!v.items().empty()) new_line(level);
        out.push_back(']');
        return;
    }
    case value_kind::mapping: {
        std::vector<const value_map::entry*> entries;
        for (const auto& entry : v.as_map()) entries.push_back(&entry);
        if (style.sort_keys) { // insertion sort keeps equal keys in order; keys are few
            for (std::size_t i = 1; i < entries.size(); ++i) {
                const auto* moving = entries[i];
                std::size_t j = i;
                for (; j > 0 && values_less(moving->first, entries[j - 1]->first, budget); --j)
                    entries[j] = entries[j - 1];
                entries[j] = moving;
            }
        }
        out.push_back('{');
        bool first = true;
        for (const auto* entry : entries) {
            if (!first) out.append(style.item_separator);
            first = false;
            new_line(level + 1);
            if (entry->first.is_string()) {
                append_json_string(out, entry->first.as_text(), style.ensure_ascii, budget);
            } else if (entry->first.is_number() || entry->first.is_none()) {
                out.push_back('"');
                if (entry->first.is_none()) out.append("null");
                else number(entry->first);
                out.push_back('"');
            } else {
                template_fail("keys must be str, int, float, bool or None, not " +
                              std::string(type_name(entry->first)));
            }
            out.append(style.key_separator);
            append_json(out, entry->second, style, budget, level + 1);
        }
        if (!entries.empty()) new_line(level);
        out.push_back('}');
        return;
    }
    case value_kind::undefined:
    case value_kind::object: break;
    }
    template_fail("Object of type " + std::string(type_name(v)) + " is not JSON serializable");
}

/// Python's `a < b`; fails for types without an order.
inline bool values_less(const value& a, const value& b, work_budget& budget) {
    budget.spend(1);
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == -1;
    if (a.is_string() && b.is_string()) return a.as_string() < b.as_string();
    if (a.kind() == b.kind() && (a.is_list() || a.is_tuple())) {
        const auto& x = a.items();
        const auto& y = b.items();
        for (std::size_t i = 0; i < x.size() && i < y.size(); ++i) {
            if (!x[i].same_as(y[i]) && !values_equal(x[i], y[i], budget)) return values_less(x[i], y[i], budget);
        }
        return x.size() < y.size();
    }
    if (a.is_undefined() || b.is_undefined())
        template_fail(std::string((a.is_undefined() ? a : b).undefined_message()));
    template_fail("'<' not supported between instances of '" + std::string(type_name(a)) + "' and '" +
                  std::string(type_name(b)) + "'");
}

} // namespace detail::jinja

/// Python's str(v), as plain bytes.
[[nodiscard]] inline std::string to_string(const value& v) {
    detail::jinja::work_budget budget(20'000'000);
    return detail::jinja::to_text(v, budget).bytes();
}

/// Python's repr(v), as plain bytes.
[[nodiscard]] inline std::string to_repr(const value& v) {
    detail::jinja::work_budget budget(20'000'000);
    marked_text out;
    detail::jinja::append_repr(out, v, budget);
    return out.bytes();
}

/// Python's json.dumps(v) in the given style, marks kept.
[[nodiscard]] inline marked_text to_json_text(const value& v, const json_style& style = {}) {
    detail::jinja::work_budget budget(20'000'000);
    marked_text out;
    detail::jinja::append_json(out, v, style, budget);
    return out;
}

APERTUS_END_NAMESPACE
