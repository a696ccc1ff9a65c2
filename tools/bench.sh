#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Measures this machine and the library on it, and prints one table: limits first, then prefill and decode of the family's
# shapes on random weights as shares of those limits, the sampler, and the same work by other programs where they are there.
#
#   tools/bench.sh [options]
#     --shapes "8b:4 0.5b"     shape, and after a colon how many layers (default: 8b with as many as fit, 1.5b, 0.5b)
#     --weights "bf16 int8 int4"
#     --threads N              default: all
#     --repeat N               default 5; medians are printed
#     --context N              positions of the long-context case, default 32768; it takes longer than all else, 0 leaves it out
#     --quick                  small runs: checks the tool, not the machine
#     --peers                  installs llama-cpp-python (built from source), torch and transformers under build/bench/venv
#     --picture FILE           default docs/bench.svg
#
# Peers are measured when build/bench/venv or $APERTUS_BENCH_PYTHON has them. Random checkpoints are written to a temporary
# folder ($TMPDIR) and deleted. JSON lines go to build/bench/TIME.jsonl. Run it on a quiet machine.
set -euo pipefail
cd "$(dirname "$0")/.."

shapes= weights='bf16 int8 int4' threads=$(nproc) repeat=5 long=32768 quick= peers= picture=docs/bench.svg
while [ $# -gt 0 ]; do
    case $1 in
        --shapes) shapes=$2; shift ;;
        --weights) weights=$2; shift ;;
        --threads) threads=$2; shift ;;
        --repeat) repeat=$2; shift ;;
        --context) long=$2; shift ;;
        --picture) picture=$2; shift ;;
        --quick) quick=1 ;;
        --peers) peers=1 ;;
        -h | --help) sed -n '3,18s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "tools/bench.sh: unknown option $1" >&2; exit 2 ;;
    esac
    shift
done

build=${APERTUS_BENCH_BUILD:-build}
if [ -z "${APERTUS_BENCH_BUILD:-}" ]; then
    source tools/packages.sh
    need_packages g++ cmake ninja-build libxsimd-dev nlohmann-json3-dev libcli11-dev
    cmake -S . -B build -G Ninja -DCMAKE_BUILD_TYPE=Release -DAPERTUS_BUILD_BENCH=ON -DAPERTUS_BUILD_TOOLS=ON \
        > build.bench.log 2>&1 || { cat build.bench.log >&2; exit 1; }
    rm -f build.bench.log
    cmake --build build --target apertus_cli apertus_bench_limits apertus_bench_sampler apertus_bench_executor \
        apertus_tools_write_random_checkpoint
fi
mkdir -p build/bench
lines=build/bench/$(date -u +%Y%m%dT%H%M%SZ).jsonl
: > "$lines"

python=${APERTUS_BENCH_PYTHON:-}
if [ -n "$peers" ]; then
    [ -x build/bench/venv/bin/python ] || python3 -m venv build/bench/venv
    build/bench/venv/bin/pip install --quiet --no-binary llama-cpp-python -r tools/bench/requirements.txt
fi
if [ -z "$python" ] && [ -x build/bench/venv/bin/python ]; then python=build/bench/venv/bin/python; fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
record() { tee -a "$lines" | sed 's/^/  /' >&2; }

echo "Limits" >&2
"$build/bench/limits" "$threads" "$repeat" | record
echo "Sampler" >&2
"$build/bench/sampler" 131072 ${quick:+11} | grep -v '"flat"' | record

if [ -z "$shapes" ]; then # as many layers of the 8B shape as fit in a third of memory and half of the disk, 32 at most
    memory=$(awk '/MemAvailable/ {print int($2 / 1024 / 3)}' /proc/meminfo)
    disk=$(df -Pm "$work" | awk 'NR == 2 {print int($4 / 2)}')
    room=$((memory < disk ? memory : disk))
    layers=$(((room - 2150) / 440)) # MB of a layer in bf16; embedding and head
    layers=$((layers > 32 ? 32 : layers))
    shapes="1.5b 0.5b"
    if [ $layers -ge 1 ]; then shapes="8b:$layers $shapes"; fi
fi
prompt=512 new=32 batch=16
if [ -n "$quick" ]; then prompt=32 new=4 long=256 batch=4 repeat=1; fi

for shape in $shapes; do
    name=${shape%%:*}
    folder=$work/$name
    layers=()
    case $shape in *:*) layers=(--layers "${shape#*:}") ;; esac
    "$build/tools/write_random_checkpoint" --shape "$name" "${layers[@]}" --out "$folder" > /dev/null
    ours() { # WEIGHTS OPTIONS...
        local format=$1
        shift
        "$build/apertus" bench --json --model "$folder" --weights "$format" --threads "$threads" --no-mmap "$@" |
            sed "s|\"model\":\"[^\"]*\"|\"model\":\"$shape\",\"engine\":\"apertus\",\"format\":\"$format\"|"
    }
    peer() { # WEIGHTS
        [ -n "$python" ] || return 0
        "$python" tools/bench/peers.py --folder "$folder" --name "$shape" --format "$1" --threads "$threads" --prompt $prompt \
            --new $new --repeat "$repeat" --work "$work" || echo "  (no peers for $shape $1)" >&2
    }
    for format in $weights; do
        echo "$shape, $format" >&2
        ours "$format" --prompt-tokens $prompt --new-tokens $new --repeat "$repeat" | record
        peer "$format" | record
        ours "$format" --prompt-tokens $prompt --new-tokens $new --repeat "$repeat" | record # again: both orders
    done
    case $name in
        8b)
            echo "$shape, batch $batch and context $long" >&2
            for format in $weights; do
                if [ "$format" = bf16 ]; then continue; fi
                ours "$format" --prompt-tokens 32 --new-tokens 8 --batch $batch --repeat "$repeat" | record
            done
            if [ "$long" != 0 ]; then
                ours "${weights##* }" --prompt-tokens 32 --new-tokens 8 --context "$long" --kv-cache int8 --repeat "$repeat" |
                    record
            fi
            ;;
    esac
    rm -rf "$folder"
done

python3 tools/bench/table.py "$lines" --picture "$picture"
echo "JSON lines: $lines" >&2
