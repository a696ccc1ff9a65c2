# SPDX-License-Identifier: Apache-2.0
"""Edits of a folder that transformers has written: older spellings of config.json, absent keys, other sets of tensors.

Every function takes the folder; those on tensors expect a single model.safetensors. The reference is computed from the
edited folder, so that transformers' own reading of it is what counts.
"""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file


def read_config(folder: Path) -> dict:
    return json.loads((folder / "config.json").read_text())


def write_config(folder: Path, config: dict) -> None:
    (folder / "config.json").write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def spell_4x(folder: Path) -> None:
    """rope_parameters becomes rope_theta and rope_scaling, dtype becomes torch_dtype, as transformers 4.x wrote them."""
    config = read_config(folder)
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    config["torch_dtype"] = config.pop("dtype")
    config["transformers_version"] = "4.56.1"
    write_config(folder, config)


def legacy_rope_type(folder: Path) -> None:
    """rope_scaling.rope_type becomes rope_scaling.type."""
    config = read_config(folder)
    config["rope_scaling"]["type"] = config["rope_scaling"].pop("rope_type")
    write_config(folder, config)


def drop_rope(folder: Path) -> None:
    """No key about RoPE at all."""
    config = read_config(folder)
    del config["rope_parameters"]
    write_config(folder, config)


def drop_head_dim(folder: Path) -> None:
    config = read_config(folder)
    config.pop("head_dim", None)
    write_config(folder, config)


def add_training_keys(folder: Path) -> None:
    """Keys that the published Apertus files carry and transformers does not read."""
    config = read_config(folder)
    config |= {"hidden_dropout": 0.0, "mlp_bias": False, "post_norm": False, "qk_norm": True}
    write_config(folder, config)


def _rewrite(folder: Path, change) -> None:
    file = folder / "model.safetensors"
    save_file(change(load_file(file)), file, metadata={"format": "pt"})


def drop_xielu_buffers(folder: Path) -> None:
    """Early conversions store the two alphas only."""
    _rewrite(folder, lambda tensors: {n: t for n, t in tensors.items() if not n.endswith((".beta", ".eps"))})


def store_tied_head(folder: Path) -> None:
    """Some tied checkpoints store the head beside the embedding."""
    _rewrite(folder, lambda tensors: tensors | {"lm_head.weight": tensors["model.embed_tokens.weight"].clone()})


def widen_vectors(folder: Path) -> None:
    """Everything that is not a matrix becomes f32."""
    _rewrite(folder, lambda tensors: {n: t if t.dim() == 2 else t.to(torch.float32) for n, t in tensors.items()})
