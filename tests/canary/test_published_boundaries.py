"""Every number that the authors of confseq hold their library to, from a reference implementation in R."""

from math import inf

import pytest
from canary.boundaries import (
    GammaExponential,
    GammaPoisson,
    Mixture,
    bernoulli_interval,
    beta_binomial,
    bound,
    double_stitching,
    empirical_process,
    normal,
    one_sided_rho,
    polynomial_stitching,
    quantile_p_value,
    two_sided_rho,
)

TUNED = 100.0
"""Variance, or count of samples, at which the boundaries are tightest."""
ALPHA = 0.05

MIXTURES = {
    "two-sided normal": (normal(TUNED, ALPHA, one_sided=False), -0.6510052, 30.35209),
    "one-sided normal": (normal(TUNED, ALPHA), -0.06502391, 27.66071),
    "gamma-exponential": (GammaExponential(one_sided_rho(TUNED, ALPHA), 2.0), -0.2490165, 33.02017),
    "gamma-Poisson": (GammaPoisson(one_sided_rho(TUNED, ALPHA), 2.0), -0.06991219, 30.1949),
    "two-sided beta-binomial": (beta_binomial(TUNED, ALPHA, 0.2, 0.8, one_sided=False), -0.6941012, 31.4308),
    "one-sided beta-binomial": (beta_binomial(TUNED, ALPHA, 0.2, 0.8), -0.07134019, 28.41238),
}


def _printed(number: float) -> object:
    """This number, give or take one of its last printed digit."""
    decimals = len(str(number).partition(".")[2])
    return pytest.approx(number, abs=1.001 * 10.0**-decimals)


def test_rho() -> None:
    """The best ``rho`` of the two-sided normal mixture (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert two_sided_rho(TUNED, ALPHA) == _printed(12.60056)


@pytest.mark.parametrize(("mixture", "evidence", "_limit"), MIXTURES.values(), ids=MIXTURES)
def test_evidence(mixture: Mixture, evidence: float, _limit: float) -> None:
    """Evidence at a total of 10 and a variance of 100 (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert mixture.log_evidence(10.0, 100.0) == _printed(evidence)


@pytest.mark.parametrize(("mixture", "_evidence", "limit"), MIXTURES.values(), ids=MIXTURES)
def test_bound(mixture: Mixture, _evidence: float, limit: float) -> None:
    """Boundary at a variance of 100 (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert bound(mixture, 100.0, ALPHA) == _printed(limit)


def test_bound_where_no_total_is_enough() -> None:
    """After two steps at most the boundary is the largest possible total (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert bound(beta_binomial(TUNED, ALPHA, 0.2, 0.8), 2 * 0.2 * 0.8, ALPHA) == pytest.approx(2 * 0.8)


@pytest.mark.parametrize(("scale", "limit"), [(3.0, 64.48755), (-1.0, 28.99389)])
def test_polynomial_stitching(scale: float, limit: float) -> None:
    """Stitched boundary at a variance of 100, from 10 on (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert polynomial_stitching(100.0, ALPHA, 10.0, scale) == _printed(limit)


@pytest.mark.parametrize(("quantile", "limit"), [(0.5, 68.62803), (0.9, 43.72119), (0.1, 59.96521)])
def test_double_stitching(quantile: float, limit: float) -> None:
    """Doubly stitched boundary after 1000 samples (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert double_stitching(quantile, 1000.0, ALPHA, TUNED) == _printed(limit)


def test_empirical_process() -> None:
    """Distance of distributions after 1000 samples, valid from 100 on (confseq, test/uniform_boundaries_unittest.cpp).

    The constant comes from a numeric search. The printed number comes from a coarser one, and its test allows 1e-5; 0.0820478 is
    what the library itself gives.
    """
    assert empirical_process(1000.0, ALPHA, TUNED, 0.85) == pytest.approx(0.08204769, abs=1e-6)
    assert empirical_process(1000.0, ALPHA, TUNED, 0.85) == _printed(0.0820478)
    assert empirical_process(99.0, ALPHA, TUNED, 0.85) == inf


@pytest.mark.parametrize(
    ("quantile", "offset", "printed"), [(0.5, 70, 0.814704), (0.5, 85, 0.0838055), (0.5, 100, 0.0054947), (0.9, 55, 0.0340463)]
)
def test_quantile_p_value(quantile: float, offset: int, printed: float) -> None:
    """1 to 1000 against the same numbers moved by an offset (confseq, test/uniform_boundaries_unittest.cpp)."""
    moved = range(offset + 1, offset + 1001)

    assert quantile_p_value(quantile, range(1, 1001), moved, TUNED, ALPHA) == _printed(printed)


@pytest.mark.parametrize(
    ("successes", "trials", "tuned", "low", "high"),
    [
        (700, 1000, 100, 0.651629, 0.745949),
        (15, 50, 50, 0.129556, 0.511896),
        (5, 50, 50, 0.013021, 0.269264),
        (1, 50, 50, 0.0, 0.13489),
        (1, 2, 50, 0.0, 1.0),
        (100, 200, 1, 0.328923, 0.671076),
        (0, 1, 50, 0.0, 1.0),
        (1, 1, 50, 0.0, 1.0),
    ],
)
def test_bernoulli_interval(successes: int, trials: int, tuned: float, low: float, high: float) -> None:
    """Confidence sequence of a probability (confseq, test/uniform_boundaries_unittest.cpp)."""
    assert bernoulli_interval(successes, trials, ALPHA, tuned) == (_printed(low), _printed(high))
