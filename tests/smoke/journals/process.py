"""Real processes that have a journal open, to be stopped and killed."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Self

from smoke.errors import CrossfadeError
from smoke.journals import FileJournal

Commands = Connection
IN_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - the folder in it has a name of its own
"""Where a test that needs no disk does not wait for one."""
LIMIT = 30.0
"""Seconds within which a process says what it has to say."""


class Child:
    """A process that runs ``act`` with the folder and a pipe; gone when the context ends."""

    def __init__(self, act: Callable[[Path, Any], None], folder: Path) -> None:
        spawn = multiprocessing.get_context("spawn")
        self._here, there = spawn.Pipe()
        self._process = spawn.Process(target=act, args=(folder, there), daemon=True)
        self._process.start()
        there.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.join(LIMIT)
        self._process.close()
        self._here.close()

    @property
    def pid(self) -> int:
        """Its id."""
        return self._process.pid or 0

    def tell(self, what: object) -> None:
        """Send it something."""
        self._here.send(what)

    def hear(self) -> Any:  # noqa: ANN401 - what a test lets it say
        """What it says next."""
        assert self._here.poll(LIMIT), "it says nothing"
        return self._here.recv()

    def ask(self, what: object) -> Any:  # noqa: ANN401 - dito
        """What it says to that."""
        self.tell(what)
        return self.hear()

    def stop(self) -> None:
        """Stop it, as Ctrl-Z would; returns when it stands."""
        os.kill(self.pid, signal.SIGSTOP)
        os.waitid(os.P_PID, self.pid, os.WSTOPPED)

    def go_on(self) -> None:
        """Let it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """Kill it; returns when it is dead, and nobody has asked how it ended: a zombie."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)

    def join(self) -> None:
        """Wait until it has ended, well."""
        self._process.join(LIMIT)
        assert self._process.exitcode == 0


def hold(folder: Path, commands: Commands) -> None:
    """Be the one writer: append each number that is told, and say how that went; None ends it."""
    with FileJournal(folder).open("0001-a") as writer:
        commands.send("held")
        while (number := commands.recv()) is not None:
            commands.send(told(lambda number=number: writer.append({"n": number})))
    commands.send("ended")


def told(act: Callable[[], object]) -> str:
    """How it went: the name of the error, or ``done``."""
    try:
        act()
    except CrossfadeError as error:
        return type(error).__name__
    return "done"
