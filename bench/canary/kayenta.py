"""The judge of Netflix's and Google's Kayenta: is the candidate's metric shifted against the baseline's?

As spinnaker/kayenta does it, ``MannWhitney.scala`` and ``MannWhitneyClassifier.scala``. The interval of the shift is that of R's
``wilcox.test``: normal approximation, corrected for ties and continuity, solved by R's ``zeroin`` with its tolerance. That
tolerance shows in the published digits, so the same method finds the root here (Brent, "Algorithms for Minimization Without
Derivatives", 1973, chapter 4).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean
from sys import float_info
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

TOLERANCE = 1e-4
"""Of the root; R's and Kayenta's."""


class Shift(NamedTuple):
    """How far the experiment is from the control: limits of the confidence interval, and the Hodges-Lehmann estimate."""

    low: float
    high: float
    estimate: float


@dataclass(frozen=True, slots=True)
class Judge:
    """Settings of the classifier; the defaults are Kayenta's."""

    tolerance: float = 0.25
    """Share of the estimate by which the whole interval must be away from 0."""
    confidence: float = 0.95
    low_effect: float = 1.0
    """Ratio of the means at or below which a low metric counts."""
    high_effect: float = 1.0
    """Ratio of the means at or above which a high metric counts."""

    def classify(self, experiment: Sequence[float], control: Sequence[float]) -> str:
        """``High``, ``Low`` or ``Pass``; ``Nodata`` when a side has no values."""
        if not len(experiment) or not len(control):
            return "Nodata"
        if sorted(experiment) == sorted(control) or len({*experiment, *control}) == 1:
            return "Pass"
        if len({*experiment}) == len({*control}) == 1:
            experiment, control = _with_noise(experiment), _with_noise(control)
        shift = mann_whitney(experiment, control, self.confidence)
        effect = fmean(experiment) / fmean(control) if fmean(control) else 1.0
        limit = self.tolerance * abs(shift.estimate)
        if shift.low > limit and effect >= self.high_effect:
            return "High"
        return "Low" if shift.high < -limit and effect <= self.low_effect else "Pass"


def mann_whitney(experiment: Sequence[float], control: Sequence[float], confidence: float) -> Shift:
    """Shift of the experiment against the control; not all values may be equal."""
    first, second = np.asarray(experiment, dtype=float), np.asarray(control, dtype=float)
    least, most = float(first.min() - second.max()), float(first.max() - second.min())
    quantile = NormalDist().inv_cdf((1.0 - confidence) / 2.0)

    def where(score: float) -> float:
        def beyond(shift: float) -> float:
            return _score(first - shift, second) - score

        if beyond(least) <= 0.0:
            return least
        return most if beyond(most) >= 0.0 else brent(beyond, least, most, TOLERANCE)

    return Shift(where(-quantile), where(quantile), where(0.0))


def _score(first: Floats, second: Floats) -> float:
    """Standardised rank sum of the first sample among both."""
    sizes = len(first), len(second)
    total = sum(sizes)
    _, places, ties = np.unique(np.concatenate((first, second)), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(ties) - (ties - 1) / 2.0)[places]
    excess = float(ranks[: sizes[0]].sum()) - sizes[0] * (total + 1) / 2.0
    tied = float((ties**3 - ties).sum()) / (total * (total - 1))
    return (excess - 0.5 * float(np.sign(excess))) / float(np.sqrt(sizes[0] * sizes[1] / 12.0 * (total + 1 - tied)))


def _with_noise(values: Sequence[float]) -> list[float]:
    """Constant values with a hundred thousandth of noise, as Kayenta does; always the same noise, so verdicts can be repeated."""
    return list(values + np.random.default_rng(0).normal(0.0, abs(values[0]) * 1e-5, len(values)))


def brent(function: Callable[[float], float], low: float, high: float, tolerance: float) -> float:
    """A root between two points of opposite sign. ``best`` is the newest point, ``other`` lies on the far side of the root."""
    last, best = low, high
    at_last, at_best = function(last), function(best)
    other, at_other = last, at_last
    while True:
        moved = best - last
        if abs(at_other) < abs(at_best):
            last, best, other = best, other, best
            at_last, at_best, at_other = at_best, at_other, at_best
        near = 2.0 * float_info.epsilon * abs(best) + tolerance / 2.0
        half = (other - best) / 2.0
        if abs(half) <= near or not at_best:
            return best
        step = half
        if abs(moved) >= near and abs(at_last) > abs(at_best):
            step = _interpolated(last, best, other, (at_last, at_best, at_other), (moved, near))
        if abs(step) < near:
            step = near if step > 0.0 else -near
        last, at_last = best, at_best
        best += step
        at_best = function(best)
        if at_best * at_other > 0.0:
            other, at_other = last, at_last


def _interpolated(
    last: float, best: float, other: float, values: tuple[float, float, float], limits: tuple[float, float]
) -> float:
    """Step to where the line, or the inverse parabola, through the known points is 0; half way where that leads too far."""
    (at_last, at_best, at_other), (moved, near) = values, limits
    width = other - best
    ratio = at_best / at_last
    if last == other:
        above, under = width * ratio, 1.0 - ratio
    else:
        first, second = at_last / at_other, at_best / at_other
        above = ratio * (width * first * (first - second) - (best - last) * (second - 1.0))
        under = (first - 1.0) * (second - 1.0) * (ratio - 1.0)
    above, under = abs(above), -under if above > 0.0 else under
    inside = above < 0.75 * width * under - abs(near * under) / 2.0 and above < abs(moved * under / 2.0)
    return above / under if inside else width / 2.0
