"""A folder of YAML that describes a service already: what becomes of it, and which cannot be taken as they are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from infra.config import Document, FaultsError, validate
from infra.targets.kubernetes.here import here
from infra.targets.kubernetes.layout import Layout
from infra.targets.kubernetes.manifests import ManifestsError, read, selects
from tests.infra.kubernetes.registered import VALUES, declared, seen_of, settings_of

Body = dict[str, Any]
POD: Body = {
    "serviceAccountName": "orders",
    "terminationGracePeriodSeconds": 45,
    "initContainers": [{"name": "schema", "image": "registry.example.com/schema:7"}],
    "containers": [
        {"name": "log", "image": "registry.example.com/log:2"},
        {
            "name": "api",
            "image": "registry.example.com/api:old",
            "env": [
                {"name": "LOG_LEVEL", "value": "warning"},
                {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "t", "key": "k"}}},
            ],
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1.0},
            "lifecycle": None,
        },
    ],
}
LABELS = {"app": "api", "app.kubernetes.io/name": "orders-api"}


def workload(**changes: object) -> Body:
    """A Deployment as teams have it."""
    template = {"metadata": {"labels": LABELS, "annotations": {"prometheus.io/scrape": "true"}}, "spec": POD}
    spec = {"replicas": 3, "selector": {"matchLabels": {"app": "api"}}, "minReadySeconds": 4, "template": template, **changes}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "labels": LABELS}, "spec": spec}


CONFIG: Body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "api-config"}, "data": {"level": "info"}}


def other(kind: str, **spec: object) -> Body:
    """Something beside it."""
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": "api"}, "spec": spec}


def write(project: Path, *bodies: Body, name: str = "all.yaml") -> Path:
    """A folder with these, in one file."""
    folder = project / "deploy"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("---\n" + yaml.safe_dump_all(bodies) + "---\n", encoding="utf-8")
    return folder


def values(**changes: object) -> Mapping[str, Any]:
    """The settings of a service that such a folder describes, and of nothing else."""
    api = {"kind": "http", "image": "registry.example.com/api@sha256:{runtime}", "manifests": "deploy", "port": 8080}
    own = {**api, "url": "https://api.example.com/", "env": {"LOG_LEVEL": "info", "EXTRA": "1"}, **changes}
    return {**VALUES, "services": {"api": {key: each for key, each in own.items() if each is not None}}}


VALUES_TAGGED = {"image": "registry.example.com/api:{runtime}"}


def test_the_pods_are_as_they_are_written(tmp_path: Path) -> None:
    """All of the template is kept but the image of the one container, its labels of a slot, and what the settings add."""
    write(tmp_path, workload(), CONFIG)
    told = declared(tmp_path, values(**VALUES_TAGGED))
    found = told["pods of api on blue"]
    template = found["spec"]["template"]
    log, api = template["spec"]["containers"]
    labels = template["metadata"]["labels"]

    assert (log, template["spec"]["initContainers"]) == (POD["containers"][0], POD["initContainers"])
    assert (template["spec"]["serviceAccountName"], template["spec"]["terminationGracePeriodSeconds"]) == ("orders", 45)
    assert api["image"] == "registry.example.com/api:py39"
    assert api["env"] == [POD["containers"][1]["env"][1], {"name": "EXTRA", "value": "1"}, {"name": "LOG_LEVEL", "value": "info"}]
    assert api["readinessProbe"] == {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}
    assert template["metadata"]["annotations"] == {"prometheus.io/scrape": "true"}
    assert (
        labels.items() >= {**LABELS, "crossfade/slot": "blue", "crossfade/service": "api", "crossfade/stack": "staging"}.items()
    )
    assert labels["app.kubernetes.io/version"] == found["metadata"]["labels"]["app.kubernetes.io/version"]
    assert found["spec"]["selector"]["matchLabels"].items() <= labels.items()
    assert (found["spec"]["replicas"], found["spec"]["minReadySeconds"]) == (3, 4)
    assert found["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_what_is_beside_it_is_declared_once(tmp_path: Path) -> None:
    """Whatever else is in the folder is there once, in the namespace of the stack, under its own name."""
    write(tmp_path, workload(), CONFIG)
    folder = read(tmp_path / "deploy", "api", "trading")
    assert folder.beside("trading") == [{**CONFIG, "metadata": {"name": "api-config", "namespace": "trading"}}]


def test_its_address_leads_to_the_port_by_number(tmp_path: Path) -> None:
    """The name that a container's port has in the folder is not ours to know."""
    write(tmp_path, workload())
    assert declared(tmp_path, values(**VALUES_TAGGED))["address of api on blue"]["spec"]["ports"][0]["targetPort"] == 8080


def test_the_number_of_pods_may_be_the_settings(tmp_path: Path) -> None:
    """A number in the settings counts more than that of the folder."""
    write(tmp_path, workload())
    assert declared(tmp_path, values(**VALUES_TAGGED, replicas=5))["pods of api on green"]["spec"]["replicas"] == 5


def test_a_change_of_the_folder_is_a_release(tmp_path: Path) -> None:
    """Another template is another version, and a slot that has traffic keeps the one that it was placed with."""
    write(tmp_path, workload())
    first = declared(tmp_path, values(**VALUES_TAGGED))
    write(tmp_path, workload(template={"metadata": {"labels": LABELS}, "spec": {**POD, "hostname": "other"}}))
    second = declared(tmp_path, values(**VALUES_TAGGED), seen_of(first))

    assert "hostname" not in second["pods of api on blue"]["spec"]["template"]["spec"]
    assert second["pods of api on green"]["spec"]["template"]["spec"]["hostname"] == "other"
    version = "app.kubernetes.io/version"
    names = [each["pods of api on green"]["metadata"]["labels"][version] for each in (first, second)]
    assert names[0] != names[1]


def test_a_singleton_is_never_two(tmp_path: Path) -> None:
    """However its folder says that it is replaced, one ends before the next begins, in the time that the folder gives it."""
    write(tmp_path, workload(strategy={"type": "RollingUpdate"}))
    found = declared(tmp_path, values(**VALUES_TAGGED, kind="singleton", port=None, url=None))["pods of api on blue"]["spec"]
    assert (found["strategy"], found["replicas"]) == ({"type": "Recreate"}, 1)


SELECTED = {"app": "api"}
REFUSED: Mapping[str, tuple[list[Body], str]] = {
    "no Deployment": ([CONFIG], "which Deployment is it"),
    "two of other names": ([{**workload(), "metadata": {"name": name}} for name in ("a", "b")], "which Deployment is it"),
    "no containers": ([workload(template={"spec": {"containers": []}})], "Deployment api has no containers"),
    "no template": ([workload(template=None)], "it is no object of a cluster"),
    "a container without a name": ([workload(template={"spec": {"containers": [{}]}})], "it is no object of a cluster"),
    "a number that is none": ([workload(replicas="two")], "it is no object of a cluster"),
    "labels that are none": ([workload(template={"metadata": ["a"], "spec": POD})], "it is no object of a cluster"),
    "a Service of both slots": (
        [workload(), other("Service", selector=SELECTED)],
        "Service api cannot be in it.*past the weights",
    ),
    "a second budget": (
        [workload(), other("PodDisruptionBudget", selector={"matchLabels": SELECTED})],
        "PodDisruptionBudget api cannot be in it",
    ),
    "an autoscaler of none": (
        [workload(), other("HorizontalPodAutoscaler", scaleTargetRef={"kind": "Deployment", "name": "api"})],
        "HorizontalPodAutoscaler api cannot be in it",
    ),
    "what is the cluster's": ([workload(), other("ClusterRole")], "ClusterRole api cannot be in it"),
    "another namespace": (
        [workload(), {**CONFIG, "metadata": {"name": "c", "namespace": "shop"}}],
        "ConfigMap c cannot be in it",
    ),
    "no object": ([workload(), {"a": 1}], "it is no object of a cluster"),
    "a kustomization": ([workload(), {"kind": "Kustomization", "metadata": {"name": "k"}}], "it is to be built first"),
}


@pytest.mark.parametrize(("bodies", "why"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_taken_is_named(tmp_path: Path, bodies: list[Body], why: str) -> None:
    """Whatever would go past the weights, or is not of the namespace, is refused by its kind, its name and its file."""
    folder = write(tmp_path, *bodies)
    with pytest.raises(ManifestsError, match=f"(?s){why}") as caught:
        read(folder, "api", "trading")
    assert caught.value.file.startswith(str(folder))
    assert caught.value.hint


@pytest.mark.parametrize("text", ["a: [", "\tb", "- 1\n", "\0"])
def test_what_is_no_yaml_is_named(tmp_path: Path, text: str) -> None:
    """A file that cannot be read is named, and why."""
    folder = write(tmp_path, workload())
    (folder / "broken.yml").write_text(text, encoding="utf-8")
    with pytest.raises(ManifestsError, match=r"broken\.yml"):
        read(folder, "api", "trading")


def test_faults_are_at_the_setting(tmp_path: Path) -> None:
    """Before anything is declared, what is wrong with a folder is a fault of the setting; so is a pod that nobody sees ready."""
    project, layout = tmp_path, Layout("staging", "trading", None, "gateways/public")
    given = values(**VALUES_TAGGED)

    def faults() -> list[str]:
        document = Document("Pulumi.staging.yaml", given)
        return [each.what for each in here(project, layout, settings_of(given), document)]

    assert faults() == ["there is no YAML"]
    write(project, workload())
    assert faults() == []
    silent = {**POD, "containers": [{"name": "api", "image": "a"}]}
    write(project, workload(template={"metadata": {"labels": LABELS}, "spec": silent}))
    assert faults() == ["nobody sees when api is ready"]
    other = {**POD["containers"][1], "ports": [{"containerPort": 9000}]}
    write(project, workload(template={"metadata": {"labels": LABELS}, "spec": {**POD, "containers": [other]}}))
    assert faults() == ["api does not listen on 8080"]


@pytest.mark.parametrize(("key", "value"), {"command": "serve", "memory": "1g", "cpus": 1, "health": [{"http": "/"}]}.items())
def test_what_the_folder_says_is_not_said_twice(key: str, value: object) -> None:
    """A setting that the folder has already is refused, since nobody could say which of them counts."""
    document = Document("Pulumi.staging.yaml", values(**{key: value}))
    with pytest.raises(FaultsError, match=f"api has no use for {key}"):
        validate(document)


def test_a_selector_finds_by_all_of_its_labels() -> None:
    """One label that another pod has is enough not to be found; without a selector nothing is."""
    assert selects({"app": "api"}, LABELS)
    assert not selects({"app": "api", "tier": "web"}, LABELS)
    assert not selects({}, LABELS)
    assert not selects(None, LABELS)
