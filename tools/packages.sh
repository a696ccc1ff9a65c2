# SPDX-License-Identifier: Apache-2.0
#
# Sourced by demo.sh and test.sh: `need_packages NAME...` installs those Debian packages that are missing, and only those.
# Where nothing is missing it needs neither root nor a network.

# The command prefix that makes an administrator of us, or a message.
become_root() {
    if [ "$(id -u)" = 0 ]; then
        as_root=()
    elif command -v sudo > /dev/null && { sudo -n true 2> /dev/null || [ -t 0 ]; }; then
        as_root=(sudo)
    else
        echo "These Debian packages are missing: $*" >&2
        echo "Installing them needs root or sudo. Either run this script as root, or let an administrator run" >&2
        echo "  apt-get install $*" >&2
        return 1
    fi
}

need_packages() {
    local missing=() package
    if ! command -v apt-get > /dev/null || ! command -v dpkg-query > /dev/null; then
        echo "No apt on this system: assuming that the equivalents of these Debian packages are there: $*" >&2
        return 0
    fi
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    become_root "${missing[@]}" || return 1
    echo "Installing ${missing[*]}"
    local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0)
    local log
    log=$(mktemp)
    if ! { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${missing[@]}"; } > "$log" 2>&1; then
        tail -n 20 "$log" >&2
        echo "apt-get could not install: ${missing[*]}" >&2
        rm -f "$log"
        return 1
    fi
    rm -f "$log"
}
