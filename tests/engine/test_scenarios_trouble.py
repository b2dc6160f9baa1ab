"""Trouble before and around a rollout: live is broken, something is missing, hardly anybody comes, the stack is destroyed."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from scenes import QUIET, unserved, users
from workshop import Workshop, brought_up, small, until

from infra.contract import Contract
from smoke.meters import meter
from smoke.model import Counts
from smoke.traffic import entries

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

METRIC: Mapping[str, Any] = {"at_most": 0.5, "every": "1s", "timeout": "5s"}
METER = "import json, time; print(json.dumps({'bad': 0, 'all': int(time.time() * 50)}))\n"


def _broken(project: Workshop) -> None:
    """The slot that serves first says that it is not well, and fails requests."""
    project.settings["slots"]["blue"]["services"] = {"api": {"env": {"FAULT_NEVER_READY": "1", "FAULT_ERRORS": "0.2"}}}
    small(project)


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """What serves is broken from the first."""
    with brought_up({**QUIET, "prove": "12s"}, _broken) as made:
        yield made


def _given(project: Workshop, slot: str) -> int:
    """Requests that a slot of the API was ever given."""
    service = Contract.from_json(project.contract()).service("api")
    assert service.meter is not None
    return dict(meter(service.meter).read().slots).get(slot, Counts()).requests


def _failed_by(record: Path) -> set[str]:
    """Whose answers were anything but 200."""
    return {str(each.version).partition("-")[0] for each in entries(record) if each.outcome != 200}


def test_an_alarm_before_the_start(project: Workshop) -> None:
    """While the live slot is not well nothing is proven, and the candidate gets no request: nowhere would be safe."""
    with users(project):
        project.crossfade("promote", expected=10)
        given = _given(project, "green")
    reasons = "\n".join(project.status()["rollout"]["because"])

    assert "api blue: http /health/" in reasons
    assert project.events() == ["opened", "failed", "cleared", "reverted"]
    assert given == 0
    assert project.weights() == {"blue": 100, "green": 0}


def test_forward_from_what_is_broken(project: Workshop, tmp_path: Path) -> None:
    """Told how live is broken, it takes every step, and judges the candidate by itself; nobody but live fails a request."""
    project.up()  # what was never proven was taken away
    with users(project, record=tmp_path / "requests") as load:
        project.crossfade("promote", "--again", "it was not at fault", "--fix-forward", "live fails one in five")
    seen, (opened, *_) = load.summary(), project.records()

    assert (opened["plan"]["forward"], opened["why"]) == (True, "it was not at fault; live fails one in five")
    assert [step["share"] for step in opened["plan"]["steps"]] == [50, 100, 100]
    assert (project.status()["live"], project.weights()) == ("green", {"blue": 0, "green": 100})
    assert seen["api"].lost == {}
    assert _failed_by(tmp_path / "requests") == {"py39"}


def test_no_way_back_to_what_is_broken(project: Workshop) -> None:
    """A revert to a slot that is not well is never proven, and users stay where they are, and lose nothing."""
    with users(project) as load:
        project.crossfade("revert", expected=10)

    assert project.events() == ["opened", "failed", "cleared", "reverted"]
    assert "api blue: http /health/" in "\n".join(project.status()["rollout"]["because"])
    assert (project.status()["live"], project.weights()) == ("green", {"blue": 0, "green": 100})
    assert unserved(load) == {}


def test_what_is_missing_may_come_later_and_so_may_users(project: Workshop) -> None:
    """Once a metric's script is there it goes on by itself; with hardly a user it never passes, with many it goes to the end."""
    project.settings["services"]["api"]["metrics"] = {"rejects": {"command": "python rejects.py {slot}", **METRIC}}
    project.settings["plan"] = {**QUIET, "blind": "60s", "limit": "10s", "at_limit": "hold"}
    project.settings["slots"]["blue"]["services"] = {}
    project.slot("blue", RELEASE="mended")
    project.up()
    with project.begun("promote") as driver:
        with users(project, {"api": 2.0}) as few:
            until(lambda: "rejects" in str(_blind(project)), "it says what it does not see")
            before = project.weights(), project.events()
            (project.folder / "rejects.py").write_text(METER, encoding="utf-8")
            until(lambda: project.status()["rollout"]["phase"] == "held", "it is held at its limit")
        held, weights = project.status()["rollout"], project.weights()
        with users(project, {"api": 100.0}) as many:
            project.crossfade("resume")
            code = driver.wait(120)

    assert before == ({"blue": 0, "green": 100}, ["opened"])
    assert "no verdict within 10 s at 50 %" in held["because"][0]
    assert any("requests" in reason for reason in held["because"][1:])
    assert weights == {"blue": 50, "green": 50}
    assert (code, project.status()["live"]) == (0, "blue")
    assert project.events()[3:6] == ["held", "resumed", "passed"]
    assert (unserved(few), unserved(many)) == ({}, {})


def test_destroyed_in_the_middle(project: Workshop) -> None:
    """Destroyed at 50 %, nothing of the stack is left and whoever drove ends; the next up serves from the slot to start with."""
    project.settings["plan"] = {**QUIET, "bake": "100s", "limit": "5m", "blind": "3s"}
    project.slot("green", RELEASE="never to be seen")
    project.up()
    with project.begun("promote") as driver:
        until(lambda: project.weights()["green"] == 50, "50 % on green")
        project.pulumi("destroy", "--yes", "--skip-preview")
        left = project.processes(), project.home.exists()
        code = driver.wait(120)
    project.up()
    status = project.status()

    assert left == ([], False)
    assert code == 11
    assert (status["live"], status["weights"]["api"]) == ("blue", {"blue": 100, "green": 0})
    assert project.ask("api", "/prices")[0] == 200


def _blind(project: Workshop) -> object:
    rollout = project.status()["rollout"]
    return None if rollout is None or rollout["phase"] != "proving" else rollout["seen"]
