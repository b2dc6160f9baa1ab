"""Each factor of the evidence has an expectation of one at most under its null hypothesis: counted out, not sampled."""

from collections.abc import Sequence
from math import comb, exp, fsum, log

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from smoke.analysis.likelihood import Two, rate_factors, ratio_factors
from smoke.analysis.trial import LESS, MORE

ROUNDING = 1e-9
RATES = st.lists(st.floats(0.0, 1.0), min_size=1, max_size=7)
"""Probability of each request to be bad."""


def numbers_of_bad(rates: Sequence[float]) -> list[float]:
    """Probability of each number of bad ones among independent requests."""
    chances = [1.0]
    for rate in rates:
        chances = [good * (1.0 - rate) + bad * rate for good, bad in zip([*chances, 0.0], [0.0, *chances], strict=True)]
    return chances


def expected_ratio(
    candidate: Sequence[float], live: Sequence[float], null: float, margin: float, multiples: Sequence[float]
) -> list[float]:
    """Expectation of each factor for requests of these rates."""
    terms = [
        [chance * other * exp(log_factor) for log_factor in ratio_factors(two, null, margin, multiples)]
        for bad, chance in enumerate(numbers_of_bad(candidate))
        for bad_live, other in enumerate(numbers_of_bad(live))
        for two in [Two(bad, len(candidate), bad_live, len(live))]
    ]
    return [fsum(column) for column in zip(*terms, strict=True)]


def scaled(rates: Sequence[float], mean: float) -> list[float]:
    """These rates, times what makes their mean the given one, or as near to it from below as they can be."""
    factor = min(mean * len(rates) / sum(rates), 1.0 / max(rates)) if sum(rates) > 1e-9 else 0.0
    return [min(1.0, rate * factor) for rate in rates]


@given(RATES, RATES, st.floats(0.5, 4.0), st.sampled_from([0.0, 0.001, 0.05, 0.3]))
@example([1.0], [0.0, 0.0, 0.0], 2.0, 0.05)
@example([1.0] * 3, [0.02] * 6, 2.0, 0.3)
def test_as_bad_as_allowed_is_no_evidence(candidate: list[float], live: list[float], null: float, margin: float) -> None:
    """For any number of independent requests, of any rates whose mean is within what is allowed, none is expected above 1."""
    candidate = scaled(candidate, null * sum(live) / len(live) + margin)

    assert max(expected_ratio(candidate, live, null, margin, MORE)) <= 1.0 + ROUNDING


@given(RATES, RATES, st.floats(0.5, 4.0), st.sampled_from([0.0, 0.001, 0.05, 0.3]))
@example([0.5] * 4, [1.0] * 4, 2.0, 0.1)
def test_as_bad_as_forbidden_is_no_evidence_for_it(candidate: list[float], live: list[float], null: float, margin: float) -> None:
    """For multiples below one it is the other way round: a rate at or beyond what is allowed is not expected to look better."""
    mean = sum(candidate) / len(candidate)
    assume(mean >= margin)
    live = scaled(live, (mean - margin) / null)

    assert max(expected_ratio(candidate, live, null, margin, LESS)) <= 1.0 + ROUNDING


@pytest.mark.parametrize(("null", "margin"), [(1.0, 0.0), (2.0, 0.0), (2.0, 0.001)])
def test_the_null_is_where_the_factor_is_fair(null: float, margin: float) -> None:
    """Right at what is allowed nothing is given away: with rare errors, expectations are one but for rounding errors."""
    rate = 0.001
    for multiples in (MORE[:2], LESS):
        for factor in expected_ratio([null * rate + margin] * 5, [rate] * 20, null, margin, multiples):
            assert factor == pytest.approx(1.0, abs=2e-3)


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 24))
def test_any_split_of_exchangeable_requests_is_no_evidence(candidate: int, live: int, bad: int) -> None:
    """With no more than as many allowed, a look's bad requests may be dealt out by any routing: hypergeometric is no evidence."""
    total = candidate + live
    bad = min(bad, total)
    for multiples in (MORE, LESS):
        terms = []
        for mine in range(max(0, bad - live), min(bad, candidate) + 1):
            chance = comb(candidate, mine) * comb(live, bad - mine) / comb(total, bad)
            found = ratio_factors(Two(mine, candidate, bad - mine, live), 1.0, 0.0, multiples)
            terms.append([chance * exp(each) for each in found])
        assert max(fsum(column) for column in zip(*terms, strict=True)) <= 1.0 + ROUNDING


def test_what_both_sides_share_cancels() -> None:
    """A failure behind both, that makes a third of all requests bad on both sides, is no evidence whatever the split."""
    for share in (1, 10, 50, 90, 99):
        seen = Two(3 * share, 9 * share, 3 * (100 - share), 9 * (100 - share))
        assert max(ratio_factors(seen, 1.0, 0.0, MORE)) < 0.0
        assert max(ratio_factors(seen, 2.0, 0.001, MORE)) < 0.0


def test_one_side_alone_says_nothing_of_a_ratio() -> None:
    """Without a request on one of the sides every factor is one."""
    assert ratio_factors(Two(7, 10, 0, 0), 2.0, 0.001, MORE) == pytest.approx((0.0,) * len(MORE), abs=1e-12)
    assert ratio_factors(Two(0, 0, 7, 10), 2.0, 0.001, MORE) == pytest.approx((0.0,) * len(MORE), abs=1e-12)
    assert ratio_factors(Two(0, 0, 0, 0), 2.0, 0.001, MORE) == (0.0,) * len(MORE)


def test_a_factor_is_a_ratio_of_likelihoods() -> None:
    """The natural logarithm of the ratio of the binomial likelihoods of the candidate's bad ones, by hand."""
    share, null, multiple = 0.2, 2.0, 6.0
    allowed = share * null / (share * null + 1.0 - share)
    beyond = share * null * multiple / (share * null * multiple + 1.0 - share)
    by_hand = 5 * log(beyond / allowed) + 3 * log((1.0 - beyond) / (1.0 - allowed))

    assert ratio_factors(Two(5, 40, 3, 160), null, 0.0, (multiple,)) == pytest.approx((by_hand,))


@given(RATES, st.floats(0.01, 0.99), st.floats(1.01, 50.0))
def test_a_rate_within_its_objective_is_no_evidence(rates: list[float], null: float, odds: float) -> None:
    """One sided, against a number: at most one where the mean rate is within, and for the other side where it is beyond."""
    above = odds * null / (1.0 - null + odds * null)
    below = null / odds / (1.0 - null + null / odds)
    mean = sum(rates) / len(rates)
    alternative = above if mean <= null else below
    expected = fsum(
        chance * exp(rate_factors(bad, len(rates), null, (alternative,))[0]) for bad, chance in enumerate(numbers_of_bad(rates))
    )

    assert expected <= 1.0 + ROUNDING


def test_a_rate_at_its_objective_is_fair() -> None:
    """Right at the objective the expectation is one, for every alternative."""
    chances = numbers_of_bad([0.05] * 30)
    found = [rate_factors(bad, 30, 0.05, (0.01, 0.2)) for bad in range(31)]

    for place in range(2):
        assert fsum(chance * exp(each[place]) for chance, each in zip(chances, found, strict=True)) == pytest.approx(1.0)


def test_what_turns_out_bad_later_is_not_good_before() -> None:
    """More bad than requests, as where a verdict on a request comes late, counts no good one and is no error."""
    assert rate_factors(3, 1, 0.05, (0.5,)) == pytest.approx((3 * log(10.0),))
