# SPDX-License-Identifier: Apache-2.0
"""The reference that this project is held against: Hugging Face transformers, fp32, CPU, eager attention."""

from __future__ import annotations

import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from transformers import ApertusConfig, ApertusForCausalLM, AutoModelForCausalLM, GenerationConfig


class NotReadable(Exception):
    """transformers does not read the folder as a whole model."""


def load(folder: Path) -> torch.nn.Module:
    """The model of a folder. Dynamic RoPE keeps state from call to call: take a fresh model for every run."""
    if json.loads((folder / "config.json").read_text()).get("model_type") == "apertus1p5":
        return load_apertus1p5(folder)
    model, info = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, attn_implementation="eager", output_loading_info=True
    )
    # transformers 5.23 leaves an absent beta or eps uninitialised; what the class means is its constructor's defaults.
    absent = {n for n in info["missing_keys"] if n.endswith(("act_fn.beta", "act_fn.eps"))}
    for name in absent:
        model.get_buffer(name).fill_(0.5 if name.endswith("beta") else -1e-6)
    missing = set(info["missing_keys"]) - absent
    if missing or info["mismatched_keys"]:
        raise NotReadable(f"{folder}: missing {sorted(missing)}, mismatched {info['mismatched_keys']}")
    for name, tensor in [*model.named_parameters(), *model.named_buffers()]:
        if tensor.is_floating_point() and tensor.dtype != torch.float32:
            raise NotReadable(f"{folder}: {name} became {tensor.dtype}, not float32")
    return model.eval()


def load_apertus1p5(folder: Path) -> torch.nn.Module:
    """v1.5, which transformers 5.23 does not know: its backbone is the v1 model with another embedding and another head."""
    text = json.loads((folder / "config.json").read_text())["text_config"]
    rows = text.pop("output_vocab_size", None) or text["vocab_size"]
    text |= {"model_type": "apertus", "dtype": "float32"}
    model = ApertusForCausalLM._from_config(ApertusConfig(**text), attn_implementation="eager", dtype=torch.float32)
    model.lm_head = torch.nn.Linear(model.config.hidden_size, rows, bias=False)
    language = {}
    for file in sorted(folder.glob("model*.safetensors")):
        for name, tensor in load_file(file).items():
            if name.startswith(("model.language_model.", "lm_head.")):
                language[name.replace("model.language_model.", "model.", 1)] = tensor.to(torch.float32)
    model.load_state_dict(language, strict=True)
    return model.eval()


@torch.no_grad()
def with_layers(model: torch.nn.Module, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Hidden states [L + 2, T, D] (embedding, every layer's raw output, final norm) and logits [T, V] of ids [T]."""
    seen: list[torch.Tensor] = []

    def record(_module, _inputs, output):
        seen.append((output[0] if isinstance(output, tuple) else output)[0].detach().clone())

    body = model.model
    hooks = [m.register_forward_hook(record) for m in [body.embed_tokens, *body.layers, body.norm]]
    logits = model(input_ids=ids[None]).logits[0]
    for hook in hooks:
        hook.remove()
    return torch.stack(seen), logits


def greedy(model: torch.nn.Module, ids: torch.Tensor, tokens: int, mask: torch.Tensor | None = None):
    """generate() without an end token on ids [B, T]: the new ids and the distances between the two best logits of every
    step, both [B, tokens], and the first logits [B, V]."""
    model.generation_config = GenerationConfig()  # whatever the folder says must not matter
    out = model.generate(
        input_ids=ids,
        attention_mask=torch.ones_like(ids) if mask is None else mask,
        generation_config=GenerationConfig(do_sample=False, max_new_tokens=tokens, pad_token_id=3, eos_token_id=None),
        return_dict_in_generate=True,
        output_logits=True,
    )
    new = out.sequences[:, ids.shape[1] :]
    best = torch.stack(out.logits, 1).topk(2, dim=-1)
    if new.shape[1] != tokens or not torch.equal(best.indices[:, :, 0], new):
        raise RuntimeError("transformers' generate was not greedy to the end")
    return new, best.values[:, :, 0] - best.values[:, :, 1], out.logits[0]
