"""How much of a program its tests run: more than what is wanted passes; a report that makes no sense is refused."""

import json
from pathlib import Path

import pytest

from smoke.errors import UsageError
from smoke.evidence import Outcome
from smoke.gates import Answer, gate


def reported(folder: Path, run: object, count: object, form: str = "xml", limit: str = "80") -> Answer:
    """What the gate says of a report with so many statements."""
    file = folder / f"coverage.{form}"
    if form == "xml":
        head = '<?xml version="1.0" ?>\n<!DOCTYPE coverage SYSTEM "coverage-04.dtd">\n'
        file.write_text(f'{head}<coverage lines-valid="{count}" lines-covered="{run}"/>', encoding="utf-8")
    else:
        file.write_text(json.dumps({"totals": {"covered_lines": run, "num_statements": count}}), encoding="utf-8")
    return gate("coverage")([limit, str(file)])


@pytest.mark.parametrize("form", ["xml", "json"])
@pytest.mark.parametrize(("run", "outcome"), [(81, Outcome.PASS), (80, Outcome.FAIL), (0, Outcome.FAIL), (100, Outcome.PASS)])
def test_more_than_is_wanted_passes(tmp_path: Path, form: str, run: int, outcome: Outcome) -> None:
    """In both forms; exactly what is wanted is not more."""
    found = reported(tmp_path, run, 100, form)
    assert (found.outcome, found.value, found.n) == (outcome, run, 100)


def test_a_program_without_statements_has_measured_nothing(tmp_path: Path) -> None:
    """Nothing of nothing is no hundred per cent."""
    assert reported(tmp_path, 0, 0).outcome is Outcome.UNMEASURED


@pytest.mark.parametrize(("run", "count"), [(9, 8), (-1, 8), ("x", 8), (1.5, 8), (True, True)])
@pytest.mark.parametrize("form", ["xml", "json"])
def test_what_makes_no_sense_is_refused(tmp_path: Path, run: object, count: object, form: str) -> None:
    """More than there is, less than nothing, and what is no number."""
    with pytest.raises(UsageError) as caught:
        reported(tmp_path, run, count, form)
    assert caught.value.hint


@pytest.mark.parametrize("words", ["", "80", "100 a.xml", "x a.xml", "80 /nowhere/at/all.xml", "80 /nowhere/at/all.json"])
def test_words_that_make_no_sense_are_refused(words: str) -> None:
    """A limit that nothing is above, and a report that is not there, say what to write."""
    with pytest.raises(UsageError) as caught:
        gate("coverage")(words.split())
    assert caught.value.hint
