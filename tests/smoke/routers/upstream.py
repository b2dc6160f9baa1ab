"""Tiny upstreams that answer as their version, or misbehave as the path asks. Run as a script: ``upstream.py VERSION...``.

Paths: ``/500``; ``/reset`` (connection reset instead of an answer); ``/half`` (reset in the middle of the body); ``/hang``
(never an answer); ``/slow`` (an answer after 0.2 s); ``/ws`` (101, then an echo until the client leaves); ``/last`` (an answer
that does not announce that the connection is closed after it); ``/head`` (the request's own headers); anything else is answered
at once.
"""

import asyncio
import socket
import struct
import sys
import threading
from typing import Self

RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that turns a close into a reset."""


class Connection(asyncio.Protocol):
    """One connection to an upstream."""

    transport: asyncio.Transport

    def __init__(self, upstream: "Upstream") -> None:
        self._upstream = upstream
        self._buffer = b""
        self._upgraded = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remember the transport, so that a stop can cut it."""
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self._upstream.open.add(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        """Forget the transport."""
        self._upstream.open.discard(self)

    def data_received(self, data: bytes) -> None:
        """Answer each complete request; requests have no body."""
        if self._upgraded:
            self.transport.write(data)
            return
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, self._buffer = self._buffer.split(b"\r\n\r\n", 1)
            self._upstream.seen += 1
            self._answer(head.split(b" ", 2)[1].partition(b"?")[0], head)

    def _answer(self, path: bytes, head: bytes) -> None:
        if path == b"/slow":
            asyncio.get_running_loop().call_later(0.2, self._send, b"200 OK")
        elif path == b"/500":
            self._send(b"500 Internal Server Error")
        elif path == b"/reset":
            self.reset()
        elif path == b"/half":
            self.transport.write(self._head(b"200 OK", 1000) + b"0123456789")
            asyncio.get_running_loop().call_later(0.05, self.reset)
        elif path == b"/ws":
            self._upgraded = True
            self.transport.write(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n")
        elif path == b"/last":
            self._send(b"200 OK")
            self.transport.close()
        elif path == b"/head":
            self.transport.write(self._head(b"200 OK", len(head)) + head)
        elif path != b"/hang":
            self._send(b"200 OK")

    def _head(self, status: bytes, length: int) -> bytes:
        version = self._upstream.version.encode()
        return b"HTTP/1.1 %b\r\nx-crossfade-version: %b\r\ncontent-length: %d\r\n\r\n" % (status, version, length)

    def _send(self, status: bytes) -> None:
        body = self._upstream.version.encode()
        self.transport.write(self._head(status, len(body)) + body)

    def reset(self) -> None:
        """Cut the connection with a reset."""
        self.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self.transport.abort()


class Upstream:
    """One upstream on a loopback port of its own, in a thread of its own. Once stopped, its port refuses."""

    def __init__(self, version: str) -> None:
        self.version = version
        self.open: set[Connection] = set()
        self.seen = 0
        """Requests that arrived."""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"upstream {version}", daemon=True)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._server = self._loop.run_until_complete(self._loop.create_server(lambda: Connection(self), sock=self._socket))
        self._loop.run_forever()
        self._server.close()
        for each in tuple(self.open):
            each.reset()
        self._loop.run_until_complete(asyncio.sleep(0))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """Cut all connections and refuse new ones; may be repeated."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(5)


def main() -> None:
    """Serve one upstream per argument until standard input ends; the first line of output is their ports."""
    upstreams = [Upstream(version).__enter__() for version in sys.argv[1:]]
    sys.stdout.write(" ".join(str(each.port) for each in upstreams) + "\n")
    sys.stdout.flush()
    sys.stdin.read()
    for each in upstreams:
        each.stop()


if __name__ == "__main__":
    main()
