#!/bin/sh
# Set up debgen on a Debian machine, then run it or its tests; README.md tells more.
set -eu
CDPATH='' cd -- "$(dirname -- "$0")"

usage="Usage: ./run.sh demo|test|long|setup

  demo   set up, plan vllm for sid, then build and test huggingface-hub for sid
  test   set up, then run all checks and tests
  long   set up, then run the tests that take hours: a tree of packages, a build killed 25 times, Rust modules
  setup  set up only; debgen is .venv/bin/debgen then

Can be run again: what is there already is left alone."

# What `debgen doctor` asks for, and Python to run it with.
debian_packages="
    apt apt-utils autodep8 autopkgtest bubblewrap ca-certificates debian-archive-keyring debmake dpkg-dev git gpg graphviz iproute2
    licensecheck mmdebstrap patch pristine-tar python3 python3-venv sbuild uidmap util-linux"
# What the tests need besides: a browser that opens the pages debgen writes, and gbp for its repositories.
test_packages="chromium git-buildpackage"
# Debian's own, whatever else stands in $PATH: the one that python3-venv belongs to.
system_python=/usr/bin/python3

say() {
    printf '==> %s\n' "$*" >&2
}

die() {
    printf 'run.sh: %s\n' "$*" >&2
    exit 1
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    else
        sudo -- "$@"
    fi
}

# End here, with the command for an administrator, where this user can't become root.
need_root() {
    [ "$(id -u)" = 0 ] || command -v sudo >/dev/null ||
        die "this needs root, and there is no sudo. As root, run, and then try again: $*"
}

# Try a command that uses the network three times.
persistently() {
    for pause in 5 15; do
        if "$@"; then
            return
        fi
        say "that failed; trying again in $pause s"
        sleep "$pause"
    done
    "$@"
}

# Those of the packages "$@" that are not installed.
missing_packages() {
    for package in "$@"; do
        dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            printf ' %s' "$package"
    done
}

# Names in a list of pyproject.toml: those in the lines from "$1 = [" to "]".
listed() {
    sed -n "/^$1 = \[/,/^]/s/^ *\"\([A-Za-z0-9-]*\).*/ \1/p" pyproject.toml | tr -d '\n'
}

# What a finished .venv must have been made from.
origin() {
    printf '%s|%s|%s' "$PWD" "$("$system_python" --version 2>/dev/null)" "$(cksum <pyproject.toml)"
}

# Whether .venv is complete: for the use "$1", "run" or "dev".
is_installed() {
    [ -f ".venv/made-to-$1" ] && [ "$(cat ".venv/made-to-$1")" = "$(origin)" ] &&
        .venv/bin/python -c 'import debgen' 2>/dev/null
}

announce() {
    if [ -n "$missing" ]; then
        say "Debian packages to install with apt-get:$missing (and what they depend on)"
    fi
    if ! is_installed "$use"; then
        python_packages="$(listed dependencies)"
        if [ "$use" = dev ]; then
            python_packages="$python_packages$(listed dev)"
        fi
        say "Python packages to install with pip into .venv:$python_packages (and what they depend on)"
    fi
    for file in /etc/subuid /etc/subgid; do
        grep -qs "^\($(id -un)\|$(id -u)\):" "$file" || say "Line to add: subordinate ids for $(id -un) in $file"
    done
}

install_debian_packages() {
    [ -n "$missing" ] || return 0
    need_root "apt-get update && apt-get install --no-install-recommends$missing"
    as_root apt-get -q -o Acquire::Retries=3 update ||
        say "apt-get update did not get everything; going on with what there is"
    # shellcheck disable=SC2086 # a list of words
    persistently as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -o Acquire::Retries=3 -o Dpkg::Use-Pty=0 install --yes --no-install-recommends $missing
}

install_python_packages() {
    ! is_installed "$use" || return 0
    "$system_python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' ||
        die "debgen needs Python 3.11 or newer, as Debian 12 (bookworm) has it"
    if ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        say "Making .venv"
        "$system_python" -m venv --clear .venv
    fi
    # Older releases of pip don't know --group.
    persistently .venv/bin/python -m pip install --progress-bar off --quiet 'pip>=25.1'
    if [ "$use" = dev ]; then
        persistently .venv/bin/python -m pip install --progress-bar off --editable . --group dev
    else
        persistently .venv/bin/python -m pip install --progress-bar off --editable .
    fi
    origin >.venv/made-to-run
    [ "$use" = run ] || origin >.venv/made-to-dev
}

add_subordinate_ids() {
    line=$(.venv/bin/debgen doctor | sed -n 's/^ *\(usermod --add-subuids .*\)/\1/p')
    if [ -n "$line" ]; then
        need_root "$line"
        say "$line"
        # shellcheck disable=SC2086 # a command line
        as_root $line
    fi
}

# Everything for the use "$1".
set_up() {
    use=$1
    command -v apt-get >/dev/null || die "this is no Debian machine: it has no apt-get"
    packages=$debian_packages
    if [ "$use" = dev ]; then
        packages="$packages $test_packages"
    fi
    # shellcheck disable=SC2086 # a list of words
    missing=$(missing_packages $packages)
    announce
    install_debian_packages
    install_python_packages
    add_subordinate_ids
    if ! .venv/bin/debgen doctor >.venv/doctor.txt; then
        cat .venv/doctor.txt >&2
        die "this machine is not fit for debgen yet; the lines above say why"
    fi
    say "Set-up is complete: debgen is $PWD/.venv/bin/debgen"
}

# A maintainer is never made up: without one, the package says that no person stands behind it.
name_maintainer() {
    if [ -n "${DEBFULLNAME:-}${DEBEMAIL:-}" ]; then
        return # debgen itself says what is wrong with them
    fi
    found=$(.venv/bin/python -c 'import os; from debgen.identity import identity; print(identity(os.environ))' 2>&1) ||
        found=
    case $found in
        '' | 'root <'* | *'<root@'*) ;; # lintian takes no package of root's
        *) return ;;
    esac
    host=$(uname -n | tr -cs 'A-Za-z0-9\n' '-' | sed 's/^-*//; s/-*$//')
    DEBFULLNAME="debgen on ${host:-localhost}"
    DEBEMAIL="debgen@${host:-localhost}.invalid"
    export DEBFULLNAME DEBEMAIL
    say "Maintainer: $DEBFULLNAME <$DEBEMAIL>, as nobody is named. For a package of yours, set DEBFULLNAME and DEBEMAIL."
}

demo() {
    set_up run
    name_maintainer
    say "debgen plan vllm --dist sid"
    .venv/bin/debgen plan vllm --dist sid
    say "debgen build huggingface-hub --dist sid (the first time, this makes the chroots of sid: about 1.3 GB)"
    .venv/bin/debgen build huggingface-hub --dist sid
}

run_tests() {
    set_up dev
    say "ruff: lint and format"
    .venv/bin/ruff check .
    .venv/bin/ruff format --check .
    say "mypy: types"
    .venv/bin/mypy
    say "pytest: unit tests"
    .venv/bin/python -m pytest tests/unit -q -n auto --maxprocesses 4
    say "pytest: integration tests, with real indexes, chroots and builds; they take minutes"
    # Two modules at a time, each within one process: what a module has planned or built is there for all its tests.
    .venv/bin/python -m pytest tests/integration -v -n 2 --dist loadfile --durations=25
    say "All checks and tests passed"
}

run_long_tests() {
    set_up dev
    .venv/bin/python -m pytest tests/long -v --capture=no
}

case "${1:-}" in
    demo) demo ;;
    test) run_tests ;;
    long) run_long_tests ;;
    setup) set_up run ;;
    help | -h | --help) printf '%s\n' "$usage" ;;
    *)
        printf '%s\n' "$usage" >&2
        exit 2
        ;;
esac
