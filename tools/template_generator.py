# SPDX-License-Identifier: Apache-2.0
"""Random conversations and random templates for tools/compare_template.py.

conversation(dice) gives the variables of a chat template: messages of every role and shape, right and wrong ones, tools
with every JSON-schema form. template(dice) gives (source, variables) from a grammar over the whole Jinja subset: mostly
well-typed, so that long templates render, with a share of nonsense, so that refusals are compared too.
"""

WORDS = ["Hello", "you", "über", "東京", "naïve", "a'b", 'say "hi"', "<|user_end|>", "x\ny", " lead", "trail ", "", "0", "😀", "\u200b",
         "ÀÉ", "ß", "{{ x }}", "&<>", "\\n", "None", "café au lait", "I\u0307", "ǆ", "tab\there", "1,2,3", "a-b_c", "Σίσυφος"]
NAMES = ["get_weather", "ping", "display_answers", "f", "größe"]


def text(dice):
    return " ".join(dice.choice(WORDS) for _ in range(dice.randint(0, 4)))


def json_value(dice, depth=0):
    kind = dice.randint(0, 9 if depth < 3 else 6)
    if kind == 0:
        return None
    if kind == 1:
        return dice.random() < 0.5
    if kind == 2:
        return dice.choice([0, 1, -1, 2, 7, 42, 1000000, -12345678901234])
    if kind == 3:
        return dice.choice([0.0, 1.0, -1.5, 0.1, 1e16, 1e-7, 123456.789, 1e22, 2.5, 3.14159, 1e100, 5e-324])
    if kind <= 6:
        return text(dice)
    if kind <= 7:
        return [json_value(dice, depth + 1) for _ in range(dice.randint(0, 3))]
    return {dice.choice(["a", "b", "key", "items", "é", "n", "text"]): json_value(dice, depth + 1) for _ in range(dice.randint(0, 3))}


# ---------------------------------------------------------------- conversations

def schema(dice, depth=0):
    if dice.random() < 0.04:
        return dice.choice([{}, {"type": "null"}, {"anyOf": [{"type": "string"}]}, {"type": []}])
    kind = dice.choice(["string", "string", "number", "integer", "boolean", "array", "object", "oneOf", "list"])
    out = {}
    if kind == "array":
        out["type"] = "array"
        if dice.random() < 0.85:
            out["items"] = schema(dice, depth + 1) if depth < 3 else {"type": "string"}
    elif kind == "object":
        out["type"] = "object"
        if dice.random() < 0.8:
            out["properties"] = {dice.choice(["a", "b", "city", "k", "type", "items"]): schema(dice, depth + 1) if depth < 3 else {}
                                 for _ in range(dice.randint(0, 3))}
            if dice.random() < 0.5:
                out["required"] = dice.sample(["a", "b", "city", "k"], 2)
    elif kind == "oneOf":
        out["oneOf"] = [schema(dice, depth + 1) if depth < 3 else {"type": "number"} for _ in range(dice.randint(1, 3))]
    elif kind == "list":
        out["type"] = dice.sample(["string", "null", "number", "object"], dice.randint(1, 3))
    else:
        out["type"] = kind
        if dice.random() < 0.25:
            out["enum"] = [dice.choice(["c", "f", "é\"", 1, True]) for _ in range(dice.randint(0, 3))]
    if dice.random() < 0.5:
        out["description"] = text(dice)
    if dice.random() < 0.25:
        out["default"] = json_value(dice) if dice.random() < 0.5 else "z"
    if dice.random() < 0.2:
        out["nullable"] = dice.random() < 0.7
    return out


def tool(dice):
    out = {"name": dice.choice(NAMES), "description": text(dice)}
    if dice.random() < 0.9:
        out["parameters"] = {"type": "object", "properties": {n: schema(dice) for n in dice.sample(["city", "unit", "days", "x", "y"], dice.randint(0, 4))}}
        if dice.random() < 0.7:
            out["parameters"]["required"] = dice.sample(["city", "unit", "days"], dice.randint(0, 3))
    if dice.random() < 0.02:
        out.pop("description")
    return {"type": "function", "function": out} if dice.random() < 0.02 else out


def call(dice, wrapped):
    arguments = dice.choice(["{}", '{"city": "Bern"}', '{"x": 1}'])
    if dice.random() < 0.02:
        arguments = {"city": "Bern"}
    if not wrapped:
        return {"name": dice.choice(NAMES), "arguments": arguments}
    return {"type": "function" if dice.random() < 0.98 else "other", "function": {"name": dice.choice(NAMES), "arguments": arguments}}


def block(dice):
    kind = dice.choice(["thoughts", "tool_calls", "tool_outputs", "response"] * 8 + ["wrong"])
    if kind == "tool_calls":
        return {"type": kind, "calls": [call(dice, False) for _ in range(dice.randint(0, 2))]}
    if kind == "tool_outputs":
        return {"type": kind, "outputs": [{"output": json_value(dice) if dice.random() < 0.3 else text(dice)} for _ in range(dice.randint(0, 2))]}
    return {"type": kind, "text": text(dice)}


def message(dice, blocks):
    role = dice.choice(["user"] * 8 + ["assistant"] * 8 + ["tool"] * 4 + (["system", "developer", "Tool"] if dice.random() < 0.1 else []))
    out = {"role": role}
    if role == "user":
        if dice.random() < 0.97:
            out["content"] = text(dice)
        if dice.random() < 0.2:
            out["content"] = {"parts": [dice.choice([{"type": "text", "text": text(dice)}, {"type": "image"}]) for _ in range(dice.randint(0, 3))]}
    elif role == "assistant":
        out["content"] = {"blocks": [block(dice) for _ in range(dice.randint(0, 4))]} if blocks else text(dice)
        if dice.random() < 0.3:
            out["tool_calls"] = [call(dice, True) for _ in range(dice.randint(0, 3))]
    else:
        out["content"] = json_value(dice) if dice.random() < 0.2 else text(dice)
    if dice.random() < 0.01:
        out["content"] = dice.choice([None, [{"type": "text", "text": "part"}], {"text": "t"}, 5, {}])
    return out


def conversation(dice):
    messages = []
    if dice.random() < 0.5:
        messages.append({"role": "system", "content": {"text": text(dice)} if dice.random() < 0.2 else text(dice)})
    if dice.random() < 0.9:
        messages.append({"role": "user", "content": text(dice)})
    blocks = dice.random() < 0.4
    messages += [message(dice, blocks) for _ in range(dice.randint(0, 6))]
    out = {"messages": messages, "bos_token": "<s>", "add_generation_prompt": dice.random() < 0.6}
    out["tools"] = [tool(dice) for _ in range(dice.randint(0, 3))] if dice.random() < 0.6 else None
    if dice.random() < 0.3:
        out["enable_thinking"] = dice.choice([True, False, None, "yes"])
    if dice.random() < 0.2:
        out["continue_assistant_message"] = dice.random() < 0.8
    return out


# ---------------------------------------------------------------- templates

class Grammar:
    """Builds one template. Names in scope are tracked by kind: s string, i int, l list of ints, m list of mappings, d mapping."""

    def __init__(self, dice):
        self.dice = dice
        self.scope = {"s": ["s", "t", "message.content", "ms[0].role"], "i": ["i", "j"], "l": ["l", "e"], "m": ["ms"], "d": ["d", "message"]}
        self.macros = []
        self.counter = 0
        self.loops = 0

    def pick(self, *options):
        return self.dice.choice(options)

    def chance(self, p):
        return self.dice.random() < p

    def fresh(self):
        self.counter += 1
        return self.pick("x", "y", "z", "v%d" % self.counter)

    # expressions; depth bounds their size

    def string(self, n=3):
        if n <= 0 or self.chance(0.25):
            return self.pick(self.literal(), self.dice.choice(self.scope["s"]), self.dice.choice(self.scope["s"]))
        e = lambda: self.string(n - 1)  # noqa: E731
        k = self.dice.randint(0, 33)
        if k == 0:
            return f"""({e()} + {e()})"""
        if k == 1:
            return f"""({self.any(n - 1)} ~ {self.any(n - 1)})"""
        if k == 2:
            return f"""{self.atom(e())}[{self.slice(n)}]"""
        if k == 3:
            return f"""({e()} if {self.condition(n - 1)} else {e()})"""
        if k == 4:
            return f"""({e()} | {self.pick('upper', 'lower', 'title', 'capitalize', 'trim', 'string', 'e', 'safe')})"""
        if k == 5:
            return f"""({e()} | replace({self.literal()}, {self.literal()}{self.pick('', ', 1')}))"""
        if k == 6:
            return f"""({self.any(n - 1)} | default({e()}{self.pick('', ', true', ', boolean=true')}))"""
        if k == 7:
            return f"""({self.list(n - 1)} | join({self.pick(self.literal(), '', self.literal())}))"""
        if k == 8:
            return f"""({self.any(n - 1)} | tojson{self.pick('', '', '(indent=2)', '(sort_keys=true)', '(ensure_ascii=true)', '(separators=(",", ":"))', '(indent=4, sort_keys=true)')})"""
        if k == 9:
            return f"""({e()} | indent({self.pick('2', '4, true', 'width=3, blank=true', "'> '", 'first=true')}))"""
        if k == 10:
            return f"""{self.atom(e())}.{self.pick('upper()', 'lower()', 'title()', 'capitalize()', 'strip()', 'lstrip()', 'rstrip()', 'swapcase()')}"""
        if k == 11:
            return f"""{self.atom(e())}.{self.pick('strip', 'lstrip', 'rstrip', 'removeprefix', 'removesuffix')}({self.literal()})"""
        if k == 12:
            return f"""{self.atom(e())}.replace({self.literal()}, {self.literal()}{self.pick('', ', 1')})"""
        if k == 13:
            return f"""{self.atom(self.literal())}.join({self.pick(self.strings(n - 1), self.list(n - 1))})"""
        if k == 14:
            return self.pick(f"""('%s' % {e()})""", f"""('%5s|%-4s' % ({e()}, {self.integer(n - 1)}))""", f"""('a%%b%s' % ({e()},))""", f"""('%s%s' % {e()})""" if self.chance(0.1) else e())
        if k == 15:
            return f"""('%d %05d %x %.2f %5.1f %e %g' % ({self.integer(n - 1)}, {self.integer(n - 1)}, {self.integer(n - 1)}, {self.number(n - 1)}, {self.number(n - 1)}, {self.number(n - 1)}, {self.number(n - 1)}))"""
        if k == 16:
            return f"""'{{}} {{:>6}} {{}}'.format({e()}, {self.pick(e(), self.integer(n - 1))}, {self.any(n - 1)})"""
        if k == 17:
            return f"""'{{0}}{{a!r}}{{b:.2f}}{{1:,}}'.format({e()}, {self.integer(n - 1)}, a={self.any(n - 1)}, b={self.number(n - 1)})"""
        if k == 18:
            return f"""{self.atom(self.strings(n - 1))}[{self.pick('0', '-1', '1')}]"""
        if k == 19:
            return f"""({self.any(n - 1)} | string)"""
        if k == 20:
            return f"""({e()} | {self.pick('reverse', 'truncate(9)', 'truncate(5, true)', 'center(12)', 'trim(' + self.literal() + ')')})"""
        if k == 21:
            return f"""({self.dice.choice(self.scope['s'])} {self.dice.choice(["'q'", ''])})""" if self.chance(0.1) else e()
        if k == 22:
            return f"""strftime_now({self.pick("'%Y-%m-%d'", "'%d %b %Y'", "'%A %H:%M:%S %j %p %I %y %B %a %U %w %%'", "'%-d %e %F %T'")})"""
        if k == 23 and self.macros:
            name, count = self.dice.choice(self.macros)
            arguments = [self.any(n - 1) for _ in range(self.dice.randint(0, count + (self.dice.random() < 0.1)))]
            if self.chance(0.2):
                arguments.append(f"""{self.pick('a', 'b', 'q')}={self.any(n - 1)}""")
            return f"""{name}({', '.join(arguments)})"""
        if k == 24:
            return f"""({self.literal()} * {self.pick('2', '0', '3', '-1', 'i')})"""
        if k == 25:
            return f"""{self.atom(e())}.{self.pick('zfill(6)', 'center(9)', 'ljust(5)', "rjust(7, '*')", "center(8, '-')")}"""
        if k == 26:
            return f"""({e()} | {self.pick('first', 'last')})"""
        if k == 27:
            return f"""{self.atom(self.mapping(n - 1))}{self.pick('.role', '.content', "['role']", ".get('content')", ".get('zz', " + e() + ')')}"""
        if k == 28:
            return f"""({self.literal()} | format({e()}, {self.integer(n - 1)}))"""
        if k == 29:
            return f"""({e()} ~ {e()})"""
        return e()

    def atom(self, expression):
        return expression if expression[:1] in "('[{" or expression.isidentifier() else f"""({expression})"""

    def literal(self):
        return self.pick("'a'", '"b c"', "''", "' '", "'l'", "'<|im_start|>'", "'\\n'", "'é'", "\"it's\"", "'x\\ty'", "', '", "'%s'", "'Hello World'", "'ab' 'cd'",
                         "'\\u00e4\\x41\\''", "'ÄÖ straße'", "'1'", "'2.5'", "'a,b,c'", "'  pad '", "'{}'", "'line1\\nline2\\n\\nline4'", "'<b>&'")

    def slice(self, n):
        part = lambda: self.pick("", "", "0", "1", "2", "-1", "-2", "5", "i")  # noqa: E731
        return self.pick(f"""{part()}:{part()}""", f"""{part()}:{part()}:{self.pick('', '1', '2', '-1', '-2', '0' if self.chance(0.05) else '3')}""", self.pick("0", "-1", "1"))

    def integer(self, n=3):
        if n <= 0 or self.chance(0.3):
            return self.pick("0", "1", "2", "3", "-1", "10", "i", "j", "1_000", "0x1f", *self.scope["i"])
        e = lambda: self.integer(n - 1)  # noqa: E731
        k = self.dice.randint(0, 13)
        if k == 0:
            return f"""({e()} {self.pick('+', '-', '*')} {e()})"""
        if k == 1:
            return f"""({e()} {self.pick('//', '%')} {self.pick('2', '3', '-2', '7', e())})"""
        if k == 2:
            return f"""({self.pick(self.string(n - 1), self.list(n - 1), self.mapping(n - 1))} | {self.pick('length', 'count')})"""
        if k == 3:
            return f"""({self.any(n - 1)} | int{self.pick('', '(5)', '(default=-1)')})"""
        if k == 4:
            return f"""(-{self.pick('1', '2', 'i')})"""
        if k == 5:
            return f"""({e()} | {self.pick('abs', 'round', 'int')})"""
        if k == 6:
            return f"""({self.ints(n - 1)} | {self.pick('sum', 'min', 'max', 'first', 'last', 'length')})"""
        if k == 7:
            return f"""{self.atom(self.string(n - 1))}.{self.pick('find', 'count', 'rfind')}({self.literal()})"""
        if k == 8:
            return f"""({self.pick('2', '3', '-2', '10')} ** {self.pick('0', '1', '2', '3', '10')})"""
        if k == 9:
            return f"""{self.atom(self.ints(n - 1))}[{self.pick('0', '-1', '1', '9')}]"""
        if k == 10:
            return f"""({self.string(n - 1)} | wordcount)"""
        if k == 11 and self.loops:
            return f"""loop.{self.pick('index', 'index0', 'revindex', 'revindex0', 'length', 'depth')}"""
        return e()

    def number(self, n=2):
        if self.chance(0.4):
            return self.integer(n)
        if n <= 0 or self.chance(0.4):
            return self.pick("1.5", "0.1", "-2.25", "1e3", "f", "2.0", "1e-7", "123456789.125")
        return self.pick(f"""({self.number(n - 1)} {self.pick('+', '-', '*', '/', '//', '%')} {self.number(n - 1)})""", f"""({self.number(n - 1)} | round({self.pick('', '1', '2', "0, 'floor'", "1, 'ceil'", '-1')}))""",
                         f"""({self.any(n - 1)} | float{self.pick('', '(1.5)')})""", f"""({self.number(n - 1)} | abs)""")

    def ints(self, n=2):
        if n <= 0 or self.chance(0.3):
            return self.pick("l", "e", "[1, 2, 3]", "[3, 1, 2]", "range(4)", "[]", "(1, 2)", "range(5, 0, -2)")
        e = lambda: self.ints(n - 1)  # noqa: E731
        return self.pick(f"""({e()} | list)""", f"""({e()} | sort{self.pick('', '(reverse=true)')})""", f"""({e()} | reverse | list)""", f"""({e()} | select({self.pick("'odd'", "'gt', 1", "'divisibleby', 2", '')}) | list)""",
                         f"""({e()} | reject({self.pick("'even'", "'in', [1, 2]")}) | list)""", f"""({e()} | unique | list)""", f"""{self.atom(e())}[{self.slice(1)}]""", f"""({e()} | map({self.pick("'abs'", "'string') | map('int'")}) | list)""",
                         f"""({self.pick('l', '[1]', '[]')} + {self.pick('[4]', 'l', 'e')})""")

    def strings(self, n=2):
        e = lambda: self.string(n - 1)  # noqa: E731
        return self.pick(f"""[{e()}, {e()}]""", f"""{self.atom(e())}.{self.pick('split', 'rsplit')}({self.pick('', "' '", "',', 1", 'none, 1', 'maxsplit=1')})""", f"""{self.atom(e())}.splitlines()""", f"""({e()} | list)""",
                         f"""(ms | map(attribute={self.pick("'role'", "'content'")}) | list)""", f"""{self.atom(e())}.partition({self.literal()})""", f"""(d | list)""", f"""(['b', 'A', 'c'] | sort{self.pick('', '(case_sensitive=true)')})""",
                         "(ms | map(attribute='zz', default='dd') | list)")

    def list(self, n=2):
        if n <= 0 or self.chance(0.2):
            return self.pick("l", "ms", "d", "s", "e")
        e = lambda: self.list(n - 1)  # noqa: E731
        return self.pick(self.ints(n), self.strings(n), self.messages(n), self.messages(n), f"""(d | {self.pick('dictsort', 'items | list', "dictsort(true, 'key', true)")})""", "d.items()", "d.keys()", "(d.values() | list)", f"""({e()} | batch({self.pick('2', '3, 0')}) | list)""", f"""({e()} | slice(2{self.pick('', ', 9')}) | list)""",
                         f"""({e()} | {self.pick('list', 'reverse | list')})""", f"""[{self.any(n - 1)}, {self.any(n - 1)}]""", f"""({self.any(n - 1)},)""", f"""({e()} | map({self.pick("'string'", "'tojson'", "'length'", "'upper'", "'default', 1")}) | list)""",
                         f"""(ms | groupby('role') | map('first') | list)""", f"""(ms | groupby('role') | list)""")

    def messages(self, n=2):
        if n <= 0 or self.chance(0.4):
            return "ms"
        e = lambda: self.messages(n - 1)  # noqa: E731
        return self.pick(f"""({e()} | selectattr({self.pick("'role', 'equalto', 'user'", "'n'", "'n', 'defined'", "'content', 'string'")}) | list)""",
                         f"""({e()} | rejectattr({self.pick("'role', '==', 'user'", "'n'", "'role', 'in', ['user']")}) | list)""",
                         f"""{self.atom(e())}[{self.pick('1:', ':-1', '::-1', '::2')}]""", f"""({e()} | sort(attribute={self.pick("'role'", "'role,content'")}))""", f"""({e()} | unique(attribute='role') | list)""")

    def mapping(self, n=2):
        if n <= 0 or self.chance(0.4):
            return self.pick("d", "message", "ms[0]", "ms[-1]")
        return self.pick(f"""{{'a': {self.any(n - 1)}, {self.literal()}: {self.any(n - 1)}}}""", f"""dict(a={self.any(n - 1)}, b=2)""", "dict(d, z=1)", f"""({self.messages(n - 1)} | {self.pick('first', 'last')})""", "{1: 'a', true: 'b', 2.0: 'c', none: 3}", "dict([('k', 1)])")

    def condition(self, n=2):
        if n <= 0 or self.chance(0.2):
            return self.pick("true", "false", "b", "not b", "s", "e", "none", "i", "zz", "s is string")
        e = lambda: self.condition(n - 1)  # noqa: E731
        k = self.dice.randint(0, 9)
        if k == 0:
            return f"""({e()} {self.pick('and', 'or')} {e()})"""
        if k == 1:
            return f"""(not {e()})"""
        if k == 2:
            return f"""({self.integer(n - 1)} {self.pick('<', '<=', '>', '>=', '==', '!=')} {self.number(n - 1)})"""
        if k == 3:
            return f"""({self.string(n - 1)} {self.pick('==', '!=', 'in', 'not in', '<', '>=')} {self.string(n - 1)})"""
        if k == 4:
            return f"""({self.any(n - 1)} is {self.pick('', 'not ')}{self.test()})"""
        if k == 5:
            return f"""({self.any(n - 1)} {self.pick('in', 'not in')} {self.list(n - 1)})"""
        if k == 6:
            return f"""({self.any(n - 1)} {self.pick('==', '!=')} {self.any(n - 1)})"""
        if k == 7:
            return f"""({self.integer(0)} < {self.integer(0)} <= {self.integer(0)})"""
        if k == 8 and self.loops:
            return self.pick("loop.first", "loop.last", "not loop.last", "loop.previtem is defined", "loop.nextitem is undefined", "loop.changed(s)", "loop.index is odd")
        return f"""{self.atom(self.string(n - 1))}.{self.pick('startswith', 'endswith')}({self.pick(self.literal(), '(' + self.literal() + ', ' + self.literal() + ')')})"""

    def test(self):
        return self.pick("defined", "undefined", "none", "string", "number", "integer", "float", "boolean", "mapping", "iterable", "sequence", "callable", "true", "false",
                         "lower", "upper", "odd", "even", "divisibleby 2", "divisibleby(3)", "eq 1", "equalto('a')", "ne 2", "lt 3", "gt(1)", "ge 1", "le 1", "in [1, 'a']", "sameas true",
                         "sameas none", "in(l)", "escaped")

    def any(self, n=2):
        if self.chance(0.03):
            return self.pick("zz", "zz.foo", "d.nope", "d.nope.deep", "none.x", "l[99]", "l.append(1)", "d.update({})", "1 / 0", "'a' + 1", "[] < {}", "zz | upper", "i.x", "s.nope", "nofunc()", "l | nofilter",
                             "l | first | first", "d['a']['b']", "(l | select)", "(s | int) + zz", "-s", "d[1:]", "range(1000000)", "loop", "5 | length", "zz is callable", "s is divisibleby 2")
        return self.dice.choice([self.string, self.string, self.integer, self.number, self.list, self.mapping, self.condition, self.plain])(n)

    def plain(self, n):
        return self.pick("none", "true", "zz", "d.a", "d['k']", "1.0", "[1, [2, {'q': none}]]", "(1, 'a')", "()", "{}", "ns.v", "l.0", "ns")

    # statements

    def data(self):
        return self.pick("text", " ", "\n", "\n  ", "  \n", "é", "{ ", "} ", "% ", "a\nb", "\n\n", "\t", "<|x|>", "# no", "")

    def tag(self, body):
        left = self.pick("{%", "{%", "{%-", "{%-", "{%+" if self.chance(0.3) else "{%")
        right = self.pick("%}", "%}", "-%}", "-%}", "+%}" if self.chance(0.3) else "%}")
        return f"""{left} {body} {right}"""

    def output(self, n=3):
        left, right = self.pick("{{", "{{", "{{-"), self.pick("}}", "}}", "-}}")
        return f"""{left} {self.any(n)} {right}"""

    def body(self, depth, count=None):
        return "".join(self.statement(depth) for _ in range(count if count is not None else self.dice.randint(1, 4)))

    def with_scope(self, kind, name, make):
        self.scope[kind].append(name)
        try:
            return make()
        finally:
            self.scope[kind].remove(name)

    def statement(self, depth):
        if depth <= 0 or self.chance(0.35):
            return self.pick(self.data, self.output, self.output)()
        k = self.dice.randint(0, 17)
        if k <= 2:
            out = self.tag(f"""if {self.condition()}""") + self.body(depth - 1)
            while self.chance(0.3):
                out += self.tag(f"""elif {self.condition()}""") + self.body(depth - 1)
            if self.chance(0.5):
                out += self.tag("else") + self.body(depth - 1)
            return out + self.tag("endif")
        if k <= 5:
            return self.loop(depth)
        if k <= 7:
            name = self.fresh()
            if self.chance(0.15):
                return self.tag(f"""set {name}, w = {self.any()}, {self.any()}""") + self.output()
            kind = self.pick("s", "i")
            out = self.tag(f"""set {name} = {self.string() if kind == 's' else self.integer()}""")
            return out + self.with_scope(kind, name, lambda: self.body(depth - 1))
        if k == 8:
            name = self.fresh()
            return self.tag(f"""set {name}{self.pick('', ' | upper', ' | trim | title')}""") + self.body(depth - 1) + self.tag("endset") + f"""{{{{ {name} }}}}"""
        if k == 9:
            return self.tag(f"""set ns.{self.pick('v', 'w')} = {self.any()}""") + "{{ ns.v }}"
        if k == 10:
            name = f"""m{self.counter}"""
            self.counter += 1
            parameters = self.pick("", "a", "a, b", "a, b=1", "a='q', b=a")
            count = 0 if not parameters else parameters.count(",") + 1
            loops, self.loops = self.loops, 0
            inner = self.with_scope("i", self.pick("a", "b"), lambda: self.body(depth - 1)) if count else self.body(depth - 1)
            inner += self.pick("", "", "{{ varargs }}", "{{ kwargs }}", "{{ caller() }}", "{{ caller(1) if caller else 'nc' }}", "{{ a }}")
            self.loops = loops
            out = self.tag(f"""macro {name}({parameters})""") + inner + self.tag("endmacro")
            self.macros.append((name, count))
            return out + self.pick("", f"""{{{{ {name}() }}}}""")
        if k == 11 and self.macros:
            name, count = self.dice.choice(self.macros)
            loops, self.loops = self.loops, 0
            out = self.tag(f"""call{self.pick('', '(u)', '(u=2)')} {name}({', '.join(self.any() for _ in range(self.dice.randint(0, count)))})""") + self.body(depth - 1) + self.tag("endcall")
            self.loops = loops
            return out
        if k == 12:
            return self.tag(f"""filter {self.pick('upper', 'trim', "replace('a', 'b')", 'indent(2)', 'lower | title', 'default(1)')}""") + self.body(depth - 1) + self.tag("endfilter")
        if k == 13:
            return self.tag(f"""with x = {self.any()}, q = {self.any()}""") + self.body(depth - 1) + "{{ x }}{{ q }}" + self.tag("endwith")
        if k == 14:
            return self.pick("{# c #}", "{#- c -#}", "  {# c #}\n", "{#+ c #}", "{% raw %}{{ x }}{% endraw %}", "{% raw -%} {% if %} {%- endraw %}\n", "  {% raw %}\n{# #}{% endraw %}")
        if k == 15:
            loops, self.loops = self.loops, 0
            out = self.tag("generation") + self.body(depth - 1) + self.tag("endgeneration")
            self.loops = loops
            return out
        if k == 16:
            return self.pick("{{ raise_exception('no') }}" if self.chance(0.1) else "", "{% print s, i %}", "{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.next() }}{{ c.current }}", "{% set j = joiner('|') %}{{ j() }}{{ j() }}",
                             "{% set ns2 = namespace(a=1, b=[]) %}{% set ns2.a = ns2.a + 1 %}{{ ns2.a }}{{ ns2.b }}{{ ns2 }}", "{% set (p, (q, r)) = (1, (2, 3)) %}{{ p }}{{ q }}{{ r }}", "{{ zz.x }}" if self.chance(0.05) else "{{ zz }}",
                             "{% nosuch %}" if self.chance(0.03) else "", "{% if i %}{% set maybe = 1 %}{% endif %}{{ maybe }}", "{{ x }}{{ y }}{{ z }}", "{% set x = x ~ 'k' %}{{ x }}", "{% block b%d %}{{ x }}{% endblock %}".replace("%d", str(self.counter)))
        return self.output()

    def loop(self, depth):
        target, source, kind = self.dice.choice([
            ("n", self.ints(), "i"), ("n", self.ints(), "i"), ("w", self.strings(), "s"), ("p", self.messages(), "d"), ("p", self.messages(), "d"),
            ("k, val", self.pick("d.items()", "d | dictsort", "d | items", "[(1, 2), (3, 4)]", "message.items()"), None), ("ch", self.string(1), "s"), ("u", self.list(), None),
            ("k", self.mapping(), None)])
        header = f"""for {target} in {source}"""
        if self.chance(0.2):
            header += f""" if {self.pick(target.split(',')[0] + ' is ' + self.test(), self.condition(1), target.split(',')[0])}"""
        recursive = self.chance(0.04)
        if recursive:
            header = "for n in [1, [2, [3]], 4]"
            header += " recursive"
        self.loops += 1
        make = lambda: self.body(depth - 1)  # noqa: E731
        inner = self.with_scope(kind, target, make) if kind else make()
        inner += self.pick("", "", f"""{{{{ {target.split(',')[0]} }}}}""", "{% if loop.index > 2 %}{% break %}{% endif %}", "{% if loop.first %}{% continue %}{% endif %}", "{{ ', ' if not loop.last }}", "{{ loop.cycle('o', 'e') }}", "{% set x = x ~ 1 %}{{ x }}", "{{ loop.length }}",
                           "{{ loop.previtem }}{{ loop.nextitem }}")
        if recursive:
            inner += "{% if n is iterable %}({{ loop(n) }}){% else %}{{ n }}{{ loop.depth }}{% endif %}"
        self.loops -= 1
        out = self.tag(header) + inner
        if self.chance(0.25):
            out += self.tag("else") + self.body(depth - 1)
        return out + self.tag("endfor")


def template(dice):
    grammar = Grammar(dice)
    source = dice.choice(["" if dice.random() < 0.1 else "{% set ns = namespace() %}", "{% set ns = namespace(v=0) %}", "{%- set ns = namespace(v=none, w='a') -%}\n"])
    source += grammar.body(dice.randint(1, 4), dice.randint(1, 6))
    if dice.random() < 0.03:
        cut = dice.randint(0, len(source))
        source = source[:cut] + source[cut + dice.randint(1, 3):]
    if dice.random() < 0.2:
        source += "\n"
    if dice.random() < 0.03:
        source = source.replace("\n", "\r\n")
    messages = [{"role": dice.choice(["user", "assistant", "tool"]), "content": text(dice)} for _ in range(dice.randint(1, 4))]
    if dice.random() < 0.5:
        messages[0]["n"] = dice.randint(0, 3)
    variables = {"s": text(dice), "t": text(dice), "i": dice.randint(-2, 9), "j": dice.randint(0, 3), "f": dice.choice([0.5, 2.0, -1.25, 1e20]), "b": dice.random() < 0.5,
                 "l": [dice.randint(-3, 9) for _ in range(dice.randint(0, 5))], "e": [], "ms": messages, "message": messages[-1],
                 "d": {k: json_value(dice) for k in dice.sample(["a", "b", "items", "k", "é"], dice.randint(0, 4))}}
    return source, variables
