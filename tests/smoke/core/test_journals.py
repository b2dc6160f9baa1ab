"""One suite over every journal and mailbox, and what only a folder can suffer."""

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from smoke.errors import JournalError, Locked
from smoke.journals import JOURNALS, MAILBOXES, FileJournal
from smoke.seams import Journal, Mailbox

MAKE_JOURNAL: dict[str, Callable[[Path], Journal]] = {"file": FileJournal, "memory": lambda _: JOURNALS["memory"]()}
MAKE_MAILBOX: dict[str, Callable[[Path], Mailbox]] = {
    "file": MAILBOXES["file"],
    "memory": lambda _: MAILBOXES["memory"](),
}


@pytest.fixture(params=sorted(JOURNALS))
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Journal:
    """Each journal of the table."""
    return MAKE_JOURNAL[request.param](tmp_path / "journal")


def test_records_come_back_in_order(journal: Journal) -> None:
    """What was appended is read in that order, by whoever asks, and survives another opening."""
    with journal.open("0001-a") as writer:
        writer.append({"event": "opened", "n": 1})
        writer.append({"event": "proved", "n": 2, "text": "ü\n"})
        assert [record["n"] for record in journal.records("0001-a")] == [1, 2]
    with journal.open("0001-a") as writer:
        writer.append({"event": "shifted", "n": 3})

    assert [record["n"] for record in journal.records("0001-a")] == [1, 2, 3]
    assert journal.records("0001-a")[1]["text"] == "ü\n"


def test_rollouts_are_listed_oldest_first(journal: Journal) -> None:
    """Every rollout that was opened is listed in the order of its name; one that is not known has no records."""
    for name in ("0002-b", "0001-a"):
        with journal.open(name) as writer:
            writer.append({"event": "opened"})

    assert list(journal.rollouts()) == ["0001-a", "0002-b"]
    assert list(journal.records("0003-c")) == []


def test_there_is_one_writer(journal: Journal) -> None:
    """While one writer is open a second is refused, for any rollout of the stack; afterwards it is let in."""
    with journal.open("0001-a"), pytest.raises(Locked), journal.open("0002-b"):
        pass
    with journal.open("0002-b"):
        pass


@pytest.fixture(params=sorted(MAILBOXES))
def mailbox(request: pytest.FixtureRequest, tmp_path: Path) -> Mailbox:
    """Each mailbox of the table."""
    (tmp_path / "journal").mkdir()
    return MAKE_MAILBOX[request.param](tmp_path / "journal")


def test_requests_arrive_in_order(mailbox: Mailbox) -> None:
    """What is posted arrives at its own rollout, in order."""
    mailbox.post("0001-a", {"verb": "pause"})
    mailbox.post("0001-a", {"verb": "abort"})

    assert [request["verb"] for request in mailbox.requests("0001-a")] == ["pause", "abort"]
    assert list(mailbox.requests("0002-b")) == []


def _written(folder: Path, count: int = 3) -> Path:
    journal = FileJournal(folder)
    with journal.open("0001-a") as writer:
        for number in range(count):
            writer.append({"n": number})
    return folder / "0001-a.jsonl"


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_torn_tail_is_dropped(tmp_path: Path, cut: int) -> None:
    """A last line that is cut anywhere was never acknowledged: it is dropped, and the next append follows the whole ones."""
    file = _written(tmp_path)
    whole = file.read_bytes()
    last = len(whole) - whole[:-1].rfind(b"\n") - 1
    file.write_bytes(whole[: len(whole) - min(cut, last)])

    journal = FileJournal(tmp_path)
    assert [record["n"] for record in journal.records("0001-a")] == [0, 1]
    with journal.open("0001-a") as writer:
        writer.append({"n": 9})
    assert [record["n"] for record in journal.records("0001-a")] == [0, 1, 9]


def test_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    """Damage before the last line is refused with the number of the line, since what follows was decided on it."""
    file = _written(tmp_path)
    lines = file.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"1", b"7")
    file.write_bytes(b"\n".join(lines))

    with pytest.raises(JournalError, match="line 2 of the journal is damaged"):
        FileJournal(tmp_path).records("0001-a")


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """The journal's folder and files are closed to everybody else."""
    file = _written(tmp_path / "journal")

    assert file.parent.stat().st_mode & 0o077 == 0
    assert file.stat().st_mode & 0o077 == 0


def _hold(folder: Path, held: Connection) -> None:
    with FileJournal(folder).open("0001-a"):
        held.send("held")
        signal.pause()


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    """While another process holds the lease the error names it; once it was killed the lease is free at once."""
    spawn = multiprocessing.get_context("spawn")
    here, there = spawn.Pipe()
    process = spawn.Process(target=_hold, args=(tmp_path, there))
    process.start()
    assert here.poll(20)

    with pytest.raises(Locked) as refused, FileJournal(tmp_path).open("0001-a"):
        pass
    assert f"process {process.pid}" in str(refused.value)

    os.kill(process.pid or 0, signal.SIGKILL)
    process.join(20)
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 1})
    assert json.loads(json.dumps(FileJournal(tmp_path).records("0001-a"))) == [{"n": 1}]
