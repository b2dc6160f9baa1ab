"""What holds for ``crossfade approve``: who may, when, and what is remembered of it."""

from dataclasses import replace

import pytest
from simulation import OPENED

from smoke.errors import Exit
from smoke.rollout import Aborted, Approved, Failed, Phase, Proved, Wait
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import HELD, PLAN, Shop, ended

pytestmark = pytest.mark.processes
TWO = replace(HELD, steps=(HELD.steps[0], replace(HELD.steps[1], approvals=2)))


def test_a_step_begins_once_enough_persons_agree(shop: Shop) -> None:
    """Each is remembered with name, time and reason; nothing moves before the last one, and then it goes on by itself."""
    shop.declare(TWO)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.waits is Wait.PERMIT)
    first = shop.crossfade("approve", "--why", "tests are green", "--json", user="ann")
    [document] = documents(first.stdout)
    held = shop.told()
    second = shop.crossfade("approve", user="bob")
    code, _ = ended(driver)
    agreed = [event for event in shop.events() if isinstance(event, Approved)]

    assert (first.returncode, second.returncode, code) == (Exit.WANTED, Exit.WANTED, Exit.WANTED)
    assert first.stderr.startswith("step 2, 100 %: 1 of 2 approvals (ann@")
    assert "; yours counts until " in first.stderr
    assert [(each["step"], each["why"]) for each in document["approvals"]] == [(2, "tests are green")]
    assert held.phase is Phase.HELD
    assert [(each.by.partition("@")[0], each.step, each.why) for each in agreed] == [
        ("ann", 1, "tests are green"),
        ("bob", 1, ""),
    ]
    assert all(OPENED.at < each.at for each in agreed)


def test_who_approved_need_not_again(shop: Shop) -> None:
    """A second approval of the same person changes nothing, asks nobody, and says the same."""
    shop.declare(TWO)
    shop.begin("promote")
    shop.until(lambda rollout: rollout.waits is Wait.PERMIT)
    first, second = (shop.crossfade("approve", user="ann") for _ in range(2))

    assert (second.returncode, second.stderr) == (Exit.WANTED, first.stderr)
    assert [each["verb"] for each in shop.requests()] == ["approve"]


def test_whoever_began_it_may_not_where_the_plan_says_so(shop: Shop) -> None:
    """It is refused by policy, before anybody is asked; somebody else may."""
    shop.declare(replace(HELD, own_approval=False))
    driver = shop.begin("promote", user="ann")
    shop.until(lambda rollout: rollout.waits is Wait.PERMIT)
    own = shop.crossfade("approve", user="ann")

    assert own.returncode == Exit.POLICY
    assert own.stderr == (
        "error: whoever began the rollout may not approve it\n"
        "  where: plan.own_approval\n"
        "  hint:  somebody else: crossfade approve\n"
        "  state: api 100 % blue\n"
    )
    assert shop.requests() == []
    assert shop.crossfade("approve", user="bob").returncode == Exit.WANTED
    assert ended(driver)[0] == Exit.WANTED


def test_where_no_rollout_runs(shop: Shop) -> None:
    """There is nothing to approve: a gate says no, and what to look at."""
    done = shop.crossfade("approve", "--json")
    [document] = documents(done.stdout)

    assert (done.returncode, document["exit"]) == (Exit.GATE, Exit.GATE)
    assert document["error"]["what"] == "no rollout is running, so there is nothing to approve"
    assert document["error"]["hint"] == "crossfade status"


def test_where_no_step_asks(shop: Shop) -> None:
    """A plan without approvals has nothing to agree to."""
    shop.write(replace(OPENED, plan=PLAN))
    done = shop.crossfade("approve")

    assert done.returncode == Exit.GATE
    assert "error: no step to come asks for an approval\n" in done.stderr
    assert "  hint:  crossfade plan names those that do\n" in done.stderr


@pytest.mark.parametrize("event", [Failed(2.0, ("worse",)), Aborted(2.0, "me@here")])
def test_too_late(event: Failed | Aborted, shop: Shop) -> None:
    """Nobody can agree to a rollout that goes back."""
    shop.write(replace(OPENED, plan=HELD), event)
    done = shop.crossfade("approve")

    assert done.returncode == Exit.GATE
    assert "error: the rollout is aborting: too late to approve\n" in done.stderr


@pytest.mark.parametrize("verb", ["approve", "pause"])
def test_where_nobody_drives(verb: str, shop: Shop) -> None:
    """Nobody would hear it: it says who could go on, and leaves no request behind."""
    shop.write(replace(OPENED, plan=HELD), Proved(2.0))
    done = shop.crossfade(verb)

    assert done.returncode == Exit.GATE
    assert "error: nobody drives this rollout, so nobody would hear it\n" in done.stderr
    assert "  hint:  crossfade promote goes on with it, crossfade abort takes it back\n" in done.stderr
    assert shop.requests("0001-abc") == []
