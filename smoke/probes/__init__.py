"""Questions put to one placement, past the router: one file a backend, and the one table that knows them.

To import it costs half a second of libraries, once and here, so that no look spends its time on that: who asks nothing, as
``status`` does, imports it not at all. What must not be here: what follows from an answer; that is ``smoke.analysis``.
"""

from collections.abc import Callable, Mapping

from infra.contract import Backend, Json
from smoke import table
from smoke.probes.command import command
from smoke.probes.heartbeat import heartbeat
from smoke.probes.http import http
from smoke.probes.scripted import scripted
from smoke.probes.streamlit import streamlit
from smoke.probes.tcp import tcp
from smoke.probes.websocket import websocket
from smoke.seams import Probe

PROBES: dict[str, Callable[[Mapping[str, Json]], Probe]] = {
    "command": command,
    "heartbeat": heartbeat,
    "http": http,
    "scripted": scripted,
    "streamlit": streamlit,
    "tcp": tcp,
    "websocket": websocket,
}

__all__ = ["PROBES", "probe"]


def probe(backend: Backend) -> Probe:
    """The probe that the contract asks for.

    Raises:
        UsageError: there is no such backend, or a setting is missing, unknown or of the wrong kind.
    """
    return table.backend("probe", PROBES, backend.kind)(backend.settings)
