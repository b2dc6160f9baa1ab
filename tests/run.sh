#!/bin/sh
# run.sh: reads the code, then runs the whole suite. pytest ends with a plain list of what it skipped, and why. Used by `make test`.
set -eu
cd "$(dirname "$0")/.."
failed=0
make --no-print-directory check || failed=1
pytest "$@" || failed=1
exit $failed
