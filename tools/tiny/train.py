# SPDX-License-Identifier: Apache-2.0
"""Makes models/apertus-tiny from nothing: tokenizer, training, export. One command, on a CPU:

    pip install -r tools/tiny/requirements.txt
    python tools/tiny/train.py --out models/apertus-tiny

It needs about 3 GB of memory and an hour on two cores. All randomness comes from --seed; floating-point sums depend on the
number of threads, so another machine gives other weights of the same quality. `evaluate.py` measures them.
"""

import argparse
import json
import math
import os
import queue
import sys
import threading
import time
from pathlib import Path

# glibc gives every large tensor back to the kernel and faults it in again; keeping the pages made training 5 times as fast.
# Waiting threads must sleep, not spin, on a machine that others use too.
_ENVIRONMENT = {"OMP_WAIT_POLICY": "passive", "GOMP_SPINCOUNT": "0", "MALLOC_MMAP_MAX_": "0", "MALLOC_ARENA_MAX": "1", "MALLOC_TRIM_THRESHOLD_": "8000000000", "MALLOC_TOP_PAD_": "268435456"}
if __name__ == "__main__" and "MALLOC_MMAP_MAX_" not in os.environ:
    os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, **_ENVIRONMENT})

import torch
from transformers import ApertusConfig, ApertusForCausalLM, AutoTokenizer, GenerationConfig

import dataset
import evaluate
import tiny_tokenizer as tt

HERE = Path(__file__).resolve().parent
BUCKETS = (48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 208, 224)


def make_config(vocab_size):
    return ApertusConfig(
        vocab_size=vocab_size, hidden_size=192, intermediate_size=640, num_hidden_layers=4, num_attention_heads=3, num_key_value_heads=1,
        head_dim=64, hidden_act="xielu", max_position_embeddings=2048, rms_norm_eps=1e-5, tie_word_embeddings=True,
        rope_parameters={"rope_type": "llama3", "rope_theta": 500000.0, "factor": 8.0, "original_max_position_embeddings": 256,
                         "low_freq_factor": 1.0, "high_freq_factor": 4.0},
        bos_token_id=tt.BOS, eos_token_id=[tt.EOS, tt.ASSISTANT_END, tt.TOOLS_SUFFIX], pad_token_id=tt.PAD,
        attention_bias=False, mlp_bias=False, qk_norm=True, post_norm=False, hidden_dropout=0.0)


class Encoder:
    """A conversation as ids and a mask of the tokens that the loss counts (the assistant's, with the closing token)."""

    def __init__(self, tokenizer):
        self.tokenizer = tokenizer

    def __call__(self, messages):
        text = self.tokenizer.apply_chat_template(messages, tokenize=False)
        ids = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        mask, inside = [], False
        for token in ids:
            mask.append(inside)
            if token == 67:
                inside = True
            elif token == tt.ASSISTANT_END:
                inside = False
        return ids, mask


def batches(tokenizer, generator, tokens_per_batch):
    """Endless (ids [B,T], mask [B,T]) with T one of BUCKETS: little padding."""
    encode, waiting = Encoder(tokenizer), {length: [] for length in BUCKETS}
    while True:
        ids, mask = encode(generator.conversation()[0])
        length = next((b for b in BUCKETS if len(ids) <= b), None)
        if length is None:
            continue
        rows = waiting[length]
        rows.append((ids, mask))
        if len(rows) == tokens_per_batch // length:
            x = torch.full((len(rows), length), tt.PAD)
            m = torch.zeros((len(rows), length), dtype=torch.bool)
            for i, (row, row_mask) in enumerate(rows):
                x[i, :len(row)] = torch.tensor(row)
                m[i, :len(row)] = torch.tensor(row_mask)
            rows.clear()
            yield x, m


def ahead(iterator, depth=8):
    """Runs the data generator in a thread of its own, in the same order."""
    items = queue.Queue(depth)

    def work():
        for item in iterator:
            items.put(item)

    threading.Thread(target=work, daemon=True).start()
    while True:
        yield items.get()


class Xielu(torch.autograd.Function):
    """xIELU with a backward pass written by hand: transformers' Python version spends most of a CPU step here.

    x > 0: ap x^2 + beta x; x <= 0: an (expm1(min(x, eps)) - x) + beta x, with ap = softplus(alpha_p), an = beta + softplus(alpha_n).
    """

    @staticmethod
    def forward(ctx, x, ap, an, beta, eps):
        positive, curve = x.clamp(min=0), torch.expm1(x.clamp(max=eps))
        bend = (curve - x).add_(positive)
        ctx.save_for_backward(positive, curve, bend, ap, an)
        ctx.beta = beta
        return (positive * positive).mul_(ap).addcmul_(bend, an.expand_as(bend)).add_(x, alpha=beta)

    @staticmethod
    def backward(ctx, grad):
        positive, curve, bend, ap, an = ctx.saved_tensors
        d_an, d_ap = (grad * bend).sum().reshape(1), (grad * positive).mul_(positive).sum().reshape(1)
        slope = (positive * (2 * ap)).addcmul_(curve, an.expand_as(curve)).add_(ctx.beta).mul_(grad)
        return slope, d_ap, d_an, None, None


def use_fast_xielu(model):
    """Replaces the activation's forward during training; the module and its parameters stay."""
    for layer in model.model.layers:
        act = layer.mlp.act_fn
        softplus, beta, eps = torch.nn.functional.softplus, float(act.beta), float(act.eps)
        act.forward = lambda x, act=act: Xielu.apply(x, softplus(act.alpha_p), beta + softplus(act.alpha_n), beta, eps)


class Muon(torch.optim.Optimizer):
    """Momentum whose update is replaced by the nearest (semi-)orthogonal matrix: five Newton-Schulz steps per weight matrix.

    K. Jordan et al., "Muon: an optimizer for hidden layers in neural networks", 2024. Here because it needs about half of AdamW's
    steps on this model; embeddings, norms and the xIELU scalars stay with AdamW.
    """

    def __init__(self, params, lr, momentum=0.95, weight_decay=0.01):
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                state = self.state[p]
                if "m" not in state:
                    state["m"] = torch.zeros_like(p)
                m = state["m"].lerp_(p.grad, 1 - group["momentum"])
                g = p.grad.lerp(m, group["momentum"])
                tall = g.shape[0] > g.shape[1]
                x = g.T if tall else g
                x = x / (x.norm() + 1e-7)
                for _ in range(5):
                    a = x @ x.T
                    x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
                x = x.T if tall else x
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(x, alpha=-group["lr"] * max(1.0, g.shape[0] / g.shape[1]) ** 0.5)


def rounded_copy(model):
    """The model as it will be stored: weights rounded to bf16, arithmetic in fp32."""
    copy = ApertusForCausalLM(make_config(model.config.vocab_size)).float()
    copy.load_state_dict({k: v.detach().to(torch.bfloat16).float() for k, v in model.state_dict().items()})
    copy.eval()
    return copy


def export(model, out):
    """config.json, generation_config.json and bf16 model.safetensors as transformers writes them."""
    copy = rounded_copy(model).to(torch.bfloat16)
    copy.config.dtype = torch.bfloat16
    copy.config.architectures = ["ApertusForCausalLM"]
    copy.generation_config = GenerationConfig(bos_token_id=tt.BOS, eos_token_id=[tt.EOS, tt.ASSISTANT_END, tt.TOOLS_SUFFIX],
                                              pad_token_id=tt.PAD, max_new_tokens=64)
    copy.save_pretrained(out)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=2600)
    parser.add_argument("--tokens", type=int, default=2688, help="tokens per step, padding included")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lr", type=float, default=0.02, help="peak rate of Muon")
    parser.add_argument("--adam-lr", type=float, default=0.003, help="peak rate of AdamW")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--eval-every", type=int, default=400)
    parser.add_argument("--checkpoint", type=Path, help="state is saved here every 100 steps, and resumed from")
    parser.add_argument("--minutes", type=float, default=math.inf, help="finish the schedule after this time, if --steps is not reached before")
    parser.add_argument("--start-from", type=Path, help="a --checkpoint of an earlier run: its weights and tokenizer, a new schedule")
    parser.add_argument("--development", action="store_true", help="keep the developers' wordings out of training, so that they can be measured")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)

    split = dataset.TRAIN if args.development else dataset.TRAIN_ALL
    banned = dataset.banned_keys(dataset.read_rows())
    resumed = args.start_from or (args.checkpoint if args.checkpoint and args.checkpoint.exists() else None)
    if not resumed:
        tt.write(args.out, dataset.Generator(args.seed + 1000, dataset.TRAIN, banned), HERE / "chat_template.jinja")
    tokenizer = AutoTokenizer.from_pretrained(args.out)
    model = ApertusForCausalLM(make_config(len(tokenizer))).float()
    print(f"{sum(p.numel() for p in model.parameters())} parameters, vocabulary {len(tokenizer)}", flush=True)

    hidden = [p for n, p in model.named_parameters() if p.ndim == 2 and "embed" not in n]
    matrices = {id(p) for p in hidden}
    rest = [p for p in model.parameters() if id(p) not in matrices]
    optimizers = [Muon(hidden, args.lr), torch.optim.AdamW(rest, lr=args.adam_lr, betas=(0.9, 0.98), weight_decay=0.0)]
    peaks = (args.lr, args.adam_lr)
    start, used = 0, 0.0
    if resumed:
        state = torch.load(resumed)
        model.load_state_dict(state["model"])
        for optimizer, saved in zip(optimizers, state["optimizers"]):
            optimizer.load_state_dict(saved)
        if not args.start_from:
            start, used = state["step"], state["used"]

    use_fast_xielu(model)
    backbone, head = model.model, model.lm_head
    # A resumed run draws other conversations than an uninterrupted one.
    stream = ahead(batches(tokenizer, dataset.Generator(args.seed + start, split, banned), args.tokens))
    dev = dataset.dev_rows()[::3]  # a third of it, for speed
    began, tokens_seen, running, finished = time.time() - used, 0, None, False
    for step in range(start, args.steps):
        progress = min(1.0, max(step / args.steps, (time.time() - began) / (60 * args.minutes)))
        finished = step + 1 == args.steps or progress == 1.0
        scale = min(1.0, (step + 1) / 60) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * progress)))
        for optimizer, peak in zip(optimizers, peaks):
            for group in optimizer.param_groups:
                group["lr"] = peak * scale
        x, m = next(stream)
        states = backbone(input_ids=x, use_cache=False).last_hidden_state
        wanted = m[:, 1:].reshape(-1)
        logits = head(states[:, :-1].reshape(-1, states.shape[-1])[wanted])
        loss = torch.nn.functional.cross_entropy(logits, x[:, 1:].reshape(-1)[wanted])
        loss.backward()
        torch.nn.utils.clip_grad_norm_(rest, 1.0)
        for optimizer in optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=False)
        tokens_seen += x.numel()
        running = loss.item() if running is None else 0.95 * running + 0.05 * loss.item()
        if step % 25 == 0:
            spent = time.time() - began
            print(f"step {step} loss {running:.4f} {tokens_seen / (spent - used):.0f} tokens/s {spent:.0f} s", flush=True)
        if args.checkpoint and ((step + 1) % 100 == 0 or finished):
            torch.save({"model": model.state_dict(), "optimizers": [o.state_dict() for o in optimizers], "step": step + 1,
                        "used": time.time() - began}, args.checkpoint)
        if (step + 1) % args.eval_every == 0 or finished:
            copy = rounded_copy(model)
            report = evaluate.score(copy, tokenizer, dev)
            print(f"step {step + 1} dev {report.summary()}", flush=True)
            export(model, args.out)
        if finished:
            break
    print(f"done in {time.time() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
