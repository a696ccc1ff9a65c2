// SPDX-License-Identifier: Apache-2.0
//
// The syntax tree of a template: nodes in one array that refer to each other by index, so that destroying a tree never
// recurses. After parsing, scope.hpp writes into each name where its variable lives (function level and slot).
#pragma once

#include <apertus/text/value.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

inline constexpr int no_node = -1;
/// Deepest tree that the parser accepts; it bounds the recursion of everything that walks it.
inline constexpr int max_tree_depth = 160;

enum class node_kind : std::uint8_t {
    // expressions
    constant,
    name,
    namespace_ref,
    tuple,
    list,
    dict,
    attribute,
    subscript,
    slice,
    call,
    filter,
    test,
    negative,
    positive,
    logical_not,
    logical_and,
    logical_or,
    binary,
    concat,
    compare,
    conditional,
    // statements
    output,
    assign,
    assign_block,
    for_loop,
    if_block,
    macro,
    call_block,
    filter_block,
    with_block,
    block,
    generation,
    loop_break,
    loop_continue,
};

enum class name_use : std::uint8_t { load, store, parameter };

enum class operation : std::uint8_t {
    add,
    subtract,
    multiply,
    divide,
    floor_divide,
    modulo,
    power,
    equal,
    not_equal,
    less,
    less_equal,
    greater,
    greater_equal,
    in,
    not_in
};

/// f(args..., names=values..., *star, **double_star)
struct call_nodes {
    std::vector<int> positional;
    std::vector<std::pair<std::string, int>> named;
    int star = no_node;
    int double_star = no_node;
};

/// Where a variable lives: `hops` functions out from the running one, at `slot`.
struct variable {
    int hops = 0;
    int slot = -1;
};

/// How a scope fills one slot when it is entered.
struct slot_load {
    enum class source : std::uint8_t { unset, context, alias };
    source from = source::unset;
    int slot = 0;
    int name = 0;   ///< context: which name
    variable alias; ///< alias: from where
};

struct node {
    node_kind kind;
    int line = 0;
    int depth = 1;
    name_use use = name_use::load;
    operation op = operation::add;
    bool recursive = false; ///< for_loop
    bool soft = false;      ///< filter, test: an unknown name is an error only when it is called
    std::string text;       ///< names, attributes, filters, tests
    int name = -1;          ///< interned `text` of variables
    value constant;
    int a = no_node; ///< operand, condition, target, iterable (see the parser)
    int b = no_node;
    int c = no_node;
    std::vector<int> children; ///< elements, operands, bodies
    std::vector<int> other;    ///< second list: else body, defaults, values
    std::vector<int> branches; ///< if_block: its elif blocks, each an if_block
    std::vector<operation> comparisons;
    call_nodes call;

    // written by scope.hpp
    variable where;   ///< name, namespace_ref
    int builtin = -1; ///< index of the filter or test, -1 unknown
    int scope = -1;   ///< scope of the body
    int else_scope = -1;
    int test_scope = -1;
    int test_target = no_node; ///< for_loop: the target once more, in the scope of the filter
    int function = -1;         ///< macro, call block, recursive loop, block: index of its function
    std::vector<int> parameter_slots;
    int loop_slot = -1;
    int caller_slot = -1;
    int kwargs_slot = -1;
    int varargs_slot = -1;
};

struct scope_plan {
    std::vector<slot_load> loads;
};

/// A template after parsing: immutable, shared by all renderings.
struct template_tree {
    std::vector<node> nodes;
    std::vector<int> body;
    std::vector<std::string> names; ///< interned variable names
    std::vector<scope_plan> scopes;
    std::vector<int> function_slots;            ///< number of slots per function; 0 is the template itself
    std::vector<std::pair<int, int>> top_level; ///< (name, slot) of what the template itself sets
    int root_scope = -1;

    [[nodiscard]] const node& operator[](int index) const noexcept { return nodes[static_cast<std::size_t>(index)]; }
    [[nodiscard]] node& operator[](int index) noexcept { return nodes[static_cast<std::size_t>(index)]; }
};

/// Calls f(child index) for every direct child, in Jinja's field order.
template <class F> void for_each_child(const node& n, F f) {
    const auto one = [&](int i) {
        if (i != no_node) f(i);
    };
    one(n.a);
    one(n.b);
    one(n.c);
    for (const int i : n.children) f(i);
    for (const int i : n.branches) f(i);
    for (const int i : n.other) f(i);
    for (const int i : n.call.positional) f(i);
    for (const auto& [key, i] : n.call.named) f(i);
    one(n.call.star);
    one(n.call.double_star);
}

/// Index of a built-in filter or test, -1 when there is none (filters.hpp, tests.hpp).
[[nodiscard]] int find_filter(std::string_view name) noexcept;
[[nodiscard]] int find_test(std::string_view name) noexcept;

/// Thrown by lexer, parser and scope analysis.
class template_syntax_failure : public template_failure {
public:
    template_syntax_failure(int at, const std::string& message) : template_failure(message), line(at) {}
    int line;
};

} // namespace detail::jinja

APERTUS_END_NAMESPACE
