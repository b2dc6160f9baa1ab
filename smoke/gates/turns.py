"""One program on two interpreters, again and again in turn, and what its runs cost: for gates that compare a cost.

Each round has the old interpreter twice and the new one once, in an order that changes: the old one against itself is the
control. By how much that differs is how much the verdict allows for.
"""

import os
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log, sqrt
from typing import Protocol

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer
from smoke.gates.pair import told_apart
from smoke.process import Ended, how, run

_LIMIT = 600.0
"""Seconds that one run may take."""
_LEAST = 6
"""Rounds: with fewer an interval is no interval."""
_RESAMPLES = 2000
_LEVEL = 0.05
_ORDERS = ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2))
"""Who runs when: the old one, the old one again, the new one. Each is at each place as often as the others."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What was written behind the name of the gate."""

    limit: float
    """How many times the cost of the old one is allowed."""
    rounds: int
    before: str
    after: str
    words: Sequence[str]
    """The program, as both interpreters are given it."""


@dataclass(frozen=True, slots=True)
class Costs:
    """What each round cost."""

    old: Sequence[float]
    again: Sequence[float]
    """The old one's second run."""
    new: Sequence[float]


@dataclass(frozen=True, slots=True)
class Interval:
    """What a ratio is, with 95 % confidence."""

    low: float
    middle: float
    high: float

    @property
    def slack(self) -> float:
        """How many times a thing may differ from itself by this; 1 where it may be that it does not."""
        return 1.0 if self.low <= 1.0 <= self.high else max(1 / self.low, self.high)

    def text(self, much: str) -> str:
        """For people; ``much`` is the word for more of it, as ``long``."""
        return f"{self.middle:.3f} times as {much}, 95 % interval {self.low:.3f} to {self.high:.3f}"


class Cost(Protocol):
    """What one run of these words in a round costs, above 0; it raises Failed where that cannot be said."""

    def __call__(self, words: Sequence[str], number: int, *, new: bool) -> float:
        """Run it."""


class Failed(Exception):
    """A run came to no number; says why."""

    def __init__(self, why: str, *, new: bool) -> None:
        super().__init__(why)
        self.new = new
        """It was on the new interpreter."""

    def answer(self) -> Answer:
        """What fails on the new one alone has failed; where the old one does nothing was measured."""
        # One run was looked at: of none it would be no failure either.
        return Answer(Outcome.FAIL, str(self), 1) if self.new else Answer(Outcome.UNMEASURED, str(self), 0)


def asked(given: Sequence[str], name: str, hint: str) -> Asked:
    """What was given to the gate of that name.

    Raises:
        UsageError: a word makes no sense.
    """
    if len(given) < 5:  # noqa: PLR2004 - see the hint
        raise UsageError(f"gate {name} wants a limit, rounds, two interpreters and a program", hint=hint)
    try:
        limit, rounds = float(given[0]), int(given[1])
    except ValueError:
        raise UsageError(f"{given[0]} and {given[1]} are no limit and no number of rounds", hint=hint) from None
    if not (isfinite(limit) and limit > 0 and rounds >= _LEAST):
        raise UsageError(f"a limit is above 0, and {_LEAST} rounds are the least", hint=hint)
    told_apart(given[2], given[3])
    return Asked(limit, rounds, given[2], given[3], given[4:])


def in_turn(wanted: Asked, cost: Cost) -> Costs:
    """What every run cost.

    Raises:
        Failed: one came to no number.
    """
    costs: tuple[list[float], list[float], list[float]] = ([], [], [])
    for number in range(wanted.rounds):
        for which in _ORDERS[number % len(_ORDERS)]:
            new = which == 2  # noqa: PLR2004 - see _ORDERS
            words = [wanted.after if new else wanted.before, *wanted.words]
            costs[which].append(cost(words, number, new=new))
    return Costs(*costs)


def started(words: Sequence[str], number: int) -> Ended:
    """How a run of that round ended.

    Raises:
        Failed: it cannot be started.
    """
    try:
        # The same hashes for all of a round: another order of a set is another run.
        return run(words, ".", _LIMIT, {**os.environ, "PYTHONHASHSEED": str(number)})
    except (OSError, ValueError) as error:
        raise Failed(f"{words[0]} cannot be started: {error}", new=False) from error


def well(ended: Ended, words: Sequence[str], *, new: bool) -> Ended:
    """The same, where it ended well.

    Raises:
        Failed: it did not.
    """
    if ended.status != 0:
        why = f"did not end within {_LIMIT:g} s" if ended.status is None else f"ended with {how(ended.status)}"
        raise Failed(f"{' '.join(words)} {why}: {(ended.err or ended.out).strip()[-200:]}", new=new)
    return ended


def judged(costs: Costs, limit: float, much: str, beside: str = "", seed: int = 1) -> Answer:
    """What the costs say; ``much`` is the word for more of them, and ``beside`` is told with their ratio.

    Ratios are of one round, so that what slows the machine for a while slows both; of their logarithms, since twice and half as
    long are as far from equal. The interval is that of the bootstrap-t (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, 12.5), which keeps its level with few rounds where percentiles do not.
    """
    control = interval([log(b / a) for a, b in zip(costs.old, costs.again, strict=True)], seed)
    # Against both runs of the old one: their mean has less noise than either.
    pairs = [log(c) - (log(a) + log(b)) / 2 for a, b, c in zip(costs.old, costs.again, costs.new, strict=True)]
    found = interval(pairs, seed)
    lines = (f"new to old: {found.text(much)}", f"old to old: {control.text(much)}")
    said = Answer(Outcome.UNDECIDED, "", len(pairs), round(found.middle, 4), lines=lines)
    told, slack = found.text(much) + beside, control.slack
    if slack > 1:
        told += f" (the old one against itself {control.text(much)}, which is allowed for)"
    if found.low / slack <= limit < found.high * slack:
        how = "more rounds" if slack == 1 else "a machine that is steady"
        return replace(said, detail=f"{told}; whether that is within {limit:g} takes {how}")
    outcome = Outcome.PASS if found.high * slack <= limit else Outcome.FAIL
    return replace(said, outcome=outcome, detail=f"{told}; {limit:g} are allowed", sign="<=", limit=limit)


def interval(logs: Sequence[float], seed: int) -> Interval:
    """Of the mean of these logarithms, as a ratio."""
    chance, count = random.Random(seed), len(logs)  # noqa: S311 - a bootstrap, no secret
    mean, error = _mean(logs), _error(logs)
    if error == 0:
        return Interval(exp(mean), exp(mean), exp(mean))
    drawn = (chance.choices(logs, k=count) for _ in range(_RESAMPLES))
    scaled = sorted((_mean(each) - mean) / spread for each in drawn if (spread := _error(each)) > 0)
    low, high = scaled[int(_LEVEL / 2 * len(scaled))], scaled[int((1 - _LEVEL / 2) * len(scaled))]
    return Interval(exp(mean - high * error), exp(mean), exp(mean - low * error))


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _error(values: Sequence[float]) -> float:
    mean, count = _mean(values), len(values)
    return sqrt(sum((each - mean) ** 2 for each in values) / (count * (count - 1)))
