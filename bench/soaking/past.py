"""What the journals tell: when which weights were in force, when sessions may have been moved, and what was handed over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

from smoke.journals import FileJournal
from smoke.rollout import Aborted, Cleared, Event, Failed, Opened, Phase, Rollout, Shifted, apply, from_record, replay

_STEADY = {Phase.BAKING, Phase.HELD}


@dataclass(frozen=True, slots=True)
class Window:
    """A time in which the weights of a step were in force: they had been read back, and nothing had begun to move on."""

    start: float
    """Seconds since 1970, as ``end``."""
    end: float
    candidate: str
    share: int
    """Percent of new sessions that the candidate gets."""


@dataclass(frozen=True, slots=True)
class Past:
    """One rollout, by its journal."""

    name: str
    events: tuple[Event, ...]

    @property
    def opened(self) -> Opened:
        """How it began."""
        first = self.events[0]
        assert isinstance(first, Opened)
        return first

    @property
    def now(self) -> Rollout:
        """Where it is."""
        rollout = replay(self.events)
        assert rollout is not None
        return rollout

    @property
    def until(self) -> float:
        """When it ended, in seconds since 1970; never, where it has not."""
        return self.events[-1].at if self.now.ended else inf

    def windows(self) -> Iterator[Window]:
        """When its steps were watched, or held."""
        rollout, since = None, None
        for event in self.events:
            share, rollout = (0 if rollout is None else rollout.share), apply(rollout, event)
            if rollout.phase in _STEADY:
                since = event.at if since is None else since
            elif since is not None:
                yield Window(since, event.at, self.opened.candidate, share)
                since = None

    def moves(self) -> Iterator[tuple[float, float, str]]:
        """When sessions may have been moved to another slot, and why."""
        if self.opened.plan.forward:
            yield self.opened.at, self.until, "reverted"
        began = None
        for event in self.events:
            if isinstance(event, (Aborted, Failed)) and began is None:
                began = event.at
            elif isinstance(event, Cleared) and began is not None:
                yield began, event.at, "taken back"
                began = None
        if began is not None:
            yield began, inf, "taken back"

    @property
    def shifts(self) -> int:
        """How often weights or work were moved, and read back."""
        return sum(isinstance(event, (Shifted, Cleared)) for event in self.events)

    @property
    def gaps(self) -> tuple[float, ...]:
        """Seconds for which no singleton may have worked, at each of its hand-overs."""
        moved = (event for event in self.events if isinstance(event, (Shifted, Cleared)))
        return tuple(seconds for event in moved for seconds in event.gaps.values())


class Pasts:
    """Every rollout of a stack; those that have ended are read once."""

    def __init__(self, folder: Path) -> None:
        self._journal = FileJournal(folder)
        self._ended: dict[str, Past] = {}

    def __len__(self) -> int:
        return len(self._journal.rollouts())

    def all(self) -> Sequence[Past]:
        """Oldest first."""
        return [each for name in self._journal.rollouts() if (each := self._past(name)) is not None]

    def newest(self) -> Past | None:
        """The last that began; None before the first."""
        return next((each for name in reversed(self._journal.rollouts()) if (each := self._past(name)) is not None), None)

    def _past(self, name: str) -> Past | None:
        if name not in self._ended:
            past = Past(name, tuple(from_record(each) for each in self._journal.records(name)))
            if not past.events or past.now.phase not in {Phase.PROMOTED, Phase.ROLLED_BACK}:
                return past if past.events else None
            self._ended[name] = past
        return self._ended[name]
