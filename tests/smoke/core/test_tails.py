"""The tails that the gates stand on."""

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.tails import binomial_tail, excess


def _by_hand(successes: int, trials: int, probability: float) -> float:
    terms = range(successes, trials + 1)
    return sum(comb(trials, count) * probability**count * (1 - probability) ** (trials - count) for count in terms)


@given(st.integers(1, 60), st.floats(0.001, 0.9), st.data())
def test_tail_is_the_sum_of_its_terms(trials: int, probability: float, data: st.DataObject) -> None:
    """Above the mean the tail equals the sum written out."""
    successes = data.draw(st.integers(int(trials * probability) + 1, trials))

    assert binomial_tail(successes, trials, probability) == pytest.approx(_by_hand(successes, trials, probability), rel=1e-9)


@pytest.mark.parametrize(("successes", "trials"), [(0, 10), (0, 0), (2, 10)])
def test_tail_is_one_at_or_below_the_mean(successes: int, trials: int) -> None:
    """Nothing at or below what is expected is surprising."""
    assert binomial_tail(successes, trials, 0.3) == 1.0


def test_tail_of_the_impossible_is_zero() -> None:
    """More successes than trials, or any at probability 0, cannot be."""
    assert binomial_tail(3, 2, 0.5) == 0.0
    assert binomial_tail(1, 2, 0.0) == 0.0


def test_excess_needs_both_sides() -> None:
    """Without requests on one side there is nothing to compare, so nothing is surprising."""
    assert excess((5, 10), (0, 0), 2.0) == 1.0
    assert excess((0, 0), (5, 10), 2.0) == 1.0


@given(st.integers(0, 50), st.integers(50, 500), st.integers(0, 50), st.integers(50, 500))
def test_tolerating_more_is_less_surprising(bad_g: int, all_g: int, bad_b: int, all_b: int) -> None:
    """A larger tolerated ratio never makes the same counts more surprising."""
    assert excess((bad_g, all_g), (bad_b, all_b), 2.0) >= excess((bad_g, all_g), (bad_b, all_b), 1.0) - 1e-12
