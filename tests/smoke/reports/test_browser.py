"""The pages in a real browser: readable on a phone and by night, and they ask nothing of anybody."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from recorded import failed, promoted

from smoke.checklist import facts_of, told
from smoke.evidence import Evidence, File, Gate, Outcome, stand
from smoke.reports.html import incident_page, report
from smoke.reports.incident import incident
from smoke.reports.ticked import checklist_page
from tests.smoke.reports.browser import Tab, browser, chromium

pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium here: apt-get install chromium fonts-dejavu-core"),
]
NOW = 1_796_000_000.0
LONG = "https://example.test/" + "a" * 300
READABLE = """
[...document.querySelectorAll("body *")]
    .filter(each => [...each.childNodes].some(child => child.nodeType == 3 && child.data.trim()))
    .filter(each => !each.closest("svg") && parseFloat(getComputedStyle(each).fontSize) < 12)
    .map(each => each.outerHTML.slice(0, 100))
"""
"""Elements with text of their own that is too small to read."""
HIDDEN = """
[...document.querySelectorAll("body *")].filter(each => {
    const box = each.getBoundingClientRect();
    for (let up = each; up; up = up.parentElement) if (getComputedStyle(up).overflowX != "visible") return false;
    return box.width && (box.right > innerWidth + 1 || box.left < -1);
}).map(each => each.outerHTML.slice(0, 100))
"""
"""Elements beyond the edge of the screen that nothing rolls into view."""


def _incident() -> str:
    events = failed()
    found = incident(events)
    assert found is not None
    return incident_page(events, found)


def _checklist() -> str:
    gate = Gate("unit-tests", "test", "they pass", None, 3600.0)
    evidence = Evidence("unit-tests", Outcome.FAIL, f"see {LONG}", NOW, "ann@desk", "r1", files=(File(f"{LONG}.txt", "ab" * 32),))
    rows = told({28: [stand(gate, [evidence], "r1", NOW)]}, facts_of({}, "r1", None), {45: f"see {LONG}"})
    return checklist_page("staging", "r1", rows, [evidence], "cd" * 32, NOW)


PAGES: Mapping[str, Callable[[], str]] = {
    "promotion": lambda: report(promoted()),
    "rollback": lambda: report(failed()),
    "incident": _incident,
    "checklist": _checklist,
}


@pytest.fixture(scope="module")
def tab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tab]:
    """One page of a browser."""
    with browser(str(chromium()), tmp_path_factory.mktemp("browser")) as made:
        yield made


@pytest.mark.parametrize("name", PAGES)
def test_a_page_asks_nothing_and_fits_every_screen(tab: Tab, tmp_path: Path, name: str) -> None:
    """From a small phone to a desk, by day and by night: nothing is out of sight or too small, and no other address is asked."""
    file = tmp_path / "page.html"
    file.write_text(PAGES[name](), encoding="utf-8")
    tab.open(file)
    assert (tab.requests, tab.complaints) == ([file.as_uri()], [])
    for width in (360, 500, 1000, 1600):
        for dark in (False, True):
            tab.wide(width, dark=dark)
            assert tab.says("document.documentElement.scrollWidth") <= width, width
            assert (tab.says(HIDDEN), tab.says(READABLE)) == ([], []), width
            assert len(tab.picture()) > 10_000, "something is drawn"
    assert tab.says("document.querySelectorAll('h1').length") == 1
    assert tab.requests == [file.as_uri()]


def test_night_is_dark(tab: Tab, tmp_path: Path) -> None:
    """Who asks for dark colours gets light text on a dark ground, and the other way round by day."""
    file = tmp_path / "page.html"
    file.write_text(PAGES["incident"](), encoding="utf-8")
    seen = {}
    for dark in (False, True):
        tab.open(file).wide(500, dark=dark)
        colours = (tab.says(f"getComputedStyle(document.body).{which}") for which in ("backgroundColor", "color"))
        seen[dark] = tuple(sum(map(int, each.removeprefix("rgb(").removesuffix(")").split(","))) for each in colours)
    assert seen[False][0] > 600 > seen[False][1]
    assert seen[True][0] < 200 < seen[True][1]
