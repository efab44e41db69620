#!/usr/bin/env bash
# Proves that a machine with nothing but Debian, its Python, make and git gets from a clone to an episode and to green
# tests: a fresh Debian in a folder, this repository cloned into it, and the commands of the README run inside.
#
#   deploy/fresh_machine.sh [trixie|bookworm] [make targets …]     default: trixie demo test
#
# Needs root and debootstrap; uses the mirror of this machine's apt. FRESH_DIR names the folder (default: a temporary
# one, removed at the end; KEEP=1 keeps it). The commit that is checked out is tested, without uncommitted changes.
set -euo pipefail
repository=$(cd "$(dirname "$0")/.." && pwd)

suite=${1:-trixie}
shift || true
targets=("$@")
if [ ${#targets[@]} = 0 ]; then targets=(demo test); fi

say() { printf '%s\n' "fresh machine: $*"; }

[ "$(id -u)" = 0 ] || {
    say "must be run as root" >&2
    exit 1
}
command -v debootstrap >/dev/null || {
    say "install the package debootstrap first" >&2
    exit 1
}

# The first Debian mirror in apt's sources, deb822 or one-line style.
mirror=$({ cat /etc/apt/sources.list /etc/apt/sources.list.d/*.sources /etc/apt/sources.list.d/*.list 2>/dev/null || true; } |
    sed -n -e 's/^URIs:[[:space:]]*\([^[:space:]]*\).*/\1/p' -e 's/^deb \(\[[^]]*\] \)\?\([^ ]*\) .*/\2/p' |
    grep -m1 '/debian/\?$') || {
    say "apt's sources name no Debian mirror" >&2
    exit 1
}

root=${FRESH_DIR:-$(mktemp -d /var/tmp/podcast-fresh-XXXXXX)}
mkdir -p "$root"

leave() {
    # What was started inside must not outlive the test; it is recognized by its root.
    for process in /proc/[0-9]*; do
        if [ "$(readlink "$process/root" 2>/dev/null)" = "$root" ]; then kill -KILL "${process#/proc/}" 2>/dev/null || true; fi
    done
    local place
    for place in dev/pts dev/shm dev proc; do
        if mountpoint -q "$root/$place"; then umount -l "$root/$place"; fi
    done
    if [ -z "${KEEP:-}" ]; then
        # Never delete through a mount that could not be unmounted.
        rm -rf --one-file-system "$root"
    else
        say "kept in $root"
    fi
}
trap leave EXIT
trap 'exit 130' INT TERM

if [ ! -x "$root/usr/bin/git" ]; then
    say "making a fresh Debian $suite in $root"
    debootstrap --variant=minbase --include=ca-certificates,make,python3,python3-venv,git "$suite" "$root" "$mirror" \
        >"$root.log" 2>&1 || {
        tail -n 20 "$root.log" >&2
        exit 1
    }
    rm -f "$root.log"
fi

# How this machine reaches the internet is not under test, so it is copied: name servers, its proxy, its certificates.
cp /etc/resolv.conf "$root/etc/resolv.conf"
bundle=${PIP_CERT:-${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}}
cp "$bundle" "$root/etc/ssl/certs/ca-certificates.crt"
if [ -d /usr/local/share/ca-certificates ]; then
    mkdir -p "$root/usr/local/share/ca-certificates"
    cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
fi
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
if mountpoint -q /dev/pts; then mount --bind /dev/pts "$root/dev/pts"; fi
if mountpoint -q /dev/shm; then mount --bind /dev/shm "$root/dev/shm"; fi

passed=(HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin)
for name in http_proxy https_proxy no_proxy HTTP_PROXY HTTPS_PROXY NO_PROXY GOPROXY GOSUMDB GONOSUMDB GOFLAGS \
    PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_DEFAULT_TIMEOUT PYTEST_ARGS CI; do
    if [ -n "${!name:-}" ]; then passed+=("$name=${!name}"); fi
done
if [ -n "${NODE_EXTRA_CA_CERTS:-}" ]; then
    passed+=(NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt)
fi
if [ -r /etc/npmrc ]; then
    cp /etc/npmrc "$root/etc/npmrc"
    passed+=(npm_config_globalconfig=/etc/npmrc)
fi
if [ "$bundle" != /etc/ssl/certs/ca-certificates.crt ] || [ -n "${PIP_CERT:-}" ]; then
    passed+=(PIP_CERT=/etc/ssl/certs/ca-certificates.crt)
fi
inside() { chroot "$root" /usr/bin/env -i "${passed[@]}" "$@"; }

rm -rf "$root/root/podcast-engine"
git clone --quiet --no-hardlinks "$repository" "$root/root/podcast-engine"
say "$(inside sh -c '. /etc/os-release; echo "$PRETTY_NAME, $(python3 --version)"'), commit $(git -C "$repository" rev-parse --short HEAD)"

for target in "${targets[@]}"; do
    started=$(date +%s)
    say "make $target"
    inside make -C /root/podcast-engine "$target"
    say "make $target: $(($(date +%s) - started)) s"
done
