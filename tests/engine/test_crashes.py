"""A driver that dies, and a machine that does: whatever is killed, the end is the same."""

from collections.abc import Iterator

import psutil
import pytest
from workshop import PLAN, Workshop, brought_up, until

pytestmark = [pytest.mark.engine, pytest.mark.processes]

GOOD = ["proving", "shifting", "baking", "settling"]
BAD = ["aborting", "reverting"]


@pytest.fixture(scope="module")
def both() -> Iterator[Workshop]:
    """A project whose slots run the same release, so that it can be promoted back and forth."""
    with brought_up({**PLAN, "steps": [50, 100]}, Workshop.save) as made:
        yield made


def _killed_in(project: Workshop, phase: str) -> None:
    """Begin a promotion, and kill its driver once the journal says that the phase was entered."""
    last = project.status()["rollout"]
    count = 0 if last is None else int(last["rollout"][:4])
    to = "green" if project.status()["live"] == "blue" else "blue"
    with project.begun("promote", "--to", to, "--again", "to be killed"):
        until(lambda: _entered(project, phase, count), f"the rollout is {phase}")


_ENTERS = {
    "proving": "opened",
    "shifting": "proved",
    "baking": "shifted",
    "settling": "finished",
    "aborting": "failed",
    "reverting": "cleared",
}
"""The event by which a phase is entered."""


def _entered(project: Workshop, phase: str, count: int) -> bool:
    records = project.records()
    return (
        bool(records)
        and int(str(records[0].get("rollout", "0"))[:4]) > count
        and any(record["event"] == _ENTERS[phase] for record in records)
    )


@pytest.mark.parametrize("phase", GOOD)
def test_a_killed_driver_is_resumed_to_the_same_end(both: Workshop, phase: str) -> None:
    """Killed in any phase of a good rollout, the next promote goes on with it, and it ends promoted."""
    before = both.status()["live"]
    _killed_in(both, phase)
    both.crossfade("promote")
    after = both.status()

    assert after["rollout"]["phase"] == "promoted"
    assert after["live"] != before
    assert after["weights"]["api"][after["live"]] == 100
    assert [record["event"] for record in both.records()].count("opened") == 1


@pytest.mark.parametrize("phase", BAD)
def test_a_killed_way_back_is_finished(both: Workshop, phase: str) -> None:
    """Killed while it goes back, the next promote finishes the way back: exit 10, live as before, candidate without weight."""
    live = both.status()["live"]
    candidate = "green" if live == "blue" else "blue"
    runtime = both.settings["slots"][candidate]["runtime"]
    both.slot(candidate, runtime=runtime, FAULT_ERRORS="0.3")
    both.up()
    _killed_in(both, phase)
    both.crossfade("promote", expected=10)
    after = both.status()
    both.slot(candidate, runtime=runtime)
    both.up()

    assert (after["live"], after["rollout"]["phase"]) == (live, "rolled back")
    assert after["weights"]["api"] == {live: 100, candidate: 0}


def test_after_a_reboot_up_brings_everything_back(both: Workshop) -> None:
    """With every process of the stack gone at once, `pulumi up` has everything serve again, on the weights that were."""
    before = both.status()
    processes = both.processes()
    assert len(processes) > 5
    for process in processes:
        process.kill()
    psutil.wait_procs(processes, timeout=20)
    both.up()
    after = both.status()

    assert after["weights"] == before["weights"]
    assert both.ask("api", "/prices")[0] == 200
    assert both.ask("dashboard")[0] == 200
    assert both.crossfade("smoke", "--slot", after["live"]).returncode == 0
    until(lambda: both.crossfade("smoke", "--slot", after["live"], expected=None).returncode == 0, "live is well")


def test_destroy_leaves_nothing_behind(both: Workshop) -> None:
    """After a destroy there is no process, no port and no file of the stack, and it can be brought up anew."""
    both.pulumi("destroy", "--yes", "--skip-preview")

    assert both.processes() == []
    assert not both.home.exists()
    both.up()
    assert both.status()["live"] == "blue"
    assert both.weights() == {"blue": 100, "green": 0}
