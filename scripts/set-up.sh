# Sourced by the other scripts: finds what is missing on this machine and installs it, saying what.
# shellcheck shell=bash

say() { printf '%s\n' "$*" >&2; }

# The compiler, wherever rustup has put it.
need_cargo() {
    if ! command -v cargo >/dev/null && [ -r "$HOME/.cargo/env" ]; then
        # shellcheck disable=SC1091
        . "$HOME/.cargo/env"
    fi
    if ! command -v cargo >/dev/null; then
        say "cargo is missing: install Rust with rustup (https://rustup.rs), then run this again"
        exit 1
    fi
    if ! cargo --version >/dev/null 2>&1; then
        say "rustup has no toolchain yet; installing the stable one"
        rustup default stable
    fi
}

# need_component fmt rustfmt
need_component() {
    cargo "$1" --version >/dev/null 2>&1 && return
    say "installing $2 by rustup"
    rustup component add "$2"
}

# build_installed PROFILE bin|example NAME...: builds what is installed, each with its equal functions folded and its relocations
# packed: both make it smaller in memory.
build_installed() {
    local profile=$1 kind=$2 name
    shift 2
    for name in "$@"; do
        cargo rustc --locked --profile "$profile" "--$kind" "$name" -- \
            -C link-arg=-Wl,--icf=all -C link-arg=-Wl,-z,pack-relative-relocs
    done
}

# Prints the packages of which something is missing. Each argument is package=probe, where the probe is a command,
# or a file if it begins with a slash.
missing_packages() {
    local pair probe
    for pair in "$@"; do
        probe=${pair#*=}
        case $probe in
        /*) [ -e "$probe" ] || printf '%s ' "${pair%%=*}" ;;
        *) command -v "$probe" >/dev/null || printf '%s ' "${pair%%=*}" ;;
        esac
    done
}

# Installs the packages of which something is missing, as root or with sudo; else names them and ends.
need_packages() {
    local missing as_root=()
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    if ! command -v apt-get >/dev/null; then
        say "these Debian packages, or what your system calls them, are missing: $missing"
        say "install them and run this again"
        exit 1
    fi
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            say "these packages are missing, and there is neither root nor sudo to install them: $missing"
            say "run as root: apt-get install --no-install-recommends $missing"
            exit 1
        fi
        as_root=(sudo)
    fi
    say "installing by apt-get: $missing"
    install_quietly "$missing" "${as_root[@]}" || {
        say "apt-get could not install: $missing"
        exit 1
    }
}

# install_quietly "packages" [sudo]. No service of a package may start on the way: a policy says so to the packages'
# own scripts, and goes away again.
install_quietly() {
    local packages=$1 policy=/usr/sbin/policy-rc.d ours='' status=0
    shift
    if [ ! -e "$policy" ]; then
        printf '#!/bin/sh\nexit 101\n' | "$@" tee "$policy" >/dev/null && "$@" chmod 755 "$policy" && ours=yes
        # shellcheck disable=SC2064
        trap "$* rm -f $policy" EXIT INT TERM
    fi
    # shellcheck disable=SC2086
    { "$@" apt-get update -q && "$@" env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends $packages; } >&2 || status=$?
    if [ -n "$ours" ]; then
        "$@" rm -f "$policy"
        trap - EXIT INT TERM
    fi
    return "$status"
}

# A C compiler and its headers: SQLite is built from source, and Rust links with cc.
need_build_tools() {
    need_packages gcc=cc libc6-dev=/usr/include/stdio.h
}

# The real things that tests are run against.
need_test_tools() {
    need_packages nodejs=node npm=npm strace=strace systemd=systemctl procps=ps util-linux=unshare iproute2=ip \
        passwd=useradd adduser=/usr/sbin/adduser dbus=dbus-daemon polkitd=/usr/lib/polkit-1/polkitd faketime=faketime \
        postgresql=/usr/lib/postgresql redis-server=redis-server age=age pgbouncer=/usr/sbin/pgbouncer
}

# PM2 by npm, pinned, into the build folder. It is a peer of the tests and no part of the product.
PM2_VERSION=7.0.4
need_pm2() {
    local peers=target/peers
    local manifest=$peers/node_modules/pm2/package.json
    if [ -r "$manifest" ] && grep -q "\"version\": \"$PM2_VERSION\"" "$manifest"; then
        return
    fi
    say "installing pm2 $PM2_VERSION by npm into $peers"
    mkdir -p "$peers"
    if ! timeout 300 npm install --prefix "$peers" --no-audit --no-fund --no-save --loglevel=error "pm2@$PM2_VERSION" >&2; then
        say "npm could not install pm2: the tests against a real PM2 cannot run"
        [ "${CI:-}" != true ] || exit 1
    fi
}

# A mail server and two parsers of mail by npm, pinned, beside PM2: a folder of their own, because npm takes away what
# it finds and was not asked for.
MAIL_PEERS="smtp-server@3.21.6 mailparser@3.14.2 postal-mime@4.0.0"
need_mail_peers() {
    local peers=target/peers/mail peer manifest missing=''
    for peer in $MAIL_PEERS; do
        manifest=$peers/node_modules/${peer%@*}/package.json
        grep -qs "\"version\": \"${peer##*@}\"" "$manifest" || missing=yes
    done
    [ -n "$missing" ] || return 0
    say "installing $MAIL_PEERS by npm into $peers"
    mkdir -p "$peers"
    # shellcheck disable=SC2086
    if ! timeout 300 npm install --prefix "$peers" --no-audit --no-fund --no-save --loglevel=error $MAIL_PEERS >&2; then
        say "npm could not install $MAIL_PEERS: the tests against a real mail server cannot run"
        [ "${CI:-}" != true ] || exit 1
    fi
}

# An S3 store by pip, pinned, in a Python of its own. It is a peer of the tests and no part of the product.
S3_PEERS="moto[s3]==5.2.5 flask==3.1.3 flask-cors==6.0.5"
need_s3_peer() {
    local peers=target/peers/s3
    [ "$(cat "$peers/installed" 2>/dev/null)" != "$S3_PEERS" ] || return 0
    python3 -c 'import ensurepip, venv' 2>/dev/null || need_packages python3=/none python3-venv=/none
    say "installing by pip into $peers: $S3_PEERS"
    rm -rf "$peers"
    # shellcheck disable=SC2086
    if python3 -m venv "$peers" &&
        timeout 300 "$peers/bin/pip" install -q --no-input --disable-pip-version-check $S3_PEERS >&2; then
        printf '%s\n' "$S3_PEERS" >"$peers/installed"
    else
        say "pip could not install them: the tests against an object storage cannot run"
        [ "${CI:-}" != true ] || exit 1
    fi
}

# The TypeScript compiler and the public types of those who receive our messages, pinned, in a folder of their own: npm
# takes away what a second call does not name.
RECEIVER_TYPES=(typescript@7.0.2 @slack/types@3.2.0 @pagerduty/pdjs@2.2.4 discord-api-types@0.38.57 @microsoft/teams.cards@2.1.0)
need_receiver_types() {
    local peers=target/peers/types
    [ "$(cat "$peers/installed" 2>/dev/null)" != "${RECEIVER_TYPES[*]}" ] || return 0
    say "installing by npm into $peers: ${RECEIVER_TYPES[*]}"
    mkdir -p "$peers"
    if timeout 300 npm install --prefix "$peers" --no-audit --no-fund --no-save --ignore-scripts --loglevel=error \
        "${RECEIVER_TYPES[@]}" >&2; then
        printf '%s\n' "${RECEIVER_TYPES[*]}" >"$peers/installed"
    else
        say "npm could not install them: messages cannot be held against the receivers' types"
        [ "${CI:-}" != true ] || exit 1
    fi
}
