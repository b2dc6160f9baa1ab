"""Where latency is compared: edges of the meter's buckets, chosen from what the live slot did before."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import exp, inf, isinf, log, pi, sqrt

from smoke.analysis.counts import Tail
from smoke.analysis.likelihood import Tilt

SHARES = (0.8, 0.6, 0.4, 0.2, 0.05, 0.01)
"""Shares of the live slot's requests that are beyond the edges between the classes of latency."""
CLASSES = len(SHARES) + 1
LEAST = 50
"""Requests of the live slot that a choice needs."""
NEARLY = 0.95
"""Share of the requests in one class from which on there is nothing to compare."""
ROUNDING = 1.001
"""Edges of buckets are rounded: what is exactly the tolerated ratio away must not be beyond it by that alone."""

_QUANTILES = (-inf, -0.841621, -0.253347, 0.253347, 0.841621, 1.644854, 2.326348, inf)
"""Of the standard normal distribution, at one minus the shares."""
_BEYOND = (1.0, *SHARES, 0.0)

Pair = tuple[int, int]
"""Places of two edges in the meter's grid, the live slot's and the candidate's, at least the tolerated ratio apart."""


@dataclass(frozen=True, slots=True)
class Thresholds:
    """Edges between the classes of latency, one pair a share; None where the grid has no second edge."""

    worse: tuple[Pair | None, ...]
    """For "slower than allowed": of the live slot's requests each share at most is beyond, so that what comes on top is seen."""
    better: tuple[Pair | None, ...]
    """For "not slower than allowed": each share at least is beyond, so that what is missing at the candidate is seen."""


def chosen(bins: Sequence[int], grid: Sequence[float], ratio: float) -> Thresholds | None:
    """Thresholds for a live slot that answered so, by place in the grid; None where it answered too little, or for a ratio of 0.

    Both sides of a pair are edges that the meter has: where its buckets are wider than the tolerated ratio, the margin is the
    bucket. Nothing finer can be told from its counts.
    """
    total = sum(bins)
    if total < LEAST or not ratio:
        return None
    beyond = [total - below for below in accumulate(bins)]
    worse = [next(place for place, count in enumerate(beyond) if count <= share * total) for share in SHARES]
    # One before the first edge means "longer than nothing": so are all of them.
    better = [sum(count >= share * total for count in beyond) - 1 for share in SHARES]
    return Thresholds(*(tuple(_pair(place, grid, ratio) for place in places) for places in (worse, better)))


def beside(thresholds: Thresholds, bins: Sequence[int]) -> bool:
    """Whether nearly all that the live slot answered is of one class: from such classes next to nothing can be told."""
    total, below = sum(bins), [*accumulate(bins)]
    beyond = [total, *(0 if pair is None or pair[0] < 0 else total - below[pair[0]] for pair in thresholds.worse), 0]
    return max(more - less for more, less in pairwise(beyond)) > NEARLY * total


def _pair(place: int, grid: Sequence[float], ratio: float) -> Pair | None:
    least = (grid[place] if place >= 0 else 0.0) * ratio / ROUNDING
    other = next(other for other, edge in enumerate(grid) if edge >= least)
    return None if isinf(grid[other]) else (place, other)


def classes(tail: Tail, pairs: Sequence[Pair | None], side: int) -> list[int]:
    """Requests by class of latency, from the fastest on; ``side`` is 0 for the live slot, 1 for the candidate."""
    beyond = [tail.total, *(0 if pair is None else tail.above(pair[side]) for pair in pairs), 0]
    return [more - less for more, less in pairwise(beyond)]


def _mean(first: float, last: float, share: float) -> float:
    density = [0.0 if isinf(each) else exp(-each * each / 2.0) / sqrt(2.0 * pi) for each in (first, last)]
    return (density[0] - density[1]) / share


NORMAL = tuple(
    _mean(low, high, above - beyond)
    for low, high, above, beyond in zip(_QUANTILES, _QUANTILES[1:], _BEYOND, _BEYOND[1:], strict=False)
)
"""Normal scores of the classes (van der Waerden, 1952): best where everything takes longer, by a ratio."""
SLOW, SLOWEST = (0.0,) * 5 + (1.0, 1.0), (0.0,) * 6 + (1.0,)
"""One for the slowest twentieth, or the slowest hundredth, of the live slot's requests: for what only some requests feel."""


def tilted(scores: Sequence[float], by: float) -> Tilt:
    """The alternative that the scores, times this, are logarithms of odds."""
    return Tilt.of([by * score for score in scores])


TAIL = (tilted(SLOW, log(1.5)), tilted(SLOWEST, log(3.0)))
"""Alternatives of "slower than allowed" that the bulk of the requests does not feel."""
WORSE = (*(tilted(NORMAL, by) for by in (0.1, 0.25, 0.7)), *TAIL)
"""Alternatives of "slower than allowed": by so many standard deviations of the logarithm of latency, or in the tail alone."""
BETTER = tuple(tilted(NORMAL, by) for by in (0.12, 0.4, 1.2))
"""Alternatives of "not slower than allowed", as seen from the live slot."""
