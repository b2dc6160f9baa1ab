"""A service of the tests' own that answers as Amazon S3 does, and before which things happen."""

import logging
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from socket import SHUT_RDWR, socket
from typing import Any

Ask = Callable[[dict[str, Any]], bool]
"""Whether that request is meant."""


@dataclass
class Front:
    """Stands before the service. One request is served at a time: moto looks and writes in two steps, which S3 does in one."""

    inner: Callable[..., Iterable[bytes]]
    asked: int = 0
    """Requests so far."""
    lock: threading.Lock = field(default_factory=threading.Lock)
    refuses: tuple[HTTPStatus, str] | None = None
    """Status and code of what is answered to those that are ``meant``."""
    times: int = 0
    """How often that, or ``loses``, happens."""
    loses: str = ""
    """What becomes of those that are meant: the ``answer`` is lost, or the ``request``."""
    meant: Ask = lambda _: True
    ignores: tuple[str, ...] = ()
    """Headers that are not heard."""
    page: int = 0
    """Names that are listed at once; 0: as many as S3 does, a thousand."""

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        with self.lock:
            self.asked += 1
            for each in self.ignores:
                environ.pop(f"HTTP_{each}", None)
            if self.page and "list-type" in environ["QUERY_STRING"]:
                environ["QUERY_STRING"] += f"&max-keys={self.page}"
            mine = self.times > 0 and self.meant(environ)
            self.times -= mine
            if mine and self.refuses:
                return self._refused(start, *self.refuses)
            if mine and self.loses == "request":
                return _hung_up(environ, start)
            answer = list(self.inner(environ, start))
            return _hung_up(environ, start) if mine and self.loses == "answer" else answer

    def _refused(self, start: Callable[..., Any], status: HTTPStatus, code: str) -> Iterable[bytes]:
        text = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>so it is said</Message></Error>".encode()
        start(f"{status.value} {status.phrase}", [("Content-Type", "application/xml"), ("Content-Length", str(len(text)))])
        return [text]

    def refuse(self, status: HTTPStatus, code: str, times: int = 1_000_000, meant: Ask = lambda _: True) -> None:
        """Answer so to the next ones that are meant."""
        self.refuses, self.loses, self.times, self.meant = (status, code), "", times, meant

    def lose(self, what: str, times: int = 1_000_000, meant: Ask = lambda _: True) -> None:
        """Hang up on the next ones that are meant, before they are heard or after."""
        self.refuses, self.loses, self.times, self.meant = None, what, times, meant

    def calm(self) -> None:
        """Nothing happens any more."""
        self.times, self.ignores, self.page = 0, (), 0


def _hung_up(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
    connection: socket = environ["werkzeug.socket"]
    with suppress(OSError):
        connection.shutdown(SHUT_RDWR)
    start("200 OK", [("Content-Length", "0")])
    return []


def writes(environ: dict[str, Any]) -> bool:
    """Whether a request writes."""
    return bool(environ["REQUEST_METHOD"] == "PUT")


def records(environ: dict[str, Any]) -> bool:
    """Whether a request writes an entry of a rollout."""
    return writes(environ) and "/rollouts/" in environ["PATH_INFO"]


@contextmanager
def served() -> Iterator[tuple[str, Front]]:
    """The service on loopback: its address, and what stands before it."""
    from moto.moto_server.werkzeug_app import (  # noqa: PLC0415 - it is slow, and only those who ask for it have it
        DomainDispatcherApplication,
        MotoRequestHandler,
        create_backend_app,
    )
    from werkzeug.serving import make_server  # noqa: PLC0415 - it comes with moto

    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    front = Front(DomainDispatcherApplication(create_backend_app))
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=MotoRequestHandler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", front
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
