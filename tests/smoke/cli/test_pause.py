"""What holds where one terminal drives and another asks: pause, resume, abort; and for who nobody asked."""

import pytest

from smoke.errors import Exit
from smoke.rollout import Phase, Wait
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import SLOW, Shop, ended

pytestmark = pytest.mark.processes


def test_paused_and_resumed_from_another_terminal(shop: Shop) -> None:
    """It is held at its weights by name and reason, goes on when somebody says so, and goes back when somebody says that."""
    shop.declare(SLOW)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    paused = shop.crossfade("pause", "--why", "lunch", "--json", user="ann")
    [held] = documents(paused.stdout)
    resumed = shop.crossfade("resume", "--json", user="ann")
    [going] = documents(resumed.stdout)
    again = shop.crossfade("resume", user="ann")
    aborted = shop.crossfade("abort", "--why", "enough", user="ann")
    code, _ = ended(driver)
    [up] = shop.asked()

    assert (paused.returncode, resumed.returncode, again.returncode) == (Exit.WANTED, Exit.WANTED, Exit.WANTED)
    assert (held["phase"], held["waits"], held["share"]) == ("held", Wait.PERSON.value, 10)
    assert held["because"][0].startswith("paused by ann@")
    assert held["because"][0].endswith(": lunch")
    assert (going["phase"], going["waits"]) == ("baking", None)
    assert "nothing to resume: the rollout is baking\n" in again.stderr
    assert (aborted.returncode, code) == (Exit.WANTED, Exit.HELD)
    assert shop.told().phase is Phase.ROLLED_BACK
    assert "--message revert green" in up


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_nothing_runs(verb: str, shop: Shop) -> None:
    """There is nothing to pause or to resume."""
    done = shop.crossfade(verb)

    assert done.returncode == Exit.GATE
    assert f"error: no rollout is running, so there is nothing to {verb}\n" in done.stderr


def test_nothing_to_abort(shop: Shop) -> None:
    """That is no error, and for machines one document."""
    done = shop.crossfade("abort", "--json")

    assert (done.returncode, documents(done.stdout)) == (
        Exit.WANTED,
        [{"format": 1, "nothing": "no rollout is running", "weights": {"api": {"blue": 100, "green": 0}}}],
    )


def test_status_says_who_drives_and_what_it_waits_for(shop: Shop) -> None:
    """While somebody drives it is said who; once nobody does, what becomes of the rollout then."""
    shop.declare(SLOW)
    driver = shop.begin("promote", user="ann")
    shop.until(lambda rollout: rollout.phase is Phase.BAKING)
    [driven] = documents(shop.crossfade("status", "--json").stdout)
    shown = shop.crossfade("status").stdout
    driver.kill()
    driver.wait(timeout=30)
    [left] = documents(shop.crossfade("status", "--json").stdout)
    alone = shop.crossfade("status").stdout
    shop.guarded()
    guarded = shop.crossfade("status").stdout

    assert (driven["driver"]["pid"], set(driven["driver"])) == (driver.pid, {"user", "host", "pid", "since"})
    assert (driven["watchdog"], left["watchdog"], left["driver"]) == (False, False, None)
    assert f"  driven by {driven['driver']['user']}@{driven['driver']['host']}, process {driver.pid}, since " in shown
    assert "  nobody drives it, nor does a watchdog answer: crossfade promote goes on with it, crossfade abort" in alone
    assert "  nobody drives it: the watchdog takes it back 60 s after it saw that; crossfade promote goes on with it\n" in guarded
