"""A comparison of one thing with itself has measured nothing: it would pass whatever it is."""

import sys
from pathlib import Path

import pytest

from smoke.errors import Exit
from smoke.evidence import Outcome
from smoke.gates import gate

COMPARING = {
    "ab": "1.05 6 {one} {two} -c 1",
    "memory": "1.1 6 {one} {two} -c 1",
    "replay": "0 {one} {two} - -c 1",
    "imports": "{one} {two} .",
    "stop": "10 ready {one} {two} c",
    "peer": "all 127.0.0.1:9 {one} {two} c",
    "types": "{one} {two} .",
    "junit": "{one} {two}",
    "delta": "{one} {two}",
    "runtimes": "{one} {two}",
    "signatures": "{one} {two}",
}


@pytest.mark.parametrize(("name", "words"), COMPARING.items(), ids=COMPARING)
def test_one_that_is_before_and_after_is_not_measured(tmp_path: Path, name: str, words: str) -> None:
    """Whatever way it is named: by another folder that leads to it, too."""
    link = tmp_path / "link"
    link.symlink_to(Path(sys.executable).parent)
    one, other = sys.executable, f"{link}/{Path(sys.executable).name}"
    for two in (one, other):
        answer = gate(name)(words.format(one=one, two=two).split())
        assert (answer.outcome, answer.n, answer.code) == (Outcome.UNMEASURED, 0, Exit.UNDECIDED)
        assert answer.detail.startswith("nothing would be compared: ")


@pytest.mark.processes
def test_two_environments_of_one_interpreter_are_two(tmp_path: Path) -> None:
    """What is installed differs there, and is what is compared: a link to one interpreter is not that interpreter."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "python").symlink_to(sys.executable)
    words = ["0", str(tmp_path / "old" / "python"), str(tmp_path / "new" / "python"), "-", "-c", "print(7)"]
    assert gate("replay")(words).detail.startswith("1 inputs come out alike")
