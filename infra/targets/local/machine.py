"""What this machine has: interpreters, and who listens on which port. Looks, and changes nothing."""

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

BLUE, GREEN = 10_000, 20_000
"""A slot listens this far above the port that users reach."""


def slot_port(port: int, slot: str) -> int:
    """The port that one slot of a service listens on."""
    return port + (BLUE if slot == "blue" else GREEN)


def dotted(runtime: str) -> str:
    """``py312`` as ``3.12``."""
    return f"{runtime[2]}.{runtime[3:]}"


@cache
def interpreter(runtime: str) -> Path | None:
    """The newest interpreter of a runtime on this machine, or None.

    Pyenv's are looked for in its folder: its shims start whatever the current folder asks for.
    """
    name = f"python{dotted(runtime)}"
    for candidate in _candidates(name):
        if _answers(candidate, dotted(runtime)):
            return candidate
    return None


def _candidates(name: str) -> Iterator[Path]:
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    found = [each for each in pyenv.glob(f"versions/{name.removeprefix('python')}.*/bin/{name}") if "shims" not in each.parts]
    yield from sorted(found, key=_release, reverse=True)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if (Path(folder) / name).exists() and "shims" not in Path(folder).parts:
            yield Path(folder) / name
    yield from _of_uv(name.removeprefix("python"))


def _of_uv(version: str) -> Iterator[Path]:
    command = [uv(), "python", "find", "--no-project", "--no-python-downloads", version]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    if found.returncode == 0 and found.stdout.strip():
        yield Path(found.stdout.strip())


def _release(python: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", python.parent.parent.name)]


def _answers(python: Path, version: str) -> bool:
    say = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        found = subprocess.run([python, "-I", "-c", say], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.stdout.strip() == version


def runtimes() -> list[str]:
    """Every runtime that there is an interpreter of."""
    return [runtime for runtime in (f"py3{minor}" for minor in range(7, 20)) if interpreter(runtime) is not None]


def uv() -> str:
    """The uv that makes environments: the project's own, else the one on PATH."""
    own = Path(sys.prefix) / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv") or "uv"


def is_free(address: str, port: int) -> bool:
    """Whether a port can be listened on."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def listener(port: int) -> psutil.Process | None:
    """The process that listens on a port, or None: nobody does, or it is another user's."""
    try:
        found = [
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port
        ]
        return psutil.Process(found[0]) if found and found[0] else None
    except (psutil.Error, PermissionError):
        return None


def belongs_to(process: psutil.Process, home: Path) -> bool:
    """Whether a process was started by the stack in that folder."""
    try:
        return process.environ().get("CROSSFADE_HOME") == str(home)
    except psutil.Error:
        return False
