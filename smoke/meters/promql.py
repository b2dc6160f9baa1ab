"""Numbers that Prometheus, or whatever speaks its HTTP interface, answers to instant queries.

What is no plain number is told apart, and never taken for one: no series, several, a sample that is too old, a part of an answer.
"""

import json
import reprlib
import ssl
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from math import inf

import httpx

from infra.contract import Json
from smoke.errors import MeterError
from smoke.foreign import shortened
from smoke.meters.tallied import SLOT, Tallied, asked
from smoke.settings import is_seconds, is_text

_WELL = range(200, 300)
_MOST = 4 * 1024 * 1024
"""Bytes of an answer; more is no answer to a question for one number."""


def promql(given: Mapping[str, Json]) -> Tallied:
    """The meter. It has an expression for each figure; ``{slot}`` in it is the slot, and every other brace its own.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    figures = ("bad", "all") if given.get("above") is None else ("value",)
    own = {"url": is_text, "max_age": is_seconds, **dict.fromkeys(figures, is_text)}
    settings = asked("promql", given, own, f"url, max_age (seconds), {', '.join(figures)} (expressions)")
    server = Server(given["url"].rstrip("/"), given["max_age"])

    def ask(slot: str, limit: float) -> Mapping[str, Json]:
        deadline = time.monotonic() + limit
        return {each: server.number(given[each].replace(SLOT, slot), deadline) for each in settings.figures}

    return Tallied(settings, ask)


class Server:
    """One Prometheus."""

    def __init__(self, url: str, max_age: float) -> None:
        self._url = f"{url}/api/v1/query"
        self._max_age = max_age
        # The system's own authorities: those of a company are there, and not among those that the library brings.
        authorities = ssl.create_default_context()
        once = httpx.Limits(max_keepalive_connections=0)
        self._client = httpx.Client(verify=authorities, limits=once, trust_env=False)

    def number(self, query: str, deadline: float) -> float:
        """The one number that a query has now.

        Raises:
            MeterError: it has none, or not only one, or nobody answers before ``deadline`` in monotonic seconds.
        """
        found = self._answer(query, deadline, lookback_delta=f"{self._max_age:g}")
        if found is None:
            # Was it ever there? A server before 2.43 does not know that word, and looks back 5 minutes at once.
            older = self._answer(query, deadline)
            if older is None:
                hint = "where that means zero, say so in the query: ... or vector(0)"
                raise MeterError("there is no series", cause=query, hint=hint)
        if found is None or not time.time() - self._max_age <= found.at < inf:
            raise MeterError(f"stale: the newest sample is older than {self._max_age:g} s", cause=query)
        return found.number

    def _answer(self, query: str, deadline: float, **more: str) -> "Value | None":
        """What the server says; None where there is no series."""
        try:
            left = max(0.001, deadline - time.monotonic())
            plain = {"accept-encoding": "identity"}
            asked = self._client.build_request("GET", self._url, params={"query": query, **more}, timeout=left, headers=plain)
            status, body = self._said(asked, deadline)
        except httpx.TimeoutException as error:
            raise MeterError("no answer in time", cause=f"{self._url}: {query}") from error
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise MeterError(f"no answer: {shortened(str(error))}", cause=self._url) from error
        return value_in(_document(str(asked.url), status, body), query)

    def _said(self, asked: httpx.Request, deadline: float) -> tuple[int, bytes]:
        """Status and body, as it came: what is packed, though nobody asked for that, is not unpacked to whatever size it has."""
        response = self._client.send(asked, stream=True)
        body = bytearray()
        with closing(response):
            for piece in response.iter_raw():
                body += piece
                if len(body) > _MOST:
                    raise MeterError(f"the answer has more than {_MOST} bytes", cause=str(asked.url))
                if time.monotonic() > deadline:  # the library's limit is for each piece
                    raise MeterError("no whole answer in time", cause=str(asked.url))
        return response.status_code, bytes(body)


@dataclass(frozen=True, slots=True)
class Value:
    """A number, and when it was so."""

    at: float
    """Seconds since 1970."""
    number: float


def _document(url: str, status: int, body: bytes) -> Mapping[str, Json]:
    said = f"{url} status {status}: {shortened(body.decode(errors='replace'))}"
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise MeterError("the answer is no JSON", cause=said) from error
    if isinstance(document, dict) and document.get("status") == "error":
        why = shortened(f"{document.get('errorType')}: {document.get('error')}")
        raise MeterError(f"the query was refused: {why}", cause=url)
    if status not in _WELL or not isinstance(document, dict) or document.get("status") != "success":
        raise MeterError("the answer is none of Prometheus", cause=said)
    return document


def value_in(document: Mapping[str, Json], query: str) -> Value | None:
    """The one value in a successful answer; None where there is no series.

    Raises:
        MeterError: it is a part of an answer, has several series, or is of another form.
    """
    if document.get("warnings") or document.get("isPartial"):
        said = shortened(str(document.get("warnings") or "isPartial"))
        raise MeterError(f"a part of the answer may be missing: {said}", cause=query)
    try:
        kind, result = document["data"]["resultType"], document["data"]["result"]
        if kind == "vector" and len(result) > 1:
            raise MeterError(f"there are {len(result)} series: one is wanted", cause=query, hint="add them up: sum(...)")
        if kind == "vector" and not result:
            return None
        at, text = result if kind == "scalar" else result[0]["value"]
        return Value(float(at), float(text))
    except (LookupError, TypeError, ValueError, OverflowError) as error:
        raise MeterError("the answer is no number", cause=f"{query}: {reprlib.repr(document)}") from error
