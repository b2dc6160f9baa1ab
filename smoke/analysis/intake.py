"""What a meter says of one service: into increments where it can be believed, and into words where it cannot."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Self

from smoke.analysis.counts import Increment, between, grid_of
from smoke.analysis.trial import Trial
from smoke.model import Counts, Sample

LATE = 3.0
"""Seconds that counts may be old, of a meter that counts at every look; others may be three times as old as their pause."""
MISSED = 20.0
"""Requests that should have come, but for which a counter that stands still is believed."""
LEAST_STILL = 2.0
"""Seconds that any counter may stand still."""
SETTLES = 2.0
"""Seconds of a step in which requests that began before may still end: its split is judged without them."""


@dataclass(frozen=True, slots=True)
class Intake:
    """One service: the evidence, and how far the meter's counts have gone into it."""

    trial: Trial
    live: str
    candidate: str
    grid: tuple[float, ...] = ()
    """Upper edges of the meter's buckets of latency, in milliseconds."""
    first: Sample | None = None
    """What was counted when the step began."""
    steady: Sample | None = None
    """What was counted once the weights of the step had come to rest."""
    folded: Sample | None = None
    """Up to here the counts are in the evidence."""
    last: Sample | None = None
    rows: tuple[Increment, ...] = ()
    """What went into the evidence since somebody took note of it."""
    anew: bool = False
    """At the last reading a counter had begun anew."""

    def after(self, sample: Sample, grain: float, *, counting: bool) -> Self:
        """One reading later. ``grain`` is the least length of an increment in seconds; not ``counting``, weights are moving."""
        if self.last is not None and sample.at <= self.last.at:
            return replace(self, anew=False)
        known = replace(
            self,
            last=sample,
            anew=False,
            first=self.first or sample,
            steady=self.steady or (sample if self.first and sample.at - self.first.at >= SETTLES else None),
        )
        if known.folded is None or not counting:
            return replace(known, folded=sample).on_grid(grid_of(sample))
        if sample.at - known.folded.at < grain:
            return known
        increment = between(known.folded, sample, self.live, self.candidate)
        if increment is None:
            # A proxy that was started anew counts from nothing: neither a burst nor a negative count.
            return replace(known, folded=sample, first=sample, steady=None, anew=True).on_grid(grid_of(sample))
        known = replace(known, folded=sample)
        return (known if known.grid else known.on_grid(grid_of(sample))).with_row(increment)

    def on_grid(self, grid: tuple[float, ...]) -> Self:
        """The same with these buckets; where they are others, what was learned of the old ones says nothing any more."""
        if not grid or grid == self.grid:
            return self
        return replace(self, grid=grid, trial=self.trial.without_grid() if self.grid else self.trial)

    def with_row(self, increment: Increment) -> Self:
        """The same with an increment in its evidence.

        Raises:
            ValueError: it was counted in other buckets.
        """
        if max(*increment.live.places[-1:], *increment.candidate.places[-1:], -1, -1) >= len(self.grid):
            raise ValueError("an increment of other buckets")
        return replace(self, trial=self.trial.after(increment, self.grid), rows=(*self.rows, increment))

    def for_step(self, weight: float, window: float) -> Self:
        """At the beginning of a step: the next reading is where its counts begin, for until then they may be of two splits."""
        return replace(self, trial=self.trial.for_step(weight, self.grid, window), first=None, folded=None, steady=None)

    def counts(self, slot: str) -> Counts:
        """What was counted for a slot during this step."""
        return Counts() if self.first is None or self.last is None else _since(self.first, self.last, slot)

    def totals(self, slot: str) -> tuple[int, int]:
        """``(requests, errors)`` of a slot during this step."""
        if self.first is None or self.last is None:
            return 0, 0
        old, new = (each.slots.get(slot, Counts()) for each in (self.first, self.last))
        return max(0, new.requests - old.requests), max(0, new.errors - old.errors)

    def requests_at_rest(self) -> tuple[int, int]:
        """Requests by weight of the live slot and of the candidate since the step's weights had come to rest."""
        if self.steady is None or self.last is None:
            return 0, 0
        return self.last.by_weight(self.live, self.steady), self.last.by_weight(self.candidate, self.steady)

    def blind(self, service: str, now: float) -> Iterator[str]:
        """One phrase for each reason not to believe the meter now."""
        if self.last is None:
            return
        if self.anew:
            yield f"{service}: the counts began anew"
        late = now - self.last.at
        if late > max(LATE, 3.0 * self.last.every):
            yield f"{service}: the counts are {late:.1f} s old"
        flow = self.trial.flow
        if flow.idle >= max(LEAST_STILL, 2.0 * self.last.every) and flow.rate * flow.idle >= MISSED:
            yield f"{service}: the counts stand still for {flow.idle:.1f} s, where {flow.rate:.3g} requests a second were usual"


def _since(before: Sample, after: Sample, slot: str) -> Counts:
    old, new = before.slots.get(slot, Counts()), after.slots.get(slot, Counts())
    earlier = dict(old.latency)
    return Counts(
        requests=max(0, new.requests - old.requests),
        errors=max(0, new.errors - old.errors),
        latency=tuple((edge, max(0, count - earlier.get(edge, 0))) for edge, count in new.latency),
    )


def quantile(counts: Counts, share: float) -> float:
    """Upper edge in milliseconds of the bucket that holds this quantile; infinite beyond the last edge, 0 without requests."""
    total = counts.latency[-1][1] if counts.latency else 0
    wanted = share * total
    return next((edge for edge, below in counts.latency if below >= wanted), float("inf")) if total else 0.0


def edges_at(grid: Sequence[float], places: tuple[int, int]) -> tuple[float, float]:
    """The edges in milliseconds that two places in a grid stand for; 0 before the first."""
    first, second = (grid[place] if place >= 0 else 0.0 for place in places)
    return first, second
