"""Does a line rise? Evidence that may be looked at at any time, for memory that leaks.

The test is the mixture over the t-statistic of one coefficient of a regression (Lindon, Ham, Tingley and Bojinov, "Anytime-Valid
Linear Models and Regression Adjusted Causal Inference in Randomized Experiments", 2022; ``log_E_t`` in the source of their R
package avlm). It is exact for independent Gaussian residuals of one variance, whatever that variance and the intercept are.

It is not valid for residuals that remember each other, as all readings of memory do: they enter as means of blocks that are at
least three to five times as long as that memory (``BlockMeans``). Leave out the warm-up; begin anew when the process restarts.
"""

from dataclasses import dataclass, field, replace
from math import log
from typing import Self

LEAST = 8
"""Points below which nothing counts as evidence: with fewer, blocks are too few to show how much they vary."""
BLOCK = 900.0
"""Seconds of one block."""


def log_mixture(explained: float, freedom: int, shrink: float) -> float:
    """Natural logarithm of the evidence against "this coefficient is 0".

    Args:
        explained: share that this coefficient explains of what the others leave, ``t^2 / (t^2 + freedom)``; 0 to 1.
        freedom: residual degrees of freedom, 1 or more.
        shrink: precision of the prior over precision of prior and data together; above 0, at most 1.
    """
    return 0.5 * (log(shrink) - (freedom + 1) * log(1.0 - (1.0 - shrink) * explained))


@dataclass(frozen=True, slots=True)
class Line:
    """A least squares line, folded point by point. Sums are kept around the means: times of a clock do no harm."""

    points: int = 0
    time: float = 0.0
    """Mean of the times."""
    value: float = 0.0
    """Mean of the values."""
    time_spread: float = 0.0
    """Sum of squares of times around their mean; ``value_spread`` is that of the values, ``product`` that of both."""
    value_spread: float = 0.0
    product: float = 0.0

    def after(self, time: float, value: float) -> Self:
        """The line one point later (Welford, 1962)."""
        points = self.points + 1
        ahead, above = time - self.time, value - self.value
        kept = self.points / points
        return replace(
            self,
            points=points,
            time=self.time + ahead / points,
            value=self.value + above / points,
            time_spread=self.time_spread + kept * ahead * ahead,
            value_spread=self.value_spread + kept * above * above,
            product=self.product + kept * ahead * above,
        )

    @property
    def slope(self) -> float | None:
        """Least squares slope, in units of the value per unit of time; ``None`` without two different times."""
        return self.product / self.time_spread if self.time_spread else None

    def log_evidence(self, prior: float, tolerated: float = 0.0) -> float:
        """Natural logarithm of the evidence against "the slope is at most the tolerated one".

        Reject at ``log(1 / alpha)``, at any look: the chance of that is at most ``alpha`` under every such slope. An estimate
        below the tolerated slope is taken for that slope, so it never counts. Never above 0 with fewer than ``LEAST`` points.

        Args:
            prior: slope beyond the tolerated one that is worth seeing, in residual standard deviations per unit of time; above 0,
                chosen before the data.
            tolerated: slope that is allowed, in units of the value per unit of time.
        """
        freedom = self.points - 2
        if freedom < 1 or not self.time_spread:
            return 0.0
        product = self.product - tolerated * self.time_spread
        spread = self.value_spread - tolerated * (self.product + product)
        explained = min(1.0, product * product / (self.time_spread * spread)) if product > 0.0 < spread else 0.0
        precision = 1.0 / (prior * prior)
        evidence = log_mixture(explained, freedom, precision / (precision + self.time_spread))
        return evidence if self.points >= LEAST else min(0.0, evidence)


@dataclass(frozen=True, slots=True)
class BlockMeans:
    """A line through the means of blocks of equal length. Times never go back. A block without readings is left out."""

    length: float = BLOCK
    """Length of a block, in units of time."""
    line: Line = field(default_factory=Line)
    """Through the blocks that are complete."""
    began: float | None = None
    """When the block that is being filled began; ``None`` before the first reading."""
    held: Line = field(default_factory=Line)
    """What is in it; only the means are used."""

    def after(self, time: float, value: float) -> Self:
        """The blocks one reading later."""
        if self.began is None:
            return replace(self, began=time, held=Line().after(time, value))
        passed = (time - self.began) // self.length
        if passed < 1.0:
            return replace(self, held=self.held.after(time, value))
        began = self.began + passed * self.length
        return replace(self, line=self.line.after(self.held.time, self.held.value), began=began, held=Line().after(time, value))
