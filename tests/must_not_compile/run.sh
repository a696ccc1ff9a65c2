#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Things that must not compile. Each .cpp of this folder compiles as it stands (the control) and must be refused with
# -DMUST_NOT_COMPILE; the message must then match the extended regular expression of every "// expect: " line.
#
#   tests/must_not_compile/run.sh [COMPILER ...]     default: g++
set -uo pipefail
cd "$(dirname "$0")/../.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT
[ $# -gt 0 ] || set -- g++
passed=0 failed=0
for compiler in "$@"; do
    for file in tests/must_not_compile/*.cpp; do
        compile=("$compiler" -std=c++20 -fsyntax-only -Wall -Wextra -Werror -Iinclude "$file")
        problem=
        if ! "${compile[@]}" > "$log" 2>&1; then
            problem="the control does not compile"
        elif "${compile[@]}" -DMUST_NOT_COMPILE > "$log" 2>&1; then
            problem="it compiles, and must not"
        else
            expectations=0
            while IFS= read -r text; do
                expectations=$((expectations + 1))
                grep -qE -- "$text" "$log" || problem="refused, but the message does not say: $text"
            done < <(sed -n 's|^// expect: ||p' "$file")
            [ $expectations -gt 0 ] || problem="the file expects no message"
        fi
        if [ -z "$problem" ]; then
            passed=$((passed + 1))
        else
            failed=$((failed + 1))
            echo "$compiler: $file: $problem"
            head -n 20 "$log"
        fi
    done
done
echo "$passed passed, $failed failed, 0 skipped"
[ $failed = 0 ]
