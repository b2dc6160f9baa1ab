"""Types as each runtime has them: errors that the new one alone has fail, and a checker that did not end has measured nothing."""

import sys
from pathlib import Path

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import gate
from smoke.gates.answer import Place
from smoke.gates.types import Unread, compared, troubles
from smoke.process import beside

GONE = Place("api.py", 3, "missing-attribute", "Module `inspect` has no member `getargspec`")
WORN = Place("api.py", 9, "deprecated", "The method `utcnow` is deprecated", "warning")


def test_what_the_new_one_alone_has_fails() -> None:
    """It is named with its place; an error that both have is not this gate's."""
    old = Place("api.py", 1, "invalid-argument-type", "Expected `int`")
    found = compared([old], [old, WORN, GONE], 4)
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 1, 4)
    assert found.lines == (GONE.text(), WORN.text()), "what fails comes first"


def test_a_second_one_of_a_kind_is_new() -> None:
    """The same error twice, where it was there once, is one more."""
    assert compared([GONE], [GONE, GONE], 1).value == 1


def test_what_is_deprecated_is_told() -> None:
    """A new warning holds nothing up; without a file there is nothing to say."""
    found = compared([], [WORN], 4)
    assert (found.outcome, found.lines) == (Outcome.PASS, (WORN.text(),))
    assert compared([], [], 0).outcome is Outcome.UNMEASURED


@pytest.mark.processes
def test_a_real_checker_tells_what_is_gone(tmp_path: Path) -> None:
    """A member that 3.12 has not any more fails, with its line; what is wrong on both does not."""
    before, after = interpreter("py39"), interpreter("py312")
    if before is None or after is None or beside("ty") is None:
        pytest.skip("wants Python 3.9 and 3.12, and ty on PATH")
    (tmp_path / "api.py").write_text(
        "import inspect\n\nbroken: int = 'both'\nwords = inspect.getargspec(len)\n", encoding="utf-8"
    )
    found = gate("types")([str(before), str(after), str(tmp_path)])
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 1, 1), found.text()
    assert [(each.line, each.rule) for each in found.places] == [(4, "missing-attribute")] * 1
    assert "getargspec" in found.detail


@pytest.mark.processes
@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo '[{]'", "says what it was not asked"),
        ("echo '{\"a\": 1}'", "says what it was not asked"),
        ("echo 'ty failed' >&2; exit 2", "did not come to an end: ty failed"),
        ("kill -9 $$", "did not come to an end"),
    ],
)
def test_a_checker_that_does_not_end_has_measured_nothing(tmp_path: Path, script: str, why: str) -> None:
    """A crash, a refusal and a document that is none are told, and never are a pass."""
    checker, program = tmp_path / "ty", tmp_path / "api.py"
    checker.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    checker.chmod(0o755)
    program.touch()
    with pytest.raises(Unread, match=why):
        troubles(str(checker), sys.executable, [str(program)])
    with pytest.raises(Unread, match="cannot be started"):
        troubles(str(checker), "/nowhere/python", [str(program)])


@pytest.mark.parametrize("words", ["", "a b", "a b /nowhere/at/all"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("types")(words.split())
    assert caught.value.hint
