"""A service that a folder of YAML describes already, on a real node: taken as it is, promoted, and gone again with the stack."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from kube_gateway import Gateway
from kube_node import Node
from kube_workshop import KubeWorkshop, kube_workshop
from machine import wait_for
from scenes import PATIENT, unserved, users
from workshop import pulumi_folder, said

pytestmark = [pytest.mark.engine, pytest.mark.processes, pytest.mark.load, pytest.mark.timeout(600)]

PLAN: Mapping[str, Any] = {**PATIENT, "steps": [50, 100], "traffic": {"api": {"rate": 40, "path": "/prices"}}}
READY = 120.0
FOLDER = "deploy/api"
FOLDERS = ("data", "tmp")
"""Where a pod writes."""
LABELS = {"app": "prices", "team": "trading"}


def _told(name: str, label: str) -> Mapping[str, Any]:
    """A variable that is a label of its pod."""
    return {"name": name, "valueFrom": {"fieldRef": {"fieldPath": f"metadata.labels['{label}']"}}}


def _deployment(port: int) -> Mapping[str, Any]:
    """The API, as a team that never heard of slots writes it."""
    container = {
        "name": "api",
        "image": "localhost/trading:none",
        "args": ["python", "-m", "trading.api"],
        "ports": [{"name": "web", "containerPort": port}],
        "env": [
            _told("CROSSFADE_VERSION", "app.kubernetes.io/version"),
            _told("CROSSFADE_SLOT", "crossfade/slot"),
            {"name": "HOST", "value": "0.0.0.0"},  # noqa: S104 - a pod's own
            {"name": "PORT", "value": str(port)},
            {"name": "CROSSFADE_DATA", "value": "/data"},
        ],
        "envFrom": [{"configMapRef": {"name": "prices"}}],
        "readinessProbe": {"httpGet": {"path": "/health/", "port": "web"}, "periodSeconds": 2, "timeoutSeconds": 5},
        "volumeMounts": [{"name": name, "mountPath": f"/{name}"} for name in FOLDERS],
        "lifecycle": {"preStop": {"sleep": {"seconds": 10}}},
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    pod = {
        "terminationGracePeriodSeconds": 30,
        "securityContext": {"runAsNonRoot": True, "runAsUser": 10001, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
        "volumes": [{"name": name, "emptyDir": {}} for name in FOLDERS],
    }
    template = {"metadata": {"labels": LABELS}, "spec": pod}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "prices"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "prices"}, "spec": spec}


def _write(project: KubeWorkshop, *more: Mapping[str, Any], level: str = "INFO") -> None:
    folder = project.folder / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "prices"}, "data": {"LOG_LEVEL": level}}
    (folder / "all.yaml").write_text(
        yaml.safe_dump_all([config, _deployment(project.settings["services"]["api"]["port"]), *more]), encoding="utf-8"
    )


@pytest.fixture(name="project", scope="module")
def _project(kube_trading: Node, kube_gateway: Gateway) -> Iterator[KubeWorkshop]:
    """The trading system, whose API is a folder of YAML."""
    if pulumi_folder() is None:
        pytest.skip("needs a Pulumi: make setup, then . ./activate")

    def prepare(made: KubeWorkshop) -> None:
        api = made.settings["services"]["api"]
        kept = ("kind", "image", "port", "url", "env")
        made.settings["services"]["api"] = {**{key: api[key] for key in kept}, "manifests": FOLDER}
        _write(made)

    with kube_workshop(kube_trading, kube_gateway, "manifests", PLAN, prepare) as made:
        made.up()
        wait_for(made.ready, "every pod is ready", limit=READY, pause=0.2)
        wait_for(lambda: made.versions() == {"py39"}, "the gateway leads to blue", limit=READY, pause=0.2)
        yield made


def test_it_is_there_as_it_is_written(project: KubeWorkshop) -> None:
    """Both slots have the pods of the folder, with their own labels and the folder's; what is beside is there once."""
    blue, green = (project.get("deployment", f"api-{slot}")["spec"]["template"] for slot in ("blue", "green"))
    container = blue["spec"]["containers"][0]

    assert {*LABELS.items()} <= {*blue["metadata"]["labels"].items()} & {*green["metadata"]["labels"].items()}
    assert (container["image"], container["ports"][0]["name"]) == ("localhost/trading:py39", "web")
    assert project.get("configmap", "prices")["data"] == {"LOG_LEVEL": "INFO"}
    assert project.changes() == {}


def test_it_is_promoted(project: KubeWorkshop) -> None:
    """From 3.9 to 3.12 under load nobody loses a request, and who answers shows the version that it was placed as."""
    with users(project, {"api": 40.0}) as load:
        project.crossfade("promote")

    assert project.written() == {"blue": 0, "green": 100}
    assert project.versions() == {"py312"}
    assert unserved(load) == {}


def test_what_would_go_past_the_weights_is_refused(project: KubeWorkshop) -> None:
    """A Service that finds the pods of both slots is refused in the folder, and in the namespace; nothing is changed."""
    service = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "prices"}}
    service["spec"] = {"selector": {"app": "prices"}, "ports": [{"port": 80}]}  # type: ignore[assignment]
    _write(project, service)
    folder = project.up(check=False)
    _write(project)
    namespace = {**service, "metadata": {"name": "prices", "namespace": project.namespace}}
    project.node.api.apply(namespace)
    beside = project.up(check=False)
    project.node.api.kubectl("delete", "service", "prices", "-n", project.namespace)

    assert 0 not in {folder.returncode, beside.returncode}
    assert "Service prices cannot be in it" in folder.stdout + folder.stderr, said(folder)
    assert "the Service prices would send requests to api past the weights" in beside.stdout + beside.stderr, said(beside)
    assert project.changes() == {}


def test_it_goes_with_the_stack(project: KubeWorkshop) -> None:
    """What was declared from the folder is removed with all else."""
    project.pulumi("destroy", "--yes", "--skip-preview")
    wait_for(lambda: project.names() == [], "everything is gone", limit=READY, pause=0.2)
