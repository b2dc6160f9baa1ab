"""What every form of a report tells: the events in words, the last look at each step, and its numbers as texts."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from smoke.rollout import Cleared, Event, Looked, Rollout, Settled, Shifted, apply, sentence

WEIGHED = ("step", "service", "gate", "verdict", "n", "n live", "estimate", "interval", "allowed", "E", "threshold")
"""Of each gate, what it decided on."""
COUNTED = ("step", "service", "slot", "requests", "errors", "p95 ms", "watched s", "verdict")
"""Of each slot, what was counted."""
EVIDENCE = (
    "E is the evidence: for a FAIL against the candidate, over the whole rollout; else that it keeps within what is allowed."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An event, and the rollout that it led to."""

    event: Event
    rollout: Rollout

    @property
    def told(self) -> str:
        """The event in a sentence."""
        return sentence(self.event, self.rollout)


def entries(events: Sequence[Event]) -> Sequence[Entry]:
    """Every event, looks too, each with the rollout that it led to.

    Raises:
        ValueError: there are none.
        IllegalEvent: they tell no rollout.
    """
    found: list[Entry] = []
    rollout: Rollout | None = None
    for event in events:
        rollout = apply(rollout, event)
        found.append(Entry(event, rollout))
    if not found:
        raise ValueError("a rollout without events")
    return found


def happened(told: Sequence[Entry]) -> Sequence[Entry]:
    """What happened, without what was only seen."""
    return [entry for entry in told if not isinstance(entry.event, Looked)]


def shares(told: Sequence[Entry]) -> Sequence[tuple[float, int]]:
    """Percent of the candidate, each from the moment on at which it was read back."""
    read_back = [entry for entry in told if isinstance(entry.event, (Shifted, Settled, Cleared))]
    return [(told[0].event.at, 0), *((entry.event.at, entry.rollout.share) for entry in read_back)]


def last_looks(told: Sequence[Entry]) -> Iterator[tuple[Rollout, Looked]]:
    """The looks that something was decided on: the last one at each step."""
    following = [*(entry.event for entry in told[1:]), None]
    for entry, after in zip(told, following, strict=True):
        if isinstance(entry.event, Looked) and not isinstance(after, Looked):
            yield entry.rollout, entry.event


def counted(rollout: Rollout, look: Looked) -> Sequence[Sequence[str]]:
    """A row of ``COUNTED`` for each slot of each service."""
    return [
        (
            f"{rollout.share} %",
            service,
            slot,
            f"{seen['requests']}",
            f"{seen['errors']}",
            f"{seen['p95_ms']:g}",
            f"{look.watched:.1f}",
            look.verdict,
        )
        for service, slots in look.counts.items()
        for slot, seen in slots.items()
    ]


def weighed(rollout: Rollout, look: Looked, *, whole: bool = False) -> Sequence[Sequence[str]]:
    """A row of ``WEIGHED`` for each gate that counts; where ``whole``, counts have all of their digits."""
    return [(f"{rollout.share} %", *_weighed(numbers, whole=whole)) for numbers in look.numbers]


def _weighed(numbers: Mapping[str, Any], *, whole: bool) -> Sequence[str]:
    low, high = (_number(numbers.get(side)) for side in ("low", "high"))
    interval = f"{low} to {high or 'any'}" if low else ""
    counts = [numbers.get(name) for name in ("n", "n_live")]
    plain = [f"{each:,.0f}" if whole and each is not None else _number(each) for each in counts]
    limits = (_number(numbers.get(name)) for name in ("limit", "evidence", "threshold"))
    ours = (numbers["service"], numbers["gate"], numbers["verdict"])
    return [*ours, *plain, _number(numbers.get("estimate")), interval, *limits]


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4g}"


def steps(rollout: Rollout) -> str:
    """The plan's steps in a line."""
    return ", ".join("hand-over" if step.singletons else f"{step.share} %" for step in rollout.plan.steps)


def date(at: float) -> str:
    """Day and time by the clocks here."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at)) + f".{int(at * 1000) % 1000:03d}"


def zone(at: float) -> str:
    """How far the clocks here are from those of Greenwich, as ``+0100``: a report is read elsewhere too."""
    return time.strftime("%z", time.localtime(at))
