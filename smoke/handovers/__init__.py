"""Hands a singleton's work from slot to slot: one file a backend, and the one table that knows them.

What must not be here: which slot should work; that is ``smoke.rollout``.
"""

from collections.abc import Callable, Mapping

from infra.contract import Backend, Json
from smoke import table
from smoke.handovers.file import FileHandover
from smoke.handovers.memory import MemoryHandover
from smoke.seams import Clock, Handover

HANDOVERS: dict[str, Callable[[Mapping[str, Json], Clock], Handover]] = {"file": FileHandover, "memory": MemoryHandover.of}

__all__ = ["HANDOVERS", "FileHandover", "MemoryHandover", "handover"]


def handover(backend: Backend, clock: Clock) -> Handover:
    """The hand-over that the contract asks for; it waits by that clock.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    return table.backend("hand-over", HANDOVERS, backend.kind)(backend.settings, clock)
