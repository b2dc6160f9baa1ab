"""Counts per slot from the data plane: one file a backend, and the one table that knows them.

What must not be here: what the counts mean; that is ``smoke.analysis``.
"""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.seams import Meter

METERS: Mapping[str, str] = {
    "cloudwatch": "smoke.meters.cloudwatch:CloudWatch",
    "command": "smoke.meters.command:command",
    "envoy": "smoke.meters.envoy:EnvoyMeter",
    "prometheus-text": "smoke.meters.prometheus_text:PrometheusText",
    "promql": "smoke.meters.promql:promql",
    "scripted": "smoke.meters.scripted:ScriptedMeter.of",
    "sql": "smoke.meters.sql:sql",
}

__all__ = ["METERS", "meter"]


def meter(backend: Backend) -> Meter:
    """The meter that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: Meter = table.backend("meter", METERS, backend.kind)(backend.settings)
    return made
