"""The tables of the maximised sequential probability ratio test, recomputed without simulation."""

import pytest
from canary.maxsprt import (
    Performance,
    binomial_critical,
    binomial_performance,
    binomial_ratio,
    binomial_size,
    poisson_critical,
    poisson_performance,
    poisson_ratio,
)

CRITICAL = 3.467952
"""Of 10 expected events and an alpha of 5 %."""


@pytest.mark.parametrize(
    ("horizon", "alpha", "critical"),
    [
        (1, 0.05, 2.853937),
        (1, 0.01, 4.670428),
        (1, 0.001, 7.172614),
        (10, 0.05, CRITICAL),
        (10, 0.01, 5.260513),
        (10, 0.001, 7.724863),
        (20, 0.05, 3.628123),
        (20, 0.01, 5.414770),
        (20, 0.001, 7.877573),
        (100, 0.05, 3.952321),
        (100, 0.01, 5.738974),
        (100, 0.001, 8.199403),
        (1000, 0.05, 4.324917),
        (1000, 0.01, 6.114225),
        (1000, 0.001, 8.577253),
    ],
)
def test_critical_values(horizon: float, alpha: float, critical: float) -> None:
    """Critical values of continuous surveillance of Poisson data (Kulldorff et al. 2011; R package Sequential 4.5.1)."""
    assert poisson_critical(horizon, alpha) == pytest.approx(critical, abs=1e-6)


def test_performance() -> None:
    """Power, time of the signal and length at 10 expected events and twice the risk (R package Sequential 4.5.1)."""
    found = poisson_performance(10, poisson_critical(10, 0.05), 2.0)

    assert found.power == pytest.approx(0.6850634, abs=1e-7)
    assert found.signal == pytest.approx(4.130985, abs=1e-6)
    assert found.length == pytest.approx(5.979353, abs=1e-6)


@pytest.mark.parametrize(
    ("risk", "power"), [(1.2, "0.107"), (1.5, "0.280"), (2, "0.685"), (3, "0.989"), (5, "0.9999998"), (10, "1.000")]
)
def test_power(risk: float, power: str) -> None:
    """Power at 10 expected events, by relative risk (Kulldorff et al. 2011)."""
    decimals = len(power.partition(".")[2])

    assert f"{poisson_performance(10, CRITICAL, risk).power:.{decimals}f}" == power


@pytest.mark.parametrize(
    ("events", "critical", "every", "printed"),
    [
        pytest.param(30, 2.0, 1, Performance(0.658732, 10.7893, 17.3453), id="continuous"),
        pytest.param(40, 2.5, 2, Performance(0.6594118, 17.18626, 24.95635), id="every second event"),
    ],
)
def test_binomial_performance(events: int, critical: float, every: int, printed: Performance) -> None:
    """Power, time of the signal and length at twice the risk and one control a case (R package Sequential, its examples)."""
    found = binomial_performance(events, critical, 1.0, 2.0, every)

    assert found.power == pytest.approx(printed.power, abs=1e-6)
    assert found.signal == pytest.approx(printed.signal, abs=1e-4)
    assert found.length == pytest.approx(printed.length, abs=1e-4)


def test_binomial_size() -> None:
    """Events for a power of 88 % at five times the risk and two controls a case (R package Sequential, SampleSize.Binomial)."""
    assert binomial_size(5.0, 0.01, 0.88, 2.0) == 25
    critical, error = binomial_critical(25, 0.01, 2.0)

    assert critical == pytest.approx(4.59581, abs=1e-9)
    assert error == pytest.approx(0.009755004, abs=1e-9)
    assert binomial_performance(25, critical, 2.0, 5.0).power == pytest.approx(0.8855869, abs=1e-7)


def test_ratios_are_zero_at_what_was_expected() -> None:
    """Nothing speaks against the null at or below what it expects, and the ratio grows from there."""
    assert poisson_ratio(5, 5.0) == binomial_ratio(1, 2, 1.0) == 0.0
    assert poisson_ratio(2, 5.0) == binomial_ratio(0, 2, 1.0) == 0.0
    assert 0.0 < poisson_ratio(6, 5.0) < poisson_ratio(7, 5.0)
    assert 0.0 < binomial_ratio(2, 3, 1.0) < binomial_ratio(3, 3, 1.0)


def test_poisson_ratio_by_hand() -> None:
    """Twice as many events as expected: (mu - c) + c log(c / mu) with c = 2 mu (Kulldorff et al. 2011)."""
    assert poisson_ratio(20, 10.0) == pytest.approx(-10 + 20 * 0.6931471805599453)
