"""What another plan would have done: beside what it does when it is driven for real, since nothing here is left to chance."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from itertools import chain, pairwise, product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from simulation import PLAN, FrontDoor, Simulation

from smoke.analysis import Evidence
from smoke.analysis.counts import Increment, Slice
from smoke.driver import World
from smoke.plan import Gates, Plan, Policy, Step
from smoke.rollout import Event, Failed, Held, IllegalEvent, Looked, Opened, Phase, Shifted, from_record
from smoke.rollout.counting import moments
from smoke.rollout.recall import recall
from smoke.rollout.replaying import NoCounts, Outcome, Replay, replay_under
from smoke.routers.memory import MemoryRouter

Knob = Callable[[Simulation], None]
PASSED, FAILED, BACK, HELD, ABORTED = (
    Outcome.PASSED,
    Outcome.FAILED,
    Outcome.BACK,
    Outcome.HELD,
    Outcome.ABORTED,
)
LENIENT = replace(PLAN, gates=Gates(errors=1.0, error_ratio=0.0, p95_ms=1000.0, latency_ratio=20.0))


def _green(**change: Any) -> Knob:  # noqa: ANN401 - any field of a side
    def turn(simulation: Simulation) -> None:
        for name, value in change.items():
            setattr(simulation.sides["green"], name, value)

    return turn


def _at(share: int, knob: Knob, seconds: float = 1.0) -> Knob:
    """Turn a knob, once, when the candidate has had that share for so long."""

    def install(simulation: Simulation) -> None:
        since: list[float] = []
        left = [knob]

        def listen(now: float) -> None:
            if simulation.router.weights.get("green") == share:
                since.append(now)
                if left and now - since[0] >= seconds:
                    left.pop()(simulation)

        simulation.clock.on_sleep(listen)

    return install


def _post(verb: str, share: int, seconds: float) -> Knob:
    """A person asks for something."""

    def knob(simulation: Simulation) -> None:
        simulation.mailbox.post("0001-abc", {"verb": verb, "by": "me", "at": simulation.clock.wall()})

    return _at(share, knob, seconds)


def _both(first: Knob, second: Knob) -> Knob:
    def install(simulation: Simulation) -> None:
        first(simulation)
        second(simulation)

    return install


def _late(seconds: float) -> Knob:
    """At 50 % traffic follows the weights only after that time."""

    def install(simulation: Simulation) -> None:
        served = MemoryRouter()
        simulation.meter = FrontDoor(simulation.clock, served, simulation.sides, 200.0)
        late: list[bool] = []
        _at(50, lambda _: late.append(True), 0.0)(simulation)
        _at(50, lambda _: late.clear(), seconds)(simulation)
        simulation.clock.on_sleep(lambda _: served.write(simulation.router.weights) if not late else None)

    return install


def _good(simulation: Simulation) -> None:
    del simulation


def _rolled(plan: Plan = PLAN, knob: Knob = _good, rate: float = 200.0) -> list[Event]:
    """The events of a rollout that was driven for real."""
    simulation = Simulation(rate)
    simulation.opened = replace(simulation.opened, plan=plan)
    knob(simulation)
    simulation.run()
    return _events(simulation)


def _events(simulation: Simulation) -> list[Event]:
    return [from_record(record) for record in simulation.journal.records("0001-abc")]


def _outcomes(replay: Replay) -> list[tuple[list[Outcome], list[Outcome]]]:
    """By step: what was recorded, and what was replayed."""
    return [([each.outcome for each in step.recorded], [each.outcome for each in step.replayed]) for step in replay.steps]


OWN: dict[str, tuple[Plan, Knob, float]] = {
    "good": (PLAN, _good, 200.0),
    "errors from the start": (PLAN, _green(errors=0.3), 200.0),
    "errors at 50 %": (PLAN, _at(50, _green(errors=0.3)), 200.0),
    "slow at 50 %": (PLAN, _at(50, _green(latency_ms=50.0)), 200.0),
    "far too slow at 100 %": (PLAN, _at(100, _green(latency_ms=2000.0)), 200.0),
    "no traffic, back": (PLAN, _good, 0.0),
    "little traffic, held": (replace(PLAN, policy=Policy.HOLD), _good, 2.0),
    "held, and worse then": (replace(PLAN, policy=Policy.HOLD, hold=300.0), _at(5, _green(errors=1.0), 65.0), 8.0),
    "drift": (PLAN, _at(50, lambda each: each.router.write({"blue": 100, "green": 0}), 2.0), 200.0),
    "uneven ticks": (replace(PLAN, tick=0.237), _at(50, _green(errors=0.12)), 200.0),
    "traffic that follows late": (PLAN, _late(1.5), 200.0),
    "traffic that does not follow": (PLAN, _late(60.0), 200.0),
    "paused, and worse then": (
        PLAN,
        _both(_both(_post("pause", 5, 2.0), _post("resume", 5, 30.0)), _at(5, _green(errors=0.3), 31.0)),
        200.0,
    ),
    "paused and resumed": (PLAN, _both(_post("pause", 5, 2.0), _post("resume", 5, 12.0)), 200.0),
}


@pytest.mark.parametrize("name", OWN)
def test_its_own_plan_decides_the_same(name: str) -> None:
    """Under the plan that a rollout had each step comes to the same after the same time, and evidence to what is recalled."""
    events = _rolled(*OWN[name])
    opened = events[0]
    assert isinstance(opened, Opened)
    replay = replay_under(None, events)
    recalled = recall(Evidence("blue", "green", opened.plan, ("api",)), events)
    recalled = replace(recalled, instances={}, restarts={})  # a replay is about what was counted

    assert replay.steps
    assert (replay.agrees, replay.stopped, replay.plan) == (True, False, opened.plan)
    for step in replay.steps:
        counted = [each for each in step.recorded if each.counted]
        assert [each.after for each in step.replayed] == [each.after for each in counted]
    assert replay.evidence == recalled


def test_reasons_are_those_of_the_record() -> None:
    """A gate that fails under the recorded plan says what it said then."""
    events = _rolled(knob=_green(errors=0.3))
    [step] = replay_under(PLAN, events).steps
    failed = next(event for event in events if isinstance(event, Failed))

    assert step.replayed[0].because == step.recorded[0].because == failed.because


SHORT = replace(PLAN, steps=PLAN.steps[:1])
"""One step, of which the other plans are made that are driven too."""
OTHERS = {
    "stricter false aborts": replace(SHORT, false_aborts=1e-6),
    "looser false aborts": replace(SHORT, false_aborts=0.2),
    "stricter false passes": replace(SHORT, false_passes=0.001),
    "looser latency": replace(SHORT, gates=replace(PLAN.gates, latency_ratio=4.0)),
    "stricter errors": replace(SHORT, gates=replace(PLAN.gates, error_margin=0.001, error_ratio=1.5)),
    "longer bake": replace(SHORT, steps=tuple(replace(step, bake=30.0) for step in SHORT.steps)),
    "short limit, back": replace(SHORT, steps=tuple(replace(step, limit=3.0) for step in SHORT.steps)),
    "short limit, held": replace(SHORT, policy=Policy.HOLD, steps=tuple(replace(step, limit=3.0) for step in SHORT.steps)),
}
SIDES = {
    "good": _good,
    "some errors": _at(5, _green(errors=0.12)),
    "many errors": _at(5, _green(errors=0.5)),
    "slow": _at(5, _green(latency_ms=20.0)),
}
LONG = replace(LENIENT, steps=(replace(PLAN.steps[0], bake=100.0),))


@cache
def _recorded(side: str) -> list[Event]:
    return _rolled(LONG, SIDES[side])


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("name", OTHERS)
def test_another_plan_decides_as_when_it_is_driven(name: str, side: str) -> None:
    """What a plan makes of counts that a lenient one recorded is what it does when it drives: the same, at the same tick."""
    replayed = replay_under(OTHERS[name], _recorded(side)).steps[0].replayed[0]
    driven = replay_under(None, _rolled(OTHERS[name], SIDES[side])).steps[0].recorded[0]

    assert (replayed.outcome, replayed.after) == (driven.outcome, driven.after)
    assert replayed.because == driven.because


def test_what_other_plans_decide_differs() -> None:
    """The cases above come to every outcome that counts and limits can have, at many a time between two looks."""
    found = {
        (decision.outcome, decision.after)
        for side, plan in product(SIDES, OTHERS.values())
        for decision in replay_under(plan, _recorded(side)).steps[0].replayed[:1]
    }
    assert {outcome for outcome, _ in found} == {PASSED, FAILED, BACK, HELD}
    assert any(after % 1.0 for _, after in found)


def test_after_a_fail_nothing_happened() -> None:
    """Where the plan fails what the record let pass, replaying stops after that step, and says so."""
    patient = replace(LENIENT, steps=tuple(replace(step, bake=12.0) for step in PLAN.steps))
    replay = replay_under(PLAN, _rolled(patient, _at(50, _green(errors=0.3))))

    assert _outcomes(replay) == [([PASSED], [PASSED]), ([PASSED], [FAILED])]
    assert [step.agrees for step in replay.steps] == [True, False]
    assert (replay.agrees, replay.stopped) == (False, True)
    assert replay.steps[1].replayed[0].after < replay.steps[1].watched


def test_after_a_hold_somebody_must_decide() -> None:
    """Where the plan holds and the record went on by itself, replaying stops too."""
    tight = replace(PLAN, policy=Policy.HOLD, steps=tuple(replace(step, limit=3.0) for step in PLAN.steps))
    replay = replay_under(tight, _rolled())

    assert _outcomes(replay) == [([PASSED], [HELD])]
    assert (replay.agrees, replay.stopped) == (False, True)


def test_a_looser_plan_goes_on() -> None:
    """A plan that passes what was taken back passes the last recorded step, and nothing is known beyond it."""
    events = _rolled(
        replace(PLAN, steps=tuple(replace(step, bake=20.0) for step in PLAN.steps)), _at(5, _green(errors=0.12), 16.0)
    )
    replay = replay_under(replace(PLAN, gates=LENIENT.gates), events)

    assert _outcomes(replay) == [([FAILED], [PASSED])]
    assert (replay.agrees, replay.stopped) == (False, False)


def test_longer_than_it_was_recorded() -> None:
    """A plan that would have watched for longer has decided nothing, says what it waits for, and is followed to the next step."""
    longer = replace(PLAN, steps=tuple(replace(step, bake=30.0) for step in PLAN.steps))
    replay = replay_under(longer, _rolled())

    assert _outcomes(replay) == [([PASSED], [])] * 4
    assert [step.agrees for step in replay.steps] == [None] * 4
    assert all(f"watched for {step.watched:.1f} of 30 s at {step.share} %" in step.waiting for step in replay.steps)
    assert (replay.agrees, replay.stopped) == (None, False)


def test_other_steps_are_taken_by_their_share() -> None:
    """A recorded step is judged by the plan's step of the same share, else by that of the nearest; a hand-over by a hand-over."""
    steps = (Step(25, 8.0, 50, 60.0), Step(100, 3.0, 50, 60.0), Step(100, 2.0, 0, 60.0, singletons=True))
    replay = replay_under(replace(PLAN, steps=steps), _rolled())

    assert [(step.share, step.by) for step in replay.steps] == [
        (5, steps[0]),
        (50, steps[0]),
        (100, steps[1]),
        (100, steps[2]),
    ]
    assert [each.after for step in replay.steps[2:] for each in step.replayed] == [3.0, 2.0]


@pytest.mark.parametrize(
    ("knob", "outcome"),
    [
        (_at(50, _green(well=False)), FAILED),
        (_at(50, _green(started=2)), FAILED),
        (_at(50, lambda simulation: setattr(simulation.meter, "blind", True)), BACK),
        (_post("abort", 50, 1.0), ABORTED),
    ],
)
def test_what_is_not_counted_is_not_judged(knob: Knob, outcome: Outcome) -> None:
    """Where a probe, blindness or a person ended a rollout, it is not known what its counts would have led to."""
    replay = replay_under(None, _rolled(knob=knob))
    last = replay.steps[-1]

    assert [(each.outcome, each.counted) for each in last.recorded] == [(outcome, False)]
    assert (last.replayed, last.agrees, replay.agrees) == ((), None, None)


def test_a_rollout_that_goes_on() -> None:
    """Of a rollout whose step is not decided yet nothing is replayed that its own plan had not decided either."""
    events = _rolled()
    running = events[: next(number for number, event in enumerate(events) if isinstance(event, Shifted)) + 3]
    replay = replay_under(None, running)

    assert _outcomes(replay) == [([], [])]
    assert (replay.agrees, bool(replay.steps[0].waiting)) == (True, True)


def test_time_without_sight_counts_for_the_limit() -> None:
    """What passed while the meter was off is no watched time, but brings the limit nearer, as it did for the driver."""
    plan = replace(PLAN, steps=tuple(replace(step, bake=12.0, limit=10.0) for step in PLAN.steps))

    def blink(simulation: Simulation) -> None:
        simulation.clock.on_sleep(lambda now: setattr(simulation.meter, "blind", now % 4.0 < 1.5))

    events = _rolled(plan, _at(5, blink, 0.0))
    [step] = replay_under(None, events).steps

    assert [each.outcome for each in step.recorded] == [each.outcome for each in step.replayed] == [BACK]
    assert step.recorded[0].after < 9.0
    assert abs(step.recorded[0].after - step.replayed[0].after) <= PLAN.tick


def test_a_driver_that_took_over() -> None:
    """A driver that died in a step and another that went on an hour later: the hour is nobody's, and the same is decided."""
    simulation = Simulation()

    def die(_: Simulation) -> None:
        raise KeyboardInterrupt

    _at(50, die, 2.0)(simulation)
    with pytest.raises(KeyboardInterrupt):
        simulation.run()
    simulation.clock.sleep(3600.0)
    end = simulation.run()
    replay = replay_under(None, _events(simulation))

    assert end.phase is Phase.PROMOTED
    assert (replay.agrees, len(replay.steps)) == (True, 4)


class Metered(Simulation):
    """A stack with a metric of the user's own beside its requests."""

    def world(self) -> World:
        """The same meter under another name."""
        world = super().world()
        return replace(world, meters={**world.meters, "api/orders": self.meter})


def test_metrics_of_one_plan_alone() -> None:
    """A metric that the plan does not have is not judged, one that was not recorded cannot be, and both are named."""
    quiet = replace(LENIENT.gates, requests=0, split=False)
    simulation = Metered()
    simulation.opened = replace(simulation.opened, plan=replace(PLAN, own={"api": LENIENT.gates, "api/orders": quiet}))
    simulation.sides["green"].errors = 0.3
    simulation.run()
    events = _events(simulation)
    strict = replace(simulation.opened.plan, own={"api": LENIENT.gates, "api/orders": PLAN.gates})
    without = replay_under(replace(PLAN, own={"api": LENIENT.gates, "api/refunds": quiet}), events)

    assert _outcomes(replay_under(strict, events))[0] == ([PASSED], [FAILED])
    assert (without.unjudged, without.unrecorded) == (("api/orders",), ("api/refunds",))
    assert (without.agrees, without.evidence.services) == (True, ("api",))
    assert replay_under(None, events).evidence.services == ("api", "api/orders")


def test_nothing_to_replay() -> None:
    """A journal without increments, as an earlier version wrote it, and a rollout without a step are refused in a sentence."""
    bare = [replace(event, rows={}) if isinstance(event, Looked) else event for event in _rolled()]
    with pytest.raises(NoCounts, match="recorded no counts"):
        replay_under(PLAN, bare)
    with pytest.raises(NoCounts, match="recorded no counts"):
        replay_under(PLAN, [])
    with pytest.raises(NoCounts, match="before its first step"):
        replay_under(PLAN, _rolled(knob=_green(well=False)))


def test_events_that_are_no_rollout() -> None:
    """Events out of order, and rows that are none, are refused."""
    events = _rolled()
    with pytest.raises(IllegalEvent):
        replay_under(PLAN, events[1:])
    broken = [replace(event, rows={"api": [7]}) if isinstance(event, Looked) else event for event in events]
    with pytest.raises(ValueError, match="no increments"):
        replay_under(PLAN, broken)


def test_a_hold_is_told_from_a_pause() -> None:
    """A hold at the limit follows from the counts, and a pause from a person; both hold in the record."""
    held = next(event for event in _rolled(*OWN["paused and resumed"]) if isinstance(event, Held))
    paused = replay_under(None, _rolled(*OWN["paused and resumed"])).steps[0].recorded[0]
    limit = replay_under(None, _rolled(*OWN["little traffic, held"])).steps[0].recorded[0]

    assert (paused.outcome, paused.counted, paused.because) == (HELD, False, held.because)
    assert (limit.outcome, limit.counted) == (HELD, True)


@given(
    some.dictionaries(some.sampled_from(["api", "web", "api/orders"]), some.lists(some.integers(1, 40), max_size=30)),
)
def test_ticks_lose_nothing(lengths: dict[str, list[int]]) -> None:
    """Every increment is in exactly one tick, in its service's order; ticks are in order, and the last is that of the look."""
    rows = {
        name: [Increment(each / 16.0, Slice(number)) for number, each in enumerate(seconds)] for name, seconds in lengths.items()
    }
    found = moments(rows, 0.25)
    backs = [back for back, _ in found]

    assert backs == sorted(backs, reverse=True)
    assert backs[-1] == 0.0
    assert all(before - after > 0.125 for before, after in pairwise(backs))
    for name, increments in rows.items():
        assert [*chain.from_iterable(each.get(name, ()) for _, each in found)] == increments
