"""Targets: what the sources of counts answer."""

import json
import socket
import sqlite3
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from envoy_said import DETAILED
from fuzz_run import Check, Target, outcome, plain

from infra.contract import Backend
from smoke.admin import Unanswered, ask
from smoke.errors import MeterError
from smoke.meters import meter
from smoke.meters.envoy import grid_in, on_grid, tallies_in
from smoke.meters.promql import value_in
from smoke.model import Counts, Sample

STATS = DETAILED.encode()
_BUCKETS = [{"upper_bound": 0.5, "cumulative": 1}, {"upper_bound": 125, "cumulative": 9}]
GRID = json.dumps({"stats": [{"histograms": [{"name": "a", "buckets": _BUCKETS}]}]}).encode()
HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6;a=b\r\n world\r\n0\r\n\r\n"
HTTP_WORDS = (
    HEAD,
    b"HTTP/1.0 200",
    b"HTTP/1.1 503 Service Unavailable\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\n",
    b"HTTP/1.1 204 No Content\r\n",
    b"HTTP/1.1 307 Temporary Redirect\r\nlocation: http://[::1/\r\n",
    b"content-length: 5\r\n",
    b"content-length: -5\r\n",
    b"content-length: " + 5000 * b"9" + b"\r\n",
    b"transfer-encoding: chunked\r\n",
    b"transfer-encoding: gzip, chunked\r\n",
    b"content-encoding: gzip\r\n",
    b"content-encoding: deflate\r\n",
    b"content-encoding: br\r\n",
    b"content-type: application/json; charset=utf-7\r\n",
    b"content-type: text/html; charset=hex\r\n",
    b"content-type: text/html; charset=idna\r\n",
    b"content-type: text/html; charset=zlib\r\n",
    b"set-cookie: a=b; domain=.; expires=never; path=\xff\r\n",
    b"x-crossfade-version: \xff\x80\r\n",
    b"x-crossfade-version: " + 5000 * b"v" + b"\r\n",
    b"connection: close\r\n",
    b"a: " + 70000 * b"b" + b"\r\n",
    400 * b"a: b\r\n",
    b" folded: 1\r\n",
    b"\r\n\r\n",
    b"0\r\n\r\n",
    b"ffffffffffffffff\r\n",
)


def counted(sample: Sample) -> None:
    """Assert what holds for every sample: counts that can be counted with."""
    for counts in sample.slots.values():
        plain_counts(counts)


def plain_counts(counts: Counts) -> None:
    """Assert what holds for the counts of a slot."""
    assert type(counts.requests) is type(counts.errors) is int
    assert 0 <= counts.errors <= counts.requests < 2**63, f"{counts.errors!r:.40} of {counts.requests!r:.40}"
    below = [count for _, count in counts.latency]
    assert below == sorted(below)
    assert all(0 <= each < 2**63 for each in below)


def stats(data: bytes) -> str:
    """Envoy's counters as text."""

    def act() -> None:
        for tally in tallies_in(data.decode("utf-8", "replace"), "api--").values():
            assert all(0 <= count < 2**63 for count in tally.counters.values())
            latency = on_grid(tally.times, [1.0, 10.0])
            total = latency[-1][1]
            plain_counts(Counts(total, 0, latency))

    return outcome(act, Unanswered)


def grid(data: bytes) -> str:
    """Envoy's histogram as JSON."""

    def act() -> None:
        edges = list(grid_in(data.decode("utf-8", "replace")))
        assert edges == sorted(set(edges))

    return outcome(act, Unanswered)


def prometheus(data: bytes) -> str:
    """The document of Prometheus, without the way there."""

    def act() -> None:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return
        if isinstance(document, dict):
            value_in(document, "up")

    return outcome(act, MeterError)


class Teller:
    """Answers every connection with the bytes it was given last, and ends it."""

    def __init__(self, family: socket.AddressFamily, address: Any) -> None:  # noqa: ANN401 - the shape depends on the family
        self.data = b""
        self._listener = socket.socket(family, socket.SOCK_STREAM)
        self._listener.bind(address)
        self._listener.listen()
        self.address = self._listener.getsockname()
        self.answer: Callable[[bytes, bytes], Sequence[bytes]] = lambda _, data: (data,)
        """What is sent, by what was asked and the bytes; after each part but the last the other side says something."""
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        """Answer no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._told, args=(connection,), daemon=True).start()

    def _told(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5.0)
            asked = connection.recv(65536)
            *parts, last = self.answer(asked, self.data)
            for part in parts:
                connection.sendall(part)
                connection.recv(65536)
            connection.sendall(last)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass


@contextmanager
def admin() -> Iterator[Check]:
    """The admin's answer over its socket."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = f"{folder}/admin.sock"
        with closing(Teller(socket.AF_UNIX, path)) as teller:

            def check(data: bytes) -> str:
                teller.data = data
                return outcome(lambda: ask(path, "/stats", limit=5.0), Unanswered)

            yield check


@contextmanager
def promql() -> Iterator[Check]:
    """The whole way of a query: HTTP, JSON, the value."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:
        given = {"slots": ["blue"], "timeout": 5.0, "url": f"http://127.0.0.1:{teller.address[1]}", "max_age": 60.0}
        counts = meter(Backend("promql", {**given, "bad": "a", "all": "b"}))
        values = meter(Backend("promql", {**given, "value": "a", "above": 1.0}))

        def check(data: bytes) -> str:
            teller.data = data
            first = outcome(lambda: counted(counts.read()), MeterError)
            return f"{first}, {outcome(lambda: counted(values.read()), MeterError)}"

        yield check


@contextmanager
def command() -> Iterator[Check]:
    """What a command prints."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        given = {"slots": ["blue"], "timeout": 5.0, "run": ["cat", "printed"], "folder": folder}

        def check(data: bytes) -> str:
            Path(folder, "printed").write_bytes(data)
            return outcome(lambda: counted(meter(Backend("command", given)).read()), MeterError)

        yield check


@contextmanager
def database() -> Iterator[Check]:
    """A database file that is damaged."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file = f"{folder}/trades.db"
        given = {"slots": ["blue"], "timeout": 5.0, "database": file, "query": "SELECT sum(bad), count(*) FROM trades"}

        def check(data: bytes) -> str:
            Path(file).write_bytes(data)
            return outcome(lambda: counted(meter(Backend("sql", given)).read()), MeterError)

        yield check


@contextmanager
def row() -> Iterator[Check]:
    """A query of the user's own, which may give anything."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        file = f"{folder}/trades.db"
        Path(file).write_bytes(_database())

        def check(data: bytes) -> str:
            given = {"slots": ["blue"], "timeout": 5.0, "database": file, "query": data.decode("utf-8", "surrogateescape") or "x"}
            return outcome(lambda: counted(meter(Backend("sql", given)).read()), MeterError)

        yield check


def _database() -> bytes:
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        with closing(sqlite3.connect(f"{folder}/a.db")) as connection, connection:
            connection.execute("PRAGMA page_size = 512")
            connection.execute("CREATE TABLE trades (bad INTEGER, name TEXT)")
            connection.executemany("INSERT INTO trades VALUES (?, ?)", [(each % 5 == 0, "x" * 20) for each in range(50)])
        return Path(folder, "a.db").read_bytes()


def targets() -> tuple[Target, ...]:
    """All of them."""
    lines = tuple(line for line in STATS.split(b"\n") if line)
    now = time.time()
    series = [{"metric": {}, "value": [now + 1e6, "3"]}]
    answers = tuple(
        json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()
        for kind, result in (("vector", series), ("vector", []), ("scalar", [now + 1e6, "3"]), ("vector", series * 2))
    )
    refused = b'{"status": "error", "errorType": "bad_data", "error": "parse error"}'
    kind = b"content-type: application/json\r\n"
    whole = tuple(HEAD + kind + b"content-length: %d\r\n\r\n" % len(each) + each for each in (*answers, refused))
    chunked = HEAD + kind + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(answers[0]), answers[0])
    words = (b'"NaN"', b'"+Inf"', b'"1e400"', b'"warnings": ["x"],', b'"isPartial": true,', b'"stats"', b'"buckets"')
    rows = tuple(f"SELECT {each}".encode() for each in ("1, 2", "sum(bad), count(*) FROM trades", "NULL, 0", "x'00', 'a'"))
    sql = (b"9e999", b"zeroblob(100000000)", b"char(0)", b"-1", b"9223372036854775807", b"0.5", b"printf('%.*c', 9999999, 'x')")
    return (
        Target("Envoy counters", plain(stats), (STATS, *lines), lines, cost=1),
        Target("Envoy histogram", plain(grid), (GRID,), words),
        Target("Prometheus document", plain(prometheus), (*answers, refused), words),
        Target("Prometheus over HTTP", promql, (*whole, chunked), (*HTTP_WORDS, *words), cost=200),
        Target(
            "admin", admin, (CHUNKED, HEAD + b"content-length: 5\r\n\r\nhello", HEAD + b"\r\nto the end"), HTTP_WORDS, cost=20
        ),
        Target("command's counts", command, (b'{"bad": 3, "all": 120}', b'{"value": 4.2}'), (b'"bad"', b'"all"'), cost=200),
        Target("SQLite file", database, (_database(),), (b"trades", b"SQLite format 3"), cost=20),
        Target("SQLite row", row, rows, (*sql, b"SELECT", b"trades", b","), cost=20),
    )
