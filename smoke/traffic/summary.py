"""What became of the requests to one target, counted."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any, Self

_RATIO = 1.02
_SMALLEST = 0.001
"""Upper edge of the first bucket, in milliseconds."""


class Loss(StrEnum):
    """Why a request has no whole answer."""

    REFUSED = "refused"
    """Nobody takes connections there."""
    UNREACHABLE = "unreachable"
    """A connection could not be made for another reason of the way or the other side."""
    OURS = "no connection for want of ports, files or memory here"
    """The generator's own side had nothing left to make a connection with."""
    NOT_CONNECTED = "no connection in time"
    """The limit of time came before the connection."""
    LATE = "no whole answer in time"
    """The limit of time came after the request was sent."""
    CLOSED = "closed without an answer"
    """The connection, made for this request, ended properly before any byte of an answer."""
    CLOSED_KEPT = "closed without an answer, on a kept connection"
    """The same where the connection had served others before. Never sent again: it may have been seen."""
    RESET = "reset without an answer"
    """The connection, made for this request, was cut before any byte of an answer."""
    RESET_KEPT = "reset without an answer, on a kept connection"
    """The same where the connection had served others before. Never sent again: it may have been seen."""
    HALF = "half an answer"
    """The connection ended or was cut in the middle of the answer."""
    GARBAGE = "not an HTTP answer"
    """What came is none; the reason goes on with what is wrong with it."""
    CROWDED = "too many outstanding"
    """Never sent: as many requests as may wait for an answer did."""
    UNSENT = "not sent before the end"
    """Never sent: the generator was too slow, or was ended at once."""
    GIVEN_UP = "given up at the end"
    """The generator was ended at once, and did not wait for the answer."""


class Histogram:
    """Counts milliseconds in buckets whose edges have a ratio of 1.02."""

    __slots__ = ("_buckets", "_count", "max")

    def __init__(self) -> None:
        self._buckets: Counter[int] = Counter()
        self._count = 0
        self.max: float | None = None

    def add(self, value: float) -> None:
        """Count one value in milliseconds; one below a microsecond counts as a microsecond."""
        bucket = math.ceil(math.log(value / _SMALLEST, _RATIO)) if value > _SMALLEST else 0
        self._buckets[bucket] += 1
        self._count += 1
        if self.max is None or value > self.max:
            self.max = value

    def quantile(self, share: float) -> float | None:
        """The least value that ``share`` of all do not exceed, never too low and at most 2 % too high; None without values."""
        if self.max is None:
            return None
        rank, seen = math.ceil(share * self._count), 0
        for bucket in sorted(self._buckets):
            seen += self._buckets[bucket]
            if seen >= rank:
                return min(_SMALLEST * _RATIO**bucket, self.max)
        return self.max


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of the requests to one target. ``offered`` is ``answered`` and all that were lost, together."""

    offered: int
    """Requests that were due."""
    sent: int
    """Requests that were started: all that were due but CROWDED and UNSENT ones."""
    answered: int
    """Requests that have a whole answer, whatever its status."""
    statuses: Mapping[int, int]
    """Answers by status."""
    versions: Mapping[str, int]
    """Answers by the version they showed; those that showed none are missing here."""
    lost: Mapping[str, int]
    """Requests that have no whole answer, by reason: a ``Loss``, and for garbage what is wrong with it."""
    lost_when: tuple[tuple[int, int, int], ...]
    """When the lost ones were due: first and last second since the start, and how many; one span for each run of seconds."""
    lag_p99_ms: float | None
    """99 % of the requests were started at most that long after they were due; None where none was."""
    lag_max_ms: float | None
    """The longest of these: where it is long, the generator itself stood still, and so did the machine perhaps."""
    latency_p50_ms: float | None
    """From when a request was due until its answer was whole; None where nothing was answered. The same for the others."""
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    latency_max_ms: float | None

    def to_json(self) -> Mapping[str, Any]:
        """The form that the generator prints; ``from_json`` reads it back to an equal value."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        statuses = {int(status): count for status, count in document["statuses"].items()}
        spans = tuple((first, last, count) for first, last, count in document["lost_when"])
        return cls(**{**document, "statuses": statuses, "lost_when": spans})


class Tally:
    """Counts what becomes of the requests to one target, while they run."""

    def __init__(self) -> None:
        self.sent = 0
        self._answered = 0
        self._statuses: Counter[int] = Counter()
        self._versions: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._lost_in: Counter[int] = Counter()
        self._lag = Histogram()
        self._latency = Histogram()

    def start(self, lag: float) -> None:
        """A request was started, ``lag`` milliseconds after it was due."""
        self.sent += 1
        self._lag.add(lag)

    def answer(self, status: int, version: str | None, latency: float) -> None:
        """A request was answered, ``latency`` milliseconds after it was due."""
        self._answered += 1
        self._statuses[status] += 1
        if version is not None:
            self._versions[version] += 1
        self._latency.add(latency)

    def lose(self, reason: str, due: float) -> None:
        """A request that was due so many seconds after the start has no whole answer, and will get none."""
        self._lost[reason] += 1
        self._lost_in[int(due)] += 1

    @property
    def ended(self) -> int:
        """Requests that became something."""
        return self._answered + self._lost.total()

    def summary(self) -> Summary:
        """Once every request that was due became something."""
        return Summary(
            offered=self.ended,
            sent=self.sent,
            answered=self._answered,
            statuses=dict(sorted(self._statuses.items())),
            versions=dict(sorted(self._versions.items())),
            lost=dict(sorted(self._lost.items())),
            lost_when=tuple(_spans(sorted(self._lost_in.items()))),
            lag_p99_ms=_rounded(self._lag.quantile(0.99)),
            lag_max_ms=_rounded(self._lag.max),
            latency_p50_ms=_rounded(self._latency.quantile(0.50)),
            latency_p95_ms=_rounded(self._latency.quantile(0.95)),
            latency_p99_ms=_rounded(self._latency.quantile(0.99)),
            latency_max_ms=_rounded(self._latency.max),
        )


def _spans(seconds: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int, int]]:
    """Runs of seconds that follow each other, of counts by second."""
    for _, run in groupby(enumerate(seconds), lambda each: each[1][0] - each[0]):
        found = [each for _, each in run]
        yield found[0][0], found[-1][0], sum(count for _, count in found)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
