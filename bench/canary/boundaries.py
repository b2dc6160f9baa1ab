"""Boundaries that a sum crosses with small probability, ever: the confidence sequences of Howard, Ramdas, McAuliffe and Sekhon.

"Time-uniform Chernoff bounds via nonnegative supermartingales" (2020) and "Time-uniform, nonparametric, nonasymptotic
confidence sequences" (2021) for the mixtures and stitching; Howard and Ramdas, "Sequential estimation of quantiles with
applications to A/B testing and best-arm identification" (2022) for quantiles. The parametrisation is that of their library
confseq, so that its numbers can be compared. ``total`` is a centred sum, ``variance`` its intrinsic time. Evidence is a natural
logarithm; under the null it ever exceeds ``log(1 / alpha)`` with probability ``alpha`` at most.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, erfc, exp, floor, inf, lgamma, log, log1p, sqrt
from typing import Protocol

import mpmath

STITCH = 1.4
"""Exponent of the stitched boundaries; the epochs grow by ``GROWTH``."""
GROWTH = 2.0


class Mixture(Protocol):
    """A test supermartingale of a sum, mixed over its size of effect."""

    def log_evidence(self, total: float, variance: float) -> float:
        """Natural logarithm of the evidence."""

    def most(self, variance: float) -> float:
        """The largest total that is possible."""


def two_sided_rho(variance: float, alpha: float) -> float:
    """The ``rho`` that makes the two-sided normal mixture tightest at this variance."""
    return variance / (2.0 * log(1.0 / alpha) + log1p(2.0 * log(1.0 / alpha)))


def one_sided_rho(variance: float, alpha: float) -> float:
    """The ``rho`` that makes the one-sided normal mixture nearly tightest at this variance."""
    return two_sided_rho(variance, 2.0 * alpha)


@dataclass(frozen=True, slots=True)
class Normal:
    """Mixture for sums with Gaussian tails."""

    rho: float
    one_sided: bool = True

    def log_evidence(self, total: float, variance: float) -> float:
        """Closed form of the mixture over a normal prior, or a half normal one."""
        spread = variance + self.rho
        evidence = 0.5 * log(self.rho / spread) + total * total / (2.0 * spread)
        return evidence + log(erfc(-total / sqrt(2.0 * spread))) if self.one_sided else evidence

    def most(self, _variance: float) -> float:
        """Without a limit."""
        return inf


@dataclass(frozen=True, slots=True)
class GammaExponential:
    """Mixture for sums with exponential tails of this ``scale``."""

    rho: float
    scale: float

    def log_evidence(self, total: float, variance: float) -> float:
        """Closed form of the mixture over a truncated gamma prior."""
        square = self.scale * self.scale
        prior, shape = self.rho / square, (variance + self.rho) / square
        moved = (self.scale * total + variance) / square
        head = prior * log(prior) - lgamma(prior) - _log_lower_gamma(prior, prior)
        return head + lgamma(shape) + _log_lower_gamma(shape, moved + prior) - shape * log(moved + prior) + moved

    def most(self, _variance: float) -> float:
        """Without a limit."""
        return inf


@dataclass(frozen=True, slots=True)
class GammaPoisson:
    """Mixture for sums with Poisson tails whose steps have this ``scale``."""

    rho: float
    scale: float

    def log_evidence(self, total: float, variance: float) -> float:
        """Closed form of the mixture over a truncated gamma prior."""
        square = self.scale * self.scale
        prior, rate = self.rho / square, (variance + self.rho) / square
        shape = total / self.scale + rate
        head = prior * log(prior) - lgamma(prior) - _log_upper_gamma(prior, prior)
        return head + lgamma(shape) + _log_upper_gamma(shape, rate) - shape * log(rate) + variance / square

    def most(self, _variance: float) -> float:
        """Without a limit."""
        return inf


@dataclass(frozen=True, slots=True)
class BetaBinomial:
    """Mixture for sums whose steps lie between ``-down`` and ``up``."""

    strength: float
    down: float
    up: float
    one_sided: bool = True

    def log_evidence(self, total: float, variance: float) -> float:
        """Closed form of the mixture over a beta prior, or a truncated one."""
        down, up, width = self.down, self.up, self.down + self.up
        against, along = (variance - down * total) / (down * width), (variance + up * total) / (up * width)
        prior = self._log_beta(self.strength / (down * width), self.strength / (up * width))
        after = self._log_beta(self.strength / (down * width) + against, self.strength / (up * width) + along)
        return variance / (down * up) * log(width) - along * log(down) - against * log(up) + after - prior

    def most(self, variance: float) -> float:
        """Every step as far up as it can."""
        return variance / self.down

    def _log_beta(self, first: float, second: float) -> float:
        whole = lgamma(first) + lgamma(second) - lgamma(first + second)
        if not self.one_sided:
            return whole
        return whole + float(mpmath.log(mpmath.betainc(first, second, 0, self.up / (self.down + self.up), regularized=True)))


def normal(variance: float, alpha: float, *, one_sided: bool = True) -> Normal:
    """The normal mixture that is tightest at this variance."""
    return Normal(one_sided_rho(variance, alpha) if one_sided else two_sided_rho(variance, alpha), one_sided)


def beta_binomial(variance: float, alpha: float, down: float, up: float, *, one_sided: bool = True) -> BetaBinomial:
    """The beta-binomial mixture that is tightest at this variance."""
    rho = normal(variance, alpha, one_sided=one_sided).rho
    return BetaBinomial(max(rho - down * up, 1e-3 * down * up), down, up, one_sided)


def bound(mixture: Mixture, variance: float, alpha: float) -> float:
    """The total that is exceeded at any variance with probability ``alpha`` at most, here at this one."""

    def beyond(total: float) -> float:
        return mixture.log_evidence(total, variance) - log(1.0 / alpha)

    high = mixture.most(variance)
    if high == inf:
        high = variance
        while beyond(high) <= 0.0:
            high *= 2.0
    return high if beyond(high) < 0.0 else root(beyond, 0.0, high)


def polynomial_stitching(variance: float, alpha: float, least: float, scale: float = 0.0) -> float:
    """Boundary of the rate of the iterated logarithm, valid from the variance ``least`` on."""
    variance = max(variance, least)
    level = STITCH * log(log(GROWTH * variance / least)) + log(_zeta() / log(GROWTH) ** STITCH) + log(1.0 / alpha)
    return _stitched(variance, level, scale)


def double_stitching(quantile: float, count: float, alpha: float, tuned: float, delta: float = 0.5) -> float:
    """Boundary for the empirical distribution at a quantile, valid for all quantiles at once; in samples."""
    count = max(count, tuned)
    logit = log(quantile / (1.0 - quantile))
    nearest = 1.0 / (1.0 + exp(-(logit + 2.0 * delta * sqrt(tuned * GROWTH / count))))
    rank = quantile if quantile >= 0.5 else min(0.5, nearest)  # noqa: PLR2004 the median
    square = rank * (1.0 - rank)
    epoch = sqrt(count / tuned) * abs(logit) / (2.0 * delta) + 1.0
    level = STITCH * (log(log(GROWTH * count / tuned)) + log(epoch))
    level += log(2.0 * _zeta() * (2.0 * _zeta() + 1.0) / (alpha * log(GROWTH) ** STITCH))
    scale = (1.0 - 2.0 * quantile) / 3.0
    return delta * sqrt(GROWTH * count * square / tuned) + _stitched(square * count, level, scale)


def empirical_process(count: float, alpha: float, least: float, factor: float) -> float:
    """Distance of the empirical from the true distribution, of the rate of the iterated logarithm."""
    constant = root(lambda guess: alpha - _least_error(guess, factor), 1.0, 1000.0)
    return inf if count < least else factor * sqrt((log1p(log(count / least)) + constant) / count)


def quantile_p_value(quantile: float, first: Sequence[float], second: Sequence[float], tuned: float, alpha: float) -> float:
    """Always valid p-value of "both arms have the same quantile" (Howard, Ramdas 2022, theorem 5).

    The value of the quantile is not known, so the least evidence over all of them counts.
    """
    mixture = beta_binomial(tuned * quantile * (1.0 - quantile), alpha, quantile, 1.0 - quantile, one_sided=False)
    arms = [_arm_evidence(mixture, quantile, sorted(arm)) for arm in (first, second)]
    least = min(sum(arm(value) for arm in arms) for value in {*first, *second})
    return min(1.0, exp(-least))


def bernoulli_interval(successes: int, trials: int, alpha: float, tuned: float) -> tuple[float, float]:
    """Confidence sequence of a probability: the values that the two-sided beta-binomial mixture does not reject."""
    seen = successes / trials

    def evidence(chance: float) -> float:
        variance = chance * (1.0 - chance)
        mixture = beta_binomial(variance * tuned, alpha, chance, 1.0 - chance, one_sided=False)
        return mixture.log_evidence((seen - chance) * trials, variance * trials) - log(1.0 / alpha)

    tiny = 1e-12
    low = root(lambda chance: -evidence(chance), tiny, seen) if successes and evidence(tiny) > 0.0 else 0.0
    high = root(evidence, seen, 1.0 - tiny) if successes < trials and evidence(1.0 - tiny) > 0.0 else 1.0
    return low, high


def root(rising: Callable[[float], float], low: float, high: float) -> float:
    """Where a function that is negative at ``low`` and positive at ``high`` is 0, by halving."""
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if rising(middle) < 0.0 else (low, middle)
    return 0.5 * (low + high)


def minimum(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a function with one valley is least, by golden sections."""
    golden = 0.5 * (sqrt(5.0) - 1.0)
    for _ in range(60):
        left, right = high - golden * (high - low), low + golden * (high - low)
        low, high = (low, right) if function(left) < function(right) else (left, high)
    return 0.5 * (low + high)


def _arm_evidence(mixture: BetaBinomial, quantile: float, arm: Sequence[float]) -> Callable[[float], float]:
    """Least evidence of one arm that a value is not its quantile, given that its distribution may jump there."""
    size = len(arm)

    def of_share(below: float) -> float:
        return mixture.log_evidence((below - quantile) * size, quantile * (1.0 - quantile) * size)

    best = minimum(of_share, 0.0, 1.0)
    low, high = arm[max(ceil(best * size), 1) - 1], arm[min(floor(best * size), size - 1)]

    def of_value(value: float) -> float:
        if value < low:
            return of_share(bisect_right(arm, value) / size)
        return of_share(bisect_left(arm, value) / size) if value > high else of_share(best)

    return of_value


def _stitched(variance: float, level: float, scale: float) -> float:
    first, second = (GROWTH**0.25 + GROWTH**-0.25) / sqrt(2.0), (sqrt(GROWTH) + 1.0) / 2.0
    linear = second * scale * level
    return sqrt(first * first * variance * level + linear * linear) + linear


def _least_error(constant: float, factor: float) -> float:
    """Chance of ever being outside the empirical process's boundary, at the best growth of the epochs; 1 where nothing holds."""

    def chance(growth: float) -> float:
        square = 2.0 / growth * max(0.0, factor - sqrt(2.0 * (growth - 1.0) / constant)) ** 2
        return 1.0 if square <= 1.0 else 4.0 * exp(-square * constant) * (1.0 + 1.0 / ((square - 1.0) * log(growth)))

    def room(growth: float) -> float:
        return sqrt(growth / 2.0) + sqrt(2.0 * (growth - 1.0) / constant) - factor

    most = root(room, 1.0, 2.0 * factor * factor)
    return chance(minimum(chance, 1.0, most))


def _zeta() -> float:
    return float(mpmath.zeta(STITCH))


def _log_lower_gamma(shape: float, value: float) -> float:
    return float(mpmath.log(mpmath.gammainc(shape, 0, value, regularized=True)))


def _log_upper_gamma(shape: float, value: float) -> float:
    return float(mpmath.log(mpmath.gammainc(shape, value, mpmath.inf, regularized=True)))
