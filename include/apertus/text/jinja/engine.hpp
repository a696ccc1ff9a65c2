// SPDX-License-Identifier: Apache-2.0
//
// A Jinja template, parsed once and rendered any number of times from any number of threads. Semantics of Jinja 3.1 as
// Hugging Face sets it up for chat templates: immutable sandbox, trim_blocks and lstrip_blocks on, no autoescape, loop
// controls, tojson without HTML escaping, the `generation` tag, raise_exception and strftime_now.
// Differences on purpose: integers are 64 bits wide (beyond is an error); `\N{...}` escapes, block inheritance, include
// and import are refused; a few rare filters (urlize, wordwrap, pprint, random, ...) do not exist; objects print without
// their address; a wrong constant expression ({[]: 1}, 3[0:]) is an error when it is evaluated, while jinja2's constant
// folding may complain earlier or make it undefined.
#pragma once

#include <apertus/text/jinja/interpreter.hpp>
#include <apertus/text/jinja/options.hpp>
#include <apertus/text/jinja/parser.hpp>
#include <apertus/text/jinja/scope.hpp>
#include <apertus/text/jinja/tests.hpp>

#include <new>
#include <string>
#include <string_view>

APERTUS_BEGIN_NAMESPACE

/// See the head of this file. Errors are apertus::error(chat_template): "name, line N: reason".
class jinja_template {
public:
    explicit jinja_template(std::string_view source, jinja_options options = {}) : options_(std::move(options)) {
        if (source.size() > options_.max_source) {
            fail(error_category::chat_template, options_.name, "source",
                 "at most " + std::to_string(options_.max_source) + " bytes", std::to_string(source.size()));
        }
        try {
            detail::jinja::lexer lexer(source, options_.trim_blocks, options_.lstrip_blocks);
            detail::jinja::parser(lexer.run(), tree_).run();
            detail::jinja::scope_builder(tree_).run();
        } catch (const detail::jinja::template_syntax_failure& e) {
            fail_at(e.line, e.what());
        } catch (const detail::jinja::template_failure& e) {
            fail_at(1, e.what());
        } catch (const std::bad_alloc&) {
            fail(error_category::resource, options_.name, "out of memory while parsing");
        }
        using function = detail::jinja::global_function;
        const auto add = [&](const char* name, function f) {
            globals_.set(value(name), value::adopt(new detail::jinja::function_object(f)));
        };
        add("range", function::range);
        add("dict", function::dict);
        add("namespace", function::name_space);
        add("cycler", function::cycler);
        add("joiner", function::joiner);
        add("raise_exception", function::raise_exception);
        add("strftime_now", function::strftime_now);
    }

    /// Renders with the given variables. The result knows which bytes came from user_text values.
    [[nodiscard]] marked_text render(const value_map& variables, const render_limits& limits = {},
                                     detail::jinja::time_source clock = {}) const {
        detail::jinja::renderer r(tree_, globals_, variables, limits, clock);
        try {
            return r.run();
        } catch (const detail::jinja::template_failure& e) {
            fail_at(r.line(), e.what());
        } catch (const std::bad_alloc&) {
            fail(error_category::resource, options_.name, "out of memory while rendering");
        }
    }

private:
    [[noreturn]] void fail_at(int line, std::string_view reason) const {
        fail(error_category::chat_template, options_.name + ", line " + std::to_string(line), reason);
    }

    jinja_options options_;
    detail::jinja::template_tree tree_;
    value_map globals_;
};

APERTUS_END_NAMESPACE
