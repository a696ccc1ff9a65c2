#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prefill and decode of other programs on the folder that tools/bench.sh measures: the same weights, threads and lengths.

llama.cpp (llama-cpp-python) gets the folder as a GGUF file, for int8 quantized by itself to Q8_0, for int4 to Q4_0; transformers on
torch runs it in bf16, for bf16 only. One JSON line per program on stdout, medians. A program that is not installed, or that does not
know the architecture, is left out with a line on stderr.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

FORMATS = {"int8": "Q8_0", "int4": "Q4_0", "bf16": "BF16"}


def prompt_ids(count: int, vocabulary: int) -> list[int]:
    return [(i * 7919 + 3) % vocabulary for i in range(count)]


def report(args: argparse.Namespace, engine: str, form: str, prefill: list[float], decode: list[float]) -> None:
    print(json.dumps({
        "bench": "model", "model": args.name, "engine": engine, "format": args.format, "engine_format": form, "threads": args.threads,
        "batch": 1, "context": args.prompt, "prompt_tokens": args.prompt,
        "prompt_tokens_per_second": args.prompt / statistics.median(prefill),
        "decode_tokens_per_second": 1 / statistics.median(decode)}), flush=True)


def llama_cpp(args: argparse.Namespace) -> None:
    import llama_cpp as lib
    from compare_with_llama_cpp import converted

    quiet = lib.llama_log_callback(lambda level, text, data: None)
    lib.llama_log_set(quiet, ctypes.c_void_p(0))
    exact = args.work / f"{args.folder.name}.gguf"
    if not exact.exists():
        converted(args.folder, exact)
    form = FORMATS[args.format]
    model = args.work / f"{args.folder.name}.{form}.gguf"
    parameters = lib.llama_model_quantize_default_params()
    parameters.ftype = getattr(lib, f"LLAMA_FTYPE_MOSTLY_{form}")
    parameters.nthread = args.threads
    if lib.llama_model_quantize(str(exact).encode(), str(model).encode(), ctypes.byref(parameters)) != 0:
        raise RuntimeError(f"llama.cpp cannot quantize to {form}")
    try:
        llm = lib.Llama(str(model), n_ctx=args.prompt + args.new + 8, n_batch=512, n_threads=args.threads,
                        n_threads_batch=args.threads, verbose=False)
        ids = prompt_ids(args.prompt, llm.n_vocab())
        llm.eval(ids[:8])  # the first call touches memory
        prefill, decode = [], []
        for _ in range(args.repeat):
            llm.reset()
            start = time.perf_counter()
            llm.eval(ids)
            prefill.append(time.perf_counter() - start)
            for i in range(args.new):
                start = time.perf_counter()
                llm.eval([ids[i % len(ids)]])
                decode.append(time.perf_counter() - start)
        llm.close()
    finally:
        model.unlink(missing_ok=True)
    report(args, f"llama.cpp ({lib.__version__})", form, prefill, decode)


def transformers(args: argparse.Namespace) -> None:
    if args.format != "bf16":
        return
    import torch
    import transformers as lib

    torch.set_num_threads(args.threads)
    model = lib.AutoModelForCausalLM.from_pretrained(args.folder, dtype=torch.bfloat16).eval()
    ids = torch.tensor([prompt_ids(args.prompt, model.config.vocab_size)])
    prefill, decode = [], []
    with torch.inference_mode():
        model(ids[:, :8], logits_to_keep=1)
        for _ in range(args.repeat):
            start = time.perf_counter()
            cache = model(ids, use_cache=True, logits_to_keep=1).past_key_values
            prefill.append(time.perf_counter() - start)
            for i in range(args.new):
                start = time.perf_counter()
                cache = model(ids[:, i % ids.shape[1]][:, None], past_key_values=cache, use_cache=True).past_key_values
                decode.append(time.perf_counter() - start)
    report(args, f"transformers {lib.__version__}, torch {torch.__version__}", "bf16", prefill, decode)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("--format", required=True, help="bf16, int8 or int4")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--prompt", type=int, default=512)
    parser.add_argument("--new", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--work", type=Path, required=True, help="a temporary folder, for GGUF files")
    args = parser.parse_args()
    if args.format not in FORMATS:
        print(f"  (no peer knows the format {args.format})", file=sys.stderr)
        return 0
    for run in (llama_cpp, transformers):
        try:
            run(args)
        except Exception as e:  # a peer that fails is no reason to stop
            print(f"  ({run.__name__} left out: {type(e).__name__}: {e})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
