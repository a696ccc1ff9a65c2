# SPDX-License-Identifier: Apache-2.0
"""The list of golden cases: one tiny random checkpoint for every shape that the model family and its neighbours have.

A case is a configuration as transformers takes it, a stored element type, how the folder is edited after transformers
has written it (older spellings, absent keys, other tensor names), and which runs are recorded. `make_model_goldens.py`
does the work; adding a shape means adding an entry here.
"""

from __future__ import annotations

from dataclasses import dataclass, field

PROMPT_LENGTH = 24
LLAMA3_8B = {
    "rope_type": "llama3",
    "rope_theta": 12_000_000.0,
    "factor": 8.0,
    "original_max_position_embeddings": 8192,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
}
PLAIN_500K = {"rope_type": "default", "rope_theta": 500_000.0}


@dataclass(frozen=True)
class Case:
    name: str
    why: str
    config: dict
    architecture: str = "apertus"  # apertus, llama, or apertus1p5 (built by hand from apertus, see make_model_goldens.py)
    dtype: str = "bfloat16"
    shard_size: str | None = None  # as save_pretrained takes it; None: one file
    edits: tuple[str, ...] = ()  # names of functions in edits.py, applied in order to the written folder
    alpha: tuple[float, float] = (-1.0, 3.0)  # range of the raw xIELU alphas
    long: int = 0  # length of an additional prompt (beyond a RoPE boundary); 0: none
    batch: bool = False  # a left-padded batch of three
    positions: bool = False  # explicit position_ids
    generation_config: dict = field(default_factory=dict)


def _config(hidden, intermediate, heads, kv_heads, head_dim=None, layers=2, vocab=256, **more):
    """Sizes as HF names them; head_dim None leaves the key out, so that it is derived."""
    config = {
        "vocab_size": vocab,
        "hidden_size": hidden,
        "intermediate_size": intermediate,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "max_position_embeddings": 4096,
        "rms_norm_eps": 1e-5,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 3,
    }
    if head_dim is not None:
        config["head_dim"] = head_dim
    return config | more


CASES = (
    # --- the members of the family, in their own proportions -----------------------------------------------------------
    Case(
        "v1_8b",
        "8B: head size 128, 4 query heads per kv head, llama3 RoPE, 4.x spelling, sharded, eos list",
        _config(32, 168, 4, 1, 128, max_position_embeddings=65536, rope_parameters=LLAMA3_8B, eos_token_id=68),
        shard_size="60KB",
        edits=("spell_4x", "add_training_keys"),
        batch=True,
        positions=True,
        generation_config={"eos_token_id": [2, 68, 72], "bos_token_id": 1, "pad_token_id": 3},
    ),
    Case(
        "v1_70b",
        "70B: head size 128, 8 query heads per kv head",
        _config(24, 126, 8, 1, 128, max_position_embeddings=65536, rope_parameters=LLAMA3_8B),
    ),
    Case(
        "v11_4b",
        "v1.1 4B: head size 128, 3 query heads per kv head, plain RoPE",
        _config(32, 160, 3, 1, 128, rope_parameters=PLAIN_500K, pad_token_id=10),
    ),
    Case(
        "v11_15b",
        "v1.1 1.5B: head size 64, 4 query heads per kv head, untied; stored as f16",
        _config(32, 192, 4, 1, 64, rope_parameters=PLAIN_500K, pad_token_id=10),
        dtype="float16",
        positions=True,
    ),
    Case(
        "v11_05b",
        "v1.1 0.5B: head size 64, tied head",
        _config(48, 144, 4, 1, 64, rope_parameters=PLAIN_500K, pad_token_id=10, tie_word_embeddings=True),
        batch=True,
    ),
    Case(
        "v15_8b",
        "v1.5: text backbone under model.language_model., head with fewer rows than the vocabulary, media towers beside it",
        _config(
            32, 168, 4, 1, 128, vocab=384, max_position_embeddings=262144, eos_token_id=[2, 68, 72],
            rope_parameters=LLAMA3_8B | {"rope_theta": 4_000_000.0, "factor": 32.0},
        ),
        architecture="apertus1p5",
        batch=True,
    ),
    # --- head sizes, grouped queries and stored types that the above leave out ------------------------------------------
    Case(
        "d64_gqa1_f32",
        "head size 64, every query head its own kv head, f32",
        _config(32, 96, 2, 2, 64, rope_parameters=LLAMA3_8B),
        dtype="float32",
    ),
    Case(
        "d64_gqa8_f16",
        "head size 64, 8 query heads per kv head, f16, sharded",
        _config(32, 96, 8, 1, 64, rope_parameters=LLAMA3_8B),
        dtype="float16",
        shard_size="50KB",
    ),
    Case(
        "d128_gqa1_f16",
        "head size 128 derived from hidden_size, one head, one layer, tied, f16",
        _config(128, 64, 1, 1, layers=1, vocab=192, rope_parameters=LLAMA3_8B, tie_word_embeddings=True),
        dtype="float16",
    ),
    Case(
        "d128_gqa4_f32",
        "head size 128, 4 query heads per kv head, f32, hidden smaller than a head",
        _config(16, 48, 4, 1, 128, rope_parameters=LLAMA3_8B),
        dtype="float32",
        batch=True,
    ),
    Case(
        "odd_sizes",
        "sizes that no vector width divides; no RoPE key at all: the class's llama3 defaults",
        _config(45, 93, 5, 1, 10, vocab=251),
        dtype="float32",
        edits=("drop_rope",),
        batch=True,
        positions=True,
    ),
    Case(
        "deep",
        "six layers",
        _config(32, 64, 2, 1, layers=6, rope_parameters=LLAMA3_8B),
    ),
    Case(
        "attention_bias",
        "biases on q, k, v and o",
        _config(48, 80, 3, 1, attention_bias=True, rope_parameters=LLAMA3_8B),
        dtype="float32",
    ),
    # --- RoPE types ----------------------------------------------------------------------------------------------------
    Case(
        "rope_default",
        "plain RoPE, numbers written as integers",
        _config(32, 96, 2, 1, rope_parameters={"rope_type": "default", "rope_theta": 10000}),
    ),
    Case(
        "rope_linear",
        "linear RoPE in the oldest spelling: rope_scaling with `type`, integer factor",
        _config(32, 96, 2, 1, rope_parameters={"rope_type": "linear", "rope_theta": 10000, "factor": 4}),
        dtype="float32",
        edits=("spell_4x", "legacy_rope_type"),
    ),
    Case(
        "rope_dynamic",
        "dynamic NTK RoPE; the long prompt and the generation cross max_position_embeddings",
        _config(
            32, 96, 2, 1, max_position_embeddings=32,
            rope_parameters={"rope_type": "dynamic", "rope_theta": 10000.0, "factor": 4.0},
        ),
        dtype="float16",
        long=72,
    ),
    Case(
        "rope_yarn",
        "YaRN with its defaults; beyond the original length",
        _config(
            32, 96, 2, 1, 32, max_position_embeddings=256,
            rope_parameters={
                "rope_type": "yarn", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 64,
            },
        ),
        dtype="float32",
        long=96,
        batch=True,
    ),
    Case(
        "rope_yarn_options",
        "YaRN with beta_fast, beta_slow, mscale, mscale_all_dim and truncate given; 4.x spelling",
        _config(
            32, 96, 2, 1, 32, max_position_embeddings=256,
            rope_parameters={
                "rope_type": "yarn", "rope_theta": 10000.0, "factor": 8, "original_max_position_embeddings": 32,
                "beta_fast": 4.0, "beta_slow": 0.5, "mscale": 1.2, "mscale_all_dim": 0.4, "truncate": False,
            },
        ),
        edits=("spell_4x",),
    ),
    Case(
        "rope_longrope",
        "LongRoPE with factor; the long prompt and the generation cross original_max_position_embeddings",
        _config(
            32, 96, 2, 1, max_position_embeddings=128,
            rope_parameters={
                "rope_type": "longrope", "rope_theta": 10000.0, "factor": 4.0, "original_max_position_embeddings": 32,
                "short_factor": [1.0, 1.0, 1.05, 1.1, 1.2, 1.3, 1.4, 1.5],
                "long_factor": [1.0, 1.2, 1.6, 2.2, 3.0, 4.5, 6.0, 8.0],
            },
        ),
        long=72,
    ),
    Case(
        "rope_longrope_ratio",
        "LongRoPE without factor (the ratio of the lengths counts) and with attention_factor; integers among the factors",
        _config(
            32, 96, 2, 1, max_position_embeddings=256,
            rope_parameters={
                "rope_type": "longrope", "rope_theta": 10000.0, "original_max_position_embeddings": 32,
                "attention_factor": 1.25,
                "short_factor": [1, 1, 1, 1.25, 1.25, 1.5, 1.5, 2],
                "long_factor": [1, 2, 2, 3, 4, 6, 8, 12],
            },
        ),
        dtype="float16",
        edits=("spell_4x",),
        long=48,
    ),
    # --- activations and their parameters ------------------------------------------------------------------------------
    Case(
        "act_gelu",
        "ungated MLP with exact GELU, as the tiny random checkpoints of the hub have it",
        _config(32, 96, 2, 2, hidden_act="gelu", rope_parameters=LLAMA3_8B),
        dtype="float32",
    ),
    Case("act_silu", "ungated MLP with SiLU", _config(32, 96, 2, 1, hidden_act="silu", rope_parameters=LLAMA3_8B)),
    Case(
        "act_relu",
        "ungated MLP with ReLU",
        _config(32, 96, 4, 1, hidden_act="relu", rope_parameters=LLAMA3_8B),
        dtype="float16",
    ),
    Case(
        "xielu_bare",
        "xIELU without stored beta and eps (0.5 and -1e-6), raw alphas beyond softplus's linear threshold",
        _config(32, 96, 2, 1, layers=3, rope_parameters=LLAMA3_8B),
        dtype="float32",
        edits=("drop_xielu_buffers",),
        alpha=(-3.0, 30.0),
    ),
    # --- what checkpoints of the wild look like --------------------------------------------------------------------------
    Case(
        "tied_stored_head",
        "tied head although the checkpoint stores lm_head.weight too",
        _config(32, 96, 2, 1, rope_parameters=PLAIN_500K, tie_word_embeddings=True),
        edits=("store_tied_head",),
    ),
    Case(
        "mixed_types",
        "norms, biases and xIELU scalars as f32 beside bf16 matrices",
        _config(32, 96, 2, 1, attention_bias=True, rope_parameters=LLAMA3_8B),
        edits=("widen_vectors",),
    ),
    # --- Llama from the same parts -----------------------------------------------------------------------------------------
    Case(
        "llama_3",
        "Llama 3: gated SiLU, llama3 RoPE, head_dim other than hidden_size / heads, sharded",
        _config(
            32, 96, 4, 1, 64, max_position_embeddings=131072, pad_token_id=None,
            rope_parameters=LLAMA3_8B | {"rope_theta": 500_000.0},
        ),
        architecture="llama",
        shard_size="60KB",
        positions=True,
    ),
    Case(
        "llama_tied",
        "Llama, tied, f32; 4.x spelling with rope_scaling null and no head_dim",
        _config(48, 112, 3, 3, rms_norm_eps=1e-6, tie_word_embeddings=True,
                rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        architecture="llama",
        dtype="float32",
        edits=("spell_4x", "drop_head_dim"),
        batch=True,
    ),
    Case(
        "llama_bias",
        "Llama with attention_bias and mlp_bias, f16",
        _config(32, 96, 4, 2, attention_bias=True, mlp_bias=True,
                rope_parameters={"rope_type": "default", "rope_theta": 10000.0}),
        architecture="llama",
        dtype="float16",
    ),
)
