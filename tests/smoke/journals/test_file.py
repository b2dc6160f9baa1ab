"""What only a folder can suffer: lines that are torn or damaged, rights, and disks that are full."""

import os
import resource
from pathlib import Path

import pytest

from smoke.errors import CrossfadeError, JournalError
from smoke.journals import FileJournal
from tests.smoke.journals.process import Child, Commands, told


def written(folder: Path, count: int = 3) -> Path:
    """The file of a rollout with so many records."""
    with FileJournal(folder).open("0001-a") as writer:
        for number in range(count):
            writer.append({"n": number})
    return folder / "0001-a.jsonl"


def numbers(folder: Path) -> list[int]:
    """What its records are numbered."""
    return [record["n"] for record in FileJournal(folder).records("0001-a")]


@pytest.mark.parametrize("cut", range(1, 20))
def test_a_torn_tail_is_dropped(tmp_path: Path, cut: int) -> None:
    """A last line that is cut anywhere was never acknowledged: it is dropped, and the next append follows the whole ones."""
    file = written(tmp_path)
    whole = file.read_bytes()
    last = len(whole) - whole[:-1].rfind(b"\n") - 1
    file.write_bytes(whole[: len(whole) - min(cut, last)])
    assert numbers(tmp_path) == [0, 1]
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 9})

    assert numbers(tmp_path) == [0, 1, 9]


@pytest.mark.parametrize("tail", [b"\n", b"\x00" * 5000, b"\x00" * 30 + b"\n", b"00000000 {}\n", b'{"n": 3}\n', b" \n"])
def test_a_tail_that_says_nothing_is_dropped(tmp_path: Path, tail: bytes) -> None:
    """Whatever a power cut leaves behind the last whole line, with a line end or without, is dropped."""
    file = written(tmp_path)
    file.write_bytes(file.read_bytes() + tail)
    assert numbers(tmp_path) == [0, 1, 2]
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 9})

    assert numbers(tmp_path) == [0, 1, 2, 9]


def test_a_damaged_middle_is_refused(tmp_path: Path) -> None:
    """Damage before the last line is refused with the number of the line, since what follows was decided on it."""
    file = written(tmp_path)
    lines = file.read_bytes().split(b"\n")
    lines[1] = lines[1].replace(b"1", b"7")
    file.write_bytes(b"\n".join(lines))

    with pytest.raises(JournalError, match="line 2 of the journal is damaged"):
        numbers(tmp_path)


def test_only_the_owner_may_read(tmp_path: Path) -> None:
    """The journal's folder and all its files are closed to everybody else."""
    folder = tmp_path / "journal"
    with FileJournal(folder).open("0001-a") as writer:
        writer.append({"n": 1})
        writer.renew(900.0)
        found = {each.name: each.stat().st_mode & 0o777 for each in (folder, *folder.iterdir())}

    assert found == {"journal": 0o700, "0001-a.jsonl": 0o600, "lease": 0o600, "lease.lock": 0o600, ".ballast": 0o600}


def test_a_folder_that_cannot_be_used_is_said(tmp_path: Path) -> None:
    """Where the folder of the journal cannot be made, the error names it, and what to look at."""
    (tmp_path / "state").write_text("a file")
    folder = tmp_path / "state" / "journal"
    with pytest.raises(JournalError, match="the journal cannot be opened") as refused, FileJournal(folder).open("0001-a"):
        pass

    assert (refused.value.where, refused.value.hint) == (str(folder), f"df -h {folder.parent}; ls -la {folder.parent}")


def test_a_journal_that_was_taken_away_is_not_begun_anew(tmp_path: Path) -> None:
    """When somebody removes the file of a rollout that is driven, the next append is refused and begins no new one."""
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 1})
        (tmp_path / "0001-a.jsonl").unlink()
        with pytest.raises(JournalError, match="the journal cannot be written"):
            writer.append({"n": 2})

    assert FileJournal(tmp_path).rollouts() == []


def _fill(folder: Path, commands: Commands) -> None:
    """Append until the disk is full, as a limit of the system makes it; then let there be space, and go on."""
    with FileJournal(folder).open("0001-a") as writer:
        writer.append({"n": 0})
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (4000, hard))
        for number in range(1, 3):
            try:
                writer.append({"n": number, "text": "x" * (5000 if number == 1 else 6000)})
            except CrossfadeError as error:
                commands.send((type(error).__name__, error.cause, (folder / "0001-a.jsonl").stat().st_size))
                commands.recv()
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        writer.append({"n": 3})
        commands.send("went on")
        commands.recv()


@pytest.mark.processes
def test_a_full_disk_tears_nothing(tmp_path: Path) -> None:
    """On a full disk an append is refused, readers see what was acknowledged, and the same writer goes on once there is space."""
    with Child(_fill, tmp_path) as child:
        for _ in range(2):
            kind, cause, size = child.hear()
            assert (kind, size) == ("JournalError", 4000), "nothing was torn, so nothing was tried"
            assert "bytes were written" in cause
            assert numbers(tmp_path) == [0]
            child.tell("go on")
        assert child.hear() == "went on"
        assert numbers(tmp_path) == [0, 3]
        child.tell("end")
        child.join()


@pytest.mark.processes
def test_killed_on_a_full_disk(tmp_path: Path) -> None:
    """Whoever dies with a torn line behind it leaves a journal that the next one goes on with."""
    with Child(_fill, tmp_path) as child:
        child.hear()
        child.kill()
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 9})

    assert numbers(tmp_path) == [0, 9]


def _have_nothing(folder: Path, commands: Commands) -> None:
    """Meet a disk that is full when the lease is to be given back, taken or renewed."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    journal = FileJournal(folder)
    with journal.open("0001-a") as writer:
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
        commands.send(told(lambda: writer.renew(900.0)))
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
    commands.send(journal.holder() is None)
    commands.recv()


@pytest.mark.processes
def test_a_full_disk_while_the_lease_is_changed(tmp_path: Path) -> None:
    """A lease that cannot be renewed is said; one that cannot be given back hides no error, and ends with its process."""
    with Child(_have_nothing, tmp_path) as child:
        assert child.hear() == "JournalError"
        assert child.hear() is False
        child.tell("end")
        child.join()
    with FileJournal(tmp_path).open("0001-a") as writer:
        writer.append({"n": 9})

    assert numbers(tmp_path) == [9]


def _take_nothing(folder: Path, commands: Commands) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))
    commands.send(told(lambda: FileJournal(folder).open("0001-a").__enter__()))


@pytest.mark.processes
def test_a_full_disk_when_the_lease_is_taken(tmp_path: Path) -> None:
    """Where the lease cannot be written nobody drives, and the next one can once there is space."""
    written(tmp_path)
    before = (tmp_path / "lease").read_bytes()
    with Child(_take_nothing, tmp_path) as child:
        assert child.hear() == "JournalError"
        child.join()
    assert (tmp_path / "lease").read_bytes() == before
    with FileJournal(tmp_path).open("0001-a"):
        pass


def test_no_file_is_left_open(tmp_path: Path) -> None:
    """However often a journal is opened and appended to, the process holds no file of it."""
    written(tmp_path, 20)

    assert not [each for each in Path("/proc/self/fd").iterdir() if str(tmp_path) in os.path.realpath(each)]
