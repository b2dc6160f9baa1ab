"""Sees to it that a slot can serve what it is to get: one file a backend, and the one table that knows them.

What must not be here: how much a slot is to get; that is ``smoke.rollout``.
"""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.seams import Capacity, Clock

CAPACITIES: Mapping[str, str] = {
    "memory": "smoke.capacities.memory:MemoryCapacity.of",
    "pods": "smoke.capacities.pods:PodCapacity",
}

__all__ = ["CAPACITIES", "capacity"]


def capacity(backend: Backend, clock: Clock) -> Capacity:
    """What the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: Capacity = table.backend("capacity", CAPACITIES, backend.kind)(backend.settings, clock)
    return made
