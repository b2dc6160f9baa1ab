"""What holds for the numbers that Prometheus answers, whatever it answers; no Prometheus is started."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as some

from infra.contract import Json
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from smoke.meters.promql import value_in
from smoke.model import Counts
from tests.smoke.meters.prometheus import ALL, BAD, Pretended, backend, vector

PARTS = ["data", "result", "resultType", "value", "vector", "scalar", "warnings", "isPartial", "metric"]
JSON = some.recursive(
    some.none() | some.booleans() | some.integers() | some.floats() | some.just(10**400) | some.sampled_from(PARTS) | some.text(),
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(some.sampled_from(PARTS), inner, max_size=4),
)


@pytest.fixture
def server() -> Iterator[Pretended]:
    """A server whose two slots have something to say."""
    with Pretended() as made:
        made.publish("blue", bad=1, total=100)
        made.publish("green", bad=2, total=50)
        yield made


def refused(server: Pretended, **others: Json) -> MeterError:
    """What is said of a server that does not give numbers."""
    with pytest.raises(MeterError) as caught:
        meter(server.backend(**others)).read()
    return caught.value


def test_only_the_slot_is_put_in(server: Pretended) -> None:
    """``{slot}`` becomes the slot's name, and every other brace of the expression stays; bad ones are asked for first."""
    assert meter(server.backend()).read().slots == {"blue": Counts(100, 1), "green": Counts(50, 2)}
    assert server.asked == [each.replace("{slot}", slot) for slot in ("blue", "green") for each in (BAD, ALL)]
    assert server.asked[0] == 'sum(late_total{slot="blue"})'


def test_a_value_with_a_limit(server: Pretended) -> None:
    """With a limit one expression is the value, and each read is one observation."""
    server.series["age{blue}"] = "4.5", 0.0
    mine = meter(server.backend(bad=None, all=None, value="age{{slot}}", above=4, slots=["blue"]))
    assert [mine.read().slots["blue"] for _ in range(2)] == [Counts(1, 1), Counts(2, 2)]


def test_no_series_is_no_zero(server: Pretended) -> None:
    """Where there is no series nothing is known: the query is told, and how to say that it means zero."""
    del server.series[BAD.replace("{slot}", "green")]
    error = refused(server)
    assert (error.what, error.cause) == ("green: there is no series", 'sum(late_total{slot="green"})')
    assert error.hint == "where that means zero, say so in the query: ... or vector(0)"


def test_a_stale_sample_is_told_from_no_series(server: Pretended) -> None:
    """A sample that is older than may be counts for nothing, and is told apart from one that never was."""
    server.publish("green", bad=2, total=50, age=100)
    assert refused(server).what == "green: stale: the newest sample is older than 60 s"
    assert meter(server.backend(max_age=120)).read().slots["green"] == Counts(50, 2)


def test_an_answer_from_long_ago_is_stale(server: Pretended) -> None:
    """An answer that somebody has kept says itself when it was so, and counts for nothing either."""
    server.said = 200, vector([{"metric": {}, "value": [time.time() - 61, "3"]}])
    assert refused(server).what == "blue: stale: the newest sample is older than 60 s"


@pytest.mark.parametrize("value", ["NaN", "+Inf", "-Inf", "-1", "0.5"])
def test_what_cannot_be_counted_is_refused(server: Pretended, value: str) -> None:
    """What a division by nothing gives, and what an extrapolation gives, is no number of things."""
    server.publish("blue", bad=value, total=100)
    assert refused(server).what.startswith("blue: bad is ")


@pytest.mark.parametrize(
    ("more", "told"),
    [({"warnings": ["store 10.0.0.7 is gone"]}, "['store 10.0.0.7 is gone']"), ({"isPartial": True}, "isPartial")],
)
def test_a_part_of_an_answer_is_refused(server: Pretended, more: dict[str, Json], told: str) -> None:
    """An answer that others had no part in, though they should, is refused with the warning: sums of it are too small."""
    server.said = 200, vector([{"metric": {}, "value": [time.time(), "3"]}], **more)
    assert refused(server).what == f"blue: a part of the answer may be missing: {told}"


def test_remarks_do_no_harm(server: Pretended) -> None:
    """What Prometheus remarks on a query beside its answer is no warning."""
    server.said = 200, vector([{"metric": {}, "value": [time.time(), "3"]}], infos=["metric might not be a counter"], warnings=[])
    assert meter(server.backend()).read().slots["blue"] == Counts(3, 3)


def test_several_series_are_refused(server: Pretended) -> None:
    """Of several series none is taken for the one."""
    server.said = 200, vector([{"metric": {"pod": pod}, "value": [time.time(), "3"]} for pod in "ab"])
    error = refused(server)
    assert (error.what, error.hint) == ("blue: there are 2 series: one is wanted", "add them up: sum(...)")


def test_a_scalar_is_a_number(server: Pretended) -> None:
    """A scalar is as good as a series without labels."""
    server.said = 200, json.dumps({"status": "success", "data": {"resultType": "scalar", "result": [time.time(), "3"]}}).encode()
    assert meter(server.backend()).read().slots["blue"] == Counts(3, 3)


@pytest.mark.parametrize(
    ("kind", "result"),
    [
        ("vector", [{"metric": {}, "histogram": [1, {"count": "3"}]}]),
        ("vector", [{"metric": {}, "value": [1]}]),
        ("vector", [{"metric": {}, "value": [1, None]}]),
        ("vector", None),
        ("matrix", [{"metric": {}, "values": [[1, "3"]]}]),
        ("matrix", []),
        ("string", [1, "3"]),
        ("scalar", [1, "three"]),
    ],
)
def test_other_results_are_refused(server: Pretended, kind: str, result: Json) -> None:
    """Histograms, matrices and texts are no number, and are told."""
    server.said = 200, json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()
    assert refused(server).what == "blue: the answer is no number"


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (
            400,
            b'{"status": "error", "errorType": "bad_data", "error": "1:5: parse error"}',
            "the query was refused: bad_data: 1:5: parse error",
        ),
        (503, b'{"status": "error", "errorType": "timeout", "error": "too slow"}', "the query was refused: timeout: too slow"),
        (200, b'{"status": "error", "errorType": "x", "error": "y", "data": {}}', "the query was refused: x: y"),
        (502, b"<html>", "the answer is no JSON"),
        (200, b"", "the answer is no JSON"),
        (200, b"\xff", "the answer is no JSON"),
        (200, b"[" * 100_000, "the answer is no JSON"),
        (404, b"{}", "the answer is none of Prometheus"),
        (500, vector([]), "the answer is none of Prometheus"),
        (200, b'"success"', "the answer is none of Prometheus"),
        (200, b'{"status": "fine"}', "the answer is none of Prometheus"),
        (302, vector([]), "the answer is none of Prometheus"),
    ],
    ids=lambda value: str(value)[:20],
)
def test_errors_are_told_apart(server: Pretended, status: int, body: bytes, told: str) -> None:
    """What the server refuses, what another server answers, and what is no JSON, each has its own words."""
    server.said = status, body
    assert refused(server).what == f"blue: {told}"


def test_nobody_answers() -> None:
    """Where nobody listens, that is told with the address."""
    with Pretended() as server:
        gone = server.backend()
    with pytest.raises(MeterError, match="blue: no answer: ") as caught:
        meter(gone).read()
    assert caught.value.cause == f"http://127.0.0.1:{server.port}/api/v1/query"


def test_a_server_that_hangs() -> None:
    """A server that takes connections and says nothing ends a read at its limit."""
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MeterError, match="blue: no answer in time"):
        meter(backend(silent.getsockname()[1], timeout=0.2)).read()


@given(
    some.fixed_dictionaries({"data": JSON})
    | some.fixed_dictionaries({"data": some.fixed_dictionaries({"resultType": some.just("vector"), "result": JSON})})
)
def test_any_json_is_a_number_or_refused(document: dict[str, Json]) -> None:
    """Whatever a server may answer, it is a number, nothing, or the one error."""
    with suppress(MeterError):
        found = value_in(document, "q")
        assert found is None or isinstance(found.number, float)


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"bad": None}, "bad"),
        ({"value": "x"}, "value"),
        ({"above": 5, "value": "x"}, "all, bad"),
        ({"above": 5, "bad": None, "all": None}, "value"),
        ({"url": ""}, "url"),
        ({"max_age": "2m"}, "max_age"),
    ],
    ids=str,
)
def test_settings_are_checked(others: dict[str, Json], named: str) -> None:
    """A setting that is missing, unknown or of the wrong kind is a usage error that names it."""
    with pytest.raises(UsageError, match=f"meter promql: {named} is missing, unknown or of the wrong kind"):
        meter(backend(1, **others))
