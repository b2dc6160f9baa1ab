"""Counters of processes that begin anew now and then, as counts that never go down. Pure.

A counter that went down began anew at zero, and with it all that live as long: what it shows now came since. What came between
the last look and its end is not known, and is not counted for or against. A series that is not shown is not zero: where it comes
back, it is compared with what it was, so that nothing is counted twice. A process that says when it was started leaves nothing to
guess.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import accumulate
from math import inf
from typing import NamedTuple

from smoke.model import Counts

_SAME = 2.0
"""Seconds between two times of one start: a machine's clock is set now and then, and its start is computed from that."""
_SLACK = 5.0
"""Seconds that clocks which count whole seconds may be wrong by, all together."""


class Part(NamedTuple):
    """What is counted of a slot."""

    slot: str
    bad: bool = False
    edge: float | None = None
    """Upper edge in milliseconds of a bucket that is counted alone; None: these are requests."""
    named: bool = False
    """Of requests: they went there by name, whatever the weights."""


class Series(NamedTuple):
    """One counter of an endpoint."""

    part: Part
    life: tuple[str, ...]
    """Those of a slot that have the same one begin anew together."""
    labels: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """What one endpoint shows at one look."""

    at: float
    """Monotonic seconds."""
    counts: Mapping[Series, int]
    grid: tuple[float, ...] = ()
    """Edges of its buckets; empty where it shows none."""
    started: float | None = None
    """When its process was started, by its own clock; None where it does not say."""
    age: float | None = None
    """Seconds since then, by the same clock; None where it cannot be known."""
    is_named: bool = True
    """Whether there was any counter of requests, of whatever slot."""


@dataclass(frozen=True, slots=True)
class Running:
    """What one endpoint counted since it was first looked at, and what it had counted then."""

    last: Shown | None = None
    known: Mapping[Series, int] = field(default_factory=dict)
    """As each was when it was last shown."""
    totals: Mapping[Part, int] = field(default_factory=dict)
    grid: tuple[float, ...] = ()

    def is_another(self, shown: Shown) -> bool:
        """Whether another process answers than at the last look, that was there already: no restart, several at one address."""
        if self.last is None or shown.age is None or not self._is_renewed(shown):
            return False
        return shown.age > shown.at - self.last.at + _SLACK

    def beside(self, shown: Shown) -> "Running":
        """The next look is compared with this one, of which nothing is counted."""
        return Running(shown, shown.counts, self.totals, shown.grid or self.grid)

    def after(self, shown: Shown) -> "Running":
        """What was counted until this look."""
        known, totals = self.known, Counter(self.totals)
        if shown.grid and shown.grid != self.grid:  # nothing can be added to other buckets
            known = {series: count for series, count in known.items() if series.part.edge is None}
            totals = Counter({part: count for part, count in totals.items() if part.edge is None})
        if self._is_renewed(shown):
            known = {}
        fallen = {(each.part.slot, each.life) for each, count in shown.counts.items() if count < known.get(each, 0)}
        known = {each: count for each, count in known.items() if (each.part.slot, each.life) not in fallen}
        for each, count in shown.counts.items():
            totals[each.part] += count - known.get(each, 0)
        return Running(shown, {**known, **shown.counts}, totals, shown.grid or self.grid)

    def _is_renewed(self, shown: Shown) -> bool:
        if self.last is None or self.last.started is None or shown.started is None:
            return False
        return abs(shown.started - self.last.started) > _SAME


def summed(all_totals: Iterable[Mapping[Part, int]]) -> dict[str, Counts]:
    """The counts by slot, over all endpoints."""
    together: Counter[Part] = Counter()
    for totals in all_totals:
        together.update(totals)
    slots: defaultdict[str, dict[Part, int]] = defaultdict(dict)
    for part, count in together.items():
        slots[part.slot][part] = count
    return {slot: _counts(parts) for slot, parts in slots.items()}


def _counts(parts: Mapping[Part, int]) -> Counts:
    counted = {part: count for part, count in parts.items() if part.edge is None}
    requests = sum(counted.values())
    errors = sum(count for part, count in counted.items() if part.bad)
    named = sum(count for part, count in counted.items() if part.named)
    edges = sorted({part.edge for part in parts if part.edge is not None})
    below = accumulate(sum(count for part, count in parts.items() if part.edge == edge) for edge in edges)
    # A request may be in the one when the other has been shown already; it is in both at the next look.
    latency = tuple((edge, min(count, requests)) for edge, count in zip(edges, below, strict=True))
    return Counts(requests, errors, latency if edges and edges[-1] == inf else (), named)
