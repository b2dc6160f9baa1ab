"""An upstream that sends whatever bytes a test has told it to, and ends the connection the way it was told to."""

import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.smoke.meters.listening import Listening
from tests.smoke.routers.upstream import RESET

OK = b"HTTP/1.1 200 OK\r\n"
WHOLE = OK + b"content-length: 3\r\n\r\nabc"
PART = OK + b"content-length: 100\r\n\r\nabc"
CHUNK = OK + b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n"
UPGRADE = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Script:
    """What becomes of one request."""

    answer: bytes
    reset: bool = False
    """The connection is reset after the answer, not closed."""
    keep: bool = False
    """The connection is left open after the answer."""


SCRIPTS = {
    "/ok": Script(WHOLE, keep=True),
    "/nothing": Script(b""),
    "/nothing-reset": Script(b"", reset=True),
    "/silent": Script(b"", keep=True),
    "/part": Script(PART),
    "/part-reset": Script(PART, reset=True),
    "/chunk": Script(CHUNK),
    "/chunk-reset": Script(CHUNK, reset=True),
    "/stuck": Script(PART, keep=True),
    "/garbage": Script(b"\0garbage\r\n\r\n", keep=True),
    "/head": Script(OK),
    "/head-reset": Script(OK, reset=True),
    "/502": Script(b"HTTP/1.1 502 Bad Gateway\r\ncontent-length: 3\r\n\r\nabc", keep=True),
    "/500-part": Script(b"HTTP/1.1 500 Internal Server Error\r\ncontent-length: 100\r\n\r\nabc"),
    "/too-much": Script(WHOLE + b"defgh", keep=True),
    "/hints": Script(b"HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" + WHOLE, keep=True),
    "/to-the-end": Script(OK + b"\r\nabc"),
    "/ws": Script(UPGRADE, keep=True),
    "/ws-closed": Script(UPGRADE + b"bye"),
    "/ws-refused": Script(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n", keep=True),
}


class Rude(Listening):
    """Plays the script of the path that was asked for. Once stopped, its port refuses."""

    def __init__(self, port: int = 0, scripts: Mapping[str, Script] = SCRIPTS) -> None:
        self._scripts = scripts
        listener = socket.create_server(("127.0.0.1", port))
        self.port: int = listener.getsockname()[1]
        super().__init__(listener, self._played)

    def _played(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            while head := _head(connection):
                script = self._scripts[head.split(b" ", 2)[1].decode()]
                connection.sendall(script.answer)
                if script.reset:
                    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                if not script.keep:
                    return


def _head(connection: socket.socket) -> bytes:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        piece = connection.recv(65536)
        if not piece:
            return b""
        head += piece
    return head
