"""What holds for ``crossfade watch``: it follows to the end, and ends as the rollout does."""

from dataclasses import replace

import pytest
from simulation import OPENED

from smoke.errors import Exit
from smoke.rollout import Cleared, Event, Failed, Finished, Phase, Proved, Reverted, Settled, Shifted, Stuck, Wait
from tests.smoke.cli.program import documents
from tests.smoke.cli.shop import HELD, PLAN, Shop, ended

pytestmark = pytest.mark.processes
BACK = (Failed(2.0, ("worse",)), Cleared(3.0), Reverted(4.0, "nothing differs"))
ENDS: tuple[tuple[tuple[Event, ...], Exit], ...] = (
    ((Proved(2.0), Shifted(3.0), Finished(4.0), Settled(5.0)), Exit.WANTED),
    (BACK, Exit.ROLLED_BACK),
    ((BACK[0], Stuck(3.0, ("the proxy is gone",))), Exit.ROLLBACK_FAILED),
)


def test_it_follows_whoever_drives(shop: Shop) -> None:
    """It tells every event once, from the first on, and ends with the rollout's own exit code."""
    shop.declare(HELD)
    driver = shop.begin("promote")
    shop.until(lambda rollout: rollout.waits is Wait.PERMIT)
    watcher = shop.begin("watch", "--json")
    shop.crossfade("approve", user="ann")
    out, said = watcher.communicate(timeout=90)
    [document] = documents(out)
    phases = [line.split()[0] for line in said.splitlines()]

    assert (watcher.returncode, ended(driver)[0], document["phase"]) == (Exit.WANTED, Exit.WANTED, Phase.PROMOTED.value)
    assert phases[:4] == ["proving", "shifting", "baking", "held"]
    assert phases[-4:] == ["baking", "settling", "promoted", "state:"]
    assert sum("is itself and healthy" in line for line in said.splitlines()) == 1


@pytest.mark.parametrize(("events", "code"), ENDS)
def test_what_has_ended(events: tuple[Event, ...], code: Exit, shop: Shop) -> None:
    """The last rollout is told whole, with the exit code that it had."""
    shop.write(replace(OPENED, plan=PLAN), *events)

    assert shop.crossfade("watch").returncode == code


def test_nobody_drives_and_nobody_will(shop: Shop) -> None:
    """Without a driver and a watchdog nothing follows: it says so, and who could go on."""
    shop.write(replace(OPENED, plan=PLAN), Proved(2.0))
    done = shop.crossfade("watch")

    assert done.returncode == Exit.TIMED_OUT
    assert "error: nobody drives this rollout, so nothing follows\n" in done.stderr
    assert "  hint:  crossfade promote goes on with it, crossfade abort takes it back\n" in done.stderr


def test_nothing_to_watch(shop: Shop) -> None:
    """Where there is no rollout yet that is no error, and for machines one document."""
    done = shop.crossfade("watch", "--json")

    assert (done.returncode, [each["nothing"] for each in documents(done.stdout)]) == (Exit.WANTED, ["no rollout yet"])
