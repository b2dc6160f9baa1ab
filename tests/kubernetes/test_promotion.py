"""The main job, in a cluster: pods that work, real controllers, a real gateway, the real Pulumi. Each test goes on from the last.

A small machine runs all of it, and other tests beside it: rates are low, and no gate is about speed.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kube_gateway import Gateway
from kube_node import Node
from kube_workshop import KubeWorkshop, kube_workshop, patient
from machine import wait_for
from scenes import PATIENT, unserved, users
from workshop import pulumi_folder, said

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load, pytest.mark.timeout(600)]

USERS: Mapping[str, float] = {"api": 40.0}
"""Requests a second, beside those of the plan."""
PLAN: Mapping[str, Any] = {**PATIENT, "steps": [20, 50, 100], "traffic": {"api": {"rate": 40, "path": "/prices"}}}
READY = 120.0
"""Seconds that pods may take."""
EARLY = 60.0
"""Seconds in which a candidate that crashes is given up, where it has two minutes to prove itself."""
BLUE, GREEN = {"blue": 100, "green": 0}, {"blue": 0, "green": 100}


@pytest.fixture(name="project", scope="module")
def _project(kube_trading: Node, kube_gateway: Gateway) -> Iterator[KubeWorkshop]:
    """The trading system in a cluster, blue on 3.9 live, green on 3.12 standing by."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    with kube_workshop(kube_trading, kube_gateway, "promotion", PLAN, patient) as made:
        made.up()
        _settled(made)
        wait_for(lambda: made.versions() == {"py39"}, "the gateway leads to blue", limit=READY, pause=0.2)
        yield made


def test_from_nothing_blue_serves_alone(project: KubeWorkshop) -> None:
    """After the first up 3.9 answers all users, with what the exchange says, and the agent of blue alone has a pod."""
    status = project.status()

    assert (status["live"], status["weights"]) == ("blue", {"api": BLUE})
    assert project.replicas() == {"blue": 1, "green": 0}
    wait_for(lambda: b"live" in project.ask("api", "/health/")[2], "the exchange is heard", limit=READY, pause=0.2)
    project.crossfade("smoke", "--slot", "green")


def test_a_second_up_changes_nothing(project: KubeWorkshop) -> None:
    """Declared again, no resource is changed, no pod is another, no weight is moved."""
    pods = project.pods()

    assert project.changes() == {}
    assert (project.pods(), project.written()) == (pods, BLUE)


def test_promotes_without_losing_a_request(project: KubeWorkshop, tmp_path: Path) -> None:
    """From 3.9 to 3.12 under load, every request is answered, and well; at a step up and refresh change nothing."""
    before = _slots(project)
    with users(project, USERS, tmp_path / "requests") as load, project.begun("promote") as driver:
        wait_for(lambda: driver.poll() is not None or project.written()["green"] == 20, "20 % on green", limit=READY, pause=0.1)
        project.crossfade("pause", "--why", "to look at it")
        route = project.get("httproute", "api")["spec"]
        changes = project.changes()
        project.pulumi("refresh", "--yes", "--skip-preview", "--suppress-outputs")
        after = project.get("httproute", "api")["spec"]
        weights = project.written()
        project.crossfade("resume")
        assert driver.wait(READY) == 0

    assert (changes, weights, after) == ({}, {"blue": 80, "green": 20}, route)
    assert unserved(load) == {}
    assert set(load.summary()["api"].versions) == _placed(project)
    assert _slots(project) == before, "no pod was made anew"


def test_the_new_side_serves_and_the_old_stays_warm(project: KubeWorkshop) -> None:
    """After the promotion 3.12 answers everybody and has the agent; blue is whole, and has no traffic."""
    assert (project.status()["live"], project.written(), project.replicas()) == ("green", GREEN, {"blue": 0, "green": 1})
    assert project.versions() == {"py312"}
    assert "at work: green" in project.crossfade("status").stdout
    project.crossfade("smoke", "--slot", "blue")


def test_goes_back_without_losing_a_request(project: KubeWorkshop) -> None:
    """Reverted under load, every request is answered, and well, and the agent of blue is at work again."""
    with users(project, USERS) as load:
        project.crossfade("revert", "--why", "to see the way back")

    assert (project.written(), project.replicas()) == (BLUE, {"blue": 1, "green": 0})
    assert unserved(load) == {}


def test_a_faulty_candidate_is_taken_back(project: KubeWorkshop) -> None:
    """One whose answers are errors is told by numbers, with exit 10; all users are on blue, and no request but its own failed."""
    _release(project, FAULT_ERRORS="0.3")
    _settled(project)
    with users(project, USERS) as load:
        done = project.crossfade("promote", expected=10)
    seen = load.summary()["api"]

    assert "errors in" in done.stderr, said(done)
    assert (project.written(), project.status()["live"]) == (BLUE, "blue")
    assert (seen.lost, set(seen.statuses) - {200, 500}) == ({}, set())


def test_one_that_does_not_start_ends_early(project: KubeWorkshop) -> None:
    """A candidate whose program ends at once is given up long before its time is over, in its own words, unasked by users."""
    _release(project, FAULT_LATENCY="much")
    with users(project, USERS) as load:
        done = project.crossfade("promote", expected=10)
    opened, failed = (next(each["at"] for each in project.records() if each["event"] == name) for name in ("opened", "failed"))

    assert "FAULT_LATENCY='much' is malformed" in done.stderr, said(done)
    assert failed - opened < EARLY
    assert unserved(load) == {}
    assert {each.partition("-")[0] for each in load.summary()["api"].versions} == {"py39"}


def test_one_that_shows_another_version_gets_no_request(project: KubeWorkshop) -> None:
    """A pod whose label is right, and whose answers are of another version, is an impostor before anybody is sent to it."""
    _release(project, FAULT_WRONG_VERSION="1")
    _settled(project)
    with users(project, USERS) as load:
        done = project.crossfade("promote", expected=10)

    assert "answered," in done.stderr, said(done)
    assert "was asked (so says pod api-green-" in done.stderr, said(done)
    assert unserved(load) == {}
    assert {each.partition("-")[0] for each in load.summary()["api"].versions} == {"py39"}


def test_an_agent_that_does_nothing_gives_the_work_back(project: KubeWorkshop) -> None:
    """One that beats and hears nothing does not come to work: blue has it again, and so have its users."""
    _release(project, FAULT_SILENT_FEED="1")
    _settled(project)
    with users(project, USERS) as load:
        done = project.crossfade("promote", expected=10)

    assert "agent: green did not come to work within 20 s" in done.stderr, said(done)
    assert (project.written(), project.replicas()) == (BLUE, {"blue": 1, "green": 0})
    assert unserved(load) == {}


def test_an_image_set_by_hand_is_an_impostor(project: KubeWorkshop) -> None:
    """Who sets another image leaves the label: with images by digest that is seen, and by their tags only in the answers."""
    _release(project, RELEASE="by hand")
    _settled(project)
    image = ("set", "image", "deployment/api-green", "app=localhost/trading:py39", "-n", project.namespace)
    project.node.api.kubectl(*image)
    wait_for(lambda: "py39" in _image(project, "api-green"), "it is set", limit=READY, pause=0.2)
    _settled(project)
    done = project.crossfade("promote", expected=10)

    assert "was asked (so says pod api-green-" in done.stderr, said(done)
    assert project.written() == BLUE


def test_an_image_that_cannot_be_had_is_told(project: KubeWorkshop) -> None:
    """A candidate without an image gets no request, and the reason names the image."""
    project.settings["plan"] = {**PLAN, "prove": "10s"}
    _release(project, runtime="py311")
    done = project.crossfade("promote", expected=10)

    assert "the image localhost/trading:py311 cannot be had" in done.stderr, said(done)
    assert (project.written(), project.versions()) == (BLUE, {"py39"})


def test_destroy_leaves_nothing(project: KubeWorkshop) -> None:
    """Everything that the stack made is gone from the namespace, the pods once they have ended; others' things stay."""
    project.pulumi("destroy", "--yes", "--skip-preview")

    with suppress(TimeoutError):
        wait_for(lambda: project.names() == [], "everything is gone", limit=READY, pause=0.2)
    assert project.names() == []
    assert project.node.api.get("gateway", project.gateway.name, "-n", project.gateway.namespace)
    assert not project.home.exists()


def _settled(project: KubeWorkshop) -> None:
    wait_for(project.ready, "every pod is ready", limit=READY, pause=0.2)


def _release(project: KubeWorkshop, runtime: str = "py312", **env: str) -> None:
    """Another release in green."""
    project.slot("green", runtime=runtime, **env)
    project.up()


def _placed(project: KubeWorkshop) -> set[str]:
    """What the API's slots must show that they are."""
    (api,) = [each for each in project.contract()["services"] if each["name"] == "api"]
    return {each["version"] for each in api["placements"].values()}


def _image(project: KubeWorkshop, name: str) -> str:
    return str(project.get("deployment", name)["spec"]["template"]["spec"]["containers"][0]["image"])


def _slots(project: KubeWorkshop) -> Mapping[str, str]:
    """The pods of the API."""
    return {name: uid for name, uid in project.pods().items() if name.startswith("api-")}
