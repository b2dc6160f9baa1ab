"""The examples of savvi's documentation, from their seeds on. Where its numbers are a solver's it compares seven decimals."""

from math import exp, log

import numpy as np
import pytest
from canary.poisson_canary import Stop, difference_interval, evidence_first_leads, evidence_same, first_stop, running_interval

ALPHA = 0.05
CANARY = (0.8, 0.2)
CONVERSION = (0.1, 0.3, 0.6)


def _looks(shares: tuple[float, ...], effects: tuple[float, ...], size: int) -> list[tuple[int, ...]]:
    """Counts after each event, of events that come one by one from numpy's legacy generator with the seed 1."""
    rates = np.array(shares) * np.exp(effects)
    draws = np.random.RandomState(1).multinomial(1, rates / rates.sum(), size=size)
    return [tuple(int(count) for count in row) for row in draws.cumsum(axis=0)]


def test_canary() -> None:
    """Two arms whose effects differ by a half (savvi, examples/InhomogeneousPoissonProcess.qmd)."""
    looks = _looks(CANARY, (1.5, 2.0), 1500)
    stop = first_stop(looks, lambda counts: evidence_same(counts, CANARY), ALPHA)

    assert stop == Stop(210, pytest.approx(0.045579631759249686, abs=1e-13), (148, 62))
    assert running_interval(looks[:210], CANARY, (0, 1), ALPHA) == pytest.approx((0.00464625, 0.75493987), abs=1e-8)


def test_canary_interval_is_that_of_all_looks() -> None:
    """The last look alone leaves a wider interval than the one printed (savvi, examples/InhomogeneousPoissonProcess.qmd)."""
    assert difference_interval((148, 62), CANARY, (0, 1), ALPHA) == pytest.approx((0.0046, 0.9945), abs=1e-4)


def test_conversion() -> None:
    """Three arms, and the first does not lead (savvi, examples/InhomogeneousBernoulliProcess.qmd)."""
    looks = _looks(CONVERSION, (log(0.2), log(0.3), log(0.4)), 5250)
    stop = first_stop(looks, lambda counts: evidence_first_leads(counts, CONVERSION), ALPHA)

    assert stop is not None
    assert (stop.events, stop.p_value) == (302, pytest.approx(0.04923546556969403, abs=1e-7))
    last, middle = (running_interval(looks[:302], CONVERSION, (arm, 2), ALPHA) for arm in (0, 1))
    assert last == pytest.approx((9.38644932e-04, 1.77164771e00), abs=1e-7)
    assert middle == pytest.approx((-1.57653154e-01, 6.47239250e-01), abs=1e-7)


@pytest.mark.parametrize("arms", [(0, 1), (1, 0)])
def test_interval_holds_what_is_likeliest(arms: tuple[int, int]) -> None:
    """The ratio of the rates that was seen is inside its confidence sequence, and turns with the arms."""
    counts = (40, 30)
    low, high = difference_interval(counts, CANARY, arms, ALPHA)
    seen = counts[arms[1]] / counts[arms[0]] / (CANARY[arms[1]] / CANARY[arms[0]])

    assert exp(low) < seen < exp(high)


def test_arm_without_events_has_no_lower_limit() -> None:
    """Without any event nothing is known, and an arm without events may be as rare as it likes."""
    assert difference_interval((0, 0), CANARY, (0, 1), ALPHA) == (-np.inf, np.inf)
    low, high = difference_interval((200, 0), CANARY, (0, 1), ALPHA)
    assert low == -np.inf
    assert high < 0.0


def test_nothing_speaks_against_the_arm_that_leads() -> None:
    """Events that all came from the first arm are no evidence that another one leads."""
    assert evidence_first_leads((50, 0, 0), CONVERSION) < 0.0
