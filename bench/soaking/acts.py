"""What is done to a stack under load, one act after the other: drawn from a seed."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from enum import Enum
from math import ceil

from machine import wait_for
from workshop import Workshop

from smoke.errors import Exit
from smoke.journals import FileMailbox
from smoke.rollout import Phase
from soaking.past import Past, Pasts

RUNTIMES = {"blue": "py39", "green": "py312"}
LENGTH = 16.0
"""Seconds that a promotion takes, about: in them its driver is killed."""
_ENDS = {Exit.WANTED, Exit.HELD, Exit.ROLLED_BACK}
_PATIENCE = 150.0
"""Seconds that a driver, or the watchdog, has for whatever it does, on a busy machine."""
_TRIES = 5


class Act(Enum):
    """One thing that happens."""

    SETTLED = "promoted for the first time"
    PROMOTED = "promoted"
    HELD = "promoted, and held long at its first step"
    ABORTED = "aborted from another terminal"
    FAULTY = "promoted with a candidate that fails requests"
    REVERTED = "reverted after it was promoted"
    KILLED = "its driver killed, and gone on with"
    LEFT = "its driver killed, and left to the watchdog"


def script(chance: random.Random, shifts: int, kills: int) -> list[Act]:
    """The acts, in the order in which they come; promotions follow where they are too few.

    First of all green is promoted: what was never settled is removed when it is taken back.
    """
    left = min(3, kills // 4)
    some = [Act.LEFT] * left + [Act.KILLED] * (kills - left)
    some += [Act.ABORTED] * ceil(shifts / 16) + [Act.FAULTY] * ceil(shifts / 20) + [Act.REVERTED] * ceil(shifts / 20)
    chance.shuffle(some)
    return [Act.SETTLED, Act.HELD, *some]


def _told(past: Past) -> str:
    """How a rollout stands, and if it was taken back, why."""
    back = past.now.phase is Phase.ROLLED_BACK
    return past.now.phase.value + (f" ({'; '.join(past.now.because)})" if back else "")


@dataclass
class Soak:
    """The stack, and what was done to it so far."""

    project: Workshop
    chance: random.Random
    hold: float
    """Seconds that the one long step is held."""
    done: Counter[str] = field(default_factory=Counter)
    killed: Counter[str] = field(default_factory=Counter)
    """Drivers that were killed, by the phase that their rollout was in."""
    faulty: set[str] = field(default_factory=set)
    """Rollouts whose candidate was told to fail requests."""
    odd: list[str] = field(default_factory=list)
    """What did not end as it should."""
    busy: list[float] = field(default_factory=list)
    """Load average of the machine after each act; above its cores it is too busy to say much."""
    pasts: Pasts = field(init=False)

    def __post_init__(self) -> None:
        self.pasts = Pasts(self.project.journal)

    def act(self, act: Act) -> None:
        """Do it, and wait for its end."""
        began, before = time.monotonic(), len(self.pasts)
        _DO[act](self)
        self.done[act.value] += 1
        self.busy.append(round(os.getloadavg()[0], 1))
        phases = [_told(each) for each in self.pasts.all()[before:]]
        sys.stderr.write(f"{time.monotonic() - began:6.1f} s  {act.value}: {', '.join(phases) or 'nothing began'}\n")

    @property
    def candidate(self) -> str:
        """The slot that is not live."""
        settled = [each.opened.candidate for each in self.pasts.all() if each.now.phase is Phase.PROMOTED]
        return "blue" if settled and settled[-1] == "green" else "green"

    # The acts

    def settle(self) -> None:
        """Promoted for the first time: until then a slot that is taken back is removed."""
        before = self.candidate
        for _ in range(_TRIES):
            self.promote()
            if self.candidate != before:
                return
            self.project.up()
        reasons = "\n".join(map(_told, self.pasts.all()))
        raise SystemExit(f"slot {before} could not be promoted once:\n{reasons}")

    def promote(self) -> None:
        """From slot to slot. On a machine that is too busy its gates may take it back: nothing may be lost by that either."""
        self._run(*self._words, wanted={Exit.WANTED, Exit.ROLLED_BACK})

    def hold_long(self) -> None:
        """The first step is paused as soon as it is in force, and gone on with later."""
        for _ in range(_TRIES):
            driver = self._begin()
            newest = self.pasts.newest()
            if newest is not None and newest.now.phase is Phase.BAKING:
                request = {"verb": "pause", "by": "soak", "why": "held long", "at": time.time()}
                FileMailbox(self.project.journal).post(newest.name, request)
                time.sleep(self.hold)
                self._run("resume", wanted={Exit.WANTED, Exit.GATE})
                self._ended(driver, _ENDS)
                return
            self._ended(driver, _ENDS)
        self.odd.append("no first step could be held")

    def abort(self) -> None:
        """Somebody types abort in the middle of it."""
        driver = self._begin()
        time.sleep(self.chance.uniform(0, LENGTH - 4))
        self._run("abort", "--why", "soak", wanted={Exit.WANTED})
        self._ended(driver, _ENDS)

    def fail(self) -> None:
        """A release that fails requests is put into the idle slot and promoted."""
        slot, before = self.candidate, len(self.pasts)
        self.project.slot(slot, runtime=RUNTIMES[slot], FAULT_ERRORS="0.2")
        self.project.up()
        self._run(*self._words, wanted={Exit.ROLLED_BACK})
        self.faulty |= {each.name for each in self.pasts.all()[before:]}
        # The revert has put the slot back to what it held before: that is what is written here again.
        self.project.slot(slot, runtime=RUNTIMES[slot])

    def revert(self) -> None:
        """Promoted, and back at once."""
        self.promote()
        time.sleep(self.chance.uniform(0, 2))
        self._run("revert", "--why", "soak", wanted={Exit.WANTED, Exit.ROLLED_BACK})

    def kill(self) -> None:
        """The driver is killed at any moment, some while they go back; the next promote goes on."""
        driver = self._begin(shifts=0)
        moment = self.chance.uniform(0, LENGTH)
        if self.chance.random() < 1 / 4:
            time.sleep(moment)
            aborting = self.project.begin("abort", "--why", "soak")
            time.sleep(self.chance.uniform(0.5, 4))
            self._kill(driver)
            aborting.wait(_PATIENCE)
        else:
            time.sleep(moment)
            self._kill(driver)
        self._run(*(["promote"] if self._runs else self._words), wanted=_ENDS)

    def leave(self) -> None:
        """The driver is killed, and nobody types anything."""
        driver = self._begin()
        time.sleep(self.chance.uniform(0, LENGTH - 5))
        self._kill(driver)
        try:
            wait_for(lambda: not self._runs, "the watchdog took it back", limit=_PATIENCE, pause=0.2)
        except TimeoutError as error:
            self.odd.append(str(error))
            self._run("promote", wanted=_ENDS)

    # What they are made of

    @property
    def _words(self) -> list[str]:
        return ["promote", "--to", self.candidate, "--again", "soak"]

    def _begin(self, *, shifts: int = 1) -> "subprocess.Popen[bytes]":
        """Start a promotion; wait until it has begun and made so many shifts, or has ended."""
        before = self.pasts.newest()
        driver = self.project.begin(*self._words)
        wait_for(
            lambda: self._shifted("" if before is None else before.name, shifts) or driver.poll() is not None,
            "it has begun",
            limit=_PATIENCE,
            pause=0.1,
        )
        return driver

    @property
    def _runs(self) -> bool:
        """A rollout has begun and not ended."""
        newest = self.pasts.newest()
        return newest is not None and not newest.now.ended

    def _shifted(self, before: str, shifts: int) -> bool:
        newest = self.pasts.newest()
        return newest is not None and newest.name > before and newest.shifts >= shifts

    def _kill(self, driver: "subprocess.Popen[bytes]") -> None:
        if driver.poll() is not None:
            return  # it was at its end already: that is no kill
        driver.send_signal(signal.SIGKILL)
        driver.wait()
        newest = self.pasts.newest()
        self.killed["before it began, or at its end" if newest is None or newest.now.ended else newest.now.phase.value] += 1

    def _ended(self, driver: "subprocess.Popen[bytes]", wanted: set[Exit]) -> None:
        try:
            code = driver.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            self.odd.append("a driver did not end")
            driver.kill()
            driver.wait()
        else:
            self._check("the driver", code, wanted, "")

    def _run(self, *words: str, wanted: set[Exit]) -> None:
        done = self.project.crossfade(*words, expected=None)
        self._check(words[0], done.returncode, wanted, done.stderr[-1500:])

    def _check(self, what: str, code: int, wanted: set[Exit], said: str) -> None:
        if code not in wanted:
            self.odd.append(f"{what} ended with {code}")
            sys.stderr.write(f"{what} ended with {code}\n{said}\n")


_DO = {
    Act.SETTLED: Soak.settle,
    Act.PROMOTED: Soak.promote,
    Act.HELD: Soak.hold_long,
    Act.ABORTED: Soak.abort,
    Act.FAULTY: Soak.fail,
    Act.REVERTED: Soak.revert,
    Act.KILLED: Soak.kill,
    Act.LEFT: Soak.leave,
}
