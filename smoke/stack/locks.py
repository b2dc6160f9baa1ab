"""Pulumi's locks on a stack: a file each, which stays when its process is killed, and then keeps everybody out."""

import json
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from smoke.errors import DeployError, Locked

_ROUNDED = 2.0
"""Seconds by which the start of a process is known."""
_LARGEST = (1 << 31) - 1


@dataclass(frozen=True, slots=True)
class Owner:
    """The Pulumi that took a lock."""

    user: str
    host: str
    pid: int
    since: float
    """Seconds since 1970."""

    def __str__(self) -> str:
        """Who it is, for people."""
        return (
            f"{self.user}@{self.host}, process {self.pid}, since {time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(self.since))}"
        )


@dataclass(frozen=True, slots=True)
class Lock:
    """One lock."""

    file: Path
    owner: Owner | None
    """None where the file does not say."""
    torn: bool = False
    """The file is no whole document: Pulumi writes it beside and renames it, so that only a power cut leaves one."""

    def __str__(self) -> str:
        """Who holds it, for people."""
        return f"{self.file.name} does not say who took it" if self.owner is None else str(self.owner)


def locks(folder: Path) -> list[Lock]:
    """The locks in a folder; none where it is not there.

    Raises:
        DeployError: the folder or a lock cannot be read.
    """
    try:
        files = sorted(folder.glob("*.json"))
        return [lock for file in files if (lock := _read(file)) is not None]
    except OSError as error:
        raise DeployError("the stack's locks cannot be read", where=str(folder), cause=str(error)) from error


def stale(lock: Lock) -> bool:
    """Whether its process is dead. Nothing is known of the processes of another machine: theirs are not."""
    if lock.owner is None:
        return lock.torn and _before_boot(lock.file)
    return lock.owner.host == socket.gethostname() and not _lives(lock.owner)


def clear(folder: Path, stack: str, mend: Callable[[], object], cancel: Callable[[], object]) -> None:
    """Clear the locks that are stale, and what their owners left half written.

    Args:
        folder: holds the locks of the stack.
        stack: its name.
        mend: puts in order what keeps Pulumi from reading anything; called where nobody holds a lock.
        cancel: removes every lock, as Pulumi itself does.

    Raises:
        Locked: one of them is not stale; says whose it is.
        DeployError: they cannot be read, or not be removed.
    """
    found = locks(folder)
    held = [each for each in found if not stale(each)]
    if not held:
        mend()
        if found:
            cancel()
        return
    _remove([each for each in found if each not in held])
    raise locked(stack, held)


def locked(stack: str, held: Sequence[Lock], said: str = "") -> Locked:
    """The error of who comes second; ``said`` are Pulumi's words where there is no lock to name."""
    return Locked(
        f"another Pulumi works on stack {stack}",
        where="\n".join(str(each.file) for each in held) or f"stack {stack}",
        cause="\n".join(map(str, held)) or said,
        hint=f"wait until it ends; if you are sure that it is dead: pulumi cancel --stack {stack} --yes",
    )


def _remove(dead: Sequence[Lock]) -> None:
    try:
        for each in dead:
            each.file.unlink(missing_ok=True)
            each.file.with_name(f"{each.file.name}.attrs").unlink(missing_ok=True)
    except OSError as error:
        raise DeployError("a lock of a dead Pulumi cannot be removed", cause=str(error), hint="pulumi cancel") from error


def _read(file: Path) -> Lock | None:
    try:
        said = json.loads(file.read_bytes())
    except FileNotFoundError:  # given back in the meantime
        return None
    except (ValueError, RecursionError):
        return Lock(file, None, torn=True)
    return Lock(file, _owner(said) if isinstance(said, Mapping) else None)


def _owner(said: Mapping[str, object]) -> Owner | None:
    user, host, pid, since = (said.get(name) for name in ("username", "hostname", "pid", "timestamp"))
    if not (isinstance(host, str) and type(pid) is int and 0 < pid <= _LARGEST and isinstance(since, str)):
        return None
    with suppress(ValueError):
        return Owner(str(user), host, pid, datetime.fromisoformat(since).timestamp())
    return None


def _lives(owner: Owner) -> bool:
    import psutil  # noqa: PLC0415 - most of the time there is no lock

    try:
        process = psutil.Process(owner.pid)
        # If it is not the owner, it began later: after a reboot, everybody did. A Pulumi is waited for all the same: it ends
        # soon, and a clock that was set in the meantime must not make the owner look like somebody else.
        return process.status() != psutil.STATUS_ZOMBIE and (
            process.create_time() <= owner.since + _ROUNDED or "pulumi" in process.name()
        )
    except psutil.NoSuchProcess:
        return False
    except psutil.AccessDenied:
        return True


def _before_boot(file: Path) -> bool:
    import psutil  # noqa: PLC0415 - dito

    try:
        return file.stat().st_mtime < psutil.boot_time() - _ROUNDED
    except FileNotFoundError:
        return False
