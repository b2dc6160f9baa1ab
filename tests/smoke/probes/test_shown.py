"""What the probe ``shown`` makes of the answers of pods; the cluster's API is one that says what it is told."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from cluster_said import NAMESPACE, STACK, Cluster, deployment, kubeconfig

from infra.contract import Backend
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.peers import OTHER, VERSION, ended, placed


class Stage:
    """Two pods of the slot green, which answer as the version that is asked for."""

    def __init__(self, held: ExitStack) -> None:
        self.cluster = Cluster()
        self.cluster.put("deployments", deployment("green", 2, "api"))
        self.grow()
        held.enter_context(kubeconfig(shop=held.enter_context(self.cluster.door())))
        self.probe = probe(Backend("shown", {"namespace": NAMESPACE, "stack": STACK, "timeout": 30.0}))

    def grow(self) -> None:
        """Have the pods that are declared; those that are new answer as what they are."""
        for _ in range(2):
            self.cluster.act()
        self.cluster.shows = {**dict.fromkeys(self.cluster.objects["pods"], VERSION), **self.cluster.shows}

    def look(self) -> Reading:
        """Look at green once."""
        return ended(self.probe, placed())


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with ExitStack() as held:
        yield Stage(held)


def test_each_pod_is_asked_once(stage: Stage) -> None:
    """Every ready pod is asked for the path of its readiness at its port, once for as long as it runs; a new one is asked too."""
    assert [stage.look().answer, stage.look().answer] == [Answer.OK, Answer.OK]
    assert sorted(stage.cluster.asked) == sorted(f"{name}:8080/proxy/health/" for name in stage.cluster.objects["pods"])
    stage.cluster.scale("api-green", 3)
    stage.grow()
    assert stage.look().detail == "3 pods were asked"
    assert len(stage.cluster.asked) == 3


def test_a_pod_that_was_started_again_is_asked_again(stage: Stage) -> None:
    """What runs after a restart may be another: its image may have been replaced."""
    stage.look()
    pod = next(iter(stage.cluster.objects["pods"].values()))
    pod["status"]["containerStatuses"] = [{"name": "app", "ready": True, "restartCount": 1}]
    stage.cluster.shows[pod["metadata"]["name"]] = OTHER
    assert stage.look().impostor


def test_one_pod_that_shows_another_version_is_enough(stage: Stage) -> None:
    """Of several pods one that shows another version is an impostor, and is named."""
    last = [*stage.cluster.objects["pods"]][-1]
    stage.cluster.shows[last] = OTHER
    reading = stage.look()
    assert (reading.answer, reading.version, reading.impostor) == (Answer.FAILED, OTHER, True)
    assert reading.detail == f"{OTHER} answered, {VERSION} was asked (so says pod {last})"


def test_pods_that_show_none_are_believed(stage: Stage) -> None:
    """A program that knows nothing of versions is known by its label, and it is said how many those are."""
    stage.cluster.shows = dict.fromkeys(stage.cluster.shows)
    reading = stage.look()
    assert (reading.answer, reading.version) == (Answer.OK, VERSION)
    assert reading.detail == "2 pods were asked; 2 show none, and are believed by their labels"


def test_pods_that_are_not_asked_by_http_are_believed(stage: Stage) -> None:
    """Where the kubelet does not ask by HTTP nobody knows that there is HTTP, and nothing is asked."""
    for pod in stage.cluster.objects["pods"].values():
        pod["spec"] = {"containers": [{"name": "app", "readinessProbe": {"tcpSocket": {"port": "http"}}}]}
    assert stage.look().answer is Answer.OK
    assert stage.cluster.asked == []


def test_a_pod_that_cannot_be_reached_is_no_answer(stage: Stage) -> None:
    """Where the API server does not reach a pod, nothing is known, and it is said what else could be believed."""
    del stage.cluster.shows[next(iter(stage.cluster.objects["pods"]))]
    reading = stage.look()
    assert reading.answer is Answer.UNTOLD
    assert "error trying to reach service" in reading.detail
    assert "kubernetes.identity" in reading.detail


def test_a_missing_right_is_named(stage: Stage) -> None:
    """Who may not ask pods is told which right that takes, and nothing is known."""
    stage.cluster.refuses["GET pods/proxy"] = 403
    reading = stage.look()
    assert reading.answer is Answer.UNTOLD
    assert "get pods/proxy, deploy/rbac.yaml" in reading.detail


def test_a_pod_that_is_gone_meanwhile_is_asked_for_no_more(stage: Stage) -> None:
    """A pod that went between two questions is one that was not asked: the next look does not list it."""
    stage.cluster.refuses["GET pods/proxy"] = 404
    assert stage.look().detail == "0 of 2 pods were asked so far"
    assert stage.look().answer is Answer.UNTOLD


def test_no_ready_pod_is_not_well(stage: Stage) -> None:
    """A slot of which nobody takes requests has nobody to ask."""
    for pod in stage.cluster.objects["pods"].values():
        pod["status"] = {"phase": "Pending"}
    assert stage.look().answer is Answer.FAILED
