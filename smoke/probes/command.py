"""A command of the user's own, in the slot's folder and environment: 0 is well, and it must say which version it asked."""

import atexit
import os
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from infra.contract import VERSION_HEADER, Json, Placement
from smoke.model import Answer
from smoke.probes.settings import settings, words
from smoke.probes.sight import Question, Sight, failed, shortened, untold
from smoke.seams import Probe

NOT_STARTED = range(125, 128)
"""Exit statuses by which ``env``, ``timeout``, ``docker`` and every shell say that the command itself was never run."""

_MOST = 1024 * 1024
"""Bytes of output that are looked at."""
_END = 1.0
"""Seconds that the system has to end what was killed."""
_VERSION = re.compile(rf"^{VERSION_HEADER}: *(\S+) *\r?$", re.MULTILINE | re.IGNORECASE)


def command(given: Mapping[str, Json]) -> Probe:
    """The probe.

    Raises:
        UsageError: a setting is missing, unknown or of the wrong kind.
    """
    asked = Command(**settings("command", given, {"run": words()}))
    return Question(f"command {shlex.join(asked.run)}", asked.look)


@dataclass(frozen=True, slots=True)
class Command:
    """What is run."""

    run: Sequence[str]
    """``python`` as the first word is the interpreter of the slot."""
    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Run it once; whatever it started in its process group ends with it."""
        ended = self._ended(placement)
        said = ended.last or "without a word"
        if ended.status in NOT_STARTED:
            raise untold(f"exit status {ended.status}, the command was not run: {said}")
        wrong = None if ended.status == 0 else f"{_status(ended.status)}: {said}"
        version = next((each for each in ended.versions if each != placement.version), next(iter(ended.versions), None))
        if version is None and wrong is None:
            raise failed(f"did not say which version it asked: print a line `{VERSION_HEADER}: <version>` ({said})")
        return Sight(Answer.FAILED if wrong else Answer.OK, wrong or said, version)

    def _ended(self, placement: Placement) -> "Ended":
        words = [placement.python if self.run[0] == "python" else self.run[0], *self.run[1:]]
        # Files, not pipes: what the command left behind may hold a pipe open for ever.
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            try:
                process = subprocess.Popen(
                    words,
                    cwd=placement.folder,
                    env=environment(placement),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise untold(f"{words[0]} cannot be started in {placement.folder}: {_why(error)}") from error
            status = self._wait(process)
            return _read(status, out, err)

    def _wait(self, process: "subprocess.Popen[bytes]") -> int:
        def end() -> None:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)

        # Probes run in threads that do not outlive the program; what they started would.
        atexit.register(end)
        try:
            return process.wait(self.timeout)
        except subprocess.TimeoutExpired as error:
            raise failed(f"did not end within {self.timeout:g} s, and was killed") from error
        finally:
            end()
            atexit.unregister(end)
            with suppress(subprocess.TimeoutExpired):
                process.wait(_END)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a command ended, and what it said."""

    status: int
    versions: tuple[str, ...]
    """Every version that it said it asked."""
    last: str
    """Its last line; of its errors where it printed nothing else."""


def environment(placement: Placement) -> Mapping[str, str]:
    """What a command is given: our own environment, the placement's, where to ask, and the slot's own programs first."""
    ours = {
        "CROSSFADE_SERVICE": placement.service,
        "CROSSFADE_SLOT": placement.slot,
        "CROSSFADE_VERSION": placement.version,
        "ADDRESS": placement.address,
        "CROSSFADE_HEARTBEAT": placement.heartbeat,
    }
    given = {**os.environ, **placement.environment, **{name: value for name, value in ours.items() if value is not None}}
    path = [str(Path(placement.python).parent), *filter(None, [given.get("PATH")])]
    return {**given, "PATH": os.pathsep.join(path)}


def _read(status: int, out: IO[bytes], err: IO[bytes]) -> Ended:
    said, complained = (_text(each) for each in (out, err))
    lines = [line for line in said.splitlines() if line.strip() and not _VERSION.match(line)]
    last = (lines or [line for line in complained.splitlines() if line.strip()] or [""])[-1]
    return Ended(status, tuple(_VERSION.findall(said)), shortened(last))


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST).decode(errors="replace")


def _status(status: int) -> str:
    if status > 0:
        return f"exit status {status}"
    known = {each.value: each.name for each in signal.Signals}
    return f"killed by {known.get(-status, f'signal {-status}')}"


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        missing = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        return f"{error.strerror or error}{missing}"
    return str(error)
