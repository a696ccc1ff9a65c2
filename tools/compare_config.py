#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Feeds generated config.json and generation_config.json files to transformers and to this library and compares what both
# understand: every key, the merged RoPE block, the rotary frequencies, the generation options that a model would use.
# A file that the reference refuses must be refused by us. We may refuse more; every such refusal is counted by reason.
#
#   pip install -r tools/goldens/requirements.txt
#   python tools/compare_config.py [--count 3000] [--seed 1] [--driver PATH]
import argparse
import collections
import copy
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tempfile

os.environ["TRANSFORMERS_VERBOSITY"] = "critical"
import torch
from transformers import AutoConfig, GenerationConfig
from transformers.models.apertus.modeling_apertus import ApertusRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

ROOT = pathlib.Path(__file__).resolve().parents[1]
KEYS = ["vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
        "max_position_embeddings", "hidden_act", "rms_norm_eps", "tie_word_embeddings", "attention_bias"]
GENERATION = ["max_new_tokens", "max_length", "min_new_tokens", "min_length", "do_sample", "temperature", "top_k", "top_p",
              "min_p", "typical_p", "repetition_penalty", "num_beams"]


def random_rope(r, half):
    kind = r.choice(["default", "linear", "dynamic", "yarn", "longrope", "llama3", "llama3", None, "bogus"]
                    if r.random() < 0.3 else ["default", "linear", "dynamic", "yarn", "longrope", "llama3"])
    block = {}
    if kind is not None:
        block[r.choice(["rope_type", "rope_type", "type"])] = kind
    number = lambda *v: r.choice([*v, int(v[0])])
    if r.random() < 0.5:
        block["rope_theta"] = number(10000.0, 500000.0, 12e6)
    if kind in ("linear", "dynamic", "llama3", "yarn") and r.random() < 0.95 or r.random() < 0.1:
        block["factor"] = number(8.0, 2.5, 32.0)
    if kind == "yarn" and r.random() < 0.1:
        block["factor"] = None
    if r.random() < (0.8 if kind in ("llama3", "yarn", "longrope") else 0.1):
        block["original_max_position_embeddings"] = r.choice([1024, 4096, 8192])
    if kind == "llama3" and r.random() < 0.95:
        block["low_freq_factor"] = number(1.0, 0.5)
        block["high_freq_factor"] = number(4.0, 3.5)
    if kind == "yarn":
        for key, values in {"beta_fast": [32, 24.5, 0, None], "beta_slow": [1, 2.0, None], "mscale": [1.0, 0.7, 0],
                            "mscale_all_dim": [1.0, 1.3], "attention_factor": [1.25, None], "truncate": [True, False, None]}.items():
            if r.random() < 0.4:
                block[key] = r.choice(values)
    if kind == "longrope" and r.random() < 0.95:
        block["short_factor"] = [r.choice([1, 1.25, 2.0]) for _ in range(half)]
        block["long_factor"] = [r.choice([2, 3.5, 8.0]) for _ in range(half)]
        if r.random() < 0.4:
            block["factor"] = r.choice([4.0, 16, None])
        if r.random() < 0.3:
            block["attention_factor"] = r.choice([1.5, 2, None])
    return block


def random_config(r):
    heads = r.choice([2, 4, 8])
    head_dim = r.choice([8, 16, 64, 128])
    c = {"model_type": r.choice(["apertus", "apertus", "apertus", "llama", "llama"])}
    half = head_dim // 2
    if r.random() < 0.95:
        c["num_attention_heads"] = heads
        c["hidden_size"] = heads * head_dim
    else:
        half = 64  # the class's sizes
    if r.random() < 0.3 and "hidden_size" in c:
        head_dim = r.choice([head_dim, 32, None])
        c["head_dim"] = head_dim
        half = (head_dim or c["hidden_size"] // heads) // 2
    optional = {
        "vocab_size": [1000, 131072], "intermediate_size": [96, 21504], "num_hidden_layers": [1, 80],
        "num_key_value_heads": [1, 2, heads, None], "max_position_embeddings": [2048, 65536], "hidden_act": ["xielu", "gelu", "silu", "relu"],
        "rms_norm_eps": [1e-5, 1e-6], "tie_word_embeddings": [True, False], "attention_bias": [True, False],
        "bos_token_id": [1, None, 5], "eos_token_id": [2, [2, 68, 72], None, 68], "pad_token_id": [3, None, 10, -1],
        "dtype": ["bfloat16", "float32"], "torch_dtype": ["float16", "bfloat16"], "attention_dropout": [0.0], "use_cache": [True],
        "rope_theta": [10000.0, 500000, 12000000.0], "temperature": [0.7], "max_length": [40], "do_sample": [True],
        "original_max_position_embeddings": [2048], "transformers_version": ["4.56.0"], "architectures": [["ApertusForCausalLM"]],
    }
    for key, values in optional.items():
        rare = key in ("original_max_position_embeddings", "temperature", "max_length", "do_sample", "num_hidden_layers")
        if r.random() < (0.1 if rare else 0.5):
            c[key] = r.choice(values)
    spelling = r.random()
    if spelling < 0.4:
        c["rope_scaling"] = r.choice([None, {}, *[random_rope(r, half)] * 6])
    elif spelling < 0.85:
        c["rope_parameters"] = r.choice([None, {}, *[random_rope(r, half)] * 6])
    elif spelling < 0.9:
        c["rope_scaling"] = random_rope(r, half)
        c["rope_parameters"] = random_rope(r, half)
    if r.random() < 0.15:  # a wrong type somewhere
        key = r.choice(["vocab_size", "hidden_size", "num_key_value_heads", "hidden_act", "tie_word_embeddings", "attention_bias",
                        "rope_scaling", "rope_parameters", "rms_norm_eps", "eos_token_id", "pad_token_id"])
        c[key] = r.choice(["text", True, [1, "x"], {"a": 1}, 3.5])
    return c


def random_generation(r):
    if r.random() < 0.3:
        return None
    g = {}
    options = {
        "max_new_tokens": [5, 100], "max_length": [50], "min_new_tokens": [2], "min_length": [3], "do_sample": [True, False],
        "temperature": [0.8, 1, 0.0], "top_k": [0, 50], "top_p": [0.9, 1], "min_p": [0.05], "typical_p": [0.9], "repetition_penalty": [1.1, 2],
        "eos_token_id": [2, [2, 68, 72], 68, None], "bos_token_id": [1, None], "pad_token_id": [3, -1], "transformers_version": ["5.1"],
        "num_beams": [1, 4], "_from_model_config": [True], "unknown_key": [{"a": [1]}],
    }
    for key, values in options.items():
        if r.random() < 0.35:
            g[key] = r.choice(values)
    return g


def reference_config(text):
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "config.json").write_text(text)
        c = AutoConfig.from_pretrained(folder)
    c.standardize_rope_params()  # what building the rotary embedding does first
    out = {k: getattr(c, k) for k in KEYS}
    out["head_dim"] = getattr(c, "head_dim", None) or c.hidden_size // c.num_attention_heads
    out["mlp_bias"] = getattr(c, "mlp_bias", False)
    for key in ("bos_token_id", "pad_token_id"):
        v = getattr(c, key)
        out[key] = None if v is not None and v < 0 else v
    eos = c.eos_token_id
    out["eos_token_id"] = [] if eos is None else eos if isinstance(eos, list) else [eos]
    out["dtype"] = "" if c.dtype is None else str(c.dtype).removeprefix("torch.")
    frequencies, scaling = [], []
    cls = ApertusRotaryEmbedding if c.model_type == "apertus" else LlamaRotaryEmbedding
    for length in (0, c.max_position_embeddings + 1000):
        rope = cls(copy.deepcopy(c))
        if length:
            rope(torch.zeros(1), torch.tensor([[length - 1]]))
        frequencies.append(rope.inv_freq.tolist())
        scaling.append(float(torch.tensor(rope.attention_scaling, dtype=torch.float32)))
    out["inv_freq"], out["attention_scaling"] = frequencies, scaling
    out["rope"] = {"rope_type": c.rope_parameters["rope_type"], "rope_theta": float(c.rope_parameters["rope_theta"])}
    return out


def reference_generation(config, generation):
    """As GenerationMixin.adjust_generation_fn: the file, or config.json when there is none."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "config.json").write_text(config)
        if generation is not None:
            pathlib.Path(folder, "generation_config.json").write_text(generation)
            g = GenerationConfig.from_pretrained(folder)
        else:
            g = GenerationConfig.from_pretrained(folder, config_file_name="config.json", _from_model_config=True)
    out = {k: getattr(g, k) for k in GENERATION}
    for key in ("bos_token_id", "pad_token_id"):
        v = getattr(g, key)
        out[key] = None if v is not None and v < 0 else v
    eos = g.eos_token_id
    out["eos_token_id"] = eos if eos is None or isinstance(eos, list) else [eos]
    return out


def attempt(f, *args):
    try:
        return f(*args)
    except Exception as e:  # the reference raises many types
        return {"error": f"{type(e).__name__}: {e}"}


def close(a, b):
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(close(x, y) for x, y in zip(a, b))
    if isinstance(a, float) or isinstance(b, float):
        return isinstance(a, (int, float)) and isinstance(b, (int, float)) and abs(a - b) <= 5e-7 * max(abs(a), abs(b))
    return a == b


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=3000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--driver", help="a built tools/config_dump.cpp; built here with g++ when not given")
    args = parser.parse_args()
    driver = args.driver
    if driver is None:
        driver = os.path.join(tempfile.mkdtemp(), "config_dump")
        subprocess.run(["g++", "-std=c++20", "-O1", f"-I{ROOT}/include", f"{ROOT}/tools/config_dump.cpp", "-o", driver], check=True)
    process = subprocess.Popen([driver], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    r = random.Random(args.seed)
    counts = collections.Counter()
    stricter = collections.Counter()
    failures = []
    for _ in range(args.count):
        config, generation = random_config(r), random_generation(r)
        config_text, generation_text = json.dumps(config), None if generation is None else json.dumps(generation)
        process.stdin.write(json.dumps({"config": config_text, "generation": generation_text}) + "\n")
        process.stdin.flush()
        ours = json.loads(process.stdout.readline())
        for what, reference in (("config", attempt(reference_config, config_text)),
                                ("generation", attempt(reference_generation, config_text, generation_text))):
            mine = ours[what]
            if "error" in reference and "error" in mine:
                counts[f"{what}: both refuse"] += 1
            elif "error" in mine:
                counts[f"{what}: only we refuse"] += 1
                stricter[what + ": " + re.sub(r"found .*", "found ...", mine["error"])] += 1
            elif "error" in reference:
                if "rms_norm_eps" in reference["error"] and isinstance(config["rms_norm_eps"], int):
                    counts[f"{what}: an integer where the reference insists on a float"] += 1
                elif "head_dim" in config and config["head_dim"] is None and "NoneType" in reference["error"]:
                    counts[f"{what}: head_dim null, on which the reference's RoPE code of some types fails"] += 1
                else:
                    failures.append((what, config, generation, "only the reference refuses: " + reference["error"]))
            else:
                wrong = {k: (v, mine.get(k)) for k, v in reference.items()
                         if not (close(v, {k2: mine["rope"][k2] for k2 in v} if k == "rope" else mine.get(k)))}
                if wrong:  # (reference, ours) by key
                    failures.append((what, config, generation, wrong))
                else:
                    counts[f"{what}: equal"] += 1
    for key, n in sorted(counts.items()):
        print(f"{n:7d}  {key}")
    print("refused by us only, by reason:")
    for key, n in stricter.most_common(40):
        print(f"{n:7d}  {key}")
    for what, config, generation, reason in failures[:10]:
        print(f"DIFFERENT {what}: {reason}\n  config {json.dumps(config)}\n  generation {json.dumps(generation)}")
    print(f"{len(failures)} differences")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
