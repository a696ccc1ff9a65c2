#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the program `apertus` with llama.cpp on a GGUF file: token ids on text of many languages, and greedy ids in fp32.

    pip install gguf==0.19.0 llama-cpp-python==0.3.36 tokenizers==0.23.3
    python tools/compare_with_llama_cpp.py --model FILE.gguf [--text FILE ...] [--threads 2]
    python tools/compare_with_llama_cpp.py --folder tests/golden/v1_8b            (a Hugging Face folder, converted first)
    python tools/compare_with_llama_cpp.py --tokenizer DIR [--text FILE ...]      (a folder's tokenizer.json of Apertus, as GGUF)

llama.cpp computes with quantized weights in integers, so its own file cannot be compared in fp32. Both sides therefore get the same
floats: a file of F32 tensors, dequantized here by the gguf package, for llama.cpp (with keys and values in F32 and without flash
attention), and the file itself with `--weights f32` for ours. Each prompt is continued by 64 tokens, end tokens included. Where the ids
part, the logits of both sides after the common prefix are printed: rounding alone decides between two tokens whose logits differ by less
than the two sides differ from each other, and such a tie is not counted as a difference; anything else is.
With the package `tokenizers` the ids are also compared with a tokenizer built from the same vocabulary and merges.
Exit status: 0 equal (or ties), 1 different, 2 the comparison could not be made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import unicodedata
from pathlib import Path

import gguf
import llama_cpp
import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TOKENS = 64

PROMPTS = [
    "The capital of France is",
    "Simply put, the theory of relativity states that",
    "def fibonacci(n):\n    ",
    "Once upon a time, in a small village in the Alps,",
    "The three most important things in life are",
    "Q: What is 12 times 12?\nA:",
    "<|im_start|>user\nWrite a short poem about rain.<|im_end|>\n<|im_start|>assistant\n",
    "Die Schweiz liegt in",
    "Water boils at 100 degrees Celsius because",
    "List of planets:\n1. Mercury\n2.",
]

TEXTS = [
    "Hello world", " leading and trailing ", "I'm sure they've said we'll go, don't you? IT'S", "12345 3.14159 1,000,000 ½ ² Ⅷ ٣",
    "Grüezi mitenand! Die Katze sitzt auf der Matte und schläft.", "Le chat est assis sur le tapis, n'est-ce pas ?", "Быстрая коричневая лиса",
    "日本語のテキストです。漢字と仮名。", "你好，世界！", "안녕하세요 세계", "مرحبا بالعالم", "שלום עולם", "नमस्ते दुनिया", "สวัสดีชาวโลก", "Γειά σου Κόσμε", "გამარჯობა",
    "🙂🎉👩‍👩‍👧‍👦 🇨🇭", "e\u0301 A\u030a decomposed", "def f(x):\n\treturn x ** 2  # comment\n\n\n", "a\r\nb\r\n\r\nc", "   many    spaces   ", "\n\n\n", "\t\t",
    "HTTPServer2024 camelCase snake_case", "x=y+z;{}[]()<>!@#$%^&*", "<|im_start|>user\nhi<|im_end|>\n<s></s><|endoftext|>", "\u00a0\u2003\u3000wide spaces",
    "ﬁ ligature ſ long s 'ſ", "\u0000\u0001\u007f",
]


class CannotCompare(Exception):
    pass


class Table:
    """One line per comparison, printed as soon as it is known."""

    def __init__(self) -> None:
        self.equal = True

    def add(self, what: str, verdict: str, detail: str) -> None:
        self.equal &= verdict != "DIFFERENT"
        print(f"{what:<16} {verdict:<10} {detail}", flush=True)


class Program:
    def __init__(self, binary: Path, model: Path, options: list[str]) -> None:
        self.binary, self.model, self.options = binary, model, options

    def run(self, command: str, *arguments: str, text: str = "", weights: bool = False) -> list[dict]:
        """The JSON lines that `apertus COMMAND --json` prints."""
        line = [str(self.binary), command, "--model", str(self.model), "--json", *arguments]
        line += [*self.options, "--weights", "f32", "--embedding-weights", "f32"] if weights else []
        done = subprocess.run(line, input=text, capture_output=True, text=True, encoding="utf-8")
        if done.returncode != 0:
            raise CannotCompare(f"{' '.join(line)}: exit status {done.returncode}: {done.stderr.strip()}")
        return [json.loads(row) for row in done.stdout.splitlines() if row]


# GGUF files


def copy_metadata(reader: gguf.GGUFReader, writer: gguf.GGUFWriter) -> None:
    for field in reader.fields.values():
        if field.name.startswith("GGUF.") or field.name == gguf.Keys.General.ARCHITECTURE:
            continue
        sub = field.types[-1] if field.types[0] == gguf.GGUFValueType.ARRAY else None
        writer.add_key_value(field.name, field.contents(), field.types[0], sub_type=sub)


def dequantized(model: Path, out: Path) -> None:
    """The same file with F32 tensors."""
    reader = gguf.GGUFReader(model)
    writer = gguf.GGUFWriter(out, reader.fields[gguf.Keys.General.ARCHITECTURE].contents())
    copy_metadata(reader, writer)
    for t in reader.tensors:
        writer.add_tensor(t.name, gguf.dequantize(t.data, t.tensor_type).astype(np.float32).reshape(tuple(reversed(t.shape))))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


LAYER_NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v", "self_attn.o_proj": "attn_output",
    "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down", "attention_layernorm": "attn_norm", "feedforward_layernorm": "ffn_norm", "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
}


def gguf_name(name: str) -> str:
    for ours, theirs in (("model.embed_tokens.", "token_embd."), ("model.norm.", "output_norm."), ("lm_head.", "output.")):
        if name.startswith(ours):
            return theirs + name[len(ours) :]
    _, _, layer, *middle, kind = name.split(".")
    return f"blk.{layer}.{LAYER_NAMES['.'.join(middle)]}.{kind}"


def read_safetensors(folder: Path) -> dict[str, np.ndarray]:
    """All tensors as F32."""
    out = {}
    for path in sorted(folder.glob("model*.safetensors")):
        raw = path.read_bytes()
        size = int.from_bytes(raw[:8], "little")
        for name, t in json.loads(raw[8 : 8 + size]).items():
            if name == "__metadata__":
                continue
            data = raw[8 + size + t["data_offsets"][0] : 8 + size + t["data_offsets"][1]]
            if t["dtype"] == "BF16":
                values = (np.frombuffer(data, "<u2").astype(np.uint32) << 16).view(np.float32)
            else:
                values = np.frombuffer(data, {"F32": "<f4", "F16": "<f2"}[t["dtype"]]).astype(np.float32)
            out[name] = values.reshape(t["shape"])
    return out


def llama3_divisors(rope: dict, base: float, size: int) -> np.ndarray:
    """As llama.cpp's converter computes them."""
    freqs = 1.0 / (base ** (np.arange(0, size, 2, dtype=np.float32) / size))
    low, high, length = rope["low_freq_factor"], rope["high_freq_factor"], rope["original_max_position_embeddings"]
    out = []
    for wavelength in 2 * np.pi / freqs:
        if wavelength < length / high:
            out.append(1.0)
        elif wavelength > length / low:
            out.append(rope["factor"])
        else:
            smooth = (length / wavelength - low) / (high - low)
            out.append(1 / ((1 - smooth) / rope["factor"] + smooth))
    return np.array(out, np.float32)


def converted(folder: Path, out: Path) -> None:
    """A Hugging Face folder of apertus or llama as a GGUF of F32 tensors, as llama.cpp's converter lays it out, with a vocabulary of
    placeholders."""
    config = json.loads((folder / "config.json").read_text())
    arch = config["model_type"]
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    rope = config.get("rope_parameters") or config.get("rope_scaling") or {}
    base = rope.get("rope_theta") or config.get("rope_theta", 10000.0)
    if rope.get("rope_type", "default") not in ("default", "llama3"):
        raise CannotCompare(f"{folder}: RoPE of type {rope['rope_type']}")
    tensors = read_safetensors(folder)
    writer = gguf.GGUFWriter(out, arch)
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(heads)
    writer.add_head_count_kv(groups)
    writer.add_key_length(head)
    writer.add_value_length(head)
    writer.add_rope_dimension_count(head)
    writer.add_rope_freq_base(base)
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    writer.add_vocab_size(config["vocab_size"])
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("tekken")
    bytes_ = [chr(c) for c in (*range(33, 127), *range(161, 173), *range(174, 256), *range(256, 324))]
    tokens = (bytes_ + [f"<{i}>" for i in range(len(bytes_), config["vocab_size"])])[: config["vocab_size"]]
    tokens[-1] = bytes_[0] + bytes_[1]  # what the one merge makes
    writer.add_token_list(tokens)
    writer.add_token_types([1] * config["vocab_size"])
    writer.add_token_merges([f"{bytes_[0]} {bytes_[1]}"])
    writer.add_add_bos_token(False)
    layers = range(config["num_hidden_layers"])
    if arch == "apertus":
        for name, add in (("alpha_p", writer.add_xielu_alpha_p), ("alpha_n", writer.add_xielu_alpha_n), ("beta", writer.add_xielu_beta),
                          ("eps", writer.add_xielu_eps)):
            add([float(tensors.pop(f"model.layers.{i}.mlp.act_fn.{name}").ravel()[0]) for i in layers])
    if rope.get("rope_type") == "llama3":
        writer.add_tensor("rope_freqs.weight", llama3_divisors(rope, base, head))
    if config.get("tie_word_embeddings"):
        tensors.pop("lm_head.weight", None)
    for name, values in tensors.items():
        if arch == "llama" and (".q_proj." in name or ".k_proj." in name):
            n = heads if ".q_proj." in name else groups
            values = values.reshape(n, 2, head // 2, -1).swapaxes(1, 2).reshape(values.shape)
        writer.add_tensor(gguf_name(name), np.ascontiguousarray(values))
    if arch == "apertus" and config.get("tie_word_embeddings"):
        writer.add_tensor("output.weight", tensors["model.embed_tokens.weight"])  # llama.cpp knows no tied Apertus
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def converted_tokenizer(folder: Path, out: Path) -> None:
    """A GGUF with the vocabulary of an Apertus tokenizer.json and nothing else."""
    data = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = {i: (t, 1) for t, i in data["model"]["vocab"].items()}
    tokens |= {t["id"]: (t["content"], 3 if t["special"] else 4) for t in data["added_tokens"]}
    writer = gguf.GGUFWriter(out, "apertus")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("tekken")
    writer.add_token_list([tokens[i][0] for i in range(len(tokens))])
    writer.add_token_types([tokens[i][1] for i in range(len(tokens))])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in data["model"]["merges"]])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


# token ids


def huggingface_tokenizer(model: Path):
    """A tokenizer of Hugging Face's from the vocabulary and merges of the file; None for split patterns that are not listed here."""
    try:
        from tokenizers import AddedToken, Regex, Tokenizer, models, normalizers, pre_tokenizers
    except ImportError:
        return None
    fields = gguf.GGUFReader(model).fields
    pre = fields["tokenizer.ggml.pre"].contents()
    sys.path.insert(0, str(ROOT / "tests" / "data"))
    from make_tokenizer_goldens import LLAMA3, O200K, QWEN2, TEKKEN

    split = {"tekken": TEKKEN, "llama-bpe": LLAMA3, "qwen2": QWEN2, "gpt-4o": O200K}.get(pre)
    own = pre in ("gpt-2", "smollm")
    if not own and split is None:
        return None
    tokens, kinds = fields["tokenizer.ggml.tokens"].contents(), fields["tokenizer.ggml.token_type"].contents()
    merges = [tuple(m.split(" ", 1)) for m in fields["tokenizer.ggml.merges"].contents()]
    vocabulary = {t: i for i, t in enumerate(tokens) if kinds[i] != 5}
    out = Tokenizer(models.BPE(vocab=vocabulary, merges=merges, ignore_merges=pre in ("tekken", "llama-bpe")))
    steps = [pre_tokenizers.Digits(individual_digits=True)] if pre == "smollm" else []
    if split is not None:
        steps.append(pre_tokenizers.Split(Regex(split), "isolated"))
    out.pre_tokenizer = pre_tokenizers.Sequence([*steps, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=own)])
    if pre == "qwen2":
        out.normalizer = normalizers.NFC()
    out.add_special_tokens([AddedToken(t, normalized=False) for i, t in enumerate(tokens) if kinds[i] == 3])
    out.add_tokens([AddedToken(t, normalized=False) for i, t in enumerate(tokens) if kinds[i] == 4])
    return out


def compare_tokens(table: Table, program: Program, texts: list[str]) -> None:
    lines = "".join(json.dumps(t) + "\n" for t in texts)
    ours = [row["ids"] for row in program.run("tokenize", "--json-in", "--no-special", text=lines)]
    model = llama_cpp.Llama(str(program.model), vocab_only=True, verbose=False)
    references = {"llama.cpp": lambda t: model.tokenize(t.encode(), add_bos=False, special=True)}
    hf = huggingface_tokenizer(program.model)
    if hf is not None:
        references["tokenizers"] = lambda t: hf.encode(t, add_special_tokens=False).ids
    expected = {name: [encode(t) for t in texts] for name, encode in references.items()}
    pre = gguf.GGUFReader(program.model).fields["tokenizer.ggml.pre"].contents()
    for name, theirs in expected.items():
        different = [i for i in range(len(texts)) if theirs[i] != ours[i]]
        # llama.cpp's version of these two patterns does not know combining marks.
        known = [i for i in different if name == "llama.cpp" and pre in ("tekken", "gpt-4o") and has_marks(texts[i])
                 and expected.get("tokenizers", ours)[i] == ours[i]]
        detail = f"{len(texts)} texts, {sum(map(len, ours))} tokens"
        if different:
            detail += f"; {len(different)} differ, {len(known)} of them texts with combining marks, which llama.cpp's {pre} leaves out"
        table.add(name, "DIFFERENT" if len(different) > len(known) else "known" if different else "equal", detail)
        for i in [i for i in different if i not in known][:8]:
            print(f"    {texts[i][:60]!r}: {name} {theirs[i][:12]}, apertus {ours[i][:12]}")


def has_marks(text: str) -> bool:
    return any(unicodedata.category(c).startswith("M") for c in text)


# greedy ids


class Reference:
    """llama.cpp with everything in F32."""

    def __init__(self, model: Path, threads: int) -> None:
        f32 = int(gguf.GGMLQuantizationType.F32)
        self.model = llama_cpp.Llama(str(model), n_ctx=512, n_batch=512, n_threads=threads, n_threads_batch=threads, type_k=f32, type_v=f32,
                                     flash_attn=False, verbose=False)
        self.vocabulary = self.model.n_vocab()

    def logits(self) -> np.ndarray:
        return np.ctypeslib.as_array(llama_cpp.llama_get_logits_ith(self.model.ctx, -1), (self.vocabulary,)).copy()

    def start(self, ids: list[int]) -> np.ndarray:
        self.model.reset()
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(self.model.ctx), True)
        self.model.eval(ids)
        return self.logits()

    def greedy(self, ids: list[int], count: int) -> list[int]:
        out: list[int] = []
        logits = self.start(ids)
        while True:
            out.append(int(logits.argmax()))
            if len(out) == count:
                return out
            self.model.eval(out[-1:])
            logits = self.logits()


def compare_greedy(table: Table, program: Program, reference: Reference, name: str, ids: list[int]) -> None:
    text = ",".join(map(str, ids))
    theirs = reference.start(ids)
    ours = np.array(program.run("logits", "--ids", text, weights=True)[-1]["logits"], np.float32)
    gap = float(np.abs(ours - theirs[: ours.size]).max())
    detail = f"prompt {len(ids)} tokens, logits differ by at most {gap:.1e} (of {np.abs(theirs).max():.0f})"
    if gap > 1e-3 * max(1.0, float(np.abs(theirs).max())):
        table.add(name, "DIFFERENT", detail)
        return
    expected = reference.greedy(ids, TOKENS)
    found = program.run("generate", "--ids", text, "-n", str(TOKENS), "--greedy", "--ignore-eos", weights=True)[0]["ids"]
    if found == expected:
        table.add(name, "equal", f"{TOKENS} ids; {detail}")
        return
    at = next(i for i in range(TOKENS) if found[i] != expected[i])
    prefix = ids + expected[:at]
    theirs = reference.start(prefix)
    ours = np.array(program.run("logits", "--ids", ",".join(map(str, prefix)), weights=True)[-1]["logits"], np.float32)
    a, b = expected[at], found[at]
    rounding = float(np.abs(ours - theirs[: ours.size]).max())
    margins = float(theirs[a] - theirs[b]), float(ours[b] - ours[a])
    tie = all(abs(m) <= 2 * rounding for m in margins)
    table.add(name, "tie" if tie else "DIFFERENT", f"first {at} ids; then {a} (llama.cpp, ahead by {margins[0]:.1e}) or {b} (apertus, ahead by "
              f"{margins[1]:.1e}), while the logits of the two differ by up to {rounding:.1e}; {detail}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", type=Path, help="a GGUF file")
    parser.add_argument("--folder", type=Path, help="a Hugging Face folder, compared by its ids only")
    parser.add_argument("--tokenizer", type=Path, help="a Hugging Face folder of Apertus, of which only the tokenizer is compared")
    parser.add_argument("--program", type=Path, default=ROOT / "build" / "apertus")
    parser.add_argument("--text", type=Path, action="append", default=[], help="UTF-8 text, every line of it is tokenized")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--option", action="append", default=[], help="passed on to apertus, e.g. --option=--isa=avx2")
    arguments = parser.parse_args()
    if [arguments.model, arguments.folder, arguments.tokenizer].count(None) != 2:
        parser.error("give one of --model, --folder and --tokenizer")
    texts = TEXTS + [line for f in arguments.text for line in f.read_text(encoding="utf-8").split("\n") if line]
    texts += [f.read_text(encoding="utf-8") for f in arguments.text]
    table = Table()
    options = ["--threads", str(arguments.threads), *arguments.option]
    try:
        with tempfile.TemporaryDirectory() as scratch:
            wide = Path(scratch) / "f32.gguf"
            prompts: dict[str, list[int]] = {}
            if arguments.tokenizer is not None:
                converted_tokenizer(arguments.tokenizer, wide)
                compare_tokens(table, Program(arguments.program, wide, options), texts)
            elif arguments.folder is not None:
                converted(arguments.folder, wide)
                program = Program(arguments.program, wide, options)
                rng = np.random.default_rng(7)
                vocabulary = json.loads((arguments.folder / "config.json").read_text())["vocab_size"]
                prompts = {f"random ids {i}": [int(x) for x in rng.integers(0, vocabulary, 8 + 12 * i)] for i in range(10)}
            else:
                program = Program(arguments.program, arguments.model, options)
                compare_tokens(table, program, texts)
                dequantized(arguments.model, wide)
                rows = program.run("tokenize", "--json-in", text="".join(json.dumps(p) + "\n" for p in PROMPTS))
                prompts = {f"prompt {i}": row["ids"] for i, row in enumerate(rows)}
            reference = Reference(wide, arguments.threads) if prompts else None
            for name, ids in prompts.items():
                compare_greedy(table, program, reference, name, ids)
    except CannotCompare as e:
        print(f"cannot compare: {e}", file=sys.stderr)
        return 2
    print("equal" if table.equal else "DIFFERENT")
    return 0 if table.equal else 1


if __name__ == "__main__":
    sys.exit(main())
