"""The fence of a singleton: who may work (`fence.json`), and that only one does (`fence.lock`).

Standard library only. `fence.json` says whom the toolkit chose; the lock on `fence.lock` is
what the operating system guarantees: at most one holder, freed at death. Both are needed.
"""

import fcntl
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Union


@dataclass(frozen=True)
class Permit:
    """The right to work now. `token` is None where there is no fence."""

    token: Optional[int]


class Open:
    """No fence: the process is no singleton and may always work."""

    def settle(self) -> Optional[Permit]:
        """Work is allowed."""
        return Permit(None)

    def release(self) -> None:
        """Nothing is held."""


class Fence:
    """The fence as seen by one slot."""

    def __init__(self, folder: Path, slot: str) -> None:
        self._folder = folder
        self._slot = slot
        self._lock: Optional[int] = None

    def settle(self) -> Optional[Permit]:
        """Take or release the lock as `fence.json` says; None means: do not work.

        Never waits. While the other slot still holds the lock the answer is None: ask again.
        """
        token = self._granted()
        if token is None:
            self.release()
            return None
        if not self._take():
            return None
        # Looked at again: between the look and the lock the work may have been taken away, and that must be believed.
        if self._granted() != token:
            self.release()
            return None
        return Permit(token)

    def release(self) -> None:
        """Let the other slot take the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _granted(self) -> Optional[int]:
        try:
            words = json.loads((self._folder / "fence.json").read_bytes())
        except (OSError, ValueError):
            return None
        if not isinstance(words, dict) or words.get("holder") != self._slot:
            return None
        token = words.get("token")
        return token if type(token) is int else None

    def _take(self) -> bool:
        if self._lock is not None and _on_disk(self._lock):
            return True
        self.release()
        try:
            lock = os.open(self._folder / "fence.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return False
        self._lock = lock
        return _on_disk(lock)


def _on_disk(lock: int) -> bool:
    # The lock of a deleted file excludes nobody: the other slot would lock the new one.
    return os.fstat(lock).st_nlink > 0


def of(folder: Optional[Path], slot: str) -> Union[Open, Fence]:
    """The fence in that folder; the open one when there is no folder."""
    return Open() if folder is None else Fence(folder, slot)
