"""Anything may happen to a rollout, in any order: what must hold, holds all the same."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from crashing import BOUND, PLAN, Killed, Ordeal
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from smoke.driver import Driver
from smoke.errors import JournalError, RouterError
from smoke.plan import Policy
from smoke.rollout import Finished, Looked, Passed, Phase, Proved, Retried, Rollout, apply, to_record
from smoke.routers.memory import Fault

PEOPLE = ("me@here", "you@there", "third@elsewhere")
LIMIT = 2.0 * BOUND
"""Seconds within which an abort has ended, also when acts fail for as long as they are tried."""


class Anything(RuleBasedStateMachine):
    """A rollout, a driver that may die, and a world that may do what it wants."""

    def __init__(self) -> None:
        super().__init__()
        self.ordeal = Ordeal(plan=replace(PLAN, policy=Policy.HOLD))
        self.stack = ExitStack()
        self.driver: Driver | None = None
        self.rollout: Rollout
        self._start()

    # Who drives

    def _start(self) -> None:
        """A driver begins, or goes on."""
        self.stack.close()
        name, ordeal = self.ordeal.opened.rollout, self.ordeal
        writer = self.stack.enter_context(ordeal.journal.open(name))
        if not ordeal.journal.records(name):
            writer.append(to_record(ordeal.opened))
        self.rollout = ordeal.told()
        if self.rollout.phase is Phase.STUCK:
            retried = Retried(ordeal.clock.wall(), "me@here")
            writer.append(to_record(retried))
            self.rollout = apply(self.rollout, retried)
        self.driver = Driver(ordeal._world(), writer, ordeal.clock)  # noqa: SLF001 - its own harness
        self.driver.begin(self.rollout, ordeal.events())

    def _tick(self) -> None:
        assert self.driver is not None
        self.rollout = self.driver.tick(self.rollout)
        self.ordeal.clock.sleep(self.rollout.plan.tick)

    @rule(ticks=st.integers(1, 30))
    def time_passes(self, ticks: int) -> None:
        """Somebody drives for a while."""
        for _ in range(ticks):
            if self.rollout.ended:
                return
            self._tick()

    @rule(later=st.integers(0, 12))
    def the_driver_dies(self, later: int) -> None:
        """It is killed at one of its next points, and somebody goes on."""
        fate = self.ordeal.fate
        fate.kills = frozenset({fate.points + later})
        try:
            for _ in range(20):
                if not self.rollout.ended:
                    self._tick()
        except Killed:
            self._start()
        finally:
            fate.kills = frozenset()

    # What people do

    @rule(verb=st.sampled_from(("pause", "resume", "approve", "drive")), by=st.sampled_from(PEOPLE))
    def somebody_asks(self, verb: str, by: str) -> None:
        """From another terminal."""
        self.ordeal.post(verb, by)

    @precondition(lambda self: self.ordeal.clock.now() > 20.0)
    @rule(by=st.sampled_from(PEOPLE))
    def somebody_aborts(self, by: str) -> None:
        """From another terminal."""
        self.ordeal.post("abort", by)

    # What the world does

    @rule(
        slot=st.sampled_from(("green", "green", "blue")),
        errors=st.sampled_from((0.0, 0.0, 0.01, 0.5)),
        well=st.sampled_from((True, True, True, False)),
    )
    def a_slot_changes(self, slot: str, errors: float, *, well: bool) -> None:
        """It answers worse, or better, or not at all."""
        side = self.ordeal.sides[slot]
        side.errors, side.well = errors, well

    @rule()
    def the_candidate_restarts(self) -> None:
        """Another process answers."""
        self.ordeal.sides["green"].started += 1

    @rule(off=st.booleans())
    def a_meter_is_off(self, *, off: bool) -> None:
        """It says nothing, or speaks again."""
        self.ordeal.meters["api"].blind = off

    @rule(service=st.sampled_from(("api", "web")), fault=st.sampled_from([each for each in Fault if each is not Fault.DEAD]))
    def a_router_errs(self, service: str, fault: Fault) -> None:
        """Its next call goes wrong."""
        self.ordeal.routers[service].faults.append(fault)

    @rule(service=st.sampled_from(("api", "web")), share=st.integers(0, 100))
    def somebody_else_writes_weights(self, service: str, share: int) -> None:
        """Behind the driver's back."""
        try:
            self.ordeal.routers[service].write({"blue": 100 - share, "green": share})
        except RouterError:
            return

    @rule(name=st.sampled_from(("agent", "clerk")), times=st.integers(1, 3))
    def a_singleton_balks(self, name: str, times: int) -> None:
        """Green does not take up the work."""
        self.ordeal.fences[name].fails = times

    @rule(times=st.sampled_from((0, 1, 3, -1)))
    def the_stack_fails(self, times: int) -> None:
        """Pulumi does not do what it should, for a while or until it is mended."""
        self.ordeal.stack.broken = times

    @rule(seconds=st.sampled_from((-86_400.0, -30.0, 30.0, 86_400.0)))
    def the_clock_is_set(self, seconds: float) -> None:
        """The date jumps; time goes on."""
        self.ordeal.clock.set(self.ordeal.clock.wall() + seconds)

    # What must hold

    @invariant()
    def weights_are_whole(self) -> None:
        """Whatever was asked of a router came to 100."""
        for router in self.ordeal.routers.values():
            assert all(sum(written.values()) == 100 for written in router.written)

    @invariant()
    def nothing_forbidden_was_done(self) -> None:
        """No candidate got traffic from a driver after it was recorded to have failed."""
        assert [fault for fault in self.ordeal.faults if "after a recorded" in fault] == []

    @invariant()
    def the_journal_is_the_truth(self) -> None:
        """What the driver believes is what the journal tells."""
        assert self.ordeal.told().phase is self.rollout.phase

    @invariant()
    def nothing_passes_unproven(self) -> None:
        """Right before the rollout went on, a look was recorded in which every gate passed; promoted, all steps were passed."""
        events = self.ordeal.events()
        onward = [place for place, event in enumerate(events) if isinstance(event, (Proved, Passed, Finished))]
        before = [events[place - 1] for place in onward]
        assert all(isinstance(look, Looked) and look.verdict == "pass" for look in before)
        if self.rollout.phase is Phase.PROMOTED:
            assert len(onward) == len(self.rollout.plan.steps) + 1

    def teardown(self) -> None:
        """From wherever it came to, abort ends, within its bound, with everything on the live slot."""
        ordeal = self.ordeal
        self._mend()
        if self.rollout.phase in {Phase.PROMOTED, Phase.ROLLED_BACK}:
            self.stack.close()
            return
        ordeal.post("abort")
        if self.rollout.phase is Phase.STUCK:
            self._start()
        began = ordeal.clock.now()
        self._until(lambda: self.rollout.ended or ordeal.clock.now() - began > LIMIT)
        self.stack.close()

        assert self.rollout.phase in {Phase.ROLLED_BACK, Phase.PROMOTED}
        if self.rollout.phase is Phase.ROLLED_BACK:
            assert all(router.weights == {"blue": 100, "green": 0} for router in ordeal.routers.values())
            assert {fence.at_work for fence in ordeal.fences.values()} == {"blue"}

    def _mend(self) -> None:
        self.ordeal.stack.broken = 0
        for router in self.ordeal.routers.values():
            router.faults.clear()

    def _until(self, over: Callable[[], bool]) -> None:
        while not over():
            try:
                self._tick()
            except (Killed, JournalError):
                self._start()


Anything.TestCase.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
TestAnything = Anything.TestCase
