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


def get(path: Path, query: str, limit: float) -> str:
    """What is answered to a query.

    Raises:
        OSError: nobody answers, or not in time, or with something that is no answer.
    """
    connection = UnixConnection(path, limit)
    try:
        connection.request("GET", query)
        answer = connection.getresponse()
        text = answer.read().decode("utf-8", "replace")
    except http.client.HTTPException as error:
        raise OSError(f"{path}: {error!r}") from error
    finally:
        connection.close()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"{path}: {answer.status} {text.strip()}")
    return text
