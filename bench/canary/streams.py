"""What green and blue answer, tick by tick, in many runs at once: frozen descriptions, and the one generator of counts.

Arrivals are Poisson, and so are the requests in each interval between two edges of latency: drawn so, the counts beyond all
edges are those of one multinomial draw of the tick's requests. A request fails with the same probability whatever its latency.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, log, pi, sin, sqrt
from statistics import NormalDist
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from smoke.analysis.thresholds import SHARES

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Noise = Literal["none", "bursts", "diurnal", "clumps", "wander", "sticky", "warmup", "gaps", "missing"]

NORMAL = NormalDist()
MEDIAN, SIGMA = 40.0, 0.5
"""Milliseconds, and the standard deviation of the logarithm, of blue's lognormal latency."""
OBJECTIVE = 100.0
"""Milliseconds; requests over it are counted on both sides."""
RATE = 0.001
"""Blue's share of errors."""
GAP_EVERY, GAP = 60.0, 5.0
"""Seconds: once a minute, so long, nothing is read."""
BURST_EVERY, BURST, BURST_RATE = 300.0, 20.0, 0.2
"""Seconds, seconds and share of errors: a dependency of both slots fails."""
DAY = 1800.0
"""Seconds of one turn of the diurnal load: a day, pressed into a run."""
WANDER, WANDER_SIGMA = 30.0, 0.5
"""Seconds of memory, and standard deviation of the logarithm, of an error rate that each slot has for itself."""
THINK, SESSION, FRAIL, FRAIL_RATE = 10.0, 60.0, 0.01, 0.1
"""Sticky sessions: a user asks every ten seconds and stays for sixty; one in a hundred fails at one request in ten."""
WARM, WARM_EVERY = 5.0, 30.0
"""Seconds: a new process is twice as slow at first, which fades at this pace and is over after so long."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Green's latency is blue's times ``ratio``, and for a ``share`` of requests times ``factor`` more."""

    ratio: float = 1.0
    share: float = 0.0
    factor: float = 1.0
    slowest: bool = False
    """The share is that of the slowest requests, and not one by chance."""

    def at(self, severity: float) -> "Latency":
        """The same fault, not yet grown: 0 is none and 1 is all of it."""
        return replace(self, ratio=self.ratio**severity, factor=self.factor**severity)

    def beyond(self, milliseconds: float) -> float:
        """The share of green's requests that take longer than this."""
        limit = milliseconds / self.ratio
        if self.slowest:
            cut = quantile(1.0 - self.share)
            return survival(limit) if limit < cut else survival(max(limit / self.factor, cut))
        return (1.0 - self.share) * survival(limit) + self.share * survival(limit / self.factor)


def quantile(probability: float) -> float:
    """Milliseconds below which this share of blue's requests are."""
    return MEDIAN * exp(SIGMA * NORMAL.inv_cdf(probability))


def survival(milliseconds: float) -> float:
    """The share of blue's requests that take longer than this."""
    return 1.0 - NORMAL.cdf(log(milliseconds / MEDIAN) / SIGMA)


@dataclass(frozen=True, slots=True)
class Edges:
    """Milliseconds beyond which requests are counted, ascending, for each slot."""

    green: tuple[float, ...]
    blue: tuple[float, ...]

    @classmethod
    def at(cls, quantiles: Sequence[float], margin: float = 1.05) -> "Edges":
        """Blue's quantiles, and for green ``margin`` times those: where what is allowed is just as often beyond."""
        blue = [quantile(each) for each in quantiles]
        return cls(tuple(margin * edge for edge in blue), tuple(blue))


QUANTILES = tuple(1.0 - share for share in SHARES)
QUANTILE_EDGES = Edges.at(QUANTILES)


@dataclass(frozen=True, slots=True)
class Stream:
    """One kind of traffic, and what is wrong with green."""

    name: str
    rps: float
    steps: tuple[tuple[float, float], ...]
    """Pairs of the second at which a step begins, and the share that green gets from then on, between 0 and 1."""
    green: float = RATE
    """Share of green's requests that fail once the fault is there; blue's is ``RATE``."""
    latency: Latency = Latency()
    at: float = 0.0
    """Second at which the fault begins."""
    grows: float = 0.0
    """Seconds that it takes to grow to its full size."""
    noise: Noise = "none"
    clump: float = 1.0
    """Errors of one slot that come at once, on average; geometric."""

    def step(self, second: float) -> int:
        """Index of the step that holds at this second."""
        return max(index for index, (begins, _) in enumerate(self.steps) if begins <= second)

    def severity(self, second: float) -> float:
        """How much of the fault is there, from 0 to 1."""
        if second < self.at:
            return 0.0
        return min(1.0, (second - self.at) / self.grows) if self.grows else 1.0


@dataclass(frozen=True, slots=True)
class Arm:
    """What one slot answered during a tick, in each of R runs."""

    requests: Ints
    errors: Ints
    slow: Ints
    """(J, R): requests beyond each of the slot's edges."""
    over: Ints
    """Requests over the objective."""

    def __add__(self, other: "Arm") -> "Arm":
        return Arm(self.requests + other.requests, self.errors + other.errors, self.slow + other.slow, self.over + other.over)

    def without(self) -> "Arm":
        """The same shape, and nothing in it."""
        return Arm(*(np.zeros_like(counts) for counts in (self.requests, self.errors, self.slow, self.over)))


@dataclass(frozen=True, slots=True)
class Tick:
    """What was counted from one look to the next."""

    at: float
    """Seconds since the start, at the tick's end."""
    step: int
    share: float
    """The weight of green as it was set, between 0 and 1."""
    green: Arm
    blue: Arm


class Source:
    """Draws a stream in many runs at once; the same seed draws the same."""

    def __init__(self, stream: Stream, runs: int, seed: int, seconds: float = 1.0, *, edges: Edges = QUANTILE_EDGES) -> None:
        self.stream, self.runs, self.seconds = stream, runs, seconds
        self._edges = (edges.green, edges.blue)
        self._random = np.random.default_rng(seed)
        self._own = [self._random.standard_normal(runs) if stream.noise == "wander" else None for _ in range(2)]
        self._frail: list[Ints | None] = [None, None]

    def ticks(self, horizon: float) -> Iterator[Tick]:
        """All ticks of the first ``horizon`` seconds, as a reader sees them."""
        noise, held = self.stream.noise, None
        for index in range(round(horizon / self.seconds)):
            tick = self._tick(index * self.seconds)
            if noise in ("gaps", "missing") and index * self.seconds % GAP_EVERY >= GAP_EVERY - GAP:
                if noise == "gaps":
                    held = tick if held is None else replace(tick, green=held.green + tick.green, blue=held.blue + tick.blue)
                yield replace(tick, green=tick.green.without(), blue=tick.blue.without())
            elif held is not None:
                yield replace(tick, green=held.green + tick.green, blue=held.blue + tick.blue)
                held = None
            else:
                yield tick

    def _tick(self, second: float) -> Tick:
        stream, step = self.stream, self.stream.step(second)
        share, severity = stream.steps[step][1], stream.severity(second)
        load, rate, scale = _shared(stream.noise, second)
        slow = stream.latency.at(severity)
        if stream.noise == "warmup" and second < WARM_EVERY:
            slow = replace(slow, ratio=slow.ratio * (1.0 + exp(-second / WARM)))
        green_rate = rate * (1.0 + severity * (stream.green / RATE - 1.0)) if rate < BURST_RATE else rate
        rps = stream.rps * load
        green = self._arm(0, rps * share, green_rate, replace(slow, ratio=slow.ratio * scale))
        blue = self._arm(1, rps * (1.0 - share), rate, Latency(ratio=scale))
        return Tick(second + self.seconds, step, share, green, blue)

    def _arm(self, side: int, rps: float, rate: float, latency: Latency) -> Arm:
        edges = self._edges[side]
        every = sorted((*edges, OBJECTIVE))
        beyond = np.array([1.0, *(latency.beyond(edge) for edge in every), 0.0])
        means = np.maximum(-np.diff(beyond), 0.0) * rps * self.seconds
        between = self._random.poisson(means[:, None], (len(means), self.runs))
        slow = np.cumsum(between[::-1], axis=0)[::-1]
        requests = slow[0]
        errors = self._errors(side, requests, rps, rate)
        return Arm(requests, errors, slow[[1 + every.index(edge) for edge in edges]], slow[1 + every.index(OBJECTIVE)])

    def _errors(self, side: int, requests: Ints, rps: float, rate: float) -> Ints:
        noise = self.stream.noise
        if noise == "clumps":
            clumps = self._random.poisson(rps * self.seconds * rate / self.stream.clump, self.runs)
            more = self._random.negative_binomial(np.maximum(clumps, 1), 1.0 / self.stream.clump)
            return np.minimum(clumps + more * (clumps > 0), requests)
        if noise == "wander":
            return self._random.binomial(requests, np.minimum(rate * self._wandered(side), 1.0))
        if noise == "sticky":
            return self._random.binomial(requests, self._stuck(side, rps))
        return self._random.binomial(requests, rate)

    def _wandered(self, side: int) -> Floats:
        """An autoregressive factor of mean 1 on the error rate of one slot."""
        keep = exp(-self.seconds / WANDER)
        known = self._own[side] * keep + sqrt(1.0 - keep**2) * self._random.standard_normal(self.runs)
        self._own[side] = known
        return np.exp(WANDER_SIGMA * known - WANDER_SIGMA**2 / 2.0)

    def _stuck(self, side: int, rps: float) -> Floats:
        """The error rate of the users who are on a slot now: who came stays, and takes the same errors along."""
        users, keep, known = rps * THINK, exp(-self.seconds / SESSION), self._frail[side]
        if known is None:
            known = self._random.poisson(users * FRAIL, self.runs)
        else:
            known = self._random.binomial(known, keep) + self._random.poisson(users * FRAIL * (1.0 - keep), self.runs)
        self._frail[side] = known
        return np.minimum(FRAIL_RATE * known / max(users, 1e-9), 1.0)


def _shared(noise: Noise, second: float) -> tuple[float, float, float]:
    """What both slots feel alike: a factor on the load, the error rate, a factor on latency."""
    if noise == "bursts" and second % BURST_EVERY >= BURST_EVERY - BURST:
        return 1.0, BURST_RATE, 1.0
    if noise == "diurnal":
        wave = sin(2.0 * pi * second / DAY)
        return 1.0 + 0.6 * wave, RATE * (1.0 + 0.8 * wave), 1.0 + 0.3 * wave
    return 1.0, RATE, 1.0
