# SPDX-License-Identifier: Apache-2.0
"""Turns the closed world into conversations, and cuts the held-out question list out of it.

    python tools/tiny/dataset.py --write-heldout   make tests/data/tiny_questions.jsonl (only when the world changes)
    python tools/tiny/dataset.py --check           prove that no held-out question can occur in training
    python tools/tiny/dataset.py --show 20         print some training conversations

Three sources of questions never reach the training data: the wordings marked `!` (held-out) and `~` (developers' list), the arithmetic
operand pairs chosen by `pair_is_heldout` (per language and operation, in every wording), and the fact x wording combinations that the
held-out list names. `Generator.turn` rejects them before and after noise is added; `--check` replays a training stream and looks again.
"""

import argparse
import hashlib
import json
import random
import re
import sys
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

import world_single as s
import world_tables as w
from world_questions import FRAMES, INTENTS

LANGS = w.LANGS
ROOT = Path(__file__).resolve().parents[2]
HELDOUT_PATH = ROOT / "tests" / "data" / "tiny_questions.jsonl"
HELDOUT_SEED = 20251121

TRAIN, DEV, TEST = "train", "dev", "test"
TRAIN_ALL = "train_all"  # TRAIN and DEV: what the published model sees
SPLITS = (TRAIN, DEV, TEST, TRAIN_ALL)


def in_split(kind, split):
    return kind == split or (split == TRAIN_ALL and kind != TEST)


# ------------------------------------------------------------------------------------------------------------------ text helpers
def strip_accents(text):
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def normalised(text):
    """What counts as "the same question": no case, accents, punctuation or umlaut spelling; arithmetic signs stay."""
    text = strip_accents(text.lower().replace("ß", "ss").replace("×", "x"))
    text = text.replace("ae", "a").replace("oe", "o").replace("ue", "u")
    return " ".join(re.sub(r"[^a-z0-9+*\-]+", " ", text).split())


def cap(text):
    return text[:1].upper() + text[1:]


_ELISION = re.compile(r"\b([dD])e (avril|août|octobre|heures|ans)\b")
_FEMININE = ("settimane", "stagioni", "ore")
_DATIVE = {"Tage": "Tagen", "Monate": "Monaten", "Jahre": "Jahren"}


def polish(lang, text):
    """Small agreement rules that the tables do not spell out, and the capital at the beginning."""
    if lang == "fr":
        text = _ELISION.sub(r"\1'\2", text)
    elif lang == "it":
        text = re.sub(r"\b([Qq])uant[ie] (\w+)", lambda m: m[1] + ("uante " if m[2] in _FEMININE else "uanti ") + m[2]
                      if m[2] in _COUNTED else m[0], text)
    elif lang == "de":
        text = re.sub(r"(vielen) (Tage|Monate|Jahre)\b", lambda m: m[1] + " " + _DATIVE[m[2]], text)
    return cap(text)


_COUNTED = ("giorni", "mesi", "settimane", "stagioni", "ore", "minuti", "secondi", "anni")


def split_of(line):
    if line.startswith("!"):
        return TEST, line[1:].strip()
    if line.startswith("~"):
        return DEV, line[1:].strip()
    return TRAIN, line


# ------------------------------------------------------------------------------------------------------------------- the wordings
@dataclass
class Turn:
    lang: str
    topic: str
    question: str
    answer: str
    expect: list
    word: bool = False
    intent: object = None   # what a follow-up continues


def wordings(intent, lang, split):
    """All wordings of one intent in one language and split, noun-phrase frames filled in; entity placeholders stay open."""
    result = []
    if lang in intent.np:
        phrase = intent.np[lang]
        forms = {"np": phrase[0], "acc": phrase[-1], "quel": phrase[-1]}
        for line in FRAMES[lang]:
            kind, text = split_of(line)
            if in_split(kind, split):
                for key, value in forms.items():
                    text = text.replace("{" + key + "}", value)
                result.append(text)
    for line in intent.q.get(lang, ()):
        kind, text = split_of(line)
        if in_split(kind, split):
            result.append(text)
    return result


_WORDINGS = {(i.name, lang, split): wordings(i, lang, split) for i in INTENTS for lang in LANGS for split in SPLITS}
_FOLLOWS = {(i.name, lang, split): [t for k, t in map(split_of, i.follow.get(lang, ())) if in_split(k, split)]
            for i in INTENTS for lang in LANGS for split in SPLITS}
_UNKNOWN = {(lang, split): [t for k, t in map(split_of, s.UNKNOWN[lang]) if in_split(k, split)] for lang in LANGS for split in SPLITS}
_SUMS = {(lang, split): [t for k, t in map(split_of, s.SUMS[lang]) if in_split(k, split)] for lang in LANGS for split in SPLITS}
BY_NAME = {i.name: i for i in INTENTS}


def make_turn(intent, lang, entity, wording):
    forms = entity[lang]
    expect = intent.expect.get(lang) or forms.get("x") or [forms["v"]]
    return Turn(lang, intent.topic, polish(lang, wording.format(**forms)), polish(lang, intent.answer[lang].format(**forms)), expect,
                word=expect == [forms.get("v")] or expect[0].isdigit(), intent=intent)


# --------------------------------------------------------------------------------------------------------------------- arithmetic
def all_pairs():
    pairs = [("add", a, b) for a in range(21) for b in range(21)]
    pairs += [("sub", a, b) for a in range(21) for b in range(a + 1)]
    pairs += [("mul", a, b) for a in range(11) for b in range(11)]
    return pairs


PAIRS = all_pairs()
_BY_OPERATION = {op: [p for p in PAIRS if p[0] == op] for op in ("add", "sub", "mul")}


def pair_is_heldout(lang, op, a, b):
    """About one operand pair in twelve is never seen in this language (it is seen in the others)."""
    digest = hashlib.sha256(f"{lang} {op} {a} {b}".encode()).digest()
    return digest[0] % 12 == 0


def value_of(op, a, b):
    return a + b if op == "add" else a - b if op == "sub" else a * b


def sum_turn(rng, lang, pair, wording):
    op, a, b = pair
    style = rng.random()
    if style < 0.45:  # spoken, digits
        e = f"{a} {rng.choice(s.OPERATORS[op][lang])} {b}"
    elif style < 0.62:  # spoken, words
        e = f"{w.NUMBER_WORDS[lang][a]} {rng.choice(s.OPERATORS[op][lang])} {w.NUMBER_WORDS[lang][b]}"
    else:
        sign = rng.choice(("*", "x", "×", "*")) if op == "mul" else s.SIGNS[op]
        e = f"{a}{sign}{b}" if style < 0.81 else f"{a} {sign} {b}"
    spoken = f"{a} {s.OPERATORS[op][lang][0]} {b} {s.EQUALS[lang]} {value_of(op, a, b)}."
    expect = f"{s.EQUALS[lang]} {value_of(op, a, b)}"  # with the verb: the number alone may be an operand
    return Turn(lang, "arithmetic", cap(wording.format(e=e)), spoken, [expect], word=True, intent="sum")


# ---------------------------------------------------------------------------------------------------------------------- generator
class Generator:
    """Draws turns and conversations. `banned` holds the normalised held-out questions."""

    def __init__(self, seed, split=TRAIN, banned=frozenset()):
        self.rng = random.Random(seed)
        self.split = split
        self.banned = banned
        self.intents = INTENTS
        # Small talk and identity are all wording and no table: they are asked twice as often as their size.
        self.weights = [i.weight * (2.0 if i.topic in ("identity", "small_talk") else 1.0) * (1.0 if len(i.entities) == 1 else 1.25) for i in INTENTS]

    def pick(self, items):
        return items[int(self.rng.random() * len(items))]

    def sum_pair(self, lang):
        """A pair of this split: training pairs for training, held-out pairs otherwise."""
        while True:
            pair = self.pick(_BY_OPERATION[self.rng.choices(("add", "sub", "mul"), (4, 2.5, 2.5))[0]])
            if pair_is_heldout(lang, *pair) != (self.split in (TRAIN, TRAIN_ALL)):
                return pair

    def refusal(self, lang, previous=None):
        rng, kind = self.rng, self.rng.random()
        if previous is not None and getattr(previous, "name", "") in ("capital", "currency", "country_language"):
            forms = self.pick(s.UNKNOWN_COUNTRIES[lang])
            question = self.pick(_FOLLOWS[previous.name, lang, self.split] or _FOLLOWS[previous.name, lang, TRAIN]).format(**forms)
        elif kind < 0.34:
            intent = BY_NAME[self.pick(("capital", "currency", "country_language"))]
            forms = self.pick(s.UNKNOWN_COUNTRIES[lang])
            question = self.pick(_WORDINGS[intent.name, lang, self.split]).format(**forms)
        elif kind < 0.46:
            question = self.pick(_WORDINGS["definition", lang, self.split]).format(n=self.pick(s.UNKNOWN_WORDS[lang]))
        elif kind < 0.53:  # sums outside the small world
            op = self.pick(("add", "sub", "mul"))
            e = f"{rng.randint(31, 999)} {self.pick(s.OPERATORS[op][lang])} {rng.randint(31, 999)}"
            question = self.pick(_SUMS[lang, self.split]).format(e=e)
        else:
            fillers = {key: self.pick(values) for key, values in s.FILLERS[lang].items()}
            question = self.pick(_UNKNOWN[lang, self.split]).format(**fillers)
        return Turn(lang, "refusal", polish(lang, question), s.REFUSAL[lang], s.REFUSAL_EXPECT[lang], intent=None)

    def fresh(self, lang):
        kind = self.rng.random()
        if kind < 0.30:
            return sum_turn(self.rng, lang, self.sum_pair(lang), self.pick(_SUMS[lang, self.split]))
        if kind < 0.42:
            return self.refusal(lang)
        while True:
            intent = self.rng.choices(self.intents, self.weights)[0]
            choices = _WORDINGS[intent.name, lang, self.split]
            if choices:
                return make_turn(intent, lang, self.pick(intent.entities), self.pick(choices))

    def follow(self, previous):
        """An elliptic question that continues the intent of the turn before, or None."""
        lang, intent = previous.lang, previous.intent
        if intent is None:
            return None
        if intent == "sum":
            return sum_turn(self.rng, lang, self.sum_pair(lang), self.pick(s.FOLLOW_SUMS[lang]))
        choices = _FOLLOWS[intent.name, lang, self.split]
        if not choices:
            return None
        if intent.name in ("capital", "currency", "country_language") and self.rng.random() < 0.08:
            turn = self.refusal(lang, previous=intent)
            turn.intent = intent
            return turn
        return make_turn(intent, lang, self.pick(intent.entities), self.pick(choices))

    # ---- noise
    def typo(self, text):
        words = text.split(" ")
        long_words = [i for i, word in enumerate(words) if len(word) >= 6 and word.isalpha()]
        if not long_words:
            return text
        i = self.pick(long_words)
        word, at = words[i], self.rng.randint(1, len(words[i]) - 3)
        kind = self.rng.random()
        if kind < 0.4:
            word = word[:at] + word[at + 1] + word[at] + word[at + 2:]
        elif kind < 0.75:
            word = word[:at] + word[at + 1:]
        else:
            word = word[:at] + word[at] + word[at:]
        words[i] = word
        return " ".join(words)

    def noisy(self, turn):
        """The question as a hurried person types it; the same turn more than a third of the time."""
        rng, text, lang = self.rng, turn.question, turn.lang
        if rng.random() < 0.38:
            return text
        if turn.topic != "small_talk":
            if rng.random() < 0.20:
                opener = self.pick(s.OPENERS[lang])
                lower = opener.endswith(", ") and rng.random() < 0.5 and lang != "de"
                text = opener + (text[:1].lower() + text[1:] if lower else text)
            if rng.random() < 0.10:
                end = text[-1] if text[-1] in "?.!" else ""
                text = text.rstrip("?.! ") + self.pick(s.CLOSERS[lang]) + (end if rng.random() < 0.7 else "")
        if lang == "fr" and rng.random() < 0.3:
            text = re.sub(r" ([?!:])", r"\1", text)
        if lang == "de" and rng.random() < 0.15:
            text = text.replace("heiss", "heiß").replace("eiss", "eiß").replace("gross", "groß").replace("gröss", "größ")
        if rng.random() < 0.09:
            text = self.typo(text)
        if rng.random() < 0.13:
            if lang == "de" and rng.random() < 0.5:
                for a, b in (("ä", "ae"), ("ö", "oe"), ("ü", "ue"), ("Ö", "Oe"), ("Ä", "Ae"), ("Ü", "Ue")):
                    text = text.replace(a, b)
            else:
                text = strip_accents(text)
        if rng.random() < 0.30:
            text = text.lower()
        elif rng.random() < 0.02:
            text = text.upper()
        if rng.random() < 0.35:
            text = text.rstrip("?.! ")
        if rng.random() < 0.06 and not re.search(r"\d", text):
            text = " ".join(re.sub(r"[^\w\s]", " ", text).split())
        return text

    # ---- conversations
    def allowed(self, text, context=None):
        """A follow-up is only a held-out question together with the question that it follows."""
        key = normalised(text)
        return (f"{normalised(context)} > {key}" if context is not None else key) not in self.banned

    def turn(self, lang, previous=None):
        """One turn that is not held out: checked before and after the noise. Returns (turn, question as typed)."""
        while True:
            turn, context = None, None
            if previous is not None and previous.lang == lang and self.rng.random() < 0.40:
                turn = self.follow(previous)
                context = previous.question if turn else None
            turn = turn or self.fresh(lang)
            typed = self.noisy(turn)
            if self.allowed(turn.question) and self.allowed(typed) and (context is None or self.allowed(turn.question, context)):
                return turn, typed

    def conversation(self):
        """(messages, turns): mostly default system text, one to seven user turns, mostly one language."""
        rng = self.rng
        count = 1 if rng.random() < 0.22 else rng.choice((2, 3, 4, 5, 6, 7))
        lang = self.pick(LANGS)
        messages, turns, previous = [], [], None
        if rng.random() < 0.2:
            messages.append({"role": "system", "content": self.pick(s.SYSTEMS) if rng.random() < 0.9 else ""})
        for _ in range(count):
            if turns and rng.random() < 0.08:
                lang = self.pick(LANGS)
            turn, typed = self.turn(lang, previous)
            messages += [{"role": "user", "content": typed}, {"role": "assistant", "content": turn.answer}]
            turns.append(turn)
            previous = turn
        return messages, turns


# ---------------------------------------------------------------------------------------------------------------- question lists
def question_list(seed, split, per_topic, follow_ups):
    """A list of evaluation rows of one split. `per_topic` rows per language and topic; all different after normalisation."""
    generator = Generator(seed, split)
    rng = generator.rng
    training = Generator(seed + 1, TRAIN)
    topics = sorted({i.topic for i in INTENTS} | {"arithmetic", "refusal"})
    rows, seen = [], set()

    def add(turn, question, history=None):
        key = normalised(question) if history is None else normalised(history[0]["content"]) + " > " + normalised(question)
        if key in seen:
            return False
        seen.add(key)
        row = {"lang": turn.lang, "topic": turn.topic if history is None else "follow_up"}
        if history is not None:
            row["history"] = history
        row.update(question=question, expect=turn.expect)
        if turn.word:
            row["word"] = True
        rows.append(row)
        return True

    def dressed(turn):
        """One question in four as people type it: lower case without punctuation, without accents, or after a greeting."""
        text, kind = turn.question, rng.random()
        if kind < 0.10:
            return text.lower().rstrip("?.! ")
        if kind < 0.17:
            return strip_accents(text)
        if kind < 0.25 and turn.topic != "small_talk":
            return generator.pick(s.OPENERS[turn.lang]) + text
        return text

    for lang in LANGS:
        for topic in topics:
            intents = [i for i in INTENTS if i.topic == topic]
            wanted, used = per_topic[topic], 0
            while used < wanted:
                # Every third question of an entity topic is a held-out combination of a fact and a training wording.
                source = training if split == TEST and topic in ("geography", "definitions", "calendar") and rng.random() < 0.33 else generator
                if topic == "arithmetic":
                    wording = generator.pick(_SUMS[lang, TRAIN if rng.random() < 0.4 else split])
                    turn = sum_turn(rng, lang, generator.sum_pair(lang), wording)
                elif topic == "refusal":
                    turn = generator.refusal(lang)
                else:
                    # Intents in turn, so that each is asked; entities at random.
                    intent = intents[used % len(intents)] if len(intents) <= wanted else generator.pick(intents)
                    choices = _WORDINGS[intent.name, lang, source.split] if len(intent.entities) > 1 else _WORDINGS[intent.name, lang, split]
                    turn = make_turn(intent, lang, generator.pick(intent.entities), generator.pick(choices))
                used += add(turn, dressed(turn))
        used = 0
        while used < follow_ups:
            intent = BY_NAME[("capital", "currency", "country_language", "definition", "river", "day_after")[used % 6]]
            first = make_turn(intent, lang, generator.pick(intent.entities), generator.pick(_WORDINGS[intent.name, lang, split]))
            wording = generator.pick(_FOLLOWS[intent.name, lang, split] or _FOLLOWS[intent.name, lang, TRAIN])
            second = make_turn(intent, lang, generator.pick(intent.entities), wording)
            if first.answer == second.answer:
                continue
            history = [{"role": "user", "content": first.question}, {"role": "assistant", "content": first.answer}]
            used += add(second, second.question, history)
    return rows


PER_TOPIC = {"geography": 18, "switzerland": 13, "europe": 4, "calendar": 12, "definitions": 9, "identity": 9, "small_talk": 8,
             "arithmetic": 14, "refusal": 8}


def heldout_rows():
    return question_list(HELDOUT_SEED, TEST, PER_TOPIC, follow_ups=6)


def dev_rows():
    return question_list(HELDOUT_SEED + 7, DEV, {**PER_TOPIC, "geography": 12, "switzerland": 8}, follow_ups=3)


def key_of(row):
    key = normalised(row["question"])
    return f"{normalised(row['history'][0]['content'])} > {key}" if "history" in row else key


def read_rows(path=HELDOUT_PATH):
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def banned_keys(rows):
    """Normalised held-out questions, with and without a leading greeting."""
    keys = set()
    for row in rows:
        keys.add(key_of(row))
        for opener in s.OPENERS[row["lang"]]:
            if row["question"].startswith(opener):
                keys.add(normalised(row["question"][len(opener):]))
        if "history" in row:
            keys.add(normalised(row["history"][0]["content"]))
    return frozenset(keys)


def check(rows, conversations, seed=1):
    """Replays a training stream; returns the number of training questions seen. Raises on an overlap."""
    keys, banned = {key_of(row) for row in rows}, banned_keys(rows)
    generator, questions = Generator(seed, TRAIN_ALL, banned), 0
    for _ in range(conversations):
        messages, turns = generator.conversation()
        asked = [m["content"] for m in messages if m["role"] == "user"]
        for i, text in enumerate(asked):
            questions += 1
            found = [k for k in (normalised(text), normalised(turns[i].question)) if k in keys]
            if i:
                found += [k for k in (f"{normalised(asked[i - 1])} > {normalised(text)}",) if k in keys]
            if found:
                raise SystemExit(f"held-out question in training: {found[0]!r}")
    return questions


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write-heldout", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--conversations", type=int, default=200000)
    parser.add_argument("--seed", type=int, default=1, help="the training seed to replay")
    parser.add_argument("--show", type=int, default=0)
    args = parser.parse_args()
    if args.write_heldout:
        with open(HELDOUT_PATH, "w", encoding="utf-8") as out:
            for row in heldout_rows():
                out.write(json.dumps(row, ensure_ascii=False) + "\n")
    rows = read_rows()
    if args.show:
        generator = Generator(args.seed, TRAIN_ALL, banned_keys(rows))
        for _ in range(args.show):
            for message in generator.conversation()[0]:
                print(f"{message['role']:>9}: {message['content']}")
            print()
    if args.check:
        if len({key_of(row) for row in rows}) != len(rows):
            sys.exit("the held-out list repeats a question")
        questions = check(rows, args.conversations, args.seed)
        print(f"{len(rows)} held-out questions; none among {questions} training questions ({args.conversations} conversations, seed {args.seed})")


if __name__ == "__main__":
    main()
