"""HTTP over a unix socket: how the supervisor and the proxy are asked."""

import http
import http.client
import socket
import xmlrpc.client
from pathlib import Path
from typing import Any


class UnixConnection(http.client.HTTPConnection):
    """A connection to whoever listens on a socket in the file system."""

    def __init__(self, path: Path, limit: float) -> None:
        super().__init__("localhost", timeout=limit)
        self._path = path

    def connect(self) -> None:
        """Connect, also again."""
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.settimeout(self.timeout)
            connection.connect(str(self._path))
        except OSError:
            connection.close()
            raise
        self.sock = connection


class UnixTransport(xmlrpc.client.Transport):
    """Remote calls over such a connection."""

    def __init__(self, path: Path, limit: float) -> None:
        super().__init__()
        self._path = path
        self._limit = limit

    def make_connection(self, host: Any) -> http.client.HTTPConnection:  # noqa: ANN401 - two forms, and neither matters
        """The connection; kept where it is looked for when the transport is closed."""
        connection = UnixConnection(self._path, self._limit)
        self._connection = host, connection
        return connection


def ask(path: Path, method: str, query: str, limit: float) -> tuple[int, bytes]:
    """Status and body of what is answered to a query.

    Raises:
        OSError: nobody answers, or not in time, or with something that is no answer.
    """
    connection = UnixConnection(path, limit)
    try:
        connection.request(method, query)
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise OSError(f"{path}: {error!r}") from error
    finally:
        connection.close()


def get(path: Path, query: str, limit: float) -> str:
    """What is answered to a query.

    Raises:
        OSError: nothing that is an answer, or one that says no.
    """
    status, body = ask(path, "GET", query, limit)
    text = body.decode("utf-8", "replace")
    if status != http.HTTPStatus.OK:
        raise OSError(f"{path}: {status} {text.strip()}")
    return text
