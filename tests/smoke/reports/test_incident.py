"""What is known of a rollout that went back with traffic, and that nothing is made up where it is not."""

import json
from dataclasses import replace

import pytest
from recorded import aborted, events_of, failed, promoted
from simulation import OPENED, Simulation

from smoke.reports.incident import Incident, Seen, Trigger, incident
from smoke.reports.incident_told import UNMEASURED, document, facts, headline, markdown
from smoke.rollout import (
    Aborted,
    Cleared,
    Drifted,
    Event,
    Failed,
    Looked,
    Phase,
    Proved,
    Retried,
    Reverted,
    Settled,
    Shifted,
    Stuck,
    from_record,
    to_record,
)
from smoke.rollout.opening import at_once
from smoke.rollout.request import WATCHDOG
from smoke.routers.memory import Fault

AT = OPENED.at
BEGUN: tuple[Event, ...] = (OPENED, Proved(AT + 1.0), Shifted(AT + 2.0))
BACK: tuple[Event, ...] = (Failed(AT + 9.0, ("worse",)), Cleared(AT + 9.5), Reverted(AT + 20.0, "nothing differs"))


def _incident(*events: Event) -> Incident:
    found = incident(events)
    assert found is not None
    return found


def _look(at: float, requests: int, errors: int, verdict: str = "undecided", **numbers: float) -> Looked:
    counts = {"api": {slot: {"requests": requests, "errors": errors, "p95_ms": 5.0} for slot in ("blue", "green")}}
    counts["api/rejects"] = {"green": {"requests": 1000, "errors": 1000, "p95_ms": 0.0}}
    gate = {"service": "api", "gate": "errors", "verdict": verdict, **numbers}
    return Looked(AT + at, at, verdict, (), counts, (gate,))


def _fact(found: Incident, name: str) -> str:
    return dict(facts(found))[name]


def test_a_verdict() -> None:
    """A candidate that got worse at 50 %: when it was decided and by what, the weights, who, what users saw, what is next."""
    events = failed()
    found = _incident(*events)
    failure = next(event for event in events if isinstance(event, Failed))
    first = next(event for event in events if isinstance(event, Shifted))

    assert (found.trigger, found.decided, found.because) == (Trigger.VERDICT, failure.at, failure.because)
    assert (found.weights, found.setting) == ({"blue": 50, "green": 50}, None)
    assert found.detection == failure.at - first.at
    assert found.recovery == 0.0, "the clock of the simulation stands still within a tick"
    assert found.seen["api"].errors > 0
    assert headline(found) == "green was given up at 50 %; all traffic is on blue."
    assert _fact(found, "next").startswith("change it and run pulumi up, then: crossfade promote")
    assert _fact(found, "who") == "me@here began it"


def test_a_person() -> None:
    """Somebody asked to go back: the name and the reason are there, and no look is called bad that was not."""
    found = _incident(*aborted("ann@there", "orders look odd"))

    assert (found.trigger, found.share, found.bad) == (Trigger.PERSON, 5, None)
    assert found.because == ("aborted by ann@there: orders look odd",)
    assert "no recorded look was bad" in _fact(found, "detection")
    assert _fact(found, "who") == "me@here began it; ann@there took it back"


def test_nobody_drove() -> None:
    """What the watchdog took back is told from what a person did."""
    found = _incident(*aborted(WATCHDOG, "nobody drove it for 61 s"))

    assert found.trigger is Trigger.ABSENCE
    assert _fact(found, "trigger") == "the dead man's rule: nobody drove it"
    assert "nobody drove it for 61 s" in _fact(found, "because")


def test_a_revert() -> None:
    """A way back after a promotion is an incident of the slot that was left; what it did to users is not measured there."""
    simulation = Simulation()
    simulation.opened = replace(OPENED, plan=at_once(OPENED.plan), why="orders are lost", by="ann@there")
    assert simulation.run().phase is Phase.PROMOTED
    found = _incident(*events_of(simulation))

    assert (found.trigger, found.given_up, found.kept) == (Trigger.REVERT, "blue", "green")
    assert found.weights == {"blue": 100, "green": 0}
    assert found.because == ("ann@there went back to what was live before: orders are lost",)
    assert (found.detection, found.hesitation) == (None, None)
    assert found.recovery is not None
    assert _fact(found, "what users saw").startswith(UNMEASURED)
    assert _fact(found, "detection").startswith(UNMEASURED)


def test_a_revert_that_goes_back_itself() -> None:
    """A way back whose slot turns out bad is an incident of that slot."""
    opened = replace(OPENED, plan=at_once(OPENED.plan))
    found = _incident(opened, *BEGUN[1:], *BACK)

    assert (found.trigger, found.given_up, found.share) == (Trigger.VERDICT, "green", 100)


@pytest.mark.parametrize(
    "events",
    [
        (),
        (OPENED,),
        BEGUN,
        (OPENED, Failed(AT + 5.0, ("never well",)), Cleared(AT + 5.0), Reverted(AT + 9.0, "")),
        (replace(OPENED, plan=at_once(OPENED.plan)), Proved(AT + 1.0)),
    ],
    ids=["nothing", "opened", "running", "without traffic", "a way back that moved nothing yet"],
)
def test_no_incident(events: tuple[Event, ...]) -> None:
    """A rollout that did not go back, or that went back before the candidate had traffic, is none."""
    assert incident(events) is None


def test_a_promotion_is_no_incident() -> None:
    """A promotion is none, whatever its steps are, and at none of its events."""
    events = promoted()

    assert [end for end in range(len(events) + 1) if incident(events[:end])] == []


def test_the_first_bad_look() -> None:
    """It is the first of the looks that saw more than is allowed, after the last that did not; what was before is forgiven."""
    looks = (
        _look(3.0, 10, 1, limit=2.0, low=2.5),
        _look(4.0, 20, 1, limit=2.0, low=1.0, estimate=1.5),
        _look(5.0, 30, 5, limit=2.0, low=1.9, estimate=3.0),
        _look(6.0, 40, 9, limit=2.0, low=2.1),
        _look(9.0, 50, 15, "fail", limit=2.0, low=3.0),
    )
    found = _incident(*BEGUN, *looks, *BACK)

    assert (found.bad, found.hesitation, found.detection) == (AT + 5.0, 4.0, 7.0)


def test_a_look_that_saw_nothing_is_bad() -> None:
    """Where it went back because it could not see, the first look that could not is what the time is counted from."""
    found = _incident(*BEGUN, _look(3.0, 10, 0), _look(4.0, 10, 0, "blind"), _look(9.0, 10, 0, "blind"), *BACK)

    assert found.hesitation == 5.0


def test_what_users_saw_is_the_sum_of_steps() -> None:
    """Counts that begin anew, with a step or because it is watched anew, are added up, and nothing is counted twice."""
    first = (_look(3.0, 10, 1), _look(4.0, 30, 2))
    anew = (Drifted(AT + 4.5, "api", {"blue": 100}, {"blue": 95, "green": 5}), _look(5.0, 40, 3), _look(6.0, 5, 0))
    found = _incident(*BEGUN, *first, *anew, *BACK)

    assert found.seen == {"api": Seen(30 + 40 + 5, 2 + 3 + 0)}, "the user's own metrics count no requests of users"
    assert "5 of 75 requests to green failed (6.7 %)" in _fact(found, "what users saw")


def test_nothing_counted_is_not_zero() -> None:
    """Where no look was recorded, or none saw a request, what users saw is not measured: it never says that none failed."""
    blank = _incident(*BEGUN, *BACK)
    still = _incident(*BEGUN, _look(3.0, 0, 0), *BACK)

    assert _fact(blank, "what users saw") == "api: not measured, nothing counts it, or it had no look yet"
    assert _fact(still, "what users saw") == "api: not measured, no request to green was counted"
    assert "No gate had counted anything when it was decided." in markdown([*BEGUN, *BACK], blank)


def test_weights_that_could_not_be_set() -> None:
    """While weights were being set some requests may have been sent: it is an incident, at what was read back last."""
    simulation = Simulation()
    simulation.router.faults.extend([Fault.HALF] * 200)
    simulation.run()
    found = _incident(*events_of(simulation))

    assert (found.share, found.setting, found.traffic, found.detection) == (0, 5, None, None)
    assert headline(found).startswith("green was given up at 0 %, while 5 % was being set")
    assert "never read back" in _fact(found, "detection")


def test_stuck_and_tried_again() -> None:
    """Until all weights are known to be back there is no time of recovery, and a person is told what to do; then there is."""
    stuck = (*BEGUN, BACK[0], Stuck(AT + 40.0, ("api does not answer",)))
    found = _incident(*stuck)
    back = _incident(*stuck, Retried(AT + 60.0, "ann@there"), Cleared(AT + 61.0), Reverted(AT + 70.0, ""))

    assert (found.home, found.recovery) == (None, None)
    assert _fact(found, "recovery").startswith(UNMEASURED)
    assert _fact(found, "next") == "mend what it names, then: crossfade abort"
    assert back.recovery == 52.0
    assert "ann@there had going back tried again" in _fact(back, "who")


def test_while_it_goes_back() -> None:
    """It can be printed before it has ended, and says that."""
    found = _incident(*BEGUN, *BACK[:2])

    assert _fact(found, "next") == "it has not ended: crossfade watch"
    assert _fact(found, "stack") == "not as before yet"


def test_settled_after_all() -> None:
    """What failed while it settled had all traffic, and went back from there."""
    events = [event for event in promoted() if not isinstance(event, Settled)]
    found = _incident(*events, Aborted(events[-1].at + 1.0, "ann@there"), Cleared(events[-1].at + 2.0))

    assert (found.share, found.setting, found.recovery) == (100, None, 1.0)


@pytest.mark.parametrize("events", [failed(), aborted("ann@there"), [*BEGUN, *BACK]], ids=["failed", "aborted", "short"])
def test_it_is_a_fold_of_the_journal(events: list[Event]) -> None:
    """What is read back from the journal says the same, in every form; and the document survives JSON."""
    again = [from_record(json.loads(json.dumps(to_record(event)))) for event in events]
    found, read = _incident(*events), _incident(*again)
    told = json.loads(json.dumps(document(events, found)))

    assert markdown(events, found) == markdown(again, read)
    assert told == json.loads(json.dumps(document(again, read)))
    assert next(iter(told.items())) == ("format", 1)
    assert told["weights_over_time"][-1]["candidate"] == 0
    assert [each["event"] for each in told["events"]][-1] == "reverted"


def test_markdown_of_hostile_text() -> None:
    """A reason that has HTML, a table and a picture in it makes no element, no column and no request."""
    hostile = "<img src=x onerror=y> | a | ![x](http://example.com/x.png) `b`\n# head"
    events = [*BEGUN, Failed(AT + 9.0, (hostile,)), *BACK[1:]]
    text = markdown(events, _incident(*events))
    [row] = [line for line in text.splitlines() if line.startswith("| because")]

    assert "<img" not in text
    assert "\n# head" not in text
    assert "](" not in text.replace("\\[x](", "")
    assert row.replace("\\|", "").count("|") == 3


def test_markdown_has_a_plot() -> None:
    """Weights over time are drawn as bars, each from when it was read back."""
    lines = markdown(events := failed(), _incident(*events)).splitlines()
    bars = [line.split() for line in lines if " s  green " in line]

    assert [each[3] for each in bars] == ["0", "5", "50", "0"]
    assert [len(each[5]) if len(each) > 5 else 0 for each in bars] == [0, 1, 10, 0]
