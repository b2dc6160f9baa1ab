"""When a lease may be taken, by what its file says of the owner."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from smoke.errors import Deposed, Locked
from smoke.journals import LEASE, FileJournal
from tests.smoke.journals.clocks import UnsteadyClock

Lease = dict[str, Any]
MOMENT = 0.001


@pytest.fixture(scope="module")
def nobody() -> int:
    """The id of a process that has ended."""
    with subprocess.Popen(["true"]) as process:
        pass
    return process.pid


def leased(folder: Path, clock: UnsteadyClock, change: Callable[[Lease], None]) -> FileJournal:
    """A journal whose lease was taken just now by somebody who differs from this process as said."""
    journal = FileJournal(folder, clock)
    with journal.open("0001-a"):
        lease = json.loads((folder / "lease").read_text())
    change(lease)
    (folder / "lease").write_text(json.dumps(lease))
    return journal


def locked(journal: FileJournal) -> bool:
    """Whether nobody is let in; says the same as that somebody holds it."""
    held = journal.holder() is not None
    try:
        with journal.open("0002-b"):
            refused = False
    except Locked:
        refused = True
    assert held == refused
    return refused


def test_of_a_process_that_is_gone(tmp_path: Path, clock: UnsteadyClock, nobody: int) -> None:
    """The lease of a process that does not exist any more is free at once."""
    assert not locked(leased(tmp_path, clock, lambda lease: lease["owner"].update(pid=nobody)))


def test_of_another_process_with_the_same_id(tmp_path: Path, clock: UnsteadyClock) -> None:
    """An id that another process has by now does not keep the lease of the one that had it."""
    assert not locked(leased(tmp_path, clock, lambda lease: lease["owner"].update(started=lease["owner"]["started"] - 1)))


def test_of_the_machine_before_it_was_started_again(tmp_path: Path, clock: UnsteadyClock) -> None:
    """What was leased before the machine was started again is free at once, though its monotonic time has long to run."""
    assert not locked(leased(tmp_path, clock, lambda lease: lease.update(owner={**lease["owner"], "boot": "before"}, until=1e9)))


def test_of_somebody_who_may_not_be_asked(tmp_path: Path, clock: UnsteadyClock) -> None:
    """The process of another user, which may not be signalled, lives as well: the first process of this machine, for one."""
    started = int(Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19])
    journal = leased(tmp_path, clock, lambda lease: lease["owner"].update(pid=1, started=started, user="root"))

    assert locked(journal)
    clock.sleep(LEASE)
    assert not locked(journal)


def test_of_another_container(tmp_path: Path, clock: UnsteadyClock, nobody: int) -> None:
    """Whose process ids are not ours is not called dead by them: the lease runs out by the time that all on the machine share."""
    change = {"pid": nobody, "pids": "pid:[1]"}
    journal = leased(tmp_path, clock, lambda lease: lease["owner"].update(change))
    clock.ahead = 1e6
    clock.sleep(LEASE - MOMENT)

    assert locked(journal)
    clock.sleep(MOMENT)
    assert not locked(journal)


def test_of_another_host(tmp_path: Path, clock: UnsteadyClock, nobody: int) -> None:
    """The lease of another host runs out by wall time, whatever our monotonic time is and whichever processes run here."""
    change = {"pid": nobody, "boot": "another", "host": "elsewhere"}
    journal = leased(tmp_path, clock, lambda lease: lease.update(owner={**lease["owner"], **change}, until=0.0))
    assert locked(journal)
    clock.ahead = LEASE - MOMENT
    assert locked(journal)
    clock.ahead = LEASE

    assert not locked(journal)


def test_for_other_hosts_a_renewal_is_in_wall_time(tmp_path: Path, clock: UnsteadyClock) -> None:
    """After the machine slept or its clock was set, a renewal says the end in the wall time of now."""
    with FileJournal(tmp_path, clock).open("0001-a") as writer:
        clock.ahead = 5000.0
        writer.renew(900.0)
        lease = json.loads((tmp_path / "lease").read_text())

    assert (lease["until"], lease["until_wall"]) == (900.0, clock.wall() + 900.0)


def test_without_a_start_of_the_machine(tmp_path: Path, clock: UnsteadyClock) -> None:
    """Where the system does not say when it was started the lease runs out by wall time."""
    journal = leased(tmp_path, clock, lambda lease: lease.update(owner={**lease["owner"], "boot": ""}, until=1e9))
    assert locked(journal)
    clock.ahead = LEASE

    assert not locked(journal)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"pid": 1, "host": "h", "user": "u", "since": 1.0}', "\x00" * 300])
def test_a_damaged_lease_is_free(tmp_path: Path, clock: UnsteadyClock, text: str) -> None:
    """A lease that cannot be read counts as run out: the next one gets it by a greater token, and the one before is deposed."""
    journal = FileJournal(tmp_path, clock)
    with journal.open("0001-a") as old:
        first = journal.holder()
        clock.sleep(1.0)
        (tmp_path / "lease").write_text(text)
        assert journal.holder() is None
        with pytest.raises(Deposed):
            old.append({"n": 1})
        with journal.open("0001-a") as new:
            second = journal.holder()
            with pytest.raises(Deposed):
                old.append({"n": 2})
            new.append({"n": 3})

    assert journal.records("0001-a") == [{"n": 3}]
    assert first is not None
    assert second is not None
    assert first.token < second.token


def test_a_lost_lease_by_a_clock_that_was_set_back(tmp_path: Path, clock: UnsteadyClock) -> None:
    """When the lease was lost and the clock set back, so that a token comes again, the owner's process tells the two apart."""
    journal = FileJournal(tmp_path, clock)
    with journal.open("0001-a") as old:
        lease = json.loads((tmp_path / "lease").read_text())
        lease["owner"].update(pid=os.getppid())
        (tmp_path / "lease").write_text(json.dumps(lease))
        with pytest.raises(Deposed):
            old.append({"n": 1})

    assert journal.records("0001-a") == []


def test_the_lease_is_seldom_written(tmp_path: Path, clock: UnsteadyClock) -> None:
    """Appends, and renewals at every tick, write the lease when a third of it has run, and not in between."""
    with FileJournal(tmp_path, clock).open("0001-a") as writer:
        written = set()
        for number in range(60):
            clock.sleep(0.25)
            writer.append({"n": number})
            writer.renew(LEASE * 2 / 3)
            written.add((tmp_path / "lease").read_text())

    assert len(written) == 3


def test_it_names_who_took_over(tmp_path: Path, clock: UnsteadyClock) -> None:
    """Whoever was deposed is told by whom, as far as that is known, and where to look."""
    with FileJournal(tmp_path, clock).open("0001-a") as old:
        clock.sleep(LEASE)
        with FileJournal(tmp_path, clock).open("0001-a"), pytest.raises(Deposed) as working:
            old.append({"n": 1})
        with pytest.raises(Deposed) as ended:
            old.append({"n": 1})
        (tmp_path / "lease").unlink()
        with pytest.raises(Deposed) as lost:
            old.append({"n": 1})

    assert f"process {os.getpid()}, since" in (working.value.cause or "")
    assert ended.value.cause == "it has ended since"
    assert lost.value.cause == "its lease was removed or damaged"
    assert (working.value.where, working.value.hint) == (str(tmp_path), "crossfade status")
