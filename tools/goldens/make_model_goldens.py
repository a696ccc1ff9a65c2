#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/golden: tiny random checkpoints and what Hugging Face transformers computes from them.

    pip install -r tools/goldens/requirements.txt
    python tools/goldens/make_model_goldens.py --out tests/golden [--only NAME ...]
    python tools/goldens/make_model_goldens.py --check tests/golden      # compares a fresh run with the committed files

Every case of cases.py becomes a folder with config.json, generation_config.json, model*.safetensors and golden.safetensors
(its tensors are listed in tests/golden/README.md). The checkpoint is random but reproducible: each tensor comes from its
own generator, seeded by the case's seed and the tensor's name. The reference is transformers in fp32 on the CPU with eager
attention, reading the finished folder. The seed is the first one for which the golden is a fair test: logits of order 10,
no two candidates of a greedy step closer than MIN_MARGIN, and fp32 rounding far below the tolerance of the test.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import warnings
import zlib
from pathlib import Path

import numpy as np
import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import ApertusConfig, ApertusForCausalLM, GenerationConfig, LlamaConfig, LlamaForCausalLM

import edits
import reference
from cases import CASES, PROMPT_LENGTH, Case

GREEDY_TOKENS = 128
MIN_MARGIN = 2e-3  # between the two best logits of every greedy step
MAX_ROUNDING = 2e-5  # fp32 against fp64, hidden states and logits
MAX_SEEDS = 200
BATCH_LENGTHS = (5, 16, 11)
BATCH_TOKENS = 32
LONG_ROWS = 16  # logits are kept for this many positions of the long prompt


# --- checkpoints -----------------------------------------------------------------------------------------------------


def generator(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64([seed, zlib.crc32(name.encode())]))


def random_weights(model: torch.nn.Module, case: Case, seed: int) -> None:
    """Fills every parameter so that each of them matters and the activations stay of order 1 to 10."""
    config = model.config
    layers = config.num_hidden_layers
    low, high = case.alpha
    parameters = dict(model.named_parameters())

    def softplus_of_alpha_p(layer: str) -> float:
        alpha = parameters.get(f"{layer}.act_fn.alpha_p")
        return 1.0 if alpha is None else float(torch.nn.functional.softplus(alpha.detach()))

    # The alphas come first: up_proj is scaled down where xIELU is steep.
    for name in sorted(parameters, key=lambda n: (not n.endswith(("alpha_p", "alpha_n")), n)):
        p = parameters[name]
        rng = generator(seed, name)
        shape = tuple(p.shape)
        if name.endswith(("alpha_p", "alpha_n")):
            layer = int(name.split(".")[2])
            at = layer / max(layers - 1, 1)  # spread over the layers, p rising and n falling
            centre = low + (high - low) * (at if name.endswith("alpha_p") else 0.5 - 0.5 * at)
            value = np.full(shape, centre + rng.uniform(-0.25, 0.25))
        elif name.endswith(("q_norm.weight", "k_norm.weight")):
            value = 1.5 * rng.uniform(0.7, 1.3, shape)
        elif name == "model.norm.weight" and config.tie_word_embeddings:
            value = 2.5 * rng.uniform(0.7, 1.3, shape)  # makes up for the small embedding
        elif name.endswith("norm.weight"):
            value = rng.uniform(0.7, 1.3, shape)
        elif name.endswith(".bias"):
            value = 0.3 * rng.standard_normal(shape)
        else:
            fan_in = shape[1]
            gain = 1.0
            if name.endswith(("embed_tokens.weight",)):
                # A tied embedding is small, lest every token predicts itself.
                fan_in, gain = 1, (1.5 / config.hidden_size**0.5 if config.tie_word_embeddings else 1.0)
            elif name.endswith("lm_head.weight"):
                gain = 4.0
            elif name.endswith("up_proj.weight"):
                gain = 1.0 / max(1.0, softplus_of_alpha_p(name.removesuffix(".up_proj.weight"))) ** 0.5
            elif name.endswith(("q_proj.weight", "k_proj.weight")):
                gain = 1.5
            value = rng.standard_normal(shape) * gain / fan_in**0.5
        with torch.no_grad():
            p.copy_(torch.from_numpy(np.asarray(value, dtype=np.float64)))


def write_checkpoint(case: Case, seed: int, folder: Path) -> None:
    """The folder as transformers would publish it, then the case's edits."""
    folder.mkdir(parents=True)
    if case.architecture == "llama":
        model = LlamaForCausalLM(LlamaConfig(**case.config))
    else:
        model = ApertusForCausalLM(ApertusConfig(**case.config))
    random_weights(model, case, seed)
    model = model.to(getattr(torch, case.dtype)).eval()
    model.generation_config = GenerationConfig(**(case.generation_config or {"eos_token_id": 2}))
    if case.architecture == "apertus1p5":
        write_apertus1p5(model, seed, folder)
    elif case.shard_size is None:
        model.save_pretrained(folder)
    else:
        model.save_pretrained(folder, max_shard_size=case.shard_size)
    for name in case.edits:
        getattr(edits, name)(folder)


def apertus1p5_head_rows(vocab: int) -> int:
    return vocab * 2 // 3


def write_apertus1p5(model: ApertusForCausalLM, seed: int, folder: Path) -> None:
    """The layout of v1.5, which this transformers does not know: composite configuration, prefix, pruned head, towers."""
    vocab = model.config.vocab_size
    rows = apertus1p5_head_rows(vocab)
    text = {k: v for k, v in model.config.to_diff_dict().items() if k not in ("architectures", "transformers_version")}
    text |= {"model_type": "apertus1p5_text", "output_vocab_size": rows, "tie_word_embeddings": False}
    text["dtype"] = str(model.dtype).removeprefix("torch.")
    config = {
        "architectures": ["Apertus1p5ForConditionalGeneration"],
        "model_type": "apertus1p5",
        "dtype": text["dtype"],
        "image_token_id": rows + 1,
        "audio_token_id": rows + 2,
        "image_token_offset": rows + 8,
        "audio_token_offset": vocab - 32,
        "text_config": text,
        "vision_tokenizer_config": {"model_type": "apertus1p5_vision_tokenizer", "codebook_size": vocab - rows - 40},
        "audio_tokenizer_config": {"model_type": "wavtokenizer", "codebook_size": 24},
        "tie_word_embeddings": False,
    }
    edits.write_config(folder, config)
    (folder / "generation_config.json").write_text(
        json.dumps({"bos_token_id": 1, "eos_token_id": [2, 68, 72], "pad_token_id": 3}, indent=2) + "\n"
    )

    language = {}
    for name, tensor in model.state_dict().items():
        if name == "lm_head.weight":
            language[name] = tensor[:rows].clone()
        else:
            language[name.replace("model.", "model.language_model.", 1)] = tensor.clone()
    towers = {
        "model.vision_tokenizer.encoder.conv_in.weight": (4, 3, 3, 3),
        "model.vision_tokenizer.quantize.embedding.weight": (8, 4),
        "model.audio_tokenizer.encoder.layers.0.conv.weight": (4, 1, 7),
        "model.audio_tokenizer.quantizer.codebook.embed": (24, 4),
    }
    media = {n: torch.from_numpy(generator(seed, n).standard_normal(s)).to(torch.float32) for n, s in towers.items()}
    shards = {"model-00001-of-00002.safetensors": language, "model-00002-of-00002.safetensors": media}
    for file, tensors in shards.items():
        save_file(tensors, folder / file, metadata={"format": "pt"})
    size = sum(t.numel() * t.element_size() for tensors in shards.values() for t in tensors.values())
    weight_map = {name: file for file, tensors in shards.items() for name in sorted(tensors)}
    (folder / "model.safetensors.index.json").write_text(
        json.dumps({"metadata": {"total_size": size}, "weight_map": weight_map}, indent=2) + "\n"
    )


# --- what is recorded -------------------------------------------------------------------------------------------------


def random_ids(case: Case, seed: int, what: str, n: int) -> torch.Tensor:
    """BOS, then anything above the special tokens."""
    ids = generator(seed, what).integers(4, case.config["vocab_size"], n)
    ids[0] = 1
    return torch.from_numpy(ids)


def compute_golden(case: Case, seed: int, folder: Path) -> tuple[dict[str, torch.Tensor], dict[str, str], list[str]]:
    """Tensors and metadata of golden.safetensors, and the reasons why this seed is no fair test (none: it is)."""
    golden: dict[str, torch.Tensor] = {}
    problems: list[str] = []

    ids = random_ids(case, seed, "prompt", PROMPT_LENGTH)
    hidden, logits = reference.with_layers(reference.load(folder), ids)
    golden |= {"prompt.ids": ids, "prompt.hidden": hidden, "prompt.logits": logits}

    wide_hidden, wide_logits = reference.with_layers(reference.load(folder).double(), ids)
    rounding = max(float((wide_hidden - hidden).abs().max()), float((wide_logits - logits).abs().max()))
    top = float(logits.abs().max())
    if not 5.0 <= top <= 30.0:
        problems.append(f"largest logit {top:.3g}")
    if rounding > MAX_ROUNDING:
        problems.append(f"fp32 differs from fp64 by {rounding:.2e}")
    if problems:
        return golden, {}, problems

    new, margins, _ = reference.greedy(reference.load(folder), ids[None], GREEDY_TOKENS)
    golden |= {"prompt.greedy_ids": new[0], "prompt.greedy_margins": margins[0]}
    if len(set(new[0].tolist())) < 24:
        problems.append("greedy text repeats itself")

    if case.long:
        ids = random_ids(case, seed, "long", case.long)
        _, logits = reference.with_layers(reference.load(folder), ids)
        rows = torch.from_numpy(np.linspace(0, case.long - 1, LONG_ROWS).round().astype(np.int64))
        new, margins, _ = reference.greedy(reference.load(folder), ids[None], BATCH_TOKENS)
        golden |= {"long.ids": ids, "long.rows": rows, "long.logits": logits[rows]}
        golden |= {"long.greedy_ids": new[0], "long.greedy_margins": margins[0]}

    if case.positions:
        ids = random_ids(case, seed, "positions", 16)
        steps = generator(seed, "position_ids").integers(1, 6, 16)
        position_ids = torch.from_numpy(4 + np.cumsum(steps))
        with torch.no_grad():
            logits = reference.load(folder)(
                input_ids=ids[None], position_ids=position_ids[None], attention_mask=torch.ones_like(ids)[None]
            ).logits[0]
        golden |= {"positions.ids": ids, "positions.position_ids": position_ids, "positions.logits": logits}

    if case.batch:
        longest = max(BATCH_LENGTHS)
        ids = torch.full((len(BATCH_LENGTHS), longest), 3)
        mask = torch.zeros_like(ids)
        for row, n in enumerate(BATCH_LENGTHS):
            ids[row, longest - n :] = random_ids(case, seed, f"batch{row}", n)
            mask[row, longest - n :] = 1
        new, margins, last = reference.greedy(reference.load(folder), ids, BATCH_TOKENS, mask)
        golden |= {"batch.ids": ids, "batch.attention_mask": mask, "batch.logits": last}
        golden |= {"batch.greedy_ids": new, "batch.greedy_margins": margins}

    margin = min(float(t.min()) for n, t in golden.items() if n.endswith("margins"))
    if margin < MIN_MARGIN:
        problems.append(f"smallest greedy margin {margin:.1e}")
    metadata = {
        "case": case.name,
        "why": case.why,
        "seed": str(seed),
        "transformers": transformers.__version__,
        "torch": torch.__version__.split("+")[0],
        "min_margin": f"{margin:.2e}",
        "fp32_rounding": f"{rounding:.1e}",
        "max_logit": f"{top:.2f}",
    }
    small = {n: (t.to(torch.float32) if t.is_floating_point() else t.to(torch.int32)).contiguous() for n, t in golden.items()}
    return small, metadata, problems


# --- the command -----------------------------------------------------------------------------------------------------


def make_case(case: Case, out: Path) -> None:
    target = out / case.name
    for seed in range(MAX_SEEDS):
        with tempfile.TemporaryDirectory() as scratch:
            folder = Path(scratch) / case.name
            write_checkpoint(case, seed, folder)
            golden, metadata, problems = compute_golden(case, seed, folder)
            if problems:
                continue
            save_file(golden, folder / "golden.safetensors", metadata=metadata)
            if target.exists():
                shutil.rmtree(target)
            out.mkdir(parents=True, exist_ok=True)
            shutil.copytree(folder, target)
        size = sum(f.stat().st_size for f in target.iterdir())
        print(
            f"{case.name:22} seed {seed:3}  {size / 1000:6.0f} kB  margin {metadata['min_margin']}  "
            f"fp32 rounding {metadata['fp32_rounding']}  max logit {metadata['max_logit']}",
            flush=True,
        )
        return
    raise SystemExit(f"{case.name}: no fair seed below {MAX_SEEDS}; the last one: {', '.join(problems)}")


def check_case(committed: Path, fresh: Path) -> bool:
    """Checkpoints and ids must be equal; floating-point goldens may differ by rounding (another CPU, another torch)."""
    ok = True
    for file in sorted(fresh.iterdir()):
        other = committed / file.name
        if not other.exists():
            print(f"{committed.name}: {file.name} is not committed")
            ok = False
        elif file.name == "golden.safetensors":
            a, b = load_file(other), load_file(file)
            worst = 0.0
            for name in sorted(a.keys() | b.keys()):
                if name not in a or name not in b or a[name].shape != b[name].shape:
                    print(f"{committed.name}: golden tensor {name} differs in presence or shape")
                    ok = False
                elif a[name].is_floating_point():
                    worst = max(worst, float((a[name] - b[name]).abs().max()))
                elif not torch.equal(a[name], b[name]):
                    print(f"{committed.name}: golden tensor {name} differs")
                    ok = False
            print(f"{committed.name:22} goldens differ by at most {worst:.1e}")
            ok = ok and worst <= 1e-5
        elif file.suffix == ".safetensors" and file.read_bytes() != other.read_bytes():
            print(f"{committed.name}: {file.name} differs")
            ok = False
    return ok


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--out", type=Path, help="folder to write the cases to")
    where.add_argument("--check", type=Path, help="folder to compare a fresh run with")
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="these cases only")
    arguments = parser.parse_args()

    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()

    unknown = set(arguments.only) - {c.name for c in CASES}
    if unknown:
        parser.error(f"no such case: {', '.join(sorted(unknown))}")
    cases = [c for c in CASES if not arguments.only or c.name in arguments.only]
    if arguments.out:
        for case in cases:
            make_case(case, arguments.out)
        return 0
    good = True
    with tempfile.TemporaryDirectory() as scratch:
        for case in cases:
            make_case(case, Path(scratch))
            good &= check_case(arguments.check / case.name, Path(scratch) / case.name)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
