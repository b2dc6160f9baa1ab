"""What this machine has: interpreters, and who listens on which port. Looks, and changes nothing."""

import errno
import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
    return next((each for each in _candidates(name) if _answers(each, dotted(runtime))), None)


def _candidates(name: str) -> Iterator[Path]:
    found = _pyenv().glob(f"versions/{name.removeprefix('python')}.*/bin/{name}")
    yield from sorted(found, key=_release, reverse=True)
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if (Path(folder) / name).exists() and "shims" not in Path(folder).parts:
            yield Path(folder) / name
    yield from _of_uv(name.removeprefix("python"))


def _pyenv() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _of_uv(version: str) -> Iterator[Path]:
    # Its own alone: for the others it would start every shim on PATH, which we have seen to ourselves.
    command = [uv(), "python", "find", "--managed-python", "--no-project", "--no-python-downloads", version]
    try:
        found = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return
    if found.returncode == 0 and found.stdout.strip():
        yield Path(found.stdout.strip())


def _release(python: Path) -> list[int]:
    return [int(part) for part in re.findall(r"\d+", python.parent.parent.name)]


def _answers(python: Path, version: str) -> bool:
    say = "import sys; print('.'.join(map(str, sys.version_info[:2])))"
    try:
        found = subprocess.run([python, "-I", "-S", "-c", say], capture_output=True, text=True, check=False, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.stdout.strip() == version


@cache
def runtimes() -> tuple[str, ...]:
    """Every runtime that there seems to be an interpreter of: none is started, this is to choose from."""
    names = [each.parents[1].name for each in _pyenv().glob("versions/3.*/bin/python3")]
    for folder in os.environ.get("PATH", os.defpath).split(os.pathsep):
        if "shims" not in Path(folder).parts:
            names += [each.name.removeprefix("python") for each in Path(folder).glob("python3.*")]
    minors = {int(match[1]) for match in map(re.compile(r"3\.(\d+)(?:\.\d+)?").fullmatch, names + _all_of_uv()) if match}
    return tuple(f"py3{minor}" for minor in sorted(minors))


def _all_of_uv() -> list[str]:
    try:
        folder = subprocess.run([uv(), "python", "dir"], capture_output=True, text=True, check=False).stdout.strip()
    except OSError:
        return []
    return [each.name.split("-")[1] for each in Path(folder).glob("cpython-3.*")] if folder else []


def uv() -> str:
    """The uv that makes environments: the project's own, else the one on PATH."""
    own = Path(sys.prefix) / "bin" / "uv"
    return str(own) if own.exists() else shutil.which("uv") or "uv"


def is_free(address: str, port: int) -> bool:
    """Whether a port can be listened on."""
    return obstacle(address, port) is None


def obstacle(address: str, port: int) -> str | None:
    """Why a port cannot be listened on; empty where somebody else uses it, None where it can."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError as error:
            return "" if error.errno == errno.EADDRINUSE else error.strerror or str(error)
    return None


def listener(port: int) -> "psutil.Process | None":
    """The process that listens on a port, or None: nobody does, or it is another user's."""
    import psutil  # noqa: PLC0415 - slow to load, and needed where a port is taken alone

    try:
        found = [
            each.pid
            for each in psutil.net_connections("tcp")
            if each.status == psutil.CONN_LISTEN and each.laddr and each.laddr[1] == port
        ]
        return psutil.Process(found[0]) if found and found[0] else None
    except (psutil.Error, PermissionError):
        return None


def belongs_to(process: "psutil.Process", home: Path) -> bool:
    """Whether a process was started by the stack in that folder."""
    import psutil  # noqa: PLC0415 - see above

    try:
        return process.environ().get("CROSSFADE_HOME") == str(home)
    except psutil.Error:
        return False
