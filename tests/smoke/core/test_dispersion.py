"""Clumps, learned from the live slot."""

from collections.abc import Callable
from dataclasses import astuple
from math import inf, log
from random import Random

import pytest

from smoke.analysis.dispersion import CAP, GREATEST, LEAST_LOOKS, Dispersion

RATE = 0.02
LOOKS = 400


def learned(errors: Callable[[Random, int, int], int], *, seed: int = 3, looks: int = LOOKS) -> Dispersion:
    """What is known after so many looks, of 50 to 150 requests each."""
    chance, clump = Random(seed), Dispersion()  # noqa: S311
    for look in range(looks):
        total = chance.randint(50, 150)
        bad = min(total, errors(chance, total, look))
        clump = clump.after(total, bad, bad)
    return clump


def alone(chance: Random, total: int, _: int) -> int:
    """Errors among independent requests."""
    return sum(chance.random() < RATE for _ in range(total))


def in_fives(chance: Random, total: int, _: int) -> int:
    """As many in the mean, five at a time."""
    return 5 * sum(chance.random() < RATE / 5 for _ in range(total))


@pytest.mark.parametrize("seed", range(5))
def test_independent_errors_are_no_clumps(seed: int) -> None:
    """Errors that have nothing to do with each other leave the evidence as it is, without a cap."""
    clump = learned(alone, seed=seed)

    assert (clump.by, clump.cap) == (pytest.approx(1.0, abs=0.05), inf)
    assert clump.temper((9.0, -9.0)) == pytest.approx((9.0 / clump.by, -9.0 / clump.by))


@pytest.mark.parametrize("seed", range(5))
def test_clumps_divide_the_evidence(seed: int) -> None:
    """Five errors at a time have five times the variance: evidence is divided by about that, and capped."""
    clump = learned(in_fives, seed=seed)

    assert 3.0 < clump.by < 6.5
    assert clump.temper((9.0 * clump.by, 0.5 * clump.by, -clump.by)) == pytest.approx((CAP, 0.5, -1.0))


def test_the_estimate_is_the_ratio_of_variances() -> None:
    """Looks of 100 with 0 and 10 bad in turn: a hundredth of the squared jump, over the variance of independent ones."""
    clump = Dispersion()
    for look in range(101):
        clump = clump.after(100, 10 * (look % 2), 10 * (look % 2))
    variance = 500 / 10_100 * (1 - 500 / 10_100)

    assert clump.changes / clump.looks == pytest.approx(50 * 0.1**2)
    assert clump.by < 0.5 / variance < clump.by * 1.5


def test_slow_drift_is_no_clump() -> None:
    """Errors that become ten times as frequent little by little are independent of each other all the same."""
    clump = learned(lambda chance, total, look: sum(chance.random() < 0.005 + 0.05 * look / LOOKS for _ in range(total)))

    assert clump.by < 1.2


def test_until_something_is_known_a_look_is_capped() -> None:
    """Few looks, or few errors, do not rule clumps out: nothing is divided yet, and one look is not enough for a verdict."""
    few_looks, few_errors = learned(alone, looks=LEAST_LOOKS), learned(lambda *_: 0)

    assert log(100.0) > CAP
    for clump in (Dispersion(), few_looks, few_errors):
        assert (clump.by, clump.cap) == (1.0, CAP)
        assert clump.temper((100.0, 1.0), outage=True) == (100.0, 1.0)
        assert clump.temper((100.0, 1.0, -100.0)) == (CAP, 1.0, -100.0)


def test_a_change_is_not_taken_for_endless_clumping() -> None:
    """What is divided by has a limit, so that one disaster on the live side does not blind the comparison for good."""
    clump = learned(lambda chance, total, _: total * (chance.random() < RATE))

    assert clump.by == GREATEST


def test_a_pause_compares_no_look_with_one_of_before() -> None:
    """Where what is counted changes, the jump between the two ways to count is not one of the errors."""
    before = learned(alone)
    broken, paused = before.after(100, 90, 90), before.paused().after(100, 90, 90)

    assert broken.changes > before.changes + 1.0
    assert (paused.changes, paused.looks) == (before.changes, before.looks)


def test_looks_without_requests_change_nothing() -> None:
    """A look in which the live slot answered nothing says nothing about clumps."""
    clump = learned(alone)

    assert clump.after(0, 0, 0) == clump


def test_it_stays_small() -> None:
    """However many looks it has seen, it is nine numbers."""
    assert len(astuple(learned(alone))) == len(astuple(Dispersion()))
    assert all(isinstance(each, int | float) for each in astuple(learned(alone)) if not isinstance(each, tuple))
