"""What a gateway may answer instead of counts: each is refused, in its own words."""

import socket
from collections.abc import Iterator
from contextlib import closing

import pytest
from fuzz_meters import HEAD, Teller

from infra.contract import Json
from smoke.errors import MeterError, UsageError
from smoke.meters import meter
from tests.smoke.meters.expositions import IDLE, LATENCY, OPEN, REQUESTS, TEXT, Gateway, backend, histogram, requests

BLUE = 'service="api-blue@file"'
FIVE = requests({("api-blue@file", "200"): 5})


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """One that says whatever a test wants."""
    with Gateway() as made:
        yield made


def refused(gateway: Gateway, **others: Json) -> str:
    """What is said of a gateway that gives no counts."""
    with pytest.raises(MeterError) as caught:
        meter(gateway.backend(**others)).read()
    assert caught.value.cause
    return caught.value.what


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("NaN", "NaN, and no number from 0 on"),
        ("+Inf", "+Inf, and no number from 0 on"),
        ("-1", "-1, and no number from 0 on"),
        ("1_0", "1_0, and no number from 0 on"),
        ("\u0661", "\u0661, and no number from 0 on"),
        ("0x10", "0x10, and no number from 0 on"),
        ("1e999", "1e999, and no number from 0 on"),
        ("0.5", "0.5, and not a whole number of things"),
        ("9223372036854775808", "9.223372036854776e+18, and not a whole number of things"),
    ],
)
def test_what_cannot_be_counted_is_refused(gateway: Gateway, value: str, told: str) -> None:
    """What is no number of things is never taken for one, nor for zero."""
    gateway.say(requests({("api-blue@file", "200"): value}))
    assert refused(gateway, latency=None) == f"{REQUESTS} is {told}"


@pytest.mark.parametrize(
    ("status", "kind", "body", "told"),
    [
        (500, "text/plain", "oh no", "the server is in trouble: status 500: oh no"),
        (404, "text/plain", "404 page not found", "there is no such page: status 404: 404 page not found"),
        (302, "text/html", "", "there is no such page: status 302: "),
        (200, "text/html", "<html>", "the answer is text/html, and no exposition"),
        (200, "application/json", "{}", "the answer is application/json, and no exposition"),
        (200, "application/vnd.google.protobuf", "", "the answer is application/vnd.google.protobuf, and no exposition"),
        (200, TEXT, "<html>\n", "the answer is no exposition: <html>"),
        (200, TEXT, "", "the exposition is empty"),
        (200, TEXT, f"{FIVE}{REQUESTS}{{{BLUE}}} 1", "the exposition is cut off: its last line has no end"),
        (200, OPEN, FIVE, "the exposition is cut off: it does not end with # EOF"),
        (200, TEXT, f"{REQUESTS}\n", f"a line is none of an exposition: {REQUESTS}"),
        (200, TEXT, f"{REQUESTS}{{{BLUE}}}\n", f"a line is none of an exposition: {REQUESTS}{{{BLUE}}}"),
        (200, TEXT, f"{REQUESTS}{{{BLUE} 5\n", f"a line is none of an exposition: {REQUESTS}{{{BLUE} 5"),
        (200, TEXT, f"{REQUESTS} 5 now\n", f"a line is none of an exposition: {REQUESTS} 5 now"),
        (200, TEXT, f'{REQUESTS}{{a="1",a="2"}} 5\n', 'labels are not name="value", once each: a="1",a="2"'),
        (200, TEXT, f"{REQUESTS}{{a=1}} 5\n", 'labels are not name="value", once each: a=1'),
        (200, TEXT, 2 * FIVE, f"{REQUESTS} is there twice with the same labels"),
        (200, TEXT, FIVE.replace("counter", "gauge"), f"{REQUESTS} is a gauge, and no counter"),
    ],
)
def test_answers_are_told_apart(gateway: Gateway, status: int, kind: str, body: str, told: str) -> None:
    """What is no exposition, a part of one, or one that cannot be right, each has its own words."""
    gateway.say(body, kind, status)
    assert refused(gateway, latency=None) == told


@pytest.mark.parametrize(
    ("below", "told"),
    [
        ({"0.1": 5}, f"a histogram of {LATENCY}_bucket has no bucket for +Inf: a part of it is missing"),
        ({"0.1": 5, "+Inf": 4}, f"a histogram of {LATENCY}_bucket has fewer below a higher edge"),
        ({"0.1": 5, "0.10": 5, "+Inf": 5}, f"{LATENCY}_bucket is there twice with the same labels"),
        ({"soon": 5, "+Inf": 5}, f"a bucket of {LATENCY}_bucket has no edge: le is 'soon'"),
        ({"0.1": "0.5", "+Inf": 5}, f"{LATENCY}_bucket is 0.5, and not a whole number of things"),
    ],
    ids=str,
)
def test_histograms_are_whole(gateway: Gateway, below: dict[str, object], told: str) -> None:
    """A histogram that lacks a part, or whose counts do not ascend, is refused."""
    gateway.say(FIVE + histogram(BLUE, below))
    assert refused(gateway) == told


def test_histograms_of_different_edges(gateway: Gateway) -> None:
    """Of two histograms with different edges one lacks a part, and what is declared as something else is none."""
    two = histogram(BLUE, {"0.1": 5, "+Inf": 5}) + histogram(f'{BLUE},code="500"', {"+Inf": 5})
    gateway.say(FIVE + two)
    assert refused(gateway) == f"{LATENCY}_bucket has not the same edges everywhere: a part of it is missing"
    gateway.say(f"# TYPE {LATENCY} summary\n{FIVE}{two}")
    assert refused(gateway) == f"{LATENCY} is a summary, and no histogram"


def test_one_series_is_of_one_slot(gateway: Gateway) -> None:
    """A series that two slots have in common would be counted twice, and is refused."""
    gateway.say(FIVE)
    slots = {"blue": {"service": "api-blue@file"}, "green": {"service": "api-.+"}}
    assert refused(gateway, latency=None, slots=slots) == "one series is of several slots: blue, green"


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (b"content-length: 900\r\n\r\n", "the answer is cut off, or none of HTTP: "),
        (b"transfer-encoding: chunked\r\n\r\nfff\r\n", "the answer is cut off, or none of HTTP: "),
        (b"content-encoding: gzip\r\n\r\n\x1f\x8b\x08", "the answer is no text"),
        (b"\r\n\xff\xfe", "the answer is no text"),
        (b"\r\n" + b"a" * (16 * 2**20 + 1), "the answer has more than 16777216 bytes"),
    ],
    ids=["length", "chunk", "packed", "bytes", "size"],
)
def test_bodies_that_are_none(more: bytes, told: str) -> None:
    """A body that ends too soon, is no text or has no end is refused, whatever of it could be read."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:
        teller.data = HEAD + b"content-type: text/plain\r\n" + more + FIVE.encode()
        with pytest.raises(MeterError) as caught:
            meter(backend(teller.address[1], latency=None)).read()
    assert caught.value.what.startswith(told)


def test_who_does_not_answer() -> None:
    """Where nobody listens that is told with the address, and who takes connections and says nothing ends a read at its limit."""
    with Gateway() as gone:
        pass
    with pytest.raises(MeterError, match="no answer: ") as caught:
        meter(gone.backend()).read()
    assert caught.value.cause == f"http://127.0.0.1:{gone.port}/metrics"
    with socket.create_server(("127.0.0.1", 0)) as silent, pytest.raises(MeterError, match="no answer in time"):
        meter(backend(silent.getsockname()[1], timeout=0.2)).read()
    with pytest.raises(MeterError, match="no answer: "):
        meter(backend(url="gateway/metrics")).read()


def test_many_series_take_less_than_a_tick(gateway: Gateway) -> None:
    """Thousands of series of others are passed over: our own are found among them, whole."""
    services = ["api-blue@file", *(f"other-{number}@file" for number in range(600))]
    text = "".join(
        histogram(f'service="{each}",code="200"', dict.fromkeys(("0.1", "0.3", "1.2", "5", "+Inf"), 7)) for each in services
    )
    gateway.say(IDLE + text + requests({(each, "200"): 7 for each in services}))
    found = meter(gateway.backend()).read().slots
    assert {slot: (each.requests, each.latency[-1][1]) for slot, each in found.items()} == {"blue": (7, 7)}


@pytest.mark.parametrize(
    ("others", "named"),
    [
        ({"url": None}, "url"),
        ({"url": []}, "url"),
        ({"url": ["http://a", "http://a"]}, "url"),
        ({"requests": "a b"}, "requests"),
        ({"slots": {}}, "slots"),
        ({"slots": {"blue": {}}}, "slots"),
        ({"slots": {"blue": {"a-b": "c"}}}, "slots"),
        ({"bad": {"code": "5("}}, "bad"),
        ({"bad": {"code": 500}}, "bad"),
        ({"latency": ""}, "latency"),
        ({"latency_in": "hours"}, "latency_in"),
        ({"timeout": 0}, "timeout"),
        ({"max_age": True}, "max_age"),
        ({"colour": "red"}, "colour"),
    ],
    ids=str,
)
def test_settings_are_checked(others: dict[str, Json], named: str) -> None:
    """A setting that is missing, unknown or of the wrong kind is a usage error that names it."""
    with pytest.raises(UsageError, match=f"meter prometheus-text: {named} is missing, unknown or of the wrong kind"):
        meter(backend(1, **others))
