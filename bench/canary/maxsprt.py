"""The maximised sequential probability ratio test of vaccine surveillance (Kulldorff et al., 2011), exact.

Kulldorff, Davis, Kolczak, Lewis, Lieu and Platt, "A Maximized Sequential Probability Ratio Test for Drug and Vaccine Safety
Surveillance", Sequential Analysis 30 (2011). Nothing is simulated: the distribution of the counts that have not signalled yet is
carried from one look to the next, as the R package Sequential does. Times are expected events under the null for Poisson data,
and events for binomial data.
"""

from bisect import bisect_left
from dataclasses import dataclass
from itertools import count
from math import floor

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

NEGLIGIBLE = 1e-18
"""Chance of a Poisson count below which it is left out."""


@dataclass(frozen=True, slots=True)
class Performance:
    """What a test does at one relative risk."""

    power: float
    """Chance that it signals."""
    signal: float
    """Expected time of the signal, if there is one."""
    length: float
    """Expected time until the signal or the end."""


def poisson_ratio(events: float, expected: float) -> float:
    """Maximised log likelihood ratio of a rate above what was expected; 0 at or below it."""
    return float(expected - events + events * np.log(events / expected)) if events > expected else 0.0


def binomial_ratio(cases: float, events: float, controls: float) -> float:
    """Maximised log likelihood ratio of more cases among the events than one for ``controls`` controls; 0 at or below that."""
    chance = 1.0 / (1.0 + controls)
    if cases <= events * chance:
        return 0.0
    rest = events - cases
    return float(cases * np.log(cases / events / chance) + (rest * np.log(rest / events / (1.0 - chance)) if rest else 0.0))


def poisson_performance(horizon: float, critical: float, risk: float) -> Performance:
    """Continuous surveillance of Poisson events until ``horizon`` events were expected.

    The n-th event signals when it comes before the time at which n events have exactly the critical ratio. So between two
    such times the count must stay below the next n.
    """
    alive, length, last = np.zeros(0), 0.0, 0.0
    for time in [*_latest(horizon, critical), horizon]:
        alive = np.append(alive, 0.0 if last else 1.0)
        chances = _poisson(risk * (time - last))[: len(alive)]
        # the time spent with k more events is the chance of more than k, over the rate
        spent = np.cumsum(1.0 - np.cumsum(chances)) / risk
        length += float(alive[::-1] @ np.pad(spent, (0, len(alive) - len(spent)), mode="edge"))
        alive = np.convolve(alive, chances)[: len(alive)]
        last = time
    return _performance(float(alive.sum()), length, horizon)


def poisson_critical(horizon: float, alpha: float) -> float:
    """The critical ratio at which continuous surveillance of Poisson events signals with chance ``alpha`` under the null."""

    def excess(critical: float) -> float:
        return float(np.log(poisson_performance(horizon, critical, 1.0).power / alpha))

    old, new = 3.0, 4.0
    before, now = excess(old), excess(new)
    while abs(new - old) > 1e-10:  # noqa: PLR2004 two digits beyond what is printed, and some
        old, new, before = new, new - now * (new - old) / (now - before), now
        now = excess(new)
    return new


def binomial_performance(events: int, critical: float, controls: float, risk: float, every: int = 1) -> Performance:
    """Surveillance of cases among ``events`` events, looked at after ``every`` events."""
    chance = risk / (risk + controls)
    alive, length = np.ones(1), 0.0
    for event in range(1, events + 1):
        length += float(alive.sum())
        alive = np.convolve(alive, [1.0 - chance, chance])
        if event % every == 0:
            alive[[binomial_ratio(cases, event, controls) >= critical for cases in range(event + 1)]] = 0.0
    return _performance(float(alive.sum()), length, events)


def binomial_critical(events: int, alpha: float, controls: float) -> tuple[float, float]:
    """A critical ratio that signals with chance ``alpha`` at most under the null, and that chance.

    Only finitely many ratios can be attained. As in the package, it is the largest one that would signal too often, rounded up
    at the fifth decimal.
    """
    ratios = sorted({binomial_ratio(cases, event, controls) for event in range(1, events + 1) for cases in range(event + 1)})

    def chance(critical: float) -> float:
        return binomial_performance(events, critical, controls, 1.0).power

    rare = bisect_left(ratios, True, key=lambda ratio: chance(ratio) <= alpha)  # noqa: FBT003 the first ratio of which this is so
    critical = (floor(ratios[rare - 1] * 1e5) + 1) / 1e5
    return critical, chance(critical)


def binomial_size(risk: float, alpha: float, power: float, controls: float) -> int:
    """Fewest events with which the test has this power."""
    return next(
        events
        for events in count(1)
        if binomial_performance(events, binomial_critical(events, alpha, controls)[0], controls, risk).power >= power
    )


def _performance(silent: float, length: float, horizon: float) -> Performance:
    power = 1.0 - silent
    return Performance(power, (length - horizon * silent) / power if power else horizon, length)


def _latest(horizon: float, critical: float) -> Floats:
    """For n = 1, 2, ...: when n events have exactly the critical ratio; those within the horizon."""
    events = np.arange(1.0, horizon + 3.0 * critical + 3.0 * np.sqrt(critical * horizon) + 3.0)
    # with u = log(time / n) the ratio is n (exp(u) - 1 - u): convex, so Newton's steps from the left do not overshoot
    shift = -(critical / events + 1.0)
    for _ in range(60):
        shift -= (np.expm1(shift) - shift - critical / events) / np.expm1(shift)
    times = events * np.exp(shift)
    return times[times < horizon]


def _poisson(mean: float) -> Floats:
    """Chances of 0, 1, 2, ... events, as far as they count."""
    chances = [np.exp(-mean)]
    while chances[-1] > NEGLIGIBLE or len(chances) < mean:
        chances.append(chances[-1] * mean / len(chances))
    return np.array(chances)
