"""Anytime-valid inference for one coefficient of a linear model, as the R package avlm has it.

Lindon, Ham, Tingley and Bojinov, "Anytime-Valid Linear Models and Regression Adjusted Causal Inference in Randomized
Experiments", 2022.
``g`` is the precision of the prior in observations.
"""

from math import exp, sqrt

from canary.boundaries import minimum
from smoke.analysis.slope import log_mixture


def p_value(statistic: float, observations: int, coefficients: int, g: float) -> float:
    """P-value of a coefficient with this t-statistic, that may be looked at at any time."""
    freedom = observations - coefficients
    explained = statistic * statistic / (statistic * statistic + freedom)
    return min(1.0, exp(-log_mixture(explained, freedom, g / (g + observations))))


def radius(observations: int, coefficients: int, alpha: float, g: float) -> float:
    """Half the width of the confidence sequence, in standard errors."""
    freedom = observations - coefficients
    shrink = g / (g + observations)
    level = (shrink * alpha * alpha) ** (1.0 / (freedom + 1))
    return sqrt(freedom * (1.0 - level) / (level - shrink))


def optimal_g(observations: int, coefficients: int, alpha: float) -> float:
    """The ``g`` that makes the confidence sequence tightest at this many observations."""
    return minimum(lambda g: radius(observations, coefficients, alpha, g), 1.0, float(observations))
