"""What holds for the weights of a route that a real gateway, Traefik, serves: its backends are servers of this machine."""

import http.client
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import kube_gateway
import pytest
from kube_api import Api
from machine import wait_for

from smoke.cluster import ROUTE
from tests.smoke.routers.gateway_harness import LIMIT, PULUMI, Shop, reached, read, refused, shares
from tests.smoke.routers.gateway_routes import NAME, route


@dataclass(frozen=True)
class Served:
    """A shop whose route is served."""

    shop: Shop
    gateway: kube_gateway.Gateway

    def ask(self, count: int = 1) -> list[tuple[int, str]]:
        """Status and body of so many requests, one after the other."""
        connection = http.client.HTTPConnection(self.gateway.urls["web"].removeprefix("http://"), timeout=LIMIT)
        found = []
        for _ in range(count):
            connection.request("GET", "/", headers={"host": f"{self.shop.namespace}.example"})
            answer = connection.getresponse()
            found.append((answer.status, answer.read().decode()))
        connection.close()
        return found


@pytest.fixture(scope="module")
def gateway(kube_api: Api) -> Iterator[kube_gateway.Gateway]:
    """A gateway of this module's own, which has nobody's node to serve."""
    if (reason := kube_gateway.missing()) is not None:
        pytest.skip(reason)
    with kube_gateway.gateway(kube_api, namespace="fronts") as running:
        yield running


@pytest.fixture
def served(kube_api: Api, gateway: kube_gateway.Gateway, namespace: str) -> Iterator[Served]:
    """Two Services that answer with the names of their slots, and a route as Pulumi makes it, all on blue."""
    with ExitStack() as held:
        held.enter_context(reached(kube_api))
        shop = Shop(kube_api, namespace)
        for slot in ("blue", "green"):
            kube_api.apply(*_service(namespace, f"api-{slot}", *held.enter_context(_answering(slot))))
        document = route(namespace=namespace, hostnames=[f"{namespace}.example"])
        document["spec"]["parentRefs"] = [{"name": gateway.name, "namespace": gateway.namespace}]
        kube_api.apply(document, manager=PULUMI)
        made = Served(shop, gateway)
        wait_for(lambda: made.ask() == [(200, "blue")], "the route is served", limit=LIMIT)
        yield made


def test_moves_live_traffic(served: Served) -> None:
    """What a write returns from is served a moment later, in these shares, and no request fails meanwhile."""
    own = served.shop.router()
    for blue in (75, 0, 100):
        own.write(shares(blue))
        assert own.read() == shares(blue)
        wanted = sorted([(200, "blue")] * blue + [(200, "green")] * (100 - blue))
        seen: set[tuple[int, str]] = set()
        wait_for(lambda wanted=wanted, seen=seen: _noted(served.ask(100), seen) == wanted, "these are the shares", limit=LIMIT)
        assert {status for status, _ in seen} == {200}


def test_a_backend_that_is_not_there_is_told_in_its_words(served: Served) -> None:
    """A Service that is missing is no quiet loss of its share: the write says what the gateway does."""
    served.shop.kubectl("delete", "service", "api-green")
    error = refused(lambda: served.shop.router().write(shares(50)))
    assert error.what == f"route api: {shares(50)} is written, and not accepted"
    assert "gateway main says that ResolvedRefs is False: BackendNotFound" in str(error.cause)


def test_a_gateway_that_is_killed(served: Served) -> None:
    """With the gateway's controller gone nothing is confirmed, and what was written is served once it is back."""
    own = served.shop.router()
    own.write(shares(90))
    with served.gateway.daemon.away():
        error = refused(lambda: served.shop.router(timeout=0.5).write(shares(0)))
        assert error.what == f"route api: {shares(0)} is written, not confirmed"
        generation = served.shop.cluster.get(ROUTE, NAME)["metadata"]["generation"]
        assert f"gateway main has not said Accepted of generation {generation}" in str(error.cause)
        assert refused(own.read).cause == error.cause
    wait_for(lambda: read(own) == shares(0), "it is accepted", limit=LIMIT)
    wait_for(lambda: served.ask() == [(200, "green")], "it is served", limit=LIMIT)


def _noted(answers: list[tuple[int, str]], seen: set[tuple[int, str]]) -> list[tuple[int, str]]:
    """The answers in order, once they are among what was seen."""
    seen |= set(answers)
    return sorted(answers)


@contextmanager
def _answering(word: str) -> Iterator[tuple[str, int]]:
    """Address and port of a server that answers with the word. Not of loopback: the API server takes no such endpoint."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # an answer in one piece: the second one would wait for what the first is acknowledged with

        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(word)))
            self.end_headers()
            self.wfile.write(word.encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("192.0.2.1", 9))  # sends nothing: which address of this machine would be used
        address: str = asking.getsockname()[0]
    server = ThreadingHTTPServer((address, 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield address, server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def _service(namespace: str, name: str, address: str, port: int) -> list[dict[str, Any]]:
    """A Service that leads to that address."""
    metadata = {"name": name, "namespace": namespace}
    labels = {"kubernetes.io/service-name": name}
    return [
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": metadata,
            "spec": {"ports": [{"name": "http", "port": 80, "targetPort": port}]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": port}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
    ]
