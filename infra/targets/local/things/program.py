"""A program under the supervisor."""

import socket
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from infra.contract.document import Json
from infra.targets.local.home import Home, make_folder
from infra.targets.local.placing import HOST
from infra.targets.local.processes import until
from infra.targets.local.supervision import GONE, RUNNING, Supervisor
from infra.targets.local.things.thing import Spec

LISTENING = 10.0
"""Seconds that a program is waited for after its start. No verdict: whether it is well is for the probes to say."""


class Program:
    """A program that is kept running."""

    KEPT: ClassVar[bool] = False

    def make(self, home: Home, spec: Spec) -> Mapping[str, Json]:
        """Have it running; returns once it listens, or has had its time."""
        supervisor, name, program = Supervisor(home), spec["name"], spec["program"]
        for folder in spec["folders"]:
            make_folder(Path(folder))
        known = supervisor.described(name) == program
        if known and supervisor.state(name) not in {*RUNNING, GONE}:
            supervisor.again(name)
        elif not _kept_running(supervisor, spec):
            supervisor.run(name, program, spec["python"])
        port = spec.get("port")
        if port is not None:
            until(lambda: answers(port), LISTENING)
        return {}

    def unmake(self, home: Home, spec: Spec) -> None:
        """End it, with everything it started. Without a supervisor there is only its description to remove."""
        Supervisor(home).end(spec["name"])

    def well(self, home: Home, spec: Spec) -> bool:
        """Whether the supervisor keeps it running as the spec says, and it listens: after a reboot an `up` waits for that."""
        return _kept_running(Supervisor(home), spec) and ("port" not in spec or answers(spec["port"]))


def _kept_running(supervisor: Supervisor, spec: Spec) -> bool:
    """One that crashes and is started again is kept running; it is not for an `up` to start it anew."""
    return supervisor.described(spec["name"]) == spec["program"] and supervisor.state(spec["name"]) in RUNNING


def answers(port: int, host: str = HOST) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((host, port), timeout=1).close()
    except OSError:
        return False
    return True
