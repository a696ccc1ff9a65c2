// SPDX-License-Identifier: Apache-2.0
//
// The dynamic value that chat templates compute with. It behaves like the Python object that Jinja sees: none, bool,
// int (64 bits; an operation that would leave them is an error), float, str, list, tuple, dict in insertion order, and
// opaque objects (macros, namespaces, iterators). Copies share their contents, which never change, so a copy costs one
// counter and any number of threads may read one value. Strings carry their origin (value_text.hpp).
// Equality and hashing are Python's: 1 == 1.0 == True, and these three are one dictionary key.
#pragma once

#include <apertus/core/error.hpp>
#include <apertus/text/value_text.hpp>

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

class value;
class value_map;

/// What a value holds.
enum class value_kind : std::uint8_t {
    undefined,
    none,
    boolean,
    integer,
    floating,
    string,
    list,
    tuple,
    mapping,
    object
};

namespace detail::jinja {

/// Deepest nesting of containers (and of objects that hold values). Building a deeper one is an error, so that no
/// walk over a value can exhaust the stack.
inline constexpr std::uint32_t value_max_depth = 200;

/// What the engine throws while it evaluates; the renderer adds the template's name and the line.
class template_failure : public error {
public:
    explicit template_failure(const std::string& message) : error(error_category::chat_template, message) {}
};

[[noreturn]] inline void template_fail(const std::string& message) { throw template_failure(message); }

/// Counts work (nodes evaluated, values compared, bytes made) against a limit.
class work_budget {
public:
    explicit work_budget(std::uint64_t limit) : left_(limit) {}

    void spend(std::uint64_t amount) {
        if (amount > left_) template_fail("the template does too much work (limit of steps reached)");
        left_ -= amount;
    }

private:
    std::uint64_t left_;
};

/// Shared, counted contents of a value.
struct value_rep {
    mutable std::atomic<std::uint32_t> references{1};
    std::uint32_t depth = 0;

    value_rep() = default;
    explicit value_rep(std::uint32_t nesting) : depth(nesting) {
        if (nesting > value_max_depth) template_fail("value nested too deeply (limit 200)");
    }
    value_rep(const value_rep&) = delete;
    value_rep& operator=(const value_rep&) = delete;
    virtual ~value_rep() = default;
};

struct string_rep;
struct sequence_rep;
struct mapping_rep;
struct undefined_rep;

} // namespace detail::jinja

/// Base of opaque objects; the engine's own kinds are in jinja/objects.hpp.
class value_object : public detail::jinja::value_rep {
public:
    using value_rep::value_rep;
    /// Python's name of the type, for messages ("Macro", "range").
    [[nodiscard]] virtual std::string_view type_name() const = 0;
    /// Whether it may be a dictionary key (by identity).
    [[nodiscard]] virtual bool hashable() const { return true; }
};

/// See the head of this file. Default-constructed it is undefined, which a template sees as a missing variable.
class value {
public:
    value() noexcept : data_{.integer = 0} {}
    // Implicit, so that values are written as in Python: {"role", "user"}.
    // NOLINTBEGIN(google-explicit-constructor)
    value(std::nullptr_t) noexcept : kind_(value_kind::none), data_{.integer = 0} {}
    value(bool v) noexcept : kind_(value_kind::boolean), data_{.integer = v ? 1 : 0} {}
    value(int v) noexcept : kind_(value_kind::integer), data_{.integer = v} {}
    value(std::int64_t v) noexcept : kind_(value_kind::integer), data_{.integer = v} {}
    value(double v) noexcept : kind_(value_kind::floating), data_{.floating = v} {}
    value(const char* text) : value(std::string(text)) {}
    value(std::string_view text) : value(std::string(text)) {}
    /// A string of the host or the template (trusted); see user_text for the other kind.
    value(std::string text) : value(marked_text(std::move(text))) {}
    value(marked_text text);
    value(value_map map);
    // NOLINTEND(google-explicit-constructor)

    value(const value& other) noexcept : kind_(other.kind_), markup_(other.markup_), data_(other.data_) { retain(); }
    value(value&& other) noexcept : kind_(other.kind_), markup_(other.markup_), data_(other.data_) {
        other.kind_ = value_kind::undefined;
        other.data_.integer = 0;
    }
    value& operator=(const value& other) noexcept {
        value copy(other);
        swap(copy);
        return *this;
    }
    value& operator=(value&& other) noexcept {
        value moved(std::move(other));
        swap(moved);
        return *this;
    }
    ~value() { release(); }

    void swap(value& other) noexcept {
        std::swap(kind_, other.kind_);
        std::swap(markup_, other.markup_);
        std::swap(data_, other.data_);
    }

    /// A string that the user wrote: special-token text in it stays text.
    [[nodiscard]] static value user_text(std::string text) { return value(marked_text(std::move(text), true)); }
    [[nodiscard]] static value list(std::vector<value> items = {});
    [[nodiscard]] static value tuple(std::vector<value> items = {});
    /// An undefined value that says why when it is used ("'x' is undefined").
    [[nodiscard]] static value undefined(std::string message);
    /// A string that Jinja's `safe` marked as HTML (a Markup): `+` escapes what is added to it.
    [[nodiscard]] static value markup(marked_text text) {
        value out(std::move(text));
        out.markup_ = true;
        return out;
    }
    /// Takes one reference over from `object`.
    [[nodiscard]] static value adopt(value_object* object) noexcept {
        value out;
        out.kind_ = value_kind::object;
        out.data_.rep = object;
        return out;
    }

    [[nodiscard]] value_kind kind() const noexcept { return kind_; }
    [[nodiscard]] bool is_undefined() const noexcept { return kind_ == value_kind::undefined; }
    /// Undefined without a message: an unset variable.
    [[nodiscard]] bool is_missing() const noexcept { return is_undefined() && data_.rep == nullptr; }
    [[nodiscard]] bool is_none() const noexcept { return kind_ == value_kind::none; }
    [[nodiscard]] bool is_boolean() const noexcept { return kind_ == value_kind::boolean; }
    [[nodiscard]] bool is_integer() const noexcept { return kind_ == value_kind::integer; }
    [[nodiscard]] bool is_float() const noexcept { return kind_ == value_kind::floating; }
    [[nodiscard]] bool is_string() const noexcept { return kind_ == value_kind::string; }
    [[nodiscard]] bool is_list() const noexcept { return kind_ == value_kind::list; }
    [[nodiscard]] bool is_tuple() const noexcept { return kind_ == value_kind::tuple; }
    [[nodiscard]] bool is_mapping() const noexcept { return kind_ == value_kind::mapping; }
    [[nodiscard]] bool is_object() const noexcept { return kind_ == value_kind::object; }
    [[nodiscard]] bool is_markup() const noexcept { return markup_; }
    /// bool, int or float.
    [[nodiscard]] bool is_number() const noexcept {
        return kind_ == value_kind::boolean || kind_ == value_kind::integer || kind_ == value_kind::floating;
    }

    /// Requires is_boolean() or is_integer(); True is 1.
    [[nodiscard]] std::int64_t as_integer() const noexcept { return data_.integer; }
    /// Requires is_number().
    [[nodiscard]] double as_double() const noexcept {
        return kind_ == value_kind::floating ? data_.floating : static_cast<double>(data_.integer);
    }
    /// Requires is_string().
    [[nodiscard]] const marked_text& as_text() const noexcept;
    /// Requires is_string().
    [[nodiscard]] std::string_view as_string() const noexcept { return as_text().view(); }
    /// Requires is_list() or is_tuple().
    [[nodiscard]] const std::vector<value>& items() const noexcept;
    /// Requires is_mapping().
    [[nodiscard]] const value_map& as_map() const noexcept;
    /// Requires is_object().
    [[nodiscard]] value_object& as_object() const noexcept { return *static_cast<value_object*>(data_.rep); }
    /// The value under `key` of a mapping, or undefined when there is none or this is no mapping.
    [[nodiscard]] value get(std::string_view key) const;
    /// Why an undefined value is undefined.
    [[nodiscard]] std::string_view undefined_message() const noexcept;

    /// 0 for scalars and strings, 1 + the deepest element for containers.
    [[nodiscard]] std::uint32_t depth() const noexcept { return holds_rep() ? data_.rep->depth : 0; }
    /// The same object (Python's `is`; scalars by type and value).
    [[nodiscard]] bool same_as(const value& other) const noexcept {
        return kind_ == other.kind_ && data_.integer == other.data_.integer && markup_ == other.markup_;
    }

private:
    union payload {
        std::int64_t integer;
        double floating;
        detail::jinja::value_rep* rep;
    };

    [[nodiscard]] bool holds_rep() const noexcept {
        return (kind_ >= value_kind::string || kind_ == value_kind::undefined) && data_.rep != nullptr;
    }
    void retain() const noexcept {
        if (holds_rep()) data_.rep->references.fetch_add(1, std::memory_order_relaxed);
    }
    void release() noexcept {
        if (holds_rep() && data_.rep->references.fetch_sub(1, std::memory_order_acq_rel) == 1) delete data_.rep;
    }

    value_kind kind_ = value_kind::undefined;
    bool markup_ = false;
    payload data_;
};

namespace detail::jinja {

[[nodiscard]] bool values_equal(const value& a, const value& b, work_budget& budget);
/// Hash of a dictionary key; fails for a list or a dict as Python does.
[[nodiscard]] std::size_t hash_key(const value& key);
/// Python's name of the type ("str", "dict", "NoneType").
[[nodiscard]] std::string_view type_name(const value& v) noexcept;

} // namespace detail::jinja

/// A dict: keys in insertion order, hashed lookup from nine entries on. Setting an existing key keeps its place.
class value_map {
public:
    using entry = std::pair<value, value>;

    value_map() = default;
    value_map(std::initializer_list<entry> entries) {
        for (const entry& e : entries) set(e.first, e.second);
    }

    [[nodiscard]] std::size_t size() const noexcept { return entries_.size(); }
    [[nodiscard]] bool empty() const noexcept { return entries_.empty(); }
    [[nodiscard]] auto begin() const noexcept { return entries_.begin(); }
    [[nodiscard]] auto end() const noexcept { return entries_.end(); }
    [[nodiscard]] const entry& operator[](std::size_t position) const noexcept { return entries_[position]; }

    /// The value under a string key, or null.
    [[nodiscard]] const value* find(std::string_view key) const noexcept {
        const std::size_t at = position(key);
        return at == npos ? nullptr : &entries_[at].second;
    }
    /// The value under any key, or null. Throws for unhashable keys.
    [[nodiscard]] const value* find_key(const value& key) const {
        const std::size_t at = position(key);
        return at == npos ? nullptr : &entries_[at].second;
    }
    void set(const value& key, value v) {
        const std::size_t at = position(key);
        if (at != npos) {
            entries_[at].second = std::move(v);
            return;
        }
        entries_.emplace_back(key, std::move(v));
        if (entries_.size() > linear_limit) index_last();
    }
    /// Removes a string key; linear time.
    void erase(std::string_view key) {
        const std::size_t at = position(key);
        if (at == npos) return;
        entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
        rebuild_index();
    }
    void clear() noexcept {
        entries_.clear();
        buckets_.clear();
    }

private:
    static constexpr std::size_t npos = static_cast<std::size_t>(-1);
    static constexpr std::size_t linear_limit = 8;

    [[nodiscard]] static std::size_t hash(std::string_view text) noexcept {
        return std::hash<std::string_view>{}(text);
    }

    [[nodiscard]] std::size_t position(std::string_view key) const noexcept {
        if (buckets_.empty()) {
            for (std::size_t i = 0; i < entries_.size(); ++i) {
                if (entries_[i].first.is_string() && entries_[i].first.as_string() == key) return i;
            }
            return npos;
        }
        for (std::size_t b = hash(key) & (buckets_.size() - 1); buckets_[b] != 0; b = (b + 1) & (buckets_.size() - 1)) {
            const value& candidate = entries_[buckets_[b] - 1].first;
            if (candidate.is_string() && candidate.as_string() == key) return buckets_[b] - 1;
        }
        return npos;
    }
    [[nodiscard]] std::size_t position(const value& key) const {
        if (key.is_string()) return position(key.as_string());
        const std::size_t wanted = detail::jinja::hash_key(key);
        detail::jinja::work_budget budget(1'000'000);
        if (buckets_.empty()) {
            for (std::size_t i = 0; i < entries_.size(); ++i) {
                if (detail::jinja::values_equal(entries_[i].first, key, budget)) return i;
            }
            return npos;
        }
        for (std::size_t b = wanted & (buckets_.size() - 1); buckets_[b] != 0; b = (b + 1) & (buckets_.size() - 1)) {
            if (detail::jinja::values_equal(entries_[buckets_[b] - 1].first, key, budget)) return buckets_[b] - 1;
        }
        return npos;
    }
    void index_last() {
        if (entries_.size() * 2 > buckets_.size()) rebuild_index();
        else place(entries_.size());
    }
    void rebuild_index() {
        buckets_.clear();
        if (entries_.size() <= linear_limit) return;
        std::size_t capacity = 32;
        while (capacity < entries_.size() * 4) capacity *= 2;
        buckets_.assign(capacity, 0);
        for (std::size_t i = 1; i <= entries_.size(); ++i) place(i);
    }
    void place(std::size_t one_based) {
        const value& key = entries_[one_based - 1].first;
        std::size_t b =
            (key.is_string() ? hash(key.as_string()) : detail::jinja::hash_key(key)) & (buckets_.size() - 1);
        while (buckets_[b] != 0) b = (b + 1) & (buckets_.size() - 1);
        buckets_[b] = static_cast<std::uint32_t>(one_based);
    }

    std::vector<entry> entries_;
    std::vector<std::uint32_t> buckets_; ///< 1 + position; 0 is empty; size a power of two
};

namespace detail::jinja {

struct string_rep final : value_rep {
    explicit string_rep(marked_text t) : text(std::move(t)) {}
    marked_text text;
};

struct sequence_rep final : value_rep {
    explicit sequence_rep(std::vector<value> v) : value_rep(nesting(v)), items(std::move(v)) {}
    static std::uint32_t nesting(const std::vector<value>& v) noexcept {
        std::uint32_t deepest = 0;
        for (const value& item : v) deepest = item.depth() > deepest ? item.depth() : deepest;
        return deepest + 1;
    }
    std::vector<value> items;
};

struct mapping_rep final : value_rep {
    explicit mapping_rep(value_map m) : value_rep(nesting(m)), map(std::move(m)) {}
    static std::uint32_t nesting(const value_map& m) noexcept {
        std::uint32_t deepest = 0;
        for (const auto& [k, v] : m) {
            deepest = k.depth() > deepest ? k.depth() : deepest;
            deepest = v.depth() > deepest ? v.depth() : deepest;
        }
        return deepest + 1;
    }
    value_map map;
};

struct undefined_rep final : value_rep {
    explicit undefined_rep(std::string m) : message(std::move(m)) {}
    std::string message;
};

} // namespace detail::jinja

inline value::value(marked_text text) : kind_(value_kind::none), data_{.integer = 0} {
    data_.rep = new detail::jinja::string_rep(std::move(text));
    kind_ = value_kind::string;
}
inline value::value(value_map map) : kind_(value_kind::none), data_{.integer = 0} {
    data_.rep = new detail::jinja::mapping_rep(std::move(map));
    kind_ = value_kind::mapping;
}
inline value value::list(std::vector<value> items) {
    value out;
    out.data_.rep = new detail::jinja::sequence_rep(std::move(items));
    out.kind_ = value_kind::list;
    return out;
}
inline value value::tuple(std::vector<value> items) {
    value out = list(std::move(items));
    out.kind_ = value_kind::tuple;
    return out;
}
inline value value::undefined(std::string message) {
    value out;
    out.data_.rep = new detail::jinja::undefined_rep(std::move(message));
    return out;
}
inline const marked_text& value::as_text() const noexcept {
    return static_cast<detail::jinja::string_rep*>(data_.rep)->text;
}
inline const std::vector<value>& value::items() const noexcept {
    return static_cast<detail::jinja::sequence_rep*>(data_.rep)->items;
}
inline const value_map& value::as_map() const noexcept {
    return static_cast<detail::jinja::mapping_rep*>(data_.rep)->map;
}
inline value value::get(std::string_view key) const {
    const value* found = is_mapping() ? as_map().find(key) : nullptr;
    return found ? *found : value();
}
inline std::string_view value::undefined_message() const noexcept {
    if (!is_undefined() || is_missing()) return "value is undefined";
    return static_cast<detail::jinja::undefined_rep*>(data_.rep)->message;
}

namespace detail::jinja {

inline std::string_view type_name(const value& v) noexcept {
    switch (v.kind()) {
    case value_kind::undefined: return "Undefined";
    case value_kind::none: return "NoneType";
    case value_kind::boolean: return "bool";
    case value_kind::integer: return "int";
    case value_kind::floating: return "float";
    case value_kind::string: return v.is_markup() ? "Markup" : "str";
    case value_kind::list: return "list";
    case value_kind::tuple: return "tuple";
    case value_kind::mapping: return "dict";
    case value_kind::object: return v.as_object().type_name();
    }
    return "object";
}

/// -1, 0, 1, or 2 when one of them is not a number (NaN). Exact for all 64-bit integers.
[[nodiscard]] inline int compare_numbers(const value& a, const value& b) noexcept {
    if (!a.is_float() && !b.is_float()) {
        return a.as_integer() < b.as_integer() ? -1 : (a.as_integer() > b.as_integer() ? 1 : 0);
    }
    if (a.is_float() && b.is_float()) {
        const double x = a.as_double();
        const double y = b.as_double();
        return x < y ? -1 : (x > y ? 1 : (x == y ? 0 : 2));
    }
    const double f = a.is_float() ? a.as_double() : b.as_double();
    const std::int64_t i = a.is_float() ? b.as_integer() : a.as_integer();
    int order = 0; // of f against i
    if (f != f) return 2;
    if (f >= 9223372036854775808.0) order = 1;
    else if (f < -9223372036854775808.0) order = -1;
    else {
        const auto whole = static_cast<std::int64_t>(f);
        const double fraction = f - static_cast<double>(whole);
        order = whole < i ? -1 : (whole > i ? 1 : (fraction < 0 ? -1 : (fraction > 0 ? 1 : 0)));
    }
    return a.is_float() ? order : -order;
}

inline bool values_equal(const value& a, const value& b, work_budget& budget) {
    budget.spend(1);
    if (a.is_number() && b.is_number()) return compare_numbers(a, b) == 0;
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
    case value_kind::string: return a.as_string() == b.as_string();
    case value_kind::list:
    case value_kind::tuple: {
        if (a.items().size() != b.items().size()) return false;
        for (std::size_t i = 0; i < a.items().size(); ++i) {
            if (!a.items()[i].same_as(b.items()[i]) && !values_equal(a.items()[i], b.items()[i], budget)) return false;
        }
        return true;
    }
    case value_kind::mapping: {
        if (a.as_map().size() != b.as_map().size()) return false;
        for (const auto& [k, v] : a.as_map()) {
            const value* other = b.as_map().find_key(k);
            if (!other || (!v.same_as(*other) && !values_equal(v, *other, budget))) return false;
        }
        return true;
    }
    case value_kind::object: return a.same_as(b);
    default: return true; // undefined, none
    }
}

inline std::size_t hash_key(const value& key, work_budget& budget) {
    budget.spend(1);
    switch (key.kind()) {
    case value_kind::undefined:
    case value_kind::none: return static_cast<std::size_t>(key.kind()) + 17;
    case value_kind::boolean:
    case value_kind::integer: return static_cast<std::size_t>(key.as_integer()) * 0x9e3779b97f4a7c15ULL >> 7;
    case value_kind::floating: {
        const double d = key.as_double();
        if (d >= -9.2e18 && d <= 9.2e18 && d == static_cast<double>(static_cast<std::int64_t>(d))) {
            return hash_key(value(static_cast<std::int64_t>(d)), budget);
        }
        return static_cast<std::size_t>(d > 0 ? 7919 : 104729); // rare as keys; equality decides
    }
    case value_kind::string: return std::hash<std::string_view>{}(key.as_string());
    case value_kind::tuple: {
        std::size_t h = 0x345678;
        for (const value& item : key.items()) h = h * 1000003 ^ hash_key(item, budget);
        return h;
    }
    case value_kind::object:
        if (!key.as_object().hashable()) break;
        return reinterpret_cast<std::size_t>(&key.as_object()) >> 4;
    case value_kind::list:
    case value_kind::mapping: break;
    }
    template_fail("unhashable type: '" + std::string(type_name(key)) + "'");
}

inline std::size_t hash_key(const value& key) {
    work_budget budget(1'000'000);
    return hash_key(key, budget);
}

} // namespace detail::jinja

/// Python's ==.
[[nodiscard]] inline bool operator==(const value& a, const value& b) {
    detail::jinja::work_budget budget(20'000'000);
    return detail::jinja::values_equal(a, b, budget);
}

APERTUS_END_NAMESPACE
