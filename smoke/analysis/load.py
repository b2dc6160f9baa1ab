"""What one service is asked, and how its live slot answers: measured where it can be, assumed where not."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, isinf, log
from statistics import NormalDist

from smoke.analysis.counts import Slice, Tail
from smoke.analysis.thresholds import LEAST
from smoke.analysis.trial import SLOW_SHARE
from smoke.model import Counts

LEAST_ERRORS = 1e-4
"""Share of the live slot's requests that are taken to fail at least; see ``Load.measured``."""
SIGMA = 0.5
"""Standard deviation of the logarithm of latency, where none was measured."""

_SCALE = 1_000_000  # requests in a distribution that was not counted
_FINEST = 1.05


@dataclass(frozen=True, slots=True)
class Latency:
    """How long a slot takes to answer."""

    grid: tuple[float, ...]
    """Upper edges of the buckets in milliseconds, ascending, the last one infinite."""
    bins: tuple[int, ...]
    """Requests in each."""

    @classmethod
    def measured(cls, counts: Counts) -> "Latency | None":
        """What a meter counted; None where that is too little to compare with."""
        grid, upto = tuple(edge for edge, _ in counts.latency), [below for _, below in counts.latency]
        bins = tuple(count - below for count, below in zip(upto, [0, *upto], strict=False))
        return cls(grid, bins) if sum(bins) >= LEAST else None

    @classmethod
    def assumed(cls, p95_ms: float) -> "Latency":
        """Lognormal, with a 95th percentile at half the objective, in buckets as fine as the finest tolerance."""
        grid = (*(p95_ms * _FINEST**power for power in range(-120, 101)), inf)
        normal = NormalDist(log(p95_ms / 2.0) - SIGMA * NormalDist().inv_cdf(1.0 - SLOW_SHARE), SIGMA)
        upto = [round(_SCALE * normal.cdf(log(edge))) for edge in grid[:-1]]
        return cls(grid, tuple(more - less for less, more in pairwise([0, *upto, _SCALE])))

    def slowed(self, ratio: float) -> "Latency":
        """The same where everything takes so many times as long; within a bucket, latency's logarithm is spread evenly."""
        upto = [0, *accumulate(self.bins)]
        scale = _SCALE / upto[-1]
        found = [round(scale * self._below(edge / ratio, upto)) for edge in self.grid[:-1]]
        return Latency(self.grid, tuple(more - less for less, more in pairwise([0, *found, _SCALE])))

    def _below(self, edge: float, upto: Sequence[int]) -> float:
        place = bisect_left(self.grid, edge)
        high = self.grid[place]
        if isinf(high):
            return upto[place]
        low = self.grid[place - 1] if place else 0.0
        part = log(edge / low) / log(high / low) if low > 0.0 else edge / high
        return upto[place] + part * self.bins[place]

    @property
    def tail(self) -> Tail:
        """How many took longer than an edge."""
        return Tail(Slice(sum(self.bins), 0, tuple(range(len(self.bins))), self.bins))

    def slow(self, p95_ms: float) -> float:
        """Share of requests beyond the objective, as the engine counts it."""
        return self.tail.above(bisect_left(self.grid, p95_ms)) / sum(self.bins)


@dataclass(frozen=True, slots=True)
class Load:
    """What one service is asked, and how its live slot answers."""

    rate: float
    """Requests a second in all."""
    errors: float = LEAST_ERRORS
    """Share of the live slot's requests that fail, above 0."""
    latency: Latency | None = None
    """None: it is not known, and assumed."""

    @classmethod
    def measured(cls, rate: float, live: Counts) -> "Load":
        """What a meter counted for the live slot since it began.

        Where it counted no error, or next to none, one request in ten thousand is taken to fail: that none did says only that it
        is rare, and with no errors at all on the live side every one of the candidate's would be seen at once.
        """
        errors = live.errors / live.requests if live.requests else 0.0
        return cls(rate, min(max(errors, LEAST_ERRORS), 1.0 - LEAST_ERRORS), Latency.measured(live))
