"""What a cluster cannot give, by the word of a real API server: told before anything is declared."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kube_api import Api

from infra.config import Document
from infra.targets.kubernetes import Kubernetes
from infra.targets.target import Site
from tests.infra.kubernetes.registered import STACK, VALUES, settings_of

GATEWAY = "gateway.networking.k8s.io/v1"


@pytest.fixture(name="values")
def _values(kube_api: Api, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    """Settings for a namespace of the test's own, with a Gateway in it that takes its routes."""
    monkeypatch.setenv("KUBECONFIG", str(kube_api.kubeconfig))
    kube_api.namespace(namespace)
    gateway(kube_api, namespace)
    return placed(namespace)


def gateway(api: Api, namespace: str, name: str = "own", routes: str = "Same") -> None:
    """Make a Gateway with one listener, ``web``."""
    listener = {"name": "web", "port": 80, "protocol": "HTTP", "allowedRoutes": {"namespaces": {"from": routes}}}
    spec = {"gatewayClassName": "tests", "listeners": [listener]}
    api.apply({"apiVersion": GATEWAY, "kind": "Gateway", "metadata": {"name": name, "namespace": namespace}, "spec": spec})


def placed(namespace: str, door: str = "own", **change: object) -> Mapping[str, Any]:
    """The settings in a namespace, behind this Gateway."""
    return {**VALUES, "kubernetes": {**VALUES["kubernetes"], "namespace": namespace, "gateway": door, **change}}


def faults(values: Mapping[str, Any], project: Path, stack: str = STACK) -> list[tuple[str, str]]:
    """What is wrong, and why."""
    found = Kubernetes(Site(stack, project)).faults(settings_of(values), Document(f"Pulumi.{STACK}.yaml", values))
    return [(each.what, each.cause) for each in found]


def test_a_namespace_with_a_gateway_will_do(values: Mapping[str, Any], tmp_path: Path) -> None:
    """Where everything is there nothing is said."""
    assert faults(values, tmp_path) == []


def test_a_namespace_is_not_made(values: Mapping[str, Any], tmp_path: Path) -> None:
    """One that is not there is told, by its name."""
    missing = placed("nowhere")

    assert values
    assert [what for what, _ in faults(missing, tmp_path)] == ["there is no namespace nowhere"]


def test_a_context_that_nobody_knows(values: Mapping[str, Any], namespace: str, tmp_path: Path) -> None:
    """The contexts that there are are named."""
    ((what, cause),) = faults(placed(namespace, context="elsewhere"), tmp_path)

    assert values
    assert what == "the kubeconfig leads to no cluster"
    assert cause.startswith("there is no context elsewhere; known are ")


def test_no_kubeconfig(values: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is not there is named, and nothing is guessed in its place."""
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "nothing"))

    assert faults(values, tmp_path) == [("the kubeconfig leads to no cluster", f"there is no file {tmp_path}/nothing")]


def test_a_cluster_that_is_away(
    kube_api: Api, values: Mapping[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody listens where the kubeconfig says: that is told in words, and nothing is taken for missing."""
    known = yaml.safe_load(kube_api.kubeconfig.read_text(encoding="utf-8"))
    known["clusters"][0]["cluster"]["server"] = "https://127.0.0.1:1"
    file = tmp_path / "away"
    file.write_text(yaml.safe_dump(known), encoding="utf-8")
    monkeypatch.setenv("KUBECONFIG", str(file))
    ((what, cause),) = faults(values, tmp_path)

    assert what == "the cluster does not answer"
    assert "Connection refused" in cause


def test_who_has_no_right_is_told_which(
    kube_api: Api, values: Mapping[str, Any], tmp_path: Path, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every right that is lacking is named before Pulumi meets it half way; one who has them all needs no others."""
    monkeypatch.setenv("KUBECONFIG", str(kube_api.user("builder")))
    ((what, cause),) = faults(values, tmp_path)
    grant(kube_api, namespace, "builder")

    assert what == f"we lack rights in namespace {namespace}"
    assert "get, create, patch, delete, list deployments.apps" in cause
    assert "get, create, patch, delete, list httproutes.gateway.networking.k8s.io" in cause
    assert "get, create, patch, delete, list configmaps" in cause
    assert faults(values, tmp_path) == []


def grant(api: Api, namespace: str, user: str) -> None:
    """Give a user what declaring a stack takes, and nothing else."""
    verbs = ["get", "list", "create", "patch", "delete"]
    things = {
        "apps": ["deployments"],
        "": ["services", "configmaps"],
        "policy": ["poddisruptionbudgets"],
        "gateway.networking.k8s.io": ["httproutes", "gateways"],
    }
    rules = [{"apiGroups": [group], "resources": each, "verbs": verbs} for group, each in things.items()]
    kind = "rbac.authorization.k8s.io/v1"
    named = {"name": user, "namespace": namespace}
    api.apply(
        {"apiVersion": kind, "kind": "Role", "metadata": named, "rules": rules},
        {
            "apiVersion": kind,
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": user},
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": user}],
        },
    )


def test_a_gateway_that_is_not_there(values: Mapping[str, Any], namespace: str, tmp_path: Path) -> None:
    """It is told by its namespace and name; a listener that it lacks, with those that it has."""
    api = {**values["services"]["api"], "listener": "https"}

    assert [what for what, _ in faults(placed(namespace, "others/public"), tmp_path)] == ["there is no Gateway others/public"]
    assert faults({**values, "services": {"api": api}}, tmp_path) == [
        ("the Gateway own has no listener https", "its listeners are web")
    ]


def test_a_gateway_that_takes_no_routes_from_here(
    kube_api: Api, values: Mapping[str, Any], namespace: str, tmp_path: Path
) -> None:
    """One of another namespace that takes its own routes alone is told; one that takes all will do."""
    other = kube_api.namespace(f"{namespace}-doors")
    gateway(kube_api, other, "closed")
    gateway(kube_api, other, "open", "All")

    assert values
    assert [what for what, _ in faults(placed(namespace, f"{other}/closed"), tmp_path)] == [
        f"the Gateway closed takes no routes from {namespace}"
    ]
    assert faults(placed(namespace, f"{other}/open"), tmp_path) == []


def test_what_is_somebody_elses_is_told(kube_api: Api, values: Mapping[str, Any], namespace: str, tmp_path: Path) -> None:
    """A thing of a name that the stack needs, and that was not made for it, is told by kind and name."""
    mine = {"crossfade/stack": STACK, "app.kubernetes.io/managed-by": "crossfade"}
    for name, labels in (("api-green", {}), ("api-blue", mine), ("another", {})):
        metadata = {"name": name, "namespace": namespace, "labels": labels}
        kube_api.apply({"apiVersion": "v1", "kind": "Service", "metadata": metadata, "spec": {"ports": [{"port": 80}]}})

    assert [what for what, _ in faults(values, tmp_path)] == ["there is a services api-green already"]


def test_a_stack_needs_a_name_that_may_be_one(values: Mapping[str, Any], tmp_path: Path) -> None:
    """A stack whose name can be no label in a cluster is refused by it."""
    assert [what for what, _ in faults(values, tmp_path, "Prod_EU")] == ["a stack in a cluster cannot be Prod_EU"]


def test_what_is_built_needs_something_to_build_from(values: Mapping[str, Any], tmp_path: Path) -> None:
    """Source and lock are asked for where an image is built, and only there."""
    built = {name: each for name, each in values["services"]["api"].items() if name != "image"}
    asked = {**values, "docker": {"registry": "registry.example.com"}, "services": {"api": built}}

    assert [what for what, _ in faults(asked, tmp_path)] == [
        "source is no folder: src",
        "there is no lock for py312",
        "there is no lock for py39",
    ]
