"""A rollout that nobody drives: the watchdog beside the stack takes it back, or goes on with it where it was asked to."""

import json
import time
from collections.abc import Iterator

import pytest
from workshop import PLAN, Workshop, brought_up, until

from smoke.traffic import Target, traffic

pytestmark = [pytest.mark.engine, pytest.mark.processes]


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """A project whose rollouts are taken back after three seconds without a driver."""
    with brought_up({**PLAN, "steps": [50, 100], "absence": "3s"}) as made:
        until((made.journal / "watchdog.json").exists, "the watchdog beats")
        yield made


def _candidate(project: Workshop) -> str:
    return "green" if project.status()["live"] == "blue" else "blue"


def test_a_rollout_without_a_driver_is_taken_back(project: Workshop) -> None:
    """Its driver killed in the middle of a step, nobody types anything, and all is as it was; no request is lost."""
    before = project.status()["live"]
    with traffic({"api": Target(project.front("api", "/prices"), 100)}, limit=120.0) as load:
        with project.begun("promote", "--to", _candidate(project), "--again", "to be left alone"):
            until(lambda: "shifted" in project.events(), "the first step is watched")
        until(lambda: project.status()["rollout"]["phase"] == "rolled back", "the watchdog took it back")
    after = project.status()
    seen = load.summary()["api"].to_json()

    assert after["live"] == before
    assert after["weights"]["api"][before] == 100
    assert "aborted by watchdog: nobody drove it for" in after["rollout"]["because"][0]
    assert (seen["lost"], set(seen["statuses"])) == ({}, {200})


def test_promoted_in_the_background(project: Workshop) -> None:
    """With --detach the command returns at once, the watchdog drives to the end, and watch ends with the rollout's exit code."""
    project.up()  # what was taken back was removed, since it was never settled
    to = _candidate(project)
    began = time.monotonic()
    said = project.crossfade("promote", "--to", to, "--again", "in the background", "--detach", "--json")
    took = time.monotonic() - began
    watched = project.crossfade("watch")

    assert json.loads(said.stdout)["phase"] in {"proving", "shifting"}
    assert took < 20.0
    assert project.status()["live"] == to
    assert "promoted" in watched.stderr


def test_the_watchdog_may_die_as_well(project: Workshop) -> None:
    """Killed while it drives, it is started again by the supervisor, and goes on where the journal says."""
    to = _candidate(project)
    project.crossfade("promote", "--to", to, "--again", "to be killed", "--detach")
    until(lambda: "shifted" in project.events(), "the first step is watched")
    (watchdog,) = [each for each in project.processes() if "smoke.watchdog" in each.cmdline()]
    watchdog.kill()
    project.crossfade("watch")

    assert project.status()["live"] == to
    assert project.events().count("opened") == 1
