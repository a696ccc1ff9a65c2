#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the program `apertus` with Hugging Face transformers on a folder and a prompt of your choice.

    pip install -r tools/goldens/requirements.txt
    python tools/compare_with_transformers.py --model DIR --prompt "Simply put, the theory of relativity states that "
    python tools/compare_with_transformers.py --model DIR --chat "Who are you?" --date 2026-01-31
    python tools/compare_with_transformers.py --model tests/golden/rope_yarn --ids 1,17,42,99      (no tokenizer needed)

Compared are the rendered chat (with --chat), the token ids, the logits of every position and the greedy ids without an end
token. The reference computes in fp32 with eager attention, so a model takes four bytes per parameter of memory here.
Exit status: 0 equal, 1 different, 2 the comparison could not be made.
"""

from __future__ import annotations

import argparse
import datetime
import json
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import torch
import transformers

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tools" / "goldens"))

import reference  # noqa: E402


class CannotCompare(Exception):
    pass


class Table:
    """One line per comparison, printed as soon as it is known."""

    def __init__(self) -> None:
        self.equal = True

    def add(self, what: str, equal: bool, detail: str) -> None:
        self.equal &= equal
        print(f"{what:<14} {'equal' if equal else 'DIFFERENT':<10} {detail}", flush=True)


class Program:
    """The command-line program with the options that every call shares."""

    def __init__(self, binary: Path, model: Path, options: list[str]) -> None:
        self.binary, self.model, self.options = binary, model, options

    def run(self, command: str, *arguments: str, text: str = "", weights: bool = False) -> list[dict]:
        """The JSON lines that `apertus COMMAND --json` prints."""
        line = [str(self.binary), command, "--model", str(self.model), "--json", *arguments]
        done = subprocess.run(
            line + (self.options if weights else []), input=text, capture_output=True, text=True, encoding="utf-8"
        )
        if done.returncode != 0:
            raise CannotCompare(f"{' '.join(line)}: exit status {done.returncode}: {done.stderr.strip()}")
        return [json.loads(row) for row in done.stdout.splitlines() if row]


def first_difference(expected: list, found: list) -> str:
    for i, (a, b) in enumerate(zip(expected, found)):
        if a != b:
            return f"at {i}: expected {a!r}, found {b!r}"
    return f"expected {len(expected)} of them, found {len(found)}"


def compare_text(table: Table, program: Program, arguments: argparse.Namespace) -> list[int]:
    """Rendered chat and token ids; returns the prompt's ids as transformers has them."""
    if not (program.model / "tokenizer.json").exists():
        raise CannotCompare(f"{program.model} has no tokenizer.json: give --ids")
    tokenizer = transformers.AutoTokenizer.from_pretrained(program.model)
    if arguments.chat is None:
        expected = tokenizer(arguments.prompt)["input_ids"]
        [line] = program.run("tokenize", "--json-in", text=json.dumps(arguments.prompt) + "\n")
        compare_ids(table, tokenizer, expected, line["ids"])
        return expected

    messages = [{"role": "user", "content": arguments.chat}]
    if arguments.system is not None:
        messages.insert(0, {"role": "system", "content": arguments.system})
    dated = {}
    if arguments.date is not None:
        dated["strftime_now"] = datetime.datetime.strptime(arguments.date, "%Y-%m-%d").strftime
    rendered = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False, **dated)
    expected = tokenizer(rendered, add_special_tokens=False)["input_ids"]
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(messages, file)
        file.flush()
        date = ["--date", arguments.date] if arguments.date else []
        [line] = program.run("render", file.name, "--trust-content", *date)  # transformers trusts it
    table.add("rendered chat", line["text"] == rendered, f"{len(rendered)} characters")
    if line["text"] != rendered:
        print(f"  expected {rendered!r}\n  found    {line['text']!r}")
    compare_ids(table, tokenizer, expected, line["ids"])
    return expected


def compare_ids(table: Table, tokenizer, expected: list[int], found: list[int]) -> None:
    table.add("token ids", expected == found, f"{len(expected)} ids")
    if expected != found:
        print(f"  {first_difference(expected, found)}")
        print(f"  expected {[tokenizer.decode([i]) for i in expected[:40]]}")


def compare_logits(table: Table, program: Program, ids: list[int], tolerance: float) -> float:
    """Logits of all positions; returns the difference that counts as equal."""
    model = reference.load(program.model)
    known = model.get_input_embeddings().num_embeddings
    if not all(0 <= i < known for i in ids):
        raise CannotCompare(f"the model has the ids 0 to {known - 1}, the prompt is {ids}")
    _, expected = reference.with_layers(model, torch.tensor(ids))
    rows = program.run("logits", "--ids", ",".join(map(str, ids)), weights=True)
    if [row["position"] for row in rows] != list(range(len(ids))) or [row["id"] for row in rows] != ids:
        raise CannotCompare("apertus logits printed other positions or ids than it was asked for")
    found = torch.tensor([row["logits"] for row in rows], dtype=torch.float32)
    width = min(found.shape[1], expected.shape[1])  # v1.5: the rows of the head; transformers pads them to the vocabulary
    if found.shape[1] != expected.shape[1] and (expected[:, width:] > -1e30).any():
        table.add("logits", False, f"expected {expected.shape[1]} per position, found {found.shape[1]}")
        return tolerance
    scale = max(1.0, float(expected[:, :width].abs().max()) / 10.0)
    allowed = tolerance * scale
    difference = (found[:, :width] - expected[:, :width]).abs()
    worst = difference.amax(dim=1).nan_to_num(nan=float("inf"))
    equal = bool((worst <= allowed).all())
    table.add(
        "logits",
        equal,
        f"{len(ids)} positions x {width}: largest difference {float(worst.max()):.2e}, allowed {allowed:.2e}, "
        f"largest logit {float(expected[:, :width].abs().max()):.2f}",
    )
    if not equal:
        position = int((worst > allowed).nonzero()[0])
        token = int(difference[position].nan_to_num(nan=float("inf")).argmax())
        print(
            f"  position {position} is the first: token {token}: expected {float(expected[position, token])}, "
            f"found {float(found[position, token])}"
        )
    return allowed


def compare_greedy(table: Table, program: Program, ids: list[int], tokens: int, allowed: float) -> None:
    new, margins, _ = reference.greedy(reference.load(program.model), torch.tensor([ids]), tokens)
    expected = new[0].tolist()
    [line] = program.run(
        "generate", "--ids", ",".join(map(str, ids)), "--max-new-tokens", str(tokens), "--greedy", "--ignore-eos",
        weights=True,
    )  # fmt: skip
    found = line["ids"]
    if len(found) == len(ids) + tokens and found[: len(ids)] == ids:
        found = found[len(ids) :]
    detail = f"{tokens} tokens, smallest distance of the two best logits {float(margins.min()):.2e}"
    if found == expected:
        table.add("greedy ids", True, detail)
        return
    step = next((i for i, (a, b) in enumerate(zip(expected, found)) if a != b), min(len(expected), len(found)))
    if step < tokens and step < len(found) and float(margins[0, step]) <= 2 * allowed:
        table.add("greedy ids", True, f"{detail}; they part at step {step}, where transformers itself is undecided")
        return
    table.add("greedy ids", False, detail)
    print(f"  {first_difference(expected, found)}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="Hugging Face folder")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--prompt", help="text to continue")
    what.add_argument("--chat", help="a user's message, rendered with the chat template")
    what.add_argument("--ids", help="token ids, separated by commas")
    parser.add_argument("--system", help="system message, with --chat")
    parser.add_argument("--date", help="today's date for the chat template, YYYY-MM-DD")
    parser.add_argument("--new-tokens", type=int, default=32, help="greedy tokens to compare (default 32; 0: none)")
    parser.add_argument("--tolerance", type=float, default=1e-4, help="for logits of order 10 (default 1e-4)")
    parser.add_argument("--binary", type=Path, default=ROOT / "build" / "apertus", help="the program (default build/apertus)")
    parser.add_argument("--threads", type=int, default=0, help="threads of the reference (default: all)")
    parser.add_argument("options", nargs="*", help="after --: options of apertus, such as --backend reference --isa avx2")
    arguments = parser.parse_args()
    if (arguments.system or arguments.date) and arguments.chat is None:
        parser.error("--system and --date go with --chat")
    if not arguments.binary.exists():
        parser.error(f"{arguments.binary} is not there: build it, or name it with --binary")
    if arguments.threads > 0:
        torch.set_num_threads(arguments.threads)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    table = Table()
    program = Program(arguments.binary, arguments.model, arguments.options)
    try:
        if arguments.ids is not None:
            ids = [int(i) for i in arguments.ids.split(",")]
        else:
            ids = compare_text(table, program, arguments)
        allowed = compare_logits(table, program, ids, arguments.tolerance)
        if arguments.new_tokens > 0:
            compare_greedy(table, program, ids, arguments.new_tokens, allowed)
    except (CannotCompare, reference.NotReadable, OSError, ValueError) as problem:
        print(f"compare_with_transformers: {problem}", file=sys.stderr)
        return 2
    return 0 if table.equal else 1


if __name__ == "__main__":
    sys.exit(main())
