#!/bin/sh
# docker-install.sh PULUMI_HOME DOCKER_CONFIG: puts what docker.sh finds where Pulumi and Docker's command line look for it. For the
# tests: a stand-in of our own takes the place of the provider docker where that cannot be had, so never give it your own folders.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: docker-install.sh PULUMI_HOME DOCKER_CONFIG" >&2
    exit 2
fi
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/toolchain/say.sh"
found=$(sh "$root/toolchain/docker.sh")
PATH=$(sh "$root/toolchain/pulumi.sh"):$PATH
export PATH PULUMI_HOME="$1" PULUMI_SKIP_UPDATE_CHECK=true

install_provider() { # NAME
    version=$(sed -n "/^name = \"pulumi-$1\"\$/{n;s/version = \"\(.*\)\"/\1/p;}" "$root/uv.lock")
    # In the plugin cache, not on PATH: there each run warns of it.
    pulumi plugin install resource "$1" "$version" --file "$found/pulumi-resource-$1" >&2
}
install_provider docker-build
if [ -e "$found/pulumi-resource-docker" ]; then
    install_provider docker
else
    say "a stand-in of our own takes its place"
    sh "$root/toolchain/docker-standin/install.sh" "$1" "$root/.venv/bin/python" >&2
fi
mkdir -p "$2/cli-plugins"
ln -s "$(readlink -f "$found/docker-buildx")" "$2/cli-plugins/docker-buildx"
