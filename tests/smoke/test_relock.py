"""A lock for another Python: as few versions move as can, none further than it must; by a real uv and an index on loopback."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from wheelhouse import offer, served

from smoke.errors import UsageError
from smoke.relock import relock

pytestmark = pytest.mark.processes
ANY, OLD = "py3-none-any", "cp39-cp39-manylinux_2_17_x86_64"


@pytest.fixture(name="index")
def _index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    with served(tmp_path, monkeypatch) as folder:
        yield folder


def locked(folder: Path, before: str, wanted: str) -> Mapping[str, str]:
    """Versions of the new lock, whose every package has a hash."""
    (folder / "before.txt").write_text(before, encoding="utf-8")
    (folder / "wanted.in").write_text(wanted, encoding="utf-8")
    found = relock(folder / "before.txt", folder / "wanted.in", "3.12", folder / "after.txt")
    assert (folder / "after.txt").read_text(encoding="utf-8").count("--hash=sha256:") >= len(found)
    return {each.name: each.version for each in found}


def test_what_can_stay_stays_and_what_must_move_takes_the_next(index: Path, tmp_path: Path) -> None:
    """One with a wheel keeps its version; one without takes the lowest that has; what is new besides takes the newest."""
    for version, tag in (("1.0", ANY), ("2.0", ANY)):
        offer(index, "stays", tag, version)
    for version, tag, wants in (("1.0", OLD, ()), ("1.1", None, ()), ("1.2", ANY, ("fresh",)), ("2.0", ANY, ("fresh",))):
        offer(index, "moves", tag, version, wants)
    for version in ("1.0", "3.0"):
        offer(index, "fresh", ANY, version)
    assert locked(tmp_path, "stays==1.0\nmoves==1.0\ngone==1.0\n", "stays\nmoves\n") == {
        "stays": "1.0",
        "moves": "1.2",
        "fresh": "3.0",
    }


def test_what_the_program_forbids_is_not_taken(index: Path, tmp_path: Path) -> None:
    """Where it wants less than the next that has a wheel there is no such lock, uv says why, and the file is not written."""
    offer(index, "moves", OLD, "1.0")
    offer(index, "moves", ANY, "2.0")
    with pytest.raises(UsageError, match=r"there is no lock for Python 3\.12") as caught:
        locked(tmp_path, "moves==1.0\n", "moves<2\n")
    assert caught.value.cause is not None
    assert "moves" in caught.value.cause
    assert not (tmp_path / "after.txt").exists()


def test_a_lock_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    """Nothing is asked of any index then."""
    with pytest.raises(UsageError, match="cannot be read as a lock"):
        locked(tmp_path, "stays>=1.0\n", "stays\n")
