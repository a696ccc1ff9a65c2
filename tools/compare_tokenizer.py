#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compares our tokenizer with Hugging Face tokenizers, live, on files and on generated strings; any difference is a defect.

    pip install tokenizers==0.23.3
    python3 tools/compare_tokenizer.py --model DIR --text FILE... --generated 200000          # ids, through build/apertus
    python3 tools/compare_tokenizer.py --model DIR --driver PATH --generated 20000 --all      # offsets, pairs, decode, segments too
    python3 tools/compare_tokenizer.py --model DIR --bench PATH --text FILE... --speed        # both sides timed in the same run, in processor time

DIR holds tokenizer.json. --driver is tools/tokenizer_driver.cpp compiled; --bench is bench/tokenizer_bench.cpp compiled.
Exit status 0 when everything is equal, 1 when something differs.
"""
import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
import tokenizers  # noqa: E402
from tokenizers import Tokenizer  # noqa: E402

# First and last code point of blocks of many scripts, of symbols and of letters that are young (Unicode 14 to 17).
SCRIPTS = [(0x20, 0x7E), (0x41, 0x5A), (0x61, 0x7A), (0xA0, 0xFF), (0x100, 0x24F), (0x250, 0x2FF), (0x300, 0x36F), (0x370, 0x3FF),
           (0x400, 0x52F), (0x531, 0x58F), (0x590, 0x5FF), (0x600, 0x6FF), (0x700, 0x74F), (0x780, 0x7BF), (0x7C0, 0x7FF),
           (0x840, 0x85F), (0x8A0, 0x8FF), (0x900, 0x97F), (0x980, 0x9FF), (0xA00, 0xA7F), (0xA80, 0xAFF), (0xB00, 0xB7F), (0xB80, 0xBFF),
           (0xC00, 0xC7F), (0xC80, 0xCFF), (0xD00, 0xD7F), (0xD80, 0xDFF), (0xE00, 0xE7F), (0xE80, 0xEFF), (0xF00, 0xFFF),
           (0x1000, 0x109F), (0x10A0, 0x10FF), (0x1100, 0x11FF), (0x1200, 0x139F), (0x13A0, 0x13FF), (0x1400, 0x167F), (0x1680, 0x169F),
           (0x16A0, 0x16FF), (0x1700, 0x177F), (0x1780, 0x17FF), (0x1800, 0x18AF), (0x1900, 0x19FF), (0x1A00, 0x1AFF), (0x1B00, 0x1BFF),
           (0x1C00, 0x1CFF), (0x1D00, 0x1DFF), (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x2070, 0x20CF), (0x20D0, 0x20FF), (0x2100, 0x218F),
           (0x2190, 0x23FF), (0x2460, 0x24FF), (0x2500, 0x27BF), (0x2C00, 0x2DFF), (0x2E00, 0x2E7F), (0x3000, 0x303F), (0x3040, 0x30FF),
           (0x3100, 0x31BF), (0x3200, 0x33FF), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xA000, 0xA4CF), (0xA500, 0xA63F), (0xA640, 0xA6FF),
           (0xA720, 0xA7FF), (0xA800, 0xABFF), (0xAC00, 0xD7AF), (0xD7B0, 0xD7FF), (0xE000, 0xE0FF), (0xF900, 0xFAFF), (0xFB00, 0xFDFF),
           (0xFE00, 0xFE6F), (0xFE70, 0xFEFF), (0xFF00, 0xFFEF), (0xFFF0, 0xFFFF), (0x10000, 0x100FF), (0x10280, 0x103DF),
           (0x10400, 0x104FF), (0x10500, 0x105FF), (0x10780, 0x107BF), (0x10800, 0x10FFF), (0x11000, 0x11FFF), (0x12000, 0x123FF),
           (0x13000, 0x1345F), (0x13460, 0x143FA), (0x16100, 0x1613F), (0x16800, 0x16FFF), (0x17000, 0x18AFF), (0x1B000, 0x1B2FF),
           (0x1CC00, 0x1CEBF), (0x1D400, 0x1D7FF), (0x1DF00, 0x1DFFF), (0x1E000, 0x1E14F), (0x1E290, 0x1E2FF), (0x1E4D0, 0x1E5FF),
           (0x1E900, 0x1E95F), (0x1EE00, 0x1EEFF), (0x1F000, 0x1F0FF), (0x1F100, 0x1F1FF), (0x1F200, 0x1F2FF), (0x1F300, 0x1FAFF),
           (0x1FB00, 0x1FBFF), (0x20000, 0x2A6DF), (0x2EBF0, 0x2EE5D), (0x30000, 0x323AF), (0x323B0, 0x3347B), (0xE0000, 0xE01EF),
           (0xF0000, 0xF00FF)]
YOUNG = [(0x0870, 0x0897), (0x0C5C, 0x0C5D), (0x1AC1, 0x1AEB), (0x1C89, 0x1C8A), (0xA7C0, 0xA7DC), (0x10940, 0x10959), (0x105C0, 0x105F3),
         (0x10D40, 0x10D8F), (0x10EC2, 0x10EFC), (0x11380, 0x113E2), (0x11BC0, 0x11BF9), (0x11DB0, 0x11DE9), (0x11F00, 0x11F5A),
         (0x13460, 0x143FA), (0x16100, 0x16139), (0x16D40, 0x16D79), (0x1CC00, 0x1CCF9), (0x1E4D0, 0x1E4F9), (0x1E5D0, 0x1E5FF),
         (0x1E6C0, 0x1E6FF), (0x2EBF0, 0x2EE5D), (0x31350, 0x323AF), (0x323B0, 0x33479)]
SPACES = [0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000, 0x2003, 0x2009, 0x200A, 0x2028, 0x2029, 0x202F, 0x205F, 0x3000,
          0x180E, 0x200B, 0x2060, 0xFEFF, 0x1C, 0x1F]
DIGITS = [0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xE50, 0xF20, 0xFF10, 0x1D7CE, 0x116D0, 0x1E5F1, 0x16130, 0x11BF0]
ODD_NUMBERS = [0xB2, 0xBD, 0x2160, 0x2460, 0x3007, 0x3192, 0x16EE, 0x10107, 0x1F100, 0xF33, 0x2CFD]
CASED = [(0x41, 0x61), (0x410, 0x430), (0x391, 0x3B1), (0x531, 0x561), (0x10A0, 0x2D00), (0x1C90, 0x10D0), (0x10400, 0x10428), (0xC0, 0xE0),
         (0x1E900, 0x1E922), (0xFF21, 0xFF41), (0x10D50, 0x10D70)]
TITLE = [0x1C5, 0x1C8, 0x1F2, 0x1F88, 0x1FBC]
CONTRACTIONS = ["'s", "'S", "'t", "'T", "'re", "'RE", "'Re", "'ve", "'VE", "'m", "'M", "'ll", "'LL", "'lL", "'d", "'D", "'\u017f", "'r", "'l",
                "'\u212a", "\u2019s", "''s", "'ll'd"]
EMOJI = ["\U0001F600", "\U0001F468\u200D\U0001F469\u200D\U0001F467", "\U0001F44D\U0001F3FD", "\u2764\uFE0F", "1\uFE0F\u20E3",
         "\U0001F1E8\U0001F1ED", "\U0001F3F4\U000E0067\U000E0062\U000E007F", "\U0001F937\U0001F3FC\u200D\u2642\uFE0F", "\U0001FAE8", "\u263A"]
CODE = ["for (int i = 0; i < n; ++i) {\n\tsum += a[i];\n}\n", "def f(x):\n    return x**2  # square\n", "<div class=\"a b\">&nbsp;</div>\r\n",
        "SELECT * FROM t WHERE id = 42;", "https://example.org/a/b?c=d&e=%20#f", "\\frac{1}{2}\\text{ab}\\end{x}", "a//b/\n/c\r\n/\n//", "x->y::z<T>()",
        "camelCaseHTTPRequest2URL", "if(!x&&y||z)?a:b;", "{\"k\": [1, 2.5e-3, null]}", "/*\n * c\n */", "\t\t\t\n\n\n   \n  x", "....,,,;;;!!!???", "===>"]


class generator:
    """Random strings, reproducible by seed; `specials` are texts of added tokens."""

    def __init__(self, seed, specials, corpus):
        self.random = random.Random(seed)
        self.specials = specials or ["<s>"]
        self.corpus = corpus
        self.parts = [self.any_code, self.script_word, self.script_word, self.cased_word, self.young, self.spaces, self.spaces, self.digits,
                      self.emoji, self.special, self.broken_special, self.marks, self.contraction, self.code, self.latin, self.latin, self.slice,
                      self.slice, self.repeat, self.punctuation]

    def code_in(self, ranges):
        first, last = self.random.choice(ranges)
        code = self.random.randint(first, last)
        return "\uFFFD" if 0xD800 <= code <= 0xDFFF else chr(code)

    def any_code(self):
        code = self.random.randrange(0x110000 - 0x800)
        return chr(code if code < 0xD800 else code + 0x800)

    def script_word(self):
        block = [self.random.choice(SCRIPTS)]
        return "".join(self.code_in(block) for _ in range(self.random.randint(1, 9)))

    def cased_word(self):
        upper, lower = self.random.choice(CASED)
        out = ""
        for _ in range(self.random.randint(1, 8)):
            kind = self.random.random()
            base = upper if kind < 0.4 else lower
            out += chr(base + self.random.randrange(20)) if kind < 0.9 else chr(self.random.choice(TITLE)) if kind < 0.95 else self.marks()
        return out

    def young(self):
        return "".join(self.code_in(YOUNG) for _ in range(self.random.randint(1, 4)))

    def spaces(self):
        one = self.random.choice(SPACES)
        return "".join(chr(one if self.random.random() < 0.6 else self.random.choice(SPACES)) for _ in range(self.random.randint(1, 6)))

    def digits(self):
        base = self.random.choice(DIGITS)
        return "".join(chr(base + self.random.randrange(10)) if self.random.random() < 0.9 else chr(self.random.choice(ODD_NUMBERS))
                       for _ in range(self.random.randint(1, 8)))

    def emoji(self):
        return "".join(self.random.choice(EMOJI) for _ in range(self.random.randint(1, 3)))

    def special(self):
        return self.random.choice(self.specials)

    def broken_special(self):
        text = self.random.choice(self.specials)
        at = self.random.randrange(len(text) + 1)
        return self.random.choice([text[:at], text[at:], text[:at] + self.random.choice(" |>x\u0301") + text[at:], text.upper(), text + text[:at]])

    def marks(self):
        return "".join(self.code_in([(0x300, 0x36F), (0x483, 0x489), (0x591, 0x5BD), (0x64B, 0x65F), (0x93C, 0x94D), (0x1AB0, 0x1ACE),
                                     (0x20D0, 0x20F0), (0xFE00, 0xFE0F), (0x1DA00, 0x1DA36)]) for _ in range(self.random.randint(1, 4)))

    def contraction(self):
        return self.random.choice(["I", "we", "DON", "", "x\u0301", "\u3042", "9", "\n"]) + self.random.choice(CONTRACTIONS)

    def code(self):
        return self.random.choice(CODE)

    def latin(self):
        return self.random.choice(["", " ", " ", " "]) + "".join(self.random.choice("etaoinshrdlucmfwypvbgkjqxzETAOINé") for _ in range(self.random.randint(1, 10)))

    def slice(self):
        if not self.corpus:
            return self.latin()
        at = self.random.randrange(len(self.corpus))
        return self.corpus[at:at + self.random.randint(1, 60)]

    def repeat(self):
        return self.random.choice([self.any_code, self.latin, self.spaces, self.punctuation])() * self.random.randint(2, 40)

    def punctuation(self):
        return "".join(self.random.choice("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~\u2013\u2014\u2026\u00AB\u3001\u3002/\r\n") for _ in range(self.random.randint(1, 6)))

    def __call__(self):
        return "".join(self.random.choice(self.parts)() for _ in range(self.random.randint(1, 9)))


def long_texts(length):
    """Runs that punish quadratic work."""
    units = ["a", "A", " ", "\n", "\t", ".", "/", "1", "\u3042", "\u0301", "\u0410", "aA", "Aa", "\U0001F600", "\u00e9", " a", "' ", "<", "\r\n", "ab", "\u200d", "\\begin"]
    return [unit * (length // len(unit)) for unit in units]


def run_lines(command, lines):
    """The JSON lines that `command` answers to `lines`."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="\n") as source:
        for line in lines:
            source.write(json.dumps(line, ensure_ascii=True) + "\n")
        source.seek(0)
        done = subprocess.run(command, stdin=source, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed with status {done.returncode}")
    answers = [json.loads(line) for line in done.stdout.decode("utf-8").split("\n")[:-1]]
    if len(answers) != len(lines):
        sys.exit(f"{' '.join(command)} gave {len(answers)} answers to {len(lines)} lines")
    return answers


class report:
    def __init__(self):
        self.failed = 0

    def compare(self, what, inputs, expected, found):
        wrong = [i for i, (e, f) in enumerate(zip(expected, found)) if e != f]
        print(f"{what}: {len(inputs)} compared, {len(wrong)} differ", flush=True)
        for i in wrong[:5]:
            print(f"  input    {json.dumps(inputs[i])[:400]}\n  expected {json.dumps(expected[i])[:400]}\n  found    {json.dumps(found[i])[:400]}")
        self.failed += len(wrong)


def ours_command(options, *flags):
    if options.driver:
        return [options.driver, options.model, *flags]
    return [options.binary, "tokenize", "--model", options.model, "--json", "--json-in", *flags]


def compare_ids(options, reference, texts, out):
    out.compare("ids with special tokens", texts, [e.ids for e in reference.encode_batch(texts)],
                [a["ids"] for a in run_lines(ours_command(options), texts)])
    out.compare("ids without", texts, [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)],
                [a["ids"] for a in run_lines(ours_command(options, "--no-special"), texts)])
    if options.untrusted:
        reference.encode_special_tokens = True
        expected = [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)]
        reference.encode_special_tokens = False
        found = [a["ids"] for a in run_lines(ours_command(options, "--no-special", "--untrusted"), texts)]
        out.compare("untrusted ids", texts, expected, found)


def described(e):
    return {"ids": e.ids, "type_ids": e.type_ids, "tokens": e.tokens, "special": e.special_tokens_mask, "offsets": [list(o) for o in e.offsets]}


def compare_all(options, reference, texts, out):
    """What only the driver can show."""
    for flag in (True, False):
        flags = [] if flag else ["--no-special"]
        found = run_lines(ours_command(options, "--offsets", *flags), texts)
        out.compare(f"offsets, special {flag}", texts, [described(e) for e in reference.encode_batch(texts, add_special_tokens=flag)], found)
        pairs = list(zip(texts[::2], texts[1::2]))
        found = run_lines(ours_command(options, "--offsets", *flags), [list(p) for p in pairs])
        out.compare(f"pairs, special {flag}", pairs, [described(e) for e in reference.encode_batch(pairs, add_special_tokens=flag)], found)
    chance = random.Random(options.seed)
    limit = reference.get_vocab_size() + 50
    ids = [[chance.randrange(limit) for _ in range(chance.randint(0, 12))] for _ in texts]
    ids += [e.ids for e in reference.encode_batch(texts)]
    ids += [[chance.randrange(min(limit, 1300)) for _ in range(chance.randint(0, 12))] for _ in texts]  # many single bytes
    plain, skipped = reference.decode_batch(ids, skip_special_tokens=False), reference.decode_batch(ids, skip_special_tokens=True)
    expected = [{"text": p, "skipped": s, "stream": p, "stream_skipped": s} for p, s in zip(plain, skipped)]
    out.compare("decode, skip_special_tokens, streaming", ids, expected, run_lines(ours_command(options), [{"ids": i} for i in ids]))
    cuts = []
    for text in texts:
        marks = sorted(chance.randrange(len(text) + 1) for _ in range(3))
        cuts.append({"segments": [[text[a:b], True] for a, b in zip([0] + marks, marks + [len(text)])]})
    found = [a["ids"] for a in run_lines(ours_command(options, "--no-special"), cuts)]
    out.compare("trusted segments", texts, [e.ids for e in reference.encode_batch(texts, add_special_tokens=False)], found)


def speed(options, reference, out):
    """Both sides on the same chunks, one thread each, in processor time, interleaved; medians."""
    for path in options.text:
        with open(path, encoding="utf-8", newline="") as file:
            text = file.read()
        size = len(text.encode("utf-8"))
        chunks = [text[i:i + options.chunk] for i in range(0, len(text), options.chunk)]
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8", delete=False) as lines:
            for chunk in chunks:
                lines.write(json.dumps(chunk) + "\n")
        theirs, ours, count = [], [], 0
        for _ in range(options.rounds):
            for encode in (lambda c: reference.encode_batch_fast(c), lambda c: [reference.encode(x) for x in c]):
                start = time.process_time()
                encoded = encode(chunks)
                theirs.append((time.process_time() - start, "encode_batch_fast" if len(theirs) % 2 == 0 else "encode"))
            count = sum(len(e.ids) for e in encoded)
            done = subprocess.run([options.bench, options.model, lines.name], stdout=subprocess.PIPE, check=True)
            ours.append(json.loads(done.stdout.decode().splitlines()[-1]))
        os.unlink(lines.name)
        middle = lambda values: sorted(values)[len(values) // 2]  # noqa: E731
        by_name = {name: middle([t for t, n in theirs if n == name]) for name in ("encode_batch_fast", "encode")}
        best = min(by_name, key=by_name.get)
        their_rate = size / by_name[best] / 1e6
        our_rate = middle([o["encode_mb_per_s"] for o in ours])
        print(json.dumps({"text": os.path.basename(path), "bytes": size, "chunks": len(chunks), "tokens": count, "tokenizers": tokenizers.__version__,
                          "hf_call": best, "hf_mb_per_s": round(their_rate, 2), "apertus_mb_per_s": round(our_rate, 2),
                          "ratio": round(our_rate / their_rate, 2), "apertus_load_s": middle([o["load_s"] for o in ours]),
                          "apertus_decode_mb_per_s": middle([o["decode_mb_per_s"] for o in ours])}), flush=True)
        if any(o["tokens"] != count for o in ours):
            print("  the two sides differ in the number of tokens")
            out.failed += 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="folder with tokenizer.json")
    parser.add_argument("--binary", default="build/apertus")
    parser.add_argument("--driver", help="tools/tokenizer_driver.cpp, compiled")
    parser.add_argument("--bench", help="bench/tokenizer_bench.cpp, compiled")
    parser.add_argument("--text", nargs="*", default=[], help="files to compare as a whole and line by line")
    parser.add_argument("--generated", type=int, default=0, help="number of generated strings")
    parser.add_argument("--long", type=int, default=0, help="length of the long runs; 0 for none")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--untrusted", action="store_true", help="compare untrusted encoding with HF's encode_special_tokens")
    parser.add_argument("--all", action="store_true", help="offsets, pairs, decode and segments as well (needs --driver)")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--chunk", type=int, default=4000, help="characters per text in --speed")
    options = parser.parse_args()

    reference = Tokenizer.from_file(os.path.join(options.model, "tokenizer.json"))
    out = report()
    if options.speed:
        speed(options, reference, out)
        sys.exit(1 if out.failed else 0)
    corpus, texts = "", []
    for path in options.text:
        with open(path, encoding="utf-8", newline="") as file:
            content = file.read()
        corpus += content
        texts.append(content)
        texts.extend(content.splitlines(keepends=True))
    if texts:
        print(f"files: {len(options.text)}, {len(corpus.encode())} bytes")
        compare_ids(options, reference, texts, out)
    if options.generated:
        specials = [t.content for t in reference.get_added_tokens_decoder().values()][:400]
        make = generator(options.seed, specials, corpus)
        generated = [make() for _ in range(options.generated)]
        print(f"generated: {len(generated)} strings, {sum(len(g.encode()) for g in generated)} bytes, seed {options.seed}")
        compare_ids(options, reference, generated, out)
        if options.all:
            compare_all(options, reference, generated, out)
    if options.long:
        runs = long_texts(options.long)
        print(f"runs: {len(runs)} of {options.long} characters")
        compare_ids(options, reference, runs, out)
    print("equal" if out.failed == 0 else f"{out.failed} differences")
    sys.exit(1 if out.failed else 0)


if __name__ == "__main__":
    main()
