"""Does memory grow? The rule for a finished series, as a soak leaves it: robust against warm-up, days, sawteeth and one step.

Minima of blocks, without the first quarter; the slope is Theil and Sen's with Sen's interval (Sen, Journal of the American
Statistical Association 63, 1968), the test Mann and Kendall's with ties (Kendall, Rank Correlation Methods, 1975). Then it is
looked at twice more: without the largest step it must still rise, and it must not come to rest, last third against middle one.
What is watched while a rollout runs is ``smoke.analysis.slope``, whose evidence may be looked at at any time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from math import erfc, sqrt
from statistics import median

LEAST = 12
"""Blocks below which nothing is said."""
_LEVEL = 0.01
"""Probability that a series without a trend is taken for one, by the test alone."""
_QUANTILE = 1.96
"""Of the normal distribution, for an interval of 95 %."""
_REST = 0.5
"""A last third that rises by less than this share of the middle one comes to rest."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Trend:
    """How a series goes, in units of the value per unit of time."""

    slope: float
    low: float
    high: float
    """The interval of the slope, 95 %."""
    p: float
    """Probability of as much order, upwards, in a series without a trend."""
    rests: bool
    """It grows less and less."""
    stepped: bool
    """Without its largest step it does not rise."""
    last: float
    """The last value."""

    @property
    def rises(self) -> bool:
        """Whether it grows, and goes on growing."""
        return self.p < _LEVEL and self.low > 0 and not self.rests and not self.stepped

    def until(self, limit: float) -> tuple[float, float, float] | None:
        """Time until it reaches a limit: by the slope, and by the ends of its interval, soonest first; None: it does not rise."""
        if not self.rises or limit <= self.last:
            return None
        room = limit - self.last
        return room / self.slope, room / self.high, room / self.low


def trend(points: Sequence[Point], block: float) -> Trend | None:
    """The trend of ``(time, value)`` by blocks of that length; None: too few to say."""
    lowest = _lowest(points, block)
    kept = lowest[len(lowest) // 4 :]
    if len(kept) < LEAST:
        return None
    slope, low, high = _sen(kept)
    third = len(kept) // 3
    # The hours of a third are few for a day's cycle: what counts is whether much less is left of the rise.
    middle, last = _sen(kept[third : 2 * third])[0], _sen(kept[2 * third :])[0]
    return Trend(slope, low, high, _kendall(kept), middle > 0 and last < _REST * middle, _steps(kept), kept[-1][1])


def _lowest(points: Sequence[Point], block: float) -> list[Point]:
    """The lowest of each block, which what is collected now and then does not show."""
    found: dict[int, Point] = {}
    for time, value in points:
        number = int(time // block)
        if number not in found or value < found[number][1]:
            found[number] = (number * block, value)
    return [found[number] for number in sorted(found)]


def _sen(points: Sequence[Point]) -> tuple[float, float, float]:
    """The median of all slopes between two points, and its interval."""
    slopes = sorted((after[1] - before[1]) / (after[0] - before[0]) for before, after in combinations(points, 2))
    reach = _QUANTILE * sqrt(_variance([value for _, value in points]))
    low, high = (len(slopes) - reach) / 2, (len(slopes) + reach) / 2
    return median(slopes), slopes[max(0, int(low))], slopes[min(len(slopes) - 1, int(high))]


def _kendall(points: Sequence[Point]) -> float:
    values = [value for _, value in points]
    score = sum((after > before) - (after < before) for before, after in combinations(values, 2))
    spread = sqrt(_variance(values))
    return 0.5 * erfc((score - 1) / spread / sqrt(2)) if score > 0 and spread else 1.0


def _variance(values: Sequence[float]) -> float:
    """Of Kendall's score without a trend; values that are the same count once among themselves."""
    ties = [values.count(value) for value in set(values)]
    return (_cubic(len(values)) - sum(map(_cubic, ties))) / 18


def _cubic(count: int) -> int:
    return count * (count - 1) * (2 * count + 5)


def _steps(points: Sequence[Point]) -> bool:
    """Whether all of its rise is one step: taken out, the rest shows none."""
    rises = [after[1] - before[1] for before, after in pairwise(points)]
    largest = max(range(len(rises)), key=lambda place: abs(rises[place]))
    usual = median(map(abs, rises))
    if abs(rises[largest]) <= 6 * usual:  # no step among its like
        return False
    flat = [(time, value - rises[largest] * (place > largest)) for place, (time, value) in enumerate(points)]
    return _kendall(flat) >= _LEVEL
