#!/bin/sh
# pulumi.sh: prints the folder of a Pulumi that serves this project: on PATH, else an official installation, else one that is built
# from Go modules, once, into the cache. The language host that is built with it is our own: see README.md beside this file.
set -eu
cd "$(dirname "$0")"
. ./say.sh
least=238

serves() { # PROGRAM: new enough, and with a host for Python programs
    version=$("$1" version 2>/dev/null) || return 1
    minor=${version#v3.}
    minor=${minor%%.*}
    case $version in v3.*) ;; *) return 1 ;; esac
    if [ "$minor" -lt $least ]; then
        say "$1 is $version, and v3.$least or newer is needed: looking on"
        return 1
    fi
    [ -x "$(dirname "$1")/pulumi-language-python" ] || command -v pulumi-language-python >/dev/null
}

for candidate in $(command -v pulumi || true) "${PULUMI_HOME:-$HOME/.pulumi}/bin/pulumi" "$HOME/.pulumi/bin/pulumi"; do
    if [ -x "$candidate" ] && serves "$candidate"; then
        dirname "$(readlink -f "$candidate")"
        exit 0
    fi
done

key=$(cat pulumi/go.mod pulumi/go.sum pythonhost/* build.sh | sha256sum | cut -c1-16)
own=$cache/pulumi-$key
if [ ! -e "$own/complete" ]; then
    say "there is no Pulumi here. The official installer is quickest, where it can be reached; this builds one, once"
    command -v go >/dev/null || missing "there is no Go to build it with" "install Go 1.26 or newer, or Pulumi itself"
    mkdir -p "$cache"
    # One build at a time; whoever waited finds it done.
    (
        flock 9
        [ -e "$own/complete" ] || sh build.sh "$own"
    ) 9>"$cache/pulumi.lock"
fi
echo "$own/bin"
