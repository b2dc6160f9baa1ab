"""Asks a proxy, or an engine of containers, on this machine over the unix socket of its admin.

By hand rather than with ``http.client``, which would cost every command 50 ms of imports for one kind of request.
"""

import socket
import time

from smoke.foreign import shortened

_MOST = 64 * 1024 * 1024
"""Bytes of an answer; more is refused."""
_GOOD = 200


class Unanswered(Exception):
    """The admin did not answer, or not with what was asked for; the text says why."""


class Declined(Unanswered):
    """The admin answered, with another status than 200."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status


def ask(path: str, query: str, *, limit: float = 2.0) -> str:
    """Body of the answer to ``GET query``, from the admin that listens at ``path``.

    Raises:
        Declined: the answer has another status than 200.
        Unanswered: nobody listens, it took longer than ``limit`` seconds, or the answer is not a whole one.
    """
    request = f"GET {query} HTTP/1.1\r\nhost: admin\r\nconnection: close\r\n\r\n"
    try:
        status, body = _answer(_exchange(path, request.encode("ascii"), time.monotonic() + limit))
        text = body.decode(errors="strict" if status == _GOOD else "replace")
    except TimeoutError as error:
        raise Unanswered(f"no answer from {path} within {limit:g} s") from error
    except OSError as error:
        raise Unanswered(f"{path}: {error.strerror or error}") from error
    except ValueError as error:
        raise Unanswered(f"{path} answered what is not HTTP: {shortened(str(error))}") from error
    if status != _GOOD:
        raise Declined(f"{path} answered with status {status}: {shortened(text)}", status)
    return text


def _exchange(path: str, request: bytes, deadline: float) -> bytes:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_left(deadline))
        connection.connect(path)
        connection.sendall(request)
        pieces: list[bytes] = []
        size = 0
        while piece := connection.recv(262144):
            pieces.append(piece)
            size += len(piece)
            if size > _MOST:
                raise ValueError(f"more than {_MOST} bytes")
            connection.settimeout(_left(deadline))
        return b"".join(pieces)


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError
    return left


def _answer(raw: bytes) -> tuple[int, bytes]:
    """Its status and its body."""
    head, found, body = raw.partition(b"\r\n\r\n")
    if not found:
        raise ValueError("no end of the headers")
    first, *lines = head.split(b"\r\n")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)}
    if headers.get(b"transfer-encoding") == b"chunked":
        body = _joined(body)
    elif len(body) != int(headers.get(b"content-length", len(body))):
        raise ValueError("a part of the body is missing")
    version, status, *_ = [*first.split(b" "), b"", b""]
    if not version.startswith(b"HTTP/1.") or not status.isdigit():
        raise ValueError(first.decode(errors="replace"))
    return int(status), body


def _joined(body: bytes) -> bytes:
    pieces: list[bytes] = []
    at = 0  # never a copy of the rest: chunks may be many, and small
    while (end := body.find(b"\r\n", at)) >= 0:
        length, at = int(body[at:end].partition(b";")[0], 16), end + 2
        if length == 0:
            return b"".join(pieces)
        if length < 0 or at + length > len(body):
            break
        pieces.append(body[at : at + length])
        at += length + 2
    raise ValueError("a part of the body is missing")
