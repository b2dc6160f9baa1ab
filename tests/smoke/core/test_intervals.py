"""Intervals to show: what is not ruled out."""

from collections.abc import Sequence
from math import comb, exp, inf, log

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.intervals import rate_interval, ratio_interval
from smoke.analysis.likelihood import Two, rate_factors, ratio_factors
from smoke.analysis.mixture import log_total

ALPHA = 0.05
COUNTS = st.integers(0, 500)


def mean(logs: Sequence[float]) -> float:
    """Logarithm of the mean."""
    return log_total(logs) - log(len(logs))


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_the_estimate_is_within(bad: int, good: int, bad_live: int, good_live: int) -> None:
    """The observed ratio and the observed rate are never ruled out by themselves."""
    if bad + good:
        low, high = rate_interval(bad, bad + good, ALPHA)
        assert 0.0 <= low <= bad / (bad + good) <= high <= 1.0
    if bad_live and bad + good:
        ratio = bad / (bad + good) / (bad_live / (bad_live + good_live))
        low, high = ratio_interval(Two(bad, bad + good, bad_live, bad_live + good_live), ALPHA)
        assert low <= min(ratio, 1000.0)
        assert high >= max(ratio, 0.001)


@pytest.mark.parametrize("rate", [0.01, 0.1, 0.5, 0.95])
def test_a_rate_is_covered(rate: float) -> None:
    """Of all that forty requests may do, at most a twentieth has an interval that the true rate is outside of."""
    outside = 0.0
    for bad in range(41):
        low, high = rate_interval(bad, 40, ALPHA)
        outside += comb(40, bad) * rate**bad * (1.0 - rate) ** (40 - bad) * (not low <= rate <= high)

    assert outside <= ALPHA


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_ratio_is_covered(ratio: float) -> None:
    """The same of the ratio of two rates, at 20 requests against 40."""

    def chances(total: int, rate: float) -> list[float]:
        return [comb(total, bad) * rate**bad * (1.0 - rate) ** (total - bad) for bad in range(total + 1)]

    outside = 0.0
    for bad, chance in enumerate(chances(20, 0.3 * ratio)):
        for bad_live, other in enumerate(chances(40, 0.3)):
            if chance * other > 1e-7:
                low, high = ratio_interval(Two(bad, 20, bad_live, 40), ALPHA)
                outside += chance * other * (not low <= ratio <= high)

    assert outside <= ALPHA


def test_the_ends_are_where_the_evidence_says_so() -> None:
    """At each end the evidence against that value is twice one over alpha, beyond it is more, within it is less."""
    seen, limit = Two(30, 500, 40, 2000), log(2.0 / ALPHA)
    low, high = ratio_interval(seen, ALPHA)
    for end, multiples, out in ((low, (1.3, 2.0, 4.0, 10.0), 0.9), (high, (0.75, 0.5, 0.25, 0.1), 1.1)):
        assert mean(ratio_factors(seen, end, 0.0, multiples)) == pytest.approx(limit, abs=1e-6)
        assert mean(ratio_factors(seen, end * out, 0.0, multiples)) > limit > mean(ratio_factors(seen, end / out, 0.0, multiples))

    low, high = rate_interval(30, 500, ALPHA)
    for end, odds in ((low, (1.3, 2.0, 5.0, 20.0)), (high, (0.75, 0.5, 0.2, 0.05))):
        rates = [each * end / (1.0 - end + each * end) for each in odds]
        assert mean(rate_factors(30, 500, end, rates)) == pytest.approx(limit, abs=1e-6)
    assert low < 0.06 < high


def test_more_requests_or_less_confidence_are_narrower() -> None:
    """Ten times the requests, or a greater alpha, leave less."""
    low, high = ratio_interval(Two(30, 500, 40, 2000), ALPHA)
    for narrow in (ratio_interval(Two(300, 5000, 400, 20_000), ALPHA), ratio_interval(Two(30, 500, 40, 2000), 0.5)):
        assert low < narrow[0] < 3.0 < narrow[1] < high


def test_what_has_no_end_is_said_to_have_none() -> None:
    """Without an error on the live side a ratio has no upper end; without one at the candidate no lower; without any neither."""
    low, high = ratio_interval(Two(30, 500, 0, 2000), ALPHA)
    assert (1.0 < low < inf, high) == (True, inf)
    low, high = ratio_interval(Two(0, 500, 40, 2000), ALPHA)
    assert (low, high < 1.0) == (0.0, True)
    assert ratio_interval(Two(0, 500, 0, 2000), ALPHA) == (0.0, inf)
    assert rate_interval(0, 100, ALPHA)[0] == 0.0
    assert rate_interval(100, 100, ALPHA)[1] == 1.0


def test_by_hand() -> None:
    """No bad one in 100: the rate beyond which that has less than alpha's evidence for it, from the formula itself."""
    _, high = rate_interval(0, 100, ALPHA)
    rates = [odds * high / (1.0 - high + odds * high) for odds in (0.75, 0.5, 0.2, 0.05)]

    assert sum(((1.0 - rate) / (1.0 - high)) ** 100 for rate in rates) / 4 == pytest.approx(2.0 / ALPHA, rel=1e-6)
    assert high == pytest.approx(-log(exp(-1.0) / 40) / 100, rel=0.2)
