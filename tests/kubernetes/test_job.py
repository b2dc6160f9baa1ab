"""A Job drives: `promote --in-cluster`, on a real node, with nothing in its pod but Crossfade. Each goes on from the last."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import kube_driver
import pytest
from kube_gateway import Gateway
from kube_images import relay
from kube_node import Node
from kube_roles import applied
from kube_workshop import KubeWorkshop, kube_workshop, patient
from machine import wait_for
from scenes import PATIENT, unserved, users
from workshop import pulumi_folder, said

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load, pytest.mark.timeout(600)]

PLAN: Mapping[str, Any] = {**PATIENT, "steps": [20, 50, 100], "bake": "5s", "traffic": {}}
USERS: Mapping[str, float] = {"api": 60.0}
READY = 180.0
"""Seconds that pods may take, and a rollout."""


@pytest.fixture(name="project", scope="module")
def _project(kube_trading: Node, kube_gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[KubeWorkshop]:
    """The trading system in a cluster, and a Job declared that may drive; the gateway's metrics can be reached from pods."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    archive = kube_driver.image(tmp_path_factory.mktemp("driver"))
    kube_trading.load(archive)
    archive.unlink()
    with ExitStack() as stack:
        port = int(kube_gateway.metrics.rpartition(":")[2].partition("/")[0])
        reached = stack.enter_context(relay(kube_trading.space.here, port))

        def prepare(made: KubeWorkshop) -> None:
            place = made.settings["kubernetes"]
            place["metrics"]["url"] = f"http://{reached}/metrics"
            place["driver"] = {"image": kube_driver.NAME}
            patient(made)

        made = stack.enter_context(kube_workshop(kube_trading, kube_gateway, "job", PLAN, prepare))
        applied(kube_trading.api, "job")
        made.up()
        wait_for(made.ready, "every pod is ready", limit=READY, pause=0.2)
        yield made


def _driven(project: KubeWorkshop) -> bool:
    return bool(project.status()["rollout"]) and project.written()["green"] == 20


def _drivers(project: KubeWorkshop) -> list[str]:
    """Pods that may drive."""
    found = project.node.api.get("pods", "-n", project.namespace)["items"]
    owned = [each for each in found if any(owner["kind"] == "Job" for owner in each["metadata"].get("ownerReferences", ()))]
    return [each["metadata"]["name"] for each in owned if each["status"]["phase"] in {"Pending", "Running"}]


def test_it_goes_on_without_the_terminal(project: KubeWorkshop) -> None:
    """Begun from a terminal that dies at 20 %, and its pod killed too, the rollout ends promoted; nobody lost a request."""
    with users(project, USERS) as load:
        with project.begun("promote", "--in-cluster"):
            wait_for(lambda: _driven(project), "20 % on green", limit=READY, pause=0.1)
        (pod,) = _drivers(project)
        project.node.api.kubectl("delete", "pod", pod, "-n", project.namespace, "--grace-period=0", "--force")
        wait_for(lambda: project.status()["live"] == "green", "it is promoted", limit=READY, pause=0.3)
    found = project.status()["rollout"]

    assert found["phase"] == "promoted"
    assert unserved(load) == {}
    assert project.events().count("opened") == 1
    assert project.replicas() == {"blue": 0, "green": 1}


def test_what_it_takes_back_is_reverted_here(project: KubeWorkshop) -> None:
    """A candidate that fails is taken back by the Job, and the stack by the Pulumi of whoever follows: exit code 10."""
    project.slot("blue", runtime="py312", FAULT_ERRORS="0.3")
    project.up()
    wait_for(project.ready, "every pod is ready", limit=READY, pause=0.2)
    with users(project, USERS) as load:
        done = project.crossfade("promote", "--in-cluster", expected=10)

    assert "errors in" in done.stderr, said(done)
    assert project.written() == {"blue": 0, "green": 100}
    assert load.summary()["api"].lost == {}
    assert project.status()["rollout"]["phase"] == "rolled back"


def test_abort_reaches_it(project: KubeWorkshop) -> None:
    """Asked from any terminal, the Job takes all traffic back, and whoever asked reverts the stack."""
    project.slot("blue", runtime="py312", RELEASE="another")
    project.up()
    wait_for(project.ready, "every pod is ready", limit=READY, pause=0.2)
    with users(project, USERS) as load:
        with project.begun("promote", "--in-cluster"):
            wait_for(lambda: project.written()["blue"] == 20, "20 % on blue", limit=READY, pause=0.1)
        project.crossfade("abort", "--why", "seen enough")

    assert project.written() == {"blue": 0, "green": 100}
    assert project.status()["rollout"]["phase"] == "rolled back"
    assert unserved(load) == {}


def test_it_takes_back_what_no_terminal_drives(project: KubeWorkshop) -> None:
    """A rollout that a terminal drove, and that nobody drives any more, is taken back by the Job that stood by."""
    project.slot("blue", runtime="py312", RELEASE="third")
    project.settings["plan"] = {**PLAN, "absence": "3s"}
    project.save()
    project.up()
    wait_for(project.ready, "every pod is ready", limit=READY, pause=0.2)
    with users(project, USERS) as load:
        with project.begun("promote"):
            wait_for(lambda: project.written()["blue"] == 20, "20 % on blue", limit=READY, pause=0.1)
        wait_for(lambda: project.written()["blue"] == 0, "all is on green again", limit=READY, pause=0.1)
    project.crossfade("abort")

    assert "nobody drove it" in " ".join(project.status()["rollout"]["because"])
    assert project.status()["rollout"]["phase"] == "rolled back"
    assert unserved(load) == {}


def test_without_a_job_it_is_refused(project: KubeWorkshop) -> None:
    """Where none is declared it says which lines to write; two drivers are refused as well."""
    both = project.crossfade("promote", "--in-cluster", "--detach", expected=2)
    place = project.settings["kubernetes"]
    kept = place.pop("driver")
    project.save()
    project.up()
    none = project.crossfade("promote", "--in-cluster", expected=2)
    place["driver"] = kept

    assert "ask for two drivers" in both.stderr
    assert "driver: {image: " in none.stderr
