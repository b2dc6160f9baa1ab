"""A report as one page: it needs nothing else, runs nothing, and says what the journal says."""

from dataclasses import replace
from typing import Any

import pytest
from recorded import Page, aborted, events_of, failed, promoted
from simulation import OPENED, Simulation

from smoke.reports.html import incident_page, report
from smoke.reports.incident import incident
from smoke.rollout import Event, Failed, Held, Looked, Opened, Proved, Shifted, Stuck
from smoke.rollout.opening import at_once
from smoke.routers.memory import Fault

HOSTILE = "</td></dd><script>alert(1)</script><img src=\"http://example.com/x\" onerror='x()'>\x1b]0;"
OURS = {
    *("html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "dl", "dt", "dd", "ol", "li", "time", "span", "strong"),
    *("div", "figure", "figcaption", "svg", "line", "text", "polyline", "circle", "code", "footer"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td"),
}


def _pages(events: list[Event]) -> list[Page]:
    found = incident(events)
    return [Page.of(report(events)), *([Page.of(incident_page(events, found))] if found else [])]


def test_a_promotion() -> None:
    """It says what happened, from where to where, by whom and how long; every step with its gates; and how it was counted."""
    [page] = _pages(promoted())

    assert page.faults == []
    assert page.text.startswith("Rollout 0001-abc: promoted")
    assert "Promoted from blue to green in " in page.text
    assert "release abc asked by me@here began 2023-11-1" in page.text
    assert all(f"{share} % api error objective pass" in page.text for share in (5, 50, 100))
    assert "scripted {}" in page.text
    assert page.elements.count("svg") == 3, "weights, errors and latency"


def test_a_rollback() -> None:
    """The verdict is in the headline, among the events, on the charts, and in the table that it was decided on."""
    events = failed()
    page, told = _pages(events)
    [because] = [event.because[0] for event in events if isinstance(event, Failed)]

    assert (page.faults, told.faults) == ([], [])
    assert f"green was rolled back after {events[-1].at - events[0].at:.1f} s: {because}" in page.text
    assert f"FAILED: {because}" in page.text
    assert "50 % api errors fail" in page.text
    assert "F failed" in page.text
    assert ("line", "class", "mark bad") in page.attributes


@pytest.mark.parametrize("events", [promoted(), failed(), aborted("ann@there", "enough")], ids=["promoted", "failed", "aborted"])
def test_at_any_moment(events: list[Event]) -> None:
    """However far a rollout is, from its first event on, it has a page that is right; and the incident's, once it went back."""
    pages = [page for end in range(1, len(events) + 1) for page in _pages(events[:end])]

    assert [fault for page in pages for fault in page.faults] == []
    assert {name for page in pages for name in page.elements} <= OURS


def _hostile(value: Any) -> Any:  # noqa: ANN401 - whatever an event has
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, tuple):
        return tuple(map(_hostile, value))
    if isinstance(value, dict):
        return {_hostile(name) if name == "api" else name: _hostile(each) for name, each in value.items()}
    return value


def _tampered(event: Event) -> Event:
    match event:
        case Opened():
            names = ("rollout", "release", "by", "why", "override", "services", "queries", "born")
            return replace(event, **{name: _hostile(getattr(event, name) or "x") for name in names})
        case Looked():
            counts = {_hostile(name): slots for name, slots in event.counts.items()}
            return replace(event, counts=counts, numbers=tuple(map(_hostile, event.numbers)), verdict=_hostile(event.verdict))
        case Failed():
            return Failed(event.at, _hostile(event.because))
        case _:
            return event


def test_what_is_hostile_is_text() -> None:
    """Whatever a service, a person or a query has in it, nothing of it becomes an element, and all of it can be read."""
    pages = _pages([_tampered(event) for event in failed()])

    for page in pages:
        assert page.faults == []
        assert set(page.elements) <= OURS
        assert "<script>alert(1)</script>" in page.text
        assert not [value for _, name, value in page.attributes if name not in {"aria-label", "title"} and "script" in value]
    assert len(pages) == 2


def test_a_page_forbids_itself_everything() -> None:
    """Should an escape ever fail: the page loads nothing and runs nothing, and says so before anything of a journal."""
    text = report(promoted())
    policy = "default-src &#x27;none&#x27;; style-src &#x27;unsafe-inline&#x27;"

    assert text.index(policy) < text.index("<title>")


def test_a_phone_paper_and_the_night() -> None:
    """The page has the width of what shows it, tables scroll by themselves, and it has colours for the night and for paper."""
    text = report(promoted())

    assert 'content="width=device-width, initial-scale=1"' in text
    assert text.count('class="wide"') == text.count("<table>") == 2
    assert all(word in text for word in ("prefers-color-scheme:dark", "@media print", 'viewBox="0 0 360 190"'))


def test_nothing_was_counted() -> None:
    """A rollout that nobody counted says so, and has no chart that would be at zero."""
    [page] = _pages([OPENED, Proved(OPENED.at + 1.0), Shifted(OPENED.at + 2.0)])

    assert "Nothing was counted." in page.text
    assert page.elements.count("svg") == 1


def test_slower_than_can_be_measured() -> None:
    """A percentile beyond the last bucket is no number: it is on no line, and said."""
    events = [
        replace(event, counts={"api": {slot: {**seen, "p95_ms": -1} for slot, seen in event.counts["api"].items()}})
        if isinstance(event, Looked)
        else event
        for event in promoted()
    ]
    [page] = _pages(events)

    assert "beyond the last bucket" in page.text
    assert page.elements.count("svg") == 2, "weights and errors"


def test_held_and_stuck() -> None:
    """One that waits says for what, and one that could not go back says that a person is needed."""
    held = [OPENED, Proved(OPENED.at), Shifted(OPENED.at + 1.0), Held(OPENED.at + 2.0, ("approvals are missing",), permit=True)]
    stuck = [*held[:3], Failed(OPENED.at + 2.0, ("worse",)), Stuck(OPENED.at + 40.0, ("weights cannot be set",))]

    assert "It is held, with 5 % on green: approvals are missing" in _pages(held)[0].text
    assert [("not all traffic is known to be back" in page.text) for page in _pages(stuck)] == [False, True]
    assert all("STUCK, a person is needed: weights cannot be set" in page.text for page in _pages(stuck))


def test_a_way_back() -> None:
    """The page of a revert says that it went back, and has no table of gates."""
    simulation = Simulation()
    simulation.opened = replace(OPENED, plan=at_once(OPENED.plan))
    simulation.router.faults.append(Fault.DELAY)
    simulation.run()
    page, _ = _pages(events_of(simulation))

    assert "Went back from blue to green in " in page.text
