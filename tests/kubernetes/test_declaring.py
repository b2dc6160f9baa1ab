"""A stack in a cluster, by the real Pulumi and its real provider against a real API server. Controllers run; pods do not."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from kube_api import Api
from machine import wait_for
from workshop import PLAN, Workshop, pulumi_folder, workshop

from tests.infra.kubernetes.registered import VALUES
from tests.kubernetes.test_ground import grant

KINDS = "deployment,service,poddisruptionbudget,httproute,configmap,horizontalpodautoscaler"
OPEN = [{"op": "add", "path": "/spec/listeners/0/allowedRoutes", "value": {"namespaces": {"from": "All"}}}]
"""What lets routes of every namespace come to a Gateway."""
ROUTER = "crossfade"
"""The field manager of whoever moves traffic."""


class ClusterWorkshop(Workshop):
    """A project whose stack lives in a namespace of a cluster."""

    api: Api
    namespace: str

    def get(self, kind: str, name: str) -> Mapping[str, Any]:
        """A thing of the stack's, as the server has it."""
        return self.api.get(kind, name, "-n", self.namespace)

    def names(self) -> list[str]:
        """Everything that the stack has, by kind and name."""
        chosen = ("-l", "crossfade/stack=staging", "-o", "name", "-n", self.namespace)
        return sorted(self.api.kubectl("get", KINDS, *chosen).stdout.split())

    def weights(self, service: str = "api") -> dict[str, int]:
        """What the route says."""
        (rule,) = self.get("httproute", service)["spec"]["rules"]
        return {each["name"].rpartition("-")[2]: each["weight"] for each in rule["backendRefs"]}

    def shift(self, green: int) -> None:
        """Move traffic as the router does: the whole list of rules as it was read, under its own name, with other weights."""
        rules = self.get("httproute", "api")["spec"]["rules"]
        for each in rules[0]["backendRefs"]:
            each["weight"] = green if each["name"] == "api-green" else 100 - green
        self._own("HTTPRoute", "gateway.networking.k8s.io/v1", "api", {"rules": rules})

    def hand_over(self, wanted: str) -> None:
        """Let the singleton work on that slot alone, as whoever hands it over does."""
        for slot, count in sorted(
            {"blue": int(wanted == "blue"), "green": int(wanted == "green")}.items(), key=lambda each: each[1]
        ):
            self._own("Deployment", "apps/v1", f"agent-{slot}", {"replicas": count})

    def counts(self, service: str) -> dict[str, int]:
        """Pods that each slot is to have."""
        return {slot: self.get("deployment", f"{service}-{slot}")["spec"]["replicas"] for slot in ("blue", "green")}

    def versions(self) -> Mapping[str, str]:
        """The resourceVersion of everything, without what its status changes: generation and labels and annotations."""
        chosen = ("-l", "crossfade/stack=staging", "-n", self.namespace)
        found = self.api.get(KINDS, *chosen)["items"]
        kept = ("generation", "labels", "annotations", "uid")
        return {
            f"{each['kind']}/{each['metadata']['name']}": json.dumps(
                {**{key: each["metadata"].get(key) for key in kept}, "spec": each.get("spec"), "data": each.get("data")}
            )
            for each in found
        }

    def changes(self, *words: str) -> Mapping[str, int]:
        """What an `up` did: how many resources, by act; those that stayed are left out."""
        said = [json.loads(line) for line in self.pulumi("up", "--yes", "--skip-preview", "--json", *words).stdout.splitlines()]
        (summary,) = [each["summaryEvent"] for each in said if "summaryEvent" in each]
        return {act: count for act, count in summary["resourceChanges"].items() if act != "same"}

    def _own(self, kind: str, version: str, name: str, spec: Mapping[str, Any]) -> None:
        document = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": self.namespace}, "spec": spec}
        words = ("apply", "--server-side", "--force-conflicts", "--field-manager", ROUTER, "-f", "-")
        self.api.kubectl(*words, stdin=json.dumps(document))


@contextmanager
def in_cluster(api: Api, namespace: str) -> Iterator[ClusterWorkshop]:
    """A project that is not up yet, for a namespace of its own, whose pods may do as little as Kubernetes knows to say."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")
    strict = {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": strict})
    listener = {"name": "web", "port": 80, "protocol": "HTTP"}
    spec = {"gatewayClassName": "tests", "listeners": [listener]}
    named = {"name": "public", "namespace": namespace}
    api.apply({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway", "metadata": named, "spec": spec})
    place = {**VALUES["kubernetes"], "namespace": namespace, "gateway": "public"}
    with workshop(ClusterWorkshop, {**VALUES, "kubernetes": place}, plan={**PLAN, "traffic": {}}) as made:
        assert isinstance(made, ClusterWorkshop)
        made.api, made.namespace = api, namespace
        made.environment |= {**api.environment, "PATH": f"{api.binaries}:{made.environment['PATH']}"}
        yield made


@pytest.fixture(name="stack", scope="module")
def _stack(kube_controlled: Api) -> Iterator[ClusterWorkshop]:
    """A stack that is up, and that the tests of this file share."""
    with in_cluster(kube_controlled, "declared") as made:
        made.up()
        yield made


def test_up_makes_everything(stack: ClusterWorkshop) -> None:
    """The server takes every field as it was declared, and Deployments make pods."""
    assert stack.names() == [
        "configmap/crossfade-staging",
        "deployment.apps/agent-blue",
        "deployment.apps/agent-green",
        "deployment.apps/api-blue",
        "deployment.apps/api-green",
        "httproute.gateway.networking.k8s.io/api",
        "poddisruptionbudget.policy/api-blue",
        "poddisruptionbudget.policy/api-green",
        "service/api-blue",
        "service/api-green",
    ]
    assert stack.weights() == {"blue": 100, "green": 0}
    assert (stack.counts("api"), stack.counts("agent")) == ({"blue": 2, "green": 2}, {"blue": 1, "green": 0})
    wait_for(lambda: pods(stack, "api-blue"), "two pods of api on blue", limit=30)


def pods(stack: ClusterWorkshop, name: str) -> bool:
    """Whether the pods of a Deployment are made, which a security policy or a quota would forbid."""
    return stack.get("deployment", name).get("status", {}).get("replicas") == 2


def test_the_contract_says_when_it_was_born(stack: ClusterWorkshop) -> None:
    """The time and the identity of its first thing are the server's own, and no other stack has them."""
    metadata = stack.get("configmap", "crossfade-staging")["metadata"]
    contract = stack.contract()

    assert contract["born"] == f"{metadata['creationTimestamp']}-{metadata['uid'][:8]}"
    assert (contract["target"], contract["start"]) == ("kubernetes", "blue")


def test_a_second_up_changes_nothing(stack: ClusterWorkshop) -> None:
    """Declared again, nothing is written."""
    before = stack.versions()

    assert stack.changes() == {}
    assert stack.versions() == before


def test_weights_are_never_pulumis(stack: ClusterWorkshop) -> None:
    """Whatever the router wrote is there after an `up`, a refresh, and an `up` that changes the route beside its rules."""
    stack.shift(40)
    first = stack.changes()
    stack.pulumi("refresh", "--yes", "--skip-preview")
    second = stack.changes()
    stack.settings["services"]["api"]["hosts"] = ["api.example.com"]
    stack.save()
    third = stack.changes()

    assert (first, second, third) == ({}, {}, {"update": 1})
    assert stack.get("httproute", "api")["spec"]["hostnames"] == ["api.example.com"]
    assert stack.weights() == {"blue": 60, "green": 40}
    managers = {each["manager"] for each in owners(stack.get("httproute", "api"))}
    assert managers == {ROUTER}
    stack.shift(0)


def owners(route: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Who owns the rules of a route."""
    return [each for each in route["metadata"]["managedFields"] if "f:rules" in each["fieldsV1"].get("f:spec", {})]


def test_work_is_never_handed_over_by_pulumi(stack: ClusterWorkshop) -> None:
    """A singleton that works on green goes on there after an `up` and after a refresh."""
    stack.hand_over("green")
    first = stack.changes()
    stack.pulumi("refresh", "--yes", "--skip-preview")

    assert (first, stack.changes()) == ({}, {})
    assert stack.counts("agent") == {"blue": 0, "green": 1}
    stack.hand_over("blue")


def test_new_content_goes_to_the_idle_slot(stack: ClusterWorkshop) -> None:
    """An edit of the idle slot changes its pods and nothing of the live one's, nor any weight."""
    before = stack.versions()
    stack.slot("green", LEVEL="debug")
    stack.up()
    after = stack.versions()

    assert {name for name in after if after[name] != before[name]} == {"Deployment/agent-green", "Deployment/api-green"}
    assert (stack.weights(), stack.counts("agent")) == ({"blue": 100, "green": 0}, {"blue": 1, "green": 0})


def test_what_has_traffic_is_refused(stack: ClusterWorkshop) -> None:
    """An edit that would change the live slot is refused before anything is declared; more pods are allowed."""
    before = stack.versions()
    stack.slot("blue", LEVEL="debug")
    done = stack.up(check=False)

    assert done.returncode != 0
    assert "slot blue has traffic, and this would change env of agent, api there" in done.stdout + done.stderr
    assert stack.versions() == before
    del stack.settings["slots"]["blue"]["env"]
    stack.settings["services"]["api"]["replicas"] = 3
    stack.save()
    assert stack.changes() == {"update": 2}
    assert stack.counts("api") == {"blue": 3, "green": 3}
    # The pods that there are stay: the server made no other version of them.
    notes = stack.get("deployment", "api-blue")["metadata"]["annotations"]
    assert notes["deployment.kubernetes.io/revision"] == "1"


def test_a_stack_does_not_move(stack: ClusterWorkshop) -> None:
    """Settings that name another namespace are refused in words, and everything stays where users reach it."""
    before = stack.versions()
    place = stack.settings["kubernetes"]
    gateway = f"{stack.namespace}/public"
    stack.api.namespace("elsewhere")
    stack.api.kubectl("patch", "gateway", "public", "-n", stack.namespace, "--type", "json", "-p", json.dumps(OPEN))
    stack.settings["kubernetes"] = {**place, "namespace": "elsewhere", "gateway": gateway}
    stack.save()
    done = stack.up(check=False)
    stack.settings["kubernetes"] = place
    stack.save()

    assert done.returncode != 0
    assert "the stack lives in namespace declared, and the settings say elsewhere" in done.stdout + done.stderr
    assert stack.versions() == before
    assert stack.changes() == {}


def test_a_cluster_that_is_away_is_told(stack: ClusterWorkshop) -> None:
    """Nobody answers: that is told in words, and nothing is declared."""
    with stack.api.away():
        done = stack.up(check=False)

    assert done.returncode != 0
    assert "error: the cluster does not answer" in done.stdout + done.stderr
    assert stack.changes() == {}


def test_a_stack_comes_and_goes_and_leaves_nothing(kube_controlled: Api) -> None:
    """Whoever may do what is asked for, and no more, can look at it first, make it, and destroy it; others' things stay."""
    with in_cluster(kube_controlled, "destroyed") as made:
        grant(kube_controlled, "destroyed", "builder")
        made.environment["KUBECONFIG"] = str(kube_controlled.user("builder"))
        made.pulumi("preview")
        nothing = made.names()
        made.up()
        assert (nothing, len(made.names())) == ([], 10)
        made.shift(10)
        made.pulumi("destroy", "--yes", "--skip-preview")

        wait_for(lambda: made.names() == [], "everything is gone", limit=30)
        assert kube_controlled.get("gateway", "public", "-n", "destroyed")["metadata"]["name"] == "public"
