// SPDX-License-Identifier: Apache-2.0
//
// The template engine against goldens of Python's jinja2 (tests/data/make_chat_goldens.py), its limits on hostile
// templates, and the marks of user text through every operation.
#include <apertus/text/jinja/engine.hpp>

#include <apertus/run/value_json.hpp>
#include <support/test_support.hpp>

#include <boost/test/unit_test.hpp>

#include <string>
#include <thread>
#include <vector>

using apertus::jinja_template;
using apertus::marked_text;
using apertus::render_limits;
using apertus::value;
using apertus::value_map;

namespace {

const apertus::civil_time golden_time{2025, 9, 21, 13, 5, 9};
const apertus::detail::jinja::time_source golden_clock{
    [](const void* context) { return *static_cast<const apertus::civil_time*>(context); }, &golden_time};

std::string render(std::string_view source, const value_map& variables = {}) {
    return jinja_template(source).render(variables, {}, golden_clock).bytes();
}

std::string failure(std::string_view source, const value_map& variables = {}, const render_limits& limits = {}) {
    try {
        const std::string text = jinja_template(source).render(variables, limits, golden_clock).bytes();
        return "no error but " + text.substr(0, 200);
    } catch (const apertus::error& e) {
        BOOST_TEST((e.category() == apertus::error_category::chat_template));
        return e.what();
    }
}

bool mentions(const std::string& text, std::string_view what) {
    if (text.find(what) != std::string::npos) return true;
    BOOST_TEST_MESSAGE(text);
    return false;
}

/// The user's bytes of a rendering as they are, the template's as dots.
std::string user_bytes(std::string_view source, const value_map& variables) {
    const marked_text text = jinja_template(source).render(variables, {}, golden_clock);
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) out += text.from_user(i) ? text.bytes()[i] : '.';
    return out;
}

} // namespace

BOOST_AUTO_TEST_SUITE(text_jinja_engine)

BOOST_AUTO_TEST_CASE(goldens_of_python) {
    const value cases = apertus::value_from_json(read_file(source_path("tests/data/chat_templates.json")));
    const value shared = cases.items().at(0).get("variables");
    BOOST_TEST(cases.items().size() == 301U);
    for (std::size_t i = 1; i < cases.items().size(); ++i) {
        const value& c = cases.items()[i];
        const value variables = c.get("variables").is_mapping() ? c.get("variables") : shared;
        BOOST_TEST_CONTEXT(c.get("name").as_string() << ": " << c.get("template").as_string()) {
            if (c.get("error").is_boolean()) {
                BOOST_CHECK_THROW(render(c.get("template").as_string(), variables.as_map()), apertus::error);
            } else {
                std::string text;
                BOOST_CHECK_NO_THROW(text = render(c.get("template").as_string(), variables.as_map()));
                BOOST_TEST(text == c.get("text").as_string());
            }
        }
    }
}

BOOST_AUTO_TEST_CASE(errors_name_template_line_and_reason) {
    BOOST_TEST(failure("a\nb\n{{ 1 + 'x' }}") ==
               "chat template, line 3: unsupported operand type(s) for +: 'int' and 'str'");
    BOOST_TEST(failure("\n{% if %}") == "chat template, line 2: Expected an expression, got 'end of statement block'");
    BOOST_TEST(failure("{% for x in y %}\n\n") ==
               "chat template, line 2: Unexpected end of template: expected 'endfor'");
    BOOST_TEST(failure("{{ x.y }}") == "chat template, line 1: 'x' is undefined");
    BOOST_TEST(failure("\n\n{{ raise_exception('no ' ~ 'way') }}") == "chat template, line 3: no way");
    BOOST_TEST(mentions(failure("{% include 'x' %}"), "'include' is not supported"));
    BOOST_TEST(mentions(failure("{{ 9223372036854775807 + 1 }}"), "64 bits"));
    BOOST_TEST(mentions(failure("{{ 9223372036854775808 }}"), "64 bits"));
    apertus::jinja_options named;
    named.name = "my.jinja";
    BOOST_CHECK_EXCEPTION(jinja_template("{{", named), apertus::error, [](const apertus::error& e) {
        return std::string(e.what()).starts_with("my.jinja, line 1: ");
    });
}

BOOST_AUTO_TEST_CASE(options_of_white_space) {
    apertus::jinja_options plain;
    plain.trim_blocks = false;
    plain.lstrip_blocks = false;
    const std::string_view source = "a\n  {% if true %}\nb\n  {% endif %}\n";
    BOOST_TEST(jinja_template(source, plain).render({}).bytes() == "a\n  \nb\n  ");
    BOOST_TEST(render(source) == "a\nb\n");
}

BOOST_AUTO_TEST_CASE(one_template_many_threads) {
    const jinja_template shared("{% set ns = namespace(n=0) %}{% macro f(x) %}<{{ x }}>{% endmacro %}"
                                "{% for m in ms %}{% set ns.n = ns.n + 1 %}{{ f(m) }}{% endfor %}{{ ns.n }}");
    std::vector<std::string> results(4);
    std::vector<std::thread> threads;
    for (std::size_t t = 0; t < results.size(); ++t) {
        threads.emplace_back([&, t] {
            for (int i = 0; i < 200; ++i) {
                results[t] = shared.render({{"ms", value::list({static_cast<int>(t), "x"})}}).bytes();
            }
        });
    }
    for (std::thread& t : threads) t.join();
    for (std::size_t t = 0; t < results.size(); ++t) BOOST_TEST(results[t] == "<" + std::to_string(t) + "><x>2");
}

// ---------------------------------------------------------------- limits

BOOST_AUTO_TEST_CASE(steps_are_bounded) {
    const std::string loops = "{% for a in range(100000) %}{% for b in range(100000) %}{% for c in range(100000) %}"
                              "{% endfor %}{% endfor %}{% endfor %}";
    BOOST_TEST(mentions(failure(loops), "limit of steps"));
    BOOST_TEST(
        mentions(failure("{% for i in range(99) %}{{ i }}{% endfor %}", {}, {.max_steps = 50}), "limit of steps"));
}

BOOST_AUTO_TEST_CASE(sizes_are_bounded) {
    BOOST_TEST(mentions(failure("{{ 'x' * 100000000000 }}"), "large"));
    BOOST_TEST(mentions(failure("{{ [1] * 100000000000 }}"), "large"));
    const std::string doubling =
        "{% set ns = namespace(s='xxxxxxxx') %}{% for i in range(60) %}{% set ns.s = ns.s + ns.s %}{% endfor %}";
    BOOST_TEST(mentions(failure(doubling), "larger than the limit"));
    BOOST_TEST(mentions(failure("{{ '%999999999d' % 1 }}"), "width"));
    BOOST_TEST(mentions(failure("{{ '{:999999999}'.format(1) }}"), "digits"));
    BOOST_TEST(mentions(failure("{{ 'a'.center(99999999999) }}"), "width"));
    BOOST_TEST(mentions(failure("{% for i in range(9999) %}0123456789{% endfor %}", {}, {.max_output = 5000}),
                        "larger than the limit"));
    BOOST_TEST(mentions(failure("{{ range(100001) }}"), "Range too big"));
    BOOST_TEST(mentions(
        failure("{% set ns = namespace(x=[]) %}{% for i in range(100000) %}{% set ns.x = [ns.x] %}{% endfor %}"),
        "nested too deeply"));
    BOOST_TEST(mentions(failure("{% set ns = namespace(x=[1]) %}{% for i in range(150) %}{% set ns.x = [ns.x, ns.x] "
                                "%}{% endfor %}{{ ns.x }}"),
                        "limit of steps"));
    BOOST_TEST(
        mentions(failure("{% set ns = namespace(x=[1], y=[1]) %}{% for i in range(150) %}{% set ns.x = [ns.x, ns.x] %}"
                         "{% set ns.y = [ns.y, ns.y] %}{% endfor %}{{ ns.x == ns.y }}"),
                 "limit of steps"));
    BOOST_TEST(mentions(failure("{% set ns = namespace(g=[1]) %}{% for i in range(5000) %}{% set ns.g = "
                                "ns.g|map('string') %}{% endfor %}{{ ns.g|list }}"),
                        "nested too deeply"));
}

BOOST_AUTO_TEST_CASE(recursion_is_bounded) {
    BOOST_TEST(mentions(failure("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}"), "recursion"));
    BOOST_TEST(mentions(failure("{% macro f() %}{% call f() %}{% endcall %}{{ caller }}{% endmacro %}{{ f() }}"),
                        "recursion"));
    BOOST_TEST(mentions(failure("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}"), "recursion"));
    const auto nested = [](const std::string& open, const std::string& close) {
        std::string out;
        for (int i = 0; i < 100000; ++i) out += open;
        for (int i = 0; i < 100000; ++i) out += close;
        return out;
    };
    BOOST_TEST(mentions(failure("{{ " + nested("(", ")") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ " + nested("[", "]") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ " + nested("not ", "") + "x }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ " + nested("-", "") + "1 }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ 1" + nested(" + 1", "") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ x" + nested(".a", "") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ x" + nested("|e", "") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure("{{ x" + nested(" if y else z", "") + " }}"), "nested too deeply"));
    BOOST_TEST(mentions(failure(nested("{% if 1 %}", "{% endif %}")), "nested too deeply"));
    BOOST_TEST(mentions(failure(nested("{% for x in y %}", "{% endfor %}")), "nested too deeply"));
    BOOST_TEST(mentions(failure("{% set " + nested("(", ")") + " = 1 %}"), "nested too deeply"));
}

/// Namespaces can hold themselves and macros; nothing may leak or dangle (the sanitizer builds watch).
BOOST_AUTO_TEST_CASE(cycles_are_cleared) {
    BOOST_TEST(
        render(
            "{% set ns = namespace() %}{% macro f() %}{{ ns.x }}{% endmacro %}{% set ns.f = f %}{% set ns.ns = [ns] %}"
            "{% set ns.x = 5 %}{{ ns.f() }}") == "5");
    BOOST_TEST(
        render(
            "{% set ns = namespace() %}{% for i in [1, 2] %}{% set ns.l = loop %}{% macro g() %}{{ i }}{% endmacro %}"
            "{% set ns.g = g %}{% endfor %}{{ ns.l.index }}{{ ns.g() }}")
            .starts_with("2"));
    BOOST_TEST(render("{% macro outer(x) %}{% macro inner() %}{{ x }}{% endmacro %}{% set ns.f = inner %}{% endmacro %}"
                      "{% set ns = namespace() %}{{ outer('kept') }}{{ ns.f() }}") == "kept");
}

// ---------------------------------------------------------------- marks

BOOST_AUTO_TEST_CASE(marks_survive_operations) {
    const value_map v{{"u", value::user_text("Ab cd")},
                      {"l", value::list({value::user_text("p"), value::user_text("q")})},
                      {"d", value(value_map{{"k", value::user_text("v<")}})}};
    BOOST_TEST(user_bytes("{{ u }}", v) == "Ab cd");
    BOOST_TEST(user_bytes("<{{ u + '!' }}", v) == ".Ab cd.");
    BOOST_TEST(user_bytes("{{ '[' ~ u ~ ']' }}", v) == ".Ab cd.");
    BOOST_TEST(user_bytes("{{ u|upper }}{{ u.lower() }}{{ u|title }}", v) == "AB CDab cdAb Cd");
    BOOST_TEST(user_bytes("{{ u[1:3] }}{{ u[::-1] }}{{ u|first }}", v) == "b dc bAA");
    BOOST_TEST(user_bytes("{{ u.split()|join('-') }}{{ l|join(', ') }}", v) == "Ab.cdp..q");
    BOOST_TEST(user_bytes("{{ u.replace('b', 'XY') }}{{ 'b.b'|replace('.', u) }}", v) == "A.. cd.Ab cd.");
    BOOST_TEST(user_bytes("{{ '%s|%8s' % (u, u) }}", v) == "Ab cd....Ab cd");
    BOOST_TEST(user_bytes("{{ '{}|{!r}'.format(u, u) }}", v) == "Ab cd..Ab cd.");
    BOOST_TEST(user_bytes("{{ l }}{{ d|tojson }}{{ d }}", v) == "..p....q.........v<.........v<..");
    BOOST_TEST(user_bytes("{% set x %}a{{ u }}b{% endset %}{{ x|trim|indent(2, true) }}", v) == "...Ab cd.");
    BOOST_TEST(user_bytes("{% macro m(a) %}<{{ a }}>{% endmacro %}{{ m(u)|e }}", v) == "....Ab cd....");
    BOOST_TEST(user_bytes("{% filter upper %}x{{ u }}{% endfilter %}", v) == ".AB CD");
    BOOST_TEST(user_bytes("{{ d|dictsort|map('last')|first }}{{ u|string|safe }}{{ (u ~ '')|default('x') }}", v) ==
               "v<Ab cdAb cd");
    BOOST_TEST(user_bytes("{{ u|trim('A')|capitalize }}{{ u|center(9) }}{{ u|truncate(4, true, '.', 0) }}", v) ==
               "B cd..Ab cd..Ab .");
}

BOOST_AUTO_TEST_CASE(parts_of_safe_text_are_safe) {
    BOOST_TEST(render("{{ ('a b'|safe).split() }}{{ ('a-b'|safe).rsplit('-') }}") ==
               "[Markup('a'), Markup('b')][Markup('a'), Markup('b')]");
    BOOST_TEST(render("{{ ('a\nb'|safe).splitlines() }}") == "[Markup('a'), Markup('b')]");
    BOOST_TEST(render("{{ ('abc'|safe).partition('b') }}{{ ('abc'|safe).rpartition('x') }}") ==
               "(Markup('a'), Markup('b'), Markup('c'))(Markup(''), Markup(''), Markup('abc'))");
    BOOST_TEST(render("{{ ' a  b '.rsplit() }}{{ ' a  b '.rsplit(none, 1) }}{{ '  '.rsplit() }}") ==
               "['a', 'b'][' a', 'b'][]");
}

BOOST_AUTO_TEST_CASE(views_of_a_dict_are_no_keys) {
    const value_map v{{"d", value(value_map{{"k", 1}})}};
    BOOST_TEST(mentions(failure("{{ d.items() in d }}", v), "unhashable type: 'dict_items'"));
    BOOST_TEST(mentions(failure("{{ d.keys() in d }}", v), "unhashable type: 'dict_keys'"));
    BOOST_TEST(render("{{ d.values() in d }}", v) == "False");
}

BOOST_AUTO_TEST_CASE(host_functions) {
    struct twice final : apertus::host_function {
        value call(const std::vector<value>& arguments) const override {
            if (arguments.size() != 1)
                apertus::fail(apertus::error_category::chat_template, "twice", "one argument expected");
            return value(arguments[0].as_integer() * 2);
        }
    };
    const value_map variables{{"twice", value::adopt(new twice)}};
    BOOST_TEST(render("{{ twice(21) }}{{ twice is callable }}", variables) == "42True");
    BOOST_TEST(mentions(failure("{{ twice() }}", variables), "one argument expected"));
}

BOOST_AUTO_TEST_SUITE_END()
