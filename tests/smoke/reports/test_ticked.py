"""The checklist as a page: every row with its state, all evidence with its hashes, and nothing of a stranger's as markup."""

from recorded import Page

from smoke.checklist import facts_of, told
from smoke.evidence import Evidence, File, Gate, Outcome, stand
from smoke.reports.ticked import checklist_page

NOW = 1_796_000_000.0
HOSTILE = '<script src="https://x.test/a.js">alert(1)</script>'


def shown(detail: str, outcome: Outcome = Outcome.PASS) -> Page:
    """The page of a stack with one gate, which said that."""
    gate = Gate("unit-tests", "test", "they pass", None, 3600.0)
    evidence = Evidence("unit-tests", outcome, detail, NOW, "ann@desk", "r1", files=(File("a.txt", "ab" * 32),))
    rows = told({28: [stand(gate, [evidence], "r1", NOW)]}, facts_of({}, "r1", None), {45: f"no {detail}"})
    return Page.of(checklist_page("staging", "r1", rows, [evidence], "cd" * 32, NOW))


def test_every_row_is_there_with_its_state() -> None:
    """All 120, by their phases, with how many are done; and the evidence, with the last link of its chain."""
    page = shown("412 passed")
    words = "".join(page.said)
    assert page.elements.count("li") == 120
    assert "5 of 120 rows are done" in words, "the gate's, what is skipped, and what is computed"
    assert "unit-tests: 412 passed" in words
    assert "abababababababab" in words
    assert "cd" * 32 in words


def test_nothing_in_it_is_run_or_loaded() -> None:
    """What a command, or a person, wrote is a text here."""
    page = shown(HOSTILE, Outcome.FAIL)
    assert (page.wrong, "script" in page.elements) == ([], False)
    assert "".join(page.said).count(HOSTILE) == 2
