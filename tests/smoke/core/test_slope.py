"""A line that rises, and many that only seem to."""

from collections.abc import Iterator
from math import log, log1p, sqrt
from random import Random
from statistics import linear_regression

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.analysis.slope import BLOCK, LEAST, BlockMeans, Line, log_mixture

HOUR = 3600.0
SOAK = int(48 * HOUR / BLOCK)
"""Blocks of 48 hours."""
START = 1.8e9
"""Times are those of a clock, not of the start."""
PRIOR = 0.5 / HOUR
"""Half a standard deviation an hour."""
ALARM = log(100)
"""1 %."""


def _alarm(seed: int, slope: float, tolerated: float = 0.0) -> int | None:
    """The look, of those of 48 hours, at which Gaussian blocks of deviation 5 around this slope an hour first alarm."""
    chance, line = Random(seed), Line()  # noqa: S311
    for block in range(SOAK):
        line = line.after(START + block * BLOCK, 300.0 + slope * block * BLOCK / HOUR + chance.gauss(0.0, 5.0))
        if line.log_evidence(PRIOR, tolerated / HOUR) >= ALARM:
            return block
    return None


@pytest.mark.parametrize("slope", [0.0, 0.2])
def test_false_alarms_over_every_look(slope: float) -> None:
    """Where the slope is exactly the tolerated one, at most 1 % of soaks ever alarm, give or take two standard errors."""
    soaks = 400
    alarms = sum(_alarm(seed, slope, tolerated=slope) is not None for seed in range(soaks))

    assert alarms / soaks <= 0.01 + 2 * sqrt(0.01 * 0.99 / soaks)


def test_real_slope_is_found() -> None:
    """Of soaks that gain a deviation in five hours, with a fifth of that tolerated, all alarm, half of them within 15 hours."""
    looks = [_alarm(seed, 1.0, tolerated=0.2) for seed in range(50)]
    found = sorted(look for look in looks if look is not None)

    assert len(found) == 50
    assert found[25] * BLOCK < 15 * HOUR


def _remembering(seed: int) -> Iterator[tuple[float, float]]:
    """Readings every 30 s for 48 hours without a slope, each of which keeps nine tenths of the last one's deviation."""
    chance, deviation = Random(seed), 0.0  # noqa: S311
    for reading in range(int(48 * HOUR / 30)):
        deviation = 0.9 * deviation + chance.gauss(0.0, 5.0 * sqrt(1 - 0.9**2))
        yield START + 30.0 * reading, 300.0 + deviation


def test_readings_that_remember_enter_as_block_means() -> None:
    """Readings that keep their deviation for minutes alarm falsely in most soaks; their block means hardly ever do."""
    plain, blocked = 0, 0
    for seed in range(20):
        line, blocks, worst, best = Line(), BlockMeans(), 0.0, 0.0
        for time, value in _remembering(seed):
            line, blocks = line.after(time, value), blocks.after(time, value)
            worst, best = max(worst, line.log_evidence(PRIOR)), max(best, blocks.line.log_evidence(PRIOR))
        plain, blocked = plain + (worst >= ALARM), blocked + (best >= ALARM)

    assert plain >= 15
    assert blocked <= 1


@given(st.lists(st.tuples(st.integers(0, 5760), st.floats(0.0, 1e4)), min_size=2, unique_by=lambda point: point[0]))
def test_slope_is_the_least_squares_slope(points: list[tuple[int, float]]) -> None:
    """Folded at the times of a clock, the slope is that of the standard library for readings counted from 0."""
    line = Line()
    for time, value in points:
        line = line.after(START + 30.0 * time, value)
    times, values = zip(*points, strict=True)

    assert line.slope == pytest.approx(linear_regression(times, values).slope / 30.0, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(("statistic", "freedom", "shrink"), [(5.776, 92, 11.58 / 111.58), (0.5, 6, 0.3), (40.0, 190, 0.01)])
def test_mixture_is_that_of_avlm(statistic: float, freedom: int, shrink: float) -> None:
    """The evidence in the share explained equals that in the t-statistic (avlm, R/e_variables.R, log_E_t)."""
    square = statistic**2 / freedom
    printed = 0.5 * log(shrink) + 0.5 * (freedom + 1) * (log1p(square) - log1p(shrink * square))

    assert log_mixture(square / (1 + square), freedom, shrink) == pytest.approx(printed, rel=1e-12)


def test_published_p_values() -> None:
    """One over the evidence of a t-statistic of 5.776 and 8.190 with 100 observations, 8 coefficients, g 11.58 (avlm, README).

    The statistic is printed with three decimals, so the published number is between those of what it may have been.
    """
    for statistic, printed in ((5.776, 9.77e-06), (8.190, 8.07e-10)):
        low, high = (
            log_mixture(each**2 / (each**2 + 92), 92, 11.58 / 111.58) for each in (statistic - 0.0005, statistic + 0.0005)
        )
        assert low - 0.001 <= -log(printed) <= high + 0.001


def test_falling_line_never_counts() -> None:
    """However clear it is that a line falls, or rises less than is tolerated, the evidence stays below 1."""
    falling, rising = Line(), Line()
    for block in range(100):
        falling = falling.after(START + block * BLOCK, 300.0 - block)
        rising = rising.after(START + block * BLOCK, 300.0 + block + block % 2)

    assert falling.log_evidence(PRIOR) < 0.0
    assert rising.log_evidence(PRIOR) > ALARM
    assert rising.log_evidence(PRIOR, tolerated=2.0 / BLOCK) < 0.0


def test_few_points_say_nothing() -> None:
    """Below eight points even a perfect line is no evidence, and there is no slope at a single time."""
    line = Line()
    for block in range(LEAST - 1):
        assert line.log_evidence(PRIOR) <= 0.0
        line = line.after(START + block * BLOCK, 300.0 + block)

    assert line.log_evidence(PRIOR) <= 0.0
    assert line.after(START + LEAST * BLOCK, 300.0 + LEAST).log_evidence(PRIOR) > 0.0
    assert Line().slope is None
    assert Line().after(START, 1.0).after(START, 2.0).slope is None


def test_constant_memory_says_nothing() -> None:
    """Values that never change have no slope and are no evidence."""
    line = Line()
    for block in range(20):
        line = line.after(START + block * BLOCK, 300.0)

    assert line.slope == 0.0
    assert line.log_evidence(PRIOR) < 0.0


def test_blocks_are_means_of_equal_length() -> None:
    """A block enters with its mean when a reading of a later one arrives; what has no readings is left out."""
    blocks = BlockMeans(length=10.0)
    for time, value in ((100.0, 1.0), (105.0, 3.0), (110.0, 5.0), (119.0, 7.0), (145.0, 50.0), (151.0, 60.0)):
        blocks = blocks.after(time, value)

    assert (blocks.line.points, blocks.began, blocks.held.value) == (3, 150.0, 60.0)
    assert blocks.line.value == pytest.approx((2.0 + 6.0 + 50.0) / 3)
    assert blocks.line.time == pytest.approx((102.5 + 114.5 + 145.0) / 3)
