"""What people and the calendar have to say to a rollout: pauses, approvals, hours. Driven in a simulated stack."""

from dataclasses import replace

import pytest
from crashing import PLAN, Ordeal

from smoke.plan import Freeze, Plan
from smoke.rollout import Approved, Failed, Held, Passed, Phase, Proved, Resumed, Shifted, Wait

OPEN = 0.0
FROM = 1_700_000_000.0
"""Where the simulated date begins."""


def _plan(*approvals: int, **change: object) -> Plan:
    steps = tuple(replace(step, approvals=needed) for step, needed in zip(PLAN.steps, (*approvals, 0, 0, 0), strict=False))
    return replace(PLAN, steps=steps, hold=60.0, **change)  # type: ignore[arg-type] - a test's own words


def _silent(plan: Plan, **opened: object) -> Ordeal:
    """A rollout that nobody approves by script."""
    ordeal = Ordeal(plan=plan)
    ordeal.opened = replace(ordeal.opened, **opened)  # type: ignore[arg-type] - dito
    ordeal.mailbox.post = _without_scripted(ordeal)  # type: ignore[method-assign] - the harness approves step 2 by itself
    return ordeal


def _without_scripted(ordeal: Ordeal):  # noqa: ANN202 - the mailbox's own method
    post = ordeal.mailbox.post

    def only_asked(rollout: str, request: dict[str, object]) -> None:
        if request.get("by") != "you@there":
            post(rollout, request)

    return only_asked


def _kinds(ordeal: Ordeal) -> list[str]:
    wanted = (Held, Approved, Passed, Shifted, Resumed, Failed, Proved)
    return [type(event).__name__ for event in ordeal.events() if isinstance(event, wanted)]


def test_a_step_waits_for_its_approvals() -> None:
    """It is held once every gate passes, nothing moves, and it begins once as many persons agreed as the plan asks for."""
    ordeal = _silent(_plan(0, 2))
    ordeal.at(10, 15.0, lambda: ordeal.post("approve", "one@here"))
    ordeal.at(10, 20.0, lambda: ordeal.post("approve", "one@here"))
    ordeal.at(10, 25.0, lambda: ordeal.post("approve", "two@there"))
    end = ordeal.run()
    held = next(event for event in ordeal.events() if isinstance(event, Held))
    passed = next(event for event in ordeal.events() if isinstance(event, Passed))

    assert end.phase is Phase.PROMOTED
    assert _kinds(ordeal) == ["Proved", "Shifted", "Held", "Approved", "Approved", "Passed", "Shifted", "Passed", "Shifted"]
    assert held.permit
    assert held.because == ("0 of 2 approvals of the step to 100 %: crossfade approve",)
    assert passed.at - held.at > 15.0
    assert [(each.by, each.step) for each in end.approvals] == [("one@here", 1), ("two@there", 1)]


def test_approvals_may_come_before_they_are_needed() -> None:
    """Whoever approves while the step before is watched need not approve again, and nothing is held."""
    ordeal = _silent(_plan(0, 1))
    ordeal.at(10, 1.0, lambda: ordeal.post("approve", "one@here"))

    assert ordeal.run().phase is Phase.PROMOTED
    assert "Held" not in _kinds(ordeal)


def test_an_approval_expires() -> None:
    """After the seconds that approvals last one counts no more, and who gave it may give it anew."""
    ordeal = _silent(_plan(0, 2, approvals_last=10.0))
    ordeal.at(10, 1.0, lambda: ordeal.post("approve", "one@here"))
    ordeal.at(10, 20.0, lambda: ordeal.post("approve", "two@there"))
    ordeal.at(10, 25.0, lambda: ordeal.post("approve", "one@here"))
    end = ordeal.run()

    assert end.phase is Phase.PROMOTED
    assert [each.by for each in end.approvals] == ["one@here", "two@there", "one@here"]


def test_who_began_may_not_approve_where_the_plan_says_so() -> None:
    """The approval of whoever began the rollout does not count, and without another it goes back when the hold ends."""
    ordeal = _silent(_plan(0, 1, own_approval=False))
    ordeal.at(10, 1.0, lambda: ordeal.post("approve", ordeal.opened.by))
    end = ordeal.run()

    assert end.phase is Phase.ROLLED_BACK
    assert end.because[-1] == "nobody decided within 60 s"


def test_the_first_step_may_need_approvals_as_well() -> None:
    """While they are missing the candidate has no traffic at all; in the end it is given up."""
    ordeal = _silent(_plan(1))
    end = ordeal.run()

    assert end.phase is Phase.ROLLED_BACK
    assert all(written["green"] == 0 for written in ordeal.routers["api"].written)
    assert "nobody decided within 60 s" in end.because


def test_a_worse_candidate_goes_back_while_it_waits() -> None:
    """Waiting for approvals it is watched as before, and a FAIL takes it back."""
    ordeal = _silent(_plan(0, 1))
    ordeal.at(10, 12.0, lambda: setattr(ordeal.sides["green"], "errors", 0.5))
    end = ordeal.run()

    assert end.phase is Phase.ROLLED_BACK
    assert _kinds(ordeal) == ["Proved", "Shifted", "Held", "Failed"]
    assert "errors" in end.because[0]


def test_no_approval_lets_a_paused_rollout_go_on() -> None:
    """Paused by a person while it waits for approvals, it goes on when a person resumes it, not when it is approved."""
    ordeal = _silent(_plan(0, 1))
    ordeal.at(10, 12.0, lambda: ordeal.post("pause", "one@here"))
    ordeal.at(10, 14.0, lambda: ordeal.post("approve", "two@there"))
    ordeal.at(10, 24.0, lambda: ordeal.post("resume", "one@here"))
    end = ordeal.run()

    assert end.phase is Phase.PROMOTED
    assert _kinds(ordeal)[:6] == ["Proved", "Shifted", "Held", "Held", "Approved", "Resumed"]


def test_it_can_be_paused_before_it_has_traffic() -> None:
    """Paused while the candidate is proved, it gets no traffic until somebody resumes, however well it is."""
    ordeal = _silent(_plan())
    ordeal.once(lambda: ordeal.clock.now() >= 0.5, lambda: ordeal.post("pause", "one@here"))
    ordeal.once(lambda: ordeal.clock.now() >= 4.5, lambda: ordeal.post("resume", "one@here"))
    end = ordeal.run()
    resumed, proved = (next(each.at for each in ordeal.events() if isinstance(each, kind)) for kind in (Resumed, Proved))

    assert end.phase is Phase.PROMOTED
    assert _kinds(ordeal)[:4] == ["Held", "Resumed", "Proved", "Shifted"]
    assert proved >= resumed


def test_a_pause_while_weights_move_is_not_lost() -> None:
    """Asked for in the middle of a shift, it holds the step that the shift leads to."""
    ordeal = _silent(_plan())
    router = ordeal.routers["web"]
    ordeal.once(lambda: ordeal.told().phase is Phase.SHIFTING, lambda: ordeal.post("pause", "one@here"))
    ordeal.at(10, 12.0, lambda: ordeal.post("resume", "one@here"))
    write, failed = router.write, []

    def late(*words: object) -> None:
        if len(failed) < 4:
            failed.append(1)
            from smoke.errors import RouterError  # noqa: PLC0415

            raise RouterError("not yet")
        write(*words)  # type: ignore[arg-type] - what the driver gave

    router.write = late  # type: ignore[method-assign] - it has no fault that lasts
    end = ordeal.run()

    assert end.phase is Phase.PROMOTED
    assert _kinds(ordeal)[:4] == ["Proved", "Shifted", "Held", "Resumed"]


@pytest.mark.parametrize("override", ["", "the exchange changes its protocol tonight"])
def test_in_a_freeze_nothing_goes_forward(override: str) -> None:
    """A freeze that begins in the middle holds the next step until it ends; whoever had a reason to begin goes on."""
    freeze = Freeze(FROM + 4.0, FROM + 40.0, "holidays")
    ordeal = _silent(_plan(freezes=(freeze,)), override=override)
    end = ordeal.run()
    second = [event.at for event in ordeal.events() if isinstance(event, Shifted)][1]

    assert end.phase is Phase.PROMOTED
    assert (second >= FROM + 40.0) is (override == "")
    assert ("Held" in _kinds(ordeal)) is (override == "")


def test_going_back_needs_no_permit() -> None:
    """In a freeze, paused, and without approvals, an abort goes back at once."""
    ordeal = _silent(_plan(0, 1, freezes=(Freeze(FROM + 4.0, FROM + 4000.0, "holidays"),)))
    ordeal.at(10, 12.0, lambda: ordeal.post("pause", "one@here"))
    ordeal.at(10, 14.0, lambda: ordeal.post("abort", "one@here"))
    end = ordeal.run()

    assert end.phase is Phase.ROLLED_BACK
    assert end.because == ("aborted by one@here: as scripted",)


def test_what_is_waited_for_is_told() -> None:
    """A rollout says whether it waits for a person, for a permit or for neither."""
    ordeal = _silent(_plan(0, 1))
    seen: list[Wait | None] = []
    ordeal.at(10, 12.0, lambda: seen.append(ordeal.told().waits))
    ordeal.at(10, 12.0, lambda: ordeal.post("pause", "one@here"))
    ordeal.at(10, 14.0, lambda: seen.append(ordeal.told().waits))
    ordeal.run()

    assert seen == [Wait.PERMIT, Wait.PERSON]


def test_to_go_back_comes_first() -> None:
    """Of what is asked within one tick, an abort is what is done."""
    ordeal = _silent(_plan())
    ordeal.at(10, 1.0, lambda: [ordeal.post("pause", "one@here"), ordeal.post("abort", "two@there")])  # type: ignore[arg-type]
    end = ordeal.run()

    assert end.phase is Phase.ROLLED_BACK
    assert _kinds(ordeal) == ["Proved", "Shifted"]


def test_an_approval_is_of_the_step_that_it_names() -> None:
    """One that names another step than the next that asks counts for nothing."""
    ordeal = _silent(_plan(0, 1, 1))

    def approve(step: int) -> None:
        request = {"verb": "approve", "by": "one@here", "at": ordeal.clock.wall(), "step": step}
        ordeal.mailbox.post(ordeal.opened.rollout, request)

    ordeal.at(10, 1.0, lambda: approve(0))
    ordeal.at(10, 15.0, lambda: approve(1))
    ordeal.at(100, 15.0, lambda: approve(2))
    end = ordeal.run()

    assert end.phase is Phase.PROMOTED
    assert [each.step for each in end.approvals] == [1, 2]
    assert _kinds(ordeal)[2:5] == ["Held", "Approved", "Passed"]


def test_an_old_approval_stays_old() -> None:
    """A driver that takes over hears the approvals that were posted meanwhile, and counts them from when they were given."""
    ordeal = Ordeal(kills=(24,), plan=_plan(0, 1, approvals_last=5.0))
    ordeal.mailbox.post = _without_scripted(ordeal)  # type: ignore[method-assign] - see above
    ordeal.once(lambda: ordeal.deaths == 1, lambda: [ordeal.post("approve", "one@here"), ordeal.clock.sleep(10.0)])  # type: ignore[arg-type,func-returns-value]

    assert ordeal.run().approvals == ()


def test_what_is_no_request_harms_nobody() -> None:
    """Whoever posts rubbish into the mailbox is not heard, and the rollout goes on."""
    ordeal = _silent(_plan())
    rubbish: list[dict[str, object]] = [
        {},
        {"verb": "abort"},
        {"verb": 1, "by": "x", "at": 1.0},
        {"verb": "abort", "by": "x", "at": "now"},
    ]
    ordeal.at(10, 1.0, lambda: [ordeal.mailbox.post(ordeal.opened.rollout, each) for each in rubbish])  # type: ignore[arg-type,func-returns-value]

    assert ordeal.run().phase is Phase.PROMOTED
