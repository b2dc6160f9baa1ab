"""A command of the user's own, in the slot's folder and environment: 0 is well, and it must say which version it asked.

Of a slot in a container, ``python`` runs in the container, as it is there; any other command runs on this machine, in our own
folder and environment, for the container has only what its service needs.
"""

import math
import os
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from infra.contract import VERSION_HEADER, Json, Placement
from smoke.containers import Down, Reference, Unseen
from smoke.foreign import shortened
from smoke.model import Answer
from smoke.probes.settings import settings, words
from smoke.probes.sight import Question, Sight, failed, untold
from smoke.process import NOT_STARTED, Ended, how, run
from smoke.seams import Probe

_TIMED = "import os, signal, sys; signal.alarm(int(sys.argv[1])); os.execv(sys.executable, [sys.executable, *sys.argv[2:]])"
"""Python within a time: what ends the engine's command line ends nothing in the container, and an alarm outlives the exec."""
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
    """``python`` as the first word is the interpreter of the slot, in its container where it has one."""
    timeout: float

    def look(self, placement: Placement) -> Sight:
        """Run it once; whatever it started in its process group ends with it."""
        ended = self._ended(placement)
        said = ended.last or "without a word"
        if ended.status in NOT_STARTED:
            raise untold(f"exit status {ended.status}, the command was not run: {said}")
        wrong = None if ended.status == 0 else f"{how(ended.status)}: {said}"
        version = next((each for each in ended.versions if each != placement.version), next(iter(ended.versions), None))
        if version is None and wrong is None:
            raise failed(f"did not say which version it asked: print a line `{VERSION_HEADER}: <version>` ({said})")
        return Sight(Answer.FAILED if wrong else Answer.OK, wrong or said, version)

    def _ended(self, placement: Placement) -> "Said":
        container = Reference.of(placement)
        folder = placement.folder if container is None else str(Path.cwd())
        words = self._words(placement, container)
        try:
            ended = run(words, folder, self.timeout, environment(placement))
        except (OSError, ValueError) as error:
            raise untold(f"{words[0]} cannot be started in {folder}: {_why(error)}") from error
        if ended.status is None:
            raise failed(f"did not end within {self.timeout:g} s, and was killed")
        return _read(ended.status, ended)

    def _words(self, placement: Placement, container: Reference | None) -> Sequence[str]:
        if self.run[0] != "python":
            return self.run
        if container is None:
            return [placement.python, *self.run[1:]]
        _check(container)
        timed = [placement.python, "-c", _TIMED, str(math.ceil(self.timeout)), *self.run[1:]]
        return ["docker", "-H", container.daemon, "exec", "--env", "ADDRESS", container.name, *timed]


def _check(container: Reference) -> None:
    """See that a command can be run in it: by its status alone, docker's own refusal looks like the command's."""
    try:
        paused = container.look().paused
    except Down as error:
        raise failed(str(error)) from error
    except Unseen as error:
        raise untold(str(error)) from error
    if paused:
        raise failed(f"container {container.name} is paused")


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended, and what it said."""

    status: int
    versions: tuple[str, ...]
    """Every version that it said it asked."""
    last: str
    """Its last line; of its errors where it printed nothing else."""


def environment(placement: Placement) -> Mapping[str, str]:
    """What a command is given: our own environment, the placement's, where to ask, and the slot's own programs first.

    What is a container's is nothing on this machine: of a slot that has one, only who it is and where to ask is given.
    """
    ours = {
        "CROSSFADE_SERVICE": placement.service,
        "CROSSFADE_SLOT": placement.slot,
        "CROSSFADE_VERSION": placement.version,
        "ADDRESS": placement.address,
        "CROSSFADE_HEARTBEAT": placement.heartbeat,
    }
    known = {name: value for name, value in ours.items() if value is not None}
    if placement.container is not None:
        return {**os.environ, **known}
    given = {**os.environ, **placement.environment, **known}
    path = [str(Path(placement.python).parent), *filter(None, [given.get("PATH")])]
    return {**given, "PATH": os.pathsep.join(path)}


def _read(status: int, ended: Ended) -> Said:
    lines = [line for line in ended.out.splitlines() if line.strip() and not _VERSION.match(line)]
    last = (lines or [line for line in ended.err.splitlines() if line.strip()] or [""])[-1]
    return Said(status, tuple(_VERSION.findall(ended.out)), shortened(last))


def _why(error: OSError | ValueError) -> str:
    if isinstance(error, OSError):
        missing = f" ({Path(error.filename).name})" if isinstance(error.filename, str) else ""
        return f"{error.strerror or error}{missing}"
    return str(error)
