"""The fence, with real processes behind it: never two at work, whatever happens to them."""

import signal
import statistics
from collections.abc import Callable

import pytest

from smoke.clock import FakeClock, SystemClock
from smoke.errors import HandoverError
from smoke.handovers.file import FileHandover
from smoke.orders import gaps
from tests.smoke.handovers.stage import Driver, Locker, Stage, wait_for

SHORT = 0.6
"""Seconds after which a hand-over that is to fail gives up."""


@pytest.mark.processes
def test_ten_hand_overs_under_work(stage: Stage, record_property: Callable[[str, object], None]) -> None:
    """Over ten hand-overs under work no two are ever at work at once, every grant has a token of its own, and all are used."""
    handover = stage.handover()
    for number in range(10):
        old, new = ("blue", "green") if number % 2 == 0 else ("green", "blue")
        handover.release(old)
        handover.hold(new)
        stage.more_orders(new)
    found = stage.judged()
    assert [span.token for span in found] == list(range(1, 12))
    assert [span.slot for span in found] == ["blue", "green"] * 5 + ["blue"]
    milliseconds = sorted(round(1000 * gap, 1) for gap in gaps(found))
    record_property("gap_ms", milliseconds)
    print(f"gap of ten hand-overs: median {statistics.median(milliseconds):.1f} ms, of {milliseconds}")  # noqa: T201 - pytest -s


@pytest.mark.processes
def test_a_holder_that_was_killed(stage: Stage) -> None:
    """The work of a killed process is free at once: its release returns without a wait, and the other works."""
    stage.handover().hold("blue")
    stage.signal("blue", signal.SIGKILL)
    FileHandover(stage.settings(), FakeClock()).release("blue")
    stage.handover().hold("green")
    stage.more_orders("green")
    assert [span.slot for span in stage.judged()] == ["blue", "green"]


@pytest.mark.processes
def test_a_dead_holder_need_not_be_released(stage: Stage) -> None:
    """A slot whose process is dead works no more, although it is named: the other may be given the work."""
    stage.signal("blue", signal.SIGKILL)
    stage.handover().hold("green")
    assert stage.words == {"holder": "green", "token": 2}
    stage.more_orders("green")
    stage.judged()


@pytest.mark.processes
def test_a_holder_that_hangs(stage: Stage) -> None:
    """A stopped process may go on at any moment: its release raises and says how to end that, and nobody else gets the work."""
    stage.handover().hold("blue")
    stage.signal("blue", signal.SIGSTOP)
    pid = stage.processes["blue"].pid
    with pytest.raises(HandoverError) as busy:
        stage.handover(SHORT).release("blue")
    assert str(busy.value).splitlines() == [
        f"error: agent: blue may still be at work: pid {pid} has the lock after 0.6 s",
        f"  where: {stage.folder}/fence.lock",
        "  cause: it was stopped by a signal; nobody is named to work any more",
        f"  hint:  kill -CONT {pid}   # it was stopped; it goes on, and lets go by itself",
        f"         kill -KILL {pid}   # it ends, whatever it was about to do",
        "         and the same command again",
    ]
    with pytest.raises(HandoverError, match=f"blue may still be at work: pid {pid} has the lock"):
        stage.handover(SHORT).hold("green")
    assert stage.words == {"holder": None, "token": 1}

    stage.signal("blue", signal.SIGCONT)
    stage.handover().release("blue")
    stage.handover().hold("green")
    stage.more_orders("green")
    assert [span.slot for span in stage.judged()] == ["blue", "green"]


@pytest.mark.processes
def test_back_to_a_holder_that_hung(stage: Stage) -> None:
    """Where the release of a stopped process failed, the work may go back to it: it takes it up once it goes on."""
    stage.handover().hold("blue")
    stage.signal("blue", signal.SIGSTOP)
    with pytest.raises(HandoverError):
        stage.handover(SHORT).release("blue")
    stage.handover(SHORT).release("green")  # it has nothing to let go of, whoever has the lock
    with pytest.raises(HandoverError, match="was stopped by a signal") as idle:
        stage.handover(SHORT).hold("blue")
    assert f"kill -CONT {stage.processes['blue'].pid}" in (idle.value.hint or "")

    stage.signal("blue", signal.SIGCONT)
    stage.handover().hold("blue")
    assert stage.words == {"holder": "blue", "token": 2}
    stage.more_orders("blue")
    stage.judged()


@pytest.mark.processes
def test_a_candidate_that_never_connects(empty: Stage, record_property: Callable[[str, object], None]) -> None:
    """A hold of a process that holds but is not connected raises and says so; the work then goes back to the live slot."""
    empty.start("blue")
    empty.start("green", "deaf")
    empty.more_orders("blue", 1)
    empty.handover().release("blue")
    with pytest.raises(HandoverError, match=r"pid \d+ beats, and is not connected to what it works on"):
        empty.handover(SHORT).hold("green")
    empty.handover().release("green")
    empty.handover().hold("blue")
    empty.more_orders("blue")
    found = empty.judged()
    assert [(span.token, span.slot) for span in found] == [(1, "blue"), (3, "blue")]
    record_property("gap_ms", round(1000 * gaps(found)[0], 1))
    print(f"gap of a hand-over that failed after {SHORT} s: {1000 * gaps(found)[0]:.1f} ms")  # noqa: T201 - pytest -s


@pytest.mark.processes
def test_a_candidate_that_died(stage: Stage) -> None:
    """A hold of a dead process raises and says so, the repeat takes no other token, and once it is back it works."""
    stage.handover().release("blue")
    stage.signal("green", signal.SIGKILL)
    for _ in range(2):
        with pytest.raises(HandoverError, match=f"pid {stage.processes['green'].pid} is gone"):
            FileHandover(stage.settings(SHORT), FakeClock()).hold("green")
        assert stage.words == {"holder": "green", "token": 2}
    stage.start("green")
    stage.handover().hold("green")
    stage.more_orders("green")
    stage.judged()


@pytest.mark.processes
@pytest.mark.parametrize("worker", ["green", "blue"])
@pytest.mark.parametrize("seen", [None, "green"], ids=["once nobody is named", "once the other is named"])
def test_whoever_hands_over_is_killed(stage: Stage, seen: str | None, worker: str) -> None:
    """Killed between its writes, a hand-over is ended or taken back by the next one, and two are never at work at once."""
    if seen is None:
        stage.signal("blue", signal.SIGSTOP)  # who lets go at once is gone past that moment before anybody can look
    driver = Driver(stage)
    try:
        wait_for(lambda: stage.words["holder"] == seen, f"the fence names {seen}")
    finally:
        driver.kill()
        stage.signal("blue", signal.SIGCONT)
    stage.handover().release("blue" if worker == "green" else "green")
    stage.handover().hold(worker)
    stage.more_orders(worker)
    stage.judged()
    assert stage.handover().holder() == worker


@pytest.mark.processes
def test_somebody_else_has_the_lock(stage: Stage) -> None:
    """A slot that cannot get the lock is not said to work; the error names the process that has it."""
    stage.handover().release("blue")
    with Locker(stage.folder / "fence.lock") as locker:
        with pytest.raises(HandoverError, match=f"blue may still be at work: pid {locker.pid} has the lock"):
            stage.handover(SHORT).release("blue")
        stage.name("green", 2)
        with pytest.raises(HandoverError, match="does not hold the fence") as idle:
            stage.handover(SHORT).hold("green")
        assert idle.value.cause == f"pid {locker.pid} has the lock"
    stage.handover().hold("green")


@pytest.mark.processes
def test_an_old_beat_proves_nothing(empty: Stage) -> None:
    """Who has the lock is not told by a beat of an earlier grant, nor by one of a dead process: the release raises."""
    empty.start("green")
    empty.name("green", 2)
    empty.handover().hold("green")
    empty.signal("green", signal.SIGSTOP)
    empty.beat_as("blue", token=1)
    with pytest.raises(HandoverError, match="green may still be at work"):
        empty.handover(SHORT).release("green")

    empty.signal("green", signal.SIGKILL)
    with Locker(empty.folder / "fence.lock"), pytest.raises(HandoverError, match="blue may still be at work"):
        empty.handover(SHORT).release("blue")


def test_work_by_an_earlier_grant_is_not_enough(empty: Stage) -> None:
    """A process that says it works, but by the token before, is waited for."""
    empty.name(None, 1)
    clock = FakeClock()
    clock.on_sleep(lambda now: empty.beat_as("blue", token=1 if now < 1 else 2))
    FileHandover(empty.settings(), clock).hold("blue")
    assert clock.now() > 1


@pytest.mark.processes
def test_one_that_is_named_and_lives_may_begin_at_any_moment(empty: Stage) -> None:
    """While the other slot is named and its process lives nobody else gets the work, also before it has taken the lock."""
    empty.start("green")
    empty.signal("green", signal.SIGSTOP)
    empty.name("green", 2)
    with pytest.raises(HandoverError, match="green still works, so blue cannot"):
        empty.handover().hold("blue")
    assert empty.words == {"holder": "green", "token": 2}


@pytest.mark.processes
def test_the_work_is_taken_back_meanwhile(empty: Stage) -> None:
    """A hold that waits raises as soon as another terminal takes the work back, and says to whom it went."""
    empty.start("blue")
    clock = FakeClock()
    clock.on_sleep(lambda now: empty.name("green", 7) if now > 1 else None)
    with pytest.raises(HandoverError, match=r"somebody gave the work to green \(token 7\)"):
        FileHandover(empty.settings(), clock).hold("blue")
    assert clock.now() < 2


def test_a_slot_that_never_beat(empty: Stage) -> None:
    """A hold of a slot without a process raises and says that it never beat; a release of it returns."""
    handover = FileHandover(empty.settings(), FakeClock())
    with pytest.raises(HandoverError, match="the process never beat"):
        handover.hold("blue")
    handover.release("blue")
    assert empty.words == {"holder": None, "token": 1}


@pytest.mark.processes
def test_a_beat_of_another_slot(stage: Stage) -> None:
    """A process that beats into the file of another slot is not taken for that slot's."""
    stage.handover().hold("blue")
    settings = stage.settings(SHORT)
    settings["heartbeats"] = {"green": str(stage.beats["blue"]), "blue": str(stage.beats["blue"])}
    stage.handover().release("blue")
    with pytest.raises(HandoverError, match="slot blue beats into"):
        FileHandover(settings, SystemClock()).hold("green")
