"""Counters that a gateway shows as text, in Prometheus' format: asked for directly, with no Prometheus between.

A gateway may have several replicas, each with counters of its own: all of them must answer, for half a count is none.
"""

import re
import time
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from infra.contract import Json
from smoke.errors import MeterError, UsageError
from smoke.foreign import shortened
from smoke.meters.cumulative import Part, Running, Series, Shown, summed
from smoke.meters.exposition import LABEL, NAME, OPEN_METRICS, Line, alone, declared, edge_of, lines_in, whole
from smoke.meters.scrape import Answer, Scraper
from smoke.meters.tallied import is_texts
from smoke.model import Sample
from smoke.settings import check, is_seconds, is_text

# OpenMetrics only from who has nothing else: it may give the same counter another name.
_ACCEPT = f"text/plain;version=0.0.4,{OPEN_METRICS};version=1.0.0;q=0.5"
_TYPES = {"", "text/plain", OPEN_METRICS}
_STARTED = "process_start_time_seconds"
_ANY = {None, "untyped", "unknown"}
_MILLISECONDS = {"seconds": 1000.0, "milliseconds": 1.0}
_DIGITS = 6
"""Of a thousandth of a millisecond; more are those of binary fractions."""

Labels = Mapping[str, re.Pattern[str]]
"""What each of these labels must be, whole; one that a series has not is empty."""


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and bool(NAME.fullmatch(value))


def _is_addresses(value: Json) -> bool:
    return is_text(value) or (is_texts(value) and all(value) and len(set(value)) == len(value))


def _is_labels(value: Json) -> bool:
    if not isinstance(value, Mapping) or not value or not all(LABEL.fullmatch(str(name)) for name in value):
        return False
    try:
        return all(isinstance(each, str) and bool(re.compile(each)) for each in value.values())
    except re.error:
        return False


def _is_slots(value: Json) -> bool:
    return isinstance(value, Mapping) and bool(value) and all(_is_labels(each) for each in value.values())


_NEEDED = {"url": _is_addresses, "requests": _is_name, "slots": _is_slots, "bad": _is_labels}
_OPTIONAL = {
    "named": _is_slots,
    "latency": _is_name,
    "latency_in": lambda value: isinstance(value, str) and value in _MILLISECONDS,
    "timeout": is_seconds,
    "max_age": is_seconds,
}
_HINT = (
    "it has: url (or a list of them), requests (a counter's name), slots and named ({slot: {label: expression}}), "
    "bad ({label: expression}), latency (a histogram's name), latency_in (seconds, milliseconds), timeout and max_age (seconds)"
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the contract says of one service's counters."""

    urls: Sequence[str]
    """One for each replica of the gateway."""
    requests: str
    slots: Mapping[str, Labels]
    named: Mapping[str, Labels]
    """Of a slot's series those of requests that went there by name, whatever the weights: a session's cookie."""
    bad: Labels
    buckets: str | None
    """Name of the histogram's buckets, or None: it is not measured."""
    scale: float
    """Milliseconds in the unit of their edges."""
    timeout: float
    """Seconds that a read may take, over all urls."""
    max_age: float
    """Seconds that a number may be old, where the text says when it was so."""

    @classmethod
    def of(cls, given: Mapping[str, Json]) -> Self:
        """Read them.

        Raises:
            UsageError: one is missing, unknown or of the wrong kind.
        """
        check("meter prometheus-text", given, _NEEDED, _OPTIONAL, _HINT)
        urls = [given["url"]] if isinstance(given["url"], str) else list(given["url"])
        slots, named = ({slot: _compiled(labels) for slot, labels in given.get(key, {}).items()} for key in ("slots", "named"))
        if left := sorted(named.keys() - slots.keys()):
            raise UsageError(f"meter prometheus-text: named has slot {', '.join(left)}, and slots has not")
        buckets = f"{given['latency']}_bucket" if "latency" in given else None
        scale = _MILLISECONDS[given.get("latency_in", "seconds")]
        times = given.get("timeout", 2.0), given.get("max_age", 60.0)
        return cls(urls, given["requests"], slots, named, _compiled(given["bad"]), buckets, scale, *times)

    def slot_of(self, line: Line) -> str | None:
        """The slot that a series is of; None: of none.

        Raises:
            MeterError: it is of several.
        """
        found = [slot for slot, wanted in self.slots.items() if _match(wanted, line.labels)]
        if len(found) > 1:
            told = f"{line.name} of {dict(line.labels)}"
            raise MeterError(f"one series is of several slots: {', '.join(found)}", cause=told, hint="mend slots: none in common")
        return found[0] if found else None


def _compiled(labels: Mapping[str, str]) -> Labels:
    return {name: re.compile(each) for name, each in labels.items()}


def _match(wanted: Labels, labels: Mapping[str, str]) -> bool:
    return all(each.fullmatch(labels.get(name, "")) for name, each in wanted.items())


class PrometheusText:
    """Adds up what every replica of a gateway counted for one service."""

    def __init__(self, settings: Mapping[str, Json]) -> None:
        self._settings = Settings.of(settings)
        self._scraper = Scraper(_ACCEPT)
        self._running = [Running() for _ in self._settings.urls]
        self._is_named = False
        """Whether anybody ever had a counter of that name."""

    def read(self) -> Sample:
        """What was counted since their counters began, or at least since the first read."""
        deadline = time.monotonic() + self._settings.timeout
        shown = [self._shown(url, deadline) for url in self._settings.urls]
        # Taken after: a gateway that is busy goes on counting until it answers.
        at = time.monotonic()
        others = [url for url, each, now in zip(self._settings.urls, self._running, shown, strict=True) if each.is_another(now)]
        self._running = [
            each.beside(now) if each.is_another(now) else each.after(now) for each, now in zip(self._running, shown, strict=True)
        ]
        self._check(others)
        return Sample(at, summed(each.totals for each in self._running))

    def _check(self, others: Sequence[str]) -> None:
        if others:
            hint = "give the address of each replica, not one that leads to any of them: url: [http://..., http://...]"
            raise MeterError("another process answers than before, and is no restart of it", cause=", ".join(others), hint=hint)
        self._is_named = self._is_named or any(each.last and each.last.is_named for each in self._running)
        if not self._is_named:
            urls, name = self._settings.urls, self._settings.requests
            hint = f"where nothing was served yet, one request will do; else look for its name: curl -s {urls[0]}"
            raise MeterError(f"there is no {name}", cause=", ".join(urls), hint=hint)
        if len({each.grid for each in self._running if each.grid}) > 1:
            raise MeterError(
                f"the replicas have different buckets of {self._settings.buckets}", cause=", ".join(self._settings.urls)
            )

    def _shown(self, url: str, deadline: float) -> Shown:
        try:
            return shown_in(self._scraper.ask(url, deadline), self._settings, time.monotonic())
        except MeterError as error:
            raise replace(error, cause=error.cause or url) from error


def shown_in(answer: Answer, settings: Settings, at: float) -> Shown:
    """What an endpoint says of our slots; ``at`` is when it did, in monotonic seconds.

    Raises:
        MeterError: it is no exposition, of another program, too old, or has a number that is none of things.
    """
    if answer.kind not in _TYPES:
        raise MeterError(f"the answer is {shortened(answer.kind)}, and no exposition")
    names = [settings.requests, _STARTED, *([settings.buckets] if settings.buckets else [])]
    lines: defaultdict[str | None, list[Line]] = defaultdict(list)
    for line in lines_in(answer.text, names, answer.kind):
        lines[line.name].append(line)
    requests, buckets = lines[settings.requests], lines[settings.buckets]
    _check_kinds(answer.text, settings, is_named=bool(requests), is_measured=bool(buckets) or not settings.buckets)
    counts, grid = _buckets(_ours(buckets, settings), settings)
    counts |= _requests(_ours(requests, settings), settings)
    # Several are those of several processes, whose counters somebody else has put together.
    started = lines[_STARTED][0].number if len(lines[_STARTED]) == 1 else None
    age = None if started is None or answer.date is None else answer.date - started
    return Shown(at, counts, grid, started, age, is_named=bool(requests))


def _check_kinds(text: str, settings: Settings, *, is_named: bool, is_measured: bool) -> None:
    program = settings.requests.partition("_")[0]
    if not is_named and not re.search(rf"^{program}_", text, re.MULTILINE):
        raise MeterError(f"there is no {settings.requests}, nor anything else of {program}")
    if is_named and not is_measured:
        raise MeterError(f"there is no {settings.buckets}, though there is {settings.requests}")
    if (kind := declared(text, settings.requests)) not in {*_ANY, "counter"}:
        raise MeterError(f"{settings.requests} is a {kind}, and no counter")
    if settings.buckets and (kind := declared(text, settings.buckets.removesuffix("_bucket"))) not in {*_ANY, "histogram"}:
        raise MeterError(f"{settings.buckets.removesuffix('_bucket')} is a {kind}, and no histogram")


def _ours(lines: Sequence[Line], settings: Settings) -> Iterator[tuple[str, Line]]:
    """Those that are of a slot, each with it."""
    oldest = time.time() - settings.max_age
    for line in lines:
        if (slot := settings.slot_of(line)) is None:
            continue
        if line.at is not None and line.at < oldest:
            raise MeterError(f"stale: {line.name} is older than {settings.max_age:g} s", cause=str(dict(line.labels)))
        yield slot, line


def _series(part: Part, labels: Mapping[str, str], settings: Settings) -> Series:
    life = tuple(labels.get(name, "") for name in settings.slots[part.slot])
    return Series(part, life, tuple(sorted(labels.items())))


def _requests(lines: Iterable[tuple[str, Line]], settings: Settings) -> dict[Series, int]:
    counts: dict[Series, int] = {}
    for slot, line in lines:
        named = slot in settings.named and _match(settings.named[slot], line.labels)
        series = _series(Part(slot, bad=_match(settings.bad, line.labels), named=named), line.labels, settings)
        if series in counts:
            raise MeterError(f"{line.name} is there twice with the same labels", cause=str(dict(line.labels)))
        counts[series] = whole(line)
    return counts


def _buckets(lines: Iterable[tuple[str, Line]], settings: Settings) -> tuple[dict[Series, int], tuple[float, ...]]:
    """What is in each bucket alone, and the edges, in milliseconds."""
    below: defaultdict[tuple[str, tuple[tuple[str, str], ...]], dict[float, int]] = defaultdict(dict)
    for slot, line in lines:
        labels = tuple(sorted((name, value) for name, value in line.labels.items() if name != "le"))
        edge = round(edge_of(line) * settings.scale, _DIGITS)
        if edge in below[slot, labels]:
            raise MeterError(f"{line.name} is there twice with the same labels", cause=str(dict(line.labels)))
        below[slot, labels][edge] = whole(line)
    grids = {tuple(sorted(histogram)) for histogram in below.values()}
    if len(grids) > 1:
        raise MeterError(f"{settings.buckets} has not the same edges everywhere: a part of it is missing")
    counts = {
        _series(Part(slot, edge=edge), dict(labels), settings): count
        for (slot, labels), histogram in below.items()
        for edge, count in alone(f"{settings.buckets}", histogram)
    }
    return counts, next(iter(grids), ())
