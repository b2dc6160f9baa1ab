"""One program on two interpreters, again and again in turn: ``crossfade gate ab LIMIT ROUNDS BEFORE AFTER WORD...``.

``ab 1.05 20 .venv39/bin/python .venv312/bin/python bench.py`` passes when the new one takes at most 1.05 times as long. What a
run costs is the number on its last line, or else the seconds that it took. Each round has the old interpreter twice and the new
one once, in an order that changes: the old one against itself is the control. Where that differs the machine says nothing.
"""

import os
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log, sqrt

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates.answer import Answer
from smoke.gates.pair import told_apart
from smoke.process import how, last_line, run

_LIMIT = 600.0
"""Seconds that one run may take."""
_LEAST = 6
"""Rounds: with fewer an interval is no interval."""
_RESAMPLES = 2000
_LEVEL = 0.05
_ORDERS = ((0, 1, 2), (2, 1, 0), (1, 2, 0), (0, 2, 1), (2, 0, 1), (1, 0, 2))
"""Who runs when: the old one, the old one again, the new one. Each is at each place as often as the others."""


@dataclass(frozen=True, slots=True)
class Interval:
    """What a ratio is, with 95 % confidence."""

    low: float
    middle: float
    high: float

    def text(self) -> str:
        """For people."""
        return f"{self.middle:.3f} times as long, 95 % interval {self.low:.3f} to {self.high:.3f}"


class Failed(Exception):
    """A run came to no number; says why."""

    def __init__(self, why: str, *, new: bool) -> None:
        super().__init__(why)
        self.new = new
        """It was on the new interpreter."""


def gate(given: Sequence[str]) -> Answer:
    """Run it, and judge.

    Raises:
        UsageError: a word makes no sense.
    """
    limit, rounds, before, after, words = _words(given)
    costs: tuple[list[float], list[float], list[float]] = ([], [], [])
    try:
        for number in range(rounds):
            for which in _ORDERS[number % len(_ORDERS)]:
                python = after if which == 2 else before  # noqa: PLR2004 - see _ORDERS
                costs[which].append(_cost([python, *words], number, new=which == 2))  # noqa: PLR2004 - see _ORDERS
    except Failed as error:
        return Answer(Outcome.FAIL if error.new else Outcome.UNMEASURED, str(error), 0)
    return judged(costs[0], costs[1], costs[2], limit)


def judged(old: Sequence[float], again: Sequence[float], new: Sequence[float], limit: float, seed: int = 1) -> Answer:
    """What the costs of each round say: the old one, the old one again, and the new one.

    Ratios are of one round, so that what slows the machine for a while slows both; of their logarithms, since twice and half as
    long are as far from equal. The interval is that of the bootstrap-t (Efron and Tibshirani, An Introduction to the Bootstrap,
    1993, 12.5), which keeps its level with few rounds where percentiles do not.
    """
    control = interval([log(b / a) for a, b in zip(old, again, strict=True)], seed)
    # Against both runs of the old one: their mean has less noise than either.
    pairs = [log(c) - (log(a) + log(b)) / 2 for a, b, c in zip(old, again, new, strict=True)]
    found = interval(pairs, seed)
    lines = (f"new to old: {found.text()}", f"old to old: {control.text()}")
    said = Answer(Outcome.UNDECIDED, "", len(new), round(found.middle, 4), lines=lines)
    if not control.low <= 1.0 <= control.high:
        return replace(said, detail=f"the machine is not steady: the old one against itself takes {control.text()}")
    if found.low <= limit < found.high:
        return replace(said, detail=f"{found.text()}; whether that is within {limit:g} takes more rounds")
    outcome = Outcome.PASS if found.high <= limit else Outcome.FAIL
    return replace(said, outcome=outcome, detail=f"{found.text()}; {limit:g} are allowed", sign="<=", limit=limit)


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


def _words(given: Sequence[str]) -> tuple[float, int, str, str, Sequence[str]]:
    hint = "crossfade gate ab 1.05 20 .venv39/bin/python .venv312/bin/python bench.py"
    if len(given) < 5:  # noqa: PLR2004 - see the hint
        raise UsageError("gate ab wants a limit, rounds, two interpreters and a program", hint=hint)
    try:
        limit, rounds = float(given[0]), int(given[1])
    except ValueError:
        raise UsageError(f"{given[0]} and {given[1]} are no limit and no number of rounds", hint=hint) from None
    if not (isfinite(limit) and limit > 0 and rounds >= _LEAST):
        raise UsageError(f"a limit is above 0, and {_LEAST} rounds are the least", hint=hint)
    told_apart(given[2], given[3])
    return limit, rounds, given[2], given[3], given[4:]


def _cost(words: Sequence[str], number: int, *, new: bool, clock: Callable[[], float] = time.perf_counter) -> float:
    began = clock()
    try:
        # The same hashes for all of a round: another order of a set is another run.
        ended = run(words, ".", _LIMIT, {**os.environ, "PYTHONHASHSEED": str(number)})
    except (OSError, ValueError) as error:
        raise Failed(f"{words[0]} cannot be started: {error}", new=False) from error
    took = clock() - began
    if ended.status != 0:
        why = f"did not end within {_LIMIT:g} s" if ended.status is None else f"ended with {how(ended.status)}"
        raise Failed(f"{' '.join(words)} {why}: {(ended.err or ended.out).strip()[-200:]}", new=new)
    try:
        told = float(last_line(ended.out))
    except ValueError:
        return took
    if not (isfinite(told) and told > 0):
        raise Failed(f"{' '.join(words)} says that it cost {told}", new=new)
    return told
