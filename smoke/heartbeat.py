"""The file that a process keeps replacing while it is alive, and whether that process still is.

Probes and hand-overs both read it; the process that writes it knows nothing of either.
"""

import json
import os
import time
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from infra.contract import Json
from smoke.containers import Down, Reference

_SLACK = 0.05
"""Seconds by which the system's word on how old a process is may be off: it counts in hundredths."""


_LARGEST = 2**53
"""No number in a beat is as large; above it, not every whole number is a float."""
_LONGEST = 200
"""Characters of a name in a beat; it is repeated to people."""
_MOST = 64 * 1024
"""Bytes of the file that are read; a beat has a few hundred."""


class NoBeat(Exception):
    """There is no heartbeat to read; the text says why."""


class Life(Enum):
    """What the system says of the process that wrote a beat."""

    RUNNING = "running"
    """It is there; whether it gets anything done is for its beats to say."""
    STOPPED = "stopped"
    """It is there and was stopped by a signal: it does nothing until it is told to go on."""
    PAUSED = "paused"
    """It is there, and all of its container is paused: the same, until the engine lets it go on."""
    GONE = "gone"
    """It has ended, or its id belongs to a younger process."""


@dataclass(frozen=True, slots=True)
class Beat:
    """What a process said of itself at one moment."""

    version: str
    slot: str
    pid: int
    started: float
    """When the process says it started, in seconds since 1970; with ``pid`` it tells one run from the next."""
    beats: int
    """Grows with every piece of work that was done."""
    at: float
    """When this was written, in seconds since 1970."""
    connected: bool
    holding: bool
    """Whether it is the one at work; always False where it is no singleton."""
    token: int | None
    """The permit it works by; None while it does not hold one."""


_KINDS = {
    "version": (str,),
    "slot": (str,),
    "pid": (int,),
    "started": (int, float),
    "beats": (int,),
    "at": (int, float),
    "connected": (bool,),
    "holding": (bool,),
    "token": (int, type(None)),
}


def read_beat(path: str | Path) -> Beat:
    """The last beat in that file.

    Raises:
        NoBeat: there is no such file, or what is in it is no heartbeat.
    """
    try:
        with open(path, "rb", opener=_opened) as file:
            words: Json = json.loads(file.read(_MOST))
    except FileNotFoundError as error:
        raise NoBeat(f"{path} is not there: the process never beat") from error
    except OSError as error:
        raise NoBeat(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise NoBeat(f"{path} holds no JSON: {error}") from error
    if not isinstance(words, dict):
        raise NoBeat(f"{path} holds no object")
    wrong = sorted(name for name, kinds in _KINDS.items() if not _is(words.get(name, ...), kinds))
    if wrong:
        raise NoBeat(f"{path} is no heartbeat: {', '.join(wrong)} is missing or of the wrong kind")
    return Beat(**{name: words[name] for name in _KINDS})


def _opened(path: str, flags: int) -> int:
    # Never waits: a container may put what it likes in the place of its own file, a pipe too.
    return os.open(path, flags | os.O_NONBLOCK)


def _is(value: Json, kinds: tuple[type, ...]) -> bool:
    if isinstance(value, str):  # no name moves a terminal's cursor
        return str in kinds and len(value) <= _LONGEST and value.isprintable()
    # type(), because True is an int too; and no time or count is NaN, infinite or before its beginning.
    return type(value) in kinds and (type(value) not in {int, float} or 0 <= value < _LARGEST)


def traced(beat: Beat, container: Reference | None) -> tuple[Beat, Life]:
    """The beat with the id by which this machine knows the process that wrote it, and whether that is still there.

    Of a process that is gone from its container the id stays the container's own.

    Raises:
        Unseen: its container cannot be looked at.
    """
    if container is None:
        return beat, life(beat)
    try:
        found = container.look()
    except Down:
        return beat, Life.GONE
    pid = found.hosted(beat.pid)
    if pid is None:
        return beat, Life.GONE
    hosted = replace(beat, pid=pid)
    alive = life(hosted)
    if alive is Life.GONE:  # the container was started again since, and counts from 1 each time
        return beat, alive
    return hosted, Life.PAUSED if found.paused else alive


def life(beat: Beat) -> Life:
    """Whether the process that wrote ``beat`` is still there. One that the system hides from us counts as running."""
    import psutil  # noqa: PLC0415 - 60 ms that `status` must not pay

    try:
        process = psutil.Process(beat.pid)
        with process.oneshot():
            created, status = process.create_time() - psutil.boot_time(), process.status()
    except psutil.AccessDenied:
        return Life.RUNNING
    except psutil.Error:
        return Life.GONE
    # Younger than the beat: the id was given to another process since. Not compared with `started`: setting the machine's
    # clock moves what the system says of all processes, and a beat is never older than the last such move for long.
    younger = time.clock_gettime(time.CLOCK_BOOTTIME) - created + _SLACK < time.time() - beat.at
    if status in {psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD} or younger:
        return Life.GONE
    return Life.STOPPED if status in {psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP} else Life.RUNNING
