#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a weight format costs: squared weight error, KL divergence and perplexity ratio against fp32, beside llama.cpp's formats.

    pip install -r tools/quality/requirements.txt
    python tools/quality/measure.py --model SmolLM2.gguf [--formats bf16 int8 int4] [--peers Q8_0 Q4_0 Q4_K_M] [--text FILE ...]
    python tools/quality/measure.py --model models/apertus-tiny          (a folder; its own tokenizer through build/apertus)

The reference is fp32: a GGUF file is dequantized to a file of F32 tensors, a folder is converted to one, and every format is made from
that file by the program that runs it: ours packs while loading, llama.cpp by llama_model_quantize. Text is the project's own documents
(English; no model here was tuned on them) and what --text adds; it is cut into windows that are computed on their own, and every
position but the last of a window counts. KL divergence is sum p (ln p - ln q), p fp32, over the vocabulary, mean over positions, in nats.
Both sides are compared with their own fp32 logits; that those agree is the line "fp32 of llama.cpp". What follows the ratio
is its standard error, position by position: to tell 1.001 from 1 takes some 40,000 of them. The squared error is relative:
sum (w - w')^2 / sum w^2 over all matrices. bpw is the bits of all matrices by their elements, padding and scales included. Head and
embedding are what each program makes of them by default (ours: the head is int8 with int4, and so is an embedding that is the head).
With --importance the four-bit weights are also packed by an importance matrix: a file of `apertus importance`, or "own": measured here
on what the fp32 model writes by itself, which no text above can have tuned.
Prints a markdown table and writes JSON lines to --json.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from compare_with_llama_cpp import LAYER_NAMES, converted, dequantized  # noqa: E402

CHECKPOINT_NAMES = {gguf_name: name for name, gguf_name in LAYER_NAMES.items()}
DOCUMENTS = ["docs/tour.md", "docs/adding.md", "CONTRIBUTING.md", "README.md"]


class Cost:
    """KL divergence and negative log-likelihood of logits against reference logits, a window at a time."""

    def __init__(self) -> None:
        self.kl: list[np.ndarray] = []
        self.nll: list[np.ndarray] = []
        self.same: list[np.ndarray] = []

    def add(self, reference: np.ndarray, logits: np.ndarray, ids: np.ndarray) -> None:
        p, q = log_softmax(reference[:-1]), log_softmax(logits[:-1])
        self.kl.append((np.exp(p) * (p - q)).sum(axis=1))
        self.nll.append(-q[np.arange(len(ids) - 1), ids[1:]])
        self.same.append(p.argmax(axis=1) == q.argmax(axis=1))

    def results(self) -> dict:
        nll = np.concatenate(self.nll)
        return {"positions": len(nll), "nll": nll, "kl": float(np.concatenate(self.kl).mean()),
                "same_top": float(np.concatenate(self.same).mean())}


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64)
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def cost_of(reference: np.ndarray, logits: np.ndarray, ids: np.ndarray, window: int) -> dict:
    cost = Cost()
    for first in range(0, len(ids), window):
        part = slice(first, min(first + window, len(ids)))
        if part.stop - part.start > 1:
            cost.add(reference[part], logits[part], ids[part])
    return cost.results()


def matrices(model: Path) -> dict[str, gguf.ReaderTensor]:
    return {t.name: t for t in gguf.GGUFReader(model).tensors if len(t.shape) == 2}


def rows_of(t: gguf.ReaderTensor) -> np.ndarray:
    return gguf.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(tuple(int(n) for n in reversed(t.shape)))


def checkpoint_name(name: str) -> str:
    """Of a matrix in a GGUF file, as checkpoints have it."""
    _, layer, part, _ = name.split(".") if name.startswith("blk.") else ("", "", "", "")
    return f"model.layers.{layer}.{CHECKPOINT_NAMES[part]}.weight" if part else name


class Ours:
    def __init__(self, driver: Path, model: Path, folder: Path) -> None:
        self.driver, self.model, self.folder = driver, model, folder

    def logits(self, weights: str, ids: np.ndarray, window: int, kv_cache: str = "f32", importance: Path | None = None) -> np.ndarray:
        ids.astype("<i4").tofile(self.folder / "ids")
        out = self.folder / f"logits.{weights}.{kv_cache}"
        command = [self.driver, "logits", self.model, weights, self.folder / "ids", str(window), out, kv_cache]
        said = subprocess.run(command + ([importance] if importance else []), check=True, capture_output=True, text=True)
        return np.memmap(out, "<f4", mode="r").reshape(len(ids), json.loads(said.stdout)["vocabulary"])

    def error(self, weights: str, importance: Path | None = None) -> tuple[float, float]:
        """Relative squared error and bits per weight."""
        error = total = size = count = 0.0
        found = matrices(self.model)
        head = "output.weight" if "output.weight" in found else "token_embd.weight"
        for name, t in found.items():
            if name == "token_embd.weight" and name != head:
                continue  # stays as it is stored
            w = rows_of(t)
            form = "int8" if name == head and weights == "int4" else weights  # as load_options has it by default
            command = [self.driver, "error", form, str(w.shape[0]), str(w.shape[1])]
            said = subprocess.run(command + ([importance, checkpoint_name(name)] if importance and form == weights else []),
                                  input=w.tobytes(), check=True, capture_output=True)
            one = json.loads(said.stdout)
            error, total = error + one["squared_error"], total + one["squared_sum"]
            size, count = size + one["bytes"], count + w.size
        return error / total, 8 * size / count


class Peer:
    """llama.cpp on a file, keys and values in F32, without flash attention."""

    def __init__(self, model: Path, threads: int, folder: Path) -> None:
        self.model, self.threads, self.folder = model, threads, folder

    def logits(self, ids: np.ndarray, window: int) -> np.ndarray:
        f32 = int(gguf.GGMLQuantizationType.F32)
        llm = llama_cpp.Llama(str(self.model), n_ctx=window, n_batch=window, n_ubatch=window, n_threads=self.threads,
                              n_threads_batch=self.threads, logits_all=True, type_k=f32, type_v=f32, flash_attn=False, verbose=False)
        out = np.memmap(self.folder / f"logits.{self.model.name}", "<f4", mode="w+", shape=(len(ids), llm.n_vocab()))
        for first in range(0, len(ids), window):
            part = ids[first : first + window].tolist()
            llm.reset()
            llm.eval(part)
            out[first : first + len(part)] = llm.scores[: len(part)]
        llm.close()
        return out

    def error(self, reference: Path) -> tuple[float, float]:
        error = total = size = count = 0.0
        exact = matrices(reference)
        for name, t in matrices(self.model).items():
            w, found = rows_of(exact[name]).astype(np.float64), rows_of(t)
            error, total = error + ((w - found) ** 2).sum(), total + (w**2).sum()
            size, count = size + t.n_bytes, count + w.size
        return error / total, 8 * size / count


def quantized(model: Path, name: str, out: Path, threads: int) -> None:
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{name}")
    parameters.nthread = threads
    if llama_cpp.llama_model_quantize(str(model).encode(), str(out).encode(), ctypes.byref(parameters)) != 0:
        raise SystemExit(f"llama.cpp cannot quantize to {name}")


def token_ids(model: Path, reference: Path, program: Path, text: str, limit: int) -> np.ndarray:
    if model.is_dir():
        said = subprocess.run([program, "tokenize", "--model", model, "--json"], input=text, check=True, capture_output=True, text=True)
        ids = json.loads(said.stdout.splitlines()[0])["ids"]
    else:
        llm = llama_cpp.Llama(str(reference), vocab_only=True, verbose=False)
        ids = llm.tokenize(text.encode(), add_bos=False, special=False)
        llm.close()
    return np.array(ids[:limit], np.int32)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True, help="a GGUF file, or a Hugging Face folder of apertus or llama")
    parser.add_argument("--formats", nargs="*", default=["bf16", "f16", "int8", "int4"])
    parser.add_argument("--kv-caches", nargs="*", default=["bf16", "int8"], help="caches of keys and values, with fp32 weights")
    parser.add_argument("--importance", help="a file, or own")
    parser.add_argument("--peers", nargs="*", default=["Q8_0", "Q4_0", "Q4_K_M"], help="formats of llama.cpp")
    parser.add_argument("--text", type=Path, nargs="*", default=[])
    parser.add_argument("--tokens", type=int, default=4096)
    parser.add_argument("--window", type=int, default=512)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--driver", type=Path, default=ROOT / "build/tools/quality_driver")
    parser.add_argument("--program", type=Path, default=ROOT / "build/apertus")
    parser.add_argument("--json", type=Path, help="JSON lines are appended to this file")
    args = parser.parse_args()
    if args.window < 2 or args.tokens < 2:
        parser.error("windows of at least two tokens")

    quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
    llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
    texts = [(ROOT / name).read_text() for name in DOCUMENTS] + [name.read_text() for name in args.text]
    share = max(1, args.tokens // len(texts))
    lines: list[dict] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = folder / "f32.gguf"
        (converted if args.model.is_dir() else dequantized)(args.model, reference)
        ids = np.concatenate([token_ids(args.model, reference, args.program, t, share) for t in texts])
        ours = Ours(args.driver, reference, folder)
        exact = ours.logits("f32", ids, args.window)
        base = cost_of(exact, exact, ids, args.window)

        def report(who: str, form: str, cost: dict, error: tuple[float, float], fp32: dict) -> None:
            more = cost["nll"] - fp32["nll"]
            ratio = float(np.exp(more.mean()))
            line = {"bench": "quality", "model": args.model.name, "engine": who, "format": form, "bpw": error[1], "weight_error": error[0],
                    "kl": cost["kl"], "perplexity": float(np.exp(cost["nll"].mean())), "perplexity_ratio": ratio,
                    "perplexity_ratio_error": ratio * float(more.std()) / len(more) ** 0.5, "same_top": cost["same_top"],
                    "positions": cost["positions"], "window": args.window}
            lines.append(line)
            print(json.dumps(line), file=sys.stderr, flush=True)

        report("apertus", "f32", base, (0.0, 32.0), base)
        for form in args.formats:
            report("apertus", form, cost_of(exact, ours.logits(form, ids, args.window), ids, args.window), ours.error(form), base)
            (folder / f"logits.{form}.f32").unlink()
        if args.importance:
            importance = Path(args.importance)
            if args.importance == "own":
                importance = folder / "importance"
                subprocess.run([args.program, "importance", "--model", reference, "--weights", "stored", "--output", importance],
                               check=True, stdout=subprocess.DEVNULL)
            logits = ours.logits("int4", ids, args.window, "f32", importance)
            report("apertus", "int4, importance", cost_of(exact, logits, ids, args.window), ours.error("int4", importance), base)
        for cache in args.kv_caches:
            logits = ours.logits("f32", ids, args.window, cache)
            report("apertus", f"f32, {cache} cache", cost_of(exact, logits, ids, args.window), (0.0, 32.0), base)
            (folder / f"logits.f32.{cache}").unlink()
        if args.peers:
            theirs = Peer(reference, args.threads, folder).logits(ids, args.window)
            report("llama.cpp", "fp32 of llama.cpp", cost_of(exact, theirs, ids, args.window), (0.0, 32.0), base)
            fp32 = cost_of(theirs, theirs, ids, args.window)
            for form in args.peers:
                out = folder / f"{form}.gguf"
                quantized(reference, form, out, args.threads)
                peer = Peer(out, args.threads, folder)
                report("llama.cpp", form, cost_of(theirs, peer.logits(ids, args.window), ids, args.window), peer.error(reference), fp32)
                out.unlink()
                (folder / f"logits.{out.name}").unlink()

    if args.json:
        with args.json.open("a") as file:
            file.writelines(json.dumps(line) + "\n" for line in lines)
    print(f"{args.model.name}, {len(ids)} tokens in windows of {args.window}, llama-cpp-python {llama_cpp.__version__}\n")
    print("| engine | format | bpw | weight error | KL (nats) | perplexity | ratio to fp32 | same best token |\n|---|---|---|---|---|---|---|---|")
    for line in lines:
        print("| {engine} | {format} | {bpw:.2f} | {weight_error:.2e} | {kl:.2e} | {perplexity:.4f} | "
              "{perplexity_ratio:.5f} ± {perplexity_ratio_error:.5f} | {same_top:.1%} |".format(**line))
    return 0


if __name__ == "__main__":
    sys.exit(main())
