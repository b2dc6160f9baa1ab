"""What holds where the calendar, or a broken live slot, has a say in how a rollout begins: promote and plan."""

import time
from dataclasses import replace

import pytest
from simulation import OPENED

from smoke.errors import Exit
from smoke.plan import Freeze, Plan, Window
from smoke.rollout import Opened, Phase, Proved
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import PLAN, SLOW, Shop, ended

pytestmark = pytest.mark.processes
FROZEN = replace(PLAN, freezes=(Freeze(0.0, 4_102_444_800.0, "year end"),))
SHUT = "frozen until 2100-01-01 00:00 UTC: year end"


def test_promote_is_refused_and_nothing_is_changed(shop: Shop) -> None:
    """Policy says no and until when; there is neither a journal nor a request."""
    shop.declare(FROZEN)
    done = shop.crossfade("promote", "--json")
    [document] = documents(done.stdout)

    assert (done.returncode, document["exit"]) == (Exit.POLICY, Exit.POLICY)
    assert done.stderr == (
        "error: it may not begin now\n"
        "  where: staging · plan\n"
        f"  cause: {SHUT}\n"
        '  hint:  wait, or: crossfade promote --because "why it cannot wait"\n'
        "  state: api 100 % blue\n"
    )
    assert not shop.journal.exists()


def test_a_reason_opens_the_window(shop: Shop) -> None:
    """With a reason it begins, goes forward to its end, and the reason is in the journal."""
    shop.declare(FROZEN)
    done = shop.crossfade("promote", "--because", "users wait for it")
    [opened] = [event for event in shop.events() if isinstance(event, Opened)]

    assert (done.returncode, opened.override) == (Exit.WANTED, "users wait for it")
    assert shop.told().phase is Phase.PROMOTED


def test_a_reason_that_comes_too_late(shop: Shop) -> None:
    """A rollout that runs goes on as it began; that the reason is not heard is said."""
    shop.write(replace(OPENED, plan=PLAN, singletons=()), Proved(2.0))
    done = shop.crossfade("promote", "--because", "now")

    assert done.returncode == Exit.WANTED
    assert "--because and --fix-forward are for a rollout that begins, and this one began without" in done.stderr
    assert shop.told().opened.override == ""


def test_a_way_forward_from_a_broken_slot(shop: Shop) -> None:
    """The candidate is compared with nothing, and why the live slot is known to be broken is in the journal."""
    shop.declare()
    done = shop.crossfade("promote", "--fix-forward", "blue loses orders")
    [opened] = [event for event in shop.events() if isinstance(event, Opened)]
    gates = opened.plan.gates

    assert (done.returncode, opened.why) == (Exit.WANTED, "blue loses orders")
    assert (opened.plan.forward, gates.error_ratio, gates.latency_ratio) == (True, 0.0, 0.0)


def _calendar(**change: object) -> Plan:
    return replace(PLAN, **change)  # type: ignore[arg-type] - parts of a plan


@pytest.mark.parametrize(
    ("plan", "line"),
    [
        (FROZEN, f"  hours    promote would be refused now: {SHUT}"),
        (_calendar(windows=(Window(tuple(range(7)), 0, 1440, "UTC"),)), "  hours    promote would begin now"),
    ],
)
def test_plan_says_when(plan: Plan, line: str, shop: Shop) -> None:
    """The plan is shown at any hour, with what promote would say; and with what people and the watchdog have to do with it."""
    asked = replace(plan, steps=(plan.steps[0], replace(plan.steps[1], approvals=2)), own_approval=False)
    shop.declare(asked)
    done = shop.crossfade("plan", "--watch", "0.1")
    [document] = documents(shop.crossfade("plan", "--watch", "0.1", "--json").stdout)
    lines = done.stdout.splitlines()

    assert done.returncode == Exit.WANTED
    assert line in lines
    assert any(each.startswith("  step 2   100 %, after 2 approvals: 0.2 s or more") for each in lines)
    assert "  approve  each counts for 3600 s, and whoever begins it is none of them: crossfade approve" in lines
    assert "  absence  60 s without a driver, and the stack's watchdog takes it back" in lines
    assert "  keep     for 86400 s after the promotion blue is kept warm; then crossfade retire removes it" in lines
    assert document["closed"] == (SHUT if plan is FROZEN else None)
    assert (document["plan"]["absence"], document["plan"]["own_approval"]) == (60.0, False)


def test_a_window_that_closes_holds_what_runs(shop: Shop) -> None:
    """Who takes over a rollout outside its hours holds it, and a person may still take it back."""
    shop.write(replace(OPENED, at=time.time(), plan=replace(FROZEN, steps=SLOW.steps), singletons=()))
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.look is not None and any(SHUT in each for each in rollout.look.findings))
    aborted = shop.crossfade("abort")

    assert (aborted.returncode, ended(driver)[0]) == (Exit.WANTED, Exit.HELD)
    assert not any(isinstance(event, Proved) for event in shop.events())
