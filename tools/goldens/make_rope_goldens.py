#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
#
# Writes tests/golden/rope_frequencies.json: the inverse frequencies and the attention scaling that transformers computes
# for every RoPE type, from configurations in both spellings, at the sequence lengths where they change.
#
#   pip install -r tools/goldens/requirements.txt
#   python tools/goldens/make_rope_goldens.py
import json
import os
import pathlib
import tempfile

os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
import torch
import transformers
from transformers import AutoConfig
from transformers.models.apertus.modeling_apertus import ApertusRotaryEmbedding
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

LLAMA3 = {"rope_type": "llama3", "factor": 8, "original_max_position_embeddings": 8192, "low_freq_factor": 1,
          "high_freq_factor": 4}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 4096}


def longrope(half, **more):
    return {"rope_type": "longrope", "original_max_position_embeddings": 4096,
            "short_factor": [1.0 + 0.01 * i for i in range(half)],
            "long_factor": [1.5 + 0.25 * i for i in range(half)], **more}


def apertus(head_dim, max_positions=65536, **keys):
    return {"model_type": "apertus", "hidden_size": 8 * head_dim, "num_attention_heads": 8,
            "max_position_embeddings": max_positions, **keys}


# name, config.json, sequence lengths at which the frequencies are looked at (0: as built)
CASES = [
    ("8B v1", apertus(128, rope_theta=12e6, rope_scaling=LLAMA3), [0]),
    ("class default", apertus(128), [0]),
    ("v1.5", apertus(128, 262144, rope_parameters={**LLAMA3, "factor": 32.0, "rope_theta": 4000000}), [0]),
    ("v1 pre-training", apertus(128, 4096, rope_theta=500000, rope_scaling=LLAMA3), [0]),
    ("v1.1 64", apertus(64, 4096, rope_parameters={"rope_type": "default", "rope_theta": 500000.0}), [0]),
    ("v1.1 128", apertus(128, 4096, rope_parameters={"rope_type": "default", "rope_theta": 500000}), [0]),
    ("tiny", apertus(8, rope_theta=12000000, rope_scaling=LLAMA3), [0]),
    ("linear", apertus(64, 4096, rope_theta=500000, rope_scaling={"type": "linear", "factor": 3.5}), [0]),
    ("dynamic", apertus(64, 2048, rope_theta=10000.0, rope_scaling={"type": "dynamic", "factor": 2.0}),
     [0, 1, 2048, 2049, 5000, 65536]),
    ("dynamic, odd factor", apertus(128, 4096, rope_parameters={"rope_type": "dynamic", "factor": 2.3, "rope_theta": 5e5}),
     [0, 4097, 9999]),
    ("yarn", apertus(128, 16384, rope_parameters={**YARN, "rope_theta": 10000.0}), [0]),
    ("yarn, factor null", apertus(64, 32768, rope_parameters={**YARN, "factor": None, "rope_theta": 1e6}), [0]),
    ("yarn, all options", apertus(64, 16384, rope_parameters={
        **YARN, "rope_theta": 1e6, "beta_fast": 24, "beta_slow": 2, "mscale": 0.7, "mscale_all_dim": 1.3,
        "truncate": False}), [0]),
    ("yarn, attention factor", apertus(64, 16384, rope_parameters={**YARN, "attention_factor": 1.25}), [0]),
    ("longrope", apertus(64, 16384, rope_parameters={**longrope(32), "rope_theta": 10000.0}), [0, 4096, 4097, 20000]),
    ("longrope, factor", apertus(32, 16384, rope_parameters={**longrope(16), "factor": 32, "rope_theta": 1e4}), [0, 5000]),
    ("longrope, outer length", apertus(32, 16384, original_max_position_embeddings=1024,
                                       rope_parameters={**longrope(16), "attention_factor": 1.5}), [0, 1024, 1025]),
    ("Llama 2", {"model_type": "llama", "hidden_size": 512, "num_attention_heads": 8}, [0]),
    ("Llama 3.1", {"model_type": "llama", "hidden_size": 512, "num_attention_heads": 4, "rope_theta": 500000.0,
                   "max_position_embeddings": 131072, "rope_scaling": LLAMA3}, [0]),
    ("Llama 3.2, head_dim", {"model_type": "llama", "hidden_size": 512, "num_attention_heads": 8, "head_dim": 32,
                             "rope_theta": 500000.0, "rope_scaling": {**LLAMA3, "factor": 32.0}}, [0]),
]


def main():
    out = []
    for name, config_json, lengths in CASES:
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "config.json").write_text(json.dumps(config_json))
            config = AutoConfig.from_pretrained(folder)
        cls = ApertusRotaryEmbedding if config.model_type == "apertus" else LlamaRotaryEmbedding
        for length in lengths:
            rope = cls(config)  # a fresh one: a grown base is not carried over
            if length:
                rope(torch.zeros(1), torch.tensor([[length - 1]]))
            out.append({"name": name, "config": config_json, "sequence_length": length,
                        "attention_scaling": float(torch.tensor(rope.attention_scaling, dtype=torch.float32)),
                        "inv_freq": [float(f"{v:.9g}") for v in rope.inv_freq.tolist()]})
    path = pathlib.Path(__file__).parents[2] / "tests/golden/rope_frequencies.json"
    lines = ",\n".join(json.dumps(case) for case in out)
    path.write_text(f'{{"transformers": "{transformers.__version__}", "torch": "{torch.__version__}", "cases": [\n{lines}\n]}}\n')
    print(f"{path}: {len(out)} cases, {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
