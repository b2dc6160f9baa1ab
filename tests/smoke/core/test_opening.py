"""How a rollout begins: which slot is live, what is new, what is refused, and the way back."""

from collections.abc import Mapping
from typing import Any

import pytest

from infra.contract import Backend, Contract, Placement, Service, fingerprint
from smoke.errors import GateClosed, RollbackFailed, UsageError
from smoke.plan import Gates, Plan, Step
from smoke.rollout import (
    Cleared,
    Event,
    Failed,
    Finished,
    Phase,
    Proved,
    Reverted,
    Rollout,
    Settled,
    Shifted,
    Stuck,
    apply,
)
from smoke.rollout.opening import History, NothingToDo, Wish, in_question, promotion, way_back

PLAN = Plan(steps=(Step(100, 1.0, 1, 10.0), Step(100, 1.0, 0, 10.0, singletons=True)), gates=Gates())
WISH = Wish(by="me@here", at=1.0)
GOOD: tuple[Event, ...] = (Proved(2), Shifted(3), Finished(4), Settled(5))
BAD: tuple[Event, ...] = (Failed(2, ("worse",)), Cleared(3), Reverted(4, "it"))


def contract(**slots: str) -> Contract:
    """A stack with one service; each slot is given by the runtime it holds."""
    placements = {slot: _placement(slot, runtime) for slot, runtime in slots.items()}
    return Contract(
        stack="staging",
        target="local",
        start="blue",
        born="once",
        services=(
            Service("api", "http", (), placements, (), Backend("memory", {}), None, None, "http://127.0.0.1:1"),
            Service("agent", "singleton", ("api",), {}, (), None, None, Backend("memory", {}), None),
        ),
        plan=PLAN.to_json(),
        config={},
        releases={slot: fingerprint({"api": {"runtime": runtime}}) for slot, runtime in slots.items()},
    )


def _placement(slot: str, runtime: str) -> Placement:
    inputs: Mapping[str, Any] = {"runtime": runtime}
    return Placement("api", slot, runtime, "sha256:0", f"{runtime}-0", None, None, "python", ".", {}, inputs)


def _ended(opened: Any, events: tuple[Event, ...]) -> Rollout:  # noqa: ANN401 - an Opened
    rollout = apply(None, opened)
    for event in events:
        rollout = apply(rollout, event)
    return rollout


MIGRATING = contract(blue="py39", green="py312")


def test_the_first_migration_starts_from_the_start_slot() -> None:
    """Nothing was promoted yet: the start slot is live, the other the candidate, and the way back is its removal."""
    opened = promotion(MIGRATING, History(), WISH)

    assert (opened.live, opened.candidate, opened.back) == ("blue", "green", {})
    assert (opened.services, opened.singletons) == (("api",), ("agent",))
    assert opened.rollout == f"0001-{MIGRATING.releases['green']}"


def test_what_was_settled_is_not_promoted_by_accident() -> None:
    """After a promotion the warm slot holds nothing new; only naming it moves traffic to it."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")

    assert history.live(MIGRATING) == "green"
    with pytest.raises(NothingToDo):
        promotion(MIGRATING, history, WISH)
    assert promotion(MIGRATING, history, Wish("me@here", 1.0, to="blue")).candidate == "blue"
    with pytest.raises(NothingToDo):
        promotion(MIGRATING, history, Wish("me@here", 1.0, to="green"))


def test_what_is_asked_for_and_not_deployed_is_no_nothing_to_do() -> None:
    """Where the settings ask for another idle slot than is deployed, promote says so, and why if that was rolled back."""
    first = _ended(promotion(MIGRATING, History(), WISH), GOOD)
    later = contract(blue="py313", green="py312")
    asked = Wish("me@here", 1.0, asked=later.releases)
    with pytest.raises(GateClosed, match="the settings ask for another blue") as edited:
        promotion(MIGRATING, History.of([first], "once"), asked)
    failed = _ended(promotion(later, History.of([first], "once"), WISH), BAD)
    with pytest.raises(GateClosed) as refused:
        promotion(MIGRATING, History.of([first, failed], "once"), asked)

    assert edited.value.cause == "they were edited since the last pulumi up"
    assert refused.value.cause == "it was rolled back:\nworse"
    with pytest.raises(NothingToDo):
        promotion(MIGRATING, History.of([first], "once"), Wish("me@here", 1.0, asked=MIGRATING.releases))


def test_the_release_in_question() -> None:
    """It is what is to be promoted; then what was, until something new is placed in the other slot, or asked for in both."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")
    (py39, py312), py313 = MIGRATING.releases.values(), contract(blue="py313").releases["blue"]

    assert in_question(MIGRATING, History(), MIGRATING.releases) == py312
    assert in_question(MIGRATING, History(), {"blue": py39}) == py39
    assert in_question(MIGRATING, history, MIGRATING.releases) == py312
    assert in_question(contract(green="py312"), history, MIGRATING.releases) == py312, "the old slot was retired"
    assert in_question(MIGRATING, history, {"blue": "py39, newer", "green": py312}) == py312, "it stayed as it was, with traffic"
    assert in_question(MIGRATING, history, {"blue": py313, "green": "py312, newer"}) == py313
    assert in_question(contract(blue="py313", green="py312"), history, {"blue": py313, "green": py312}) == py313


def test_the_way_back_of_a_later_release_is_what_was_settled() -> None:
    """A slot that held a settled release goes back to exactly its inputs."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")
    opened = promotion(contract(blue="py313", green="py312"), history, WISH)

    assert (opened.live, opened.candidate, opened.back) == ("green", "blue", {"api": {"runtime": "py39"}})


def test_a_release_that_was_rolled_back_is_refused_until_it_changes() -> None:
    """The same fingerprint is refused with the reason of then; another one is not, nor is this one with a reason."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), BAD)], "once")

    with pytest.raises(GateClosed, match="was rolled back and has not changed") as refused:
        promotion(MIGRATING, history, WISH)
    assert refused.value.cause == "worse"
    assert promotion(contract(blue="py39", green="py313"), history, WISH).candidate == "green"
    assert promotion(MIGRATING, history, Wish("me@here", 1.0, again="the network was down")).why == "the network was down"


def test_a_release_that_was_promoted_in_the_end_is_not_refused() -> None:
    """What counts is how the last rollout of a release ended."""
    opened = promotion(MIGRATING, History(), WISH)
    history = History.of([_ended(opened, BAD), _ended(opened, GOOD)], "once")

    assert history.refused(opened.release) is None


def test_a_slot_that_is_not_placed_cannot_be_promoted() -> None:
    """Without the candidate there is nothing to promote, and the error names the command that makes it."""
    with pytest.raises(GateClosed, match="slot green is not placed") as refused:
        promotion(contract(blue="py39"), History(), WISH)
    assert refused.value.hint == "pulumi up --stack staging"


def test_a_slot_that_does_not_exist_is_a_usage_error() -> None:
    """Only blue and green are slots."""
    with pytest.raises(UsageError, match="there is no slot 'red'"):
        promotion(MIGRATING, History(), Wish("me@here", 1.0, to="red"))


def test_a_stuck_rollout_closes_the_door() -> None:
    """As long as a person is needed nothing new begins, in either direction."""
    stuck = (Failed(2, ("worse",)), Stuck(3, ("proxy gone",)))
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), stuck)], "once")

    for begin in (promotion, way_back):
        with pytest.raises(RollbackFailed, match="could not go back by itself"):
            begin(MIGRATING, history, WISH)


def test_the_way_back_is_one_step() -> None:
    """Going back to the warm slot: all traffic at once, then the singletons, with nothing to wait for."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")
    opened = way_back(MIGRATING, history, WISH)

    assert (opened.live, opened.candidate) == ("green", "blue")
    assert [(step.share, step.bake, step.requests, step.singletons) for step in opened.plan.steps] == [
        (100, 0.0, 0, False),
        (100, 0.0, 0, True),
    ]


def test_there_is_no_way_back_to_what_is_gone() -> None:
    """Before any promotion, or once the other slot holds something else, going back is refused."""
    with pytest.raises(GateClosed, match="nothing was promoted yet"):
        way_back(MIGRATING, History(), WISH)
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")
    with pytest.raises(GateClosed, match="no longer holds what was live before"):
        way_back(contract(blue="py313", green="py312"), history, WISH)


def test_a_rollout_that_has_not_ended_is_the_running_one() -> None:
    """The last rollout is running until it has ended, and then it is not."""
    opened = promotion(MIGRATING, History(), WISH)

    assert History.of([_ended(opened, (Proved(2),))], "once").running is not None
    assert History.of([_ended(opened, GOOD)], "once").running is None
    assert History.of([_ended(opened, BAD)], "once").last.phase is Phase.ROLLED_BACK  # type: ignore[union-attr]


def test_what_was_promoted_before_the_stack_was_destroyed_no_longer_counts() -> None:
    """A stack that is brought up anew begins with its start slot, and its rollouts get names of their own."""
    earlier = _ended(promotion(MIGRATING, History(), WISH), GOOD)
    history = History.of([earlier], "another time")

    assert (history.live(MIGRATING), history.settled) == ("blue", None)
    assert promotion(MIGRATING, history, WISH).rollout.startswith("0002-")
