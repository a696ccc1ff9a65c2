// SPDX-License-Identifier: Apache-2.0
//
// The renderer's statements, expressions and calls. Each function keeps its frame small: recursion is what limits
// how deep a template may nest.
#pragma once

#include <apertus/text/jinja/operators.hpp>
#include <apertus/text/jinja/renderer.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

// ---------------------------------------------------------------- statements

inline renderer::flow renderer::execute(int index) {
    const depth_guard guard(*this);
    budget_.spend(1);
    const node& n = tree_[index];
    line_ = n.line;
    switch (n.kind) {
    case node_kind::output: execute_output(n); return flow::normal;
    case node_kind::assign: assign(n.b, evaluate(n.a)); return flow::normal;
    case node_kind::if_block: return execute_if(n);
    case node_kind::for_loop: return execute_for(n);
    case node_kind::assign_block:
    case node_kind::filter_block: return execute_capture(n);
    case node_kind::macro: slot(n.where) = make_macro(n, index); return flow::normal;
    case node_kind::call_block: execute_call_block(n); return flow::normal;
    case node_kind::generation: {
        call_values none;
        const value body = make_macro(n, index);
        out_->append(call_macro(*object_cast<macro_object>(body, object_kind::macro), none).as_text());
        charge(out_->size());
        return flow::normal;
    }
    case node_kind::with_block: {
        std::vector<value> values;
        for (const int v : n.other) values.push_back(evaluate(v));
        enter_scope(n.scope);
        for (std::size_t i = 0; i < values.size(); ++i) assign(n.call.positional[i], values[i]);
        return execute_all(n.children);
    }
    case node_kind::block: {
        const function_call call(*this, n.function, nullptr);
        enter_scope(n.scope);
        execute_all(n.children);
        return flow::normal;
    }
    case node_kind::loop_break: return flow::loop_break;
    case node_kind::loop_continue: return flow::loop_continue;
    default: template_fail("not a statement");
    }
}

inline void renderer::execute_output(const node& n) {
    for (const int child : n.children) {
        const node& item = tree_[child];
        line_ = item.line;
        if (item.kind == node_kind::constant && item.constant.is_string()) {
            budget_.spend(1 + item.constant.as_text().size() / 16);
            out_->append(item.constant.as_text());
        } else {
            append_str(*out_, evaluate(child), budget_);
        }
        if (out_->size() > limits_.max_output) charge(out_->size());
    }
}

inline renderer::flow renderer::execute_if(const node& n) {
    if (truthy(evaluate(n.a))) return execute_all(n.children);
    for (const int branch : n.branches) {
        const node& b = tree_[branch];
        line_ = b.line;
        if (truthy(evaluate(b.a))) return execute_all(b.children);
    }
    return execute_all(n.other);
}

inline renderer::flow renderer::execute_for(const node& n) {
    const value items = evaluate(n.b);
    line_ = n.line;
    const int index = static_cast<int>(&n - tree_.nodes.data());
    if (n.recursive) {
        run_recursive(index, items, 0, active_);
        return flow::normal;
    }
    return run_loop(index, items, 0);
}

inline void renderer::run_recursive(int index, const value& items, std::int64_t depth0, activation* enclosing) {
    const function_call call(*this, tree_[index].function, enclosing);
    run_loop(index, items, depth0);
}

inline renderer::flow renderer::run_loop(int index, const value& items, std::int64_t depth0) {
    const node& n = tree_[index];
    auto* loop = new loop_object(*this, items, depth0);
    const value holder = value::adopt(loop);
    struct finisher {
        loop_object* l;
        ~finisher() { l->finish(); }
    } const at_end{loop};
    loop->definition = index;
    loop->running = active_;
    loop->enclosing = n.recursive ? active_->parent : nullptr;
    if (n.c != no_node) enter_scope(n.test_scope);
    bool nothing_ran = true; // also when every iteration ended early: that is what Jinja does
    flow leaving = flow::normal;
    value item;
    while (advance_loop(*loop, item)) {
        assign(n.a, item);
        active_->slots[static_cast<std::size_t>(n.loop_slot)] = holder;
        enter_scope(n.scope);
        const flow f = execute_all(n.children);
        if (f == flow::loop_break) break;
        if (f == flow::normal) nothing_ran = false;
    }
    if (n.other.empty() || !nothing_ran) return flow::normal;
    enter_scope(n.else_scope);
    leaving = execute_all(n.other);
    return leaving;
}

/// The next item that passes the loop's own condition.
inline bool renderer::pull(loop_object& loop, value& item) {
    if (loop.exhausted) return false;
    const node& n = tree_[loop.definition];
    activation* const saved = active_;
    while (loop.cursor.next(*this, item)) {
        if (n.c == no_node) return true;
        active_ = loop.running;
        assign(n.test_target, item);
        const bool passes = truthy(evaluate(n.c));
        active_ = saved;
        if (passes) return true;
    }
    loop.exhausted = true;
    return false;
}

inline bool renderer::advance_loop(loop_object& loop, value& item) {
    if (!loop.ahead.empty()) {
        item = loop.ahead.back();
        loop.ahead.pop_back();
    } else if (!pull(loop, item)) {
        return false;
    }
    ++loop.index0;
    loop.before = loop.current;
    loop.current = item;
    return true;
}

inline std::int64_t renderer::loop_length(loop_object& loop) {
    if (loop.known_length >= 0) return loop.known_length;
    const bool filtered = loop.definition != no_node && tree_[loop.definition].c != no_node;
    const std::int64_t known = filtered ? -1 : length(loop.source);
    if (known >= 0) return loop.known_length = known;
    std::vector<value> rest;
    value item;
    while (pull(loop, item)) rest.push_back(item);
    for (std::size_t i = rest.size(); i > 0; --i) loop.ahead.insert(loop.ahead.begin(), rest[rest.size() - i]);
    return loop.known_length = loop.index0 + 1 + static_cast<std::int64_t>(loop.ahead.size());
}

inline void loop_object::print(marked_text& out, work_budget&, const value&, const repr_frame*) const {
    auto& self = const_cast<loop_object&>(*this); // counting may read ahead, as in Python
    out.append("<LoopContext " + std::to_string(index0 + 1) + "/" + std::to_string(owner.loop_length(self)) + ">");
}

inline value renderer::loop_attribute(loop_object& loop, std::string_view name) {
    const auto peek = [&]() -> const value* {
        value item;
        if (loop.ahead.empty() && pull(loop, item)) loop.ahead.push_back(item);
        return loop.ahead.empty() ? nullptr : &loop.ahead.back();
    };
    if (name == "index") return value(loop.index0 + 1);
    if (name == "index0") return value(loop.index0);
    if (name == "first") return value(loop.index0 == 0);
    if (name == "last") return value(peek() == nullptr);
    if (name == "length") return value(loop_length(loop));
    if (name == "revindex") return value(loop_length(loop) - loop.index0);
    if (name == "revindex0") return value(loop_length(loop) - loop.index0 - 1);
    if (name == "depth") return value(loop.depth0 + 1);
    if (name == "depth0") return value(loop.depth0);
    if (name == "previtem") return loop.index0 == 0 ? value::undefined("there is no previous item") : loop.before;
    if (name == "nextitem") {
        const value* next = peek();
        return next ? *next : value::undefined("there is no next item");
    }
    return {};
}

inline void renderer::assign(int target, const value& v) {
    const node& n = tree_[target];
    if (n.kind == node_kind::name) {
        slot(n.where) = v;
        return;
    }
    if (n.kind == node_kind::namespace_ref) {
        auto* object = object_cast<namespace_object>(slot(n.where), object_kind::name_space);
        if (!object) template_fail("cannot assign attribute on non-namespace object");
        if (n.constant.as_string().front() == '_')
            template_fail("cannot store underscore-prefixed attributes on a namespace");
        object->attributes.set(n.constant, v);
        return;
    }
    item_cursor cursor(v);
    value item;
    for (const int child : n.children) {
        if (!cursor.next(*this, item))
            template_fail("not enough values to unpack (expected " + std::to_string(n.children.size()) + ")");
        assign(child, item);
    }
    if (cursor.next(*this, item))
        template_fail("too many values to unpack (expected " + std::to_string(n.children.size()) + ")");
}

/// {% set x %}...{% endset %} and {% filter f %}...{% endfilter %}
inline renderer::flow renderer::execute_capture(const node& n) {
    const bool is_set = n.kind == node_kind::assign_block;
    const int chain = is_set ? n.b : n.a;
    enter_scope(n.scope);
    marked_text text;
    {
        const capture redirect(*this, text);
        const flow f = execute_all(n.children);
        if (f != flow::normal) return f;
    }
    value result;
    if (chain == no_node) {
        result = make_string(std::move(text));
    } else {
        const marked_text* const saved = filter_input_;
        filter_input_ = &text;
        result = evaluate(chain);
        filter_input_ = saved;
    }
    if (is_set) assign(n.a, result);
    else append_str(*out_, result, budget_);
    return flow::normal;
}

inline value renderer::make_macro(const node& n, int index) {
    auto* macro = new macro_object(index, active_);
    const value v = value::adopt(macro);
    if (n.kind == node_kind::macro) macro->name = n.text;
    for (activation* a = active_; a && !a->captured; a = a->parent) a->captured = true;
    return v;
}

inline void renderer::execute_call_block(const node& n) {
    const value caller = make_macro(n, static_cast<int>(&n - tree_.nodes.data()));
    append_str(*out_, evaluate_call(tree_[n.a], &caller), budget_);
}

// ---------------------------------------------------------------- expressions

inline value renderer::evaluate(int index) {
    const depth_guard guard(*this);
    budget_.spend(1);
    const node& n = tree_[index];
    line_ = n.line;
    switch (n.kind) {
    case node_kind::constant: return n.constant;
    case node_kind::name: return evaluate_name(n);
    case node_kind::tuple:
    case node_kind::list:
    case node_kind::dict: return evaluate_container(n);
    case node_kind::attribute: return get_attribute(evaluate(n.a), n.text);
    case node_kind::subscript: return evaluate_subscript(n);
    case node_kind::call: return evaluate_call(n);
    case node_kind::filter: return evaluate_filter(n);
    case node_kind::test: {
        const value operand = evaluate(n.a);
        call_values arguments;
        evaluate_arguments(n.call, arguments);
        line_ = n.line;
        return value(test(n.builtin, n.text, operand, arguments));
    }
    case node_kind::negative: return negate(evaluate(n.a));
    case node_kind::positive: {
        const value v = evaluate(n.a);
        if (v.is_undefined()) fail_undefined(v);
        if (!v.is_number()) template_fail("bad operand type for unary +: '" + std::string(type_name(v)) + "'");
        return v.is_boolean() ? value(v.as_integer()) : v;
    }
    case node_kind::logical_not: return value(!truthy(evaluate(n.a)));
    case node_kind::logical_and: {
        value left = evaluate(n.a);
        return truthy(left) ? evaluate(n.b) : left;
    }
    case node_kind::logical_or: {
        value left = evaluate(n.a);
        return truthy(left) ? left : evaluate(n.b);
    }
    case node_kind::binary: {
        const value left = evaluate(n.a);
        const value right = evaluate(n.b);
        line_ = n.line;
        return binary(n.op, left, right);
    }
    case node_kind::concat: return evaluate_concat(n);
    case node_kind::compare: return evaluate_compare(n);
    case node_kind::conditional:
        if (truthy(evaluate(n.a))) return evaluate(n.b);
        if (n.c != no_node) return evaluate(n.c);
        return value::undefined("the inline if-expression evaluated to false and no else section was defined.");
    default: template_fail("not an expression");
    }
}

inline value renderer::evaluate_name(const node& n) {
    const value& v = slot(n.where);
    return v.is_missing() ? value::undefined(quoted(n.text) + " is undefined") : v;
}

inline value renderer::evaluate_container(const node& n) {
    if (n.kind == node_kind::dict) {
        value_map map;
        for (std::size_t i = 0; i + 1 < n.children.size(); i += 2) {
            const value key = evaluate(n.children[i]);
            map.set(key, evaluate(n.children[i + 1]));
        }
        return value(std::move(map));
    }
    std::vector<value> items;
    items.reserve(n.children.size());
    for (const int child : n.children) items.push_back(evaluate(child));
    return n.kind == node_kind::tuple ? value::tuple(std::move(items)) : value::list(std::move(items));
}

inline value renderer::evaluate_concat(const node& n) {
    marked_text text;
    for (const int child : n.children) append_str(text, evaluate(child), budget_);
    return make_string(std::move(text));
}

inline value renderer::evaluate_compare(const node& n) {
    value left = evaluate(n.a);
    for (std::size_t i = 0; i < n.children.size(); ++i) {
        value right = evaluate(n.children[i]);
        line_ = n.line;
        if (!compare(n.comparisons[i], left, right)) return value(false);
        left.swap(right);
    }
    return value(true);
}

inline value renderer::evaluate_subscript(const node& n) {
    const value object = evaluate(n.a);
    const node& argument = tree_[n.b];
    if (argument.kind != node_kind::slice) {
        const value key = evaluate(n.b);
        line_ = n.line;
        return get_item(object, key);
    }
    const auto part = [&](int index) { return index == no_node ? value(nullptr) : evaluate(index); };
    const value start = part(argument.a);
    const value stop = part(argument.b);
    const value step = part(argument.c);
    line_ = n.line;
    return slice(object, start, stop, step);
}

inline value renderer::evaluate_filter(const node& n) {
    value operand;
    if (n.a != no_node) operand = evaluate(n.a);
    else operand = make_string(*filter_input_);
    call_values arguments;
    evaluate_arguments(n.call, arguments);
    line_ = n.line;
    return filter(n.builtin, n.text, operand, arguments);
}

inline void renderer::evaluate_arguments(const call_nodes& call, call_values& out) {
    for (const int argument : call.positional) out.positional.push_back(evaluate(argument));
    for (const auto& [name, argument] : call.named) out.named.emplace_back(name, evaluate(argument));
    if (call.star != no_node) {
        for (value& v : to_vector(evaluate(call.star))) out.positional.push_back(std::move(v));
    }
    if (call.double_star != no_node) {
        const value extra = evaluate(call.double_star);
        if (!extra.is_mapping())
            template_fail("argument after ** must be a mapping, not " + std::string(type_name(extra)));
        for (const auto& [key, v] : extra.as_map()) {
            if (!key.is_string()) template_fail("keywords must be strings");
            if (out.find(key.as_string()))
                template_fail("got multiple values for keyword argument " + quoted(key.as_string()));
            out.named.emplace_back(std::string(key.as_string()), v);
        }
    }
}

inline value renderer::evaluate_call(const node& n, const value* caller) {
    const value callee = evaluate(n.a);
    call_values arguments;
    evaluate_arguments(n.call, arguments);
    if (caller) {
        if (arguments.find("caller")) template_fail("got multiple values for keyword argument 'caller'");
        arguments.named.emplace_back("caller", *caller);
    }
    line_ = n.line;
    return call_value(callee, arguments);
}

// ---------------------------------------------------------------- calls

inline value renderer::call_value(const value& callee, call_values& arguments) {
    const depth_guard guard(*this);
    if (callee.is_undefined()) fail_undefined(callee);
    auto* object = callee.is_object() ? dynamic_cast<engine_object*>(&callee.as_object()) : nullptr;
    if (object) {
        switch (object->kind) {
        case object_kind::macro: return call_macro(static_cast<macro_object&>(*object), arguments);
        case object_kind::function: return call_global(static_cast<function_object*>(object)->function, arguments);
        case object_kind::method: {
            const auto& method = static_cast<method_object&>(*object);
            return call_method(*this, method, arguments);
        }
        case object_kind::loop: return call_loop(static_cast<loop_object&>(*object), arguments);
        case object_kind::joiner: {
            auto& joiner = static_cast<joiner_object&>(*object);
            if (!arguments.positional.empty() || !arguments.named.empty()) template_fail("joiner takes no arguments");
            return std::exchange(joiner.used, true) ? joiner.separator : value("");
        }
        case object_kind::host:
            if (!arguments.named.empty()) template_fail("functions of the host take no keyword arguments");
            return static_cast<host_function*>(object)->call(arguments.positional);
        default: break;
        }
    }
    template_fail("'" + std::string(type_name(callee)) + "' object is not callable");
}

inline value renderer::call_macro(macro_object& macro, call_values& arguments) {
    const node& n = tree_[macro.definition];
    const std::size_t count = n.parameter_slots.size();
    bool found_caller = false;
    const function_call call(*this, n.function, macro.closure);
    std::vector<bool> used(arguments.named.size(), false);
    const auto take = [&](std::string_view name) -> const value* {
        for (std::size_t i = 0; i < used.size(); ++i) {
            if (used[i] || arguments.named[i].first != name) continue;
            used[i] = true;
            return &arguments.named[i].second;
        }
        return nullptr;
    };
    const auto parameter_name = [&](std::size_t i) -> const std::string& { return tree_[n.call.positional[i]].text; };
    std::vector<value> given(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (i < arguments.positional.size()) {
            given[i] = arguments.positional[i];
        } else {
            if (const value* v = take(parameter_name(i))) given[i] = *v;
            if (parameter_name(i) == "caller") found_caller = true;
        }
    }
    if (arguments.positional.size() >= count) {
        for (std::size_t i = 0; i < count; ++i) found_caller = found_caller || parameter_name(i) == "caller";
    }
    value caller;
    if (n.caller_slot >= 0 && !found_caller) {
        const value* v = take("caller");
        caller = v && !v->is_none() ? *v : value::undefined("No caller defined");
    }
    value_map rest;
    for (std::size_t i = 0; i < used.size(); ++i) {
        if (used[i]) continue;
        if (n.kwargs_slot < 0)
            template_fail("macro " + quoted(macro.name) + " takes no keyword argument " +
                          quoted(arguments.named[i].first));
        rest.set(value(arguments.named[i].first), arguments.named[i].second);
    }
    if (arguments.positional.size() > count && n.varargs_slot < 0) {
        template_fail("macro " + quoted(macro.name) + " takes not more than " + std::to_string(count) + " argument(s)");
    }
    const auto set = [&](int at, value v) { active_->slots[static_cast<std::size_t>(at)] = std::move(v); };
    if (n.caller_slot >= 0) set(n.caller_slot, caller);
    if (n.kwargs_slot >= 0) set(n.kwargs_slot, value(std::move(rest)));
    if (n.varargs_slot >= 0) {
        std::vector<value> extra;
        for (std::size_t i = count; i < arguments.positional.size(); ++i) extra.push_back(arguments.positional[i]);
        set(n.varargs_slot, value::tuple(std::move(extra)));
    }
    for (std::size_t i = 0; i < count; ++i) set(n.parameter_slots[i], given[i]);
    enter_scope(n.scope);
    marked_text text;
    const capture redirect(*this, text);
    for (std::size_t i = 0; i < count; ++i) {
        value& target = active_->slots[static_cast<std::size_t>(n.parameter_slots[i])];
        if (!target.is_missing()) continue;
        const std::size_t first_default = count - n.other.size();
        const value fallback = i >= first_default
                                   ? evaluate(n.other[i - first_default])
                                   : value::undefined("parameter " + quoted(parameter_name(i)) + " was not provided");
        active_->slots[static_cast<std::size_t>(n.parameter_slots[i])] = fallback;
    }
    execute_all(n.children);
    return make_string(std::move(text));
}

inline value renderer::call_loop(loop_object& loop, call_values& arguments) {
    if (arguments.positional.size() != 1 || !arguments.named.empty()) template_fail("loop() takes one argument");
    if (loop.definition == no_node || !tree_[loop.definition].recursive) {
        template_fail("The loop must have the 'recursive' marker to be called recursively.");
    }
    marked_text text;
    const capture redirect(*this, text);
    run_recursive(loop.definition, arguments.positional[0], loop.depth0 + 1, loop.enclosing);
    return make_string(std::move(text));
}

inline value renderer::call_global(global_function f, call_values& arguments) {
    const auto& positional = arguments.positional;
    const auto no_names = [&](std::string_view what) {
        if (!arguments.named.empty()) template_fail(std::string(what) + "() takes no keyword arguments");
    };
    switch (f) {
    case global_function::range: {
        no_names("range");
        if (positional.empty() || positional.size() > 3)
            template_fail("range expected 1 to 3 arguments, got " + std::to_string(positional.size()));
        std::int64_t numbers[3] = {0, 0, 1};
        for (std::size_t i = 0; i < positional.size(); ++i) numbers[i] = to_index(positional[i]);
        if (positional.size() == 1) std::swap(numbers[0], numbers[1]);
        if (numbers[2] == 0) template_fail("range() arg 3 must not be zero");
        auto* range = new range_object(numbers[0], numbers[1], numbers[2]);
        value v = value::adopt(range);
        if (range->size() > 100'000)
            template_fail("Range too big. The sandbox blocks ranges larger than MAX_RANGE (100000).");
        return v;
    }
    case global_function::dict:
    case global_function::name_space: {
        value_map map;
        if (positional.size() > 1)
            template_fail("expected at most 1 argument, got " + std::to_string(positional.size()));
        if (positional.size() == 1) {
            if (positional[0].is_undefined()) fail_undefined(positional[0]);
            if (positional[0].is_mapping()) map = positional[0].as_map();
            else {
                for (const value& pair : to_vector(positional[0])) {
                    const std::vector<value> two = to_vector(pair);
                    if (two.size() != 2)
                        template_fail("dictionary update sequence element has length " + std::to_string(two.size()) +
                                      "; 2 is required");
                    map.set(two[0], two[1]);
                }
            }
        }
        for (const auto& [name, v] : arguments.named) map.set(value(name), v);
        budget_.spend(map.size());
        if (f == global_function::dict) return value(std::move(map));
        for (const auto& [k, v] : map) {
            if (k.is_string() && !k.as_string().empty() && k.as_string().front() == '_') {
                template_fail("Chat templates cannot store underscore-prefixed attributes on a namespace");
            }
        }
        value v = make_namespace();
        object_cast<namespace_object>(v, object_kind::name_space)->attributes = std::move(map);
        return v;
    }
    case global_function::cycler:
        no_names("cycler");
        if (positional.empty()) template_fail("at least one item has to be provided");
        return value::adopt(new cycler_object(positional));
    case global_function::joiner: {
        const value* separator = !positional.empty() ? &positional[0] : arguments.find("sep");
        if (positional.size() + arguments.named.size() > 1 || (!separator && !arguments.named.empty()))
            template_fail("joiner() takes one argument");
        return value::adopt(new joiner_object(separator ? *separator : value(", ")));
    }
    case global_function::raise_exception: {
        const value* message = !positional.empty() ? &positional[0] : arguments.find("message");
        if (!message || positional.size() + arguments.named.size() > 1)
            template_fail("raise_exception() takes one argument");
        template_fail(str(*message).bytes());
    }
    case global_function::strftime_now: {
        const value* format = !positional.empty() ? &positional[0] : arguments.find("format");
        if (!format || !format->is_string() || positional.size() + arguments.named.size() > 1)
            template_fail("strftime_now() takes one string");
        if (!clock_.read) template_fail("strftime_now: no clock");
        return value(format_time(format->as_string(), clock_.read(clock_.context)));
    }
    }
    template_fail("unknown function");
}

} // namespace detail::jinja

APERTUS_END_NAMESPACE
