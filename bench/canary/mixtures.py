"""Factors, mixtures and dispersion of ``smoke.analysis`` on arrays: see there for what they mean and why they are valid."""

from collections.abc import Sequence
from math import inf, log

import numpy as np

from canary.peers import column
from canary.streams import Arm, Floats
from smoke.analysis.dispersion import CAP, CLEAN, GREATEST, LEAST_LOOKS, LEAST_WEIGHT
from smoke.analysis.likelihood import Tilt


class Mixture:
    """``smoke.analysis.mixture``, in place: logarithms by alternative and run, and what has not begun."""

    def __init__(self, size: int, runs: int) -> None:
        self.logs = np.full((size, runs), -inf)
        self.reserve = 1.0

    def begun(self, weight: float) -> None:
        """A part of the weight works from here on."""
        if weight:
            np.logaddexp(self.logs, log(weight / len(self.logs)), out=self.logs)
            self.reserve = max(0.0, self.reserve - weight)

    def anew(self) -> None:
        """Forget everything, and begin with all of the weight."""
        self.logs[:] = -log(len(self.logs))
        self.reserve = 0.0

    def times(self, factors: Floats) -> None:
        """One look later."""
        self.logs += factors

    def log(self) -> Floats:
        """Logarithm of the evidence, run by run."""
        rest = log(self.reserve) if self.reserve > 0.0 else -inf
        top = np.maximum(self.logs.max(axis=0), rest)
        safe = np.where(top == -inf, 0.0, top)
        with np.errstate(divide="ignore"):
            return safe + np.log(np.exp(self.logs - safe).sum(axis=0) + np.exp(rest - safe))


class Dispersion:
    """``smoke.analysis.dispersion``, in place."""

    def __init__(self, runs: int) -> None:
        self.looks, self.changes, self.total, self.scores, self.squares = (np.zeros(runs) for _ in range(5))
        self.last, self.mean = np.zeros(runs), np.zeros(runs)
        self.by, self.cap = np.ones(runs), np.full(runs, CAP)

    def after(self, total: Floats, scores: Floats, squares: Floats) -> None:
        """One look later; without requests it says nothing."""
        seen, pair = total > 0, (total > 0) & (self.last > 0)
        mean = scores / np.maximum(total, 1)
        weight = self.last * total / np.maximum(self.last + total, 1)
        self.changes += np.where(pair, weight * (mean - self.mean) ** 2, 0.0)
        self.looks += pair
        self.total, self.scores, self.squares = self.total + total, self.scores + scores, self.squares + squares
        self.last, self.mean = np.where(seen, total, self.last), np.where(seen, mean, self.mean)
        self._brake()

    def pause(self) -> None:
        """The next look has none before it."""
        self.last = np.zeros_like(self.last)

    def _brake(self) -> None:
        spread = self.squares - self.scores**2 / np.maximum(self.total, 1)
        known = (self.looks >= LEAST_LOOKS) & (spread >= LEAST_WEIGHT)
        looks, weight = np.maximum(self.looks, 1), np.where(known, spread, 1.0)
        estimate = self.changes / looks * self.total / weight
        error = estimate * np.sqrt((3.0 + looks / weight) / looks)
        self.by = np.where(known, np.clip(estimate - error, 1.0, GREATEST), 1.0)
        self.cap = np.where(known & (self.by <= CLEAN), inf, CAP)

    def temper(self, factors: Floats, outage: Floats | None = None) -> Floats:
        """Factors of a look, (A, R), made safe for clumps; where there is an outage, without the cap."""
        return np.minimum(factors / self.by, self.cap if outage is None else np.where(outage > 0.0, inf, self.cap))


def ratio_factors(green: Arm, blue: Arm, null: float, margin: float, multiples: Sequence[float]) -> Floats:
    """``smoke.analysis.likelihood.ratio_factors``; 0 where one side has no requests. (M, R)."""
    multiple, both = column(multiples), (green.requests > 0) & (blue.requests > 0)
    share = green.requests / np.maximum(green.requests + blue.requests, 1)
    spread = (1.0 + share * (null * multiple - 1.0)) / (1.0 + share * (null - 1.0))
    gain = green.errors * np.log(multiple) - (green.errors + blue.errors) * np.log(spread)
    if margin:
        gain -= green.requests * margin * (multiple / spread - 1.0)
    return gain * both


def rate_factors(bad: Floats, total: Floats, null: float, odds: Sequence[float]) -> Floats:
    """``smoke.analysis.likelihood.rate_factors`` for alternatives given as ratios of odds. (M, R)."""
    ratio = column(odds)
    rate = ratio * null / (1.0 - null + ratio * null)
    return bad * np.log(rate / null) + (total - bad) * np.log((1.0 - rate) / (1.0 - null))


def order_factors(tested: Floats, other: Floats, tilts: Sequence[Tilt]) -> Floats:
    """``smoke.analysis.likelihood.order_factors`` for classes (C, R); 0 where one side has no requests. (T, R)."""
    drawn, others = tested.sum(axis=0), other.sum(axis=0)
    pooled, fewer, both = tested + other, drawn < others, (drawn > 0) & (others > 0)
    scores = np.array([tilt.scores for tilt in tilts])
    if fewer.all():
        return _factors(tested, pooled, drawn, scores, both)
    if not fewer.any():
        return _factors(other, pooled, others, -scores, both)
    return np.where(fewer, _factors(tested, pooled, drawn, scores, both), _factors(other, pooled, others, -scores, both))


def _factors(mine: Floats, pooled: Floats, drawn: Floats, scores: Floats, both: Floats) -> Floats:
    odds, total = np.exp(scores), np.where(both, pooled.sum(axis=0), 2.0)
    bound = log_draw(np.where(both, pooled, 1.0), np.where(both, drawn, 1.0), total, odds)
    return np.where(both, scores @ mine - bound, 0.0)


def log_draw(pooled: Floats, drawn: Floats, total: Floats, odds: Floats) -> Floats:
    """``smoke.analysis.likelihood.log_draw`` for odds (T, C). (T, R)."""
    greatest = odds.max(axis=1)[:, None]
    mean = odds @ pooled / total
    variance = odds**2 @ pooled / total - mean * mean
    gap = greatest - mean
    flat = (gap <= 1e-12 * greatest) | (variance <= 0.0)
    great = np.floor(np.where(flat, 0.0, total * variance / np.where(flat, 1.0, gap * gap + variance) + 1e-9))
    flat |= great < 1.0
    great = np.where(flat, 1.0, great)
    low = np.where(flat, mean, (total * mean - great * greatest) / np.where(flat, 1.0, total - great))
    return drawn * np.log(low) + np.where(flat, 0.0, log_marked(drawn, great, total, greatest / low))


def log_marked(drawn: Floats, marked: Floats, total: Floats, ratio: Floats) -> Floats:
    """``smoke.analysis.likelihood.log_marked`` for a ratio of odds. (T, R)."""
    trials = np.minimum(drawn, marked)
    mean = drawn * marked / total
    variance = mean * (1.0 - marked / total) * (total - drawn) / (total - 1.0)
    miss = 1.0 - mean / trials
    all_of_them = miss <= 0.0
    safe = np.where(all_of_them, 1.0, miss)
    second = np.where(all_of_them, 1.0, 1.0 - (mean + variance) / trials)
    rest = safe * safe / second
    mixed = (1.0 - rest) * np.log(ratio) + rest * np.log1p((1.0 - second / safe) * (ratio - 1.0))
    return trials * np.where(all_of_them, np.log(ratio), mixed)
