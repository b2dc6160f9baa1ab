"""The rollout as a table: what may follow what, and that the journal alone tells it."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smoke.plan import Gates, Plan, Policy, Step, Traffic
from smoke.rollout import (
    ENDED,
    TABLE,
    Aborted,
    Approved,
    Cleared,
    Drifted,
    Event,
    Failed,
    Finished,
    Held,
    IllegalEvent,
    Looked,
    Opened,
    Passed,
    Phase,
    Proved,
    Resumed,
    Retried,
    Reverted,
    Rollout,
    Settled,
    Shifted,
    Stuck,
    apply,
    events,
    from_record,
    replay,
    to_record,
)

PLAN = Plan(
    steps=(
        Step(share=5, bake=1.0, requests=10, limit=60.0),
        Step(share=100, bake=2.0, requests=20, limit=60.0),
        Step(share=100, bake=2.0, requests=0, limit=60.0, singletons=True),
    ),
    gates=Gates(),
    policy=Policy.BACK,
    traffic={"api": Traffic(rate=50.0, path="/prices")},
)
OPENED = Opened(
    at=1.0,
    rollout="0001-abc",
    live="blue",
    candidate="green",
    release="abc",
    plan=PLAN,
    services=("api",),
    singletons=("agent",),
    inputs={"blue": {"api": {"runtime": "py39"}}, "green": {"api": {"runtime": "py312"}}},
    back={},
    by="me@here",
    born="once",
)
EVENTS: tuple[Event, ...] = (
    Proved(2.0),
    Shifted(3.0),
    Passed(4.0, ("well",)),
    Finished(4.0, ("well",)),
    Failed(5.0, ("worse",)),
    Aborted(5.0, "me@here", "a feeling"),
    Held(6.0, ("undecided",)),
    Resumed(7.0, "me@here"),
    Settled(8.0),
    Cleared(9.0),
    Reverted(10.0, "nothing"),
    Stuck(11.0, ("broken",)),
    Retried(12.0, "me@here"),
    Looked(13.0, 1.5, "pass", ("a",), {"api": {"blue": {"requests": 1}}}),
    Drifted(14.0, "api", {"blue": 1}, {"blue": 2}),
    Approved(15.0, "you@there", 1, "seen it"),
)


def _begun() -> Rollout:
    return apply(None, OPENED)


def test_every_phase_has_a_row() -> None:
    """The table speaks of every phase, and a phase is an end exactly when nothing but a person moves it."""
    assert set(TABLE) == set(Phase)
    assert {phase for phase, row in TABLE.items() if not row or set(row) == {Retried}} == ENDED


def test_every_phase_can_go_back() -> None:
    """From every phase that has not ended, going back is possible or already under way."""
    for phase in set(Phase) - ENDED:
        assert Aborted in TABLE[phase] or phase in {Phase.ABORTING, Phase.REVERTING}


@pytest.mark.parametrize("phase", Phase)
@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_only_the_table_decides(phase: Phase, event: Event) -> None:
    """An event leads where the table says, and anything else is refused and changes nothing."""
    rollout = Rollout(OPENED, phase, 0, 1.0)
    if isinstance(event, (Looked, Drifted, Approved)):
        assert apply(rollout, event).phase is phase
    elif type(event) in TABLE[phase]:
        assert apply(rollout, event).phase is TABLE[phase][type(event)]
    else:
        with pytest.raises(IllegalEvent):
            apply(rollout, event)


def test_a_rollout_begins_with_opened_alone() -> None:
    """No other event begins a rollout, and it is opened once."""
    with pytest.raises(IllegalEvent):
        apply(None, Proved(1.0))
    with pytest.raises(IllegalEvent):
        apply(_begun(), OPENED)
    assert replay([]) is None


def test_the_whole_way() -> None:
    """Steps are taken in order, singletons move at their own step, and the candidate ends live."""
    rollout = _begun()
    seen = [(rollout.phase, rollout.share, rollout.worker)]
    for event in (Proved(2), Shifted(3), Passed(4), Shifted(5), Passed(6), Shifted(7), Finished(8), Settled(9)):
        rollout = apply(rollout, event)
        seen.append((rollout.phase, rollout.share, rollout.worker))

    assert seen == [
        (Phase.PROVING, 0, "blue"),
        (Phase.SHIFTING, 5, "blue"),
        (Phase.BAKING, 5, "blue"),
        (Phase.SHIFTING, 100, "blue"),
        (Phase.BAKING, 100, "blue"),
        (Phase.SHIFTING, 100, "green"),
        (Phase.BAKING, 100, "green"),
        (Phase.SETTLING, 100, "green"),
        (Phase.PROMOTED, 100, "green"),
    ]


def test_going_back_takes_everything_back() -> None:
    """Once a gate failed the candidate is to have no traffic and no singleton, whatever step it had reached."""
    rollout = replay([OPENED, Proved(2), Shifted(3), Passed(4), Shifted(5), Passed(6), Shifted(7), Failed(8, ("worse",))])

    assert rollout is not None
    assert (rollout.phase, rollout.share, rollout.worker, rollout.because) == (Phase.ABORTING, 0, "blue", ("worse",))
    assert rollout.weights == {"blue": 100, "green": 0}


@pytest.mark.parametrize("event", [OPENED, *EVENTS], ids=lambda event: type(event).__name__)
def test_records_read_back(event: Event) -> None:
    """An event that was recorded and read back is the same event, through real JSON."""
    import json  # noqa: PLC0415 - the wire between the two

    assert from_record(json.loads(json.dumps(to_record(event)))) == event


def test_every_event_is_in_these_tests() -> None:
    """A new event cannot escape the codec's test."""
    kinds = {type(event) for event in (OPENED, *EVENTS)}

    assert kinds == {kind for kind in vars(events).values() if isinstance(kind, type) and issubclass(kind, Event)} - {Event}
    assert all(fields(kind) for kind in kinds)


@given(st.dictionaries(st.sampled_from(["event", "at", "by", "plan", "because"]), st.text() | st.integers() | st.none()))
def test_garbage_is_no_record(record: dict[str, object]) -> None:
    """Whatever stands in a journal, it is an event or a ValueError."""
    try:
        event = from_record(record)
    except ValueError:
        return
    assert isinstance(event, Event)


def test_a_plan_of_an_earlier_version_is_read() -> None:
    """A record that was written before services had gates of their own, or memory a ratio, still opens its rollout."""
    record = json.loads(json.dumps(to_record(OPENED)))
    del record["plan"]["own"]
    del record["plan"]["gates"]["memory_ratio"]

    assert from_record(record) == OPENED


def test_no_step_follows_the_last() -> None:
    """A journal that says that the last step was passed, rather than finished, is refused where it says so."""
    rollout = replay([OPENED, Proved(2), Shifted(3), Passed(4), Shifted(5), Passed(6), Shifted(7)])
    with pytest.raises(IllegalEvent):
        apply(rollout, Passed(8))
