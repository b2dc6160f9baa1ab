"""What is installed, and what the lock says: a bill of materials for each environment, by the real program."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.inventory import compared
from smoke.gates.pinned import Pin
from smoke.process import beside

PINS = (Pin("a", "1.0"), Pin("b", "2.0"), Pin("only-there", "1.0", "sys_platform == 'win32'"))


@pytest.mark.parametrize(
    ("installed", "faults"),
    [
        ({"a": "1.0", "b": "2.0"}, []),
        ({"a": "1.0", "b": "2.0", "only-there": "1.0"}, []),
        ({"a": "1.1", "b": "2.0"}, ["a 1.1 is installed, and 1.0 is pinned"]),
        ({"a": "1.0"}, ["b 2.0 is pinned, and not installed"]),
        ({"a": "1.0", "b": "2.0", "pip": "26.0"}, ["pip 26.0 is installed, and in no lock"]),
    ],
)
def test_every_difference_is_named(installed: Mapping[str, str], faults: Sequence[str]) -> None:
    """Another version, one that is missing, one too many; what a marker leaves out may be missing."""
    assert list(compared(installed, PINS)) == faults


@pytest.fixture(name="python")
def _python(tmp_path: Path) -> str:
    """The interpreter of an environment with one package."""
    subprocess.run([beside("uv") or "uv", "venv", "--quiet", str(tmp_path / "used")], check=True, timeout=60)
    [packages] = (tmp_path / "used" / "lib").glob("python3.*/site-packages")
    (packages / "By_Hand-1.0.dist-info").mkdir()
    metadata = "Metadata-Version: 2.1\nName: By_Hand\nVersion: 1.0\n"
    (packages / "By_Hand-1.0.dist-info" / "METADATA").write_text(metadata, encoding="utf-8")
    return str(tmp_path / "used" / "bin" / "python")


@pytest.mark.processes
@pytest.mark.parametrize(
    ("lock", "outcome"), [("by-hand==1.0\n", Outcome.PASS), ("by-hand==1.1\n", Outcome.FAIL), ("", Outcome.FAIL)]
)
def test_an_environment_has_a_bill(tmp_path: Path, python: str, lock: str, outcome: Outcome) -> None:
    """It is written, whatever the verdict, and has each package by its own name."""
    (tmp_path / "app.txt").write_text(lock, encoding="utf-8")
    answer = gate("inventory")([str(tmp_path / "bills"), python, str(tmp_path / "app.txt")])
    assert (answer.outcome, answer.n) == (outcome, 1)
    [file] = answer.files
    bill = json.loads(Path(file).read_text(encoding="utf-8"))
    assert (bill["bomFormat"], [each["name"] for each in bill["components"]]) == ("CycloneDX", ["By_Hand"])


@pytest.mark.processes
def test_what_cannot_be_asked_is_not_measured(tmp_path: Path) -> None:
    """An interpreter that is not there has nothing installed, and that is no pass."""
    (tmp_path / "app.txt").write_text("a==1.0\n", encoding="utf-8")
    answer = gate("inventory")([str(tmp_path), str(tmp_path / "gone"), str(tmp_path / "app.txt")])
    assert (answer.outcome, answer.n) == (Outcome.UNMEASURED, 0)


def test_words_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    """A folder, and two words for each environment, whose locks have names of their own."""
    (tmp_path / "app.txt").write_text("a==1.0\n", encoding="utf-8")
    lock = str(tmp_path / "app.txt")
    for words in ([], [str(tmp_path), "python"], [str(tmp_path), "p", lock, "q", lock], [lock, "python", lock]):
        with pytest.raises(UsageError):
            gate("inventory")(words)
