"""The Docker Compose of this machine, and what it makes of files."""

import re
import shlex
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from smoke.compose import load
from smoke.errors import DeployError

_PATIENCE = 60.0
"""Seconds that it may take to read two files."""


@dataclass(frozen=True, slots=True)
class Composer:
    """A Compose, by the words that call it."""

    words: tuple[str, ...]
    version: tuple[int, ...]

    def __str__(self) -> str:
        """Its version."""
        return dotted(self.version)

    def config(self, path: Path, *words: str, stdin: str = "") -> Mapping[str, Any]:
        """The effective values of the files that these words name; ``path`` is the user's own.

        Raises:
            DeployError: it cannot read them.
        """
        done = _run([*self.words, *words, "config"], stdin)
        if done is None or done.returncode:
            cause = f"no answer within {_PATIENCE:g} s" if done is None else done.stderr.strip()[-2_000:]
            hint = shlex.join([*self.words, "-f", str(path), "config"])
            raise DeployError(f"Docker Compose {self} failed", where=str(path), cause=cause, hint=hint)
        return load(done.stdout, "what Docker Compose said")[1]


def installed() -> Composer | None:
    """The newer one, where there are two."""
    for words in (("docker", "compose"), ("docker-compose",)):
        done = _run([*words, "version", "--short"])
        found = re.match(r"v?(\d+)\.(\d+)\.(\d+)", done.stdout) if done is not None and not done.returncode else None
        if found is not None:
            return Composer(words, tuple(map(int, found.groups())))
    return None


def needed() -> Composer:
    """The one that there is.

    Raises:
        DeployError: there is none.
    """
    composer = installed()
    if composer is None:
        cause, hint = "neither docker compose nor docker-compose answers", "apt-get install docker-compose-plugin"
        raise DeployError("there is no Docker Compose on this machine", cause=cause, hint=hint)
    return composer


def dotted(version: Sequence[int]) -> str:
    """``2.24.4``."""
    return ".".join(map(str, version))


def _run(words: Sequence[str], stdin: str = "") -> subprocess.CompletedProcess[str] | None:
    """What a program said; None where it did not end in time, or where there is none."""
    try:
        return subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
