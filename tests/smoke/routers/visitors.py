"""Who comes to the front door of a service: requests one after the other on one connection, and what a browser remembers."""

import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import BinaryIO

LIMIT = 10.0
"""Seconds for an answer."""
BATCH = 100
"""Requests that are sent before their answers are read."""


@dataclass(frozen=True)
class Answer:
    """What came back of one request."""

    status: int
    headers: str
    body: str

    @property
    def slot(self) -> str:
        """The slot that answered."""
        return self.body.removeprefix("v-")

    @property
    def cookie(self) -> str | None:
        """The slot whose cookie was set; None where none was."""
        found = re.findall(r"^set-cookie: crossfade-[^=]+=([^;]+);", self.headers, re.MULTILINE)
        assert len(found) <= 1
        return found[0] if found else None


class Door:
    """One connection to a front."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._file = connection.makefile("rb")

    def ask(self, *headers: str, path: str = "/") -> Answer:
        """One request with these headers."""
        return self.many([headers], path)[0]

    def many(self, requests: Sequence[Sequence[str]], path: str = "/") -> list[Answer]:
        """A request for each collection of headers, answered in order."""
        found: list[Answer] = []
        for start in range(0, len(requests), BATCH):
            batch = requests[start : start + BATCH]
            self._connection.sendall(b"".join(_request(path, headers) for headers in batch))
            found += [_answer(self._file) for _ in batch]
        return found

    def upgrade(self, *headers: str) -> socket.socket:
        """Make the connection a websocket; it is of no other use from then on."""
        assert (
            self.ask("connection: upgrade", "upgrade: websocket", *headers, path="/ws").status == HTTPStatus.SWITCHING_PROTOCOLS
        )
        return self._connection

    def close(self) -> None:
        """End it."""
        self._file.close()
        self._connection.close()


@contextmanager
def door(port: int, source: str = "127.0.0.1") -> Iterator[Door]:
    """A connection to a front on this machine, from one of its loopback addresses."""
    opened = Door(socket.create_connection(("127.0.0.1", port), timeout=LIMIT, source_address=(source, 0)))
    try:
        yield opened
    finally:
        opened.close()


def echoes(websocket: socket.socket) -> bool:
    """Whether a websocket still answers; False once it has ended."""
    try:
        websocket.sendall(b"ping")
        return websocket.recv(4, socket.MSG_WAITALL) == b"ping"
    except ConnectionError:
        return False


def pair(slot: str) -> str:
    """The header of a process of that slot."""
    return f"x-crossfade-slot: {slot}"


def session(service: str, slot: str) -> str:
    """The header of a browser that was kept on that slot."""
    return f"cookie: crossfade-{service}={slot}"


def _request(path: str, headers: Sequence[str]) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "host: a", *headers, "", ""]).encode("latin-1")


def _answer(file: BinaryIO) -> Answer:
    lines = []
    while line := file.readline().rstrip(b"\r\n"):
        lines.append(line.decode("latin-1"))
    headers = "\n".join(lines[1:])
    length = re.search(r"^content-length: (\d+)$", headers, re.MULTILINE)
    return Answer(int(lines[0].split(" ")[1]), headers, file.read(int(length[1]) if length else 0).decode("latin-1"))
