#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden/processors.json: what transformers' logits processors and greedy generate() do.

Part "processors": logits from a formula (see `logits`, repeated in the test that reads this, exact in float32), run
through the list that GenerationMixin._get_logits_processor builds, order included; recorded are the ids that survive and
a hash of the bits of their scores. Part "generate": generate() on a model whose logits are a hash of the ids so far.

    python tools/goldens/make_processor_goldens.py [--random N]

--random N prints N further cases of part "processors" with random options, one JSON object a line, and writes nothing; the
tests read them from the file that the environment variable APERTUS_PROCESSOR_CASES names.
"""

from __future__ import annotations

import argparse
import functools
import json
import random
import warnings
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, LlamaConfig, LlamaForCausalLM
from transformers.modeling_outputs import CausalLMOutputWithPast

# torch.sort leaves the order of equal values open (it differs between CPUs and sizes), and TopPLogitsWarper drops the first
# of equals. The stable order is the one that the library promises; how many are kept does not depend on it.
torch.sort = functools.partial(torch.sort, stable=True)

warnings.simplefilter("ignore")
transformers.logging.set_verbosity_error()

OUTPUT = Path(__file__).resolve().parents[2] / "tests" / "golden" / "processors.json"


def mix(x: np.ndarray) -> np.ndarray:
    """SplitMix64 of uint64."""
    with np.errstate(over="ignore"):
        x = x + np.uint64(0x9E3779B97F4A7C15)
        x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return x ^ (x >> np.uint64(31))


def logits(seed: int, vocab: int, scale_bits: int, coarse_bits: int) -> np.ndarray:
    """A bell of about +-4 standard deviations: the sum of four 20-bit numbers, low bits cut (ties), times 2^-scale."""
    with np.errstate(over="ignore"):
        h = mix(np.uint64(seed) * np.uint64(1 << 32) + np.arange(vocab, dtype=np.uint64))
        parts = [((mix(h + np.uint64(k)) >> np.uint64(44)).astype(np.int64)) for k in range(4)]
    total = sum(parts) - (2 << 20)
    total = (total >> coarse_bits) << coarse_bits
    return (total.astype(np.float64) * 2.0**-scale_bits).astype(np.float32)


def fnv(data: bytes) -> str:
    """FNV-1a, 64 bits."""
    h = 0xCBF29CE484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{h:016x}"


def tiny(vocab: int) -> LlamaForCausalLM:
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocab, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
            bos_token_id=None, eos_token_id=None, pad_token_id=None,
        )  # fmt: skip
    )


MODEL = tiny(8)


def processor_case(c: dict) -> dict:
    options = dict(c["options"])
    do_sample = options.pop("do_sample", True)
    config = GenerationConfig(do_sample=do_sample, **{"top_k": 50, "max_length": 20, "min_length": 0, **options})
    eos = c.get("eos_token_id")
    config._eos_token_tensor = torch.tensor(eos) if eos else None
    ids = torch.tensor([c["prompt"] + c["generated"]])
    processors = MODEL._get_logits_processor(config, input_ids_seq_length=len(c["prompt"]))
    scores = processors(ids, torch.from_numpy(logits(c["seed"], c["vocab"], c["scale_bits"], c["coarse_bits"]))[None])[0]
    kept = torch.nonzero(scores != -float("inf")).flatten().numpy().astype("<i4")
    out = dict(c, kept=len(kept), order=[type(p).__name__ for p in processors])
    if len(kept) <= 12:
        out["kept_ids"] = kept.tolist()
    out["ids_hash"] = fnv(kept.tobytes())
    out["scores_hash"] = fnv(scores.numpy()[kept].astype("<f4").tobytes())
    return out


def processor_cases() -> list[dict]:
    def case(seed, vocab, scale, coarse, options, prompt=(1, 2, 3), generated=(), eos=()):
        return {
            "seed": seed, "vocab": vocab, "scale_bits": scale, "coarse_bits": coarse, "prompt": list(prompt),
            "generated": list(generated), "eos_token_id": list(eos), "options": options,
        }  # fmt: skip

    off = {"top_k": 0}
    cases = []
    for seed, (vocab, scale, coarse) in enumerate(
        [(8, 18, 0), (100, 18, 0), (100, 18, 18), (1000, 17, 0), (1000, 19, 16), (5000, 17, 0), (5000, 18, 14)]
    ):
        for options in (
            {}, off, {"top_k": 1}, {"top_k": 7}, {"top_k": 100}, {"top_k": 3000},
            {**off, "top_p": 0.0}, {**off, "top_p": 0.1}, {**off, "top_p": 0.5}, {**off, "top_p": 0.9},
            {**off, "top_p": 0.999}, {**off, "top_p": 0.9, "temperature": 0.3}, {**off, "top_p": 0.9, "temperature": 50.0},
            {**off, "min_p": 0.0}, {**off, "min_p": 0.05}, {**off, "min_p": 0.7}, {**off, "min_p": 1.0},
            {**off, "typical_p": 0.2}, {**off, "typical_p": 0.9}, {"top_k": 40, "typical_p": 0.5},
            {"top_k": 40, "top_p": 0.9, "temperature": 0.8}, {"top_k": 40, "top_p": 0.9, "min_p": 0.1, "temperature": 1.7},
            {"temperature": 0.8, "top_p": 0.9}, {"temperature": 1e-3}, {"temperature": 1000.0, "top_k": 10},
            {"temperature": 0.6, "top_k": 20, "top_p": 0.8, "min_p": 0.02, "typical_p": 0.95},
        ):  # fmt: skip
            cases.append(case(seed, vocab, scale, coarse, options))
    prompt, generated = [1, 5, 5, 7, 2], [9, 5, 9, 9]
    for seed in (20, 21, 22):
        for options in (
            {"repetition_penalty": 1.3}, {"repetition_penalty": 0.7}, {"repetition_penalty": 1.1, "do_sample": False},
            {"repetition_penalty": 1.3, "temperature": 0.7, "top_k": 5}, {"min_new_tokens": 4, "do_sample": False},
            {"min_new_tokens": 5, "do_sample": False}, {"min_length": 9, "do_sample": False},
            {"min_length": 10, "do_sample": False},
            {"min_new_tokens": 5, "repetition_penalty": 1.5, "top_p": 0.7, "top_k": 0, "temperature": 1.4},
        ):  # fmt: skip
            cases.append(case(seed, 40, 18, 0, options, prompt, generated, [3, 9]))
    for vocab in (49, 50, 51, 64, 65, 128):  # around the default top_k and the width of a block
        cases.append(case(30, vocab, 18, 0, {}))
        cases.append(case(31, vocab, 18, 20, {}))
    cases.append(case(40, 131072, 17, 0, {"temperature": 0.8, "top_p": 0.9}))
    cases.append(case(41, 131072, 17, 0, {"temperature": 0.8, "top_p": 0.9, "top_k": 0}))
    cases.append(case(42, 131072, 17, 12, {"top_p": 0.5, "top_k": 0}))
    cases.append(case(43, 131072, 17, 0, {"min_p": 0.05, "top_k": 0}))
    cases.append(case(44, 131072, 17, 0, {"top_k": 5000}))
    return cases


def random_case(r: random.Random) -> dict:
    vocab = r.choice([1, 2, 3, 17, 64, 100, 1000, 4096, 5000, 20000])
    options = {"top_k": r.choice([0, 0, 1, 2, 5, 50, 1000, 1 << 20])}
    if r.random() < 0.5:
        options["top_p"] = r.choice([0.0, 1.0, round(r.random(), 3), round(r.random() ** 0.2, 6)])
    if r.random() < 0.3:
        options["min_p"] = round(r.random() ** 2, 4)
    if r.random() < 0.3:
        options["typical_p"] = max(0.001, min(0.999, round(r.random(), 3)))
    if r.random() < 0.5:
        options["temperature"] = r.choice([round(10 ** r.uniform(-2, 2), 4), 0.8, 2.0])
    if r.random() < 0.4:
        options["repetition_penalty"] = round(r.uniform(0.5, 2.0), 3)
    if r.random() < 0.2:
        options["min_new_tokens"] = r.randrange(8)
    if r.random() < 0.1:
        options["do_sample"] = False
    ids = lambda n: [r.randrange(min(vocab, 50)) for _ in range(n)]  # noqa: E731
    eos = sorted({r.randrange(vocab) for _ in range(2)}) if vocab > 2 else []
    return {
        "seed": r.randrange(1 << 20), "vocab": vocab, "scale_bits": r.choice([16, 17, 18, 20]),
        "coarse_bits": r.choice([0, 0, 0, 12, 16, 19]), "prompt": ids(r.randrange(1, 9)), "generated": ids(r.randrange(8)),
        "eos_token_id": eos, "options": options,
    }  # fmt: skip


class HashedModel(LlamaForCausalLM):
    """The logits of tests/generate/fake_session.hpp: a hash of all ids that are not masked."""

    def forward(self, input_ids=None, attention_mask=None, **kwargs):
        vocab = self.config.vocab_size
        rows = []
        for b in range(input_ids.shape[0]):
            kept = input_ids[b] if attention_mask is None else input_ids[b][attention_mask[b] != 0]
            with np.errstate(over="ignore"):
                h = np.uint64(len(kept))
                for i in kept.tolist():
                    h = mix(h ^ np.uint64(i))
                raw = mix(h + np.arange(vocab, dtype=np.uint64)) >> np.uint64(40)
            rows.append((raw.astype(np.float64) * (8.0 / 16777216.0) - 4.0).astype(np.float32))
        last = torch.from_numpy(np.stack(rows))[:, None]
        return CausalLMOutputWithPast(logits=last.expand(-1, input_ids.shape[1], -1))


def generate_cases() -> list[dict]:
    model = HashedModel(tiny(32).config).eval()
    left = [[0, 0, 5, 6], [1, 2, 3, 4], [0, 9, 9, 9]]
    mask = [[0, 0, 1, 1], [1, 1, 1, 1], [0, 1, 1, 1]]
    one = [[7, 8, 9]]
    out = []
    for input_ids, attention_mask, options in (
        (one, None, {}),
        (one, None, {"max_new_tokens": 7}),
        (one, None, {"max_length": 9}),
        (one, None, {"max_new_tokens": 40, "eos_token_id": [4, 11]}),
        (one, None, {"max_new_tokens": 40, "eos_token_id": [4, 11], "min_new_tokens": 30}),
        (one, None, {"max_new_tokens": 40, "eos_token_id": [4, 11], "min_length": 30}),
        (one, None, {"max_new_tokens": 40, "repetition_penalty": 1.2}),
        (one, None, {"max_new_tokens": 40, "repetition_penalty": 0.9}),
        (left, mask, {"max_new_tokens": 12, "pad_token_id": 0}),
        (left, mask, {"max_new_tokens": 40, "pad_token_id": 0, "eos_token_id": [4, 11]}),
        (left, mask, {"max_new_tokens": 40, "pad_token_id": 31, "eos_token_id": [6, 12, 17]}),
        (left, mask, {"max_new_tokens": 40, "eos_token_id": [6, 12, 17]}),
        (left, mask, {"max_length": 20, "pad_token_id": 0, "eos_token_id": [5], "min_length": 15}),
        (left, mask, {"max_new_tokens": 30, "pad_token_id": 0, "repetition_penalty": 1.5, "eos_token_id": [5]}),
        (left, None, {"max_new_tokens": 12, "pad_token_id": 0}),
        (left, None, {"max_new_tokens": 12, "pad_token_id": 0, "eos_token_id": [0]}),
    ):
        config = GenerationConfig(use_cache=False, **options)
        sequences = model.generate(
            torch.tensor(input_ids),
            attention_mask=None if attention_mask is None else torch.tensor(attention_mask),
            generation_config=config,
        )
        out.append({
            "input_ids": input_ids, "attention_mask": attention_mask, "options": options, "sequences": sequences.tolist(),
        })  # fmt: skip
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--random", type=int, metavar="N", help="print N random cases instead of writing the file")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    if args.random is not None:
        r = random.Random(args.seed)
        for _ in range(args.random):
            print(json.dumps(processor_case(random_case(r))))
        return
    lines = ['{', f'"transformers": "{transformers.__version__}",', f'"torch": "{torch.__version__}",', '"processors": [']
    lines.append(",\n".join(json.dumps(processor_case(c)) for c in processor_cases()))
    lines.append('],\n"generate": [')
    lines.append(",\n".join(json.dumps(c) for c in generate_cases()))
    lines.append("]\n}")
    OUTPUT.write_text("\n".join(lines) + "\n")
    print(f"{OUTPUT}: {OUTPUT.stat().st_size} bytes")


if __name__ == "__main__":
    main()
