"""Numbers that a command of the user's own prints: one JSON object a read, ``{"bad": 3, "all": 120}`` or ``{"value": 4.2}``."""

import atexit
import json
import os
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import IO

from infra.contract import Json
from smoke.errors import MeterError
from smoke.meters.tallied import SLOT, Tallied, asked, is_texts
from smoke.settings import is_text

_MOST = 1024 * 1024
"""Bytes of output that are looked at."""
_LONGEST = 160
"""Characters of what it said that are told."""
_END = 1.0
"""Seconds that the system has to end what was killed."""


def command(given: Mapping[str, Json]) -> Tallied:
    """The meter. Its command is run in a folder, by no shell, once for each slot.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    settings = asked("command", given, {"run": is_texts, "folder": is_text}, "run (a list of words), folder")
    words, folder = given["run"], given["folder"]
    return Tallied(settings, lambda slot, limit: _figures(*_ended([word.replace(SLOT, slot) for word in words], folder, limit)))


def _ended(words: Sequence[str], folder: str, limit: float) -> tuple[str, str]:
    """What a command printed, and the last line of its errors."""
    # Files, not pipes: what the command left behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        try:
            process = subprocess.Popen(
                words, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
            )
        except (OSError, ValueError) as error:
            raise MeterError(f"{words[0]} cannot be started in {folder}", cause=str(error)) from error
        status = _status(process, limit)
        printed, last = _text(out), (_text(err).strip().splitlines() or ["without a word"])[-1][:_LONGEST]
    if status is None:
        raise MeterError(f"{words[0]} did not end within {limit:.1f} s, and was killed: {last}")
    if status:
        raise MeterError(f"{words[0]} {_how(status)}: {last}")
    return printed, last


def _status(process: "subprocess.Popen[bytes]", limit: float) -> int | None:
    """Its exit status, or None: it took too long. Whatever it started in its process group ends with it."""
    end = _killer(process.pid)
    # Meters are read in threads that do not outlive the program; what they started would.
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


def _how(status: int) -> str:
    if status > 0:
        return f"ended with exit status {status}"
    known = {each.value: each.name for each in signal.Signals}
    return f"was killed by {known.get(-status, f'signal {-status}')}"


def _figures(printed: str, complained: str) -> Mapping[str, Json]:
    try:
        document = json.loads(printed)
    except (ValueError, RecursionError) as error:
        document = error
    if not isinstance(document, dict):
        raise MeterError(f"it printed {printed.strip()[:_LONGEST]!r}, and not one JSON object: {complained}")
    return document


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST).decode(errors="replace")
