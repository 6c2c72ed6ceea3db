#!/bin/sh
# Makes the virtual environment and installs the project into it, quietly.
#   sh packaging/venv.sh PYTHON FOLDER EXTRAS      e.g.  python3 .venv dev
set -eu
wanted=$1 folder=$2 extras=${3:-}

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

new_enough() {
    command -v "$1" >/dev/null 2>&1 &&
        "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

find_python() {
    for one in "$wanted" python3.14 python3.13 python3.12 python3.11; do
        if new_enough "$one"; then
            printf '%s' "$one"
            return
        fi
    done
    fail "Python 3.11 or newer is needed, and $wanted is $("$wanted" -V 2>/dev/null || echo absent)." \
        "Install one (Debian 12+, Ubuntu 24.04+: apt install python3; macOS: brew install python)," \
        "or name yours: make PYTHON=/path/to/python3.12 …"
}

make_environment() {
    python=$(find_python) || exit 1
    if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
        version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
        fail "$python cannot make virtual environments; on Debian and Ubuntu install the missing part:" \
            "    apt install python$version-venv"
    fi
    echo "Making $folder with $("$python" -V) …"
    rm -rf "$folder"
    "$python" -m venv "$folder" || fail "The virtual environment could not be made."
}

if ! new_enough "$folder/bin/python"; then
    make_environment
fi
echo "Installing neogeo-renderd${extras:+ with what $extras needs} into $folder …"
"$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
    --no-warn-script-location --root-user-action=ignore -e ".${extras:+[$extras]}" ||
    fail "pip could not install it; is there a network?  Its own words stand above."
