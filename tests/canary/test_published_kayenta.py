"""What Kayenta's own tests and its users' reports say that its judge answers."""

from statistics import NormalDist

import pytest
from canary.kayenta import Judge, mann_whitney

STRICT = Judge(confidence=0.98, low_effect=1.0, high_effect=1.05)
"""The settings of the user's report, with the tolerance that is the default."""


def test_four_against_four() -> None:
    """Interval and estimate of the smallest example (spinnaker/kayenta, MannWhitneySuite.scala, which allows 1e-6)."""
    found = mann_whitney([10, 20, 30, 40], [1, 2, 3, 4], 0.95)

    assert found == pytest.approx((6.0, 39.0, 22.5), abs=1e-6)


def test_quantile_of_the_normal_distribution() -> None:
    """The quantile that a confidence of 98 % asks for is that of the normal tables."""
    assert NormalDist().inv_cdf(0.01) == pytest.approx(-2.326348, abs=1e-6)


def test_three_ties_hide_a_hundredfold_rise() -> None:
    """Seven values of 100 among ten, against ten of 1: to the digit what a user saw (spinnaker/spinnaker, issue 6278)."""
    experiment, control = [100.0] * 7 + [1.0] * 3, [1.0] * 10
    found = mann_whitney(experiment, control, 0.98)

    assert found.low == pytest.approx(6.825022991538781e-05, abs=1e-17)
    assert found.high == pytest.approx(99.0, abs=1e-12)
    assert found.estimate == pytest.approx(98.99992904170193, abs=1e-13)
    assert STRICT.classify(experiment, control) == "Pass"


@pytest.mark.parametrize(
    ("experiment", "control", "label"),
    [
        pytest.param([100.0] * 8 + [1.0] * 2, [1.0] * 10, "High", id="issue 6278, eight of ten"),
        pytest.param([0.0, 1.0, 2.0, 1.0, 0.0, 0.0], [0.0] * 6, "Pass", id="issue 426, sparse errors"),
    ],
)
def test_reported_classifications(experiment: list[float], control: list[float], label: str) -> None:
    """The class that users report (spinnaker/spinnaker, issue 6278; spinnaker/kayenta, issue 426)."""
    assert STRICT.classify(experiment, control) == label


@pytest.mark.parametrize(
    ("experiment", "control", "label"),
    [
        pytest.param([], [1.0], "Nodata", id="no values"),
        pytest.param([2.0, 1.0], [1.0, 2.0], "Pass", id="the same values"),
        pytest.param([3.0, 3.0], [3.0], "Pass", id="one value"),
        pytest.param([5.0] * 10, [1.0] * 10, "High", id="constant, higher"),
        pytest.param([1.0] * 10, [5.0] * 10, "Low", id="constant, lower"),
    ],
)
def test_rules_of_the_classifier(experiment: list[float], control: list[float], label: str) -> None:
    """The answers without data, on equal data and on constants (spinnaker/kayenta, MannWhitneyClassifier.scala)."""
    assert Judge().classify(experiment, control) == label
