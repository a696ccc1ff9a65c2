#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# From a fresh Debian 12 to a streamed answer: installs with apt what is missing, builds the program `build/apertus` and
# asks the embedded model (models/apertus-tiny). The program then prints load time, prompt and decode tokens per second
# and memory.
#
#   tools/demo.sh [PROMPT]        default: a question in German
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=tools/packages.sh
. tools/packages.sh

prompt=${*:-Hallo! Wer bist du, und wie heisst die Hauptstadt der Schweiz?}

need_packages g++ cmake ninja-build libxsimd-dev nlohmann-json3-dev libcli11-dev libedit-dev

# Builds quietly; what went wrong is shown.
quietly() {
    local log=build/logs/demo.log
    mkdir -p build/logs
    "$@" > "$log" 2>&1 || { tail -n 40 "$log" >&2; echo "failed: $* (all of it: $log)" >&2; exit 1; }
}
if [ ! -e build/CMakeCache.txt ]; then
    echo "Configuring"
    quietly cmake -G Ninja -S . -B build -DCMAKE_BUILD_TYPE=Release -DAPERTUS_BUILD_TESTS=OFF \
        -DAPERTUS_BUILD_EXAMPLES=OFF -DAPERTUS_BUILD_BENCH=OFF
fi
[ -x build/apertus ] || echo "Building build/apertus (about a minute, once)"
quietly cmake --build build -j "$(nproc)" --target apertus_cli

exec build/apertus generate --chat --max-new-tokens 128 -- "$prompt"
