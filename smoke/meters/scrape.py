"""Asks an address for a text, whole and within a limit of time and size, or says what came instead."""

import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

import httpx

from smoke.errors import MeterError
from smoke.foreign import shortened

_MOST = 16 * 1024 * 1024
"""Bytes of an answer."""
_WELL = range(200, 300)
_WRONG = 500


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    text: str
    kind: str
    """Content type without its parameters, in small letters; empty where there is none."""
    date: float | None
    """When it was so, by the clock of whoever answered, in seconds since 1970; None where that is not told."""


class Scraper:
    """Asks with a new connection each time: one that was left open may end just when it is used again."""

    def __init__(self, accept: str) -> None:
        # What is packed, though nobody asked for that, is not unpacked to whatever size it has.
        self._headers = {"accept": accept, "accept-encoding": "identity"}
        # The system's own authorities: those of a company are there, and not among those that the library brings.
        authorities = ssl.create_default_context()
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(verify=authorities, limits=once, trust_env=False)

    def ask(self, url: str, deadline: float) -> Answer:
        """The answer, before ``deadline`` in monotonic seconds.

        Raises:
            MeterError: there is none, or another than a text.
        """
        try:
            left = max(0.001, deadline - time.monotonic())
            asked = self._client.build_request("GET", url, timeout=left, headers=self._headers)
            response = self._client.send(asked, stream=True)
            with closing(response):
                body = _body(response, deadline)
        except httpx.TimeoutException as error:
            raise MeterError("no answer in time", cause=url) from error
        except httpx.RemoteProtocolError as error:
            raise MeterError(f"the answer is cut off, or none of HTTP: {shortened(str(error))}", cause=url) from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise MeterError(f"no answer: {shortened(str(error))}", cause=url) from error
        return _answer(url, response.status_code, response.headers, body)


def _body(response: httpx.Response, deadline: float) -> bytes:
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > _MOST:
            raise MeterError(f"the answer has more than {_MOST} bytes", cause=str(response.url))
        if time.monotonic() > deadline:  # the library's limit is for each piece
            raise MeterError("no whole answer in time", cause=str(response.url))
    return bytes(body)


def _answer(url: str, status: int, headers: Mapping[str, str], body: bytes) -> Answer:
    if status not in _WELL:
        trouble = "the server is in trouble" if status >= _WRONG else "there is no such page"
        raise MeterError(f"{trouble}: status {status}: {shortened(body.decode(errors='replace'))}", cause=url)
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise MeterError("the answer is no text", cause=f"{url}: {error.reason} at byte {error.start}") from error
    return Answer(text, headers.get("content-type", "").partition(";")[0].strip().lower(), _date(headers.get("date", "")))


def _date(header: str) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp()
    except (ValueError, OverflowError):
        return None
