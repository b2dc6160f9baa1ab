"""A websocket, past the router: it opens, sends where a message is wanted, and shows its version in the handshake."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from websockets.exceptions import InvalidStatus, WebSocketException
from websockets.http11 import Response
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from infra.contract import VERSION_HEADER, Json, Placement
from smoke.foreign import shortened
from smoke.model import Answer
from smoke.probes.address import Address, left
from smoke.probes.settings import one_of, path, settings
from smoke.probes.sight import Concluded, Question, Sight, failed
from smoke.seams import Probe

_MOST = 64 * 1024 * 1024
"""Bytes of a message."""
_FAREWELL = 0.2
"""Seconds that the other side has to answer our goodbye."""


def websocket(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    asked = Websocket(**settings("websocket", given, {"path": path(), "expect": one_of("message", "open")}))
    return Question(f"websocket {asked.path}", asked.look)


@dataclass(frozen=True, slots=True)
class Websocket:
    """What is opened, and what is wanted of it."""

    path: str
    expect: str
    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Open it once."""
        address, deadline = Address.of(placement), time.monotonic() + self.timeout
        with opened(address, self.path, deadline) as connection:
            version = shown(connection.response)
            if not version:
                raise failed(f"the handshake has no header {VERSION_HEADER}: what answers does not say which version it is")
            if self.expect == "open" or version != placement.version:
                return Sight(Answer.OK, "open", version)
            message = received(connection, deadline)
            if message is None:
                raise failed(f"open, but no message within {self.timeout:g} s: the stream is silent", version)
            return Sight(Answer.OK, f"a message of {len(message)} bytes", version)


@contextmanager
def opened(address: Address, target: str, deadline: float, subprotocols: Sequence[str] = ()) -> Iterator[ClientConnection]:
    """An open websocket; follows nothing, knows no proxies.

    Raises:
        Concluded: it does not open before ``deadline``, in monotonic seconds, or is closed while it is used.
    """
    where = f"{address}{target}"
    with closing(address.connected(deadline)) as link:
        link.settimeout(None)
        try:
            # On a connection of ours: then the library refuses to follow a redirect, which would lead past the placement.
            with connect(
                f"ws://{where}",
                sock=link,
                subprotocols=[Subprotocol(each) for each in subprotocols] or None,
                compression=None,
                proxy=None,
                max_size=_MOST,
                open_timeout=left(deadline),
                close_timeout=_FAREWELL,
                ping_interval=None,
            ) as connection:
                yield connection
        except InvalidStatus as error:
            raise _declined(where, error) from error
        except ValueError as error:
            if isinstance(error.__cause__, InvalidStatus):
                raise _declined(where, error.__cause__) from error
            raise failed(f"{where} is no websocket: {shortened(str(error))}") from error
        except TimeoutError as error:
            raise failed(f"{where} did not answer the handshake in time: it hangs") from error
        except (WebSocketException, OSError, EOFError) as error:
            raise failed(f"{where}: {shortened(str(error))}") from error


def received(connection: ClientConnection, deadline: float) -> bytes | None:
    """The next message; None if there is none before ``deadline``, in monotonic seconds."""
    if time.monotonic() >= deadline:  # or a flood of messages would never end
        return None
    try:
        message = connection.recv(timeout=left(deadline))
    except TimeoutError:
        return None
    return message.encode() if isinstance(message, str) else bytes(message)


def shown(response: Response | None) -> str | None:
    """The version in the answer to a handshake."""
    found = response.headers.get_all(VERSION_HEADER) if response is not None else []
    return found[0] if found else None


def _declined(where: str, error: InvalidStatus) -> Concluded:
    return failed(f"{where} opens no websocket: status {error.response.status_code}", shown(error.response))
