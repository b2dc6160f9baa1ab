"""What holds for the api, on each runtime."""

import json
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from trading_harness import Process, Runtime, System, until

pytestmark = pytest.mark.processes

ORDER = {"symbol": "BTC-USD", "side": "buy", "quantity": 2}


@pytest.fixture
def api(system: System, own: Runtime) -> Process:
    """A running api without an exchange."""
    return system.serve("api", own.app)


def test_health_says_who_it_is(api: Process, own: Runtime) -> None:
    """Health is 200 on both spellings and names version, runtime, process, start, memory and feed."""
    for path in ("/health", "/health/"):
        answer = api.ask(path)
        words = answer.json
        assert answer.status == 200
        assert words["status"] == "pass"
        assert (words["version"], words["runtime"], words["pid"]) == (own.version, own.name, api.popen.pid)
        assert isinstance(words["started"], float)
        assert words["rss_mb"] > 1
        assert words["feed"] == "local"


@pytest.mark.parametrize("path", ["/health/", "/prices", "/prices/BTC-USD", "/prices/NONE", "/orders", "/orders/", "/nowhere"])
def test_every_answer_is_stamped(api: Process, own: Runtime, path: str) -> None:
    """Every answer, also 404, carries the version the interpreter really is, and none is a redirect."""
    answer = api.ask(path)
    assert answer.version == own.version
    assert answer.status in {200, 404}


def test_stream_is_stamped_and_has_no_gap(api: Process, own: Runtime) -> None:
    """The handshake and every message carry the version, and the sequence numbers have no gap."""
    with api.open("/ws/prices") as stream:
        assert stream.response is not None
        assert stream.response.headers["x-crossfade-version"] == own.version
        messages = [json.loads(stream.recv(10)) for _ in range(5)]
    first = messages[0]["seq"]
    assert [message["seq"] for message in messages] == list(range(first, first + 5))
    assert {message["version"] for message in messages} == {own.version}


def test_price_of_one_symbol(api: Process) -> None:
    """A known symbol has a price; an unknown one is 404."""
    assert api.ask("/prices/BTC-USD").json["price"] > 0
    assert api.ask("/prices/NONE").status == 404


def test_orders_round_trip(api: Process, own: Runtime) -> None:
    """A placed order is answered with its number and is the newest one read back."""
    placed = api.ask("/orders", ORDER)
    assert placed.status == 201
    assert placed.json["version"] == own.version
    assert api.ask("/orders").json[0] == placed.json


@pytest.mark.parametrize("wrong", [{"symbol": "NONE"}, {"side": "hold"}, {"quantity": 0}])
def test_senseless_orders_are_refused(api: Process, wrong: dict[str, object]) -> None:
    """An order that cannot be meant is refused and not written."""
    assert api.ask("/orders", {**ORDER, **wrong}).status in {404, 422}
    assert api.ask("/orders").json == []


def test_slots_share_the_orders(system: System, old: Runtime, new: Runtime) -> None:
    """Both slots on both runtimes write one ledger at the same time and lose no order."""
    slots = [
        system.serve("api", old.app, CROSSFADE_SLOT="blue"),
        system.serve("api", new.app, CROSSFADE_SLOT="green"),
    ]
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda number: slots[number % 2].ask("/orders", ORDER), range(100)))
    assert {answer.status for answer in answers} == {201}
    orders = slots[0].ask("/orders?limit=1000").json
    assert sorted(order["id"] for order in orders) == list(range(1, 101))
    assert {(order["slot"], order["version"]) for order in orders} == {("blue", old.version), ("green", new.version)}


def test_feed_is_lost_and_found(system: System, own: Runtime, exchange: Process, new: Runtime) -> None:
    """Without the exchange the api serves its own prices and stays healthy; it comes back by itself."""
    api = system.serve("api", own.app, TRADING_EXCHANGE=exchange.feed)
    until(lambda: api.ask("/health/").json["feed"] == "live", "the feed is live")
    exchange.kill()
    until(lambda: api.ask("/health/").json["feed"] == "local", "the feed is local")
    before = api.ask("/prices").json["seq"]
    until(lambda: api.ask("/prices").json["seq"] > before, "own prices move")
    assert api.ask("/health/").status == 200
    system.serve("exchange", new.app, port=exchange.port)
    until(lambda: api.ask("/health/").json["feed"] == "live", "the feed is live again")


def test_sigterm_finishes_the_request_in_flight(system: System, own: Runtime) -> None:
    """A request whose answer is still due at SIGTERM is answered, an open stream is closed, the exit status is 0."""
    # The factor works on what the write took, and a busy disk takes its time: with 100 it went beyond the grace that is given.
    api = system.serve("api", own.app, FAULT_LATENCY="30")
    answers: list[int] = []
    with api.open("/ws/prices") as stream:
        stream.recv(10)
        asking = threading.Thread(target=lambda: answers.append(api.ask("/orders", ORDER).status))
        asking.start()
        until(lambda: _written(system), "the order is written, its answer still due")
        assert answers == []
        assert api.terminate() == 0
    asking.join()
    assert answers == [201]


def _written(system: System) -> bool:
    connection = sqlite3.connect(system.folder / "api" / "orders.sqlite3")
    try:
        return bool(connection.execute("SELECT COUNT(*) FROM orders").fetchone()[0])
    finally:
        connection.close()
