"""What is counted of the numbers that gateways show as text; no gateway is started."""

import re
import time
from collections.abc import Iterator
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.targets.kubernetes.metering import envoy, traefik
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.meters.cumulative import Part, Running, Series, Shown
from smoke.meters.prometheus_text import Settings
from smoke.model import Counts
from smoke.seams import Meter
from tests.smoke.meters.expositions import IDLE, LATENCY, OPEN, REQUESTS, Gateway, backend, histogram, requests
from tests.smoke.meters.proxy_harness import Proxy

HISTORY = some.lists(some.tuples(some.booleans(), some.lists(some.integers(0, 50), min_size=3, max_size=3)), max_size=12)
GRID = (100.0, 300.0, 1200.0, 5000.0, inf)


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """One that served both slots."""
    with Gateway() as made:
        made.count("blue", "200", 90)
        made.count("blue", "404", 6)
        made.count("blue", "503", 4)
        made.count("green", "200", 50)
        yield made


def counted(subject: Meter, slot: str = "blue") -> tuple[int, int]:
    """``(requests, errors)``, with a latency for each."""
    found = subject.read().slots[slot]
    assert found.latency == tuple((edge, found.requests) for edge in GRID)
    return found.requests, found.errors


def test_series_of_a_slot_are_added_up(gateway: Gateway) -> None:
    """Series are of the slot whose expressions their labels match whole, bad ones are errors, and edges are milliseconds."""
    gateway.counts["api-blue@file-2", "500"] = gateway.counts["not-api-blue@file", "500"] = 1000
    before = time.monotonic()
    sample = meter(gateway.backend()).read()

    latency = [tuple((edge, number) for edge in GRID) for number in (100, 50)]
    assert sample.slots == {"blue": Counts(100, 4, latency[0]), "green": Counts(50, 0, latency[1])}
    assert before <= sample.at <= time.monotonic()


def test_latency_is_left_out_where_it_is_not_wanted(gateway: Gateway) -> None:
    """Without a histogram's name there is no latency, and milliseconds stay what they are where the edges are in them."""
    assert meter(gateway.backend(latency=None)).read().slots["blue"] == Counts(100, 4)
    edges = [edge for edge, _ in meter(gateway.backend(latency_in="milliseconds")).read().slots["blue"].latency]
    assert edges == [0.1, 0.3, 1.2, 5.0, inf]


def test_no_request_has_more_latencies_than_one(gateway: Gateway) -> None:
    """A latency that is shown before its request waits for it."""
    service = "api-blue@file"
    gateway.say(requests({(service, "200"): 9}) + histogram(f'service="{service}"', {"0.1": 8, "1": 10, "+Inf": 11}))
    assert meter(gateway.backend()).read().slots["blue"] == Counts(9, 0, ((100.0, 8), (1000.0, 9), (inf, 9)))


def test_a_slot_that_nobody_asked_is_absent(gateway: Gateway) -> None:
    """A slot without series is not counted, and begins at zero when they come."""
    gateway.counts = {("api-blue@file", "200"): 3}
    mine = meter(gateway.backend())
    assert list(mine.read().slots) == ["blue"]
    gateway.count("green", "500", 2)
    assert counted(mine, "green") == (2, 2)


def test_a_name_that_is_not_there(gateway: Gateway) -> None:
    """Without any counter of that name, and without anything else of that program, there are no counts: each is told."""
    gateway.say(IDLE)
    with pytest.raises(MeterError) as caught:
        meter(gateway.backend()).read()
    assert (caught.value.what, caught.value.cause) == (f"there is no {REQUESTS}", f"http://127.0.0.1:{gateway.port}/metrics")
    assert caught.value.hint is not None
    assert "one request will do" in caught.value.hint
    gateway.say("go_goroutines 5\n")
    with pytest.raises(MeterError, match=f"there is no {REQUESTS}, nor anything else of traefik"):
        meter(gateway.backend()).read()
    gateway.say(requests({("api-blue@file", "200"): 1}))
    with pytest.raises(MeterError, match=f"there is no {LATENCY}_bucket, though there is {REQUESTS}"):
        meter(gateway.backend()).read()


def test_a_name_that_was_there_may_be_gone(gateway: Gateway) -> None:
    """A gateway that shows nothing since it was started again counted nothing yet; its name is known to be right."""
    mine = meter(gateway.backend())
    assert counted(mine) == (100, 4)
    gateway.restart()
    assert counted(mine) == (100, 4)
    gateway.count("blue", "500", 2)
    assert counted(mine) == (102, 6)


def test_a_counter_that_went_down_began_anew(gateway: Gateway) -> None:
    """Where one went down, all of its life began anew, also those that are higher by now; other lives did not."""
    mine = meter(gateway.backend())
    assert (counted(mine), counted(mine, "green")) == ((100, 4), (50, 0))
    gateway.counts = {("api-blue@file", "200"): 7, ("api-blue@file", "503"): 5, ("api-green@file", "200"): 51}
    assert (counted(mine), counted(mine, "green")) == ((112, 9), (51, 0))
    gateway.count("blue", "503")
    assert counted(mine) == (113, 10)


def test_each_service_of_a_slot_has_its_own_life(gateway: Gateway) -> None:
    """Where a slot is several services, one that began anew takes no other with it."""
    gateway.counts = {("api-blue-a@file", "200"): 9, ("api-blue-b@file", "200"): 30}
    mine = meter(gateway.backend(slots={"blue": {"service": "api-blue-.@file"}}))
    assert counted(mine) == (39, 0)
    gateway.counts = {("api-blue-a@file", "200"): 2, ("api-blue-b@file", "200"): 31}
    assert counted(mine) == (42, 0)


def test_a_restart_that_is_told(gateway: Gateway) -> None:
    """A process that was started since is new, however much it counted; a start that is computed a second off is the same."""
    gateway.started = time.time() - 1000
    mine = meter(gateway.backend())
    assert counted(mine) == (100, 4)
    gateway.started += 1
    assert counted(mine) == (100, 4)
    gateway.started = time.time()
    gateway.count("blue", "200", 100)
    assert counted(mine) == (300, 8)


def test_series_that_vanish_and_come_back(gateway: Gateway) -> None:
    """What is not shown for a while is not lost, and not counted again when it comes back, as it was or anew."""
    mine = meter(gateway.backend())
    assert counted(mine) == (100, 4)
    before = dict(gateway.counts)
    gateway.counts = {("api-green@file", "200"): 50}
    assert counted(mine) == (100, 4)
    gateway.counts = before
    assert counted(mine) == (100, 4)
    gateway.counts = {("api-green@file", "200"): 50}
    assert counted(mine) == (100, 4)
    gateway.count("blue", "200", 3)
    assert counted(mine) == (103, 4)


def test_several_processes_at_one_address(gateway: Gateway) -> None:
    """Another process that was there already is no restart: nothing is counted of it, and it is told what to do."""
    gateway.started = time.time() - 1000
    mine = meter(gateway.backend())
    assert counted(mine) == (100, 4)
    gateway.started = time.time() - 500
    gateway.counts = {key: 10 * number for key, number in gateway.counts.items()}
    with pytest.raises(MeterError, match="another process answers than before, and is no restart of it") as caught:
        mine.read()
    assert caught.value.hint is not None
    assert "each replica" in caught.value.hint
    assert counted(mine) == (100, 4)
    gateway.count("blue", "200")
    assert counted(mine) == (101, 4)


def test_replicas_are_added_up(gateway: Gateway) -> None:
    """Each replica has its own beginning; one that nobody asked yet has nothing to add."""
    with Gateway() as other, Gateway() as idle:
        other.count("blue", "200", 10)
        mine = meter(backend(gateway.port, other.port, idle.port))
        assert counted(mine) == (110, 4)
        other.counts[("api-blue@file", "200")] = 3
        gateway.count("blue", "500")
        assert counted(mine) == (114, 5)


def test_half_a_count_is_none(gateway: Gateway) -> None:
    """Where one replica does not answer there are no counts, and none is lost or there twice when it does again."""
    with Gateway() as other:
        other.count("blue", "200", 10)
        mine = meter(backend(gateway.port, other.port))
        assert counted(mine) == (110, 4)
        other.say("gone", status=503)
        gateway.count("blue", "500")
        with pytest.raises(MeterError, match="the server is in trouble: status 503: gone") as caught:
            mine.read()
        assert caught.value.cause == f"http://127.0.0.1:{other.port}/metrics"
        other.said = None
        assert counted(mine) == (111, 5)


def test_replicas_measure_alike(gateway: Gateway) -> None:
    """Latencies in different buckets cannot be added up, and are refused; of one gateway they begin anew."""
    with Gateway(edges=("0.1", "+Inf")) as other:
        other.count("blue", "200", 10)
        with pytest.raises(MeterError, match=f"the replicas have different buckets of {LATENCY}_bucket"):
            meter(backend(gateway.port, other.port)).read()
        mine = meter(gateway.backend())
        assert counted(mine) == (100, 4)
        gateway.say(other.text())
        assert mine.read().slots["blue"] == Counts(110, 4, ((100.0, 10), (inf, 10)))


def test_open_metrics(gateway: Gateway) -> None:
    """OpenMetrics is read as well: times in seconds, exemplars, a counter's family without its ending, and the end."""
    family, now = REQUESTS.removesuffix("_total"), time.time()
    lines = [
        f"# TYPE {family} counter",
        f'{REQUESTS}{{service="api-blue@file",code="200"}} 7.0 {now} # {{trace_id="a b"}} 1.0',
        f'{REQUESTS}{{service="api-blue@file",code="500"}} 2 # {{trace_id="}} 5"}} 1.0 {now}',
        f'{family}_created{{service="api-blue@file",code="200"}} {now}',
        "# EOF",
    ]
    gateway.say("\n".join(lines) + "\n", OPEN)
    assert meter(gateway.backend(latency=None)).read().slots == {"blue": Counts(9, 2)}


def test_labels_are_read_as_they_are_written(gateway: Gateway) -> None:
    """Blanks, a comma at the end, another order, and quotes, braces and line ends in a value: it is the same series."""
    mine = meter(gateway.backend(latency=None, slots={"blue": {"service": re.escape('}a "b"\nc\\,')}}))
    value = r'service="}a \"b\"\nc\\,"'
    gateway.say(f'{REQUESTS}{{code="200",{value}}} 5\n')
    assert mine.read().slots == {"blue": Counts(5, 0)}
    gateway.say(f'{REQUESTS}{{ {value} , code = "200" , }}\t 1.2e+01 \n')
    assert mine.read().slots == {"blue": Counts(12, 0)}


def test_times_of_numbers(gateway: Gateway) -> None:
    """A number that is older than may be counts for nothing; those of others may be as old as they like."""
    line = f'{REQUESTS}{{service="api-%s@file"}} 5 %d\n'
    now = round(time.time() * 1000)
    gateway.say(line % ("red", 0) + line % ("blue", now - 50_000))
    mine = meter(gateway.backend(latency=None))
    assert mine.read().slots == {"blue": Counts(5, 0)}
    gateway.say(line % ("blue", now - 61_000))
    with pytest.raises(MeterError, match=f"stale: {REQUESTS} is older than 60 s"):
        mine.read()
    assert meter(gateway.backend(latency=None, max_age=600)).read().slots == {"blue": Counts(5, 0)}


@given(HISTORY)
def test_counts_never_go_down(history: list[tuple[bool, list[int]]]) -> None:
    """Whatever began anew, totals never go down, and are never more than what was really counted."""
    running, shown, real = Running(), [0, 0, 0], 0
    for at, (anew, more) in enumerate(history):
        shown = more if anew else [before + each for before, each in zip(shown, more, strict=True)]
        real += sum(more)
        counts = {Series(Part("blue", bad=place > 1), ("a",), (("code", str(place)),)): each for place, each in enumerate(shown)}
        before, running = sum(running.totals.values()), running.after(Shown(float(at), counts))
        assert before <= sum(running.totals.values()) <= real


def test_traefik_by_its_own_names() -> None:
    """Series of a Service behind our route are of its slot; those of another route, namespace or Service of none."""
    given = traefik(["http://a/metrics"], "shop", "api", {"blue": "api-blue", "green": "api-green"})
    expression = Settings.of(given).slots["blue"]["service"]
    ours = "httproute-shop-api-gw-edge-public-ep-web-0-svc-shop-{}-0@kubernetesgateway"
    assert expression.fullmatch(ours.format("api-blue"))
    others = [ours.format("api-green"), ours.format("api-blue-2"), ours.format("api-blue").replace("shop-api-gw", "shop-web-gw")]
    assert not any(expression.fullmatch(each) for each in others)


def test_who_came_by_name_is_told_apart(gateway: Gateway) -> None:
    """Requests of rules for browsers that are kept count as their slot's, and as named ones: the weights did not send them."""
    series = "httproute-shop-api-gw-edge-public-ep-web-{}-25fed2dcf1d920790412-svc-shop-api-{}-0@kubernetesgateway"
    given = traefik([], "shop", "api", {"blue": "api-blue", "green": "api-green"}, (1, 2))
    shown = {(0, "blue", "200"): 7, (1, "blue", "200"): 20, (2, "blue", "500"): 3, (1, "green", "200"): 5}
    named = {name: each for name, each in given.items() if name not in {"url", "latency"}}
    gateway.say(requests({(series.format(place, slot), code): count for (place, slot, code), count in shown.items()}))
    found = meter(gateway.backend(latency=None, **named)).read().slots
    assert found == {"blue": Counts(30, 3, named=23), "green": Counts(5, 0, named=5)}


@pytest.mark.processes
def test_envoy_by_its_own_names(proxy: Proxy, gateway: Gateway) -> None:
    """What a real Envoy shows in this format is counted as it is: codes, and latency whose edges are milliseconds."""
    given = envoy([f"http://127.0.0.1:{gateway.port}/"], "shop", "api", (0,), {"blue": 0, "green": 1})
    slots = {slot: {"envoy_cluster_name": f"api--{slot}"} for slot in ("blue", "green")}
    mine, reference = (meter(each) for each in (backend(**{**given, "slots": slots}), proxy.meter_of("api")))
    for path in ("/", "/500", "/"):
        proxy.send("api", path)
    gateway.say(proxy.ask("/stats/prometheus"))
    reference.read()  # makes the proxy gather what it measured
    gateway.say(proxy.ask("/stats/prometheus"))
    found, wanted = mine.read().slots["blue"], reference.read().slots["blue"]
    assert (found.requests, found.errors) == (wanted.requests, wanted.errors)
    assert found.latency[-1] == (inf, found.requests)
    assert 333.0 in {edge for edge, _ in found.latency}
