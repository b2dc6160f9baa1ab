"""A tiny server that answers as its path asks. Run as a script, it serves until it is killed, and says its port first.

Paths: ``/close`` (closed without an answer); ``/reset`` (cut without an answer); ``/half`` (closed in the middle of the body);
``/cut`` (cut there); ``/hang`` (never an answer); ``/garbage``; ``/500``; ``/chunked``; ``/empty`` (204); ``/until`` (the body
goes on to the end of the connection); ``/once`` (says that it closes, and does); ``/last`` (closes, and does not say so before);
``/second`` (closes instead of the second answer on a connection); ``/more`` (an answer, and bytes after it); ``/turns`` (each
answer shows another of two versions); anything else is answered at once.
"""

import asyncio
import socket
import struct
import sys
import threading
import time
from typing import Self

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""
_HEAD = b"HTTP/1.1 200 OK\r\nX-Crossfade-Version: v1\r\n"
ANSWERS = {
    b"/garbage": b"SSH-2.0-OpenSSH_9.6\r\n",
    b"/500": b"HTTP/1.1 500 Internal Server Error\r\nX-CROSSFADE-VERSION: v1\r\ncontent-length: 4\r\n\r\noops",
    b"/chunked": _HEAD + b"Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n1\r\n!\r\n0\r\nX-Trailer: a\r\n\r\n",
    b"/empty": b"HTTP/1.1 204 No Content\r\nx-crossfade-version: v1\r\n\r\n",
    b"/until": _HEAD + b"\r\nhello",
    b"/half": _HEAD + b"content-length: 1000\r\n\r\nhello",
    b"/cut": _HEAD + b"content-length: 1000\r\n\r\nhello",
    b"/once": _HEAD + b"Connection: Close\r\ncontent-length: 5\r\n\r\nhello",
    b"/more": _HEAD + b"content-length: 5\r\n\r\nhello, and more",
}
PLAIN = _HEAD + b"content-length: 5\r\n\r\nhello"
SILENT = {b"/close", b"/reset", b"/hang"}
CLOSING = {b"/close", b"/half", b"/until", b"/once", b"/last"}
CUTTING = {b"/reset", b"/cut"}


class Connection(asyncio.Protocol):
    """One connection to the server."""

    transport: asyncio.Transport

    def __init__(self, server: "Server") -> None:
        self._server = server
        self._buffer = b""
        self._answered = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count it, and remember the transport so that a stop can close it."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._server.open.add(self)
        self._server.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget it."""
        self._server.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer each whole request; requests have no body."""
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            self._server.seen += 1
            self._answer(head.split(b" ", 2)[1])

    def _answer(self, path: bytes) -> None:
        self._answered += 1
        if path == b"/second" and self._answered > 1:
            self.transport.close()
        elif path == b"/turns":
            self.transport.write(PLAIN.replace(b"v1", b"v1" if self._server.seen % 2 else b"v2"))
        elif path not in SILENT:
            self.transport.write(ANSWERS.get(path, PLAIN))
        if path in CLOSING:
            self.transport.close()
        elif path in CUTTING:
            # Not at once: a reset takes bytes with it that the other side has not read yet.
            asyncio.get_running_loop().call_later(0.02, self.cut)

    def cut(self) -> None:
        """End the connection with a reset."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Server:
    """A server on a loopback port of its own, in a thread of its own. Once stopped, its port refuses."""

    def __init__(self) -> None:
        self.open: set[Connection] = set()
        self.connections = 0
        """Connections that were made."""
        self.seen = 0
        """Requests that arrived."""
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._serves = threading.Event()
        self._thread = threading.Thread(target=self._run, name="server", daemon=True)

    def url(self, path: str = "/") -> str:
        """Where a path is."""
        return f"http://127.0.0.1:{self.port}{path}"

    def freeze_after(self, delay: float, seconds: float) -> None:
        """Answer nothing for ``seconds``, from ``delay`` seconds on."""
        self._loop.call_soon_threadsafe(self._loop.call_later, delay, time.sleep, seconds)

    def _run(self) -> None:
        server = self._loop.run_until_complete(self._loop.create_server(lambda: Connection(self), sock=self._socket))
        self._loop.call_soon(self._serves.set)
        self._loop.run_forever()
        server.close()
        for each in tuple(self.open):
            each.transport.abort()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._serves.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)


def main() -> None:
    """Serve until killed; the first line of output is the port."""
    with Server() as server:
        sys.stdout.write(f"{server.port}\n")
        sys.stdout.flush()
        threading.Event().wait()


if __name__ == "__main__":
    main()
