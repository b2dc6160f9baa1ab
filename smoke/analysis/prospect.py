"""What a second of a service's traffic brings to each test of a step: expected counts, put into the engine's own factors.

Requests are taken to be independent. Where the live slot's errors come in clumps, the engine sees that and waits longer.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import ceil, exp, inf, lgamma, log, sqrt
from statistics import NormalDist

from smoke.analysis.dispersion import CAP, LEAST_LOOKS, LEAST_WEIGHT
from smoke.analysis.likelihood import Tilt, Two, order_factors, rate_factors, rates_at, ratio_factors
from smoke.analysis.load import Latency, Load
from smoke.analysis.mixture import Mixture
from smoke.analysis.thresholds import BETTER, WORSE, chosen, classes
from smoke.analysis.trial import (
    ERROR_OBJECTIVE,
    ERRORS,
    LATENCY,
    LATENCY_OBJECTIVE,
    LEAST_RATE,
    LESS,
    MORE,
    OFTENER,
    RARER,
    SECOND,
    SLOW_SHARE,
)
from smoke.plan import Gates

_MANY = 30.0  # requests in a look, whose number hardly varies
_ENOUGH = 200.0  # requests of one side that have every class of latency


@dataclass(frozen=True, slots=True)
class Gain:
    """What a second brings to each alternative's logarithm: while clumps of errors are not ruled out, and after."""

    capped: tuple[float, ...]
    free: tuple[float, ...]
    brake: float
    """Seconds until they are ruled out."""

    def evidence(self, seconds: float, weight: float) -> float:
        """Logarithm of the evidence after so long, of alternatives that begin with this weight."""
        early, late = min(seconds, self.brake), max(seconds - self.brake, 0.0)
        logs = [before * early + after * late for before, after in zip(self.capped, self.free, strict=True)]
        return Mixture.of(len(logs)).begun(weight).times(logs).log()

    @classmethod
    def of(cls, none: Sequence[float], one: Sequence[float], mean: float, look: float, brake: float) -> "Gain":
        """From a look's factors without and with one bad request of the candidate, of which there are so many on average."""
        each = [(base, more - base) for base, more in zip(none, one, strict=True)]
        capped = tuple(_capped(base, step, mean) / look for base, step in each)
        return cls(capped, tuple((base + step * mean) / look for base, step in each), brake)


def _capped(base: float, step: float, mean: float) -> float:
    """Expectation of ``min(base + step * K, CAP)`` for a Poisson number ``K``."""
    room = (CAP - base) / step if step else -1.0
    if room < 0.0:
        return min(base + step * mean, CAP)
    short = sum(_chance(count, mean) * (CAP - base - step * count) for count in range(ceil(room)))
    return CAP - short if step > 0.0 else base + step * mean + short


def _chance(count: int, mean: float) -> float:
    """Probability of a Poisson number."""
    return exp(count * log(mean) - mean - lgamma(count + 1.0)) if mean else float(not count)


def _poisson(mean: float) -> Sequence[tuple[float, float]]:
    """Poisson numbers and their probabilities; of a great mean it alone."""
    if mean > _MANY:
        return [(mean, 1.0)]
    return [(count, _chance(count, mean)) for count in range(ceil(mean + 6.0 * sqrt(mean)) + 3)]


@dataclass(frozen=True)
class Prospect:
    """A step with its traffic: what a second brings to each test."""

    gates: Gates
    load: Load
    share: float
    """Of the candidate, between 0 and 1."""
    tick: float
    looked: float = 0.0
    """Seconds for which the live slot was looked at in earlier steps."""
    learned: float = 0.0
    """Its requests in them."""

    @cached_property
    def latency(self) -> Latency:
        """The live slot's."""
        return self.load.latency or Latency.assumed(self.gates.p95_ms)

    @property
    def look(self) -> float:
        """Seconds between the looks of all tests but one."""
        return self.tick * ceil(SECOND / self.tick)

    @property
    def sides(self) -> tuple[float, float]:
        """Requests a second of the live slot and of the candidate."""
        return self.load.rate * (1.0 - self.share), self.load.rate * self.share

    def worse(self, errors: float, ratio: float) -> Iterator[tuple[str, Gain]]:
        """By gate: of "worse than allowed", for a candidate that fails so often and takes so many times as long."""
        if self.gates.error_ratio > 0.0 and self.share < 1.0:
            yield ERRORS, self._errors(errors, MORE, self.tick)
        if self.gates.errors < 1.0:
            yield ERROR_OBJECTIVE, self._error_objective(errors, OFTENER)
        slowed = self.latency.slowed(ratio)
        yield LATENCY_OBJECTIVE, self._latency_objective(slowed, OFTENER)
        if self.share < 1.0:
            yield LATENCY, self._latency(slowed)[0]

    def better(self) -> Iterator[tuple[str, Gain]]:
        """By gate: of "not worse than allowed", for a candidate just like the live slot."""
        if self.gates.error_ratio > 0.0 and self.share < 1.0:
            yield ERRORS, self._errors(self.load.errors, LESS, self.look)
        if self.share < 1.0:
            yield LATENCY, self._latency(self.latency)[1]
        if self.gates.errors < 1.0:
            yield ERROR_OBJECTIVE, self._error_objective(self.load.errors, RARER)
        yield LATENCY_OBJECTIVE, self._latency_objective(self.latency, RARER)

    def after(self, seconds: float) -> tuple[float, float]:
        """How long the live slot was looked at once this step is over, and its requests."""
        return self.looked + (seconds if self.share < 1.0 else 0.0), self.learned + seconds * self.sides[0]

    def _brake(self, spread: float) -> float:
        """Seconds until the live slot was seen often enough to rule clumps out; ``spread`` is a request's variance of score."""
        live = self.sides[0] * spread
        missing = LEAST_WEIGHT - self.learned * spread
        looks = LEAST_LOOKS * self.look - self.looked
        if max(missing, looks) <= 0.0:
            return 0.0
        return max(looks, missing / live) if live > 0.0 else inf

    def _errors(self, errors: float, multiples: Sequence[float], look: float) -> Gain:
        live, candidate = (each * look for each in self.sides)
        seen = 1.0 - exp(-live)  # of looks that see nothing of the live slot nothing is made
        live /= seen
        known, gates = self.load.errors, self.gates

        def factors(bad: float, requests: float) -> Sequence[float]:
            return ratio_factors(Two(bad, requests, known * live, live), gates.error_ratio, gates.error_margin, multiples)

        # The share that is judged is the look's own: a look in which the candidate fails is one in which it is asked more.
        brake = self._brake(known * (1.0 - known))
        gains = [
            (chance * seen, Gain.of(factors(0.0, count), factors(1.0, count), errors * count, look, brake))
            for count, chance in _poisson(candidate)
            if count
        ]
        capped, free = (
            tuple(sum(chance * getattr(gain, name)[place] for chance, gain in gains) for place in range(len(multiples)))
            for name in ("capped", "free")
        )
        return Gain(capped, free, brake)

    def _error_objective(self, errors: float, odds: Sequence[float]) -> Gain:
        known = self.load.errors
        return self._objective(errors, max(self.gates.errors, LEAST_RATE), odds, known * (1.0 - known))

    def _latency_objective(self, candidate: Latency, odds: Sequence[float]) -> Gain:
        known = self.latency.slow(self.gates.p95_ms)
        return self._objective(candidate.slow(self.gates.p95_ms), SLOW_SHARE, odds, known * (1.0 - known))

    def _objective(self, bad: float, allowed: float, odds: Sequence[float], spread: float) -> Gain:
        look = max(self.look, 1.0 / self.sides[1])
        total = self.sides[1] * look
        none, one = (rate_factors(count, total, allowed, rates_at(allowed, odds)) for count in (0.0, 1.0))
        return Gain.of(none, one, bad * total, look, self._brake(spread))

    def _latency(self, candidate: Latency) -> tuple[Gain, Gain]:
        """Of "slower than allowed", and of "not slower than allowed"."""
        thresholds = chosen(self.latency.bins, self.latency.grid, self.gates.latency_ratio)
        if thresholds is None:
            raise ValueError("a latency of too few requests")
        # Expected counts say what a look brings only where it has many requests, so many looks are taken for one.
        looks = max(1.0, _ENOUGH / (self.look * min(self.sides)))
        slots = [
            (each.tail, rate * self.look * looks / sum(each.bins))
            for each, rate in zip((self.latency, candidate), self.sides, strict=True)
        ]
        live, own, floor, mine = (
            [scale * count for count in classes(tail, pairs, side)]
            for pairs in (thresholds.worse, thresholds.better)
            for side, (tail, scale) in enumerate(slots)
        )
        return self._ordered(own, live, WORSE, looks), self._ordered(floor, mine, BETTER, looks)

    def _ordered(self, tested: Sequence[float], other: Sequence[float], tilts: Sequence[Tilt], looks: float) -> Gain:
        """From the counts of so many looks."""
        # What is compared are the pairs within a look; a Poisson number of requests has this part of the pairs of its mean.
        requests = self.load.rate * self.look
        part = (1.0 - (1.0 - exp(-requests)) / requests) / looks
        means = [part * each for each in order_factors(tested, other, tilts)]
        spreads = [sqrt(part * _variance(tested, other, tilt)) for tilt in tilts]
        capped = [_capped_normal(mean, spread) for mean, spread in zip(means, spreads, strict=True)]
        brake = self._brake(1.0)  # scores have a variance of one, about
        return Gain(tuple(each / self.look for each in capped), tuple(each / self.look for each in means), brake)


def _variance(tested: Sequence[float], other: Sequence[float], tilt: Tilt) -> float:
    """Of the tested side's sum of scores."""
    drawn, others = sum(tested), sum(other)
    pooled = [(mine + its) / (drawn + others) for mine, its in zip(tested, other, strict=True)]
    mean = sum(share * score for share, score in zip(pooled, tilt.scores, strict=True))
    variance = sum(share * (score - mean) ** 2 for share, score in zip(pooled, tilt.scores, strict=True))
    return variance * drawn * others / (drawn + others)


def _capped_normal(mean: float, deviation: float) -> float:
    """Expectation of the lesser of ``CAP`` and a normal variable."""
    if not deviation:
        return min(mean, CAP)
    normal = NormalDist()
    room = (CAP - mean) / deviation
    return mean - deviation * (normal.pdf(room) - room * (1.0 - normal.cdf(room)))
