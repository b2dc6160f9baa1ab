"""Inputs that once broke something, each with what holds now."""

import gzip
import json
import socket
import sqlite3
import threading
import tracemalloc
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from fuzz_documents import CONTRACT, journals
from fuzz_files import BEAT
from fuzz_meters import HEAD, Teller
from fuzz_probes import MESSAGES

from infra.contract import Backend, Contract, ContractError
from smoke.admin import Unanswered, ask
from smoke.clock import SystemClock
from smoke.errors import HandoverError, MeterError
from smoke.foreign import LONGEST, shortened
from smoke.handovers.file import FileHandover
from smoke.heartbeat import NoBeat, read_beat
from smoke.meters import meter
from smoke.meters.envoy import tallies_in
from smoke.model import Answer, Reading
from smoke.probes import probe
from smoke.probes.sight import Concluded
from smoke.probes.streamlit import Run
from smoke.probes.wire import WireError, field, values
from smoke.rollout import from_record
from smoke.traffic.answers import Parser
from tests.smoke.probes.peers import HEAD as SHOWN
from tests.smoke.probes.peers import ended, placed

FEW = 64 * 2**20
"""Bytes that reading an answer may take, whatever size it says it has or unpacks to."""
SOON = 20.0
"""Seconds; a parser that takes the square of the time takes minutes."""


@contextmanager
def told(data: bytes) -> Iterator[int]:
    """A port that answers with these bytes."""
    with closing(Teller(socket.AF_INET, ("127.0.0.1", 0))) as teller:
        teller.data = data
        yield teller.address[1]


@contextmanager
def few() -> Iterator[None]:
    """Fails where what runs in it takes much memory at any time."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < FEW
    finally:
        tracemalloc.stop()


def prometheus(port: int) -> Backend:
    """A meter that asks this port."""
    url = f"http://127.0.0.1:{port}"
    return Backend("promql", {"slots": ["blue"], "timeout": 10.0, "url": url, "max_age": 60.0, "bad": "a", "all": "b"})


def looked(data: bytes) -> Reading:
    """One look of the http probe at whoever answers so."""
    with told(data) as port:
        asked = probe(Backend("http", {"path": "/", "timeout": 10.0}))
        return ended(asked, placed(address=f"127.0.0.1:{port}"))


def opened(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - any JSON
    """The first record of a real journal, with other values."""
    return {**json.loads(journals()[0].splitlines()[0]), **changes}


# The contract and the journal


def test_a_number_beyond_every_float_is_no_contract() -> None:
    """A whole number that no float holds is refused as what it is: a field of the wrong kind."""
    document: Any = CONTRACT.to_json()
    document["services"][0]["metrics"][0]["at_most"] = 10**400

    with pytest.raises(ContractError):
        Contract.from_json(document)


@pytest.mark.parametrize("name", [["opened"], {"a": 1}, None, 1])
def test_the_name_of_an_event_is_a_text(name: object) -> None:
    """A record whose event is a list, an object or nothing is refused like one whose event is not known."""
    with pytest.raises(ValueError, match="no event called"):
        from_record({"event": name, "at": 1.0})


@pytest.mark.parametrize(
    "changes",
    [
        {"at": "now"},
        {"at": float("nan")},
        {"at": 10**400},
        {"at": True},
        {"by": None},
        {"services": [1]},
        {"inputs": {"blue": 1}},
        {"candidate": "blue"},
        {"plan": {**opened()["plan"], "traffic": []}},
        {"plan": {**opened()["plan"], "traffic": None}},
        {"plan": {**opened()["plan"], "steps": []}},
        {"plan": {**opened()["plan"], "tick": "fast"}},
        {"plan": {**opened()["plan"], "steps": [{**opened()["plan"]["steps"][0], "share": 101}]}},
    ],
    ids=str,
)
def test_an_event_has_values_of_its_kinds(changes: dict[str, Any]) -> None:
    """A record whose values are of other kinds is refused where it is read, not wherever they are used much later."""
    assert from_record(opened()).at == opened()["at"]
    with pytest.raises(ValueError, match="not a record of Opened"):
        from_record(opened(**changes))


# Files


def test_a_token_that_cannot_be_counted_up_is_none(tmp_path: Path) -> None:
    """A token of as many digits as can be read, but not be written one higher, is refused; the fence stays as it was."""
    text = '{"holder": null, "token": %s}' % (4300 * "9")
    (tmp_path / "fence.json").write_text(text, encoding="utf-8")
    beats = {slot: str(tmp_path / slot) for slot in ("blue", "green")}
    handover = FileHandover({"folder": str(tmp_path), "heartbeats": beats, "timeout": 0.01}, SystemClock())

    with pytest.raises(HandoverError, match="has no token"):
        handover.hold("green")

    assert (tmp_path / "fence.json").read_text(encoding="utf-8") == text


@pytest.mark.parametrize("slot", ["\x1b[2J", "\ud800", "x" * 300])
def test_a_name_in_a_beat_can_be_shown(tmp_path: Path, slot: str) -> None:
    """A beat whose slot would move the terminal's cursor, cannot be written or has no end is no beat."""
    file = tmp_path / "beat.json"
    file.write_text(json.dumps({**BEAT, "slot": slot}), encoding="utf-8")

    with pytest.raises(NoBeat, match="slot is missing or of the wrong kind"):
        read_beat(file)


def test_of_a_heartbeat_without_an_end_a_part_is_read() -> None:
    """A heartbeat that leads to a device is no JSON, and is not read to an end that it has not."""
    with few(), pytest.raises(NoBeat, match="holds no JSON"):
        read_beat("/dev/zero")


# Counts


@pytest.mark.parametrize("number", ["1" + 400 * "0", 4000 * "9", "9223372036854775808", "1e999"])
def test_counts_can_be_counted_with(tmp_path: Path, number: str) -> None:
    """What no counter comes to is no count: the driver would die of it, much later, as of no float."""
    (tmp_path / "printed").write_text(f'{{"bad": 0, "all": {number}}}', encoding="utf-8")
    given = {"slots": ["blue"], "timeout": 10.0, "run": ["cat", "printed"], "folder": str(tmp_path)}

    with pytest.raises(MeterError, match=r"blue: all is .{1,80}, and no"):
        meter(Backend("command", given)).read()
    with pytest.raises(Unanswered):
        tallies_in(f"cluster.api--blue.upstream_rq_2xx: {number}", "api--")


@pytest.mark.parametrize("at", ["NaN", "Infinity", "1e999"])
def test_a_sample_of_no_time_is_stale(at: str) -> None:
    """A sample whose time is no time is not taken for a fresh one."""
    body = b'{"status": "success", "data": {"resultType": "vector", "result": [{"value": [%s, "3"]}]}}' % at.encode()
    with told(HEAD + b"content-length: %d\r\n\r\n%b" % (len(body), body)) as port, pytest.raises(MeterError, match="stale"):
        meter(prometheus(port)).read()


@pytest.mark.parametrize("charset", ["idna", "hex", "zlib", "rot13", "utf-7", "\xff"])
def test_no_answer_chooses_how_it_is_decoded(charset: str) -> None:
    """An answer that names a codec which is none of texts is read as text all the same, and refused for what it says."""
    kind = f"content-type: text/html; charset={charset}\r\n".encode("latin-1")
    with told(HEAD + kind + b"content-length: 2\r\n\r\nhi") as port, pytest.raises(MeterError, match="the answer is no JSON"):
        meter(prometheus(port)).read()


def test_a_packed_answer_is_not_unpacked() -> None:
    """An answer that unpacks to gigabytes, though nobody asked for a packed one, stays as small as it is; to a probe too."""
    packed = gzip.compress(bytes(512 * 2**20), compresslevel=1)
    head = b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(packed)
    with few(), told(HEAD + head + packed) as port, pytest.raises(MeterError, match="the answer is no JSON"):
        meter(prometheus(port)).read()
    with few():
        assert looked(SHOWN + head + packed).answer is Answer.OK


def test_an_answer_without_an_end_is_cut() -> None:
    """Of an answer of more bytes than one number needs, no more are read."""
    with few(), told(HEAD + b"\r\n" + 8 * 2**20 * b" ") as port, pytest.raises(MeterError, match="more than 4194304 bytes"):
        meter(prometheus(port)).read()


@pytest.mark.parametrize(
    "body",
    [b'{"status": "error", "error": "%b"}', b'{"status": "success", "warnings": ["%b"]}', b"%b"],
    ids=["error", "warning", "text"],
)
def test_what_a_server_says_is_told_in_short(body: bytes) -> None:
    """However long a refusal is, and whatever is in it, a person is told a line of it."""
    said = body % (b"\\u001b[2J" + 100_000 * b"x")
    with told(HEAD + b"content-length: %d\r\n\r\n%b" % (len(said), said)) as port, pytest.raises(MeterError) as caught:
        meter(prometheus(port)).read()
    assert len(str(caught.value)) < 1000
    assert all(each.isprintable() or each == "\n" for each in str(caught.value))


@pytest.mark.parametrize(
    "query", ["SELECT '\udcff', 1", "SELECT 1, 2 \0", "SELECT 1, zeroblob(100000000)"], ids=["bytes", "end", "large"]
)
def test_a_query_that_is_no_text_is_refused(tmp_path: Path, query: str) -> None:
    """A query that cannot be handed to the database, or whose value has no end, is refused."""
    file = tmp_path / "a.db"
    sqlite3.connect(file).close()
    given = {"slots": ["blue"], "timeout": 10.0, "database": str(file), "query": query}

    with few(), pytest.raises(MeterError):
        meter(Backend("sql", given)).read()


def test_the_admin_is_quoted_in_short(tmp_path: Path) -> None:
    """However long an answer is that is none of the admin's, a person is told a line of it."""
    path = str(tmp_path / "s")
    with closing(Teller(socket.AF_UNIX, path)) as teller:
        teller.data = b"HTTP/1.1 503 " + 100_000 * b"\x1b" + b"\r\n\r\n"
        with pytest.raises(Unanswered) as caught:
            ask(path, "/stats", limit=10.0)
    assert len(str(caught.value)) < LONGEST + 200
    assert str(caught.value).isprintable()


# Time


def _in_time(act: Any) -> None:  # noqa: ANN401 - anything that is called
    """Assert that it ends, and not after minutes."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(SOON)
    assert not thread.is_alive(), f"it did not end within {SOON:g} s"


def test_many_small_chunks_take_the_time_of_their_bytes(tmp_path: Path) -> None:
    """An answer in chunks of one byte is put together in a time that grows with it, not with its square."""
    path, found = str(tmp_path / "s"), []
    with closing(Teller(socket.AF_UNIX, path)) as teller:
        teller.data = HEAD + b"transfer-encoding: chunked\r\n\r\n" + 1_000_000 * b"1\r\na\r\n" + b"0\r\n\r\n"
        _in_time(lambda: found.append(len(ask(path, "/stats", limit=SOON))))
    assert found == [1_000_000]


def test_the_generator_is_not_kept_by_small_chunks() -> None:
    """So does the generator's parser, which nothing else of the load may wait for."""
    stream = HEAD + b"transfer-encoding: chunked\r\n\r\n" + 300_000 * b"1\r\na\r\n" + b"0\r\n\r\n"
    found = []
    _in_time(lambda: found.append(Parser().feed(stream)))
    assert [each.status for each in found if each] == [200]


def test_a_message_of_nothing_but_fields_is_refused() -> None:
    """A message of Streamlit's that has millions of fields or elements is refused before they were all looked at."""
    for message in (
        field(5, 10_000_000 * b"\x08\x00"),
        field(5, field(3, 4_000 * b"\x08\x00")) * 3_000,
        field(5, 20 * b"\x08\x00") * 100_000,
    ):
        with pytest.raises(Concluded, match="it has too many"):
            Run().after(message)
    with pytest.raises(WireError, match="it has too many fields"):
        list(values(10_000_000 * b"\x08\x00", 1))
    assert Run().after(MESSAGES[-1]).ended


def test_a_long_foreign_text_is_cut_before_it_is_taken_apart() -> None:
    """Of a text of many megabytes a line is told, and the rest is not even split into words."""
    text = 8_000_000 * "ab "
    with few():
        assert shortened(text) == f"{text[:LONGEST]} ..."
    assert shortened(f"{'x' * LONGEST}\n \x1b") == f"{'x' * LONGEST} ..."
    assert shortened(" a \n\t\x1b b ") == "a ? b"


def test_a_version_without_an_end_is_told_in_short() -> None:
    """A header of thousands of characters makes no detail of thousands."""
    reading = looked(HEAD + b"x-crossfade-version: " + 5_000 * b"v" + b"\r\ncontent-length: 0\r\n\r\n")
    assert reading.impostor
    assert len(reading.detail) < 3 * LONGEST


def test_the_time_of_a_whole_answer_is_limited() -> None:
    """An answer of Prometheus' that trickles ends with the read's own limit, however often a piece of it comes."""
    began = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65536)
            connection.sendall(HEAD + b"\r\n")
            while not began.wait(0.02):
                try:
                    connection.sendall(b" ")
                except OSError:
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=trickle, args=(listener,), daemon=True).start()
        given = {**prometheus(listener.getsockname()[1]).settings, "timeout": 0.3}
        found: list[str] = []

        def read() -> None:
            try:
                meter(Backend("promql", given)).read()
            except MeterError as error:
                found.append(error.what)

        _in_time(read)
        began.set()
    assert found == ["blue: no whole answer in time"]
