"""Trials of the decision engine that see what a test says: a live slot with its usual latency, and a candidate."""

from collections.abc import Iterable
from math import inf, log

from smoke.analysis.counts import Increment, Slice
from smoke.analysis.mixture import log_total
from smoke.analysis.trial import FIRST, WEIGHTS, Trial
from smoke.plan import Gates

GRID = (*(1.05**power for power in range(1, 24)), inf)
USUAL = tuple(range(20))
"""Each twentieth of the requests has a bucket of its own."""
NOBODY = Slice()
ALARM = log(100.0)
"""Logarithm of the evidence that takes a rollout back."""


def total(trial: Trial) -> float:
    """Logarithm of the weighted evidence against the candidate; what is left of the weight counts as it is."""
    logs = [log(WEIGHTS[gate]) + test.worse.log() for gate, test in trial.tests().items()]
    return log_total([*logs, log(1.0 - sum(WEIGHTS.values()))])


def side(requests: int, errors: int = 0, slower: int = 0) -> Slice:
    """So many requests, spread over the usual buckets or ones that many places slower."""
    bins = tuple(requests // 20 + (place < requests % 20) for place in USUAL)
    kept = [(place + slower, count) for place, count in zip(USUAL, bins, strict=True) if count]
    return Slice(requests, errors, tuple(place for place, _ in kept), tuple(count for _, count in kept))


def fold(trial: Trial, increments: Iterable[Increment]) -> Trial:
    """The trial after all of them."""
    for increment in increments:
        trial = trial.after(increment, GRID)
    return trial


def warm(gates: Gates | None = None, *, errors: tuple[int, ...] = (1,), seconds: int = 100) -> Trial:
    """A first step right after some time in which only the live slot had requests; its errors come in turn as given."""
    looks = (Increment(1.0, side(100, errors[look % len(errors)]), NOBODY) for look in range(seconds))
    return fold(Trial(gates or Gates()), looks).for_step(FIRST, GRID)


def found_after(trial: Trial, increment: Increment, most: int = 2000) -> int:
    """How many of these increments it takes to an alarm."""
    for looks in range(1, most + 1):
        trial = trial.after(increment, GRID)
        if total(trial) >= ALARM:
            return looks
    return most + 1
