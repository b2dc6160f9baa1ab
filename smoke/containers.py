"""Containers, by the word of the engine that runs them: asked over its socket, without a library of its own.

The engine names a process by the id that it has on this machine. Inside a container the same process goes by another.
"""

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Self

from infra.contract import Json, Placement
from smoke.admin import Declined, Unanswered, ask

if TYPE_CHECKING:
    import psutil

DAEMON = "unix:///var/run/docker.sock"
"""Where an engine listens, unless somebody chose another place."""
VERSION_LABEL = "crossfade.version"
"""Label of a container that says what it was placed as."""
_NAME = re.compile(r"[\w.-]+", re.ASCII)
_MISSING = 404


class Unseen(Exception):
    """How a container is cannot be seen from here; the text says why."""


class Down(Exception):
    """The container is not there, or does not run; the text says which."""


@dataclass(frozen=True, slots=True)
class Container:
    """A container that runs, or is paused."""

    name: str
    id: str
    pid: int
    """Of its first process, on this machine."""
    version: str | None
    """What it was placed as; None where it was not placed by us."""
    started: str
    """When its first process was, in the engine's words; each restart has its own."""
    restarts: int
    """How often the engine started it again by itself."""
    paused: bool
    """Whether the engine froze all of its processes."""
    addresses: frozenset[str]
    """Its own in its networks."""

    @property
    def instance(self) -> str:
        """The word that differs after a restart."""
        return f"{self.id[:12]}@{self.started}"

    def processes(self) -> "list[psutil.Process]":
        """Its first process and what that started, the children of the dead included.

        Raises:
            Unseen: this machine does not know its first process.
        """
        import psutil  # noqa: PLC0415 - 60 ms that `status` must not pay

        try:
            first = psutil.Process(self.pid)
            return [first, *first.children(recursive=True)]
        except psutil.Error as error:
            raise Unseen(f"the processes of container {self.name} cannot be seen: {error}") from error

    def rss(self) -> int:
        """Bytes of memory that its processes have, each for itself; those that end meanwhile have none.

        Raises:
            Unseen: this machine does not know its first process.
        """
        return sum(_rss(each) for each in self.processes())

    def hosted(self, pid: int) -> int | None:
        """The id on this machine of the process that goes by ``pid`` in the container; None where there is none.

        Raises:
            Unseen: this machine does not know its first process.
        """
        return next((each.pid for each in self.processes() if _inner(each.pid) == pid), None)


@dataclass(frozen=True, slots=True)
class Reference:
    """Where a container is to be found."""

    name: str
    daemon: str = DAEMON
    """Address of its engine: ``unix:///...``."""

    @classmethod
    def of(cls, placement: Placement) -> Self | None:
        """The placement's container; None where it is a process of this machine."""
        return cls(placement.container, placement.daemon or DAEMON) if placement.container is not None else None

    def look(self) -> Container:
        """How it is now; takes 1 ms where the engine is well, 2 s at most.

        Raises:
            Down: it is not there, or does not run.
            Unseen: the engine does not say.
        """
        scheme, _, path = self.daemon.partition("://")
        if scheme != "unix" or not _NAME.fullmatch(self.name):
            raise Unseen(f"container {self.name!r} of {self.daemon} cannot be asked for: engines are asked at unix:///...")
        try:
            document: Json = json.loads(ask(path, f"/containers/{self.name}/json"))
            return _container(self.name, document)
        except Declined as error:
            if error.status == _MISSING:
                raise Down(f"container {self.name} is not there") from error
            raise Unseen(f"container {self.name} cannot be seen: {error}") from error
        except Unanswered as error:
            raise Unseen(f"container {self.name} cannot be seen: {error}") from error
        except (ValueError, RecursionError, LookupError, TypeError, AttributeError, OverflowError) as error:
            raise Unseen(f"container {self.name} cannot be seen: {path} answers what is no container") from error

    def command(self, verb: str) -> str:
        """The line by which a person does that to it."""
        return shlex.join(["docker", "-H", self.daemon, verb, self.name])


def _container(name: str, document: Mapping[str, Json]) -> Container:
    state, networks = document["State"], document["NetworkSettings"]["Networks"]
    if state["Pid"] <= 0:
        raise Down(f"container {name} does not run: {str(state['Status'])[:20]}")
    known = {address for each in networks.values() for address in (each["IPAddress"], each.get("GlobalIPv6Address"))}
    version = (document["Config"].get("Labels") or {}).get(VERSION_LABEL)
    return Container(
        name=name,
        id=str(document["Id"]),
        pid=int(state["Pid"]),
        version=str(version) if version else None,
        started=str(state["StartedAt"]),
        restarts=int(document["RestartCount"]),
        paused=bool(state["Paused"]),
        addresses=frozenset(map(str, filter(None, known))),
    )


def _rss(process: "psutil.Process") -> int:
    import psutil  # noqa: PLC0415 - see above

    try:
        return int(process.memory_info().rss)
    except psutil.Error:
        return 0


def _inner(pid: int) -> int | None:
    """The id by which a process knows itself: the last of all that it has, from the outermost namespace in."""
    try:
        with Path(f"/proc/{pid}/status").open(encoding="ascii", errors="replace") as lines:
            return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), None)
    except OSError:  # it ended meanwhile
        return None
