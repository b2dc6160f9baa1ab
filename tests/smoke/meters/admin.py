"""An admin that answers what a test has told it to, over a unix socket."""

import shutil
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

from tests.smoke.meters.listening import Listening


class Admin(Listening):
    """Gives every question the same bytes, or none, and never ends the connection where it is told to hang."""

    def __init__(self, answer: bytes, *, hangs: bool = False) -> None:
        self._answer = answer
        self._hangs = hangs
        # Not pytest's folder: the path of a unix socket may have 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="admin-"))
        self.path = self._folder / "admin.sock"
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(self.path))
        listener.listen()
        super().__init__(listener, self._told)

    def __exit__(self, *_: object) -> None:
        super().__exit__()
        shutil.rmtree(self._folder)

    def _told(self, connection: socket.socket) -> None:
        with connection, suppress(ConnectionError, TimeoutError):
            connection.settimeout(5)
            connection.recv(65536)
            connection.sendall(self._answer)
            if self._hangs:
                connection.recv(1)  # until the other side has had enough
