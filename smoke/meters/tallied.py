"""Numbers of a user's own, asked for slot by slot: what every source of them has in common.

A source gives ``bad`` and ``all``, cumulative since whenever. With a limit ``above`` in the settings it gives one ``value``: each
read is one observation, bad when the value is above the limit. What is no number is refused, and never read as zero.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from infra.contract import Json
from smoke.errors import MeterError
from smoke.foreign import shortened
from smoke.model import Counts, Sample
from smoke.settings import Kind, check, is_seconds

SLOT = "{slot}"
"""What stands for the slot's name in whatever a source is asked."""

_LARGEST = 2**63
"""Nothing is counted as far."""

Ask = Callable[[str, float], Mapping[str, Json]]
"""The figures of a slot by their names, asked for within so many seconds; or a ``MeterError`` that need not name the slot."""


def is_texts(value: Json) -> bool:
    """A list of texts, of at least one."""
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(each, str) for each in value)


def is_number(value: Json) -> bool:
    """A number that can be counted with; true is none, and neither are infinity and what is not a number."""
    return type(value) in {int, float} and abs(value) < float("inf")


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked for, and how."""

    slots: Sequence[str]
    timeout: float
    """Seconds that a read may take, over all slots."""
    above: float | None
    """Where the source has one value a read: the limit that a good one is not above."""

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of what the source must say. The bad ones are asked for first: what happens meanwhile is not bad yet."""
        return ("bad", "all") if self.above is None else ("value",)


def asked(kind: str, given: Mapping[str, Json], own: Mapping[str, Kind], hint: str) -> Asked:
    """What every such meter is told, once its settings are whole; ``own`` are those that only this kind has, and needs.

    Raises:
        UsageError: one is missing, unknown or of the wrong kind.
    """
    needed = {"slots": is_texts, "timeout": is_seconds, **own}
    check(f"meter {kind}", given, needed, {"above": is_number}, f"it has: slots, timeout (seconds), above (a number), {hint}")
    return Asked(given["slots"], given["timeout"], given.get("above"))


@dataclass(frozen=True, slots=True)
class Tally:
    """What was counted of one slot."""

    counts: Counts
    said: Counts | None = None
    """As the source itself said at the last read; None where it does not count by itself."""

    def with_value(self, *, bad: bool) -> "Tally":
        """One observation more."""
        return Tally(Counts(self.counts.requests + 1, self.counts.errors + bad))

    def with_counts(self, said: Counts) -> "Tally":
        """What the source counted since the last read is added.

        A number that went down is that of a source that began anew, or forgot: nobody knows what came between. It is not
        counted for or against, and the next read is compared with this one.
        """
        if self.said is None:
            return Tally(said, said)
        requests, errors = said.requests - self.said.requests, said.errors - self.said.errors
        if min(requests, errors) < 0:
            return replace(self, said=said)
        total = self.counts.requests + requests
        # After a new beginning, what turns out bad may have been counted before it.
        return Tally(Counts(total, min(total, self.counts.errors + errors)), said)


class Tallied:
    """A meter that asks a source for one slot after the other."""

    def __init__(self, settings: Asked, ask: Ask) -> None:
        self._asked = settings
        self._ask = ask
        self._tallies: Mapping[str, Tally] = {}

    def read(self) -> Sample:
        """All slots' counts, or none: half of a comparison is no comparison."""
        at = time.monotonic()
        self._tallies = {slot: self._tally(slot, at + self._asked.timeout) for slot in self._asked.slots}
        return Sample(at, {slot: tally.counts for slot, tally in self._tallies.items()})

    def _tally(self, slot: str, deadline: float) -> Tally:
        known, left = self._tallies.get(slot, Tally(Counts())), deadline - time.monotonic()
        if left <= 0:
            raise MeterError(f"{slot}: not asked, the others took all of {self._asked.timeout:g} s")
        try:
            figures = self._ask(slot, left)
            if self._asked.above is not None:
                return known.with_value(bad=number("value", figures) > self._asked.above)
            return known.with_counts(counts(figures))
        except MeterError as error:
            raise replace(error, what=f"{slot}: {error.what}") from error


def counts(figures: Mapping[str, Json]) -> Counts:
    """Whole numbers, no more bad ones than all.

    Raises:
        MeterError: they are not.
    """
    bad, total = whole("bad", figures), whole("all", figures)
    if bad > total:
        raise MeterError(f"{bad} are bad, and all are only {total}")
    return Counts(total, bad)


def whole(name: str, figures: Mapping[str, Json]) -> int:
    """A number of things.

    Raises:
        MeterError: it is none.
    """
    found = number(name, figures)
    if not 0 <= found < _LARGEST or found != int(found):
        raise MeterError(f"{name} is {repr(found)[:80]}, and not a whole number from 0 on")
    return int(found)


def number(name: str, figures: Mapping[str, Json]) -> float:
    """A number that can be counted with.

    Raises:
        MeterError: it is missing, or none.
    """
    if name not in figures:
        raise MeterError(f"{name} is missing", cause=f"it says {shortened(', '.join(figures)) or 'nothing'}")
    found: float = figures[name]
    if not is_number(found):
        raise MeterError(f"{name} is {repr(found)[:80]}, and no number")
    return found
