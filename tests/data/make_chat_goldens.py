#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes chat_templates.json and, given Apertus' own template, chat_apertus.json: what Python's jinja2 3.1 renders.

  tests/data/make_chat_goldens.py [path of the Apertus 2509 chat_template.jinja]

Each entry has the template (or the variables only, for the Apertus file) and "text", or "error" when Python refuses.
The environment is that of tools/compare_template.py, which is transformers'. The Apertus template itself is not stored.
"""
import json
import random
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "tools"))
import compare_template  # noqa: E402
import template_generator  # noqa: E402

VARIABLES = {
    "s": "héllo Wörld", "t": "  a b  c ", "n": None, "i": 7, "f": 2.5, "l": [3, 1, 2], "e": [], "b": True,
    "d": {"b": 1, "a": [1, 2, {"z": None}], "items": 5},
    "ms": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y", "n": 3}, {"role": "user", "content": "z"}],
}

# One line each: name | template
SNIPPETS = r"""
floats | {{ 1e16 }} {{ 1e-7 }} {{ 1.0 }} {{ 123456789.123 }} {{ 0.1+0.2 }} {{ 1e22 }} {{ 1.5e300*1e10 }}
integers | {{ 10//3 }} {{ -7//2 }} {{ -7%3 }} {{ 7.5%-2 }} {{ 2**10 }} {{ 2**-1 }} {{ 7/2 }} {{ true + 1 }}
slices | {{ s[1:3] }} {{ s[::-1] }} {{ s[-1] }} {{ l[1:] }} {{ l[::2] }} {{ l[-2:] }} {{ l[5:] }} {{ s[3:1:-1] }}
case | {{ s|upper }} {{ "straße ǆ ΑΣ"|upper }} {{ "ΑΣ ΑΣΑ"|lower }} {{ "hello wORLD-foo(bar"|title }} {{ "they're".title() }} {{ "élan VITAL"|capitalize }}
sort | {{ l|sort }} {{ l|sort(reverse=true)|join(",") }} {{ ['b','A','c']|sort }} {{ ['b','A']|sort(case_sensitive=true) }} {{ ms|sort(attribute='role')|map(attribute='content')|join }}
json | {{ d|tojson }} {{ d|tojson(indent=2) }} {{ d|tojson(separators=(",",":")) }} {{ d|tojson(sort_keys=true) }} {{ s|tojson }} {{ s|tojson(ensure_ascii=true) }} {{ "<&>'\"\n\u0007"|tojson }} {{ [1.0, 1e-7, none, true]|tojson }}
json undefined | {{ zz|tojson }}
repr | {{ d }} {{ [s, "a'b", 'a"b', "a'\"", "\n\x00\u200b"] }} {{ (1,) }} {{ () }} {{ {1: 'x'} }}
loop filter | {% for m in ms if m.role == "user" %}{{ loop.index }}/{{ loop.length }}{{ m.content }}{% if not loop.last %}, {% endif %}{% else %}none{% endfor %}
loop scope | {% set x = 1 %}{% for i in range(3) %}{% set x = x + i %}{{ x }}{% endfor %}{{ x }}
if scope | {% if b %}{% set x = 1 %}{% endif %}{{ x }}{% if not b %}{% set y = 1 %}{% endif %}{{ y }}
namespace | {% set ns = namespace(a=1) %}{% for i in range(3) %}{% set ns.a = ns.a + i %}{% endfor %}{{ ns.a }} {{ ns }} {{ ns.zz }} {{ ns['a'] }}
namespace cycle | {% set ns = namespace() %}{% set ns.me = ns %}{{ ns }}
namespace underscore | {% set ns = namespace(_x=1) %}
not a namespace | {% set d.x = 1 %}
macro defaults | {% macro f(a,b=a) %}{{a}}{{b}}{{varargs}}{{kwargs}}{% endmacro %}{{ f(1) }}{{ f(1,2,3,z=4) }}{{ f() }}
macro closure | {% set x = 1 %}{% macro f() %}{{ x }}{% endmacro %}{% set x = 2 %}{{ f() }}{% for x in [9] %}{{ f() }}{% endfor %}
macro recursion | {% macro f(n) %}{{ n }}{% if n %}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(5) }}
macro too many | {% macro f(a) %}{% endmacro %}{{ f(1, 2) }}
call block | {% macro g(x) %}[{{ caller(x) }}]{% endmacro %}{% call(y) g(3) %}<{{y}}>{% endcall %}
call block unused | {% macro g() %}x{% endmacro %}{% call g() %}{% endcall %}
set block | {% set q %}a{{i}}b{% endset %}{{ q }}{% set q|upper %}abc{% endset %}{{q}}
filter block | {% filter upper|trim %} abc {{ s }}{% endfilter %}
unpacking | {% for a,b in d.items() %}{{a}}={{b}};{% endfor %}{% set a, (c, e) = 1, (2, 3) %}{{ a }}{{ c }}{{ e }}
unpacking wrong | {% set a, b = [1] %}
method and key | {{ d['items'] }} {{ d.items() }} {{ d.keys()|list }} {{ d.values()|list }} {{ d.get('zz', 3) }} {{ d.get('b') }}
select | {{ ms|selectattr('role','equalto','user')|map(attribute='content')|join('-') }}{{ ms|rejectattr('n')|list|length }}{{ ms|map('length')|list }}{{ ms|map(attribute='n', default=9)|list }}{{ [1,2,3]|select('odd')|list }}{{ [0,1,'']|reject|list }}
groupby | {{ ms|groupby('role') }}{% for g in ms|groupby('role') %}{{ g.grouper }}{{ g.list|length }}{% endfor %}
generator once | {% set g = l|select %}{{ g|list }}{{ g|list }}
generator length | {{ l|map('string')|length }}
break continue | {% for i in range(5) %}{% if i==1 %}{% continue %}{% endif %}{% if i==3 %}{% break %}{% endif %}{{i}}{% endfor %}
continue and else | {% for i in [1] %}{% continue %}{% else %}E{% endfor %}
inline if | {{ 'a' if b else 'c' }}{{ 'a' if not b }}{{ 'x' if zz is defined else 'y' }}
undefined prints | {{ zz }}|{{ zz is defined }}|{{ zz|default('q') }}|{{ ''|d('e', true) }}|{{ zz|length }}|{{ d.foo is undefined }}
undefined attribute | {{ x.y }}
undefined plus | {{ 'a' + zz }}
none attribute | {{ n.foo }}|{{ n.foo is defined }}
concat | {{ 'a' ~ 1 ~ none ~ 1.5 ~ [1,'x'] ~ zz }}
type error | {{ 'a' + 1 }}
chained comparison | {{ 1 < 2 < 3 }}{{ 1 < 3 < 2 }}{{ 'a' in 'abc' }}{{ 1 not in [1] }}{{ 'b' in d }}
percent | {{ '%s is %d and %.2f %5s|%-5s|%05d|%x|%e|%g|%%' % ('x', 3, 2.5, 'a', 'b', 42, 255, 12345.678, 1e-10) }}
format | {{ '{a:>5}|{b!r}|{0:.3f}|{1:,}|{2:x}|{3[k]}|{a.role}'.format(1.5, 1234567, 255, {'k': 1}, a='x', b='q') }}
split | {{ 'a,b,,c'.split(',') }}{{ ' a b '.split() }}{{ 'a b c'.split(' ',1) }}{{ 'a b c'.rsplit(None,1) }}{{ 'a\nb\r\nc'.splitlines() }}{{ 'k=v=w'.partition('=') }}
strip | {{ t|trim }}|{{ t.strip() }}|{{ t.lstrip(' a') }}|{{ 'xxaxx'.strip('x') }}|{{ 'xay'|trim('xy') }}
search | {{ s.startswith(('h','x')) }}{{ s.endswith('ld') }}{{ s.find('W') }}{{ s.rfind('l') }}{{ s.find('q') }}{{ s.count('l') }}{{ s.replace('l','L',1) }}{{ s|replace('l','LL') }}{{ 'a'.join(['x','y']) }}
sandbox call | {{ l.append(1) }}
sandbox name | {{ l.append }}{{ d.update is defined }}
batches | {{ [1,2,3,4,5]|batch(2,0)|list }}{{ [1,2,3,4,5]|slice(3)|list }}{{ [3,1,3]|unique|list }}{{ l|sum }}{{ l|min }}{{ l|max }}{{ ms|sum(attribute='zz', start=0) if false }}
numbers | {{ '3.7'|int }}{{ 'x'|int(5) }}{{ '0x1F'|int(base=16) }}{{ 2.5|round }}{{ 3.14159|round(2) }}{{ 42.55|round(1,'ceil') }}{{ -3|abs }}{{ '1.5'|float }}{{ '1_000'|int }}{{ 0.5|round }}{{ 1.5|round }}
indent | {{ 'a\nb\n\nc'|indent(2) }}|{{ 'a\nb'|indent(2,true) }}|{{ 'a\n\nb'|indent(width='> ',blank=true) }}
dict filters | {{ d|dictsort }}{{ d|items|list }}{{ d|list }}{{ d|length }}{{ d|first }}
sequence filters | {{ l|first }}{{ l|last }}{{ e|first }}{{ l|reverse|list }}{{ s|reverse }}{{ 'abc'|list }}{{ 'a b-c'|wordcount }}{{ 'hello world foo'|truncate(9) }}{{ 'ab'|center(7) }}|
generation | {% generation %}{{ s }}{% set zz=1 %}{% endgeneration %}{{ zz }}
with | {% with a=1, b=2 %}{{a}}{{b}}{% endwith %}{{a}}
recursive | {% for x in [[1,[2]],[3]] recursive %}{{ loop.depth }}{% if x is iterable %}({{ loop(x) }}){% else %}{{x}}{% endif %}{% endfor %}
loop variables | {% for x in l %}{{ loop.cycle('a','b') }}{{ loop.changed(x>1) }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.revindex }}{{loop}}{% endfor %}
cycler joiner | {% set c = cycler(1,2) %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}{% set j = joiner() %}{{ j() }}a{{ j() }}b
constructors | {{ dict(a=1) }}{{ dict([(1,2)]) }}{{ range(3)|list }}{{ range(5,1,-2) }}{{ dict(d, z=1)|length }}
markup | {{ '<b>'|e }}{{ ('<'|safe) + '<' }}{{ '<' ~ ('<'|e) }}{{ '<' + ('x'|safe) }}
tests | {{ 1 is number }}{{ true is integer }}{{ 1.0 is float }}{{ 'a' is string }}{{ l is sequence }}{{ d is mapping }}{{ 4 is divisibleby 2 }}{{ 3 is odd }}{{ 'A' is upper }}{{ 1 is in [1] }}{{ 2 is gt 1 }}{{ none is none }}{{ zz is callable }}{{ 1 is sameas true }}{{ b is true }}{{ b is boolean }}{{ l is iterable }}{{ 5 is iterable }}{{ 'a' is eq 'a' }}{{ 1 is not ne 1 }}
time | {{ strftime_now('%d %b %Y %H:%M:%S %A %j %-d %y %p %I %B %a %e %F %T') }}
raise | {{ raise_exception('boom') }}
division by zero | {{ 1/0 }}
indexes | {{ l[10] }}|{{ l['x'] }}|{{ l.0 }}|{{ ms.0.role }}|{{ ms[0]['role'] }}|{{ l[-1] }}
unknown filter | {% for i in l %}{{ i|nofilter }}{% endfor %}
unknown filter in if | {% if false %}{{ l|nofilter }}{% endif %}ok
unknown filter in loop in if | {% if 0 %}{% for i in l %}{{ i|nofilter }}{% endfor %}{% endif %}
unknown test | {{ x is notest }}
break outside | {% break %}
loop is special | {% for x in l %}{% set loop = 1 %}{% endfor %}
unknown tag | {% unknown %}
open string | {{ 'abc }}
open comment | {# x
literals | {{ 'a' 'b' }}{{ 1_000 }}{{ 0x1f }}{{ 1.5e3 }}{{ 0b11 }}{{ 0o17 }}{{ "\x41\u00e9\101\q" }}{{ 'é\é' }}
dict keys | {{ {1:2, true:3, 1.0:4} }}{{ {'a':1}['a'] }}{{ {} }}{{ {(1,2):3} }}
unhashable | {{ {[1]:2} }}
dict slice | {{ d[1:] }}
print tag | {% print 1, 2 %}
blocks | {% block a %}x{{ i }}{% endblock %}{% set i = 2 %}{% block b2 %}{{i}}{% endblock b2 %}{{i}}
precedence | {{ not 1 == 2 }}{{ -2 ** 2 }}{{ 2 ** 3 ** 2 }}{{ - 3|abs }}{{ 1 + 2|float }}{{ 1 ~ 2 + 3 }}{{ 'a' if true else 'b' ~ 'c' }}
test before if | {{ 3 is string if i else 4 }}
"""

WHITE_SPACE = {
    "raw": "{% raw %}{{ x }}{% endraw %}\n  {% raw -%}  y  {%- endraw %}  \n",
    "lstrip trim": "a\n  {% if true %}\n  b\n  {% endif %}\nc\n",
    "minus": "a {%- if true -%} b {%- endif -%} c",
    "variables keep": "  {{ 1 }}\n  {#- c -#}\n  x\n",
    "plus": "  {%+ if true %}x{% endif +%}\n y",
    "line endings": "a\r\nb\rc\r\n",
    "comment lines": "  {# one #}\n  {# two #}\nx",
    "minus variable": "a  \n {{- 1 -}} \n b",
    "two newlines at the end": "x\n\n",
    "tabs": "\t{% if 1 %}\n\tq\n\t{% endif %}\n",
}

TEMPLATES = {
    "chatml": """{%- for message in messages %}
{{- '<|im_start|>' + message['role'] + '\\n' + message['content'] | trim + '<|im_end|>' + '\\n' }}
{%- endfor %}
{%- if add_generation_prompt %}
{{- '<|im_start|>assistant\\n' }}
{%- endif %}
""",
    "alternation": """{{ bos_token }}{% for message in messages %}
    {% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{ raise_exception('Roles must alternate') }}
    {% endif %}
    {% if message['role'] == 'user' %}
        {{ '[INST] ' + message['content'] + ' [/INST]' }}
    {% elif message['role'] == 'assistant' %}
        {{ message['content'] + eos_token }}
    {% endif %}
{% endfor %}""",
    "tools as json": """{%- if tools is not none and tools %}
<tools>
{%- for tool in tools %}
{{ tool | tojson(indent=4) }}
{%- endfor %}
</tools>
{%- endif %}
{%- set last = namespace(user=-1) %}
{%- for message in messages %}{% if message.role == 'user' %}{% set last.user = loop.index0 %}{% endif %}{% endfor %}
{%- for message in messages %}
{%- if message.tool_calls is defined and message.tool_calls %}
{%- for call in message.tool_calls %}
{%- if call.function is defined %}{% set call = call.function %}{% endif %}
<call>{"name": "{{ call.name }}", "arguments": {{ call.arguments if call.arguments is string else call.arguments | tojson }}}</call>
{%- endfor %}
{%- else %}
<{{ message.role }}{{ ' last' if loop.index0 == last.user }}>{{ message.content }}</{{ message.role }}>
{%- endif %}
{%- endfor %}""",
    "thinking": """{%- for message in messages -%}
{%- set content = message.content -%}
{%- if '</think>' in content -%}
    {%- set content = content.split('</think>')[-1].lstrip('\\n') -%}
    {%- set thoughts = message.content.split('</think>')[0].rstrip('\\n').split('<think>')[-1].lstrip('\\n') -%}
    ({{ thoughts }})
{%- endif -%}
{{ message.role }}: {{ content }}
{% endfor %}""",
}

CONVERSATION = {
    "bos_token": "<s>", "eos_token": "</s>", "add_generation_prompt": True,
    "tools": [{"type": "function", "function": {"name": "f", "description": "d", "parameters": {"type": "object", "properties": {}}}}],
    "messages": [
        {"role": "user", "content": " What is 2+2? "},
        {"role": "assistant", "content": "<think>\nsum\n</think>\n\n4"},
        {"role": "user", "content": "And in Zürich?"},
        {"role": "assistant", "content": "", "tool_calls": [{"type": "function", "function": {"name": "f", "arguments": {"q": "ü", "n": [1, 2.0]}}}]},
    ],
}


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **more):
    return {"role": "assistant", "content": content, **more}


def call(name, arguments):
    return {"type": "function", "function": {"name": name, "arguments": arguments}}


WEATHER = {"name": "get_weather", "description": "Get the weather", "parameters": {"type": "object", "required": ["city"], "properties": {
    "city": {"type": "string", "description": "City name"},
    "unit": {"type": "string", "enum": ["c", "f"], "default": "c"},
    "days": {"type": "integer", "default": 3},
    "opts": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": "array", "items": {"type": "string"}}}, "required": ["a"]},
    "tags": {"type": "array", "items": {"type": "object", "properties": {"k": {"type": "string"}}}},
    "x": {"type": ["string", "null"]}}}}
PING = {"name": "ping", "description": "No args", "parameters": {"type": "object", "properties": {}}}
ONE_OF = {"name": "o", "description": "d", "parameters": {"required": ["a", "b"], "properties": {
    "a": {"oneOf": [{"type": "string", "description": "ds"}, {"type": "number", "default": 1.5}]},
    "b": {"oneOf": [{"type": "object"}, {"type": "string"}], "default": "z"},
    "c": {"type": "array"}, "e": {"type": "string", "nullable": True}, "g": {"type": ["number"]}, "h": {},
    "k": {"type": "string", "default": "é\"q"}}}}
SYSTEM = {"role": "system", "content": "S"}

APERTUS = [
    ("hello", {"messages": [user("Hello")]}),
    ("system and turns", {"messages": [SYSTEM, user("Hi"), assistant("Hey."), user("Bye")]}),
    ("two assistant messages", {"messages": [SYSTEM, user("x"), assistant("a"), assistant("b"), user("r")]}),
    ("continue", {"messages": [SYSTEM, user("x"), assistant("par")], "continue_assistant_message": True, "add_generation_prompt": False}),
    ("tool round trip", {"messages": [user("x"), assistant("", tool_calls=[call("get_weather", '{"city": "Bern"}')]), {"role": "tool", "content": '{"t": 12}'},
                                      {"role": "tool", "content": "second"}, assistant("12 C.")], "add_generation_prompt": False}),
    ("call without output", {"messages": [user("x"), assistant("", tool_calls=[call("f", "{}")])], "add_generation_prompt": False}),
    ("call and output", {"messages": [user("x"), assistant("ok", tool_calls=[call("f", "{}")]), {"role": "tool", "content": "r"}]}),
    ("blocks", {"messages": [user("q"), assistant({"blocks": [
        {"type": "thoughts", "text": "hm"}, {"type": "tool_calls", "calls": [{"name": "f", "arguments": "{}"}, {"name": "g", "arguments": '{"x": 1}'}]},
        {"type": "tool_outputs", "outputs": [{"output": "o1"}, {"output": "o2"}]}, {"type": "response", "text": "done"}]})], "add_generation_prompt": False}),
    ("display answers", {"messages": [user("q"), assistant({"blocks": [
        {"type": "thoughts", "text": "t"}, {"type": "tool_calls", "calls": [{"name": "display_answers", "arguments": '{"answers": ["4"]}'}]}]})], "add_generation_prompt": False}),
    ("image part", {"messages": [user({"parts": [{"type": "image"}, {"type": "text", "text": " see"}]})]}),
    ("user without content", {"messages": [{"role": "user"}]}),
    ("empty list", {"messages": []}),
    ("thinking", {"messages": [user("x")], "enable_thinking": True}),
    ("tools", {"messages": [user("x")], "tools": [WEATHER, PING]}),
    ("oneOf", {"messages": [user("x")], "tools": [ONE_OF]}),
    ("tool output mapping", {"messages": [user("x"), assistant("", tool_calls=[call("f", "{}")]), {"role": "tool", "content": [{"t": 1, "b": True, "n": None}]}]}),
    ("wrapped tools", {"messages": [user("x")], "tools": [{"type": "function", "function": WEATHER}]}),
    ("tool without description", {"messages": [user("x")], "tools": [{"name": "a"}]}),
    ("null content", {"messages": [user("x"), assistant(None)]}),
    ("part list", {"messages": [user([{"type": "text", "text": "x"}])]}),
    ("developer", {"messages": [{"role": "developer", "content": "x"}]}),
    ("tool first", {"messages": [{"role": "tool", "content": "x"}]}),
    ("argument object", {"messages": [user("x"), assistant("", tool_calls=[call("f", {})])]}),
    ("mixed formats", {"messages": [user("x"), assistant("a"), assistant({"blocks": []})]}),
    ("late system", {"messages": [user("x"), SYSTEM]}),
    ("enum default", {"messages": [user("x")], "tools": [{"name": "a", "description": "", "parameters": {"properties": {"p": {"type": "string", "enum": ["1"], "default": 1}}}}]}),
]


def entry(name, expected, **more):
    result = {"error": True} if "error" in expected else {"text": expected["text"]}
    return {"name": name, **more, **result}


def write(path, entries):
    lines = ",\n".join(json.dumps(e, ensure_ascii=False) for e in entries)
    path.write_text("[\n" + lines + "\n]\n", encoding="utf-8")
    print(f"{path.name}: {len(entries)} cases, {sum('error' in e for e in entries)} refused")


def main():
    cases = []
    for line in SNIPPETS.strip().splitlines():
        name, source = line.split(" | ", 1)
        cases.append((name, source, VARIABLES))
    cases += [("white space: " + name, source, VARIABLES) for name, source in WHITE_SPACE.items()]
    cases += [("template: " + name, source, CONVERSATION) for name, source in TEMPLATES.items()]
    dice = random.Random(2025)
    while len(cases) < 300:
        source, variables = template_generator.template(dice)
        expected = compare_template.render_source(source, variables)
        text = expected.get("text", "")
        if len(source) < 500 and len(text) < 700 and " at 0x" not in text and "<built-in" not in text:
            cases.append((f"random {len(cases)}", source, variables))
    out = [entry(name, compare_template.render_source(source, variables), template=source,
                 **({} if variables is VARIABLES else {"variables": variables})) for name, source, variables in cases]
    write(HERE / "chat_templates.json", [{"name": "variables", "variables": VARIABLES}] + out)
    if len(sys.argv) > 1:
        compiled = compare_template.ENVIRONMENT.from_string(Path(sys.argv[1]).read_text(encoding="utf-8"))
        base = {"bos_token": "<s>", "tools": None, "add_generation_prompt": True}
        write(HERE / "chat_apertus.json", [
            entry(name, compare_template.render(compiled, {**base, **variables}), variables={**base, **variables}) for name, variables in APERTUS])


if __name__ == "__main__":
    main()
