"""The files of a fence: lost, damaged, or in somebody else's hands."""

import fcntl
import os
from pathlib import Path

import pytest

from smoke.clock import FakeClock
from smoke.errors import HandoverError
from smoke.handovers.file import FileHandover
from tests.smoke.handovers.stage import Stage, run

GARBAGE = [
    "",
    "{",
    "[" * 100_000,
    '["blue", 1]',
    '{"holder": "blue"}',
    '{"token": 1}',
    '{"holder": "red", "token": 1}',
    '{"holder": ["blue"], "token": 1}',
    '{"holder": "blue", "token": true}',
    '{"holder": "blue", "token": "1"}',
]


def test_the_fence_is_changed_by_one_at_a_time(empty: Stage) -> None:
    """While another terminal changes the fence nobody else does: a token is given once."""
    handover, folder = FileHandover(empty.settings(), FakeClock()), os.open(empty.folder, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        for call in (lambda: handover.hold("green"), lambda: handover.release("blue")):
            with pytest.raises(HandoverError, match="another crossfade keeps the fence to itself"):
                call()
    finally:
        os.close(folder)
    assert empty.words == {"holder": "blue", "token": 1}


@pytest.mark.parametrize("words", GARBAGE, ids=lambda words: words[:40])
def test_a_fence_that_says_nothing(empty: Stage, words: str) -> None:
    """Of a fence that names no holder or no token nobody is told anything, and nothing is written over it."""
    (empty.folder / "fence.json").write_text(words)
    handover = FileHandover(empty.settings(), FakeClock())
    for call in (handover.holder, lambda: handover.hold("blue"), lambda: handover.release("blue")):
        with pytest.raises(HandoverError, match="who may work cannot be known"):
            call()
    assert (empty.folder / "fence.json").read_text() == words


def test_a_fence_that_is_lost(empty: Stage) -> None:
    """A fence that is not there is an error whose remedy, run as it stands, makes one with a token above all."""
    (empty.folder / "fence.json").unlink()
    handover = FileHandover(empty.settings(), FakeClock())
    with pytest.raises(HandoverError, match=r"cannot be known: fence.json is not there") as lost:
        handover.holder()
    run((lost.value.hint or "").splitlines()[0])
    assert handover.holder() is None
    assert empty.words["token"] > 1_700_000_000


def test_a_folder_that_is_lost(tmp_path: Path) -> None:
    """Without the folder every call raises, and says which one is missing."""
    beats = {"blue": str(tmp_path / "blue"), "green": str(tmp_path / "green")}
    handover = FileHandover({"folder": str(tmp_path / "agent"), "heartbeats": beats, "timeout": 1}, FakeClock())
    for call in (handover.holder, lambda: handover.hold("blue"), lambda: handover.release("blue")):
        with pytest.raises(HandoverError, match="No such file or directory") as lost:
            call()
        assert str(tmp_path / "agent") in (lost.value.where or "")
        assert "pulumi up" in (lost.value.hint or "")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_fence_of_a_container_is_its_owners(empty: Stage) -> None:
    """In a folder of another user's the fence is written as that user's, who alone may read it; root's own stay root's."""
    clock = FakeClock()
    FileHandover(empty.settings(), clock).release("blue")
    before = (empty.folder / "fence.json").stat()
    os.chown(empty.folder, 10001, 10002)
    with pytest.raises(HandoverError, match="the process never beat"):
        FileHandover(empty.settings(), clock).hold("green")
    after = (empty.folder / "fence.json").stat()

    assert (before.st_uid, before.st_gid) == (0, 0)
    assert (after.st_uid, after.st_gid, after.st_mode & 0o777) == (10001, 10002, 0o600)
    assert empty.words == {"holder": "green", "token": 2}


def test_nothing_is_written_outside_of_the_folder(empty: Stage, tmp_path: Path) -> None:
    """A link that somebody put where the next fence is drafted leads nowhere: what it points to stays as it is."""
    (tmp_path / "precious").write_text("as it was")
    (empty.folder / ".fence.json.new").symlink_to(tmp_path / "precious")
    FileHandover(empty.settings(), FakeClock()).release("blue")

    assert (tmp_path / "precious").read_text() == "as it was"
    assert empty.words == {"holder": None, "token": 1}


@pytest.mark.parametrize("name", ["fence.json", "fence.lock"])
@pytest.mark.parametrize("what", ["pipe", "link"])
def test_what_is_no_file_keeps_nobody_waiting(empty: Stage, tmp_path: Path, name: str, what: str) -> None:
    """A pipe or a link in the place of a file of the fence is not followed and not waited for: a release ends."""
    (empty.folder / name).unlink(missing_ok=True)
    if what == "pipe":
        os.mkfifo(empty.folder / name)
    else:
        (tmp_path / "elsewhere").write_text('{"holder": "green", "token": 9}')
        (empty.folder / name).symlink_to(tmp_path / "elsewhere")
    handover = FileHandover(empty.settings(), FakeClock())
    if (name, what) == ("fence.lock", "pipe"):  # nobody has it
        handover.release("blue")
    else:
        with pytest.raises(HandoverError):
            handover.release("blue")
