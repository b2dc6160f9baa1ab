"""Room that is held back on the disk: a full one does not keep anybody from going back."""

import errno
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from smoke.ballast import SIZE, hold_back, with_room
from smoke.errors import JournalError
from smoke.journals import FileJournal, FileMailbox
from smoke.seams import Writer


def test_without_need_nothing_is_given_up(tmp_path: Path) -> None:
    """What works is done once, and the room stays held back."""
    hold_back(tmp_path)
    done: list[int] = []
    with_room(tmp_path, lambda: done.append(1))

    assert done == [1]
    assert (tmp_path / ".ballast").stat().st_size == SIZE
    assert (tmp_path / ".ballast").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_on_a_full_disk_it_is_tried_once_more(tmp_path: Path, number: int) -> None:
    """The room is given up, and the same is done again; without any room the error is the first one's."""
    hold_back(tmp_path)
    tries: list[bool] = []

    def act() -> str:
        tries.append((tmp_path / ".ballast").exists())
        if len(tries) == 1:
            raise OSError(number, os.strerror(number))
        return "done"

    assert with_room(tmp_path, act) == "done"
    assert tries == [True, False]
    tries.clear()
    with pytest.raises(OSError, match=os.strerror(number)):
        with_room(tmp_path, act)


def test_another_error_is_no_want_of_room(tmp_path: Path) -> None:
    """What fails for another reason fails at once, and the room stays."""
    hold_back(tmp_path)

    def act() -> None:
        raise PermissionError(errno.EACCES, "no")

    with pytest.raises(PermissionError):
        with_room(tmp_path, act)
    assert (tmp_path / ".ballast").exists()


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if os.geteuid() != 0:
        pytest.skip("needs root: a small disk is mounted")
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m,mode=700", "tmpfs", str(folder)], check=False)
    if mounted.returncode:
        pytest.skip("needs the right to mount a disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _fill(folder: Path) -> None:
    """Leave no room."""
    with (folder / "rubbish").open("wb", buffering=0) as out, suppress(OSError):
        while out.write(b"x" * 4096):
            pass
    assert shutil.disk_usage(folder).free == 0


def _append_for_ever(writer: Writer) -> None:
    for number in range(10_000):
        writer.append({"event": "looked", "number": number, "text": "x" * 1000})


def test_the_way_back_is_remembered_on_a_full_disk(small: Path) -> None:
    """With the disk full the one who writes goes on writing for a while, somebody may ask, and all of it can be read."""
    journal, mailbox = FileJournal(small / "journal"), FileMailbox(small / "journal")
    with journal.open("0001-a") as writer:
        writer.append({"event": "opened"})
        _fill(small)
        for number in range(50):
            writer.append({"event": "looked", "number": number, "text": "x" * 500})
        mailbox.post("0001-a", {"verb": "abort"})

    assert len(journal.records("0001-a")) == 51
    assert mailbox.requests("0001-a") == [{"verb": "abort"}]


def test_a_driver_that_comes_later_can_take_over_on_a_full_disk(small: Path) -> None:
    """The lease can be taken with the disk full, and what is appended is there."""
    journal = FileJournal(small / "journal")
    with journal.open("0001-a") as writer:
        writer.append({"event": "opened"})
    _fill(small)
    with journal.open("0001-a") as writer:
        writer.append({"event": "aborted"})

    assert [record["event"] for record in journal.records("0001-a")] == ["opened", "aborted"]


def test_when_even_that_is_used_up_it_is_said(small: Path) -> None:
    """In the end an append fails as an error of the journal, and what was acknowledged stays readable."""
    journal = FileJournal(small / "journal")
    with journal.open("0001-a") as writer:
        writer.append({"event": "opened"})
        _fill(small)
        with pytest.raises(JournalError, match="the journal cannot be written"):
            _append_for_ever(writer)

    assert journal.records("0001-a")[0] == {"event": "opened"}
