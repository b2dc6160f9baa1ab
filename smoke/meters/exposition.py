"""The text that a program shows its counters in: Prometheus' format 0.0.4, and OpenMetrics 1.0. Pure.

Only lines of the names that are asked for are read, and those strictly: a part of a number would be a number, too. The rest
belongs to others, and need only look like it. A library that reads everything takes most of a tick for 5,000 lines, and what was
cut off for whole.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from itertools import pairwise
from math import inf
from typing import NamedTuple

from smoke.errors import MeterError
from smoke.foreign import printable, shortened

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
OPEN_METRICS = "application/openmetrics-text"
_PAIR = re.compile(rf'[ \t]*({LABEL.pattern})[ \t]*=[ \t]*"([^"\\]*(?:\\.[^"\\]*)*)"[ \t]*(?:,[ \t]*|$)')
_PAIRS = r'[^"}\n]*(?:"[^"\\\n]*(?:\\.[^"\\\n]*)*"[^"}\n]*)*'
_EXEMPLAR = r"(?: # \{.*)?"
_LINE = rf"(?:\{{({_PAIRS})\}})?[ \t]+([^ \t\n]+)(?:[ \t]+([0-9][0-9.e+]*))?[ \t]*{_EXEMPLAR}$"
_FOREIGN = re.compile(r"^(?![#a-zA-Z_:{]|$).*", re.MULTILINE)
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?")
_EDGE = re.compile(rf"-?{_NUMBER.pattern}|\+Inf")
_ESCAPED = re.compile(r'\\([\\"n])')
_LONG = 1000
"""Characters of labels that are not kept from read to read."""
_LARGEST = 2**63
"""Nothing is counted as far."""


class Line(NamedTuple):
    """One number of one series."""

    name: str
    labels: Mapping[str, str]
    number: float
    """From 0 on, and finite."""
    at: float | None
    """When it was so, in seconds since 1970; None where the line does not say."""


def lines_in(text: str, names: Collection[str], kind: str = "") -> Iterator[Line]:
    """The lines of these names, in order; ``kind`` is the content type that the text came with.

    Raises:
        MeterError: it is cut off or something else, or a line of these names is of another form.
    """
    timed = 1.0 if kind == OPEN_METRICS else 1000.0
    _check_whole(text, kind)
    either = "|".join(map(re.escape, names))
    for found in re.finditer(rf"^({either})(?=[ \t{{]|$)(?:{_LINE}|.*)", text, re.MULTILINE):
        name, labels, number, at = found.groups()
        if number is None:
            raise MeterError(f"a line is none of an exposition: {shortened(found[0])}")
        yield Line(name, _labels(labels or ""), _number(name, number), None if at is None else float(_number(name, at)) / timed)


def declared(text: str, name: str) -> str | None:
    """The type that the text says a metric has; None where it says none."""
    family = name.removesuffix("_total")
    found = re.search(rf"^# TYPE (?:{re.escape(name)}|{re.escape(family)}) ([a-z]+)[ \t]*$", text, re.MULTILINE)
    return found and found[1]


def _check_whole(text: str, kind: str) -> None:
    if not text.strip():
        raise MeterError("the exposition is empty")
    if foreign := _FOREIGN.search(text):
        raise MeterError(f"the answer is no exposition: {shortened(foreign[0])}")
    if not text.endswith("\n") and kind != OPEN_METRICS:
        raise MeterError("the exposition is cut off: its last line has no end")
    if kind == OPEN_METRICS and text.rstrip("\n").rpartition("\n")[2] != "# EOF":
        raise MeterError("the exposition is cut off: it does not end with # EOF")


def _number(name: str, digits: str) -> float:
    """What the digits say; Python alone would also take those of other scripts, and underscores."""
    if not _NUMBER.fullmatch(digits) or (number := float(digits)) == inf:
        raise MeterError(f"{name} is {printable(digits[:80])}, and no number from 0 on")
    return number


def _labels(pairs: str) -> Mapping[str, str]:
    return _kept(pairs) if len(pairs) < _LONG else _read(pairs)


@lru_cache(maxsize=10_000)  # they are the same every time
def _kept(pairs: str) -> Mapping[str, str]:
    return _read(pairs)


def _read(pairs: str) -> Mapping[str, str]:
    labels: dict[str, str] = {}
    at = 0
    while at < len(pairs):
        found = _PAIR.match(pairs, at)
        if found is None or found[1] in labels:
            raise MeterError(f'labels are not name="value", once each: {shortened(pairs)}')
        labels[found[1]] = _unescaped(found[2]) if "\\" in found[2] else found[2]
        at = found.end()
    return labels


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda found: "\n" if found[1] == "n" else found[1], text)


def whole(line: Line) -> int:
    """A line's number, as one of things.

    Raises:
        MeterError: it is none.
    """
    if line.number >= _LARGEST or line.number != int(line.number):
        raise MeterError(f"{line.name} is {line.number!r}, and not a whole number of things")
    return int(line.number)


def edge_of(line: Line) -> float:
    """The upper edge of a bucket, as its label has it.

    Raises:
        MeterError: it has none.
    """
    found = line.labels.get("le", "")
    if not _EDGE.fullmatch(found):
        raise MeterError(f"a bucket of {line.name} has no edge: le is {printable(found[:80])!r}")
    return float(found)


def alone(name: str, below: Mapping[float, int]) -> Iterable[tuple[float, int]]:
    """What is in each bucket of one histogram alone, by its edge; ``below`` has what is in it and all before.

    Raises:
        MeterError: there is no infinite edge, or fewer are below a higher edge.
    """
    edges = sorted(below)
    if edges[-1] != inf:
        raise MeterError(f"a histogram of {name} has no bucket for +Inf: a part of it is missing")
    counts = [(edges[0], below[edges[0]]), *((high, below[high] - below[low]) for low, high in pairwise(edges))]
    if min(count for _, count in counts) < 0:
        raise MeterError(f"a histogram of {name} has fewer below a higher edge")
    return counts
