"""Three services in a row, the third of which fails: whatever the others have reached, all three go back, consumers first."""

from collections.abc import Iterator
from typing import Any

import pytest
from machine import free_port
from scenes import QUIET, unserved, users
from workshop import Workshop, brought_up, until

from infra.contract import Contract
from smoke.meters import meter
from smoke.model import Counts

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load]

CHAIN = ("api", "dashboard", "quotes")
"""Providers first."""
RATES = dict.fromkeys(CHAIN, 50.0)


def _third(project: Workshop) -> None:
    """The API once more, under another name, as a consumer of the dashboard; nothing works alone here."""
    services: dict[str, Any] = project.settings["services"]
    del services["agent"]
    services["quotes"] = {**services["api"], "port": free_port(), "after": ["dashboard"]}
    project.save()


@pytest.fixture(scope="module")
def project() -> Iterator[Workshop]:
    """Three services; the last step lasts longer than any test."""
    with brought_up({**QUIET, "last": "100s", "limit": "5m"}, _third) as made:
        yield made


def _release(project: Workshop, **env: str) -> None:
    """A release whose third service has these faults."""
    project.settings["slots"]["green"]["services"] = {"quotes": {"env": env}}
    project.slot("green", RELEASE=env.get("RELEASE", "faulty"))
    project.up()


def _written(project: Workshop) -> list[str]:
    """Services in the order in which their weights were written last."""
    return sorted(CHAIN, key=lambda name: (project.home / "routes" / f"{name}.json").stat().st_mtime_ns)


def _quotes(project: Workshop, slot: str) -> Counts:
    """What the proxy counted for the third service."""
    service = Contract.from_json(project.contract()).service("quotes")
    assert service.meter is not None
    return dict(meter(service.meter).read().slots).get(slot, Counts())


def test_the_third_fails_at_the_first_step(project: Workshop) -> None:
    """Its errors take back the two that are well, consumers before providers; nothing was lost but by its own candidate."""
    _release(project, FAULT_ERRORS="0.5")
    before = _quotes(project, "green"), _quotes(project, "blue")
    with users(project, RATES) as load:
        project.crossfade("promote", expected=10)
    after, status = (_quotes(project, "green"), _quotes(project, "blue")), project.status()

    assert project.events() == ["opened", "proved", "shifted", "failed", "cleared", "reverted"]
    assert all(reason.startswith("quotes") for reason in status["rollout"]["because"])
    assert status["weights"] == {name: {"blue": 100, "green": 0} for name in CHAIN}
    assert _written(project) == list(reversed(CHAIN))
    assert after[1].errors == before[1].errors
    assert unserved(load) == {"quotes: 500": after[0].errors - before[0].errors}


def test_the_third_fails_at_the_last_step(project: Workshop) -> None:
    """With all three at 100 % its process dies: those that had finished go back as well, and lost nothing on either way."""
    _release(project, RELEASE="frail")
    before = _quotes(project, "blue")
    with users(project, RATES) as load, project.begun("promote") as driver:
        until(lambda: project.status()["rollout"]["phase"] == "baking" and project.weights("quotes")["green"] == 100, "100 %")
        forward, reached = _written(project), {name: project.weights(name)["green"] for name in CHAIN}
        for process in project.processes():
            if process.environ().get("CROSSFADE_SERVICE") == "quotes" and process.environ()["CROSSFADE_SLOT"] == "green":
                process.kill()
        assert driver.wait(60) == 10
    after, status = _quotes(project, "blue"), project.status()

    assert reached == dict.fromkeys(CHAIN, 100)
    assert (forward, _written(project)) == (list(CHAIN), list(reversed(CHAIN)))
    assert project.events() == [*("opened", "proved", "shifted", "passed", "shifted"), *("failed", "cleared", "reverted")]
    assert all("quotes" in reason for reason in status["rollout"]["because"])
    assert status["weights"] == {name: {"blue": 100, "green": 0} for name in CHAIN}
    assert "green" not in project.contract()["releases"]
    assert {name.partition(":")[0] for name in unserved(load)} <= {"quotes"}
    assert after.errors == before.errors
