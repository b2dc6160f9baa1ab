"""What holds for ``crossfade promote --supersede``: back to nothing, deployed, begun anew; or nothing is changed."""

from collections.abc import Mapping
from dataclasses import replace

import pytest
from simulation import OPENED

from smoke.errors import Exit
from smoke.rollout import Aborted, Failed, Opened, Phase, Proved, Stuck
from tests.smoke.cli.shop import PLAN, SLOW, Shop, ended

pytestmark = pytest.mark.processes
WORDS = ("promote", "--supersede")


def rolling(shop: Shop, releases: Mapping[str, str], **opened: object) -> None:
    """A rollout runs that nobody drives, of what these releases say that green holds."""
    shop.declare(releases=dict(releases))
    begun = replace(OPENED, plan=PLAN, release=releases["green"], singletons=())
    opened = {"rollout": "0001-abc", **opened}
    shop.write(replace(begun, **opened), Proved(2.0), rollout=str(opened["rollout"]))  # type: ignore[arg-type] - fields of it


def test_what_the_settings_ask_for_supersedes_what_rolls(shop: Shop) -> None:
    """While another terminal drives: that one ends, its release is taken back, the new one deployed, and rolled to its end."""
    old = shop.settings(LEVEL="old")
    shop.declare(SLOW, releases=dict(old))
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    new = shop.settings(LEVEL="new")
    shop.after_pulumi("--message deploy", plan=dict(PLAN.to_json()), releases=dict(new))
    done = shop.crossfade(*WORDS)
    back, deployed = shop.asked()
    first, second = (shop.events(f"{number}-{release['green']}") for number, release in (("0001", old), ("0002", new)))

    assert (done.returncode, ended(driver)[0]) == (Exit.WANTED, Exit.HELD)
    assert f"0001-{old['green']} is taken back first: {new['green']} supersedes it\n" in done.stderr
    assert ("--message revert green" in back, "--message deploy" in deployed) == (True, True)
    assert [each.why for each in first if isinstance(each, Aborted)] == [f"superseded by {new['green']}"]
    assert [each.release for each in second if isinstance(each, Opened)] == [new["green"]]
    assert shop.told().phase is Phase.PROMOTED


def test_the_same_release_supersedes_nothing(shop: Shop) -> None:
    """Where the settings ask for what rolls, it says how to go on with that, or back."""
    rolling(shop, shop.settings())
    done = shop.crossfade(*WORDS)

    assert done.returncode == Exit.GATE
    assert ", which is the release that rolls\n" in done.stderr
    assert "  hint:  crossfade promote goes on with it, crossfade abort takes it back\n" in done.stderr
    assert unchanged(shop)


def test_hours_at_which_it_could_not_begin(shop: Shop) -> None:
    """What rolls is not taken back for what the settings, as they are now, would not let begin."""
    rolling(shop, shop.settings(LEVEL="old"))
    freeze = {"from": "2020-01-01 00:00", "until": "2100-01-01 00:00", "zone": "UTC", "why": "year end"}
    shop.settings({"freezes": [freeze]}, LEVEL="new")
    done = shop.crossfade(*WORDS)

    assert done.returncode == Exit.POLICY
    assert "  cause: frozen until 2100-01-01 00:00 UTC: year end\n" in done.stderr
    assert unchanged(shop)


def test_a_release_that_was_rolled_back(shop: Shop) -> None:
    """What rolls is not taken back for what was rolled back before, and is unchanged."""
    refused = shop.settings(LEVEL="bad")
    rolled = replace(OPENED, rollout=f"0001-{refused['green']}", plan=PLAN, release=refused["green"], singletons=())
    shop.write(rolled, Failed(2.0, ("worse",)), rollout=f"0001-{refused['green']}")
    shop.crossfade("abort")
    asked = shop.asked()
    rolling(shop, {"blue": "b", "green": "abc"}, rollout="0002-abc")
    done = shop.crossfade(*WORDS)

    assert done.returncode == Exit.GATE
    assert f"error: release {refused['green']} was rolled back and has not changed\n" in done.stderr
    assert shop.asked() == asked


def test_nothing_rolls(shop: Shop) -> None:
    """Then there is nothing to take back: it is deployed, and begun."""
    new = shop.settings(LEVEL="new")
    shop.after_pulumi("--message deploy", releases=dict(new))
    done = shop.crossfade(*WORDS)
    [up] = shop.asked()

    assert done.returncode == Exit.WANTED
    assert "--message deploy" in up
    assert shop.told().opened.release == new["green"]


def test_one_is_stuck(shop: Shop) -> None:
    """A person is needed first: nothing is deployed over it."""
    shop.write(replace(OPENED, plan=PLAN), Failed(2.0, ("worse",)), Stuck(3.0, ("the proxy is gone",)))
    done = shop.crossfade(*WORDS)

    assert (done.returncode, shop.asked()) == (Exit.ROLLBACK_FAILED, [])


def unchanged(shop: Shop) -> bool:
    """Pulumi was asked nothing, nor was the rollout, which stands as it did."""
    rollout = shop.told()
    return rollout is not None and rollout.phase is Phase.SHIFTING and shop.asked() == [] and shop.requests("0001-abc") == []
