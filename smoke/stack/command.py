"""Running Pulumi to its end, or to a limit: it must not lose what it is making, and must not keep a rollout for ever."""

import os
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from smoke.errors import CrossfadeError, DeployError
from smoke.process import how
from smoke.stack.locks import locked
from smoke.stack.secrets import without_secrets

_GRACE = 30.0
"""Seconds that Pulumi has to end, once it was told to: it waits for what it is making."""
_KILL = 5.0
"""Seconds that the system has to end what was killed."""
_MOST = 4 << 20
"""Bytes of output that are looked at, from its end."""
_TAIL = 25
"""Lines of Pulumi's output that an error carries."""
_WIDTH = 500
"""Characters of such a line."""


def pulumi(arguments: Sequence[str], stack: str, folder: Path, limit: float, grace: float = _GRACE) -> str:
    """What Pulumi says, in the project that is in a folder.

    Args:
        arguments: what it shall do.
        stack: for which stack.
        folder: of the project.
        limit: seconds that it may take; then it is told to end, as by Ctrl-C.
        grace: seconds that it has for that; then it is killed, and what it leaves behind is for the next run.

    Raises:
        Locked: another Pulumi works on the stack.
        DeployError: it failed, did not end, or cannot be started.
    """
    command = ["pulumi", *arguments, "--stack", stack, "--non-interactive", "--color", "never"]
    # A file, not a pipe: what Pulumi leaves behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as out:
        process = _start(command, folder, out)
        try:
            status = process.wait(limit)
        except subprocess.TimeoutExpired:
            _end(process, grace)
            raise _failed(arguments[0], f"did not end within {limit:.0f} s", stack, _text(out)) from None
        except BaseException:
            _signal(process, signal.SIGINT)  # once: a second one would orphan what it is making
            raise
        said = _text(out)
    if status:
        raise _failed(arguments[0], f"failed: {how(status)}", stack, said)
    return said


def _start(command: Sequence[str], folder: Path, out: IO[bytes]) -> "subprocess.Popen[bytes]":
    try:
        # A group of its own: a person's Ctrl-C is for us to answer, and Pulumi must not lose a resource by it.
        return subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    except OSError as error:
        raise DeployError("pulumi cannot be started", cause=str(error), hint="make setup, then: . ./activate") from error


def _end(process: "subprocess.Popen[bytes]", grace: float) -> None:
    for number, seconds in ((signal.SIGINT, grace), (signal.SIGKILL, _KILL)):
        _signal(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return


def _signal(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _failed(verb: str, how_it_ended: str, stack: str, said: str) -> CrossfadeError:
    # The whole of it, before it is cut: half a secret is not recognised.
    lines = [line for line in without_secrets(said, os.environ).splitlines() if line.strip()]
    cause = "\n".join(line[:_WIDTH] for line in lines[-_TAIL:])
    if "the stack is currently locked by" in said:
        return locked(stack, (), cause)
    return DeployError(f"pulumi {verb} {how_it_ended}", where=f"stack {stack}", cause=cause, hint=f"pulumi up --stack {stack}")


def _text(file: IO[bytes]) -> str:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - _MOST))
    return file.read().decode(errors="replace")
