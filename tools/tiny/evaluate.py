# SPDX-License-Identifier: Apache-2.0
"""Measures a folder on the held-out questions with transformers: greedy decoding in fp32 from the stored bf16 weights.

    python tools/tiny/evaluate.py models/apertus-tiny            the held-out list (the figure of the model card)
    python tools/tiny/evaluate.py models/apertus-tiny --dev      the developers' list, the one to look at while changing things

An answer is right when it contains one of the row's `expect` strings, ignoring case; with `"word": true` as a whole word.
"""

import argparse
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import dataset


@dataclass
class Report:
    right: int = 0
    total: int = 0
    groups: dict = field(default_factory=lambda: defaultdict(lambda: [0, 0]))
    wrong: list = field(default_factory=list)

    def add(self, row, answer):
        good = is_right(row, answer)
        self.total += 1
        self.right += good
        for key in (row["lang"], row["topic"]):
            self.groups[key][0] += good
            self.groups[key][1] += 1
        if not good:
            self.wrong.append((row, answer))

    def summary(self):
        parts = " ".join(f"{key} {r}/{t}" for key, (r, t) in sorted(self.groups.items()))
        return f"{self.right}/{self.total} = {100 * self.right / self.total:.1f} % | {parts}"


def is_right(row, answer):
    text = answer.lower()
    for expected in row["expect"]:
        wanted = expected.lower()
        if row.get("word"):
            if re.search(r"(?<!\w)" + re.escape(wanted) + r"(?!\w)", text):
                return True
        elif wanted in text:
            return True
    return False


def messages_of(row):
    return row.get("history", []) + [{"role": "user", "content": row["question"]}]


@torch.no_grad()
def answers(model, tokenizer, conversations, batch=64, max_new_tokens=48):
    """Greedy answers; conversations of equal prompt length share a batch, so no padding can change a result."""
    prompts = [tokenizer.apply_chat_template(c, add_generation_prompt=True, tokenize=False) for c in conversations]
    ids = [tokenizer(p, add_special_tokens=False)["input_ids"] for p in prompts]
    by_length, result = defaultdict(list), [None] * len(ids)
    for i, row in enumerate(ids):
        by_length[len(row)].append(i)
    for length, members in by_length.items():
        for at in range(0, len(members), batch):
            part = members[at:at + batch]
            x = torch.tensor([ids[i] for i in part])
            y = model.generate(input_ids=x, attention_mask=torch.ones_like(x), do_sample=False, max_new_tokens=max_new_tokens,
                               eos_token_id=[2, 68, 72], pad_token_id=3)
            for i, row in zip(part, y):
                result[i] = tokenizer.decode(row[length:], skip_special_tokens=True)
    return result


def score(model, tokenizer, rows):
    report = Report()
    for row, answer in zip(rows, answers(model, tokenizer, [messages_of(r) for r in rows])):
        report.add(row, answer)
    return report


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dev", action="store_true")
    parser.add_argument("--questions", type=Path, default=dataset.HELDOUT_PATH)
    parser.add_argument("--show-wrong", action="store_true")
    parser.add_argument("--ask", help="answer one question and stop")
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32, attn_implementation="eager").eval()
    if args.ask:
        print(answers(model, tokenizer, [[{"role": "user", "content": args.ask}]])[0])
        return
    report = score(model, tokenizer, dataset.dev_rows() if args.dev else dataset.read_rows(args.questions))
    for row, answer in report.wrong if args.show_wrong else []:
        print(f"{row['lang']} {row['topic']}: {row['question']} -> {answer} (expected {row['expect']})")
    for key, (right, total) in sorted(report.groups.items()):
        print(f"{key:>12} {right:4}/{total:<4} {100 * right / total:5.1f} %")
    print(f"{'all':>12} {report.right:4}/{report.total:<4} {100 * report.right / report.total:5.1f} %")


if __name__ == "__main__":
    main()
