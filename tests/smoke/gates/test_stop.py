"""How a program ends on both runtimes: in time, with its exit status, and with all that it says on its way out."""

import os
from pathlib import Path

import pytest
from machine import wait_for

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.stop import Asked, judged
from smoke.process import Ended

READY = "print('it is ready', flush=True)\n"
WAITS = "import signal, sys, time, os\n"
ENDS = WAITS + "signal.signal(signal.SIGTERM, lambda *_: sys.exit({status}))\n" + READY + "while True: time.sleep(0.05)\n"
FLUSHES = """
import atexit, threading
def flush():
    thread = threading.Thread(target=print, args=("the last batch is flushed",))
    thread.start()
    thread.join()
atexit.register(flush)
"""


def ended(status: int | None = 0, out: str = "", seconds: float = 0.1) -> Asked:
    """A run that was asked to end."""
    return Asked(Ended(status, out, out), seconds)


def test_the_same_end_passes() -> None:
    """Its seconds are the measure; a time that the old one does not repeat itself is compared with nobody."""
    found = judged(ended(out="at 12 closed"), ended(out="at 13 closed"), ended(out="at 14 closed", seconds=0.7), 10.0)
    assert (found.outcome, found.value, found.limit) == (Outcome.PASS, 0.7, 10.0)


def test_another_end_fails() -> None:
    """Another exit status, and a sentence that is missing."""
    assert judged(ended(), ended(), ended(1), 10.0).detail.startswith("it ends otherwise: a good end before, exit status 1 after")
    lost = judged(ended(out="flushed 3"), ended(out="flushed 3"), ended(), 10.0)
    assert (lost.outcome, "flushed before, nothing after" in lost.detail) == (Outcome.FAIL, True)


def test_what_was_never_asked_is_told() -> None:
    """On the old runtime nothing was measured then; on the new one that is the failure."""
    never = Asked(Ended(None, "", ""), 0.0, "was not ready within 60 s")
    assert judged(never, ended(), ended(), 10.0).outcome is Outcome.UNMEASURED
    assert judged(ended(), ended(), never, 10.0).outcome is Outcome.FAIL


def stopped(programs: tuple[str, str], program: str, seconds: str = "10", ready: str = "it is ready") -> Answer:
    """What the gate says of a program."""
    return gate("stop")([seconds, ready, *programs, "-c", program])


@pytest.mark.processes
def test_a_program_that_ends_passes(programs: tuple[str, str]) -> None:
    """With the status that it has on both, whatever that is."""
    assert stopped(programs, ENDS.format(status=0)).outcome is Outcome.PASS
    assert stopped(programs, ENDS.format(status=3)).outcome is Outcome.PASS
    other = stopped(programs, ENDS.format(status="3 * (os.environ['WHICH'] == 'new')"))
    assert (other.outcome, "exit status 3 after" in other.detail) == (Outcome.FAIL, True)


@pytest.mark.processes
def test_one_that_does_not_end_is_killed(programs: tuple[str, str], tmp_path: Path) -> None:
    """It fails by the limit, and neither it nor what it began is there any more."""
    pids = tmp_path / "pids"
    ignores = (
        WAITS
        + "import subprocess\n"
        + "if os.environ['WHICH'] == 'new': signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        + f"child = subprocess.Popen(['sleep', '60']); open({str(pids)!r}, 'a').write(f'{{os.getpid()}} {{child.pid}} ')\n"
        + READY
        + "while True: time.sleep(0.05)\n"
    )
    found = stopped(programs, ignores, "1")
    assert (found.outcome, found.detail) == (Outcome.FAIL, "it did not end within 1 s, and was killed")
    every = [int(pid) for pid in pids.read_text(encoding="utf-8").split()]
    # What was killed is gone once the system has seen to it.
    wait_for(lambda: not any(map(_runs, every)), "what was killed is gone", limit=10.0)


def _runs(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        os.kill(pid, 0)
    except (OSError, ProcessLookupError):
        return False
    return state != "Z"


@pytest.mark.processes
def test_one_that_ends_before_it_is_ready_is_told(programs: tuple[str, str]) -> None:
    """With what it said last."""
    broken = "import sys, os\nsys.exit('no key') if os.environ['WHICH'] == 'new' else None\n" + ENDS.format(status=0)
    found = stopped(programs, broken)
    assert (found.outcome, "ended with 1 before it was ready: no key" in found.detail) == (Outcome.FAIL, True)


@pytest.mark.processes
def test_a_flush_that_the_new_runtime_refuses_is_found() -> None:
    """A thread that begins at the end runs on 3.9 and not on 3.12: the last batch is lost, and that is told."""
    before, after = interpreter("py39"), interpreter("py312")
    if before is None or after is None:
        pytest.skip("wants Python 3.9 and 3.12")
    found = stopped((str(before), str(after)), FLUSHES + ENDS.format(status=0))
    assert found.outcome is Outcome.FAIL
    assert "it ends otherwise" in found.detail


@pytest.mark.parametrize("words", ["10 ready a b", "0 ready a b c", "x ready a b c"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("stop")(words.split())
    assert caught.value.hint
