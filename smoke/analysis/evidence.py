"""What was seen at one step, folded look by look into a frozen value."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from smoke.model import Answer, Counts, Look, Reading, Sample
from smoke.plan import Plan

BLOCK = 10
"""Requests on each side that make one block of the paired latency comparison."""
ROUNDING = 1.001
"""Edges of buckets are rounded: what is exactly the tolerated ratio away must not be beyond it by that alone."""
RECENT = 3
"""Readings of memory that are kept: a single high one may be a collection that is due."""


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
class Blocks:
    """Paired latency blocks: in how many the candidate's median was beyond the tolerated ratio of the live one's."""

    slower: int = 0
    total: int = 0
    run: int = 0
    """How many of the newest blocks were slower, without a break: what began late in a step must not drown in what was before."""
    since: Sample | None = None
    """Where the block that is being filled began."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the gates may look at."""

    live: str
    candidate: str
    plan: Plan
    """Says which ratio is tolerated in the paired comparison of latency."""
    watched: float = 0.0
    """Seconds of this step in which both slots were seen."""
    spent: float = 0.0
    """Seconds of this step, seen or not."""
    unseen: float = 0.0
    """Seconds for which something has been blind without a break."""
    blind: tuple[str, ...] = ()
    """What is blind now, one phrase each."""
    first: Mapping[str, Sample] = field(default_factory=dict)
    """By service: what the meter said when the step began."""
    last: Mapping[str, Sample] = field(default_factory=dict)
    blocks: Mapping[str, Blocks] = field(default_factory=dict)
    streaks: Mapping[tuple[str, str, str], Streak] = field(default_factory=dict)
    """By service, slot, probe."""
    latest: Mapping[tuple[str, str, str], Reading] = field(default_factory=dict)
    instances: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    """By service, slot, probe: each probe has its own way to name a process."""
    restarts: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    """By service, slot, probe: over the whole rollout, as far as this driver saw it."""
    memory: Mapping[tuple[str, str], tuple[float, ...]] = field(default_factory=dict)
    """By service, slot: the newest readings of resident memory in megabytes, oldest first."""
    at: float | None = None

    def for_step(self) -> Self:
        """The evidence at the start of a new step: counts and times begin anew, probes and restarts are remembered."""
        return replace(self, watched=0.0, spent=0.0, first=dict(self.last), blocks={})

    def with_look(self, look: Look) -> Self:
        """The evidence after one more look."""
        passed = 0.0 if self.at is None else max(0.0, look.at - self.at)
        samples = _not_reset(self.first, look.samples)
        known = self
        for reading in look.readings:
            known = known._with_reading(reading)
        blind = (*look.blind, *_untold(known.latest.values()))
        return replace(
            known,
            at=look.at,
            spent=self.spent + passed,
            watched=self.watched + (0.0 if blind else passed),
            unseen=self.unseen + passed if blind else 0.0,
            blind=blind,
            first=samples,
            last={**self.last, **look.samples},
            blocks=self._blocks(look.samples),
        )

    def counts(self, service: str, slot: str) -> Counts:
        """What the data plane counted for a slot during this step."""
        last = self.last.get(service)
        return Counts() if last is None else _between(self.first.get(service), last, slot)

    def _with_reading(self, reading: Reading) -> Self:
        probe = (reading.service, reading.slot, reading.probe)
        place = (reading.service, reading.slot)
        streak = self.streaks.get(probe, Streak()).after(reading.answer)
        known = self.instances.get(probe)
        restarted = reading.instance is not None and known is not None and reading.instance != known
        return replace(
            self,
            streaks={**self.streaks, probe: streak},
            latest={**self.latest, probe: reading},
            instances=self.instances if reading.instance is None else {**self.instances, probe: reading.instance},
            restarts={**self.restarts, probe: self.restarts.get(probe, 0) + 1} if restarted else self.restarts,
            memory={**self.memory, place: _with_memory(self.memory.get(place, ()), reading)},
        )

    def _blocks(self, samples: Mapping[str, Sample]) -> Mapping[str, Blocks]:
        return {**self.blocks, **{service: self._block(service, sample) for service, sample in samples.items()}}

    def _block(self, service: str, sample: Sample) -> Blocks:
        blocks = self.blocks.get(service, Blocks())
        if blocks.since is None:
            return replace(blocks, since=sample)
        live = _between(blocks.since, sample, self.live)
        candidate = _between(blocks.since, sample, self.candidate)
        if min(live.requests, candidate.requests) < BLOCK:
            return blocks
        slower = quantile(candidate, 0.5) > quantile(live, 0.5) * self.plan.gates_of(service).latency_ratio * ROUNDING
        return Blocks(blocks.slower + slower, blocks.total + 1, blocks.run + 1 if slower else 0, since=sample)


def _untold(readings: Iterable[Reading]) -> Iterator[str]:
    """One phrase for each probe whose last look could not tell: what it said before that is no longer known to hold."""
    for each in readings:
        if each.answer is Answer.UNTOLD:
            yield f"{each.service} {each.slot}: {each.probe} could not tell: {each.detail}"


def _with_memory(known: tuple[float, ...], reading: Reading) -> tuple[float, ...]:
    found = reading.numbers.get("rss_mb")
    return known if found is None else (*known, found)[-RECENT:]


def quantile(counts: Counts, share: float) -> float:
    """Upper edge in milliseconds of the bucket that holds this quantile; infinite beyond the last edge, 0 without requests."""
    total = counts.latency[-1][1] if counts.latency else 0
    wanted = share * total
    return next((edge for edge, below in counts.latency if below >= wanted), float("inf")) if total else 0.0


def slower_than(counts: Counts, milliseconds: float) -> tuple[int, int]:
    """``(slower, all)``: requests that took longer than the first edge at or beyond ``milliseconds``."""
    total = counts.latency[-1][1] if counts.latency else 0
    below = next((count for edge, count in counts.latency if edge >= milliseconds), total)
    return total - below, total


def _not_reset(first: Mapping[str, Sample], samples: Mapping[str, Sample]) -> Mapping[str, Sample]:
    """Where each service's counts of the step begin: anew when a counter went backwards, as it does when a proxy restarts."""
    kept = {service: sample for service, sample in first.items() if not _went_back(sample, samples.get(service))}
    return {**samples, **kept}


def _went_back(before: Sample, after: Sample | None) -> bool:
    if after is None:
        return False
    return any(after.slots.get(slot, Counts()).requests < counts.requests for slot, counts in before.slots.items())


def _between(before: Sample | None, after: Sample, slot: str) -> Counts:
    new = after.slots.get(slot, Counts())
    old = before.slots.get(slot, Counts()) if before is not None else Counts()
    earlier = dict(old.latency)
    return Counts(
        requests=max(0, new.requests - old.requests),
        errors=max(0, new.errors - old.errors),
        latency=tuple((edge, max(0, count - earlier.get(edge, 0))) for edge, count in new.latency),
    )
