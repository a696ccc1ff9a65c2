// SPDX-License-Identifier: Apache-2.0
//
// Decides, once per template, where every variable lives. Jinja's scoping is static: a name that a loop body sets is a
// new variable of that body, filled from the outer one at each iteration, so a `set` inside a loop is never seen after
// it; an `if` opens no scope; macros see the variables around their definition. The rules are those of
// jinja2/idtracking.py and of the frames in jinja2/compiler.py; also checks here what only the compiler there checks.
#pragma once

#include <apertus/text/jinja/ast.hpp>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

class scope_builder {
public:
    explicit scope_builder(template_tree& tree) : tree_(tree) {}

    void run() {
        const int function = new_function(0);
        table slots{function, {}};
        symbols root{nullptr, &slots, {}};
        visit_all(root, tree_.body);
        tree_.root_scope = plan(root);
        for (const entry& e : root.entries) {
            if (e.stored) tree_.top_level.emplace_back(e.name, slot_of(slots, e.name));
        }
        resolve_all(tree_.body, {&root, function, false, 0});
    }

private:
    /// The slots that one scope uses in its function.
    struct table {
        int function;
        std::vector<std::pair<int, int>> slots; ///< (name, slot)
    };
    enum class load : unsigned char { none, parameter, context, alias, unset };
    struct entry {
        int name;
        bool referenced = false;
        bool stored = false;
        load how = load::none;
        table* outer = nullptr; ///< alias: the scope that holds the outer variable
    };
    struct symbols {
        symbols* parent;
        table* slots;
        std::vector<entry> entries;
    };
    struct frame {
        symbols* scope;
        int function;
        bool soft; ///< inside a condition, where an unknown filter is an error only when it runs
        int loops; ///< loops of this function around here
    };

    // -- symbols

    int new_function(int level) {
        tree_.function_slots.push_back(0);
        levels_.push_back(level);
        return static_cast<int>(levels_.size()) - 1;
    }
    [[nodiscard]] int level(int function) const { return levels_[static_cast<std::size_t>(function)]; }
    int slot_of(table& t, int name) {
        for (const auto& [known, slot] : t.slots) {
            if (known == name) return slot;
        }
        const int slot = tree_.function_slots[static_cast<std::size_t>(t.function)]++;
        t.slots.emplace_back(name, slot);
        return slot;
    }
    [[nodiscard]] static entry* find(symbols& s, int name) {
        for (entry& e : s.entries) {
            if (e.name == name) return &e;
        }
        return nullptr;
    }
    [[nodiscard]] static entry& find_or_add(symbols& s, int name) {
        if (entry* e = find(s, name)) return *e;
        entry e;
        e.name = name;
        s.entries.push_back(e);
        return s.entries.back();
    }
    [[nodiscard]] static table* find_ref(symbols* s, int name) {
        for (; s; s = s->parent) {
            const entry* e = find(*s, name);
            if (e && e->referenced) return s->slots;
        }
        return nullptr;
    }
    static void define(entry& e, load how, table* outer = nullptr) {
        e.referenced = true;
        e.how = how;
        e.outer = outer;
    }
    static void load_name(symbols& s, int name) {
        if (!find_ref(&s, name)) define(find_or_add(s, name), load::context);
    }
    static void store_name(symbols& s, int name) {
        entry& e = find_or_add(s, name);
        e.stored = true;
        if (e.referenced) return;
        table* outer = find_ref(s.parent, name);
        define(e, outer ? load::alias : load::unset, outer);
    }
    static void declare_parameter(symbols& s, int name) {
        entry& e = find_or_add(s, name);
        e.stored = true;
        define(e, load::parameter);
    }

    void branch_update(symbols& s, const symbols (&branches)[3]) {
        std::vector<int> stored;
        for (const symbols& branch : branches) {
            for (const entry& e : branch.entries) {
                if (!e.stored) continue;
                const entry* own = find(s, e.name);
                if (!own || !own->stored) stored.push_back(e.name);
            }
        }
        for (const symbols& branch : branches) {
            for (const entry& e : branch.entries) {
                entry& own = find_or_add(s, e.name);
                own.stored = own.stored || e.stored;
                if (e.referenced) define(own, e.how, e.outer);
            }
        }
        for (const int name : stored) {
            table* outer = find_ref(s.parent, name);
            define(find_or_add(s, name), outer ? load::alias : load::context, outer);
        }
    }

    void visit_all(symbols& s, const std::vector<int>& list) {
        for (const int n : list) visit(s, n);
    }

    /// What a statement or expression reads and sets in the scope `s` itself.
    void visit(symbols& s, int index) {
        const node& n = tree_[index];
        switch (n.kind) {
        case node_kind::name:
            if (n.use == name_use::parameter) declare_parameter(s, n.name);
            else if (n.use == name_use::store) store_name(s, n.name);
            else load_name(s, n.name);
            return;
        case node_kind::namespace_ref: load_name(s, n.name); return;
        case node_kind::if_block: {
            visit(s, n.a);
            symbols branches[3] = {s, s, s};
            visit_all(branches[0], n.children);
            visit_all(branches[1], n.branches);
            visit_all(branches[2], n.other);
            branch_update(s, branches);
            return;
        }
        case node_kind::macro: store_name(s, n.name); return;
        case node_kind::assign:
            visit(s, n.a);
            visit(s, n.b);
            return;
        case node_kind::for_loop: visit(s, n.b); return;
        case node_kind::call_block:
        case node_kind::filter_block:
        case node_kind::assign_block: visit(s, n.a); return;
        case node_kind::with_block: visit_all(s, n.other); return;
        case node_kind::block:
        case node_kind::generation: return;
        default: for_each_child(n, [&](int child) { visit(s, child); });
        }
    }

    void declare_target(symbols& s, int index) {
        const node& n = tree_[index];
        if (n.kind == node_kind::name) declare_parameter(s, n.name);
        for (const int child : n.children) declare_target(s, child);
    }

    int plan(symbols& s) {
        scope_plan out;
        for (const entry& e : s.entries) {
            if (!e.referenced || e.how == load::parameter || e.how == load::none) continue;
            slot_load l;
            l.slot = slot_of(*s.slots, e.name);
            l.name = e.name;
            if (e.how == load::context) l.from = slot_load::source::context;
            if (e.how == load::alias) {
                l.from = slot_load::source::alias;
                l.alias = {level(s.slots->function) - level(e.outer->function), slot_of(*e.outer, e.name)};
            }
            out.loads.push_back(l);
        }
        tree_.scopes.push_back(std::move(out));
        return static_cast<int>(tree_.scopes.size()) - 1;
    }

    // -- second pass: write slots into the tree

    // A copy of the list, since resolving may move the nodes that hold it.
    // NOLINTNEXTLINE(performance-unnecessary-value-param)
    void resolve_all(const std::vector<int> list, const frame& f) {
        for (const int n : list) resolve(n, f);
    }

    [[nodiscard]] variable find_variable(const frame& f, int name) {
        table* t = find_ref(f.scope, name);
        if (!t) template_fail("unresolved name " + tree_.names[static_cast<std::size_t>(name)]);
        return {level(f.function) - level(t->function), slot_of(*t, name)};
    }

    /// Nodes may be added here (clone_target), so no reference to a node is held across a recursive call.
    void resolve(int index, const frame& f) {
        const node_kind kind = tree_[index].kind;
        switch (kind) {
        case node_kind::name:
        case node_kind::namespace_ref: tree_[index].where = find_variable(f, tree_[index].name); return;
        case node_kind::filter:
        case node_kind::test: {
            const bool is_filter = kind == node_kind::filter;
            node& n = tree_[index];
            n.builtin = is_filter ? find_filter(n.text) : find_test(n.text);
            if (n.builtin < 0 && !f.soft) {
                throw template_syntax_failure(n.line, std::string("No ") + (is_filter ? "filter" : "test") + " named " +
                                                          quoted(n.text) + ".");
            }
            resolve_children(index, f);
            return;
        }
        case node_kind::conditional:
        case node_kind::if_block: {
            frame soft = f;
            soft.soft = true;
            resolve_children(index, soft);
            return;
        }
        case node_kind::for_loop: resolve_for(index, f); return;
        case node_kind::macro:
            tree_[index].where = find_variable(f, tree_[index].name);
            resolve_function(index, f);
            return;
        case node_kind::call_block:
            resolve_function(index, f);
            resolve(tree_[index].a, f);
            return;
        case node_kind::generation: resolve_function(index, f); return;
        case node_kind::filter_block:
        case node_kind::assign_block: resolve_capture(index, f); return;
        case node_kind::with_block: resolve_with(index, f); return;
        case node_kind::block: resolve_block(index); return;
        case node_kind::loop_break:
        case node_kind::loop_continue:
            if (f.loops == 0) throw template_syntax_failure(tree_[index].line, "break or continue outside of a loop");
            return;
        default: resolve_children(index, f);
        }
    }

    void resolve_children(int index, const frame& f) {
        std::vector<int> children;
        for_each_child(tree_[index], [&](int child) { children.push_back(child); });
        resolve_all(std::move(children), f);
    }

    [[nodiscard]] bool sets_loop(int index) const {
        const node& n = tree_[index];
        bool found = n.kind == node_kind::name && n.use == name_use::store && n.text == "loop";
        for_each_child(n, [&](int child) { found = found || sets_loop(child); });
        return found;
    }

    int clone_target(int index) {
        node copy = tree_[index];
        for (int& child : copy.children) child = clone_target(child);
        tree_.nodes.push_back(std::move(copy));
        return static_cast<int>(tree_.nodes.size()) - 1;
    }

    [[nodiscard]] int loop_name() {
        for (std::size_t i = 0; i < tree_.names.size(); ++i) {
            if (tree_.names[i] == "loop") return static_cast<int>(i);
        }
        tree_.names.emplace_back("loop");
        return static_cast<int>(tree_.names.size()) - 1;
    }

    void resolve_for(int index, const frame& f) {
        if (checked_loops_ == 0 && sets_loop(index)) {
            throw template_syntax_failure(tree_[index].line,
                                          "Can't assign to special loop variable in for-loop target");
        }
        ++checked_loops_; // the check of the outermost loop covers the inner ones
        const bool recursive = tree_[index].recursive;
        const int function = recursive ? new_function(level(f.function) + 1) : f.function;
        tree_[index].function = recursive ? function : -1;
        const int loop = loop_name();
        resolve(tree_[index].b, f);

        table body_slots{function, {}};
        symbols body{f.scope, &body_slots, {}};
        declare_parameter(body, loop);
        declare_target(body, tree_[index].a);
        visit_all(body, tree_[index].children);
        tree_[index].scope = plan(body);
        tree_[index].loop_slot = slot_of(body_slots, loop);
        const frame inside{&body, function, false, recursive ? 1 : f.loops + 1};
        resolve(tree_[index].a, inside);
        resolve_all(tree_[index].children, inside);

        if (tree_[index].c != no_node) {
            table test_slots{function, {}};
            symbols test{f.scope, &test_slots, {}};
            const int target = clone_target(tree_[index].a);
            tree_[index].test_target = target;
            declare_target(test, target);
            visit(test, tree_[index].c);
            tree_[index].test_scope = plan(test);
            const frame testing{&test, function, false, 0};
            resolve(target, testing);
            resolve(tree_[index].c, testing);
        }
        if (!tree_[index].other.empty()) {
            table else_slots{function, {}};
            symbols otherwise{f.scope, &else_slots, {}};
            visit_all(otherwise, tree_[index].other);
            tree_[index].else_scope = plan(otherwise);
            resolve_all(tree_[index].other, {&otherwise, function, false, recursive ? 0 : f.loops});
        }
        --checked_loops_;
    }

    /// Which of caller, kwargs, varargs the body reads without setting them first.
    struct special_names {
        bool wanted[3] = {true, true, true};
        bool found[3] = {false, false, false};
    };
    void find_special(int index, special_names& s) const {
        static constexpr std::string_view names[] = {"caller", "kwargs", "varargs"};
        const node& n = tree_[index];
        if (n.kind == node_kind::block) return;
        if (n.kind == node_kind::name) {
            for (std::size_t i = 0; i < 3; ++i) {
                if (n.text != names[i] || !s.wanted[i]) continue;
                if (n.use == name_use::load) s.found[i] = true;
                else s.wanted[i] = false;
            }
        }
        if (n.kind == node_kind::assign) { // Jinja looks at the target first
            find_special(n.b, s);
            find_special(n.a, s);
            return;
        }
        if (n.kind == node_kind::macro || n.kind == node_kind::call_block) {
            if (n.a != no_node) find_special(n.a, s);
            for (const int p : n.call.positional) find_special(p, s);
            for (const int d : n.other) find_special(d, s);
            for (const int b : n.children) find_special(b, s);
            return;
        }
        for_each_child(n, [&](int child) { find_special(child, s); });
    }
    [[nodiscard]] int name_index(std::string_view name) const {
        for (std::size_t i = 0; i < tree_.names.size(); ++i) {
            if (tree_.names[i] == name) return static_cast<int>(i);
        }
        return -1;
    }

    /// Macro, call block and generation block: a function whose scope sees the variables around it.
    void resolve_function(int index, const frame& f) {
        const int function = new_function(level(f.function) + 1);
        tree_[index].function = function;
        table slots{function, {}};
        symbols inner{f.scope, &slots, {}};
        const std::vector<int> parameters =
            tree_[index].kind == node_kind::generation ? std::vector<int>{} : tree_[index].call.positional;
        const std::vector<int> defaults =
            tree_[index].kind == node_kind::generation ? std::vector<int>{} : tree_[index].other;
        visit_all(inner, parameters);
        visit_all(inner, defaults);
        visit_all(inner, tree_[index].children);

        special_names special;
        for (const int n : tree_[index].children) find_special(n, special);
        int explicit_index[3] = {-1, -1, -1};
        static constexpr std::string_view names[] = {"caller", "kwargs", "varargs"};
        for (std::size_t i = 0; i < parameters.size(); ++i) {
            for (std::size_t k = 0; k < 3; ++k) {
                if (tree_[parameters[i]].text == names[k]) explicit_index[k] = static_cast<int>(i);
            }
        }
        int special_slots[3] = {-1, -1, -1};
        for (std::size_t k = 0; k < 3; ++k) {
            if (!special.found[k]) continue;
            if (explicit_index[k] >= 0) {
                if (k == 0 && parameters.size() - static_cast<std::size_t>(explicit_index[0]) > defaults.size()) {
                    throw template_syntax_failure(
                        tree_[index].line, "the special \"caller\" argument must be omitted or be given a default.");
                }
                continue;
            }
            const int name = name_index(names[k]);
            declare_parameter(inner, name);
            special_slots[k] = slot_of(slots, name);
        }
        node& n = tree_[index];
        n.caller_slot = special_slots[0];
        n.kwargs_slot = special_slots[1];
        n.varargs_slot = special_slots[2];
        n.parameter_slots.clear();
        for (const int p : parameters) n.parameter_slots.push_back(slot_of(slots, tree_[p].name));
        n.scope = plan(inner);
        const frame inside{&inner, function, false, 0};
        resolve_all(parameters, inside);
        resolve_all(defaults, inside);
        resolve_all(tree_[index].children, inside);
    }

    void resolve_capture(int index, const frame& f) {
        const bool is_set = tree_[index].kind == node_kind::assign_block;
        table slots{f.function, {}};
        symbols inner{f.scope, &slots, {}};
        visit_all(inner, tree_[index].children);
        const int chain = is_set ? tree_[index].b : tree_[index].a;
        if (chain != no_node) visit(inner, chain);
        tree_[index].scope = plan(inner);
        const frame inside{&inner, f.function, false, f.loops};
        resolve_all(tree_[index].children, inside);
        if (chain != no_node) resolve(chain, inside);
        if (is_set) resolve(tree_[index].a, f);
    }

    void resolve_with(int index, const frame& f) {
        table slots{f.function, {}};
        symbols inner{f.scope, &slots, {}};
        for (const int target : tree_[index].call.positional) declare_target(inner, target);
        visit_all(inner, tree_[index].children);
        tree_[index].scope = plan(inner);
        resolve_all(tree_[index].other, f);
        const frame inside{&inner, f.function, false, f.loops};
        resolve_all(tree_[index].call.positional, inside);
        resolve_all(tree_[index].children, inside);
    }

    void resolve_block(int index) {
        const int function = new_function(0);
        tree_[index].function = function;
        table slots{function, {}};
        symbols inner{nullptr, &slots, {}};
        visit_all(inner, tree_[index].children);
        tree_[index].scope = plan(inner);
        resolve_all(tree_[index].children, {&inner, function, false, 0});
    }

    template_tree& tree_;
    std::vector<int> levels_; ///< nesting of functions
    int checked_loops_ = 0;
};

} // namespace detail::jinja

APERTUS_END_NAMESPACE
