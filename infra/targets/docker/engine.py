"""The engine, asked over its socket: what it has, and to start again what has ended. Declares nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from infra.targets.local.unix import ask

API = "/v1.41"
"""Docker 20.10 and later."""
_SOON, _LATER = 5.0, 30.0
"""Seconds for a look; for a start."""
_NOT_FOUND, _WRONG = 404, 400
_HEADER = 8
"""Bytes before each piece of a log: whose it is, and how long."""


class EngineError(Exception):
    """The engine does not answer, or says no; the text says what."""


@dataclass(frozen=True, slots=True)
class Engine:
    """The engine at an address ``unix:///...``."""

    address: str

    def container(self, name: str) -> Mapping[str, Any] | None:
        """What it says of a container; None where it has none of that name.

        Raises:
            EngineError: it does not answer.
        """
        status, body = self._ask("GET", f"/containers/{quote(name)}/json", _SOON, missing_ok=True)
        return None if status == _NOT_FOUND else dict(json.loads(body))

    def running(self, name: str) -> bool:
        """Whether it has the container, and keeps it running: one that it starts again after a crash is."""
        found = self.container(name)
        return found is not None and _runs(found["State"])

    def wake(self, name: str) -> bool:
        """Have a container running that has ended, or was paused, and say whether there is one; may be repeated.

        Raises:
            EngineError: it cannot be started.
        """
        found = self.container(name)
        if found is None:
            return False
        if not _runs(found["State"]):
            act = "unpause" if found["State"].get("Paused") else "start"
            status, body = self._ask("POST", f"/containers/{quote(name)}/{act}", _LATER)
            if status >= _WRONG:
                raise EngineError(f"{name} cannot be started: {_message(body)}")
        return True

    def containers(self) -> list[Mapping[str, Any]]:
        """Every container, running or not."""
        return list(json.loads(self._ask("GET", "/containers/json?all=1", _SOON)[1]))

    def volumes(self) -> list[Mapping[str, Any]]:
        """Every volume."""
        return list(json.loads(self._ask("GET", "/volumes", _SOON)[1])["Volumes"] or [])

    def info(self) -> Mapping[str, Any]:
        """What it says of itself."""
        return dict(json.loads(self._ask("GET", "/info", _SOON)[1]))

    def networks(self) -> list[Mapping[str, Any]]:
        """Every network."""
        return list(json.loads(self._ask("GET", "/networks", _SOON)[1]))

    def log(self, name: str, lines: int = 5) -> str:
        """The last lines that a container said."""
        _, body = self._ask("GET", f"/containers/{quote(name)}/logs?stdout=1&stderr=1&tail={lines}", _SOON)
        pieces: list[bytes] = []
        while len(body) >= _HEADER:
            length = int.from_bytes(body[4:_HEADER], "big")
            pieces.append(body[_HEADER : _HEADER + length])
            body = body[_HEADER + length :]
        return b"".join(pieces).decode("utf-8", "replace").strip() or "nothing"

    def _ask(self, method: str, path: str, limit: float, *, missing_ok: bool = False) -> tuple[int, bytes]:
        try:
            status, body = ask(Path(self.address.removeprefix("unix://")), method, f"{API}{path}", limit)
        except OSError as error:
            raise EngineError(f"the engine at {self.address} does not answer: {error}") from error
        if status >= _WRONG and method == "GET" and not (missing_ok and status == _NOT_FOUND):
            raise EngineError(f"the engine at {self.address} answers {status}: {_message(body)}")
        return status, body


def _runs(state: Mapping[str, Any]) -> bool:
    return bool((state.get("Running") or state.get("Restarting")) and not state.get("Paused"))


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, LookupError, TypeError):
        return body.decode("utf-8", "replace").strip()
