#!/bin/sh
# install.sh PULUMI_HOME PYTHON: puts the stand-in into Pulumi's plugin cache there, as the plugin docker 5.2.0, for a Python that has
# pulumi and grpc. A test double of ours, see README.md: not for a home folder in which real things are deployed from.
set -eu
if [ $# -ne 2 ]; then
    echo "usage: install.sh PULUMI_HOME PYTHON" >&2
    exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
cp "$here"/*.py "$made"
# The interpreter by its whole name: Pulumi starts a plugin in an environment of its own choice.
cat >"$made/pulumi-resource-docker" <<EOF
#!/bin/sh
exec "$2" "\$(dirname "\$0")/provider.py" "\$@"
EOF
chmod 755 "$made/pulumi-resource-docker"
PULUMI_HOME=$1 PULUMI_SKIP_UPDATE_CHECK=true pulumi plugin install resource docker 5.2.0 --reinstall --file "$made"
