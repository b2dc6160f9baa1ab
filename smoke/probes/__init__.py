"""Questions put to one placement, past the router: one file a backend, and the one table that knows them.

A probe's libraries cost up to half a second, once, when it is made: no look spends its time on that.
What must not be here: what follows from an answer; that is ``smoke.analysis``.
"""

from collections.abc import Mapping

from infra.contract import Backend
from smoke import table
from smoke.seams import Probe

PROBES: Mapping[str, str] = {
    "command": "smoke.probes.command:command",
    "heartbeat": "smoke.probes.heartbeat:heartbeat",
    "http": "smoke.probes.http:http",
    "pods": "smoke.probes.pods:pods",
    "scripted": "smoke.probes.scripted:scripted",
    "shown": "smoke.probes.shown:shown",
    "streamlit": "smoke.probes.streamlit:streamlit",
    "tcp": "smoke.probes.tcp:tcp",
    "websocket": "smoke.probes.websocket:websocket",
}

__all__ = ["PROBES", "probe"]


def probe(backend: Backend) -> Probe:
    """The probe that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    made: Probe = table.backend("probe", PROBES, backend.kind)(backend.settings)
    return made
