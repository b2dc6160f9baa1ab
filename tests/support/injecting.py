"""Faults of the parts and of the surroundings, injected into a real stack that has users: a scene for each, and what was seen.

A fault is a function of a ``Scene``. It begins a rollout, breaks something, mends it, and says what must hold; ``inject`` gives
it a release of its own to promote and users at 100 requests a second, and returns what became of all. Faults of the candidate
are in ``tests/engine/test_faults.py``.
"""

import json
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from workshop import BIN, STACK, Workshop, until

from infra.contract import Contract
from smoke.errors import RouterError
from smoke.routers import router
from smoke.seams import Router
from smoke.traffic import Target, entries, traffic

RATE = 100.0
RUNTIMES: Mapping[str, str] = {"blue": "py39", "green": "py312"}
SERVER_ERROR = 500
PLAN: Mapping[str, Any] = {
    "steps": [20, 50, 100],
    "bake": "2s",
    "last": "3s",
    "requests": 30,
    "limit": "40s",
    "at_limit": "back",
    "prove": "30s",
    "blind": "4s",
    # What else runs on the machine must not be taken for the candidate's fault.
    "gates": {"latency_ratio": 4, "errors": 0.2, "error_margin": 0.2, "p95": "10s", "memory_ratio": 4},
}
LONG: Mapping[str, Any] = {"bake": "60s", "limit": "3m"}
"""Steps that last longer than whatever is done in them."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that breaks."""

    act: "Callable[[Scene], None]"
    plan: Mapping[str, Any] = field(default_factory=dict)
    """What the plan has beside ``PLAN``."""
    lossless: bool = True
    """Whether no user may lose a request by it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was seen of one fault."""

    fault: str
    exits: Mapping[str, int]
    """Exit codes, by who typed what."""
    phase: str
    because: Sequence[str]
    safe: float | None
    """Seconds from the fault until all traffic was on the live slot, read back; None where nobody waited for that."""
    last: float | None
    """Seconds from the fault to the candidate's last answer to a user, below 0 where it came before; None: there was none."""
    offered: int
    lost: Mapping[str, int]
    """Requests without a good answer, by status or reason."""
    notes: Sequence[str]
    wrong: Sequence[str]
    """What did not hold, although it must."""


class Terminal:
    """A command that somebody typed, with what it says."""

    def __init__(self, words: Sequence[str], project: Workshop, folder: Path) -> None:
        self._said = Path(tempfile.mkstemp(dir=folder)[1])
        with self._said.open("wb") as out:
            self.process = subprocess.Popen(
                words,
                cwd=project.folder,
                env=project.environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def said(self) -> str:
        """Everything so far."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def end(self, limit: float = 120.0) -> int:
        """Its exit code, once it has ended."""
        try:
            return self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"not within {limit:g} s: {self.process.args!r} ends\n{self.said[-3000:]}") from None


class Scene:
    """One rollout, what breaks in it, and what is seen."""

    def __init__(self, project: Workshop, folder: Path, undo: ExitStack) -> None:
        self.project = project
        self.undo = undo
        """What is put right at the end, whatever happened."""
        self.exits: dict[str, int] = {}
        self.notes: list[str] = []
        self.wrong: list[str] = []
        self.struck: float | None = None
        self.safe: float | None = None
        self.contract: Contract
        self._folder = folder
        status = project.status()
        self.live = str(status["live"])
        self.candidate = "green" if self.live == "blue" else "blue"
        self._before = status["rollout"] and status["rollout"]["rollout"]

    # What is there

    def deploy(self) -> None:
        """What the settings say now is placed, without traffic."""
        self.project.up()
        self.contract = Contract.from_json(self.project.contract())

    @property
    def routers(self) -> Mapping[str, Router]:
        """Of the weighted services."""
        return {each.name: router(each.router) for each in self.contract.services if each.router is not None}

    def weights(self) -> dict[str, Mapping[str, int] | None]:
        """As the proxy serves them; None where it does not say."""
        found: dict[str, Mapping[str, int] | None] = {}
        for name, each in self.routers.items():
            try:
                found[name] = each.read()
            except RouterError:
                found[name] = None
        return found

    def home(self) -> bool:
        """Whether all traffic is on the live slot, as the proxy serves it."""
        return all(found == {self.live: 100, self.candidate: 0} for found in self.weights().values())

    def pid(self, *words: str) -> psutil.Process:
        """The one process of the stack whose command has all these words in it."""
        (found,) = [each for each in self.project.processes() if all(word in " ".join(_command(each)) for word in words)]
        return found

    def port(self, service: str, slot: str) -> int:
        """Where a slot listens."""
        address = self.contract.service(service).placements[slot].address
        assert address is not None
        return int(address.rpartition(":")[2])

    def events(self) -> list[Mapping[str, Any]]:
        """What this rollout's journal says, as far as it is whole; nothing before it has begun."""
        newest = max(self.project.journal.glob("*.jsonl"), default=None)
        if newest is None or newest.stem == self._before:
            return []
        lines = newest.read_text(encoding="utf-8").splitlines()
        return [json.loads(line.partition(" ")[2]) for line in lines if line.endswith("}")]

    def happened(self, event: str, count: int = 1) -> bool:
        """Whether the journal says so."""
        return [each["event"] for each in self.events()].count(event) >= count

    # What people do

    def types(self, *words: str) -> Terminal:
        """Begin a command in a terminal of its own; whatever becomes of it, it ends with the scene."""
        terminal = Terminal([str(BIN / "crossfade"), *words, "--stack", STACK], self.project, self._folder)
        self.undo.callback(_ended, terminal.process)
        return terminal

    def pulumi(self, *words: str) -> Terminal:
        """Begin a Pulumi."""
        more = ("--yes", "--skip-preview", "--non-interactive", "--stack", STACK)
        terminal = Terminal(["pulumi", *words, *more], self.project, self._folder)
        self.undo.callback(_ended, terminal.process)
        return terminal

    def promote(self, event: str = "shifted") -> Terminal:
        """Begin the rollout, and wait for that in its journal: in the middle of the first step, where nothing else is said."""
        terminal = self.types("promote", "--to", self.candidate)
        until(lambda: self.happened(event) or terminal.process.poll() is not None, event, limit=90)
        assert self.happened(event), terminal.said[-3000:]
        return terminal

    # What is seen

    def strike(self) -> None:
        """It breaks now."""
        self.struck = time.monotonic()

    def wait_home(self, limit: float = 90.0) -> None:
        """Wait until users are safe, as read back from the proxy."""
        until(self.home, "all traffic is on the live slot", limit=limit)
        assert self.struck is not None
        self.safe = time.monotonic() - self.struck

    def ends(self, who: str, terminal: Terminal, expected: int | Sequence[int], limit: float = 150.0) -> None:
        """Wait for a command's end, which must have that exit code."""
        self.exits[who] = code = terminal.end(limit)
        wanted = [expected] if isinstance(expected, int) else expected
        self.expect(code in wanted, f"{who} ends with {expected}, not {code}: {terminal.said[-1500:]}")

    def expect(self, holds: object, what: str) -> None:
        """It must hold."""
        if not holds:
            self.wrong.append(what)

    def note(self, what: str) -> None:
        """Worth a place in the table."""
        self.notes.append(what)


def inject(project: Workshop, name: str, fault: Fault) -> Outcome:
    """Promote a release of its own under load, with that fault in the middle; leaves a stack that is whole."""
    with tempfile.TemporaryDirectory() as made, ExitStack() as undo:
        folder = Path(made)
        project.settings["plan"] = {**PLAN, **fault.plan}
        scene = Scene(project, folder, undo)
        project.slot(scene.candidate, runtime=RUNTIMES[scene.candidate], RELEASE=f"{name} {time.time():.0f}")
        scene.deploy()
        users = {"api": Target(project.front("api", "/prices"), RATE)}
        with traffic(users, limit=900.0, record=folder / "record"):
            try:
                fault.act(scene)
            finally:
                undo.close()
        outcome = _outcome(scene, name, fault, folder / "record")
        _tidied(project)
        return outcome


def _outcome(scene: Scene, name: str, fault: Fault, record: Path) -> Outcome:
    report = scene.project.report()
    version = scene.contract.service("api").placements[scene.candidate].version
    users = list(entries(record))
    answers = [each.due + each.latency_ms / 1000 for each in users if each.version == version]
    last = None if scene.struck is None or not answers else max(answers) - scene.struck
    lost = Counter(str(each.outcome) for each in users if isinstance(each.outcome, str) or each.outcome >= SERVER_ERROR)
    scene.expect(not (fault.lossless and lost), f"nobody loses a request: {dict(lost)}")
    return Outcome(
        name, scene.exits, report["phase"], report["because"], scene.safe, last, len(users), lost, scene.notes, scene.wrong
    )


def _tidied(project: Workshop) -> None:
    """The next fault finds a stack without a rollout."""
    if project.status()["rollout"]["phase"] not in {"promoted", "rolled back"}:
        project.crossfade("abort")


def _ended(process: "subprocess.Popen[bytes]") -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.kill()
    process.wait()


def _command(process: psutil.Process) -> Sequence[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return ()
