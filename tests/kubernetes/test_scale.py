"""A singleton handed over in a real cluster: real controllers always, a real kubelet where pods are to work."""

import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import psutil
import pytest
from cluster_said import SERVICE, STACK, deployment
from kube_api import Api
from kube_images import ECHO
from kube_node import Node
from machine import wait_for

from infra.contract import Backend
from smoke.clock import SystemClock
from smoke.errors import HandoverError
from smoke.handovers.scale import ScaleHandover
from smoke.model import Answer
from smoke.probes import probe
from tests.smoke.probes.peers import placed

Document = dict[str, Any]
PULUMI = "pulumi-kubernetes-0a1b2c3d"
"""A field manager as Pulumi's provider makes them up."""


def declared(namespace: str, slot: str, replicas: int | None) -> Document:
    """A slot of the singleton, as Pulumi declares it; without replicas, as it does once they are not its own any more."""
    made = deployment(slot)
    ready = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
    pod = made["spec"]["template"]["spec"]
    pod["containers"] = [{"name": "app", "image": ECHO, "imagePullPolicy": "Never", "readinessProbe": ready}]
    pod["terminationGracePeriodSeconds"] = 2
    metadata = {"name": made["metadata"]["name"], "namespace": namespace, "labels": made["metadata"]["labels"]}
    spec = {key: value for key, value in made["spec"].items() if key != "replicas"}
    spec |= {} if replicas is None else {"replicas": replicas}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


class Singleton:
    """A singleton in a namespace of its own, both of whose slots are declared."""

    def __init__(self, api: Api, namespace: str) -> None:
        self.api = api
        self.namespace = api.namespace(namespace)

    def declare(self, blue: int | None, green: int | None, manager: str = PULUMI) -> None:
        """Declare so many replicas."""
        self.api.apply(declared(self.namespace, "blue", blue), declared(self.namespace, "green", green), manager=manager)

    def handover(self, timeout: float = 60.0) -> ScaleHandover:
        """What a driver that was started just now uses."""
        names = {slot: f"{SERVICE}-{slot}" for slot in ("blue", "green")}
        settings = {"namespace": self.namespace, "stack": STACK, "service": SERVICE, "deployments": names, "timeout": timeout}
        return ScaleHandover(settings, SystemClock())

    def replicas(self) -> Mapping[str, int]:
        """By Deployment."""
        found = self.api.get("deployments", "-n", self.namespace)["items"]
        return {each["metadata"]["name"]: each["spec"]["replicas"] for each in found}

    def pods(self) -> list[Document]:
        """Those of which a container may run."""
        found = self.api.get("pods", "-n", self.namespace)["items"]
        return [each for each in found if each["status"]["phase"] not in {"Succeeded", "Failed"}]

    def scale(self, slot: str, replicas: int) -> None:
        """As a person does."""
        self.api.kubectl("scale", "deployment", f"{SERVICE}-{slot}", "--replicas", str(replicas), "-n", self.namespace)


@pytest.fixture(name="declarations")
def _declarations(kube_controlled: Api, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Singleton:
    """A singleton whose pods nobody runs: they are never ready, and go at once."""
    monkeypatch.setenv("KUBECONFIG", str(kube_controlled.kubeconfig))
    return Singleton(kube_controlled, namespace)


@pytest.fixture(name="agent")
def _agent(kube_node: Node, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Singleton]:
    """A singleton whose blue slot works."""
    monkeypatch.setenv("KUBECONFIG", str(kube_node.api.kubeconfig))
    made = Singleton(kube_node.api, namespace)
    made.declare(1, 0)
    made.handover().hold("blue")
    yield made
    made.api.kubectl("delete", "deployment", "--all", "-n", namespace, "--wait=false")


# With pods that work


def test_the_work_goes_over_and_back(agent: Singleton) -> None:
    """At every moment there is one pod at most, and after each hand-over it is one of the slot that was given the work."""
    handover, over, most = agent.handover(), threading.Event(), [0]

    def watch() -> None:
        while not over.is_set():
            most[0] = max(most[0], len(agent.pods()))

    with ThreadPoolExecutor(1) as watching:
        watching.submit(watch)
        try:
            for old, new in (("blue", "green"), ("green", "blue")):
                handover.release(old)
                assert (handover.holder(), agent.pods()) == (None, [])
                handover.hold(new)
                assert handover.holder() == new
                assert [each["metadata"]["labels"]["crossfade/slot"] for each in agent.pods()] == [new]
        finally:
            over.set()
    assert most == [1]


def test_the_probe_follows_the_work(agent: Singleton) -> None:
    """The slot that waits is well before the hand-over and at every look of it, as is the one that the work was taken from."""
    asked = probe(Backend("pods", {"namespace": agent.namespace, "stack": STACK, "timeout": 30.0, "standby": True}))
    places = [placed(service=SERVICE, slot=slot) for slot in ("blue", "green")]
    assert [asked.read(each).answer for each in places] == [Answer.OK, Answer.OK]
    over, readings = threading.Event(), []

    def watch() -> None:
        while not over.is_set():
            readings.append(asked.read(places[1]))

    with ThreadPoolExecutor(1) as watching:
        watching.submit(watch)
        try:
            agent.handover().release("blue")
            agent.handover().hold("green")
        finally:
            over.set()
    wrong = [each.detail for each in readings if each.answer is not Answer.OK]
    assert all("nobody is at work" in each for each in wrong), f"but for the moment between the two: {wrong}"
    assert [asked.read(each).answer for each in places] == [Answer.OK, Answer.OK]


def test_a_node_that_does_not_answer_keeps_the_work(kube_node: Node, agent: Singleton) -> None:
    """While a kubelet is frozen its pod may be at work: nothing is released, nobody else is given the work; then it goes on."""
    with frozen(kube_node):
        with pytest.raises(HandoverError, match=rf"blue may still be at work: pod {SERVICE}-blue-.* is there after 3 s"):
            agent.handover(3.0).release("blue")
        assert agent.handover().holder() == "blue"
        with pytest.raises(HandoverError, match="green was not scaled up; nothing was changed"):
            agent.handover(3.0).hold("green")
        assert set(agent.replicas().values()) == {0}
    agent.handover().release("blue")
    agent.handover().hold("green")
    assert agent.handover().holder() == "green"


def test_who_does_not_get_ready_is_told(agent: Singleton) -> None:
    """A slot whose program cannot be started does not come to work, is told by what its pod says, and gives way again."""
    wrong = '{"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "localhost/none:1"}]}}}}'
    agent.api.kubectl("patch", "deployment", f"{SERVICE}-green", "-n", agent.namespace, "-p", wrong)
    agent.handover().release("blue")
    with pytest.raises(HandoverError, match=r"green did not come to work within 8 s: .*ErrImageNeverPull"):
        agent.handover(8.0).hold("green")
    agent.handover().release("green")
    agent.handover().hold("blue")
    assert agent.handover().holder() == "blue"


# With what is declared alone


def test_drivers_that_race_never_declare_two(declarations: Singleton) -> None:
    """Of drivers that want one slot each at the same time, one at most is served, however often they try."""
    declarations.declare(0, 0)
    for _ in range(4):
        with ThreadPoolExecutor(4) as drivers:
            tries = [drivers.submit(declarations.handover(4.0).hold, slot) for slot in ("blue", "green") * 2]
            errors = [str(each.exception()) for each in tries]
        assert sorted(declarations.replicas().values()) == [0, 1], errors
        assert any("still works" in each for each in errors) or all("did not come to work" in each for each in errors)
        for slot in ("blue", "green"):
            declarations.handover().release(slot)
        assert declarations.pods() == []


def test_replicas_are_taken_over_from_pulumi_and_from_persons(declarations: Singleton) -> None:
    """What Pulumi declared and a person scaled is scaled all the same; Pulumi's next word, without replicas, changes nothing."""
    declarations.declare(1, 0)
    declarations.handover().release("blue")
    declarations.scale("blue", 1)
    declarations.handover().release("blue")
    assert set(declarations.replicas().values()) == {0}
    with suppress(HandoverError):  # nobody runs its pod
        declarations.handover(1.0).hold("green")
    declarations.declare(None, None)
    assert declarations.replicas() == {f"{SERVICE}-blue": 0, f"{SERVICE}-green": 1}


def test_another_owner_is_named(declarations: Singleton) -> None:
    """Where a tool of somebody else's keeps the replicas, nothing is changed, and it is named."""
    declarations.declare(1, 0, "argocd-controller")
    with pytest.raises(HandoverError, match="agent-blue could not be scaled to 0: the API server refuses") as caught:
        declarations.handover().release("blue")
    assert "argocd-controller owns .spec.replicas" in str(caught.value)
    assert declarations.replicas()["agent-blue"] == 1


def test_the_rights_that_it_needs_are_named(declarations: Singleton, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rights the first that is missing is named; the ones of the hint are enough."""
    declarations.declare(1, 0)
    api, user, where = declarations.api, f"driver-{declarations.namespace}", ("-n", declarations.namespace)
    monkeypatch.setenv("KUBECONFIG", str(api.user(user)))
    with pytest.raises(HandoverError, match="the API server refuses") as caught:
        declarations.handover().release("blue")
    assert 'cannot list resource "deployments"' in str(caught.value)
    assert "list deployments, replicasets and pods, and patch deployments" in str(caught.value.hint)
    kinds = "deployments.apps,replicasets.apps,pods"
    api.kubectl("create", "role", "looks", "--verb", "list", "--resource", kinds, *where)
    api.kubectl("create", "role", "scales", "--verb", "patch", "--resource", "deployments.apps", *where)
    for role in ("looks", "scales"):
        api.kubectl("create", "rolebinding", role, "--role", role, "--user", user, *where)
    wait_for(lambda: _holds(declarations), "the roles are known", limit=20)
    declarations.handover().release("blue")
    assert declarations.replicas()["agent-blue"] == 0


def test_a_server_that_is_away_for_a_while_is_waited_for(declarations: Singleton) -> None:
    """A server that is killed and comes back delays a release, and fails none."""
    declarations.declare(1, 0)
    with ThreadPoolExecutor(1) as driver:
        with declarations.api.away():
            waits = driver.submit(declarations.handover().release, "blue")
        waits.result(timeout=90)
    assert declarations.replicas()["agent-blue"] == 0


@contextmanager
def frozen(node: Node) -> Iterator[None]:
    """Within the context the kubelet does nothing, and what it started goes on."""
    entered = psutil.Process(node.kubelet.pid)  # what enters its namespaces, and then waits for it
    for each in entered.children():
        each.suspend()
    try:
        yield
    finally:
        for each in (entered, *entered.children()):
            each.resume()


def _holds(declarations: Singleton) -> bool:
    try:
        return declarations.handover().holder() == "blue"
    except HandoverError:
        return False
