"""What was seen, folded look by look into a frozen value."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf, log
from typing import Self

from smoke.analysis.counts import Increment
from smoke.analysis.intake import Intake
from smoke.analysis.slope import BlockMeans
from smoke.analysis.trial import WEIGHTS, Trial, step_weight
from smoke.model import Answer, Counts, Look, Reading
from smoke.plan import Plan

RECENT = 3
"""Readings of memory that are kept: a single high one may be a collection that is due."""
ROWS = 20_000
"""Increments of a step that lasts as long as it must, at most: they all go into the journal."""

Probe = tuple[str, str, str]
"""Service, slot and name of a probe."""


@dataclass(frozen=True, slots=True)
class Streak:
    """Consecutive readings of one probe on one placement; one of the two is zero."""

    good: int = 0
    bad: int = 0

    def after(self, answer: Answer) -> Self:
        """The streak one reading later. A reading that could not tell changes nothing."""
        if answer is Answer.UNTOLD:
            return self
        if answer is Answer.OK:
            return replace(self, good=self.good + 1, bad=0)
        return replace(self, good=0, bad=self.bad + 1)


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the gates may look at."""

    live: str
    candidate: str
    plan: Plan
    services: tuple[str, ...]
    """What is metered: each has the same part of the rollout's probability of a false abort."""
    steps: int = 0
    """How many steps have begun."""
    watched: float = 0.0
    """Seconds of this step in which both slots were seen."""
    spent: float = 0.0
    """Seconds of this step, seen or not."""
    unseen: float = 0.0
    """Seconds for which something has been blind without a break."""
    blind: tuple[str, ...] = ()
    """What is blind now, one phrase each."""
    intakes: Mapping[str, Intake] = field(default_factory=dict)
    """By service: what its meter said."""
    streaks: Mapping[Probe, Streak] = field(default_factory=dict)
    latest: Mapping[Probe, Reading] = field(default_factory=dict)
    instances: Mapping[Probe, str] = field(default_factory=dict)
    """Each probe has its own way to name a process."""
    restarts: Mapping[Probe, int] = field(default_factory=dict)
    """Over the whole rollout, as far as this driver saw it."""
    memory: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """By service, slot: the newest readings of resident memory in megabytes, oldest first."""
    growth: Mapping[tuple[str, str], BlockMeans] = field(default_factory=dict)
    """By service, process: means of resident memory, as a line in time."""
    at: float | None = None

    def for_step(self, step: int, at: float | None = None) -> Self:
        """The evidence at the start of a step: counts and times begin anew, probes and restarts are remembered.

        ``at``: when it started, as looks count; None: at the last look. To get there takes long where work is handed over, and
        nobody watches meanwhile.
        """
        weight = step_weight(step, len(self.plan.steps)) if step >= self.steps else 0.0
        window = self.plan.steps[step].bake / 2.0
        services = {**dict.fromkeys(self.services), **self.intakes}
        intakes = {service: self.intake(service).for_step(weight, window) for service in services}
        begun = self.at if at is None else at
        return replace(self, at=begun, watched=0.0, spent=0.0, steps=max(self.steps, step + 1), intakes=intakes)

    def with_look(self, look: Look, *, counting: bool = True) -> Self:
        """The evidence after one more look; not ``counting``, the weights are moving and what is counted belongs to no step."""
        passed = 0.0 if self.at is None else max(0.0, look.at - self.at)
        warm = self.steps != 1 or self.spent >= self.plan.warm_up
        known = replace(self, at=look.at, intakes=self._intakes(look, counting=counting and warm))
        for reading in look.readings:
            known = known.with_reading(reading)
        unsure = (phrase for service, intake in known.intakes.items() for phrase in intake.blind(service, look.at))
        blind = (*look.blind, *_untold(known.latest.values()), *unsure)
        return replace(
            known,
            spent=self.spent + passed,
            watched=self.watched + (0.0 if blind else passed),
            unseen=self.unseen + passed if blind else 0.0,
            blind=blind,
        )

    def _intakes(self, look: Look, *, counting: bool) -> Mapping[str, Intake]:
        grain = self.plan.steps[max(self.steps - 1, 0)].bake / ROWS
        intakes = dict(self.intakes)
        for service, sample in look.samples.items():
            intakes[service] = self.intake(service).after(sample, grain, counting=counting)
        return intakes

    def intake(self, service: str) -> Intake:
        """What is known of a service's counts."""
        return self.intakes.get(service) or Intake(Trial(self.plan.gates_of(service)), self.live, self.candidate)

    def counts(self, service: str, slot: str) -> Counts:
        """What the data plane counted for a slot during this step."""
        return self.intake(service).counts(slot)

    def grids(self) -> dict[str, list[float]]:
        """By service: upper edges of its meter's buckets of latency in milliseconds, without the infinite one."""
        return {service: [*intake.grid[:-1]] for service, intake in self.intakes.items() if intake.grid}

    def noted(self) -> Self:
        """The same once what went into the evidence is written down."""
        return replace(self, intakes={service: replace(each, rows=()) for service, each in self.intakes.items()})

    def replayed(self, watched: float, grids: Mapping[str, Sequence[float]], rows: Mapping[str, Sequence[Increment]]) -> Self:
        """The evidence after what a journal remembers of some looks, to the bit what it was.

        Buckets that are new are those of its rows; where there were others, the rows were counted in those.
        """
        intakes = dict(self.intakes)
        for service in {**rows, **grids}:
            intake, grid = self.intake(service), (*grids[service], inf) if service in grids else ()
            intake = intake if intake.grid else intake.on_grid(grid)
            for increment in rows.get(service, ()):
                intake = intake.with_row(increment)
            intakes[service] = intake.on_grid(grid)
        return replace(self, watched=watched, spent=watched, intakes=intakes).noted()

    def logs(self) -> Mapping[tuple[str, str], float]:
        """By service, gate: logarithm of its weighted evidence that the candidate is worse than allowed."""
        part = log(1.0 / max(len(self.services), 1))
        return {
            (service, gate): part + log(WEIGHTS[gate]) + test.worse.log()
            for service, intake in self.intakes.items()
            for gate, test in intake.trial.tests().items()
        }

    def with_reading(self, reading: Reading) -> Self:
        """The evidence after one more answer of a probe."""
        probe = (reading.service, reading.slot, reading.probe)
        streak = self.streaks.get(probe, Streak()).after(reading.answer)
        found = replace(self, streaks={**self.streaks, probe: streak}, latest={**self.latest, probe: reading})
        if reading.instance is not None:
            found = found.with_instance(probe, reading.instance)
        rss = reading.numbers.get("rss_mb")
        return found if rss is None else found.with_memory(reading, rss)

    def with_instance(self, probe: Probe, instance: str) -> Self:
        """The evidence once that process answered a probe: another than before means a restart."""
        restarted = self.instances.get(probe, instance) != instance
        restarts = {**self.restarts, probe: self.restarts.get(probe, 0) + 1} if restarted else self.restarts
        return replace(self, instances={**self.instances, probe: instance}, restarts=restarts)

    def with_memory(self, reading: Reading, rss: float) -> Self:
        """The evidence after one more reading of resident memory, in megabytes."""
        place = (reading.service, reading.slot)
        memory = {**self.memory, place: (*self.memory.get(place, ()), rss)[-RECENT:]}
        if reading.slot != self.candidate or not self.steps:
            return replace(self, memory=memory)
        process = (reading.service, reading.instance or "")
        others = {key: line for key, line in self.growth.items() if key[0] != reading.service}
        line = self.growth.get(process, BlockMeans()).after(reading.at, rss)
        return replace(self, memory=memory, growth={**others, process: line})


def _untold(readings: Iterable[Reading]) -> Iterator[str]:
    """One phrase for each probe whose last look could not tell: what it said before that is no longer known to hold."""
    for each in readings:
        if each.answer is Answer.UNTOLD:
            yield f"{each.service} {each.slot}: {each.probe} could not tell: {each.detail}"
