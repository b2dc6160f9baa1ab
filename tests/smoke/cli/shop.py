"""A stack that is up and whose data plane is made up, driven by the real program in processes of its own.

Journal, requests and lease are the real files, so that one process hears another. Each process has a data plane in its memory,
and a program of the name ``pulumi`` stands in for the real one, and writes down what it was asked.
"""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from machine import free_port, wait_for

from infra.contract import Backend
from smoke.guard import beat
from smoke.journals import FileJournal, FileMailbox
from smoke.plan import Gates, Plan, Policy, Step
from smoke.rollout import Event, Rollout, from_record, replay, to_record
from tests.smoke.cli.program import PROGRAM, bring_up, crossfade, shell

LONG = 3600.0
WELL: Mapping[str, Any] = {"readings": [{"answer": "ok", "detail": "status 200", "instance": "1"}], "every": 0.05, "timeout": 5}
COUNTED: Mapping[str, Any] = {slot: {"requests": 0, "errors": 0} for slot in ("blue", "green")}
PLAN = Plan(
    steps=(Step(10, bake=0.2, requests=0, limit=LONG), Step(100, bake=0.2, requests=0, limit=LONG)),
    gates=Gates(),
    tick=0.05,
    prove=60.0,
    blind=60.0,
    hold=LONG,
    policy=Policy.HOLD,
)
"""A rollout that ends within a second or two."""
SLOW = replace(PLAN, steps=(Step(10, bake=LONG, requests=0, limit=2 * LONG), PLAN.steps[1]))
"""One that stays at its first step."""
HELD = replace(PLAN, steps=(PLAN.steps[0], replace(PLAN.steps[1], approvals=1)))
"""One that waits for an approval."""
_PULUMI = '#!/bin/sh\necho "$*" >>"$ASKED"\n[ ! -e "$ASKED.after" ] || . "$ASKED.after"\n'


@dataclass
class Shop:
    """The project's folder, and everybody who works in it."""

    folder: Path
    journal: Path
    started: list["subprocess.Popen[str]"] = field(default_factory=list)

    # What is deployed

    def declare(self, plan: Plan = PLAN, **changes: Any) -> None:  # noqa: ANN401 - parts of a contract
        """Deploy this plan; and with these parts of the contract, ``service`` being those of its one service."""

        def change(contract: Any) -> None:  # noqa: ANN401 - a JSON document
            contract["services"][0] |= changes.pop("service", {})
            contract.update({"plan": dict(plan.to_json()), **changes})

        self._deployed(change)

    def after_pulumi(self, when: str = "", **changes: Any) -> None:  # noqa: ANN401 - parts of a contract
        """Have these parts of the contract in force once Pulumi was asked something that has these words in it."""
        [state] = (self.folder / ".state").rglob("staging.json")
        before = state.read_text(encoding="utf-8")
        self._deployed(lambda contract: contract.update(changes))
        after = self.folder / "after.json"
        after.write_text(state.read_text(encoding="utf-8"), encoding="utf-8")
        state.write_text(before, encoding="utf-8")
        script = f'case "$*" in *"{when}"*) cp "{after}" "{state}";; esac\n'
        (self.folder / "asked.after").write_text(script, encoding="utf-8")

    def _deployed(self, change: Callable[[Any], None]) -> None:
        [state] = (self.folder / ".state").rglob("staging.json")
        document: Any = json.loads(state.read_text(encoding="utf-8"))
        change(document["checkpoint"]["latest"]["resources"][0]["outputs"]["crossfade"])
        state.write_text(json.dumps(document), encoding="utf-8")

    def singleton(self, fence: str) -> None:
        """Deploy a second service, which works in one slot alone; its fence says this."""
        folder = self.folder / "agent"
        folder.mkdir()
        (folder / "fence.json").write_text(fence, encoding="utf-8")
        settings = {"folder": str(folder), "heartbeats": dict.fromkeys(("blue", "green"), "/nowhere"), "timeout": 1.0}
        own = {"router": None, "meter": None, "front": None, "handover": {"kind": "file", "settings": settings}}

        def change(contract: Any) -> None:  # noqa: ANN401 - a JSON document
            [api] = contract["services"]
            contract["services"].append({**api, "name": "agent", "kind": "singleton", "probes": [], **own})

        self._deployed(change)

    def settings(self, plan: Mapping[str, Any] | None = None, **env: str) -> Mapping[str, str]:
        """Write settings that are whole; returns the releases that they ask for, by slot."""
        self.write_settings(plan, **env)
        words = [sys.executable, "-m", "infra.check", "--json", "--stack", "staging", "--project", str(self.folder)]
        said = subprocess.run(words, capture_output=True, text=True, check=True, env=shell()).stdout
        return dict(json.loads(said)["releases"])

    def write_settings(self, plan: Mapping[str, Any] | None = None, **env: str) -> None:
        """Write settings that are whole, with this plan, and this in the environment of green."""
        (self.folder / "app").mkdir(exist_ok=True)
        (self.folder / "app" / "app.py").write_text("", encoding="utf-8")
        (self.folder / "app.lock").write_text(f"nothing==1.0 --hash=sha256:{'0' * 64}\n", encoding="utf-8")
        runtime = f"py{sys.version_info.major}{sys.version_info.minor}"
        service = {"kind": "http", "source": "app", "lock": "app.lock", "command": "python -m app", "health": [{"http": "/"}]}
        config = {
            "crossfade:target": "local",
            "crossfade:slots": {"blue": {"runtime": runtime}, "green": {"runtime": runtime, "env": env}},
            "crossfade:services": {"api": {**service, "port": free_port()}},
            **({"crossfade:plan": plan} if plan else {}),
        }
        (self.folder / "Pulumi.staging.yaml").write_text(json.dumps({"config": config}), encoding="utf-8")

    def asked(self) -> list[str]:
        """What Pulumi was told to do, a line each."""
        file = self.folder / "asked"
        return file.read_text(encoding="utf-8").splitlines() if file.exists() else []

    # Who works here

    def environment(self, user: str = "me") -> dict[str, str]:
        """A person's shell."""
        path = f"{self.folder / 'bin'}:{shell()['PATH']}"
        return {**shell(), "USER": user, "PATH": path, "ASKED": str(self.folder / "asked")}

    def crossfade(self, *words: str, user: str = "me", **environment: str) -> "subprocess.CompletedProcess[str]":
        """Run a command on the stack to its end."""
        return crossfade(*words, "--stack", "staging", folder=self.folder, environment={**self.environment(user), **environment})

    def begin(self, *words: str, user: str = "me") -> "subprocess.Popen[str]":
        """Start a command on the stack, and leave it running."""
        return self.start([str(PROGRAM), *words, "--stack", "staging"], user)

    def start(self, words: Sequence[str], user: str = "me", **how: Any) -> "subprocess.Popen[str]":  # noqa: ANN401 - of Popen
        """Start a program in the folder."""
        streams: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **how}
        how = {"env": self.environment(user), **streams}
        process = subprocess.Popen([sys.executable, *words], cwd=self.folder, text=True, **how)
        self.started.append(process)
        return process

    @property
    def watching(self) -> list[str]:
        """The words that start the stack's watchdog."""
        return ["-P", "-m", "smoke.watchdog", "--project", str(self.folder), "--stack", "staging"]

    def watchdog(self, path: str | None = None) -> "subprocess.Popen[str]":
        """Start it, in an environment of its own."""
        environment = {**self.environment(), **({"PATH": path} if path else {})}
        return self.start(self.watching, env=environment)

    def guarded(self) -> None:
        """Say what a watchdog says, which then does nothing."""
        beat(self.journal, time.monotonic())

    def end(self) -> None:
        """End everything that was started."""
        for process in self.started:
            process.kill()
        for process in self.started:
            process.communicate(timeout=30)

    # What is seen

    def write(self, *events: Event, rollout: str = "0001-abc") -> None:
        """Have this in the journal."""
        with FileJournal(self.journal).open(rollout) as writer:
            for event in events:
                writer.append(to_record(event))

    def events(self, name: str | None = None) -> list[Event]:
        """Everything that happened in a rollout, the newest by default."""
        names = FileJournal(self.journal).rollouts()
        return [from_record(record) for record in FileJournal(self.journal).records(name or names[-1])] if names else []

    def told(self) -> Rollout:
        """How the newest rollout stands."""
        rollout = replay(self.events())
        assert rollout is not None, "no rollout began"
        return rollout

    def requests(self, rollout: str = "0001-g") -> list[Mapping[str, Any]]:
        """What was asked of a rollout."""
        return [*FileMailbox(self.journal).requests(rollout)]

    def until(self, holds: Callable[[Rollout], bool], what: str = "the rollout is so far") -> Rollout:
        """The newest rollout, once this holds of it."""

        def found() -> Rollout | None:
            rollout = replay(self.events())
            return rollout if rollout is not None and holds(rollout) else None

        rollout = wait_for(found, what, limit=60.0, pause=0.02)
        assert rollout is not None
        return rollout


def open_shop(folder: Path) -> Shop:
    """A stack of one service, blue being live and green its candidate, with whole settings."""
    journal = bring_up(folder, Backend("memory", {"name": "api"}))
    program = folder / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(_PULUMI, encoding="utf-8")
    program.chmod(0o755)
    shop = Shop(folder, journal)
    meter = {"kind": "scripted", "settings": {"samples": [COUNTED]}}
    shop.declare(service={"probes": [{"kind": "scripted", "settings": WELL}], "meter": meter})
    shop.write_settings()
    return shop


def ended(process: "subprocess.Popen[str]") -> tuple[int, str]:
    """Exit code and standard error of a command, once it has ended."""
    with suppress(subprocess.TimeoutExpired):
        _, said = process.communicate(timeout=90)
        return process.returncode, said
    process.send_signal(signal.SIGABRT)
    raise AssertionError(f"it does not end: {process.args!r}")
