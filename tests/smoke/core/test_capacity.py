"""Capacity before weight: a slot gets no more than what is there of it can serve, and the live slot keeps what it has."""

import pytest
from simulation import Simulation

from smoke.rollout import Phase


@pytest.fixture
def simulation() -> Simulation:
    """Four instances of blue serve; of green there is one, and more come when they may."""
    made = Simulation()
    made.capacity.instances = {"blue": 4, "green": 1}
    return made


def test_a_step_waits_for_what_it_asks_for(simulation: Simulation) -> None:
    """One of four carries the first step; the second begins once the other is there, and not before, however well all is."""
    simulation.capacity.comes = False
    shares: list[tuple[int, int]] = []

    def see(_: float) -> None:
        shares.append((simulation.router.weights["green"], simulation.capacity.instances["green"]))
        if len(shares) == 200:
            simulation.capacity.comes = True

    simulation.clock.on_sleep(see)
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert max(share for share, _ in shares[:200]) == 5
    assert all(ready * 100 >= share * 4 for share, ready in shares if share > 5)


def test_while_a_rollout_goes_on_the_live_slot_is_held(simulation: Simulation) -> None:
    """From before the first request on, and as long as anybody may come back; afterwards nothing is."""
    held: set[int | None] = set()
    simulation.clock.on_sleep(lambda _: held.add(simulation.capacity.least.get("blue")))
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert held == {4}
    assert simulation.capacity.least == {}


def test_what_does_not_come_is_the_reason(simulation: Simulation) -> None:
    """At the limit of the step the rollout ends with what was missing, and nothing is held any more."""
    simulation.capacity.comes = False
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert end.because[0] == "no verdict within 60 s at 5 %"
    assert "api green: 1 of 2 instances that 50 % ask for are ready" in end.because
    assert simulation.capacity.least == {}


def test_who_goes_back_does_not_ask(simulation: Simulation) -> None:
    """A candidate that fails loses its traffic at once, whether or not anybody can count instances; to free fails quietly."""

    def break_it(_: float) -> None:
        if simulation.router.weights["green"] == 50:
            simulation.capacity.broken = True
            simulation.sides["green"].errors = 1.0

    simulation.clock.on_sleep(break_it)
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert any("errors in" in reason for reason in end.because)
    assert simulation.capacity.least["blue"] == 4


def test_nobody_can_count(simulation: Simulation) -> None:
    """That instances cannot be counted takes nothing back: the step waits, says why, and goes on once they can be."""
    seen: list[str] = []

    def see(now: float) -> None:
        simulation.capacity.broken = 8.0 < now < 20.0
        seen.extend(each.because for each in simulation.ticks[-1].findings if each.gate == "capacity")

    simulation.clock.on_sleep(see)
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert "api green: it is broken, as scripted" in seen
