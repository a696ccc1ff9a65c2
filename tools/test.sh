#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Builds and tests everything, on a fresh Debian 12 as well as on a developer's machine: installs with apt what is missing,
# runs the steps below, says what was skipped and why, and sums up in the last line: "N passed, N failed, N skipped".
# Unit tests count once for each build that runs them. Logs stay in build/logs.
#
#   tools/test.sh              all steps; continuous integration runs this
#   tools/test.sh --quick      the unit tests with g++ only
#   tools/test.sh STEP...      these steps; their names:
all_steps=(layering format tidy gcc cli refused example programs budget clang19 headers install tsan aarch64 clang14 fuzz)
#
# APERTUS_FUZZ_SECONDS   how long each fuzz harness runs (default 10)
# APERTUS_TEST_DATA      the folder of other people's tokenizers and texts (default ../shared/data)
cd "$(dirname "$0")/.." || exit 1
# shellcheck source=tools/packages.sh
. tools/packages.sh

jobs=$(nproc)
logs=$PWD/build/logs
warnings='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror'
build_packages=(g++ cmake ninja-build ccache libxsimd-dev nlohmann-json3-dev libboost-test-dev libeigen3-dev libpcre2-dev
                libcli11-dev libedit-dev libbenchmark-dev)
aarch64_packages=(g++-aarch64-linux-gnu qemu-user-static) # asked for by their step, which can do without
clang_packages=(clang-14 libomp-14-dev libclang-rt-14-dev)
shopt -s nullglob

# --- steps: each runs under `set -e` with its output in a log; it may end with a closing line of its own ---

# Configures and builds FOLDER with the given CMake options. The generator of an existing build stays.
build() { # FOLDER OPTIONS...
    local folder=$1
    shift
    [ -e "$folder/CMakeCache.txt" ] || set -- -G Ninja "$@"
    cmake -S . -B "$folder" "$@"
    cmake --build "$folder" -j "$jobs"
}
unit_tests() { timeout 3600 "$1/tests/apertus_tests" --color_output=no; }

programs() { for kind in TESTS EXAMPLES BENCH TOOLS; do echo "-DAPERTUS_BUILD_$kind=$1"; done; }

about_gcc='unit tests and the program build/apertus, g++, warnings are errors'
step_gcc() {
    build build -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=g++ -DAPERTUS_WERROR=ON $(programs OFF) \
        -DAPERTUS_BUILD_TESTS=ON -DAPERTUS_BUILD_TOOLS=ON
    unit_tests build
}
about_programs='examples and benches, g++, warnings are errors'
step_programs() {
    build build/programs -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER=g++ -DAPERTUS_WERROR=ON $(programs OFF) \
        -DAPERTUS_BUILD_EXAMPLES=ON -DAPERTUS_BUILD_BENCH=ON
    for n in 01_generate 03_sampling 04_own_threads 05_new_activation 06_new_weight_format 07_new_backend 08_new_architecture; do
        "build/programs/examples/$n"
    done
}

about_clang14='unit tests, clang 14, with address and undefined-behaviour sanitizers and assertions'
step_clang14() {
    build build/clang14 -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1' -DCMAKE_CXX_COMPILER=clang++-14 \
        -DAPERTUS_WERROR=ON -DAPERTUS_SANITIZE=address,undefined $(programs OFF) -DAPERTUS_BUILD_TESTS=ON
    ASAN_OPTIONS=allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
        LSAN_OPTIONS=suppressions=$PWD/tests/leaks.supp:print_suppressions=0 unit_tests build/clang14
}
about_tsan='several threads at once: executor, loading, sessions, cancellation; clang 14 with thread sanitizer'
step_tsan() { # without OpenMP, whose library thread sanitizer does not understand
    mkdir -p build/tsan
    sources=(tests/main.cpp tests/core/executor_test.cpp tests/run/threads_test.cpp)
    printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$jobs" sh -c '
        ccache clang++-14 -std=c++20 -O1 -g1 -fsanitize=thread '"$warnings"' -Iinclude -Itests -DBOOST_TEST_DYN_LINK \
            "-DAPERTUS_SOURCE_DIR=\"$PWD\"" -c "$0" -o "build/tsan/$(basename "$0" .cpp).o" || exit 255'
    clang++-14 -fsanitize=thread build/tsan/{main,executor_test,threads_test}.o -lboost_unit_test_framework \
        -o build/tsan/tests
    timeout 1200 build/tsan/tests --color_output=no
}

about_aarch64='tests of the rooms that compute, cross-compiled for aarch64 and run by qemu'
step_aarch64() {
    [ "$(uname -m)" != aarch64 ] || skip 'this is an aarch64 machine: the other steps are its tests'
    need_packages "${aarch64_packages[@]}" || skip "no packages: ${aarch64_packages[*]}"
    tests/aarch64/run.sh build/aarch64
}

about_clang19='every header together and every example, clang 19, warnings are errors'
step_clang19() {
    mkdir -p build/clang19
    find include/apertus -name '*.hpp' ! -name src.hpp | sort | sed 's|^include/\(.*\)|#include <\1>|' > build/clang19/all_headers.cpp
    for source in build/clang19/all_headers.cpp examples/*.cpp; do
        clang++-19 -std=c++20 -fsyntax-only $warnings -Iinclude -Itools/cli "$source"
    done
}

about_headers='every header compiles alone, g++'
step_headers() {
    build build/headers -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O0 "-DCMAKE_CXX_FLAGS=$warnings" \
        -DCMAKE_CXX_COMPILER=g++ -DAPERTUS_VERIFY_HEADERS=ON $(programs OFF) > build/logs/headers.configure
    cmake --build build/headers -j "$jobs" --target all_verify_interface_header_sets
}

about_layering='who includes whom; lines per room'
step_layering() {
    tools/check_layering.sh --self-test
    tools/check_layering.sh
    tools/size_report.sh
}

about_budget='what including the library costs, g++ -fsyntax-only'
step_budget() { tools/compile_budget.sh g++; }

about_refused='things that must not compile'
step_refused() {
    tests/must_not_compile/run.sh g++ clang++-14 clang++-19
}

about_example='one command, header packages only: g++ -std=c++20 -O2 -pthread -Iinclude'
step_example() {
    diff <(sed -n '/^```cpp$/,/^```$/p' README.md | sed '/^```/d') <(sed '/^\/\//d' examples/01_generate.cpp) ||
        { echo 'README.md does not show examples/01_generate.cpp'; exit 1; }
    g++ -std=c++20 -O2 -pthread -Iinclude examples/01_generate.cpp -o build/01_generate
    build/01_generate models/apertus-tiny | tee build/logs/example.out
    [ -s build/logs/example.out ]
}

about_cli='the program build/apertus: output, exit status, errors'
step_cli() {
    [ -e tests/cli/run.sh ] || skip 'tests/cli/run.sh does not exist'
    tests/cli/run.sh build/apertus
}

about_install='find_package, add_subdirectory, pkg-config, Meson, two translation units'
step_install() { tests/install/run.sh; }

about_fuzz="${APERTUS_FUZZ_SECONDS:-10} s of libFuzzer per harness, from the committed corpus"
step_fuzz() {
    build build/fuzz -DCMAKE_BUILD_TYPE=Debug '-DCMAKE_CXX_FLAGS_DEBUG=-O1 -g1' -DCMAKE_CXX_COMPILER=clang++-14 \
        -DAPERTUS_SANITIZE=address,undefined -DAPERTUS_FUZZ=ON $(programs OFF)
    tests/fuzz/run.sh build/fuzz/tests/fuzz "${APERTUS_FUZZ_SECONDS:-10}"
}

about_tidy="clang-tidy over every header, and examples that stand for the rest"
step_tidy() {
    mkdir -p build/tidy
    find include/apertus -name '*.hpp' ! -name src.hpp | sort | sed 's|^include/\(.*\)|#include <\1>|' > build/tidy/all_headers.cpp
    sources=(build/tidy/all_headers.cpp examples/05*.cpp examples/06*.cpp)
    printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$jobs" sh -c '
        clang-tidy-14 --quiet "$0" -- -std=c++20 -Iinclude -Itests -isystem /usr/include/eigen3 -fopenmp \
            -DAPERTUS_SOURCE_DIR=\"\" > "build/tidy/$(basename "$0").log" 2>&1 ||
            { cat "build/tidy/$(basename "$0").log"; exit 1; }'
}

about_format='clang-format 19'
step_format() {
    find include tests examples tools bench \( -name '*.hpp' -o -name '*.cpp' \) -print0 |
        xargs -0 -n 1 -P "$jobs" sh -c 'clang-format-19 "$0" | cmp -s - "$0" || { echo "clang-format-19 -i $0"; exit 1; }'
}

# --- running the steps and counting ---

skip() {
    echo "skipped: $*"
    exit 77
}

passed=0 failed=0 skipped=0
seen_skips=
run_step() { # NAME
    local name=$1 log=$logs/$1.log about=about_$1 start=$SECONDS status verdict counts p=0 f=0 s=0 line
    printf '== %-9s %s\n' "$name" "${!about}"
    (
        set -e -o pipefail
        "step_$name"
    ) > "$log" 2>&1
    status=$?
    counts=$(grep -aoE '^[0-9]+ passed, [0-9]+ failed, [0-9]+ skipped$' "$log" | tail -n 1)
    [ -z "$counts" ] || read -r p f s <<< "${counts//[a-z,]/}"
    case $status in
        0) verdict=ok; [ -n "$counts" ] || p=1 ;;
        77) verdict=skipped p=0 f=0 s=1 ;;
        *) verdict=FAILED; [ "$f" -gt 0 ] || f=1 ;;
    esac
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    if [ $verdict = FAILED ]; then
        tail -n 60 "$log" | sed 's/^/   | /'
        echo "   | (all of it: $log)"
    else
        case $name in layering | budget) sed 's/^/   /' "$log" ;; esac
    fi
    while IFS= read -r line; do # the same test skipped in another build for the same reason is said once
        case $seen_skips in *"$line"$'\n'*) continue ;; esac
        seen_skips+=$line$'\n'
        echo "   $line"
    done < <(grep -a '^skipped: ' "$log")
    printf '   %s: %d passed, %d failed, %d skipped, %d s\n' "$verdict" $p "$f" $s $((SECONDS - start))
}

steps=()
for argument in "$@"; do
    case $argument in
        --quick) steps+=(gcc) ;;
        -h | --help) sed -n -e '4,14s/^# \{0,1\}//p' -e 's/^all_steps=/                             /p' "$0"; exit 0 ;;
        *)
            case " ${all_steps[*]} " in
                *" $argument "*) steps+=("$argument") ;;
                *) echo "tools/test.sh: no step '$argument'; the steps are: ${all_steps[*]}" >&2; exit 2 ;;
            esac ;;
    esac
done
[ ${#steps[@]} -gt 0 ] || steps=("${all_steps[@]}")

packages=("${build_packages[@]}")
for step in "${steps[@]}"; do
    case $step in
        clang14 | fuzz | tsan) packages+=("${clang_packages[@]}") ;;
        clang19) packages+=(clang-19) ;;
        refused) packages+=(clang-14 clang-19) ;;
        install) packages+=(meson pkgconf make) ;;
        tidy) packages+=("${clang_packages[@]}" clang-tidy-14) ;;
        format) packages+=(clang-format-19) ;;
    esac
done
mapfile -t packages < <(printf '%s\n' "${packages[@]}" | sort -u)
need_packages "${packages[@]}" || exit 1

mkdir -p "$logs"
for step in "${steps[@]}"; do run_step "$step"; done
echo "total time: $((SECONDS / 60)) min $((SECONDS % 60)) s"
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
