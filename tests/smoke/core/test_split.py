"""Traffic that does not arrive as it was asked to."""

from itertools import product
from math import exp, factorial, inf, log, prod

import numpy as np
import pytest

from smoke.analysis.split import log_evidence

SHARES = (0.1, 0.4, 0.5)


def test_published_example() -> None:
    """Seed, sizes, stopping time and p-value of savvi, examples/Multinomial.qmd: the p-value is one over the evidence."""
    draws = np.random.RandomState(1).multinomial(1, [0.1, 0.3, 0.6], size=1000).cumsum(axis=0)
    looks = [tuple(int(count) for count in row) for row in draws]
    stop = next(counts for counts in looks if log_evidence(counts, SHARES, 100.0) >= log(1 / 0.05))

    assert (sum(stop), stop) == (402, (40, 129, 233))
    assert exp(-log_evidence(stop, SHARES, 100.0)) == pytest.approx(0.04845591105969517, abs=1e-13)


def test_evidence_averages_to_one_under_the_null() -> None:
    """Over all counts of six requests, the chance of each times its evidence adds up to 1."""
    total = 0.0
    for counts in product(range(7), repeat=3):
        if sum(counts) == 6:
            ways = factorial(6) / prod(factorial(count) for count in counts)
            chance = ways * prod(share**count for share, count in zip(SHARES, counts, strict=True))
            total += chance * exp(log_evidence(counts, SHARES, 5.0))

    assert total == pytest.approx(1.0, rel=1e-12)


def test_no_requests_say_nothing() -> None:
    """Before the first request the evidence is 1."""
    assert log_evidence((0, 0, 0), SHARES, 100.0) == 0.0


def test_starving_candidate_is_seen() -> None:
    """Two thirds of the requests that were asked for, at 5 %, are beyond 1 % within a few thousand; what was asked for is not."""
    assert log_evidence((9667, 333), (0.95, 0.05), 100.0) > log(100)
    assert log_evidence((9500, 500), (0.95, 0.05), 100.0) < 0.0


def test_request_that_cannot_be() -> None:
    """A request on an arm without a share rules the null out; without one that arm does not count."""
    assert log_evidence((10, 1), (1.0, 0.0), 100.0) == inf
    assert log_evidence((10, 0), (1.0, 0.0), 100.0) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    ("counts", "shares", "concentration"),
    [((1, 2), (1.0,), 1.0), ((1, 2), (0.5, 0.6), 1.0), ((1, 2), (1.5, -0.5), 1.0), ((1, 2), (0.5, 0.5), 0.0)],
    ids=["lengths differ", "sum is not 1", "negative share", "no concentration"],
)
def test_malformed_values_are_refused(counts: tuple[int, ...], shares: tuple[float, ...], concentration: float) -> None:
    """Shares and a concentration that cannot be are refused aloud."""
    with pytest.raises(ValueError, match="do not fit together"):
        log_evidence(counts, shares, concentration)
