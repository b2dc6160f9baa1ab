#!/bin/sh
# build.sh DEST: builds the Pulumi command line, and a language host of our own for Python programs, from published Go modules.
# Takes about ten minutes and 4 GB of Go's caches the first time.
set -eu
cd "$(dirname "$0")"
. ./say.sh
mkdir -p "$1/bin"
dest=$(cd "$1" && pwd)
export GOTOOLCHAIN=local CGO_ENABLED=0 GOFLAGS=-buildvcs=false
version=$(sed -n 's,.*github.com/pulumi/pulumi/pkg/v3 \(v[0-9.]*\).*,\1,p' pulumi/go.mod)
variable=github.com/pulumi/pulumi/sdk/v3/go/common/version.Version

build() { # FOLDER PACKAGE NAME
    say "building $3 $version"
    (cd "$1" && go build -mod=readonly -trimpath -tags osusergo,grpcnotrace -ldflags "-s -w -X $variable=$version" -o "$dest/bin/$3" "$2") ||
        missing "$3 could not be built" "see above; Go 1.26 or newer and the Go modules are needed: go version; go env GOPROXY"
}
build pulumi github.com/pulumi/pulumi/pkg/v3/cmd/pulumi pulumi
build pythonhost . pulumi-language-python
install -m 644 pythonhost/pulumi-language-python-exec "$dest/bin/"
install -m 755 pythonhost/pulumi-resource-pulumi-python "$dest/bin/"
touch "$dest/complete"
