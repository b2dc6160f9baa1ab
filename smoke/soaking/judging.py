"""The verdict of a soak."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from smoke.evidence import Outcome
from smoke.soaking.looks import Look, spans
from smoke.soaking.trend import Trend, trend

HOUR, DAY = 3600.0, 86_400.0
_BLOCKS = 48
"""Into how many blocks the wanted time is cut, for the trend of memory."""
_FEWEST = 1000
"""Requests below which a share of failed ones says nothing."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a soak has to show."""

    seconds: float
    """How long it has to be well and under load."""
    every: float = 60.0
    """Seconds between two looks."""
    errors: float = 0.01
    """Share of requests that may fail."""
    uptime: float = 0.999
    """Share of the watched time in which every probe has to be well."""
    memory: Mapping[str, float] = field(default_factory=dict)
    """Megabytes that a service may hold, by its name; without one twice of what it held at last."""
    loaded: bool = True
    """Whether time without users is none."""
    horizon: float = 7 * DAY
    """A growth that reaches what may be held within so many seconds is too much."""


@dataclass(frozen=True, slots=True)
class Soak:
    """What a soak has shown so far."""

    outcome: Outcome
    why: str
    counted: float
    """Seconds that count."""
    watched: float
    """Seconds that were watched."""
    up: float
    """Share of them in which every probe was well."""
    requests: int
    errors: int
    restarts: int
    lines: tuple[str, ...] = ()
    """What else people should know."""


def judged(looks: Sequence[Look], wanted: Wanted) -> Soak:
    """What these looks show, oldest first."""
    watched = [*spans(looks, wanted.every)]
    seconds = sum(each.seconds for each in watched)
    down = sum(each.seconds for each in watched if each.look.bad)
    counted = sum(each.seconds for each in watched if not each.look.bad and (each.look.requests or not wanted.loaded))
    requests, errors = (sum(getattr(each.look, name) for each in watched) for name in ("requests", "errors"))
    failures, notes = _memory(looks, wanted)
    restarts = _restarts(looks)
    if down > (1 - wanted.uptime) * max(wanted.seconds, seconds):
        bad = next(each.look.bad[0] for each in watched if each.look.bad)
        failures = [f"not well for {down:.0f} s of {seconds / HOUR:.1f} h, first: {bad}", *failures]
    if requests >= _FEWEST and errors > wanted.errors * requests:
        failures = [f"{errors} of {requests} requests failed, {wanted.errors:.2%} may", *failures]
    outcome, why = _said(failures, counted, wanted, restarts)
    up = 1 - down / seconds if seconds else 0.0
    return Soak(outcome, why, counted, seconds, up, requests, errors, len(restarts), (*restarts, *notes))


def _said(failures: Sequence[str], counted: float, wanted: Wanted, restarts: Sequence[str]) -> tuple[Outcome, str]:
    hours = f"{counted / HOUR:.1f}" if wanted.seconds >= HOUR else f"{counted / HOUR:.2g}"
    told = f"{hours} of {wanted.seconds / HOUR:g} h, well" + (" and under load" if wanted.loaded else "")
    if restarts:
        failures = [*failures, f"a process began anew: {restarts[0]}"]
    if failures:
        return Outcome.FAIL, "; ".join(failures)
    if counted == 0:
        return Outcome.UNMEASURED, f"{told}: nothing counts {'without requests of users' if wanted.loaded else 'yet'}"
    return (Outcome.PASS if counted >= wanted.seconds else Outcome.UNDECIDED), told


def _restarts(looks: Sequence[Look]) -> list[str]:
    """Processes of the live slot that are not the ones of the look before."""
    found = []
    for before, look in pairwise(looks):
        for name, instance in look.instances.items():
            if name.startswith(f"{look.live}/") and before.instances.get(name, instance) != instance:
                found.append(f"{name} at {look.at:.0f}")
    return found


def _memory(looks: Sequence[Look], wanted: Wanted) -> tuple[list[str], list[str]]:
    """What grows too much, and what else is to be told of memory."""
    failures, notes = [], []
    for name in sorted({name for look in looks for name in look.memory if name.startswith(f"{look.live}/")}):
        found = _trend(looks, name, wanted)
        if found is None:
            notes.append(f"{name}: too short to say whether memory grows")
            continue
        service = name.partition("/")[2]
        limit = wanted.memory.get(service, 2 * found.last)
        until = found.until(limit)
        told = f"{name}: {found.slope * HOUR:+.2f} MB an hour ({found.low * HOUR:+.2f} to {found.high * HOUR:+.2f})"
        if until is None or until[0] > wanted.horizon:
            notes.append(told + (", which comes to rest" if found.rests else ", one step" if found.stepped else ""))
            continue
        told += f", reaches {limit:.0f} MB in {until[0] / DAY:.1f} days ({until[1] / DAY:.1f} to {until[2] / DAY:.1f})"
        beside = _control(looks, name, found, wanted)
        if beside:
            notes.append(f"{told}; {beside}")
        else:
            failures.append(told)
    return failures, notes


def _control(looks: Sequence[Look], name: str, found: Trend, wanted: Wanted) -> str:
    """Why a growth is not this release's: the other slot, under load too, grows as much. Empty: it is."""
    slot, _, service = name.partition("/")
    for other in sorted({each for look in looks for each in look.loads} - {slot}):
        beside = _trend(looks, f"{other}/{service}", wanted)
        loaded = sum(look.loads.get(other, 0) > 0 for look in looks) > len(looks) / 2
        if loaded and beside is not None and beside.rises and beside.high >= found.slope:
            return (
                f"so does {other}/{service}: {beside.slope * HOUR:+.2f} MB an hour, so that this is not of the new release alone"
            )
    return ""


def _trend(looks: Sequence[Look], name: str, wanted: Wanted) -> Trend | None:
    """Of one process: what began anew begins a series anew."""
    points: list[tuple[float, float]] = []
    instance = None
    for look in looks:
        if look.instances.get(name, instance) != instance:
            points, instance = [], look.instances.get(name)
        if name in look.memory:
            points.append((look.at, look.memory[name]))
    return trend(points, max(wanted.seconds / _BLOCKS, 3 * wanted.every)) if points else None
