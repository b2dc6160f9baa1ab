"""What holds for ``crossfade revert``: what was live before gets all traffic in one step, and is placed again if gone."""

from dataclasses import replace
from typing import Any

import pytest
from simulation import OPENED

from infra.contract import fingerprint
from smoke.errors import Exit
from smoke.rollout import Event, Failed, Finished, Opened, Phase, Proved, Settled, Shifted, Stuck
from tests.smoke.cli.shop import PLAN, SLOW, Shop

pytestmark = pytest.mark.processes
BEFORE: Any = {"api": {"runtime": "py39"}}
PROMOTED: tuple[Event, ...] = (Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0))


def promoted(shop: Shop, release: str) -> None:
    """Green is live, and blue had been; blue's slot holds this release now."""
    shop.declare(SLOW, releases={"blue": release, "green": "g"} if release else {"green": "g"})
    shop.write(replace(OPENED, plan=PLAN, singletons=(), inputs={"blue": BEFORE}), *PROMOTED)


def test_a_warm_slot(shop: Shop) -> None:
    """It holds what was live: Pulumi is asked nothing, the steps of the plan are not gone, and the reason is remembered."""
    promoted(shop, fingerprint(BEFORE))
    done = shop.crossfade("revert", "--why", "orders are lost")
    opened = shop.told().opened

    assert (done.returncode, shop.told().phase) == (Exit.WANTED, Phase.PROMOTED)
    assert (opened.live, opened.candidate, opened.why) == ("green", "blue", "orders are lost")
    assert [step.share for step in opened.plan.steps] == [100]
    assert shop.asked() == []


@pytest.mark.parametrize("release", ["other", ""])
def test_a_cold_slot(release: str, shop: Shop) -> None:
    """Where it holds something else, or was retired, Pulumi first places there what was live; then it is as with a warm one."""
    promoted(shop, release)
    shop.after_pulumi(releases={"blue": fingerprint(BEFORE), "green": "g"})
    done = shop.crossfade("revert")
    [up] = shop.asked()

    assert done.returncode == Exit.WANTED
    assert done.stderr.startswith(
        "slot blue does not hold what was live before: Pulumi places that there again, without traffic\n"
    )
    assert "--message revert blue" in up
    assert [event.candidate for event in shop.events() if isinstance(event, Opened)] == ["blue"]


def test_pulumi_fails(shop: Shop) -> None:
    """What cannot be placed gets no traffic: no rollout begins, and the error is Pulumi's."""
    promoted(shop, "other")
    (shop.folder / "asked.after").write_text("exit 3", encoding="utf-8")
    done = shop.crossfade("revert")

    assert (done.returncode, shop.told().opened.rollout) == (Exit.DEPLOYMENT, "0001-abc")
    assert "error: pulumi up failed: exit status 3\n" in done.stderr


@pytest.mark.parametrize(
    ("events", "code", "said"),
    [
        ((), Exit.GATE, "error: nothing was promoted yet, so there is nothing to go back to\n"),
        ((OPENED, Proved(2.0)), Exit.GATE, "error: a rollout is running: it is shifting\n"),
        ((OPENED, Failed(2.0, ("worse",)), Stuck(3.0, ("gone",))), Exit.ROLLBACK_FAILED, "error: going back did not work"),
    ],
)
def test_no_way_back(events: tuple[Event, ...], code: Exit, said: str, shop: Shop) -> None:
    """Before a promotion, while a rollout runs, and where one is stuck nothing is placed and nothing begins."""
    if events:
        shop.write(*events)
    done = shop.crossfade("revert")

    assert (done.returncode, shop.asked()) == (code, [])
    assert said in done.stderr
