"""What is said of a pod and of a Deployment, by documents as API server and kubelet write them."""

from typing import Any

import pytest

from smoke.probes.deployed import Deployed
from smoke.probes.podstates import Log, Pod, Trouble, last_words, warning

Document = dict[str, Any]
CREATED, STARTED, LATER = "2026-11-30T15:43:26Z", "2026-11-30T15:43:29Z", "2026-11-30T15:50:00Z"
IMAGE = "registry.local/api@sha256:0"


def pod(*statuses: Document, phase: str = "Running", init: Document | None = None, **conditions: Document) -> Document:
    """A pod on a node, with these statuses of its container ``app``; ``Ready`` and the like are told where they are given."""
    known = {"PodScheduled": {"status": "True"}, "Ready": {"status": "False", "lastTransitionTime": CREATED}, **conditions}
    told = [{"name": "app", "restartCount": 0, "ready": False, "image": IMAGE, **each} for each in statuses]
    container = {"name": "app", "image": IMAGE, "resources": {"limits": {"memory": "64Mi"}}}
    return {
        "metadata": {
            "name": "api-green-1-x",
            "uid": "u1",
            "labels": {"crossfade/slot": "green", "app.kubernetes.io/version": "py312-0123456789ab"},
        },
        "spec": {"nodeName": "node-1", "containers": [container], "initContainers": [{"name": "first", "image": IMAGE}]},
        "status": {
            "phase": phase,
            "conditions": [{"type": kind, **each} for kind, each in known.items()],
            "containerStatuses": told,
            **({} if init is None else {"initContainerStatuses": [{"name": "first", "restartCount": 0, **init}]}),
        },
    }


def waiting(reason: str, message: str = "", **more: Any) -> Document:  # noqa: ANN401 - any field
    """A status of a container that waits."""
    return {"state": {"waiting": {"reason": reason, "message": message}}, **more}


def ended(code: int = 1, reason: str = "Error", **more: Any) -> Document:  # noqa: ANN401 - any field
    """A container's end."""
    return {"terminated": {"exitCode": code, "reason": reason, **more}}


RUNS: Document = {"state": {"running": {"startedAt": STARTED}}, "started": True}
PULL = 'Back-off pulling image "registry.local/api@sha256:0": ErrImagePull: not found'

CASES: dict[str, tuple[Document, Trouble]] = {
    "an image that is not there": (
        pod(waiting("ImagePullBackOff", PULL)),
        Trouble(f"ImagePullBackOff: the image {IMAGE} cannot be had: {PULL}", told=True),
    ),
    "a setting that is not there": (
        pod(waiting("CreateContainerConfigError", 'secret "keys" not found')),
        Trouble('CreateContainerConfigError: container app cannot be started: secret "keys" not found', told=True),
    ),
    "a program that is not there": (
        pod(waiting("RunContainerError", 'exec: "gunicron": executable file not found in $PATH')),
        Trouble(
            'RunContainerError: container app cannot be started: exec: "gunicron": executable file not found in $PATH', told=True
        ),
    ),
    "a crash loop": (
        pod(waiting("CrashLoopBackOff", "back-off 20s restarting", restartCount=3, lastState=ended(1))),
        Trouble("CrashLoopBackOff: container app ended, restarted 3 times: exit code 1", log=Log("app", previous=True)),
    ),
    "an end": (
        pod({"state": ended(2, message="cannot bind")}),
        Trouble("container app ended: exit code 2, cannot bind", log=Log("app", previous=False)),
    ),
    "a restart": (
        pod({**RUNS, "restartCount": 1, "lastState": ended(137)}),
        Trouble("container app ended, restarted once: exit code 137", log=Log("app", previous=True)),
    ),
    "too little memory": (
        pod(waiting("CrashLoopBackOff", "", restartCount=1, lastState=ended(137, "OOMKilled"))),
        Trouble(
            "CrashLoopBackOff: container app ended, restarted once: OOMKilled: it took more memory than its limit of 64Mi",
            log=Log("app", previous=True),
        ),
    ),
    "a step before it that fails": (
        pod(waiting("PodInitializing"), init={"state": ended(1)}),
        Trouble("container first ended: exit code 1", log=Log("first", previous=False)),
    ),
    "a step before it that is done": (
        pod(waiting("PodInitializing"), init={"state": ended(0, "Completed"), "ready": True}),
        Trouble("container app is being made, or its image is on its way", wrong=False),
    ),
    "an image on its way": (
        pod(waiting("ContainerCreating")),
        Trouble("container app is being made, or its image is on its way", wrong=False),
    ),
    "a start": (pod({**RUNS, "started": False}), Trouble("container app is starting", wrong=False)),
    "not ready yet": (pod(RUNS), Trouble("container app runs, and is not ready yet", wrong=False)),
    "not ready any more": (
        pod(RUNS, Ready={"status": "False", "lastTransitionTime": LATER}),
        Trouble("container app runs, and is not ready any more"),
    ),
    "a lost node": (
        pod({**RUNS, "ready": True}, Ready={"status": "False", "lastTransitionTime": LATER}),
        Trouble("its node node-1 does not answer: kubectl describe node node-1"),
    ),
    "a gate": (
        pod({**RUNS, "ready": True}, Ready={"status": "False", "reason": "ReadinessGatesNotReady", "message": "lb"}),
        Trouble("ReadinessGatesNotReady: lb", wrong=False, told=True),
    ),
    "an eviction": (
        {
            **pod(phase="Failed"),
            "status": {"phase": "Failed", "reason": "Evicted", "message": "The node was low on resource: memory."},
        },
        Trouble("Evicted: The node was low on resource: memory.", wrong=False, told=True),
    ),
    "a drain": (
        pod(RUNS, DisruptionTarget={"status": "True", "reason": "EvictionByEvictionAPI", "message": "Eviction API: evicting"}),
        Trouble("is taken away (EvictionByEvictionAPI): Eviction API: evicting", wrong=False, told=True),
    ),
}


@pytest.mark.parametrize(("document", "trouble"), CASES.values(), ids=CASES)
def test_what_keeps_a_pod_from_being_ready_is_told(document: Document, trouble: Trouble) -> None:
    """Each state of a pod is told in words that name what is to be mended, or what it waits for."""
    assert Pod.of(document).trouble == trouble


def test_a_pod_without_a_node_says_why() -> None:
    """The scheduler's own words are repeated; without any, it waits for a node."""
    said = "0/1 nodes are available: 1 Insufficient memory."
    document = pod(phase="Pending", PodScheduled={"status": "False", "reason": "Unschedulable", "message": said})
    document["spec"].pop("nodeName")
    assert Pod.of(document).trouble == Trouble(f"Unschedulable: {said}", wrong=False, told=True)
    document["status"] = {"phase": "Pending"}
    assert Pod.of(document).trouble == Trouble("waits for a node", wrong=False)


def test_a_pod_that_its_kubelet_has_not_seen_waits_for_it() -> None:
    """A pod with a node and no word of its containers waits for that node."""
    document = pod(phase="Pending")
    del document["status"]["containerStatuses"]
    assert Pod.of(document).trouble == Trouble("waits for its node node-1 to begin", wrong=False)


def test_a_ready_pod_has_no_trouble() -> None:
    """A pod that is ready says so, with all its restarts; one that was deleted is not ready, whatever it says."""
    document = pod({**RUNS, "ready": True, "restartCount": 2}, Ready={"status": "True"}, init={"restartCount": 1, "state": {}})
    found = Pod.of(document)
    assert (found.ready, found.trouble, found.restarts, found.counts, found.slot) == (True, None, 3, True, "green")
    document["metadata"]["deletionTimestamp"] = LATER
    found = Pod.of(document)
    assert (found.ready, found.counts) == (False, False)
    assert found.trouble == Trouble("was deleted, and ends", wrong=False, told=True)


def test_a_container_that_runs_beside_the_others_is_no_step_before_them() -> None:
    """A first container that is to run on is looked at as any other: that it ended is told."""
    document = pod({**RUNS, "ready": True}, init={"state": ended(0, "Completed")})
    document["spec"]["initContainers"][0]["restartPolicy"] = "Always"
    assert Pod.of(document).trouble == Trouble("container first ended: exit code 0", log=Log("first", previous=False))


@pytest.mark.parametrize("kind", [Pod, Deployed])
@pytest.mark.parametrize("document", [{}, {"metadata": {}}, {"metadata": {"name": "x"}, "spec": None, "status": []}, [], None])
def test_what_is_none_is_refused(kind: type[Pod | Deployed], document: Any) -> None:  # noqa: ANN401 - that is the point
    """A document that is no pod, or no Deployment, raises what the probe expects, and nothing else."""
    with pytest.raises((LookupError, TypeError, ValueError, AttributeError)):
        kind.of(document)


# A Deployment


def deployed(*conditions: Document, **status: int) -> Deployed:
    """A Deployment of two replicas with that status."""
    known = {"observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, **status}
    labels = {"app.kubernetes.io/version": "py312-0123456789ab"}
    return Deployed.of(
        {
            "metadata": {"name": "api-green", "generation": 3, "labels": {"crossfade/slot": "green"}},
            "spec": {"replicas": 2, "progressDeadlineSeconds": 60, "template": {"metadata": {"labels": labels}}},
            "status": {**known, "conditions": [*conditions]},
        }
    )


def test_a_deployment_is_whole_when_all_are_there_and_ready() -> None:
    """It is whole when its controller has seen it, every pod is as declared now, and as many are ready as are wanted."""
    assert deployed().whole
    assert not deployed(observedGeneration=2).whole
    assert not deployed(readyReplicas=1).whole
    assert not deployed(updatedReplicas=1).whole
    assert not deployed(replicas=3).whole


def test_why_there_are_no_pods_is_told() -> None:
    """A refusal to make pods is told in its words, as is a deadline that passed."""
    said = 'pods "api-green-1-x" is forbidden: exceeded quota: small'
    refused = deployed({"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said})
    assert refused.trouble == Trouble(f"pods cannot be made: {said}", told=True)
    late = deployed({"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"})
    assert late.trouble == Trouble("its pods did not come within 60 s")
    assert deployed().trouble is None


# A log, and events


def test_a_log_is_told_by_its_end() -> None:
    """Of a log its last lines are told, and of them the end; empty ones say nothing."""
    assert last_words("a\n\n  b \nc\nd\n\n") == "b | c | d"
    assert last_words("") == ""
    assert last_words("x" * 500 + "\nValueError: no").endswith("ValueError: no")
    assert len(last_words("x" * 500)) < 200


def test_the_newest_warning_is_told() -> None:
    """Of a pod's events the newest warning is told, whichever of its times an event has."""
    events = [
        {"type": "Normal", "reason": "Pulled", "message": "", "lastTimestamp": LATER},
        {"type": "Warning", "reason": "FailedMount", "message": "old", "lastTimestamp": CREATED},
        {"type": "Warning", "reason": "Unhealthy", "message": "Readiness probe failed: 503", "eventTime": STARTED},
    ]
    assert warning(events) == "Unhealthy: Readiness probe failed: 503"
    assert warning([]) == ""
