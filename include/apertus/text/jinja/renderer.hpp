// SPDX-License-Identifier: Apache-2.0
//
// Runs a template tree: one renderer per rendering, on the caller's thread, over a tree that it never changes.
// Every node costs a step, every byte made costs a part of one, and nesting is counted, so a hostile template ends in
// an error. Must agree with what jinja2/compiler.py's code does under Hugging Face's sandbox.
#pragma once

#include <apertus/text/jinja/objects.hpp>
#include <apertus/text/jinja/options.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

/// Where strftime_now gets the time; called only when a template asks.
struct time_source {
    civil_time (*read)(const void* context) = nullptr;
    const void* context = nullptr;
};

[[nodiscard]] std::string format_time(std::string_view format, const civil_time& t);

class renderer {
public:
    renderer(const template_tree& tree, const value_map& globals, const value_map& variables,
             const render_limits& limits, time_source clock)
        : tree_(tree), globals_(globals), variables_(variables), limits_(limits), clock_(clock),
          budget_(limits.max_steps) {}
    renderer(const renderer&) = delete;
    renderer& operator=(const renderer&) = delete;
    ~renderer() {
        for (namespace_object* n : namespaces_) n->attributes.clear();
        for (activation* a : activations_) a->slots.clear();
        for (activation* a : activations_) delete a;
    }

    marked_text run() {
        activation* root = new_activation(0, nullptr);
        root_ = root;
        active_ = root;
        enter_scope(tree_.root_scope);
        marked_text out;
        out_ = &out;
        execute_all(tree_.body);
        return out;
    }

    /// The line that was being evaluated, for errors.
    [[nodiscard]] int line() const noexcept { return line_; }

    // -- what filters, tests and methods use

    [[nodiscard]] work_budget& budget() noexcept { return budget_; }
    [[nodiscard]] const template_tree& tree() const noexcept { return tree_; }
    /// Counts the bytes of a new string and refuses an oversized one.
    void charge(std::size_t bytes) {
        if (bytes > limits_.max_output)
            template_fail("text larger than the limit of " + std::to_string(limits_.max_output) + " bytes");
        budget_.spend(bytes / 16);
    }
    [[nodiscard]] marked_text str(const value& v) { return to_text(v, budget_); }
    /// A string value of bounded size.
    [[nodiscard]] value make_string(marked_text text) {
        charge(text.size());
        return value(std::move(text));
    }
    [[nodiscard]] value make_list(std::vector<value> items) {
        budget_.spend(items.size());
        return value::list(std::move(items));
    }
    [[nodiscard]] static bool truthy(const value& v);
    /// len(v); -1 when v has no length.
    [[nodiscard]] static std::int64_t length(const value& v);
    [[nodiscard]] std::vector<value> to_vector(const value& iterable);
    [[nodiscard]] value get_attribute(const value& object, std::string_view name);
    [[nodiscard]] value get_item(const value& object, const value& key);
    [[nodiscard]] value call_value(const value& callee, call_values& arguments);
    [[nodiscard]] value binary(operation op, const value& a, const value& b);
    [[nodiscard]] bool compare(operation op, const value& a, const value& b);
    [[nodiscard]] bool contains(const value& container, const value& item);
    [[nodiscard]] value filter(int index, std::string_view name, const value& v, call_values& arguments);
    [[nodiscard]] bool test(int index, std::string_view name, const value& v, call_values& arguments);
    [[nodiscard]] value make_namespace();
    [[nodiscard]] std::int64_t loop_length(loop_object& loop);
    [[nodiscard]] static value missing_attribute(const value& object, const value& name);
    [[noreturn]] static void fail_undefined(const value& v) { template_fail(std::string(v.undefined_message())); }

    struct depth_guard {
        explicit depth_guard(renderer& r) : owner(r) {
            if (++owner.depth_ > owner.limits_.max_depth) {
                --owner.depth_;
                template_fail("maximum recursion depth exceeded");
            }
        }
        ~depth_guard() { --owner.depth_; }
        depth_guard(const depth_guard&) = delete;
        depth_guard& operator=(const depth_guard&) = delete;
        renderer& owner;
    };

private:
    enum class flow : std::uint8_t { normal, loop_break, loop_continue };

    /// Makes `text` the output for a scope's time.
    struct capture {
        capture(renderer& r, marked_text& text) : owner(r), saved(r.out_) { owner.out_ = &text; }
        ~capture() { owner.out_ = saved; }
        capture(const capture&) = delete;
        capture& operator=(const capture&) = delete;
        renderer& owner;
        marked_text* saved;
    };
    /// Makes a new activation the running one for a scope's time.
    struct function_call {
        function_call(renderer& r, int function, activation* parent)
            : owner(r), saved(r.active_), own(r.new_activation(function, parent)) {
            owner.active_ = own;
        }
        ~function_call() {
            owner.drop_activation(own);
            owner.active_ = saved;
        }
        function_call(const function_call&) = delete;
        function_call& operator=(const function_call&) = delete;
        renderer& owner;
        activation* saved;
        activation* own;
    };

    // -- variables

    activation* new_activation(int function, activation* parent) {
        auto* a = new activation;
        activations_.push_back(a);
        a->parent = parent;
        const auto count = static_cast<std::size_t>(tree_.function_slots[static_cast<std::size_t>(function)]);
        budget_.spend(1 + count / 8);
        a->slots.resize(count);
        return a;
    }
    void drop_activation(activation* a) noexcept {
        if (a->captured || activations_.empty() || activations_.back() != a) return; // freed at the end
        activations_.pop_back();
        delete a;
    }
    [[nodiscard]] value& slot(const variable& v) {
        activation* a = active_;
        for (int hop = 0; hop < v.hops; ++hop) a = a->parent;
        return a->slots[static_cast<std::size_t>(v.slot)];
    }
    [[nodiscard]] value resolve(int name) const {
        for (const auto& [known, at] : tree_.top_level) {
            if (known == name && root_ != active_ && !root_->slots[static_cast<std::size_t>(at)].is_missing()) {
                return root_->slots[static_cast<std::size_t>(at)];
            }
        }
        const std::string& text = tree_.names[static_cast<std::size_t>(name)];
        if (const value* v = variables_.find(text)) return *v;
        if (const value* v = globals_.find(text)) return *v;
        return {};
    }
    void enter_scope(int scope) {
        for (const slot_load& load : tree_.scopes[static_cast<std::size_t>(scope)].loads) {
            value& target = active_->slots[static_cast<std::size_t>(load.slot)];
            switch (load.from) {
            case slot_load::source::unset: target = value(); break;
            case slot_load::source::context: target = resolve(load.name); break;
            case slot_load::source::alias: target = value(slot(load.alias)); break;
            }
        }
    }

    // -- statements

    flow execute_all(const std::vector<int>& body) {
        for (const int n : body) {
            const flow f = execute(n);
            if (f != flow::normal) return f;
        }
        return flow::normal;
    }
    flow execute(int index);
    void execute_output(const node& n);
    flow execute_if(const node& n);
    flow execute_for(const node& n);
    flow run_loop(int index, const value& items, std::int64_t depth0);
    void run_recursive(int index, const value& items, std::int64_t depth0, activation* enclosing);
    bool advance_loop(loop_object& loop, value& item);
    bool pull(loop_object& loop, value& item);
    void assign(int target, const value& v);
    flow execute_capture(const node& n);
    void execute_call_block(const node& n);
    [[nodiscard]] value make_macro(const node& n, int index);
    [[nodiscard]] value loop_attribute(loop_object& loop, std::string_view name);

    // -- expressions

    [[nodiscard]] value evaluate(int index);
    [[nodiscard]] value evaluate_name(const node& n);
    [[nodiscard]] value evaluate_container(const node& n);
    [[nodiscard]] value evaluate_compare(const node& n);
    [[nodiscard]] value evaluate_subscript(const node& n);
    [[nodiscard]] value evaluate_call(const node& n, const value* caller = nullptr);
    [[nodiscard]] value evaluate_filter(const node& n);
    [[nodiscard]] value evaluate_concat(const node& n);
    [[nodiscard]] value negate(const value& v);
    [[nodiscard]] value slice(const value& object, const value& start, const value& stop, const value& step);
    void evaluate_arguments(const call_nodes& call, call_values& out);
    [[nodiscard]] value call_macro(macro_object& macro, call_values& arguments);
    [[nodiscard]] value call_global(global_function f, call_values& arguments);
    [[nodiscard]] value call_loop(loop_object& loop, call_values& arguments);

    const template_tree& tree_;
    const value_map& globals_;
    const value_map& variables_;
    const render_limits& limits_;
    time_source clock_;
    work_budget budget_;
    marked_text* out_ = nullptr;
    const marked_text* filter_input_ = nullptr; ///< what a filter without operand is applied to
    activation* active_ = nullptr;
    activation* root_ = nullptr;
    int depth_ = 0;
    int line_ = 1;
    std::vector<namespace_object*> namespaces_;
    std::vector<value> owned_; ///< one reference to every namespace, so that clearing them cannot recurse
    std::vector<activation*> activations_;
};

// ---------------------------------------------------------------- iteration

inline item_cursor::item_cursor(value v) : source_(std::move(v)) {
    switch (source_.kind()) {
    case value_kind::undefined:
    case value_kind::string:
    case value_kind::list:
    case value_kind::tuple:
    case value_kind::mapping: return;
    case value_kind::object: {
        const auto* object = dynamic_cast<const engine_object*>(&source_.as_object());
        if (object && (object->kind == object_kind::range || object->kind == object_kind::view ||
                       object->kind == object_kind::generator || object->kind == object_kind::loop))
            return;
        break;
    }
    default: break;
    }
    template_fail("'" + std::string(type_name(source_)) + "' object is not iterable");
}

inline bool item_cursor::next(renderer& r, value& out) {
    r.budget().spend(1);
    switch (source_.kind()) {
    case value_kind::list:
    case value_kind::tuple:
        if (at_ >= source_.items().size()) return false;
        out = source_.items()[at_++];
        return true;
    case value_kind::mapping:
        if (at_ >= source_.as_map().size()) return false;
        out = source_.as_map()[at_++].first;
        return true;
    case value_kind::string: {
        const marked_text& text = source_.as_text();
        if (at_ >= text.size()) return false;
        const std::size_t length = decode_utf8(text.view(), at_).length;
        out = value(text.slice(at_, at_ + length));
        at_ += length;
        return true;
    }
    case value_kind::object: break;
    default: return false;
    }
    auto& object = static_cast<engine_object&>(source_.as_object());
    if (object.kind == object_kind::range) {
        const auto& range = static_cast<range_object&>(object);
        if (at_ >= range.size()) return false;
        out = range.at(at_++);
        return true;
    }
    if (object.kind == object_kind::view) {
        const auto& view = static_cast<view_object&>(object);
        if (at_ >= view.map.as_map().size()) return false;
        out = view.at(at_++);
        return true;
    }
    if (object.kind == object_kind::generator) return static_cast<generator_object&>(object).next(r, out);
    template_fail("iterating over the loop object itself is not supported");
}

inline bool renderer::truthy(const value& v) {
    switch (v.kind()) {
    case value_kind::undefined:
    case value_kind::none: return false;
    case value_kind::boolean:
    case value_kind::integer: return v.as_integer() != 0;
    case value_kind::floating: return v.as_double() != 0.0;
    case value_kind::string: return !v.as_text().empty();
    default: return length(v) != 0;
    }
}

inline std::int64_t renderer::length(const value& v) {
    switch (v.kind()) {
    case value_kind::undefined: return 0;
    case value_kind::string: return static_cast<std::int64_t>(count_code_points(v.as_string()));
    case value_kind::list:
    case value_kind::tuple: return static_cast<std::int64_t>(v.items().size());
    case value_kind::mapping: return static_cast<std::int64_t>(v.as_map().size());
    case value_kind::object:
        if (const auto* range = object_cast<range_object>(v, object_kind::range))
            return static_cast<std::int64_t>(range->size());
        if (const auto* view = object_cast<view_object>(v, object_kind::view))
            return static_cast<std::int64_t>(view->map.as_map().size());
        return -1;
    default: return -1;
    }
}

inline std::vector<value> renderer::to_vector(const value& iterable) {
    if (iterable.is_list() || iterable.is_tuple()) {
        budget_.spend(iterable.items().size());
        return iterable.items();
    }
    std::vector<value> out;
    item_cursor cursor(iterable);
    value item;
    while (cursor.next(*this, item)) out.push_back(item);
    return out;
}

inline value renderer::make_namespace() {
    auto* object = new namespace_object;
    value v = value::adopt(object);
    owned_.push_back(v);
    namespaces_.push_back(object);
    return v;
}

inline value renderer::missing_attribute(const value& object, const value& name) {
    std::string message;
    if (name.is_string())
        message = "'" + std::string(type_name(object)) + " object' has no attribute " + quoted(name.as_string());
    else message = std::string(type_name(object)) + " object has no such element";
    return value::undefined(std::move(message));
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
