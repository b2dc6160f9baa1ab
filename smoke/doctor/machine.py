"""What a check may ask of a machine, and the machine that this runs on."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_LIMIT = 60.0
"""Seconds that a program has to answer."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a program answered."""

    code: int
    out: str
    err: str = ""

    @property
    def last(self) -> str:
        """The last line that says something, or the exit code where none does."""
        return (self.err.strip() or self.out.strip() or f"exit code {self.code}").splitlines()[-1]


class Machine(Protocol):
    """What a check may ask."""

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment of this process."""

    @property
    def python(self) -> Path:
        """The interpreter of this process; the programs of its environment are beside it."""

    @property
    def version(self) -> str:
        """The version of that interpreter."""

    @property
    def system(self) -> str:
        """Name of the operating system, as ``uname`` says it."""

    def which(self, program: str, folder: Path | None = None) -> Path | None:
        """Where a program is, on PATH or in a folder; None where it is not, or may not be run."""

    def run(self, command: Sequence[str]) -> Said:
        """What a program answers; one that cannot be started answers with exit code 126."""

    def package(self, name: str) -> str | None:
        """The version of an installed Python package, or None."""

    def writable(self, folder: Path) -> bool:
        """Whether files can be made in a folder, or the folder itself where it is not there yet."""

    def size(self, file: Path) -> int | None:
        """Bytes in a file, or None where it cannot be read."""

    def free(self, folder: Path) -> int:
        """Bytes that are free on the disk of a folder."""

    def open_files(self) -> int:
        """How many files a process may open; -1 for any number."""


@dataclass(frozen=True, slots=True)
class ThisMachine:
    """The machine that this runs on."""

    environ: Mapping[str, str]
    python: Path = Path(sys.executable)
    version: str = ".".join(map(str, sys.version_info[:3]))

    @property
    def system(self) -> str:
        """Name of the operating system."""
        return os.uname().sysname

    def which(self, program: str, folder: Path | None = None) -> Path | None:
        """Where a program is."""
        found = shutil.which(program, path=self.environ.get("PATH", os.defpath) if folder is None else str(folder))
        return None if found is None else Path(found)

    def run(self, command: Sequence[str]) -> Said:
        """What a program answers. It is asked not to look for updates, and Go not to fetch another Go."""
        quiet = {"PULUMI_SKIP_UPDATE_CHECK": "true", "GOTOOLCHAIN": "local"}
        try:
            done = subprocess.run(
                command,
                env={**self.environ, **quiet},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_LIMIT,
                check=False,
            )
        except OSError as error:
            return Said(126, "", str(error))
        return Said(done.returncode, done.stdout, done.stderr)

    def package(self, name: str) -> str | None:
        """The version of an installed Python package."""
        from importlib import metadata  # noqa: PLC0415 - slow, and nobody else needs it

        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            return None

    def writable(self, folder: Path) -> bool:
        """Whether files can be made there."""
        nearest = next(each for each in (folder, *folder.parents) if each.exists())
        return nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)

    def size(self, file: Path) -> int | None:
        """Bytes in a file that can be read."""
        return file.stat().st_size if os.access(file, os.R_OK) and not file.is_dir() else None

    def free(self, folder: Path) -> int:
        """Bytes that are free."""
        return shutil.disk_usage(folder).free

    def open_files(self) -> int:
        """The soft limit."""
        import resource  # noqa: PLC0415 - not on every system, and one that lacks it shall be told so

        return resource.getrlimit(resource.RLIMIT_NOFILE)[0]
