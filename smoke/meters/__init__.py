"""Counts per slot from the data plane: one file a backend, and the one table that knows them.

What must not be here: what the counts mean; that is ``smoke.analysis``.
"""

from collections.abc import Callable, Mapping

from infra.contract import Backend, Json
from smoke import table
from smoke.meters.envoy import EnvoyMeter
from smoke.meters.scripted import ScriptedMeter
from smoke.seams import Meter

METERS: dict[str, Callable[[Mapping[str, Json]], Meter]] = {"envoy": EnvoyMeter, "scripted": ScriptedMeter.of}

__all__ = ["METERS", "EnvoyMeter", "ScriptedMeter", "meter"]


def meter(backend: Backend) -> Meter:
    """The meter that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    return table.backend("meter", METERS, backend.kind)(backend.settings)
