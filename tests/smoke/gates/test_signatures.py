"""Errors that are new: told by their signature, without what is another each time."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.foreign import LONGEST
from smoke.gates import Answer, gate
from smoke.gates.signatures import signature, signatures

ALIKE = [
    ("2026-01-02T10:00:00.123Z ERROR order 17 lost", "2026-03-04 11:12:13,999 ERROR order 18 lost"),
    ("ERROR peer 10.0.0.1:443 gone", "ERROR peer 10.2.3.4:8443 gone"),
    ("ERROR at 0x7f12ab", "ERROR at 0x7f99cd"),
    ("ERROR job 3f2504e0-4f89-11d3-9a0c-0305e82c3301", "ERROR job 9b2504e0-4f89-11d3-9a0c-0305e82c3302"),
    ('at=3 level=error msg="lost 3"', 'at=4 level=error msg="lost 4"'),
    ("KeyError: 'BTC'", "KeyError: 'ETH'"),
    ('{"level": "error", "at": 17, "msg": "lost 3"}', '{"level": "error", "at": 99, "msg": "lost 4"}'),
]
NO_ERRORS = ["INFO all well", "no error here", "warning: slow", "  File 'a.py', line 3", '{"level": "info", "msg": "fine"}', ""]


def looked(folder: Path, before: str, after: str) -> Answer:
    """What the gate says of two logs."""
    for name, text in (("old.log", before), ("new.log", after)):
        (folder / name).write_text(text, encoding="utf-8")
    return gate("signatures")([str(folder / "old.log"), str(folder / "new.log")])


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_what_is_another_each_time_is_left_out(one: str, other: str) -> None:
    """Times, numbers, addresses, names of jobs and texts in quotes make no new kind."""
    assert [*signatures([one])] == [*signatures([other])] != []


@pytest.mark.parametrize("line", NO_ERRORS)
def test_what_says_no_error_is_none(line: str) -> None:
    """A word in a sentence, a warning and a line of a traceback are no error of their own."""
    assert [*signatures([line])] == []


def test_a_new_kind_fails(tmp_path: Path) -> None:
    """It is named with how often it is there; a known one may come as often as it likes."""
    found = looked(tmp_path, "ERROR lost 1\nINFO a\n", "ERROR lost 2\nERROR lost 3\nTypeError: no len() of it\n")
    assert (found.outcome, found.value, found.n) == (Outcome.FAIL, 1, 3)
    assert found.detail == "1 kinds of errors are new: 1 times: TypeError: no len() of it"
    known = looked(tmp_path, "ERROR lost 1\n", "ERROR lost 2\nERROR lost 3\n")
    assert (known.outcome, known.detail) == (Outcome.PASS, "no new kind of error in 2 lines; 1 known ones, 2 times")


def test_an_empty_log_has_measured_nothing(tmp_path: Path) -> None:
    """Without a line of the new one nothing is said; errors without an old log to compare with are undecided."""
    assert looked(tmp_path, "INFO a\n", "\n").outcome is Outcome.UNMEASURED
    assert looked(tmp_path, "", "ERROR a\n").outcome is Outcome.UNDECIDED


@given(st.text(max_size=300))
def test_any_line_has_a_signature(text: str) -> None:
    """Whatever a program wrote, it has one: on one line, and short enough to be told."""
    assert len(signature(text).splitlines()) <= 1
    assert len(signature(text)) <= LONGEST + len(" ...")


@pytest.mark.parametrize("words", ["", "a", "/nowhere/one /nowhere/two"])
def test_what_makes_no_sense_is_refused(words: str) -> None:
    """Each has a hint with what to write."""
    with pytest.raises(UsageError) as caught:
        gate("signatures")(words.split())
    assert caught.value.hint
