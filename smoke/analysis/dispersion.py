"""How much more bad requests come in clumps than independent ones would, learned from the live slot."""

from dataclasses import dataclass, replace
from math import inf, log, sqrt
from typing import Self

LEAST_LOOKS = 20
LEAST_WEIGHT = 10.0
"""Fewer looks, or fewer bad requests, say nothing about clumps."""
GREATEST = 25.0
"""Beyond this it is no clumping any more but a change."""
CLEAN = 1.5
"""Up to here what is seen counts as independent."""
CAP = log(30.0)
"""The most that one look may add to the logarithm of evidence while clumps are not ruled out: two looks decide, one not."""


@dataclass(frozen=True, slots=True)
class Dispersion:
    """Variance of a look's mean score, over that of independent requests, from successive looks: slow drift does not count.

    The score of a request is 1 if it is bad and 0 if not, or that of its class of latency. The mean squared successive difference
    (von Neumann, 1941), for looks of unequal sizes. To divide the evidence by it is the quasi-likelihood's remedy (Wedderburn,
    1974): a heuristic, and no theorem.
    """

    looks: int = 0
    """Pairs of successive looks."""
    changes: float = 0.0
    """Sum of squared differences, each over the variance that its look sizes give."""
    total: float = 0.0
    scores: float = 0.0
    squares: float = 0.0
    last: tuple[float, float] | None = None
    """Requests and mean score of the look before."""
    by: float = 1.0
    """What evidence is divided by: one standard error below the estimate; 1 also as long as too little was seen."""
    cap: float = CAP
    """The most that one look may add to the logarithm of evidence: infinite once the live slot was seen to have no clumps."""

    def after(self, total: float, scores: float, squares: float) -> Self:
        """The same one look at the live slot later: its requests, the sum of their scores, and of the squares."""
        if not total:
            return self
        mean, looks, changes = scores / total, self.looks, self.changes
        if self.last is not None:
            before, earlier = self.last
            changes += before * total / (before + total) * (mean - earlier) ** 2
            looks += 1
        sums = self.total + total, self.scores + scores, self.squares + squares
        return type(self)(looks, changes, *sums, (total, mean), *_brake(looks, changes, *sums))

    def paused(self) -> Self:
        """The same where what follows is counted in another way: the next look has none before it."""
        return replace(self, last=None)

    def temper(self, factors: tuple[float, ...], *, outage: bool = False) -> tuple[float, ...]:
        """Factors of a look, made safe for clumps; an ``outage`` is none, however much of it is in one look."""
        by, cap = self.by, inf if outage else self.cap
        if by == 1.0 and cap == inf:
            return factors
        return tuple([min(each / by, cap) for each in factors])


def _brake(looks: int, changes: float, total: float, scores: float, squares: float) -> tuple[float, float]:
    """What evidence is divided by, and its cap."""
    spread = squares - scores * scores / total
    """Variance of a score, times the requests: their number of bad ones, about, where these are few."""
    if looks < LEAST_LOOKS or spread < LEAST_WEIGHT:
        return 1.0, CAP
    estimate = changes / looks * total / spread
    error = estimate * sqrt((3.0 + looks / spread) / looks)
    by = min(max(1.0, estimate - error), GREATEST)
    return by, inf if by <= CLEAN else CAP
