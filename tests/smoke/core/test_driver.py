"""The driver in a simulated stack: it promotes what is good, takes back what is not, and can be killed anywhere."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from simulation import Simulation

from smoke.driver import Driver
from smoke.errors import DeployError, JournalError
from smoke.plan import Policy, Step
from smoke.rollout import Cleared, Drifted, Failed, Finished, Held, Phase, Shifted, to_record
from smoke.routers.memory import Fault

Knob = Callable[[Simulation], None]


def _green(**change: Any) -> Knob:  # noqa: ANN401 - any field of a side
    def turn(simulation: Simulation) -> None:
        for name, value in change.items():
            setattr(simulation.sides["green"], name, value)

    return turn


def _at_share(simulation: Simulation, share: int, knob: Knob) -> None:
    """Turn a knob once the candidate has that much traffic, and has been seen there for two seconds."""
    done: list[float] = []

    def listen(now: float) -> None:
        if simulation.router.weights.get("green") == share:
            done.append(now)
            if now - done[0] >= 2.0:
                knob(simulation)

    simulation.clock.on_sleep(listen)


def test_a_good_candidate_is_promoted(simulation: Simulation) -> None:
    """Steps are taken in order, the singleton goes last, nothing is reverted, and the journal tells the same end."""
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert [weights["green"] for weights in simulation.router.written] == [5, 50, 100, 100, 100]
    assert simulation.fence.at_work == "green"
    assert simulation.stack.reverted == []
    assert simulation.told() == end


def test_sessions_of_live_may_end_during_the_last_step(simulation: Simulation) -> None:
    """While all that is new goes to the candidate, who is on live stays there; nobody does once it is settled."""
    kept: list[tuple[int, frozenset[str]]] = []
    simulation.clock.on_sleep(lambda _: kept.append((simulation.router.weights["green"], simulation.router.keep)))
    simulation.run()

    assert dict.fromkeys(kept) == dict.fromkeys(
        [(0, frozenset()), (5, frozenset()), (50, frozenset()), (100, frozenset({"blue"}))]
    )
    assert simulation.router.keep == frozenset()


def test_going_back_keeps_nobody_on_the_candidate(simulation: Simulation) -> None:
    """At an abort of the last step sessions of the candidate are moved at once, and none is kept anywhere."""
    _at_share(simulation, 100, _green(errors=0.5))

    assert simulation.run().phase is Phase.ROLLED_BACK
    assert (simulation.router.weights, simulation.router.keep) == ({"blue": 100, "green": 0}, frozenset())


def test_going_back_waits_for_no_singleton_that_is_cut_off(simulation: Simulation) -> None:
    """Where live's own agent is not connected, going back is done once nobody else may work: it says so, and is not stuck."""
    simulation.fence.idle = {"blue"}
    simulation.clock.on_sleep(
        lambda _: setattr(simulation.sides["green"], "errors", 0.5 if simulation.fence.at_work == "green" else 0.0)
    )
    end = simulation.run()
    cleared = next(tick.event for tick in simulation.ticks if isinstance(tick.event, Cleared))

    assert (end.phase, simulation.fence.at_work) == (Phase.ROLLED_BACK, "blue")
    assert cleared.idle == {"agent": "blue is not connected to what it works on"}


def test_every_step_is_watched_as_long_as_it_must(simulation: Simulation) -> None:
    """No step is left before its least watched time, not even by a tick."""
    simulation.run()
    shifted = [tick.event.at for tick in simulation.ticks if isinstance(tick.event, Shifted)]
    stays = [after - before for before, after in pairwise(shifted)]

    assert all(stay >= step.bake for stay, step in zip(stays, simulation.opened.plan.steps, strict=False))


def test_nothing_is_watched_while_work_is_handed_over(simulation: Simulation, monkeypatch: pytest.MonkeyPatch) -> None:
    """However long a hand-over takes, its step is watched for as long as it must be once that is over."""
    hold = simulation.fence.hold

    def slow(slot: str) -> None:
        simulation.clock.sleep(60.0)
        hold(slot)

    monkeypatch.setattr(simulation.fence, "hold", slow)
    simulation.run()
    events = [tick.event for tick in simulation.ticks if tick.event is not None]
    begun = max(each.at for each in events if isinstance(each, Shifted))
    ended = next(each.at for each in events if isinstance(each, Finished))

    assert ended - begun >= simulation.opened.plan.steps[-1].bake


BAD: Mapping[str, tuple[Knob, str]] = {
    "errors": (_green(errors=0.3), "errors in"),
    "slow": (_green(latency_ms=50.0), "requests of green took longer than 10 ms"),
    "far too slow": (_green(latency_ms=2000.0), "took longer than"),
    "down": (_green(well=False), "failed 3 times in a row"),
    "impostor": (_green(impostor=True), "api green"),
    "restarts": (_green(started=2), "restarted 1 times"),
}


# At 100 % there is no live slot left to be slower than.
@pytest.mark.parametrize(
    ("fault", "share"), [(name, share) for name in BAD for share in (5, 50, 100) if (name, share) != ("slow", 100)]
)
def test_a_bad_candidate_is_taken_back(simulation: Simulation, fault: str, share: int) -> None:
    """Whatever goes wrong at whatever step: all traffic is back in the tick of the verdict, and the stack is reverted."""
    knob, reason = BAD[fault]
    _at_share(simulation, share, knob)
    end = simulation.run()

    failed = next(tick for tick in simulation.ticks if isinstance(tick.event, Failed))
    cleared = simulation.ticks[simulation.ticks.index(failed) + 1]
    assert end.phase is Phase.ROLLED_BACK
    assert any(reason in because for because in end.because)
    assert simulation.router.weights == {"blue": 100, "green": 0}
    assert (cleared.rollout.phase, cleared.event.at if cleared.event else None) == (
        Phase.REVERTING,
        failed.event and failed.event.at,
    )
    assert simulation.stack.reverted == [("green", simulation.opened.back)]
    assert simulation.fence.at_work == "blue"


@pytest.mark.parametrize("fault", ["down", "impostor"])
def test_what_is_never_proved_never_gets_a_request(simulation: Simulation, fault: str) -> None:
    """A candidate that is not itself, or never well, is rolled back without ever having had weight."""
    BAD[fault][0](simulation)
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert all(weights["green"] == 0 for weights in simulation.router.written)
    assert simulation.meter.read().slots["green"].requests == 0


def test_a_broken_live_slot_is_no_place_to_start_from(simulation: Simulation) -> None:
    """If the live slot is not well nothing is shifted: there would be no good place to go back to."""
    simulation.sides["blue"].well = False
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert all(weights["green"] == 0 for weights in simulation.router.written)


def test_no_traffic_is_never_a_pass(simulation: Simulation) -> None:
    """Without requests a step is undecided; at its limit the policy goes back."""
    simulation = Simulation(rate=0.0)
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert any("0 of 20 requests" in because for because in end.because)


def test_blindness_holds_and_then_goes_back(simulation: Simulation) -> None:
    """A meter that cannot be read is never a pass: nothing advances, and after the plan's limit everything goes back."""
    _at_share(simulation, 5, lambda simulation: setattr(simulation.meter, "blind", True))
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert max(weights["green"] for weights in simulation.router.written) == 5
    assert any("counts cannot be read" in because for because in end.because)


def test_hold_waits_for_a_person_and_then_goes_back(simulation: Simulation) -> None:
    """With the policy to hold, a step without a verdict is held; nobody comes, so it goes back at the deadline."""
    simulation = Simulation(rate=0.0)
    simulation.opened = replace(simulation.opened, plan=replace(simulation.opened.plan, policy=Policy.HOLD))
    end = simulation.run()

    held = next(tick.event for tick in simulation.ticks if isinstance(tick.event, Held))
    failed = next(tick.event for tick in simulation.ticks if isinstance(tick.event, Failed))
    assert end.phase is Phase.ROLLED_BACK
    assert failed.at - held.at > simulation.opened.plan.hold


def test_drift_is_an_ordinary_event(simulation: Simulation) -> None:
    """Weights that somebody else wrote are noticed at the next tick, recorded, and set again."""
    meddled: list[float] = []

    def meddle(simulation: Simulation) -> None:
        if not meddled:
            meddled.append(simulation.clock.now())
            simulation.router.weights = {"blue": 0, "green": 100}

    _at_share(simulation, 5, meddle)
    end = simulation.run()

    drifted = [tick.event for tick in simulation.ticks if isinstance(tick.event, Drifted)]
    assert end.phase is Phase.PROMOTED
    assert [(event.found["green"], event.wanted["green"]) for event in drifted] == [(100, 5)]


@pytest.mark.parametrize("fault", [Fault.REFUSE, Fault.IGNORE, Fault.DELAY, Fault.HALF, Fault.LIE])
def test_a_router_that_misbehaves_once_is_asked_again(simulation: Simulation, fault: Fault) -> None:
    """A write that fails, lies or half works is seen by reading back, and written again until it holds."""
    simulation.router.faults.append(fault)
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert simulation.router.weights["green"] == 100


def test_a_person_aborts(simulation: Simulation) -> None:
    """A request to abort is followed at the next tick, with the person's words as the reason."""
    asked = {"verb": "abort", "by": "you@there", "why": "a feeling", "at": simulation.clock.wall()}
    _at_share(simulation, 50, lambda simulation: simulation.mailbox.post("0001-abc", asked))
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert end.because == ("aborted by you@there: a feeling",)


def test_without_pulumi_it_goes_back_and_leaves_the_rest(simulation: Simulation) -> None:
    """Who drives where Pulumi is not brings all traffic back, and ends there; who has Pulumi finishes what the journal says."""
    simulation.sides["green"].errors = 1.0
    simulation.reverts = False
    left = simulation.run()
    weights, asked = simulation.router.weights, [*simulation.stack.reverted]
    simulation.reverts = True
    end = simulation.run()

    assert (left.phase, weights, asked) == (Phase.REVERTING, {"blue": 100, "green": 0}, [])
    assert end.phase is Phase.ROLLED_BACK
    assert len(simulation.stack.reverted) == 1


def test_a_singleton_that_does_not_start_takes_everything_back(simulation: Simulation) -> None:
    """If the agent cannot be handed over, the weighted services go back too, and the agent works where it did."""
    simulation.fence.fails = 1
    end = simulation.run()

    assert end.phase is Phase.ROLLED_BACK
    assert simulation.router.weights == {"blue": 100, "green": 0}
    assert simulation.fence.at_work == "blue"
    assert "green" not in simulation.fence.history


def test_a_stack_that_cannot_be_reverted_is_stuck(simulation: Simulation) -> None:
    """If Pulumi fails while going back, users are safe already, and a person is asked for."""
    simulation.stack._broken = True  # noqa: SLF001 - the knob of the shipped fake
    simulation.sides["green"].impostor = True
    end = simulation.run()

    assert end.phase is Phase.STUCK
    assert simulation.router.weights == {"blue": 100, "green": 0}
    assert any("could not be reverted" in because for because in end.because)


class _Killed(Exception):
    """The driver is gone."""


@pytest.mark.parametrize("bad", [False, True])
def test_killed_at_any_append_it_ends_the_same(*, bad: bool) -> None:
    """Killed before or after any append, and started again, a rollout ends as it would have without the kill."""
    whole = _ending(kill=None, bad=bad)
    for number in range(whole[1]):
        for after in (False, True):
            assert _ending(kill=(number, after), bad=bad)[0] == whole[0]


def _ending(*, kill: tuple[int, bool] | None, bad: bool) -> tuple[object, int]:
    """How a rollout ends, and how many appends it took; killed once at the given one."""
    simulation = Simulation()
    if bad:
        _at_share(simulation, 50, _green(errors=0.3))
    appended = 0
    opening = simulation.journal.open

    class Writer:
        def __init__(self, inner: Any) -> None:  # noqa: ANN401 - the journal's own writer
            self._inner = inner

        def append(self, record: Mapping[str, Any]) -> None:
            nonlocal appended
            number, appended = appended, appended + 1
            if kill == (number, False):
                raise _Killed
            self._inner.append(record)
            if kill == (number, True):
                raise _Killed

        def renew(self, seconds: float) -> None:
            self._inner.renew(seconds)

    class Journal:
        records = staticmethod(simulation.journal.records)

        @staticmethod
        def open(name: str) -> Any:  # noqa: ANN401
            from contextlib import contextmanager  # noqa: PLC0415

            @contextmanager
            def opened() -> Any:  # noqa: ANN401
                with opening(name) as inner:
                    yield Writer(inner)

            return opened()

    simulation.journal = Journal()  # type: ignore[assignment] - the same two methods
    try:
        end = simulation.run()
    except _Killed:
        end = simulation.run()
    return (end.phase, dict(simulation.router.weights), simulation.fence.at_work, len(simulation.stack.reverted) > 0), appended


def test_a_journal_that_cannot_be_written_stops_the_driver(simulation: Simulation) -> None:
    """Nothing goes on that is not in the journal: when it cannot be written, all traffic goes back and the driver ends."""

    class Full:
        def renew(self, seconds: float) -> None:
            del seconds

        def append(self, record: Mapping[str, Any]) -> None:
            raise JournalError("disk full", cause=str(record["event"]))

    from smoke.rollout import apply  # noqa: PLC0415

    with pytest.raises(JournalError):
        Driver(simulation.world(), Full(), simulation.clock).run(apply(None, simulation.opened))
    assert simulation.router.written == [{"blue": 100, "green": 0}]


def test_a_listener_that_fails_is_heard_no_more(simulation: Simulation) -> None:
    """A display whose reader went away does not end the rollout: it is dropped, and the others go on hearing."""
    heard: list[object] = []

    def broken(tick: object) -> None:
        heard.append(tick)
        raise BrokenPipeError

    simulation.listeners = [broken, simulation.ticks.append]
    end = simulation.run()

    assert end.phase is Phase.PROMOTED
    assert len(heard) == 1
    assert len(simulation.ticks) > 1


def test_a_long_step_is_remembered_in_few_looks(simulation: Simulation) -> None:
    """However long a step is watched, its rollout stays short enough to be read at once: a hundred looks and a few."""
    long = Step(100, bake=3600.0, requests=0, limit=7200.0)
    simulation.opened = replace(simulation.opened, plan=replace(simulation.opened.plan, steps=(long,)))
    simulation.run()
    looks = [record for record in simulation.journal.records(simulation.opened.rollout) if record["event"] == "looked"]

    assert 90 <= len(looks) <= 120


def test_weights_are_kept_while_the_stack_goes_back(simulation: Simulation) -> None:
    """Whoever gives the candidate traffic while Pulumi is at work is put right before Pulumi is asked again."""
    _at_share(simulation, 50, _green(errors=0.5))
    tries: list[int] = []

    def revert(slot: str, inputs: object) -> str:
        del slot, inputs
        tries.append(simulation.router.weights["green"])
        if len(tries) < 3:
            simulation.router.write({"blue": 50, "green": 50})
            raise DeployError("busy")
        return "nothing differs"

    simulation.stack.revert = revert  # type: ignore[method-assign] - the same, and meddled with
    end = simulation.run()

    assert (end.phase, tries) == (Phase.ROLLED_BACK, [0, 0, 0])


def test_nothing_is_shifted_while_somebody_changes_the_stack(simulation: Simulation) -> None:
    """An `up` in the middle of the proving may be changing the candidate: it is waited for, and the proving goes on."""
    simulation.stack.changing = "you@there, process 7"
    seen: list[int] = []

    def listen(now: float) -> None:
        if now >= 6.0:
            simulation.stack.changing = None
        else:
            seen.append(simulation.router.weights["green"])

    simulation.clock.on_sleep(listen)
    end = simulation.run()

    assert (end.phase, set(seen)) == (Phase.PROMOTED, {0})
    assert any("somebody changes the stack: you@there" in found.because for tick in simulation.ticks for found in tick.findings)


def test_a_rollout_is_left_to_the_watchdog(simulation: Simulation) -> None:
    """Asked to, a driver that hands off leaves it as it is; one that does not, as the watchdog itself, goes on to the end."""
    name = simulation.opened.rollout
    _at_share(simulation, 50, lambda each: each.mailbox.post(name, {"verb": "drive", "by": "me", "at": each.clock.wall()}))
    with simulation.journal.open(name) as writer:
        writer.append(to_record(simulation.opened))
        left = Driver(simulation.world(), writer, simulation.clock, hands_off=True).run(simulation.told())

    assert (left.phase, left.share, simulation.router.weights["green"]) == (Phase.BAKING, 50, 50)
    assert simulation.run().phase is Phase.PROMOTED
