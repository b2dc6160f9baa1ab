"""What the probe ``pods`` says of pods that a real kubelet runs, and fails to run."""

import re
from typing import Any

import pytest
from cluster_said import STACK, deployment
from kube_images import ECHO
from kube_node import Node
from machine import wait_for

from infra.contract import Backend
from smoke.model import Answer, Reading
from smoke.probes import probe
from smoke.seams import Probe
from tests.smoke.probes.peers import OTHER, VERSION, placed

Document = dict[str, Any]
ASKS = {"httpGet": {"path": "/", "port": 8080}, "periodSeconds": 1}
LIMIT = 90.0
"""Seconds that a busy machine may take until its kubelet says what is expected."""


def declared(namespace: str, service: str = "api", version: str = VERSION, replicas: int = 2, **container: object) -> Document:
    """The green slot of a service, whose container is changed in these words."""
    made = deployment("green", replicas, service, version)
    pod = made["spec"]["template"]["spec"]
    known = {"name": "app", "image": ECHO, "imagePullPolicy": "Never", "readinessProbe": ASKS}
    pod["containers"] = [{**known, "env": [{"name": "ANSWER", "value": version}], **container}]
    pod["terminationGracePeriodSeconds"] = 1
    metadata = {"name": made["metadata"]["name"], "namespace": namespace, "labels": made["metadata"]["labels"]}
    spec = {**made["spec"], "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def env(**values: str) -> list[Document]:
    """The environment of a container."""
    return [{"name": name, "value": value} for name, value in values.items()]


@pytest.fixture(name="asked")
def _asked(kube_node: Node, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Probe:
    """A probe of a namespace of the node's cluster."""
    kube_node.api.namespace(namespace)
    monkeypatch.setenv("KUBECONFIG", str(kube_node.api.kubeconfig))
    return probe(Backend("pods", {"namespace": namespace, "stack": STACK, "timeout": 30.0}))


def seen(asked: Probe, wanted: str, answer: Answer = Answer.FAILED) -> Reading:
    """The first reading whose detail has that."""
    last: list[Reading] = []

    def look() -> Reading | None:
        last.append(asked.read(placed()))
        return last[-1] if re.search(wanted, last[-1].detail) and last[-1].answer is answer else None

    try:
        return wait_for(look, wanted, limit=LIMIT, pause=0.2)
    except TimeoutError as error:
        raise AssertionError(f"{wanted!r} was never seen: {sorted({each.detail for each in last})}") from error


WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "an image that is not there": ({"image": "localhost/none:1"}, "ErrImageNeverPull: the image localhost/none:1 cannot be had"),
    "a registry that is not there": (
        {"image": "127.0.0.1:1/none:1", "imagePullPolicy": "Always"},
        "(ErrImagePull|ImagePullBackOff): the image 127.0.0.1:1/none:1 cannot be had: .*refused",
    ),
    "a setting that is not there": (
        {"envFrom": [{"secretRef": {"name": "keys"}}]},
        'CreateContainerConfigError: container app cannot be started: secret "keys" not found',
    ),
    "a program that is not there": ({"command": ["/none"]}, "(RunContainerError|container app ended).*/none"),
    "a crash": (
        {"env": env(PORT="none")},
        r"CrashLoopBackOff: container app ended, restarted (once|\d+ times): exit code \d+; it said: .*none",
    ),
    "too little memory": (
        {"env": env(HOLD="200"), "resources": {"limits": {"memory": "64Mi"}}},
        "OOMKilled: it took more memory than its limit of 64Mi",
    ),
    "no room": (
        {"resources": {"requests": {"cpu": "1000"}, "limits": {"cpu": "1000"}}},
        r"Unschedulable: 0/1 nodes are available: 1 Insufficient cpu",
    ),
    "an answer that is wrong": (
        {"env": env(STATUS="503")},
        "runs, and is not ready yet; Unhealthy: Readiness probe failed: HTTP probe failed with statuscode: 503",
    ),
    "a start that takes long": (
        {"env": env(STATUS="503"), "startupProbe": {**ASKS, "failureThreshold": 600}},
        "container app is starting; Unhealthy: Startup probe failed: HTTP probe failed with statuscode: 503",
    ),
    "a volume that is not there": (
        {"volumeMounts": [{"name": "data", "mountPath": "/data"}]},
        'is being made, .*; FailedMount: .*secret "keys" not found',
    ),
}


@pytest.mark.parametrize(("container", "told"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told(kube_node: Node, namespace: str, asked: Probe, container: dict[str, Any], told: str) -> None:
    """What kubelet, scheduler or registry has against a pod is told in one phrase, long before any deadline."""
    made = declared(namespace, **container)
    if "volumeMounts" in container:
        made["spec"]["template"]["spec"]["volumes"] = [{"name": "data", "secret": {"secretName": "keys"}}]
    kube_node.api.apply(made)
    assert not seen(asked, told).impostor
    kube_node.api.kubectl("delete", "deployment", "--all", "-n", namespace, "--wait=false")


def test_a_quota_is_told(kube_node: Node, namespace: str, asked: Probe) -> None:
    """Where the namespace may have no more pods, the quota is named."""
    kube_node.api.kubectl("create", "quota", "small", "--hard", "pods=0", "-n", namespace)
    kube_node.api.apply(declared(namespace))
    seen(asked, r"0 of 2 pods are ready: api-green: pods cannot be made: .*exceeded quota: small")


def test_a_slot_comes_up_and_is_well(kube_node: Node, namespace: str, asked: Probe) -> None:
    """A slot whose pods get ready is well; one that is scaled up stays so while the others come."""
    api = kube_node.api
    api.apply(declared(namespace))
    reading = seen(asked, "2 of 2 pods are ready", Answer.OK)
    assert (reading.version, reading.instance, reading.numbers["ready"]) == (VERSION, "restarts 0", 2)
    api.kubectl("scale", "deployment", "api-green", "--replicas", "4", "-n", namespace)
    answers = []
    wait_for(lambda: answers.append(asked.read(placed())) or answers[-1].detail.startswith("4 of 4"), limit=LIMIT, pause=0.01)
    known = [each for each in answers if each.numbers["wanted"] == 4]
    wrong = [each.detail for each in known if each.answer is not Answer.OK]
    assert len(known) > 2 * len(wrong), f"but for the moment until its controller has seen it: {wrong}"
    assert {each.answer for each in known[len(wrong) :]} == {Answer.OK}


def test_a_restart_is_told_from_a_replacement(kube_node: Node, namespace: str, asked: Probe) -> None:
    """A pod that is deleted and replaced is the same instance; a container that is killed and started again is another."""
    api = kube_node.api
    api.apply(declared(namespace))
    first = seen(asked, "2 of 2 pods are ready", Answer.OK)
    pods = api.get("pods", "-n", namespace)["items"]
    api.kubectl("delete", "pod", pods[0]["metadata"]["name"], "-n", namespace)
    assert seen(asked, "2 of 2 pods are ready", Answer.OK).instance == first.instance
    container = pods[1]["status"]["containerStatuses"][0]["containerID"].removeprefix("containerd://")
    kube_node.ctr("tasks", "kill", "--signal", "KILL", container)
    after = seen(asked, "2 of 2 pods are ready, with 1 restarts so far", Answer.OK)
    assert (after.instance, after.numbers["restarts"]) == ("restarts 1", 1)


def test_another_release_is_an_impostor_once_it_answers(kube_node: Node, namespace: str, asked: Probe) -> None:
    """A slot that somebody declares as another version fails, as an impostor once such a pod is ready; and back it is well."""
    api = kube_node.api
    api.apply(declared(namespace))
    seen(asked, "2 of 2 pods are ready", Answer.OK)
    api.apply(declared(namespace, version=OTHER))
    assert seen(asked, f"{OTHER} answered, {VERSION} was asked").impostor
    api.kubectl("rollout", "undo", "deployment/api-green", "-n", namespace)
    answers = []
    wait_for(lambda: answers.append(asked.read(placed())) or answers[-1].answer is Answer.OK, limit=LIMIT, pause=0.05)
    assert not any(each.impostor for each in answers if "of what was there before" in each.detail)


def test_a_missing_right_is_named(kube_node: Node, namespace: str, asked: Probe, monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without rights is told which one is missing; with those to list deployments and pods the probe can tell."""
    api = kube_node.api
    api.apply(declared(namespace, replicas=1))
    seen(asked, "1 of 1 pods are ready", Answer.OK)
    monkeypatch.setenv("KUBECONFIG", str(api.user(f"somebody-{namespace}")))
    poor = probe(Backend("pods", {"namespace": namespace, "stack": STACK, "timeout": 30.0}))
    assert 'cannot list resource "deployments" in API group "apps"' in seen(poor, "refuses", Answer.UNTOLD).detail
    api.kubectl("create", "role", "looks", "--verb", "list", "--resource", "deployments.apps,pods", "-n", namespace)
    api.kubectl("create", "rolebinding", "looks", "--role", "looks", "--user", f"somebody-{namespace}", "-n", namespace)
    seen(poor, "1 of 1 pods are ready", Answer.OK)
