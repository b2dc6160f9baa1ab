"""What was counted between two recorded looks, tick by tick, and the readings of the meters as far as that tells them. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Self

from smoke.analysis.counts import Increment, Slice
from smoke.analysis.intake import SETTLES, Intake
from smoke.model import Counts, Sample
from smoke.rollout.events import Looked

Rows = Mapping[str, Sequence[Increment]]
"""By service: increments, oldest first."""
_NOTHING = Counts()


@dataclass(frozen=True, slots=True)
class Tally:
    """Requests and errors of a service since a step began; of latency its evidence knows all that the gates ask for."""

    seconds: float = 0.0
    live: Counts = _NOTHING
    candidate: Counts = _NOTHING
    early: tuple[Counts, Counts] | None = None
    """Of both slots, until the step's weights had come to rest; None before that."""

    def after(self, increment: Increment) -> Self:
        """One increment later."""
        live, candidate = _sum(self.live, increment.live), _sum(self.candidate, increment.candidate)
        seconds = self.seconds + increment.seconds
        return type(self)(seconds, live, candidate, self.early or ((live, candidate) if seconds >= SETTLES else None))

    def read(self, intake: Intake) -> Intake:
        """The intake as the meter's readings would have left it."""
        slots = (intake.live, intake.candidate)
        last = Sample(self.seconds, dict(zip(slots, (self.live, self.candidate), strict=True)))
        steady = None if self.early is None else Sample(SETTLES, dict(zip(slots, self.early, strict=True)))
        return replace(intake, first=Sample(0.0, {}), steady=steady, last=last)


def _sum(counts: Counts, part: Slice) -> Counts:
    return Counts(counts.requests + part.requests, counts.errors + part.errors)


def rows_of(looked: Looked, services: Collection[str]) -> Rows:
    """The increments that a look recorded of these services.

    Raises:
        ValueError: another version wrote them.
    """
    try:
        return {name: [*map(Increment.from_json, rows)] for name, rows in looked.rows.items() if name in services}
    except TypeError as error:
        raise ValueError(f"no increments: {error}") from error


def moments(rows: Rows, tick: float) -> list[tuple[float, Rows]]:
    """Rows between two looks tick by tick, oldest first, each tick with its seconds before the later look; that is the last one.

    A service's last increment is taken to have ended with that look; where a meter counts less often, that is late by up to its
    pause. What ended within half a tick was seen together.
    """
    ended = []
    for service, increments in rows.items():
        back = 0.0
        for increment in reversed(increments):
            ended.append((back, service, increment))
            back += increment.seconds
    found: list[tuple[float, dict[str, list[Increment]]]] = [(0.0, {})]
    for back, service, increment in sorted(ended, key=lambda each: each[0]):
        if back - found[-1][0] > tick / 2.0:
            found.append((back, {}))
        found[-1][1].setdefault(service, []).insert(0, increment)
    return [(back, each) for back, each in reversed(found)]
