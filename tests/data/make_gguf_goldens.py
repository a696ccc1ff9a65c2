#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/data/gguf_blocks.txt: what ggml makes of blocks of the GGUF formats. One case per line, bytes in hexadecimal:

    FORMAT unpack BLOCKS FLOATS    FLOATS (binary32, little-endian) are what BLOCKS widen to (gguf's and ggml's dequantize agree)
    FORMAT pack FLOATS BLOCKS      BLOCKS are what ggml's reference quantizer makes of FLOATS (for the formats with 32 weights per
                                   block gguf's quantize agrees)

    pip install gguf==0.19.0 llama-cpp-python==0.3.36
    python3 tests/data/make_gguf_goldens.py
"""
import ctypes
import glob
import os

import gguf
import llama_cpp
import numpy as np
from gguf.quants import dequantize, quantize

LEGACY = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
K = ("Q4_K", "Q5_K", "Q6_K")
# Where the binary16 numbers of a block stand, in bytes.
HALVES = {"Q8_0": [0], "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208]}
LIB = ctypes.CDLL(glob.glob(os.path.join(os.path.dirname(llama_cpp.__file__), "lib", "libggml-base.so"))[0])


def ggml(function, kind, data, out_bytes):
    out = np.zeros(out_bytes, np.uint8)
    block = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]][0]
    count = data.size if data.dtype == np.float32 else out_bytes // 4
    assert count % block == 0
    getattr(LIB, function)(ctypes.c_void_p(data.ctypes.data), ctypes.c_void_p(out.ctypes.data), ctypes.c_int64(count))
    return out


def name(prefix, kind, suffix=""):
    return prefix + kind[:2].lower() + kind[2:] + suffix


def blocks_of(kind, rng):
    """Random quants under scales of every size: normal, tiny (subnormal), negative, zero, large."""
    size, width = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[kind]]
    count = 16 if size == 32 else 5
    blocks = rng.integers(0, 256, (count, width), dtype=np.uint8)
    scales = np.float16([0.01, -0.02, 6e-8, 0.0, 1000.0, -3e-5, 0.3333, 5.96e-8])
    for at in HALVES[kind]:
        for i in range(count):
            value = scales[(i + at) % len(scales)] * np.float16(1 + 0.5 * rng.random())
            blocks[i, at : at + 2] = np.frombuffer(np.float16(value).tobytes(), np.uint8)
    return blocks


def inputs(size, rng):
    """Blocks of weights: normal, uniform, heavy-tailed, shifted, constant, zero, one weight only, ties, tiny and large ones."""
    ramp = np.linspace(-1, 1, size)
    one = np.zeros(size)
    one[size // 3] = -2.5
    rows = [rng.normal(0, 0.02, size), rng.uniform(-1, 1, size), rng.standard_t(2, size) * 0.01, rng.normal(3, 0.5, size), -abs(rng.normal(0, 1, size)),
            np.full(size, 0.37), np.full(size, -0.37), np.zeros(size), one, ramp, np.round(ramp * 8) / 8, rng.normal(0, 1e-6, size), rng.normal(0, 300, size),
            np.where(np.arange(size) % 2 == 0, 1.0, -1.0)]
    return np.stack(rows).astype(np.float32)


def main():
    rng = np.random.default_rng(20261122)
    lines = []
    for kind in LEGACY + K:
        qtype = gguf.GGMLQuantizationType[kind]
        blocks = blocks_of(kind, rng)
        values = dequantize(blocks, qtype).astype("<f4")
        other = ggml(name("dequantize_row_", kind), kind, blocks, values.nbytes).view("<f4").reshape(values.shape)
        assert np.array_equal(values.view(np.uint32), other.view(np.uint32)), kind
        lines.append(f"{kind} unpack {blocks.tobytes().hex()} {values.tobytes().hex()}")
        size, width = gguf.GGML_QUANT_SIZES[qtype]
        weights = inputs(size, rng)
        packed = ggml(name("quantize_row_", kind, "_ref"), kind, weights, weights.shape[0] * width).reshape(-1, width)
        if kind in LEGACY:
            python = quantize(weights, qtype)
            for row in np.argwhere((packed != python).any(axis=1)).ravel():
                print(f"{kind}: row {row}: gguf's quantize differs from ggml's")
        lines.append(f"{kind} pack {weights.tobytes().hex()} {packed.tobytes().hex()}")
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "gguf_blocks.txt"), "w") as file:
        file.write("\n".join(lines) + "\n")


main()
