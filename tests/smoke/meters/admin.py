"""An admin that answers what a test has told it to, over a unix socket."""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from pathlib import Path
from typing import Self


class Admin:
    """Gives every question the same bytes, or none, and never ends the connection where it is told to hang."""

    def __init__(self, answer: bytes, *, hangs: bool = False) -> None:
        self._answer = answer
        self._hangs = hangs
        # Not pytest's folder: the path of a unix socket may have 107 characters.
        self._folder = Path(tempfile.mkdtemp(prefix="admin-"))
        self.path = self._folder / "admin.sock"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(self.path))
        self._socket.listen()
        self._thread = threading.Thread(target=self._serve, name="admin", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)
        shutil.rmtree(self._folder)

    def _serve(self) -> None:
        while True:
            with suppress(ConnectionError, TimeoutError):
                try:
                    connection, _ = self._socket.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(5)
                    connection.recv(65536)
                    connection.sendall(self._answer)
                    if self._hangs:
                        connection.recv(1)  # until the other side has had enough
