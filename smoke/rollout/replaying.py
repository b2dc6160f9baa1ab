"""What another plan would have done on the counts that a rollout recorded: a fold of its events. Pure.

The gates and the decision are those of a live rollout, asked at every tick that the recorded increments tell of. Only counts are
judged: what probes saw is in a journal as text. A journal does not say either when a proxy began to count anew, or that a driver
died and another took over: here the requests of a step then go on, where the driver counted them anew. What was counted in the
rest of a step that the plan had passed already is evidence at its next step.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from functools import reduce
from typing import Self

from smoke.analysis import Evidence, judge, verdict_of
from smoke.analysis.trial import WEIGHTS
from smoke.model import Verdict
from smoke.plan import Plan, Step
from smoke.rollout.counting import Rows, Tally, moments, rows_of
from smoke.rollout.decision import decide
from smoke.rollout.events import Aborted, Event, Failed, Finished, Held, Looked, Opened, Passed, Resumed, Shifted
from smoke.rollout.machine import Phase, Rollout, Wait, apply, replay

_COUNTED = frozenset({*WEIGHTS, "split"})
"""Gates that rest on counts alone."""
_WATCHED = frozenset({Phase.BAKING, Phase.HELD})


class NoCounts(Exception):
    """There is nothing to replay; says so in one sentence."""


class Outcome(Enum):
    """What is decided about a step."""

    PASSED = "passed"
    FAILED = "failed"
    """A gate failed."""
    BACK = "went back"
    """Nothing failed, but a limit was reached."""
    HELD = "held"
    ABORTED = "aborted"


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision about a step."""

    outcome: Outcome
    after: float
    """Watched seconds of the step."""
    because: tuple[str, ...] = ()
    """Why, where it did not pass."""
    counted: bool = True
    """It follows from counts and limits; not from a person, a probe or blindness."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """One step: what the record did, and what the plan would have done."""

    step: int
    """Index in the recorded plan."""
    share: int
    by: Step
    """The plan's step that it is judged by."""
    watched: float = 0.0
    """Watched seconds that were recorded, since it was watched anew the last time."""
    recorded: tuple[Decision, ...] = ()
    replayed: tuple[Decision, ...] = ()
    waiting: tuple[str, ...] = ()
    """What the plan still waits for, where it has not decided at the end of what was recorded."""

    @property
    def agrees(self) -> bool | None:
        """Both decide the same; None where the plan would have waited longer, or where the record did not decide on counts."""
        mine = [each.outcome for each in self.replayed]
        beyond_counts = bool(self.recorded) and not self.recorded[-1].counted
        if mine == [each.outcome for each in self.recorded if each.counted]:
            return None if beyond_counts else True
        passed = mine[-1:] == [Outcome.PASSED]
        return None if self.waiting or not mine or (beyond_counts and passed) else False


@dataclass(frozen=True, slots=True)
class Replay:
    """A rollout under another plan."""

    opened: Opened
    plan: Plan
    evidence: Evidence
    """As it was at the last look that was replayed."""
    steps: tuple[Replayed, ...]
    stopped: bool
    """The record went on where the plan would not have."""
    unjudged: tuple[str, ...]
    """Metrics that were recorded, and that the plan does not have."""
    unrecorded: tuple[str, ...]
    """Metrics that the plan has, and that were not recorded."""

    @property
    def agrees(self) -> bool | None:
        """Every step agrees; None where that is not known."""
        found = {step.agrees for step in self.steps}
        return False if False in found else None if None in found else True


def replay_under(plan: Plan | None, events: Sequence[Event]) -> Replay:
    """What a plan would have done with a rollout's counts; None: the plan that it had, which decides the same.

    Raises:
        NoCounts: the rollout recorded none at any step.
        IllegalEvent, ValueError: the events are no rollout of this version.
    """
    recorded = replay(events)
    first = next((event for event in events if isinstance(event, Looked) and event.rows), None)
    if recorded is None or first is None:
        raise NoCounts("this rollout recorded no counts")
    plan = plan or recorded.plan
    metrics, had = ({name for name in each.own if "/" in name} for each in (plan, recorded.plan))
    fold, stopped = _begin(plan, recorded.opened, tuple(name for name in first.counts if name not in had - metrics)), False
    for event in events[1:]:
        stopped = isinstance(event, Shifted) and fold.other.phase in {Phase.HELD, Phase.ABORTING}
        if stopped:
            break
        fold = fold.after(event)
    if not fold.steps:
        raise NoCounts("this rollout ended before its first step")
    unjudged, unrecorded = first.counts.keys() & had - metrics, metrics - first.counts.keys()
    names = tuple(sorted(unjudged)), tuple(sorted(unrecorded))
    return Replay(recorded.opened, plan, fold.evidence, fold.steps, stopped, *names)


def _begin(plan: Plan, opened: Opened, services: tuple[str, ...]) -> "_Fold":
    """Traffic moves as it was recorded; it is watched as the plan asks for that share."""
    asked = [(step, _nearest(plan, step)) for step in opened.plan.steps]
    steps = tuple(replace(step, bake=by.bake, requests=by.requests, limit=by.limit) for step, by in asked)
    under = replace(plan, steps=steps)
    evidence = Evidence(opened.live, opened.candidate, under, services)
    return _Fold(plan, evidence, apply(None, opened), apply(None, replace(opened, plan=under)), opened.at)


def _nearest(plan: Plan, step: Step) -> Step:
    return min(plan.steps, key=lambda each: (abs(each.share - step.share), each.singletons is not step.singletons))


@dataclass(frozen=True, slots=True)
class _Fold:
    """How far the events were followed, on both ways."""

    plan: Plan
    """The other plan, with its own steps."""
    evidence: Evidence
    rollout: Rollout
    """As recorded."""
    other: Rollout
    """The same step under the other plan."""
    at: float
    """When the last look was, or when the step began to be watched; in seconds since 1970."""
    spent: float = 0.0
    """Seconds of the step until then, seen or not."""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    steps: tuple[Replayed, ...] = ()

    def after(self, event: Event) -> Self:
        """One event later."""
        before, rollout = self.rollout, apply(self.rollout, event)
        known = replace(self, rollout=rollout)
        if isinstance(event, Looked):
            return known.looked(event)
        if before.phase in _WATCHED and isinstance(event, (Passed, Finished, Held, Failed, Aborted)):
            known = known.decided(before, event)
        return known.begun(event) if rollout.phase is Phase.BAKING else known

    def begun(self, event: Event) -> Self:
        """A step is watched from here on, or watched anew."""
        step = self.rollout.step
        known = replace(self, evidence=self.evidence.for_step(step), at=event.at, spent=0.0, tallies={})
        if isinstance(event, Shifted):
            share, by = self.rollout.share, _nearest(self.plan, self.rollout.current)
            other = Rollout(self.other.opened, Phase.BAKING, step, event.at)
            return replace(known, other=other, steps=(*self.steps, Replayed(step, share, by)))
        resumed = isinstance(event, Resumed) and self.other.phase is Phase.HELD
        return replace(known, other=apply(self.other, event)) if resumed else known

    def decided(self, before: Rollout, event: Event) -> Self:
        """What the record says was decided. What a person did is done on the other way too."""
        if before.waits is Wait.PERMIT and isinstance(event, Passed):
            return self  # it had passed when it began to wait
        look = before.look
        verdict = Verdict.BLIND if look is None else Verdict(look.verdict)
        counted = not isinstance(event, Aborted)
        if isinstance(event, Held) and not event.permit:
            counted = self.spent > before.current.limit
        elif isinstance(event, Failed):
            numbers = look.numbers if look else ()
            failed = any(each.get("verdict") == "fail" and each.get("gate") in _COUNTED for each in numbers)
            counted = failed if verdict is Verdict.FAIL else verdict is not Verdict.BLIND
        decision = _decision(event, verdict, self.evidence.watched, counted=counted)
        paused = isinstance(event, Held) and not counted and self.other.phase is Phase.BAKING
        known = replace(self, other=apply(self.other, event)) if paused else self
        return known.noted(replace(self.steps[-1], recorded=(*self.steps[-1].recorded, decision)))

    def noted(self, step: Replayed) -> Self:
        """The same with another account of the step."""
        return replace(self, steps=(*self.steps[:-1], step))

    def looked(self, looked: Looked) -> Self:
        """One recorded look later: tick by tick, as far as the increments tell of ticks."""
        plan, services = self.rollout.plan, self.evidence.services
        watched = looked.watched - self.evidence.watched
        # Unseen for longer than that a driver goes back: there was none.
        unseen = min(looked.at - self.at - watched, plan.blind)
        spent = watched + (unseen if unseen > plan.tick / 2.0 else 0.0)
        grids = {name: grid for name, grid in looked.grids.items() if name in services}
        fold = replace(
            self,
            evidence=self.evidence.replayed(self.evidence.watched, grids, {}),
            tallies={name: tally for name, tally in self.tallies.items() if name not in grids},
            at=looked.at,
        )
        for back, rows in moments(rows_of(looked, services), plan.tick):
            known = looked.watched - (watched * min(back / spent, 1.0) if spent else 0.0)
            fold = fold.counted(rows, known, self.spent + spent - min(back, spent), looked.at - back)
        return fold

    def counted(self, rows: Rows, watched: float, spent: float, at: float) -> Self:
        """One tick later."""
        tallies = {**self.tallies}
        for name, increments in rows.items():
            tallies[name] = reduce(Tally.after, increments, tallies.get(name, Tally()))
        fold = replace(self, evidence=self.evidence.replayed(watched, {}, rows), tallies=tallies, spent=spent)
        if self.rollout.phase not in _WATCHED:
            return fold
        fold = fold.noted(replace(self.steps[-1], watched=watched))
        return fold.judged(at) if self.other.phase in _WATCHED else fold

    def judged(self, at: float) -> Self:
        """What the plan makes of this tick."""
        intakes = {name: tally.read(self.evidence.intake(name)) for name, tally in self.tallies.items()}
        seen = replace(self.evidence, spent=self.spent, intakes={**self.evidence.intakes, **intakes})
        found = judge(seen, self.other.current)
        event = decide(self.other, seen, found, (), at)
        if event is None:
            waiting = [finding.because for finding in found if finding.verdict is not Verdict.PASS]
            return self.noted(replace(self.steps[-1], waiting=tuple(waiting) if self.other.phase is Phase.BAKING else ()))
        replayed = (*self.steps[-1].replayed, _decision(event, verdict_of(found), seen.watched))
        step = replace(self.steps[-1], replayed=replayed, waiting=())
        return replace(self, other=apply(self.other, event)).noted(step)


def _decision(event: Event, verdict: Verdict, after: float, *, counted: bool = True) -> Decision:
    went_back = Outcome.FAILED if verdict is Verdict.FAIL else Outcome.BACK
    outcome = {Held: Outcome.HELD, Aborted: Outcome.ABORTED, Failed: went_back}.get(type(event), Outcome.PASSED)
    if isinstance(event, Held) and event.permit:  # what was counted sufficed; a replay waits for nobody
        return Decision(Outcome.PASSED, after, (), counted)
    return Decision(outcome, after, event.because if isinstance(event, (Held, Failed)) else (), counted)
