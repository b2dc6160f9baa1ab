"""Tests on two runtimes, compared one by one."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import GATES, gate
from smoke.gates.junit import cases, compared

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
BEFORE: Mapping[str, str] = {"a": PASSED, "b": PASSED, "c": SKIPPED}


def report(file: Path, found: Mapping[str, str]) -> Path:
    """A report as pytest writes it."""
    marks = {PASSED: "", FAILED: "<failure message='x'>why</failure>", SKIPPED: "<skipped/>"}
    lines = [f'<testcase classname="t" name="{name}">{marks[each]}</testcase>' for name, each in found.items()]
    file.write_text(f"<testsuites><testsuite>{''.join(lines)}</testsuite></testsuites>", encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("after", "outcome", "says"),
    [
        (BEFORE, Outcome.PASS, "2 tests pass on both, 1 are skipped on both"),
        ({**BEFORE, "d": PASSED}, Outcome.PASS, "3 tests pass on both, 1 are skipped on both"),
        ({**BEFORE, "c": PASSED}, Outcome.PASS, "3 tests pass on both, 0 are skipped on both"),
        ({**BEFORE, "b": FAILED}, Outcome.FAIL, "1 passed before and fail: b"),
        ({**BEFORE, "d": FAILED}, Outcome.FAIL, "1 fail: d"),
        ({**BEFORE, "c": FAILED}, Outcome.FAIL, "1 fail: c"),
        ({**BEFORE, "b": SKIPPED}, Outcome.FAIL, "1 passed before and are skipped: b"),
        ({"a": PASSED, "c": SKIPPED}, Outcome.FAIL, "1 are gone: b"),
        ({}, Outcome.UNMEASURED, "the report after has no tests"),
    ],
)
def test_each_difference_is_told(after: Mapping[str, str], outcome: Outcome, says: str) -> None:
    """A test that fails, is skipped or is gone since is named; one that is new, or was skipped already, is no difference."""
    found = compared(BEFORE, after)
    assert (found.outcome, found.detail) == (outcome, says)


def test_nothing_before_is_no_comparison() -> None:
    """Without tests before there is nothing to compare with, however well the new ones are."""
    assert compared({}, BEFORE).outcome is Outcome.UNMEASURED


def test_reports_are_read_as_they_are_written(tmp_path: Path) -> None:
    """Each test has its class and name; of one that is there twice the worse counts; an error is a failure."""
    file = report(tmp_path / "a.xml", {"a": PASSED, "b": SKIPPED})
    text = file.read_text(encoding="utf-8")
    more = '<testcase classname="t" name="a"><error/></testcase><testcase name="alone"/></testsuite>'
    file.write_text(text.replace("</testsuite>", more), encoding="utf-8")
    assert cases(file) == {"t::a": FAILED, "t::b": SKIPPED, "alone": PASSED}


@pytest.mark.parametrize("text", ["", "<a>", "<html/>", "\0", '<!DOCTYPE a [<!ENTITY b "c">]><testsuite/>'])
def test_what_is_no_report_is_refused(tmp_path: Path, text: str) -> None:
    """A file that is none is named, and so is one that is not there."""
    file = tmp_path / "a.xml"
    file.write_text(text, encoding="utf-8")
    for each in (file, tmp_path / "gone.xml"):
        with pytest.raises(UsageError, match=each.name):
            cases(each)


def test_the_gate_reads_two_files(tmp_path: Path) -> None:
    """It wants both reports, and names them as its evidence."""
    files = [str(report(tmp_path / name, BEFORE)) for name in ("before.xml", "after.xml")]
    found = gate("junit")(files)
    assert (found.outcome, list(found.files), found.n) == (Outcome.PASS, files, 2)
    with pytest.raises(UsageError, match="wants 2 words, and has 1"):
        gate("junit")(files[:1])


@pytest.mark.parametrize("name", GATES)
def test_every_gate_says_what_it_wants(name: str) -> None:
    """One that is given nothing is a usage error with a command to type."""
    with pytest.raises(UsageError) as caught:
        gate(name)([])
    assert f"crossfade gate {name} " in str(caught.value.hint)
