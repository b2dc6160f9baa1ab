"""Figures of a rule over many runs, and the lines of a table: text from numbers, and nothing else."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import inf, isfinite, isinf, sqrt

import numpy as np

from canary.race import Outcome

Z95 = 1.959964
"""Two-sided 95 %."""
TWO_DIGITS = 9.95
"""From here on there are two digits before the point."""
ALL = 0.995
"""A share that rounds to all."""


@dataclass(frozen=True, slots=True)
class Share:
    """So many of so many runs."""

    hits: int
    runs: int

    @property
    def value(self) -> float:
        """Between 0 and 1."""
        return self.hits / self.runs

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 % (1927)."""
        square, share = Z95**2, self.value
        middle = (share + square / (2 * self.runs)) / (1 + square / self.runs)
        half = Z95 / (1 + square / self.runs) * sqrt(share * (1 - share) / self.runs + square / (4 * self.runs**2))
        return max(0.0, middle - half), min(1.0, middle + half)

    def within(self, alpha: float) -> bool:
        """At most ``alpha``, and two standard errors of a share that is ``alpha``."""
        return self.value <= alpha + 2.0 * sqrt(alpha * (1.0 - alpha) / self.runs)


def aborts(outcome: Outcome, setting: int = 0) -> Share:
    """In how many runs a rule aborted."""
    flags = outcome.aborted[setting]
    return Share(int(flags.sum()), len(flags))


def quantile(outcome: Outcome, share: float, setting: int = 0) -> float:
    """Seconds after which this share of all runs had aborted; infinite where that never came."""
    return float(np.quantile(outcome.seconds[setting], share, method="inverted_cdf"))


def merged(parts: Sequence[Outcome]) -> Outcome:
    """Runs of several heats as those of one."""
    return Outcome(*(np.concatenate([getattr(part, name) for part in parts], axis=1) for name in ("seconds", "requests", "bad")))


def number(value: float) -> str:
    """Two digits, or all before the point: ``0.25``, ``7.5``, ``123``."""
    if isinf(value):
        return "never"
    return f"{value:.0f}" if value >= TWO_DIGITS else f"{value:.2g}"


def false_aborts(outcome: Outcome) -> str:
    """``0.55 (0.36 to 0.83)``."""
    share = aborts(outcome)
    low, high = share.interval
    return f"{number(100 * share.value)} ({number(100 * low)} to {number(100 * high)})"


def delay(outcome: Outcome, after: float = 0.0, setting: int = 0) -> str:
    """Median and ninth decile of the delay after a second, ``9/21``; the share of runs that aborted, where it is not all."""
    share = aborts(outcome, setting)
    times = "/".join(number(quantile(outcome, each, setting) - after) for each in (0.5, 0.9) if share.value >= each)
    if share.value >= ALL:
        return times
    return f"{times} ({number(100 * share.value)} %)".strip()


def cost(outcome: Outcome) -> str:
    """Medians of green's requests and of its bad ones until the abort."""
    return f"{number(float(np.median(outcome.requests[0])))}, {number(float(np.median(outcome.bad[0])))} bad"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Lines of a Markdown table, and an empty one after it."""
    yield f"| {' | '.join(head)} |"
    yield "| --- |" + " ---: |" * (len(head) - 1)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of what is to be reached: what was found, and what may be found at most."""

    name: str
    found: float
    limit: float
    unit: str

    @property
    def held(self) -> bool:
        """Is it reached?"""
        return self.found <= self.limit

    def row(self) -> tuple[str, str, str, str]:
        """As a row of a table."""
        over = (self.found / self.limit - 1.0) if self.limit and isfinite(self.found) else inf
        verdict = "held" if self.held else "missed" if isinf(over) else f"missed by {100 * over:.0f} %"
        return self.name, f"{number(self.found)} {self.unit}", f"{number(self.limit)} {self.unit}", verdict
