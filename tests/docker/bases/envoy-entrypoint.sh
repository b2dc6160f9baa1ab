#!/bin/sh
# Stands for the official one in what a deployment sees of it: words that are options are Envoy's, and root steps down to the user
# envoy, but where ENVOY_UID is 0.
set -eu
case $1 in -*) set -- envoy "$@" ;; esac
if [ "$(id -u)" -ne 0 ] || [ "${ENVOY_UID:-}" = 0 ]; then
    exec "$@"
fi
chown envoy:envoy /dev/stdout /dev/stderr
exec setpriv --reuid envoy --regid envoy --clear-groups -- "$@"
