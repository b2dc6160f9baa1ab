"""Running a command of the user's own to its end, or to its limit: for a probe and for a meter."""

import atexit
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import IO

_MOST = 1024 * 1024
"""Bytes of output that are looked at."""
_END = 1.0
"""Seconds that the system has to end what was killed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote."""

    status: int | None
    """Its exit status, below 0 for the signal that ended it; None: it took too long, and was killed."""
    out: str
    err: str


def run(words: Sequence[str], folder: str, limit: float, environment: Mapping[str, str] | None = None) -> Ended:
    """Run it, by no shell, for so many seconds at most. Whatever it started in its process group ends with it.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    # Files, not pipes: what the command left behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            words, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )
        return Ended(_status(process, limit), _text(out), _text(err))


def how(status: int) -> str:
    """An exit status in words: ``exit status 3``, ``killed by SIGTERM``."""
    if status > 0:
        return f"exit status {status}"
    known = {each.value: each.name for each in signal.Signals}
    return f"killed by {known.get(-status, f'signal {-status}')}"


def _status(process: "subprocess.Popen[bytes]", limit: float) -> int | None:
    end = _killer(process.pid)
    # Who runs it may be a thread that does not outlive the program; what it started would.
    atexit.register(end)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        end()
        atexit.unregister(end)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_END)


def _killer(group: int) -> Callable[[], None]:
    def end() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

    return end


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST).decode(errors="replace")
