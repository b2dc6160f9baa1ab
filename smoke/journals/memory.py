"""A journal that lives as long as its process: for rehearsals, and the reference that the others are tested beside."""

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from smoke.errors import Locked
from smoke.seams import Record


class MemoryJournal:
    """The rollouts of one stack."""

    def __init__(self) -> None:
        self._records: dict[str, list[Record]] = {}
        self._open = False

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age."""
        return sorted(self._records)

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order."""
        return list(self._records.get(rollout, ()))

    @contextmanager
    def open(self, rollout: str) -> Iterator["MemoryWriter"]:
        """Become the stack's one writer, until the context ends.

        Raises:
            Locked: somebody else in this process is.
        """
        if self._open:
            raise Locked("another run holds this stack", cause="it runs in this process")
        self._open = True
        try:
            yield MemoryWriter(self._records.setdefault(rollout, []))
        finally:
            self._open = False


class MemoryWriter:
    """Appends to one rollout's list."""

    def __init__(self, records: list[Record]) -> None:
        self._records = records

    def append(self, record: Record) -> None:
        """Add a copy of the record."""
        self._records.append(copy.deepcopy(record))


class MemoryMailbox:
    """Requests to rollouts."""

    def __init__(self) -> None:
        self._requests: dict[str, list[Record]] = {}

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request."""
        self._requests.setdefault(rollout, []).append(request)

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted, in order."""
        return list(self._requests.get(rollout, ()))
