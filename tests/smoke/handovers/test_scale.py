"""The hand-over by replicas: what it writes, whom it waits for, and in which words it gives up."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from cluster_said import NAMESPACE, SERVICE, STACK, Cluster, deployment, kubeconfig

from smoke.clock import FakeClock, SystemClock
from smoke.errors import HandoverError
from smoke.handovers.scale import ScaleHandover

SETTINGS: dict[str, Any] = {
    "namespace": NAMESPACE,
    "stack": STACK,
    "service": SERVICE,
    "deployments": {"blue": "agent-blue", "green": "agent-green"},
    "timeout": 3.0,
}


class Stage:
    """A cluster with a singleton whose blue slot works, a door to it, and a clock at which its controllers act."""

    def __init__(self, held: ExitStack) -> None:
        self.cluster = Cluster()
        for slot, replicas in (("blue", 1), ("green", 0)):
            self.cluster.put("deployments", deployment(slot, replicas))
        self.cluster.act()
        self.cluster.act()
        self.open = True
        self.acts = ["all"]
        """What is done of it each time that somebody waits."""
        self.clock = FakeClock()
        self.clock.on_sleep(lambda _: [self.cluster.act(each) for each in self.acts])
        held.enter_context(kubeconfig(shop=held.enter_context(self.cluster.door(lambda: self.open))))

    def handover(self, **changes: object) -> ScaleHandover:
        """What a driver that was started just now uses."""
        return ScaleHandover({**SETTINGS, **changes}, self.clock)

    def replicas(self) -> tuple[int, int]:
        """Of blue and green, as they are declared."""
        deployments = self.cluster.objects["deployments"]
        return deployments["agent-blue"]["spec"]["replicas"], deployments["agent-green"]["spec"]["replicas"]

    @property
    def pods(self) -> dict[str, Any]:
        """Those that are there, by name."""
        return self.cluster.objects["pods"]


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with ExitStack() as held:
        yield Stage(held)


# What it does


def test_the_work_goes_over(stage: Stage) -> None:
    """After release and hold the other slot has the one replica, and there was never more than one pod."""
    handover = stage.handover()
    handover.release("blue")
    assert stage.replicas() == (0, 0)
    assert not stage.pods
    handover.hold("green")
    assert stage.replicas() == (0, 1)
    assert [pod["metadata"]["labels"]["crossfade/slot"] for pod in stage.pods.values()] == ["green"]
    assert stage.cluster.most == 1


def test_what_holds_already_costs_no_write(stage: Stage) -> None:
    """To hold what holds, and to release what is released, writes nothing."""
    before = {name: each["metadata"]["resourceVersion"] for name, each in stage.cluster.objects["deployments"].items()}
    stage.handover().hold("blue")
    stage.handover().release("green")
    assert {name: each["metadata"]["resourceVersion"] for name, each in stage.cluster.objects["deployments"].items()} == before


def test_several_replicas_become_one(stage: Stage) -> None:
    """A slot that somebody scaled to three is scaled back to one by the next hold, which waits for the others to go."""
    stage.cluster.scale("agent-blue", 3)
    stage.cluster.act()
    stage.handover().hold("blue")
    assert stage.replicas() == (1, 0)
    assert len(stage.pods) == 1


def test_a_pod_that_ends_is_at_work(stage: Stage) -> None:
    """Until a deleted pod is gone its slot holds, and the other gets no pod."""
    stage.acts = ["declare", "replicate", "begin"]
    handover = stage.handover()
    with pytest.raises(HandoverError, match="blue may still be at work: pod agent-blue-1-"):
        handover.release("blue")
    assert handover.holder() == "blue"
    with pytest.raises(HandoverError, match="blue may still be at work"):
        handover.hold("green")
    assert stage.replicas() == (0, 0)
    stage.acts = ["all"]
    handover.hold("green")
    assert stage.cluster.most == 1


def test_a_slot_waits_for_its_own_last_pod(stage: Stage) -> None:
    """A slot whose earlier pod still ends is not scaled up: the old one and the new one would be two at work."""
    stage.acts = ["declare", "replicate", "begin"]
    with pytest.raises(HandoverError):
        stage.handover().release("blue")
    with pytest.raises(HandoverError, match="blue may still be at work"):
        stage.handover().hold("blue")
    assert stage.replicas() == (0, 0)
    stage.acts = ["all"]
    stage.handover().hold("blue")
    assert stage.cluster.most == 1


def test_controllers_that_are_late_are_waited_for(stage: Stage) -> None:
    """As long as a controller has not seen that a slot is to have no pod, it may make one: the slot is at work."""
    stage.acts = []
    with pytest.raises(HandoverError, match="blue may still be at work") as caught:
        stage.handover().release("blue")
    assert "nobody has deleted it yet" in str(caught.value)
    stage.pods.clear()  # a person did
    assert stage.handover().holder() == "blue"
    with pytest.raises(HandoverError, match="the controllers of agent-blue may still make a pod"):
        stage.handover().hold("green")
    stage.acts = ["all"]
    stage.handover().hold("green")


def test_a_lost_node_is_told(stage: Stage) -> None:
    """A pod that should have been gone long ago is named with its node, and what a person must make sure of; nothing by force."""
    stage.clock.set(1_800_000_000.0)
    stage.acts = ["declare", "replicate", "begin"]
    with pytest.raises(HandoverError, match="blue may still be at work") as caught:
        stage.handover().release("blue")
    told = str(caught.value)
    assert "its node node-1 does not answer, and the process may go on there" in told
    assert "kubectl taint node node-1 node.kubernetes.io/out-of-service=nodeshutdown:NoExecute" in told
    assert "--force" not in told
    assert len(stage.pods) == 1


def test_who_does_not_come_to_work_is_told(stage: Stage) -> None:
    """A pod that does not become ready is named, with what it says of itself; it stays, for it alone may work."""
    handover = stage.handover()
    handover.release("blue")
    stage.acts = ["declare", "replicate", "end"]
    with pytest.raises(HandoverError, match=r"green did not come to work .* agent-green-1-\d+ is not ready") as caught:
        handover.hold("green")
    assert f"kubectl -n {NAMESPACE} describe pod agent-green-1-" in str(caught.value)
    assert handover.holder() == "green"


def test_who_has_started_and_does_nothing_is_not_waited_for_as_long(stage: Stage) -> None:
    """A pod whose program runs has its own time to be ready: meanwhile nobody works, and more of it would help nobody."""
    handover = stage.handover(timeout=200.0, patience=20.0)
    handover.release("blue")
    stage.acts = ["declare", "replicate", "end"]
    before = stage.clock.now()

    def start(_: float) -> None:
        for pod in stage.pods.values():
            pod["status"]["containerStatuses"] = [{"name": "app", "started": stage.clock.now() - before > 50.0}]

    stage.clock.on_sleep(start)
    with pytest.raises(HandoverError, match="green did not come to work within 20 s"):
        handover.hold("green")
    assert 70.0 < stage.clock.now() - before < 71.0
    assert handover.holder() == "green"


def test_another_version_is_not_taken(stage: Stage) -> None:
    """A pod that is not of the version that its Deployment holds does not count as the one that works."""
    stage.cluster.objects["deployments"]["agent-blue"]["spec"]["template"]["metadata"]["labels"] = {}
    with pytest.raises(HandoverError, match="is of version py312-0123456789ab, not none"):
        stage.handover().hold("blue")


def test_two_at_work_are_told(stage: Stage) -> None:
    """Where both slots have a replica nobody can say who may work, and none is given the work."""
    stage.cluster.scale("agent-green", 1)
    with pytest.raises(HandoverError, match="blue and green may both be at work"):
        stage.handover().holder()
    with pytest.raises(HandoverError, match="blue still works"):
        stage.handover().hold("green")


def test_a_missing_deployment_is_told(stage: Stage) -> None:
    """A slot that was retired holds nothing and cannot be given the work; the other can."""
    del stage.cluster.objects["deployments"]["agent-green"]
    del stage.cluster.objects["replicasets"]["agent-green-1"]
    handover = stage.handover()
    handover.release("green")
    handover.release("blue")
    assert handover.holder() is None
    with pytest.raises(HandoverError, match="there is no Deployment agent-green"):
        handover.hold("green")
    handover.hold("blue")
    assert handover.holder() == "blue"


# Others who write


@pytest.mark.parametrize("manager", ["pulumi-kubernetes-0a1b2c", "kubectl"])
def test_who_made_it_gives_way(stage: Stage, manager: str) -> None:
    """The replicas are taken over from Pulumi, which made the Deployment, and from a person who scaled it by hand."""
    stage.cluster.scale("agent-blue", 1, manager)
    stage.handover().release("blue")
    assert stage.replicas() == (0, 0)
    assert stage.cluster.owners["agent-blue"] == "crossfade"


def test_who_else_owns_the_replicas_is_named(stage: Stage) -> None:
    """Where another controller owns the replicas nothing is written, and it is named."""
    stage.cluster.scale("agent-blue", 1, "argocd-controller")
    with pytest.raises(HandoverError, match="agent-blue could not be scaled to 0") as caught:
        stage.handover().release("blue")
    assert "argocd-controller owns .spec.replicas" in str(caught.value)
    assert stage.replicas() == (1, 0)


def test_a_missing_right_is_named(stage: Stage) -> None:
    """A refusal is told with the right that is missing, at once."""
    stage.cluster.refuses["GET replicasets"] = 403
    with pytest.raises(HandoverError, match="who is at work cannot be known: the API server refuses") as caught:
        stage.handover().release("blue")
    assert 'cannot list resource "replicasets"' in str(caught.value)
    assert stage.clock.now() == 0


# A server that is away


def test_a_server_that_is_away_for_a_while_is_waited_for(stage: Stage) -> None:
    """A server that refuses connections for a while delays a hand-over, and fails none."""
    stage.open = False
    stage.clock.on_sleep(lambda now: setattr(stage, "open", now > 1))
    stage.handover().release("blue")
    stage.handover().hold("green")
    assert stage.replicas() == (0, 1)


def test_a_server_that_stays_away_is_told(stage: Stage) -> None:
    """A server that does not come back within the limit is an error that says so; so is one for who only asks."""
    stage.open = False
    for call in (lambda: stage.handover().release("blue"), lambda: stage.handover().holder()):
        with pytest.raises(HandoverError, match="who is at work cannot be known") as caught:
            call()
        assert "cannot be asked" in str(caught.value)


def test_no_kubeconfig_is_told_at_once(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no kubeconfig leads to a cluster, waiting is no use."""
    monkeypatch.setenv("KUBECONFIG", "/nowhere/config")
    with pytest.raises(HandoverError, match="who is at work cannot be known"):
        stage.handover().hold("blue")
    assert stage.clock.now() == 0


def test_what_is_no_deployment_is_told(stage: Stage) -> None:
    """Documents that are none are an error, never taken for nobody at work."""
    stage.cluster.objects["deployments"]["agent-blue"]["spec"] = None
    with pytest.raises(HandoverError, match="who is at work cannot be known"):
        stage.handover().holder()


def test_it_waits_by_the_clock_that_it_is_given() -> None:
    """A hand-over is made without a cluster, and asks nothing before it is used."""
    assert ScaleHandover(SETTINGS, SystemClock())
