"""What probes are put to: real sockets, websockets and processes, each well or wrong in one way."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from infra.contract import VERSION_HEADER, Placement
from smoke.model import Reading
from smoke.probes.wire import field
from smoke.seams import Probe

VERSION, OTHER = "py312-0123456789ab", "py39-ba9876543210"
HEAD = f"HTTP/1.1 200 OK\r\nx-crossfade-version: {VERSION}\r\n".encode()
"""How an HTTP answer begins that shows the right version."""
ENDS = 30.0
"""Seconds after which a look that should have ended long ago counts as one that never ends."""
Handler = Callable[[socket.socket, threading.Event], None]


def placed(**changes: Any) -> Placement:  # noqa: ANN401 - any field
    """The green slot of ``api``, placed as VERSION, which listens nowhere yet."""
    known: dict[str, Any] = {
        "service": "api",
        "slot": "green",
        "runtime": "py312",
        "artefact": "sha256:" + "0" * 64,
        "version": VERSION,
        "address": None,
        "heartbeat": None,
        "python": sys.executable,
        "folder": "/",
        "environment": {},
        "inputs": {},
    }
    return Placement(**{**known, **changes})


def ended(probe: Probe, placement: Placement) -> Reading:
    """The reading of a look that must come to its end by itself, however long its own limit is.

    Raises:
        AssertionError: it does not, or raises.
    """
    found: list[Reading] = []
    thread = threading.Thread(target=lambda: found.append(probe.read(placement)), daemon=True)
    thread.start()
    thread.join(ENDS)
    assert found, "it raised" if not thread.is_alive() else f"it did not end within {ENDS:g} s"
    return found[0]


class Peer:
    """Listens on a loopback port and hands every connection to ``answer``, each in a thread of its own."""

    def __init__(self, answer: Handler) -> None:
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._stopped = threading.Event()
        self._open: list[socket.socket] = []
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.seen = 0
        """Connections that were taken."""

    def __enter__(self) -> Self:
        threading.Thread(target=self._take, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        # A shutdown, because a close would not wake who waits in accept.
        for each in (self._socket, *self._open):
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _take(self) -> None:
        with suppress(OSError):
            while not self._stopped.is_set():
                connection, _ = self._socket.accept()
                self.seen += 1
                self._open.append(connection)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            self._answer(connection, self._stopped)


def answers(body: bytes = b"ok", status: str = "200 OK", version: str | None = VERSION, **headers: str) -> Handler:
    """One HTTP answer, then the end."""
    shown = {} if version is None else {VERSION_HEADER: version}
    lines = [f"{name}: {value}" for name, value in {"content-length": str(len(body)), **shown, **headers}.items()]
    return says("\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""]).encode() + body)


def says(words: bytes) -> Handler:
    """These bytes, whatever was asked, then the end."""

    def answer(connection: socket.socket, stopped: threading.Event) -> None:
        del stopped
        connection.recv(65536)
        connection.sendall(words)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    return answer


def silent(connection: socket.socket, stopped: threading.Event) -> None:
    """Takes the connection, and says nothing."""
    del connection
    stopped.wait()


def trickles(head: bytes) -> Handler:
    """An answer that goes on byte by byte, and never ends by itself."""

    def answer(connection: socket.socket, stopped: threading.Event) -> None:
        connection.sendall(head)
        while not stopped.wait(0.02):
            connection.sendall(b".")

    return answer


Act = Callable[[ServerConnection], None]


@contextmanager
def websockets(
    act: Act,
    version: str | None = VERSION,
    pages: Mapping[str, str] | None = None,
    subprotocols: Sequence[str] | None = None,
) -> Iterator[str]:
    """A websocket server that does ``act`` with everyone who comes, and answers these pages; its address."""

    def page(connection: ServerConnection, request: Request) -> Response | None:
        text = (pages or {}).get(request.path)
        return None if text is None else connection.respond(200, text)

    def show(_: ServerConnection, __: Request, response: Response) -> Response:
        if version is not None:
            response.headers[VERSION_HEADER] = version
        return response

    def handle(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            act(connection)

    options: dict[str, Any] = {"subprotocols": subprotocols, "process_request": page, "process_response": show}
    with serve(handle, "127.0.0.1", 0, close_timeout=0.1, **options) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host, port = server.socket.getsockname()[:2]
        yield f"{host}:{port}"


def message(connection: ServerConnection) -> None:
    """One message, then whatever comes."""
    connection.send("100.5")
    quiet(connection)


def quiet(connection: ServerConnection) -> None:
    """Open, and without a word."""
    for _ in connection:
        pass


def delta(*element: bytes) -> bytes:
    """A message that puts an element on a page."""
    return field(5, field(3, b"".join(element)))


FINISHED = b"\x30\x00"
"""The message that a page's script ran to its end: field 6, 0."""


def page(*messages: bytes) -> Act:
    """A page: what its session is sent once it is asked for."""

    def act(connection: ServerConnection) -> None:
        connection.recv()
        for each in messages:
            connection.send(each)
        quiet(connection)

    return act


def caption(text: str) -> bytes:
    """The message that puts a line of text on a page."""
    return delta(field(29, field(1, text.encode())))


@contextmanager
def streamlits(*messages: bytes, health: str = "ok") -> Iterator[str]:
    """What speaks as Streamlit does, as far as it is asked; its address."""
    with websockets(page(*messages), None, {"/_stcore/health": health}, ["streamlit"]) as address:
        yield address


_LISTEN = """
import socket, sys
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def process(code: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of this interpreter that is ended afterwards, whatever became of it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CROSSFADE_")}
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env={**clean, **environment}, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def listening(version: str | None) -> Iterator[str]:
    """A process that listens, placed as that version; its address."""
    with process(_LISTEN, **({} if version is None else {"CROSSFADE_VERSION": version})) as started:
        assert started.stdout is not None
        yield f"127.0.0.1:{int(started.stdout.readline())}"


@contextmanager
def deaf() -> Iterator[str]:
    """A port whose queue is full, so that a connection is neither taken nor refused; its address."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for each in waiting:
                each.setblocking(False)  # noqa: FBT003 - the name of the act
                each.connect_ex(server.getsockname())
            yield f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            for each in waiting:
                each.close()


@contextmanager
def refusing() -> Iterator[str]:
    """A port that nobody listens on, and nobody else is given meanwhile; its address."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def beat(file: Path, **changes: Any) -> str:  # noqa: ANN401 - any field
    """Write a heartbeat of this very process, all well, changed in these words; the file's path."""
    now = time.time()
    known = {"version": VERSION, "slot": "green", "pid": os.getpid(), "started": now - 60, "beats": 7, "at": now}
    file.write_text(json.dumps({**known, "connected": True, "holding": False, "token": None, **changes}))
    return str(file)
