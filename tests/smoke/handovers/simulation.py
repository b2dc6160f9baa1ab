"""A fence with a simulated process in each slot, which acts whenever the clock moves: the same way each time, at no cost of time.

The fence and the heartbeats are the example's own code on real files with real locks. Only the loop around them is played, and
for each process a real one stands, that does nothing, so that it can be stopped and killed.
"""

import importlib.util
import json
import linecache
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import FrameType, ModuleType
from typing import Any, Self

from smoke.clock import FakeClock
from smoke.handovers import fence, file
from smoke.handovers.file import FileHandover
from tests.smoke.handovers.orders import Order, judged
from tests.smoke.handovers.stage import EXAMPLE, SLOTS

LOOK = 0.02
BEAT = 0.25
TIMEOUT = 1.0
_SHM = Path("/dev/shm")  # noqa: S108 - mkdtemp makes the folder in it
MEMORY = _SHM if _SHM.is_dir() else None
"""Where a file is as good as on a disk, for all but a power cut, and costs nothing to make durable."""
LINES = frozenset({file.__file__, fence.__file__})


class Crash(BaseException):
    """The hand-over's process is no more: nothing catches this, and descriptors are closed on the way out."""


def crashing(act: Callable[[], object], line: int) -> bool:
    """Act, and crash before the ``line``-th line of the hand-over is run; returns whether it came so far.

    Counted are the lines that each hold and each release runs for the first time: how often it looks again, it is the same crash.
    Lines that close a descriptor are not: of a process that dies the system closes them.
    """
    count = 0
    seen: set[tuple[str, int]] = set()

    def trace(frame: FrameType, event: str, _: object) -> Callable[..., Any] | None:
        nonlocal count
        if frame.f_code.co_filename not in LINES:
            return None
        if event == "call" and frame.f_code.co_name in {"hold", "release"}:
            seen.clear()
        here = (frame.f_code.co_filename, frame.f_lineno)
        if event == "line" and here not in seen and "os.close(" not in linecache.getline(*here):
            seen.add(here)
            count += 1
            if count == line:
                raise Crash
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        act()
    except Crash:
        return True
    finally:
        sys.settrace(before)
    return False


def _example(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"example_{name}", EXAMPLE / "trading" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


FENCE, HEARTBEAT = _example("fence"), _example("heartbeat")


class Process:
    """What runs in one slot."""

    def __init__(self, folder: Path, slot: str, beats: Path) -> None:
        self.slot = slot
        self.connected = True
        self.stopped = False
        self._fence = FENCE.of(folder, slot)
        self._beats = beats
        self._body = subprocess.Popen(["sleep", "600"], stdin=subprocess.DEVNULL)
        self._looked = self._beaten = float("-inf")

    def act(self, now: float) -> int | None:
        """Look and beat, when it is time; returns the token of an order that was put."""
        if self.stopped or now - self._looked < LOOK:
            return None
        self._looked = now
        permit = self._fence.settle()
        if now - self._beaten >= BEAT:
            self._beaten = now
            self._beat(None if permit is None else permit.token)
        return permit.token if permit is not None and self.connected else None

    def _beat(self, token: int | None) -> None:
        words = {"version": "v", "slot": self.slot, "pid": self._body.pid, "started": 1.0, "beats": 1, "at": time.time()}
        beat = HEARTBEAT.Beat(**words, connected=self.connected, holding=token is not None, token=token)
        HEARTBEAT.write(self._beats, beat)

    def stop(self) -> None:
        """Do nothing until told to go on."""
        if not self.stopped:
            self.stopped = True
            self._body.send_signal(signal.SIGSTOP)
            os.waitpid(self._body.pid, os.WUNTRACED)

    def go_on(self) -> None:
        """Do what it did."""
        if self.stopped:
            self._body.send_signal(signal.SIGCONT)
            self.stopped = False

    def kill(self) -> None:
        """Be no more; the system takes the lock back."""
        self._body.kill()
        self._body.wait()
        self._fence.release()


class Simulation:
    """The folder of one singleton, a process in each slot, and everything that they did. Blue is named at first, by token 1."""

    def __init__(self) -> None:
        self._place = Path(tempfile.mkdtemp(prefix="fence-", dir=MEMORY))
        self.folder = self._place / "agent"
        self.folder.mkdir()
        self.clock = FakeClock()
        self.orders: list[Order] = []
        self.grants: dict[int, str] = {}
        """Slot by token, of each grant that was ever seen in the fence."""
        self.processes: dict[str, Process | None] = dict.fromkeys(SLOTS)
        self._beats = {slot: self._place / f"{slot}.json" for slot in SLOTS}
        (self.folder / "fence.json").write_text('{"holder": "blue", "token": 1}')
        for slot in SLOTS:
            self.start(slot)
        self.clock.on_sleep(self._move)
        self.clock.sleep(BEAT)

    def handover(self) -> FileHandover:
        """What a driver that was started just now uses."""
        beats = {slot: str(each) for slot, each in self._beats.items()}
        return FileHandover({"folder": str(self.folder), "heartbeats": beats, "timeout": TIMEOUT}, self.clock)

    def start(self, slot: str) -> None:
        """Have a process in the slot."""
        if self.processes[slot] is None:
            self.processes[slot] = Process(self.folder, slot, self._beats[slot])

    def kill(self, slot: str) -> None:
        """Have none."""
        if (process := self.processes[slot]) is not None:
            process.kill()
            self.processes[slot] = None

    def pass_time(self, seconds: float) -> None:
        """Let the processes act for so long."""
        for _ in range(round(seconds / LOOK)):
            self.clock.sleep(LOOK)

    def at_work(self) -> set[str]:
        """The slots that put an order within some looks from now."""
        before = len(self.orders)
        self.pass_time(5 * LOOK)
        return {order.slot for order in self.orders[before:]}

    def check(self) -> None:
        """No two were ever at work at once, and no token was ever given twice, or fell."""
        judged(self.orders)
        self._note()

    def _note(self) -> None:
        words = json.loads((self.folder / "fence.json").read_bytes())
        highest = max(self.grants, default=0)
        assert words["token"] >= highest, f"the token fell from {highest} to {words['token']}"
        if words["holder"] is not None:
            assert self.grants.setdefault(words["token"], words["holder"]) == words["holder"], "a token was given twice"

    def _move(self, now: float) -> None:
        for process in self.processes.values():
            if process is not None and (token := process.act(now)) is not None:
                self.orders.append(Order(token, process.slot, now))
        self._note()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for slot in SLOTS:
            self.kill(slot)
        shutil.rmtree(self._place)
