"""Linters that somebody has: what they find is told, and none of them is no pass."""

from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.linters import Linter, judged

pytestmark = pytest.mark.processes


def test_what_is_wrong_fails_and_style_is_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that nothing has is an error; old formatting is a number beside it, and holds nothing up."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.py").write_text('print("%s" % 3)\n', encoding="utf-8")
    well = gate("linters")(["3.9", "."])
    (tmp_path / "b.py").write_text("print(undefined)\n", encoding="utf-8")
    ill = gate("linters")(["3.9", "."])
    assert (well.outcome, well.value, well.n) == (Outcome.PASS, 0, 1)
    assert "; 1 old ways of putting texts together" in well.detail
    assert (ill.outcome, ill.value, ill.n) == (Outcome.FAIL, 1, 2)
    assert "undefined" in ill.detail


def test_what_the_old_runtime_does_not_have_fails(tmp_path: Path) -> None:
    """Syntax of a later one is no way back."""
    (tmp_path / "a.py").write_text("match 3:\n    case 3:\n        pass\n", encoding="utf-8")
    assert gate("linters")(["3.9", str(tmp_path)]).outcome is Outcome.FAIL
    assert gate("linters")(["3.10", str(tmp_path)]).outcome is Outcome.PASS


def test_no_source_is_not_measured(tmp_path: Path) -> None:
    """An empty folder has nothing wrong, and that says nothing."""
    answer = gate("linters")(["3.9", str(tmp_path)])
    assert (answer.outcome, answer.n) == (Outcome.UNMEASURED, 0)


def test_one_that_does_not_come_to_an_end_is_not_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A linter that breaks, or finds fault and says none, has looked at nothing."""
    (tmp_path / "a.py").write_text("", encoding="utf-8")
    vermin = tmp_path / "vermin"
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    for status in (1, 2, 70):
        vermin.write_text(f"#!/bin/sh\necho broken >&2; exit {status}\n", encoding="utf-8")
        vermin.chmod(0o755)
        answer = gate("linters")(["3.9", str(tmp_path)])
        assert (answer.outcome, answer.detail) == (Outcome.UNMEASURED, "vermin did not come to an end: broken")


def test_what_vermin_writes_is_read() -> None:
    """Of its report the indented lines are findings: what needs a later Python, and which."""
    text = "Analyzing..\n!2, 3.11     b.py\n  'tomllib' module requires !2, 3.11\n\nMinimum required versions: 3.11\n"
    found = Linter("vermin", (), "  ").findings(text)
    assert found == ["'tomllib' module requires !2, 3.11"]
    assert judged({"vermin": found}, 3).detail == "in 3 files vermin 1: 'tomllib' module requires !2, 3.11"


def test_words_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    """A folder is wanted, and a version of Python."""
    for words in (["3.9"], ["old", str(tmp_path)], ["3.9", str(tmp_path / "gone")]):
        with pytest.raises(UsageError):
            gate("linters")(words)
