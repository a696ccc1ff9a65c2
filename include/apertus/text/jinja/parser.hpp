// SPDX-License-Identifier: Apache-2.0
//
// Tokens -> syntax tree: a recursive descent parser with the grammar and precedences of jinja2/parser.py, the loop
// controls extension and Hugging Face's `generation` tag. Nesting is bounded, so a hostile template cannot exhaust the
// stack. Tags that load other templates (extends, include, import) are refused by name.
#pragma once

#include <apertus/text/jinja/ast.hpp>
#include <apertus/text/jinja/lexer.hpp>

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

APERTUS_BEGIN_NAMESPACE

namespace detail::jinja {

class parser {
public:
    parser(std::vector<token> tokens, template_tree& tree) : tokens_(std::move(tokens)), tree_(tree) {}

    void run() { tree_.body = statements({}); }

private:
    // -- tokens

    [[nodiscard]] const token& current() const noexcept { return tokens_[at_]; }
    [[nodiscard]] const token& look() const noexcept { return tokens_[at_ + 1 < tokens_.size() ? at_ + 1 : at_]; }
    void advance() noexcept {
        if (at_ + 1 < tokens_.size()) ++at_;
    }
    [[nodiscard]] bool is_name(std::string_view word) const noexcept {
        return current().kind == token_kind::name && current().text == word;
    }
    [[nodiscard]] bool is_op(std::string_view sign) const noexcept {
        return current().kind == token_kind::op && current().text == sign;
    }
    bool skip_name(std::string_view word) {
        if (!is_name(word)) return false;
        advance();
        return true;
    }
    bool skip_op(std::string_view sign) {
        if (!is_op(sign)) return false;
        advance();
        return true;
    }
    [[nodiscard]] static std::string describe(const token& t) {
        switch (t.kind) {
        case token_kind::data: return "template data / text";
        case token_kind::block_begin: return "begin of statement block";
        case token_kind::block_end: return "end of statement block";
        case token_kind::variable_begin: return "begin of print statement";
        case token_kind::variable_end: return "end of print statement";
        case token_kind::integer: return "integer";
        case token_kind::floating: return "float";
        case token_kind::string: return "string";
        case token_kind::end: return "end of template";
        case token_kind::name:
        case token_kind::op: return t.text;
        }
        return {};
    }
    [[noreturn]] void fail_at(int line, const std::string& message) const {
        throw template_syntax_failure(line, message);
    }
    [[noreturn]] void fail_expected(std::string_view what) const {
        fail_at(current().line, "expected " + std::string(what) + ", found '" + describe(current()) + "'");
    }
    void expect_op(std::string_view sign) {
        if (!skip_op(sign)) fail_expected("'" + std::string(sign) + "'");
    }
    void expect_name(std::string_view word) {
        if (!skip_name(word)) fail_expected("'" + std::string(word) + "'");
    }
    void expect(token_kind kind, std::string_view what) {
        if (current().kind != kind) fail_expected(what);
        advance();
    }
    std::string take_name() {
        if (current().kind != token_kind::name) fail_expected("a name");
        std::string out = current().text;
        advance();
        return out;
    }

    // -- nodes

    int add(node_kind kind, int line) {
        if (tree_.nodes.size() >= 1'000'000) fail_at(line, "template too large");
        node n;
        n.kind = kind;
        n.line = line;
        tree_.nodes.push_back(std::move(n));
        return static_cast<int>(tree_.nodes.size()) - 1;
    }
    [[nodiscard]] node& at(int index) { return tree_[index]; }

    /// Computes the node's depth from its children; call when the node is complete.
    int finish(int index) {
        int deepest = 0;
        for_each_child(tree_[index],
                       [&](int child) { deepest = tree_[child].depth > deepest ? tree_[child].depth : deepest; });
        if (deepest >= max_tree_depth)
            fail_at(tree_[index].line, "template nested too deeply (limit " + std::to_string(max_tree_depth) + ")");
        tree_[index].depth = deepest + 1;
        return index;
    }
    int add_name(std::string text, name_use use, int line) {
        const int n = add(node_kind::name, line);
        at(n).name = intern(text);
        at(n).text = std::move(text);
        at(n).use = use;
        return n;
    }
    int intern(const std::string& name) {
        if (const value* known = interned_.find(name)) return static_cast<int>(known->as_integer());
        if (tree_.names.size() >= 4096) fail_at(current().line, "too many different variable names (limit 4096)");
        const auto index = static_cast<int>(tree_.names.size());
        tree_.names.push_back(name);
        interned_.set(value(name), value(index));
        return index;
    }
    int add_binary(node_kind kind, operation op, int left, int right, int line) {
        const int n = add(kind, line);
        at(n).op = op;
        at(n).a = left;
        at(n).b = right;
        return finish(n);
    }
    int add_constant(value v, int line) {
        const int n = add(node_kind::constant, line);
        at(n).constant = std::move(v);
        return n;
    }

    struct nesting {
        explicit nesting(parser& p) : owner(p) {
            if (++owner.depth_ > max_tree_depth) {
                owner.fail_at(owner.current().line,
                              "template nested too deeply (limit " + std::to_string(max_tree_depth) + ")");
            }
        }
        ~nesting() { --owner.depth_; }
        nesting(const nesting&) = delete;
        nesting& operator=(const nesting&) = delete;
        parser& owner;
    };

    // -- statements

    /// Statements up to one of `ends` (the tag's name is then current), or to the end of the template.
    std::vector<int> statements(std::initializer_list<std::string_view> ends) {
        const nesting guard(*this);
        std::vector<int> body;
        int open_output = no_node;
        const auto output = [&](int child) {
            if (open_output == no_node) open_output = add(node_kind::output, tree_[child].line);
            at(open_output).children.push_back(child);
        };
        const auto flush = [&] {
            if (open_output != no_node) body.push_back(finish(open_output));
            open_output = no_node;
        };
        while (current().kind != token_kind::end) {
            const token& t = current();
            if (t.kind == token_kind::data) {
                output(add_constant(value(t.text), t.line));
                advance();
            } else if (t.kind == token_kind::variable_begin) {
                advance();
                output(tuple_or_expression());
                expect(token_kind::variable_end, "end of print statement");
            } else { // only a block can begin here
                flush();
                advance();
                for (const std::string_view end : ends) {
                    if (is_name(end)) return body;
                }
                body.push_back(statement());
                expect(token_kind::block_end, "end of statement block");
            }
        }
        flush();
        if (ends.size() > 0)
            fail_at(current().line, "Unexpected end of template: expected '" + std::string(*ends.begin()) + "'");
        return body;
    }

    /// ": %} body {% end"; the end tag's name is current afterwards.
    std::vector<int> block_body(std::initializer_list<std::string_view> ends) {
        skip_op(":");
        expect(token_kind::block_end, "end of statement block");
        return statements(ends);
    }

    int statement() {
        if (current().kind != token_kind::name) fail_at(current().line, "tag name expected");
        const std::string tag = current().text;
        const int line = current().line;
        if (tag == "for") return for_statement(line);
        if (tag == "if") return if_statement(line);
        if (tag == "set") return set_statement(line);
        if (tag == "macro") return macro_statement(line);
        if (tag == "call") return call_statement(line);
        if (tag == "filter") return filter_statement(line);
        if (tag == "with") return with_statement(line);
        if (tag == "print") return print_statement(line);
        if (tag == "block") return block_statement(line);
        if (tag == "generation") {
            advance();
            const int n = add(node_kind::generation, line);
            std::vector<int> body = block_body({"endgeneration"});
            advance();
            at(n).children = std::move(body);
            return finish(n);
        }
        if (tag == "break" || tag == "continue") {
            advance();
            return add(tag == "break" ? node_kind::loop_break : node_kind::loop_continue, line);
        }
        for (const std::string_view other : {"extends", "include", "import", "from", "autoescape"}) {
            if (tag == other) fail_at(line, "the tag '" + tag + "' is not supported in chat templates");
        }
        fail_at(line, "Encountered unknown tag '" + tag + "'.");
    }

    int for_statement(int line) {
        advance();
        const int n = add(node_kind::for_loop, line);
        const int target = assign_target(false, "in");
        at(n).a = target;
        expect_name("in");
        const int iterable = tuple_or_expression(false, "recursive");
        at(n).b = iterable;
        if (skip_name("if")) {
            const int condition = expression();
            at(n).c = condition;
        }
        at(n).recursive = skip_name("recursive");
        std::vector<int> body = block_body({"endfor", "else"});
        at(n).children = std::move(body);
        const bool has_else = is_name("else");
        advance();
        if (has_else) {
            std::vector<int> otherwise = block_body({"endfor"});
            advance();
            at(n).other = std::move(otherwise);
        }
        return finish(n);
    }

    int if_statement(int line) {
        const int first = add(node_kind::if_block, line);
        int n = first;
        while (true) {
            advance(); // if, elif
            const int condition = tuple_or_expression(false);
            at(n).a = condition;
            std::vector<int> body = block_body({"elif", "else", "endif"});
            at(n).children = std::move(body);
            if (n != first) finish(n);
            if (is_name("elif")) {
                n = add(node_kind::if_block, current().line);
                at(first).branches.push_back(n);
                continue;
            }
            const bool has_else = is_name("else");
            advance();
            if (has_else) {
                std::vector<int> otherwise = block_body({"endif"});
                advance();
                at(first).other = std::move(otherwise);
            }
            return finish(first);
        }
    }

    int set_statement(int line) {
        advance();
        const int target = assign_target(true, {});
        if (skip_op("=")) {
            const int n = add(node_kind::assign, line);
            const int source = tuple_or_expression();
            at(n).a = source;
            at(n).b = target;
            return finish(n);
        }
        const int n = add(node_kind::assign_block, line);
        at(n).a = target;
        if (is_op("|")) {
            const int chain = filters(no_node, false);
            at(n).b = chain;
        }
        std::vector<int> body = block_body({"endset"});
        advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    /// (a, b=1): parameters into call.positional, defaults into other.
    void signature(int n) {
        expect_op("(");
        while (!is_op(")")) {
            if (!at(n).call.positional.empty()) expect_op(",");
            const int line = current().line;
            const int parameter = add_name(take_assignable_name(), name_use::parameter, line);
            at(n).call.positional.push_back(parameter);
            if (skip_op("=")) {
                const int fallback = expression();
                at(n).other.push_back(fallback);
            } else if (!at(n).other.empty()) {
                fail_at(current().line, "non-default argument follows default argument");
            }
        }
        expect_op(")");
        for (std::size_t i = 0; i < at(n).call.positional.size(); ++i) {
            for (std::size_t j = 0; j < i; ++j) {
                if (at(at(n).call.positional[i]).name == at(at(n).call.positional[j]).name) {
                    fail_at(at(n).line, "duplicate parameter " + quoted(at(at(n).call.positional[i]).text));
                }
            }
        }
    }

    int macro_statement(int line) {
        advance();
        const int n = add(node_kind::macro, line);
        const std::string name = take_assignable_name();
        at(n).name = intern(name);
        at(n).text = name;
        signature(n);
        std::vector<int> body = block_body({"endmacro"});
        advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    int call_statement(int line) {
        advance();
        const int n = add(node_kind::call_block, line);
        if (is_op("(")) signature(n);
        const int call = expression();
        if (at(call).kind != node_kind::call) fail_at(line, "expected call");
        at(n).a = call;
        std::vector<int> body = block_body({"endcall"});
        advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    int filter_statement(int line) {
        advance();
        const int n = add(node_kind::filter_block, line);
        const int chain = filters(no_node, true);
        at(n).a = chain;
        std::vector<int> body = block_body({"endfilter"});
        advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    int with_statement(int line) {
        advance();
        const int n = add(node_kind::with_block, line);
        while (current().kind != token_kind::block_end) {
            if (!at(n).call.positional.empty()) expect_op(",");
            const int target = assign_target(false, {});
            set_use(target, name_use::parameter);
            at(n).call.positional.push_back(target);
            expect_op("=");
            const int source = expression();
            at(n).other.push_back(source);
        }
        std::vector<int> body = block_body({"endwith"});
        advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    int print_statement(int line) {
        advance();
        const int n = add(node_kind::output, line);
        while (current().kind != token_kind::block_end) {
            if (!at(n).children.empty()) expect_op(",");
            const int item = expression();
            at(n).children.push_back(item);
        }
        return finish(n);
    }

    int block_statement(int line) {
        advance();
        const int n = add(node_kind::block, line);
        const std::string name = take_name();
        for (const std::string& known : blocks_) {
            if (known == name) fail_at(line, "block " + quoted(name) + " defined twice");
        }
        blocks_.push_back(name);
        if (is_name("scoped") || is_name("required"))
            fail_at(line, "scoped and required blocks are not supported in chat templates");
        std::vector<int> body = block_body({"endblock"});
        advance();
        if (is_name(name)) advance();
        at(n).children = std::move(body);
        return finish(n);
    }

    // -- assignment targets

    std::string take_assignable_name() {
        const int line = current().line;
        std::string name = take_name();
        if (!assignable(name)) fail_at(line, "can't assign to '" + name + "'");
        return name;
    }
    [[nodiscard]] static bool assignable(std::string_view name) noexcept {
        return name != "true" && name != "false" && name != "none" && name != "True" && name != "False" &&
               name != "None";
    }

    /// Names, `ns.attr` when allowed, and tuples of them. `end_word` is the keyword after the target ("in").
    int assign_target(bool with_namespace, std::string_view end_word) {
        const int line = current().line;
        std::vector<int> parts;
        bool is_tuple = false;
        while (true) {
            if (!parts.empty()) expect_op(",");
            if (tuple_ends(end_word)) break;
            parts.push_back(target_primary(with_namespace));
            if (!is_op(",")) break;
            is_tuple = true;
        }
        if (!is_tuple) {
            if (parts.empty()) fail_at(line, "Expected an expression, got '" + describe(current()) + "'");
            return parts.front();
        }
        const int n = add(node_kind::tuple, line);
        at(n).children = std::move(parts);
        return finish(n);
    }

    int target_primary(bool with_namespace) {
        const nesting guard(*this);
        const int line = current().line;
        if (skip_op("(")) {
            if (skip_op(")")) return add(node_kind::tuple, line);
            const int inner = assign_target(false, {});
            expect_op(")");
            return inner;
        }
        const std::string name = take_assignable_name();
        if (with_namespace && skip_op(".")) {
            const int n = add(node_kind::namespace_ref, line);
            const std::string attribute = take_name();
            at(n).name = intern(name);
            at(n).text = name;
            at(n).constant = value(attribute);
            return n;
        }
        return add_name(name, name_use::store, line);
    }

    void set_use(int n, name_use use) {
        if (at(n).kind == node_kind::name) at(n).use = use;
        for (const int child : std::vector<int>(at(n).children)) set_use(child, use);
    }

    // -- expressions

    [[nodiscard]] bool tuple_ends(std::string_view end_word) const noexcept {
        return current().kind == token_kind::variable_end || current().kind == token_kind::block_end || is_op(")") ||
               (!end_word.empty() && is_name(end_word));
    }

    /// a, b, c or one expression.
    int tuple_or_expression(bool with_condition = true, std::string_view end_word = {}, bool in_parentheses = false) {
        const int line = current().line;
        std::vector<int> parts;
        bool is_tuple = false;
        while (true) {
            if (!parts.empty()) expect_op(",");
            if (tuple_ends(end_word)) break;
            parts.push_back(expression(with_condition));
            if (!is_op(",")) break;
            is_tuple = true;
        }
        if (!is_tuple) {
            if (!parts.empty()) return parts.front();
            if (!in_parentheses) fail_at(line, "Expected an expression, got '" + describe(current()) + "'");
        }
        const int n = add(node_kind::tuple, line);
        at(n).children = std::move(parts);
        return finish(n);
    }

    int expression(bool with_condition = true) {
        const nesting guard(*this);
        int line = current().line;
        int result = or_expression();
        while (with_condition && skip_name("if")) {
            const int condition = or_expression();
            int otherwise = no_node;
            if (skip_name("else")) otherwise = expression();
            const int n = add(node_kind::conditional, line);
            at(n).a = condition;
            at(n).b = result;
            at(n).c = otherwise;
            result = finish(n);
            line = current().line;
        }
        return result;
    }

    int or_expression() {
        const int line = current().line;
        int left = and_expression();
        while (skip_name("or")) left = add_binary(node_kind::logical_or, operation::add, left, and_expression(), line);
        return left;
    }

    int and_expression() {
        const int line = current().line;
        int left = not_expression();
        while (skip_name("and"))
            left = add_binary(node_kind::logical_and, operation::add, left, not_expression(), line);
        return left;
    }

    int not_expression() {
        const int line = current().line;
        if (skip_name("not")) {
            const nesting guard(*this);
            const int operand = not_expression();
            const int n = add(node_kind::logical_not, line);
            at(n).a = operand;
            return finish(n);
        }
        return comparison();
    }

    int comparison() {
        const int line = current().line;
        const int first = sum();
        std::vector<operation> operations;
        std::vector<int> operands;
        while (true) {
            if (skip_op("==")) operations.push_back(operation::equal);
            else if (skip_op("!=")) operations.push_back(operation::not_equal);
            else if (skip_op("<")) operations.push_back(operation::less);
            else if (skip_op("<=")) operations.push_back(operation::less_equal);
            else if (skip_op(">")) operations.push_back(operation::greater);
            else if (skip_op(">=")) operations.push_back(operation::greater_equal);
            else if (skip_name("in")) operations.push_back(operation::in);
            else if (is_name("not") && look().kind == token_kind::name && look().text == "in") {
                advance();
                advance();
                operations.push_back(operation::not_in);
            } else break;
            operands.push_back(sum());
        }
        if (operations.empty()) return first;
        const int n = add(node_kind::compare, line);
        at(n).a = first;
        at(n).children = std::move(operands);
        at(n).comparisons = std::move(operations);
        return finish(n);
    }

    int sum() {
        const int line = current().line;
        int left = concatenation();
        while (is_op("+") || is_op("-")) {
            const operation op = is_op("+") ? operation::add : operation::subtract;
            advance();
            left = add_binary(node_kind::binary, op, left, concatenation(), line);
        }
        return left;
    }

    int concatenation() {
        const int line = current().line;
        const int first = product();
        if (!is_op("~")) return first;
        std::vector<int> parts{first};
        while (skip_op("~")) parts.push_back(product());
        const int n = add(node_kind::concat, line);
        at(n).children = std::move(parts);
        return finish(n);
    }

    int product() {
        const int line = current().line;
        int left = power();
        while (is_op("*") || is_op("/") || is_op("//") || is_op("%")) {
            const operation op = is_op("*")    ? operation::multiply
                                 : is_op("/")  ? operation::divide
                                 : is_op("//") ? operation::floor_divide
                                               : operation::modulo;
            advance();
            left = add_binary(node_kind::binary, op, left, power(), line);
        }
        return left;
    }

    int power() {
        const int line = current().line;
        int left = unary(true);
        while (skip_op("**")) left = add_binary(node_kind::binary, operation::power, left, unary(true), line);
        return left;
    }

    int unary(bool with_filters) {
        const int line = current().line;
        int n = no_node;
        if (is_op("-") || is_op("+")) {
            const nesting guard(*this);
            const node_kind kind = is_op("-") ? node_kind::negative : node_kind::positive;
            advance();
            const int operand = unary(false);
            n = add(kind, line);
            at(n).a = operand;
            finish(n);
        } else {
            n = primary();
        }
        n = postfix(n);
        return with_filters ? filters_and_tests(n) : n;
    }

    int primary() {
        const token t = current();
        switch (t.kind) {
        case token_kind::name:
            advance();
            if (t.text == "true" || t.text == "True") return add_constant(value(true), t.line);
            if (t.text == "false" || t.text == "False") return add_constant(value(false), t.line);
            if (t.text == "none" || t.text == "None") return add_constant(value(nullptr), t.line);
            return add_name(t.text, name_use::load, t.line);
        case token_kind::string: {
            std::string joined;
            while (current().kind == token_kind::string) {
                joined += current().text;
                advance();
            }
            return add_constant(value(std::move(joined)), t.line);
        }
        case token_kind::integer: advance(); return add_constant(value(t.integer), t.line);
        case token_kind::floating: advance(); return add_constant(value(t.floating), t.line);
        default: break;
        }
        if (skip_op("(")) {
            const int inner = tuple_or_expression(true, {}, true);
            expect_op(")");
            return inner;
        }
        if (skip_op("[")) {
            std::vector<int> items;
            while (!is_op("]")) {
                if (!items.empty()) expect_op(",");
                if (is_op("]")) break;
                items.push_back(expression());
            }
            expect_op("]");
            const int n = add(node_kind::list, t.line);
            at(n).children = std::move(items);
            return finish(n);
        }
        if (skip_op("{")) {
            std::vector<int> items;
            while (!is_op("}")) {
                if (!items.empty()) expect_op(",");
                if (is_op("}")) break;
                items.push_back(expression());
                expect_op(":");
                items.push_back(expression());
            }
            expect_op("}");
            const int n = add(node_kind::dict, t.line);
            at(n).children = std::move(items);
            return finish(n);
        }
        fail_at(t.line, "unexpected '" + describe(t) + "'");
    }

    int postfix(int n) {
        while (true) {
            if (is_op(".") || is_op("[")) n = subscript(n);
            else if (is_op("(")) n = call(n);
            else return n;
        }
    }

    int filters_and_tests(int n) {
        while (true) {
            if (is_op("|")) n = filters(n, false);
            else if (is_name("is")) n = test(n);
            else if (is_op("(")) n = call(n);
            else return n;
        }
    }

    int subscript(int object) {
        const int line = current().line;
        if (skip_op(".")) {
            const token t = current();
            advance();
            if (t.kind == token_kind::name) {
                const int n = add(node_kind::attribute, line);
                at(n).a = object;
                at(n).text = t.text;
                return finish(n);
            }
            if (t.kind != token_kind::integer) fail_at(t.line, "expected name or number");
            const int index = add_constant(value(t.integer), t.line);
            const int n = add(node_kind::subscript, line);
            at(n).a = object;
            at(n).b = index;
            return finish(n);
        }
        expect_op("[");
        std::vector<int> arguments;
        while (!is_op("]")) {
            if (!arguments.empty()) expect_op(",");
            arguments.push_back(subscript_argument());
        }
        expect_op("]");
        int argument = no_node;
        if (arguments.size() == 1) {
            argument = arguments.front();
        } else {
            for (const int a : arguments) {
                if (at(a).kind == node_kind::slice) fail_at(line, "slices in a tuple are not supported");
            }
            argument = add(node_kind::tuple, line);
            at(argument).children = std::move(arguments);
            finish(argument);
        }
        const int n = add(node_kind::subscript, line);
        at(n).a = object;
        at(n).b = argument;
        return finish(n);
    }

    int subscript_argument() {
        const int line = current().line;
        int start = no_node;
        int stop = no_node;
        int step = no_node;
        if (!is_op(":")) {
            start = expression();
            if (!is_op(":")) return start;
        }
        expect_op(":");
        if (!is_op(":") && !is_op("]") && !is_op(",")) stop = expression();
        if (skip_op(":") && !is_op("]") && !is_op(",")) step = expression();
        const int n = add(node_kind::slice, line);
        at(n).a = start;
        at(n).b = stop;
        at(n).c = step;
        return finish(n);
    }

    call_nodes call_arguments() {
        const int line = current().line;
        call_nodes out;
        const auto ensure = [&](bool condition) {
            if (!condition) fail_at(line, "invalid syntax for function call expression");
        };
        expect_op("(");
        bool comma = false;
        while (!is_op(")")) {
            if (comma) {
                expect_op(",");
                if (is_op(")")) break;
            }
            comma = true;
            if (skip_op("*")) {
                ensure(out.star == no_node && out.double_star == no_node);
                out.star = expression();
            } else if (skip_op("**")) {
                ensure(out.double_star == no_node);
                out.double_star = expression();
            } else if (current().kind == token_kind::name && look().kind == token_kind::op && look().text == "=") {
                ensure(out.double_star == no_node);
                std::string key = current().text;
                for (const auto& [other, unused] : out.named) {
                    if (other == key) fail_at(line, "keyword argument repeated: " + key);
                }
                advance();
                advance();
                out.named.emplace_back(std::move(key), expression());
            } else {
                ensure(out.star == no_node && out.double_star == no_node && out.named.empty());
                out.positional.push_back(expression());
            }
        }
        expect_op(")");
        return out;
    }

    int call(int callee) {
        const int line = current().line;
        call_nodes arguments = call_arguments();
        const int n = add(node_kind::call, line);
        at(n).a = callee;
        at(n).call = std::move(arguments);
        return finish(n);
    }

    [[nodiscard]] std::string dotted_name() {
        std::string name = take_name();
        while (skip_op(".")) name += "." + take_name();
        return name;
    }

    /// |a|b(c)...; `inline_start` reads the first filter without its bar.
    int filters(int operand, bool inline_start) {
        while (is_op("|") || inline_start) {
            if (!inline_start) advance();
            inline_start = false;
            const int line = current().line;
            std::string name = dotted_name();
            call_nodes arguments;
            if (is_op("(")) arguments = call_arguments();
            const int n = add(node_kind::filter, line);
            at(n).a = operand;
            at(n).text = std::move(name);
            at(n).call = std::move(arguments);
            operand = finish(n);
        }
        return operand;
    }

    int test(int operand) {
        const int line = current().line;
        advance(); // is
        const bool negated = skip_name("not");
        std::string name = dotted_name();
        call_nodes arguments;
        const token& t = current();
        if (is_op("(")) {
            arguments = call_arguments();
        } else if ((t.kind == token_kind::name || t.kind == token_kind::string || t.kind == token_kind::integer ||
                    t.kind == token_kind::floating || is_op("[") || is_op("{")) &&
                   !is_name("else") && !is_name("or") && !is_name("and")) {
            if (is_name("is")) fail_at(t.line, "You cannot chain multiple tests with is");
            const nesting guard(*this);
            arguments.positional.push_back(postfix(primary()));
        }
        int n = add(node_kind::test, line);
        at(n).a = operand;
        at(n).text = std::move(name);
        at(n).call = std::move(arguments);
        n = finish(n);
        if (!negated) return n;
        const int inverse = add(node_kind::logical_not, line);
        at(inverse).a = n;
        return finish(inverse);
    }

    std::vector<token> tokens_;
    std::size_t at_ = 0;
    int depth_ = 0;
    template_tree& tree_;
    value_map interned_;
    std::vector<std::string> blocks_;
};

} // namespace detail::jinja

APERTUS_END_NAMESPACE
