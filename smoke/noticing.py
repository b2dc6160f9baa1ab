"""A listener of a rollout that has people told: when it goes back, has ended, waits for a person, or is stuck.

Messages are sent by a thread of their own: the loop never waits for a chat.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from queue import SimpleQueue
from threading import Thread

from infra.contract import Contract
from smoke.notices import Delivery, Notice, Notifier
from smoke.rollout import Phase, sentence
from smoke.rollout.tick import Tick
from smoke.seams import Clock

TOLD = frozenset({Phase.HELD, Phase.ABORTING, Phase.PROMOTED, Phase.ROLLED_BACK, Phase.STUCK})
"""Phases that people are told of, when a rollout comes into them."""
_LAST = 30.0
"""Seconds after the end that the last messages may take: a driver that has done its work may go."""


class Noticing:
    """Listens, and has a thread send."""

    def __init__(self, stack: str, notifier: Notifier, wall: Callable[[], float]) -> None:
        self._stack = stack
        self._notifier = notifier
        self._wall = wall
        self._phase: Phase | None = None
        self._waiting: SimpleQueue[Notice | None] = SimpleQueue()
        self._thread = Thread(target=self._send, name="notices", daemon=True)
        self._thread.start()

    def __call__(self, tick: Tick) -> None:
        """Hear of a tick."""
        rollout, before = tick.rollout, self._phase
        self._phase = rollout.phase
        if tick.event is not None and rollout.phase is not before and rollout.phase in TOLD:
            opened = rollout.opened
            text = f"{sentence(tick.event, rollout)} (rollout {opened.rollout} from {opened.live} to {opened.candidate})"
            self._waiting.put(Notice(self._stack, text, self._wall(), opened.rollout, rollout.phase.value))

    def close(self) -> None:
        """Wait until everything was sent, for some seconds."""
        self._waiting.put(None)
        self._thread.join(_LAST)

    def _send(self) -> None:
        while (notice := self._waiting.get()) is not None:
            complain(self._notifier.send(notice))


@contextmanager
def telling(contract: Contract, folder: Path, clock: Clock) -> Iterator[tuple[Noticing, ...]]:
    """What listens where the settings that were deployed name somebody; everything was sent once the context has ended."""
    notifier = notifier_of(contract, folder, clock)
    if notifier is None:
        yield ()
        return
    with closing(Noticing(contract.stack, notifier, clock.wall)) as noticing:
        yield (noticing,)


def notifier_of(contract: Contract, folder: Path, clock: Clock) -> Notifier | None:
    """Tells those whom the deployed settings name; None: they name nobody."""
    places = contract.config.get("notify")
    return Notifier(places, folder, clock) if isinstance(places, Mapping) and places else None


def complain(deliveries: Sequence[Delivery]) -> None:
    """Say who was not told."""
    for each in deliveries:
        if not each.done:
            sys.stderr.write(f"{each.place} was not told: {each.why}\n")
