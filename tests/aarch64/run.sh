#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The tests of the rooms that compute, on aarch64 (NEON through xsimd): cross-compiled with g++ and run by qemu's user
# emulation, statically linked, so that nothing of the other architecture needs to be installed. Boost.Test is the one of
# this machine's headers, compiled here; the library is compiled once (apertus/src.hpp).
#
#   tests/aarch64/run.sh [BUILD_FOLDER]     default: build/aarch64
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/aarch64}
compiler=aarch64-linux-gnu-g++
sources=(tests/main.cpp tests/{simd,format,ops,backend}/*_test.cpp
         tests/conformance/{elementwise,matmul,packed_matmul,attend}_test.cpp
         tests/model/{loader,session}_test.cpp tests/golden/golden_test.cpp
         tests/generate/{logits_math,sampler,generate}_test.cpp)

# Headers that are the same on every architecture, and only those: /usr/include also has this machine's C library.
rm -rf "$build/objects" # of tests that may be gone; ccache has what is not
mkdir -p "$build/include" "$build/objects"
for name in boost xsimd nlohmann; do ln -sfn "/usr/include/$name" "$build/include/$name"; done
ln -sfn /usr/include/eigen3/Eigen "$build/include/Eigen"

cat > "$build/boost_test.cpp" <<'END'
#define BOOST_TEST_NO_MAIN
#include <boost/test/included/unit_test.hpp>
END
echo '#include <apertus/src.hpp>' > "$build/library.cpp"

ccache=
command -v ccache > /dev/null && ccache=ccache
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
for source in "$build"/{library,boost_test}.cpp "${sources[@]}"; do
    object=$build/objects/$(sed 's|/|_|g; s|\.cpp$|.o|' <<< "${source#"$build/"}")
    printf '%s\0%s\0' "$source" "$object"
done | xargs -0 -n 2 -P "$(nproc)" sh -c "
    case \$0 in */boost_test.cpp) warnings= ;; *) warnings='$warnings' ;; esac
    $ccache $compiler -std=c++20 -O1 \$warnings -Iinclude -Itests -isystem $build/include -DAPERTUS_SEPARATE_COMPILATION \
        -DBOOST_TEST_ALTERNATIVE_INIT_API '-DAPERTUS_SOURCE_DIR=\"$PWD\"' -c \$0 -o \$1 ||
        { echo \"does not compile: \$0\"; exit 255; }"
$compiler -static "$build"/objects/*.o -o "$build/tests"
file=$(head -c 20 "$build/tests" | od -An -tx1 -j18 -N1 | tr -d ' ')
[ "$file" = b7 ] || { echo "$build/tests is not an aarch64 program"; exit 1; }

# Two halves beside each other. Left out: instruction sets of other machines, goldens on the reference backend (plain
# loops; conformance has them) and a statistic over millions of draws.
halves=('--run_test=conformance_*'
        '--run_test=!conformance_* --run_test=!golden/*_reference --run_test=!golden/*_avx* --run_test=!golden/*_amx
         --run_test=!sampler_test/draws_over_a_vocabulary*')
for half in 0 1; do
    # shellcheck disable=SC2086 # several options
    (set -f; timeout 1500 qemu-aarch64-static "$build/tests" --color_output=no ${halves[half]} > "$build/log$half" 2>&1) &
    processes[half]=$!
done
status=0
for half in 0 1; do
    wait "${processes[half]}" || status=1
    grep -av '^[0-9]* passed, ' "$build/log$half" || status=1
done
counts=$(sed -nE 's/^([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$build"/log[01])
[ "$(wc -l <<< "$counts")" = 2 ] || status=1
awk '{ p += $1; f += $2; s += $3 } END { printf "%d passed, %d failed, %d skipped\n", p, f, s }' <<< "$counts"
exit $status
