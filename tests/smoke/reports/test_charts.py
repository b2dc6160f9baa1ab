"""Charts stay in their axes, whatever they are given."""

import math
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from recorded import Page

from smoke.reports.charts import Chart, Line, Mark, nice, svg, thinned

NUMBERS = some.floats(0.0, 1e12, allow_nan=False)
POINTS = some.lists(some.tuples(NUMBERS, NUMBERS), max_size=12)


@settings(deadline=None)
@given(runs=some.lists(POINTS, max_size=4), seconds=NUMBERS, marks=some.lists(NUMBERS, max_size=6))
def test_everything_is_within_the_picture(runs: list[list[tuple[float, float]]], seconds: float, marks: list[float]) -> None:
    """Whatever is drawn has finite coordinates within the view box, and the picture is right by itself."""
    line = Line("green, candidate", "candidate", runs)
    drawn = svg(Chart("x", [line], seconds, [Mark(at, "F", "bad", "failed", "FAILED: <b>") for at in marks], " ms"))
    places = [float(each) for each in re.findall(r'(?:[xy][12]?|c[xy])="(-?[\d.einfa]+)"', drawn)]
    places += [float(each) for points in re.findall(r'points="([^"]*)"', drawn) for each in re.split("[ ,]", points)]

    assert Page.of(drawn).faults == []
    assert all(math.isfinite(each) and 0.0 <= each <= 360.0 for each in places)


@settings(deadline=None)
@given(value=some.floats(1e-9, 1e12))
def test_the_top_of_an_axis_is_near(value: float) -> None:
    """The top of an axis is not below what is drawn, and not much above it."""
    assert value <= nice(value) * (1 + 1e-9)
    assert nice(value) <= value * 2.51


def test_the_top_of_an_axis_without_a_number() -> None:
    """Where nothing was counted, or nothing that is a number, an axis goes to 1."""
    assert [nice(each) for each in (0.0, -1.0, math.inf, math.nan)] == [1.0] * 4


@settings(deadline=None)
@given(values=some.lists(NUMBERS, min_size=1, max_size=400))
def test_no_peak_is_hidden(values: list[float]) -> None:
    """A line of many points has fewer, in order, and the highest is among them."""
    run = [(float(at), value) for at, value in enumerate(values)]
    few = thinned(run, 50)

    assert len(few) <= 50
    assert [*few] == sorted(few, key=lambda point: point[0])
    assert max(value for _, value in few) == max(values)


def test_a_lone_point_is_seen() -> None:
    """A run of one point is a dot, and runs are not joined."""
    drawn = svg(Chart("x", [Line("a", "live", [[(1.0, 2.0)], [(2.0, 2.0), (3.0, 4.0)]])], 4.0))

    assert (drawn.count("<circle"), drawn.count("<polyline")) == (1, 1)


def test_letters_that_would_cover_each_other() -> None:
    """Of two decisions at one moment both have a line, and one a letter; the legend names both."""
    marks = [Mark(1.0, "P", "good", "passed", "a"), Mark(1.001, "F", "bad", "failed", "b")]
    drawn = svg(Chart("x", [], 60.0, marks))

    assert drawn.count('class="mark ') == 2
    assert [drawn.count(f">{letter}</text>") for letter in "PF"] == [1, 0]
    assert all(name in drawn for name in ("P passed", "F failed"))


@pytest.mark.parametrize(("value", "end"), [(5e-324, 1e-308), (3e-5, 5e-5), (7.0, 10.0), (0.0, 1.0), (float("nan"), 1.0)])
def test_an_axis_ends_at_a_round_number(value: float, end: float) -> None:
    """Not below the value; also where it is so small that there are hardly any numbers, and where there is none."""
    assert nice(value) == end
