"""The rules that canaries are judged by elsewhere, over many runs at once: periodic checks, and sequential tests.

Every rule looks at a tick and says in which of its R runs it would abort now, once for each of its K settings: ``(K, R)``, or
``None`` where it does not look yet. What is varied (``settings``) is named at each rule.
"""

from collections import deque
from collections.abc import Callable, Sequence
from math import lgamma, log
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from canary.streams import Arm, Floats, Ints, Tick

Flags = NDArray[np.bool_]
Judge = Callable[[Arm, Arm], Flags]
"""Of the green and the blue counts of a window: in which runs, for each setting, the check fails; (K, R)."""


class Rule(Protocol):
    """A contestant."""

    name: str

    def look(self, tick: Tick) -> Flags | None:
        """In which runs, for each setting, it would abort now; ``None`` when it does not look at this tick."""
        ...


def column(values: Sequence[float]) -> Floats:
    """One setting a row, to be compared with one run a column."""
    return np.asarray(values, dtype=np.float64)[:, None]


class Periodic:
    """A check of the last ``window`` seconds every ``every`` seconds, once the window is full; so many that fail abort.

    Failed checks are added up and never forgiven, as Flagger's and Argo's are.
    """

    def __init__(self, name: str, every: float, window: float, judge: Judge, failures: int) -> None:
        self.name, self.every, self.judge, self.failures = name, every, judge, failures
        self._parts: deque[tuple[Arm, Arm]] = deque(maxlen=round(window / every))
        self._now: tuple[Arm, Arm] | None = None
        self._next, self._failed = every, np.zeros(1, dtype=np.int64)

    def look(self, tick: Tick) -> Flags | None:
        """In which runs enough checks have failed."""
        self._now = (tick.green, tick.blue) if self._now is None else (self._now[0] + tick.green, self._now[1] + tick.blue)
        if tick.at < self._next - 1e-9:
            return None
        self._next += self.every
        self._parts.append(self._now)
        self._now = None
        if len(self._parts) < (self._parts.maxlen or 0):
            return None
        green, blue = (_total(side) for side in zip(*self._parts, strict=True))
        self._failed = self._failed + self.judge(green, blue)
        return self._failed >= self.failures


def _total(arms: Sequence[Arm]) -> Arm:
    total = arms[0]
    for arm in arms[1:]:
        total = total + arm
    return total


def success_below(bounds: Sequence[float]) -> Judge:
    """Fails where green's share of good answers is below the bound; where nothing was answered, it fails too."""

    def judge(green: Arm, _: Arm) -> Flags:
        return (green.requests - green.errors < column(bounds) * green.requests) | (green.requests == 0)

    return judge


def errors_above(ratios: Sequence[float]) -> Judge:
    """Fails where green's share of errors is more than ``ratio`` times blue's."""
    return lambda green, blue: green.errors * blue.requests > column(ratios) * blue.errors * green.requests


def p95_over() -> Judge:
    """Fails where green's 95th percentile is over the objective."""
    return lambda green, _: (green.over > green.requests - np.ceil(0.95 * green.requests))[None, :]


def flagger(name: str, every: float, bounds: Sequence[float], failures: int) -> Periodic:
    """Flagger's built-in success rate: a window of a minute. Varied: the least share of good answers."""
    return Periodic(name, every, 60.0, success_below(bounds), failures)


def argo(name: str, bounds: Sequence[float]) -> Periodic:
    """The success rate of Argo's documentation: five minutes, and more than three failures. Varied: the least share."""
    return Periodic(name, 300.0, 300.0, success_below(bounds), 4)


def argo_relative(name: str, ratios: Sequence[float]) -> Periodic:
    """Errors against the stable version's, over five minutes, each minute; more than three failures. Varied: the ratio."""
    return Periodic(name, 60.0, 300.0, errors_above(ratios), 4)


class LogGamma:
    """The logarithm of the gamma function at ``offset`` plus whole numbers, from a table that grows."""

    def __init__(self, offset: float) -> None:
        self._offset, self._table = offset, np.empty(0)

    def __call__(self, counts: Ints) -> Floats:
        """``log(gamma(offset + count))`` of each count."""
        need = int(counts.max()) + 1
        if need > len(self._table):
            size = max(need, 2 * len(self._table), 64)
            more = [lgamma(self._offset + index) for index in range(len(self._table), size)]
            self._table = np.concatenate([self._table, more])
        return self._table[counts]


class LindonMalek:
    """Anytime-valid inference for multinomial counts (Lindon and Malek, NeurIPS 2022): are errors shared as requests are?

    A Dirichlet prior of the given concentration around the weights as they were set, anew at each step. Aborts only where green
    has more errors than its share. Varied: the logarithm of the evidence that aborts.
    """

    def __init__(self, name: str, concentration: float, settings: Sequence[float]) -> None:
        self.name, self.concentration, self.settings = name, concentration, column(settings)
        self._step, self._before = -1, np.zeros(1)

    def look(self, tick: Tick) -> Flags | None:
        """In which runs the evidence is enough."""
        if not 0.0 < tick.share < 1.0:
            return None
        if tick.step != self._step:
            self._begin(tick)
        self._green = self._green + tick.green.errors
        self._blue = self._blue + tick.blue.errors
        evidence = self._before + self._evidence()
        more = self._green * (1.0 - self._share) > self._blue * self._share
        return (evidence >= self.settings) & more

    def _begin(self, tick: Tick) -> None:
        if self._step >= 0:
            self._before = self._before + self._evidence()
        self._step, self._share = tick.step, tick.share
        prior = (self.concentration * tick.share, self.concentration * (1.0 - tick.share))
        self._gammas = tuple(LogGamma(each) for each in (*prior, self.concentration))
        self._none = lgamma(self.concentration) - sum(lgamma(each) for each in prior)
        self._green = self._blue = np.zeros_like(tick.green.errors)

    def _evidence(self) -> Floats:
        green, blue, both = self._gammas
        marginal = green(self._green) + blue(self._blue) - both(self._green + self._blue) + self._none
        return marginal - self._green * log(self._share) - self._blue * log(1.0 - self._share)


class EmpiricalBernstein:
    """The predictable plug-in empirical Bernstein test (Waudby-Smith and Ramdas, 2023) of the difference of two error rates.

    With the share s of green, an error of green counts 1 - s, one of blue -s, any other request 0: on average 0 if both slots are
    alike, and within an interval of length 1. Bets are tuned for ``alpha``. Varied: the logarithm of the evidence that aborts.
    """

    def __init__(self, name: str, settings: Sequence[float], alpha: float = 0.01) -> None:
        self.name, self.settings, self._log = name, column(settings), log(1.0 / alpha)
        self._count, self._sum, self._square, self._evidence = 0.0, 0.0, 0.0, 0.0

    def look(self, tick: Tick) -> Flags | None:
        """In which runs the evidence is enough."""
        if not 0.0 < tick.share < 1.0:
            return None
        failed, lost, share = tick.green.errors, tick.blue.errors, tick.share
        mean = self._sum / (1.0 + self._count)
        variance = (0.25 + self._square) / (1.0 + self._count)
        new = tick.green.requests + tick.blue.requests
        count = np.maximum(self._count + new, 1.0)
        bet = np.minimum(np.sqrt(2.0 * self._log / (variance * count * np.log1p(count))), 0.5)
        square = failed * (1.0 - share - mean) ** 2 + lost * (share + mean) ** 2 + (new - failed - lost) * mean**2
        score = failed * (1.0 - share) - lost * share
        self._evidence = self._evidence + bet * score + (np.log1p(-bet) + bet) * square
        self._count, self._sum, self._square = self._count + new, self._sum + score, self._square + square
        return self._evidence >= self.settings


class Pooled:
    """Two proportions with one common variance, looked at again and again; the base of two rules."""

    def __init__(self, name: str, settings: Sequence[float]) -> None:
        self.name, self.settings = name, column(settings)
        self._counts = (0, 0, 0, 0)

    def difference(self, tick: Tick) -> tuple[Floats, Floats]:
        """Green's error rate less blue's so far, and its variance; both 0 where nothing can be said."""
        new = (tick.green.requests, tick.green.errors, tick.blue.requests, tick.blue.errors)
        self._counts = tuple(old + more for old, more in zip(self._counts, new, strict=True))
        green, failed, blue, lost = (np.maximum(each, 0) for each in self._counts)
        rate = (failed + lost) / np.maximum(green + blue, 1)
        both = (green > 0) & (blue > 0)
        per_green, per_blue = 1.0 / np.maximum(green, 1), 1.0 / np.maximum(blue, 1)
        return (failed * per_green - lost * per_blue) * both, rate * (1.0 - rate) * (per_green + per_blue) * both


class Msprt(Pooled):
    """The mixture sequential probability ratio test with a variance from the data, as experiment platforms run it.

    A normal mixture of standard deviation ``spread`` over the difference. Only an excess of green aborts. Varied: the logarithm
    of the evidence that aborts.
    """

    def __init__(self, name: str, settings: Sequence[float], spread: float = 0.01) -> None:
        super().__init__(name, settings)
        self.spread = spread

    def look(self, tick: Tick) -> Flags | None:
        """In which runs the evidence is enough."""
        difference, variance = self.difference(tick)
        prior = self.spread**2
        safe = np.where(variance > 0.0, variance, 1.0)
        evidence = 0.5 * np.log(safe / (safe + prior)) + prior * difference**2 / (2.0 * safe * (safe + prior))
        return (evidence >= self.settings) & (difference > 0.0) & (variance > 0.0)


class Peeking(Pooled):
    """The negative control: a test that is right for one look, read at every look. Varied: the z value that aborts."""

    def look(self, tick: Tick) -> Flags | None:
        """In which runs green's excess is significant, if this were the only look."""
        difference, variance = self.difference(tick)
        return (difference >= self.settings * np.sqrt(variance)) & (variance > 0.0)
