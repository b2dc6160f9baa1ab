"""The local proxy's own counters, in one question a read.

What the proxy (1.40) counts for a cluster with our route document, found out by asking the real one:

===============================================  ==========================  ===============  ==============
what becomes of a request                        code that is counted        protocol_error   upstream_rq_time
===============================================  ==========================  ===============  ==============
answered whole, also after retries               its own, once                                yes
nobody listens, also after retries               503, once                                    no
connection ends before the answer                503                                          no
what is answered is not HTTP                     502                         +1               no
connection ends in the middle of the answer      its own, with its headers   +1               no
client leaves before the answer                  none                                         no
client leaves in the middle of the answer        its own, with its headers                    no
a websocket is opened                            101, at the handshake                        no
``100 Continue``, ``103 Early Hints``            beside that of the answer                    once, the answer
more bytes than the answer should have           its own                     +1               yes
===============================================  ==========================  ===============  ==============

A websocket counts as a request whose handshake was answered, just as one whose handshake was refused does. The socket itself
is a request that is not finished: it adds nothing to the latency, and its end, from whichever side, is no error.

A request that went to its slot by name has its code counted once more, under the ``stat_prefix`` of its route. Those counters
live as long as the proxy does: they outlast the document, the routes and the slot's cluster.
"""

import json
import math
import re
import time
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Self, TypeVar
from urllib.parse import quote

from infra.contract import Json
from infra.contract.route import cluster
from smoke.admin import Unanswered, ask
from smoke.errors import MeterError
from smoke.model import Counts, Sample
from smoke.settings import check, is_seconds, is_text

# Two hyphens separate a service from its slot, so a slot has none in a row: "api" does not count what is of "api--two".
_SLOT = r"[^.-]+(?:-[^.-]+)*"
_TIME = "rq_time"
_CUT = "cx_destroy_remote_with_active_rq"
_BROKEN = "cx_protocol_error"
_NAMED = r"vhost\.[^.]+\.route\."
_CODES = r"rq_(?:101|[234]xx|5\d\d)"
_BAD_GATEWAY = "rq_502"
_SENT, _AGAIN = "rq_total", "rq_retry"
"""Requests that were sent, with those that were sent again; and how many of them were."""
_ROUNDING = 1e-9
_LARGEST = 2**63
"""No counter of a proxy comes to it."""
_BIN = re.compile(r"([\d.e+]+),([\d.e+]+):(\d+)")

_Number = TypeVar("_Number", int, float)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's counters."""

    service: str
    admin: str
    """Unix socket of the proxy's admin."""
    timeout: float = 2.0
    """Seconds that the proxy has to answer."""

    @classmethod
    def of(cls, settings: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        needed, hint = {"service": is_text, "admin": is_text}, "it has: service, admin (texts), timeout (seconds)"
        check("meter envoy", settings, needed, {"timeout": is_seconds}, hint)
        return cls(**settings)


@dataclass(frozen=True, slots=True)
class Tally:
    """What the proxy says of one slot."""

    counters: dict[str, int] = field(default_factory=dict)
    """By what follows ``upstream_`` in the name; one that is zero may be absent."""
    times: list[tuple[float, int]] = field(default_factory=list)
    """``(milliseconds that all of these were below, answers)``."""
    named: dict[str, int] = field(default_factory=dict)
    """As ``counters``, of the requests that went there by name: codes alone."""


@dataclass(frozen=True, slots=True)
class Losses:
    """Requests of one slot that were lost without a code of their own, or with the proxy's 502: counted from read to read."""

    counters: Mapping[str, int] = field(default_factory=dict)
    """As they were at the last read."""
    total: int = 0

    def after(self, counters: Mapping[str, int]) -> "Losses":
        """The losses one read later; begun anew where the counters were.

        An answer that was cut short breaks the protocol, and it is the other side that ends the connection; where bytes are
        too many, it is the proxy. What broke before it became an answer is a 502 of the proxy as well: the larger of the two
        numbers has them all, and none twice. It has too few where, between two reads, cut answers meet 502s of the service's
        own; a look at the totals would have them hidden by every 502 that there ever was.
        """
        before = Losses() if any(counters.get(name, 0) < count for name, count in self.counters.items()) else self
        bad_gateway, broken, cut = (
            counters.get(name, 0) - before.counters.get(name, 0) for name in (_BAD_GATEWAY, _BROKEN, _CUT)
        )
        return Losses(counters, before.total + max(bad_gateway, min(broken, cut)))


class EnvoyMeter:
    """Reads what one proxy counted for one service."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = Settings.of(settings)
        self._prefix = cluster(self._settings.service, "")
        self._grid: Sequence[float] = ()
        """The proxy's own edges, kept from when it first measured anything: they must be the same at every read."""
        self._losses: Mapping[str, Losses] = {}
        """By slot."""

    def read(self) -> Sample:
        """What was counted since the proxy was started; the latency is that of the question before.

        The proxy gathers its histograms when it is asked, and answers with what it had gathered until then.
        """
        try:
            # Until there is a grid, to ask for it also makes the proxy gather: the first latency is not from long ago.
            self._grid = self._grid or grid_in(self._ask("histogram_buckets=cumulative&format=json", _TIME))
            counters = f"(?:{_CODES}|{_TIME}|{_SENT}|{_AGAIN}|{_BROKEN}|{_CUT})"
            text = self._ask("histogram_buckets=detailed", counters, named=_CODES)
            # Taken after: a proxy that is busy goes on counting until it answers.
            at = time.monotonic()
            tallies = tallies_in(text, self._prefix)
        except Unanswered as error:
            what = f"{self._settings.service}: the proxy does not say what it counted"
            raise MeterError(what, cause=str(error)) from error
        self._losses = {slot: self._losses.get(slot, Losses()).after(tally.counters) for slot, tally in tallies.items()}
        return Sample(at, {slot: self._counts(tally, self._losses[slot]) for slot, tally in tallies.items()})

    def _counts(self, tally: Tally, losses: Losses) -> Counts:
        codes = {name: count for name, count in tally.counters.items() if name.startswith("rq_") and name not in {_SENT, _AGAIN}}
        requests = sum(codes.values())
        errors = losses.total + sum(count for name, count in codes.items() if name.startswith("rq_5") and name != _BAD_GATEWAY)
        latency = on_grid(tally.times, self._grid) if self._grid and tally.times else ()
        # What found nobody to be sent to has a code all the same.
        begun = max(requests, tally.counters.get(_SENT, 0) - tally.counters.get(_AGAIN, 0))
        # A 5xx that is itself cut short is counted in two ways.
        return Counts(requests, min(errors, requests), latency, sum(tally.named.values()), begun)

    def _ask(self, form: str, counters: str, named: str = "") -> str:
        """Counters of the service's slots, and of the routes by name, in this form."""
        slot = rf"{re.escape(self._prefix)}{_SLOT}\.upstream_"
        pattern = rf"^cluster\.{slot}{counters}$" + (rf"|^{_NAMED}{slot}{named}$" if named else "")
        query = f"/stats?usedonly&{form}&filter={quote(pattern, safe='')}"
        return ask(self._settings.admin, query, limit=self._settings.timeout)


def tallies_in(text: str, prefix: str) -> dict[str, Tally]:
    """What the admin's text form says, by slot; ``prefix`` is what the names of the service's clusters begin with.

    Raises:
        Unanswered: a part of it is of another form.
    """
    name = re.compile(rf"(cluster\.|{_NAMED}){re.escape(prefix)}({_SLOT})\.upstream_(\w+): ?(\d*)")
    tallies: dict[str, Tally] = {}
    times: list[tuple[float, int]] | None = None
    for line in text.splitlines():
        if found := name.fullmatch(line):
            kind, slot, counter, value = found.groups()
            tally = tallies.setdefault(slot, Tally())
            counters = tally.counters if kind == "cluster." else tally.named
            times = tally.times if (kind, counter) == ("cluster.", _TIME) else None
            if times is None:
                counters[counter] = _number(value, int)
        elif times is not None and line.startswith("  totals="):
            times += _times(line.removeprefix("  totals="))
        elif times is None or not line.startswith(("  intervals=", "  summary=")):
            raise Unanswered(f"{line[:80]!r} is not a counter of {prefix}")
    return tallies


def _number(digits: str, kind: type[_Number]) -> _Number:
    try:
        found = kind(digits)
    except ValueError as error:
        raise Unanswered(f"{digits[:80]!r} is not a number") from error
    if found >= _LARGEST:
        raise Unanswered(f"{digits[:80]!r} is too large a number")
    return found


def _times(bins: str) -> Iterator[tuple[float, int]]:
    """The proxy's own bins, two digits wide, each with the edge that everything in it was below."""
    for each in bins.split(", ") if bins else ():
        found = _BIN.fullmatch(each)
        if found is None:
            raise Unanswered(f"{each[:80]!r} is not a part of a histogram")
        # It measures in whole milliseconds, rounded down: what is in the bin of 5 took less than 6.
        yield _number(found[1], float) + max(_number(found[2], float), 1.0), _number(found[3], int)


def grid_in(text: str) -> Sequence[float]:
    """The edges of the proxy's histogram, in milliseconds, as its own bins have them; empty where it has none.

    It counts whole milliseconds into bins of two digits, whatever edges it was given. Between two edges within one bin nothing
    can be told apart, so that each stands for the nearest one below it that a bin has.

    Raises:
        Unanswered: it is not an answer in the admin's JSON form.
    """
    try:
        histograms = [each for entry in json.loads(text)["stats"] for each in entry.get("histograms", [])]
        edges = {float(bucket["upper_bound"]) for each in histograms for bucket in each["buckets"]}
    except (ValueError, OverflowError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise Unanswered(f"it has no histogram: {error!r}") from error
    return sorted({_of_a_bin(edge) for edge in edges if math.isfinite(edge) and edge >= 1.0})


def _of_a_bin(edge: float) -> float:
    width = 10.0 ** max(math.floor(math.log10(edge)) - 1, 0)
    return math.floor(edge / width + _ROUNDING) * width


def on_grid(times: Sequence[tuple[float, int]], grid: Sequence[float]) -> tuple[tuple[float, int], ...]:
    """Cumulative: each answer is counted from the first edge on that it was surely not above."""
    buckets = [0] * (len(grid) + 1)
    for below, count in times:
        buckets[bisect_left(grid, below)] += count
    return tuple(zip([*grid, math.inf], accumulate(buckets), strict=True))
