# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/tiny_greedy.jsonl: what transformers makes of some prompts, to be compared id for id.

    python tools/tiny/golden.py models/apertus-tiny

One JSON object per line: messages, the rendered text, the prompt's ids and the new ids of greedy decoding (fp32 arithmetic, eager
attention, weights as stored, at most 64 new ids, the stopping id included). `margin` is the smallest difference between the best and the second logit over all
steps: a comparison may expect equality wherever its own error is far below it.
"""

import argparse
import json
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

import dataset

OUT = dataset.ROOT / "tests" / "data" / "tiny_greedy.jsonl"


def user(*texts):
    """Alternating user and assistant messages, the first from the user."""
    return [{"role": ("user", "assistant")[i % 2], "content": text} for i, text in enumerate(texts)]


PROMPTS = [
    user("What is the capital of France?"),
    user("Wer bist du?"),
    user("Combien font 7 plus 5 ?"),
    user("Che cos'è un ghiacciaio?"),
    user("Which countries border Switzerland?"),
    user("Was ist die Hauptstadt von Österreich?", "Die Hauptstadt von Österreich ist Wien.", "Und von Italien?"),
    user("Bonjour !", "Bonjour ! Comment puis-je vous aider ?", "Quelle est la monnaie de la Suisse ?"),
    [{"role": "system", "content": "Answer briefly."}, *user("How many days are in February?")],
    [{"role": "system", "content": ""}, *user("che giorno viene dopo martedi")],
    user("Who won the football match yesterday?"),
    user("Grüezi mitenand! Wie gaht's? 🙂"),
    user("日本の首都はどこですか"),
    user("The quick brown fox jumps over the lazy dog 12345 times."),
]


@torch.no_grad()
def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    tokenizer = AutoTokenizer.from_pretrained(args.folder)
    model = AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.float32, attn_implementation="eager").eval()
    with open(OUT, "w", encoding="utf-8") as out:
        for messages in PROMPTS:
            text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            x = torch.tensor([ids])
            result = model.generate(input_ids=x, attention_mask=torch.ones_like(x), do_sample=False, max_new_tokens=64,
                                    return_dict_in_generate=True, output_logits=True)
            new = result.sequences[0, len(ids):].tolist()
            best = torch.stack(result.logits)[:, 0].topk(2).values
            row = {"messages": messages, "text": text, "ids": ids, "new_ids": new, "answer": tokenizer.decode(new, skip_special_tokens=True),
                   "margin": round((best[:, 0] - best[:, 1]).min().item(), 4)}
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
            print(f"{row['margin']:8.4f}  {messages[-1]['content']} -> {row['answer']}")


if __name__ == "__main__":
    main()
