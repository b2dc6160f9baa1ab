"""Meters of every kind, for the suite that all of them pass."""

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from machine import free_port

from infra.contract import Backend
from smoke.meters import METERS, meter
from smoke.seams import Meter
from tests.smoke.meters.proxy_harness import Proxy
from tests.smoke.meters.rude import Rude
from tests.smoke.routers.envoy_harness import binary, wait_for
from tests.smoke.routers.upstream import Upstream


@pytest.fixture(scope="session")
def proxy() -> Iterator[Proxy]:
    """A proxy that serves; tests leave it alive.

    ``api`` and ``api-two`` have upstreams that answer, ``rude`` has some that need not, ``down`` has none at all.
    """
    if binary() is None:
        pytest.skip("needs the proxy: install the extra 'local'")
    # Bound and not listened at: nobody else gets the port, and who connects is refused.
    with Upstream("v-blue") as blue, Upstream("v-green") as green, Rude() as rude, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        served = {"blue": blue.port, "green": green.port}
        services = {
            "api": served,
            "api-two": served,
            "rude": dict.fromkeys(served, rude.port),
            "down": dict.fromkeys(served, nobody.getsockname()[1]),
        }
        with Proxy(services) as made:
            yield made


@pytest.fixture
def mortal() -> Iterator[Proxy]:
    """A proxy of the test's own, before one service, ``rude``."""
    if binary() is None:
        pytest.skip("needs the proxy: install the extra 'local'")
    with Rude() as rude, Proxy({"rude": {"blue": rude.port, "green": rude.port}}) as made:
        yield made


@pytest.fixture
def late() -> Iterator[tuple[Proxy, int]]:
    """A proxy before one service, ``late``, that nobody listens for; and the port to listen at."""
    if binary() is None:
        pytest.skip("needs the proxy: install the extra 'local'")
    port = free_port()
    with Proxy({"late": {"blue": port, "green": port}}) as made:
        yield made, port


@dataclass(frozen=True, slots=True)
class Subject:
    """A meter of some kind, and traffic for it to count. Slot ``green`` never has any."""

    meter: Meter
    good: Callable[[], object]
    """One request to blue is answered well before this returns."""
    bad: Callable[[], object]
    """One is answered with 500."""


def _scripted() -> Subject:
    counts = [(0, 0, 0), (1, 0, 1), (2, 0, 2), (3, 1, 2), (4, 2, 4), (5, 2, 5), (6, 2, 6)]
    samples = [
        {"blue": {"requests": requests, "errors": errors, "latency": [[5, measured // 2], [float("inf"), measured]]}}
        for requests, errors, measured in counts
    ]
    return Subject(meter(Backend("scripted", {"samples": samples})), lambda: None, lambda: None)


def _envoy(request: pytest.FixtureRequest) -> Subject:
    proxy: Proxy = request.getfixturevalue("proxy")
    made = meter(proxy.meter_of("api-two"))
    proxy.send("api-two")
    wait_for(lambda: bool(made.read().slots["blue"].latency))
    return Subject(made, lambda: proxy.send("api-two"), lambda: proxy.send("api-two", "/500"))


@pytest.fixture(params=[pytest.param(kind, marks=pytest.mark.processes if kind == "envoy" else ()) for kind in METERS])
def subject(request: pytest.FixtureRequest) -> Subject:
    """A meter of each kind in the table."""
    return {"scripted": _scripted, "envoy": lambda: _envoy(request)}[request.param]()
