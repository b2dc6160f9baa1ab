"""What holds for environments that are made again from a backup: what they hold is what those in use hold, or it is said."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from smoke.backup import made_again, read_back, write
from smoke.process import beside

pytestmark = pytest.mark.processes
LOCK = "locks/a.txt"


@pytest.fixture(name="python")
def _python(tmp_path: Path) -> str:
    """The interpreter of an environment that was made from an empty lock."""
    subprocess.run([beside("uv") or "uv", "venv", "--quiet", str(tmp_path / "used")], check=True, timeout=60)
    return str(tmp_path / "used" / "bin" / "python")


def again(folder: Path, about: Mapping[str, Any], parts: Mapping[str, bytes]) -> Sequence[tuple[str, str | None]]:
    """What comes of a backup with that in it."""
    file = folder / "one.tar.gz"
    write(file, {"stack": "staging", "images": [], "environments": [], **about}, parts)
    return list(made_again(file, read_back(file)))


def used(python: str) -> Mapping[str, Any]:
    """A stack with one service that runs there."""
    return {"environments": [{"slot": "blue", "service": "api", "python": python, "lock": LOCK}]}


def test_one_that_holds_the_same_is_well(tmp_path: Path, python: str) -> None:
    """An environment that is what its lock says can be had again."""
    assert again(tmp_path, used(python), {LOCK: b""}) == [("environment of api on blue", None)]


def test_what_was_installed_beside_the_lock_is_named(tmp_path: Path, python: str) -> None:
    """A package that somebody put there by hand is in no lock, so the backup does not have it."""
    said = subprocess.run(
        [python, "-c", "import site, json; print(json.dumps(site.getsitepackages()))"], capture_output=True, check=True
    )
    metadata = Path(json.loads(said.stdout)[0]) / "byhand-1.0.dist-info" / "METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: byhand\nVersion: 1.0\n", encoding="utf-8")
    assert again(tmp_path, used(python), {LOCK: b""}) == [("environment of api on blue", "what is installed differs: byhand")]


@pytest.mark.parametrize(
    ("parts", "says"),
    [({LOCK: b"nothing==1.0\n"}, "hash"), ({LOCK: b"\xff"}, ""), ({"other": b""}, "its lock is not in the backup")],
)
def test_a_lock_that_cannot_be_installed_is_told(tmp_path: Path, python: str, parts: Mapping[str, bytes], says: str) -> None:
    """Without hashes, no text at all, or not there: it could not be had again, and it is said why."""
    [(_, why)] = again(tmp_path, used(python), parts)
    assert why is not None
    assert says in why.lower()


def test_an_interpreter_that_is_gone_is_told(tmp_path: Path) -> None:
    """Nothing can be compared with what is not there."""
    [(_, why)] = again(tmp_path, used(str(tmp_path / "gone")), {LOCK: b""})
    assert why is not None


def test_an_image_that_nobody_here_can_ask_for_is_told(tmp_path: Path) -> None:
    """Images of a cluster are in no backup, and their registry is not asked."""
    about = {"images": [{"slot": "blue", "service": "api"}]}
    assert again(tmp_path, about, {"a": b""}) == [("image of api on blue", "nobody here can ask its registry")]
