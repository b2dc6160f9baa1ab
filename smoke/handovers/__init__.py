"""Hands a singleton's work from slot to slot: one file a backend, and the one table that knows them.

What must not be here: which slot should work; that is ``smoke.rollout``.
"""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.seams import Clock, Handover

HANDOVERS: Mapping[str, str] = {
    "file": "smoke.handovers.file:FileHandover",
    "memory": "smoke.handovers.memory:MemoryHandover.of",
    "scale": "smoke.handovers.scale:ScaleHandover",
}

__all__ = ["HANDOVERS", "handover"]


def handover(backend: Backend, clock: Clock) -> Handover:
    """The hand-over that the contract asks for; it waits by that clock.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: Handover = table.backend("hand-over", HANDOVERS, backend.kind)(backend.settings, clock)
    return made
