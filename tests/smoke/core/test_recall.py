"""What a journal remembers is what a driver knew: to the bit."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, is_dataclass, replace
from typing import Any

import pytest
from simulation import OPENED, PLAN, Simulation

from smoke.analysis import Evidence
from smoke.analysis.counts import Increment, Slice
from smoke.driver import Driver
from smoke.model import Counts, Look, Sample
from smoke.plan import Plan, Policy, Step
from smoke.rollout import Event, Looked, Opened, Phase, Rollout, Shifted, from_record, replay, to_record
from smoke.rollout.recall import recall

SHORT = replace(
    OPENED, plan=replace(PLAN, steps=(Step(5, 2.0, 10, 60.0), Step(50, 2.0, 50, 60.0), Step(100, 2.0, 50, 60.0, singletons=True)))
)
NOTHING = Evidence("blue", "green", SHORT.plan, ("api",))


class _Killed(Exception):
    """The driver is gone."""


def events(simulation: Simulation) -> list[Event]:
    """What the journal says, through the text that a file would keep."""
    return [from_record(json.loads(json.dumps(record))) for record in simulation.journal.records(simulation.opened.rollout)]


def drive(simulation: Simulation, append: Callable[[Callable[[], None]], None] = lambda write: write()) -> Rollout:
    """Drive to the end as wiring does: with what the journal remembers. ``append`` does or does not write each record."""

    class Writer:
        def __init__(self, inner: Any) -> None:  # noqa: ANN401 - the journal's own writer
            self._inner = inner

        def append(self, record: Mapping[str, Any]) -> None:
            append(lambda: self._inner.append(record))

        def renew(self, seconds: float) -> None:
            self._inner.renew(seconds)

    with simulation.journal.open(simulation.opened.rollout) as inner:
        if not simulation.journal.records(simulation.opened.rollout):
            inner.append(to_record(simulation.opened))
        known = events(simulation)
        rollout = replay(known)
        assert rollout is not None
        return Driver(simulation.world(), Writer(inner), simulation.clock, simulation.listeners).run(rollout, known)


def short(turn: Callable[[Simulation], None] | None = None) -> Simulation:
    """A rollout of three short steps, with some errors on both sides; a knob may be turned after four seconds."""
    simulation = Simulation()
    simulation.opened = SHORT
    simulation.sides["blue"].errors = simulation.sides["green"].errors = 0.01

    def listen(now: float) -> None:
        if turn is not None and now >= 4.0:
            turn(simulation)

    simulation.clock.on_sleep(listen)
    return simulation


def _errors(simulation: Simulation) -> None:
    simulation.sides["green"].errors = 0.3


def _slow(simulation: Simulation) -> None:
    simulation.sides["green"].latency_ms = 50.0


def _meddled(simulation: Simulation) -> None:
    if simulation.clock.now() < 5.0:
        simulation.router.weights = {"blue": 0, "green": 100}


KNOBS = {"good": None, "errors": _errors, "slow": _slow, "meddled with": _meddled}


@pytest.mark.parametrize("knob", KNOBS)
def test_a_journal_has_all_the_evidence(knob: str) -> None:
    """Recalled from its journal at the end, every service's trial is equal to the driver's own, in every number."""
    simulation = short(KNOBS[knob])
    end = drive(simulation)
    known, recalled = simulation.ticks[-1].evidence, recall(NOTHING, events(simulation))

    assert end.phase is (Phase.ROLLED_BACK if knob in {"errors", "slow"} else Phase.PROMOTED)
    assert recalled.intake("api").trial == known.intake("api").trial
    assert recalled.intake("api").grid == known.intake("api").grid
    assert recalled.steps == known.steps
    assert recalled.logs() == known.logs()
    assert recalled.intake("api").trial.error_objective.better.log() != 0.0


def test_at_every_look_that_is_recorded_the_evidence_is_the_drivers() -> None:
    """Not only at the end: whatever part of the journal is there, up to any look, it gives what the driver knew by then."""
    simulation = short()
    drive(simulation)
    told = events(simulation)
    known = {}
    for tick in simulation.ticks:
        if tick.rollout.look is not None:
            known.setdefault(tick.rollout.look.at, tick.evidence)
    looks = [number for number, event in enumerate(told) if isinstance(event, Looked) and event.at in known]

    assert len(looks) >= 6
    for number in looks:
        recalled, there = recall(NOTHING, told[: number + 1]), known[told[number].at]
        following = told[number + 1] if number + 1 < len(told) else None
        if isinstance(following, Looked):  # else the tick tells what was decided on that look as well
            assert recalled.intake("api").trial == there.intake("api").trial
            assert recalled.watched == there.watched


def _killed_at(number: int, *, after: bool, knob: str) -> Simulation:
    simulation = short(KNOBS[knob])
    appended = 0

    def append(write: Callable[[], None]) -> None:
        nonlocal appended
        here, appended = appended, appended + 1
        if here == number and not after:
            raise _Killed
        write()
        if here == number:
            raise _Killed

    try:
        drive(simulation, append)
    except _Killed:
        drive(simulation)
    return simulation


@pytest.mark.parametrize("knob", ["good", "errors"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_driver_that_takes_over_knows_the_same(knob: str, *, after: bool) -> None:
    """Killed before or after any record, and taken over: at the end the journal gives the second driver's evidence to the bit."""
    whole = short(KNOBS[knob])
    end, records = drive(whole), len(events(whole)) - 1
    assert records > 10
    for number in range(records):
        simulation = _killed_at(number, after=after, knob=knob)
        told, recalled = simulation.told(), recall(NOTHING, events(simulation))
        assert told.phase is end.phase
        assert recalled.intake("api").trial == simulation.ticks[-1].evidence.intake("api").trial


def test_what_was_seen_before_a_kill_still_counts() -> None:
    """A driver that takes over within a step goes on from the time and the evidence of the one before."""
    simulation = short()
    drive(simulation)
    told = events(simulation)
    second = [number for number, event in enumerate(told) if isinstance(event, Shifted)][1]
    recalled = recall(NOTHING, told[: second + 3])
    last = told[second + 2]

    assert isinstance(last, Looked)
    assert recalled.watched == last.watched > 0.0
    assert recalled.steps == 2
    trial = recalled.intake("api").trial
    assert trial.age > 3.0
    assert trial.errors.worse.reserve < 0.35


def test_a_new_step_begins_in_the_journal_as_well() -> None:
    """A step that began, with nothing seen yet, begins anew what must be shown, and takes its weight for what may go wrong."""
    simulation = short()
    drive(simulation)
    told = events(simulation)
    second = [number for number, event in enumerate(told) if isinstance(event, Shifted)][1]
    before, after = recall(NOTHING, told[:second]), recall(NOTHING, told[: second + 1])

    assert before.intake("api").trial.error_objective.better.log() > 0.0
    assert after.intake("api").trial.error_objective.better.log() == 0.0
    assert after.intake("api").trial.errors.worse.reserve == pytest.approx(before.intake("api").trial.errors.worse.reserve - 0.1)
    assert (before.steps, after.steps, after.watched) == (1, 2, 0.0)


def slow_meter(errors: int) -> Iterator[tuple[float, Sample]]:
    """A meter without latency that counts every five seconds."""
    for look in range(1, 8):
        slots = {"blue": Counts(1000 * look), "green": Counts(1000 * look, errors * look)}
        yield 5.0 * look, Sample(5.0 * look, slots, 5.0)


def test_a_step_that_began_before_anything_was_counted_is_remembered() -> None:
    """Proven within two readings of a slow meter, there is no row before the first step: what follows counts all the same."""
    evidence = NOTHING.with_look(Look(0.0, (), {"api": Sample(0.0, {"blue": Counts(), "green": Counts()}, 5.0)}))
    told: list[Event] = [SHORT, *_looks(evidence)]
    evidence = evidence.noted().for_step(0)
    told += [from_record({"event": name, "at": 2.0}) for name in ("proved", "shifted")]
    for at, sample in slow_meter(errors=300):
        evidence = evidence.with_look(Look(at, (), {"api": sample}))
        told += _looks(evidence)
        evidence = evidence.noted()

    assert recall(NOTHING, told).intake("api").trial == evidence.intake("api").trial
    assert recall(NOTHING, told).logs()["api", "errors"] == evidence.logs()["api", "errors"] > 0.0


def _looks(evidence: Evidence) -> list[Event]:
    """The record of a look, as the driver writes it."""
    rows = {name: [row.to_json() for row in intake.rows] for name, intake in evidence.intakes.items() if intake.rows}
    return [Looked(evidence.at or 0.0, evidence.watched, "undecided", rows=rows, grids=evidence.grids())]


class OtherBuckets:
    """The front door's meter, whose buckets become others after four and a bit seconds."""

    blind = False

    def __init__(self, simulation: Simulation, edges: tuple[float, ...]) -> None:
        self._inner, self._clock, self._edges = simulation.meter, simulation.clock, (*edges, float("inf"))

    def read(self) -> Sample:
        """What it counted, in the buckets of now."""
        sample = self._inner.read()
        if self._clock.now() < 4.3:
            return sample
        slots = {
            slot: replace(counts, latency=tuple((edge, counts.requests if edge >= 5.0 else 0) for edge in self._edges))
            for slot, counts in sample.slots.items()
        }
        return replace(sample, slots=slots)


@pytest.mark.parametrize(
    "edges", [(10.0, 100.0), (*(1.5 * edge for edge in range(1, 11)),), (*(float(edge) for edge in range(1, 30)),)]
)
def test_buckets_may_change_between_two_records(edges: tuple[float, ...]) -> None:
    """Where a meter's buckets change between two looks that are recorded, what is recalled is still what the driver knew."""
    simulation = short()
    simulation.meter = OtherBuckets(simulation, edges)  # type: ignore[assignment] - reads like it
    drive(simulation)
    known = simulation.ticks[-1].evidence.intake("api")

    assert known.grid == (*edges, float("inf"))
    assert recall(NOTHING, events(simulation)).intake("api").trial == known.trial


def test_a_look_goes_through_json_unchanged() -> None:
    """The record of a look, written as text and read again, is an equal event, rows and grids included."""
    row = Increment(0.1 + 0.2, Slice(3, 1, (0, 5), (2, 1)), Slice(2))
    look = Looked(1.5, 0.1 * 3, "pass", ("a",), {"api": {}}, ({"n": 1.5},), {"api": [row.to_json()]}, {"api": [0.1, 2.5]})
    again = from_record(json.loads(json.dumps(to_record(look))))

    assert again == look
    assert isinstance(again, Looked)
    assert Increment.from_json(again.rows["api"][0]) == row


def numbers(value: object) -> int:
    """How many numbers a value is made of."""
    if is_dataclass(value) and not isinstance(value, type):
        return numbers(astuple(value))
    if isinstance(value, Mapping):
        return sum(map(numbers, value.values()))
    return sum(map(numbers, value)) if isinstance(value, tuple | list) else 1


def test_two_days_need_no_more_memory_than_a_minute() -> None:
    """In 48 hours of looks, all evidence of a service is as many numbers at the end as it was soon after the beginning."""
    soak = Plan((Step(50, 172_800.0, 100, 200_000.0),), PLAN.gates, policy=Policy.BACK)
    evidence, sizes = Evidence("blue", "green", soak, ("api",)), set()
    for look in range(4800):
        counts = Counts(20 * look, 0, ((5.0, 19 * look), (50.0, 20 * look), (float("inf"), 20 * look)))
        sample = Sample(36.0 * look, {"blue": counts, "green": counts})
        evidence = evidence.with_look(Look(36.0 * look, (), {"api": sample})).noted()
        if look == 2:
            evidence = evidence.for_step(0)
        if look % 400 == 399:
            sizes.add(numbers(evidence.intakes))

    assert len(sizes) == 1


def test_a_rollout_of_an_earlier_version_has_no_rows() -> None:
    """A look without rows, as an earlier version wrote it, is only a time that was watched."""
    record = to_record(Looked(3.0, 2.0, "undecided"))
    old = from_record({name: value for name, value in record.items() if name not in {"rows", "grids"}})
    opened: Opened = SHORT

    assert recall(NOTHING, [opened, old]) == replace(NOTHING, watched=2.0, spent=2.0)
