#!/bin/sh
# docker-install.sh: puts what the target `docker` needs beside an engine where Pulumi and Docker's command line look for it:
# docker-buildx, and Pulumi's providers docker-build and docker. What is there already stays as it is.
# docker-install.sh PULUMI_HOME DOCKER_CONFIG: the same into other folders, for the tests. There a stand-in of our own takes the place
# of the provider docker where that cannot be had; in your own folders only with CROSSFADE_STANDIN=1.
set -eu
if [ $# -ne 0 ] && [ $# -ne 2 ]; then
    echo "usage: docker-install.sh [PULUMI_HOME DOCKER_CONFIG]" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/toolchain/say.sh"
found=$(sh "$root/toolchain/docker.sh")
PATH=$(sh "$root/toolchain/pulumi.sh"):$PATH
standin=${CROSSFADE_STANDIN:-}
[ $# -eq 0 ] || standin=1
export PATH PULUMI_HOME="${1:-${PULUMI_HOME:-$HOME/.pulumi}}" DOCKER_CONFIG="${2:-${DOCKER_CONFIG:-$HOME/.docker}}"
export PULUMI_SKIP_UPDATE_CHECK=true

version() { # NAME: the provider's that the project is locked to
    sed -n "/^name = \"pulumi-$1\"\$/{n;s/version = \"\(.*\)\"/\1/p;}" "$root/uv.lock"
}

installed() { # NAME: whether Pulumi has it
    [ -x "$PULUMI_HOME/plugins/resource-$1-v$(version "$1")/pulumi-resource-$1" ]
}

install_provider() { # NAME FILE
    # In the plugin cache, not on PATH: there each run warns of it.
    installed "$1" || pulumi plugin install resource "$1" "$(version "$1")" --file "$2" >&2
}

install_buildx() {
    plugin=$DOCKER_CONFIG/cli-plugins/docker-buildx
    # Docker's command line looks in the system's folders too.
    if [ ! -e "$plugin" ] && ! docker buildx version >/dev/null 2>&1; then
        mkdir -p "$(dirname "$plugin")"
        cp "$found/docker-buildx" "$plugin"
    fi
    "$plugin" version >/dev/null 2>&1 || docker buildx version >/dev/null 2>&1 || missing "$plugin does not run" "rm $plugin; make docker"
}

install_buildx
install_provider docker-build "$found/pulumi-resource-docker-build"
provider=$found/pulumi-resource-docker
if [ -e "$provider" ] && [ ! -e "$(dirname "$(readlink -f "$provider")")/provider.py" ]; then # none of ours
    install_provider docker "$provider"
elif [ "$standin" = 1 ]; then
    say "a stand-in of our own takes its place"
    sh "$root/toolchain/docker-standin/install.sh" "$PULUMI_HOME" "$root/.venv/bin/python" >&2
elif ! installed docker && ! timeout 120 pulumi plugin install resource docker "$(version docker)" >/dev/null 2>&1; then
    missing "Pulumi's provider docker $(version docker) cannot be had from here, and without it no container is declared" \
        "with its archive from a machine that has it: pulumi plugin install resource docker $(version docker) --file ARCHIVE
    or, to try it with the stand-in of our tests: CROSSFADE_STANDIN=1 make docker"
fi
[ $# -eq 2 ] || say "what the target docker needs beside an engine is there: crossfade doctor --stack STACK says whether that answers"
