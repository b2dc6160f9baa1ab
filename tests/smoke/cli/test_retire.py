"""What holds for ``crossfade retire``: the idle slot is removed once its time is over, and never while anybody uses it."""

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from simulation import OPENED

from smoke.cli.retire import _leave
from smoke.errors import Exit
from smoke.rollout import Event, Failed, Finished, Proved, Settled, Shifted, Stuck
from smoke.routers.memory import MemoryRouter
from smoke.stack.project import Project
from smoke.wiring import Site
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import COUNTED, PLAN, Shop

pytestmark = pytest.mark.processes
KEEP = 1000.0
BUSY = [{"green": {"requests": count, "errors": 0}, "blue": {"requests": 9, "errors": 0}} for count in (1, 2)]


def promoted(shop: Shop, ago: float) -> None:
    """Blue is live, since so many seconds; green had been."""
    at = time.time() - ago
    shop.declare(replace(PLAN, keep=KEEP))
    opened = replace(OPENED, live="green", candidate="blue", singletons=())
    shop.write(opened, Proved(at), Shifted(at), Finished(at), Settled(at))


def test_its_time_is_over(shop: Shop) -> None:
    """Pulumi removes it; who asked is remembered beside the rollout that made it idle, and what the settings ask for is said."""
    promoted(shop, KEEP + 60.0)
    done = shop.crossfade("retire", "--json", user="ann")
    [document] = documents(done.stdout)
    [up] = shop.asked()
    [trace] = shop.requests("0001-abc")

    assert done.returncode == Exit.WANTED
    assert done.stderr == (
        "slot green is removed; the next pulumi up puts it there again, without traffic, as Pulumi.staging.yaml asks\n"
        "state: api 100 % blue\n"
    )
    assert (document["retired"], document["by"].partition("@")[0]) == ("green", "ann")
    assert "--message revert green" in up
    assert (trace["verb"], trace["by"].partition("@")[0], trace["why"]) == ("retire", "ann", "")


def test_nobody_finds_it_any_more(shop: Shop) -> None:
    """Before it is removed, the data plane sends nobody there who names it: a session would find nothing."""
    promoted(shop, KEEP + 60.0)
    site = Site(Project("shop", shop.folder, shop.folder / ".state"), "staging")
    router = site.routers["api"]
    assert isinstance(router, MemoryRouter)
    router.write({"blue": 100, "green": 0}, {"green"})
    _leave(site, "green")

    assert (router.weights, router.keep) == ({"blue": 100, "green": 0}, frozenset())


def test_before_its_time(shop: Shop) -> None:
    """It is refused by policy until the plan's time is over; with a reason it goes, and the reason is remembered."""
    promoted(shop, 0.0)
    early = shop.crossfade("retire")
    asked = shop.asked()
    forced = shop.crossfade("retire", "--because", "no memory is left")

    assert early.returncode == Exit.POLICY
    assert early.stderr.startswith("error: slot green is kept warm until ")
    assert "  where: staging · plan.keep\n" in early.stderr
    assert '  hint:  wait, or: crossfade retire --because "why it is not wanted any more"\n' in early.stderr
    assert asked == []
    assert (forced.returncode, len(shop.asked())) == (Exit.WANTED, 1)
    assert [each["why"] for each in shop.requests("0001-abc")] == ["no memory is left"]


def test_a_slot_that_has_weight(shop: Shop) -> None:
    """What the data plane serves counts, whatever the journal says."""
    shop.declare(replace(PLAN, keep=0.0))
    shop.write(replace(OPENED, singletons=()), Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0))
    done = shop.crossfade("retire")

    assert (done.returncode, shop.asked()) == (Exit.GATE, [])
    assert "error: slot blue has 100 % of api\n" in done.stderr


def test_a_slot_that_is_still_asked(shop: Shop) -> None:
    """Sessions that have not ended keep it, with no weight at all."""
    promoted(shop, KEEP + 60.0)
    shop.declare(replace(PLAN, keep=KEEP), service={"meter": {"kind": "scripted", "settings": {"samples": BUSY}}})
    done = shop.crossfade("retire")

    assert (done.returncode, shop.asked()) == (Exit.GATE, [])
    assert "error: slot green still answers requests of api\n" in done.stderr


@pytest.mark.parametrize(
    ("fence", "said"),
    [
        ('{"holder": "green", "token": 1}', "error: agent is at work on slot green\n"),
        ("damaged", "error: whether slot green is used cannot be known\n  where: agent\n"),
    ],
)
def test_a_singleton_that_is_at_work(fence: str, said: str, shop: Shop) -> None:
    """Whoever works there keeps it; and so does one of whom nobody knows whether it does."""
    promoted(shop, KEEP + 60.0)
    shop.singleton(fence)
    done = shop.crossfade("retire")

    assert (done.returncode, shop.asked()) == (Exit.GATE, [])
    assert said in done.stderr


@pytest.mark.parametrize("part", ["meter", "router"])
def test_what_cannot_be_asked(part: str, shop: Shop) -> None:
    """Where the data plane does not answer nothing is removed, and the error says why it is not known."""
    promoted(shop, KEEP + 60.0)
    gone: Mapping[str, Any] = {"service": "api", "admin": "/nowhere/envoy.sock"}
    gone = {**gone, "file": str(shop.folder / "api.json")} if part == "router" else gone
    shop.declare(replace(PLAN, keep=KEEP), service={part: {"kind": "envoy", "settings": gone}})
    done = shop.crossfade("retire")

    assert (done.returncode, shop.asked()) == (Exit.GATE, [])
    assert "error: whether slot green is used cannot be known\n  where: api\n  cause: api: the proxy does not say" in done.stderr


@pytest.mark.parametrize(
    ("events", "code", "said"),
    [
        ((), Exit.GATE, "error: nothing was promoted yet, so no slot has had its time\n"),
        ((OPENED, Proved(2.0)), Exit.GATE, "error: a rollout is running: it is shifting\n"),
        ((OPENED, Failed(2.0, ("worse",)), Stuck(3.0, ("gone",))), Exit.ROLLBACK_FAILED, "error: going back did not work"),
    ],
)
def test_both_slots_are_wanted(events: tuple[Event, ...], code: Exit, said: str, shop: Shop) -> None:
    """Before a promotion, while a rollout runs, and where one is stuck nothing is removed, nor is a journal begun."""
    if events:
        shop.write(*events)
    done = shop.crossfade("retire", "--because", "I say so")

    assert (done.returncode, shop.asked()) == (code, [])
    assert said in done.stderr
    assert len(list(shop.journal.glob("*.jsonl"))) == bool(events)


def test_nothing_is_placed_beside_the_live_slot(shop: Shop) -> None:
    """What was retired once is retired: that is no error, and for machines one document."""
    promoted(shop, 0.0)
    shop.declare(releases={"blue": "b"}, service={"meter": {"kind": "scripted", "settings": {"samples": [COUNTED]}}})
    done = shop.crossfade("retire", "--json")

    assert (done.returncode, [each["retired"] for each in documents(done.stdout)]) == (Exit.WANTED, [None])
    assert done.stderr.startswith("nothing to retire: no slot is placed beside blue\n")
    assert shop.asked() == []
