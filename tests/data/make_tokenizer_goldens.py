#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/tokenizer_*/tokenizer.json (small, trained here on this repository's own text) and tests/data/tokenizer_goldens.json,
what Hugging Face tokenizers says about them and about the Apertus tokenizers, if their folders are given.

    pip install tokenizers==0.23.3
    python3 tests/data/make_tokenizer_goldens.py [--v1 DIR] [--v11 DIR] [--text udhr.txt]
"""
import argparse
import copy
import json
import os
import sys

os.environ["TOKENIZERS_PARALLELISM"] = "false"
HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(ROOT, "tools"))
import compare_tokenizer  # noqa: E402
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers  # noqa: E402

TEKKEN = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+"
          r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?"
         r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*"
         r"|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
# A pattern without a matcher of its own: classes, an escape soup, lazy and possessive quantifiers, look-ahead, anchors.
OTHER = (r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]++| ?[\p{P}\p{S}]+[\r\n]*|\d{1,3}(?=(?:\d{3})*\b)"
         r"|\s*?[\r\n]+|(?>\s+)(?!\S)|\s+|\x{41}")
TEXT = """The quick brown fox jumps over the lazy dog. Die Katze sitzt auf der Matte und schläft. Le chat est assis sur le tapis.
Il gatto dorme sul tappeto. Grüezi mitenand! Быстрая коричневая лиса. 日本語のテキストです。 مرحبا بالعالم. שלום עולם. नमस्ते दुनिया. สวัสดีชาวโลก 🙂🎉
I'm sure they've said we'll go, don't you? HTTPServer2024 camelCase snake_case 12345 3.14159 x = y + z; return 0;
\tif (a < b) {\n\t\tfoo(bar);\n\t}\n\n    indented    text\r\nwindows line\r\n"""


def corpus():
    texts = [TEXT] * 20
    for folder in ("include/apertus/core", "include/apertus/text"):
        for name in sorted(os.listdir(os.path.join(ROOT, folder))):
            path = os.path.join(ROOT, folder, name)
            if name.endswith(".hpp") and not name.startswith("unicode_") and os.path.isfile(path):
                with open(path, encoding="utf-8") as file:
                    texts.append(file.read())
    return texts


def train(pre_tokenizer, size, specials=(), alphabet=True, **model):
    tokenizer = Tokenizer(models.BPE(**model))
    tokenizer.pre_tokenizer = pre_tokenizer
    trainer = trainers.BpeTrainer(vocab_size=size, special_tokens=list(specials), show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet() if alphabet else [], limit_alphabet=300)
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def byte_level(prefix=False, regex=False):
    return pre_tokenizers.ByteLevel(add_prefix_space=prefix, use_regex=regex)


def split(pattern, behavior="isolated", invert=False):
    return pre_tokenizers.Split(Regex(pattern), behavior, invert)


def make_all():
    """name -> tokenizer.json as an object."""
    made = {}

    gpt2 = train(byte_level(prefix=False, regex=True), 420, ["<|endoftext|>"])
    gpt2.post_processor = processors.ByteLevel(trim_offsets=False)
    gpt2.decoder = decoders.ByteLevel()
    made["gpt2"] = json.loads(gpt2.to_str())
    made["gpt2"]["model"]["merges"] = [" ".join(pair) for pair in made["gpt2"]["model"]["merges"]]  # the older form

    roberta = train(byte_level(prefix=True, regex=True), 380, ["<s>", "<pad>", "</s>", "<unk>", AddedToken("<mask>", lstrip=True, special=True)])
    roberta.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    roberta.decoder = decoders.ByteLevel()
    made["roberta"] = json.loads(roberta.to_str())

    llama = train(pre_tokenizers.Sequence([split(LLAMA3), byte_level()]), 420, ignore_merges=True)
    llama.add_special_tokens(["<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>"])
    llama.add_tokens([AddedToken("fox", single_word=True), AddedToken(" tab", normalized=False), AddedToken("<l>", lstrip=True, normalized=False),
                      AddedToken("<r>", rstrip=True, normalized=False), AddedToken("<lr>", lstrip=True, rstrip=True),
                      AddedToken("<w>", single_word=True, normalized=False), AddedToken("<l><r>", normalized=False), AddedToken("é", normalized=False)])
    begin, end = llama.token_to_id("<|begin_of_text|>"), llama.token_to_id("<|eot_id|>")
    llama.post_processor = processors.Sequence([
        processors.ByteLevel(trim_offsets=True),
        processors.TemplateProcessing(single="<|begin_of_text|> $A <|eot_id|>", pair="<|begin_of_text|> $A <|eot_id|> <|begin_of_text|>:1 $B:1",
                                      special_tokens=[("<|begin_of_text|>", begin), ("<|eot_id|>", end)])])
    llama.decoder = decoders.ByteLevel()
    made["llama3"] = json.loads(llama.to_str())

    tekken = train(pre_tokenizers.Sequence([split(TEKKEN), byte_level()]), 420, ["<unk>", "<s>", "</s>", "<|inner_prefix|>"], ignore_merges=True)
    tekken.normalizer = normalizers.Sequence([
        normalizers.Replace(Regex(r"<\|channel\|?>thought\s*\n"), "<|inner_prefix|>"), normalizers.Replace("<channel|>", "<|inner_suffix|>"),
        normalizers.Replace("<thought>", "<|inner_prefix|>"), normalizers.Replace("</answer>", ""),
        normalizers.Replace(Regex(r"<\|inner_suffix\|>\s+"), "<|inner_suffix|>"), normalizers.Replace("<think>", "<|inner_prefix|>"),
        normalizers.Replace("</think>", "<|inner_suffix|>"), normalizers.NFC()])
    tekken.add_tokens([AddedToken("<|inner_suffix|>", normalized=True), AddedToken("<|tool|>", special=True, normalized=False)])
    tekken.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    tekken.decoder = decoders.ByteLevel()
    made["tekken_normalized"] = json.loads(tekken.to_str())

    for name, pattern in (("o200k", O200K), ("qwen2", QWEN2), ("other_pattern", OTHER)):
        plain = train(pre_tokenizers.Sequence([split(pattern), byte_level()]), 340)
        plain.decoder = decoders.ByteLevel()
        made[name] = json.loads(plain.to_str())

    steps = train(pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=False), split(r"\s+", "merged_with_next"),
                                           split(r"[aeiou]", "merged_with_previous"), split(r"[.,]", "contiguous"), split("_", "removed"),
                                           split(r"\w+", "isolated", True), byte_level(prefix=True)]), 340)
    steps.normalizer = normalizers.Sequence([normalizers.Strip(), normalizers.NFD(), normalizers.Lowercase(), normalizers.Prepend(">")])
    steps.add_tokens([AddedToken("FOX", normalized=True), AddedToken("Grüezi", normalized=True, special=True)])
    made["steps"] = json.loads(steps.to_str())

    # Not byte-level, with holes in the alphabet: unknown characters, fused, or as byte tokens.
    unknown = train(split(r"\s", "merged_with_next"), 200, ["<unk>"], alphabet=False, unk_token="<unk>", fuse_unk=True)
    unknown.decoder = decoders.Fuse()
    made["unknown_fused"] = json.loads(unknown.to_str())
    made["unknown_dropped"] = copy.deepcopy(made["unknown_fused"])
    made["unknown_dropped"]["model"].update(unk_token=None, fuse_unk=False)
    made["unknown_dropped"]["decoder"] = None
    made["unknown_bytes"] = copy.deepcopy(made["unknown_fused"])
    model = made["unknown_bytes"]["model"]
    model.update(byte_fallback=True, fuse_unk=False)
    for byte in range(0xA0):  # not all, so that some characters stay unknown
        model["vocab"][f"<0x{byte:02X}>"] = 1000 + byte  # and ids with holes
    return made


def cases(tokenizer, texts):
    out = []
    for i, text in enumerate(texts):
        e, plain = tokenizer.encode(text), tokenizer.encode(text, add_special_tokens=False)
        tokenizer.encode_special_tokens = True
        untrusted = tokenizer.encode(text, add_special_tokens=False).ids
        tokenizer.encode_special_tokens = False
        item = {"text": text, "ids": e.ids, "plain": plain.ids, "untrusted": untrusted, "offsets": [n for o in e.offsets for n in o],
                "tokens": e.tokens, "decoded": tokenizer.decode(e.ids, skip_special_tokens=False), "skipped": tokenizer.decode(e.ids)}
        if i % 5 == 0:
            pair = tokenizer.encode(text, texts[i - 1])
            item["pair"] = {"second": texts[i - 1], "ids": pair.ids, "type_ids": pair.type_ids, "offsets": [n for o in pair.offsets for n in o]}
        out.append(item)
    return out


def checksum(ids):
    """FNV-1a over the ids, 32 bits each: a whole file's ids in one number."""
    value = 0xCBF29CE484222325
    for number in ids:
        value = ((value ^ number) * 0x100000001B3) % 2**64
    return f"{value:016x}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--v1")
    parser.add_argument("--v11")
    parser.add_argument("--text")
    options = parser.parse_args()
    goldens = {}
    fixed = ["", " ", "a", "Hello, world!", "I'm sure they'LL go", " fox foxes <l> x <r>  y <lr> z<w>", "x<w>y <w> <l><r>é", "<think>\n a</think> \n b<|tool|>",
             "<|channel>thought \n<channel|>  x </answer>", "<s>a</s><|endoftext|> b <mask> c", "GRÜEZI Fox e\u0301 \u212B \u1E0A\u0323", "a_b.c,,d 12 345",
             "\uAC00\u1100\u1161\u11A8 x", "1234567 12,345.67", "\u4e2d\u6587\U0001F600\u00ff", "'\u017f 'S", "\r\n\n \t x  ", "<|begin_of_text|>x<|eot_id|>"]
    for name, value in make_all().items():
        folder = os.path.join(HERE, "tokenizer_" + name)
        os.makedirs(folder, exist_ok=True)
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        with open(os.path.join(folder, "tokenizer.json"), "w", encoding="utf-8") as file:
            file.write(text)
        tokenizer = Tokenizer.from_str(text)
        make = compare_tokenizer.generator(11, [t.content for t in tokenizer.get_added_tokens_decoder().values()], TEXT)
        goldens[name] = {"folder": "tokenizer_" + name, "cases": cases(tokenizer, fixed + [make()[:50] for _ in range(12)])}
    for name, folder, data in (("v1", options.v1, "apertus-v1"), ("v1.1", options.v11, "apertus-v1.1")):
        if not folder:
            continue
        tokenizer = Tokenizer.from_file(os.path.join(folder, "tokenizer.json"))
        specials = [t.content for t in tokenizer.get_added_tokens_decoder().values()]
        make = compare_tokenizer.generator(12, specials, TEXT)
        goldens[name] = {"data": data, "cases": cases(tokenizer, fixed + [make()[:70] for _ in range(40)])}
        if options.text:
            with open(options.text, encoding="utf-8", newline="") as file:
                goldens[name]["udhr"] = checksum(tokenizer.encode(file.read()).ids)
        goldens[name]["runs"] = [{"unit": unit, "repeat": 1000000 // len(unit.encode()), "ids": checksum(tokenizer.encode(unit * (1000000 // len(unit.encode()))).ids)}
                                 for unit in ("a", " ", "\u3042", "Aa", ".", "\u0301")]
    with open(os.path.join(HERE, "tokenizer_goldens.json"), "w", encoding="utf-8") as file:
        file.write("{\n" + ",\n".join(f"{json.dumps(name)}:{json.dumps({k: v for k, v in value.items() if k != 'cases'})[:-1]}, \"cases\":[\n"
                                      + ",\n".join(json.dumps(case, separators=(",", ":")) for case in value["cases"]) + "]}"
                                      for name, value in goldens.items()) + "\n}\n")


if __name__ == "__main__":
    main()
