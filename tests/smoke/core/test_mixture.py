"""A sum over what may have begun at any time, kept in a few logarithms."""

from itertools import accumulate
from math import exp, fsum, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.mixture import Mixture, log_total

SIZE = 3
FACTORS = st.lists(st.floats(-3.0, 3.0), min_size=SIZE, max_size=SIZE)
LOOKS = st.lists(st.tuples(st.booleans(), FACTORS), max_size=12)
"""Whether a part begins before the look, and the logarithms of the look's factors."""
PART = 0.08


def folded(looks: list[tuple[bool, list[float]]]) -> Mixture:
    """The mixture after these looks."""
    mixture = Mixture.of(SIZE)
    for begins, factors in looks:
        mixture = (mixture.begun(PART) if begins else mixture).times(factors)
    return mixture


@given(st.lists(st.floats(0.01, 1.0), min_size=1, max_size=12))
def test_weights_add_up_to_one(parts: list[float]) -> None:
    """Whatever begins when, all weights together are one: with no evidence at all, the evidence is one."""
    mixture = Mixture.of(SIZE)
    for part in parts:
        mixture = mixture.begun(part / sum(parts)).times((0.0,) * SIZE)
        assert mixture.log() == pytest.approx(0.0, abs=1e-9)

    assert mixture.reserve == pytest.approx(0.0, abs=1e-9)
    assert mixture.reserve >= 0.0


def test_nothing_has_begun_at_first() -> None:
    """Before anything has begun, what is seen says nothing: the whole weight waits."""
    assert Mixture.of(SIZE).times((5.0, 6.0, 7.0)).log() == 0.0
    assert Mixture.of(SIZE).times((5.0, 6.0, 7.0)).begun(0.25).log() == pytest.approx(0.0)


@given(LOOKS)
def test_it_is_the_plain_sum(looks: list[tuple[bool, list[float]]]) -> None:
    """The evidence is the sum over all beginnings and alternatives of weight times product of the factors from there on."""
    terms = [1.0 - PART * sum(begins for begins, _ in looks)]
    for place in range(SIZE):
        products = [*accumulate((exp(factors[place]) for _, factors in looks[::-1]), lambda one, other: one * other)][::-1]
        terms += [PART / SIZE * product for (begins, _), product in zip(looks, products, strict=True) if begins]

    assert folded(looks).log() == pytest.approx(log(fsum(terms)), abs=1e-9)


@given(LOOKS, st.data())
def test_empty_looks_change_nothing(looks: list[tuple[bool, list[float]]], data: st.DataObject) -> None:
    """A look without evidence may be put in anywhere, to the bit."""
    place = data.draw(st.integers(0, len(looks)))

    assert folded([*looks[:place], (False, [0.0] * SIZE), *looks[place:]]) == folded(looks)


def test_what_began_late_does_not_pay_for_what_was_before() -> None:
    """After strong evidence for the candidate, a part that begins anew needs only its own weight to be made up for."""
    old = Mixture.of(SIZE).begun(0.6).times((-100.0,) * SIZE)
    new = old.begun(0.2).times((9.0,) * SIZE)

    assert new.log() == pytest.approx(log(0.2 * exp(9.0) + 0.2))
    assert old.times((9.0,) * SIZE).log() == pytest.approx(log(0.4))


@given(st.lists(st.floats(-600.0, 600.0), min_size=1, max_size=8))
def test_a_total_is_right_to_rounding(logs: list[float]) -> None:
    """The logarithm of a sum is that of the plain sum, where that can be written down."""
    assert log_total(logs) == pytest.approx(log(fsum(map(exp, logs))), rel=1e-12, abs=1e-12)


def test_a_total_may_be_too_great_for_a_number() -> None:
    """Logarithms of what no number can hold, and of nothing, add up as well."""
    assert log_total((5000.0, 5000.0)) == pytest.approx(5000.0 + log(2.0))
    assert log_total((-5000.0, -inf)) == -5000.0
    assert log_total((-inf, -inf)) == -inf
