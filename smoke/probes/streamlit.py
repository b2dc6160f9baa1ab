"""A run of a Streamlit page, as a browser asks for it: the health answer is green while every session sees an exception.

The page shows its version as a line ``version <runtime>-<12 hex>``, a caption for example; for a page without one the operating
system is asked who listens. The few messages that matter are read by their numbers, seen to be the same from Streamlit 1.50 to
1.67: the schema belongs to the application's own environment, and this one has no Streamlit.
"""

import re
import socket
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice

from websockets.sync.client import ClientConnection

from infra.contract import Json, Placement
from smoke.foreign import shortened
from smoke.model import Answer
from smoke.probes.address import Address
from smoke.probes.http import get
from smoke.probes.owner import Owner, owners
from smoke.probes.settings import path, seconds, settings
from smoke.probes.sight import Concluded, Question, Sight, failed
from smoke.probes.websocket import opened, received
from smoke.probes.wire import Value, WireError, field, texts, values
from smoke.seams import Probe

_HEALTH, _STREAM = "/_stcore/health", "/_stcore/stream"
_GOOD = 200
_MOST = 16
"""Elements in one message; there is one at most."""

# BackMsg
_RERUN, _QUERY, _PAGE = 11, 1, 4
# ForwardMsg
_DELTA, _FINISHED, _SESSION_EVENT, _PAGE_NOT_FOUND = 5, 6, 10, 15
_ELEMENT, _COMPILATION = 3, 3
# Element, and where each kind of text has its body
_EXCEPTION = 8
_BODIES = ((1, 1), (29, 1), (47, 3))
"""Text, markdown (captions are some) and heading."""
# Exception
_TYPE, _MESSAGE, _IS_WARNING = 1, 2, 5
# ScriptFinishedStatus
_WELL, _COMPILE_ERROR = 0, 1
_NOT_THE_END = frozenset({2, 3})
"""Begun anew, or a fragment of the page alone: the run that was asked for is still on."""

# Each character is looked at once: \W would run over line ends, from every line anew.
_VERSION = re.compile(r"^[^\w\n]*[Vv]ersion:? +`?([A-Za-z]+\d+-[0-9a-f]{12})`?[^\w\n]*$", re.MULTILINE)


def streamlit(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    asked = Streamlit(**settings("streamlit", given, {"path": path("/"), "script": seconds()}))
    return Question(f"streamlit {asked.path}", asked.look)


@dataclass(frozen=True, slots=True)
class Streamlit:
    """Which page, and how long it may take."""

    path: str
    """The page, as users see it in the address: ``/`` is the first."""
    script: float
    """Seconds that the page's script may run, within ``timeout``."""
    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Ask for one run."""
        address, deadline = Address.of(placement), time.monotonic() + self.timeout
        health = get(address, _HEALTH, deadline)
        if (health.status, health.text.strip()) != (_GOOD, "ok"):
            raise failed(f"{_HEALTH} is no Streamlit's: status {health.status}, {shortened(health.text) or 'empty'}")
        with opened(address, _STREAM, deadline, ["streamlit"]) as session:
            return _judged(self._run(session, deadline), _owner(session.socket, placement))

    def _run(self, session: ClientConnection, deadline: float) -> "Run":
        began = time.monotonic()
        limit = min(deadline, began + self.script)
        run = Run()
        session.send(_rerun(self.path))
        while not run.ended:
            message = received(session, limit)
            if message is None:
                raise failed(f"the script of {self.path} did not end within {limit - began:.1f} s", run.version)
            run = run.after(message)
        return run


@dataclass(frozen=True, slots=True)
class Run:
    """What a session was sent so far."""

    ended: bool = False
    wrong: str | None = None
    """The first thing that went wrong."""
    version: str | None = None
    """What the page shows."""
    elements: int = 0

    def after(self, message: bytes) -> "Run":
        """The run one message later.

        Raises:
            Concluded: it is no message of Streamlit's.
        """
        try:
            status = next(values(message, _FINISHED), None)
            elements = _elements(message)
            return Run(
                ended=status is not None and status not in _NOT_THE_END,
                wrong=self.wrong or next(_wrongs(message, elements, status), None),
                version=self.version or next(_versions(elements), None),
                elements=self.elements + len(elements),
            )
        except WireError as error:
            raise failed(f"{_STREAM} sent what is no message of Streamlit's: {error}", self.version) from error


def _judged(run: Run, owner: Owner | Concluded) -> Sight:
    """The sight of a whole run; the operating system knows which process it was, and who it is where the page does not say."""
    if isinstance(owner, Concluded) and (owner.sight.impostor or (run.version is None and run.wrong is None)):
        raise owner
    known = owner if isinstance(owner, Owner) else None
    return Sight(
        Answer.FAILED if run.wrong else Answer.OK,
        run.wrong or f"the script ran to its end, {run.elements} elements",
        run.version or (known.version if known else None),
        instance=known.instance if known else None,
        numbers={"elements": run.elements, **({"rss_mb": known.rss_mb} if known else {})},
    )


def _owner(connection: socket.socket, placement: Placement) -> Owner | Concluded:
    """The process that listens; the one that is not the placement's, if there is one."""
    try:
        found = owners(connection, placement)
    except Concluded as concluded:
        return concluded
    return next((each for each in found if each.version != placement.version), found[0])


def _rerun(page: str) -> bytes:
    """The message with which a browser asks for a run of a page."""
    name, _, query = page.partition("?")
    state = b"".join(field(number, text.encode()) for number, text in ((_QUERY, query), (_PAGE, name.strip("/"))) if text)
    return field(_RERUN, state)


def _elements(message: bytes) -> list[bytes]:
    found = [*islice(_messages(message, _DELTA, _ELEMENT), _MOST + 1)]
    if len(found) > _MOST:
        raise WireError("it has too many elements")
    return found


def _wrongs(message: bytes, elements: list[bytes], status: Value | None) -> Iterator[str]:
    for exception in _messages(message, _SESSION_EVENT, _COMPILATION):
        yield f"the script cannot be compiled: {_said(exception)}"
    for element in elements:
        for exception in _messages(element, _EXCEPTION):
            if not next(values(exception, _IS_WARNING), 0):
                yield f"the script raised {_said(exception)}"
    if any(True for _ in values(message, _PAGE_NOT_FOUND)):
        yield "there is no such page"
    if status == _COMPILE_ERROR:
        yield "the script cannot be compiled"
    elif status is not None and status != _WELL and status not in _NOT_THE_END:
        yield f"the script ended with status {status!r}"


def _said(exception: bytes) -> str:
    kind, text = "".join(texts(exception, _TYPE)), "".join(texts(exception, _MESSAGE))
    return shortened(f"{kind}: {text}" if kind and text else kind or text or "an exception without a word")


def _messages(message: bytes, *numbers: int) -> Iterator[bytes]:
    return (each for each in values(message, *numbers) if isinstance(each, bytes))


def _versions(elements: list[bytes]) -> Iterator[str]:
    for element in elements:
        for body in _BODIES:
            for text in texts(element, *body):
                yield from _VERSION.findall(text)
