"""A little room on the disk, held back for the way back: on a full disk that must not fail for want of a few kilobytes."""

import errno
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

SIZE = 256 * 1024
"""Bytes; the journal of a way back has a few thousand."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


def hold_back(folder: Path) -> None:
    """Have the room in this folder's file system, if there is any."""
    with suppress(OSError):
        descriptor = os.open(folder / ".ballast", os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            if os.fstat(descriptor).st_size < SIZE:
                os.posix_fallocate(descriptor, 0, SIZE)
        finally:
            os.close(descriptor)


def with_room(folder: Path, act: Callable[[], T]) -> T:
    """Do it; once more, with the room that was held back, where the disk is full.

    Raises:
        OSError: it cannot be done.
    """
    try:
        return act()
    except OSError as error:
        if error.errno not in _FULL:
            raise
        try:
            (folder / ".ballast").unlink()
        except OSError:
            raise error from None
    return act()
