"""A journal in a folder: one file a rollout, one checksummed line a record, one lock for the stack.

A line is the CRC-32 of its JSON in eight hexadecimal digits, a space and the JSON. An append is durable before it returns. A last
line that is torn was never acknowledged and is dropped; damage before it is refused, because what follows was decided on it. The
lease is a lock of the operating system, so that it ends with its process, however that ends.
"""

import fcntl
import getpass
import json
import os
import socket
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from smoke.errors import JournalError, Locked
from smoke.seams import Record

_SUFFIX = ".jsonl"


class FileJournal:
    """The rollouts of one stack, in one folder that only its owner may read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def rollouts(self) -> Sequence[str]:
        """Names of the rollouts, oldest first: names sort by age."""
        return sorted(path.name.removesuffix(_SUFFIX) for path in self._folder.glob(f"*{_SUFFIX}"))

    def records(self, rollout: str) -> Sequence[Record]:
        """Everything that was appended, in order.

        Raises:
            JournalError: a line before the last is damaged.
        """
        return list(_read(self._folder / f"{rollout}{_SUFFIX}"))

    @contextmanager
    def open(self, rollout: str) -> Iterator["FileWriter"]:
        """Become the stack's one writer, until the context or the process ends.

        Raises:
            Locked: another process is.
        """
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self._folder / "lease").open("a+", encoding="utf-8") as lease:
            _lock(lease.fileno(), lease.name)
            lease.truncate(0)
            lease.write(json.dumps(_me()))
            lease.flush()
            path = self._folder / f"{rollout}{_SUFFIX}"
            _drop_torn_tail(path)
            descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _sync_folder(self._folder)
                yield FileWriter(descriptor)
            finally:
                os.close(descriptor)


class FileWriter:
    """Appends to one rollout's file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def append(self, record: Record) -> None:
        """Add a record; returns when it is durable.

        Raises:
            JournalError: it could not be written or made durable.
        """
        try:
            _append(self._descriptor, record)
        except OSError as error:
            raise JournalError("the journal cannot be written", cause=str(error), hint="df -h .") from error


class FileMailbox:
    """Requests to rollouts, one file each, beside the journal. Anybody who may write in the folder may post."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def post(self, rollout: str, request: Record) -> None:
        """Leave a request; whole lines, so that two who post at once do not mix.

        Raises:
            JournalError: it could not be written.
        """
        try:
            descriptor = os.open(self._path(rollout), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                _append(descriptor, request)
            finally:
                os.close(descriptor)
        except OSError as error:
            raise JournalError("the request cannot be written", cause=str(error)) from error

    def requests(self, rollout: str) -> Sequence[Record]:
        """Everything that was posted, in order."""
        return list(_read(self._path(rollout)))

    def _path(self, rollout: str) -> Path:
        return self._folder / f"{rollout}.requests"


def _append(descriptor: int, record: Record) -> None:
    text = json.dumps(record, separators=(",", ":")).encode()
    line = b"%08x %s\n" % (zlib.crc32(text), text)
    written = os.write(descriptor, line)
    if written != len(line):
        raise OSError(f"only {written} of {len(line)} bytes were written")
    os.fsync(descriptor)


def _read(path: Path) -> Iterator[Mapping[str, Any]]:
    if not path.exists():
        return
    lines = path.read_bytes().split(b"\n")
    # What follows the last line end is empty, or torn.
    for number, line in enumerate(lines[:-1], start=1):
        record = _parse(line)
        if record is None and number < len(lines) - 1:
            raise JournalError(
                f"line {number} of the journal is damaged",
                where=str(path),
                hint=f"keep a copy of the file, then remove line {number} and all that follow, and run `crossfade abort`",
            )
        if record is not None:
            yield record


def _parse(line: bytes) -> Mapping[str, Any] | None:
    checksum, _, text = line.partition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    record = json.loads(text)
    return record if isinstance(record, Mapping) else None


def _drop_torn_tail(path: Path) -> None:
    if not path.exists():
        return
    whole = path.read_bytes()
    kept = whole[: whole.rfind(b"\n") + 1]
    last = kept[:-1].rsplit(b"\n", 1)[-1]
    if last and _parse(last) is None:
        kept = kept[: len(kept) - len(last) - 1]
    if len(kept) != len(whole):
        os.truncate(path, len(kept))


def _lock(descriptor: int, name: str) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise Locked(
            "another run holds this stack",
            cause=_who(Path(name)),
            hint="crossfade status, or crossfade abort: both work while it runs",
        ) from None


def _who(lease: Path) -> str:
    try:
        owner = json.loads(lease.read_text(encoding="utf-8"))
        since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(owner["since"]))
        return f"{owner['user']}@{owner['host']}, process {owner['pid']}, since {since}"
    except (OSError, ValueError, KeyError, TypeError):
        return "it does not say who it is"


def _me() -> Mapping[str, Any]:
    return {"pid": os.getpid(), "host": socket.gethostname(), "user": getpass.getuser(), "since": time.time()}


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
