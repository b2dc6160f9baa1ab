#!/bin/sh
# packages.sh TARGET: installs what the tests of the target (docker, kubernetes, browser) need and this machine has not, where this
# is root's Debian; else says what is missing. Tests skip where it stays so; those that need an API server alone need openssl alone.
set -eu
cd "$(dirname "$0")"
. ./say.sh
PATH=$PATH:/usr/sbin:/sbin:/usr/lib/cni
case ${1:-} in # each program with its package
docker)
    programs="dockerd:docker.io docker:docker.io docker-compose:docker-compose docker-registry:docker-registry debootstrap:debootstrap
        iptables:iptables ip:iproute2"
    ;;
kubernetes)
    programs="containerd:containerd ctr:containerd runc:runc host-local:containernetworking-plugins iptables:iptables
        conntrack:conntrack ip:iproute2 openssl:openssl docker-registry:docker-registry"
    ;;
browser) # pages are looked at, so it wants a font too
    programs="chromium:chromium chromium:fonts-dejavu-core"
    ;;
*)
    echo "usage: packages.sh docker|kubernetes|browser" >&2
    exit 2
    ;;
esac
needed=
for each in $programs; do
    command -v "${each%:*}" >/dev/null || case " $needed " in *" ${each#*:} "*) ;; *) needed="$needed ${each#*:}" ;; esac
done
[ -n "$needed" ] || exit 0
if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    say "not here, and only root on Debian can have it installed by this script:$needed"
    exit 0
fi
mkdir -p "$cache"
log=$cache/$1-packages.log
say "installing$needed, by apt-get: what it says is in $log"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ apt-get install -y --no-install-recommends $needed || { apt-get update && apt-get install -y --no-install-recommends $needed; }; } \
    >"$log" 2>&1 </dev/null || say "that failed: the last lines of $log say why"
