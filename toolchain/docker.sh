#!/bin/sh
# docker.sh: prints a folder with what the target `docker` needs beside an engine: docker-buildx, and Pulumi's providers
# pulumi-resource-docker-build and, where it can be had, pulumi-resource-docker. Those that are here are taken; else the official
# providers are asked for; else buildx and docker-build are built from Go modules, once, into the cache.
set -eu
cd "$(dirname "$0")"
. ./say.sh
plugins=${PULUMI_HOME:-$HOME/.pulumi}/plugins
pulumi=$(sh pulumi.sh)

version() { # PACKAGE: the one that the project is locked to
    sed -n "/^name = \"$1\"\$/{n;s/version = \"\(.*\)\"/\1/p;}" ../uv.lock
}
build_version=$(version pulumi-docker-build)
docker_version=$(version pulumi-docker)

buildx() { # prints the plugin of Docker's command line, where there is one that runs
    for folder in "${DOCKER_CONFIG:-$HOME/.docker}" /usr/local/lib/docker /usr/local/libexec/docker /usr/lib/docker /usr/libexec/docker; do
        if "$folder/cli-plugins/docker-buildx" version >/dev/null 2>&1; then
            echo "$folder/cli-plugins/docker-buildx"
            return
        fi
    done
}

official() { # NAME VERSION: prints the provider, where Pulumi's plugin cache has it
    found=$plugins/resource-$1-v$2/pulumi-resource-$1
    [ ! -x "$found" ] || echo "$found"
}

ask() { # NAME VERSION: into Pulumi's plugin cache, where it can be reached
    [ -z "$(official "$1" "$2")" ] || return 0
    say "asking for Pulumi's provider $1 $2"
    timeout 120 "$pulumi/pulumi" plugin install resource "$1" "$2" >/dev/null 2>&1 || say "it cannot be had from here"
}

compile() { # PACKAGE DEST FLAGS
    (cd docker-build && go build -mod=readonly -trimpath -ldflags "-s -w $3" -o "$2" "$1") ||
        missing "$(basename "$2") could not be built" "see above; Go 1.26 or newer and the Go modules are needed: go version; go env GOPROXY"
}

build() { # DEST
    export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-buildvcs=false
    mkdir -p "$1"
    say "building docker-buildx and the provider docker-build $build_version: once, a few minutes"
    compile github.com/docker/buildx/cmd/buildx "$1/docker-buildx" ""
    compile github.com/pulumi/pulumi-docker-build/provider/cmd/pulumi-resource-docker-build "$1/pulumi-resource-docker-build" \
        "-X github.com/pulumi/pulumi-docker-build/provider.Version=$build_version"
    touch "$1/complete"
}

key=$(find docker-build -type f | LC_ALL=C sort | xargs cat docker.sh | sha256sum | cut -c1-16)
own=$cache/docker-build-$key
# What was built here was asked for before, and could not be had.
if [ ! -e "$own/complete" ]; then
    ask docker-build "$build_version"
    ask docker "$docker_version"
fi
buildx=$(buildx)
docker_build=$(official docker-build "$build_version")
docker=$(official docker "$docker_version")
if [ -z "$buildx" ] || [ -z "$docker_build" ]; then
    if [ ! -e "$own/complete" ]; then
        command -v go >/dev/null || missing "docker-buildx or Pulumi's provider docker-build is missing, and there is no Go to build it with" \
            "apt-get install docker-buildx; pulumi plugin install resource docker-build $build_version; or install Go 1.26 or newer"
        mkdir -p "$cache"
        # One build at a time; whoever waited finds it done.
        (
            flock 9
            [ -e "$own/complete" ] || build "$own"
        ) 9>"$cache/docker-build.lock"
    fi
    buildx=${buildx:-$own/docker-buildx}
    docker_build=${docker_build:-$own/pulumi-resource-docker-build}
fi

# One folder for them, whatever was found.
found=$cache/docker-$(printf '%s\n' "$buildx" "$docker_build" "$docker" | sha256sum | cut -c1-16)
mkdir -p "$found"
ln -sfn "$buildx" "$found/docker-buildx"
ln -sfn "$docker_build" "$found/pulumi-resource-docker-build"
if [ -n "$docker" ]; then
    ln -sfn "$docker" "$found/pulumi-resource-docker"
else
    say "Pulumi's provider docker $docker_version cannot be had from here, nor built"
fi
echo "$found"
