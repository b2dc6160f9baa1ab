"""The Docker Engine API over its unix socket: plain requests, the daemon's own words where it refuses."""

import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

API = "/v1.41"
PULL = 900.0
"""Seconds that an image may take to arrive."""
LIMIT = 60.0
"""Seconds that the daemon may take for one answer, beside what a request is known to wait."""


class EngineError(Exception):
    """What the daemon refused, and its whole text; ``status`` is 0 where there was no answer at all."""

    def __init__(self, text: str, status: int = 0) -> None:
        super().__init__(text)
        self.status = status


class Engine:
    """One engine. Every request has a connection of its own, so that requests may run side by side."""

    def __init__(self, host: str) -> None:
        if not host.startswith("unix://"):
            raise EngineError(f"the stand-in speaks to unix:// sockets alone, and the host is {host!r}")
        self.host = host

    def ask(self, method: str, path: str, body: Any = None, wait: float = 0.0) -> Any:
        """The answer as a document, empty where there is none; ``wait`` is seconds that the request itself waits.

        Raises:
            EngineError: the daemon refused, or did not answer.
        """
        said = self._said(method, path, body, LIMIT + wait)
        return json.loads(said) if said.startswith((b"{", b"[")) else {}

    def pull(self, name: str) -> None:
        """Have an image from its registry.

        Raises:
            EngineError: it cannot be had: the registry's own words.
        """
        said = self._said("POST", f"/images/create?fromImage={quote(name)}", None, PULL)
        # It answers at once that it tries, and says how that went line by line.
        errors = [line["error"] for line in map(json.loads, said.splitlines()) if "error" in line]
        if errors:
            raise EngineError(f"{name} cannot be pulled: {errors[0]}")

    def find(self, path: str) -> Any:
        """The document at the path, None where there is no such thing."""
        try:
            return self.ask("GET", path)
        except EngineError as error:
            if error.status == 404:
                return None
            raise

    def remove(self, path: str) -> None:
        """Remove the thing at the path; it is no fault if it is gone."""
        try:
            self.ask("DELETE", path)
        except EngineError as error:
            if error.status != 404:
                raise

    def _said(self, method: str, path: str, body: Any, limit: float) -> bytes:
        connection = _Unix(self.host.removeprefix("unix://"), limit)
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, API + path, text, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            said = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise EngineError(f"no answer from the engine at {self.host}: {error}") from error
        finally:
            connection.close()
        if answer.status >= 400:
            raise EngineError(_message(said), answer.status)
        return said


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str, limit: float) -> None:
        super().__init__("localhost", timeout=limit)
        self.path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


def _message(said: bytes) -> str:
    try:
        return str(json.loads(said)["message"])
    except (ValueError, KeyError, TypeError):
        return said.decode(errors="replace")
