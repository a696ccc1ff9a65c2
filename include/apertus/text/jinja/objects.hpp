// SPDX-License-Identifier: Apache-2.0
//
// The objects that a rendering makes: ranges, dict views, generators, macros, bound methods, namespaces, loop contexts.
// They live for one rendering at most; what may form a cycle (namespaces, captured variables) is emptied at its end.
#pragma once

#include <apertus/text/jinja/ast.hpp>
#include <apertus/text/value.hpp>
#include <apertus/text/value_format.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

class renderer;

/// Evaluated arguments of a call.
struct call_values {
    std::vector<value> positional;
    std::vector<std::pair<std::string, value>> named;

    [[nodiscard]] const value* find(std::string_view name) const noexcept {
        for (const auto& [key, v] : named) {
            if (key == name) return &v;
        }
        return nullptr;
    }
};

enum class object_kind : std::uint8_t {
    range,
    view,
    generator,
    function,
    macro,
    method,
    name_space,
    loop,
    cycler,
    joiner,
    host
};

/// Base of the engine's objects.
class engine_object : public printable_object {
public:
    explicit engine_object(object_kind k, std::uint32_t nesting = 0) : printable_object(nesting), kind(k) {}
    void print(marked_text& out, work_budget&, const value&, const repr_frame*) const override {
        out.append("<" + std::string(type_name()) + " object>");
    }
    const object_kind kind;
};

struct range_object final : engine_object {
    range_object(std::int64_t a, std::int64_t b, std::int64_t s)
        : engine_object(object_kind::range), start(a), stop(b), step(s) {}
    [[nodiscard]] std::string_view type_name() const override { return "range"; }
    /// Number of elements; computed without overflow.
    [[nodiscard]] std::uint64_t size() const noexcept {
        if (step > 0 ? start >= stop : start <= stop) return 0;
        const std::uint64_t span = step > 0 ? static_cast<std::uint64_t>(stop) - static_cast<std::uint64_t>(start)
                                            : static_cast<std::uint64_t>(start) - static_cast<std::uint64_t>(stop);
        const std::uint64_t stride = step > 0 ? static_cast<std::uint64_t>(step) : 0 - static_cast<std::uint64_t>(step);
        return (span - 1) / stride + 1;
    }
    [[nodiscard]] value at(std::uint64_t i) const noexcept {
        return value(start + static_cast<std::int64_t>(i) * step);
    }
    void print(marked_text& out, work_budget&, const value&, const repr_frame*) const override {
        out.append("range(" + std::to_string(start) + ", " + std::to_string(stop) +
                   (step != 1 ? ", " + std::to_string(step) : "") + ")");
    }
    std::int64_t start, stop, step;
};

/// dict.keys(), values(), items().
struct view_object final : engine_object {
    enum class part : std::uint8_t { keys, values, items };
    view_object(value m, part p) : engine_object(object_kind::view, m.depth() + 1), map(std::move(m)), what(p) {}
    [[nodiscard]] std::string_view type_name() const override {
        return what == part::keys ? "dict_keys" : what == part::values ? "dict_values" : "dict_items";
    }
    [[nodiscard]] bool hashable() const override { return what == part::values; } // the others compare as sets do
    [[nodiscard]] value at(std::size_t i) const {
        const auto& [k, v] = map.as_map()[i];
        return what == part::keys ? k : what == part::values ? v : value::tuple({k, v});
    }
    void print(marked_text& out, work_budget& budget, const value& self, const repr_frame* outer) const override {
        const repr_frame frame(self, outer);
        out.append(type_name());
        out.append("([");
        for (std::size_t i = 0; i < map.as_map().size(); ++i) {
            if (i > 0) out.append(", ");
            append_repr(out, at(i), budget, &frame);
        }
        out.append("])");
    }
    value map;
    part what;
};

/// A lazy, one-shot sequence.
struct generator_object : engine_object {
    explicit generator_object(std::uint32_t nesting) : engine_object(object_kind::generator, nesting) {}
    [[nodiscard]] std::string_view type_name() const override { return "generator"; }
    virtual bool next(renderer& r, value& out) = 0;
};

enum class global_function : std::uint8_t { range, dict, name_space, cycler, joiner, raise_exception, strftime_now };

struct function_object final : engine_object {
    explicit function_object(global_function f) : engine_object(object_kind::function), function(f) {}
    [[nodiscard]] std::string_view type_name() const override { return "function"; }
    global_function function;
};

/// The variables of one running function of the template.
struct activation {
    activation* parent = nullptr;
    std::vector<value> slots;
    bool captured = false; ///< a macro refers to it: it lives until the end of the rendering
};

struct macro_object final : engine_object {
    macro_object(int n, activation* a) : engine_object(object_kind::macro), definition(n), closure(a) {}
    [[nodiscard]] std::string_view type_name() const override { return "Macro"; }
    void print(marked_text& out, work_budget&, const value&, const repr_frame*) const override {
        out.append(name.empty() ? "<Macro anonymous>" : "<Macro '" + name + "'>");
    }
    int definition;
    activation* closure;
    std::string name;
};

/// obj.method, not called yet. `index` is the method's position in methods.hpp's table for the object's type.
struct method_object final : engine_object {
    method_object(value s, int m, std::string_view n)
        : engine_object(object_kind::method, s.depth() + 1), self(std::move(s)), index(m), name(n) {}
    [[nodiscard]] std::string_view type_name() const override { return "builtin_function_or_method"; }
    value self;
    int index;
    std::string_view name;
};

struct namespace_object final : engine_object {
    namespace_object() : engine_object(object_kind::name_space) {}
    [[nodiscard]] std::string_view type_name() const override { return "Namespace"; }
    void print(marked_text& out, work_budget& budget, const value& self, const repr_frame* outer) const override {
        out.append("<Namespace ");
        if (is_being_printed(self, outer)) out.append("{...}");
        else append_repr_map(out, attributes, budget, repr_frame(self, outer, true));
        out.push_back('>');
    }
    value_map attributes;
};

/// Walks anything iterable once.
class item_cursor {
public:
    /// Fails when `v` is not iterable.
    explicit item_cursor(value v);
    bool next(renderer& r, value& out);

private:
    value source_;
    std::size_t at_ = 0;
};

/// The special variable `loop`.
struct loop_object final : engine_object {
    loop_object(renderer& r, const value& items, std::int64_t nesting)
        : engine_object(object_kind::loop, items.depth() + 1), owner(r), source(items), cursor(items), depth0(nesting) {
    }
    /// At the end of the loop: lets go of everything, so that a kept `loop` neither dangles nor chains.
    void finish() {
        definition = no_node;
        exhausted = true;
        running = enclosing = nullptr;
        source = before = current = changed = value();
        ahead.clear();
        cursor = item_cursor(value());
    }
    [[nodiscard]] std::string_view type_name() const override { return "LoopContext"; }
    void print(marked_text& out, work_budget&, const value&, const repr_frame*) const override;
    renderer& owner;
    value source;
    item_cursor cursor;
    std::int64_t depth0;
    std::int64_t index0 = -1;
    std::int64_t known_length = -1;
    std::vector<value> ahead; ///< read but not yet used, next one last
    bool exhausted = false;
    value before, current;
    value changed;                   ///< tuple of the last call of changed(), missing at first
    int definition = no_node;        ///< the loop's node
    activation* running = nullptr;   ///< where its variables are
    activation* enclosing = nullptr; ///< recursive: where the loop statement stands
};

struct cycler_object final : engine_object {
    explicit cycler_object(std::vector<value> v)
        : engine_object(object_kind::cycler, sequence_rep::nesting(v)), items(std::move(v)) {}
    [[nodiscard]] std::string_view type_name() const override { return "Cycler"; }
    std::vector<value> items;
    std::size_t position = 0;
};

struct joiner_object final : engine_object {
    explicit joiner_object(value s) : engine_object(object_kind::joiner, s.depth() + 1), separator(std::move(s)) {}
    [[nodiscard]] std::string_view type_name() const override { return "Joiner"; }
    value separator;
    bool used = false;
};

/// The object of kind `k` in `v`, or null.
template <class T> [[nodiscard]] T* object_cast(const value& v, object_kind k) noexcept {
    if (!v.is_object()) return nullptr;
    auto* object = dynamic_cast<engine_object*>(&v.as_object());
    return object && object->kind == k ? static_cast<T*>(object) : nullptr;
}

} // namespace detail::jinja

/// A function of the host that a template may call by name (put it into chat_options::variables).
/// `call` gets the positional arguments; keyword arguments are refused. It may throw apertus::error.
class host_function : public detail::jinja::engine_object {
public:
    host_function() : engine_object(detail::jinja::object_kind::host) {}
    [[nodiscard]] std::string_view type_name() const override { return "function"; }
    [[nodiscard]] virtual value call(const std::vector<value>& arguments) const = 0;
};

APERTUS_END_NAMESPACE
