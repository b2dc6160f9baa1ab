"""Running a command of the user's own to its end, or to its limit: for a probe and for a meter."""

import atexit
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from shutil import which
from typing import IO

from smoke.redaction import redacted, secrets_in

_MOST = 1024 * 1024
"""Bytes of output that are looked at."""
NOT_STARTED = range(125, 128)
"""Exit statuses by which ``env``, ``timeout``, ``docker`` and every shell say that the command itself was never run."""
_END = 1.0
"""Seconds that the system has to end what was killed."""
_PULUMIS = ("PULUMI_CONFIG_PASSPHRASE", "PULUMI_ACCESS_TOKEN")
"""What the names of Pulumi's own secrets begin with. No command sees them; all else it may need to ask what it asks."""


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it wrote, without the secrets of its environment."""

    status: int | None
    """Its exit status, below 0 for the signal that ended it; None: it took too long, and was killed."""
    out: str
    err: str


def run(
    words: Sequence[str], folder: str, limit: float, environment: Mapping[str, str] | None = None, told: str = os.devnull
) -> Ended:
    """Run it, by no shell, for so many seconds at most. Whatever it started in its process group ends with it.

    It sees ``environment``, ours by default, without what opens Pulumi's state, and the file ``told`` on its standard input.

    Raises:
        OSError, ValueError: it cannot be started.
    """
    seen = for_strangers(os.environ if environment is None else environment)
    # Files, not pipes: what the command left behind may hold a pipe open for ever.
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(told).open("rb") as stdin:
        process = subprocess.Popen(words, cwd=folder, env=seen, stdin=stdin, stdout=out, stderr=err, start_new_session=True)
        status, secrets = _status(process, limit), secrets_in(seen)
        # Here, once for all: what it wrote is told in messages, in the journal and in reports.
        return Ended(status, redacted(_text(out), secrets), redacted(_text(err), secrets))


def for_strangers(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What a command of the user's own may see of an environment: not what opens Pulumi's state."""
    return {name: value for name, value in environment.items() if not name.startswith(_PULUMIS)}


def beside(name: str) -> str | None:
    """Where a program is that came with this one, or is on PATH; None: nowhere."""
    return which(name, path=os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]))


def uv() -> str:
    """Where uv is; its bare name where it is nowhere, so that whoever starts it is told that."""
    return beside("uv") or "uv"


def last_line(text: str) -> str:
    """The last line with anything on it; empty where there is none."""
    return next((line for line in reversed(text.splitlines()) if line.strip()), "")


def how(status: int) -> str:
    """An exit status in words: ``exit status 3``, ``killed by SIGTERM``."""
    if status > 0:
        return f"exit status {status}"
    known = {each.value: each.name for each in signal.Signals}
    return f"killed by {known.get(-status, f'signal {-status}')}"


def _status(process: "subprocess.Popen[bytes]", limit: float) -> int | None:
    end = killer(process.pid)
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


def killer(group: int) -> Callable[[], None]:
    """What ends a process and all that it began in its group; it may be gone by then."""

    def end() -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)

    return end


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST).decode(errors="replace")
