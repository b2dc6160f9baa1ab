"""A cluster of one node of the tests' own: pods run, services answer, and this machine reaches both by their addresses.

Runs as root on Linux. ``python tests/support/kube_node.py`` has one until a signal ends it, and prints where its kubeconfig is.
"""

import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from docker_daemons import BIN
from kube_api import Api, kube_api
from kube_daemons import Daemon, plain, running
from kube_images import ECHO, PAUSE, archive, relay
from kube_space import Space, space
from kube_space import left as left_of_space
from machine import wait_for

NAME = "node"
PLUGINS = Path("/usr/lib/cni")
"""Where Debian has the programs that connect a pod to a network."""
PROGRAMS = ("containerd", "ctr", "runc", "iptables", "conntrack", "ip", "nsenter", "unshare", "setpriv", "openssl")
_DISK = ("nodefs.available", "nodefs.inodesFree", "imagefs.available", "imagefs.inodesFree")
READY_LIMIT = 120.0
"""Seconds that the node may take to be ready."""


@dataclass(frozen=True, slots=True)
class Node:
    """A running cluster. Its one node has the two images of :mod:`kube_images`, and no others."""

    api: Api
    space: Space
    folder: Path
    """Everything of the node: sockets, logs, images."""
    kubelet: Daemon
    containerd: Daemon

    def ctr(self, *words: str, limit: float = 120.0) -> str:
        """Run containerd's command line, for at most ``limit`` seconds: what it said. Raises where it fails."""
        return _run("ctr", "--address", str(_socket(self.folder)), "--namespace", "k8s.io", *words, limit=limit)

    def load(self, file: Path) -> None:
        """Give the node the images of an archive, as ``docker save`` writes it. Pods need ``imagePullPolicy: Never`` for them."""
        self.ctr("images", "import", str(file))

    @contextmanager
    def pulling(self, registry: str) -> Iterator[None]:
        """Within the context the node pulls from this registry, ``127.0.0.1:port``: a loopback that is not its own."""
        host, port = registry.split(":")
        assert host == "127.0.0.1", f"on this machine's loopback, not {host}"
        with relay(self.space.here, int(port)) as reached:
            folder = self.folder / "registries" / registry
            folder.mkdir(parents=True)
            there = f'[host."http://{reached}"]\ncapabilities = ["pull", "resolve"]\n'
            (folder / "hosts.toml").write_text(there, encoding="utf-8")
            try:
                yield
            finally:
                shutil.rmtree(folder)


def missing() -> str | None:
    """Why there can be no node here; None where there can."""
    if os.geteuid() != 0:
        return "needs root, for a node of its own"
    absent = [each for each in PROGRAMS if shutil.which(each, path=BIN) is None]
    absent += [] if (PLUGINS / "host-local").exists() else ["containernetworking-plugins"]
    return f"needs {', '.join(absent)}: on Debian, make test-kubernetes installs them" if absent else None


@contextmanager
def kube_node() -> Iterator[Node]:
    """A cluster with a ready node, within the context; after it nothing is left of it.

    Raises:
        RuntimeError: a part of it cannot be had or does not start; says which, and what it said.
        TimeoutError: a part of it does not serve, or the node is not ready; says where to look.
    """
    with ExitStack() as held:
        # Short: the path of a socket has little room.
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="cf-node-", dir="/tmp", ignore_cleanup_errors=True)))
        made = held.enter_context(space(folder))
        api = held.enter_context(kube_api(controllers=True, host=made.here, services=made.services, within=folder))
        containerd = _containerd(folder, made)
        held.enter_context(running(containerd))
        kubelet = _kubelet(folder, made, api)
        node = Node(api, made, folder, kubelet, containerd)
        for name in (PAUSE, ECHO):
            program = name.split("/")[1].split(":")[0]
            node.load(archive(folder / f"{program}.tar", name, {f"/{program}": api.binaries / program}, [f"/{program}"]))
        held.enter_context(running(kubelet, _proxy(folder, made, api), _scheduler(api)))
        wait_for(lambda: _ready(api), f"the node is ready: see {kubelet.log}", limit=READY_LIMIT, pause=0.1)
        yield node


def left(node: Node) -> list[str]:
    """What is there of a node, in words; nothing after its end."""
    processes = [f"process {each.pid}: {' '.join(_words(each))}" for each in psutil.process_iter()]
    mounts = [f"mount: {each}" for each in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()]
    found = [each for each in processes + mounts if str(node.folder) in each]
    return found + left_of_space(node.space.name) + ([str(node.folder)] if node.folder.exists() else [])


def _containerd(folder: Path, made: Space) -> Daemon:
    networks = folder / "networks"
    networks.mkdir()
    (networks / "10-pods.conflist").write_text(json.dumps(_network(folder, made)), encoding="utf-8")
    (folder / "registries").mkdir()
    (folder / "containerd.toml").write_text(
        f"""version = 2
root = "{folder}/containerd"
state = "{folder}/state"
[grpc]
address = "{_socket(folder)}"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE}"
restrict_oom_score_adj = true
cni = {{bin_dir = "{PLUGINS}", conf_dir = "{networks}"}}
registry = {{config_path = "{folder}/registries"}}
""",
        encoding="utf-8",
    )
    words = made.inside("containerd", "--config", str(folder / "containerd.toml"))
    probe = ["ctr", "--address", str(_socket(folder)), "--timeout", "2s", "plugins", "ls", "id==cri"]
    return Daemon(words, folder / "containerd.log", lambda: _fine(probe))


def _network(folder: Path, made: Space) -> Mapping[str, Any]:
    ranges = {"type": "host-local", "ranges": [[{"subnet": made.pods}]], "dataDir": str(folder / "addresses")}
    bridge = {"type": "bridge", "bridge": "pods", "isDefaultGateway": True, "ipMasq": True, "hairpinMode": True, "ipam": ranges}
    ports = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, ports]}


def _kubelet(folder: Path, made: Space, api: Api) -> Daemon:
    serving = api.authority.server("kubelet", f"system:node:{NAME}", [f"DNS:{NAME}", f"IP:{made.there}"], groups=["system:nodes"])
    (folder / "resolv.conf").write_text("", encoding="ascii")
    (folder / "manifests").mkdir()
    settings = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": made.there,
        "readOnlyPort": 0,
        "tlsCertFile": str(serving.certificate),
        "tlsPrivateKeyFile": str(serving.key),
        "authentication": {"anonymous": {"enabled": False}, "x509": {"clientCAFile": str(api.authority.own.certificate)}},
        "containerRuntimeEndpoint": f"unix://{_socket(folder)}",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{made.name}",
        "failCgroupV1": False,
        "failSwapOn": False,
        "resolvConf": str(folder / "resolv.conf"),
        "staticPodPath": str(folder / "manifests"),
        "volumePluginDir": str(folder / "plugins"),
        "imageGCHighThresholdPercent": 100,
        "imageGCLowThresholdPercent": 99,
        # A full disk is this machine's affair.
        "evictionHard": {"memory.available": "100Mi"} | dict.fromkeys(_DISK, "0%"),
    }
    (folder / "kubelet.yaml").write_text(json.dumps(settings), encoding="utf-8")
    kubeconfig = _user(api, "node", f"system:node:{NAME}", "system:nodes")
    flags = ["--config", str(folder / "kubelet.yaml"), "--kubeconfig", str(kubeconfig), "--root-dir", str(folder / "kubelet")]
    flags += ["--hostname-override", NAME, "--node-ip", made.there]
    words = made.inside(str(api.binaries / "kubelet"), *flags)
    return Daemon(words, folder / "kubelet.log", lambda: api.said(f"/api/v1/nodes/{NAME}") != "")


def _proxy(folder: Path, made: Space, api: Api) -> Daemon:
    settings = {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": str(_user(api, "proxy", "system:kube-proxy"))},
        "clusterCIDR": made.pods,
        "hostnameOverride": NAME,
        "mode": "iptables",
        # The machine's own limit stays.
        "conntrack": {"maxPerCore": 0, "min": 0},
    }
    (folder / "proxy.yaml").write_text(json.dumps(settings), encoding="utf-8")
    words = made.inside(str(api.binaries / "kube-proxy"), "--config", str(folder / "proxy.yaml"))
    rules = made.inside("iptables", "--wait", "-t", "nat", "-n", "-L", "KUBE-SERVICES")
    return Daemon(words, folder / "proxy.log", lambda: _fine(rules))


def _scheduler(api: Api) -> Daemon:
    kubeconfig = str(_user(api, "scheduler", "system:kube-scheduler"))
    words = [str(api.binaries / "kube-scheduler"), "--kubeconfig", kubeconfig, "--leader-elect=false", "--secure-port=0"]
    # It serves nobody: that pods get a node shows that it works.
    return Daemon(words, api.folder / "scheduler.log", lambda: True)


def _user(api: Api, name: str, user: str, *groups: str) -> Path:
    return api.authority.kubeconfig(api.folder / f"{name}.kubeconfig", api.address, api.authority.client(name, user, *groups))


def _ready(api: Api) -> bool:
    told = json.loads(api.said(f"/api/v1/nodes/{NAME}") or "{}")
    return any(each["type"] == "Ready" and each["status"] == "True" for each in told.get("status", {}).get("conditions", []))


def _socket(folder: Path) -> Path:
    return folder / "containerd.sock"


def _fine(words: list[str]) -> bool:
    return subprocess.run(words, env=plain(), capture_output=True, timeout=30, check=False).returncode == 0


def _run(*words: str, limit: float) -> str:
    done = subprocess.run(
        words, env=plain(), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=limit, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"{shlex.join(words)} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def main() -> None:
    """Have one until a signal ends it, and print where its kubeconfig is."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit())
    with kube_node() as node:
        sys.stdout.write(f"export KUBECONFIG={shlex.quote(str(node.api.kubeconfig))}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
