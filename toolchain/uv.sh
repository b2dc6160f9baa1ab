#!/bin/sh
# uv.sh: prints the uv that makes the environments: the project's own, the one on PATH, else one that is put into the cache.
set -eu
cd "$(dirname "$0")/.."
. toolchain/say.sh
if [ -x .venv/bin/uv ]; then
    echo .venv/bin/uv
    exit 0
fi
if command -v uv; then
    exit 0
fi
version=$(sed -n '/^name = "uv"$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
own=$cache/uv-$version
if [ ! -x "$own/bin/uv" ]; then
    say "uv is not on PATH: putting uv $version into $own"
    python=$(sh toolchain/python.sh)
    "$python" -m venv --clear "$own" || missing "Python has no venv" "apt-get install python3-venv"
    "$own/bin/pip" install --quiet --disable-pip-version-check "uv==$version" ||
        missing "uv $version cannot be had from the package index" "install uv yourself, and put it on PATH"
fi
echo "$own/bin/uv"
