"""Meters of every kind, for the suite that all of them pass."""

import json
import socket
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
from asked_for import needs
from machine import free_port

from infra.contract import Backend
from smoke.meters import METERS, meter
from smoke.seams import Meter
from tests.smoke.meters import cloudwatch_harness
from tests.smoke.meters.expositions import Gateway
from tests.smoke.meters.prometheus import FILLS, LATE, NEEDED, PROMETHEUS, Exporter, Pretended, Prometheus
from tests.smoke.meters.proxy_harness import Proxy
from tests.smoke.meters.rude import Rude
from tests.smoke.routers.envoy_harness import binary, wait_for
from tests.smoke.routers.upstream import Upstream

SLOTS = ["blue", "green"]


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
    latency: bool = True
    """Whether it measures that at all."""
    now: Callable[[], float] = time.monotonic
    """The time that passes for it."""
    late: float = 0.0
    """Seconds that a sample is old, at most, when it is read."""


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


@pytest.fixture(scope="session")
def prometheus() -> Iterator[tuple[Prometheus, Exporter]]:
    """A real Prometheus, and what it scrapes; tests leave both alive."""
    if PROMETHEUS is None:
        pytest.skip(NEEDED)
    with Exporter() as exporter, Prometheus(exporter.port) as made:
        exporter.publish(nothing=float("nan"), **{f'{name}{{slot="{slot}"}}': 0 for name in (FILLS, LATE) for slot in SLOTS})
        wait_for(lambda: made.has(f"count({FILLS})", len(SLOTS)), limit=60)
        yield made, exporter


@pytest.fixture(scope="session")
def counts_of_balancers(request: pytest.FixtureRequest) -> Iterator[cloudwatch_harness.Place]:
    """A service that answers as CloudWatch does."""
    needs(request, "aws", "starts a service of its own: make test-aws")
    pytest.importorskip("moto")
    with cloudwatch_harness.opened() as made:
        yield made


def _cloudwatch(request: pytest.FixtureRequest) -> Subject:
    watched = request.getfixturevalue("counts_of_balancers").watched()
    good, bad = ((cloudwatch_harness.ALL, *others) for others in ((), (cloudwatch_harness.BAD,)))
    made = {"latency": False, "now": watched.clock.now, "late": cloudwatch_harness.LAG + 60}
    return Subject(watched.meter(), lambda: watched.served(*good), lambda: watched.served(*bad), **made)


def _counted(backend: Backend, write: Callable[[int, int], object]) -> Subject:
    """A meter of what ``write`` was told, as ``(bad, all)`` of blue."""
    so_far = [0, 0]

    def count(bad: int) -> None:
        so_far[:] = [so_far[0] + bad, so_far[1] + 1]
        write(*so_far)

    return Subject(meter(backend), lambda: count(0), lambda: count(1), latency=False)


def _command(folder: Path) -> Subject:
    def write(slot: str, bad: int, total: int) -> None:
        (folder / f"{slot}.json").write_text(json.dumps({"bad": bad, "all": total}))

    for slot in SLOTS:
        write(slot, 0, 0)
    settings = {"slots": SLOTS, "timeout": 20.0, "run": ["cat", "{slot}.json"], "folder": str(folder)}
    return _counted(Backend("command", settings), lambda bad, total: write("blue", bad, total))


def _sql(folder: Path) -> Subject:
    database = folder / "orders.db"

    def run(statement: str, *values: object) -> None:
        with closing(sqlite3.connect(database)) as connection, connection:
            connection.execute(statement, values)

    run("create table orders (slot text, rejected integer)")
    query = "select sum(rejected), count(*) from orders where slot = :slot"
    settings = {"slots": SLOTS, "timeout": 20.0, "database": str(database), "query": query}
    order = "insert into orders values ('blue', ?)"
    return Subject(meter(Backend("sql", settings)), lambda: run(order, 0), lambda: run(order, 1), latency=False)


def _promql(request: pytest.FixtureRequest) -> Subject:
    server = Pretended()
    request.addfinalizer(server.__enter__().__exit__)
    for slot in SLOTS:
        server.publish(slot, bad=0, total=0)
    return _counted(server.backend(), lambda bad, total: server.publish("blue", bad=bad, total=total))


def _prometheus_text(request: pytest.FixtureRequest) -> Subject:
    gateway = Gateway()
    request.addfinalizer(gateway.__enter__().__exit__)
    gateway.count("blue", "200")
    return Subject(meter(gateway.backend()), lambda: gateway.count("blue", "200"), lambda: gateway.count("blue", "503"))


def _prometheus(request: pytest.FixtureRequest) -> Subject:
    server, exporter = request.getfixturevalue("prometheus")
    names = {"bad": f'{LATE}{{slot="blue"}}', "all": f'{FILLS}{{slot="blue"}}'}

    def count(*figures: str) -> None:
        exporter.add(*(names[each] for each in figures))
        wait_for(lambda: all(server.has(names[each], exporter.published[names[each]]) for each in figures))

    return Subject(meter(server.backend()), lambda: count("all"), lambda: count("bad", "all"), latency=False)


REAL = {"envoy", "command", "prometheus"}
MARKS = {**dict.fromkeys(REAL, pytest.mark.processes), "cloudwatch": pytest.mark.aws}


@pytest.fixture(params=[pytest.param(kind, marks=MARKS.get(kind, ())) for kind in [*METERS, "prometheus"]])
def subject(request: pytest.FixtureRequest, tmp_path: Path) -> Subject:
    """A meter of each kind in the table; Prometheus' once before one that is pretended, once before a real one."""
    made = {
        "cloudwatch": lambda: _cloudwatch(request),
        "command": lambda: _command(tmp_path),
        "envoy": lambda: _envoy(request),
        "prometheus": lambda: _prometheus(request),
        "prometheus-text": lambda: _prometheus_text(request),
        "promql": lambda: _promql(request),
        "scripted": _scripted,
        "sql": lambda: _sql(tmp_path),
    }
    return made[request.param]()
