"""People are told of a rollout by a listener: when it goes back, has ended, or waits for somebody; and nothing waits for them."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Event

import pytest
from simulation import Simulation

from smoke.clock import FakeClock
from smoke.notices import Delivery, Notice, Notifier
from smoke.noticing import Noticing
from smoke.plan import Policy
from smoke.rollout import Phase


class Kept(Notifier):
    """Keeps what it is to send, once it may."""

    def __init__(self, *, may: bool = True, fails: bool = False) -> None:
        super().__init__({}, Path(), FakeClock())
        self.may = Event()
        if may:
            self.may.set()
        self.fails = fails
        self.sent: list[Notice] = []

    def send(self, notice: Notice) -> Sequence[Delivery]:
        """Keep it."""
        assert self.may.wait(30)
        self.sent.append(notice)
        return [Delivery("team", "it has gone home" if self.fails else "")]


def told(simulation: Simulation, kept: Kept) -> list[str]:
    """The phases that were told of a rollout to its end."""
    with closing(Noticing("staging", kept, simulation.clock.wall)) as noticing:
        simulation.listeners.append(noticing)
        simulation.run()
        kept.may.set()
    return [each.phase for each in kept.sent]


def test_a_promotion_is_told_once(simulation: Simulation) -> None:
    """Steps are for those who look; that it is promoted is for all."""
    kept = Kept()
    assert told(simulation, kept) == ["promoted"]
    assert kept.sent[0].text == f"promoted: green is live (rollout {simulation.opened.rollout} from blue to green)"


def test_a_rollout_that_goes_back_is_told_at_once_and_at_its_end(simulation: Simulation) -> None:
    """First why it goes back, then that it has."""
    simulation.sides["green"].errors = 0.5
    kept = Kept()
    assert told(simulation, kept) == ["aborting", "rolled back"]
    assert kept.sent[0].text.startswith("FAILED: ")
    assert [each.at for each in kept.sent] == sorted(each.at for each in kept.sent)


def test_a_rollout_that_waits_for_somebody_is_told() -> None:
    """A step without a verdict that is held wants a person, who has to know."""
    simulation = Simulation(rate=0.0)
    simulation.opened = replace(simulation.opened, plan=replace(simulation.opened.plan, policy=Policy.HOLD))
    assert told(simulation, Kept()) == ["held", "aborting", "rolled back"]


def test_a_rollout_waits_for_nobody_who_is_told(simulation: Simulation) -> None:
    """Where the chat hangs, the rollout ends all the same; what waits is sent once it can be."""
    simulation.sides["green"].errors = 0.5
    kept = Kept(may=False)
    with closing(Noticing("staging", kept, simulation.clock.wall)) as noticing:
        simulation.listeners.append(noticing)
        assert simulation.run().phase is Phase.ROLLED_BACK
        assert kept.sent == []
        kept.may.set()
    assert len(kept.sent) == 2


def test_who_was_not_told_is_named(simulation: Simulation, capsys: pytest.CaptureFixture[str]) -> None:
    """On standard error, and the rollout is none the worse."""
    assert told(simulation, Kept(fails=True)) == ["promoted"]
    assert "team was not told: it has gone home" in capsys.readouterr().err
