#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Runs every libFuzzer harness of BUILD_FOLDER for SECONDS on its committed corpus (tests/fuzz/corpus/<name>), as many at
# a time as there are processors. What a harness finds is kept in BUILD_FOLDER/findings; the corpus is not changed.
#
#   tests/fuzz/run.sh BUILD_FOLDER SECONDS [HARNESS...]
set -uo pipefail
folder=$(cd "$1" && pwd) seconds=$2
shift 2
cd "$(dirname "$0")" || exit 1
shopt -s nullglob
[ $# -gt 0 ] || set -- "$folder"/*_fuzz
run_one() { # FOLDER SECONDS HARNESS
    local name scratch status=0
    name=$(basename "$3")
    mkdir -p "$1/findings" "$1/grown/$name"
    scratch="$1/grown/$name"
    UBSAN_OPTIONS=print_stacktrace=1 "$1/$name" -max_total_time="$2" -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="$1/findings/$name-" "$scratch" "corpus/${name%_fuzz}" > "$1/$name.log" 2>&1 || status=$?
    if [ $status = 0 ]; then
        echo "ok: $name: $(grep -a '^stat::number_of_executed_units' "$1/$name.log" | grep -oE '[0-9]+$') executions"
    else
        tail -n 40 "$1/$name.log"
        echo "FAILED: $name"
    fi
}
export -f run_one
out=$(printf '%s\0' "$@" | xargs -0 -r -n 1 -P "$(nproc)" bash -c 'run_one "$0" "$1" "$2"' "$folder" "$seconds")
echo "$out"
passed=$(grep -c '^ok: ' <<< "$out") failed=$(grep -c '^FAILED: ' <<< "$out")
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" = 0 ] && [ "$passed" = $# ]
