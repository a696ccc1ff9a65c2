# SPDX-License-Identifier: Apache-2.0
"""Trains the tokenizer of Apertus Tiny: byte-level BPE with the structure and the low ids of the Apertus v1 tokenizer.json.

Ids 0..127: the control tokens of v1 by name and id (73..127 are `<SPECIAL_n>`); 128..383: the 256 single bytes; then merges.
"""

import json
import random
import re
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

SPLIT_PATTERN = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*"
    r"|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")

SPECIAL_COUNT = 128
SPECIALS = (
    "<unk> <s> </s> <pad> [/INST] [AVAILABLE_TOOLS] [/AVAILABLE_TOOLS] [TOOL_RESULTS] [/TOOL_RESULTS] [TOOL_CALLS] <SPECIAL_10> "
    "[PREFIX] [MIDDLE] [SUFFIX] \\begin{ \\end{ \\text{ \\boxed{ <filename> <gh_stars> <issue_start> <issue_comment> <issue_closed> "
    "<jupyter_start> <jupyter_text> <jupyter_code> <jupyter_output> <empty_output> <commit_before> <commit_msg> <commit_after> "
    "<reponame> <think> </think> <answer> </answer> <iban-pii> <email-pii> <ip-pii> <file_sep> <code_to_intermediate> "
    "<intermediate_to_code> <pr> <pr_status> <pr_is_merged> <pr_base> <pr_file> <pr_base_code> <pr_diff> <pr_diff_hunk> <pr_comment> "
    "<pr_event_id> <pr_review> <pr_review_state> <pr_review_comment> <pr_in_reply_to_review_id> <pr_in_reply_to_comment_id> "
    "<pr_diff_hunk_comment_line> <|fim_begin|> <|fim_hole|> <|fim_end|> <|system_start|> <|system_end|> <|developer_start|> "
    "<|developer_end|> <|user_start|> <|user_end|> <|assistant_start|> <|assistant_end|> <|inner_prefix|> <|inner_suffix|> "
    "<|tools_prefix|> <|tools_suffix|>").split()
SPECIALS += [f"<SPECIAL_{i}>" for i in range(len(SPECIALS), SPECIAL_COUNT)]
NOT_SPECIAL = range(14, 18)  # added tokens that survive skip_special_tokens, as in v1
BOS, EOS, PAD, ASSISTANT_END, TOOLS_SUFFIX = 1, 2, 3, 68, 72


def byte_alphabet():
    """The GPT-2 byte-to-unicode map as a list indexed by byte."""
    kept = list(range(33, 127)) + list(range(161, 173)) + list(range(174, 256))
    table, extra = {b: chr(b) for b in kept}, 0
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + extra)
            extra += 1
    return [table[b] for b in range(256)]


def corpus(generator, template_text, conversations):
    """Text of the training conversations (their special tokens removed by construction) and of the template's fixed blocks."""
    fixed = re.findall(r"'([^'<>]{12,})'", template_text) + ["Deliberation: disabled\nTool Capabilities: disabled"]
    yield from fixed * 5000
    for _ in range(conversations):
        for message in generator.conversation()[0]:
            yield message["content"]


def build(texts, vocab_size):
    """tokenizer.json as a dict in the key order and shape of the Apertus v1 file."""
    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(SPLIT_PATTERN), "isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=vocab_size - SPECIAL_COUNT, min_frequency=2, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    trained.train_from_iterator(texts, trainer)
    state = json.loads(trained.to_str())["model"]
    by_id = [token for token, _ in sorted(state["vocab"].items(), key=lambda item: item[1])]
    alphabet = byte_alphabet()
    tokens = SPECIALS + alphabet + [token for token in by_id if token not in set(alphabet)]
    merges = [list(m) if not isinstance(m, str) else m.split(" ") for m in state["merges"]]
    bos = {"id": "<s>", "ids": [1], "tokens": ["<s>"]}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": i, "content": name, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False,
                          "special": i not in NOT_SPECIAL} for i, name in enumerate(SPECIALS)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": SPLIT_PATTERN}, "behavior": "Isolated", "invert": False},
            {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}]},
        "post_processor": {"type": "TemplateProcessing",
                           "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
                           "pair": [{"SpecialToken": {"id": "<s>", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}},
                                    {"SpecialToken": {"id": "<s>", "type_id": 1}}, {"Sequence": {"id": "B", "type_id": 1}}],
                           "special_tokens": {"</s>": {"id": "</s>", "ids": [2], "tokens": ["</s>"]}, "<s>": bos}},
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": False, "byte_fallback": False, "ignore_merges": True,
                  "vocab": {token: i for i, token in enumerate(tokens)}, "merges": merges},
    }


def write(out: Path, generator, template_path: Path, vocab_size=3584, conversations=60000):
    """Writes tokenizer.json, tokenizer_config.json, special_tokens_map.json and chat_template.jinja into `out`."""
    template = template_path.read_text(encoding="utf-8")
    data = build(corpus(generator, template, conversations), vocab_size)
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_text(json.dumps(data, ensure_ascii=False, indent=2), encoding="utf-8")
    config = {
        "add_bos_token": True, "add_eos_token": False, "add_prefix_space": False,
        "added_tokens_decoder": {str(t["id"]): {k: v for k, v in t.items() if k != "id"} for t in data["added_tokens"]},
        "bos_token": "<s>", "eos_token": "<|assistant_end|>", "pad_token": "<pad>", "unk_token": "<unk>",
        "clean_up_tokenization_spaces": False, "model_input_names": ["input_ids", "attention_mask"], "model_max_length": 2048,
        "padding_side": "left", "tokenizer_class": "PreTrainedTokenizerFast"}
    (out / "tokenizer_config.json").write_text(json.dumps(config, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    names = {"bos_token": "<s>", "eos_token": "<|assistant_end|>", "pad_token": "<pad>", "unk_token": "<unk>"}
    (out / "special_tokens_map.json").write_text(json.dumps(names, indent=2) + "\n", encoding="utf-8")
    (out / "chat_template.jinja").write_text(template, encoding="utf-8")
