#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the template engine with Python's jinja2, set up as transformers sets it up.

  tools/compare_template.py DRIVER [--template FILE] [--messages N] [--templates N] [--continue N] [--seed S]

DRIVER is the compiled tools/template_driver.cpp. Three comparisons, on generated input (tools/template_generator.py):
  messages   FILE, a model's chat template, on random message lists, tool lists and options
  templates  random templates over random variables
  continue   chat_template::apply with continue_final_message against the algorithm of transformers
A case agrees when both give the same text or both refuse. Needs jinja2 3.1. Exit status 1 when a case differs.
Cases that print addresses of Python objects are skipped; results beyond 64-bit integers are refused by design and
counted apart.
"""
import argparse
import json
import random
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment

sys.path.insert(0, str(Path(__file__).parent))
import template_generator as generator  # noqa: E402

NOW = datetime(2025, 9, 21, 13, 5, 9)
TAG = "CONTINUE_FINAL_MESSAGE_TAG "


class GenerationTag(jinja2.ext.Extension):
    """{% generation %}: transformers' marker of assistant text; here it only renders its body."""

    tags = {"generation"}

    def parse(self, parser):
        line = next(parser.stream).lineno
        body = parser.parse_statements(["name:endgeneration"], drop_needle=True)
        return jinja2.nodes.CallBlock(self.call_method("render_body"), [], [], body).set_lineno(line)

    @jinja2.pass_eval_context
    def render_body(self, context, caller):
        return caller()


class TemplateDict:
    def __call__(self, *args, **kwargs):
        return dict(*args, **kwargs)


class TemplateNamespace(jinja2.utils.Namespace):
    def __init__(*args, **kwargs):
        self, args = args[0], args[1:]
        attributes = dict(*args, **kwargs)
        for name in attributes:
            TemplateNamespace.check(name)
        jinja2.utils.Namespace.__init__(self, attributes)

    def __setitem__(self, name, value):
        TemplateNamespace.check(name)
        jinja2.utils.Namespace.__setitem__(self, name, value)

    @staticmethod
    def check(name):
        if isinstance(name, str) and name.startswith("_"):
            raise jinja2.exceptions.SecurityError(name)


def make_environment():
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[GenerationTag, jinja2.ext.loopcontrols])

    def raise_exception(message):
        raise jinja2.exceptions.TemplateError(message)

    def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
        return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)

    environment.filters["tojson"] = tojson
    environment.globals["raise_exception"] = raise_exception
    environment.globals["strftime_now"] = lambda f: NOW.strftime(f)
    environment.globals["dict"] = TemplateDict()
    environment.globals["namespace"] = TemplateNamespace
    return environment


ENVIRONMENT = make_environment()


def render(compiled, variables):
    try:
        return {"text": compiled.render(**variables)}
    except Exception as e:  # noqa: BLE001 - whatever a template may raise
        return {"error": f"{type(e).__name__}: {e}"}


def render_source(source, variables):
    try:
        compiled = ENVIRONMENT.from_string(source)
    except Exception as e:  # noqa: BLE001
        return {"error": f"{type(e).__name__}: {e}"}
    return render(compiled, variables)


def render_continued(compiled, messages, variables, field):
    """transformers' render_jinja_template for continue_final_message."""
    chat = json.loads(json.dumps(messages))
    if not chat:
        return {"error": "empty"}
    final = chat[-1].get(field)
    if final is None:
        return {"error": "nothing to continue"}
    if isinstance(final, list):
        for block in reversed(final):
            if "text" in block:
                final = block["text"]
                block["text"] += TAG
                break
        else:
            return {"error": "no text"}
    else:
        if not isinstance(final, str):
            return {"skip": True}  # our own extension: mappings with blocks or parts
        chat[-1][field] = final + TAG
    out = render(compiled, {**variables, "messages": chat})
    if "error" in out:
        return out
    text = out["text"]
    if final.strip() not in text or TAG.strip() not in text:
        return {"error": "final message not in text"}
    at = text.rindex(TAG.strip())
    return {"text": text[:at] if text[at:at + len(TAG)] == TAG else text[:at].rstrip()}


class Driver:
    def __init__(self, path):
        self.path = path

    def run(self, requests):
        lines = "".join(json.dumps(r) + "\n" for r in requests)
        result = subprocess.run([self.path], input=lines, capture_output=True, text=True, encoding="utf-8")
        answers = [json.loads(line) for line in result.stdout.splitlines()]
        if result.returncode != 0 or len(answers) != len(requests):
            broken = requests[len(answers)] if len(answers) < len(requests) else None
            raise SystemExit(f"driver failed ({result.returncode}) at {json.dumps(broken)}\n{result.stderr[-2000:]}")
        return answers


class Tally:
    def __init__(self, what):
        self.what, self.same, self.refused, self.skipped, self.big, self.different = what, 0, 0, 0, 0, []

    def add(self, request, expected, found):
        if expected.get("skip") or " at 0x" in expected.get("text", "").lower() or "<built-in" in expected.get("text", "").lower():
            self.skipped += 1
        elif "64 bits" in found.get("error", ""):
            self.big += 1
        elif expected.get("text") == found.get("text") and ("error" in expected) == ("error" in found):
            self.same += 1
            self.refused += "error" in expected
        else:
            self.different.append((request, expected, found))

    def report(self, limit):
        print(f"{self.what}: {self.same} agree ({self.refused} of them refused by both), {self.skipped} skipped, "
              f"{self.big} beyond 64 bits, {len(self.different)} differ", flush=True)
        for request, expected, found in self.different[:limit]:
            print("  ", json.dumps(request, ensure_ascii=False)[:1500])
            print("     python:", repr(expected)[:700])
            print("     engine:", repr(found)[:700])
        return not self.different


def compare(driver, tally, cases):
    """cases yields (request, function that computes Python's answer)."""
    batch = []

    def flush():
        for (request, expected), found in zip(batch, driver.run([r for r, _ in batch])):
            tally.add(request, expected(), found)
        batch.clear()

    for case in cases:
        batch.append(case)
        if len(batch) >= 500:
            flush()
    if batch:
        flush()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("driver")
    parser.add_argument("--template", help="a model's chat_template.jinja")
    parser.add_argument("--messages", type=int, default=10000)
    parser.add_argument("--templates", type=int, default=10000)
    parser.add_argument("--continue", dest="continued", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", type=int, default=10, help="differences to print")
    options = parser.parse_args()
    driver, good = Driver(options.driver), True

    if options.template:
        source = Path(options.template).read_text(encoding="utf-8")
        compiled = ENVIRONMENT.from_string(source)
        dice = random.Random(options.seed)

        def message_cases():
            for _ in range(options.messages):
                variables = generator.conversation(dice)
                yield {"template": source, "variables": variables}, lambda v=variables: render(compiled, v)

        tally = Tally("messages")
        compare(driver, tally, message_cases())
        good &= tally.report(options.show)

        def continue_cases():
            for _ in range(options.continued):
                variables = generator.conversation(dice)
                messages = variables.pop("messages")
                if dice.random() < 0.8:
                    messages.append({"role": "assistant", "content": generator.text(dice)})
                variables["add_generation_prompt"] = False
                request = {"template": source, "messages": messages, "options": {
                    "tools": variables["tools"], "continue_final_message": True,
                    "variables": {k: v for k, v in variables.items() if k not in ("tools", "bos_token")}}}
                variables.setdefault("documents", None)
                yield request, lambda m=messages, v=variables: render_continued(compiled, m, v, "content")

        tally = Tally("continue")
        compare(driver, tally, continue_cases())
        good &= tally.report(options.show)

    dice = random.Random(options.seed + 1)

    def template_cases():
        for _ in range(options.templates):
            source, variables = generator.template(dice)
            yield {"template": source, "variables": variables}, lambda s=source, v=variables: render_source(s, v)

    tally = Tally("templates")
    compare(driver, tally, template_cases())
    good &= tally.report(options.show)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
