"""A journal in a folder: one file a rollout, one checksummed line a record, one lease for the stack.

A line is the CRC-32 of its JSON in eight hexadecimal digits, a space and the JSON. An append is durable before it returns. A last
line that is torn was never acknowledged and is dropped; damage before it is refused, because what follows was decided on it. Of
requests only the damaged line is lost: whoever asked will ask again, and nobody may be kept from driving by it.
"""

import errno
import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smoke.ballast import hold_back, with_room
from smoke.clock import SystemClock
from smoke.errors import JournalError
from smoke.journals.lease import LeaseFile, Tenure
from smoke.private import private_folder
from smoke.seams import Clock, Holder, Record

_SUFFIX = ".jsonl"


class FileJournal:
    """The rollouts of one stack, in one folder that only its owner may read."""

    def __init__(self, folder: Path, clock: Clock | None = None) -> None:
        self._folder = folder
        self._lease = LeaseFile(folder, clock or SystemClock())

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age."""
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order.

        Raises:
            JournalError: a line before the last is damaged, or the file cannot be read.
        """
        path = self._folder / f"{rollout}{_SUFFIX}"
        lines = _lines(path)
        if lines and lines[-1] is None:
            lines.pop()
        if None in lines:
            number = lines.index(None) + 1
            raise JournalError(
                f"line {number} of the journal is damaged",
                where=str(path),
                hint=f"keep a copy of the file, then remove line {number} and all that follow, and run `crossfade abort`",
            )
        return [line for line in lines if line is not None]

    @contextmanager
    def open(self, rollout: str) -> Iterator["FileWriter"]:
        """Become the stack's one writer, until the context or the process ends, or somebody takes over.

        Raises:
            Locked: another process is.
            JournalError: the lease cannot be written.
        """
        path = self._folder / f"{rollout}{_SUFFIX}"
        with _told("the journal cannot be opened", self._folder):
            private_folder(self._folder)
            end, tenure = with_room(self._folder, lambda: self._taken(path))
            hold_back(self._folder)
        try:
            yield FileWriter(path, end, tenure)
        finally:
            tenure.end()

    def _taken(self, path: Path) -> tuple[int, Tenure]:
        with self._lease.alone():
            self._lease.check()
            return _drop_torn_tail(path), self._lease.take()

    def holder(self) -> Holder | None:
        """The one writer, or None.

        Raises:
            JournalError: the lease cannot be read.
        """
        with _told("the lease cannot be read", self._folder):
            return self._lease.holder()


class FileWriter:
    """Appends to one rollout's file."""

    def __init__(self, path: Path, end: int, tenure: Tenure) -> None:
        self._path = path
        self._end = end
        """Length in bytes of what was acknowledged."""
        self._tenure = tenure

    def append(self, record: Record) -> None:
        """Add a record; returns when it is durable.

        Raises:
            JournalError: it could not be written or made durable.
            Deposed: another writer took over, and nothing was written.
        """
        line = _line(record)
        with _told("the journal cannot be written", self._path):
            with_room(self._path.parent, lambda: self._append(line))
        self._end += len(line)

    def _append(self, line: bytes) -> None:
        with _appending(self._path, os.O_APPEND) as descriptor:
            with self._tenure.alone():
                if os.fstat(descriptor).st_size != self._end:
                    os.ftruncate(descriptor, self._end)  # what an append that failed left behind
                _write(descriptor, line)
            os.fsync(descriptor)  # others need not wait for the disk

    def renew(self, seconds: float) -> None:
        """Stay the one writer for at least that long from now.

        Raises:
            JournalError: the lease could not be written.
            Deposed: another writer took over.
        """
        with _told("the lease cannot be renewed", self._path.parent):
            with_room(self._path.parent, lambda: self._tenure.renew(seconds))


class FileMailbox:
    """Requests to rollouts, one file each, beside the journal. Anybody who may write in the folder may post."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request; whole lines, so that two who post at once do not mix.

        Raises:
            JournalError: it could not be written.
        """
        path = self._path(rollout)
        with _told("the request cannot be written", path):
            with_room(self._folder, lambda: _post(path, request))

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted and is whole, in order.

        Raises:
            JournalError: the file cannot be read.
        """
        return [line for line in _lines(self._path(rollout)) if line is not None]

    def _path(self, rollout: str) -> Path:
        return self._folder / f"{rollout}.requests"


def _post(path: Path, request: Record) -> None:
    with _appending(path, os.O_APPEND | os.O_CREAT) as descriptor:
        # It begins with a line end, as the line before may be torn.
        _write(descriptor, b"\n" + _line(request))
        os.fsync(descriptor)


@contextmanager
def _told(what: str, where: Path) -> Iterator[None]:
    """Errors of the system become the journal's own."""
    try:
        yield
    except OSError as error:
        folder = where if where.is_dir() else where.parent
        raise JournalError(what, where=str(where), cause=str(error), hint=f"df -h {folder}; ls -la {folder}") from error


@contextmanager
def _appending(path: Path, how: int) -> Iterator[int]:
    descriptor = os.open(path, os.O_WRONLY | how, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _line(record: Record) -> bytes:
    text = json.dumps(record, separators=(",", ":")).encode()
    return b"%08x %s\n" % (zlib.crc32(text), text)


def _write(descriptor: int, data: bytes) -> None:
    written = os.write(descriptor, data)
    if written != len(data):
        raise OSError(errno.ENOSPC, f"only {written} of {len(data)} bytes were written")


def _lines(path: Path) -> list[Mapping[str, Any] | None]:
    """What each whole line says, None for one that is damaged. What follows the last line end is torn."""
    with _told("the file cannot be read", path):
        data = path.read_bytes() if path.exists() else b""
    return [_parse(line) for line in data.split(b"\n")[:-1]]


def _parse(line: bytes) -> Mapping[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    try:
        record = json.loads(text.decode())
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, Mapping) else None


def _drop_torn_tail(path: Path) -> int:
    """Leave whole lines, in a file that is there; returns its length in bytes."""
    with _appending(path, os.O_CREAT) as descriptor:
        whole = path.read_bytes()
        kept = whole[: whole.rfind(b"\n") + 1]
        last = kept[:-1].rsplit(b"\n", 1)[-1]
        if kept and _parse(last) is None:
            kept = kept[: len(kept) - len(last) - 1]
        if len(kept) != len(whole):
            os.ftruncate(descriptor, len(kept))
    return len(kept)
