"""Every probe of the table with something to ask: well as a version, hanging, or not there at all."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cluster_said import NAMESPACE, STACK, Cluster, deployment, kubeconfig

from infra.contract import Backend, Json, Placement
from tests.smoke.probes.peers import (
    FINISHED,
    VERSION,
    Peer,
    answers,
    beat,
    caption,
    deaf,
    listening,
    message,
    placed,
    silent,
    streamlits,
    websockets,
)

Stage = tuple[Backend, Placement]
"""A probe's settings, and what it is to be put to."""

TIMES: dict[str, Json] = {"every": 1.0, "timeout": 5.0}
SETTINGS: dict[str, dict[str, Json]] = {
    "command": {"run": ["true"]},
    "heartbeat": {"max_age": 5.0},
    "http": {"path": "/health/"},
    "pods": {"context": None, "namespace": NAMESPACE, "stack": STACK, "standby": False},
    "shown": {"context": None, "namespace": NAMESPACE, "stack": STACK},
    "scripted": {"readings": [{"answer": "ok", "detail": "as told"}]},
    "streamlit": {"path": "/", "script": 5.0},
    "tcp": {},
    "websocket": {"path": "/ws", "expect": "message"},
}
OPTIONAL = {("streamlit", "path"), ("pods", "context"), ("pods", "standby"), ("shown", "context")}
"""What may be left out of these."""


def backend(kind: str, **settings: Json) -> Backend:
    """What the contract may say of a probe of that kind, changed in these settings."""
    return Backend(kind, {**SETTINGS[kind], **TIMES, **settings})


@dataclass(frozen=True)
class Case:
    """How a probe of one kind is put on a stage."""

    shows: Callable[[str | None, Path], AbstractContextManager[Stage]]
    """All well, shown as that version; None: no version is shown."""
    hangs: Callable[[Path], AbstractContextManager[Stage]] | None
    """Never an answer, at a limit of 0.3 s; None where nothing is waited for."""
    listens: bool = True
    """Whether it is put to a port."""


@contextmanager
def _http(version: str | None, _: Path) -> Iterator[Stage]:
    with Peer(answers(version=version)) as peer:
        yield backend("http"), placed(address=peer.address)


@contextmanager
def _tcp(version: str | None, _: Path) -> Iterator[Stage]:
    with listening(version) as address:
        yield backend("tcp"), placed(address=address)


@contextmanager
def _websocket(version: str | None, _: Path) -> Iterator[Stage]:
    with websockets(message, version) as address:
        yield backend("websocket"), placed(address=address)


@contextmanager
def _streamlit(version: str | None, _: Path) -> Iterator[Stage]:
    shown = [] if version is None else [caption(f"version {version}")]
    with streamlits(*shown, FINISHED) as address:
        yield backend("streamlit"), placed(address=address)


@contextmanager
def _heartbeat(version: str | None, folder: Path) -> Iterator[Stage]:
    yield backend("heartbeat"), placed(heartbeat=beat(folder / "beat.json", version=version or ""))


@contextmanager
def _command(version: str | None, folder: Path) -> Iterator[Stage]:
    said = "well" if version is None else f"x-crossfade-version: {version}"
    yield backend("command", run=["python", "-c", f"print({said!r})"]), placed(folder=str(folder))


@contextmanager
def _pods(version: str | None, _: Path) -> Iterator[Stage]:
    cluster = Cluster()
    cluster.put("deployments", deployment("green", 2, "api", version))
    cluster.act()
    cluster.act()
    with cluster.door() as address, kubeconfig(shop=address):
        yield backend("pods"), placed()


@contextmanager
def _shown(version: str | None, _: Path) -> Iterator[Stage]:
    cluster = Cluster()
    # Who shows no version is believed by the label; here there is none either.
    cluster.put("deployments", deployment("green", 2, "api", None if version is None else VERSION))
    cluster.act()
    cluster.act()
    cluster.shows = dict.fromkeys(cluster.objects["pods"], version)
    with cluster.door() as address, kubeconfig(shop=address):
        yield backend("shown"), placed()


@contextmanager
def _scripted(version: str | None, _: Path) -> Iterator[Stage]:
    yield backend("scripted", readings=[{"answer": "ok", "detail": "as told", "version": version}]), placed()


def _unanswered(kind: str) -> Callable[[Path], AbstractContextManager[Stage]]:
    @contextmanager
    def stage(_: Path) -> Iterator[Stage]:
        with Peer(silent) as peer:
            yield backend(kind, timeout=0.3), placed(address=peer.address)

    return stage


@contextmanager
def _untaken(_: Path) -> Iterator[Stage]:
    with deaf() as address:
        yield backend("tcp", timeout=0.3), placed(address=address)


@contextmanager
def _endless(folder: Path) -> Iterator[Stage]:
    run = [sys.executable, "-c", "import signal; signal.pause()"]
    yield backend("command", timeout=0.3, run=run), placed(folder=str(folder))


CASES = {
    "command": Case(_command, _endless, listens=False),
    "heartbeat": Case(_heartbeat, None, listens=False),
    "http": Case(_http, _unanswered("http")),
    "pods": Case(_pods, None, listens=False),
    "scripted": Case(_scripted, None, listens=False),
    "shown": Case(_shown, None, listens=False),
    "streamlit": Case(_streamlit, _unanswered("streamlit")),
    "tcp": Case(_tcp, _untaken),
    "websocket": Case(_websocket, _unanswered("websocket")),
}
