// SPDX-License-Identifier: Apache-2.0
//
// Python's two ways to format: "%s %05.2f" % values, and "{} {name!r:>8}".format(...), with the conversions that make
// sense for the engine's values (str, int, float). Marks of the inserted strings are kept. Also strftime.
#pragma once

#include <apertus/text/jinja/operators.hpp>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// [[fill]align][sign][#][0][width][,][.precision][type]
struct format_spec {
    marked_text fill{std::string(" ")};
    char align = '\0';
    char sign = '-';
    bool alternate = false;
    char grouping = '\0';
    std::int64_t width = 0;
    std::int64_t precision = -1;
    char type = '\0';
};

inline constexpr std::int64_t max_format_width = 1'000'000;

/// Digits of a float as 'e', 'f', 'g' or '%' with a precision; also inf and nan.
[[nodiscard]] inline std::string float_digits(double v, char type, std::int64_t precision, bool alternate) {
    const bool upper = type == 'E' || type == 'F' || type == 'G';
    const char kind = static_cast<char>(type | 0x20);
    std::string out;
    if (v != v || v - v != 0) {
        out = v != v ? "nan" : v > 0 ? "inf" : "-inf";
    } else {
        if (precision > 1000) template_fail("precision too big");
        std::string buffer(static_cast<std::size_t>(precision) + 400, '\0');
        const auto chars = kind == 'e'   ? std::chars_format::scientific
                           : kind == 'f' ? std::chars_format::fixed
                                         : std::chars_format::general;
        const auto r = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v, chars,
                                     static_cast<int>(kind == 'g' && precision == 0 ? 1 : precision));
        buffer.resize(static_cast<std::size_t>(r.ptr - buffer.data()));
        out = std::move(buffer);
        if (alternate && out.find('.') == std::string::npos) {
            const std::size_t e = out.find('e');
            out.insert(e == std::string::npos ? out.size() : e, ".");
        }
    }
    if (upper) {
        for (char& c : out) {
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c ^ 0x20);
        }
    }
    return out;
}

[[nodiscard]] inline std::string integer_digits(std::int64_t v, int base, bool upper) {
    char buffer[72];
    const auto r = std::to_chars(buffer, buffer + sizeof buffer, v, base);
    std::string out(buffer, r.ptr);
    if (upper) {
        for (char& c : out) {
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c ^ 0x20);
        }
    }
    return out;
}

/// Pads a number or a text; '=' puts the fill after the sign and prefix of `lead` bytes.
[[nodiscard]] inline marked_text pad(const marked_text& body, const format_spec& spec, char fallback_align,
                                     std::size_t lead = 0) {
    const auto length = static_cast<std::int64_t>(count_code_points(body.view()));
    if (spec.width <= length) return body;
    const std::int64_t missing = spec.width - length;
    const char align = spec.align != '\0' ? spec.align : fallback_align;
    const std::int64_t left = align == '<' ? 0 : align == '^' ? missing / 2 : missing;
    marked_text out;
    if (align == '=') {
        out.append(body, 0, lead);
        for (std::int64_t i = 0; i < missing; ++i) out.append(spec.fill);
        out.append(body, lead, body.size());
        return out;
    }
    for (std::int64_t i = 0; i < left; ++i) out.append(spec.fill);
    out.append(body);
    for (std::int64_t i = left; i < missing; ++i) out.append(spec.fill);
    return out;
}

inline void group_thousands(std::string& digits, char separator) {
    std::size_t end = 0;
    while (end < digits.size() && ((digits[end] >= '0' && digits[end] <= '9'))) ++end;
    for (std::size_t i = end; i > 3; i -= 3) digits.insert(i - 3, 1, separator);
}

[[nodiscard]] inline format_spec parse_format_spec(const marked_text& text) {
    format_spec spec;
    const std::string_view s = text.view();
    std::size_t i = 0;
    const auto is_align = [](char c) { return c == '<' || c == '>' || c == '=' || c == '^'; };
    if (!s.empty()) {
        const std::size_t length = decode_utf8(s, 0).length;
        if (length < s.size() && is_align(s[length])) {
            spec.fill = text.slice(0, length);
            spec.align = s[length];
            i = length + 1;
        } else if (is_align(s[0])) {
            spec.align = s[0];
            i = 1;
        }
    }
    if (i < s.size() && (s[i] == '+' || s[i] == '-' || s[i] == ' ')) spec.sign = s[i++];
    if (i < s.size() && s[i] == '#') spec.alternate = true, ++i;
    if (i < s.size() && s[i] == '0') {
        if (spec.align == '\0') {
            spec.align = '=';
            spec.fill = marked_text("0");
        } else if (text.view()[0] == spec.align) {
            spec.fill = marked_text("0");
        }
        ++i;
    }
    const auto number = [&](std::int64_t fallback) {
        std::int64_t n = 0;
        const auto r = std::from_chars(s.data() + i, s.data() + s.size(), n);
        if (r.ptr == s.data() + i) return fallback;
        if (r.ec != std::errc{} || n > max_format_width) template_fail("Too many decimal digits in format string");
        i = static_cast<std::size_t>(r.ptr - s.data());
        return n;
    };
    if (i < s.size() && s[i] >= '0' && s[i] <= '9') spec.width = number(0);
    if (i < s.size() && (s[i] == ',' || s[i] == '_')) spec.grouping = s[i++];
    if (i < s.size() && s[i] == '.') {
        ++i;
        spec.precision = i < s.size() && s[i] >= '0' && s[i] <= '9' ? number(-1) : -1;
        if (spec.precision < 0) template_fail("Format specifier missing precision");
    }
    if (i < s.size()) spec.type = s[i++];
    if (i < s.size()) template_fail("Invalid format specifier");
    return spec;
}

[[nodiscard]] inline marked_text format_number(const value& v, const format_spec& spec) {
    const char type = spec.type;
    std::string digits;
    std::string prefix;
    bool plain_digits = true;
    if (!v.is_float() && (type == '\0' || std::string_view("dxXobnc").find(type) != std::string_view::npos)) {
        if (spec.precision >= 0) template_fail("Precision not allowed in integer format specifier");
        if (type == 'c') {
            if (v.as_integer() < 0 || v.as_integer() > 0x10ffff) template_fail("%c arg not in range(0x110000)");
            append_utf8(digits, static_cast<char32_t>(v.as_integer()));
            return pad(marked_text(digits), spec, '<');
        }
        const int base = type == 'x' || type == 'X' ? 16 : type == 'o' ? 8 : type == 'b' ? 2 : 10;
        digits = integer_digits(v.as_integer(), base, type == 'X');
        if (spec.alternate && base != 10) prefix = std::string("0") + type;
    } else if (type == '\0' && v.is_float()) {
        if (spec.precision < 0) {
            digits = float_repr(v.as_double());
        } else { // like 'g', but with at least one digit after the point
            const double d = v.as_double();
            digits = float_digits(d, 'g', spec.precision == 0 ? 1 : spec.precision, false);
            if (digits.find_first_of(".eni") == std::string::npos) digits += ".0";
        }
    } else if (std::string_view("eEfFgG%").find(type) != std::string_view::npos) {
        const double d = v.as_double() * (type == '%' ? 100.0 : 1.0);
        digits = float_digits(d, type == '%' ? 'f' : type, spec.precision < 0 ? 6 : spec.precision, spec.alternate);
        if (type == '%') digits += '%';
    } else if (type == 'n' && v.is_float()) {
        digits = float_digits(v.as_double(), 'g', spec.precision < 0 ? 6 : spec.precision, false);
    } else {
        template_fail("Unknown format code '" + std::string(1, type) + "' for object of type '" +
                      std::string(type_name(v)) + "'");
    }
    std::string sign;
    if (digits.front() == '-') {
        sign = "-";
        digits.erase(0, 1);
    } else if (spec.sign != '-') {
        sign = spec.sign;
    }
    if (spec.grouping != '\0' && plain_digits) group_thousands(digits, spec.grouping);
    const std::size_t lead = sign.size() + prefix.size();
    return pad(marked_text(sign + prefix + digits), spec, '>', lead);
}

/// format(v, spec)
[[nodiscard]] inline marked_text format_value(renderer& r, const value& v, const marked_text& text) {
    if (text.empty()) return r.str(v);
    const format_spec spec = parse_format_spec(text);
    if (v.is_number() && !(v.is_boolean() && spec.type == '\0' && false)) {
        if (v.is_boolean() && spec.type == '\0') return format_number(value(v.as_integer()), spec);
        return format_number(v, spec);
    }
    if (!v.is_string())
        template_fail("unsupported format string passed to " + std::string(type_name(v)) + ".__format__");
    if ((spec.type != '\0' && spec.type != 's') || spec.align == '=' || spec.sign != '-' || spec.alternate ||
        spec.grouping != '\0') {
        template_fail("format specifier not allowed for strings");
    }
    marked_text body = v.as_text();
    if (spec.precision >= 0) body.truncate(byte_of_code_point(body.view(), static_cast<std::size_t>(spec.precision)));
    return pad(body, spec, '<');
}

inline marked_text percent_format(renderer& r, const marked_text& text, const value& arguments) {
    const std::string_view s = text.view();
    marked_text out;
    std::size_t used = 0;
    const bool is_tuple = arguments.is_tuple();
    const auto next = [&]() -> value {
        if (is_tuple ? used >= arguments.items().size() : used > 0)
            template_fail("not enough arguments for format string");
        ++used;
        return is_tuple ? arguments.items()[used - 1] : arguments;
    };
    for (std::size_t i = 0; i < s.size();) {
        const std::size_t at = s.find('%', i);
        if (at == std::string_view::npos) {
            out.append(text, i, s.size());
            break;
        }
        out.append(text, i, at);
        i = at + 1;
        format_spec spec;
        bool left = false;
        bool zero = false;
        bool keyed = false;
        value item;
        if (i < s.size() && s[i] == '(') {
            std::size_t depth = 1;
            std::size_t end = i + 1;
            for (; end < s.size() && depth > 0; ++end)
                depth += s[end] == '(' ? 1U : s[end] == ')' ? static_cast<std::size_t>(-1) : 0U;
            if (depth > 0) template_fail("incomplete format key");
            if (!arguments.is_mapping()) template_fail("format requires a mapping");
            const value* found = arguments.as_map().find(s.substr(i + 1, end - i - 2));
            if (!found) template_fail("KeyError: " + quoted(s.substr(i + 1, end - i - 2)));
            item = *found;
            keyed = true;
            i = end;
        }
        for (; i < s.size() && std::string_view("-+ #0").find(s[i]) != std::string_view::npos; ++i) {
            if (s[i] == '-') left = true;
            else if (s[i] == '0') zero = true;
            else if (s[i] == '#') spec.alternate = true;
            else if (s[i] == '+' || spec.sign != '+') spec.sign = s[i];
        }
        const auto number = [&](std::int64_t& target) {
            if (i < s.size() && s[i] == '*') {
                target = to_index(next());
                ++i;
            } else {
                target = 0;
                for (; i < s.size() && s[i] >= '0' && s[i] <= '9' && target <= max_format_width; ++i)
                    target = target * 10 + (s[i] - '0');
            }
            if (target > max_format_width) template_fail("width too big");
        };
        number(spec.width);
        if (spec.width < 0) {
            left = true;
            spec.width = -spec.width;
            if (spec.width > max_format_width) template_fail("width too big");
        }
        if (i < s.size() && s[i] == '.') {
            ++i;
            number(spec.precision);
            if (spec.precision < 0) spec.precision = 0;
        }
        while (i < s.size() && (s[i] == 'l' || s[i] == 'h' || s[i] == 'L')) ++i;
        if (i >= s.size()) template_fail("incomplete format");
        const char type = s[i++];
        if (type == '%') {
            out.push_back('%', text.from_user(at));
            continue;
        }
        if (!keyed) item = next();
        if (left) spec.align = '<';
        marked_text body;
        if (type == 's' || type == 'r' || type == 'a') {
            if (type == 's') body = r.str(item);
            else append_repr(body, item, r.budget());
            if (spec.precision >= 0)
                body.truncate(byte_of_code_point(body.view(), static_cast<std::size_t>(spec.precision)));
            body = pad(body, spec, '>');
        } else if (type == 'c' && item.is_string() && count_code_points(item.as_string()) == 1) {
            body = pad(item.as_text(), spec, '>');
        } else if (std::string_view("diuxXoeEfFgGc").find(type) != std::string_view::npos) {
            if (!item.is_number() ||
                (item.is_float() && std::string_view("xXoc").find(type) != std::string_view::npos)) {
                if (item.is_undefined()) renderer::fail_undefined(item);
                template_fail("%" + std::string(1, type) + " format: a number is required, not " +
                              std::string(type_name(item)));
            }
            const bool whole = std::string_view("diuxXoc").find(type) != std::string_view::npos;
            spec.type = type == 'i' || type == 'u' ? 'd' : type;
            if (whole && item.is_float()) {
                const double d = item.as_double();
                if (!(d > -9.2e18 && d < 9.2e18)) template_fail("cannot convert float to a 64-bit integer");
                item = value(static_cast<std::int64_t>(d));
            }
            if (zero && !left) {
                spec.align = '=';
                spec.fill = marked_text("0");
            }
            if (type == 'c') spec.align = left ? '<' : '>';
            std::int64_t digits = -1;
            if (whole) std::swap(digits, spec.precision);
            if (digits > 0 && type != 'c') { // "%.5d": at least five digits
                format_spec inner = spec;
                inner.width = 0;
                std::string plain = format_number(item, inner).bytes();
                const std::size_t lead = plain.find_first_of("0123456789abcdefABCDEF");
                const std::size_t have = plain.size() - lead;
                if (static_cast<std::size_t>(digits) > have)
                    plain.insert(lead, static_cast<std::size_t>(digits) - have, '0');
                body = pad(marked_text(plain), spec, '>', lead);
            } else {
                body = format_number(item, spec);
            }
        } else {
            template_fail("unsupported format character '" + std::string(1, type) + "'");
        }
        r.charge(body.size());
        out.append(body);
        r.charge(out.size() / 64);
    }
    const bool mapping_like = arguments.is_mapping() || arguments.is_list() || arguments.is_undefined();
    if (is_tuple ? used < arguments.items().size() : used == 0 && !mapping_like) {
        template_fail("not all arguments converted during string formatting");
    }
    r.charge(out.size());
    return out;
}

/// text.format(...): fields {}, {0}, {name}, {a.b[c]}, conversions !s !r !a, nested specs one deep.
class brace_formatter {
public:
    brace_formatter(renderer& r, const call_values& arguments) : r_(r), arguments_(arguments) {}

    marked_text run(const marked_text& text, int depth = 0) {
        if (depth > 1) template_fail("Max string recursion exceeded");
        const std::string_view s = text.view();
        marked_text out;
        for (std::size_t i = 0; i < s.size();) {
            const char c = s[i];
            if (c != '{' && c != '}') {
                std::size_t end = s.find_first_of("{}", i);
                if (end == std::string_view::npos) end = s.size();
                out.append(text, i, end);
                i = end;
                continue;
            }
            if (i + 1 < s.size() && s[i + 1] == c) {
                out.push_back(c, text.from_user(i));
                i += 2;
                continue;
            }
            if (c == '}') template_fail("Single '}' encountered in format string");
            std::size_t end = i + 1;
            int nested = 1;
            for (; end < s.size() && nested > 0; ++end) nested += s[end] == '{' ? 1 : s[end] == '}' ? -1 : 0;
            if (nested > 0) template_fail("expected '}' before end of string");
            out.append(field(text.slice(i + 1, end - 1), depth));
            r_.charge(out.size() / 64);
            i = end;
        }
        return out;
    }

private:
    marked_text field(const marked_text& text, int depth) {
        const std::string_view s = text.view();
        std::size_t name_end = 0;
        int brackets = 0;
        for (; name_end < s.size(); ++name_end) {
            if (s[name_end] == '[') ++brackets;
            else if (s[name_end] == ']') --brackets;
            else if (brackets <= 0 && (s[name_end] == ':' || s[name_end] == '!')) break;
        }
        value v = lookup(s.substr(0, name_end));
        std::size_t i = name_end;
        if (i < s.size() && s[i] == '!') {
            if (i + 1 >= s.size() || (i + 2 < s.size() && s[i + 2] != ':'))
                template_fail("expected ':' after conversion specifier");
            const char conversion = s[i + 1];
            if (conversion == 'r' || conversion == 'a') {
                marked_text repr;
                append_repr(repr, v, r_.budget());
                v = value(std::move(repr));
            } else if (conversion == 's') {
                v = value(r_.str(v));
            } else {
                template_fail("Unknown conversion specifier");
            }
            i += 2;
        }
        const marked_text spec = i < s.size() ? run(text.slice(i + 1, s.size()), depth + 1) : marked_text();
        marked_text out = format_value(r_, v, spec);
        r_.charge(out.size());
        return out;
    }

    value lookup(std::string_view name) {
        const std::size_t head = name.find_first_of(".[");
        const std::string_view first = name.substr(0, head);
        value v;
        std::int64_t index = 0;
        const auto parsed = std::from_chars(first.data(), first.data() + first.size(), index);
        const bool is_number = !first.empty() && parsed.ptr == first.data() + first.size() && first[0] != '-';
        if (first.empty() || is_number) {
            if (first.empty() ? manual_ : automatic_ > 0)
                template_fail("cannot switch between automatic field numbering and manual field specification");
            if (first.empty()) index = automatic_++;
            else manual_ = true;
            if (static_cast<std::size_t>(index) >= arguments_.positional.size())
                template_fail("Replacement index " + std::to_string(index) + " out of range for positional args tuple");
            v = arguments_.positional[static_cast<std::size_t>(index)];
        } else {
            const value* found = arguments_.find(first);
            if (!found) template_fail("KeyError: " + quoted(first));
            v = *found;
        }
        std::size_t i = head == std::string_view::npos ? name.size() : head;
        while (i < name.size()) {
            if (name[i] == '.') {
                const std::size_t end = name.find_first_of(".[", i + 1);
                const std::string_view attribute =
                    name.substr(i + 1, end == std::string_view::npos ? end : end - i - 1);
                if (attribute.empty()) template_fail("Empty attribute in format string");
                v = r_.get_attribute(v, attribute);
                i = end == std::string_view::npos ? name.size() : end;
            } else if (name[i] == '[') {
                const std::size_t end = name.find(']', i);
                if (end == std::string_view::npos) template_fail("Missing ']' in format string");
                const std::string_view key = name.substr(i + 1, end - i - 1);
                if (key.empty()) template_fail("Empty attribute in format string");
                std::int64_t number = 0;
                const auto k = std::from_chars(key.data(), key.data() + key.size(), number);
                const bool integer = k.ptr == key.data() + key.size() && key[0] != '-';
                v = r_.get_item(v, integer ? value(number) : value(key));
                i = end + 1;
            } else {
                template_fail("Only '.' or '[' may follow ']' in format field specifier");
            }
        }
        return v;
    }

    renderer& r_;
    const call_values& arguments_;
    std::int64_t automatic_ = 0;
    bool manual_ = false;
};

/// Days since 1970-01-01 of a date of the proleptic Gregorian calendar.
[[nodiscard]] constexpr std::int64_t days_from_civil(std::int64_t y, int m, int d) noexcept {
    y -= m <= 2 ? 1 : 0;
    const std::int64_t era = (y >= 0 ? y : y - 399) / 400;
    const std::int64_t year_of_era = y - era * 400;
    const std::int64_t day_of_year = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
    const std::int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/// strftime in the C locale; unknown directives are kept as they are, as glibc does.
inline std::string format_time(std::string_view format, const civil_time& t) {
    static constexpr std::string_view months[] = {"January",   "February", "March",    "April",
                                                  "May",       "June",     "July",     "August",
                                                  "September", "October",  "November", "December"};
    static constexpr std::string_view days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                "Thursday", "Friday", "Saturday"};
    const std::int64_t day_number = days_from_civil(t.year, t.month, t.day);
    const auto weekday = static_cast<int>(((day_number + 4) % 7 + 7) % 7);
    const auto year_day = static_cast<int>(day_number - days_from_civil(t.year, 1, 1));
    const std::string_view month = months[t.month >= 1 && t.month <= 12 ? t.month - 1 : 0];
    const int hour12 = t.hour % 12 == 0 ? 12 : t.hour % 12;
    std::string out;
    for (std::size_t i = 0; i < format.size(); ++i) {
        if (format[i] != '%' || i + 1 >= format.size()) {
            out += format[i];
            continue;
        }
        std::size_t at = i + 1;
        char pad = '0';
        if ((format[at] == '-' || format[at] == '_') && at + 1 < format.size()) pad = format[at++] == '-' ? '\0' : ' ';
        const auto number = [&](int n, int width, char fill) {
            const char padding = pad == '0' ? fill : pad;
            const std::string digits = std::to_string(n);
            for (int k = static_cast<int>(digits.size()); k < width && padding != '\0'; ++k) out += padding;
            out += digits;
        };
        switch (format[at]) {
        case 'Y': number(t.year, 1, '0'); break;
        case 'C': number(t.year / 100, 2, '0'); break;
        case 'y': number(((t.year % 100) + 100) % 100, 2, '0'); break;
        case 'm': number(t.month, 2, '0'); break;
        case 'd': number(t.day, 2, '0'); break;
        case 'e': number(t.day, 2, ' '); break;
        case 'H': number(t.hour, 2, '0'); break;
        case 'k': number(t.hour, 2, ' '); break;
        case 'I': number(hour12, 2, '0'); break;
        case 'l': number(hour12, 2, ' '); break;
        case 'M': number(t.minute, 2, '0'); break;
        case 'S': number(t.second, 2, '0'); break;
        case 'f': out += "000000"; break;
        case 'j': number(year_day + 1, 3, '0'); break;
        case 'w': number(weekday, 1, '0'); break;
        case 'u': number(weekday == 0 ? 7 : weekday, 1, '0'); break;
        case 'U': number((year_day + 7 - weekday) / 7, 2, '0'); break;
        case 'W': number((year_day + 7 - (weekday + 6) % 7) / 7, 2, '0'); break;
        case 'B': out += month; break;
        case 'b':
        case 'h': out += month.substr(0, 3); break;
        case 'A': out += days[weekday]; break;
        case 'a': out += days[weekday].substr(0, 3); break;
        case 'p': out += t.hour < 12 ? "AM" : "PM"; break;
        case 'F': out += format_time("%Y-%m-%d", t); break;
        case 'T':
        case 'X': out += format_time("%H:%M:%S", t); break;
        case 'R': out += format_time("%H:%M", t); break;
        case 'r': out += format_time("%I:%M:%S %p", t); break;
        case 'D':
        case 'x': out += format_time("%m/%d/%y", t); break;
        case 'c': out += format_time("%a %b %e %H:%M:%S %Y", t); break;
        case 'n': out += '\n'; break;
        case 't': out += '\t'; break;
        case 'z':
        case 'Z': break; // a naive datetime has no zone
        case '%': out += '%'; break;
        default: out.append(format.substr(i, at - i + 1));
        }
        i = at;
    }
    return out;
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
