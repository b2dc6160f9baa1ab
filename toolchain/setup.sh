#!/bin/sh
# setup.sh: makes everything that the commands of this project need, or says in a sentence what is missing and how to get it.
# Needs no root. May be run again at any time; what is there already costs a moment.
set -eu
cd "$(dirname "$0")/.."
. toolchain/say.sh

uv=$(sh toolchain/uv.sh)
if [ ! -x .venv/bin/python ]; then
    say "making the project's environment"
    python=$(sh toolchain/python.sh)
    "$uv" sync --quiet --frozen --all-extras --compile-bytecode --python "$python"
else
    "$uv" sync --quiet --frozen --all-extras --compile-bytecode
fi

# Every command starts a Python: what is compiled now need not be compiled each time, whatever the shell says of writing it.
.venv/bin/python -m compileall -q infra smoke

pulumi=$(sh toolchain/pulumi.sh)
# One name for it, whatever was found: activate puts this first on PATH.
ln -sfn "$pulumi" .toolchain

. ./activate
for settings in Pulumi.*.yaml; do
    stack=${settings#Pulumi.}
    stack=${stack%.yaml}
    # Made now, so that the first `pulumi up` in a terminal does not ask whether to make it.
    pulumi stack select --create "$stack" --non-interactive >/dev/null
done
say "ready: . ./activate"
