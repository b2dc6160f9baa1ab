"""The generator in a process of its own, as long as a context lasts."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from smoke.errors import SeamError
from smoke.traffic.load import Load, Target
from smoke.traffic.summary import Summary

_READY = 30.0
"""Seconds that the process has to say that it sends."""
_MARGIN = 5.0
"""Seconds that it has to end, beyond those that its last request has."""
_ROOT = Path(__file__).parents[2]


class Running:
    """A generator that sends, or has sent."""

    def __init__(self, load: Load) -> None:
        """Start it; it sends once this returns.

        Raises:
            SeamError: it does not.
        """
        self._load = load
        # Files, not pipes: nobody reads them before the end, and no amount of text makes the process wait.
        self._output: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``end``
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - dito
        self._summary: Mapping[str, Summary] | SeamError | None = None
        self._channel, far = socket.socketpair()
        with far:
            self._process = self._started(far)
        ready = False
        try:
            self._channel.settimeout(_READY)
            with suppress(OSError):
                self._channel.sendall(load.to_line())
                ready = bool(self._channel.recv(1))
        finally:
            if not ready:
                self._process.kill()
                self.end()
        if isinstance(self._summary, SeamError):
            raise SeamError("synthetic traffic did not start", cause=self._summary.cause)

    @property
    def pid(self) -> int:
        """The process that sends."""
        return self._process.pid

    def summary(self) -> Mapping[str, Summary]:
        """What became of the requests, by target; once the context has ended.

        Raises:
            SeamError: the process died before it could say.
        """
        if self._summary is None:
            raise RuntimeError("the traffic still runs")
        if isinstance(self._summary, SeamError):
            raise self._summary
        return self._summary

    def end(self) -> None:
        """Send no more, wait for what is outstanding, and collect; may be repeated."""
        if self._summary is not None:
            return
        try:
            self._process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(self._load.timeout + _MARGIN)
        finally:
            self._process.kill()
            self._process.wait()
            self._channel.close()
            self._summary = self._read()
            self._output.close()
            self._errors.close()

    def _started(self, channel: socket.socket) -> subprocess.Popen[bytes]:
        # The folder that a person happens to be in may hold any module: -P keeps it away.
        command = [sys.executable, "-P", "-m", "smoke.traffic", "--held"]
        path = os.pathsep.join(filter(None, [str(_ROOT), os.environ.get("PYTHONPATH")]))
        try:
            return subprocess.Popen(
                command,
                stdin=channel.fileno(),
                stdout=self._output,
                stderr=self._errors,
                env={**os.environ, "PYTHONPATH": path},
                start_new_session=True,  # a terminal's Ctrl-C is not for it
            )
        except OSError as error:
            for each in (self._channel, self._output, self._errors):
                each.close()
            raise SeamError("synthetic traffic did not start", cause=str(error)) from error

    def _read(self) -> Mapping[str, Summary] | SeamError:
        self._output.seek(0)
        self._errors.seek(0)
        try:
            document = json.loads(self._output.read())
        except ValueError:
            said = self._errors.read().decode(errors="replace").strip().splitlines()
            cause = said[-1] if said else f"its process ended with {self._process.returncode}"
            return SeamError("synthetic traffic ended without a summary", cause=cause)
        return {name: Summary.from_json(each) for name, each in document["targets"].items()}


@contextmanager
def traffic(targets: Mapping[str, Target], *, limit: float, record: Path | None = None) -> Iterator[Running]:
    """Send to all targets from a process of its own until the context ends, or for ``limit`` seconds.

    The process ends as well when this one does, in whatever way. ``record`` is replaced by one line a request, see
    ``smoke.traffic.record``. When the context ends, requests that wait for their answer get the time that is theirs.

    Raises:
        UsageError: the limit is no positive number.
        SeamError: the process did not start, or the record cannot be written.
    """
    load = Load(targets, limit, record.absolute() if record else None)
    if load.record is not None:
        try:
            load.record.write_bytes(b"")
        except OSError as error:
            raise SeamError("the record of the traffic cannot be written", cause=str(error)) from error
    running = Running(load)
    try:
        yield running
    finally:
        running.end()
