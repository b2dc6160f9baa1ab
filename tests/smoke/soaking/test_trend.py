"""Does memory grow: leaks are found, and what only looks like one is not, over many made-up series of 48 hours."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.soaking import trend
from smoke.soaking.trend import LEAST
from tests.smoke.soaking.series import SHAPES, series

SEEDS = range(40)
HOUR = 3600.0


def rising(name: str) -> int:
    """How many of so many series of a shape are said to rise."""
    found = [trend(series(SHAPES[name], seed), HOUR) for seed in SEEDS]
    return sum(each is not None and each.rises for each in found)


@pytest.mark.parametrize("name", ["leak of 2 MiB an hour", "leak of 1 MB an hour", "leak under a sawtooth"])
def test_a_leak_is_found(name: str) -> None:
    """In every series, also where what is collected every three hours hides it."""
    assert rising(name) == len(SEEDS)


@pytest.mark.parametrize(("name", "most"), [("flat", 1), ("sawtooth", 1), ("one step", 1), ("plateau", 4)])
def test_what_is_no_leak_is_not_flagged(name: str, most: int) -> None:
    """A warm-up that comes to rest, a sawtooth, a day's cycle and one step: hardly ever."""
    assert rising(name) <= most


def test_the_slope_and_its_interval_are_those_that_were_put_in() -> None:
    """Of 40 intervals of 95 %, which noise that remembers itself makes too narrow, most have the slope in them."""
    found = [trend(series(SHAPES["leak of 1 MB an hour"], seed), HOUR) for seed in SEEDS]
    slopes = [each.slope * HOUR for each in found if each is not None]
    assert sum(slopes) / len(slopes) == pytest.approx(1.0, abs=0.05)
    assert sum(each is not None and each.low * HOUR <= 1.0 <= each.high * HOUR for each in found) >= 25


def test_it_is_said_when_a_limit_is_reached() -> None:
    """By the slope and by both ends of its interval, soonest first; what does not rise reaches none, nor what is beyond it."""
    leak = trend([(float(minute * 60), 100 + minute / 60) for minute in range(48 * 60)], HOUR)
    assert leak is not None
    until = leak.until(leak.last + 24)
    assert until is not None
    assert [each / HOUR for each in until] == pytest.approx([24, 24, 24])
    assert leak.until(leak.last - 1) is None
    flat = trend(series(SHAPES["flat"], 1), HOUR)
    assert flat is not None
    assert flat.until(1000.0) is None


@given(st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e5)), max_size=80))
def test_any_series_has_a_trend_or_is_too_short(points: list[tuple[float, float]]) -> None:
    """Whatever was measured, in whatever order: a slope within its interval, or nothing."""
    found = trend(points, 1000.0)
    if found is None:
        assert len({int(time // 1000.0) for time, _ in points}) * 3 / 4 < LEAST + 1
    else:
        assert found.low <= found.slope <= found.high
        assert 0 <= found.p <= 1
