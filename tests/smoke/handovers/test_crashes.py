"""The fence when whoever hands over dies at any line of it: the same call again, or the way back, ends right."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from smoke.errors import HandoverError
from smoke.seams import Handover
from tests.smoke.handovers.simulation import Simulation, crashing
from tests.smoke.handovers.stage import SLOTS

pytestmark = pytest.mark.processes

Act = Callable[[Handover], None]


def over(handover: Handover) -> None:
    """Give the work to green."""
    handover.release("blue")
    handover.hold("green")


def back(handover: Handover) -> None:
    """Give the work to blue."""
    handover.release("green")
    handover.hold("blue")


@pytest.mark.parametrize(("then", "worker"), [(over, "green"), (back, "blue")], ids=["again", "back"])
def test_a_crash_at_any_line(then: Act, worker: str) -> None:
    """Whatever line a hand-over dies at, repeating it or going back leaves that one slot at work, by a token of its own."""
    line, crashed = 0, True
    while crashed:
        line += 1
        with Simulation() as simulation:
            crashed = crashing(lambda: over(simulation.handover()), line)
            simulation.check()
            then(simulation.handover())
            assert (simulation.handover().holder(), simulation.at_work()) == (worker, {worker})
            simulation.check()
    assert line > 50, "the lines were not counted"


@pytest.mark.parametrize("clumsy", [over, back], ids=["over", "back"])
def test_a_crash_while_nothing_was_to_do(clumsy: Act) -> None:
    """A repeat that dies at any line leaves the slot at work that was, by the same token."""
    line, crashed = 0, True
    with Simulation() as simulation:
        clumsy(simulation.handover())
        words = (simulation.folder / "fence.json").read_bytes()
        while crashed:
            line += 1
            crashed = crashing(lambda: clumsy(simulation.handover()), line)
            assert (simulation.folder / "fence.json").read_bytes() == words
    assert line > 50, "the lines were not counted"


class AnyStory(RuleBasedStateMachine):
    """Whatever befalls the processes and whoever hands over."""

    slots = some.sampled_from(SLOTS)

    def __init__(self) -> None:
        super().__init__()
        self.simulation = Simulation()

    def teardown(self) -> None:
        """However it went, it can be put right: with both processes well the work goes to where it is wanted."""
        for slot in SLOTS:
            self.simulation.start(slot)
            self.go_on(slot)
            self.connect(slot, connected=True)
        over(self.simulation.handover())
        assert self.simulation.at_work() == {"green"}
        self.simulation.check()
        self.simulation.__exit__()

    @rule(slot=slots)
    def hold(self, slot: str) -> None:
        """One that returns has the slot at work, and nobody else."""
        with suppress(HandoverError):
            self.simulation.handover().hold(slot)
            assert self.simulation.at_work() == {slot}

    @rule(slot=slots)
    def release(self, slot: str) -> None:
        """One that returns has the slot at rest."""
        with suppress(HandoverError):
            self.simulation.handover().release(slot)
            assert slot not in self.simulation.at_work()

    @rule(act=some.sampled_from(["hold", "release"]), slot=slots, line=some.integers(1, 120))
    def crash(self, act: str, slot: str, line: int) -> None:
        """Whoever hands over dies."""
        with suppress(HandoverError):
            crashing(lambda: getattr(self.simulation.handover(), act)(slot), line)

    @rule(slot=slots)
    def kill(self, slot: str) -> None:
        """A process dies."""
        self.simulation.kill(slot)

    @rule(slot=slots)
    def start(self, slot: str) -> None:
        """A process comes back."""
        self.simulation.start(slot)

    @rule(slot=slots)
    def stop(self, slot: str) -> None:
        """A process hangs."""
        if (process := self.simulation.processes[slot]) is not None:
            process.stop()

    @rule(slot=slots)
    def go_on(self, slot: str) -> None:
        """A process goes on."""
        if (process := self.simulation.processes[slot]) is not None:
            process.go_on()

    @rule(slot=slots, connected=some.booleans())
    def connect(self, slot: str, connected: bool) -> None:  # noqa: FBT001 - drawn
        """A process loses what it works on, or finds it again."""
        if (process := self.simulation.processes[slot]) is not None:
            process.connected = connected

    @rule(seconds=some.sampled_from([0.02, 0.1, 0.3]))
    def pass_time(self, seconds: float) -> None:
        """Time passes."""
        self.simulation.pass_time(seconds)

    @invariant()
    def never_two(self) -> None:
        """No two were ever at work at once, and no token was ever given twice, or fell."""
        self.simulation.check()


TestAnyStory = AnyStory.TestCase
TestAnyStory.settings = settings(max_examples=25, stateful_step_count=20)
