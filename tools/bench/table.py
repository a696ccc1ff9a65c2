#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table and the picture of tools/bench.sh, from its JSON lines. Standard library only.

    python3 tools/bench/table.py build/bench/TIME.jsonl [--picture docs/bench.svg]

Decode is compared with the read bandwidth that the same run measured between its tokens, prefill with the peak of the widest integer
unit for int8 and int4 (AMX, else VNNI, else FMA) and of the float unit for bf16 (AMX, else FMA). Where a case was measured several
times (both orders) the median of the runs counts.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from html import escape
from pathlib import Path

INTEGER_UNITS = ["amx_int8", "vnni_int8_avx512", "fma_f32_avx512", "fma_f32_avx2"]
FLOAT_UNITS = ["amx_bf16", "fma_f32_avx512", "fma_f32_avx2"]


def peak(lines: list[dict], units: list[str], threads: int) -> tuple[str, float] | None:
    for unit in units:
        for line in lines:
            if line["bench"] == "arithmetic_limit" and line["unit"] == unit and line["threads"] == threads:
                return unit, line["gop_s_median"] * 1e9
    return None


def merged(lines: list[dict]) -> list[dict]:
    """One line per case, numbers being medians of its runs."""
    groups: dict[tuple, list[dict]] = {}
    for line in lines:
        if line["bench"] == "model":
            key = (line["model"], line["format"], line["engine"], line["batch"], line["context"], line.get("kv_cache", ""))
            groups.setdefault(key, []).append(line)
    out = []
    for group in groups.values():
        one = dict(group[0])
        for name, value in one.items():
            if isinstance(value, (int, float)) and not isinstance(value, bool):
                one[name] = statistics.median(line[name] for line in group)
        out.append(one)
    return out


def rows(lines: list[dict]) -> tuple[list[list[str]], list[tuple[str, float]]]:
    table: list[list[str]] = []
    bars: list[tuple[str, float]] = []
    models = merged(lines)
    for line in models:
        case = f"{line['model']} {line['format']}"
        if line["batch"] > 1:
            case += f", {line['batch']:.0f} sequences"
        if line["context"] > line["prompt_tokens"]:
            case += f", context {line['context']:.0f}, {line.get('kv_cache', '')} cache"
        ours = line["engine"] == "apertus"
        share = ""
        if ours and line["batch"] == 1 and line["context"] <= line["prompt_tokens"]:
            share = f"{line['ratio']:.0%} of {line['read_limit_bytes_per_second'] / 1e9:.1f} GB/s"
            bars.append((f"decode {case}", line["ratio"]))
        same = [m for m in models if m["model"] == line["model"] and m["format"] == line["format"]]
        alone = next((m for m in same if m["engine"] == "apertus" and m["batch"] == 1 and m["context"] <= m["prompt_tokens"]), None)
        against = ""
        if alone is not None and line is not alone:
            against = f"{line['decode_tokens_per_second'] / alone['decode_tokens_per_second']:.2f}x ours alone"
        table.append(["decode " + case, line["engine"], f"{line['decode_tokens_per_second']:.2f} tokens/s", share, against])
        if line["batch"] == 1 and line["context"] <= line["prompt_tokens"]:
            limit = peak(lines, INTEGER_UNITS if line["format"].startswith("int") else FLOAT_UNITS, int(line["threads"]))
            share = ""
            if ours and limit is not None and "layer_operations_per_token" in line:
                ratio = line["layer_operations_per_token"] * line["prompt_tokens_per_second"] / limit[1]
                share = f"{ratio:.0%} of {limit[0]} {limit[1] / 1e9:.0f} Gop/s"
                bars.append((f"prefill {case}", ratio))
            against = ""
            if alone is not None and line is not alone:
                against = f"{line['prompt_tokens_per_second'] / alone['prompt_tokens_per_second']:.2f}x ours"
            table.append([f"prefill of {line['prompt_tokens']:.0f}, {case}", line["engine"],
                          f"{line['prompt_tokens_per_second']:.1f} tokens/s", share, against])
            if ours and line.get("resident_bytes"):
                plan = line["weight_bytes"] + line["kv_cache_bytes"]
                table.append([f"resident memory, {case}", "apertus", f"{line['resident_bytes'] / 1e6:.0f} MB",
                              f"{line['resident_bytes'] / plan - 1:+.1%} over weights and cache", ""])
    for line in lines:
        if line["bench"] == "sampler":
            table.append([f"sampling, {line['case']}", "apertus", f"{line['us_median']:.0f} us",
                          f"{line['share_of_100_ms']:.2%} of a token of 100 ms", ""])
    return table, bars


def picture(bars: list[tuple[str, float]], title: str) -> str:
    height, left, width = 24, 300, 420
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 80}" height="{height * len(bars) + 70}" '
           'font-family="sans-serif" font-size="13">', '<rect width="100%" height="100%" fill="white"/>',
           f'<text x="10" y="22" font-weight="bold">{escape(title)}</text>']
    for i, (name, share) in enumerate(bars):
        y = 40 + i * height
        color = "#2b6cb0" if name.startswith("decode") else "#c05621"
        out.append(f'<text x="{left - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>')
        out.append(f'<rect x="{left}" y="{y}" width="{width}" height="{height - 6}" fill="#edf2f7"/>')
        out.append(f'<rect x="{left}" y="{y}" width="{min(1.0, share) * width:.1f}" height="{height - 6}" fill="{color}"/>')
        out.append(f'<text x="{left + width + 8}" y="{y + 15}">{share:.0%}</text>')
    out.append(f'<line x1="{left + width}" y1="34" x2="{left + width}" y2="{40 + height * len(bars)}" stroke="#2d3748"/>')
    out.append(f'<text x="{left + width}" y="{height * len(bars) + 58}" text-anchor="end">limit of this machine</text></svg>')
    return "\n".join(out) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("lines", type=Path)
    parser.add_argument("--picture", type=Path)
    args = parser.parse_args()
    lines = [json.loads(line) for line in args.lines.read_text().splitlines() if line]
    table, bars = rows(lines)
    print("| what | program | speed | share of the limit | against |\n|---|---|---|---|---|")
    for line in lines:
        if line["bench"] == "read_limit":
            print(f"| reading memory, {line['threads']} threads | | {line['gb_s_median']:.1f} GB/s | | |")
        elif line["bench"] == "arithmetic_limit":
            print(f"| {line['unit']}, {line['threads']} threads | | {line['gop_s_median']:.0f} Gop/s | | |")
    for row in table:
        print("| " + " | ".join(row) + " |")
    if args.picture and bars:
        args.picture.write_text(picture(bars, "Share of what the machine allows"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
