"""A fence with a real process in each slot."""

import json
import os
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any, Self

import machine

from infra.contract import Backend
from smoke.clock import SystemClock
from smoke.handovers.file import FileHandover
from tests.smoke.handovers.orders import Order, Span, judged, orders_in

SLOTS = ("blue", "green")
EXAMPLE = Path(__file__).parents[3] / "examples" / "trading"
WORKER = Path(__file__).with_name("worker.py")


wait_for = partial(machine.wait_for, limit=20.0, pause=0.002)


class Stage:
    """The folder of one singleton, and whoever runs in its slots."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "agent"
        self.folder.mkdir()
        self.log = folder / "orders"
        self.beats = {slot: folder / f"{slot}.json" for slot in SLOTS}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}

    def settings(self, timeout: float = 20.0) -> dict[str, Any]:
        """What the contract says of it."""
        return {
            "folder": str(self.folder),
            "heartbeats": {slot: str(file) for slot, file in self.beats.items()},
            "timeout": timeout,
        }

    def backend(self, timeout: float = 20.0) -> Backend:
        """The hand-over, as the contract names it."""
        return Backend("file", self.settings(timeout))

    def handover(self, timeout: float = 20.0) -> FileHandover:
        """One that waits as long as a slow machine may need; less where it is to fail."""
        return FileHandover(self.settings(timeout), SystemClock())

    # The fence

    @property
    def words(self) -> dict[str, Any]:
        """What the fence says."""
        found: dict[str, Any] = json.loads((self.folder / "fence.json").read_bytes())
        return found

    def name(self, holder: str | None, token: int) -> None:
        """Write the fence, as Pulumi does when it makes one."""
        draft = self.folder / "fence.json.draft"
        draft.write_text(json.dumps({"holder": holder, "token": token}))
        draft.rename(self.folder / "fence.json")

    # The processes

    def start(self, slot: str, *extra: str) -> int:
        """Start the process of a slot; returns its id once it beats."""
        arguments = [str(WORKER), slot, str(self.folder), str(self.beats[slot]), str(self.log), *extra]
        environment = {**os.environ, "PYTHONPATH": str(EXAMPLE), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen([sys.executable, *arguments], env=environment, stdin=subprocess.DEVNULL)
        self.processes[slot] = process
        wait_for(lambda: self.beat(slot).get("pid") == process.pid, f"{slot} beats")
        return process.pid

    def beat(self, slot: str) -> dict[str, Any]:
        """What the process of a slot last said; empty before it ever did."""
        found: dict[str, Any] = json.loads(self.beats[slot].read_bytes()) if self.beats[slot].exists() else {}
        return found

    def beat_as(self, slot: str, token: int) -> None:
        """Write a beat of a living process that holds the fence by that token."""
        words = {"version": "v", "slot": slot, "pid": os.getpid(), "started": 1.0, "beats": 1, "at": time.time()}
        draft = self.beats[slot].with_suffix(".draft")
        draft.write_text(json.dumps({**words, "connected": True, "holding": True, "token": token}))
        draft.rename(self.beats[slot])

    def signal(self, slot: str, number: signal.Signals) -> None:
        """Send a signal; one that kills or stops has done so when this returns."""
        process = self.processes[slot]
        process.send_signal(number)
        if number is signal.SIGKILL:
            process.wait()
        elif number is signal.SIGSTOP:
            os.waitpid(process.pid, os.WUNTRACED)

    # The work

    @property
    def orders(self) -> list[Order]:
        """Everything that was done so far."""
        return orders_in(self.log)

    def more_orders(self, slot: str, count: int = 3) -> None:
        """Return once that slot has done some more work."""
        done = self._orders_of(slot)
        wait_for(lambda: self._orders_of(slot) >= done + count, f"{slot} works")

    def _orders_of(self, slot: str) -> int:
        return len({each.name for each in self.orders if each.slot == slot})

    def judged(self) -> tuple[Span, ...]:
        """The work of each grant; fails where two were ever at work at once."""
        return judged(self.orders)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            if process.poll() is None:
                process.kill()
            process.wait()


class Driver:
    """A process that hands the work from blue to green, and may be killed on the way."""

    def __init__(self, stage: Stage) -> None:
        script = """if True:
            import json, sys
            from smoke.clock import SystemClock
            from smoke.handovers.file import FileHandover

            handover = FileHandover(json.loads(sys.argv[1]), SystemClock())
            handover.release("blue")
            handover.hold("green")
        """
        root = Path(__file__).parents[3]
        self._process = subprocess.Popen([sys.executable, "-c", script, json.dumps(stage.settings())], cwd=root)

    def kill(self) -> None:
        """End it where it is; it may be done already."""
        self._process.kill()
        self._process.wait()


class Locker:
    """A stranger that has the lock; ``pid`` is its process."""

    def __init__(self, file: Path) -> None:
        script = "import fcntl, sys; file = open(sys.argv[1], 'a'); fcntl.flock(file, fcntl.LOCK_EX); print(flush=True); input()"
        pipe = subprocess.PIPE
        self._process = subprocess.Popen([sys.executable, "-c", script, str(file)], stdin=pipe, stdout=pipe)
        self.pid = self._process.pid

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        self._process.stdout.readline()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()


def run(command: str) -> None:
    """Run a command that an error told a person to paste."""
    subprocess.run(["sh", "-c", command], check=True)
