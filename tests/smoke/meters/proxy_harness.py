"""A real Envoy with the project's own documents: bootstrap, clusters, listeners, routes."""

import json
import re
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from machine import free_port

from infra.contract import Backend, route_document
from infra.contract.route import cluster
from infra.targets.local.home import Home
from infra.targets.local.proxy import Front, bootstrap, clusters, front_here, listeners
from smoke.model import Counts
from smoke.routers import router
from smoke.seams import Meter
from tests.smoke.routers.envoy_harness import Envoy

EDGE = 333.0
"""An objective's edge, in milliseconds; not one of the grid's own."""
WEBSOCKET = "connection: upgrade\r\nupgrade: websocket\r\n"


class Proxy(Envoy):
    """A proxy before the slots of several services; blue has all traffic of each at first."""

    def __init__(self, upstreams: Mapping[str, Mapping[str, int]]) -> None:
        """Take the ports of the upstreams by slot by service."""
        self._upstreams = upstreams
        self.ports: dict[str, int] = {}
        """By service, where its users come in."""
        first = next(iter(upstreams))
        super().__init__(upstreams[first], first)

    def meter_of(self, service: str) -> Backend:
        """The meter of a service, as the contract names it."""
        return Backend("envoy", {"service": service, "admin": str(self.admin)})

    def move(self, service: str, **weights: int) -> None:
        """Give the slots of a service these weights."""
        file = self.folder / "routes" / f"{service}.json"
        router(Backend("envoy", {"service": service, "file": str(file), "admin": str(self.admin)})).write(weights)

    def open(self, service: str, path: str, headers: str = "") -> socket.socket:
        """A connection that a request was sent on."""
        connection = socket.create_connection(("127.0.0.1", self.ports[service]), timeout=10)
        connection.sendall(f"GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}\r\n".encode())
        return connection

    def send(self, service: str, path: str = "/", headers: str = "") -> bytes:
        """Everything that comes back of one request until the connection ends."""
        received = b""
        with self.open(service, path, headers) as connection, suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
        return received

    def counter(self, name: str) -> int:
        """One of the proxy's own counters; 0 where there is none."""
        found = re.search(rf"^{re.escape(name)}: (\d+)$", self.ask("/stats"), re.MULTILINE)
        return int(found[1]) if found else 0

    def _serves(self) -> bool:
        for port in self.ports.values():
            try:
                socket.create_connection(("127.0.0.1", port), timeout=2).close()
            except OSError:
                return False
        return self.admin.exists()

    def _bootstrap(self, ports: Mapping[str, int]) -> dict[str, Any]:  # noqa: ARG002 - the harness's signature
        home = Home(self.folder)
        self.admin = home.admin
        self.ports = {service: free_port() for service in self._upstreams}
        self.port = self.ports[self.service]
        fronts = [front_here(service, port, "127.0.0.1") for service, port in self.ports.items()]
        for service in self._upstreams:
            document = route_document(service, {"blue": 100, "green": 0}, version="0")
            home.route(service).write_text(json.dumps(document))
        (self.folder / "envoy").mkdir()
        (self.folder / "envoy" / "clusters.json").write_text(json.dumps(self._clusters(fronts)))
        (self.folder / "envoy" / "listeners.json").write_text(json.dumps(listeners(home, fronts)))
        return dict(bootstrap(home, [EDGE]))

    def _clusters(self, fronts: list[Front]) -> Any:  # noqa: ANN401 - JSON
        """The project's clusters, with the ports that the upstreams have."""
        document = clusters(fronts)
        wanted = {cluster(service, slot): port for service, ports in self._upstreams.items() for slot, port in ports.items()}
        for each in document["resources"]:
            endpoint = each["load_assignment"]["endpoints"][0]["lb_endpoints"][0]["endpoint"]
            endpoint["address"]["socket_address"]["port_value"] = wanted[each["name"]]
        return document


class Watch:
    """What a meter counted for one slot since the watch began."""

    def __init__(self, meter: Meter, slot: str) -> None:
        self._meter = meter
        self._slot = slot
        self._meter.read()  # makes the proxy gather what it has
        self._before = self._read()

    def _read(self) -> Counts:
        return self._meter.read().slots.get(self._slot, Counts())

    def counted(self) -> tuple[int, int]:
        """``(requests, errors)``."""
        now = self._read()
        return now.requests - self._before.requests, now.errors - self._before.errors

    def measured(self) -> int:
        """Answers that have a latency."""
        return sum(self.buckets().values())

    def buckets(self) -> dict[float, int]:
        """Answers by the edge that they were first at or below; empty ones left out."""
        before = dict(self._before.latency)
        latency = [(edge, below - before.get(edge, 0)) for edge, below in self._read().latency]
        return {
            edge: below - lower for (edge, below), (_, lower) in zip(latency, [(0, 0), *latency], strict=False) if below != lower
        }
