"""The fence of slots in containers; the engine says what it is told, the processes and their locks are real."""

import signal
from collections.abc import Iterator

import pytest
from docker_engine import Engine, document

from infra.contract import Backend
from smoke.clock import FakeClock, SystemClock
from smoke.errors import HandoverError
from smoke.handovers import handover
from smoke.handovers.file import FileHandover
from smoke.seams import Handover
from tests.smoke.handovers.stage import SLOTS, Stage

# The suite that holds for every hand-over, here for one whose slots are in containers.
from tests.smoke.handovers.test_conformance import (  # noqa: F401
    test_an_unknown_slot_is_refused,
    test_each_call_may_be_repeated,
    test_one_is_not_given_the_work_while_the_other_works,
    test_the_holder_is_the_one_that_was_given_the_work,
    test_the_release_of_one_leaves_the_other_alone,
    test_the_work_goes_over_and_back,
)

pytestmark = pytest.mark.processes

SHORT = 0.6
"""Seconds after which a hand-over that is to fail gives up."""
NAMES = {slot: f"crossfade-staging-agent--{slot}" for slot in SLOTS}


@pytest.fixture(name="engine")
def _engine(stage: Stage) -> Iterator[Engine]:
    """A container in each slot, of which the slot's process is the first."""
    with Engine() as engine:
        for slot, name in NAMES.items():
            engine.containers[name] = document(stage.processes[slot].pid)
        yield engine


def backend(stage: Stage, engine: Engine, timeout: float = 20.0) -> Backend:
    """The hand-over, as the contract names it."""
    return Backend("file", {**stage.settings(timeout), "containers": NAMES, "daemon": engine.daemon})


def contained(stage: Stage, engine: Engine, timeout: float = 20.0) -> FileHandover:
    """The hand-over itself."""
    return FileHandover(backend(stage, engine, timeout).settings, SystemClock())


@pytest.fixture(name="any_handover")
def _any_handover(stage: Stage, engine: Engine) -> Handover:
    return handover(backend(stage, engine), SystemClock())


def test_a_hand_over_asks_no_engine_while_all_is_well(stage: Stage, engine: Engine) -> None:
    """Where the old one lets go and the new one begins, the fence and the beats say it all, also while the engine is down."""
    engine.containers.clear()
    contained(stage, engine).release("blue")
    contained(stage, engine).hold("green")
    stage.more_orders("green")

    assert [span.slot for span in stage.judged()] == ["blue", "green"]
    assert engine.asked == []


def test_a_holder_that_is_paused(stage: Stage, engine: Engine) -> None:
    """A paused container may go on at any moment: its release raises, and says by which commands of docker's to end that."""
    contained(stage, engine).hold("blue")
    stage.signal("blue", signal.SIGSTOP)
    pid = stage.processes["blue"].pid
    engine.containers[NAMES["blue"]] = document(pid, Paused=True)
    with pytest.raises(HandoverError) as busy:
        contained(stage, engine, SHORT).release("blue")

    assert str(busy.value).splitlines() == [
        f"error: agent: blue may still be at work: pid {pid} has the lock after 0.6 s",
        f"  where: {stage.folder}/fence.lock",
        "  cause: it is paused with its container; nobody is named to work any more",
        f"  hint:  docker -H {engine.daemon} unpause {NAMES['blue']}   # it was paused; it goes on, and lets go by itself",
        f"         docker -H {engine.daemon} kill {NAMES['blue']}   # it ends, whatever it was about to do",
        "         and the same command again",
    ]

    with pytest.raises(HandoverError, match=f"pid {pid} is paused with its container") as idle:
        contained(stage, engine, SHORT).hold("blue")

    assert idle.value.hint == (
        f"docker -H {engine.daemon} unpause {NAMES['blue']}   # it was paused; it goes on\n"
        "and the same command again, or crossfade abort"
    )


def test_a_holder_that_was_stopped_by_a_signal(stage: Stage, engine: Engine) -> None:
    """A process that was stopped inside of its container is told to go on by a signal, and ended with its container."""
    contained(stage, engine).hold("blue")
    stage.signal("blue", signal.SIGSTOP)
    with pytest.raises(HandoverError, match="it was stopped by a signal") as busy:
        contained(stage, engine, SHORT).release("blue")

    assert (busy.value.hint or "").splitlines()[:2] == [
        f"kill -CONT {stage.processes['blue'].pid}   # it was stopped; it goes on, and lets go by itself",
        f"docker -H {engine.daemon} kill {NAMES['blue']}   # it ends, whatever it was about to do",
    ]


def test_a_container_that_is_gone_works_no_more(stage: Stage, engine: Engine) -> None:
    """A slot whose container is gone works no more, although it is named: the other may be given the work."""
    stage.signal("blue", signal.SIGKILL)
    del engine.containers[NAMES["blue"]]
    contained(stage, engine).hold("green")
    stage.more_orders("green")

    assert stage.words == {"holder": "green", "token": 2}
    contained(stage, engine).release("green")
    with pytest.raises(HandoverError, match=f"is gone from container {NAMES['blue']}"):
        FileHandover(backend(stage, engine, SHORT).settings, FakeClock()).hold("blue")


def test_without_an_engine_nobody_is_taken_for_dead(stage: Stage, engine: Engine) -> None:
    """Where it depends on the engine and that does not say, nobody gets the work, and the error says what must answer."""
    engine.texts[NAMES["blue"]] = "[]"
    stage.signal("blue", signal.SIGKILL)
    with pytest.raises(HandoverError, match="whether blue may still be at work cannot be known") as caught:
        contained(stage, engine).hold("green")

    assert (caught.value.hint or "").startswith(f"docker -H {engine.daemon} inspect {NAMES['blue']}   # its engine must answer")
    assert stage.words == {"holder": "blue", "token": 1}
