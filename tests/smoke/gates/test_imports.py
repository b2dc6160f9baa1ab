"""Every import by both runtimes: what the new one alone cannot import fails; what neither can, or can do without, does not."""

import sys
from pathlib import Path

import pytest

from infra.targets.local.machine import interpreter
from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate
from smoke.gates.imports import compared
from smoke.imagecheck import Insight, Module


def said(*modules: Module, python: str = "3.12.1") -> Insight:
    """What an interpreter says of modules."""
    return Insight(python, 0, modules, None, None)


def fine(name: str, of: str | None = None) -> Module:
    """A module that was imported."""
    return Module(name, of, None)


def test_what_the_new_one_alone_cannot_import_fails() -> None:
    """It is named with its error and with the distribution that brought it."""
    new = said(Module("feed", None, "ModuleNotFoundError: No module named 'imp'", "imp"), fine("api"))
    found = compared(said(fine("feed"), fine("api"), python="3.9.18"), new)
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 1, 2)
    assert found.detail.endswith("from 3.9.18 to 3.12.1: feed: ModuleNotFoundError: No module named 'imp'")
    assert found.lines == ("feed (the program itself) fails: ModuleNotFoundError: No module named 'imp'",)


def test_what_neither_can_import_is_no_finding() -> None:
    """A module that fails with the old one too is told, and does not count; nor does what a package can do without."""
    broken = Module("feed", None, "ValueError: no key")
    optional = Module("extras", "http", "ModuleNotFoundError: No module named 'h2'", "h2")
    found = compared(said(broken, fine("extras", "http")), said(broken, optional))
    assert (found.outcome, found.value) == (Outcome.PASS, 0)
    assert "2 that may fail" in found.detail


def test_what_is_not_installed_any_more_is_told() -> None:
    """A distribution that the new one lacks is another question, and named; with nothing looked at nothing is said."""
    found = compared(said(fine("api"), fine("pkg_resources", "setuptools")), said(fine("api")))
    assert found.outcome is Outcome.PASS
    assert found.lines == ("pkg_resources (setuptools): not installed",)
    assert compared(said(), said()).outcome is Outcome.UNMEASURED


def asked(before: str, after: str, folder: Path) -> Answer:
    """What the gate says of a folder."""
    return gate("imports")([before, after, str(folder)])


@pytest.mark.processes
def test_a_program_is_imported_by_both(tmp_path: Path) -> None:
    """A module deep in a package that imports what is gone from 3.12 is found by importing it; what 3.12 has is not."""
    before, after = interpreter("py39"), interpreter("py312")
    if before is None or after is None:
        pytest.skip("wants Python 3.9 and 3.12")
    deep = tmp_path / "agent" / "feeds"
    deep.mkdir(parents=True)
    for folder in (tmp_path / "agent", deep):
        (folder / "__init__.py").touch()
    (deep / "tape.py").write_text("import json\n", encoding="utf-8")
    (deep / "__main__.py").write_text("raise SystemExit('nobody imports it')\n", encoding="utf-8")
    well = asked(str(before), str(after), tmp_path)
    assert well.outcome is Outcome.PASS, well.text()

    (deep / "old.py").write_text("NAMES = {'a': 'asyn' + 'core'}\n__import__(NAMES['a'])\n", encoding="utf-8")
    found = asked(str(before), str(after), tmp_path)
    assert (found.outcome, found.value) == (Outcome.FAIL, 1), found.text()
    assert "agent.feeds.old: ModuleNotFoundError: No module named 'asyncore'" in found.detail


@pytest.mark.processes
@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false", "/bin/cat"])
def test_who_does_not_answer_has_measured_nothing(tmp_path: Path, program: str) -> None:
    """An interpreter that is none, or says what it was not asked, is named."""
    found = asked(sys.executable, program, tmp_path)
    assert found.outcome is Outcome.UNMEASURED
    assert found.detail.startswith(f"{program} cannot be asked: ")


@pytest.mark.parametrize("words", ["", "a", "a b c d", "a b /nowhere/at/all"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Too few words, too many, and a folder that is not there are usage errors with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("imports")(words.split())
    assert caught.value.hint
