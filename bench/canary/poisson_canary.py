"""The canary test of Lindon and Malek: which process do events come from, when all of them share one unknown, changing rate?

"Anytime-Valid Inference for Multinomial Count Data", NeurIPS 2022, as the library savvi has it. Events come from arm ``i`` at the
rate ``share_i exp(effect_i) rate(t)``; given that one came, its arm is multinomial and ``rate(t)`` is gone. Evidence is a natural
logarithm; under its null it ever reaches ``log(1 / alpha)`` with probability ``alpha`` at most.
"""

from collections.abc import Callable, Iterable, Sequence
from math import exp, inf, log, log1p
from typing import NamedTuple

from canary.boundaries import root
from smoke.analysis.split import log_evidence

Counts = Sequence[int]
Shares = Sequence[float]
Interval = tuple[float, float]

CONCENTRATION = 100.0
"""Savvi's default."""
FAR = 50.0
"""Difference of effects beyond which nobody looks."""


class Stop(NamedTuple):
    """Where a sequence of looks first rejects."""

    events: int
    p_value: float
    counts: tuple[int, ...]


def first_stop(looks: Iterable[Counts], evidence: Callable[[Counts], float], alpha: float) -> Stop | None:
    """The first look at which the p-value, one over the evidence, is at most ``alpha``; ``None`` if there is none."""
    for counts in looks:
        p_value = min(1.0, exp(-evidence(counts)))
        if p_value <= alpha:
            return Stop(sum(counts), p_value, tuple(counts))
    return None


def evidence_same(counts: Counts, shares: Shares) -> float:
    """Evidence against "all effects are the same": the sample ratio test on the events."""
    return log_evidence(counts, shares, CONCENTRATION)


def evidence_first_leads(counts: Counts, shares: Shares) -> float:
    """Evidence against "no effect is above that of the first arm": what is left against the likeliest effects of that kind.

    Those pool the first arm with each arm that has a higher rate than the pool, highest rate first.
    """
    events, share = counts[0], shares[0]
    apart = 0.0
    for more, part in sorted(zip(counts[1:], shares[1:], strict=True), key=lambda arm: arm[0] / arm[1], reverse=True):
        if more * share > events * part:
            events, share = events + more, share + part
        elif more:
            apart += more * log(more / sum(counts) / part)
    pooled = events * log(events / sum(counts) / share) if events else 0.0
    return evidence_same(counts, shares) - apart - pooled


def difference_interval(counts: Counts, shares: Shares, arms: tuple[int, int], alpha: float) -> Interval:
    """Confidence sequence, at this look, of the effect of the second of two arms minus that of the first."""
    first, second = (counts[arm] for arm in arms)
    if not first and not second:
        return -inf, inf
    odds = shares[arms[1]] / shares[arms[0]]
    likeliest = log(second / first / odds) if first and second else FAR if second else -FAR
    most = evidence_same(counts, shares) - sum(
        count * log(count / sum(counts) / share) for count, share in zip(counts, shares, strict=True) if count
    )

    def beyond(difference: float) -> float:
        """Evidence against this difference: the likeliest shares with it split what both arms have in its odds."""
        split = (first + second) * log1p(odds * exp(difference)) - second * (log(odds) + difference)
        return most + split + sum(count * log(count / (first + second)) for count in (first, second) if count) - log(1.0 / alpha)

    low = -root(lambda point: beyond(-point), -likeliest, FAR) if second and beyond(-FAR) > 0.0 else -inf
    return low, root(beyond, likeliest, FAR) if first and beyond(FAR) > 0.0 else inf


def running_interval(looks: Iterable[Counts], shares: Shares, arms: tuple[int, int], alpha: float) -> Interval:
    """What all looks so far have in common: the confidence sequence holds at all of them at once."""
    intervals = [difference_interval(counts, shares, arms, alpha) for counts in looks]
    return max(low for low, _ in intervals), min(high for _, high in intervals)
