"""The lease between real processes: killed, stopped, and racing."""

import fcntl
import os
import re
import subprocess
import time
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import pytest

from smoke.errors import Locked
from smoke.journals import LEASE, FileJournal
from smoke.journals.lease import LeaseFile
from tests.smoke.journals.clocks import AheadClock, later
from tests.smoke.journals.process import Child, Commands, hold

pytestmark = pytest.mark.processes


def numbers(folder: Path) -> list[int]:
    """What the records are numbered."""
    return [record["n"] for record in FileJournal(folder).records("0001-a")]


def test_a_killed_writer_leaves_no_lock(tmp_path: Path) -> None:
    """While another process has the lease the error says who, since and until when; once it was killed others get in at once."""
    with Child(hold, tmp_path) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        with pytest.raises(Locked) as refused, FileJournal(tmp_path).open("0001-a"):
            pass
        holder = FileJournal(tmp_path).holder()
        child.kill()
        assert FileJournal(tmp_path).holder() is None
        with FileJournal(tmp_path).open("0001-a") as writer:
            writer.append({"n": 2})

        when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
        cause = rf".+@.+, process {child.pid}, since {when}; its lease runs until {when}, unless it renews it"
        assert re.fullmatch(cause, refused.value.cause or "")
        assert holder is not None
        assert holder.pid == child.pid
    assert numbers(tmp_path) == [1, 2]


def test_a_stopped_writer_keeps_the_lease_while_it_runs(tmp_path: Path) -> None:
    """A writer that was stopped keeps others out until its lease runs out; when it goes on it is deposed, and writes nothing."""
    with Child(hold, tmp_path) as child:
        assert child.hear() == "held"
        assert child.ask(1) == "done"
        child.stop()
        with pytest.raises(Locked), FileJournal(tmp_path).open("0001-a"):
            pass
        with FileJournal(tmp_path, later(LEASE)).open("0001-a") as writer:
            child.go_on()
            assert child.ask(2) == "Deposed"
            writer.append({"n": 3})
            assert child.ask(None) == "ended"
            writer.append({"n": 4})
        child.join()

    assert numbers(tmp_path) == [1, 3, 4]


def test_a_stopped_writer_that_nobody_replaced_goes_on(tmp_path: Path) -> None:
    """A writer that was stopped for a while, and whose place nobody took, appends as if nothing had been."""
    with Child(hold, tmp_path) as child:
        assert child.hear() == "held"
        child.stop()
        assert FileJournal(tmp_path, later(LEASE)).holder() is None
        child.go_on()
        assert child.ask(1) == "done"

    assert numbers(tmp_path) == [1]


def _keep_the_lock(folder: Path, commands: Commands) -> None:
    with (folder / "lease.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        commands.send("kept")
        commands.recv()


def test_a_lock_that_is_kept_is_said(tmp_path: Path) -> None:
    """Whoever is stopped in the moment of the lock keeps others out, who say how to find it; killed, it keeps nobody out."""
    with Child(_keep_the_lock, tmp_path) as child:
        assert child.hear() == "kept"
        with pytest.raises(Locked) as refused, FileJournal(tmp_path, later(0.0)).open("0001-a"):
            pass
        assert FileJournal(tmp_path).holder() is None
        child.kill()
        with FileJournal(tmp_path).open("0001-a"):
            pass

    assert refused.value.what == "another process keeps the lock of the lease for more than 5 s"
    assert "kill -KILL PID" in (refused.value.hint or "")


def _fork_inside(folder: Path, commands: Commands) -> None:
    lease, (hear, say) = LeaseFile(folder, later(0.0)), os.pipe()
    with lease.alone():
        if os.fork() == 0:
            os.close(say)
            os.read(hear, 1)  # until the other one has ended
            os._exit(0)
    with lease.alone():
        commands.send("alone again")


def test_a_fork_in_the_moment_of_the_lock_keeps_it_not(tmp_path: Path) -> None:
    """A program that is being started in the moment of the lock, and has a copy of it, keeps nobody out afterwards."""
    with Child(_fork_inside, tmp_path) as child:
        assert child.hear() == "alone again"
        child.join()


def test_a_child_that_lives_on_keeps_no_lock(tmp_path: Path) -> None:
    """Programs that a writer started, and that outlive it, do not keep the stack."""
    with Child(_start_and_hold, tmp_path) as child:
        outliving = child.hear()
        child.kill()
        try:
            with FileJournal(tmp_path).open("0001-a") as writer:
                writer.append({"n": 1})
        finally:
            os.kill(outliving, 9)

    assert numbers(tmp_path) == [1]


def _start_and_hold(folder: Path, commands: Commands) -> None:
    with FileJournal(folder).open("0001-a"):
        commands.send(subprocess.Popen(["sleep", "60"]).pid)
        commands.recv()


TURNS = 25


def _race(folder: Path, commands: Commands) -> None:
    """Be the one writer again and again; whoever else is inside at the same moment makes this fail."""
    journal, turns, deadline = FileJournal(folder), 0, time.monotonic() + 60
    commands.send("ready")
    commands.recv()
    while turns < TURNS:
        assert time.monotonic() < deadline, "it never came to its turn"
        try:
            with journal.open("0001-a") as writer:
                inside = os.open(folder / "inside", os.O_CREAT | os.O_EXCL)
                holder = journal.holder()
                assert holder is not None
                assert holder.pid == os.getpid()
                writer.append({"begins": holder.token})
                writer.append({"ends": holder.token})
                os.close(inside)
                (folder / "inside").unlink()
            turns += 1
        except Locked:
            os.sched_yield()


def test_of_many_who_race_one_writes(tmp_path: Path) -> None:
    """However many processes race for the lease, no two have it at the same time, and each taking has a greater token."""
    with ExitStack() as stack:
        racers = [stack.enter_context(Child(_race, tmp_path)) for _ in range(3)]
        for each in racers:
            assert each.hear() == "ready"
        for each in racers:
            each.tell("go")
        for each in racers:
            each.join()
    records = FileJournal(tmp_path).records("0001-a")
    begins = [record["begins"] for record in records[::2]]

    assert len(begins) == 3 * TURNS
    assert begins == [record["ends"] for record in records[1::2]]
    assert all(before < after for before, after in pairwise(begins))


def _take_over(folder: Path, commands: Commands) -> None:
    commands.send("ready")
    commands.recv()
    try:
        with FileJournal(folder, AheadClock(LEASE)).open("0001-a") as writer:
            writer.append({"n": os.getpid()})
            commands.send(os.getpid())
            commands.recv()
    except Locked:
        commands.send(None)


def test_of_many_who_take_over_one_does(tmp_path: Path) -> None:
    """When the lease of a stopped writer has run out and many try to take it, exactly one gets it."""
    with Child(hold, tmp_path) as old, ExitStack() as stack:
        takers = [stack.enter_context(Child(_take_over, tmp_path)) for _ in range(3)]
        assert old.hear() == "held"
        old.stop()
        for each in takers:
            assert each.hear() == "ready"
        for each in takers:
            each.tell("go")
        taken = [each.hear() for each in takers]
        old.go_on()
        assert old.ask(0) == "Deposed"

    assert numbers(tmp_path) == [each for each in taken if each is not None]
    assert len(numbers(tmp_path)) == 1
