"""What whoever drives and whoever declares may do with the rights of ``deploy/rbac.yaml``, and what not without each of them."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from cluster_said import SERVICE, STACK, deployment, scaler
from kube_api import Api
from kube_roles import DECLARE, GATEWAY, ROLLOUT, Right, applied, bound, given_but, rights, rules
from machine import wait_for

from infra.contract import Backend, Contract
from infra.targets.kubernetes import cluster as things
from infra.targets.kubernetes.ground import VERBS
from smoke.capacities import capacity
from smoke.clock import SystemClock
from smoke.cluster import Cluster, Reach
from smoke.doctor.cluster import RIGHTS, missing_rights
from smoke.errors import CrossfadeError, RouterError
from smoke.handovers.scale import ScaleHandover
from smoke.job import Errand
from smoke.journals import ClusterJournal, ClusterMailbox
from smoke.kubeconfig import opened as door_of
from smoke.probes import probe
from tests.kubernetes.test_declaring import in_cluster
from tests.kubernetes.test_ground import gateway
from tests.smoke.probes.peers import placed
from tests.smoke.routers.gateway_harness import PULUMI, Shop, opened, shares

ROUND = "0001-a"
LIMIT = 30.0
WARNING = "no node has room for it"
_numbers = itertools.count()


class Stage:
    """A stack of which everything is there that a rollout needs: a route, a service that crashes, one that waits, a singleton."""

    def __init__(self, shop: Shop) -> None:
        self.shop, self.api, self.namespace = shop, shop.api, shop.namespace
        for made in (
            deployment("blue", 2, "api"),
            deployment("green", 1, "api"),
            deployment("green", 1, "web"),
            deployment("blue", 1),
            deployment("green", 0),
        ):
            own = {**made, "apiVersion": "apps/v1", "kind": "Deployment"}
            own["metadata"] = {**made["metadata"], "namespace": self.namespace}
            self.api.apply({key: each for key, each in own.items() if key != "status"}, manager=PULUMI)
        self._crash(self.pod("api-green"))
        self._warn(self.pod("web-green"))

    def pod(self, name: str) -> dict[str, Any]:
        """The one that a Deployment's controller made."""
        return wait_for(lambda: next(iter(self._pods(name)), None), f"{name} has a pod", limit=LIMIT)

    def _pods(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.api.get("pods", "-n", self.namespace)["items"]
        return [each for each in found if each["metadata"]["name"].startswith(f"{name}-")]

    def say(self, pod: Mapping[str, Any], *conditions: str, **status: object) -> None:
        """Say of a pod what its kubelet would."""
        named = [{"type": each, "status": "True"} for each in conditions]
        metadata = {"name": pod["metadata"]["name"], "namespace": self.namespace}
        said = {"phase": "Running", "conditions": named, **status}
        self.api.status({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "status": said})

    def _crash(self, pod: Mapping[str, Any]) -> None:
        state = {"waiting": {"reason": "CrashLoopBackOff"}}
        container = {"name": "app", "image": "a", "imageID": "b", "ready": False, "restartCount": 2, "state": state}
        self.say(pod, "PodScheduled", containerStatuses=[container])

    def _warn(self, pod: Mapping[str, Any]) -> None:
        about = {"kind": "Pod", "name": pod["metadata"]["name"], "namespace": self.namespace, "uid": pod["metadata"]["uid"]}
        metadata = {"name": "warned", "namespace": self.namespace}
        said = {"involvedObject": about, "type": "Warning", "reason": "FailedScheduling", "message": WARNING}
        self.api.apply({"apiVersion": "v1", "kind": "Event", "metadata": metadata, **said})

    # What a rollout does

    def look(self, service: str) -> str:
        """What the probe says of a service."""
        asked = probe(Backend("pods", {"namespace": self.namespace, "stack": STACK, "timeout": 30.0}))
        return asked.read(placed(service=service)).detail

    def ask(self) -> str:
        """What the probe says that asks pods themselves: here none runs, and the server finds no way to it."""
        for pod in self._pods("api-blue"):
            self.say(pod, "PodScheduled", "Ready")
        asked = probe(Backend("shown", {"namespace": self.namespace, "stack": STACK, "timeout": 30.0}))
        return asked.read(placed(service="api", slot="blue")).detail

    def handover(self) -> ScaleHandover:
        """That of the singleton."""
        names = {slot: f"{SERVICE}-{slot}" for slot in ("blue", "green")}
        settings = {"namespace": self.namespace, "stack": STACK, "service": SERVICE, "deployments": names, "timeout": LIMIT}
        return ScaleHandover(settings, SystemClock())

    def hold(self) -> str | None:
        """Have pods for all requests in green, whose autoscaler is as it is declared."""
        own = {**scaler("green", 1, 4, "api"), "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler"}
        target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "api-green"}
        own["metadata"]["namespace"], own["spec"]["scaleTargetRef"] = self.namespace, target
        self.api.apply(own, manager=PULUMI)
        settings = {"namespace": self.namespace, "stack": STACK, "service": "api", "autoscale": True}
        return capacity(Backend("pods", settings), SystemClock()).hold("blue", "green", 100)

    def release(self) -> None:
        """Take the work from blue, which has it."""
        self.api.kubectl("scale", "deployment", f"{SERVICE}-blue", "--replicas", "1", "-n", self.namespace)
        self.handover().release("blue")

    def record(self) -> None:
        """Write a rollout of a stack of its own."""
        cluster, stack = Cluster(Reach(None, self.namespace), 10.0), f"stack{next(_numbers)}"
        journal, mailbox = ClusterJournal(cluster, stack), ClusterMailbox(cluster, stack)
        with journal.open(ROUND) as writer:
            for number in range(2):
                writer.append({"n": number})
            writer.renew(3600.0)
        mailbox.post(ROUND, {"verb": "abort"})
        assert ([*journal.rollouts()], [*journal.records(ROUND)]) == ([ROUND], [{"n": 0}, {"n": 1}])
        assert [*mailbox.requests(ROUND)] == [{"verb": "abort"}]

    def errand(self) -> None:
        """Have a Job drive, which finds no image."""
        contract = Contract(f"stack{next(_numbers)}", "kubernetes", "blue", "once", (), {}, {}, {})
        settings = {"namespace": self.namespace, "image": "localhost/none:1", "account": "crossfade-driver"}
        Errand(contract, Backend("job", settings), ROUND).begin()

    def post(self) -> None:
        """Leave a request whose name somebody else's ConfigMap has."""
        stack = f"stack{next(_numbers)}"
        self.api.kubectl("create", "configmap", f"crossfade-{stack}-{ROUND}-request-1", "-n", self.namespace)
        ClusterMailbox(Cluster(Reach(None, self.namespace), 10.0), stack).post(ROUND, {"verb": "abort"})


@pytest.fixture(name="stage", scope="module")
def _stage(kube_controlled: Api) -> Iterator[Stage]:
    """One that the tests of this file share; the kubeconfig in force is an administrator's until a test is somebody else."""
    with opened(kube_controlled, "rights") as shop:
        made = Stage(shop)
        applied(kube_controlled, "rights")
        yield made


@pytest.fixture(name="become")
def _become(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, list[Right]], None]:
    """Be another user from now on, once the server knows that of a rollout's rights exactly these are lacking."""

    def become(kubeconfig: Path, lacking: list[Right]) -> None:
        monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
        with door_of(None, 10.0) as door:
            known = lambda: missing_rights(door, stage.namespace) == lacking  # noqa: E731 - it is waited for
            wait_for(known, "the roles are known", limit=LIMIT, pause=0.05)

    return become


def told(act: Callable[[], object]) -> str:
    """What is said of it, by an error or else."""
    try:
        return str(act())
    except CrossfadeError as error:
        return str(error)


# Who drives


def test_the_role_is_enough_for_a_rollout(stage: Stage, become: Callable[[Path, list[Right]], None]) -> None:
    """A member of the group of the example writes weights, looks, reads logs and warnings, hands over and keeps a journal."""
    become(stage.api.user("operator", "trading-operators"), [])
    router = stage.shop.router()
    router.write(shares(90))
    stage.record()
    stage.post()
    stage.errand()
    stage.release()

    assert router.read() == shares(90)
    assert stage.look("api").startswith("0 of 1 pods are ready: api-green-")
    assert stage.look("api").endswith("it said nothing"), "its log was read"
    assert WARNING in stage.look("web")
    assert "see `kubernetes.identity`" in stage.ask()
    assert stage.handover().holder() is None
    with ThreadPoolExecutor(1) as driver:
        holds = driver.submit(stage.handover().hold, "green")
        stage.say(stage.pod(f"{SERVICE}-green"), "PodScheduled", "Ready")
        holds.result(timeout=LIMIT)
    assert stage.handover().holder() == "green"
    stage.handover().release("green")


ACTS: Mapping[tuple[str, str], Callable[[Stage], object]] = {
    ("httproutes", "get"): lambda stage: stage.shop.router().read(),
    ("httproutes", "patch"): lambda stage: stage.shop.router().write(shares(stage.shop.weights[1] // 2)),
    ("deployments", "list"): lambda stage: stage.look("web"),
    ("deployments", "patch"): Stage.release,
    ("horizontalpodautoscalers", "list"): lambda stage: stage.hold(),
    ("horizontalpodautoscalers", "patch"): lambda stage: stage.hold(),
    ("replicasets", "list"): lambda stage: stage.handover().holder(),
    ("pods", "list"): lambda stage: stage.look("web"),
    ("pods/log", "get"): lambda stage: stage.look("api"),
    ("pods/proxy", "get"): Stage.ask,
    ("jobs", "create"): Stage.errand,
    ("configmaps", "get"): Stage.post,
    ("configmaps", "list"): Stage.record,
    ("configmaps", "create"): Stage.record,
    ("configmaps", "patch"): Stage.record,
    ("leases", "get"): Stage.record,
    ("leases", "create"): Stage.record,
    ("leases", "patch"): Stage.record,
}
"""What fails without a right."""
SILENT = ("", "events", "list")
"""The right without which less is said, and nothing fails."""


@pytest.mark.parametrize("right", [each for each in rights(ROLLOUT) if each != SILENT], ids=" ".join)
def test_no_right_is_too_many(stage: Stage, become: Callable[[Path, list[Right]], None], right: Right) -> None:
    """Without one right of the role there is something that fails, and what is said names verb and resource."""
    _, resource, verb = right
    user = f"lacks-{verb}-{resource.replace('/', '-')}"
    given_but(stage.api, stage.namespace, ROLLOUT, user, right)
    become(stage.api.user(user), [right])

    assert f'cannot {verb} resource "{resource}"' in told(lambda: ACTS[resource, verb](stage))


def test_without_events_less_is_said(stage: Stage, become: Callable[[Path, list[Right]], None]) -> None:
    """Without the right to list events the probe says what it knows, and not what a kubelet or the scheduler warned of."""
    given_but(stage.api, stage.namespace, ROLLOUT, "lacks-events", SILENT)
    become(stage.api.user("lacks-events"), [SILENT])

    assert stage.look("web").startswith("0 of 1 pods are ready: web-green-")
    assert WARNING not in stage.look("web")


def test_other_namespaces_stay_closed(stage: Stage, become: Callable[[Path, list[Right]], None]) -> None:
    """In a namespace beside the stack's who may drive may nothing; in the stack's, nothing that no rollout needs."""
    user = stage.api.user("operator", "trading-operators")
    become(user, [])
    beside = Shop(stage.api, "rights-beside")
    beside.make()
    with door_of(None, 10.0) as door:
        assert missing_rights(door, "rights-beside") == rights(ROLLOUT)
    with pytest.raises(RouterError, match=r'cannot get resource "httproutes".* in the namespace "rights-beside"'):
        beside.router().read()
    needless = [("get", "secrets"), ("delete", "pods"), ("create", "pods/exec"), ("create", "deployments"), ("delete", "leases")]
    for verb, what in needless:
        done = stage.api.kubectl("auth", "can-i", verb, what, "-n", stage.namespace, check=False, kubeconfig=user)
        assert (done.returncode, done.stdout) == (1, "no\n"), (verb, what)


def test_the_doctor_asks_for_the_role() -> None:
    """The rights that a doctor looks for are those of the manifest."""
    assert rules(ROLLOUT) == RIGHTS


# Who declares


def test_what_is_declared_is_what_the_role_has() -> None:
    """The role has the verbs that the target asks for before it declares anything, for the same kinds, and no others."""
    kinds = [things.DEPLOYMENTS, things.SERVICES, things.CONFIGS, things.BUDGETS, things.ROUTES, things.SCALERS]

    assert {kind: {*verbs} for kind, verbs in rules(DECLARE).items()} == {
        (each.group, each.plural): {*VERBS, "list"} for each in kinds
    }
    assert rules(GATEWAY) == {(things.GATEWAYS.group, things.GATEWAYS.plural): ("get",)}


def test_the_role_is_enough_to_declare(kube_controlled: Api, namespace: str) -> None:
    """Whoever may declare, and look at the Gateway where it is, finds no fault of rights, brings a stack up and destroys it."""
    doors = kube_controlled.namespace(f"{namespace}-doors")
    gateway(kube_controlled, doors, "public", "All")
    with in_cluster(kube_controlled, namespace) as made:
        applied(kube_controlled, namespace)
        user = f"declares-{namespace}"
        made.environment["KUBECONFIG"] = str(kube_controlled.user(user))
        made.settings["kubernetes"] |= {"gateway": f"{doors}/public"}
        made.settings["services"]["api"] |= {"autoscale": {"max": 3}}
        made.save()
        refused = made.up(check=False)
        bound(kube_controlled, namespace, DECLARE, user)
        half = made.up(check=False)
        bound(kube_controlled, doors, GATEWAY, user, kind="clusterrole")
        made.up()

        assert f"we lack rights in namespace {namespace}" in refused.stdout + refused.stderr
        assert f"the Gateway {doors}/public cannot be looked at" in half.stdout + half.stderr
        assert len(made.names()) == 12
        made.pulumi("destroy", "--yes", "--skip-preview")
        wait_for(lambda: made.names() == [], "everything is gone", limit=LIMIT)
