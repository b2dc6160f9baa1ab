"""The two files of a fence: ``fence.json`` says who may work, ``fence.lock`` is locked by the one who does.

Here they are read, and changed by one at a time. When that is done, and whom it waits for, is the hand-over's.
"""

import fcntl
import json
import os
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from infra.contract import Json
from smoke.errors import HandoverError

_MOST = 64 * 1024
"""Bytes of the file that are read; what it says has a few dozen."""
_LARGEST = 2**53
"""No token is as large: one grant a second comes to it in a quarter of a billion years."""


@dataclass(frozen=True, slots=True)
class Grant:
    """What ``fence.json`` says."""

    holder: str | None
    """The slot that may work; None where nobody may."""
    token: int
    """Grows with each grant and never falls: whoever takes orders can turn down what comes late from an earlier holder."""


class Fence:
    """The fence in one folder, for these slots. Every method raises HandoverError where the files do not let it do its work."""

    def __init__(self, folder: Path, slots: frozenset[str]) -> None:
        self.name = folder.name
        self._folder = folder
        self._file = folder / "fence.json"
        self._lock = folder / "fence.lock"
        self._slots = slots

    def read(self) -> Grant:
        """Who may work now, and by which token."""
        try:
            with open(self._file, "rb", opener=_opened) as file:
                words: Json = json.loads(file.read(_MOST))
        except FileNotFoundError as error:
            raise (self._lost("is not there") if self._folder.is_dir() else self._failed(error)) from error
        except OSError as error:
            raise self._failed(error) from error
        except (ValueError, RecursionError) as error:
            raise self._lost(f"holds no JSON: {error}") from error
        token = words.get("token") if isinstance(words, dict) else None
        if type(token) is not int or not 0 <= token < _LARGEST:  # True is an int too
            raise self._lost(f"has no token: {repr(words)[:200]}")
        holder = words.get("holder", ...)
        if holder is not None and not (isinstance(holder, str) and holder in self._slots):
            raise self._lost(f"names none of {', '.join(sorted(self._slots))}: {repr(words)[:200]}")
        return Grant(holder, token)

    @contextmanager
    def alone(self, wait: Callable[[Callable[[], bool]], bool]) -> Iterator[Callable[[Grant], None]]:
        """Be the only one that changes it: two who grant at once would give out one token twice. Yields how to write.

        ``wait`` returns whether a condition came to hold in time. What was written lasts once the context has ended.
        """
        try:
            folder = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._failed(error) from error
        try:
            if not wait(lambda: _lock(folder, fcntl.LOCK_EX)):
                raise HandoverError(f"{self.name}: another crossfade keeps the fence to itself", where=str(self._folder))
            yield self._write
            os.fsync(folder)  # also when nothing was written: whoever was killed after the rename did not come to it
        except OSError as error:
            raise self._failed(error) from error
        finally:
            os.close(folder)

    def _write(self, grant: Grant) -> None:
        """Replace the file as a whole: whoever reads it sees the old words or the new ones, also after the machine went down."""
        draft = self._folder / f".{self._file.name}.new"  # one name will do: we are alone
        draft.unlink(missing_ok=True)  # and anew: in a folder of a container's, what is there may lead out of it
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as out:
            out.write(json.dumps(asdict(grant)))
            self._give(out.fileno())
            out.flush()
            os.fsync(out.fileno())
        draft.rename(self._file)

    def _give(self, descriptor: int) -> None:
        """Let the folder's owner read it: the process may be in a container, as another user than root."""
        folder = self._folder.stat()
        if os.geteuid() == 0 and folder.st_uid != 0:
            os.fchown(descriptor, folder.st_uid, folder.st_gid)

    def locked(self) -> bool:
        """Whether somebody has the lock. Looks by trying: a process that tries at the same time is late by one of its looks."""
        try:
            lock = _opened(self._lock, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return False  # nobody ever worked
        except OSError as error:
            raise self._failed(error) from error
        try:
            free = _lock(lock, fcntl.LOCK_SH)  # shared: two who look do not see each other
            fcntl.flock(lock, fcntl.LOCK_UN)  # not left to close(): a child that was forked just now has a copy
        except OSError as error:
            raise self._failed(error) from error
        finally:
            os.close(lock)
        return not free

    def locker(self) -> int | None:
        """Id of the process that took the lock, by the word of the system; None where it does not say, or nobody has it."""
        try:
            at, locks = self._lock.stat(), Path("/proc/locks").read_text(encoding="ascii").splitlines()
        except OSError:
            return None
        file = f"{os.major(at.st_dev):02x}:{os.minor(at.st_dev):02x}:{at.st_ino}"
        # A line: ``1: FLOCK  ADVISORY  WRITE 4242 fe:00:9977860 0 EOF``. Process ids of other containers are 0 or below.
        pids = [int(each[4]) for each in map(str.split, locks) if each[1] == "FLOCK" and each[3] == "WRITE" and each[5] == file]
        return pids[0] if pids and pids[0] > 0 else None

    def _lost(self, why: str) -> HandoverError:
        anew = '{"holder": null, "token": %d}'
        return HandoverError(
            f"{self.name}: who may work cannot be known: {self._file.name} {why}",
            where=str(self._file),
            cause="nobody begins to work while it is so",
            # The time is above every token that was ever counted up to.
            hint=f"printf '{anew}' \"$(date +%s)\" > {shlex.quote(str(self._file))}\nand the same command again",
        )

    def _failed(self, error: OSError) -> HandoverError:
        remedy = f"ls -la {shlex.quote(str(self._folder))}" if self._folder.is_dir() else "pulumi up   # it makes what is missing"
        what = f"{self.name}: the fence cannot be used: {error.strerror}"
        return HandoverError(what, where=str(error.filename or self._folder), hint=remedy)


def _opened(path: str | Path, flags: int) -> int:
    # Follows nothing and waits for nothing: in a folder of a container's that is not for us to say what is there.
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK)


def _lock(descriptor: int, how: int) -> bool:
    """Take the lock, unless somebody else has it."""
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
