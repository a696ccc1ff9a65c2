#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# Who may include whom. Checks every header of include/apertus against the table below, the one door of each dependency,
# and the house rules that a compiler does not see. Exit status 1 and one line per violation when something is wrong.
#
#   tools/check_layering.sh [ROOT]        check the tree at ROOT (default: this one)
#   tools/check_layering.sh --self-test   check the checker: each planted violation must be found
set -euo pipefail
export LC_ALL=C

# room: rooms that it may include (its own, version.hpp and fwd.hpp always).
rooms='
core:
simd:     core
format:   core simd
ops:      core simd
io:       core
text:     core
backend:  core simd format ops
model:    core format ops
arch:     core format ops model
generate: core simd text model
dist:     core
tune:     core generate
run:      core simd format ops io text backend model arch generate dist tune
'

# include (a prefix): files or rooms that may have it. What is neither here nor a standard header is refused.
doors='
nlohmann/:     io/json.hpp
xsimd/:        simd/
Eigen/:        backend/ tune/
eigen3/:       backend/ tune/
omp.h:         core/executor.hpp
pcre2.h:       text/
mpi.h:         dist/mpi.hpp
immintrin.h:   simd/ backend/ text/
cpuid.h:       simd/
sys/:          core/ simd/ io/ run/
fcntl.h:       io/
unistd.h:      core/ simd/ io/ run/
windows.h:     core/ io/ run/
iostream:      run/
regex:         run/
filesystem:    run/
ranges:        run/
'

check() {
    local root=$1
    cd "$root"
    find include/apertus \( -name '*.hpp' -o -name '*.inl' \) -print | sort > "$work/headers"
    [ -s "$work/headers" ] || { echo "no headers under $root/include/apertus" >&2; return 2; }
    local bad=0
    # shellcheck disable=SC2046
    awk -v rooms="$rooms" -v doors="$doors" '
        function report(what) { printf "%s:%d: %s\n", FILENAME, FNR, what; bad = 1 }
        function finish_file() {
            if (header != "" && !once && header !~ /\.inl$/) { printf "%s:1: no #pragma once\n", header; bad = 1 }
        }
        BEGIN {
            n = split(rooms, line, "\n")
            for (i = 1; i <= n; ++i) if (split(line[i], part, /: */) >= 1 && part[1] != "") allowed[part[1]] = " " part[2] " "
            doors_count = split(doors, line, "\n")
            for (i = 1; i <= doors_count; ++i) {
                split(line[i], part, /: +/)
                door[i] = part[1]; door_for[i] = part[2]
            }
        }
        FNR == 1 {
            finish_file()
            header = FILENAME; once = 0; in_comment = 0
            path = substr(FILENAME, length("include/apertus/") + 1)
            room = index(path, "/") ? substr(path, 1, index(path, "/") - 1) : ""
            if ($0 !~ /^\/\/ SPDX-License-Identifier: Apache-2\.0/) report("the first line must be the SPDX line")
            if (room != "" && !(room in allowed)) report("room \047" room "\047 is not in the table of tools/check_layering.sh")
        }
        /#pragma once/ { once = 1 } # or a comment that says why there is none
        /^[ \t]*#[ \t]*include/ {
            if ($0 !~ /</) { report("write #include <apertus/room/file.hpp>, not a quoted path"); next }
            name = $0; sub(/^[^<]*</, "", name); sub(/>.*/, "", name)
            if (name ~ /^apertus\//) {
                target = substr(name, length("apertus/") + 1)
                to = index(target, "/") ? substr(target, 1, index(target, "/") - 1) : ""
                if (system("test -f \047include/" name "\047") != 0) report("<" name "> does not exist")
                if (target == "version.hpp" || (target == "fwd.hpp" && path != "version.hpp")) next
                if (path == "src.hpp") next
                if (path == "apertus.hpp") {
                    if (target ~ /^(backend\/cuda|dist|tune)\//) report("the umbrella is the CPU side, not <" name ">")
                    next
                }
                if (to == "") report("only a program includes <" name ">")
                else if (room == "") report(path " may include no room")
                else if (to != room && index(allowed[room], " " to " ") == 0) report("room " room " may not include room " to)
                else if (room == "run" && target ~ /^backend\/cuda/) report("run knows no concrete GPU backend")
                next
            }
            found = 0
            for (i = 1; i <= doors_count; ++i) {
                if (door[i] == "" || index(name, door[i]) != 1 || (door[i] !~ /\/$/ && name != door[i])) continue
                found = 1; may = 0
                m = split(door_for[i], who, / +/)
                for (j = 1; j <= m; ++j) if (who[j] != "" && index(path, who[j]) == 1) may = 1
                if (!may) report("<" name "> may be included only in " door_for[i])
            }
            if (!found && name !~ /^[a-z_0-9]+$/) report("<" name "> is a dependency without a door")
            next
        }
        /#[ \t]*pragma[ \t]+omp/ && path != "core/executor.hpp" { report("OpenMP lives in core/executor.hpp") }
        {   # what a guest does not do; comments and strings are not code
            code = $0
            gsub(/\\./, "", code); gsub(/"[^"]*"/, "\"\"", code); sub(/\/\/.*/, "", code)
            while (match(code, /\/\*.*\*\//)) code = substr(code, 1, RSTART - 1) substr(code, RSTART + RLENGTH)
            if (match(code, /(^|[^A-Za-z0-9_.>])(abort|exit|_Exit|_exit|quick_exit|terminate|printf|fprintf|puts|fputs|putchar|perror|getenv|secure_getenv|setenv|putenv)[ \t]*\(/) ||
                match(code, /std::(cout|cerr|clog|system)/)) {
                report("a library header does not print, end the program or touch the environment: " substr(code, RSTART, RLENGTH))
            }
        }
        END { finish_file(); exit bad }
    ' $(cat "$work/headers") || bad=1

    # Each test of a header includes that header first; Boost.Test is linked, never included whole.
    local test header first
    for test in tests/*/*_test.cpp; do
        [ -e "$test" ] || continue
        header=${test#tests/}
        header=apertus/${header%_test.cpp}.hpp
        [ -e "include/$header" ] || continue
        first=$(grep -m1 '^#include' "$test" || true)
        if [ "$first" != "#include <$header>" ]; then
            echo "$test:1: the first include must be <$header>, found: $first"
            bad=1
        fi
    done
    if grep -rnE '^#include <boost/test/included/' --include='*.[ch]pp' tests examples bench tools 2>/dev/null; then
        echo "Boost.Test is linked, not included whole (above)"
        bad=1
    fi
    echo "layering: $(wc -l < "$work/headers") headers, $(if [ $bad = 0 ]; then echo "no violation"; else echo "violations above"; fi)"
    return $bad
}

# Plants one violation at a time in a small sound tree and demands that it is found, and that the sound tree passes.
self_test() {
    local tree=$work/tree planted=0 missed=0
    local spdx='// SPDX-License-Identifier: Apache-2.0'
    sound() {
        rm -rf "$tree"
        mkdir -p "$tree"/include/apertus/{core,simd,backend,model,io,run} "$tree/tests/core"
        printf '%s\n#pragma once\n' "$spdx" > "$tree/include/apertus/version.hpp"
        printf '%s\n#pragma once\n#include <apertus/version.hpp>\n#include <vector>\n' "$spdx" |
            tee "$tree"/include/apertus/{core/a,simd/s,backend/b,model/m,io/json,run/r}.hpp > /dev/null
        printf '#include <apertus/core/a.hpp>\n' > "$tree/tests/core/a_test.cpp"
    }
    plant() { # FILE TEXT
        sound
        printf '%s\n' "$2" >> "$tree/include/apertus/$1"
        planted=$((planted + 1))
        if (check "$tree") > "$work/log" 2>&1; then
            echo "not found: $1: $2"
            missed=$((missed + 1))
        fi
    }
    sound
    (check "$tree") > "$work/log" 2>&1 || { echo "the sound tree is refused:"; cat "$work/log"; return 1; }
    printf '// abort() and printf( in a comment\nauto s = "exit(1)"; // getenv("x")\nx.exit(1); f.abort();\n' >> "$tree/include/apertus/core/a.hpp"
    (check "$tree") > "$work/log" 2>&1 || { echo "a comment or a string is refused:"; cat "$work/log"; return 1; }
    plant model/m.hpp '#include <apertus/backend/b.hpp>'
    plant core/a.hpp '#include <apertus/simd/s.hpp>'
    plant core/a.hpp '#include <apertus/core/missing.hpp>'
    plant core/a.hpp '#include "b.hpp"'
    plant core/a.hpp '#include <nlohmann/json.hpp>'
    plant backend/b.hpp '#include <xsimd/xsimd.hpp>'
    plant model/m.hpp '#  include <Eigen/Core>'
    plant model/m.hpp '#include <boost/asio.hpp>'
    plant model/m.hpp '#include <iostream>'
    plant model/m.hpp '#include <omp.h>'
    plant backend/b.hpp '#pragma omp parallel'
    plant run/r.hpp 'inline void f() { std::abort(); }'
    plant io/json.hpp 'inline void f() { std::cerr << 1; }'
    plant io/json.hpp 'inline auto f() { return std::getenv("HOME"); }'
    plant version.hpp '#include <apertus/core/a.hpp>'
    plant unknown.hpp '// no SPDX line, no pragma'
    sound
    sed -i '1s/.*/#include <vector>/' "$tree/tests/core/a_test.cpp"
    planted=$((planted + 1))
    if (check "$tree") > "$work/log" 2>&1; then echo "not found: wrong first include of a test"; missed=$((missed + 1)); fi
    echo "layering self-test: $planted violations planted, $missed missed"
    [ $missed = 0 ]
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
case ${1:-} in
    --self-test) self_test ;;
    *) check "$(cd "${1:-$(dirname "$0")/..}" && pwd)" ;;
esac
