"""What holds for the sampler."""

import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from infra.contract import Backend, Placement
from smoke.clock import FakeClock, SystemClock
from smoke.model import Answer, Reading
from smoke.probes.sampler import Sampler
from smoke.seams import Clock, Probe
from tests.smoke.probes.peers import ENDS, placed
from tests.smoke.routers.envoy_harness import wait_for

ROOT = Path(__file__).parents[3]
Asked = tuple[Placement, Probe, Backend]


@dataclass
class Counting:
    """A probe that counts how often it was asked, and does something each time."""

    name: str
    act: Callable[[int], None] = lambda _: None
    asked: int = 0
    at_once: int = 0
    most: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def read(self, placement: Placement) -> Reading:
        """Count."""
        with self.lock:
            self.asked += 1
            number = self.asked
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        try:
            self.act(number)
        finally:
            with self.lock:
                self.at_once -= 1
        return Reading(placement.service, placement.slot, self.name, Answer.OK, str(number), at=float(number))


class Gate:
    """Holds up whoever comes, until it is opened."""

    def __init__(self) -> None:
        self._open = threading.Event()

    def __call__(self, _: int) -> None:
        """Wait."""
        assert self._open.wait(ENDS)

    def open(self) -> None:
        """Let everybody through, from now on."""
        self._open.set()


def asking(probe: Probe, every: float = 0.005, timeout: float = 1.0) -> Asked:
    """A question of the green slot."""
    return placed(), probe, Backend("scripted", {"every": every, "timeout": timeout})


@contextmanager
def sampling(*questions: Asked, clock: Clock | None = None) -> Iterator[Sampler]:
    """A sampler that is closed afterwards."""
    sampler = Sampler(questions, clock or SystemClock())
    try:
        yield sampler
    finally:
        sampler.close()


@pytest.fixture
def gate() -> Iterator[Gate]:
    """A gate that is opened in the end, whatever became of the test."""
    made = Gate()
    yield made
    made.open()


def collected(sampler: Sampler, enough: Callable[[list[Reading]], bool]) -> list[Reading]:
    """The readings of look after look, until they are enough."""
    readings: list[Reading] = []

    def more() -> bool:
        readings.extend(sampler.look())
        return enough(readings)

    wait_for(more, limit=ENDS)
    return readings


def details(readings: list[Reading], probe: str) -> list[str]:
    """What one probe said, in order."""
    return [each.detail for each in readings if each.probe == probe]


def test_readings_arrive_in_order_and_once() -> None:
    """Look after look has every reading of each question once, in the order in which it was asked."""
    with sampling(asking(Counting("a")), asking(Counting("b"))) as sampler:
        readings = collected(sampler, lambda found: all(len(details(found, name)) >= 20 for name in "ab"))
    for name in "ab":
        said = details(readings, name)
        assert said == [str(number) for number in range(1, len(said) + 1)]


def test_nobody_is_asked_before_the_first_look() -> None:
    """A sampler that is made and closed, or only asked once, samples nothing."""
    counting = Counting("a")
    with sampling(asking(counting)) as sampler:
        assert counting.asked == 0
        sampler.once(ENDS)
    assert counting.asked == 1


def test_one_that_hangs_keeps_nobody_waiting(gate: Gate) -> None:
    """While one probe hangs, looks return, and another one is asked again and again."""
    hanging, lively = Counting("hangs", gate), Counting("lively")
    with sampling(asking(hanging), asking(lively)) as sampler:
        readings = collected(sampler, lambda found: len(details(found, "lively")) >= 10)
        assert details(readings, "hangs") == []
        gate.open()
        collected(sampler, lambda found: bool(details(found, "hangs")))


def test_nothing_is_asked_twice_at_the_same_time(gate: Gate) -> None:
    """A question whose look takes longer than its turn is asked anew only once that look has ended."""
    slow, lively = Counting("slow", gate), Counting("lively")
    with sampling(asking(slow), asking(lively)) as sampler:
        collected(sampler, lambda found: len(details(found, "lively")) >= 10)
        assert slow.asked == 1
        gate.open()
        collected(sampler, lambda found: len(details(found, "slow")) >= 3)
    assert slow.most == lively.most == 1


def test_each_has_a_pace_of_its_own() -> None:
    """A question that is asked once an hour is asked once while another is asked often."""
    rare, often = Counting("rare"), Counting("often")
    with sampling(asking(rare, every=3600), asking(often)) as sampler:
        readings = collected(sampler, lambda found: len(details(found, "often")) >= 10 and bool(details(found, "rare")))
    assert details(readings, "rare") == ["1"]


def test_a_turn_is_counted_from_the_start_of_the_look(gate: Gate) -> None:
    """A look that took longer than its turn is followed by the next one at once."""
    clock, slow = FakeClock(), Counting("slow", gate)
    with sampling(asking(slow, every=3600, timeout=3600), clock=clock) as sampler:
        sampler.look()
        wait_for(lambda: slow.asked == 1)
        clock.sleep(3601)
        gate.open()
        wait_for(lambda: slow.asked == 2)


def test_one_that_hangs_is_told(gate: Gate) -> None:
    """A look far beyond its limit is told as one that could not tell, once for each such time, before its own reading."""
    clock, hanging = FakeClock(), Counting("hangs", gate)
    with sampling(asking(hanging, every=3600, timeout=2.0), clock=clock) as sampler:
        assert sampler.look() == ()
        wait_for(lambda: hanging.asked == 1)
        clock.sleep(4.9)
        assert sampler.look() == ()
        clock.sleep(0.2)
        (told,) = sampler.look()
        assert (told.service, told.slot, told.probe, told.answer) == ("api", "green", "hangs", Answer.UNTOLD)
        assert told.detail == "has not ended for 5.1 s: the probe itself hangs"
        assert sampler.look() == ()
        clock.sleep(5.0)
        assert [each.answer for each in sampler.look()] == [Answer.UNTOLD]
        gate.open()
        assert details(collected(sampler, bool), "hangs") == ["1"]


@pytest.mark.parametrize("error", [RuntimeError("no such luck"), SystemExit("no such luck")], ids=repr)
def test_a_broken_probe_is_told_and_asked_again(error: BaseException) -> None:
    """Whatever a probe raises is told as a reading with its place in the code, and the probe is asked again."""

    def breaks(_: int) -> None:
        raise error

    with sampling(asking(Counting("broken", breaks)), asking(Counting("well"))) as sampler:
        readings = collected(sampler, lambda found: len(details(found, "broken")) >= 3)
    told = [each for each in readings if each.probe == "broken"]
    assert {each.answer for each in told} == {Answer.UNTOLD}
    assert told[0].detail.startswith(f"the probe itself broke: {type(error).__name__}: no such luck (test_sampler.py:")


def test_once_asks_everyone_once() -> None:
    """Every question is asked once, and the readings are in the order of the questions."""
    probes = [Counting(name) for name in "abc"]
    with sampling(*map(asking, probes)) as sampler:
        readings = sampler.once(ENDS)
    assert [(each.probe, each.answer) for each in readings] == [(name, Answer.OK) for name in "abc"]
    assert [each.asked for each in probes] == [1, 1, 1]


def test_once_asks_everyone_at_the_same_time() -> None:
    """No question waits for another: each of these is answered only when both are asked."""
    both = threading.Barrier(2)
    with sampling(*(asking(Counting(name, lambda _: both.wait(ENDS) and None)) for name in "ab")) as sampler:
        readings = sampler.once(ENDS)
    assert [each.answer for each in readings] == [Answer.OK, Answer.OK]


def test_once_does_not_wait_for_one_that_hangs(gate: Gate) -> None:
    """A probe that has no answer within the limit is told as unanswered, in its place among the others."""
    with sampling(asking(Counting("hangs", gate)), asking(Counting("well"))) as sampler:
        readings = sampler.once(1.0)
    assert [(each.probe, each.answer) for each in readings] == [("hangs", Answer.UNTOLD), ("well", Answer.OK)]
    assert readings[0].detail == "did not answer within 1 s: it hangs"


def test_no_questions_have_no_readings() -> None:
    """Without questions there is nothing to wait for."""
    with sampling() as sampler:
        assert (sampler.look(), sampler.once(ENDS), sampler.questions) == ((), (), ())


def test_close_ends_the_asking() -> None:
    """After a close, which may be repeated, nobody is asked any more, whoever looks."""
    counting = Counting("a")
    with sampling(asking(counting)) as sampler:
        collected(sampler, bool)
        sampler.close()
        asked = counting.asked
        sampler.look()
        sampler.close()
        wait_for(lambda: not [each for each in threading.enumerate() if each.name.startswith("probe ")])
        assert counting.asked == asked


@pytest.mark.processes
def test_one_that_hangs_keeps_no_program_alive() -> None:
    """A program whose probe hangs for ever ends all the same."""
    program = """
        import threading
        from infra.contract import Backend
        from smoke.clock import SystemClock
        from smoke.probes.sampler import Sampler
        from tests.smoke.probes.peers import placed

        class Hangs:
            name = "hangs"
            asked = threading.Event()

            def read(self, placement):
                self.asked.set()
                threading.Event().wait()

        sampler = Sampler([(placed(), Hangs(), Backend("scripted", {}))], SystemClock())
        sampler.look()
        Hangs.asked.wait()
        assert len(sampler.once(0.1)) == 1
        sampler.close()
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, timeout=ENDS, check=False, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
