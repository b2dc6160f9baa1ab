"""The machine's date may be set while a rollout runs; time goes on."""

from dataclasses import replace

import pytest
from crashing import PLAN, Ordeal

from smoke.plan import Policy
from smoke.rollout import Failed, Held, Phase, Resumed

WEEK = 7 * 86_400.0


@pytest.mark.parametrize("jump", [-WEEK, WEEK])
def test_a_hold_lasts_as_long_as_it_must(jump: float) -> None:
    """A date that is set ends no hold and lengthens none: it lasts for the seconds of the plan."""
    ordeal = Ordeal(plan=replace(PLAN, policy=Policy.HOLD, hold=20.0))
    ordeal.at(10, 1.0, lambda: ordeal.post("pause"))
    ordeal.at(10, 3.0, lambda: ordeal.clock.set(ordeal.clock.wall() + jump))
    end = ordeal.run()
    held, failed = (next(event for event in ordeal.events() if isinstance(event, kind)) for kind in (Held, Failed))

    assert end.phase is Phase.ROLLED_BACK
    assert 20.0 <= failed.at - held.at <= 21.0


@pytest.mark.parametrize("jump", [-WEEK, WEEK])
def test_people_are_heard(jump: float) -> None:
    """What is asked after the date was set is done, although it is dated before the phase that it is about."""
    ordeal = Ordeal()
    ordeal.at(10, 1.0, lambda: ordeal.clock.set(ordeal.clock.wall() + jump))
    ordeal.at(10, 1.5, lambda: ordeal.post("pause"))
    ordeal.at(10, 6.0, lambda: ordeal.post("resume"))
    end = ordeal.run()

    assert end.phase is Phase.PROMOTED
    assert [type(event) for event in ordeal.events() if isinstance(event, (Held, Resumed))][:2] == [Held, Resumed]


@pytest.mark.parametrize("jump", [-WEEK, WEEK])
def test_an_abort_that_nobody_heard_is_not_forgotten(jump: float) -> None:
    """Asked while no driver lives, and dated before everything, it is what the next one does first."""
    ordeal = Ordeal(kills=(24,))

    def ask() -> None:
        ordeal.clock.set(ordeal.clock.wall() + jump)
        ordeal.post("abort")

    ordeal.once(lambda: ordeal.deaths == 1, ask)
    end = ordeal.run()

    assert (ordeal.deaths, end.phase) == (1, Phase.ROLLED_BACK)
    assert end.because == ("aborted by me@here: as scripted",)
