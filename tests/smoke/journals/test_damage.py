"""Files whose bytes were changed by anything at all: a clear answer, never another error."""

import json
import zlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as some

from smoke.clock import FakeClock
from smoke.errors import Deposed, JournalError, Locked
from smoke.journals import FileJournal, FileMailbox
from tests.smoke.journals.process import IN_MEMORY

COUNT = 4
PLACES = some.integers(0, 2000)
CHANGES = some.lists(
    some.one_of(
        some.tuples(some.just("set"), PLACES, some.binary(min_size=1, max_size=3)),
        some.tuples(some.just("add"), PLACES, some.binary(min_size=1, max_size=40)),
        some.tuples(some.just("add"), PLACES, some.sampled_from([b"\n", b"\x00" * 64, b"\xff\xfe", b" ", b"{", b"9" * 30])),
        some.tuples(some.just("cut"), PLACES, some.integers(1, 60)),
        some.tuples(some.just("end"), PLACES, some.none()),
    ),
    min_size=1,
    max_size=4,
)
JSON = some.recursive(
    some.one_of(
        some.none(), some.booleans(), some.integers(), some.floats(), some.text(), some.sampled_from([2**70, -1, 0, 1e300, 2**31])
    ),
    lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(), inner, max_size=2),
    max_leaves=3,
)
FIELDS = ["token", "owner", "since", "until", "until_wall", "user", "host", "pid", "pids", "boot", "started"]


def changed(data: bytes, changes: list[tuple[str, int, Any]]) -> bytes:
    """The bytes after each change in turn, at places that wrap around."""
    for kind, place, what in changes:
        at = place % (len(data) + 1)
        match kind:
            case "set":
                data = data[:at] + what + data[at + len(what) :]
            case "add":
                data = data[:at] + what + data[at:]
            case "cut":
                data = data[:at] + data[at + what :]
            case _:
                data = data[:at]
    return data


def line(text: bytes) -> bytes:
    """A line with a checksum that holds."""
    return b"%08x %s\n" % (zlib.crc32(text), text)


def journal_of(folder: Path) -> FileJournal:
    """A journal with some records, whose lease was given back."""
    for name, data in _files().items():
        (folder / name).write_bytes(data)
    return FileJournal(folder, FakeClock())


@cache
def _files() -> Mapping[str, bytes]:
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        with FileJournal(Path(name), FakeClock()).open("0001-a") as writer:
            for number in range(COUNT):
                writer.append({"n": number, "text": "ü" * number})
                FileMailbox(Path(name)).post("0001-a", {"n": number})
        return {each.name: each.read_bytes() for each in Path(name).iterdir()}


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_a_changed_journal_is_read_or_refused(changes: list[tuple[str, int, Any]]) -> None:
    """However a journal was changed, what is read was appended, in that order; or it is refused, with the line."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        journal, file = journal_of(Path(name)), Path(name) / "0001-a.jsonl"
        file.write_bytes(changed(file.read_bytes(), changes))
        try:
            found = [record["n"] for record in journal.records("0001-a")]
        except JournalError as error:
            assert error.where == str(file)  # noqa: PT017 - either will do
            assert "of the journal is damaged" in error.what  # noqa: PT017
            return
        assert found == [number for number in range(COUNT) if number in found]
        with journal.open("0001-a") as writer:
            writer.append({"n": 9})
        assert [record["n"] for record in journal.records("0001-a")] == [*found, 9]


HOSTILE = [
    b"",
    b"{",
    b"[]",
    b"null",
    b"1",
    b'"text"',
    b"\xff\xfe\x00",
    b"\x00" * 9,
    b'{"n": "\xff"}',
    b"[" * 100_000,
    b'{"n":' * 50_000,
    b"9" * 10_000,
    b"\xef\xbb\xbf{}",
    b"x" * 5_000_000,
]


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:8]))
def test_a_checksum_makes_no_record(tmp_path: Path, text: bytes) -> None:
    """A line whose checksum holds but that is no JSON object is damaged: refused in the middle, dropped at the end."""
    journal, file = journal_of(tmp_path), tmp_path / "0001-a.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole + line(text))
    assert len(journal.records("0001-a")) == COUNT
    file.write_bytes(whole + line(text) + whole)

    with pytest.raises(JournalError, match=f"line {COUNT + 1} of the journal is damaged"):
        journal.records("0001-a")


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_changed_requests_never_stop_a_driver(changes: list[tuple[str, int, Any]]) -> None:
    """However the requests were changed, those that are read were posted, and one that is posted now arrives."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        journal_of(Path(name))
        mailbox, file = FileMailbox(Path(name)), Path(name) / "0001-a.requests"
        file.write_bytes(changed(file.read_bytes(), changes))
        found = [request["n"] for request in mailbox.requests("0001-a")]
        mailbox.post("0001-a", {"n": 9})
        heard = [request["n"] for request in mailbox.requests("0001-a")]

    assert found == [number for number in range(COUNT) if number in found]
    # A request that wanted its line end alone is whole again.
    assert heard[-1] == 9
    assert heard[: len(found)] == found


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: repr(text[:8]))
def test_a_hostile_request_is_passed_over(tmp_path: Path, text: bytes) -> None:
    """A request whose checksum holds but that is no JSON object is passed over."""
    mailbox = FileMailbox(tmp_path)
    (tmp_path / "0001-a.requests").write_bytes(line(text))
    mailbox.post("0001-a", {"n": 1})

    assert mailbox.requests("0001-a") == [{"n": 1}]


def _holds(folder: Path, lease: bytes) -> None:
    """With these bytes as the lease: there is one writer or none, everybody is told so, and nobody is kept out for ever."""
    clock = FakeClock()
    journal, file = FileJournal(folder, clock), folder / "lease"
    with journal.open("0001-a") as old:
        file.write_bytes(lease)
        clock.sleep(5.0)  # what was written may be the lease before this one
        held = journal.holder() is not None
        try:
            with journal.open("0001-a") as new:
                assert not held
                new.append({"n": 1})
                with pytest.raises(Deposed):
                    old.append({"n": 2})
        except Locked as locked:
            assert held
            assert "process" in str(locked)  # noqa: PT017


@settings(deadline=None, max_examples=150)
@given(CHANGES)
def test_a_changed_lease_is_one_or_none(changes: list[tuple[str, int, Any]]) -> None:
    """However the lease was changed, it is somebody's or it is free."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        journal_of(Path(name))
        _holds(Path(name), changed((Path(name) / "lease").read_bytes(), changes))


@settings(deadline=None, max_examples=150)
@given(some.dictionaries(some.sampled_from(FIELDS), JSON, min_size=1, max_size=2), some.sampled_from(["set", "removed"]))
@example({"until": float("inf")}, "set")
@example({"until": float("nan"), "until_wall": float("nan")}, "set")
@example({"since": 1e300, "until_wall": 1e300}, "set")
@example({"pid": 0}, "set")
@example({"pid": -1}, "set")
@example({"pid": 2**70}, "set")
@example({"pid": True}, "set")
@example({"token": 1e9}, "set")
@example({"token": 2**70}, "set")
@example({"another": 1}, "set")
def test_a_lease_of_other_kinds_is_one_or_none(fields: dict[str, object], how: str) -> None:
    """Whatever a field of the lease holds, or if it is not there, the lease is somebody's or it is free."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        journal = FileJournal(Path(name), FakeClock())
        with journal.open("0001-a"):
            lease = json.loads((Path(name) / "lease").read_bytes())
        for field, value in fields.items():
            owner = lease.get("owner")
            place = owner if isinstance(owner, dict) and field in owner else lease
            if how == "removed":
                place.pop(field, None)
            else:
                place[field] = value
        _holds(Path(name), json.dumps(lease).encode())


@settings(deadline=None, max_examples=150)
@given(some.binary(max_size=400))
@example(b"[" * 100_000)
@example(b'{"token": ' + b"9" * 5000 + b"}")
def test_any_bytes_are_a_free_lease(lease: bytes) -> None:
    """Bytes that are no lease keep nobody out."""
    with TemporaryDirectory(dir=IN_MEMORY) as name:
        (Path(name) / "lease").write_bytes(lease)
        with FileJournal(Path(name), FakeClock()).open("0001-a") as writer:
            writer.append({"n": 1})
        assert FileJournal(Path(name)).records("0001-a") == [{"n": 1}]
