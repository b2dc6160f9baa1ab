"""What the probe ``pods`` makes of a slot; the cluster's API is one that says what it is told."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from cluster_said import NAMESPACE, SERVICE, STACK, Cluster, deployment, kubeconfig, labels

from infra.contract import Backend
from smoke.model import Answer, Reading
from smoke.probes import probe
from tests.smoke.probes.peers import OTHER, VERSION, Peer, ended, placed, silent

Document = dict[str, Any]


class Stage:
    """A cluster with the service ``agent``: green, which is looked at, has two pods; blue has one."""

    def __init__(self, held: ExitStack) -> None:
        self.cluster = Cluster()
        for slot, replicas in (("blue", 1), ("green", 2)):
            self.cluster.put("deployments", deployment(slot, replicas))
        for _ in range(2):
            self.cluster.act()
        held.enter_context(kubeconfig(shop=held.enter_context(self.cluster.door())))
        self.probe = self.made()

    def made(self, **changes: object) -> Any:  # noqa: ANN401 - a probe
        """A probe."""
        known = {"namespace": NAMESPACE, "stack": STACK, "timeout": 30.0}
        return probe(Backend("pods", {**known, **changes}))

    def look(self, asked: Any = None) -> Reading:  # noqa: ANN401 - a probe
        """Look at green once."""
        return ended(asked or self.probe, placed(service=SERVICE))

    @property
    def green(self) -> Document:
        """Its Deployment."""
        return self.cluster.objects["deployments"]["agent-green"]

    @property
    def pods(self) -> list[Document]:
        """Of green."""
        return [each for each in self.cluster.objects["pods"].values() if each["metadata"]["labels"]["crossfade/slot"] == "green"]

    def pod(self, **status: Document) -> Document:
        """Have a pod of green, the newest, that says this of its container, and is not ready."""
        own = {"name": f"agent-green-1-new{len(self.pods)}", "labels": labels("green")}
        conditions = [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}]
        told = {"name": "app", "ready": False, "restartCount": 0, **status}
        spec = {"nodeName": "node-1", "containers": self.green["spec"]["template"]["spec"]["containers"]}
        said = {"phase": "Running", "conditions": conditions, "containerStatuses": [told]}
        return self.cluster.put("pods", {"metadata": own, "spec": spec, "status": said})

    def lacks(self, *, came: bool, ready: int = 1) -> None:
        """Let one pod of two be gone, before or after all were there once."""
        del self.cluster.objects["pods"][self.pods[0]["metadata"]["name"]]
        conditions = self.green["status"]["conditions"] if came else []
        self.green["status"] = {**self.green["status"], "readyReplicas": ready, "conditions": conditions}


@pytest.fixture(name="stage")
def _stage() -> Iterator[Stage]:
    with ExitStack() as held:
        yield Stage(held)


WAITS: Document = {"waiting": {"reason": "ContainerCreating"}}
LOOPS: Document = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}}
CRASHED: Document = {"terminated": {"exitCode": 1, "reason": "Error"}}


# All there


def test_all_pods_ready_is_well(stage: Stage) -> None:
    """A slot whose pods are all there, ready and of the version that was asked is well, and told in numbers."""
    reading = stage.look()
    assert (reading.answer, reading.version, reading.impostor) == (Answer.OK, VERSION, False)
    assert reading.detail == "2 of 2 pods are ready"
    assert {**reading.numbers, "seconds": 0} == {"ready": 2, "wanted": 2, "restarts": 0, "seconds": 0}


def test_another_release_that_takes_traffic_is_an_impostor(stage: Stage) -> None:
    """Where the slot was declared as another version, and such a pod is ready, that is an impostor; without one it fails."""
    other = labels("green", version=OTHER)
    stage.green["spec"]["template"]["metadata"]["labels"] = other
    reading = stage.look()
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False)
    assert reading.detail == f"agent-green holds {OTHER}, {VERSION} was asked"
    stage.pods[0]["metadata"]["labels"] = other
    reading = stage.look()
    assert (reading.answer, reading.version, reading.impostor) == (Answer.FAILED, OTHER, True)


def test_a_stray_with_the_labels_of_the_slot_is_an_impostor(stage: Stage) -> None:
    """A ready pod of another version takes traffic of the slot, whoever made it."""
    stage.pods[0]["metadata"]["labels"] = labels("green", version=OTHER)
    assert stage.look().impostor


def test_another_image_under_the_same_label_is_an_impostor(stage: Stage) -> None:
    """Somebody who sets the image by hand leaves the label; it is known by the digest, whatever registry it comes from."""
    container = stage.green["spec"]["template"]["spec"]["containers"][0]
    stage.green["metadata"]["annotations"] = {"crossfade/image": "registry.local/agent@sha256:0"}
    container["image"] = "mirror.local/agent@sha256:0"
    assert stage.look().answer is Answer.OK
    for image in ("registry.local/agent@sha256:1", "registry.local/agent:1"):
        container["image"] = image
        reading = stage.look()
        assert (reading.answer, reading.impostor) == (Answer.FAILED, True)
        assert reading.detail == f"agent-green was placed with another image than {image}"
    stage.green["metadata"]["annotations"] = {"crossfade/image": "registry.local/agent:1"}
    assert stage.look().answer is Answer.OK, "of a tag nobody knows what it was"


def test_a_release_that_is_still_being_replaced_is_no_impostor(stage: Stage) -> None:
    """While the Deployment puts new pods in the place of those before, it is not well yet; nobody is taken for another."""
    stage.pods[0]["metadata"]["labels"] = labels("green", version=OTHER)
    stage.green["status"] |= {"updatedReplicas": 1, "conditions": []}
    reading = stage.look()
    assert (reading.answer, reading.impostor) == (Answer.FAILED, False)
    assert "1 pods of what was there before are still to go" in reading.detail


def test_a_controller_that_has_not_looked_is_waited_for(stage: Stage) -> None:
    """What is declared and not seen by the controller is not there."""
    stage.green["metadata"]["generation"] += 1
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert "its controller has not seen what is declared now" in reading.detail


def test_a_slot_without_a_deployment_says_so(stage: Stage) -> None:
    """A slot that has no Deployment fails, and names the labels that were looked for; so does one that has two."""
    stage.cluster.put("deployments", {**deployment("green"), "metadata": {**stage.green["metadata"], "name": "more"}})
    assert "has 2 Deployments" in stage.look().detail
    stage.cluster.objects["deployments"].clear()
    assert f"namespace {NAMESPACE} has no Deployments with crossfade/stack={STACK}" in stage.look().detail


# Not all there


def test_a_crash_loop_is_told_with_what_it_said(stage: Stage) -> None:
    """A crash loop fails at once, with the end of the log of the container that ended, and without its secrets."""
    stage.lacks(came=False)
    pod = stage.pod(state=LOOPS, lastState=CRASHED, restartCount=2)
    stage.cluster.logs[pod["metadata"]["name"]] = "starting\npassword=hunter22secret\nKeyError: 'DATABASE'\n"
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert reading.detail == (
        f"1 of 2 pods are ready: {pod['metadata']['name']}: "
        "CrashLoopBackOff: container app ended, restarted 2 times: exit code 1; "
        "it said: starting | password=*** | KeyError: 'DATABASE'"
    )
    assert reading.numbers["restarts"] == 2


def test_a_log_that_cannot_be_read_is_told(stage: Stage) -> None:
    """Where the log is refused, the rest is told all the same."""
    stage.lacks(came=False)
    stage.pod(state=LOOPS, lastState=CRASHED, restartCount=2)
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert reading.detail.endswith("exit code 1; its log cannot be read: there is no such container")


def test_the_kubelets_warning_is_told(stage: Stage) -> None:
    """Of a pod that runs and is not ready, the kubelet's newest warning is told; nothing of it where events are refused."""
    stage.lacks(came=False)
    pod = stage.pod(state={"running": {"startedAt": "2026-11-30T15:43:29Z"}}, started=True)
    said = "Readiness probe failed: HTTP probe failed with statuscode: 503"
    event = {"type": "Warning", "reason": "Unhealthy", "message": said, "involvedObject": {"uid": pod["metadata"]["uid"]}}
    stage.cluster.put("events", {"metadata": {"name": "e1"}, **event})
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert reading.detail.endswith(f"container app runs, and is not ready yet; Unhealthy: {said}")
    stage.cluster.refuses["GET events"] = 403
    assert stage.look().detail.endswith("container app runs, and is not ready yet")


def test_a_quota_is_told(stage: Stage) -> None:
    """Where pods are refused, the Deployment's word for it is told."""
    stage.lacks(came=False)
    said = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small"}
    stage.green["status"]["conditions"] = [said]
    reading = stage.look()
    assert (reading.answer, reading.detail) == (
        Answer.FAILED,
        "1 of 2 pods are ready: agent-green: pods cannot be made: exceeded quota: small",
    )


def test_a_deadline_that_passed_is_told_with_what_was_waited_for(stage: Stage) -> None:
    """After the Deployment's own deadline it is told beside what its pod still waits for."""
    stage.lacks(came=False)
    stage.pod(state=WAITS)
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    stage.green["status"]["conditions"] = [late]
    assert "container app is being made, or its image is on its way; its pods did not come within 600 s" in stage.look().detail


def test_what_still_comes_up_fails_with_what_it_waits_for(stage: Stage) -> None:
    """Before all pods were there once, one that is on its way is not well, and says what it waits for."""
    stage.lacks(came=False)
    stage.pod(state=WAITS)
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert "1 of 2 pods are ready" in reading.detail
    assert "its image is on its way" in reading.detail


def test_what_was_whole_is_well_while_a_pod_is_replaced(stage: Stage) -> None:
    """A pod that an autoscaler added, or that comes for one that was evicted, fails no slot whose other pods serve."""
    stage.lacks(came=True)
    stage.pod(state=WAITS)
    reading = stage.look()
    assert reading.answer is Answer.OK
    assert reading.detail.startswith("1 of 2 pods are ready: agent-green-1-new1: container app is being made")


def test_what_was_whole_fails_when_none_is_left(stage: Stage) -> None:
    """Where no pod is ready nobody serves, whatever is on its way."""
    stage.lacks(came=True, ready=0)
    stage.pod(state=WAITS)
    assert stage.look().answer is Answer.FAILED


def test_what_was_whole_fails_with_what_is_wrong(stage: Stage) -> None:
    """A pod with something wrong fails the slot, though the others serve."""
    stage.lacks(came=True)
    stage.pod(state=LOOPS, lastState=CRASHED, restartCount=1)
    assert stage.look().answer is Answer.FAILED


def test_what_does_not_come_in_time_fails(stage: Stage) -> None:
    """What is on its way for longer than the Deployment's own deadline does not come."""
    stage.lacks(came=True)
    stage.pod(state=WAITS)
    stage.green["spec"]["progressDeadlineSeconds"] = 0
    assert stage.look().answer is Answer.OK
    assert stage.look().answer is Answer.FAILED


# Restarts


def test_a_restart_is_another_instance(stage: Stage) -> None:
    """A container that is started again makes another instance; nothing else does."""
    pod = stage.pods[0]
    pod["status"]["containerStatuses"] = [{"name": "app", "ready": True, "restartCount": 0, "state": {}}]
    first = stage.look()
    assert stage.look().instance == first.instance
    pod["status"]["containerStatuses"][0]["restartCount"] = 1
    after = stage.look()
    assert (after.answer, after.instance != first.instance, after.numbers["restarts"]) == (Answer.OK, True, 1)
    assert "with 1 restarts so far" in after.detail


def test_a_pod_that_is_replaced_is_the_same_instance(stage: Stage) -> None:
    """A pod that goes takes its restarts with it, and one that comes brings none: neither is a crash of the release."""
    stage.pods[0]["status"]["containerStatuses"] = [{"name": "app", "ready": True, "restartCount": 3, "state": {}}]
    before = stage.look()
    del stage.cluster.objects["pods"][stage.pods[0]["metadata"]["name"]]
    assert stage.look().instance == before.instance
    stage.cluster.act()
    stage.cluster.act()
    assert stage.look().instance == before.instance


# A singleton


def test_a_slot_that_somebody_scaled_to_0_fails(stage: Stage) -> None:
    """A slot without replicas is not well, and the detail says how to scale it."""
    stage.cluster.scale("agent-green", 0)
    reading = stage.look()
    assert reading.answer is Answer.FAILED
    assert "kubectl scale deployment agent-green" in reading.detail


def test_a_singleton_that_waits_for_the_handover_is_well(stage: Stage) -> None:
    """A singleton's slot that is scaled to 0 is well while another slot works, as long as it holds the right version."""
    stage.cluster.scale("agent-green", 0)
    reading = stage.look(stage.made(standby=True))
    assert (reading.answer, reading.version) == (Answer.OK, VERSION)
    assert reading.detail == "scaled to 0: it starts at the hand-over; blue is at work"
    assert reading.numbers["wanted"] == 0


def test_a_singleton_of_which_nobody_works_fails(stage: Stage) -> None:
    """Where all slots are scaled to 0 and no pod is left, nobody works: no slot is well."""
    waits = stage.made(standby=True)
    for slot in ("blue", "green"):
        stage.cluster.scale(f"agent-{slot}", 0)
    assert stage.look(waits).answer is Answer.OK, "a pod of blue still ends"
    stage.cluster.objects["pods"].clear()
    reading = stage.look(waits)
    assert (reading.answer, "nobody is at work" in reading.detail) == (Answer.FAILED, True)


def test_a_singleton_that_takes_over_is_well_until_it_was_ready(stage: Stage) -> None:
    """While it starts its work for the first time a singleton is well; once it was ready, it must be."""
    waits = stage.made(standby=True)
    stage.cluster.scale("agent-green", 0)
    assert stage.look(waits).answer is Answer.OK
    stage.cluster.objects["pods"].clear()
    stage.cluster.scale("agent-blue", 0)
    stage.cluster.scale("agent-green", 1)
    for who in ("declare", "replicate", "declare"):
        stage.cluster.act(who)
    assert stage.look(waits).detail.startswith("0 of 1 pods are ready")
    assert stage.look(waits).answer is Answer.OK
    stage.cluster.act()
    assert stage.look(waits).detail == "1 of 1 pods are ready"
    stage.cluster.objects["pods"].clear()
    stage.cluster.act("declare")
    assert stage.look(waits).answer is Answer.FAILED


# What cannot be asked


@pytest.mark.parametrize("plural", ["deployments", "pods"])
def test_a_missing_right_could_not_tell(stage: Stage, plural: str) -> None:
    """A refusal is no word on the slot; it is told with the verb and the resource."""
    stage.cluster.refuses[f"GET {plural}"] = 403
    reading = stage.look()
    assert reading.answer is Answer.UNTOLD
    assert f'cannot list resource "{plural}"' in reading.detail


def test_a_server_that_does_not_answer_could_not_tell(stage: Stage) -> None:
    """Whether nobody listens, or nobody answers: a look comes to its end, and could not tell."""
    asked = stage.made(timeout=0.6)
    with Peer(silent) as peer, kubeconfig(shop=f"http://{peer.address}"):
        assert ended(asked, placed(service=SERVICE)).answer is Answer.UNTOLD
    with kubeconfig(shop="http://127.0.0.1:1"):
        assert ended(stage.made(), placed(service=SERVICE)).answer is Answer.UNTOLD


def test_what_are_no_pods_could_not_tell(stage: Stage) -> None:
    """Documents that make no sense are no word on the slot."""
    stage.pods[0]["status"] = ["none"]
    reading = stage.look()
    assert (reading.answer, "what are no deployments or pods" in reading.detail) == (Answer.UNTOLD, True)
