"""The least time that any rule needs: log(1/alpha) over the information that a second of traffic brings.

A rule that falsely aborts with probability at most alpha needs, on average, at least ``log(1/alpha)`` nats of information
against its null hypothesis (Wald). A second brings the sum, over both slots, of requests a second times the Kullback-Leibler
divergence of what a request shows. The rate that both slots would share under the null is not known; the one that makes the
information least counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, sqrt
from statistics import NormalDist

NORMAL = NormalDist()
GOLDEN = (sqrt(5.0) - 1.0) / 2.0
NARROW = 1e-10
"""Width, relative, at which the search for the least or the most stops."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """Requests a second in all, and the share of them that green gets, between 0 and 1."""

    rps: float
    share: float

    @property
    def green(self) -> float:
        """Requests a second on green."""
        return self.rps * self.share

    @property
    def blue(self) -> float:
        """Requests a second on blue."""
        return self.rps * (1.0 - self.share)


@dataclass(frozen=True, slots=True)
class Slowdown:
    """Green's latency is ``ratio`` times blue's and ``margin`` times is allowed; log latency has standard deviation ``sigma``."""

    ratio: float
    margin: float = 1.05
    sigma: float = 0.5

    @property
    def shift(self) -> float:
        """How far green's log latency, less the margin, lies above blue's, in standard deviations."""
        return log(self.ratio / self.margin) / self.sigma


def divergence(truth: float, null: float) -> float:
    """Kullback-Leibler divergence in nats between two Bernoulli distributions, both probabilities in [0, 1]."""
    bad = truth * log(truth / null) if truth else 0.0
    good = (1.0 - truth) * log((1.0 - truth) / (1.0 - null)) if truth < 1.0 else 0.0
    return bad + good


def least(function: Callable[[float], float], low: float, high: float) -> float:
    """The point where a function with one valley is least, by golden section."""
    while high - low > NARROW * (abs(low) + abs(high)):
        left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
        low, high = (low, right) if function(left) < function(right) else (left, high)
    return (low + high) / 2.0


@dataclass(frozen=True, slots=True)
class Allowed:
    """Green's error rate may be ``ratio`` times blue's, and ``margin`` on top."""

    ratio: float = 1.0
    margin: float = 0.0


PLAIN = Allowed()


def errors(traffic: Traffic, green: float, blue: float = 0.001, allowed: Allowed = PLAIN, alpha: float = 0.01) -> float:
    """Seconds to see that green's error rate is more than what is allowed, when blue's must be learned at the same time."""

    def information(common: float) -> float:
        null = min(allowed.ratio * common + allowed.margin, 1.0 - 1e-12)
        return traffic.green * divergence(green, null) + traffic.blue * divergence(blue, common)

    high = min(1.0, max((green - allowed.margin) / allowed.ratio, blue)) * (1.0 - 1e-9)
    return log(1.0 / alpha) / information(least(information, blue * 1e-3, high))


def certified(traffic: Traffic, rate: float = 0.001, ratio: float = 2.0, alpha: float = 0.05) -> float:
    """Seconds to see that green is less than ``ratio`` times as bad as blue, when both fail at the same ``rate``."""

    def information(common: float) -> float:
        return traffic.green * divergence(rate, ratio * common) + traffic.blue * divergence(rate, common)

    return log(1.0 / alpha) / information(least(information, rate / ratio, rate))


def requests(green: float, blue: float = 0.001, alpha: float = 0.01) -> float:
    """Requests of green to see that its error rate is not ``blue``, when that is known exactly."""
    return log(1.0 / alpha) / divergence(green, blue)


def shifted(traffic: Traffic, slow: Slowdown, alpha: float = 0.01) -> float:
    """Seconds to see a slowdown of lognormal latency when its form is known, and only its scale is not."""
    information = traffic.rps * traffic.share * (1.0 - traffic.share) * slow.shift**2 / 2.0
    return log(1.0 / alpha) / information


def threshold(traffic: Traffic, slow: Slowdown, quantile: float, alpha: float = 0.01) -> float:
    """The same when all that is seen is which requests are beyond one quantile of blue's latency."""
    blue = 1.0 - quantile
    green = 1.0 - NORMAL.cdf(NORMAL.inv_cdf(quantile) - slow.shift)
    return errors(traffic, green, blue, alpha=alpha)


def best_threshold(traffic: Traffic, slow: Slowdown, alpha: float = 0.01) -> float:
    """The same at whichever quantile shows it soonest."""
    best = least(lambda quantile: threshold(traffic, slow, quantile, alpha), 0.3, 0.95)
    return threshold(traffic, slow, best, alpha)
