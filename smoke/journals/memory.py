"""A journal that lives as long as its process: for rehearsals, and the reference that the others are tested beside."""

import copy
import getpass
import os
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from smoke.clock import SystemClock
from smoke.errors import Deposed, Locked
from smoke.journals.lease import LEASE, USED, extended
from smoke.seams import Clock, Holder, Record


class MemoryJournal:
    """The rollouts of one stack."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._records: dict[str, list[Record]] = {}
        self._token = 0
        self._holder: Holder | None = None
        self._until = 0.0

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age."""
        return sorted(self._records)

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order."""
        return copy.deepcopy(self._records.get(rollout, []))

    @contextmanager
    def open(self, rollout: str) -> Iterator["MemoryWriter"]:
        """Become the stack's one writer, until the context ends or somebody takes over.

        Raises:
            Locked: somebody else in this process is.
        """
        if self.holder() is not None:
            raise Locked("another run holds this stack", cause="it runs in this process")
        self._token += 1
        taken = Holder(getpass.getuser(), socket.gethostname(), os.getpid(), self._clock.wall(), self._token)
        self._holder, self._until = taken, self._clock.now() + LEASE
        records = self._records.setdefault(rollout, [])
        try:
            yield MemoryWriter(self, taken, records)
        finally:
            if self._holder == taken:
                self._holder = None

    def holder(self) -> Holder | None:
        """The one writer, or None."""
        return self._holder if self._clock.now() < self._until else None

    def extend(self, holder: Holder, seconds: float) -> None:
        """Let its lease run for that long from now.

        Raises:
            Deposed: it is somebody else's.
        """
        if self._holder != holder:
            raise Deposed("another driver took over while this one did not answer")
        self._until = extended(self._until, self._clock.now(), seconds)


class MemoryWriter:
    """Appends to one rollout's list."""

    def __init__(self, journal: MemoryJournal, holder: Holder, records: list[Record]) -> None:
        self._journal = journal
        self._holder = holder
        self._records = records

    def append(self, record: Record) -> None:
        """Add a copy of the record.

        Raises:
            Deposed: another writer took over, and nothing was written.
        """
        self._journal.extend(self._holder, USED)
        self._records.append(copy.deepcopy(record))

    def renew(self, seconds: float) -> None:
        """Stay the one writer for at least that long from now.

        Raises:
            Deposed: another writer took over.
        """
        self._journal.extend(self._holder, seconds)


class MemoryMailbox:
    """Requests to rollouts."""

    def __init__(self) -> None:
        self._requests: dict[str, list[Record]] = {}

    def post(self, rollout: str, request: Record) -> None:
        """Leave a copy of the request."""
        self._requests.setdefault(rollout, []).append(copy.deepcopy(request))

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted, in order."""
        return copy.deepcopy(self._requests.get(rollout, []))
