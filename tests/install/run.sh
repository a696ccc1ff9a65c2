#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
#
# The packaging, seen from a stranger's project: installs with CMake and with Meson into temporary folders and builds
# small programs against that by find_package, add_subdirectory, pkg-config and Meson; links two translation units of
# which one is compiled with -march=native, in both orders, and runs the model in both.
#
#   tests/install/run.sh [MODEL_FOLDER]     default: tests/golden/v1_8b
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
model=${1:-$root/tests/golden/v1_8b}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
consumer=$root/tests/install/consumer
version=$(sed -n 's/^#define APERTUS_VERSION_STRING "\(.*\)"/\1/p' "$root/include/apertus/version.hpp")
export CCACHE_BASEDIR=$root
unset PKG_CONFIG_PATH

passed=0 failed=0 skipped=0
run() { # NAME COMMAND...: one check; its output is shown when it fails
    local name=$1
    shift
    ("$@") > "$work/log" 2>&1 # not in the condition: there, `set -e` would be without effect
    if [ $? = 0 ]; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        tail -n 40 "$work/log" | sed 's/^/  | /'
        failed=$((failed + 1))
    fi
}
prints_version() { [ "$("$1")" = "$version" ]; }
generator=(-G "Unix Makefiles")
command -v ninja > /dev/null && generator=(-G Ninja)
ccache=()
command -v ccache > /dev/null && ccache=(-DCMAKE_CXX_COMPILER_LAUNCHER=ccache)

# --- CMake: install, and find it ---
install_with_cmake() {
    set -e
    cmake "${generator[@]}" -S "$root" -B "$work/cmake" -DAPERTUS_BUILD_TESTS=OFF -DAPERTUS_BUILD_EXAMPLES=OFF \
        -DAPERTUS_BUILD_BENCH=OFF -DAPERTUS_BUILD_TOOLS=OFF
    cmake --install "$work/cmake" --prefix "$work/prefix"
}
run 'cmake --install' install_with_cmake

list() { (cd "$1" && find . -type f -exec sha256sum {} + | sort -k 2); }
same_headers() { diff <(list "$root/include/apertus") <(list "$1/include/apertus"); }
run 'every header is installed' same_headers "$work/prefix"

moved() { mv "$work/prefix" "$work/moved prefix"; } # packages are relocatable, also to a path with a space
run 'the installed tree can be moved' moved
prefix="$work/moved prefix"

configure_find() { # BUILD VERSION OPTIONS...
    cmake "${generator[@]}" "${ccache[@]}" -S "$consumer" -B "$work/$1" "-DCMAKE_PREFIX_PATH=$prefix" "-DAPERTUS_WANTED=$2" "${@:3}"
}
find_package() {
    set -e
    configure_find found "$version" -DCMAKE_BUILD_TYPE=Debug
    cmake --build "$work/found" --target light
    prints_version "$work/found/light"
}
run find_package find_package
without_openmp() {
    set -e
    configure_find serial "$version" -DAPERTUS_WITH_OPENMP=OFF
    cmake --build "$work/serial" --target light
    prints_version "$work/serial/light"
    ! ldd "$work/serial/light" | grep -q 'libg*omp'
}
run 'find_package without OpenMP' without_openmp
refuses_version() { ! configure_find newer 0.999; }
run 'find_package refuses a version that it does not have' refuses_version

# --- CMake: as a subdirectory ---
add_subdirectory() {
    set -e
    cmake "${generator[@]}" "${ccache[@]}" -S "$consumer" -B "$work/sub" "-DAPERTUS_SOURCE=$root"
    cmake --build "$work/sub"
    prints_version "$work/sub/light"
    [ "$(cd "$work/sub" && ctest -N | sed -n 's/^Total Tests: //p')" = 0 ]
}
run add_subdirectory add_subdirectory

# --- two translation units ---
two_units() {
    set -e
    configure_find found "$version" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS_DEBUG=-O1 -DTWO_UNITS=ON
    cmake --build "$work/found" -j "$(nproc)"
}
if [ -e "$model/config.json" ]; then
    run 'two translation units, one with -march=native: build' two_units
    for program in baseline_first native_first compiled; do
        run "two translation units, run: $program" "$work/found/$program" "$model"
    done
else
    echo "skipped: two translation units: no model in $model"
    skipped=$((skipped + 1))
fi

# --- pkg-config ---
pkg_config() {
    set -e
    export PKG_CONFIG_PATH="$1/share/pkgconfig"
    [ "$(pkg-config --modversion apertus)" = "$version" ]
    flags=$(pkg-config --cflags --libs apertus)
    case $flags in *-march* | *-mavx* | *-O*) echo "flags: $flags"; exit 1 ;; esac
    eval "g++ -std=c++20 '$consumer/light.cpp' $flags -o '$work/light'"
    prints_version "$work/light"
}
run 'pkg-config (installed by CMake)' pkg_config "$prefix"

# --- Meson ---
if command -v meson > /dev/null; then
    install_with_meson() {
        set -e
        meson setup "$work/meson" "$root" --prefix "$work/meson-prefix" -Dtests=disabled -Dexamples=false \
            -Dbench=disabled -Dtools=disabled
        meson install -C "$work/meson"
    }
    run 'meson install' install_with_meson
    run 'every header is installed by Meson' same_headers "$work/meson-prefix"
    run 'pkg-config (installed by Meson)' pkg_config "$work/meson-prefix"
    meson_project() { # NAME: the consumer in a folder of its own
        mkdir -p "$work/$1" && cp "$root/tests/install/meson/meson.build" "$consumer/light.cpp" "$work/$1"
    }
    meson_package() {
        set -e
        meson_project meson-package
        PKG_CONFIG_PATH="$prefix/share/pkgconfig" meson setup "$work/meson-package/build" "$work/meson-package"
        meson compile -C "$work/meson-package/build"
        prints_version "$work/meson-package/build/light"
    }
    run 'Meson, installed package' meson_package
    meson_subproject() {
        set -e
        meson_project meson-sub
        mkdir "$work/meson-sub/subprojects"
        ln -s "$root" "$work/meson-sub/subprojects/apertus"
        meson setup "$work/meson-sub/build" "$work/meson-sub"
        meson compile -C "$work/meson-sub/build"
        prints_version "$work/meson-sub/build/light"
    }
    run 'Meson, subproject' meson_subproject
else
    echo 'skipped: Meson: it is not installed'
    skipped=$((skipped + 1))
fi

# --- packages ---
cpack_packages() {
    set -e
    cd "$work/cmake"
    cpack -G 'TGZ;DEB' -B "$work/packages"
    tar tzf "$work"/packages/*.tar.gz > "$work/packages/list" # not piped: grep -q would end tar with SIGPIPE
    grep -q 'include/apertus/version.hpp' "$work/packages/list"
    ls "$work"/packages/*_all.deb
}
run 'CPack: TGZ and DEB' cpack_packages
presets() { (cd "$root" && cmake --list-presets=all); }
run 'CMake presets are well-formed' presets

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
