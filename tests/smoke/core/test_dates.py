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
