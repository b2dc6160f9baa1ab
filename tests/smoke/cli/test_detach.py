"""What holds for ``crossfade promote --detach``: it begins, somebody else drives, and nobody is left with a rollout alone."""

import pytest

from smoke.cli.promote import _detach
from smoke.clock import FakeClock
from smoke.errors import Exit, TimedOut
from smoke.guard import beat
from smoke.rollout import Phase, apply
from smoke.rollout.opening import History, Wish, promotion
from smoke.stack.project import Project
from smoke.wiring import Site
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import HELD, SLOW, Shop, ended

pytestmark = pytest.mark.processes


def test_the_watchdog_drives(shop: Shop) -> None:
    """It returns while the rollout runs, which another terminal can watch and approve, and which ends by itself."""
    shop.declare(HELD)
    shop.watchdog()
    done = shop.crossfade("promote", "--detach", "--json", user="ann")
    [document] = documents(done.stdout)
    watcher = shop.begin("watch")
    shop.until(lambda rollout: rollout.waits is not None)
    agreed = shop.crossfade("approve", user="bob")
    code, said = ended(watcher)
    rollout = shop.told()

    assert (done.returncode, agreed.returncode, code) == (Exit.WANTED, Exit.WANTED, Exit.WANTED)
    assert done.stderr == (
        "0001-g goes on in the background: crossfade watch shows it, crossfade abort takes it back\nstate: api 100 % blue\n"
    )
    assert (document["rollout"], document["by"].partition("@")[0]) == ("0001-g", "ann")
    assert said.splitlines()[-2].startswith("promoted    promoted: green is live")
    assert (rollout.phase, [each["verb"] for each in shop.requests()]) == (Phase.PROMOTED, ["drive", "approve"])


def test_without_a_watchdog(shop: Shop) -> None:
    """Nobody would drive: nothing begins, and it says what starts one."""
    shop.declare()
    done = shop.crossfade("promote", "--detach")

    assert done.returncode == Exit.GATE
    assert "error: the watchdog of this stack does not answer, so nobody would drive\n" in done.stderr
    assert "  hint:  pulumi up --stack staging starts it; or promote without --detach\n" in done.stderr
    assert shop.events() == []


def test_a_passphrase_that_the_watchdog_has_not(shop: Shop) -> None:
    """It could not take the stack back: nothing begins, and the secret is written nowhere."""
    shop.declare()
    shop.guarded()
    done = shop.crossfade("promote", "--detach", PULUMI_CONFIG_PASSPHRASE="a long secret")  # noqa: S106

    assert done.returncode == Exit.GATE
    assert "error: the watchdog has no passphrase, so it could not take the stack back\n" in done.stderr
    assert shop.events() == []
    assert not any(b"a long secret" in each.read_bytes() for each in shop.journal.rglob("*") if each.is_file())


def test_somebody_else_drives(shop: Shop) -> None:
    """A rollout that is driven already is left to whoever does, who is named."""
    shop.declare(SLOW)
    shop.guarded()
    driver = shop.begin("promote", user="ann")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    shop.guarded()
    done = shop.crossfade("promote", "--detach", user="bob")

    assert done.returncode == Exit.LOCKED
    assert f"process {driver.pid}, since" in done.stderr
    assert shop.requests() == []


class Alone(Site):
    """A stack whose time a test moves."""

    clock = FakeClock()  # type: ignore[assignment] - in the place of the machine's


def test_a_watchdog_that_does_not_begin(shop: Shop) -> None:
    """It is waited for no longer than half a minute; the rollout stays where it can be gone on with, or taken back."""
    shop.declare()
    site = Alone(Project("shop", shop.folder, shop.folder / ".state"), "staging")
    beat(shop.journal, site.clock.now())
    rollout = apply(None, promotion(site.contract, History(), Wish("ann@here", site.clock.wall())))
    with pytest.raises(TimedOut, match="the watchdog was asked to drive, and did not begin within 30 s") as late:
        _detach(site, rollout)

    assert site.clock.now() == pytest.approx(30.0, abs=1.0)
    assert (late.value.exit, late.value.where) == (Exit.TIMED_OUT, "0001-g")
    assert late.value.hint == "crossfade promote drives it here, crossfade abort takes it back"
    assert (shop.told(), [each["verb"] for each in shop.requests()]) == (rollout, ["drive"])
