"""The folder of a stack on this machine: what lies where, and what is there already."""

import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from infra.contract import RouteError, reached_in, short, weights_in
from infra.contract.document import Json
from infra.release import Standing

SLOTS = ("blue", "green")
OURS = frozenset({"envoy", "supervisord"})
"""Programs of a stack that no companion may share its name, and so its files, with."""
LONGEST_SOCKET = 107
"""Bytes that the path of a unix socket may have on Linux."""


@dataclass(frozen=True, slots=True)
class Home:
    """Paths in the folder. Nothing in it is worth anything to anybody but this stack."""

    folder: Path

    @property
    def supervisor(self) -> Path:
        """Socket of the supervisor: the longest path of a socket in here."""
        return self.folder / "supervisor.sock"

    @property
    def too_deep(self) -> bool:
        """Whether that path is too long for a socket. The supervisor makes it beside, under a name that is longer still."""
        return len(os.fsencode(self.supervisor)) + len(".12345678") > LONGEST_SOCKET

    @property
    def admin(self) -> Path:
        """Socket of the proxy's admin."""
        return self.folder / "envoy.sock"

    @property
    def birth(self) -> Path:
        """File that says when the stack was born, and which slot served first."""
        return self.folder / "stack.json"

    def source(self, digest: str) -> Path:
        """The folder of one version of a program."""
        return self.folder / "sources" / short(digest)

    def lock(self, digest: str) -> Path:
        """A copy of a file of locked requirements."""
        return self.folder / "locks" / f"{short(digest)}.txt"

    def environment(self, runtime: str, lock: str) -> Path:
        """The environment of a runtime with locked requirements."""
        return self.folder / "environments" / f"{runtime}-{short(lock)}"

    def program(self, name: str) -> Path:
        """What a supervised program is started with, and what was placed by it."""
        return self.folder / "programs" / f"{name}.json"

    def unit(self, name: str) -> Path:
        """What the supervisor reads of a program."""
        return self.folder / "programs" / f"{name}.conf"

    def log(self, name: str) -> Path:
        """What a program says."""
        return self.folder / "logs" / f"{name}.log"

    def data(self, service: str) -> Path:
        """The folder that both slots of a service share."""
        return self.folder / "data" / service

    def heartbeat(self, service: str, slot: str) -> Path:
        """The file that a process beats into."""
        return self.folder / "heartbeats" / f"{service}--{slot}.json"

    def route(self, service: str) -> Path:
        """The watched route file."""
        return self.folder / "routes" / f"{service}.json"

    def fence(self, service: str) -> Path:
        """The folder of a singleton's fence."""
        return self.folder / "fences" / service

    def standing(self) -> Standing:
        """What is placed, and which slots have traffic or a singleton at work."""
        placed: dict[str, dict[str, Mapping[str, Json]]] = {}
        for file in sorted((self.folder / "programs").glob("*--*.json")):
            record = read_json(file)
            if isinstance(record, Mapping) and "inputs" in record:
                service, _, slot = file.stem.rpartition("--")
                placed.setdefault(slot, {})[service] = record["inputs"]
        birth = read_json(self.birth)
        start = birth.get("start") if isinstance(birth, Mapping) else None
        return Standing(placed, self._busy(), start, self._serving())

    def _routes(self) -> list[Json] | None:
        """The route document of each service, or None: one says nothing that can be believed."""
        try:
            found = [json.loads(file.read_bytes()) for file in (self.folder / "routes").glob("[!.]*.json")]
            for each in found:
                weights_in(each)
        except (OSError, ValueError, RouteError):
            return None
        return found

    def _busy(self) -> frozenset[str]:
        routes, holders = self._routes(), self._holders()
        if routes is None or holders is None:
            return frozenset(SLOTS)  # nobody can say: nothing may be touched
        return frozenset({slot for each in routes for slot in reached_in(each)} | holders)

    def _holders(self) -> set[str] | None:
        """Slots that have a singleton at work, or None: a fence says nothing that can be believed."""
        fences = [read_json(file) for file in (self.folder / "fences").glob("*/fence.json")]
        if not all(isinstance(fence, Mapping) and "holder" in fence for fence in fences):
            return None
        return {str(fence["holder"]) for fence in fences if fence["holder"]}

    def _serving(self) -> str | None:
        weights = [weights_in(each) for each in self._routes() or ()]
        total = {slot: sum(each.get(slot, 0) for each in weights) for slot in SLOTS}
        return max(total, key=lambda slot: total[slot]) if any(total.values()) else None


def home_of(project: Path, stack: str) -> Home:
    """The folder of a stack of the project in a folder."""
    return Home(project.absolute() / ".crossfade" / stack)


def program_name(service: str, slot: str | None) -> str:
    """Name of a supervised program, of its files and of its log."""
    return service if slot is None else f"{service}--{slot}"


def read_json(file: Path) -> Any:  # noqa: ANN401 - whatever is in there
    """What a file holds, or None where it holds no JSON."""
    try:
        return json.loads(file.read_bytes())
    except (OSError, ValueError):
        return None


def make_folder(folder: Path) -> None:
    """Have a folder that its owner alone may enter, as every missing one above it: a umask may allow more, and is not asked."""
    if not folder.is_dir():
        if not folder.parent.exists():
            make_folder(folder.parent)
        folder.mkdir(mode=0o700, exist_ok=True)


def write_whole(file: Path, text: str) -> None:
    """Replace a file, its owner's alone, as a whole, making its folder; readers see the old text or the new one."""
    make_folder(file.parent)
    # Pulumi makes things in threads, at the same time.
    draft = file.with_name(f".{file.name}.{os.getpid()}.{threading.get_ident()}.new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    draft.rename(file)
