"""Who has a lease, told so that another process can say whether that one is dead."""

import getpass
import os
import socket
from dataclasses import dataclass
from pathlib import Path

_DEAD = frozenset("ZX")
"""States of a process that only its parent still knows of."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One process, told apart from all that ever had or will have its id."""

    user: str
    host: str
    pid: int
    pids: str
    """The space that its id is good in: containers have their own."""
    boot: str
    """The start of the machine that its id and its monotonic time are good in; empty where the system does not say."""
    started: int
    """Clock ticks from the start of the machine to that of the process; 0 where the system does not say."""

    @property
    def sound(self) -> bool:
        """Whether every field is of its kind: it may come from a damaged file."""
        words = (self.user, self.host, self.pids, self.boot)
        numbers = type(self.pid) is int and type(self.started) is int
        return all(type(each) is str for each in words) and numbers and 0 < self.pid < 1 << 31


def me() -> Owner:
    """This process."""
    pid = os.getpid()
    found = _stat(pid)
    return Owner(_user(), socket.gethostname(), pid, _pids(), _boot(), found[1] if found else 0)


def dead(owner: Owner, here: Owner) -> bool:
    """Whether the owner has surely ended, as seen from the process ``here``. Hosts are told apart by their names."""
    if owner.host != here.host:
        return False
    if owner.boot != here.boot:
        return bool(owner.boot and here.boot)
    if owner.pids != here.pids:
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass  # it lives, and is somebody else's
    found = _stat(owner.pid)
    return found is not None and (found[0] in _DEAD or found[1] != owner.started)


def _stat(pid: int) -> tuple[str, int] | None:
    """State and start of a process; None where the system does not say."""
    try:
        text = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # In front is the name of its program in parentheses, which may itself hold spaces and parentheses.
    fields = text[text.rindex(b")") + 1 :].split()
    return fields[0].decode(), int(fields[19])


def _boot() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _pids() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run a user that has no name
        return str(os.getuid())
