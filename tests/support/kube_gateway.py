"""Traefik as the gateway of a cluster of the tests' own: on this machine, watching the cluster by its kubeconfig."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from kube_api import Api
from kube_daemons import Daemon, running, said
from machine import free_port, wait_for

CLASS, NAME = "traefik", "main"
CONTROLLER = "traefik.io/gateway-controller"
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Seconds: the upper edges of its latency histogram, unless a test says others."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """A running gateway: its listeners are the entry points, by their names."""

    namespace: str
    name: str
    """Of the Gateway, in that namespace: what a route names as its parent."""
    urls: Mapping[str, str]
    """By entry point: ``http://127.0.0.1:port``."""
    metrics: str
    """Where it exposes its metrics for Prometheus."""
    daemon: Daemon
    """Traefik itself, for tests that kill or freeze it."""


def missing() -> str | None:
    """Why there can be no gateway here; None where there can."""
    return None if shutil.which("traefik") else "needs Traefik, from the dependency group kubernetes: make test-kubernetes"


@contextmanager
def gateway(
    api: Api,
    entry_points: Sequence[str] = ("web",),
    *,
    namespace: str = "gateways",
    buckets: Sequence[float] = BUCKETS,
    throttle: str = "50ms",
) -> Iterator[Gateway]:
    """A gateway within the context, on free ports of loopback, for routes of all namespaces. Its objects stay in the cluster.

    Args:
        api: of the cluster. Where no node runs, a route is accepted as well, and serves nobody.
        entry_points: names of its listeners.
        namespace: of the Gateway; is made.
        buckets: upper edges of its latency histogram, in seconds.
        throttle: how long it gathers changes before it serves them, as Go writes durations.

    Raises:
        RuntimeError: it does not start, or is none here; says why.
        TimeoutError: the cluster's Gateway is not accepted.
    """
    program = shutil.which("traefik")
    if program is None:
        raise RuntimeError(str(missing()))
    ports = {each: free_port() for each in entry_points}
    metrics = f"http://127.0.0.1:{free_port()}"
    _declare(api, namespace, ports)
    addresses = {**{each: f"127.0.0.1:{port}" for each, port in ports.items()}, "metrics": metrics.removeprefix("http://")}
    words = [
        program,
        *(f"--entrypoints.{each}.address={address}" for each, address in addresses.items()),
        "--providers.kubernetesgateway=true",
        "--providers.kubernetesgateway.statusaddress.ip=127.0.0.1",
        f"--providers.providersthrottleduration={throttle}",
        "--ping=true",
        "--ping.entrypoint=metrics",
        "--metrics.prometheus=true",
        "--metrics.prometheus.entrypoint=metrics",
        f"--metrics.prometheus.buckets={','.join(map(str, buckets))}",
        "--global.checknewversion=false",
        "--global.sendanonymoususage=false",
    ]
    with tempfile.TemporaryDirectory(prefix="cf-gateway-") as folder:
        log = Path(folder) / "traefik.log"
        traefik = Daemon(words, log, lambda: said(f"{metrics}/ping") == "OK", environment=api.environment)
        with running(traefik):
            wait_for(lambda: _accepted(api, namespace), f"the gateway is accepted: see {log}", limit=30, pause=0.1)
            urls = {each: f"http://127.0.0.1:{port}" for each, port in ports.items()}
            yield Gateway(namespace, NAME, urls, f"{metrics}/metrics", traefik)


def _declare(api: Api, namespace: str, ports: Mapping[str, int]) -> None:
    kind = {"apiVersion": "gateway.networking.k8s.io/v1"}
    listeners = [
        {"name": each, "port": port, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": "All"}}}
        for each, port in ports.items()
    ]
    api.namespace(namespace)
    api.apply(
        {**kind, "kind": "GatewayClass", "metadata": {"name": CLASS}, "spec": {"controllerName": CONTROLLER}},
        {
            **kind,
            "kind": "Gateway",
            "metadata": {"name": NAME, "namespace": namespace},
            "spec": {"gatewayClassName": CLASS, "listeners": listeners},
        },
    )


def _accepted(api: Api, namespace: str) -> bool:
    found = api.get("gateway", NAME, "-n", namespace)
    held = {each["type"]: each for each in found.get("status", {}).get("conditions", [])}
    programmed = held.get("Programmed", {})
    return bool(programmed.get("status") == "True" and programmed.get("observedGeneration") == found["metadata"]["generation"])
