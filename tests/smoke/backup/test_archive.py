"""What holds for the archive of a backup: it is there once it was read back, and nothing that became of it since goes unseen."""

import stat
import tarfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.backup import Held, read_back, write
from smoke.backup.archive import member
from smoke.errors import GateClosed, UsageError

ABOUT: Mapping[str, Any] = {
    "stack": "staging",
    "environments": [{"slot": "blue", "service": "api", "python": "python", "lock": "locks/a.txt"}],
    "images": [],
}


@pytest.fixture(name="parts")
def _parts(tmp_path: Path) -> Mapping[str, bytes | Path]:
    (tmp_path / "app.py").write_text("print('well')\n" * 100, encoding="utf-8")
    (tmp_path / "latest").symlink_to("app.py")
    return {"state.json": b"{}", "sources/app.py": tmp_path / "app.py", "sources/latest": tmp_path / "latest"}


@pytest.fixture(name="file")
def _file(tmp_path: Path, parts: Mapping[str, bytes | Path]) -> Path:
    write(tmp_path / "kept" / "one.tar.gz", ABOUT, parts)
    return tmp_path / "kept" / "one.tar.gz"


def test_it_holds_all_that_it_was_given(file: Path, parts: Mapping[str, bytes | Path]) -> None:
    """Files, links and texts come back by their names, and nobody but their owner may read any of it."""
    held = read_back(file)
    assert isinstance(held, Held)
    assert (set(held.digests), held.about) == (set(parts), ABOUT)
    assert member(file, "sources/app.py") == b"print('well')\n" * 100
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [each.name for each in file.parent.iterdir()] == ["one.tar.gz"]


def test_other_tools_unpack_it(file: Path, tmp_path: Path) -> None:
    """It is a plain archive: who wants it back needs nothing of ours."""
    with tarfile.open(file) as archive:
        archive.extractall(tmp_path / "there", filter="data")
    assert (tmp_path / "there" / "sources" / "latest").read_text(encoding="utf-8").startswith("print('well')")


@given(place=st.floats(0, 1, exclude_max=True), change=st.integers(1, 255))
def test_one_changed_byte_is_seen(place: float, change: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever byte becomes another: it is refused, or everything in it is as it was, as in the time of the compression."""
    folder = tmp_path_factory.mktemp("bytes")
    file = folder / "one.tar.gz"
    before = write(file, ABOUT, {"a": b"some text " * 50, "b": b"another"})
    content = bytearray(file.read_bytes())
    content[int(place * len(content))] ^= change
    file.write_bytes(content)
    with suppress(GateClosed):
        assert read_back(file) == before


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 0.999])
def test_one_that_ends_too_soon_is_refused(file: Path, share: float) -> None:
    """Half a copy is none, wherever it ends."""
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    with pytest.raises(GateClosed, match="cannot be read back"):
        read_back(file)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"b": None}, "b is missing"),
        ({"b": b"other"}, "b is another than was written"),
        ({"c": b"new"}, "c is not in the manifest"),
    ],
)
def test_what_was_taken_out_changed_or_put_in_is_named(tmp_path: Path, change: Mapping[str, bytes | None], says: str) -> None:
    """An archive that is whole as such, and not what was written, is refused by the name of the file."""
    file, parts = tmp_path / "one.tar.gz", {"a": b"text", "b": b"another"}
    write(file, ABOUT, parts)
    manifest = member(file, "manifest.json")
    changed = {name: each for name, each in {**parts, **change}.items() if each is not None}
    with tarfile.open(file, "w:gz") as archive:
        for name, body in {"manifest.json": manifest, **changed}.items():
            (tmp_path / "body").write_bytes(body)
            archive.add(tmp_path / "body", name)
    with pytest.raises(GateClosed) as caught:
        read_back(file)
    assert caught.value.cause == says


@pytest.mark.parametrize(
    "about", [{}, {**ABOUT, "environments": []}, {**ABOUT, "stack": 7}, {**ABOUT, "images": [{"slot": "blue"}]}, []]
)
def test_one_that_does_not_say_what_it_is_of_is_refused(tmp_path: Path, about: Any) -> None:  # noqa: ANN401 - what may be in a file
    """A manifest without a stack, or of a stack that had nothing, is no backup."""
    with pytest.raises(GateClosed, match="cannot be read back"):
        write(tmp_path / "one.tar.gz", about, {"a": b"text"})
    assert [*tmp_path.iterdir()] == []


def test_the_earlier_one_stays_where_the_new_one_cannot_be_made(file: Path, tmp_path: Path) -> None:
    """A part that is not there any more ends it, and what was written before is as it was."""
    before = file.read_bytes()
    with pytest.raises(UsageError, match="cannot be written"):
        write(file, ABOUT, {"a": tmp_path / "gone"})
    assert (file.read_bytes(), len([*file.parent.iterdir()])) == (before, 1)
