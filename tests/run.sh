#!/bin/sh
# run.sh: reads the code, then runs the whole suite. pytest ends with a plain list of what it skipped, and why. Used by `make test`.
set -eu
cd "$(dirname "$0")/.."
failed=0
# Short: what workers make lies deep, and the path of a socket has little room.
temporary=$(mktemp -d /tmp/cf-XXXXXX)
trap 'rm -rf "$temporary"' EXIT

# some MARK [ARG...]: the tests with that mark; where a person asks for some alone, none may be left here.
some() {
	mark=$1
	shift
	pytest -m "$mark" "$@" || [ $? = 5 ] || failed=1
}

make --no-print-directory check || failed=1
real="processes or engine or load"
# What computes has all cores; what starts real processes goes one after the other, for it is about time.
some "not ($real)" -n auto --dist loadfile --basetemp "$temporary" "$@"
some "$real" "$@"
exit $failed
