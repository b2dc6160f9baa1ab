"""Who went to a slot by name is counted as that by the real proxy, and left out where traffic is compared with the weights."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from statistics import variance

import pytest
from weighed import PLAN, STEP

from infra.contract import Backend, route_document
from smoke.analysis import Evidence
from smoke.analysis.weighing import weigh
from smoke.meters import meter
from smoke.model import Finding, Look
from smoke.routers import router
from smoke.seams import Meter
from tests.smoke.meters.proxy_harness import WEBSOCKET, Proxy
from tests.smoke.meters.rude import SCRIPTS
from tests.smoke.routers.envoy_harness import Envoy
from tests.smoke.routers.upstream import Upstream
from tests.smoke.routers.visitors import Door, door, pair, session

pytestmark = pytest.mark.processes
HALF = {"blue": 50, "green": 50}
ALL_BLUE = {"blue": 100, "green": 0}
AT_ONCE = 6
"""Connections that a browser opens to one server."""


def _write(proxy: Proxy, service: str, weights: Mapping[str, int], keep: Collection[str] = (), *, sticky: bool = False) -> None:
    settings = {"service": service, "file": str(proxy.folder / "routes" / f"{service}.json"), "admin": str(proxy.admin)}
    router(Backend("envoy", {**settings, "sticky": sticky})).write(weights, keep)


@pytest.fixture
def api(proxy: Proxy) -> Iterator[Meter]:
    """The meter of ``api``, which keeps its sessions and has half of its weight on each slot."""
    _write(proxy, "api", HALF, sticky=True)
    yield meter(proxy.meter_of("api"))
    _write(proxy, "api", ALL_BLUE)


class Named:
    """What a meter counted since this was made, by slot."""

    def __init__(self, of: Meter) -> None:
        self._meter = of
        self._before = of.read().slots

    def counted(self, slot: str) -> tuple[int, int]:
        """``(requests, those among them that went by name)``."""
        old, new = self._before.get(slot), self._meter.read().slots[slot]
        return new.requests - (old.requests if old else 0), new.named - (old.named if old else 0)


@pytest.mark.parametrize(
    ("headers", "slot"),
    [
        ((pair("green"),), "green"),
        ((session("api", "green"),), "green"),
        ((pair("green"), session("api", "blue")), "green"),
        ((pair("red"), session("api", "blue")), "blue"),
    ],
    ids=["pair", "session", "both", "a pair that is none"],
)
def test_who_goes_by_name_is_counted_once(proxy: Proxy, api: Meter, headers: tuple[str, ...], slot: str) -> None:
    """A caller that names its slot, a browser, and one that is both, are each one request by name of the slot that answers."""
    seen = Named(api)
    with door(proxy.ports["api"]) as opened:
        assert {each.slot for each in opened.many([headers] * 5)} == {slot}

    assert seen.counted(slot) == (5, 5)


@pytest.mark.parametrize("headers", [(), (pair("red"),), (session("api", "red"),), (session("api-two", "green"),)], ids=str)
def test_who_names_no_slot_went_by_weight(proxy: Proxy, api: Meter, headers: tuple[str, ...]) -> None:
    """A request that names nothing that is reached, or another service's slot, is none by name."""
    seen = Named(api)
    with door(proxy.ports["api"]) as opened:
        slots = Counter(each.slot for each in opened.many([headers] * 60))

    assert {slot: seen.counted(slot) for slot in HALF} == {slot: (slots[slot], 0) for slot in HALF}


def test_nobody_from_outside_is_counted_as_a_pair(proxy: Proxy, api: Meter) -> None:
    """Whoever is not of this machine and asks for a slot goes by weight, and counts as that."""
    seen = Named(api)
    with door(proxy.ports["api"], "127.0.0.2") as opened:
        opened.many([(pair("green"), "x-envoy-internal: true")] * 60)

    assert [seen.counted(slot)[1] for slot in HALF] == [0, 0]
    assert sum(seen.counted(slot)[0] for slot in HALF) == 60


@pytest.mark.parametrize("path", [path for path in SCRIPTS if path not in {"/stuck", "/silent"}])
def test_however_it_ends_it_is_counted_alike(proxy: Proxy, path: str) -> None:
    """Whatever becomes of a request by name, it counts as one exactly where it counts as a request at all."""
    seen = Named(meter(proxy.meter_of("rude")))
    websocket = WEBSOCKET if path.startswith("/ws") else ""
    if path == "/ws":
        with proxy.open("rude", path, websocket + pair("blue") + "\r\n") as client:
            client.recv(1)
    else:
        proxy.send("rude", path, websocket + pair("blue") + "\r\n")

    assert seen.counted("blue") == (1, 1)


def test_who_finds_nobody_is_counted_too(proxy: Proxy) -> None:
    """A request by name that nobody answers is one error, and was by name, however often the proxy tried."""
    seen = Named(meter(proxy.meter_of("down")))
    for _ in range(3):
        proxy.send("down", headers=pair("blue") + "\r\n")

    assert seen.counted("blue") == (3, 3)


def test_names_that_come_and_go_are_no_burst(proxy: Proxy, api: Meter) -> None:
    """Whatever is written, also where a slot is named no more and then is again, only requests make the number move."""
    seen, sent = Named(api), 0
    with door(proxy.ports["api"]) as opened:
        for weights, keep in (
            (HALF, ()),
            (ALL_BLUE, ()),
            (ALL_BLUE, ("green",)),
            (ALL_BLUE, ()),
            ({"blue": 90, "green": 10}, ()),
        ):
            _write(proxy, "api", weights, keep, sticky=True)
            assert seen.counted("green") == (sent, sent)
            if weights["green"] or keep:
                opened.many([(pair("green"),), (session("api", "green"),)])
                sent += 2
            assert seen.counted("green") == (sent, sent)


def test_a_proxy_that_begins_anew_is_no_burst(mortal: Proxy) -> None:
    """After a restart requests by name count from zero as all others do."""
    mine = meter(mortal.meter_of("rude"))
    for _ in range(4):
        mortal.send("rude", "/ok", pair("blue") + "\r\n")
    assert (mine.read().slots["blue"].requests, mine.read().slots["blue"].named) == (4, 4)
    mortal.stop()
    mortal.start()
    assert mine.read().slots == {}
    mortal.send("rude", "/ok", pair("blue") + "\r\n")
    mortal.send("rude", "/ok")
    assert (mine.read().slots["blue"].requests, mine.read().slots["blue"].named) == (2, 1)


def test_a_document_of_the_version_before_names_nobody(proxy: Proxy) -> None:
    """Where routes have no counters of their own yet, nobody went by name; the weights, and all requests, are read."""
    del proxy  # skips where there is none
    document = route_document("prices", HALF, version="5")
    for route in document["resources"][0]["virtual_hosts"][0]["routes"]:
        route.pop("stat_prefix", None)
    with ExitStack() as stack:
        ports = {slot: stack.enter_context(Upstream(f"v-{slot}")).port for slot in HALF}
        old = stack.enter_context(Envoy(ports, route=document))
        stack.enter_context(door(old.port)).many([(pair("green"),)] * 5)
        counts = meter(old.meter).read().slots["green"]
        assert router(old.router).read() == HALF

    assert (counts.requests, counts.named) == (5, 0)


# The split


def _split(of: Meter, share: int, traffic: Door, requests: Sequence[Sequence[str]], *, heard: bool = True) -> Finding | None:
    """What is said of the split at that share after these requests; ``heard``: of those by name it is known that they are."""
    evidence = Evidence("blue", "green", PLAN, ("api",)).for_step(0)
    for at in (0.0, 3.0, 6.0):
        if at > 3.0:
            traffic.many(requests)
        sample = of.read()
        slots = {slot: each if heard else replace(each, named=0) for slot, each in sample.slots.items()}
        evidence = evidence.with_look(Look(at, (), {"api": replace(sample, at=at, slots=slots)}))
    return {each.gate: each for each in weigh(evidence, replace(STEP, share=share))}.get("split")


@pytest.mark.parametrize("name", [pair("blue"), session("api", "blue")])
def test_who_goes_by_name_does_not_distort_the_split(proxy: Proxy, api: Meter, name: str) -> None:
    """Where six requests in ten ask for blue, a split as it was set is none of our business; all counted alike, it would be."""
    requests = [(name,) if each % 10 < 6 else () for each in range(1500)]
    with door(proxy.ports["api"]) as opened:
        assert _split(api, 50, opened, requests) is None
        assert _split(api, 50, opened, requests, heard=False) is not None


@pytest.mark.parametrize("name", [pair("blue"), pair("green"), session("api", "green")])
def test_a_data_plane_that_does_not_follow_is_seen(proxy: Proxy, api: Meter, name: str) -> None:
    """Where the proxy gives green a fifth and half was set, that is a FAIL, whoever asks for blue or green by name meanwhile."""
    _write(proxy, "api", {"blue": 80, "green": 20}, sticky=True)
    with door(proxy.ports["api"]) as opened:
        found = _split(api, 50, opened, [(name,) if each % 10 < 6 else () for each in range(1500)])

    assert found is not None
    assert found.numbers["n"] + found.numbers["n_live"] == 600
    assert found.numbers["estimate"] == pytest.approx(0.2, abs=0.1)


def test_browsers_are_split_request_by_request(proxy: Proxy, api: Meter) -> None:
    """Six requests at once of a browser without a cookie are placed each for itself: the split is that of independent requests.

    Only they count for it; whatever the browser does afterwards, with the last cookie that it got, is by name.
    """
    seen, first, clumps = Named(api), Counter[str](), []
    with ExitStack() as stack:
        doors = [stack.enter_context(door(proxy.ports["api"])) for _ in range(AT_ONCE)]
        pool = stack.enter_context(ThreadPoolExecutor(AT_ONCE))
        for _ in range(300):
            slots = [each.slot for each in pool.map(Door.ask, doors)]
            doors[0].many([(session("api", slots[-1]),)] * 4)
            first.update(slots)
            clumps.append(slots.count("green"))

    weighted = {slot: requests - named for slot, (requests, named) in ((slot, seen.counted(slot)) for slot in HALF)}
    assert weighted == first
    # Of requests that stay together the variance would be six times that of independent ones.
    assert variance(clumps) < 1.6 * AT_ONCE * 0.25
    assert first["green"] / first.total() == pytest.approx(0.5, abs=0.08)
