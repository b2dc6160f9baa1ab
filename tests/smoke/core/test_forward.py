"""What holds where the live slot is known to be broken: it has no say in the way forward, nor in the way back."""

from dataclasses import replace

import pytest
from simulation import OPENED, Simulation

from smoke.errors import Forbidden, GateClosed
from smoke.plan import Freeze
from smoke.rollout import Phase
from smoke.rollout.opening import History, Wish, cold, past_live, promotion, way_back
from tests.smoke.core.test_opening import BAD, GOOD, MIGRATING, PLAN, WISH, _ended, contract

FREEZE = Freeze(0.0, 10.0, "year end")


def _simulated(*, forward: bool) -> Phase:
    """How a rollout ends whose live slot is broken from the start."""
    simulation = Simulation()
    simulation.sides["blue"].well = False
    simulation.sides["blue"].errors = 0.5
    simulation.opened = replace(OPENED, plan=past_live(OPENED.plan) if forward else OPENED.plan)
    return simulation.run().phase


def test_a_broken_live_slot_does_not_block_the_way_forward() -> None:
    """Where its people say that it is broken the candidate is proved and promoted beside it; else nothing is moved."""
    assert _simulated(forward=True) is Phase.PROMOTED
    assert _simulated(forward=False) is Phase.ROLLED_BACK


def test_a_bad_candidate_goes_no_way_forward() -> None:
    """It keeps to its own objectives, whatever the live slot does."""
    simulation = Simulation()
    simulation.sides["blue"].well = False
    simulation.sides["green"].errors = 0.5
    simulation.opened = replace(OPENED, plan=past_live(OPENED.plan))

    assert simulation.run().phase is Phase.ROLLED_BACK


def test_a_broken_live_slot_does_not_block_the_way_back() -> None:
    """The way back asks the slot that it leaves nothing, at any hour, and is compared with nothing."""
    frozen = replace(MIGRATING, plan=replace(PLAN, freezes=(FREEZE,)).to_json())
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")
    opened = way_back(frozen, history, WISH)
    simulation = Simulation()
    simulation.sides["blue"].well = False
    simulation.opened = replace(OPENED, plan=opened.plan)

    assert (opened.plan.forward, opened.plan.windows, opened.plan.freezes) == (True, (), ())
    assert simulation.run().phase is Phase.PROMOTED


def test_what_was_live_is_cold_once_its_slot_holds_something_else() -> None:
    """Then it is on record, by service, what it held; while it holds that still, there is nothing to place."""
    history = History.of([_ended(promotion(MIGRATING, History(), WISH), GOOD)], "once")

    assert cold(MIGRATING, history) is None
    assert cold(contract(blue="py313", green="py312"), history) == {"api": {"runtime": "py39"}}
    assert cold(contract(green="py312"), history) == {"api": {"runtime": "py39"}}


def test_what_was_live_may_not_be_on_record() -> None:
    """Before a promotion there is nothing to place, and of a slot that held nothing then nothing is known."""
    with pytest.raises(GateClosed, match="nothing was promoted yet"):
        cold(MIGRATING, History.of([_ended(promotion(MIGRATING, History(), WISH), BAD)], "once"))
    opened = replace(promotion(MIGRATING, History(), WISH), inputs={"green": {"api": {"runtime": "py312"}}})
    with pytest.raises(GateClosed, match="what was live before is not on record"):
        cold(MIGRATING, History.of([_ended(opened, GOOD)], "once"))


def test_an_hour_at_which_it_may_not_begin() -> None:
    """Policy says no and until when; with a reason it begins, and the reason goes with it."""
    frozen = replace(MIGRATING, plan=replace(PLAN, freezes=(FREEZE,)).to_json())
    with pytest.raises(Forbidden, match="it may not begin now") as refused:
        promotion(frozen, History(), WISH)
    opened = promotion(frozen, History(), replace(WISH, override="users wait"))

    assert refused.value.cause == "frozen until 1970-01-01 00:00 UTC: year end"
    assert opened.override == "users wait"
    assert promotion(frozen, History(), Wish("me@here", 10.0)).override == ""
