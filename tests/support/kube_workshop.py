"""A project whose stack lives in a namespace of a node: the settings of ``Pulumi.prod.yaml``, moved there."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from kube_gateway import Gateway
from kube_node import Node
from kube_trading import NAME
from workshop import PLAN, STACK, Workshop, settings_of, workshop

KINDS = "deployments,services,poddisruptionbudgets,httproutes,configmaps,replicasets,pods,endpointslices,leases"
BRISK: Mapping[str, Any] = {**PLAN, "traffic": {"api": PLAN["traffic"]["api"]}}
"""The short plan, where there is no dashboard."""


RECORDS = f"crossfade-{STACK}"
"""The name of the lease, and how those of what a journal has begin. They outlive the stack: what happened is not undone."""


class KubeWorkshop(Workshop):
    """The folder, the two programs that a person types, and the cluster."""

    node: Node
    gateway: Gateway
    namespace: str

    def front(self, service: str, path: str = "/") -> str:
        """The address that users have: every service that they use is behind the one listener."""
        assert service == "api"
        return f"{self.gateway.urls['web']}{path}"

    def records(self, ago: int = 0) -> list[Mapping[str, Any]]:
        """What the last rollout's journal says, which is in the cluster."""
        assert ago == 0
        return list(self.report()["events"])

    def get(self, kind: str, name: str) -> Mapping[str, Any]:
        """A thing of the stack's, as the server has it."""
        return self.node.api.get(kind, name, "-n", self.namespace)

    def names(self) -> list[str]:
        """Everything that the namespace has, by kind and name, but for what every namespace has."""
        found = self.node.api.kubectl("get", KINDS, "-n", self.namespace, "-o", "name").stdout.split()
        kept = {f"lease.coordination.k8s.io/{RECORDS}", "configmap/kube-root-ca.crt"}
        return sorted(each for each in found if each not in kept and not each.startswith(f"configmap/{RECORDS}-"))

    def pods(self) -> Mapping[str, str]:
        """The identity of each pod that is there, by name."""
        found = self.node.api.get("pods", "-n", self.namespace)["items"]
        return {each["metadata"]["name"]: each["metadata"]["uid"] for each in found}

    def versions(self) -> set[str]:
        """The runtimes of the API that answer twenty users; none where one of them gets no good answer."""
        try:
            return {(self.ask("api", "/prices")[1] or "none").partition("-")[0] for _ in range(20)}
        except OSError:
            return set()

    def ready(self) -> bool:
        """Whether each Deployment has what it wants."""
        found = self.node.api.get("deployments", "-n", self.namespace)["items"]
        return all(each["spec"]["replicas"] == each["status"].get("readyReplicas", 0) for each in found)

    def written(self) -> dict[str, int]:
        """The weights in the route, as the API server has them."""
        (rule,) = self.get("httproute", "api")["spec"]["rules"]
        return {each["name"].rpartition("-")[2]: each["weight"] for each in rule["backendRefs"]}

    def replicas(self) -> dict[str, int]:
        """Of the singleton, by slot."""
        return {slot: self.get("deployment", f"agent-{slot}")["spec"]["replicas"] for slot in ("blue", "green")}

    def changes(self, *words: str) -> Mapping[str, int]:
        """What an ``up`` did: how many resources, by act; those that stayed are left out."""
        said = [json.loads(line) for line in self.pulumi("up", "--yes", "--skip-preview", "--json", *words).stdout.splitlines()]
        (summary,) = [each["summaryEvent"] for each in said if "summaryEvent" in each]
        return {act: count for act, count in summary["resourceChanges"].items() if act != "same"}


def patient(project: KubeWorkshop) -> None:
    """A slow answer on a busy machine must not take a pod out of service: where both go, the gateway has nobody to ask."""
    project.settings["services"]["api"]["health"] = [{"http": {"path": "/health/", "every": "2s", "timeout": "5s"}}]


@contextmanager
def kube_workshop(
    node: Node,
    gateway: Gateway,
    namespace: str,
    plan: Mapping[str, Any] = BRISK,
    prepare: Callable[[KubeWorkshop], None] = lambda _: None,
) -> Iterator[KubeWorkshop]:
    """A project that is not up yet, in a namespace whose pods may do as little as Kubernetes knows to say."""
    strict = {"name": namespace, "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}
    node.api.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": strict})
    with workshop(KubeWorkshop, _settings(gateway, namespace), plan=plan) as made:
        assert isinstance(made, KubeWorkshop)
        made.node, made.gateway, made.namespace = node, gateway, namespace
        made.environment |= {**node.api.environment, "PATH": f"{node.api.binaries}:{made.environment['PATH']}"}
        prepare(made)
        made.save()
        yield made


def _settings(gateway: Gateway, namespace: str) -> Mapping[str, Any]:
    """The settings of production, in another namespace, behind another gateway, and with images that are there."""
    found = json.loads(json.dumps(settings_of("prod")).replace("exchange.trading.svc:", f"exchange.{namespace}.svc:"))
    for key in ("hosts", "autoscale", "cpus"):
        del found["services"]["api"][key]
    for each in (*found["services"].values(), *found["companions"].values()):
        each["image"] = NAME
    found["services"]["api"] |= {"replicas": 2, "url": gateway.urls["web"]}
    place = {"namespace": namespace, "gateway": f"{gateway.namespace}/{gateway.name}"}
    return {**found, "kubernetes": {**place, "metrics": {"kind": "traefik", "url": gateway.metrics}}}
