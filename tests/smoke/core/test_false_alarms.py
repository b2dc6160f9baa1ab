"""Simulated rollouts, by chance: false alarms are as rare as promised, and real faults are found."""

from collections.abc import Iterator
from math import log, sqrt
from random import Random

import pytest
from trials import GRID, NOBODY, side, total

from smoke.analysis.counts import Increment, Slice
from smoke.analysis.trial import AT_STEPS, FIRST, Trial
from smoke.plan import Gates


def simulated(chance: Random, rate: float, allowed: float, slower: float) -> Iterator[Increment]:
    """Forty seconds of 24 requests a look, whose split is drawn anew each look."""
    for _ in range(80):
        share = chance.choice((0.0, 0.02, 0.1, 0.5, 0.9, 1.0))
        sides = []
        mine = sum(chance.random() < share for _ in range(24))
        for count, bad, shift in ((24 - mine, allowed, 0.0), (mine, rate, slower)):
            bins: dict[int, int] = {}
            for _ in range(count):
                place = min(int(20 * chance.random() + shift), 23)
                bins[place] = bins.get(place, 0) + 1
            places = tuple(sorted(bins))
            errors = sum(chance.random() < bad for _ in range(count))
            sides.append(Slice(count, errors, places, tuple(bins[place] for place in places)))
        yield Increment(0.5, *sides)


LIMITS = Gates(errors=0.05, p95_ms=GRID[18], error_ratio=1.0, error_margin=0.0, latency_ratio=1.0)
"""What the candidate of the simulation is exactly at, by every test."""


def alarmed(seed: int, rate: float, slower: float, alpha: float) -> bool:
    """Whether a simulated run ever alarms."""
    chance = Random(seed)  # noqa: S311
    # What the live slot did alone: five errors in a hundred, by chance.
    trial = Trial(LIMITS)
    for _ in range(30):
        trial = trial.after(Increment(1.0, side(100, sum(chance.random() < 0.05 for _ in range(100))), NOBODY), GRID)
    trial = trial.for_step(FIRST, GRID)
    for number, increment in enumerate(simulated(chance, rate, 0.05, slower)):
        trial = trial.after(increment, GRID)
        if number == 40:
            trial = trial.for_step(AT_STEPS, GRID)
        if total(trial) >= log(1.0 / alpha):
            return True
    return False


def test_false_alarms_are_as_rare_as_promised() -> None:
    """Exactly at every limit, with a split drawn anew at each look, 5 % of runs alarm at most, and two standard errors."""
    runs, alpha = 200, 0.05
    alarms = sum(alarmed(seed, 0.05, 0.0, alpha) for seed in range(runs))

    assert alarms / runs <= alpha + 2 * sqrt(alpha * (1 - alpha) / runs)


@pytest.mark.parametrize(("rate", "slower"), [(0.25, 0.0), (0.05, 5.0)])
def test_real_faults_are_found_under_any_split(rate: float, slower: float) -> None:
    """Five times the errors, or a quarter more latency: each of ten runs alarms in time, at 1 %."""
    assert all(alarmed(seed, rate, slower, 0.01) for seed in range(10))
