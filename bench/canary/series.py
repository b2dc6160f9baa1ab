"""Rules over points of one minute, or over a 95th percentile, in many runs at once."""

from collections.abc import Callable, Sequence
from statistics import NormalDist

import numpy as np

from canary.peers import Flags, Judge, column
from canary.streams import MEDIAN, OBJECTIVE, QUANTILE_EDGES, Arm, Edges, Floats, Latency, Tick

FINE = MEDIAN * np.exp(np.linspace(-4.0, 8.0, 1 << 14))
"""Milliseconds at which the distribution of latency is tabulated, to be read backwards."""
Point = Callable[[Arm, Arm], tuple[Floats, Floats]]
"""Of what both slots answered in a minute, one number for each: (R,) and (R,)."""


class Percentile:
    """The 95th percentile of what a slot answered.

    A stream only counts the requests between edges. Given these counts, a percentile is the k-th least of m uniform draws within
    one interval of probability, which is a beta variable: it is drawn here, and has the law of the percentile of the requests.
    For a stream that does not change, and windows that do not overlap.
    """

    def __init__(self, latency: Latency, seed: int, edges: Edges = QUANTILE_EDGES) -> None:
        self._random = np.random.default_rng([seed, 95])
        self._sides = [_Side(latency, edges.green), _Side(Latency(), edges.blue)]

    def __call__(self, green: Arm, blue: Arm) -> tuple[Floats, Floats]:
        """Milliseconds of green and of blue; 0 without requests."""
        drawn = [side.draw(arm, self._random) for side, arm in zip(self._sides, (green, blue), strict=True)]
        return drawn[0], drawn[1]


class _Side:
    """How one slot's latency is distributed, as shares beyond points."""

    def __init__(self, latency: Latency, edges: Sequence[float]) -> None:
        self._place = sum(edge < OBJECTIVE for edge in edges)
        every = sorted((*edges, OBJECTIVE))
        self._shares = np.array([1.0, *(latency.beyond(edge) for edge in every), 0.0])
        self._beyond = np.array([latency.beyond(each) for each in FINE])

    def draw(self, arm: Arm, random: np.random.Generator) -> Floats:
        """Milliseconds of the 95th percentile in each run."""
        slow = np.vstack([arm.requests, arm.slow[: self._place], arm.over, arm.slow[self._place :]])
        rank = arm.requests - np.ceil(0.95 * arm.requests).astype(np.int64) + 1
        place = (slow >= rank).sum(axis=0) - 1
        beyond = np.vstack([slow, np.zeros_like(arm.over)])
        runs = np.arange(len(rank))
        held, after = beyond[place, runs], beyond[place + 1, runs]
        drawn = random.beta(np.maximum(rank - after, 1), np.maximum(held - rank + 1, 1))
        share = self._shares[place + 1] + drawn * (self._shares[place] - self._shares[place + 1])
        return np.interp(share, self._beyond[::-1], FINE[::-1]) * (arm.requests > 0)


def p95_above(point: Point, ratios: Sequence[float]) -> Judge:
    """Fails where green's 95th percentile is more than ``ratio`` times blue's."""

    def judge(green: Arm, blue: Arm) -> Flags:
        slow, fast = point(green, blue)
        return slow > column(ratios) * fast

    return judge


def percent_of_errors(green: Arm, blue: Arm) -> tuple[Floats, Floats]:
    """Errors of each slot in a hundred requests."""
    return tuple(100.0 * arm.errors / np.maximum(arm.requests, 1) for arm in (green, blue))


class KayentaLike:
    """Kayenta's judge of one metric: a point a minute, a verdict each minute from the tenth on. Varied: its tolerance."""

    FIRST = 10
    """Points before the first verdict: ours, since Kayenta itself is asked when an analysis ends."""

    def __init__(self, name: str, point: Point, tolerances: Sequence[float] = (0.25,), confidence: float = 0.98) -> None:
        self.name, self._point, self._tolerances, self._confidence = name, point, tolerances, confidence
        self._now: tuple[Arm, Arm] | None = None
        self._points: list[tuple[Floats, Floats]] = []

    def look(self, tick: Tick) -> Flags | None:
        """In which runs green's metric is classified as high."""
        self._now = (tick.green, tick.blue) if self._now is None else (self._now[0] + tick.green, self._now[1] + tick.blue)
        if tick.at < 60.0 * (len(self._points) + 1) - 1e-9:
            return None
        self._points.append(self._point(*self._now))
        self._now = None
        if len(self._points) < self.FIRST:
            return None
        green, blue = (np.stack(side, axis=1) for side in zip(*self._points, strict=True))
        return high(green, blue, self._tolerances, self._confidence)


def high(green: Floats, blue: Floats, tolerances: Sequence[float], confidence: float) -> Flags:
    """In which runs Kayenta's classifier says High of n points each: (R, n) and (R, n), to (K, R).

    The lower limit of its interval is where the standardised rank sum falls to the quantile; that lies above the tolerated shift
    if and only if the sum at that shift is still above the quantile. So no root need be found.
    """
    between = np.sort((green[:, :, None] - blue[:, None, :]).reshape(len(green), -1), axis=1)
    middle = between.shape[1] // 2
    estimate = np.abs((between[:, middle] + between[:, -middle - 1]) / 2.0)
    score = NormalDist().inv_cdf((1.0 + confidence) / 2.0)
    effect = green.mean(axis=1) >= blue.mean(axis=1)
    return np.stack([_beyond(green - (each * estimate)[:, None], blue, score) & effect for each in tolerances])


def _beyond(first: Floats, second: Floats, score: float) -> Flags:
    """Is the standardised rank sum, corrected for ties and continuity, above ``score``?"""
    size = first.shape[1]
    difference = first[:, :, None] - second[:, None, :]
    excess = (difference > 0.0).sum(axis=(1, 2)) + 0.5 * (difference == 0.0).sum(axis=(1, 2)) - size**2 / 2.0
    both = np.concatenate([first, second], axis=1)
    same = (both[:, :, None] == both[:, None, :]).sum(axis=2)
    tied = (same**2 - 1).sum(axis=1) / (2.0 * size * (2.0 * size - 1.0))
    spread = size**2 / 12.0 * (2.0 * size + 1.0 - tied)
    return excess - 0.5 * np.sign(excess) > score * np.sqrt(np.maximum(spread, 0.0))
