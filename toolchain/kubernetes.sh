#!/bin/sh
# kubernetes.sh: prints a folder with what the tests of the target `kubernetes` run: etcd, kube-apiserver, kube-controller-manager,
# kube-scheduler, kubelet, kube-proxy, kubectl, Pulumi's provider pulumi-resource-kubernetes, pause and echo for images of one program,
# and in crds/ the kinds of the Gateway API. They are built from published Go modules, once, into the cache; none is taken from PATH,
# where it may be of any release.
# CROSSFADE_KUBERNETES=FOLDER: one that has them all is taken as it is.
set -eu
cd "$(dirname "$0")"
. ./say.sh
if [ -n "${CROSSFADE_KUBERNETES:-}" ]; then
    [ -x "$CROSSFADE_KUBERNETES/kube-apiserver" ] || missing "CROSSFADE_KUBERNETES is $CROSSFADE_KUBERNETES, and that has no kube-apiserver" \
        "unset CROSSFADE_KUBERNETES"
    echo "$CROSSFADE_KUBERNETES"
    exit 0
fi
provider_version=$(sed -n '/^name = "pulumi-kubernetes"$/{n;s/version = "\(.*\)"/\1/p;}' ../uv.lock)

module() { # FOLDER MODULE WHAT: its Version, or its Dir, as that folder's go.mod has it
    (cd "$1" && go mod download "$2" && go list -m -f "{{.$3}}" "$2") || missing "the module $2 cannot be had" "go env GOPROXY"
}

compile() { # FOLDER PACKAGE DEST FLAGS
    say "building $(basename "$3")"
    (cd "$1" && go build -mod=readonly -trimpath -ldflags "-s -w $4" -o "$3" "$2") ||
        missing "$(basename "$3") could not be built" "see above; Go 1.26 or newer and the Go modules are needed: go version; go env GOPROXY"
}

build_kubernetes() { # DEST
    version=$(module kubernetes/kube k8s.io/kubernetes Version)
    minor=${version#*.}
    minor=${minor%%.*}
    flags=
    # A server without them says that it is of no release, and clients take it for a very old one.
    for each in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        flags="$flags -X $each.gitVersion=$version -X $each.gitMajor=1 -X $each.gitMinor=$minor -X $each.gitTreeState=clean"
    done
    for each in kube-apiserver kubectl kube-controller-manager kubelet kube-scheduler kube-proxy; do
        compile kubernetes/kube "k8s.io/kubernetes/cmd/$each" "$1/$each" "$flags"
    done
}

build_provider() { # DEST
    work=$1/source
    rm -rf "$work"
    mkdir "$work"
    cp kubernetes/provider/go.mod kubernetes/provider/go.sum kubernetes/provider/main.go "$work"
    name=github.com/pulumi/pulumi-kubernetes/provider/v4
    source=$(module "$work" "$name" Dir)/cmd/pulumi-resource-kubernetes
    # What its own generate.go does, which needs the whole of Pulumi's code generators.
    "$(sh python.sh)" - "$source" "$work" "$provider_version" <<'END'
import json, pathlib, sys

source, work = map(pathlib.Path, sys.argv[1:3])
schema = json.loads((source / "schema.json").read_text())
(work / "schema-embed.json").write_text(json.dumps({**schema, "version": sys.argv[3]}))
(work / "terraform-mapping-embed.json").write_text((source / "terraform-mapping.json").read_text())
END
    compile "$work" . "$1/pulumi-resource-kubernetes" "-X $name/pkg/version.Version=$provider_version"
    rm -r "$work"
}

copy_kinds() { # DEST
    source=$(module kubernetes/gateway-api sigs.k8s.io/gateway-api Dir)/config/crd/standard
    mkdir -p "$1/crds"
    install -m 644 "$source"/*.yaml "$1/crds/"
}

build() { # DEST
    export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-buildvcs=false
    mkdir -p "$1"
    say "building Kubernetes $(module kubernetes/kube k8s.io/kubernetes Version) and Pulumi's provider of it $provider_version: once, about twenty minutes on two cores"
    copy_kinds "$1"
    for each in pause echo; do
        compile kubernetes/images "./$each" "$1/$each" ""
    done
    compile kubernetes/etcd go.etcd.io/etcd/server/v3 "$1/etcd" ""
    build_kubernetes "$1"
    build_provider "$1"
    touch "$1/complete"
}

key=$({
    echo "$provider_version"
    find kubernetes -type f | LC_ALL=C sort | xargs cat kubernetes.sh
} | sha256sum | cut -c1-16)
own=$cache/kubernetes-$key
if [ ! -e "$own/complete" ]; then
    command -v go >/dev/null || missing "Kubernetes is built from Go modules for its tests, and there is no Go" "install Go 1.26 or newer"
    mkdir -p "$cache"
    # One build at a time; whoever waited finds it done.
    (
        flock 9
        [ -e "$own/complete" ] || build "$own"
    ) 9>"$cache/kubernetes.lock"
fi
echo "$own"
