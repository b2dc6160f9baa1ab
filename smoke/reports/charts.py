"""Charts as inline SVG, drawn for a phone's width: lines over the seconds of a rollout, and marks where something was decided.

Pure. What must not be here: what a rollout is; a chart knows numbers and names.
"""

import math
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from smoke.reports.markup import Markup, tag, together

_WIDTH, _HEIGHT = 360.0, 190.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 46.0, 8.0, 18.0, 22.0
_POINTS = 240
"""Points of a line, at most: more than that cannot be told apart."""
_TICKS = 4
_APART = 11.0
"""Width of a mark's letter."""
_MINUTE, _HOUR = 60.0, 3600.0

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """What is drawn under one name."""

    name: str
    kind: str
    """Its class in the style sheet: ``live``, ``candidate`` or ``allowed``."""
    runs: Sequence[Sequence[Point]]
    """``(seconds, value)``; a line is not drawn from one run to the next."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment at which something was decided."""

    at: float
    """Seconds."""
    letter: str
    kind: str
    """Its class in the style sheet: ``good``, ``bad`` or ``plain``."""
    name: str
    """What the letter stands for."""
    told: str
    """What happened."""


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn in one pair of axes."""

    title: str
    lines: Sequence[Line]
    seconds: float
    """Length of the axis of time."""
    marks: Sequence[Mark] = ()
    unit: str = ""
    top: float | None = None
    """The highest value of its axis; None: what the lines need."""

    @property
    def highest(self) -> float:
        """The highest value that is drawn."""
        values = [value for line in self.lines for run in line.runs for _, value in run]
        return self.top or nice(max(values, default=0.0))


def svg(chart: Chart) -> Markup:
    """The chart, with its title, and a legend that names each line and each kind of mark."""
    drawn = replace(chart, seconds=max(chart.seconds, 0.001))
    picture = tag(
        "svg",
        tag("title", drawn.title),
        *_axes(drawn),
        *_marks(drawn),
        *(shape for line in drawn.lines for shape in _line(drawn, line)),
        viewBox=f"0 0 {_WIDTH:g} {_HEIGHT:g}",
        role="img",
        aria_label=_said(drawn),
    )
    return tag("figure", tag("figcaption", tag("strong", drawn.title), " ", *_legend(drawn)), picture)


def nice(value: float) -> float:
    """The least of 1, 2, 2.5 and 5 times a power of ten that is not below a value; 1 where there is none."""
    if not value > 0.0 or not math.isfinite(value):
        return 1.0
    # Below the smallest normal number steps are no multiples of a power of ten any more.
    power = 10.0 ** math.floor(math.log10(max(value, sys.float_info.min)))
    return next(each * power for each in (1.0, 2.0, 2.5, 5.0, 10.0, 20.0) if each * power >= value)


def thinned(run: Sequence[Point], most: int = _POINTS) -> Sequence[Point]:
    """Not more points than can be told apart; of points that would be one, the highest: no peak is hidden."""
    if len(run) <= most:
        return run
    size = math.ceil(len(run) / most)
    return [max(run[start : start + size], key=lambda point: point[1]) for start in range(0, len(run), size)]


def length(seconds: float) -> str:
    """A length of time on an axis."""
    if seconds >= _HOUR:
        return f"{seconds / _HOUR:.3g} h"
    minutes = seconds == _MINUTE or seconds >= 2 * _MINUTE
    return f"{seconds / _MINUTE:.3g} min" if minutes else f"{seconds:.3g} s"


def _across(chart: Chart, at: float) -> float:
    return _LEFT + min(max(at / chart.seconds, 0.0), 1.0) * (_WIDTH - _LEFT - _RIGHT)


def _down(chart: Chart, value: float) -> float:
    return _HEIGHT - _BOTTOM - min(max(value / chart.highest, 0.0), 1.0) * (_HEIGHT - _TOP - _BOTTOM)


def _axes(chart: Chart) -> Sequence[Markup]:
    found = []
    for number in range(_TICKS + 1):
        value = chart.highest * number / _TICKS
        y = _down(chart, value)
        found.append(tag("line", x1=_LEFT, x2=_WIDTH - _RIGHT, y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        found.append(tag("text", f"{value:.3g}{chart.unit}", x=_LEFT - 4, y=f"{y + 4:.1f}", text_anchor="end"))
    last = math.floor(chart.seconds / _step(chart.seconds))
    for number in range(last + 1):
        at = number * _step(chart.seconds)
        x = _across(chart, at)
        anchor = "end" if x > _WIDTH - 3 * _RIGHT else "middle"
        found.append(tag("text", length(at), x=f"{x:.1f}", y=_HEIGHT - 6, text_anchor=anchor))
    return found


def _step(seconds: float) -> float:
    unit = _HOUR if seconds >= 2 * _HOUR else _MINUTE if seconds >= 2 * _MINUTE else 1.0
    return nice(seconds / unit / (_TICKS + 1)) * unit


def _marks(chart: Chart) -> Sequence[Markup]:
    found, last = [], -_APART
    for mark in sorted(chart.marks, key=lambda each: each.at):
        x = _across(chart, mark.at)
        shape = {"x1": f"{x:.1f}", "x2": f"{x:.1f}", "y1": _TOP, "y2": _HEIGHT - _BOTTOM, "class_": f"mark {mark.kind}"}
        found.append(tag("line", tag("title", mark.told), **shape))
        if x - last >= _APART:  # letters over each other say nothing; the line is there, and the list of events
            found.append(tag("text", mark.letter, x=f"{x:.1f}", y=_TOP - 5, text_anchor="middle", class_=mark.kind))
            last = x
    return found


def _line(chart: Chart, line: Line) -> Sequence[Markup]:
    found = []
    for run in line.runs:
        places = [(f"{_across(chart, at):.1f}", f"{_down(chart, value):.1f}") for at, value in thinned(run)]
        if len(places) == 1:
            found.append(tag("circle", cx=places[0][0], cy=places[0][1], r=2.5, class_=f"dot {line.kind}"))
        elif places:
            found.append(tag("polyline", points=" ".join(map(",".join, places)), class_=line.kind))
    return found


def _legend(chart: Chart) -> Sequence[Markup]:
    lines = [tag("span", each.name, class_=f"key {each.kind}") for each in chart.lines]
    marks = {mark.letter: mark for mark in chart.marks}
    letters = [tag("span", f"{letter} {mark.name}", class_=f"letter {mark.kind}") for letter, mark in marks.items()]
    return [together(each, " ") for each in (*lines, *letters)]


def _said(chart: Chart) -> str:
    lasts = [f"{line.name} ends at {line.runs[-1][-1][1]:.3g}{chart.unit}" for line in chart.lines if line.runs and line.runs[-1]]
    return f"{chart.title}; {', '.join(lasts) or 'nothing was counted'}; over {length(chart.seconds)}"


def runs(points: Sequence[tuple[int, Point]]) -> Sequence[Sequence[Point]]:
    """Points by the number of their run, in order."""
    return [[point for _, point in each] for _, each in groupby(points, key=lambda point: point[0])]
