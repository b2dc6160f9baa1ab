"""The lease of a stack: one small file that says who may write, by which token, and until when.

It is read and changed only under a lock of the operating system that is held for milliseconds, and replaced whole. It may be
taken when nobody has it, when its owner is dead, and when it has run out: by monotonic time for all who share a start of the
machine, so that a wall clock that jumps changes nothing, and by wall time for others.

Each taking has a token above that of the one before, and never below the seconds since 1970: so that tokens go on growing when
the file was lost or damaged, which counts as a lease that has run out. Whoever finds another token or owner in it than its own
was deposed, and writes nothing. One who is stopped in the milliseconds of the lock keeps all others out, and they say so.
"""

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from smoke.errors import Deposed, Locked
from smoke.journals.owner import Owner, dead, me
from smoke.seams import Clock, Holder

LEASE = 15.0
"""Seconds that a lease runs, when taken and when renewed."""
USED = LEASE * 2 / 3
"""Seconds that it runs on after each append, at least."""
_PATIENCE = 5.0
"""Seconds that somebody may keep the lock, which takes milliseconds, before it is said who is in the way."""
_PAUSE = 0.002
_LAST = 1 << 40
"""No time and no token is as late as that."""


def extended(until: float, now: float, seconds: float) -> float:
    """When a lease ends that must run for ``seconds`` from now: as before if it does, else after a whole length at least."""
    return until if until - now >= seconds else now + max(seconds, LEASE)


@dataclass(frozen=True, slots=True)
class Lease:
    """What the file says."""

    token: int
    owner: Owner | None
    """None: it was given back."""
    since: float
    """Wall time, for people to read."""
    until: float
    """Monotonic time of the machine that the owner runs on."""
    until_wall: float
    """The same for whoever has another monotonic time."""

    @property
    def holder(self) -> Holder | None:
        """Its owner, for people."""
        at = self.owner
        return None if at is None else Holder(at.user, at.host, at.pid, self.since, self.token)

    def free(self, here: Owner, clock: Clock) -> bool:
        """Whether the process ``here`` may take it."""
        if self.owner is None or dead(self.owner, here):
            return True
        if here.boot and self.owner.boot == here.boot:
            return clock.now() >= self.until
        return clock.wall() >= self.until_wall


class LeaseFile:
    """The lease in one folder. All but ``read`` and ``holder`` is for whoever is ``alone``."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._file = folder / "lease"
        self._clock = clock

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep everybody else from reading or changing it.

        Raises:
            Locked: somebody does, for much longer than it takes.
        """
        descriptor = os.open(self._folder / "lease.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._lock(descriptor)
            yield
        finally:
            fcntl.flock(descriptor, fcntl.LOCK_UN)  # not left to close(): a child that was forked just now has a copy
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        deadline = self._clock.now() + _PATIENCE
        while not _locked(descriptor):
            if self._clock.now() >= deadline:
                raise Locked(
                    f"another process keeps the lock of the lease for more than {_PATIENCE:g} s",
                    where=str(self._folder / "lease.lock"),
                    cause="it was stopped, or its disk does not answer",
                    hint="lslocks -o PID,COMMAND,PATH | grep lease.lock\nthen kill -CONT PID, or kill -KILL PID",
                )
            self._clock.sleep(_PAUSE)

    def read(self) -> Lease | None:
        """What it says; None where there is none, or it is damaged."""
        try:
            return _parse(self._file.read_bytes())
        except FileNotFoundError:
            return None

    def holder(self) -> Holder | None:
        """Who has it and lives, while it runs."""
        lease = self.read()
        return None if lease is None or lease.free(me(), self._clock) else lease.holder

    def check(self) -> None:
        """Whether it may be taken.

        Raises:
            Locked: somebody has it.
        """
        lease = self.read()
        if lease is not None and not lease.free(me(), self._clock):
            raise Locked(
                "another run holds this stack",
                cause=f"{_who(lease)}; its lease runs until {_at(lease.until_wall)}, unless it renews it",
                hint="crossfade status, or crossfade abort: both work while it runs",
            )

    def take(self) -> "Tenure":
        """Take it, whoever has it; it lasts once this returns."""
        before, wall = self.read(), self._clock.wall()
        token = max(int(wall), before.token + 1 if before else 0)
        lease = Lease(token, me(), wall, self._clock.now() + LEASE, wall + LEASE)
        self._write(lease, durable=True)
        return Tenure(self, lease)

    def own(self, taken: Lease) -> Lease:
        """What it says now, of the same taking.

        Raises:
            Deposed: another one took it.
        """
        lease = self.read()
        if lease is None or (lease.token, lease.owner) != (taken.token, taken.owner):
            raise Deposed(
                "another driver took over while this one did not answer",
                where=str(self._folder),
                cause=_who(lease) if lease else "its lease was removed or damaged",
                hint="crossfade status",
            )
        return lease

    def extend(self, lease: Lease, seconds: float) -> None:
        """Let it run for that long from now; written only where it does not, as this is asked many times a second."""
        now = self._clock.now()
        until = extended(lease.until, now, seconds)
        if until != lease.until:
            self._write(replace(lease, until=until, until_wall=self._clock.wall() + until - now), durable=False)

    def give_back(self, lease: Lease) -> None:
        """Let the next one in at once."""
        self._write(replace(lease, owner=None), durable=False)

    def _write(self, lease: Lease, *, durable: bool) -> None:
        draft = self._folder / "lease.draft"  # one name will do: we are alone
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as out:
            out.write(json.dumps(asdict(lease)).encode())
            out.flush()
            if durable:
                os.fsync(descriptor)
        draft.rename(self._file)
        if durable:
            sync_folder(self._folder)


class Tenure:
    """One taking of the lease."""

    def __init__(self, file: LeaseFile, lease: Lease) -> None:
        self._file = file
        self._lease = lease

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Alone with the folder, as its one writer, for at least ``USED`` seconds.

        Raises:
            Deposed: another one took it.
        """
        with self._file.alone():
            self._file.extend(self._file.own(self._lease), USED)
            yield

    def renew(self, seconds: float) -> None:
        """Keep it for at least that long from now.

        Raises:
            Deposed: another one took it.
        """
        with self._file.alone():
            self._file.extend(self._file.own(self._lease), seconds)

    def end(self) -> None:
        """Give it back, if it is still ours."""
        # If it cannot be written it ends with this process, or by itself.
        with suppress(Locked, OSError), self._file.alone():
            self._file.give_back(self._file.own(self._lease))


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def sync_folder(folder: Path) -> None:
    """Make it durable which files there are."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _parse(text: bytes) -> Lease | None:
    try:
        found = json.loads(text.decode())
        owner = found.pop("owner")
        lease = Lease(**found, owner=None if owner is None else Owner(**owner))
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None
    times = (lease.since, lease.until, lease.until_wall)
    sound = type(lease.token) is int and all(type(each) in {int, float} for each in times)
    in_time = sound and all(0 <= each < _LAST for each in (lease.token, *times))
    return lease if in_time and (lease.owner is None or lease.owner.sound) else None


def _who(lease: Lease) -> str:
    holder = lease.holder
    return f"{holder.user}@{holder.host}, process {holder.pid}, since {_at(holder.since)}" if holder else "it has ended since"


def _at(wall: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(wall))
