"""A stack's folder for one test, with everything in it that the test starts."""

import os
import shutil
import socket
import sys
import tempfile
import xmlrpc.client
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

import machine
import psutil

from infra.targets.local.home import Home
from infra.targets.local.supervision import Supervisor
from infra.targets.local.things import THINGS
from infra.targets.local.unix import UnixTransport

Spec = dict[str, Any]


wait_for = partial(machine.wait_for, limit=15.0)


class Place:
    """The folder. Its path is short, since the path of a unix socket is."""

    def __init__(self, name: str = "s") -> None:
        self._top = Path(tempfile.mkdtemp(prefix="cf", dir="/tmp"))  # short on purpose
        self.home = Home(self._top / ".crossfade" / name)
        self.project = self._top / "project"
        self.project.mkdir()

    def make(self, kind: str, spec: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Make a thing."""
        return THINGS[kind].make(self.home, spec or {"start": "blue"})

    def unmake(self, kind: str, spec: Mapping[str, Any] | None = None) -> None:
        """Unmake a thing."""
        THINGS[kind].unmake(self.home, spec or {"start": "blue"})

    def well(self, kind: str, spec: Mapping[str, Any] | None = None) -> bool:
        """Whether a thing is there, as the spec says."""
        return THINGS[kind].well(self.home, spec or {"start": "blue"})

    def program(self, name: str, code: str, *, port: int | None = None, **environment: str) -> Spec:
        """The spec of a program that runs some Python."""
        described = self.described([sys.executable, "-u", "-c", code], **environment)
        spec = {"name": name, "program": described, "python": sys.executable, "folders": []}
        return spec if port is None else {**spec, "port": port}

    def described(self, argv: list[str], **environment: str) -> Spec:
        """What the supervisor is told of a program."""
        given = {"CROSSFADE_HOME": str(self.home.folder), **environment}
        return {"argv": argv, "environment": given, "folder": str(self.project)}

    def log(self, name: str) -> str:
        """What a program said so far."""
        try:
            return self.home.log(name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def pid(self, name: str) -> int:
        """Its process; 0 for none."""
        return int(self.ask("getProcessInfo", name)["pid"])

    def ask(self, method: str, *words: str) -> Any:  # noqa: ANN401 - whatever it answers
        """What the supervisor answers."""
        with xmlrpc.client.ServerProxy("http://localhost", transport=UnixTransport(self.home.supervisor, 5)) as server:
            return getattr(server.supervisor, method)(*words)

    @staticmethod
    def listens(port: int) -> bool:
        """Whether somebody takes connections there."""
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    @property
    def supervisor(self) -> Supervisor:
        """Its supervisor."""
        return Supervisor(self.home)

    @property
    def supervisor_pid(self) -> int:
        """The supervisor's process."""
        return int((self.home.folder / "supervisord.pid").read_text())

    def processes(self) -> list[psutil.Process]:
        """Every process that belongs to it."""
        return [each for each in psutil.process_iter() if each.pid != os.getpid() and self._is_ours(each)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            if process.status() == psutil.STATUS_ZOMBIE:
                return False
            return process.environ().get("CROSSFADE_HOME") == str(self.home.folder)
        except psutil.Error:
            return False

    def kill(self) -> None:
        """End everything at once, as a machine that goes down does."""
        while found := self.processes():
            for each in found:
                with suppress(psutil.NoSuchProcess):
                    each.kill()
            psutil.wait_procs(found, timeout=0.1)

    def close(self) -> None:
        """Leave nothing behind."""
        self.kill()
        shutil.rmtree(self._top, ignore_errors=True)
