"""A GET, past the router: this status, this text where one is wanted, and the version in the header."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Self

import httpx

from infra.contract import VERSION_HEADER, Json, Placement
from smoke.foreign import shortened
from smoke.model import Answer
from smoke.probes.address import Address, left
from smoke.probes.settings import path, settings, text_or_none, whole
from smoke.probes.sight import Question, Sight, failed, instance, untold
from smoke.seams import Probe

_MOST = 1024 * 1024
"""Bytes of a body that are looked at."""
_LARGEST = 1e12
"""No process has as many megabytes."""


def http(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    own = {"path": path(), "status": whole(100, 599, 200), "contains": text_or_none()}
    asked = Http(**settings("http", given, own))
    return Question(f"http {asked.path}", asked.look)


@dataclass(frozen=True, slots=True)
class Http:
    """What is asked for, and what is wanted."""

    path: str
    status: int
    contains: str | None
    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Ask once."""
        got = get(Address.of(placement), self.path, time.monotonic() + self.timeout)
        known = _known(got.body)
        wrong = self._wrong(got)
        if not got.version:
            also = f", and {wrong}" if wrong else ""
            raise failed(f"the header {VERSION_HEADER} is missing{also}: what answers does not say which version it is")
        return Sight(
            Answer.FAILED if wrong else Answer.OK,
            wrong or f"status {got.status}",
            got.version,
            instance=instance(known.get("pid"), known.get("started")),
            numbers=_numbers(known),
        )

    def _wrong(self, got: "Got") -> str | None:
        if got.status != self.status:
            return f"status {got.status}, {self.status} is wanted: {shortened(got.text) or 'empty'}"
        if self.contains is not None and self.contains not in got.text:
            return f"{self.contains!r} is not in the answer: {shortened(got.text) or 'empty'}"
        return None


@dataclass(frozen=True, slots=True)
class Got:
    """An answer."""

    status: int
    version: str | None
    body: bytes
    """The first megabyte of it."""

    @property
    def text(self) -> str:
        """The body as text; what is no text is replaced."""
        return self.body.decode(errors="replace")


def get(address: Address, target: str, deadline: float) -> Got:
    """One GET on a connection of its own: follows nothing, knows no cookies and no proxies.

    Raises:
        Concluded: there is no whole answer before ``deadline``, in monotonic seconds.
    """
    cut = _Cut(left(deadline))
    limits = dict.fromkeys(("connect", "read", "write", "pool"), cut.seconds)
    headers = {"host": str(address), "connection": "close", "accept-encoding": "identity", "user-agent": "crossfade"}
    hangs = failed(f"no whole answer from {address}{target} within {cut.seconds:.1f} s: it hangs")
    try:
        request = httpx.Request("GET", f"http://{address}{target}", headers=headers)
        request.extensions.update({"timeout": limits, "trace": cut.trace})
        with cut:
            got = _got(_transport().handle_request(request))
    except httpx.ConnectError as error:
        raise address.refused(_cause(error)) from error
    except (httpx.HTTPError, httpx.StreamError) as error:
        if cut.fell or isinstance(error, httpx.TimeoutException):
            raise hangs from error
        raise failed(f"no whole answer from {address}{target}: {shortened(str(error))}") from error
    except (httpx.InvalidURL, ValueError) as error:
        raise untold(f"{target!r} cannot be asked for: {error}") from error
    if cut.fell:  # a body without a length ends with its connection, whoever ended that
        raise hangs
    return got


def _got(response: httpx.Response) -> Got:
    body = bytearray()
    try:
        # As it came: what is packed, though nobody asked for that, would be unpacked to whatever size it has.
        for piece in response.iter_raw():
            body += piece
            if len(body) > _MOST:
                break
    finally:
        response.close()
    return Got(response.status_code, response.headers.get(VERSION_HEADER), bytes(body[:_MOST]))


@cache
def _transport() -> httpx.HTTPTransport:
    """Makes connections and keeps none; made once because its TLS, which is never used, takes 4 ms to set up."""
    unused = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    return httpx.HTTPTransport(verify=unused, trust_env=False, limits=httpx.Limits(max_keepalive_connections=0))


class _Cut:
    """Cuts the connection after that long. The library's own limits are for each piece, so that a trickle would never end."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.fell = False
        self._socket: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._fall)
        self._timer.daemon = True

    def __enter__(self) -> Self:
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Json]) -> None:
        """Hear from the library that the connection is there."""
        if event == "connection.connect_tcp.complete":
            self._socket = info["return_value"].get_extra_info("socket")
            if self.fell:
                self._fall()

    def _fall(self) -> None:
        self.fell = True
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


def _cause(error: BaseException) -> OSError:
    """The system's own error below the library's."""
    found: BaseException | None = error
    while found is not None and not isinstance(found, OSError):
        found = found.__cause__ or found.__context__
    return found or OSError(str(error))


def _known(body: bytes) -> Mapping[str, Json]:
    """What the body says of its process, if it is a JSON object."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def _numbers(known: Mapping[str, Json]) -> Mapping[str, float]:
    rss: Json = known.get("rss_mb")
    plain = isinstance(rss, int | float) and not isinstance(rss, bool) and 0 <= rss < _LARGEST
    return {"rss_mb": float(rss)} if plain else {}
