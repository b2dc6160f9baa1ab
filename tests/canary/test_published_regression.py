"""The README of the R package avlm, from its seed on: data made as R makes them, fitted, compared with what it prints."""

from collections.abc import Callable, Iterator
from statistics import NormalDist

import numpy as np
import pytest
from canary.regression import optimal_g, p_value, radius

NAMES = ("intercept", "X1", "X2", "X3", "trt", "X1:trt", "X2:trt", "X3:trt")
ALPHA = 0.05


@pytest.fixture(scope="module")
def fit() -> dict[str, tuple[float, float]]:
    """By coefficient of the README's model: estimate and standard error."""
    uniform = _mersenne_twister(1)
    covariates = np.array([_normals(uniform, 100) for _ in range(3)])
    covariates -= covariates.mean(axis=1, keepdims=True)
    treated = np.array([int(uniform() * 65536) & 1 for _ in range(100)])  # sample(c(0, 1), replace = TRUE), from R 3.6 on
    noise = _normals(uniform, 100)
    outcome = 1 + 1.4 * covariates[2] + (2.3 + 2 * covariates[0] + 3 * covariates[1]) * treated + noise
    design = np.column_stack((np.ones(100), *covariates, treated, *(covariates * treated)))
    estimates, residuals, _, _ = np.linalg.lstsq(design, outcome, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * residuals[0] / (100 - len(NAMES)))
    return {name: (float(one), float(two)) for name, one, two in zip(NAMES, estimates, errors, strict=True)}


def _mersenne_twister(seed: int) -> Callable[[], float]:
    """R's ``set.seed`` and ``unif_rand``."""

    def congruential() -> Iterator[int]:
        state = seed
        while True:
            state = (69069 * state + 1) % 2**32
            yield state

    words = congruential()
    key = [next(words) for _ in range(50 + 1 + 624)][51:]
    twister = np.random.MT19937()
    twister.state = {"bit_generator": "MT19937", "state": {"key": np.array(key, dtype=np.uint32), "pos": 624}}
    return lambda: float(twister.random_raw()) * 2.3283064365386963e-10


def _normals(uniform: Callable[[], float], count: int) -> np.ndarray:
    """R's ``rnorm``, by inversion of 27 bits and one more uniform number."""
    return np.array([NormalDist().inv_cdf((int(2**27 * uniform()) + uniform()) / 2**27) for _ in range(count)])


def test_radius_and_g() -> None:
    """The best ``g`` for 100 observations and 8 coefficients is 11.58, and its radius 3.10394 standard errors."""
    best = optimal_g(100, 8, ALPHA)

    assert best == pytest.approx(11.58, abs=0.01)
    assert radius(100, 8, ALPHA, best) == pytest.approx(3.10394, abs=1e-5)


@pytest.mark.parametrize(
    ("name", "estimate", "error", "statistic"),
    [
        ("intercept", 0.91630, 0.15864, 5.776),
        ("X1", -0.12768, 0.18087, -0.706),
        ("X2", -0.14966, 0.18283, -0.819),
        ("X3", 1.30556, 0.15941, 8.190),
        ("trt", 2.32245, 0.21566, 10.769),
        ("X1:trt", 2.29985, 0.24141, 9.527),
        ("X2:trt", 3.31166, 0.23251, 14.243),
        ("X3:trt", 0.08015, 0.21122, 0.379),
    ],
)
def test_data_are_those_of_the_readme(
    fit: dict[str, tuple[float, float]], name: str, estimate: float, error: float, statistic: float
) -> None:
    """Estimate, standard error and t-statistic are what the README prints, so its data were made again."""
    assert fit[name] == pytest.approx((estimate, error), abs=1e-5)
    assert fit[name][0] / fit[name][1] == pytest.approx(statistic, abs=1e-3)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("intercept", 0.4238730, 1.4087195),
        ("X1", -0.6890957, 0.4337358),
        ("X2", -0.7171420, 0.4178268),
        ("X3", 0.8107460, 1.8003705),
        ("trt", 1.6530529, 2.9918408),
        ("X1:trt", 1.5505190, 3.0491788),
        ("X2:trt", 2.5899720, 4.0333555),
        ("X3:trt", -0.5754734, 0.7357662),
    ],
)
def test_confidence_sequences(fit: dict[str, tuple[float, float]], name: str, low: float, high: float) -> None:
    """The confidence sequence of each coefficient is what ``confint`` prints in the README."""
    estimate, error = fit[name]
    half = error * radius(100, 8, ALPHA, optimal_g(100, 8, ALPHA))

    assert (estimate - half, estimate + half) == pytest.approx((low, high), abs=1e-7)


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("intercept", 9.77e-06),
        ("X1", 1.0),
        ("X2", 1.0),
        ("X3", 8.07e-10),
        ("trt", 3.19e-14),
        ("X1:trt", 3.98e-12),
        ("X3:trt", 1.0),
    ],
)
def test_p_values(fit: dict[str, tuple[float, float]], name: str, printed: float) -> None:
    """The p-value of each coefficient is what ``summary`` prints in the README, to its three digits."""
    found = p_value(fit[name][0] / fit[name][1], 100, 8, optimal_g(100, 8, ALPHA))

    assert float(f"{found:.2e}") == printed
