"""What holds for the local proxy's meter whatever its admin answers; no proxy is started."""

import json
import math
from contextlib import suppress

import pytest
from envoy_said import DETAILED
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Backend
from smoke.admin import Unanswered
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.meters.envoy import Losses, Tally, grid_in, on_grid, tallies_in
from tests.smoke.meters.admin import Admin

FOREIGN = [
    "",
    "OK",
    "<html>",
    "cluster.api--blue.upstream_rq_2xx: many",
    "cluster.api--blue.upstream_rq_2xx: ",
    "cluster.api--blue.upstream_rq_2xx: -1",
    "cluster.api-two--blue.upstream_rq_2xx: 1",
    "cluster.api--two--blue.upstream_rq_2xx: 1",
    "vhost.api.route.api--blue.upstream_rq_time:",
    "vhost.api.route.api-two--blue.upstream_rq_2xx: 1",
    "vhost.api.vcluster.api--blue.upstream_rq_2xx: 1",
    "  totals=0,0:1",
    "  summary=P0(0,0)",
    "cluster.api--blue.upstream_rq_time:\n  totals=0,0",
    "cluster.api--blue.upstream_rq_time:\n  totals=e,0:1",
    "cluster.api--blue.upstream_rq_time:\n  totals=0,0:1,,",
    "cluster.api--blue.upstream_rq_2xx: " + 5000 * "1",
]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.just(10**400) | some.text(max_size=5),
    lambda inner: (
        some.lists(inner, max_size=3)
        | some.dictionaries(some.sampled_from(["stats", "histograms", "buckets", "upper_bound"]), inner)
    ),
)
COUNTERS = some.fixed_dictionaries(
    {name: some.integers(0, 50) for name in ("rq_502", "cx_protocol_error", "cx_destroy_remote_with_active_rq")}
)
TIMES = some.lists(some.tuples(some.floats(0, 1e6), some.integers(0, 1000)), max_size=10)


def _http(body: str, status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\ncontent-length: {len(body)}\r\n\r\n{body}".encode()


def test_reads_what_the_proxy_says() -> None:
    """Counters go to their slots, those by name apart, and each bin of the histogram to the edge that all of it was below."""
    times = [(1.0, 1), (6.0, 2), (100.0, 3), (110.0, 1), (1.3e6, 4)]
    expected = {
        "blue": Tally({"cx_protocol_error": 3, "rq_101": 1, "rq_2xx": 7}, times, {"rq_2xx": 4}),
        "a-b": Tally({"rq_503": 2}, named={"rq_503": 1}),
    }
    assert tallies_in(DETAILED, "api--") == expected


@pytest.mark.parametrize("text", FOREIGN[1:], ids=lambda text: text[:60])
def test_what_is_not_counters_is_refused(text: str) -> None:
    """A line that is not a counter of this service is refused: half of the truth would be a wrong number."""
    with pytest.raises(Unanswered):
        tallies_in(text, "api--")


@given(some.text() | some.lists(some.sampled_from([*FOREIGN[:-1], *DETAILED.splitlines()]), max_size=8).map("\n".join))
def test_any_text_is_taken_or_refused(text: str) -> None:
    """Whatever the admin may say, the parser ends in its one error or in numbers that are not below zero."""
    with suppress(Unanswered):
        for tally in tallies_in(text, "api--").values():
            counts = [*tally.counters.values(), *tally.named.values(), *(count for _, count in tally.times)]
            assert all(count >= 0 for count in counts)


@given(JSON)
def test_any_json_has_edges_or_is_refused(document: object) -> None:
    """Whatever JSON the admin may say, it has edges that ascend, or is refused."""
    with suppress(Unanswered):
        edges = list(grid_in(json.dumps(document)))
        assert edges == sorted(set(edges))
        assert all(math.isfinite(edge) for edge in edges)


@given(TIMES, some.lists(some.floats(0, 1e6), min_size=1, max_size=10, unique=True).map(sorted))
def test_latency_is_cumulative_and_loses_nobody(times: list[tuple[float, int]], edges: list[float]) -> None:
    """At each edge the count is that of the answers surely not above it; at the infinite one it is all of them."""
    expected = [(edge, sum(count for below, count in times if below <= edge)) for edge in [*edges, math.inf]]
    assert list(on_grid(times, edges)) == expected


@given(some.lists(COUNTERS, min_size=1))
def test_losses_never_go_down(growth: list[dict[str, int]]) -> None:
    """However the proxy's counters grow, what was lost never goes down, is at least the 502s, and at most both together."""
    losses, counters = Losses(), dict.fromkeys(growth[0], 0)
    for more in growth:
        counters = {name: count + more[name] for name, count in counters.items()}
        before, losses = losses.total, losses.after(counters)
        assert before <= losses.total
    assert counters["rq_502"] <= losses.total <= counters["rq_502"] + counters["cx_protocol_error"]


def test_losses_begin_anew_with_the_proxy() -> None:
    """Counters that went down are those of another proxy: what was lost is what it says."""
    assert Losses().after({"rq_502": 5, "rq_2xx": 9}).after({"rq_502": 1, "rq_2xx": 2}).total == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\xff\xfe",
        b"HTTP/1.1 200 OK",
        _http("")[:-6] + b"9\r\n\r\nshort",
        _http("no such path", "404 Not Found"),
        *(_http(text) for text in FOREIGN),
    ],
    ids=lambda answer: repr(answer[:60]),
)
def test_garbage_is_a_meter_error(answer: bytes) -> None:
    """An admin that answers what is no HTTP, no 200, or not what was asked for, makes a read raise its one error."""
    with Admin(answer) as admin, pytest.raises(MeterError, match="api: the proxy does not say what it counted"):
        meter(Backend("envoy", {"service": "api", "admin": str(admin.path)})).read()


def test_an_admin_that_hangs_is_a_meter_error() -> None:
    """An admin that does not answer in time makes a read raise, and say how long it waited."""
    with Admin(b"", hangs=True) as admin, pytest.raises(MeterError) as caught:
        meter(Backend("envoy", {"service": "api", "admin": str(admin.path), "timeout": 0.05})).read()
    assert caught.value.cause == f"no answer from {admin.path} within 0.05 s"


def test_nobody_is_asked_for_nothing() -> None:
    """Without a proxy a read raises, and says where it asked."""
    with pytest.raises(MeterError) as caught:
        meter(Backend("envoy", {"service": "api", "admin": "/nowhere/admin.sock"})).read()
    assert caught.value.cause == "/nowhere/admin.sock: No such file or directory"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"service": "api"}, "admin"),
        ({"service": 1, "admin": "a"}, "service"),
        ({"service": "api", "admin": "a", "timeout": "2"}, "timeout"),
        ({"service": "api", "admin": "a", "timeout": False}, "timeout"),
        ({"admin": None, "file": "a"}, "admin, file, service"),
    ],
    ids=str,
)
def test_settings_are_checked(settings: dict[str, object], named: str) -> None:
    """A setting that is missing, unknown or of the wrong kind is a usage error that names it and what there is."""
    with pytest.raises(UsageError) as caught:
        meter(Backend("envoy", settings))
    assert caught.value.what == f"meter envoy: {named} is missing, unknown or of the wrong kind"
    assert caught.value.hint == "it has: service, admin (texts), timeout (seconds)"
