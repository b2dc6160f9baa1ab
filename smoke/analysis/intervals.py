"""Intervals to show beside evidence: what is not ruled out. They hold at every look at once, as the evidence does."""

from collections.abc import Callable, Sequence
from math import inf, log, sqrt

from smoke.analysis.likelihood import Two, rate_factors, rates_at, ratio_factors
from smoke.analysis.mixture import log_total

WIDEST = 1000.0
"""Ratios beyond this one, or below its inverse, are shown as none."""
_HALVINGS = 40
_ABOVE = (1.3, 2.0, 4.0, 10.0)
_BELOW = (0.75, 0.5, 0.25, 0.1)
_ODDS_ABOVE = (1.3, 2.0, 5.0, 20.0)
_ODDS_BELOW = (0.75, 0.5, 0.2, 0.05)

Interval = tuple[float, float]


def ratio_interval(seen: Two, alpha: float) -> Interval:
    """Ratios of the candidate's rate to the live one's that are not ruled out; the split must not have changed meanwhile.

    A ratio is ruled out when the evidence against it, as ``likelihood.ratio_factors`` counts it, reaches ``2 / alpha`` on either
    side: a confidence sequence by inversion (Howard, Ramdas, McAuliffe and Sekhon, 2021).
    """

    def worse(null: float) -> float:
        return _mean(ratio_factors(seen, null, 0.0, _ABOVE))

    def better(null: float) -> float:
        return _mean(ratio_factors(seen, null, 0.0, _BELOW))

    low = _edge(worse, 1.0 / WIDEST, WIDEST, log(2.0 / alpha), falls=True)
    high = _edge(better, 1.0 / WIDEST, WIDEST, log(2.0 / alpha), falls=False)
    return (0.0 if low <= 1.0 / WIDEST else low), (inf if high >= WIDEST else high)


def rate_interval(bad: float, total: float, alpha: float) -> Interval:
    """Rates that are not ruled out by so many bad ones in all; see ``ratio_interval``."""

    def worse(null: float) -> float:
        return _mean(rate_factors(bad, total, null, rates_at(null, _ODDS_ABOVE)))

    def better(null: float) -> float:
        return _mean(rate_factors(bad, total, null, rates_at(null, _ODDS_BELOW)))

    least = 1e-9
    low = _edge(worse, least, 1.0 - least, log(2.0 / alpha), falls=True)
    high = _edge(better, least, 1.0 - least, log(2.0 / alpha), falls=False)
    return (0.0 if low <= least else low), (1.0 if high >= 1.0 - least else high)


def _mean(logs: Sequence[float]) -> float:
    return log_total(logs) - log(len(logs))


def _edge(evidence: Callable[[float], float], low: float, high: float, limit: float, *, falls: bool) -> float:
    """Where evidence that falls (or rises) with its argument crosses the limit, by halving the logarithm of what is left."""
    if falls and evidence(low) < limit:
        return low
    if not falls and evidence(high) < limit:
        return high
    for _ in range(_HALVINGS):
        middle = sqrt(low * high)
        if (evidence(middle) >= limit) == falls:
            low = middle
        else:
            high = middle
    return sqrt(low * high)
