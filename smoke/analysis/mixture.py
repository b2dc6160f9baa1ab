"""Evidence as a weighted mixture over alternatives and over the moments at which what is wrong may have begun."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, inf, log, log1p
from typing import Self


@dataclass(frozen=True, slots=True)
class Mixture:
    """An e-process: a sum over moments of beginning and over alternatives, whose weights are 1 in all.

    What began later has a part of the weight of its own, so that evidence for the candidate from before does not stand in its
    way. As every part is multiplied by the same factors, the parts of one alternative are kept as one number.
    """

    logs: tuple[float, ...]
    """By alternative: logarithm of what has begun, weighted."""
    reserve: float = 1.0
    """Weight that has not begun yet; it counts as it is."""

    @classmethod
    def of(cls, size: int) -> Self:
        """One over that many alternatives, of which nothing has begun."""
        return cls((-inf,) * size)

    def begun(self, weight: float) -> Self:
        """The same with a part of its weight set to work from here on, spread evenly over the alternatives."""
        share = log(weight / len(self.logs))
        return type(self)(tuple(_log_sum(each, share) for each in self.logs), max(0.0, self.reserve - weight))

    def times(self, factors: Sequence[float]) -> Self:
        """The same after one look, given the logarithms of its factors by alternative."""
        return type(self)(tuple([each + factor for each, factor in zip(self.logs, factors, strict=True)]), self.reserve)

    def log(self) -> float:
        """Logarithm of the evidence."""
        return log_total((*self.logs, log(self.reserve) if self.reserve > 0.0 else -inf))


@dataclass(frozen=True, slots=True)
class Test:
    """Two tests of one question, that never both end: each has the other's alternatives as its null hypothesis."""

    worse: Mixture
    """Against "as good as allowed": over the whole rollout."""
    better: Mixture
    """Against "worse than allowed": of the step."""
    marks: tuple[float, float] = (0.0, 0.0)
    """Logarithm of ``worse`` where the last window but one began, and where this one did."""

    @classmethod
    def of(cls, worse: Sequence[object], better: Sequence[object]) -> Self:
        """Nothing seen yet, over that many alternatives each."""
        return cls(Mixture.of(len(worse)), Mixture.of(len(better)))

    def times(self, worse: Sequence[float], better: Sequence[float]) -> Self:
        """One look later."""
        return type(self)(self.worse.times(worse), self.better.times(better), self.marks)

    def begun(self, weight: float) -> Self:
        """What is wrong may have begun here, with this weight."""
        return replace(self, worse=self.worse.begun(weight)) if weight else self

    def for_step(self, weight: float) -> Self:
        """A new step begins."""
        return type(self)(self.begun(weight).worse, Mixture.of(len(self.better.logs)).begun(1.0)).marked().marked()

    def marked(self) -> Self:
        """A new window begins."""
        return replace(self, marks=(self.marks[1], self.worse.log()))

    @property
    def doubt(self) -> float:
        """Logarithm of the evidence against the candidate since the last window but one began.

        What an e-process has grown by is evidence of its own. That of the whole rollout would not do: where a few requests were
        late as the first traffic came, and none is any more, nothing ever takes it back. But no more than that is a doubt:
        evidence that was below one and comes back to it is noise.
        """
        return self.worse.log() - max(0.0, self.marks[0])


def log_total(logs: Sequence[float]) -> float:
    """Logarithm of the sum of numbers that are given by their logarithms."""
    top = max(logs)
    return top if top == -inf else top + log(sum(exp(each - top) for each in logs))


def _log_sum(first: float, second: float) -> float:
    high, low = max(first, second), min(first, second)
    return high + log1p(exp(low - high))
