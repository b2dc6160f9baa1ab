"""What holds for the weights of a route that a real gateway, Traefik, serves: its backends are servers of this machine."""

import http.client
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import kube_gateway
import pytest
from kube_api import Api
from machine import wait_for

from infra.contract import Backend
from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.metering import traefik
from infra.targets.kubernetes.routing import ROUTES, Way
from smoke.cluster import ROUTE
from smoke.meters import meter
from tests.infra.kubernetes.registered import api_with, settings_of
from tests.smoke.routers.gateway_harness import LIMIT, PULUMI, Shop, reached, read, refused, shares
from tests.smoke.routers.gateway_routes import KEPT, NAME, route

PORT = 8080
"""Of the Services of a route that a stack declares."""


@dataclass(frozen=True)
class Served:
    """A shop whose route is served."""

    shop: Shop
    gateway: kube_gateway.Gateway

    def ask(self, count: int = 1) -> list[tuple[int, str]]:
        """Status and body of so many requests, one after the other."""
        return [(status, body) for status, body, _ in self.visit(count)]

    def visit(self, count: int = 1, cookie: str | None = None) -> list[tuple[int, str, str | None]]:
        """The same with the cookie that was set; of a browser that has one, or has none."""
        connection = http.client.HTTPConnection(self.gateway.urls["web"].removeprefix("http://"), timeout=LIMIT)
        found = []
        for _ in range(count):
            own = {} if cookie is None else {"cookie": f"theme=dark; {cookie}"}
            connection.request("GET", "/", headers={"host": f"{self.shop.namespace}.example", **own})
            answer = connection.getresponse()
            told = [each.partition(";")[0] for each in answer.headers.get_all("set-cookie") or ()]
            found.append((answer.status, answer.read().decode(), ", ".join(told) or None))
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
    document = route(namespace=namespace, hostnames=[f"{namespace}.example"])
    document["spec"]["parentRefs"] = [{"name": gateway.name, "namespace": gateway.namespace}]
    with _serving(kube_api, gateway, document) as made:
        yield made


@pytest.fixture
def sticky(kube_api: Api, gateway: kube_gateway.Gateway, namespace: str) -> Iterator[Served]:
    """The same, with the route that a sticky service has."""
    settings = settings_of(api_with(kind="sticky-http", port=PORT, hosts=[f"{namespace}.example"])).services["api"]
    layout = Layout("staging", namespace, None, f"{gateway.namespace}/{gateway.name}")
    version, kind = ROUTES
    declared = Way(layout, NAME, settings, "blue", told=False).route()
    with _serving(kube_api, gateway, {"apiVersion": version, "kind": kind, **declared}) as made:
        yield made


@contextmanager
def _serving(api: Api, gateway: kube_gateway.Gateway, document: Mapping[str, Any]) -> Iterator[Served]:
    namespace = document["metadata"]["namespace"]
    with ExitStack() as held:
        held.enter_context(reached(api))
        shop = Shop(api, namespace)
        for slot in ("blue", "green"):
            api.apply(*_service(namespace, f"api-{slot}", *held.enter_context(_answering(slot))))
        api.apply(document, manager=PULUMI)
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


def test_browsers_are_kept_on_their_slot(sticky: Served) -> None:
    """New ones are split by the weights and told their slot; who was told one stays, until it is given up, and is told then."""
    own = sticky.shop.router(kept=KEPT)
    blue, green = ("crossfade-api=blue", "crossfade-api=green")
    own.write(shares(75))
    new = [(200, "blue", blue)] * 75 + [(200, "green", green)] * 25
    wait_for(lambda: sorted(sticky.visit(100)) == new, "new ones are split", limit=LIMIT)
    assert set(sticky.visit(50, blue)) == {(200, "blue", None)}
    assert set(sticky.visit(50, green)) == {(200, "green", None)}
    own.write(shares(0), {"blue"})
    wait_for(lambda: set(sticky.visit(10)) == {(200, "green", green)}, "new ones go to green", limit=LIMIT)
    assert set(sticky.visit(50, blue)) == {(200, "blue", None)}
    own.write(shares(0))
    wait_for(lambda: set(sticky.visit(10, blue)) == {(200, "green", green)}, "whoever was on blue is on green", limit=LIMIT)
    own.write(shares(100))
    wait_for(lambda: set(sticky.visit(10, green)) == {(200, "blue", blue)}, "whoever was on green is on blue", limit=LIMIT)
    assert own.read() == shares(100)


def test_who_is_kept_is_counted_apart(sticky: Served) -> None:
    """The gateway's own counters tell who came by the weights from who was kept, so that the split can be judged."""
    own = sticky.shop.router(kept=KEPT)
    own.write(shares(50))
    wait_for(lambda: {body for _, body in sticky.ask(10)} == {"blue", "green"}, "new ones are split", limit=LIMIT)
    settings = traefik([sticky.gateway.metrics], sticky.shop.namespace, NAME, {slot: f"api-{slot}" for slot in KEPT}, (1, 2))
    mine = meter(Backend("prometheus-text", settings))
    before = mine.read().slots
    sticky.visit(30)
    sticky.visit(40, "crossfade-api=green")
    after = mine.read().slots
    assert {slot: after[slot].requests - before[slot].requests for slot in KEPT} == {"blue": 15, "green": 55}
    assert {slot: after[slot].named - before[slot].named for slot in KEPT} == {"blue": 0, "green": 40}


def test_no_split_where_nobody_would_be_kept(served: Served) -> None:
    """A route from before its service was sticky is not split, and says what to do; all on one slot is written."""
    own = served.shop.router(kept=KEPT)
    error = refused(lambda: own.write(shares(90)))
    assert "no rule crossfade-blue and crossfade-green keeps them" in str(error.cause)
    assert own.read() == shares(100)
    own.write(shares(0))
    assert own.read() == shares(0)


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
            "spec": {"ports": [{"name": f"http-{each}", "port": each, "targetPort": port} for each in (80, PORT)]},
        },
        {
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {**metadata, "labels": labels},
            "addressType": "IPv4",
            "ports": [{"name": f"http-{each}", "port": port} for each in (80, PORT)],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
    ]
