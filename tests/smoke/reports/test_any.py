"""Any rollout that the table of transitions allows has its reports, and is an incident where it went back with traffic."""

from hypothesis import given, settings
from hypothesis import strategies as some
from recorded import Page
from simulation import OPENED

from smoke.reports.html import incident_page, report
from smoke.reports.incident import incident
from smoke.reports.incident_told import document, markdown
from smoke.reports.markdown import markdown as plain
from smoke.rollout import (
    TABLE,
    Aborted,
    Cleared,
    Drifted,
    Event,
    Failed,
    Finished,
    Held,
    Looked,
    Passed,
    Proved,
    Resumed,
    Retried,
    Reverted,
    Rollout,
    Stuck,
    apply,
)

TEXT = some.text(some.characters(codec="utf-8"), max_size=12)
COUNT = some.integers(0, 10**9)


def _event(draw: some.DrawFn, kind: type[Event], at: float) -> Event:
    if kind in {Failed, Held, Stuck, Passed, Finished}:
        return kind(at, draw(some.tuples(TEXT)))  # type: ignore[call-arg] - they have reasons
    if kind in {Aborted, Resumed, Retried, Reverted}:
        return kind(at, draw(TEXT))  # type: ignore[call-arg] - they have a word
    return kind(at)


def _remark(draw: some.DrawFn, at: float) -> Event:
    if draw(some.integers(0, 4)) == 0:
        return Drifted(at, draw(TEXT), {"blue": 100}, {"blue": 95, "green": 5})
    requests = draw(COUNT)
    seen = {"requests": requests, "errors": draw(some.integers(0, requests)), "p95_ms": draw(some.floats(-1.0, 1e6))}
    gate = {"service": draw(TEXT), "gate": draw(TEXT), "verdict": "fail", "limit": 1.0, "low": draw(some.floats(0.0, 9.0))}
    verdict = draw(some.sampled_from(["pass", "fail", "undecided", "blind"]))
    return Looked(at, 1.0, verdict, (), {draw(TEXT): {"green": seen}}, (gate,))


@some.composite
def _events(draw: some.DrawFn) -> list[Event]:
    """A walk through the table, with looks in between."""
    events: list[Event] = [OPENED]
    rollout, at = apply(None, OPENED), OPENED.at
    for _ in range(draw(some.integers(0, 14))):
        at += draw(some.floats(0.0, 1e5))
        allowed = [kind for kind in TABLE[rollout.phase] if not (kind is Passed and _last(rollout))]
        remarks = draw(some.booleans()) or not allowed
        event = _remark(draw, at) if remarks else _event(draw, draw(some.sampled_from(allowed)), at)
        rollout = apply(rollout, event)
        events.append(event)
    return events


def _last(rollout: Rollout) -> bool:
    return rollout.step + 1 == len(rollout.plan.steps)


def _moved(events: list[Event]) -> bool:
    """Whether it went back after weights may have been written."""
    kinds = [type(event) for event in events]
    back = [place for place, kind in enumerate(kinds) if kind in {Failed, Aborted}]
    return bool(back) and Proved in kinds[: back[0]]


@settings(deadline=None, max_examples=150)
@given(events=_events())
def test_any_rollout(events: list[Event]) -> None:
    """Every form can be made, every page is right, and no time runs backwards."""
    found = incident(events)

    assert (found is not None) == _moved(events)
    assert Page.of(report(events)).faults == []
    assert plain(events).startswith("# Rollout 0001-abc: ")
    if found is not None:
        times = (found.detection, found.hesitation, found.recovery)
        assert all(each is None or each >= 0.0 for each in times)
        assert Page.of(incident_page(events, found)).faults == []
        assert markdown(events, found).startswith("# Incident 0001-abc: ")
        assert document(events, found)["phase"] == found.rollout.phase.value
        assert (found.home is None) == (not any(isinstance(event, Cleared) for event in events))
