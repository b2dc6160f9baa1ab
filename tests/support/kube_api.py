"""An API server of the tests' own, with the kinds of the Gateway API. It needs no privileges, and nothing runs pods.

``python tests/support/kube_api.py [--controllers]`` has one until a signal ends it, and prints where its kubeconfig is.
"""

import json
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

from kube_binaries import binaries
from kube_daemons import Daemon, plain, running, said
from kube_pki import Authority, Identity
from machine import free_ports

SERVICES = "10.96.0.0/24"
"""Addresses that Services are given, where no node serves them."""
MANAGER = "tests"
"""The field manager under which tests write, unless they say another."""
_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local", "localhost")

Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Api:
    """A running API server, and what tests ask of it. All its words are those of kubectl."""

    address: str
    """``https://127.0.0.1:port``."""
    kubeconfig: Path
    """An administrator's."""
    folder: Path
    """Everything of this run: certificates, logs, state."""
    binaries: Path
    """The programs: kubectl, Pulumi's provider and so on."""
    authority: Authority
    admin: Identity
    server: Daemon
    """The API server itself, for tests that kill or freeze it."""

    @property
    def environment(self) -> dict[str, str]:
        """What the environment of a child must have."""
        return {"KUBECONFIG": str(self.kubeconfig)}

    def kubectl(
        self, *words: str, stdin: str = "", check: bool = True, limit: float = 60.0, kubeconfig: Path | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, or by another kubeconfig, for at most ``limit`` seconds; well if ``check``."""
        known = ["--cache-dir", str(self.folder / "discovery")]
        done = subprocess.run(
            [str(self.binaries / "kubectl"), "--kubeconfig", str(kubeconfig or self.kubeconfig), *known, *words],
            env=plain(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        if check and done.returncode != 0:
            raise RuntimeError(f"{done.args} ended with {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
        return done

    def get(self, *words: str) -> dict[str, Any]:
        """What is there, as ``kubectl get`` has it: ``get("httproute", "api", "-n", "shop")``."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *words, "-o", "json", "--show-managed-fields").stdout)
        return found

    def said(self, path: str) -> str:
        """What the server answers to an administrator who asks for this path; nothing where it does not."""
        return said(f"{self.address}{path}", self.authority.context(self.admin))

    def apply(self, *documents: Document, manager: str = MANAGER) -> None:
        """Apply documents on the server's side, under this field manager."""
        self.kubectl("apply", "--server-side", "--field-manager", manager, "-f", "-", stdin=_listed(documents))

    def status(self, *documents: Document, manager: str = "controller") -> None:
        """Apply the status of documents, as the controller of their kind would."""
        self.kubectl(
            *("apply", "--server-side", "--force-conflicts", "--subresource", "status", "--field-manager", manager, "-f", "-"),
            stdin=_listed(documents),
        )

    def namespace(self, name: str) -> str:
        """Make a namespace: its name."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        return name

    def user(self, name: str, *groups: str) -> Path:
        """The kubeconfig of a user who may do what roles bound to the name or the groups allow: nothing else."""
        identity = self.authority.client(f"user-{name}", name, *groups)
        return self.authority.kubeconfig(self.folder / f"user-{name}.kubeconfig", self.address, identity)

    def service_account(self, namespace: str, name: str) -> Path:
        """Make a service account: its kubeconfig, with a token that is good for an hour. It may do what its roles allow."""
        self.apply({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": namespace}})
        token = self.kubectl("create", "token", name, "-n", namespace, "--duration", "1h").stdout.strip()
        return self.authority.kubeconfig(self.folder / f"account-{namespace}-{name}.kubeconfig", self.address, token)

    def away(self) -> AbstractContextManager[None]:
        """Within the context the API server refuses connections; it knows everything again after it."""
        return self.server.away()

    def frozen(self) -> AbstractContextManager[None]:
        """Within the context the API server takes connections, and answers none."""
        return self.server.frozen()


def missing() -> str | None:
    """Why there can be no API server here; None where there can, though its programs may have to be built."""
    absent = [each for each in ("openssl", "setpriv") if shutil.which(each) is None]
    return f"needs {', '.join(absent)}" if absent else None


@contextmanager
def kube_api(
    *, controllers: bool = False, host: str = "127.0.0.1", services: str = SERVICES, within: Path | None = None
) -> Iterator[Api]:
    """An API server within the context; after it nothing is left of it.

    Args:
        controllers: whether Deployments make pods, namespaces get their service accounts, what has no owner goes.
        host: the address it listens on.
        services: addresses that Services are given.
        within: the folder that its own is made in; None for that of temporary files.

    Raises:
        RuntimeError: a part of it cannot be had or does not start; says which, and what it said.
        TimeoutError: a part of it does not serve.
    """
    programs = binaries()
    with ExitStack() as held:
        folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="cf-kube-", dir=within, ignore_cleanup_errors=True)))
        client, peer, port = free_ports(3)
        authority = Authority(folder / "pki")
        admin = authority.client("admin", "kubernetes-admin", "system:masters")
        address = f"https://{host}:{port}"
        kubeconfig = authority.kubeconfig(folder / "admin.kubeconfig", address, admin)
        etcd = _etcd(programs, folder, client, peer)
        words = [
            *_listening(authority, host, port, services),
            *_trust(authority),
            *_behaviour(client, services, controllers=controllers),
        ]
        context = authority.context(admin)
        ready = f"{address}/readyz"
        server = Daemon(
            [str(programs / "kube-apiserver"), *words], folder / "apiserver.log", lambda: said(ready, context) == "ok"
        )
        held.enter_context(running(etcd, server))
        api = Api(address, kubeconfig, folder, programs, authority, admin, server)
        _gateway_kinds(api)
        if controllers:
            held.enter_context(_controllers(api))
        yield api


def _etcd(programs: Path, folder: Path, client: int, peer: int) -> Daemon:
    reached, peers = f"http://127.0.0.1:{client}", f"http://127.0.0.1:{peer}"
    words = {
        "name": "test",
        "data-dir": str(folder / "etcd"),
        "listen-client-urls": reached,
        "advertise-client-urls": reached,
        "listen-peer-urls": peers,
        "initial-advertise-peer-urls": peers,
        "initial-cluster": f"test={peers}",
    }
    # What it keeps need not outlive the machine.
    flags = [*_flags(words), "--unsafe-no-fsync"]
    return Daemon([str(programs / "etcd"), *flags], folder / "etcd.log", lambda: '"health":"true"' in said(f"{reached}/health"))


def _listening(authority: Authority, host: str, port: int, services: str) -> list[str]:
    # Pods find it at the first address that Services are given.
    found = {host, "127.0.0.1", str(IPv4Network(services)[1])}
    names = [*(f"DNS:{each}" for each in _NAMES), *(f"IP:{each}" for each in sorted(found))]
    own = authority.server("apiserver", "kube-apiserver", names)
    return _flags(
        {
            "bind-address": host,
            "advertise-address": host,
            "secure-port": str(port),
            "tls-cert-file": str(own.certificate),
            "tls-private-key-file": str(own.key),
            "cert-dir": str(authority.folder),
        }
    )


def _trust(authority: Authority) -> list[str]:
    tokens = authority.keys("service-accounts")
    kubelets = authority.client("kubelet-client", "kube-apiserver-kubelet-client", "system:masters")
    return _flags(
        {
            "client-ca-file": str(authority.own.certificate),
            "authorization-mode": "Node,RBAC",
            "service-account-key-file": str(tokens.certificate),
            "service-account-signing-key-file": str(tokens.key),
            "service-account-issuer": "https://kubernetes.default.svc.cluster.local",
            "kubelet-client-certificate": str(kubelets.certificate),
            "kubelet-client-key": str(kubelets.key),
            "kubelet-certificate-authority": str(authority.own.certificate),
            "kubelet-preferred-address-types": "InternalIP",
        }
    )


def _behaviour(etcd: int, services: str, *, controllers: bool) -> list[str]:
    words = {
        "etcd-servers": f"http://127.0.0.1:{etcd}",
        "service-cluster-ip-range": services,
        "enable-admission-plugins": "NodeRestriction",
        "allow-privileged": "true",
    }
    if not controllers:
        # Nobody makes the service accounts that pods would be refused without, and there is no endpoint to keep.
        words |= {"disable-admission-plugins": "ServiceAccount", "endpoint-reconciler-type": "none"}
    return _flags(words)


@contextmanager
def _controllers(api: Api) -> Iterator[None]:
    identity = api.authority.client("controller-manager", "system:kube-controller-manager")
    kubeconfig = api.authority.kubeconfig(api.folder / "controller-manager.kubeconfig", api.address, identity)
    pki, own = api.authority.folder, api.authority.own
    words = {
        "kubeconfig": str(kubeconfig),
        "secure-port": "0",
        "leader-elect": "false",
        "use-service-account-credentials": "true",
        "service-account-private-key-file": str(pki / "service-accounts.key"),
        "root-ca-file": str(own.certificate),
        "cluster-signing-cert-file": str(own.certificate),
        "cluster-signing-key-file": str(own.key),
        "allocate-node-cidrs": "false",
    }
    # They serve when they have done their first work.
    made = "/api/v1/namespaces/default/serviceaccounts/default"
    manager = Daemon(
        [str(api.binaries / "kube-controller-manager"), *_flags(words)],
        api.folder / "controller-manager.log",
        lambda: api.said(made) != "",
    )
    with running(manager):
        yield


def _gateway_kinds(api: Api) -> None:
    kinds = sorted((api.binaries / "crds").glob("*_*.yaml"))
    files = [word for each in kinds for word in ("-f", str(each))]
    api.kubectl("apply", "--server-side", *files)
    served = ("--for", "condition=Established", "crd", "--all", "--timeout", "30s")
    api.kubectl("wait", *served)


def _flags(words: Mapping[str, str]) -> list[str]:
    return [f"--{key}={value}" for key, value in words.items()]


def _listed(documents: Sequence[Document]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": [*documents]})


def main() -> None:
    """Have one until a signal ends it, and print where its kubeconfig is."""
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, lambda *_: sys.exit())
    with kube_api(controllers="--controllers" in sys.argv[1:]) as api:
        sys.stdout.write(f"export KUBECONFIG={shlex.quote(str(api.kubeconfig))}\n")
        sys.stdout.flush()
        signal.pause()


if __name__ == "__main__":
    main()
